/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * froe dmesg: the hypervisor's messages.
 */
#include <stdio.h>
#include <stdlib.h>
#include "output.h"

static void get_text(const void *row, struct cell *cell)
{
	cell_string(cell, row);
}

static const struct column columns[] = { { .key = "text", .get = get_text }, { 0 } };

static int dmesg(struct call *c)
{
	size_t size;
	char *text;

	if (froe_host_dmesg(c->froe, call_has(c, 'c'), &text, &size))
		return call_failed(c, NULL);
	if (output_is_text(c)) {
		fwrite(text, 1, size, stdout);
	} else {
		output_begin(c, columns);
		output_row(c, text);
	}
	free(text);
	return 0;
}

static const struct cmd_option options[] = {
	{ 'c', "clear", NULL, "Remove the messages once they are shown" },
	{ 0 },
};

const struct cmd cmd_dmesg = {
	.name = "dmesg",
	.arguments = "",
	.summary = "Show the hypervisor's messages",
	.options = options,
	.run = dmesg,
};
