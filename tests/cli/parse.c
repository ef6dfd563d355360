/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The configuration parser by itself, built with sanitizers: `parse FILE [KEY=VALUE...]` prints
 * its problems and the JSON of what comes out, `parse --fuzz N SEED FILE...` parses N mutations of
 * each file and looks for nothing but survival and consistency.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "froe.h"

static void print(const struct froe_problems *list)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct froe_problem *p = &list->problem[i];

		printf("%s:%u:%u: %s%s", p->file, p->line, p->column, p->warning ? "warning: " : "",
		       p->text);
		printf(*p->hint ? " (%s)\n" : "%s\n", p->hint);
	}
}

/* Whether the text that is kept of it means the same once more, wherever it is read. */
static bool means_same(struct froe *f, const struct froe_config *c)
{
	char *json = froe_config_json(f, c), *json_again = NULL, *here = getcwd(NULL, 0);
	struct froe_problems problems = { 0 };
	struct froe_config *again;
	bool same = !chdir("/") &&
	            !froe_config_parse(f, "kept", c->text, NULL, 0, true, &again, &problems);

	if (same) {
		/* A random UUID is another one each time. */
		memcpy(again->uuid, c->uuid, sizeof(c->uuid));
		json_again = froe_config_json(f, again);
		same = !strcmp(json, json_again);
		froe_config_free(again);
	}
	froe_problems_free(&problems);
	same = !chdir(here) && same;
	free(here);
	free(json);
	free(json_again);
	return same;
}

static int parse(struct froe *f, char **argv, int argc)
{
	struct froe_problems problems;
	struct froe_config *c;
	char *json;
	int rc = froe_config_load(f, argv[0], (const char *const *)argv + 1, (size_t)argc - 1,
	                          getenv("LAX") != NULL, &c, &problems);

	print(&problems);
	if (rc) {
		printf("%s\n", froe_error(f));
	} else {
		json = froe_config_json(f, c);
		fputs(json, stdout);
		free(json);
		if (!means_same(f, c)) {
			printf("what is kept of it means something else:\n%s", c->text);
			rc = -1;
		}
	}
	froe_problems_free(&problems);
	froe_config_free(c);
	return rc ? 1 : 0;
}

/* --- fuzzing ----------------------------------------------------------------------------- */

static uint64_t state;

static size_t chance(size_t n)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return n ? state % n : 0;
}

static void mutate(char *text, size_t *size, size_t room)
{
	static const char *const pieces[] = {
		"[",
		"]",
		",",
		"=",
		"+=",
		"\n",
		";",
		"\"",
		"'",
		"#",
		"\\",
		"\\x",
		"0x",
		"\r",
		"\xef\xbb\xbf",
		"^",
		"-",
		"all",
		"nodes:0",
		"memory",
		"cpus",
		"name = ",
		"99999999999999999999",
		"\\\\\"",
	};
	size_t at = chance(*size + 1), length = chance(12), from = chance(*size + 1);
	const char *piece = pieces[chance(sizeof(pieces) / sizeof(*pieces))];

	switch (chance(5)) {
	case 0: /* another byte */
		if (at < *size)
			text[at] = (char)(1 + chance(255));
		return;
	case 1: /* some less */
		if (length > *size - at)
			length = *size - at;
		memmove(text + at, text + at + length, *size - at - length);
		*size -= length;
		return;
	case 2: /* a piece of grammar more */
		length = strlen(piece);
		if (*size + length >= room)
			return;
		memmove(text + at + length, text + at, *size - at);
		memcpy(text + at, piece, length);
		*size += length;
		return;
	case 3: /* a piece of itself once more */
		if (length > *size - from || *size + length >= room)
			return;
		memmove(text + *size, text + from, length);
		*size += length;
		return;
	default: /* cut off */
		if (!chance(8))
			*size = at;
	}
}

/* Whatever comes in, what comes out is whole, and its text means the same again. */
static bool consistent(struct froe *f, const char *text, const char *override)
{
	struct froe_problems problems;
	struct froe_config *c;
	int rc = froe_config_parse(f, "fuzz", text, &override, override != NULL, chance(2), &c,
	                           &problems);
	bool good = (rc == 0) == (c != NULL) && (rc != 0) == (problems.errors != 0);

	for (size_t i = 0; i < problems.count; i++)
		good = good && problems.problem[i].line && problems.problem[i].column;
	if (c) {
		good = good && c->name && c->kernel && c->cmdline && c->memory && c->vcpus &&
		       c->memory_max >= c->memory && c->vcpus_max >= c->vcpus && means_same(f, c);
	}
	froe_problems_free(&problems);
	froe_config_free(c);
	return good;
}

static char *load(const char *path, size_t *size, size_t room)
{
	FILE *file = fopen(path, "r");
	char *text = malloc(room);

	if (!file || !text) {
		perror(path);
		exit(2);
	}
	*size = fread(text, 1, room / 2, file);
	fclose(file);
	return text;
}

static int fuzz(struct froe *f, unsigned long rounds, char **paths, int count)
{
	enum {
		ROOM = 1 << 16
	};
	char *mutant = malloc(ROOM), override[64];
	int bad = 0;

	for (int i = 0; i < count; i++) {
		size_t size;
		char *text = load(paths[i], &size, ROOM);

		for (unsigned long n = 0; n < rounds && !bad; n++) {
			size_t length = size;

			memcpy(mutant, text, size);
			for (size_t times = 1 + chance(6); times; times--)
				mutate(mutant, &length, ROOM);
			mutant[length] = '\0';
			snprintf(override, sizeof(override), "%.*s", (int)chance(60),
			         mutant + chance(strlen(mutant) + 1));
			if (!consistent(f, mutant, chance(3) ? NULL : override)) {
				printf("%s: inconsistent after this:\n%s\noverride: %s\n", paths[i],
				       mutant, override);
				bad = 1;
			}
		}
		free(text);
	}
	free(mutant);
	return bad;
}

int main(int argc, char **argv)
{
	struct froe *f = froe_open();
	int rc = 2;

	if (argc > 4 && !strcmp(argv[1], "--fuzz")) {
		state = strtoull(argv[3], NULL, 0) | 1;
		rc = fuzz(f, strtoul(argv[2], NULL, 0), argv + 4, argc - 4);
	} else if (argc > 1) {
		rc = parse(f, argv + 1, argc - 1);
	}
	froe_close(f);
	return rc;
}
