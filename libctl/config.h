/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of the configuration parser share: config_read.c makes settings of text,
 * config_keys.c knows which keys there are and what Froe makes of each, config.c makes a guest's
 * configuration of them, and config_problem.c gathers what is wrong on the way.
 *
 * All that is allocated on the way lives in the arena of the parse and ends with it. Out of memory
 * is sticky: `nomem` is set, NULL comes back, and the parse as a whole fails.
 */
#pragma once

#include "internal.h"

/* A place in a file, or in the n-th override ("command line"); both count from 1. */
struct where {
	const char *file;
	unsigned line, column;
};

enum value_kind {
	VALUE_NUMBER,
	VALUE_STRING,
	VALUE_LIST,
};

struct value {
	enum value_kind kind;
	bool bad; /* it or one of its items; that was told */
	struct where at;
	const char *text; /* of a string: what it means; of a number: as it is written */
	struct value *item, *last, *next; /* of a list: its items */
	size_t count;
};

/* KEY = VALUE, in the order of the text. */
struct setting {
	const char *key;
	struct where at;
	struct value value;
	bool append;   /* += */
	bool override; /* from the command line */
	struct setting *next;
};

struct arena;

struct parse {
	struct arena *arena;
	bool nomem;
	bool lax;
	struct froe_problems *problems;
	struct setting *first, *last;
};

/* --- config_problem.c --------------------------------------------------- */

enum severity {
	SEVERITY_WARNING,
	SEVERITY_ERROR,
};

/* key may be NULL; the text becomes "key: text". hint may be NULL. */
void froe__problem(struct parse *p, enum severity severity, const struct where *at, const char *key,
                   const char *hint, const char *fmt, ...) __attribute__((format(printf, 6, 7)));
void *froe__arena_alloc(struct parse *p, size_t size);
/* Up to `length` bytes of text; SIZE_MAX: all of it. */
char *froe__arena_copy(struct parse *p, const char *text, size_t length);
char *froe__arena_format(struct parse *p, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void froe__arena_free(struct parse *p);
/*
 * How far `wrong` is from `right` in typing mistakes, SIZE_MAX if too far to be meant. Upper case
 * and hyphens cost nothing.
 */
size_t froe__problem_distance(const char *wrong, const char *right);

/* --- config_read.c ------------------------------------------------------ */

void froe__config_read(struct parse *p, const char *file, const char *text);
/*
 * "key=value", the number-th from 1. A value that is neither a number, nor quoted, nor a list is
 * taken as the string that it is. Returns the statement as a file would have it.
 */
const char *froe__config_override(struct parse *p, const char *text, unsigned number);
/* `text` in double quotes, as a file has it. */
char *froe__config_quoted(struct parse *p, const char *text);
/* A number as xl reads one: decimal, 0 octal, 0x hex; false if it is none or too large. */
bool froe__config_number(const char *text, uint64_t *number);

/* --- config_keys.c ------------------------------------------------------ */

/*
 * Check each setting by its key: unknown ones, old names, double ones, kinds, ranges and what Froe
 * does not serve. What is left in the list is the last of each key, with += applied.
 */
void froe__keys_check(struct parse *p);

/* --- cpumap.c ----------------------------------------------------------- */

/* false: `why` says what is wrong with it. */
bool froe__cpumap_read(const char *text, struct froe_cpumap *map, char *why, size_t size);
