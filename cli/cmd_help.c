/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * froe help: the verbs, or one of them.
 */
#include <stdio.h>
#include "output.h"

static void get_name(const void *row, struct cell *cell)
{
	cell_string(cell, ((const struct cmd *)row)->name);
}

static void get_arguments(const void *row, struct cell *cell)
{
	cell_string(cell, ((const struct cmd *)row)->arguments);
}

static void get_summary(const void *row, struct cell *cell)
{
	cell_string(cell, ((const struct cmd *)row)->summary);
}

/* Letters and names as they are written, one behind the other. */
static void get_options(const void *row, struct cell *cell)
{
	const struct cmd *cmd = row;
	char *at = cell->room, *end = at + sizeof(cell->room);

	*at = '\0';
	for (const struct cmd_option *o = cmd->options; o && o->help; o++) {
		if (o->letter > ' ')
			at += snprintf(at, (size_t)(end - at), "-%c ", o->letter);
		if (o->name)
			at += snprintf(at, (size_t)(end - at), "--%s ", o->name);
	}
	snprintf(at, (size_t)(end - at), "-h --help");
	cell_string(cell, cell->room);
}

static const struct column columns[] = {
	{ .key = "name", .get = get_name },
	{ .key = "arguments", .get = get_arguments },
	{ .key = "summary", .get = get_summary },
	{ .key = "options", .get = get_options },
	{ 0 },
};

static int help(struct call *c)
{
	const struct cmd *cmd = c->args ? cmd_find(c->arg[0]) : NULL;

	if (c->args && !cmd)
		return call_refuse(c, FROE_USAGE, c->arg[0], "usage", "froe help lists them",
		                   "%s: no such command", c->arg[0]);
	if (cmd && cmd->unsupported)
		return call_refuse(c, FROE_FAIL, c->arg[0], "usage", NULL,
		                   "%s: not supported by Froe: %s", cmd->name, cmd->unsupported);
	if (output_is_text(c)) {
		cmd_usage(cmd);
		return 0;
	}
	output_begin(c, columns);
	for (size_t i = 0; cmd_table[i]; i++)
		if (cmd ? cmd == cmd_table[i] : !(cmd_table[i]->flags & CMD_HIDDEN))
			output_row(c, cmd_table[i]);
	return 0;
}

const struct cmd cmd_help = {
	.name = "help",
	.arguments = "[COMMAND]",
	.summary = "Show the commands, or the options of one",
	.most = 1,
	.run = help,
};
