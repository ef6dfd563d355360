/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a verb says: one column table makes text, CSV, KEY=VALUE and JSON.
 */
#pragma once

#include "cmd.h"

enum cell_kind {
	CELL_NULL,
	CELL_TEXT,
	CELL_NUMBER,
	CELL_REAL,
	CELL_BOOL,
	CELL_JSON, /* text is JSON already */
};

struct cell {
	enum cell_kind kind;
	union {
		uint64_t number;
		double real;
	};
	const char *text;
	char room[FROE_CPUS_MAX * 4 + 1]; /* where text may be, if nobody else holds it */
};

struct column {
	const char
		*head; /* NULL: not in the text table; what stands between columns is part of it */
	const char *format; /* of its cell as a string, likewise */
	const char *key;    /* NULL: only in the text table */
	void (*get)(const void *row, struct cell *cell);
};

void cell_text(struct cell *cell, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Text that stays where it is. */
void cell_string(struct cell *cell, const char *text);
void cell_number(struct cell *cell, uint64_t number);
void cell_uuid(struct cell *cell, const uint8_t uuid[16]);
/* Of rows that are a struct froe_domain (domain.c). */
void domain_cell_id(const void *row, struct cell *cell);
void domain_cell_name(const void *row, struct cell *cell);
void domain_cell_uuid(const void *row, struct cell *cell);
/* A row of the one domain that is the argument, with no head in the text table. */
int domain_print(struct call *c, const struct column *columns);

struct output *output_open(struct call *c);
/* Begin a table: columns up to one without head and key. */
void output_begin(struct call *c, const struct column *columns);
void output_row(struct call *c, const void *row);
/* An error: a line on stderr at once, and an entry of the JSON at the end. */
void output_error(struct call *c, const char *item, int code, const char *id, const char *message,
                  const char *hint);
/* One of a file's problems, which whoever calls prints: the run's code is for the whole file. */
void output_problem(struct call *c, const char *item, const char *message, const char *hint);
void output_warning(struct call *c, const char *item, const char *message, const char *hint);
/* End it all; the exit code of the whole run, of which `code` is one reason. */
int output_close(struct call *c, int code);
/* Whether text for people belongs on stdout. */
bool output_is_text(const struct call *c);
