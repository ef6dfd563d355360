/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The store for users of the library: values, transactions, watches.
 *
 * The daemon may be restarted at any time, and a transaction does not outlive its connection. From
 * then on its writes go nowhere, its reads see the store as it is, and its end says to begin again:
 * the answer that a user has to be ready for anyway.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "wire.h"

/* One write of an open transaction, the newest first: what it takes to see whether a commit whose
 * reply was lost has happened. */
struct written {
	struct written *next;
	char *value; /* NULL: removed */
	char path[];
};

struct transaction {
	struct transaction *next;
	froe_tx handle;
	uint32_t id, connection;
	struct written *written;
};

static struct transaction *find(struct froe *f, froe_tx tx)
{
	struct transaction *t = f->transactions;

	while (t && t->handle != tx)
		t = t->next;
	return t;
}

static bool lost(struct froe *f, froe_tx tx)
{
	struct transaction *t = tx ? find(f, tx) : NULL;

	return tx && (!t || t->connection != froe__wire_connection(f));
}

/* What the store knows it by: 0 with none, and for one that is lost. */
static uint32_t id_of(struct froe *f, froe_tx tx)
{
	return tx && !lost(f, tx) ? find(f, tx)->id : 0;
}

static void forget(struct froe *f, froe_tx tx)
{
	struct transaction **at = &f->transactions, *t;
	struct written *w;

	while (*at && (*at)->handle != tx)
		at = &(*at)->next;
	t = *at;
	if (!t)
		return;
	*at = t->next;
	while ((w = t->written)) {
		t->written = w->next;
		free(w);
	}
	free(t);
}

static int note(struct froe *f, froe_tx tx, const char *path, const char *value)
{
	struct transaction *t = tx ? find(f, tx) : NULL;
	size_t size = strlen(path) + 1;
	struct written *w;

	if (!t)
		return 0;
	w = malloc(sizeof(*w) + size + (value ? strlen(value) + 1 : 0));
	if (!w)
		return froe__nomem(f);
	memcpy(w->path, path, size);
	w->value = value ? strcpy(w->path + size, value) : NULL;
	w->next = t->written;
	t->written = w;
	return 0;
}

/* One request about one path; its reply, or NULL with the error in the handle. */
static const struct wire_reply *request(struct froe *f, uint32_t type, uint32_t id,
                                        const char *path, const void *more, size_t size)
{
	if (froe__wire_begin(f) < 0 ||
	    froe__wire_add(f, type, id, path, strlen(path) + 1, more, size) < 0 ||
	    froe__wire_run(f) < 0)
		return NULL;
	return froe__wire_reply(f, 0);
}

/* The same for what changes something: 0, or -1 unless the reply is the error `fine`. */
static int change(struct froe *f, uint32_t type, froe_tx tx, const char *path, const void *more,
                  size_t size, int fine, const char *what)
{
	const struct wire_reply *r;

	if (lost(f, tx))
		return 0;
	r = request(f, type, id_of(f, tx), path, more, size);
	if (!r)
		return -1;
	if (!r->error || r->error == fine || lost(f, tx))
		return 0;
	return froe__wire_fail(f, r->error, what, path);
}

/* For what only looks: a transaction that is lost meanwhile is looked past. */
static const struct wire_reply *look(struct froe *f, uint32_t type, froe_tx tx, const char *path,
                                     const void *more, size_t size)
{
	const struct wire_reply *r = request(f, type, id_of(f, tx), path, more, size);

	if (r && r->error == EAGAIN && lost(f, tx))
		r = request(f, type, 0, path, more, size);
	return r;
}

/* --- transactions ---------------------------------------------------------------------- */

int froe_store_begin(struct froe *f, froe_tx *tx)
{
	const struct wire_reply *r = request(f, XS_TRANSACTION_START, 0, "", NULL, 0);
	struct transaction *t;

	if (!r)
		return -1;
	if (r->error)
		return froe__wire_fail(f, r->error, "cannot begin", "a transaction");
	t = calloc(1, sizeof(*t));
	if (!t)
		return froe__nomem(f);
	t->id = strtoul(r->data, NULL, 10);
	t->connection = froe__wire_connection(f);
	t->handle = *tx = ++f->last_tx;
	t->next = f->transactions;
	f->transactions = t;
	return 0;
}

/* Something newer in the transaction decides about this path. */
static bool overtaken(const struct transaction *t, const struct written *w)
{
	size_t size = strlen(w->path);

	for (const struct written *n = t->written; n != w; n = n->next)
		if (!strncmp(n->path, w->path, size) &&
		    (!n->path[size] || (!w->value && n->path[size] == '/')))
			return true;
	return false;
}

/* Whether the store now is as the transaction would have left it. 1: yes. */
static int is_done(struct froe *f, const struct transaction *t)
{
	int same = 1;

	for (const struct written *w = t->written; w && same == 1; w = w->next) {
		const struct wire_reply *r;

		if (overtaken(t, w))
			continue;
		r = request(f, XS_READ, 0, w->path, NULL, 0);
		if (!r)
			return -1;
		same = w->value ? !r->error && !strcmp(r->data, w->value) : r->error == ENOENT;
	}
	return same;
}

int froe_store_end(struct froe *f, froe_tx tx, bool commit)
{
	struct transaction *t = find(f, tx);
	const struct wire_reply *r;
	int rc;

	if (!t)
		return froe__fail(f, FROE_USAGE, "", "store: there is no transaction %u", tx);
	if (lost(f, tx)) {
		rc = commit;
		goto out;
	}
	r = request(f, XS_TRANSACTION_END, t->id, commit ? "T" : "F", NULL, 0);
	if (!r)
		rc = -1;
	else if (lost(f, tx) && commit)
		rc = (rc = is_done(f, t)) < 0 ? rc : !rc;
	else if (!r->error || lost(f, tx))
		rc = 0;
	else if (r->error == EAGAIN)
		rc = 1;
	else
		rc = froe__wire_fail(f, r->error, "cannot end", "a transaction");
out:
	forget(f, tx);
	return rc;
}

/* --- values ---------------------------------------------------------------------------- */

static char *copy(const struct wire_reply *r)
{
	char *value = malloc(r->size + 1ul);

	if (value)
		memcpy(value, r->data, r->size + 1ul);
	return value;
}

int froe_store_read(struct froe *f, froe_tx tx, const char *path, char **value, size_t *size)
{
	const struct wire_reply *r = look(f, XS_READ, tx, path, NULL, 0);

	if (!r)
		return -1;
	if (r->error)
		return froe__wire_fail(f, r->error, "cannot read", path);
	*value = copy(r);
	if (!*value)
		return froe__nomem(f);
	if (size)
		*size = r->size;
	return 0;
}

int froe_store_write(struct froe *f, froe_tx tx, const char *path, const char *value)
{
	if (change(f, XS_WRITE, tx, path, value, strlen(value), 0, "cannot write") < 0)
		return -1;
	return note(f, tx, path, value);
}

int froe_store_remove(struct froe *f, froe_tx tx, const char *path)
{
	if (change(f, XS_RM, tx, path, NULL, 0, ENOENT, "cannot remove") < 0)
		return -1;
	return note(f, tx, path, NULL);
}

/* `text` is names, each with a NUL. */
static int split(struct froe *f, const char *text, size_t size, char ***names, size_t *count)
{
	size_t n = 0;
	char **list, *p;

	for (size_t i = 0; i < size; i++)
		n += !text[i];
	list = malloc((n + 1) * sizeof(*list) + size + 1);
	if (!list)
		return froe__nomem(f);
	p = memcpy(list + n + 1, text, size);
	for (size_t i = 0; i < n; i++, p += strlen(p) + 1)
		list[i] = p;
	list[n] = NULL;
	*names = list;
	*count = n;
	return 0;
}

/* A directory too long for one reply comes in parts, with a number that says if it has changed. */
static int list_parts(struct froe *f, froe_tx tx, const char *path, char ***names, size_t *count)
{
	char *text = NULL, at[24], generation[24] = "";
	const struct wire_reply *r;
	size_t size = 0, head, more;
	int rc;

	for (;;) {
		snprintf(at, sizeof(at), "%zu", size);
		r = look(f, XS_DIRECTORY_PART, tx, path, at, strlen(at) + 1);
		if (!r || r->error) {
			rc = r ? froe__wire_fail(f, r->error, "cannot list", path) : -1;
			break;
		}
		head = strlen(r->data) + 1;
		if (size && strcmp(r->data, generation)) {
			size = 0;
			continue;
		}
		snprintf(generation, sizeof(generation), "%s", r->data);
		more = r->size > head ? r->size - head : 0;
		char *grown = realloc(text, size + more + 1);

		if (!grown) {
			rc = froe__nomem(f);
			break;
		}
		text = grown;
		memcpy(text + size, r->data + head, more);
		size += more;
		/* The end is an empty name. */
		if (!more || (size == 1 && !text[0]) ||
		    (size > 1 && !text[size - 1] && !text[size - 2])) {
			rc = split(f, text, size ? size - 1 : 0, names, count);
			break;
		}
	}
	free(text);
	return rc;
}

int froe_store_list(struct froe *f, froe_tx tx, const char *path, char ***names, size_t *count)
{
	const struct wire_reply *r = look(f, XS_DIRECTORY, tx, path, NULL, 0);

	if (!r)
		return -1;
	if (r->error == E2BIG)
		return list_parts(f, tx, path, names, count);
	if (r->error)
		return froe__wire_fail(f, r->error, "cannot list", path);
	return split(f, r->data, r->size, names, count);
}

/* "n0,r3" as the protocol has it: each with a NUL. */
static int add_perms(struct froe *f, uint32_t id, const char *path, const char *perms)
{
	char text[XENSTORE_ABS_PATH_MAX + 256];
	size_t size = strlen(path) + 1, more = strlen(perms) + 1;

	if (size + more > sizeof(text))
		return froe__fail(f, FROE_USAGE, "", "store: path of %zu bytes", size - 1);
	memcpy(text, path, size);
	memcpy(text + size, perms, more);
	for (char *p = text + size; *p; p++)
		if (*p == ',')
			*p = 0;
	return froe__wire_add(f, XS_SET_PERMS, id, text, size + more, NULL, 0);
}

static int add_items(struct froe *f, uint32_t id, const struct froe_store_item *item, size_t count)
{
	int rc = 0;

	for (; count && rc == 0; item++, count--) {
		size_t path = strlen(item->path) + 1;

		if (item->value)
			rc = froe__wire_add(f, XS_WRITE, id, item->path, path, item->value,
			                    strlen(item->value));
		else
			rc = froe__wire_add(f, XS_MKDIR, id, item->path, path, NULL, 0);
		if (rc == 0 && item->perms)
			rc = add_perms(f, id, item->path, item->perms);
	}
	return rc;
}

static int check_items(struct froe *f, const struct froe_store_item *item, size_t count)
{
	for (size_t at = 0; count; item++, count--)
		for (int n = item->perms ? 2 : 1; n; n--, at++) {
			int error = froe__wire_reply(f, at)->error;

			if (error)
				return froe__wire_fail(f, error, "cannot write", item->path);
		}
	return 0;
}

int froe_store_write_many(struct froe *f, froe_tx tx, const struct froe_store_item *items,
                          size_t count)
{
	if (!count || lost(f, tx))
		return 0;
	if (froe__wire_begin(f) < 0 || add_items(f, id_of(f, tx), items, count) < 0 ||
	    froe__wire_run(f) < 0)
		return -1;
	if (lost(f, tx))
		return 0;
	if (check_items(f, items, count) < 0)
		return -1;
	for (size_t i = 0; tx && i < count; i++)
		if (items[i].value && note(f, tx, items[i].path, items[i].value) < 0)
			return -1;
	return 0;
}

int froe_store_read_many(struct froe *f, froe_tx tx, const char *const *path, char **value,
                         size_t count)
{
	bool again;

	memset(value, 0, count * sizeof(*value));
	if (!count)
		return 0;
	do {
		uint32_t id = id_of(f, tx);

		if (froe__wire_begin(f) < 0)
			return -1;
		for (size_t i = 0; i < count; i++)
			if (froe__wire_add(f, XS_READ, id, path[i], strlen(path[i]) + 1, NULL, 0) <
			    0)
				return -1;
		if (froe__wire_run(f) < 0)
			return -1;
		again = id && lost(f, tx);
	} while (again);
	for (size_t i = 0; i < count; i++) {
		const struct wire_reply *r = froe__wire_reply(f, i);
		int rc = 0;

		if (!r->error)
			rc = (value[i] = copy(r)) ? 0 : froe__nomem(f);
		else if (r->error != ENOENT)
			rc = froe__wire_fail(f, r->error, "cannot read", path[i]);
		if (rc < 0) {
			while (i--)
				free(value[i]);
			memset(value, 0, count * sizeof(*value));
			return rc;
		}
	}
	return 0;
}

/* --- watches and domains --------------------------------------------------------------- */

int froe_store_watch(struct froe *f, const char *path, const char *token)
{
	if (change(f, XS_WATCH, 0, path, token, strlen(token) + 1, 0, "cannot watch") < 0)
		return -1;
	return froe__wire_watch(f, path, token);
}

int froe_store_unwatch(struct froe *f, const char *path, const char *token)
{
	if (froe__wire_begin(f) < 0)
		return -1;
	froe__wire_unwatch(f, path, token);
	return change(f, XS_UNWATCH, 0, path, token, strlen(token) + 1, ENOENT, "cannot unwatch");
}

int froe_store_event(struct froe *f, int timeout_ms, char **path, char **token)
{
	char *event;

	if (froe__wire_event(f, timeout_ms, &event) < 0)
		return -1;
	if (!event)
		return froe__fail(f, FROE_TIMEOUT, "", "nothing happened in the store for %d ms",
		                  timeout_ms);
	*path = event;
	*token = event + strlen(event) + 1;
	return 0;
}

int froe_store_fd(struct froe *f)
{
	return froe__wire_fd(f);
}

int froe_store_introduce(struct froe *f, uint32_t id, uint64_t gfn, uint32_t port)
{
	char domain[12], more[48];
	int n;

	snprintf(domain, sizeof(domain), "%u", id);
	n = sprintf(more, "%" PRIu64, gfn) + 1;
	n += sprintf(more + n, "%u", port) + 1;
	return change(f, XS_INTRODUCE, 0, domain, more, n, 0, "cannot introduce domain");
}

int froe_store_release(struct froe *f, uint32_t id)
{
	char domain[12];

	snprintf(domain, sizeof(domain), "%u", id);
	return change(f, XS_RELEASE, 0, domain, NULL, 0, ENOENT, "cannot release domain");
}

void froe__store_close(struct froe *f)
{
	while (f->transactions)
		forget(f, f->transactions->handle);
	froe__wire_close(f);
}
