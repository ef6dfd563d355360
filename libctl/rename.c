/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Sets aside a guest that has ended: what is left of it stays for somebody to look at, and its name
 * and UUID are free for the next one.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "build.h"

#define SUFFIX_MAX  24 /* -20261128T1400Z */
#define SAME_MINUTE 99

static int set_handle(struct froe *f, uint32_t id, const uint8_t uuid[16])
{
	struct xen_domctl *d = froe__domctl(f, XEN_DOMCTL_setdomainhandle, id, 0, NULL);
	long rc;

	if (!d)
		return -1;
	memcpy(d->u.setdomainhandle.handle, uuid, 16);
	rc = froe__domctl_call(f, d);
	return rc < 0 ? froe__hyper_fail(f, rc, "set the UUID of", id) : 0;
}

/* As xl: the name with the minute behind it; with a number where that minute has seen one. */
static int pick_name(struct froe *f, const char *old, char name[FROE_NAME_MAX + 1])
{
	char stamp[SUFFIX_MAX], suffix[2 * SUFFIX_MAX];
	const time_t now = time(NULL);
	struct tm tm;
	uint32_t id;

	strftime(stamp, sizeof(stamp), "-%Y%m%dT%H%MZ", gmtime_r(&now, &tm));
	for (int i = 1; i <= SAME_MINUTE; i++) {
		int n = snprintf(suffix, sizeof(suffix), i > 1 ? "%s-%d" : "%s", stamp, i), rc;

		snprintf(name, FROE_NAME_MAX + 1, "%.*s%s", FROE_NAME_MAX - n, old, suffix);
		rc = froe__name_find(f, name, &id);
		if (rc)
			return rc < 0 ? rc : 0;
	}
	return froe__fail(f, FROE_EXISTS, "destroy those that nobody needs",
	                  "%s: set aside %d times within a minute", old, SAME_MINUTE);
}

/* What it asked for was done with this: nothing more is to follow from its end. */
#define ENDS 5
static const char *const ends[ENDS] = { "on_poweroff", "on_reboot", "on_crash", "on_watchdog",
	                                "on_soft_reset" };

static int rename_tree(struct froe *f, const struct froe_domain *d, const char *name,
                       const char *uuid)
{
	char own[48], own_vm[48], index[48], id[12], read[16], vm[64], at[3 + ENDS][96];
	char old_name[FROE_NAME_PATH], new_name[FROE_NAME_PATH], *old_vm;
	struct froe_store_item item[8 + ENDS];
	const char *gone[2] = { old_name }; /* what is the next guest's */
	size_t n = 0;
	int rc;

	snprintf(own, sizeof(own), "/local/domain/%u/name", d->id);
	snprintf(own_vm, sizeof(own_vm), "/local/domain/%u/vm", d->id);
	snprintf(index, sizeof(index), "/froe/guest/%u", d->id);
	snprintf(id, sizeof(id), "%u", d->id);
	snprintf(read, sizeof(read), "n0,r%u", d->id);
	snprintf(vm, sizeof(vm), "/vm/%s", uuid);
	snprintf(at[0], sizeof(at[0]), "%s/name", vm);
	snprintf(at[1], sizeof(at[1]), "%s/uuid", vm);
	froe__name_path(d->name, old_name);
	froe__name_path(name, new_name);
	item[n++] = (struct froe_store_item){ own, name, NULL };
	item[n++] = (struct froe_store_item){ own_vm, vm, NULL };
	item[n++] = (struct froe_store_item){ index, new_name, NULL };
	item[n++] = (struct froe_store_item){ new_name, id, NULL };
	item[n++] = (struct froe_store_item){ vm, NULL, read };
	item[n++] = (struct froe_store_item){ at[0], name, NULL };
	item[n++] = (struct froe_store_item){ at[1], uuid, NULL };
	for (size_t i = 0; i < ENDS; i++) {
		snprintf(at[2 + i], sizeof(at[0]), "%s/%s", vm, ends[i]);
		item[n++] = (struct froe_store_item){ at[2 + i],
			                              froe_action_name(FROE_ACTION_PRESERVE),
			                              NULL };
	}
	if (froe_store_read(f, 0, own_vm, &old_vm, NULL) < 0)
		return -1;
	gone[1] = old_vm;
	rc = froe__tree_commit(f, item, n, gone, strncmp(old_vm, "/vm/", 4) ? 1 : 2);
	free(old_vm);
	return rc;
}

int froe__set_aside(struct froe *f, uint32_t id)
{
	char name[FROE_NAME_MAX + 1], text[FROE_UUID_TEXT];
	uint8_t uuid[16];
	struct froe_domain d;

	if (froe_domain_info(f, id, &d) < 0 || pick_name(f, d.name, name) < 0)
		return -1;
	froe__uuid_make(uuid);
	froe_uuid_format(uuid, text);
	if (set_handle(f, id, uuid) < 0)
		return -1;
	if (rename_tree(f, &d, name, text) == 0)
		return 0;
	/* With a handle of its own, so that what failed first is what is reported. */
	f = froe_open();
	if (f) {
		set_handle(f, id, d.uuid);
		froe_close(f);
	}
	return -1;
}
