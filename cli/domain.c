/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What verbs that act on guests share: finding them, and reporting what went wrong.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include "output.h"

static int failed(struct call *c, const char *item, int code)
{
	char text[1024];

	snprintf(text, sizeof(text), "%s: %s", c->cmd->name, froe_error(c->froe));
	output_error(c, item, code, froe_error_id(c->froe), text, froe_hint(c->froe));
	return code;
}

int call_failed(struct call *c, const char *item)
{
	return failed(c, item, froe_code(c->froe));
}

int call_failed_build(struct call *c, const char *item)
{
	return failed(c, item,
	              froe_code(c->froe) == FROE_NOT_FOUND ? FROE_BUILD : froe_code(c->froe));
}

int call_refuse(struct call *c, int code, const char *item, const char *id, const char *hint,
                const char *fmt, ...)
{
	char text[1024];
	int begin = snprintf(text, sizeof(text), "%s: ", c->cmd->name);
	va_list args;

	va_start(args, fmt);
	vsnprintf(text + begin, sizeof(text) - (size_t)begin, fmt, args);
	va_end(args);
	output_error(c, item, code, id, text, hint);
	return code;
}

void call_say(const struct call *c, const char *fmt, ...)
{
	va_list args;

	if (c->quiet || c->format == FORMAT_JSON)
		return;
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);
}

bool domain_find(struct call *c, const char *what, struct froe_domain *d)
{
	if (!froe_domain_find(c->froe, what, d))
		return true;
	call_failed(c, what);
	return false;
}

bool domain_find_to_act(struct call *c, const char *what, struct froe_domain *d)
{
	bool found;

	do
		found = domain_find(c, what, d);
	while (found && froe_restart_wait(c->froe, d->id));
	return found;
}

bool domain_find_all(struct call *c, domain_finder *find, struct froe_domain **list, size_t *count)
{
	*list = NULL;
	*count = 0;
	if (c->args) {
		*list = calloc((size_t)c->args, sizeof(**list));
		if (!*list)
			call_refuse(c, FROE_FAIL, NULL, "failed", NULL, "out of memory");
		for (int i = 0; *list && i < c->args; i++)
			*count += find(c, c->arg[i], &(*list)[*count]);
	} else if (froe_domain_list(c->froe, list, count)) {
		*list = NULL;
		call_failed(c, NULL);
	}
	return *list;
}

const char *domain_name(const struct froe_domain *d)
{
	if (*d->name)
		return d->name;
	return d->id ? "(null)" : "Domain-0";
}

const char *domain_folder(void)
{
	const char *own = secure_getenv("FROE_RUN_DIR");

	return own && *own ? own : "/run/froe";
}

void domain_cell_id(const void *row, struct cell *cell)
{
	cell_number(cell, ((const struct froe_domain *)row)->id);
}

void domain_cell_name(const void *row, struct cell *cell)
{
	cell_string(cell, domain_name(row));
}

void domain_cell_uuid(const void *row, struct cell *cell)
{
	cell_uuid(cell, ((const struct froe_domain *)row)->uuid);
}

/* What was done to whom, for programs; people see that nothing was said. */
static const struct column done[] = {
	{ .key = "domid", .get = domain_cell_id },
	{ .key = "name", .get = domain_cell_name },
	{ .key = "uuid", .get = domain_cell_uuid },
	{ 0 },
};

int domain_each(struct call *c, int (*act)(struct call *c, const struct froe_domain *d))
{
	output_begin(c, done);
	for (int i = 0; i < c->args; i++) {
		struct froe_domain d;

		if (domain_find_to_act(c, c->arg[i], &d) && !act(c, &d))
			output_row(c, &d);
	}
	return 0;
}

int domain_print(struct call *c, const struct column *columns)
{
	struct froe_domain d;

	if (!domain_find(c, c->arg[0], &d))
		return 0;
	c->header = c->header && !output_is_text(c);
	output_begin(c, columns);
	output_row(c, &d);
	return 0;
}
