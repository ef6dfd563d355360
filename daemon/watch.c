// SPDX-License-Identifier: GPL-2.0-only
/* Watches: who asked to hear of which part of the tree, found by the hash of its path. */
#include "conn.h"
#include "journal.h"

#include <errno.h>
#include <string.h>

struct watch {
	struct watch *next; /* in its bucket */
	struct list link;   /* in conn->watches */
	struct conn *conn;
	uint32_t hash;
	uint16_t skip;     /* bytes of a changed path that the client did not give */
	bool lost;         /* an event found no room */
	const char *given; /* the path as the client said it */
	const char *token;
	char path[]; /* absolute */
};

enum {
	TOKEN_MAX = PAYLOAD_MAX - PATH_ABS_MAX - 2
};

static struct watch **table;
static uint32_t buckets, count;

static void table_grow(void)
{
	uint32_t more = buckets ? buckets * 2 : 64;
	struct watch **old = table;

	table = xcalloc(more * sizeof(*table));
	for (uint32_t i = 0; i < buckets; i++)
		for (struct watch *w = old[i], *next; w; w = next) {
			next = w->next;
			w->next = table[w->hash % more];
			table[w->hash % more] = w;
		}
	buckets = more;
	free(old);
}

bool watch_any(void)
{
	return count != 0;
}

static struct watch *watch_find(struct conn *c, const char *path, const char *token)
{
	struct watch *w;

	list_each(w, &c->watches, link)
		if (!strcmp(w->path, path) && !strcmp(w->token, token))
			return w;
	return NULL;
}

int watch_add(struct conn *c, const char *path, const char *given, const char *token)
{
	size_t len = strlen(path), given_len = strlen(given), token_len = strlen(token);
	struct watch *w;

	if (token_len > TOKEN_MAX)
		return -EINVAL;
	if (c->domid && c->watch_count >= QUOTA_WATCHES)
		return -ENOSPC;
	if (watch_find(c, path, token))
		return -EEXIST;
	if (count >= buckets)
		table_grow();
	w = xcalloc(sizeof(*w) + len + token_len + 2);
	w->conn = c;
	memcpy(w->path, path, len + 1);
	w->token = memcpy(w->path + len + 1, token, token_len + 1);
	w->skip = len - given_len;
	w->given = w->path + w->skip;
	w->hash = store_hash(HASH_START, path, len);
	w->next = table[w->hash % buckets];
	table[w->hash % buckets] = w;
	list_add(&w->link, &c->watches);
	count++;
	c->watch_count++;
	return 0;
}

static void watch_free(struct watch *w)
{
	struct watch **slot = &table[w->hash % buckets];

	while (*slot != w)
		slot = &(*slot)->next;
	*slot = w->next;
	list_del(&w->link);
	w->conn->watch_count--;
	count--;
	free(w);
}

int watch_del(struct conn *c, const char *path, const char *token)
{
	struct watch *w = watch_find(c, path, token);

	if (!w)
		return -ENOENT;
	watch_free(w);
	return 0;
}

void watch_drop_all(struct conn *c)
{
	struct watch *w;

	list_each(w, &c->watches, link)
		watch_free(w);
}

/* --- events ------------------------------------------------------------------------ */

static void tell(struct watch *w, const char *path)
{
	if (!w->lost && !conn_event(w->conn, path + w->skip, w->token))
		w->lost = w->conn->lost = true;
}

void watch_fire_new(struct conn *c)
{
	struct watch *w = container_of(c->watches.prev, struct watch, link);

	tell(w, w->path);
}

void watch_fire_all(struct conn *c)
{
	struct watch *w;

	list_each(w, &c->watches, link)
		tell(w, w->path);
}

void watch_fire_lost(struct conn *c)
{
	struct watch *w;

	c->lost = false;
	list_each(w, &c->watches, link)
		if (w->lost) {
			w->lost = false;
			tell(w, w->path);
		}
}

static bool may_hear(const struct audience *who, uint16_t domid)
{
	const struct perms *const any[] = { who->before, who->after, who->parent };

	if (domid == 0)
		return true;
	for (int i = 0; i < 3; i++)
		if (any[i] && perms_of(any[i], domid) & PERM_READ)
			return true;
	return false;
}

/* Those who watch exactly the first `len` bytes of the path. */
static void fire_at(uint32_t hash, const char *path, size_t len, const struct audience *who)
{
	for (struct watch *w = table[hash % buckets], *next; w; w = next) {
		next = w->next;
		if (w->hash == hash && !strncmp(w->path, path, len) && !w->path[len] &&
		    may_hear(who, w->conn->domid))
			tell(w, path);
	}
}

void watch_fire(const char *path, const struct audience *who, bool exact)
{
	uint32_t hash = HASH_START;
	size_t len = strlen(path);

	if (!count)
		return;
	if (exact) {
		fire_at(store_hash(hash, path, len), path, len, who);
		return;
	}
	/* "/", then each part up to the next '/', then the whole. */
	if (*path == '/')
		fire_at(store_hash(hash, "/", 1), path, 1, who);
	for (size_t i = 0; i < len; i++) {
		if (i && path[i] == '/')
			fire_at(hash, path, i, who);
		hash = store_hash(hash, path + i, 1);
	}
	if (len > 1)
		fire_at(hash, path, len, who);
}

/* --- the journal ----------------------------------------------------------------------- */

void watch_save(struct conn *c)
{
	struct watch *w;

	list_each(w, &c->watches, link) {
		const struct part parts[] = { { w->path, strlen(w->path) + 1 },
			                      { w->given, strlen(w->given) + 1 },
			                      { w->token, strlen(w->token) + 1 } };

		journal_add(J_WATCH, c->domid, parts, 3);
	}
}
