/* SPDX-License-Identifier: GPL-2.0-only */
/* See fake_store.h. A thread for each connection, and one lock around all they share. */
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include "check.h"
#include "fake_store.h"
#include <xen/io/xs_wire.h>

#define NODES   4096
#define WATCHES 16

struct fake_node {
	char *path, *value, *perms;
};
struct tree {
	struct fake_node node[NODES];
	size_t count;
};

volatile int fake_drop_after, fake_conflicts, fake_refuse_at, fake_requests, fake_connections;
volatile bool fake_drop_behind, fake_garbage;
volatile unsigned fake_introduced;

static struct tree live, snapshot;
static int transaction_of = -1; /* one connection's at a time: tests have no more */
static struct {
	int client;
	char path[128], token[64];
} watches[WATCHES];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t left = PTHREAD_COND_INITIALIZER;
static pthread_t thread;
static int listener = -1, clients[64], client_count;
static __thread int client;

/* --- the tree -------------------------------------------------------------------------- */

static struct fake_node *find(struct tree *t, const char *path)
{
	for (size_t i = 0; i < t->count; i++)
		if (!strcmp(t->node[i].path, path))
			return &t->node[i];
	return NULL;
}

static void node_free(struct fake_node *n)
{
	free(n->path);
	free(n->value);
	free(n->perms);
}

static void clear(struct tree *t)
{
	while (t->count)
		node_free(&t->node[--t->count]);
}

static struct fake_node *make(struct tree *t, const char *path)
{
	struct fake_node *n = find(t, path), *above = NULL;
	char parent[512];

	if (n || t->count == NODES)
		return n;
	snprintf(parent, sizeof(parent), "%s", path);
	if (strrchr(parent, '/') && strrchr(parent, '/') != parent) {
		*strrchr(parent, '/') = 0;
		above = make(t, parent);
	}
	n = &t->node[t->count++];
	*n = (struct fake_node){ strdup(path), strdup(""), strdup(above ? above->perms : "n0") };
	return n;
}

static void put(struct tree *t, const char *path, const char *value)
{
	struct fake_node *n = make(t, path);

	free(n->value);
	n->value = strdup(value);
}

static bool below(const char *path, const char *top)
{
	size_t n = strlen(top);

	return !strncmp(path, top, n) && (!path[n] || path[n] == '/');
}

static bool drop(struct tree *t, const char *path)
{
	size_t kept = 0;
	bool found = false;

	for (size_t i = 0; i < t->count; i++)
		if (below(t->node[i].path, path)) {
			node_free(&t->node[i]);
			found = true;
		} else {
			t->node[kept++] = t->node[i];
		}
	t->count = kept;
	return found;
}

static void copy(struct tree *to, const struct tree *from)
{
	clear(to);
	for (; to->count < from->count; to->count++) {
		const struct fake_node *n = &from->node[to->count];

		to->node[to->count] = (struct fake_node){ strdup(n->path), strdup(n->value),
			                                  strdup(n->perms) };
	}
}

/* --- requests -------------------------------------------------------------------------- */

static void send_to(int to, const struct xsd_sockmsg *m, const char *data, size_t size)
{
	struct xsd_sockmsg r = *m;

	r.len = size;
	if (fake_garbage) {
		fake_garbage = false;
		r.len = 0x7fffffff;
	}
	send(to, &r, sizeof(r), MSG_NOSIGNAL);
	send(to, data, size, MSG_NOSIGNAL);
}

static void answer(const struct xsd_sockmsg *m, const char *data, size_t size)
{
	send_to(client, m, data, size);
}

static void refuse(struct xsd_sockmsg *m, const char *error)
{
	m->type = XS_ERROR;
	answer(m, error, strlen(error) + 1);
}

static void fire(const char *path)
{
	for (size_t i = 0; i < WATCHES; i++)
		if (watches[i].client && below(path, watches[i].path)) {
			struct xsd_sockmsg m = { .type = XS_WATCH_EVENT };
			char text[256];
			int n = sprintf(text, "%s", path) + 1;

			n += sprintf(text + n, "%s", watches[i].token) + 1;
			send_to(watches[i].client, &m, text, n);
		}
}

static void unwatch(void)
{
	for (size_t i = 0; i < WATCHES; i++)
		if (watches[i].client == client)
			watches[i].client = 0;
}

static void watch(const char *path, const char *token)
{
	size_t i = 0;

	while (watches[i].client)
		i++;
	watches[i].client = client;
	snprintf(watches[i].path, sizeof(watches[i].path), "%s", path);
	snprintf(watches[i].token, sizeof(watches[i].token), "%s", token);
}

static void directory(struct tree *t, struct xsd_sockmsg *m, const char *path, long part)
{
	static char names[65536];
	size_t size = 0, n = strlen(path);

	if (!find(t, path))
		return refuse(m, "ENOENT");
	for (size_t i = 0; i < t->count; i++) {
		const char *p = t->node[i].path;

		if (below(p, path) && p[n] && !strchr(p + n + 1, '/'))
			size += sprintf(names + size, "%s", p + n + 1) + 1;
	}
	if (part < 0 && size > XENSTORE_PAYLOAD_MAX)
		return refuse(m, "E2BIG");
	if (part < 0)
		return answer(m, names, size);
	names[size++] = 0; /* an empty name ends it */
	char reply[1000] = "7";
	size_t more = size - part < 900 ? size - part : 900;

	memcpy(reply + 2, names + part, more);
	answer(m, reply, more + 2);
}

static void transaction_end(struct xsd_sockmsg *m, const char *how)
{
	if (transaction_of != client)
		return refuse(m, "ENOENT");
	transaction_of = -1;
	if (*how == 'T' && fake_conflicts) {
		fake_conflicts--;
		return refuse(m, "EAGAIN");
	}
	if (*how == 'T')
		copy(&live, &snapshot);
	answer(m, "OK", 3);
}

static void handle(struct xsd_sockmsg *m, char *p)
{
	struct tree *t = m->tx_id ? &snapshot : &live;
	size_t path = strlen(p) + 1;
	struct fake_node *n;

	if (m->tx_id && transaction_of != client)
		return refuse(m, "ENOENT");
	switch (m->type) {
	case XS_READ:
		n = find(t, p);
		return n ? answer(m, n->value, strlen(n->value)) : refuse(m, "ENOENT");
	case XS_WRITE:
		put(t, p, p + path);
		answer(m, "OK", 3);
		return m->tx_id ? (void)0 : fire(p);
	case XS_MKDIR:
		make(t, p);
		return answer(m, "OK", 3);
	case XS_RM:
		return drop(t, p) ? answer(m, "OK", 3) : refuse(m, "ENOENT");
	case XS_DIRECTORY:
		return directory(t, m, p, -1);
	case XS_DIRECTORY_PART:
		return directory(t, m, p, atol(p + path));
	case XS_SET_PERMS:
		n = find(t, p);
		if (!n)
			return refuse(m, "ENOENT");
		for (size_t i = path; i + 1 < m->len; i++)
			if (!p[i])
				p[i] = ',';
		free(n->perms);
		n->perms = strdup(p + path);
		return answer(m, "OK", 3);
	case XS_TRANSACTION_START:
		copy(&snapshot, &live);
		transaction_of = client;
		return answer(m, "42", 3);
	case XS_TRANSACTION_END:
		return transaction_end(m, p);
	case XS_WATCH:
		watch(p, p + path);
		answer(m, "OK", 3);
		return fire(p);
	case XS_UNWATCH:
		unwatch();
		return answer(m, "OK", 3);
	case XS_INTRODUCE:
		fake_introduced = atoi(p);
		return answer(m, "OK", 3);
	case XS_RELEASE:
		return answer(m, "OK", 3);
	}
	refuse(m, "ENOSYS");
}

static bool receive(void *to, size_t size)
{
	return !size || recv(client, to, size, MSG_WAITALL) == (ssize_t)size;
}

/* False: the connection is to end. */
static bool serve_one(void)
{
	char payload[XENSTORE_PAYLOAD_MAX + 1];
	struct xsd_sockmsg m;
	bool drop_now = false;

	if (!receive(&m, sizeof(m)) || m.len > XENSTORE_PAYLOAD_MAX || !receive(payload, m.len))
		return false;
	payload[m.len] = 0;
	pthread_mutex_lock(&lock);
	fake_requests++;
	if (fake_drop_after && !--fake_drop_after)
		drop_now = true;
	if (fake_refuse_at && !--fake_refuse_at) {
		refuse(&m, "ENOSPC");
	} else if (!drop_now) {
		handle(&m, payload);
	} else if (fake_drop_behind) {
		shutdown(client, SHUT_WR); /* done, and the reply is lost */
		handle(&m, payload);
	}
	pthread_mutex_unlock(&lock);
	return !drop_now;
}

static void *serve(void *fd)
{
	client = (int)(intptr_t)fd;
	while (serve_one())
		;
	pthread_mutex_lock(&lock);
	if (transaction_of == client)
		transaction_of = -1;
	unwatch();
	for (int i = 0; i < client_count; i++)
		if (clients[i] == client)
			clients[i] = clients[--client_count];
	close(client);
	pthread_cond_signal(&left);
	pthread_mutex_unlock(&lock);
	return NULL;
}

static void *take(void *unused)
{
	pthread_t one;

	for (;;) {
		int fd = accept(listener, NULL, NULL);

		if (fd < 0)
			return NULL;
		pthread_mutex_lock(&lock);
		fake_connections++;
		clients[client_count++] = fd;
		pthread_create(&one, NULL, serve, (void *)(intptr_t)fd);
		pthread_detach(one);
		pthread_mutex_unlock(&lock);
	}
}

/* --- for the tests --------------------------------------------------------------------- */

void fake_store_start(void)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int small = 4096;

	snprintf(at.sun_path, sizeof(at.sun_path), "%s/store", check_folder);
	unlink(at.sun_path);
	setenv("FROE_STORE", at.sun_path, 1);
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	/* Small buffers: both sides have to take turns. */
	setsockopt(listener, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
	REQUIRE(bind(listener, (struct sockaddr *)&at, sizeof(at)) == 0);
	REQUIRE(listen(listener, 5) == 0);
	REQUIRE(pthread_create(&thread, NULL, take, NULL) == 0);
}

void fake_store_stop(void)
{
	shutdown(listener, SHUT_RDWR);
	pthread_join(thread, NULL);
	pthread_mutex_lock(&lock);
	for (int i = 0; i < client_count; i++)
		shutdown(clients[i], SHUT_RDWR);
	while (client_count)
		pthread_cond_wait(&left, &lock);
	pthread_mutex_unlock(&lock);
	close(listener);
}

void fake_store_clear(void)
{
	/* The last answer is read while its thread is still at it. */
	pthread_mutex_lock(&lock);
	clear(&live);
	clear(&snapshot);
	pthread_mutex_unlock(&lock);
}

const char *fake_store_get(const char *path)
{
	struct fake_node *n = find(&live, path);

	return n ? n->value : NULL;
}

const char *fake_store_perms(const char *path)
{
	struct fake_node *n = find(&live, path);

	return n ? n->perms : NULL;
}

void fake_store_set(const char *path, const char *value)
{
	pthread_mutex_lock(&lock);
	if (value)
		put(&live, path, value);
	else
		drop(&live, path);
	fire(path);
	pthread_mutex_unlock(&lock);
}

char *fake_store_dump(void)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	for (size_t i = 0; i < live.count; i++)
		fprintf(f, "%s=%s\n", live.node[i].path, live.node[i].value);
	fclose(f);
	return text;
}
