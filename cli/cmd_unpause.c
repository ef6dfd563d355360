/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * froe unpause: let a paused guest run.
 */
#include "output.h"

static int act(struct call *c, const struct froe_domain *d)
{
	if (!(d->flags & FROE_PAUSED))
		return call_refuse(c, FROE_EXISTS, domain_name(d), "already", NULL,
		                   "%s: is not paused", domain_name(d));
	return froe_domain_unpause(c->froe, d->id) ? call_failed(c, domain_name(d)) : 0;
}

static int unpause(struct call *c)
{
	return domain_each(c, act);
}

const struct cmd cmd_unpause = {
	.name = "unpause",
	.arguments = "DOMAIN...",
	.summary = "Let paused guests run",
	.least = 1,
	.most = -1,
	.run = unpause,
};
