// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guests' consoles. What a guest prints is always taken, whether somebody looks or not: copied to
 * where it is kept, committed, and only then consumed; so none is lost or doubled when we are
 * killed. What is typed goes into the ring only as far as there is room.
 */
#include "console.h"
#include "guest.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xen/io/console.h>

enum {
	GRANT_CONSOLE = 0
};

const char *console_dir, *console_log_dir;

static void console_break(struct console *c, const char *why)
{
	c->broken = true;
	log_line("domain %u: console: %s; it is served no more until the guest starts again",
	         c->guest->domid, why);
}

uint64_t console_start(const struct console *c)
{
	return c->past->end > PAST_SIZE ? c->past->end - PAST_SIZE : 0;
}

uint32_t console_text(const struct console *c, uint64_t at, const char **text)
{
	uint32_t from = at % sizeof(c->past->data), whole = sizeof(c->past->data) - from;
	uint64_t n = c->past->end - at;

	*text = c->past->data + from;
	return n < whole ? n : whole;
}

/* Copies `n` bytes from the ring behind the end of what is kept. */
static void copy_out(struct console *c, uint32_t cons, uint32_t n)
{
	for (uint64_t at = c->past->end; n;) {
		uint32_t from = MASK_XENCONS_IDX(cons, c->page->out);
		uint32_t to = at % sizeof(c->past->data), part = n;

		if (part > sizeof(c->page->out) - from)
			part = sizeof(c->page->out) - from;
		if (part > sizeof(c->past->data) - to)
			part = sizeof(c->past->data) - to;
		memcpy(c->past->data + to, c->page->out + from, part);
		cons += part;
		at += part;
		n -= part;
	}
}

/* Memory for what is kept is taken when it is needed first: most guests say little. */
static int past_grow(struct console *c, uint64_t end)
{
	uint64_t need = (offsetof(struct past, data) + end + 4095) & ~4095ull;
	int rc;

	/* The file keeps its size, by which it is known to be one of ours. */
	if (need > sizeof(struct past))
		need = sizeof(struct past);
	if (need <= c->past_taken)
		return 0;
	rc = posix_fallocate(c->past_fd, 0, need);
	if (!rc)
		c->past_taken = need;
	return -rc;
}

static void take_output(struct console *c)
{
	uint32_t cons = c->past->ring + c->past->end;
	uint32_t n = __atomic_load_n(&c->page->out_prod, __ATOMIC_ACQUIRE) - cons;

	if (n > sizeof(c->page->out)) {
		console_break(c, "the guest's output index is wrong");
		return;
	}
	if (past_grow(c, c->past->end + n)) {
		console_break(c, "no memory is left to keep its output");
		return;
	}
	copy_out(c, cons, n);
	__atomic_store_n(&c->past->end, c->past->end + n, __ATOMIC_RELEASE);
	__atomic_store_n(&c->page->out_cons, cons + n, __ATOMIC_RELEASE);
	/* Only one that has filled its ring can be waiting for this. */
	if (n == sizeof(c->page->out))
		door_notify(c->port);
}

void console_serve(struct console *c)
{
	uint64_t before = c->past->end;

	if (c->broken)
		return;
	take_output(c);
	if (c->past->end != before)
		logfile_update(c);
	viewer_update(c);
	pty_update(c);
}

uint32_t console_room(struct console *c)
{
	uint32_t used;

	if (c->broken)
		return 0;
	used = c->in_prod - __atomic_load_n(&c->page->in_cons, __ATOMIC_ACQUIRE);
	if (used > sizeof(c->page->in)) {
		console_break(c, "the guest's input index is wrong");
		return 0;
	}
	return sizeof(c->page->in) - used;
}

void console_type(struct console *c, const char *text, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		c->page->in[MASK_XENCONS_IDX(c->in_prod + i, c->page->in)] = text[i];
	c->in_prod += n;
	__atomic_store_n(&c->page->in_prod, c->in_prod, __ATOMIC_RELEASE);
	door_notify(c->port);
}

/* --- from the beginning to the end ------------------------------------------------------- */

static const char *past_name(const struct console *c)
{
	static char path[4096];

	snprintf(path, sizeof(path), "%s/%u.past", console_dir, c->guest->domid);
	return path;
}

/* The kept output: of this guest if it is known already, else empty. */
static int past_open(struct console *c, bool fresh)
{
	bool empty;
	void *map;

	c->past_fd = open(past_name(c), O_RDWR | O_CREAT | O_CLOEXEC | (fresh ? O_TRUNC : 0), 0600);
	if (c->past_fd < 0)
		return -errno;
	empty = lseek(c->past_fd, 0, SEEK_END) != sizeof(struct past);
	if (ftruncate(c->past_fd, sizeof(struct past)))
		return -errno;
	map = mmap(NULL, sizeof(struct past), PROT_READ | PROT_WRITE, MAP_SHARED, c->past_fd, 0);
	if (map == MAP_FAILED)
		return -errno;
	c->past = map;
	if (past_grow(c, empty ? 1 : c->past->end))
		return -ENOSPC;
	if (empty)
		c->past->ring = __atomic_load_n(&c->page->out_cons, __ATOMIC_ACQUIRE);
	return 0;
}

static int console_connect(struct console *c, bool fresh)
{
	char path[64], text[16];
	uint16_t domid = c->guest->domid;
	int rc;

	snprintf(path, sizeof(path), "/local/domain/%u/console/port", domid);
	if (!store_get(path, text, sizeof(text)))
		return -ENOENT;
	c->page = door_map(domid, GRANT_CONSOLE);
	if (!c->page)
		return -errno;
	rc = past_open(c, fresh);
	if (rc)
		return rc;
	c->in_prod = __atomic_load_n(&c->page->in_prod, __ATOMIC_ACQUIRE);
	c->port = door_bind(domid, strtoul(text, NULL, 10));
	return c->port < 0 ? c->port : 0;
}

struct console *console_open(struct guest *g, bool fresh)
{
	struct console *c = xcalloc(sizeof(*c));
	int rc;

	c->guest = g;
	c->port = c->past_fd = c->slave = c->log = c->listener.fd = c->pty.fd = -1;
	list_init(&c->viewers);
	rc = console_connect(c, fresh);
	if (rc) {
		log_line("domain %u: no console: %s", g->domid, strerror(-rc));
		console_close(c);
		return NULL;
	}
	viewer_listen(c);
	pty_open(c);
	logfile_open(c, fresh);
	console_serve(c);
	door_notify(c->port);
	return c;
}

void console_close(struct console *c)
{
	if (c->port >= 0) {
		/* What it said last. */
		console_serve(c);
		door_unbind(c->port);
	}
	viewer_close_all(c);
	pty_close(c);
	logfile_close(c);
	if (c->page)
		door_unmap(c->page);
	if (c->past) {
		unlink(past_name(c));
		munmap(c->past, sizeof(*c->past));
	}
	if (c->past_fd >= 0)
		close(c->past_fd);
	loop_free(c);
}

void console_tidy(void)
{
	DIR *all = opendir(console_dir);
	const struct dirent *e;

	while (all && (e = readdir(all))) {
		unsigned long domid = strtoul(e->d_name, NULL, 10);

		if (domid && domid < DOMAINS_MAX && !guest_find(domid))
			unlinkat(dirfd(all), e->d_name, 0);
	}
	if (all)
		closedir(all);
}
