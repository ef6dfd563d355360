/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * froe destroy: end a guest at once, whatever it does.
 */
#include "output.h"

static int act(struct call *c, const struct froe_domain *d)
{
	/* xl does it with -f; here it would be a power failure with another name. */
	if (!d->id)
		return call_refuse(c, FROE_FAIL, "0", "refused",
		                   "poweroff in the control domain ends the machine",
		                   "%s: the control domain cannot be destroyed", domain_name(d));
	if (d->flags & FROE_DYING)
		return call_refuse(c, FROE_EXISTS, domain_name(d), "already", NULL,
		                   "%s: is dying already, until nobody uses its memory",
		                   domain_name(d));
	return froe_domain_destroy(c->froe, d->id) ? call_failed(c, domain_name(d)) : 0;
}

static int destroy(struct call *c)
{
	return domain_each(c, act);
}

static const struct cmd_option options[] = {
	{ 'f', "force", NULL, "Accepted for xl's sake; the control domain stays refused" },
	{ 0 },
};

const struct cmd cmd_destroy = {
	.name = "destroy",
	.arguments = "DOMAIN...",
	.summary = "End guests at once",
	.options = options,
	.least = 1,
	.most = -1,
	.run = destroy,
};
