/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * froe list -l: an array of domains with their configurations in xl's form. A domain that was not
 * made by froe, or whose file is gone, is in it with an "error"; nothing is left out.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "guestfile.h"
#include "list_long.h"
#include "output.h"

struct item {
	uint32_t id;
	const char *config, *error;
};

static void get_id(const void *row, struct cell *cell)
{
	cell_number(cell, ((const struct item *)row)->id);
}

static void get_config(const void *row, struct cell *cell)
{
	const struct item *i = row;

	cell->kind = i->config ? CELL_JSON : CELL_NULL;
	cell->text = i->config;
}

static void get_error(const void *row, struct cell *cell)
{
	const struct item *i = row;

	cell->kind = i->error ? CELL_TEXT : CELL_NULL;
	cell->text = i->error;
}

static const struct column columns[] = {
	{ .key = "domid", .get = get_id },
	{ .key = "config", .get = get_config },
	{ .key = "error", .get = get_error },
	{ 0 },
};

static bool first;

void list_long_begin(struct call *c)
{
	first = true;
	if (c->format == FORMAT_JSON)
		output_begin(c, columns);
	else
		putchar('[');
}

/* `json` with four more spaces in front of each of its lines but the first. */
static void print_indented(const char *json)
{
	for (; *json; json++) {
		if (*json == '\n' && !json[1])
			return;
		putchar(*json);
		if (*json == '\n' && json[1] != '\n')
			fputs("        ", stdout);
	}
}

/* As --json the array is what the items are; else it is all that is printed. */
static void print(struct call *c, const struct froe_domain *d, const char *key, const char *json)
{
	const bool bad = !strcmp(key, "error");
	const struct item item = { d->id, bad ? NULL : json, bad ? json : NULL };

	if (c->format == FORMAT_JSON) {
		output_row(c, &item);
		return;
	}
	printf("%s\n    {\n        \"domid\": %u,\n        \"%s\": ", first ? "" : ",", d->id, key);
	first = false;
	if (bad)
		printf("\"%s\"", json);
	else
		print_indented(json);
	fputs("\n    }", stdout);
}

/* The control domain has no file. */
static void print_control_domain(struct call *c, const struct froe_domain *d)
{
	char json[512], uuid[FROE_UUID_TEXT];

	froe_uuid_format(d->uuid, uuid);
	snprintf(json, sizeof(json),
	         "{\n    \"c_info\": {\n        \"type\": \"pvh\",\n        \"name\": \"%s\",\n"
	         "        \"uuid\": \"%s\"\n    },\n    \"b_info\": {\n        \"max_vcpus\": %u,\n"
	         "        \"max_memkb\": %llu,\n        \"target_memkb\": %llu,\n"
	         "        \"type.pvh\": {\n\n        }\n    }\n}\n",
	         domain_name(d), uuid, d->vcpus_max, (unsigned long long)d->memory_max >> 10,
	         (unsigned long long)d->memory >> 10);
	print(c, d, "config", json);
}

void list_long_row(struct call *c, const void *row)
{
	const struct froe_domain *d = row;
	struct froe_config *config;
	char *json = NULL;

	if (!d->id) {
		print_control_domain(c, d);
		return;
	}
	if (!guestfile_load(c, d, &config)) {
		json = froe_config_json(c->froe, config);
		froe_config_free(config);
	}
	if (json) {
		print(c, d, "config", json);
	} else {
		call_failed(c, domain_name(d));
		print(c, d, "error", froe_error_id(c->froe));
	}
	free(json);
}

void list_long_end(struct call *c)
{
	if (c->format != FORMAT_JSON)
		fputs(first ? "]\n" : "\n]\n", stdout);
}
