// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a guest does in the middle of a turn: between the look at its indices and the moment at
 * which it sees ours. It finds its last request not consumed yet, or the ring of answers not full,
 * and so has no reason to notify; the turn has to look again by itself.
 */
#include "../../daemon/conn.h"
#include "../../daemon/journal.h"

#include <stdio.h>
#include <string.h>
#include <xen/io/xs_wire.h>

struct list conn_all = { &conn_all, &conn_all };
static int served, again, failed;

/* --- stand-ins for what ring.c calls ------------------------------------------------- */

void loop_again(int ms)
{
	again++;
}

void loop_free(void *memory)
{
	free(memory);
}

void journal_add(enum journal_type type, uint16_t domid, const struct part *part, int parts)
{
}

void watch_fire_lost(struct conn *c)
{
}

void watch_save(struct conn *c)
{
}

void tx_save(struct conn *c)
{
}

struct conn *conn_new(uint16_t domid, struct ring *ring)
{
	struct conn *c = xcalloc(sizeof(*c));

	c->domid = domid;
	c->ring = ring;
	return c;
}

void conn_close(struct conn *c)
{
	buf_free(&c->in);
	buf_free(&c->out);
}

bool conn_is_full(const struct conn *c)
{
	return c->out.len > CONN_ANSWERS_MAX;
}

/* Each request is answered by as many bytes as its req_id says. */
void proto_serve(struct conn *c, const struct message *m)
{
	char answer[PAYLOAD_MAX] = { 0 };

	served++;
	buf_add(&c->out, answer, m->req_id);
}

/* --- the guest ------------------------------------------------------------------------- */

static struct xenstore_domain_interface page;

static void request(uint32_t answer)
{
	const struct xsd_sockmsg head = { XS_READ, answer, 0, 0 };

	for (size_t i = 0; i < sizeof(head); i++)
		page.req[MASK_XENSTORE_IDX(page.req_prod + i)] = ((const char *)&head)[i];
	page.req_prod += sizeof(head);
}

static void check(bool ok, const char *what)
{
	printf("%s store/turn/%s\n", ok ? "ok" : "not ok", what);
	failed += !ok;
}

static void turn(struct ring *r, void (*meanwhile)(void))
{
	again = 0;
	ring_serve(r);
	ring_stage(r);
	meanwhile();
	ring_publish(r);
}

static void nothing(void)
{
}

static void ask_more(void)
{
	request(10);
}

static void read_all(void)
{
	page.rsp_cons = page.rsp_prod;
}

int main(void)
{
	struct ring *r = ring_new(5);

	ring_attach(r, &page, true);
	request(10);
	turn(r, nothing);
	check(served == 1 && !r->more && page.rsp_prod == 10, "one request, and no more");
	request(10);
	turn(r, ask_more);
	check(served == 2 && r->more, "a request that comes before the index is published");
	turn(r, nothing);
	check(served == 3 && !r->more && !again, "is served by the next turn");

	read_all();
	request(1500);
	turn(r, nothing);
	check(r->conn->out.len == 476 && !again,
	      "a full ring waits for the guest, which will notify");
	page.rsp_cons += 100;
	turn(r, read_all);
	check(r->conn->out.len == 376 && again, "room that comes before the index is published");
	turn(r, nothing);
	check(!r->conn->out.len && page.rsp_prod == 30 + 1500, "is used by the next turn");
	ring_detach(r);
	free(r->conn);
	free(r);
	return failed != 0;
}
