/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * froe domname: the name of a domain.
 */
#include "output.h"

static const struct column columns[] = { { "", "%s", "name", domain_cell_name }, { 0 } };

static int domname(struct call *c)
{
	struct froe_domain d;

	if (!domain_find(c, c->arg[0], &d))
		return 0;
	c->header = c->header && !output_is_text(c);
	output_begin(c, columns);
	output_row(c, &d);
	return 0;
}

const struct cmd cmd_domname = {
	.name = "domname",
	.arguments = "DOMID",
	.summary = "Print the name of a domain",
	.least = 1,
	.most = 1,
	.run = domname,
};
