// SPDX-License-Identifier: GPL-2.0-only
/* Clients, whatever they come through: what they hold, and what waits to be sent to them. */
#include "conn.h"

#include <string.h>
#include <xen/io/xs_wire.h>

struct list conn_all = { &conn_all, &conn_all };

struct conn *conn_new(uint16_t domid, struct ring *ring)
{
	struct conn *c = xcalloc(sizeof(*c));

	c->domid = domid;
	c->ring = ring;
	c->sock.fd = -1;
	list_init(&c->watches);
	list_init(&c->txs);
	list_add(&c->all, &conn_all);
	return c;
}

void conn_close(struct conn *c)
{
	if (c->gone)
		return;
	c->gone = true;
	watch_drop_all(c);
	tx_drop_all(c);
	if (c->sock.fd >= 0)
		socket_close(c);
}

void conn_reap(void)
{
	struct conn *c;

	list_each(c, &conn_all, all) {
		if (!c->gone || c->ring) /* a ring holds its own until it goes */
			continue;
		list_del(&c->all);
		buf_free(&c->in);
		buf_free(&c->out);
		free(c);
	}
}

void conn_send(struct conn *c, uint32_t type, uint32_t req_id, uint32_t tx_id, const void *data,
               uint32_t len)
{
	struct xsd_sockmsg head = { type, req_id, tx_id, len };

	if (c->gone)
		return;
	buf_add(&c->out, &head, sizeof(head));
	buf_add(&c->out, data, len);
}

bool conn_event(struct conn *c, const char *path, const char *token)
{
	uint32_t path_len = strlen(path) + 1, token_len = strlen(token) + 1;
	struct xsd_sockmsg head = { XS_WATCH_EVENT, 0, 0, path_len + token_len };
	uint32_t max = c->domid ? CONN_EVENTS_MAX : CONN_EVENTS_MAX_DOM0;

	if (c->out.len + sizeof(head) + head.len > max)
		return false;
	buf_add(&c->out, &head, sizeof(head));
	buf_add(&c->out, path, path_len);
	buf_add(&c->out, token, token_len);
	return true;
}

bool conn_is_full(const struct conn *c)
{
	return c->out.len > CONN_ANSWERS_MAX;
}
