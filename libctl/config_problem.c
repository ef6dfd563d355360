/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is wrong with a configuration, the nearest name to a misspelt one, and the memory of a
 * parse.
 */
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "config.h"

/* More problems than anybody reads: the file is something else than a configuration. */
#define PROBLEMS_MAX 200

struct arena {
	struct arena *next;
	max_align_t data[];
};

void *froe__arena_alloc(struct parse *p, size_t size)
{
	struct arena *a = calloc(1, sizeof(*a) + size);

	if (!a) {
		p->nomem = true;
		return NULL;
	}
	a->next = p->arena;
	p->arena = a;
	return a->data;
}

char *froe__arena_copy(struct parse *p, const char *text, size_t length)
{
	char *copy;

	if (length == SIZE_MAX)
		length = strlen(text);
	copy = froe__arena_alloc(p, length + 1);
	if (copy)
		memcpy(copy, text, length);
	return copy;
}

char *froe__arena_format(struct parse *p, const char *fmt, ...)
{
	va_list args, again;
	char *text;
	int size;

	va_start(args, fmt);
	va_copy(again, args);
	size = vsnprintf(NULL, 0, fmt, args);
	text = froe__arena_alloc(p, (size_t)size + 1);
	if (text)
		vsnprintf(text, (size_t)size + 1, fmt, again);
	va_end(again);
	va_end(args);
	return text;
}

void froe__arena_free(struct parse *p)
{
	while (p->arena) {
		struct arena *next = p->arena->next;

		free(p->arena);
		p->arena = next;
	}
}

/* What a file brought into a message shall neither break its line nor reach the terminal. */
static void make_printable(char *text)
{
	for (; *text; text++)
		if (iscntrl((unsigned char)*text))
			*text = '?';
}

static bool append(struct froe_problems *list, const struct where *at, bool warning, char *text,
                   char *hint)
{
	struct froe_problem *grown = realloc(list->problem,
	                                     (list->count + 1) * sizeof(*list->problem));
	char *file = strdup(at->file);

	if (grown)
		list->problem = grown;
	if (!grown || !file) {
		free(file);
		return false;
	}
	make_printable(text);
	make_printable(hint);
	list->problem[list->count++] = (struct froe_problem){
		.file = file,
		.line = at->line,
		.column = at->column,
		.warning = warning,
		.text = text,
		.hint = hint,
	};
	return true;
}

void froe__problem(struct parse *p, enum severity severity, const struct where *at, const char *key,
                   const char *hint, const char *fmt, ...)
{
	struct froe_problems *list = p->problems;
	char *said = NULL, *text = NULL, *copy = NULL;
	va_list args;
	int rc;

	if (severity == SEVERITY_ERROR)
		list->errors++;
	if (list->count > PROBLEMS_MAX)
		return;
	if (list->count == PROBLEMS_MAX) {
		key = NULL;
		hint = "";
		rc = asprintf(&said, "too many problems, the rest is not shown");
	} else {
		va_start(args, fmt);
		rc = vasprintf(&said, fmt, args);
		va_end(args);
	}
	if (rc < 0)
		said = NULL;
	if (said && asprintf(&text, "%s%s%s", key ? key : "", key ? ": " : "", said) < 0)
		text = NULL;
	copy = strdup(hint ? hint : "");
	free(said);
	if (!text || !copy || !append(list, at, severity == SEVERITY_WARNING, text, copy)) {
		p->nomem = true;
		free(text);
		free(copy);
	}
}

static char folded(char c)
{
	return c == '-' ? '_' : (char)tolower((unsigned char)c);
}

#define NAME_MAX_LENGTH 40

/* Optimal string alignment: a letter more, less, another, or two swapped cost one each. */
static size_t edits(const char *a, size_t n, const char *b, size_t m)
{
	size_t row[3][NAME_MAX_LENGTH + 1];
	size_t *before = row[0], *last = row[1], *now = row[2];

	for (size_t j = 0; j <= m; j++)
		last[j] = j;
	for (size_t i = 1; i <= n; i++) {
		size_t *spare = before;

		now[0] = i;
		for (size_t j = 1; j <= m; j++) {
			size_t cost = last[j - 1] + (folded(a[i - 1]) != folded(b[j - 1]));

			if (cost > last[j] + 1)
				cost = last[j] + 1;
			if (cost > now[j - 1] + 1)
				cost = now[j - 1] + 1;
			if (i > 1 && j > 1 && folded(a[i - 1]) == folded(b[j - 2]) &&
			    folded(a[i - 2]) == folded(b[j - 1]) && cost > before[j - 2] + 1)
				cost = before[j - 2] + 1;
			now[j] = cost;
		}
		before = last;
		last = now;
		now = spare;
	}
	return last[m];
}

size_t froe__problem_distance(const char *wrong, const char *right)
{
	size_t n = strlen(wrong), m = strlen(right), far, limit;

	if (!n || n > NAME_MAX_LENGTH || m > NAME_MAX_LENGTH)
		return SIZE_MAX;
	far = edits(wrong, n, right, m);
	limit = n < 2 ? 0 : n < 4 ? 1 : n < 8 ? 2 : 3;
	if (far <= limit)
		return far;
	/* A name that was begun: "mem" for memory. */
	if (n >= 3 && n < m && !edits(wrong, n, right, n))
		return limit;
	return SIZE_MAX;
}
