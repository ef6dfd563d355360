// SPDX-License-Identifier: GPL-2.0-only
/* The store proper: who may do what to the tree, and what a change entails. */
#include "store.h"
#include "journal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum {
	NODE_COST = sizeof(struct node) + sizeof(struct value) + sizeof(void *)
};

static struct node *tree;
static struct perms *introduce_perms, *release_perms;

void store_init(void)
{
	struct perms *root = perms_new(&(struct perm){ 0, 0 }, 1);

	tree = node_new("", 0, root);
	introduce_perms = perms_get(root);
	release_perms = perms_get(root);
	quota_account(0, 1, NODE_COST);
	perms_put(root);
}

struct node *store_root(void)
{
	return tree;
}

struct perms **store_special(const char *path)
{
	return !strcmp(path, "@introduceDomain") ? &introduce_perms
	       : !strcmp(path, "@releaseDomain") ? &release_perms
	                                         : NULL;
}

/* --- paths ------------------------------------------------------------------------ */

static bool path_char(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '-' && c <= '9') ||
	       c == '_' || c == '@';
}

/* '.' is between '-' and '9', but no character of a name. */
static bool path_valid(const char *path)
{
	const char *p = path;

	for (; *p; p++)
		if (!path_char(*p) || *p == '.' || (*p == '/' && p[1] == '/'))
			return false;
	return p > path && (p[-1] != '/' || p == path + 1);
}

int path_resolve(char *out, const char *path, uint16_t domid, bool specials)
{
	size_t len = strlen(path), base = 0;

	if (*path == '@' && specials && store_special(path)) {
		memcpy(out, path, len + 1);
		return 0;
	}
	if (len > PATH_ABS_MAX || *path == '@' || !path_valid(path))
		return -EINVAL;
	if (*path != '/') {
		if (len > PATH_REL_MAX)
			return -EINVAL;
		base = sprintf(out, "/local/domain/%u/", domid);
	}
	memcpy(out + base, path, len + 1);
	return 0;
}

/* Takes the last component off; false at the root. */
static bool path_up(char *path)
{
	char *slash = strrchr(path, '/');

	if (!path[1])
		return false;
	slash[slash == path] = 0;
	return true;
}

static struct node *view(struct tx *tx)
{
	return tx ? *tx_root(tx) : tree;
}

/*
 * The node that is there, at `path` or above it; *missing: how many are not. A transaction depends
 * on each of those that were looked at: if one of the missing ones is made by somebody else,
 * the node that this path would get has other permissions.
 */
static int nearest(struct tx *tx, const char *path, struct node **found, int *missing)
{
	char at[PATH_ABS_MAX + 64];
	int rc = 0;

	strcpy(at, path);
	for (*missing = 0;; ++*missing) {
		if (tx && (rc = tx_touch(tx, at, TOUCH_DATA)))
			return rc;
		*found = node_find(view(tx), at);
		if (*found || !path_up(at))
			return 0;
	}
}

int store_read(struct tx *tx, uint16_t domid, const char *path, struct node **found)
{
	int missing = 0, rc = 0;

	/* Most requests find what they ask for. */
	if (tx)
		rc = tx_touch(tx, path, TOUCH_DATA);
	if (rc)
		return rc;
	*found = node_find(view(tx), path);
	if (!*found && (rc = nearest(tx, path, found, &missing)))
		return rc;
	if (!(perms_of((*found)->perms, domid) & PERM_READ))
		return -EACCES;
	return missing ? -ENOENT : 0;
}

/* --- changes of a tree ----------------------------------------------------------------- */

static uint32_t node_cost(const struct node *n)
{
	return NODE_COST + n->name_len + node_len(n);
}

static void account_tree(const struct node *n, int sign)
{
	quota_account(n->perms->perm[0].domid, sign, (int64_t)sign * node_cost(n));
	for (uint32_t i = 0; i < n->children; i++)
		account_tree(n->child[i], sign);
}

/* What a new node gets: its parent's permissions, with its maker as the owner. */
static struct perms *inherit(const struct node *parent, uint16_t by)
{
	struct perms *p = parent->perms;

	if (by == 0 || p->perm[0].domid == by)
		return perms_get(p);
	p = perms_new(p->perm, p->count);
	p->perm[0].domid = by;
	return p;
}

/* The node at `path`, made if it is not there, with all that leads to it. */
static struct node *make(struct node **root, const char *path, uint16_t by)
{
	struct node *n = node_edit(root, path);
	char at[PATH_ABS_MAX + 64];

	if (n)
		return n;
	strcpy(at, path);
	do
		path_up(at);
	while (!(n = node_edit(root, at)));
	path += at[1] ? strlen(at) : 0;
	while (*path) {
		const char *name = path + 1;
		uint32_t len = strchrnul(name, '/') - name;
		struct perms *perms = inherit(n, by);

		n = node_add(n, name, len, perms);
		perms_put(perms);
		if (root == &tree)
			account_tree(n, 1);
		path = name + len;
	}
	return n;
}

static void apply_perms(struct node **root, const struct change *c)
{
	struct node *n = node_edit(root, c->path);

	if (!n)
		return;
	if (root == &tree)
		quota_account(n->perms->perm[0].domid, -1, -(int64_t)node_cost(n));
	perms_put(n->perms);
	n->perms = perms_new(c->data, c->len / sizeof(struct perm));
	n->data_since = node_clock();
	if (root == &tree)
		quota_account(n->perms->perm[0].domid, 1, node_cost(n));
}

static void apply_rm(struct node **root, const struct change *c)
{
	char parent[PATH_ABS_MAX + 64];
	const char *name = strrchr(c->path, '/') + 1;
	struct node *n, *gone;

	strcpy(parent, c->path);
	if (!path_up(parent) || !(n = node_edit(root, parent)))
		return;
	gone = node_child(n, name, strlen(name));
	if (gone && root == &tree)
		account_tree(gone, -1);
	node_remove(n, name, strlen(name));
}

static void apply(struct node **root, const struct change *c)
{
	struct node *n;
	uint32_t old;

	switch (c->op) {
	case STORE_WRITE:
		n = make(root, c->path, c->by);
		old = node_len(n);
		node_set(n, c->data, c->len);
		if (root == &tree)
			quota_account(n->perms->perm[0].domid, 0, (int64_t)c->len - old);
		break;
	case STORE_MKDIR:
		make(root, c->path, c->by);
		break;
	case STORE_RM:
		apply_rm(root, c);
		break;
	case STORE_PERMS:
		apply_perms(root, c);
		break;
	}
}

/* --- changes with all that they entail --------------------------------------------------- */

static void tell_below(char *path, const struct node *n)
{
	size_t len = strlen(path);

	for (uint32_t i = 0; i < n->children; i++) {
		const struct node *c = n->child[i];

		path[len] = '/';
		strcpy(path + len + 1, c->name);
		watch_fire(path, &(struct audience){ c->perms, NULL, n->perms }, true);
		tell_below(path, c);
	}
	path[len] = 0;
}

static void commit_rm(const struct change *c)
{
	char path[PATH_ABS_MAX + 64];
	struct node *n = node_find(tree, c->path), *parent;

	if (!n)
		return;
	if (watch_any()) {
		strcpy(path, c->path);
		path_up(path);
		parent = node_find(tree, path);
		watch_fire(c->path, &(struct audience){ n->perms, NULL, parent->perms }, false);
		strcpy(path, c->path);
		tell_below(path, n);
	}
	apply(&tree, c);
}

void store_commit(const struct change *c)
{
	const struct part parts[] = {
		{ &c->op, 1 },
		{ c->path, strlen(c->path) + 1 },
		{ c->data, c->len },
	};
	struct audience who = { 0 };
	struct node *n = NULL;
	struct perms *old;
	int missing;

	journal_add(J_CHANGE, c->by, parts, 3);
	if (c->op == STORE_RM) {
		commit_rm(c);
		return;
	}
	if (!watch_any()) {
		apply(&tree, c);
		return;
	}
	nearest(NULL, c->path, &n, &missing);
	old = perms_get(n->perms);
	apply(&tree, c);
	n = node_find(tree, c->path);
	who.after = n->perms;
	*(missing ? &who.parent : &who.before) = old;
	watch_fire(c->path, &who, false);
	perms_put(old);
}

void store_replay(const struct change *c)
{
	apply(&tree, c);
}

static int check_make(struct tx *tx, const struct change *c)
{
	struct node *n;
	uint32_t more;
	int missing, rc;

	rc = nearest(tx, c->path, &n, &missing);
	if (rc)
		return rc;
	if (!(perms_of(n->perms, c->by) & PERM_WRITE))
		return -EACCES;
	if (c->by && c->op == STORE_WRITE && c->len > QUOTA_VALUE)
		return -ENOSPC;
	more = missing                ? NODE_COST * missing + strlen(c->path) + c->len
	       : c->len > node_len(n) ? c->len - node_len(n)
	                              : 0;
	rc = quota_nodes(c->by, missing + (tx ? *tx_nodes(tx) : 0), more);
	if (rc)
		return rc;
	if (tx)
		*tx_nodes(tx) += missing;
	return !missing && c->op == STORE_MKDIR;
}

static int count_owned(const struct node *n, uint16_t domid)
{
	int count = n->perms->perm[0].domid == domid;

	for (uint32_t i = 0; i < n->children; i++)
		count += count_owned(n->child[i], domid);
	return count;
}

/* What is not there is removed already, if it could have been there. */
static int check_rm(struct tx *tx, const struct change *c)
{
	struct node *n;
	int missing, rc;

	if (!c->path[1])
		return -EINVAL;
	rc = nearest(tx, c->path, &n, &missing);
	if (rc)
		return rc;
	if (!(perms_of(n->perms, c->by) & PERM_WRITE))
		return -EACCES;
	if (missing)
		return missing == 1 ? 1 : -ENOENT;
	if (tx)
		*tx_nodes(tx) -= count_owned(n, c->by);
	return 0;
}

static int check_perms(struct tx *tx, const struct change *c)
{
	const struct perm *perm = c->data;
	struct node *n;
	int missing, rc;

	rc = nearest(tx, c->path, &n, &missing);
	if (rc)
		return rc;
	if (missing)
		return perms_of(n->perms, c->by) & PERM_WRITE ? -ENOENT : -EACCES;
	if (!(perms_of(n->perms, c->by) & PERM_OWNER))
		return -EACCES;
	if (c->by == 0)
		return 0;
	if (perm[0].domid != c->by)
		return -EPERM;
	return c->len / sizeof(*perm) > QUOTA_PERMS ? -ENOSPC : 0;
}

int store_change(struct tx *tx, const struct change *c)
{
	int rc = c->op == STORE_RM      ? check_rm(tx, c)
	         : c->op == STORE_PERMS ? check_perms(tx, c)
	                                : check_make(tx, c);

	if (rc) /* 1: there is nothing to do */
		return rc < 0 ? rc : 0;
	if (!tx) {
		store_commit(c);
		return 0;
	}
	rc = tx_log(tx, c);
	if (!rc)
		apply(tx_root(tx), c);
	return rc;
}

/* --- the daemon's own use ------------------------------------------------------------------ */

void store_set(const char *path, const char *value)
{
	store_commit(&(struct change){ STORE_WRITE, 0, path, value, strlen(value) });
}

void store_drop(const char *path)
{
	store_commit(&(struct change){ STORE_RM, 0, path, NULL, 0 });
}

bool store_get(const char *path, char *to, size_t size)
{
	struct node *n = node_find(tree, path);
	size_t len = n ? node_len(n) : 0;

	if (!n)
		return false;
	if (len > size - 1)
		len = size - 1;
	if (len)
		memcpy(to, n->value->data, len);
	to[len] = 0;
	return true;
}

/* --- the end of a domain --------------------------------------------------------------------- */

static bool names_domain(const struct perms *p, uint16_t domid)
{
	for (uint32_t i = 0; i < p->count; i++)
		if (p->perm[i].domid == domid)
			return true;
	return false;
}

/* Collects: 'x' or 'p', the path, 0. Shared permissions are looked at once a run of nodes. */
static void find_domain(const struct node *n, char *path, uint16_t domid, struct buf *found)
{
	static const struct perms *clean;
	size_t len = strlen(path);

	if (len == 0)
		clean = NULL;
	if (n->perms != clean) {
		if (names_domain(n->perms, domid)) {
			bool owner = n->perms->perm[0].domid == domid && len;

			buf_add(found, owner ? "x" : "p", 1);
			buf_add(found, len ? path : "/", (len ? len : 1) + 1);
			if (owner)
				return;
		} else {
			clean = n->perms;
		}
	}
	for (uint32_t i = 0; i < n->children; i++) {
		path[len] = '/';
		strcpy(path + len + 1, n->child[i]->name);
		find_domain(n->child[i], path, domid, found);
	}
	path[len] = 0;
}

/* A later domain of the same number must find nothing that was its predecessor's. */
void store_forget_domain(uint16_t domid)
{
	char path[PATH_ABS_MAX + 64] = "";
	struct perm left[PAYLOAD_MAX / 2];
	struct buf found = { 0 };
	uint32_t at, count;

	find_domain(tree, path, domid, &found);
	for (at = 0; at < found.len; at += strlen(found.data + at) + 1) {
		const char *what = found.data + at;
		struct node *n = node_find(tree, what + 1);

		if (*what == 'x') {
			store_drop(what + 1);
			continue;
		}
		left[0] = n->perms->perm[0];
		count = 1;
		for (uint32_t i = 1; i < n->perms->count; i++)
			if (n->perms->perm[i].domid != domid)
				left[count++] = n->perms->perm[i];
		store_commit(&(struct change){ STORE_PERMS, 0, what + 1, left,
		                               count * sizeof(left[0]) });
	}
	buf_free(&found);
	quota_forget(domid);
}

/* --- the journal -------------------------------------------------------------------------- */

static void save_node(const struct node *n, char *path)
{
	size_t len = strlen(path);
	const struct part parts[] = {
		{ &n->perms->count, 4 },
		{ n->perms->perm, n->perms->count * sizeof(struct perm) },
		{ len ? path : "/", (len ? len : 1) + 1 },
		{ n->value ? n->value->data : "", node_len(n) },
	};

	journal_add(J_NODE, 0, parts, 4);
	for (uint32_t i = 0; i < n->children; i++) {
		path[len] = '/';
		strcpy(path + len + 1, n->child[i]->name);
		save_node(n->child[i], path);
	}
	path[len] = 0;
}

void store_save(void)
{
	static const char *const special[] = { "@introduceDomain", "@releaseDomain" };
	char path[PATH_ABS_MAX + 64] = "";

	save_node(tree, path);
	for (int i = 0; i < 2; i++) {
		const struct perms *p = *store_special(special[i]);
		const struct part parts[] = { { special[i], strlen(special[i]) + 1 },
			                      { p->perm, p->count * sizeof(struct perm) } };

		journal_add(J_SPECIAL, 0, parts, 2);
	}
}
