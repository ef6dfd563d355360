/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * froe shutdown: ask guests to power off.
 */
#include "request.h"

static int shut_down(struct call *c)
{
	return request_run(c, "poweroff", "Shutting down");
}

const struct cmd cmd_shutdown = {
	.name = "shutdown",
	.arguments = "-a|DOMAIN...",
	.summary = "Ask guests to power off",
	.options = request_options,
	.most = -1,
	.run = shut_down,
};
