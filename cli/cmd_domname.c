/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * froe domname: the name of a domain.
 */
#include "output.h"

static const struct column columns[] = { { "", "%s", "name", domain_cell_name }, { 0 } };

static int domname(struct call *c)
{
	return domain_print(c, columns);
}

const struct cmd cmd_domname = {
	.name = "domname",
	.arguments = "DOMID",
	.summary = "Print the name of a domain",
	.least = 1,
	.most = 1,
	.run = domname,
};
