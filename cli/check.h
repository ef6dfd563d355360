/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Whether this host has what a configuration names.
 */
#pragma once

#include "cmd.h"

/* All that is missing is reported; 0, or the exit code for a refusal. */
int check_host(struct call *c, const struct froe_config *config);
