/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which keys guest files have, and what Froe makes of each: the rows of config_rows.h.
 *
 * Every key that xl knows has its row. What a guest would silently not get is an error that names
 * the key; what asks for what is the case anyway is accepted; what cannot matter to a PVH guest is
 * a warning.
 */
#include <stdio.h>
#include <string.h>
#include "config.h"

enum kind {
	NUMBER,
	BOOLEAN,
	STRING,
	WORD,    /* a string of a set */
	LIST,    /* where a string is as good as a list of one, it is accepted */
	ANYKIND, /* no use in complaining about its kind as well */
};

enum support {
	SERVED,   /* config.c takes it */
	ACCEPTED, /* asks for what is the case, whatever it says */
	IGNORED,  /* without effect, with a warning */
	LATER,    /* other values than the neutral one are refused: not yet */
	NEVER,    /* the same, for good */
	HVM_ONLY,
	PV_ONLY,
	ARM_ONLY,
	OLD_NAME, /* `why` is the key's name today */
};

/* The row's value that asks for nothing: a number, one of its words, or the empty list or string.
 */
#define NEUTRAL_NONE UINT64_MAX

struct key {
	const char *name;
	enum kind kind;
	enum support support;
	uint64_t neutral, low, high; /* of numbers; low to high is what it may be */
	const char *words; /* of WORD: all, separated by spaces; neutral ones first, then | */
	const char *why;
};

/* Those behind the bar are xl's as well, and config.c refuses them. */
#define ACTIONS                                                                                    \
	"destroy restart rename-restart preserve | coredump-destroy coredump-restart soft-reset"

#define ROW(key, is, how, ...) { .name = #key, .kind = is, .support = how, __VA_ARGS__ },
static const struct key keys[] = {
#include "config_rows.h"
};
#undef ROW
#define KEYS (sizeof(keys) / sizeof(*keys))

static const struct key *find_key(const char *name)
{
	for (size_t i = 0; i < KEYS; i++)
		if (!strcmp(keys[i].name, name))
			return &keys[i];
	return NULL;
}

/* Names that can be used come before those that cannot. */
static const char *nearest_key(const char *name)
{
	const char *best = NULL;
	size_t best_far = SIZE_MAX;

	for (size_t i = 0; i < KEYS; i++) {
		size_t far = froe__problem_distance(name, keys[i].name);

		if (far == SIZE_MAX)
			continue;
		far = far * 2 + (keys[i].support != SERVED);
		if (far < best_far) {
			best_far = far;
			best = keys[i].name;
		}
	}
	return best;
}

#define ERROR(p, s, hint, ...)                                                                     \
	froe__problem(p, SEVERITY_ERROR, &(s)->value.at, (s)->key, hint, __VA_ARGS__)
#define WARN(p, s, hint, ...)                                                                      \
	froe__problem(p, SEVERITY_WARNING, &(s)->at, (s)->key, hint, __VA_ARGS__)

/* --- kinds and ranges ------------------------------------------------------------------ */

/* Whether `word` is one of `words`; *neutral whether it stands in front of the bar. */
static bool in_words(const char *words, const char *word, bool *neutral)
{
	const size_t length = strlen(word);
	const char *bar = strchr(words, '|');

	for (const char *w = words; *w;) {
		size_t n;

		w += strspn(w, " |");
		n = strcspn(w, " |");
		if (n == length && n && !strncmp(w, word, n)) {
			*neutral = bar && w < bar;
			return true;
		}
		w += n;
	}
	return false;
}

/* The words that are good: those in front of the bar, if there is one. */
static const char *nearest_word(struct parse *p, const char *words, const char *wrong)
{
	const char *best = NULL;
	size_t best_far = SIZE_MAX;

	for (const char *w = words; *w && *w != '|';) {
		const size_t n = strcspn(w, " |");
		const char *word = froe__arena_copy(p, w, n);
		const size_t far = word ? froe__problem_distance(wrong, word) : SIZE_MAX;

		if (far < best_far) {
			best_far = far;
			best = word;
		}
		w += n;
		w += strspn(w, " ");
	}
	return best;
}

static void say_unknown_word(struct parse *p, const struct key *k, const struct setting *s)
{
	const char *near = nearest_word(p, k->words, s->value.text);
	size_t length = strcspn(k->words, "|");

	while (k->words[length - 1] == ' ')
		length--;
	ERROR(p, s,
	      near ? froe__arena_format(p, "did you mean \"%s\"?", near)
	           : froe__arena_format(p, "one of: %.*s", (int)length, k->words),
	      "no such value: \"%s\"", s->value.text);
}

static bool check_number(struct parse *p, const struct key *k, const struct setting *s,
                         bool *neutral)
{
	uint64_t n;

	if (s->value.kind == VALUE_LIST || !froe__config_number(s->value.text, &n)) {
		if (s->value.kind == VALUE_LIST)
			ERROR(p, s, NULL, "a number is wanted here, not a list");
		else
			ERROR(p, s, NULL, "a number is wanted here, not \"%s\"", s->value.text);
		return false;
	}
	if (k->kind == BOOLEAN)
		n = n != 0;
	*neutral = n == k->neutral;
	if (k->kind == BOOLEAN || !k->high || (n >= k->low && n <= k->high))
		return true;
	ERROR(p, s, k->support == SERVED ? k->why : NULL, "%s is out of range: %llu to %llu",
	      s->value.text, (unsigned long long)k->low, (unsigned long long)k->high);
	return false;
}

static bool check_kind(struct parse *p, const struct key *k, const struct setting *s, bool *neutral)
{
	*neutral = false;
	switch (k->kind) {
	case NUMBER:
	case BOOLEAN:
		return check_number(p, k, s, neutral);
	case STRING:
	case WORD:
		if (s->value.kind == VALUE_LIST) {
			ERROR(p, s, NULL, "a string is wanted here, not a list");
			return false;
		}
		if (k->kind == STRING)
			*neutral = !*s->value.text;
		else if (!in_words(k->words, s->value.text, neutral))
			return say_unknown_word(p, k, s), false;
		return true;
	case LIST:
		*neutral = s->value.kind == VALUE_LIST ? !s->value.count : !*s->value.text;
		return true;
	case ANYKIND:
		*neutral = s->value.kind == VALUE_LIST
		                   ? !s->value.count
		                   : s->value.kind == VALUE_STRING && !*s->value.text;
		return true;
	}
	return true;
}

/* --- what is served -------------------------------------------------------------------- */

static bool refused(const struct key *k)
{
	return k->support >= LATER;
}

static void say_refused(struct parse *p, const struct key *k, const struct setting *s)
{
	struct where at = s->at;
	const char *text = "";

	switch (k->support) {
	case LATER:
		text = froe__arena_format(p, "not supported yet by Froe: %s", k->why);
		break;
	case NEVER:
		text = froe__arena_format(p, "not supported by Froe: %s", k->why);
		break;
	case HVM_ONLY:
		text = "for HVM guests only, which Froe does not support";
		break;
	case PV_ONLY:
		text = "for classic PV guests only, which Froe does not support";
		break;
	case ARM_ONLY:
		text = "for other machines than Froe's, Arm most often";
		break;
	default:
		break;
	}
	if (text)
		froe__problem(p, SEVERITY_ERROR, &at, s->key, "remove it from the file", "%s",
		              text);
}

static void check_setting(struct parse *p, const struct setting *s)
{
	const struct key *k = find_key(s->key);
	bool neutral;

	if (!k || s->value.bad || !check_kind(p, k, s, &neutral))
		return;
	if (k->support == IGNORED && !neutral)
		WARN(p, s, NULL, "has no effect: %s", k->why);
	else if (refused(k) && !neutral)
		say_refused(p, k, s);
}

/* --- names ----------------------------------------------------------------------------- */

/* Today's name for an old one, with a warning; false for a key that there is not. */
static bool check_name(struct parse *p, struct setting *s)
{
	const struct key *k = find_key(s->key);

	if (k && k->support == OLD_NAME) {
		WARN(p, s, NULL, "another tool's name for %s", k->why);
		s->key = k->why;
	} else if (!k) {
		const char *near = nearest_key(s->key);

		froe__problem(p, p->lax ? SEVERITY_WARNING : SEVERITY_ERROR, &s->at, NULL,
		              near ? froe__arena_format(p, "did you mean %s?", near) : NULL,
		              p->lax ? "unknown key '%s' has no effect" : "unknown key '%s'",
		              s->key);
		return false;
	}
	return true;
}

/* KEY += VALUE: `s` becomes what both make together. */
static void join(struct parse *p, const struct setting *before, struct setting *s)
{
	if (before->value.bad || s->value.bad) {
		s->value.bad = true;
	} else if (before->value.kind == VALUE_STRING && s->value.kind == VALUE_STRING) {
		s->value.text = froe__arena_format(p, "%s%s", before->value.text, s->value.text);
	} else if (before->value.kind == VALUE_LIST && s->value.kind == VALUE_LIST) {
		struct value both = before->value;

		if (both.last && s->value.item) {
			both.last->next = s->value.item;
			both.last = s->value.last;
			both.count += s->value.count;
			both.at = s->value.at;
			s->value = both;
		} else if (both.last) {
			s->value = both;
		}
	} else {
		ERROR(p, s, "+= joins two strings or two lists",
		      "what line %u gave it is of another kind, or a number", before->at.line);
	}
}

/* The last of a key counts. Overriding the file is what overrides are for; else it is told. */
static void merge(struct parse *p, struct setting *before, struct setting *s)
{
	if (s->append)
		join(p, before, s);
	else if (s->override == before->override)
		WARN(p, s, NULL, "given already in line %u, column %u; this one counts",
		     before->at.line, before->at.column);
	before->key = NULL;
}

/* allow_unknown_keys = 1, for files that have to please other tools as well. */
static void check_lax(struct parse *p)
{
	uint64_t n;

	for (const struct setting *s = p->first; s; s = s->next)
		if (!strcmp(s->key, "allow_unknown_keys") && !s->value.bad &&
		    s->value.kind != VALUE_LIST && froe__config_number(s->value.text, &n))
			p->lax = n;
}

void froe__keys_check(struct parse *p)
{
	struct setting **link = &p->first, *last[KEYS] = { NULL };

	check_lax(p);
	for (struct setting *s = p->first; s && !p->nomem; s = s->next) {
		struct setting **before;

		if (!check_name(p, s)) {
			s->key = NULL;
			continue;
		}
		before = &last[find_key(s->key) - keys];
		if (*before)
			merge(p, *before, s);
		*before = s;
	}
	/* What was replaced is not looked at again, by nobody. */
	while (*link) {
		if ((*link)->key)
			link = &(*link)->next;
		else
			*link = (*link)->next;
	}
	for (struct setting *s = p->first; s && !p->nomem; s = s->next)
		check_setting(p, s);
}
