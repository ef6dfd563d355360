// SPDX-License-Identifier: GPL-2.0-only
/* The wire protocol: each message type, what it is to look like, and what is answered. */
#include "conn.h"
#include "guest.h"
#include "journal.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <xen/io/xs_wire.h>

bool proto_pretend;

/* One request on its way. */
struct request {
	struct conn *conn;
	const struct message *m;
	struct tx *tx;
	const char *arg[4]; /* the strings that its table entry asks for */
	char path[PATH_ABS_MAX + 64];
	/* the answer */
	char out[PAYLOAD_MAX];
	const void *data; /* or somewhere else than in out */
	uint32_t len;
};

static void out_add(struct request *r, const void *data, uint32_t len)
{
	memcpy(r->out + r->len, data, len);
	r->len += len;
}

static int number(const char *text, unsigned long max, unsigned long *value)
{
	char *end;

	if (*text < '0' || *text > '9')
		return -EINVAL;
	*value = strtoul(text, &end, 10);
	return *end || *value > max ? -EINVAL : 0;
}

static int domain_of(const char *text, uint16_t *domid)
{
	unsigned long value = 0;
	int rc = number(text, DOMAINS_MAX - 1, &value);

	*domid = value;
	return rc;
}

/* --- reading --------------------------------------------------------------------- */

static int find(struct request *r, struct node **n)
{
	return store_read(r->tx, r->conn->domid, r->path, n);
}

static int do_read(struct request *r)
{
	struct node *n;
	int rc = find(r, &n);

	if (!rc && n->value) {
		r->data = n->value->data;
		r->len = n->value->len;
	}
	return rc;
}

static int do_directory(struct request *r)
{
	struct node *n;
	int rc = find(r, &n);

	if (!rc && r->tx)
		rc = tx_touch(r->tx, r->path, TOUCH_LIST);
	for (uint32_t i = 0; !rc && i < n->children; i++) {
		if (r->len + n->child[i]->name_len + 1 > PAYLOAD_MAX)
			return -E2BIG;
		out_add(r, n->child[i]->name, n->child[i]->name_len + 1);
	}
	return rc;
}

/* The list's generation, names from an offset on, and at the end of the list an empty one. */
static int do_directory_part(struct request *r)
{
	uint64_t at = 0;
	unsigned long offset;
	struct node *n;
	int rc = find(r, &n);

	if (!rc)
		rc = number(r->arg[1], UINT32_MAX, &offset);
	if (!rc && r->tx)
		rc = tx_touch(r->tx, r->path, TOUCH_LIST);
	if (rc)
		return rc;
	r->len = sprintf(r->out, "%llu", (unsigned long long)n->list_since) + 1;
	for (uint32_t i = 0; i < n->children; i++) {
		const struct node *c = n->child[i];

		if (at >= offset) {
			if (r->len + c->name_len + 2 > PAYLOAD_MAX)
				return 0;
			out_add(r, c->name, c->name_len + 1);
		}
		at += c->name_len + 1;
	}
	out_add(r, "", 1);
	return 0;
}

static int do_get_perms(struct request *r)
{
	static const char letter[] = "nrwb";
	const struct perms *p;
	struct node *n;
	char text[16];
	int rc;

	if (*r->path == '@') {
		if (r->conn->domid)
			return -EACCES;
		p = *store_special(r->path);
	} else {
		rc = find(r, &n);
		if (rc)
			return rc;
		p = n->perms;
	}
	for (uint32_t i = 0; i < p->count; i++) {
		int len = sprintf(text, "%c%u", letter[p->perm[i].bits], p->perm[i].domid) + 1;

		if (r->len + len > PAYLOAD_MAX)
			return -E2BIG;
		out_add(r, text, len);
	}
	return 0;
}

/* --- changing ---------------------------------------------------------------------- */

static int change(struct request *r, enum store_op op, const void *data, uint32_t len)
{
	return store_change(r->tx, &(struct change){ op, r->conn->domid, r->path, data, len });
}

static int do_write(struct request *r)
{
	uint32_t at = strlen(r->m->data) + 1;

	return change(r, STORE_WRITE, r->m->data + at, r->m->len - at);
}

static int do_mkdir(struct request *r)
{
	return change(r, STORE_MKDIR, NULL, 0);
}

static int do_rm(struct request *r)
{
	return change(r, STORE_RM, NULL, 0);
}

static int set_special(struct request *r, const struct perm *perm, uint32_t count)
{
	struct perms **p = store_special(r->path);
	const struct part parts[] = { { r->path, strlen(r->path) + 1 },
		                      { perm, count * sizeof(*perm) } };

	if (r->conn->domid)
		return -EACCES;
	perms_put(*p);
	*p = perms_new(perm, count);
	journal_add(J_SPECIAL, 0, parts, 2);
	return 0;
}

static int do_set_perms(struct request *r)
{
	struct perm perm[PAYLOAD_MAX / 3];
	const char *at = r->m->data + strlen(r->m->data) + 1, *end = r->m->data + r->m->len;
	uint32_t count = 0;

	memset(perm, 0, sizeof(perm)); /* padding goes into the journal */
	for (; at < end; at += strlen(at) + 1, count++) {
		const char *letter = *at ? strchr("nrwb", *at) : NULL;

		if (!letter || domain_of(at + 1, &perm[count].domid))
			return -EINVAL;
		perm[count].bits = letter - strchr("nrwb", 'n') == 0 ? 0
		                   : *at == 'r'                      ? PERM_READ
		                   : *at == 'w'                      ? PERM_WRITE
		                                                     : PERM_READ | PERM_WRITE;
	}
	if (!count || end[-1])
		return -EINVAL;
	if (*r->path == '@')
		return set_special(r, perm, count);
	return change(r, STORE_PERMS, perm, count * sizeof(*perm));
}

/* --- watches and transactions ---------------------------------------------------------- */

static int do_watch(struct request *r)
{
	struct conn *c = r->conn;
	const struct part parts[] = { { r->path, strlen(r->path) + 1 },
		                      { r->arg[0], strlen(r->arg[0]) + 1 },
		                      { r->arg[1], strlen(r->arg[1]) + 1 } };
	int rc;

	if (*r->path == '@' && !(perms_of(*store_special(r->path), c->domid) & PERM_READ))
		return -EACCES;
	rc = watch_add(c, r->path, r->arg[0], r->arg[1]);
	if (!rc && c->ring)
		journal_add(J_WATCH, c->domid, parts, 3);
	return rc;
}

static int do_unwatch(struct request *r)
{
	const struct part parts[] = { { r->path, strlen(r->path) + 1 },
		                      { r->arg[1], strlen(r->arg[1]) + 1 } };
	int rc = watch_del(r->conn, r->path, r->arg[1]);

	if (!rc && r->conn->ring)
		journal_add(J_UNWATCH, r->conn->domid, parts, 2);
	return rc;
}

static int do_reset_watches(struct request *r)
{
	watch_drop_all(r->conn);
	tx_drop_all(r->conn);
	if (r->conn->ring)
		journal_put(J_RESET, r->conn->domid, NULL, 0);
	return 0;
}

static int do_transaction_start(struct request *r)
{
	uint32_t id;
	int rc;

	if (r->m->tx_id)
		return -EBUSY;
	rc = tx_start(r->conn, &id);
	if (!rc)
		r->len = sprintf(r->out, "%u", id) + 1;
	return rc;
}

static int do_transaction_end(struct request *r)
{
	const char *how = r->arg[0];

	if ((*how != 'T' && *how != 'F') || how[1])
		return -EINVAL;
	return tx_end(r->conn, r->m->tx_id, *how == 'T');
}

/* --- domains -------------------------------------------------------------------------------- */

static int do_get_domain_path(struct request *r)
{
	uint16_t domid;
	int rc = domain_of(r->arg[0], &domid);

	if (!rc)
		r->len = sprintf(r->out, "/local/domain/%u", domid) + 1;
	return rc;
}

static int do_introduce(struct request *r)
{
	unsigned long gfn, port;
	uint16_t domid;
	int rc = domain_of(r->arg[0], &domid);

	if (!rc)
		rc = number(r->arg[1], ULONG_MAX, &gfn);
	if (!rc)
		rc = number(r->arg[2], UINT32_MAX, &port);
	return rc ? rc : guest_introduce(domid, gfn, port);
}

static int do_release(struct request *r)
{
	uint16_t domid;
	int rc = domain_of(r->arg[0], &domid);

	return rc ? rc : guest_release(domid);
}

static int do_is_domain_introduced(struct request *r)
{
	uint16_t domid;
	int rc = domain_of(r->arg[0], &domid);

	if (!rc)
		out_add(r, guest_find(domid) || !domid ? "T" : "F", 2);
	return rc;
}

static int do_resume(struct request *r)
{
	uint16_t domid;
	int rc = domain_of(r->arg[0], &domid);

	return rc ? rc : guest_resume(domid);
}

/* A device model of its own is for guests that need one, and there are none here. */
static int do_set_target(struct request *r)
{
	(void)r;
	return -ENOSYS;
}

static int do_control(struct request *r)
{
	const char *what = r->m->data, *rest = what + strlen(what) + 1;
	bool more = rest < r->m->data + r->m->len;
	int rc;

	if (!strcmp(what, "help")) {
		r->len = sprintf(r->out, "commands: help, print TEXT\n") + 1;
	} else if (!strcmp(what, "print") && more) {
		log_line("control: %.200s", rest);
		out_add(r, "OK", 3);
	} else if (!strcmp(what, "domain") && more && proto_pretend && !r->conn->ring) {
		rc = domain_of(rest, &r->conn->domid);
		if (rc)
			return rc;
		out_add(r, "OK", 3);
	} else {
		return -EINVAL;
	}
	return 0;
}

/* --- the table ------------------------------------------------------------------------------- */

enum {
	TX = 1,      /* may be part of a transaction */
	PATH = 2,    /* the first string is a path */
	SPECIAL = 4, /* or a special watch */
	DOM0 = 8,    /* for domain 0 only */
	ACK = 16,    /* the answer is "OK" */
	REST = 32,   /* after its strings follows something else */
	ANY = 64,    /* whatever it says */
};

static const struct op {
	const char *name;
	int (*serve)(struct request *r);
	uint8_t strings; /* each ends with 0, the last one with the message */
	uint8_t flags;
} ops[XS_TYPE_COUNT] = {
	[XS_CONTROL] = { "CONTROL", do_control, 1, DOM0 | REST },
	[XS_DIRECTORY] = { "DIRECTORY", do_directory, 1, TX | PATH },
	[XS_READ] = { "READ", do_read, 1, TX | PATH },
	[XS_GET_PERMS] = { "GET_PERMS", do_get_perms, 1, TX | PATH | SPECIAL },
	[XS_WATCH] = { "WATCH", do_watch, 2, PATH | SPECIAL | ACK },
	[XS_UNWATCH] = { "UNWATCH", do_unwatch, 2, PATH | SPECIAL | ACK },
	[XS_TRANSACTION_START] = { "TRANSACTION_START", do_transaction_start, 0, ANY },
	[XS_TRANSACTION_END] = { "TRANSACTION_END", do_transaction_end, 1, ACK },
	[XS_INTRODUCE] = { "INTRODUCE", do_introduce, 3, DOM0 | ACK | REST },
	[XS_RELEASE] = { "RELEASE", do_release, 1, DOM0 | ACK },
	[XS_GET_DOMAIN_PATH] = { "GET_DOMAIN_PATH", do_get_domain_path, 1, 0 },
	[XS_WRITE] = { "WRITE", do_write, 1, TX | PATH | ACK | REST },
	[XS_MKDIR] = { "MKDIR", do_mkdir, 1, TX | PATH | ACK },
	[XS_RM] = { "RM", do_rm, 1, TX | PATH | ACK },
	[XS_SET_PERMS] = { "SET_PERMS", do_set_perms, 1, TX | PATH | SPECIAL | ACK | REST },
	[XS_IS_DOMAIN_INTRODUCED] = { "IS_DOMAIN_INTRODUCED", do_is_domain_introduced, 1, DOM0 },
	[XS_RESUME] = { "RESUME", do_resume, 1, DOM0 | ACK },
	[XS_SET_TARGET] = { "SET_TARGET", do_set_target, 2, DOM0 | ACK },
	[XS_RESET_WATCHES] = { "RESET_WATCHES", do_reset_watches, 0, ANY | ACK },
	[XS_DIRECTORY_PART] = { "DIRECTORY_PART", do_directory_part, 2, TX | PATH },
};

static const char *error_name(int error)
{
	for (size_t i = 0; i < sizeof(xsd_errors) / sizeof(xsd_errors[0]); i++)
		if (xsd_errors[i].errnum == error)
			return xsd_errors[i].errstring;
	return "EINVAL";
}

/* Finds the strings; there have to be as many as the table says. */
static int cut(struct request *r, const struct op *op)
{
	const char *at = r->m->data, *end = at + r->m->len;

	if (op->flags & ANY)
		return 0;
	for (int i = 0; i < op->strings; i++) {
		const char *zero = at < end ? memchr(at, 0, end - at) : NULL;

		if (!zero)
			return -EINVAL;
		r->arg[i] = at;
		at = zero + 1;
	}
	return at < end && !(op->flags & REST) ? -EINVAL : 0;
}

static int serve(struct request *r, const struct op *op)
{
	int rc = cut(r, op);

	if (rc)
		return rc;
	if (op->flags & DOM0 && r->conn->domid)
		return -EACCES;
	if (op->flags & TX && r->m->tx_id && !(r->tx = tx_find(r->conn, r->m->tx_id)))
		return -ENOENT;
	if (op->flags & PATH)
		rc = path_resolve(r->path, r->arg[0], r->conn->domid, op->flags & SPECIAL);
	return rc ? rc : op->serve(r);
}

void proto_serve(struct conn *c, const struct message *m)
{
	static struct request r; /* too big to be cleared for each message */
	const struct op *op = m->type < XS_TYPE_COUNT ? &ops[m->type] : NULL;
	const char *error;
	int rc = -ENOSYS;

	r.conn = c;
	r.m = m;
	r.tx = NULL;
	r.data = r.out;
	r.len = 0;
	if (op && op->serve)
		rc = serve(&r, op);
	if (log_verbose)
		log_line("domain %u: %s%s%.*s: %s", c->domid,
		         op && op->serve ? op->name : "unknown", m->len ? " " : "",
		         (int)strnlen(m->data, m->len), m->data, rc ? error_name(-rc) : "done");
	if (rc) {
		error = error_name(-rc);
		conn_send(c, XS_ERROR, m->req_id, m->tx_id, error, strlen(error) + 1);
		return;
	}
	if (op->flags & ACK)
		conn_send(c, m->type, m->req_id, m->tx_id, "OK", 3);
	else
		conn_send(c, m->type, m->req_id, m->tx_id, r.data, r.len);
	if (m->type == XS_WATCH)
		watch_fire_new(c);
}
