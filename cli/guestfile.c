/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The configurations of the guests that run.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "guestfile.h"

int guestfile_load(struct call *c, const struct froe_domain *d, struct froe_config **config)
{
	struct froe_problems problems;
	char path[PATH_MAX], *name;
	int rc;

	snprintf(path, sizeof(path), "%s/guest/%u.cfg", domain_folder(), d->id);
	rc = froe_config_load(c->froe, path, NULL, 0, true, config, &problems);
	froe_problems_free(&problems);
	if (rc)
		return rc;
	/* As it is now: the file may leave the UUID out, and one set aside has another name. */
	memcpy((*config)->uuid, d->uuid, sizeof((*config)->uuid));
	name = *d->name ? strdup(d->name) : NULL;
	if (name) {
		free((*config)->name);
		(*config)->name = name;
	}
	return 0;
}
