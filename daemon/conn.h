/* SPDX-License-Identifier: GPL-2.0-only */
/* Clients of the store: sockets and rings, their requests, and what waits to be sent to them. */
#pragma once

#include "store.h"

enum {
	/* No request is taken from a client that has so many bytes of answers waiting ... */
	CONN_ANSWERS_MAX = 16 << 10,
	/* ... and no event queued for one with so many; it is told once more when it has room. */
	CONN_EVENTS_MAX = 64 << 10,
	CONN_EVENTS_MAX_DOM0 = 1 << 20,
	CONN_FRAME_MAX = 16 + PAYLOAD_MAX,
};

struct conn {
	struct list all;
	uint16_t domid;     /* whose rights it has */
	bool gone;          /* to be freed at the end of this turn */
	bool stopped;       /* before the end of what it sent, because answers pile up */
	bool more;          /* there is room for them again */
	bool lost;          /* some watch has an event that found no room */
	struct ring *ring;  /* or NULL: a socket */
	struct source sock; /* if a socket */
	struct buf in, out;
	struct list watches, txs;
	uint32_t watch_count, tx_count, next_tx;
};

extern struct list conn_all;

struct conn *conn_new(uint16_t domid, struct ring *ring);
/* Its watches and transactions go now, the rest when this turn ends. */
void conn_close(struct conn *c);
void conn_reap(void);
void conn_send(struct conn *c, uint32_t type, uint32_t req_id, uint32_t tx_id, const void *data,
               uint32_t len);
/* false: no room. */
bool conn_event(struct conn *c, const char *path, const char *token);
bool conn_is_full(const struct conn *c);

/* --- the protocol ---------------------------------------------------------------- */

struct message {
	uint32_t type, req_id, tx_id, len;
	char *data; /* data[len] is 0 */
};

/* A whole message is there: does it and queues the answer. */
void proto_serve(struct conn *c, const struct message *m);
extern bool proto_pretend; /* for tests: a socket may say which domain it is */

/* --- the socket -------------------------------------------------------------------- */

void socket_open(const char *path);
/* Does the requests that are there, while there is room for answers. */
void socket_serve(struct conn *c);
/* After the commit: what can be sent is sent. */
void socket_flush(struct conn *c);
void socket_close(struct conn *c);

/* --- rings ---------------------------------------------------------------------------- */

struct xenstore_domain_interface;

/*
 * The page belongs to the guest as much as to us. The indices that count are these; those in the
 * page are written from them, and the guest's own are read once and checked.
 */
struct ring {
	struct conn *conn;
	struct xenstore_domain_interface *page;
	uint32_t req_cons, rsp_prod;       /* what is done, in the page after the commit */
	uint32_t out_journaled;            /* bytes at the head of conn->out that the journal has */
	uint32_t in_journaled;             /* the same of conn->in */
	bool broken, more, changed, woken; /* woken: notify, whatever the indices say */
};

struct ring *ring_new(uint16_t domid);
/* The page; `fresh`: the ring begins where its indices are, else where the journal says. */
void ring_attach(struct ring *r, struct xenstore_domain_interface *page, bool fresh);
/* No page any more, and no connection. */
void ring_detach(struct ring *r);
void ring_free(struct ring *r);
/* Takes requests from the ring, a bounded number; sets `more` if it stopped before the end. */
void ring_serve(struct ring *r);
/* Before the commit: what fits is put into the ring, the rest into the journal. */
void ring_stage(struct ring *r);
/* After it: the guest may see it. True if it has to be notified. */
bool ring_publish(struct ring *r);
/* From the journal: both indices, and how much of the queue had been sent. */
void ring_restore(struct ring *r, const uint32_t now[3]);
void ring_save(struct ring *r);
