/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * froe: from the command line to a verb.
 */
#include <getopt.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "output.h"

/* Long names that no letter has; verbs use those below. */
enum global {
	OPT_JSON = 128,
	OPT_FORMAT,
	OPT_NO_HEADER,
	OPT_TIMEOUT,
	OPT_VERSION,
};

/* Good in front of the verb and behind it. */
static const struct option everywhere[] = {
	{ "json", no_argument, NULL, OPT_JSON },
	{ "format", required_argument, NULL, OPT_FORMAT },
	{ "no-header", no_argument, NULL, OPT_NO_HEADER },
	{ "timeout", required_argument, NULL, OPT_TIMEOUT },
	{ "help", no_argument, NULL, 'h' },
};
#define EVERYWHERE  (sizeof(everywhere) / sizeof(*everywhere))
#define OPTIONS_MAX 32

/* xl's codes: 1 for what stands in front of the verb, 2 for the verb's own options. */
static int misused(struct call *c, int code, const char *hint, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
static int misused(struct call *c, int code, const char *hint, const char *fmt, ...)
{
	char text[512] = "";
	va_list args;
	size_t begin;

	if (!c->out)
		output_open(c);
	if (c->cmd)
		snprintf(text, sizeof(text), "%s: ", c->cmd->name);
	begin = strlen(text);
	va_start(args, fmt);
	vsnprintf(text + begin, sizeof(text) - begin, fmt, args);
	va_end(args);
	output_error(c, NULL, code, "usage", text, hint);
	return code;
}

static bool read_seconds(const char *text, int *ms)
{
	char *end;
	double seconds = strtod(text, &end);

	if (*end || end == text || !(seconds >= 0 && seconds <= INT_MAX / 1000))
		return false;
	*ms = (int)(seconds * 1000);
	return true;
}

/* One of the options that are good everywhere; false if its value is no good. */
static bool take_everywhere(struct call *c, int option)
{
	static const char *const formats[] = {
		[FORMAT_TABLE] = "table",
		[FORMAT_JSON] = "json",
		[FORMAT_CSV] = "csv",
		[FORMAT_KEYVAL] = "keyval",
	};

	switch (option) {
	case OPT_JSON:
		c->format = FORMAT_JSON;
		return true;
	case OPT_NO_HEADER:
		c->header = false;
		return true;
	case OPT_TIMEOUT:
		return read_seconds(optarg, &c->timeout_ms);
	case OPT_FORMAT:
		for (size_t i = 0; i < sizeof(formats) / sizeof(*formats); i++) {
			if (!strcmp(optarg, formats[i])) {
				c->format = (enum format)i;
				return true;
			}
		}
		return false;
	}
	return true;
}

/* The word that getopt_long() stumbled over. */
static const char *stumbled(char **argv)
{
	static char letter[3] = "-";

	if (optopt > 0 && optopt < OPT_JSON) {
		letter[1] = (char)optopt;
		return letter;
	}
	return argv[optind - 1];
}

/* In front of the verb; 0 to go on, or -1 with *code. */
static int read_globals(struct call *c, int argc, char **argv, int *code)
{
	struct option options[EVERYWHERE + 4] = {
		{ "version", no_argument, NULL, OPT_VERSION },
		{ "verbose", no_argument, NULL, 'v' },
		{ "quiet", no_argument, NULL, 'q' },
	};
	int option;

	memcpy(options + 3, everywhere, sizeof(everywhere));
	opterr = 0;
	while ((option = getopt_long(argc, argv, "+:vqhNftT", options, NULL)) != -1) {
		switch (option) {
		case 'v':
			c->verbose++;
			break;
		case 'q':
			c->quiet = true;
			break;
		case 'N':
			c->dry = true;
			break;
		case 'f':
		case 't':
		case 'T':
			break; /* xl's, for what Froe does not do */
		case 'h':
			cmd_usage(NULL);
			*code = 0;
			return -1;
		case OPT_VERSION:
			printf("froe %s\n", froe_version());
			*code = 0;
			return -1;
		case '?':
			*code = misused(c, FROE_FAIL, "froe help", "unknown option %s",
			                stumbled(argv));
			return -1;
		case ':':
			*code = misused(c, FROE_FAIL, "froe help", "option %s needs a value",
			                stumbled(argv));
			return -1;
		default:
			if (!take_everywhere(c, option)) {
				*code = misused(c, FROE_FAIL, "froe help", "bad value \"%s\"",
				                optarg);
				return -1;
			}
		}
	}
	return 0;
}

/* What is wrong is told in JSON, also when --json comes behind it. */
static void look_for_json(struct call *c, char *const *argv)
{
	for (; *argv && strcmp(*argv, "--"); argv++)
		if (!strcmp(*argv, "--json"))
			c->format = FORMAT_JSON;
}

/* The verb's own, from its table. */
static int read_options(struct call *c, int argc, char **argv)
{
	struct option options[OPTIONS_MAX] = { 0 };
	char letters[2 * OPTIONS_MAX] = ":h", *l = letters + 2;
	size_t n = EVERYWHERE;
	int option;

	memcpy(options, everywhere, sizeof(everywhere));
	for (const struct cmd_option *o = c->cmd->options; o && o->help; o++) {
		if (o->name)
			options[n++] = (struct option){ o->name,
				                        o->arg ? required_argument : no_argument,
				                        NULL, o->letter };
		if (o->letter > ' ') {
			*l++ = (char)o->letter;
			if (o->arg)
				*l++ = ':';
		}
	}
	optind = 0;
	while ((option = getopt_long(argc, argv, letters, options, NULL)) != -1) {
		switch (option) {
		case 'h':
			cmd_usage(c->cmd);
			return -1;
		case '?':
			look_for_json(c, argv);
			return misused(c, FROE_USAGE, "with -h it lists its options",
			               "unknown option %s", stumbled(argv));
		case ':':
			return misused(c, FROE_USAGE, "with -h it lists its options",
			               "option %s needs a value", stumbled(argv));
		default:
			if (option < OPT_JSON) {
				c->option[option].times++;
				c->option[option].value = optarg;
			} else if (!take_everywhere(c, option)) {
				return misused(c, FROE_USAGE, "froe help", "bad value \"%s\"",
				               optarg);
			}
		}
	}
	c->arg = argv + optind;
	c->args = argc - optind;
	return 0;
}

static int check_arguments(struct call *c)
{
	char text[256];

	if (c->dry && !(c->cmd->flags & CMD_DRY))
		return misused(c, FROE_FAIL, NULL, "does not work with -N");
	if (c->args >= c->cmd->least && (c->cmd->most < 0 || c->args <= c->cmd->most))
		return 0;
	snprintf(text, sizeof(text), "froe %s%s%s", c->cmd->name, *c->cmd->arguments ? " " : "",
	         c->cmd->arguments);
	return misused(c, FROE_USAGE, text, "too %s arguments",
	               c->args < c->cmd->least ? "few" : "many");
}

static int run_verb(struct call *c, int argc, char **argv)
{
	int rc = read_options(c, argc, argv);

	if (rc)
		return rc < 0 ? 0 : rc;
	output_open(c);
	rc = check_arguments(c);
	if (rc)
		return rc;
	c->froe = froe_open();
	if (!c->froe)
		return misused(c, FROE_FAIL, NULL, "out of memory");
	rc = c->cmd->run(c);
	froe_close(c->froe);
	return rc;
}

int main(int argc, char **argv)
{
	static struct call c = { .header = true, .timeout_ms = -1 };
	int rc;

	if (read_globals(&c, argc, argv, &rc))
		return c.out ? output_close(&c, rc) : rc;
	argc -= optind;
	argv += optind;
	if (!argc) {
		cmd_usage(NULL);
		return FROE_FAIL;
	}
	c.cmd = cmd_find(argv[0]);
	if (c.cmd && c.cmd->unsupported)
		rc = misused(&c, FROE_FAIL, NULL, "not supported by Froe: %s", c.cmd->unsupported);
	else if (c.cmd)
		rc = run_verb(&c, argc, argv);
	else
		rc = misused(&c, FROE_FAIL, "froe help lists them", "%s: no such command", argv[0]);
	return c.out ? output_close(&c, rc) : rc;
}
