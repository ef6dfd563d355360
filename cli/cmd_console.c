/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * froe console: this terminal as a guest's.
 */
#include <string.h>
#include "output.h"

static int console(struct call *c)
{
	const char *number = c->option['n'].value, *type = c->option['t'].value;
	struct froe_domain d;
	char escape = ']' ^ 0x40;

	if (number && strcmp(number, "0"))
		return call_refuse(c, FROE_NOT_FOUND, number, "no-such-console", NULL,
		                   "no console %s: a guest has one, number 0", number);
	if (type && strcmp(type, "pv"))
		return call_refuse(c, FROE_NOT_FOUND, type, "no-such-console", NULL,
		                   "no console of type %s: a guest has one, of type pv", type);
	if (call_has(c, 'e') && !console_escape(c->option['e'].value, &escape))
		return call_refuse(c, FROE_USAGE, c->option['e'].value, "usage",
		                   "^X is Ctrl-X, for example",
		                   "\"%s\" is not one key to leave with", c->option['e'].value);
	if (!domain_find(c, c->arg[0], &d))
		return 0;
	if (!d.id)
		return call_refuse(c, FROE_NOT_FOUND, "0", "no-such-console",
		                   "the machine's serial port is its console",
		                   "%s: the control domain has none here", domain_name(&d));
	return console_run(c, &d, escape);
}

static const struct cmd_option options[] = {
	{ 'n', NULL, "NUMBER", "Which of its consoles; there is number 0" },
	{ 't', NULL, "TYPE", "Of which type; there is pv" },
	{ 'e', NULL, "KEY", "The key to leave with, ^] if nothing is said" },
	{ 0 },
};

const struct cmd cmd_console = {
	.name = "console",
	.arguments = "DOMAIN",
	.summary = "Connect this terminal with a guest's console",
	.options = options,
	.least = 1,
	.most = 1,
	.run = console,
};
