/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The grammar of guest files: text in, settings and problems out. See froe.cfg(5).
 *
 * After a mistake reading goes on where the next statement can begin, so that one run shows all of
 * them.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "config.h"

#define LIST_DEPTH 8

struct reader {
	struct parse *p;
	const char *file;
	const char *at, *line_start;
	unsigned line;
	const char *key; /* of the statement, for messages */
	bool cr_told;
};

/* Columns count characters, so bytes that continue one in UTF-8 do not. */
static struct where place(const struct reader *r, const char *at)
{
	struct where w = { .file = r->file, .line = r->line, .column = 1 };

	for (const char *c = r->line_start; c < at; c++)
		w.column += ((unsigned char)*c & 0xc0) != 0x80;
	return w;
}

#define SAY(r, at, hint, ...)                                                                      \
	do {                                                                                       \
		struct where w_ = place(r, at);                                                    \
		froe__problem((r)->p, SEVERITY_ERROR, &w_, (r)->key, hint, __VA_ARGS__);           \
	} while (0)

static void next_line(struct reader *r)
{
	r->at++;
	r->line++;
	r->line_start = r->at;
}

/* A file from another system has one mistake, not one in each line. */
static void carriage_return(struct reader *r)
{
	if (!r->cr_told)
		SAY(r, r->at, "lines end in LF alone; sed -i 's/\\r$//' FILE does it",
		    "carriage return");
	r->cr_told = true;
	r->at++;
}

/* Spaces and a comment, up to the end of the line. */
static void skip_blank(struct reader *r)
{
	for (;;) {
		if (*r->at == ' ' || *r->at == '\t')
			r->at++;
		else if (*r->at == '\r')
			carriage_return(r);
		else if (*r->at == '#')
			r->at += strcspn(r->at, "\r\n");
		else
			return;
	}
}

static void skip_blank_lines(struct reader *r)
{
	for (skip_blank(r); *r->at == '\n'; skip_blank(r))
		next_line(r);
}

static bool key_begins(char c)
{
	return isalpha((unsigned char)c) || c == '_';
}

static bool in_key(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '.' || c == '-';
}

static bool statement_begins(const char *at)
{
	if (!key_begins(*at))
		return false;
	while (in_key(*at))
		at++;
	at += strspn(at, " \t");
	return *at == '=' || (at[0] == '+' && at[1] == '=');
}

bool froe__config_number(const char *text, uint64_t *number)
{
	char *end;

	if (!isdigit((unsigned char)text[0]) || text[1] == 'X')
		return false;
	errno = 0;
	*number = strtoull(text, &end, 0);
	return !*end && !errno;
}

static int digit(char c)
{
	return isdigit((unsigned char)c) ? c - '0' : tolower((unsigned char)c) - 'a' + 10;
}

/* One escape, r->at on its backslash; -1 with a problem if it is none. */
static int read_escape(struct reader *r)
{
	static const char letters[] = "\\'\"abfnrtv", meant[] = "\\'\"\a\b\f\n\r\t\v";
	const char *begin = r->at++;
	const char *found = *r->at ? strchr(letters, *r->at) : NULL;
	int value = 0, digits = 0;

	if (found) {
		r->at++;
		return (unsigned char)meant[found - letters];
	}
	if (*r->at == 'x') {
		for (r->at++; digits < 2 && isxdigit((unsigned char)*r->at); digits++)
			value = value * 16 + digit(*r->at++);
		if (digits < 2)
			value = -1;
	} else if (*r->at >= '0' && *r->at <= '7') {
		for (; digits < 3 && *r->at >= '0' && *r->at <= '7'; digits++)
			value = value * 8 + digit(*r->at++);
	} else {
		value = -1;
	}
	if (value > 0 && value < 256)
		return value;
	if (value == 0)
		SAY(r, begin, NULL, "a string cannot hold a zero byte");
	else
		SAY(r, begin, "a backslash itself is written \\\\", "no such escape in a string");
	return -1;
}

static bool read_string(struct reader *r, struct value *v)
{
	const char *begin = r->at, quote = *r->at++;
	char *text = froe__arena_copy(r->p, r->at, strcspn(r->at, "\n"));
	size_t n = 0;

	if (!text)
		return false;
	while (*r->at && *r->at != '\n' && *r->at != quote) {
		int c = (unsigned char)*r->at;

		if (c == '\\') {
			c = read_escape(r);
			if (c < 0) {
				v->bad = true;
				r->at += *r->at && *r->at != '\n';
				continue;
			}
		} else {
			r->at++;
		}
		text[n++] = (char)c;
	}
	text[n] = '\0';
	v->kind = VALUE_STRING;
	v->text = text;
	if (*r->at == quote) {
		r->at++;
	} else {
		SAY(r, begin, NULL, "the string that begins here has no end in its line");
		v->bad = true;
	}
	return true;
}

static bool read_number(struct reader *r, struct value *v)
{
	const char *begin = r->at, *hint = "it has to fit in 64 bits";
	uint64_t number;

	while (in_key(*r->at))
		r->at++;
	v->kind = VALUE_NUMBER;
	v->text = froe__arena_copy(r->p, begin, (size_t)(r->at - begin));
	if (!v->text)
		return false;
	if (froe__config_number(v->text, &number))
		return true;
	if (strspn(v->text, "0123456789") < strlen(v->text))
		hint = "a number has no unit (sizes are MiB) and no fraction; other text needs quotes";
	else if (*v->text == '0')
		hint = "with a 0 in front it is octal";
	SAY(r, begin, hint, "'%s' is no number", v->text);
	v->bad = true;
	return true;
}

/* Anything else: a word without quotes, most often. */
static bool read_bare(struct reader *r, struct value *v, bool in_list)
{
	const char *begin = r->at;
	size_t length = strcspn(begin, in_list ? ",]\r\n#" : ";\r\n#");
	const char *hint = NULL, *word;

	while (length && isblank((unsigned char)begin[length - 1]))
		length--;
	r->at += length;
	v->kind = VALUE_STRING;
	v->bad = true;
	v->text = word = froe__arena_copy(r->p, begin, length);
	if (!word)
		return false;
	if (!length) {
		SAY(r, begin, "KEY = VALUE; \"\" is the empty string, [] the empty list",
		    "a value is missing");
		return true;
	}
	if (strspn(word, "+-0123456789") == length)
		hint = "a number has no sign";
	else if (!strcasecmp(word, "true") || !strcasecmp(word, "yes") || !strcasecmp(word, "on"))
		hint = "yes is 1";
	else if (!strcasecmp(word, "false") || !strcasecmp(word, "no") || !strcasecmp(word, "off"))
		hint = "no is 0";
	else if (length < 60 && !strpbrk(word, "\"'\\"))
		hint = froe__arena_format(r->p, "\"%s\"", word);
	SAY(r, begin, hint, "text needs quotes");
	return true;
}

static bool read_value(struct reader *r, struct value *v, unsigned depth);

static void list_append(struct value *list, struct value *item)
{
	if (list->last)
		list->last->next = item;
	else
		list->item = item;
	list->last = item;
	list->count++;
}

/* One item and what follows it; false if the list ends badly, which was told. */
static bool read_item(struct reader *r, struct value *list, unsigned depth)
{
	struct value *item = froe__arena_alloc(r->p, sizeof(*item));

	if (!item || !read_value(r, item, depth + 1))
		return false;
	list_append(list, item);
	skip_blank_lines(r);
	if (*r->at == ',')
		r->at++;
	else if (*r->at && *r->at != ']' && !item->bad && !statement_begins(r->at))
		SAY(r, r->at, NULL, "a comma is missing in front of this");
	return true;
}

static bool read_list(struct reader *r, struct value *v, unsigned depth)
{
	const unsigned line = r->line;
	const char *begin = r->at, *line_start = r->line_start;

	v->kind = VALUE_LIST;
	if (depth >= LIST_DEPTH) {
		SAY(r, begin, NULL, "lists are nested too deeply");
		return false;
	}
	r->at++;
	for (;;) {
		skip_blank_lines(r);
		if (*r->at == ']') {
			r->at++;
			return true;
		}
		/* The bracket is forgotten: the next statement is not its victim. */
		if (!*r->at || (r->line != line && statement_begins(r->at))) {
			struct reader back = *r;

			back.line = line;
			back.line_start = line_start;
			SAY(&back, begin, NULL, "the list that begins here has no ]");
			v->bad = true;
			return true;
		}
		if (*r->at == ',') {
			SAY(r, r->at, NULL, "a value is missing in front of this comma");
			r->at++;
			continue;
		}
		if (!read_item(r, v, depth))
			return false;
	}
}

static bool read_value(struct reader *r, struct value *v, unsigned depth)
{
	v->at = place(r, r->at);
	if (*r->at == '\'' || *r->at == '"')
		return read_string(r, v);
	if (*r->at == '[')
		return read_list(r, v, depth);
	if (isdigit((unsigned char)*r->at))
		return read_number(r, v);
	return read_bare(r, v, depth > 0);
}

/* To where the next statement can begin, after a mistake. */
static void skip_statement(struct reader *r)
{
	while (*r->at && *r->at != '\n')
		r->at++;
}

static bool value_is_whole(const struct value *v)
{
	if (v->bad)
		return false;
	for (const struct value *i = v->item; i; i = i->next)
		if (!value_is_whole(i))
			return false;
	return true;
}

static void add_setting(struct parse *p, struct setting *s)
{
	if (p->last)
		p->last->next = s;
	else
		p->first = s;
	p->last = s;
}

static bool read_key(struct reader *r, struct setting *s)
{
	const char *begin = r->at;

	r->key = NULL;
	if (!key_begins(*begin)) {
		SAY(r, begin, "statements are KEY = VALUE", "no key begins with this");
		return false;
	}
	while (in_key(*r->at))
		r->at++;
	s->at = place(r, begin);
	s->key = r->key = froe__arena_copy(r->p, begin, (size_t)(r->at - begin));
	if (!s->key)
		return false;
	skip_blank(r);
	if (*r->at == '+' && r->at[1] == '=') {
		s->append = true;
		r->at++;
	} else if (*r->at != '=') {
		SAY(r, r->at, "statements are KEY = VALUE", "no = behind the key");
		return false;
	}
	r->at++;
	skip_blank(r);
	return true;
}

static void read_statement(struct reader *r)
{
	struct setting *s = froe__arena_alloc(r->p, sizeof(*s));

	if (!s)
		return;
	if (!read_key(r, s)) {
		skip_statement(r);
		return;
	}
	/* With a value that is bad it is still there: nobody shall call it missing as well. */
	add_setting(r->p, s);
	if (!read_value(r, &s->value, 0)) {
		s->value.bad = true;
		skip_statement(r);
		return;
	}
	s->value.bad = !value_is_whole(&s->value);
	/* A list without its end stops in front of the next statement. */
	if (s->value.bad && r->line != s->at.line && statement_begins(r->at))
		return;
	skip_blank(r);
	if (*r->at && *r->at != '\n' && *r->at != ';') {
		SAY(r, r->at, "one statement a line, or ; between them",
		    "there is more behind the value");
		skip_statement(r);
	}
}

static void read_text(struct reader *r)
{
	r->line_start = r->at;
	if (!strncmp(r->at, "\xef\xbb\xbf", 3)) {
		SAY(r, r->at, "save it as UTF-8 without one", "byte order mark");
		r->at += 3;
		r->line_start = r->at;
	}
	for (skip_blank_lines(r); *r->at && !r->p->nomem; skip_blank_lines(r)) {
		if (*r->at == ';')
			r->at++;
		else
			read_statement(r);
		r->key = NULL;
	}
}

void froe__config_read(struct parse *p, const char *file, const char *text)
{
	struct reader r = { .p = p, .file = file, .at = text, .line = 1 };

	read_text(&r);
}

char *froe__config_quoted(struct parse *p, const char *text)
{
	char *copy = froe__arena_alloc(p, strlen(text) * 4 + 3), *to = copy;

	if (!copy)
		return NULL;
	*to++ = '"';
	for (; *text; text++) {
		if (*text == '"' || *text == '\\') {
			*to++ = '\\';
			*to++ = *text;
		} else if (iscntrl((unsigned char)*text)) {
			*to++ = '\\';
			*to++ = 'x';
			*to++ = "0123456789abcdef"[(unsigned char)*text >> 4];
			*to++ = "0123456789abcdef"[*text & 15];
		} else {
			*to++ = *text;
		}
	}
	*to = '"';
	return copy;
}

const char *froe__config_override(struct parse *p, const char *text, unsigned number)
{
	const char *value = strchr(text, '=');
	struct setting *before = p->last;
	/* The line in messages is the number of the override. */
	struct reader r = { .p = p, .file = "command line", .line = number };
	uint64_t n;

	if (value) {
		value += 1 + strspn(value + 1, " \t");
		if (!strchr("'\"[", *value) && !froe__config_number(value, &n))
			text = froe__arena_format(p, "%.*s%s", (int)(value - text), text,
			                          froe__config_quoted(p, value));
	}
	if (!text || p->nomem)
		return NULL;
	r.at = text;
	read_text(&r);
	for (struct setting *s = before ? before->next : p->first; s; s = s->next)
		s->override = true;
	return text;
}
