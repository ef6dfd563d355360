/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a guest has in the store: the nodes that stock kernels and tools look for, written and
 * removed as one.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "build.h"
#include "wire.h"

#define CONSOLE_LIMIT "1048576" /* bytes of output that are kept, as with Xen */
#define COMMIT_TRIES  100       /* each loses to one that won */

struct tree {
	struct froe_store_item *item;
	size_t count, room;
	bool failed;
};

/* Add a node; the format makes its path, perms NULL inherits its parent's, value NULL: empty. */
static void __attribute__((format(printf, 4, 5)))
add(struct tree *t, const char *perms, const char *value, const char *path, ...)
{
	struct froe_store_item *i;
	char *text;
	va_list args;
	int n;

	va_start(args, path);
	n = vasprintf(&text, path, args);
	va_end(args);
	if (n < 0) {
		t->failed = true;
		return;
	}
	if (t->count == t->room) {
		size_t room = t->room * 2 + 64;

		i = realloc(t->item, room * sizeof(*i));
		if (!i) {
			free(text);
			t->failed = true;
			return;
		}
		t->item = i;
		t->room = room;
	}
	i = &t->item[t->count++];
	i->path = text;
	i->perms = perms ? strdup(perms) : NULL;
	i->value = value ? strdup(value) : NULL;
	t->failed |= (perms && !i->perms) || (value && !i->value);
}

static void tree_free(struct tree *t)
{
	for (size_t i = 0; i < t->count; i++) {
		free((void *)t->item[i].path);
		free((void *)t->item[i].perms);
		free((void *)t->item[i].value);
	}
	free(t->item);
}

static const char *number(char text[24], uint64_t n)
{
	snprintf(text, 24, "%" PRIu64, n);
	return text;
}

/* The guest's own directory: for it to read, except the nodes that it is there to write. */
static void add_domain(struct tree *t, struct build *b, const char *uuid)
{
	static const struct {
		const char *path, *value;
		bool own;
	} nodes[] = {
		{ "control/platform-feature-multiprocessor-suspend", "1", false },
		{ "control/platform-feature-xs_reset_watches", "1", false },
		{ "control/shutdown", "", true },
		{ "control/sysrq", "", true },
		{ "control/feature-poweroff", "", true },
		{ "control/feature-reboot", "", true },
		{ "control/feature-suspend", "", true },
		{ "console/type", "xenconsoled", false },
		{ "console/output", "pty", false },
		{ "console/tty", "", false },
		{ "console/limit", CONSOLE_LIMIT, false },
		{ "device", NULL, false },
		{ "device/suspend/event-channel", "", true },
		{ "data", NULL, true },
		{ "attr", NULL, true },
		{ "drivers", NULL, true },
		{ "feature", NULL, true },
		{ "error", NULL, true },
	};
	const struct froe_config *c = b->c;
	char read[24], own[24], n[24], vm[48];
	unsigned id = b->id;

	snprintf(read, sizeof(read), "n0,r%u", id);
	snprintf(own, sizeof(own), "n%u", id);
	snprintf(vm, sizeof(vm), "/vm/%s", uuid);
	add(t, read, NULL, "/local/domain/%u", id);
	add(t, NULL, c->name, "/local/domain/%u/name", id);
	add(t, NULL, number(n, id), "/local/domain/%u/domid", id);
	add(t, NULL, vm, "/local/domain/%u/vm", id);
	add(t, NULL, number(n, c->memory >> 10), "/local/domain/%u/memory/static-max", id);
	add(t, NULL, number(n, c->memory >> 10), "/local/domain/%u/memory/target", id);
	add(t, NULL, number(n, STORE_GFN), "/local/domain/%u/store/ring-ref", id);
	add(t, NULL, number(n, b->store_port), "/local/domain/%u/store/port", id);
	add(t, NULL, number(n, CONSOLE_GFN), "/local/domain/%u/console/ring-ref", id);
	add(t, NULL, number(n, b->console_port), "/local/domain/%u/console/port", id);
	for (size_t i = 0; i < sizeof(nodes) / sizeof(*nodes); i++)
		add(t, nodes[i].own ? own : NULL, nodes[i].value, "/local/domain/%u/%s", id,
		    nodes[i].path);
	for (uint32_t i = 0; i < c->vcpus_max; i++)
		add(t, NULL, i < c->vcpus ? "online" : "offline",
		    "/local/domain/%u/cpu/%u/availability", id, i);
}

/* What lives as long as the guest, over its reboots; froed looks up there what an end means. */
static void add_vm(struct tree *t, struct build *b, const char *uuid)
{
	const struct froe_config *c = b->c;
	const struct {
		const char *name;
		enum froe_action action;
	} actions[] = {
		{ "on_poweroff", c->on_poweroff },     { "on_reboot", c->on_reboot },
		{ "on_crash", c->on_crash },           { "on_watchdog", c->on_watchdog },
		{ "on_soft_reset", c->on_soft_reset },
	};
	char read[24], n[24];

	snprintf(read, sizeof(read), "n0,r%u", b->id);
	add(t, read, NULL, "/vm/%s", uuid);
	add(t, NULL, c->name, "/vm/%s/name", uuid);
	add(t, NULL, uuid, "/vm/%s/uuid", uuid);
	add(t, NULL, number(n, time(NULL)), "/vm/%s/start_time", uuid);
	for (size_t i = 0; i < sizeof(actions) / sizeof(*actions); i++)
		add(t, NULL, froe_action_name(actions[i].action), "/vm/%s/%s", uuid,
		    actions[i].name);
}

/* --- all at once ----------------------------------------------------------------------- */

/* 1: somebody was faster, or the store was restarted. */
static int commit(struct froe *f, const struct froe_store_item *items, size_t count,
                  const char *const *gone, size_t gone_count)
{
	froe_tx tx;

	if (froe_store_begin(f, &tx) < 0)
		return -1;
	if (froe_store_write_many(f, tx, items, count) < 0)
		goto failed;
	for (size_t i = 0; i < gone_count; i++)
		if (froe_store_remove(f, tx, gone[i]) < 0)
			goto failed;
	return froe_store_end(f, tx, true);
failed:
	froe_store_end(f, tx, false);
	return -1;
}

int froe__tree_commit(struct froe *f, const struct froe_store_item *items, size_t count,
                      const char *const *gone, size_t gone_count)
{
	int rc = 1;

	for (int i = 0; rc == 1 && i < COMMIT_TRIES; i++)
		rc = commit(f, items, count, gone, gone_count);
	if (rc == 1)
		return froe__fail(f, FROE_FAIL, "try again",
		                  "store: %d transactions in a row met with another's",
		                  COMMIT_TRIES);
	return rc;
}

int froe__tree_write(struct build *b)
{
	char uuid[FROE_UUID_TEXT], path[FROE_NAME_PATH], n[24];
	struct tree t = { 0 };
	int rc;

	froe_uuid_format(b->c->uuid, uuid);
	froe__name_path(b->c->name, path);
	add_domain(&t, b, uuid);
	add_vm(&t, b, uuid);
	add(&t, NULL, number(n, b->id), "%s", path);
	add(&t, NULL, path, "/froe/guest/%u", b->id);
	rc = t.failed ? froe__nomem(b->f) : froe__tree_commit(b->f, t.item, t.count, NULL, 0);
	tree_free(&t);
	if (rc == 0)
		rc = froe_store_introduce(b->f, b->id, STORE_GFN, b->store_port);
	return rc;
}

int froe__tree_remove(struct froe *f, uint32_t id)
{
	char own[64], ours[64], vm[64], *value[2] = { NULL, NULL }, *holder;
	const char *const ask[] = { vm, ours };
	const char *paths[4];
	size_t n = 0;
	int rc;

	snprintf(own, sizeof(own), "/local/domain/%u", id);
	snprintf(ours, sizeof(ours), "/froe/guest/%u", id);
	snprintf(vm, sizeof(vm), "/local/domain/%u/vm", id);
	if (froe_store_read_many(f, 0, ask, value, 2) < 0)
		return -1;
	paths[n++] = own;
	paths[n++] = ours;
	if (value[0] && !strncmp(value[0], "/vm/", 4))
		paths[n++] = value[0];
	/* The name may be another's by now. */
	if (value[1] && !strncmp(value[1], "/froe/name/", 11) &&
	    froe_store_read(f, 0, value[1], &holder, NULL) == 0) {
		if (strtoul(holder, NULL, 10) == id)
			paths[n++] = value[1];
		free(holder);
	}
	rc = froe__wire_begin(f);
	for (size_t i = 0; rc == 0 && i < n; i++)
		rc = froe__wire_add(f, XS_RM, 0, paths[i], strlen(paths[i]) + 1, NULL, 0);
	if (rc == 0)
		rc = froe__wire_run(f);
	for (size_t i = 0; rc == 0 && i < n; i++) {
		int error = froe__wire_reply(f, i)->error;

		if (error && error != ENOENT)
			rc = froe__wire_fail(f, error, "cannot remove", paths[i]);
	}
	free(value[0]);
	free(value[1]);
	return rc;
}

int froe__tree_check(struct build *b)
{
	char uuid[FROE_UUID_TEXT], path[64], *value = NULL;
	struct froe *f = b->f;
	uint32_t id;
	int rc = froe__name_find(f, b->c->name, &id);

	if (rc == 0)
		return froe__fail(f, FROE_EXISTS, "choose another name, or end that one first",
		                  "a guest named '%s' exists already: domain %u", b->c->name, id);
	/* What is left of one whose tool did not live to remove it is in the way. */
	if (rc == 2)
		rc = froe__tree_remove(f, id);
	if (rc < 0)
		return rc;
	froe_uuid_format(b->c->uuid, uuid);
	snprintf(path, sizeof(path), "/vm/%s/name", uuid);
	if (froe_store_read(f, 0, path, &value, NULL) < 0)
		return froe_code(f) == FROE_NOT_FOUND ? 0 : -1;
	/* It counts if its guest is there. */
	rc = froe__name_find(f, value, &id);
	free(value);
	if (rc)
		return rc < 0 ? rc : 0;
	snprintf(path, sizeof(path), "/local/domain/%u/vm", id);
	if (froe_store_read(f, 0, path, &value, NULL) < 0)
		return froe_code(f) == FROE_NOT_FOUND ? 0 : -1;
	rc = !strncmp(value, "/vm/", 4) && !strcmp(value + 4, uuid);
	free(value);
	return rc ? froe__fail(f, FROE_EXISTS, "leave the uuid out: each guest gets its own",
	                       "a guest with the UUID %s exists already: domain %u", uuid, id)
	          : 0;
}
