/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * froe vm-list: the guests by their UUIDs.
 */
#include <stdlib.h>
#include "output.h"

static const struct column columns[] = {
	{ "UUID                                  ID    name", "%s", "uuid", domain_cell_uuid },
	{ "", "  %s", "domid", domain_cell_id },
	{ "", "    %-30s", "name", domain_cell_name },
	{ 0 },
};

static int vm_list(struct call *c)
{
	struct froe_domain *all;
	size_t count;

	if (froe_domain_list(c->froe, &all, &count))
		return call_failed(c, NULL);
	output_begin(c, columns);
	for (size_t i = 0; i < count; i++)
		if (all[i].id)
			output_row(c, &all[i]);
	free(all);
	return 0;
}

const struct cmd cmd_vm_list = {
	.name = "vm-list",
	.arguments = "",
	.summary = "List the guests with their UUIDs",
	.run = vm_list,
};
