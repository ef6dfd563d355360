/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * froe pause: stop a guest's vCPUs where they are.
 */
#include "output.h"

static int act(struct call *c, const struct froe_domain *d)
{
	if (!d->id)
		return call_refuse(c, FROE_FAIL, "0", "refused", "shutdown -h ends the machine",
		                   "%s: the control domain cannot stop itself", domain_name(d));
	if (d->flags & FROE_PAUSED)
		return call_refuse(c, FROE_EXISTS, domain_name(d), "already",
		                   "froe unpause lets it run", "%s: is paused already",
		                   domain_name(d));
	return froe_domain_pause(c->froe, d->id) ? call_failed(c, domain_name(d)) : 0;
}

static int pause_all(struct call *c)
{
	return domain_each(c, act);
}

const struct cmd cmd_pause = {
	.name = "pause",
	.arguments = "DOMAIN...",
	.summary = "Stop guests where they are",
	.least = 1,
	.most = -1,
	.run = pause_all,
};
