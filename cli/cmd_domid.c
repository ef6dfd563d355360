/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * froe domid: the number of a domain.
 */
#include "output.h"

static const struct column columns[] = { { "", "%s", "domid", domain_cell_id }, { 0 } };

static int domid(struct call *c)
{
	return domain_print(c, columns);
}

const struct cmd cmd_domid = {
	.name = "domid",
	.arguments = "NAME",
	.summary = "Print the number of a domain",
	.least = 1,
	.most = 1,
	.run = domid,
};
