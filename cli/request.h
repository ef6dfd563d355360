/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Asking guests to end: froe shutdown and froe reboot.
 */
#pragma once

#include "cmd.h"

extern const struct cmd_option request_options[];

/* what: "poweroff" or "reboot", of which `doing` is said to people. */
int request_run(struct call *c, const char *what, const char *doing);
