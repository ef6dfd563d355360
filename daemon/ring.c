// SPDX-License-Identifier: GPL-2.0-only
/*
 * A guest's store ring. The page is shared with somebody who may be hostile: what comes from it is
 * read once and checked, and of our own indices the page holds copies only. A ring that cannot be
 * makes its connection end, with one line.
 *
 * The order of things is what makes a kill harmless: a request is done and its answer put where
 * the guest does not look yet; the journal gets the new indices; only then the page gets them.
 */
#include "conn.h"
#include "journal.h"

#include <string.h>
#include <xen/io/xs_wire.h>

enum {
	REQUESTS_PER_TURN = 32
};

static uint32_t index_read(const uint32_t *index)
{
	return __atomic_load_n(index, __ATOMIC_ACQUIRE);
}

struct ring *ring_new(uint16_t domid)
{
	struct ring *r = xcalloc(sizeof(*r));

	r->conn = conn_new(domid, r);
	return r;
}

void ring_attach(struct ring *r, struct xenstore_domain_interface *page, bool fresh)
{
	r->page = page;
	if (fresh) {
		r->req_cons = index_read(&page->req_cons);
		r->rsp_prod = index_read(&page->rsp_prod);
	}
	page->server_features = XENSTORE_SERVER_FEATURE_ERROR;
	page->error = XENSTORE_ERROR_NONE;
	__atomic_store_n(&page->connection, XENSTORE_CONNECTED, __ATOMIC_RELEASE);
	r->changed = r->woken = true;
}

void ring_detach(struct ring *r)
{
	r->page = NULL;
	r->more = false;
	conn_close(r->conn);
}

void ring_free(struct ring *r)
{
	conn_close(r->conn);
	r->conn->ring = NULL;
	free(r);
}

static void ring_break(struct ring *r, uint32_t error, const char *why)
{
	r->broken = true;
	r->woken = true;
	r->page->error = error;
	log_line("domain %u: store ring: %s; it is served no more until the guest starts again",
	         r->conn->domid, why);
	conn_close(r->conn);
}

static void copy_in(struct ring *r, uint32_t n)
{
	uint32_t at = MASK_XENSTORE_IDX(r->req_cons), first = XENSTORE_RING_SIZE - at;

	if (first > n)
		first = n;
	buf_add(&r->conn->in, r->page->req + at, first);
	buf_add(&r->conn->in, r->page->req, n - first);
	r->req_cons += n;
	r->changed = true;
}

/* All of a request is in conn->in. */
static void serve_one(struct ring *r, const struct xsd_sockmsg *head)
{
	struct conn *c = r->conn;

	*buf_room(&c->in, 1) = 0;
	proto_serve(c, &(struct message){ head->type, head->req_id, head->tx_id, head->len,
	                                  buf_head(&c->in) + sizeof(*head) });
	buf_drop(&c->in, c->in.len);
	if (r->in_journaled)
		journal_put(J_IN_DONE, c->domid, NULL, 0);
	r->in_journaled = 0;
}

void ring_serve(struct ring *r)
{
	struct conn *c = r->conn;
	struct xsd_sockmsg head;
	uint32_t prod;

	r->more = false;
	for (int budget = REQUESTS_PER_TURN; r->page && !r->broken && !conn_is_full(c);) {
		uint32_t there, need = sizeof(head);

		prod = index_read(&r->page->req_prod);
		there = prod - r->req_cons;
		if (there > XENSTORE_RING_SIZE) {
			ring_break(r, XENSTORE_ERROR_RINGIDX, "the guest's request index is wrong");
			return;
		}
		if (c->in.len >= sizeof(head)) {
			memcpy(&head, buf_head(&c->in), sizeof(head));
			if (head.len > PAYLOAD_MAX) {
				ring_break(r, XENSTORE_ERROR_PROTO,
				           "the guest sent a message that is too long");
				return;
			}
			need += head.len;
		}
		/* More than one there is only if a damaged journal said so. */
		if (c->in.len >= need) {
			serve_one(r, &head);
			if (!--budget) {
				r->more = true;
				return;
			}
			continue;
		}
		if (!there)
			return;
		need -= c->in.len;
		copy_in(r, need < there ? need : there);
	}
}

static uint32_t copy_out(struct ring *r, uint32_t room)
{
	struct buf *out = &r->conn->out;
	uint32_t n = out->len < room ? out->len : room;
	uint32_t at = MASK_XENSTORE_IDX(r->rsp_prod), first = XENSTORE_RING_SIZE - at;

	if (first > n)
		first = n;
	memcpy(r->page->rsp + at, buf_head(out), first);
	memcpy(r->page->rsp, buf_head(out) + first, n - first);
	buf_drop(out, n);
	r->rsp_prod += n;
	return n;
}

static void journal_ring(struct ring *r, uint32_t sent)
{
	const uint32_t now[3] = { r->req_cons, r->rsp_prod, sent };
	struct conn *c = r->conn;

	journal_put(J_RING, c->domid, now, sizeof(now));
	if (c->in.len > r->in_journaled)
		journal_put(J_IN, c->domid, buf_head(&c->in) + r->in_journaled,
		            c->in.len - r->in_journaled);
	r->in_journaled = c->in.len;
	r->out_journaled -= sent < r->out_journaled ? sent : r->out_journaled;
	if (c->out.len > r->out_journaled)
		journal_put(J_OUT, c->domid, buf_head(&c->out) + r->out_journaled,
		            c->out.len - r->out_journaled);
	r->out_journaled = c->out.len;
}

void ring_stage(struct ring *r)
{
	struct conn *c = r->conn;
	uint32_t used, sent = 0;

	if (!r->page || r->broken || (!r->changed && c->out.len == 0))
		return;
	if (c->out.len) {
		used = r->rsp_prod - index_read(&r->page->rsp_cons);
		if (used > XENSTORE_RING_SIZE) {
			ring_break(r, XENSTORE_ERROR_RINGIDX,
			           "the guest's response index is wrong");
			return;
		}
		sent = copy_out(r, XENSTORE_RING_SIZE - used);
		if (!c->out.len && c->lost)
			watch_fire_lost(c);
	}
	if (sent)
		r->changed = true;
	if (r->changed || c->out.len > r->out_journaled)
		journal_ring(r, sent);
	/* With room for answers again, requests that waited for it go on. */
	if (sent && !conn_is_full(c) && index_read(&r->page->req_prod) != r->req_cons)
		r->more = true;
}

bool ring_publish(struct ring *r)
{
	bool tell = r->woken;

	if (r->changed && r->page && !r->broken) {
		__atomic_store_n(&r->page->req_cons, r->req_cons, __ATOMIC_RELEASE);
		__atomic_store_n(&r->page->rsp_prod, r->rsp_prod, __ATOMIC_RELEASE);
		/*
		 * A guest notifies only if it finds its requests consumed, or the ring of answers
		 * full. What it did since that was looked at, it did before it could see these
		 * indices, and said nothing: so look again, after they are there.
		 */
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		if (!conn_is_full(r->conn) && index_read(&r->page->req_prod) != r->req_cons)
			r->more = true;
		if (r->conn->out.len &&
		    r->rsp_prod - index_read(&r->page->rsp_cons) < XENSTORE_RING_SIZE)
			loop_again(0);
		tell = true;
	}
	r->changed = r->woken = false;
	return tell;
}

void ring_restore(struct ring *r, const uint32_t now[3])
{
	struct buf *out = &r->conn->out;

	r->req_cons = now[0];
	r->rsp_prod = now[1];
	buf_drop(out, now[2] < out->len ? now[2] : out->len);
	r->out_journaled = out->len;
}

void ring_save(struct ring *r)
{
	if (r->broken)
		return;
	watch_save(r->conn);
	tx_save(r->conn);
	r->in_journaled = r->out_journaled = 0;
	journal_ring(r, 0);
}
