/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The connection to the store: requests sent in batches, replies and watch events told apart, and
 * all of it set up again when the daemon was restarted.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>
#include "wire.h"

#define STORE_SOCKET "/run/xenstored/socket"
#define RETRY_MS     20
#define REFUSED_MS   2000 /* a socket that nobody serves: the daemon is being started again */
#define RECONNECT_MS 5000 /* after a connection that was good */
#define ANSWER_S     60   /* a daemon that takes longer to say anything is stuck */
#define RECEIVE_SIZE 16384
#define TRIES        3 /* of one batch */
#define START_DAEMON "is froed running? It serves the store; its log says why it ended"
#define MESSAGE_SIZE (sizeof(struct xsd_sockmsg) + XENSTORE_PAYLOAD_MAX)

struct buffer {
	char *data;
	size_t size, room;
};

struct batch {
	struct buffer out, in; /* in: payloads, each with a NUL behind it */
	struct wire_reply *reply;
	size_t count, room, received;
	uint32_t first_id;
	bool in_transaction;
};

struct event {
	struct event *next;
	char *text;
};

struct watch {
	struct watch *next;
	char *token;
	char path[];
};

struct store {
	int fd; /* keeps its number over reconnections; -1 before the first */
	bool connected;
	uint32_t connection; /* how many there were */
	uint32_t next_id;
	struct batch batch;
	struct watch *watches;
	struct event *events, **events_end;
	char rx[RECEIVE_SIZE];
	size_t rx_size;
};
static_assert(RECEIVE_SIZE >= MESSAGE_SIZE, "a message has to fit");

static int buffer_add(struct buffer *b, const void *data, size_t size)
{
	if (b->room - b->size < size) {
		size_t room = (b->size + size) * 2 + 1024;
		char *grown = realloc(b->data, room);

		if (!grown)
			return -ENOMEM;
		b->data = grown;
		b->room = room;
	}
	if (size)
		memcpy(b->data + b->size, data, size);
	b->size += size;
	return 0;
}

int64_t froe__now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000l + t.tv_nsec / 1000000;
}

static struct store *get(struct froe *f)
{
	struct store *s = f->store;

	if (!s) {
		s = f->store = calloc(1, sizeof(*s));
		if (!s) {
			froe__nomem(f);
			return NULL;
		}
		s->fd = -1;
		s->events_end = &s->events;
	}
	return s;
}

/* --- batches --------------------------------------------------------------------------- */

static void batch_reset(struct batch *b)
{
	b->out.size = b->in.size = 0;
	b->count = b->received = 0;
	b->in_transaction = false;
}

static void batch_free(struct batch *b)
{
	free(b->out.data);
	free(b->in.data);
	free(b->reply);
}

static int batch_add(struct store *s, struct batch *b, struct xsd_sockmsg *m, const void *a,
                     size_t a_size, const void *c, size_t c_size)
{
	int rc;

	if (!b->count)
		b->first_id = s->next_id;
	if (b->count == b->room) {
		size_t room = b->room * 2 + 16;
		struct wire_reply *grown = realloc(b->reply, room * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		b->reply = grown;
		b->room = room;
	}
	m->len = a_size + c_size;
	m->req_id = s->next_id;
	rc = buffer_add(&b->out, m, sizeof(*m));
	if (rc == 0)
		rc = buffer_add(&b->out, a, a_size);
	if (rc == 0)
		rc = buffer_add(&b->out, c, c_size);
	if (rc == 0) {
		s->next_id++;
		b->count++;
		b->in_transaction |= m->tx_id != 0;
	}
	return rc;
}

static int error_number(const char *text)
{
	for (size_t i = 0; i < sizeof(xsd_errors) / sizeof(*xsd_errors); i++)
		if (!strcmp(text, xsd_errors[i].errstring))
			return xsd_errors[i].errnum;
	return EINVAL;
}

/* --- what arrives ---------------------------------------------------------------------- */

static int queue_event(struct store *s, const char *payload, size_t size)
{
	const char *token = memchr(payload, 0, size);
	struct event *e;

	if (!token || !memchr(token + 1, 0, payload + size - (token + 1)))
		return -EPROTO;
	e = malloc(sizeof(*e));
	if (!e)
		return -ENOMEM;
	e->next = NULL;
	e->text = malloc(size);
	if (!e->text) {
		free(e);
		return -ENOMEM;
	}
	memcpy(e->text, payload, size);
	*s->events_end = e;
	s->events_end = &e->next;
	return 0;
}

static int take_reply(struct batch *b, const struct xsd_sockmsg *m, const char *payload)
{
	struct wire_reply *r;
	int rc;

	/* Replies come in the order of the requests: a store may not do otherwise. */
	if (!b || b->received == b->count || m->req_id != b->first_id + (uint32_t)b->received)
		return -EPROTO;
	r = &b->reply[b->received];
	r->size = m->len;
	r->data = (const char *)b->in.size; /* an offset, until `in` stays where it is */
	r->error = 0;
	rc = buffer_add(&b->in, payload, m->len);
	if (rc == 0)
		rc = buffer_add(&b->in, "", 1);
	if (rc == 0 && m->type == XS_ERROR)
		r->error = error_number(b->in.data + (size_t)r->data);
	b->received++;
	return rc;
}

/* Take the whole messages out of rx. */
static int take_messages(struct store *s, struct batch *b)
{
	struct xsd_sockmsg m;
	size_t at = 0;
	int rc = 0;

	while (rc == 0 && s->rx_size - at >= sizeof(m)) {
		memcpy(&m, s->rx + at, sizeof(m));
		if (m.len > XENSTORE_PAYLOAD_MAX)
			return -EPROTO;
		if (s->rx_size - at - sizeof(m) < m.len)
			break;
		if (m.type == XS_WATCH_EVENT)
			rc = queue_event(s, s->rx + at + sizeof(m), m.len);
		else
			rc = take_reply(b, &m, s->rx + at + sizeof(m));
		at += sizeof(m) + m.len;
	}
	memmove(s->rx, s->rx + at, s->rx_size - at);
	s->rx_size -= at;
	return rc;
}

/* -EAGAIN: nothing there (with MSG_DONTWAIT), -ETIMEDOUT, -EPIPE: the connection has ended. */
static int receive(struct store *s, struct batch *b, int flags)
{
	ssize_t n;

	do
		n = recv(s->fd, s->rx + s->rx_size, sizeof(s->rx) - s->rx_size, flags);
	while (n < 0 && errno == EINTR);
	if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return flags & MSG_DONTWAIT ? -EAGAIN : -ETIMEDOUT;
	if (n <= 0)
		return -EPIPE;
	s->rx_size += n;
	return take_messages(s, b);
}

/*
 * Send all of the batch and receive its replies. The store may stop reading while nobody takes its
 * replies, so both go on at once.
 */
static int transfer(struct store *s, struct batch *b)
{
	struct pollfd p = { .fd = s->fd };
	size_t sent = 0;
	ssize_t n;
	int rc;

	while (b->received < b->count) {
		while (sent < b->out.size) {
			n = send(s->fd, b->out.data + sent, b->out.size - sent,
			         MSG_NOSIGNAL | MSG_DONTWAIT);
			if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
				break;
			if (n < 0 && errno != EINTR)
				return -EPIPE;
			sent += n > 0 ? n : 0;
		}
		if (sent < b->out.size) {
			p.events = POLLIN | POLLOUT;
			if (poll(&p, 1, ANSWER_S * 1000) == 0)
				return -ETIMEDOUT;
			rc = receive(s, b, MSG_DONTWAIT);
			rc = rc == -EAGAIN ? 0 : rc;
		} else {
			rc = receive(s, b, 0);
		}
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* --- the connection -------------------------------------------------------------------- */

static int connect_once(struct store *s, const char *path)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	struct timeval patience = { .tv_sec = ANSWER_S };
	int fd;

	if (strlen(path) >= sizeof(to.sun_path))
		return -ENAMETOOLONG;
	strcpy(to.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	/* A daemon that is stuck accepts nothing, and answers nothing. */
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0) {
		int rc = -errno;

		close(fd);
		return rc;
	}
	if (s->fd < 0) {
		s->fd = fd;
	} else { /* whoever polls it goes on with the same number */
		dup3(fd, s->fd, O_CLOEXEC);
		close(fd);
	}
	return 0;
}

/* Register the watches again; each fires once, which tells its owner to look. */
static int watch_again(struct store *s)
{
	struct batch b = { 0 };
	int rc = 0;

	for (struct watch *w = s->watches; w && rc == 0; w = w->next) {
		struct xsd_sockmsg m = { .type = XS_WATCH };

		rc = batch_add(s, &b, &m, w->path, strlen(w->path) + 1, w->token,
		               strlen(w->token) + 1);
	}
	if (rc == 0 && b.count)
		rc = transfer(s, &b);
	batch_free(&b);
	return rc;
}

static int connect_store(struct froe *f, struct store *s)
{
	const char *path = secure_getenv("FROE_STORE");
	int64_t begin = froe__now_ms(), patience;
	int rc;

	path = path && *path ? path : STORE_SOCKET;
	for (;;) {
		s->rx_size = 0;
		rc = connect_once(s, path);
		if (rc == 0)
			rc = watch_again(s);
		if (rc == 0)
			break;
		/* Only what a restart of the daemon looks like is worth waiting for. */
		patience = s->connection ? RECONNECT_MS : rc == -ECONNREFUSED ? REFUSED_MS : 0;
		if ((rc != -ECONNREFUSED && rc != -ENOENT && rc != -EPIPE) ||
		    froe__now_ms() - begin >= patience)
			return froe__fail(f, FROE_UNREACHABLE,
			                  rc == -EACCES ? "run this as root in the control domain"
			                                : START_DAEMON,
			                  "cannot reach the store at %s: %s", path, strerror(-rc));
		poll(NULL, 0, RETRY_MS);
	}
	s->connected = true;
	s->connection++;
	return 0;
}

static int connection_failed(struct froe *f, struct store *s, int rc)
{
	s->connected = false;
	if (rc == -ENOMEM)
		return froe__nomem(f);
	if (rc == -EPROTO)
		return froe__fail(f, FROE_FAIL, "is it froed that serves the socket?",
		                  "the store answered with what is not its protocol");
	if (rc == -ETIMEDOUT)
		return froe__fail(f, FROE_UNREACHABLE, START_DAEMON,
		                  "the store has not answered for %d seconds", ANSWER_S);
	return froe__fail(f, FROE_UNREACHABLE, START_DAEMON,
	                  "the store ended the connection %d times over one request", TRIES);
}

/* --- what store.c uses ----------------------------------------------------------------- */

int froe__wire_begin(struct froe *f)
{
	struct store *s = get(f);

	if (!s)
		return -1;
	batch_reset(&s->batch);
	return 0;
}

int froe__wire_add(struct froe *f, uint32_t type, uint32_t id, const void *a, size_t a_size,
                   const void *b, size_t b_size)
{
	struct xsd_sockmsg m = { .type = type, .tx_id = id };
	struct store *s = f->store;

	if (a_size + b_size > XENSTORE_PAYLOAD_MAX)
		return froe__fail(f, FROE_INVALID, "", "store: %zu bytes for %.80s, at most %d",
		                  a_size + b_size, (const char *)a, XENSTORE_PAYLOAD_MAX);
	if (batch_add(s, &s->batch, &m, a, a_size, b, b_size) < 0)
		return froe__nomem(f);
	return 0;
}

int froe__wire_run(struct froe *f)
{
	struct store *s = f->store;
	struct batch *b = &s->batch;
	int rc = -EPIPE;

	for (int i = 0; i < TRIES && rc == -EPIPE; i++) {
		if (!s->connected) {
			if (b->in_transaction && s->connection)
				break;
			if (connect_store(f, s) < 0)
				return -1;
		}
		b->received = b->in.size = 0;
		rc = transfer(s, b);
		if (rc < 0)
			s->connected = false;
	}
	if (rc == -EPIPE && b->in_transaction) {
		for (size_t i = 0; i < b->count; i++)
			b->reply[i] = (struct wire_reply){ .error = EAGAIN, .data = "" };
		return 0;
	}
	if (rc < 0)
		return connection_failed(f, s, rc);
	for (size_t i = 0; i < b->count; i++)
		b->reply[i].data = b->in.data + (size_t)b->reply[i].data;
	return 0;
}

const struct wire_reply *froe__wire_reply(struct froe *f, size_t i)
{
	return &f->store->batch.reply[i];
}

uint32_t froe__wire_connection(struct froe *f)
{
	return f->store && f->store->connected ? f->store->connection : 0;
}

int froe__wire_watch(struct froe *f, const char *path, const char *token)
{
	size_t size = strlen(path) + 1;
	struct watch *w = malloc(sizeof(*w) + size + strlen(token) + 1);

	if (!w)
		return froe__nomem(f);
	memcpy(w->path, path, size);
	w->token = strcpy(w->path + size, token);
	w->next = f->store->watches;
	f->store->watches = w;
	return 0;
}

void froe__wire_unwatch(struct froe *f, const char *path, const char *token)
{
	struct watch **at = &f->store->watches, *w;

	while (*at && (strcmp((*at)->path, path) || strcmp((*at)->token, token)))
		at = &(*at)->next;
	w = *at;
	if (w) {
		*at = w->next;
		free(w);
	}
}

int froe__wire_event(struct froe *f, int timeout_ms, char **event)
{
	struct store *s = get(f);
	int64_t end = froe__now_ms() + timeout_ms;
	struct pollfd p = { .events = POLLIN };
	struct event *e;
	int rc;

	*event = NULL;
	if (!s)
		return -1;
	while (!s->events) {
		if (!s->connected && connect_store(f, s) < 0)
			return -1;
		if (s->events)
			break;
		int64_t now = froe__now_ms();
		int left = timeout_ms < 0 ? -1 : now < end ? (int)(end - now) : 0;

		p.fd = s->fd;
		rc = poll(&p, 1, left);
		if (rc == 0)
			return 0;
		if (rc < 0 && errno != EINTR)
			return froe__fail(f, FROE_FAIL, "", "poll: %s", strerror(errno));
		rc = rc < 0 ? 0 : receive(s, NULL, MSG_DONTWAIT);
		if (rc == -EPIPE)
			s->connected = false;
		else if (rc < 0 && rc != -EAGAIN)
			return connection_failed(f, s, rc);
	}
	e = s->events;
	s->events = e->next;
	if (!s->events)
		s->events_end = &s->events;
	*event = e->text;
	free(e);
	return 0;
}

int froe__wire_fd(struct froe *f)
{
	struct store *s = get(f);

	if (!s || (!s->connected && connect_store(f, s) < 0))
		return -1;
	return s->fd;
}

void froe__wire_close(struct froe *f)
{
	struct store *s = f->store;

	if (!s)
		return;
	while (s->watches)
		froe__wire_unwatch(f, s->watches->path, s->watches->token);
	while (s->events) {
		struct event *e = s->events;

		s->events = e->next;
		free(e->text);
		free(e);
	}
	if (s->fd >= 0)
		close(s->fd);
	batch_free(&s->batch);
	free(s);
	f->store = NULL;
}

int froe__wire_fail(struct froe *f, int error, const char *what, const char *path)
{
	enum froe_code code = error == ENOENT                      ? FROE_NOT_FOUND
	                      : error == EEXIST                    ? FROE_EXISTS
	                      : error == EACCES || error == EPERM  ? FROE_UNREACHABLE
	                      : error == ENOSPC || error == ENOMEM ? FROE_NO_CAPACITY
	                      : error == EINVAL || error == E2BIG  ? FROE_INVALID
	                                                           : FROE_FAIL;

	return froe__fail(f, code, "", "store: %s %s: %s", what, path, strerror(error));
}
