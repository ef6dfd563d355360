// SPDX-License-Identifier: GPL-2.0-only
/* Nodes, values and permissions: a tree of which a snapshot costs one reference. */
#include "store.h"

#include <string.h>

/* --- permissions --------------------------------------------------------------- */

struct perms *perms_new(const struct perm *perm, uint32_t count)
{
	struct perms *p = xmalloc(sizeof(*p) + count * sizeof(*perm));

	p->refs = 1;
	p->count = count;
	memcpy(p->perm, perm, count * sizeof(*perm));
	return p;
}

struct perms *perms_get(struct perms *p)
{
	p->refs++;
	return p;
}

void perms_put(struct perms *p)
{
	if (p && !--p->refs)
		free(p);
}

unsigned int perms_of(const struct perms *p, uint16_t domid)
{
	if (domid == 0 || domid == p->perm[0].domid)
		return PERM_READ | PERM_WRITE | PERM_OWNER;
	for (uint32_t i = 1; i < p->count; i++)
		if (p->perm[i].domid == domid)
			return p->perm[i].bits;
	return p->perm[0].bits;
}

/* --- nodes ------------------------------------------------------------------------ */

uint64_t node_clock(void)
{
	static uint64_t clock;

	return ++clock;
}

struct node *node_new(const char *name, uint32_t len, struct perms *perms)
{
	struct node *n = xmalloc(sizeof(*n) + len + 1);

	*n = (struct node){ .refs = 1, .perms = perms_get(perms), .name_len = len };
	memcpy(n->name, name, len);
	n->name[len] = 0;
	n->data_since = n->list_since = node_clock();
	return n;
}

struct node *node_get(struct node *n)
{
	n->refs++;
	return n;
}

static void value_put(struct value *v)
{
	if (v && !--v->refs)
		free(v);
}

/* As deep as a path has components: PATH_ABS_MAX / 2. */
void node_put(struct node *n)
{
	if (--n->refs)
		return;
	for (uint32_t i = 0; i < n->children; i++)
		node_put(n->child[i]);
	free(n->child);
	value_put(n->value);
	perms_put(n->perms);
	free(n);
}

/* The node behind `slot`, in a copy if somebody else holds it as well. */
static struct node *node_own(struct node **slot)
{
	struct node *old = *slot, *n;

	if (old->refs == 1)
		return old;
	n = xmalloc(sizeof(*n) + old->name_len + 1);
	memcpy(n, old, sizeof(*n) + old->name_len + 1);
	n->refs = 1;
	n->room = n->children;
	n->child = n->children ? xmalloc(n->children * sizeof(*n->child)) : NULL;
	for (uint32_t i = 0; i < n->children; i++)
		n->child[i] = node_get(old->child[i]);
	if (n->value)
		n->value->refs++;
	perms_get(n->perms);
	old->refs--;
	return *slot = n;
}

/* Where the child is, or has to go. */
static uint32_t child_at(const struct node *n, const char *name, uint32_t len, bool *found)
{
	uint32_t low = 0, high = n->children;

	*found = false;
	while (low < high) {
		uint32_t mid = (low + high) / 2;
		const struct node *c = n->child[mid];
		int order = memcmp(c->name, name, c->name_len < len ? c->name_len : len);

		if (!order)
			order = (int)c->name_len - (int)len;
		if (!order) {
			*found = true;
			return mid;
		}
		if (order < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

struct node *node_child(const struct node *n, const char *name, uint32_t len)
{
	bool found;
	uint32_t at = child_at(n, name, len, &found);

	return found ? n->child[at] : NULL;
}

/* The next component of a path that stands at a '/'; its length, 0 at the end. */
static uint32_t component(const char **path)
{
	while (**path == '/')
		++*path;
	return strchrnul(*path, '/') - *path;
}

struct node *node_find(struct node *root, const char *path)
{
	struct node *n = root;

	for (uint32_t len; n && (len = component(&path)); path += len)
		n = node_child(n, path, len);
	return n;
}

struct node *node_edit(struct node **root, const char *path)
{
	struct node *n = node_own(root);

	for (uint32_t len; (len = component(&path)); path += len) {
		bool found;
		uint32_t at = child_at(n, path, len, &found);

		if (!found)
			return NULL;
		n = node_own(&n->child[at]);
	}
	return n;
}

struct node *node_add(struct node *parent, const char *name, uint32_t len, struct perms *perms)
{
	bool found;
	uint32_t at = child_at(parent, name, len, &found);
	struct node *n = node_new(name, len, perms);

	if (parent->children == parent->room) {
		parent->room = parent->room ? parent->room * 2 : 4;
		parent->child = xrealloc(parent->child, parent->room * sizeof(*parent->child));
	}
	memmove(parent->child + at + 1, parent->child + at,
	        (parent->children - at) * sizeof(*parent->child));
	parent->child[at] = n;
	parent->children++;
	parent->list_since = node_clock();
	return n;
}

void node_remove(struct node *parent, const char *name, uint32_t len)
{
	bool found;
	uint32_t at = child_at(parent, name, len, &found);

	if (!found)
		return;
	node_put(parent->child[at]);
	parent->children--;
	memmove(parent->child + at, parent->child + at + 1,
	        (parent->children - at) * sizeof(*parent->child));
	parent->list_since = node_clock();
}

void node_set(struct node *n, const void *data, uint32_t len)
{
	struct value *v = n->value;

	n->data_since = node_clock();
	/* A rewrite of the same length, as of a state or a counter, needs no new memory. */
	if (!v || v->refs > 1 || v->len != len) {
		value_put(v);
		v = n->value = NULL;
		if (!len)
			return;
		v = n->value = xmalloc(sizeof(*v) + len);
		v->refs = 1;
		v->len = len;
	}
	memcpy(v->data, data, len);
}
