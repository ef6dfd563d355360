/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a verb says, in four forms. Errors go to stderr as they come; JSON is written as a whole at
 * the end, because it holds both the items and the errors.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <yajl/yajl_gen.h>
#include <utf8.h>
#include "output.h"

struct report {
	char *item, *id, *message, *hint;
	int code; /* 0: a warning */
};

struct output {
	const struct column *columns;
	yajl_gen json; /* of stdout; NULL: another format */
	struct report *report;
	size_t reports;
	int code;
};

static const struct column no_columns[] = { { 0 } };

/* The first that happened of these is what the whole run ends with; any other comes after them. */
static const int priority[] = {
	FROE_UNREACHABLE, FROE_FAIL,          FROE_USAGE,   FROE_INVALID,   FROE_BUILD,
	FROE_NO_CAPACITY, FROE_UNCOOPERATIVE, FROE_TIMEOUT, FROE_NOT_FOUND, FROE_EXISTS,
};

static size_t rank(int code)
{
	size_t i = 0;

	while (i < sizeof(priority) / sizeof(*priority) && priority[i] != code)
		i++;
	return i;
}

static void die(void)
{
	fputs("froe: out of memory\n", stderr);
	exit(FROE_FAIL);
}

static char *copy(const char *text)
{
	char *new = strdup(text ? text : "");

	if (!new)
		die();
	return new;
}

void cell_text(struct cell *cell, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(cell->room, sizeof(cell->room), fmt, args);
	va_end(args);
	cell_string(cell, cell->room);
}

void cell_string(struct cell *cell, const char *text)
{
	cell->kind = CELL_TEXT;
	cell->text = text;
}

void cell_number(struct cell *cell, uint64_t number)
{
	cell->kind = CELL_NUMBER;
	cell->number = number;
}

void cell_uuid(struct cell *cell, const uint8_t uuid[16])
{
	froe_uuid_format(uuid, cell->room);
	cell_string(cell, cell->room);
}

bool output_is_text(const struct call *c)
{
	return c->format == FORMAT_TABLE;
}

/* --- JSON -------------------------------------------------------------------------------- */

static void json_text(yajl_gen g, const char *s)
{
	char *clean = copy(s);

	utf8_clean(clean);
	yajl_gen_string(g, (const unsigned char *)clean, strlen(clean));
	free(clean);
}

static void json_number(yajl_gen g, const char *fmt, ...)
{
	char text[64];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	yajl_gen_number(g, text, strlen(text));
}

static void json_cell(yajl_gen g, const struct cell *cell)
{
	switch (cell->kind) {
	case CELL_NULL:
		yajl_gen_null(g);
		break;
	case CELL_TEXT:
		json_text(g, cell->text);
		break;
	case CELL_NUMBER:
		json_number(g, "%llu", (unsigned long long)cell->number);
		break;
	case CELL_REAL:
		json_number(g, "%.1f", cell->real);
		break;
	case CELL_BOOL:
		yajl_gen_bool(g, cell->number != 0);
		break;
	case CELL_JSON:
		yajl_gen_number(g, cell->text, strlen(cell->text));
		break;
	}
}

static void json_report(yajl_gen g, const struct report *r)
{
	yajl_gen_map_open(g);
	json_text(g, "item");
	if (*r->item)
		json_text(g, r->item);
	else
		yajl_gen_null(g);
	json_text(g, "code");
	yajl_gen_integer(g, r->code);
	json_text(g, "id");
	json_text(g, r->id);
	json_text(g, "message");
	json_text(g, r->message);
	json_text(g, "hint");
	json_text(g, r->hint);
	yajl_gen_map_close(g);
}

static void json_reports(const struct output *o, const char *key, bool warnings)
{
	json_text(o->json, key);
	yajl_gen_array_open(o->json);
	for (size_t i = 0; i < o->reports; i++)
		if (warnings == !o->report[i].code)
			json_report(o->json, &o->report[i]);
	yajl_gen_array_close(o->json);
}

static void json_write(yajl_gen g, FILE *file, const char *end)
{
	const unsigned char *buffer;
	size_t size;

	if (yajl_gen_get_buf(g, &buffer, &size) != yajl_gen_status_ok)
		die();
	fwrite(buffer, 1, size, file);
	fputs(end, file);
}

static void json_begin(struct call *c)
{
	yajl_gen g = c->out->json;
	struct utsname host;
	char schema[64];

	uname(&host);
	snprintf(schema, sizeof(schema), "froe/%s/1", c->cmd ? c->cmd->name : "froe");
	yajl_gen_config(g, yajl_gen_beautify, 1);
	yajl_gen_config(g, yajl_gen_indent_string, "  ");
	yajl_gen_map_open(g);
	json_text(g, "schema");
	json_text(g, schema);
	json_text(g, "host");
	json_text(g, host.nodename);
	json_text(g, "items");
	yajl_gen_array_open(g);
}

/* --- rows -------------------------------------------------------------------------------- */

struct output *output_open(struct call *c)
{
	struct output *o = calloc(1, sizeof(*o));

	if (!o)
		die();
	o->columns = no_columns;
	c->out = o;
	if (c->format == FORMAT_JSON) {
		o->json = yajl_gen_alloc(NULL);
		if (!o->json)
			die();
		json_begin(c);
	}
	return o;
}

#define FOR_COLUMNS(o, col)                                                                        \
	for (const struct column *col = (o)->columns; col->head || col->key; col++)

void output_begin(struct call *c, const struct column *columns)
{
	struct output *o = c->out;
	bool first = true;

	o->columns = columns;
	if (!c->header)
		return;
	FOR_COLUMNS(o, col) {
		if (c->format == FORMAT_TABLE && col->head) {
			fputs(col->head, stdout);
			first = false;
		} else if (c->format == FORMAT_CSV && col->key) {
			printf("%s%s", first ? "" : ",", col->key);
			first = false;
		}
	}
	if (!first)
		putchar('\n');
}

/* The cell as a string, in its own room if it has to be made. */
static const char *as_text(struct cell *cell)
{
	switch (cell->kind) {
	case CELL_NULL:
		return "";
	case CELL_TEXT:
	case CELL_JSON:
		return cell->text;
	case CELL_NUMBER:
		snprintf(cell->room, sizeof(cell->room), "%llu", (unsigned long long)cell->number);
		return cell->room;
	case CELL_REAL:
		snprintf(cell->room, sizeof(cell->room), "%.1f", cell->real);
		return cell->room;
	case CELL_BOOL:
		return cell->number ? "true" : "false";
	}
	return "";
}

/* RFC 4180. */
static void csv_cell(const char *text)
{
	if (!strpbrk(text, ",\"\r\n")) {
		fputs(text, stdout);
		return;
	}
	putchar('"');
	for (; *text; text++) {
		if (*text == '"')
			putchar('"');
		putchar(*text);
	}
	putchar('"');
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
static void table_cell(const struct column *col, const char *text)
{
	printf(col->format, text);
}
#pragma GCC diagnostic pop

void output_row(struct call *c, const void *row)
{
	struct output *o = c->out;
	bool first = true;

	if (o->json)
		yajl_gen_map_open(o->json);
	FOR_COLUMNS(o, col) {
		struct cell cell = { .kind = CELL_NULL };

		if (c->format == FORMAT_TABLE ? !col->head : !col->key)
			continue;
		col->get(row, &cell);
		if (o->json) {
			json_text(o->json, col->key);
			json_cell(o->json, &cell);
		} else if (c->format == FORMAT_TABLE) {
			table_cell(col, as_text(&cell));
		} else if (c->format == FORMAT_CSV) {
			if (!first)
				putchar(',');
			csv_cell(as_text(&cell));
		} else {
			printf("%s=%s\n", col->key, as_text(&cell));
		}
		first = false;
	}
	if (o->json)
		yajl_gen_map_close(o->json);
	else if (!first)
		putchar('\n');
}

/* --- reports ----------------------------------------------------------------------------- */

static void add_report(struct call *c, struct report r)
{
	struct output *o = c->out;
	yajl_gen line;

	o->report = realloc(o->report, (o->reports + 1) * sizeof(*o->report));
	if (!o->report)
		die();
	o->report[o->reports++] = r;
	/* What was printed before comes before, on a terminal and in a file. */
	fflush(stdout);
	if (c->format == FORMAT_JSON && r.code) {
		line = yajl_gen_alloc(NULL);
		if (!line)
			die();
		json_report(line, &r);
		json_write(line, stderr, "\n");
		yajl_gen_free(line);
	}
}

void output_error(struct call *c, const char *item, int code, const char *id, const char *message,
                  const char *hint)
{
	struct output *o = c->out;

	if (rank(code) < rank(o->code) || !o->code)
		o->code = code;
	add_report(c, (struct report){ copy(item), copy(id), copy(message), copy(hint), code });
	if (c->format == FORMAT_JSON)
		return;
	fprintf(stderr, "froe: %s\n", message);
	if (hint && *hint)
		fprintf(stderr, "hint: %s\n", hint);
}

void output_problem(struct call *c, const char *item, const char *message, const char *hint)
{
	add_report(c, (struct report){ copy(item), copy("invalid"), copy(message), copy(hint),
	                               FROE_INVALID });
}

void output_warning(struct call *c, const char *item, const char *message, const char *hint)
{
	add_report(c, (struct report){ copy(item), copy("warning"), copy(message), copy(hint), 0 });
}

int output_close(struct call *c, int code)
{
	struct output *o = c->out;

	if (code && (!o->code || rank(code) < rank(o->code)))
		o->code = code;
	if (o->json) {
		yajl_gen_array_close(o->json);
		json_reports(o, "errors", false);
		json_reports(o, "warnings", true);
		yajl_gen_map_close(o->json);
		json_write(o->json, stdout, "");
		yajl_gen_free(o->json);
	}
	code = o->code;
	for (size_t i = 0; i < o->reports; i++) {
		free(o->report[i].item);
		free(o->report[i].id);
		free(o->report[i].message);
		free(o->report[i].hint);
	}
	free(o->report);
	free(o);
	/* A full disk or a closed pipe is an error as any other. */
	if ((fflush(stdout) || ferror(stdout)) && !code) {
		perror("froe: writing the output");
		code = FROE_FAIL;
	}
	return code;
}
