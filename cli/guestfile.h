/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The configurations of the guests that run, as they were given: /run/froe/guest/<domid>.cfg.
 */
#pragma once

#include "cmd.h"

/*
 * Read a guest's, with the UUID that the guest has. -1 with an error in the handle. The problems
 * that its file has were told when the guest was created.
 */
int guestfile_load(struct call *c, const struct froe_domain *d, struct froe_config **config);
