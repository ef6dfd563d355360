/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which domain is meant: by name, UUID or id.
 *
 * Names are in the store. Two directories of it index those of the guests that this library made,
 * so that neither the check for a name in use nor a look-up reads the name of every guest:
 * /froe/name/NAME holds an id, and /froe/guest/ID the path of that. An entry is a hint: it counts
 * only if the domain's own name agrees. A domain with no entry was made by other tools, and its
 * name is read.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "internal.h"

void froe__name_path(const char *name, char path[FROE_NAME_PATH])
{
	char *p = path + sprintf(path, "/froe/name/");

	/* A store's path is letters, digits and "-/_@". */
	for (; *name && p < path + FROE_NAME_PATH - 4; name++)
		p += sprintf(p, isalnum((unsigned char)*name) || *name == '-' ? "%c" : "_%02x",
		             (unsigned char)*name);
}

/* What the index says. 0 and *id, or 1: nothing, or nothing that is true. */
static int find_indexed(struct froe *f, const char *name, uint32_t *id)
{
	char path[FROE_NAME_PATH], own[40], *value = NULL;
	int rc = 1;

	froe__name_path(name, path);
	if (froe_store_read(f, 0, path, &value, NULL) < 0)
		return froe_code(f) == FROE_NOT_FOUND ? 1 : -1;
	*id = strtoul(value, NULL, 10);
	free(value);
	snprintf(own, sizeof(own), "/local/domain/%u/name", *id);
	if (froe_store_read(f, 0, own, &value, NULL) == 0) {
		rc = strcmp(value, name) != 0;
		free(value);
	} else if (froe_code(f) != FROE_NOT_FOUND) {
		rc = -1;
	}
	return rc;
}

static int compare_numbers(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

/* The names of a directory, as sorted numbers. None if it does not exist. */
static int list_numbers(struct froe *f, const char *path, uint32_t **number, size_t *count)
{
	char **names;
	int rc;

	*number = NULL;
	*count = 0;
	rc = froe_store_list(f, 0, path, &names, count);
	if (rc < 0)
		return froe_code(f) == FROE_NOT_FOUND ? 0 : -1;
	*number = malloc(*count * sizeof(**number) + 1);
	for (size_t i = 0; *number && i < *count; i++)
		(*number)[i] = strtoul(names[i], NULL, 10);
	free(names);
	if (!*number)
		return froe__nomem(f);
	qsort(*number, *count, sizeof(**number), compare_numbers);
	return 0;
}

/* Among the domains that other tools made, and domain 0. 1: no. */
static int find_foreign(struct froe *f, const char *name, uint32_t *id)
{
	struct froe_domain *foreign = NULL;
	uint32_t *all, *ours = NULL;
	size_t count, our_count, n = 0;
	int rc = list_numbers(f, "/local/domain", &all, &count);

	if (rc == 0)
		rc = list_numbers(f, "/froe/guest", &ours, &our_count);
	if (rc == 0 && !(foreign = calloc(count + 1, sizeof(*foreign))))
		rc = froe__nomem(f);
	for (size_t i = 0; rc == 0 && i < count; i++)
		if (!our_count ||
		    !bsearch(&all[i], ours, our_count, sizeof(*ours), compare_numbers))
			foreign[n++].id = all[i];
	if (rc == 0)
		rc = froe__domain_names(f, foreign, n);
	if (rc == 0) {
		rc = 1;
		for (size_t i = 0; i < n && rc; i++)
			if (!strcmp(foreign[i].name, name)) {
				*id = foreign[i].id;
				rc = 0;
			}
	}
	free(foreign);
	free(all);
	free(ours);
	return rc;
}

int froe__name_find(struct froe *f, const char *name, uint32_t *id)
{
	struct froe_domain d;
	int rc;

	if (!*name || strlen(name) > FROE_NAME_MAX)
		return 1;
	rc = find_indexed(f, name, id);
	if (rc == 1)
		rc = find_foreign(f, name, id);
	if (rc == 0)
		rc = froe__domain_get(f, *id, &d);
	else
		return rc;
	return rc == 1 ? 2 : rc;
}

/* --- by what an administrator types ---------------------------------------------------- */

/* At least the first eight digits of a UUID, with or without hyphens. */
static size_t uuid_digits(const char *what, char digits[33])
{
	size_t n = 0;

	for (; *what; what++) {
		if (*what == '-' && n)
			continue;
		if (!isxdigit((unsigned char)*what) || n == 32)
			return 0;
		digits[n++] = tolower((unsigned char)*what);
	}
	digits[n] = 0;
	return n < 8 ? 0 : n;
}

static bool is_called(const struct froe_domain *d, const char *what)
{
	char id[12];

	sprintf(id, "%u", d->id);
	return !strcmp(what, id) || (d->name[0] && !strcmp(what, d->name));
}

/* In the list, which also has those that are being restarted. */
static int find_listed(struct froe *f, const char *what, struct froe_domain *d)
{
	char digits[33], own[FROE_UUID_TEXT], plain[33];
	size_t count, n = uuid_digits(what, digits), hits = 0;
	struct froe_domain *list;

	if (froe_domain_list(f, &list, &count) < 0)
		return -1;
	for (size_t i = 0; i < count; i++) {
		if (is_called(&list[i], what)) {
			*d = list[i];
			hits = 1;
			break;
		}
		froe_uuid_format(list[i].uuid, own);
		uuid_digits(own, plain);
		if (n && !strncmp(plain, digits, n)) {
			*d = list[i];
			hits++;
		}
	}
	free(list);
	if (hits > 1)
		return froe__fail(f, FROE_USAGE, "give more of its digits, or its name",
		                  "%zu domains have a UUID that begins with '%s'", hits, what);
	return hits ? 0 : froe__no_domain(f, what);
}

int froe_domain_find(struct froe *f, const char *what, struct froe_domain *d)
{
	size_t length = strlen(what);
	uint32_t id;
	int rc = 1;

	if (length && length < 6 && strspn(what, "0123456789") == length) {
		rc = froe_domain_info(f, strtoul(what, NULL, 10), d);
		if (rc < 0 && froe_code(f) != FROE_NOT_FOUND)
			return rc;
	}
	if (rc) {
		rc = froe__name_find(f, what, &id);
		if (rc < 0)
			return rc;
		if (rc == 0)
			rc = froe_domain_info(f, id, d);
		/* The name goes before the domain when it is restarted right now. */
		if (rc == 0)
			rc = strcmp(d->name, what) != 0;
	}
	return rc || d->flags & FROE_DYING ? find_listed(f, what, d) : 0;
}
