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

/*
 * A damaged record may say anything. What is taken over is what a client could have asked for: the
 * rest of froed does not look at it again.
 */
static bool good_path(const char *path, bool special)
{
	char out[PATH_ABS_MAX + 64];

	return (*path == '/' || *path == '@') && !path_resolve(out, path, 0, special);
}

static bool good_perms(const char *data, uint32_t len)
{
	struct perm perm;

	if (!len || len % sizeof(perm) || len > PAYLOAD_MAX / 2 * sizeof(perm))
		return false;
	for (; len; data += sizeof(perm), len -= sizeof(perm)) {
		memcpy(&perm, data, sizeof(perm));
		if (perm.domid >= DOMAINS_MAX || perm.bits & ~(PERM_READ | PERM_WRITE))
			return false;
	}
	return true;
}

static bool change(enum store_op op, uint16_t by, const char *path, const char *data, uint32_t len)
{
	if (!good_path(path, false) || op < STORE_WRITE || op > STORE_PERMS ||
	    (op == STORE_PERMS ? !good_perms(data, len) : len > PAYLOAD_MAX))
		return false;
	store_replay(&(struct change){ op, by, path, data, len });
	return true;
}

static bool replay_node(struct record *r)
{
	const char *path, *perms;
	uint32_t count, size;

	if (r->len < sizeof(count))
		return false;
	memcpy(&count, r->data, sizeof(count));
	r->data += sizeof(count);
	r->len -= sizeof(count);
	if (count > r->len / sizeof(struct perm))
		return false;
	perms = r->data;
	size = count * sizeof(struct perm);
	r->data += size;
	r->len -= size;
	return take(r, &path) && good_perms(perms, size) &&
	       change(STORE_WRITE, 0, path, r->data, r->len) &&
	       change(STORE_PERMS, 0, path, perms, size);
}

static bool replay_change(struct record *r)
{
	const char *path;
	uint8_t op;

	if (!r->len)
		return false;
	op = *r->data++;
	r->len--;
	return take(r, &path) && change(op, r->domid, path, r->data, r->len);
}

static bool replay_special(struct record *r)
{
	const char *path;
	struct perms **p;

	if (!take(r, &path) || !(p = store_special(path)) || !good_perms(r->data, r->len))
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

	if (!take(r, &path) || !take(r, &given) || !take(r, &token) || !good_path(path, true) ||
	    strlen(given) > strlen(path) || strcmp(path + strlen(path) - strlen(given), given))
		return false;
	return !watch_add(c, path, given, token);
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
		if (r->len > CONN_FRAME_MAX - c->in.len)
			return false;
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

	if (r->domid >= DOMAINS_MAX)
		return false;
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
