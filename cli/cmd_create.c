/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * froe create: a guest from its file.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "build.h"
#include "check.h"
#include "output.h"

/* Long names only. */
#define OPT_LAX        1
#define OPT_CHECK_HOST 2

/* The file is the argument without a =, or -f's; the rest are overrides, moved to the front. */
static int sort_arguments(struct call *c, const char **file, size_t *overrides)
{
	*file = c->option['f'].value;
	*overrides = 0;
	for (int i = 0; i < c->args; i++) {
		if (strchr(c->arg[i], '='))
			c->arg[(*overrides)++] = c->arg[i];
		else if (*file)
			return call_refuse(c, FROE_USAGE, c->arg[i], "usage",
			                   "settings are KEY=VALUE", "more than one file: %s, %s",
			                   *file, c->arg[i]);
		else
			*file = c->arg[i];
	}
	if (*file || *overrides)
		return 0;
	return call_refuse(c, FROE_INVALID, NULL, "invalid", "froe create FILE",
	                   "no configuration file");
}

static void report_problems(struct call *c, const struct froe_problems *list)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct froe_problem *p = &list->problem[i];
		char where[512];

		snprintf(where, sizeof(where), "%s:%u:%u", p->file, p->line, p->column);
		if (p->warning)
			output_warning(c, where, p->text, p->hint);
		else
			output_problem(c, where, p->text, p->hint);
		if (c->format != FORMAT_JSON && (!p->warning || !c->quiet))
			fprintf(stderr, "%s: %s%s%s%s%s\n", where, p->warning ? "warning: " : "",
			        p->text, *p->hint ? " (" : "", p->hint, *p->hint ? ")" : "");
	}
}

static int load(struct call *c, struct froe_config **config)
{
	const bool lax = call_has(c, OPT_LAX);
	const char *const *overrides = (const char *const *)c->arg;
	struct froe_problems problems;
	const char *file;
	size_t count;
	int rc = sort_arguments(c, &file, &count);

	if (rc)
		return rc;
	if (file)
		call_say(c, "Parsing config from %s", file);
	rc = file ? froe_config_load(c->froe, file, overrides, count, lax, config, &problems)
	          : froe_config_parse(c->froe, "command line", "", overrides, count, lax, config,
	                              &problems);
	report_problems(c, &problems);
	froe_problems_free(&problems);
	return rc ? call_failed_build(c, file) : 0;
}

struct made {
	uint32_t id;
	const struct froe_config *config;
};

static void get_id(const void *row, struct cell *cell)
{
	cell_number(cell, ((const struct made *)row)->id);
}

static void get_name(const void *row, struct cell *cell)
{
	cell_string(cell, ((const struct made *)row)->config->name);
}

static void get_uuid(const void *row, struct cell *cell)
{
	cell_uuid(cell, ((const struct made *)row)->config->uuid);
}

static const struct column columns[] = {
	{ .key = "domid", .get = get_id },
	{ .key = "name", .get = get_name },
	{ .key = "uuid", .get = get_uuid },
	{ 0 },
};

static void get_json(const void *row, struct cell *cell)
{
	cell->kind = CELL_JSON;
	cell->text = row;
}

static const struct column dry_columns[] = { { .key = "config", .get = get_json }, { 0 } };

/* Without --json it is xl's object by itself, which its scripts take from stdout. */
static int show_config(struct call *c, const struct froe_config *config)
{
	char *json = froe_config_json(c->froe, config);

	if (!json)
		return call_failed(c, NULL);
	if (c->format == FORMAT_JSON) {
		output_begin(c, dry_columns);
		output_row(c, json);
	} else {
		fputs(json, stdout);
	}
	free(json);
	return 0;
}

static int start(struct call *c, const struct froe_config *config)
{
	struct made made = { .config = config };
	struct froe_domain d;
	char escape;
	int rc = build_guest(c, config, &(struct froe_create){ .paused = call_has(c, 'p') },
	                     &made.id);

	if (rc)
		return rc;
	if (call_has(c, 'c')) {
		console_escape("^]", &escape);
		return froe_domain_info(c->froe, made.id, &d) ? call_failed(c, config->name)
		                                              : console_run(c, &d, escape);
	}
	output_begin(c, columns);
	output_row(c, &made);
	/* Until it is not there any more, for those who watch it by its process. */
	if (call_has(c, 'F') && froe_domain_wait(c->froe, made.id, FROE_WAIT_GONE, c->timeout_ms) &&
	    froe_code(c->froe) != FROE_NOT_FOUND)
		return call_failed(c, config->name);
	return 0;
}

static int create(struct call *c)
{
	struct froe_config *config;
	int rc;

	if (call_has(c, 'V') || call_has(c, 'A'))
		return call_refuse(c, FROE_FAIL, NULL, "unsupported", "-c shows its console",
		                   "not supported by Froe: guests have no screen");
	c->quiet = c->quiet || call_has(c, 'q');
	rc = load(c, &config);
	if (rc)
		return rc;
	rc = call_has(c, OPT_CHECK_HOST) ? check_host(c, config) : 0;
	if (rc) {
		froe_config_free(config);
		return rc;
	}
	rc = c->dry || call_has(c, 'n') ? show_config(c, config) : start(c, config);
	froe_config_free(config);
	return rc;
}

static const struct cmd_option options[] = {
	{ 'f', "defconfig", "FILE", "The guest's file, as the argument" },
	{ 'c', NULL, NULL, "Connect to its console once it runs" },
	{ 'p', NULL, NULL, "Leave it paused" },
	{ 'n', "dryrun", NULL, "Print its configuration as JSON, and create nothing" },
	{ 'q', "quiet", NULL, "Say only what is wrong" },
	{ 'F', NULL, NULL, "Stay until the guest is gone" },
	{ OPT_LAX, "lax", NULL, "Unknown keys are warnings" },
	{ OPT_CHECK_HOST, "check-host", NULL, "First see whether the host has all that it names" },
	{ 'e', NULL, NULL, "Accepted for xl's sake; no process waits for a guest" },
	{ 'd', NULL, NULL, "Accepted for xl's sake" },
	{ 'i', "ignore-global-affinity-masks", NULL, "Accepted for xl's sake; there are none" },
	{ 'V', "vncviewer", NULL, "Refused: guests have no screen" },
	{ 'A', "vncviewer-autopass", NULL, "Refused: guests have no screen" },
	{ 0 },
};

const struct cmd cmd_create = {
	.name = "create",
	.arguments = "[FILE] [KEY=VALUE...]",
	.summary = "Create a guest from its file",
	.options = options,
	.most = -1,
	.flags = CMD_DRY,
	.run = create,
};
