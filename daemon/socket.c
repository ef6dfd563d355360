// SPDX-License-Identifier: GPL-2.0-only
/* Clients on the unix socket: frames in, frames out, and never a wait for one of them. */
#include "conn.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <xen/io/xs_wire.h>

enum {
	CHUNK = 8192
};

static struct source listener;

/* Does what is there in whole requests; leaves the rest, and all of it while answers pile up. */
void socket_serve(struct conn *c)
{
	c->more = false;
	c->stopped = conn_is_full(c);
	while (!c->gone && c->in.len >= sizeof(struct xsd_sockmsg) && !c->stopped) {
		struct xsd_sockmsg head;
		struct message m;
		char saved;

		memcpy(&head, buf_head(&c->in), sizeof(head));
		if (head.len > PAYLOAD_MAX) {
			log_line("socket client: a message of %u bytes, more than %u: closed",
			         head.len, PAYLOAD_MAX);
			conn_close(c);
			return;
		}
		if (c->in.len < sizeof(head) + head.len)
			return;
		buf_room(&c->in, 1);
		m = (struct message){ head.type, head.req_id, head.tx_id, head.len,
			              buf_head(&c->in) + sizeof(head) };
		saved = m.data[m.len];
		m.data[m.len] = 0;
		proto_serve(c, &m);
		m.data[m.len] = saved;
		buf_drop(&c->in, sizeof(head) + head.len);
		c->stopped = conn_is_full(c);
	}
}

static void client_ready(struct source *s, uint32_t events)
{
	struct conn *c = container_of(s, struct conn, sock);
	ssize_t n;

	if (c->gone)
		return;
	if (events & EPOLLOUT)
		socket_flush(c);
	if (events & (EPOLLIN | EPOLLHUP | EPOLLERR) && !conn_is_full(c)) {
		n = recv(s->fd, buf_room(&c->in, CHUNK), CHUNK, MSG_DONTWAIT);
		if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
			conn_close(c);
			return;
		}
		if (n > 0)
			c->in.len += n;
	}
	socket_serve(c);
}

/* How this client is to be waited for: not for requests while answers wait for it. */
static void set_events(struct conn *c)
{
	uint32_t events = (conn_is_full(c) ? 0 : EPOLLIN) | (c->out.len ? EPOLLOUT : 0);

	if (events != c->sock.events)
		loop_change(&c->sock, events);
}

void socket_flush(struct conn *c)
{
	while (!c->gone && c->out.len) {
		ssize_t n = send(c->sock.fd, buf_head(&c->out), c->out.len,
		                 MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0) {
			if (errno != EAGAIN && errno != EINTR)
				conn_close(c);
			break;
		}
		buf_drop(&c->out, n);
		if (!c->out.len && c->lost)
			watch_fire_lost(c);
	}
	if (c->gone)
		return;
	/* Requests that waited for this room are in memory: no event will tell of them. */
	if (c->stopped && !conn_is_full(c)) {
		c->more = true;
		loop_again(0);
	}
	set_events(c);
}

static void listener_ready(struct source *s, uint32_t events)
{
	int fd = accept4(s->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	struct conn *c;

	(void)events;
	if (fd < 0) {
		/* The listener stays readable: it sleeps until somebody goes. */
		if (errno == EMFILE || errno == ENFILE) {
			log_line("socket: too many clients, one has to wait");
			loop_change(s, 0);
		}
		return;
	}
	c = conn_new(0, NULL);
	c->sock = (struct source){ .fd = fd, .ready = client_ready };
	loop_add(&c->sock, EPOLLIN);
}

void socket_close(struct conn *c)
{
	loop_del(&c->sock);
	if (!listener.events)
		loop_change(&listener, EPOLLIN);
}

void socket_open(const char *path)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	mode_t mask;

	if (strlen(path) >= sizeof(at.sun_path))
		die("%s: longer than a socket's name can be", path);
	strcpy(at.sun_path, path);
	listener = (struct source){ .ready = listener_ready };
	listener.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	/* The name of one that was killed is in the way; main() has seen that nobody serves it. */
	unlink(path);
	mask = umask(0177);
	if (listener.fd < 0 || bind(listener.fd, (struct sockaddr *)&at, sizeof(at)) ||
	    listen(listener.fd, 64))
		die("%s: %s", path, strerror(errno));
	umask(mask);
	loop_add(&listener, EPOLLIN);
}
