// SPDX-License-Identifier: GPL-2.0-only
/*
 * Transactions: a snapshot to read and change, a list of what it depends on and a list of what it
 * is to do. At its end, what it depends on has to be as it was; then what it did is done again,
 * for all to see.
 */
#include "conn.h"
#include "journal.h"

#include <errno.h>
#include <string.h>

struct touch {
	struct touch *next;
	uint32_t hash;
	unsigned int what;
	char path[];
};

enum {
	BUCKETS = 64
};

struct tx {
	struct list link; /* in conn->txs */
	struct conn *conn;
	uint32_t id;
	bool lost;                /* its content, in a restart */
	struct node *base, *root; /* as it began; with its changes; NULL when it ends */
	struct touch *touched[BUCKETS];
	uint32_t touches;
	struct buf log; /* struct logged, path, 0, data; each on a multiple of 8 bytes */
	int nodes;
};

struct logged {
	uint8_t op;
	uint16_t path_len;
	uint32_t len;
};

struct node **tx_root(struct tx *tx)
{
	return &tx->root;
}

int *tx_nodes(struct tx *tx)
{
	return &tx->nodes;
}

struct tx *tx_find(struct conn *c, uint32_t id)
{
	struct tx *tx;

	list_each(tx, &c->txs, link)
		if (tx->id == id)
			return tx;
	return NULL;
}

static struct tx *tx_new(struct conn *c, uint32_t id)
{
	struct tx *tx = xcalloc(sizeof(*tx));

	tx->conn = c;
	tx->id = id;
	tx->base = node_get(store_root());
	tx->root = node_get(store_root());
	list_add(&tx->link, &c->txs);
	c->tx_count++;
	return tx;
}

int tx_start(struct conn *c, uint32_t *id)
{
	if (c->domid && c->tx_count >= QUOTA_TRANSACTIONS)
		return -ENOSPC;
	do
		*id = ++c->next_tx;
	while (!*id || tx_find(c, *id));
	tx_new(c, *id);
	if (c->ring)
		journal_put(J_TX, c->domid, id, sizeof(*id));
	return 0;
}

void tx_restore(struct conn *c, uint32_t id)
{
	tx_new(c, id)->lost = true;
	c->next_tx = id;
}

void tx_save(struct conn *c)
{
	struct tx *tx;

	list_each(tx, &c->txs, link)
		journal_put(J_TX, c->domid, &tx->id, sizeof(tx->id));
}

static void tx_let_go(struct tx *tx)
{
	if (tx->base) {
		node_put(tx->base);
		node_put(tx->root);
	}
	tx->base = tx->root = NULL;
}

static void tx_free(struct tx *tx)
{
	for (int i = 0; tx->touches && i < BUCKETS; i++)
		for (struct touch *t = tx->touched[i], *next; t; t = next) {
			next = t->next;
			free(t);
		}
	tx->conn->tx_count--;
	list_del(&tx->link);
	tx_let_go(tx);
	buf_free(&tx->log);
	free(tx);
}

void tx_drop_all(struct conn *c)
{
	struct tx *tx;

	list_each(tx, &c->txs, link)
		tx_free(tx);
}

int tx_touch(struct tx *tx, const char *path, unsigned int what)
{
	size_t len = strlen(path);
	uint32_t hash = store_hash(HASH_START, path, len);
	struct touch **slot, *t;

	slot = &tx->touched[hash % BUCKETS];
	for (t = *slot; t; t = t->next)
		if (t->hash == hash && !strcmp(t->path, path)) {
			t->what |= what;
			return 0;
		}
	if (tx->conn->domid && tx->touches >= QUOTA_TOUCHED)
		return -ENOSPC;
	t = xmalloc(sizeof(*t) + len + 1);
	*t = (struct touch){ *slot, hash, what };
	memcpy(t->path, path, len + 1);
	*slot = t;
	tx->touches++;
	return 0;
}

int tx_log(struct tx *tx, const struct change *c)
{
	struct logged l = { c->op, strlen(c->path), c->len };
	uint32_t size = sizeof(l) + l.path_len + 1 + c->len, whole = (size + 7) & ~7u;
	char *to;

	if (tx->conn->domid && tx->log.len + whole > QUOTA_TX_BYTES)
		return -ENOSPC;
	to = buf_room(&tx->log, whole);
	memcpy(to, &l, sizeof(l));
	memcpy(to + sizeof(l), c->path, l.path_len + 1);
	if (c->len)
		memcpy(to + sizeof(l) + l.path_len + 1, c->data, c->len);
	tx->log.len += whole;
	return 0;
}

static bool unchanged(const struct tx *tx, const struct touch *t)
{
	const struct node *was = node_find(tx->base, t->path);
	const struct node *is = node_find(store_root(), t->path);

	if (was == is || !was || !is)
		return was == is;
	return (!(t->what & TOUCH_DATA) || was->data_since == is->data_since) &&
	       (!(t->what & TOUCH_LIST) || was->list_since == is->list_since);
}

static int tx_check(const struct tx *tx)
{
	if (tx->lost)
		return -EAGAIN;
	if (tx->base != store_root())
		for (int i = 0; i < BUCKETS; i++)
			for (struct touch *t = tx->touched[i]; t; t = t->next)
				if (!unchanged(tx, t))
					return -EAGAIN;
	return quota_nodes(tx->conn->domid, tx->nodes, tx->log.len);
}

static void tx_replay(const struct tx *tx)
{
	const char *data = buf_head(&tx->log);
	struct logged l;

	for (uint32_t at = 0; at < tx->log.len;) {
		const char *path = data + at + sizeof(l);

		memcpy(&l, data + at, sizeof(l));
		store_commit(&(struct change){ l.op, tx->conn->domid, path, path + l.path_len + 1,
		                               l.len });
		at += (sizeof(l) + l.path_len + 1 + l.len + 7) & ~7u;
	}
}

int tx_end(struct conn *c, uint32_t id, bool commit)
{
	struct tx *tx = tx_find(c, id);
	int rc = 0;

	if (!tx)
		return -ENOENT;
	if (commit && (tx->log.len || tx->touches || tx->lost))
		rc = tx_check(tx);
	if (c->ring)
		journal_put(J_TX_END, c->domid, &id, sizeof(id));
	/* With the snapshots gone first, the tree is changed in place again. */
	tx_let_go(tx);
	if (commit && !rc)
		tx_replay(tx);
	tx_free(tx);
	return rc;
}
