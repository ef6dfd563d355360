/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * froe reboot: ask guests to boot again.
 */
#include "request.h"

static int boot_again(struct call *c)
{
	return request_run(c, "reboot", "Rebooting");
}

const struct cmd cmd_reboot = {
	.name = "reboot",
	.arguments = "-a|DOMAIN...",
	.summary = "Ask guests to boot again",
	.options = request_options,
	.most = -1,
	.run = boot_again,
};
