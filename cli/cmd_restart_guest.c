/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * froe restart-guest: what froed starts when a guest has ended by itself and its on_* action wants
 * it again: the same guest once more, with the same UUID, under a new number.
 */
#include "build.h"
#include "guestfile.h"
#include "output.h"

static int restart_guest(struct call *c)
{
	struct froe_config *config;
	struct froe_domain d;
	uint32_t id;
	int rc;

	if (!domain_find(c, c->arg[0], &d))
		return 0;
	if (!d.id || !(d.flags & FROE_SHUTDOWN))
		return call_refuse(c, FROE_FAIL, c->arg[0], "refused", "froe reboot asks it to end",
		                   "%s: has not ended", domain_name(&d));
	/* The file goes with the domain, so it is read first. */
	if (guestfile_load(c, &d, &config))
		return call_failed_build(c, domain_name(&d));
	rc = build_guest(c, config,
	                 &(struct froe_create){ .instead = d.id, .keep = call_has(c, 'k') }, &id);
	froe_config_free(config);
	return rc;
}

static const struct cmd_option options[] = {
	{ 'k', "keep", NULL, "Give what is left of it another name, and keep it" },
	{ 0 },
};

const struct cmd cmd_restart_guest = {
	.name = "restart-guest",
	.arguments = "DOMID",
	.summary = "Destroy a guest that has ended, and create it again",
	.options = options,
	.least = 1,
	.most = 1,
	.flags = CMD_HIDDEN,
	.run = restart_guest,
};
