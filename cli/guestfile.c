/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The configurations of the guests that run.
 */
#include <limits.h>
#include <stdio.h>
#include "guestfile.h"

int guestfile_load(struct call *c, const struct froe_domain *d, struct froe_config **config)
{
	char path[PATH_MAX], given[64], uuid[FROE_UUID_TEXT];
	const char *override = given;
	struct froe_problems problems;
	int rc;

	snprintf(path, sizeof(path), "%s/guest/%u.cfg", domain_folder(), d->id);
	froe_uuid_format(d->uuid, uuid);
	snprintf(given, sizeof(given), "uuid = \"%s\"", uuid);
	rc = froe_config_load(c->froe, path, &override, 1, true, config, &problems);
	froe_problems_free(&problems);
	return rc;
}
