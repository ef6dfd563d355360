/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The store: a tree of nodes that can be shared between snapshots, and what hangs on it:
 * permissions, transactions, watches, quotas.
 */
#pragma once

#include "froed.h"

struct conn;

enum {
	PATH_ABS_MAX = 3072,
	PATH_REL_MAX = 2048,
	PAYLOAD_MAX = 4096,
	DOMAINS_MAX = 0x7ff0
};

/* --- nodes ------------------------------------------------------------------- */

enum {
	PERM_READ = 1,
	PERM_WRITE = 2,
	PERM_OWNER = 4
};

struct perm {
	uint16_t domid;
	uint8_t bits;
};

/* The first entry names the owner, and what everybody has who is not listed. */
struct perms {
	uint32_t refs, count;
	struct perm perm[];
};

struct value {
	uint32_t refs, len;
	char data[];
};

/*
 * A node is changed in place while one tree holds it; otherwise the one who changes it takes a
 * copy, and copies of what leads to it. Generations say since when something is as it is.
 */
struct node {
	uint32_t refs, children, room;
	uint64_t data_since; /* its value, its permissions, that it is there at all */
	uint64_t list_since; /* which children it has */
	struct node **child; /* sorted by name */
	struct value *value; /* NULL: empty */
	struct perms *perms;
	uint16_t name_len;
	char name[];
};

struct perms *perms_new(const struct perm *perm, uint32_t count);
struct perms *perms_get(struct perms *p);
void perms_put(struct perms *p);
/* What `domid` may do: PERM_ bits. */
unsigned int perms_of(const struct perms *p, uint16_t domid);

struct node *node_new(const char *name, uint32_t len, struct perms *perms);
struct node *node_get(struct node *n);
void node_put(struct node *n);
struct node *node_child(const struct node *n, const char *name, uint32_t len);
/* Paths are absolute and valid; NULL if nothing is there. */
struct node *node_find(struct node *root, const char *path);
/* The same for a tree that is going to be changed: nothing on the way is shared any more. */
struct node *node_edit(struct node **root, const char *path);
/* A node that was not there, below one that belongs to the editor alone. */
struct node *node_add(struct node *parent, const char *name, uint32_t len, struct perms *perms);
void node_remove(struct node *parent, const char *name, uint32_t len);
void node_set(struct node *n, const void *data, uint32_t len);
uint64_t node_clock(void);
static inline uint32_t node_len(const struct node *n)
{
	return n->value ? n->value->len : 0;
}

/* --- the store ---------------------------------------------------------------- */

enum store_op {
	STORE_WRITE = 1,
	STORE_MKDIR,
	STORE_RM,
	STORE_PERMS
};

/* A change, complete: what transactions gather and the journal keeps. */
struct change {
	uint8_t op;
	uint16_t by;
	const char *path;
	const void *data; /* a value, or an array of struct perm */
	uint32_t len;
};

struct tx;

void store_init(void);
struct node *store_root(void);
/* Whose view: a transaction's (or NULL), with the rights of `domid`. */
int store_read(struct tx *tx, uint16_t domid, const char *path, struct node **found);
int store_change(struct tx *tx, const struct change *c);
/* The daemon's own changes: no questions. */
void store_set(const char *path, const char *value);
void store_drop(const char *path);
/* The value as a string in `to`, cut to its size; false if there is none. */
bool store_get(const char *path, char *to, size_t size);
/* Does what has been checked: tree, accounts, journal, watches. */
void store_commit(const struct change *c);
/* The same without journal and watches: a change that comes from the journal. */
void store_replay(const struct change *c);
void store_save(void);
/* A domain is gone: nothing in the store belongs to it or names it any more. */
void store_forget_domain(uint16_t domid);
/* "@introduceDomain" and "@releaseDomain" have permissions, but are no nodes. */
struct perms **store_special(const char *path);

#define HASH_START 2166136261u
/* Of a path, or of one more part of it (FNV-1a). */
static inline uint32_t store_hash(uint32_t hash, const char *data, size_t len)
{
	for (size_t i = 0; i < len; i++)
		hash = (hash ^ (unsigned char)data[i]) * 16777619;
	return hash;
}

/* 0 and the absolute path in `out` (PATH_ABS_MAX + 1 bytes), or -EINVAL. */
int path_resolve(char *out, const char *path, uint16_t domid, bool specials);

/* --- transactions --------------------------------------------------------------- */

enum {
	TOUCH_DATA = 1,
	TOUCH_LIST = 2
};

int tx_start(struct conn *c, uint32_t *id);
int tx_end(struct conn *c, uint32_t id, bool commit);
struct tx *tx_find(struct conn *c, uint32_t id);
void tx_drop_all(struct conn *c);
struct node **tx_root(struct tx *tx);
/* The transaction depends on this node: to be seen before anything is done with it. */
int tx_touch(struct tx *tx, const char *path, unsigned int what);
int tx_log(struct tx *tx, const struct change *c);
/* Nodes that this transaction made less those that it removed. */
int *tx_nodes(struct tx *tx);
/* From the journal: the id is good, what was done in it is lost. */
void tx_restore(struct conn *c, uint32_t id);
void tx_save(struct conn *c);

/* --- watches ---------------------------------------------------------------------- */

int watch_add(struct conn *c, const char *path, const char *given, const char *token);
int watch_del(struct conn *c, const char *path, const char *token);
void watch_drop_all(struct conn *c);
/* The one event that each new watch gets, and again after a restart. */
void watch_fire_new(struct conn *c);
void watch_fire_all(struct conn *c);
/* Events that found no room are made up for. */
void watch_fire_lost(struct conn *c);

/* Who may hear of a change: those who could or can read the node, or see it come and go. */
struct audience {
	const struct perms *before, *after, *parent;
};
/* Tells those who watch `path` or what it lies below; `exact`: only the former. */
void watch_fire(const char *path, const struct audience *who, bool exact);
bool watch_any(void);
void watch_save(struct conn *c);

/* --- quotas ------------------------------------------------------------------------- */

enum {
	QUOTA_NODES = 1000,
	QUOTA_WATCHES = 128,
	QUOTA_VALUE = 2048,
	QUOTA_TRANSACTIONS = 10,
	QUOTA_PERMS = 5,
	QUOTA_TOUCHED = 1024,       /* nodes that one transaction looks at */
	QUOTA_BYTES = 2 << 20,      /* of nodes that it owns */
	QUOTA_TX_BYTES = 256 << 10, /* of what one transaction is to do */
};

/* 0, or -ENOSPC: may `domid` own so much more? Domain 0 always may. */
int quota_nodes(uint16_t domid, int nodes, uint32_t bytes);
void quota_account(uint16_t domid, int nodes, int64_t bytes);
void quota_forget(uint16_t domid);
