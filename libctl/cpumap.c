/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Sets of CPUs as text.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "config.h"

static void set_range(struct froe_cpumap *map, unsigned first, unsigned last, bool on)
{
	for (unsigned cpu = first; cpu <= last; cpu++) {
		if (on)
			map->word[cpu / 64] |= 1ull << cpu % 64;
		else
			map->word[cpu / 64] &= ~(1ull << cpu % 64);
	}
}

static bool get(const struct froe_cpumap *map, unsigned cpu)
{
	return map->word[cpu / 64] >> cpu % 64 & 1;
}

/* "N" or "N-M" below `end`. */
static bool read_range(const char *text, unsigned end, const char *what, unsigned *first,
                       unsigned *last, char *why, size_t size)
{
	unsigned *n = first;

	*first = 0;
	for (const char *c = text;; c++) {
		if (!isdigit((unsigned char)*c))
			goto bad;
		for (*n = 0; isdigit((unsigned char)*c); c++) {
			*n = *n * 10 + (unsigned)(*c - '0');
			if (*n >= end) {
				snprintf(why, size, "there is no %s %s", what, text);
				return false;
			}
		}
		if (!*c)
			break;
		if (*c != '-' || n == last)
			goto bad;
		n = last;
	}
	if (n == first)
		*last = *first;
	if (*first <= *last)
		return true;
	snprintf(why, size, "'%s' ends before it begins", text);
	return false;
bad:
	snprintf(why, size, "'%s' is no number and no range N-M", text);
	return false;
}

/*
 * One word between commas. Froe knows the machine as one NUMA node, number 0, which is all CPUs.
 */
static bool read_word(char *word, struct froe_cpumap *map, char *why, size_t size)
{
	const bool on = *word != '^';
	const char *rest = word + !on;
	unsigned first = 0, last = FROE_CPUS_MAX - 1;

	if (!strcmp(rest, "all")) {
		if (!on) {
			snprintf(why, size, "'^all' leaves no CPU");
			return false;
		}
	} else if (!strncmp(rest, "node:", 5) || !strncmp(rest, "nodes:", 6)) {
		unsigned node, node_last;

		rest = strchr(rest, ':') + 1;
		if (!read_range(rest, 1, "NUMA node", &node, &node_last, why, size))
			return false;
	} else if (!read_range(rest, FROE_CPUS_MAX, "CPU", &first, &last, why, size)) {
		return false;
	}
	set_range(map, first, last, on);
	return true;
}

bool froe__cpumap_read(const char *text, struct froe_cpumap *map, char *why, size_t size)
{
	const char *c = text;
	char word[64];

	memset(map, 0, sizeof(*map));
	for (;; c++) {
		size_t length;

		c += strspn(c, " \t");
		length = strcspn(c, ", \t");
		if (!length || length >= sizeof(word)) {
			snprintf(why, size,
			         length ? "'%.40s...' is no number and no range N-M"
			                : "there is a CPU missing in '%s'",
			         length ? c : text);
			return false;
		}
		memcpy(word, c, length);
		word[length] = '\0';
		if (!read_word(word, map, why, size))
			return false;
		c += length;
		c += strspn(c, " \t");
		if (!*c)
			break;
		if (*c != ',') {
			snprintf(why, size, "a comma is missing in '%s'", text);
			return false;
		}
	}
	for (unsigned i = 0; i < FROE_CPUS_MAX / 64; i++)
		if (map->word[i])
			return true;
	snprintf(why, size, "'%s' leaves no CPU", text);
	return false;
}

int froe_cpumap_parse(struct froe *f, const char *text, struct froe_cpumap *map)
{
	char why[128];

	if (froe__cpumap_read(text, map, why, sizeof(why)))
		return 0;
	return froe__fail(f, FROE_INVALID, "for example 0-3,^2,7 or all", "list of CPUs: %s", why);
}

char *froe_cpumap_format(const struct froe_cpumap *map, uint32_t cpus)
{
	/* "255," for each of them is the longest. */
	char *text = malloc(FROE_CPUS_MAX * 4 + 1), *to = text;
	unsigned missing = 0;

	if (!text)
		return NULL;
	for (unsigned cpu = 0; cpu < cpus && cpu < FROE_CPUS_MAX; cpu++)
		missing += !get(map, cpu);
	if (!missing && cpus) {
		strcpy(text, "all");
		return text;
	}
	if (!cpus || cpus > FROE_CPUS_MAX)
		cpus = FROE_CPUS_MAX;
	for (unsigned cpu = 0; cpu < cpus; cpu++) {
		const unsigned first = cpu;

		if (!get(map, cpu))
			continue;
		while (cpu + 1 < cpus && get(map, cpu + 1))
			cpu++;
		to += sprintf(to, "%s%u", to == text ? "" : ",", first);
		if (cpu > first)
			to += sprintf(to, "-%u", cpu);
	}
	if (to == text)
		strcpy(text, "none");
	return text;
}
