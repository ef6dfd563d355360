/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Building a guest in a way that a signal undoes.
 */
#pragma once

#include "cmd.h"

/*
 * 0, or an exit code with what happened reported; 130 if SIGINT, SIGTERM or SIGHUP came meanwhile,
 * with nothing left of the guest.
 */
int build_guest(struct call *c, const struct froe_config *config, const struct froe_create *how,
                uint32_t *id);
