// SPDX-License-Identifier: GPL-2.0-only
/* The state as the journal has it: what each record says, done again; and all of it written down.
 */
#include "guest.h"
#include "journal.h"

#include <string.h>

/* The string at the front of a record; false if none ends there. */
static bool take(struct record *r, const char **text)
{
	const char *zero = memchr(r->data, 0, r->len);

	if (!zero)
		return false;
	*text = r->data;
	r->len -= zero + 1 - r->data;
	r->data = zero + 1;
	return true;
}

static bool replay_node(struct record *r)
{
	struct perm perm[PAYLOAD_MAX / 2];
	const char *path;
	uint32_t count;

	if (r->len < sizeof(count))
		return false;
	memcpy(&count, r->data, sizeof(count));
	if (!count || count > PAYLOAD_MAX / 2 || r->len < sizeof(count) + count * sizeof(*perm))
		return false;
	memcpy(perm, r->data + sizeof(count), count * sizeof(*perm));
	r->data += sizeof(count) + count * sizeof(*perm);
	r->len -= sizeof(count) + count * sizeof(*perm);
	if (!take(r, &path))
		return false;
	store_restore_node(path, perm, count, r->data, r->len);
	return true;
}

static bool replay_change(struct record *r)
{
	struct change c = { .by = r->domid };

	if (!r->len)
		return false;
	c.op = *r->data++;
	r->len--;
	if (!take(r, &c.path))
		return false;
	c.data = r->data;
	c.len = r->len;
	store_replay(&c);
	return true;
}

static bool replay_special(struct record *r)
{
	const char *path;
	struct perms **p;

	if (!take(r, &path) || !(p = store_special(path)) || r->len < sizeof(struct perm))
		return false;
	perms_put(*p);
	*p = perms_new((const void *)r->data, r->len / sizeof(struct perm));
	return true;
}

static bool replay_domain(struct record *r)
{
	uint64_t v[3];

	if (r->len != sizeof(v))
		return false;
	memcpy(v, r->data, sizeof(v));
	guest_restore(r->domid, v[0], v[1], v[2]);
	return true;
}

static bool replay_watch(struct record *r, struct conn *c)
{
	const char *path, *given, *token;

	if (!take(r, &path) || !take(r, &given) || !take(r, &token))
		return false;
	watch_add(c, path, given, token);
	return true;
}

static bool replay_unwatch(struct record *r, struct conn *c)
{
	const char *path, *token;

	if (!take(r, &path) || !take(r, &token))
		return false;
	watch_del(c, path, token);
	return true;
}

/* Records about a ring's connection. */
static bool replay_ring(struct record *r, struct ring *ring)
{
	struct conn *c = ring->conn;
	uint32_t v[3];

	switch (r->type) {
	case J_WATCH:
		return replay_watch(r, c);
	case J_UNWATCH:
		return replay_unwatch(r, c);
	case J_RESET:
		watch_drop_all(c);
		tx_drop_all(c);
		return true;
	case J_RING:
		if (r->len != sizeof(v))
			return false;
		memcpy(v, r->data, sizeof(v));
		ring_restore(ring, v);
		return true;
	case J_OUT:
		buf_add(&c->out, r->data, r->len);
		ring->out_journaled = c->out.len;
		return true;
	case J_IN:
		buf_add(&c->in, r->data, r->len);
		ring->in_journaled = c->in.len;
		return true;
	case J_IN_DONE:
		buf_drop(&c->in, c->in.len);
		ring->in_journaled = 0;
		return true;
	case J_TX:
	case J_TX_END:
		if (r->len != sizeof(*v))
			return false;
		memcpy(v, r->data, sizeof(*v));
		if (r->type == J_TX)
			tx_restore(c, *v);
		else
			tx_end(c, *v, false);
		return true;
	}
	return false;
}

static bool replay(struct record *r)
{
	struct guest *g;

	switch (r->type) {
	case J_NODE:
		return replay_node(r);
	case J_CHANGE:
		return replay_change(r);
	case J_SPECIAL:
		return replay_special(r);
	case J_DOMAIN:
		return replay_domain(r);
	case J_RELEASE:
		g = guest_find(r->domid);
		if (g)
			guest_forget(g);
		return g;
	}
	g = guest_find(r->domid);
	return g && replay_ring(r, g->ring);
}

void state_replay(const struct record *record)
{
	struct record r = *record;

	if (!replay(&r))
		log_line(
			"journal: a record of type %u for domain %u makes no sense and is left out",
			record->type, record->domid);
}

void state_save(void)
{
	store_save();
	guest_save();
}
