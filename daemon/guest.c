// SPDX-License-Identifier: GPL-2.0-only
/* Guests that have been introduced: their pages, ports and rings, from there to their end. */
#include "console.h"
#include "guest.h"
#include "journal.h"

#include <errno.h>
#include <string.h>
#include <xen/io/xs_wire.h>

enum {
	GRANT_STORE = 1,
	PORTS = 4096,
	/* So many events of one guest are served in so many milliseconds. */
	EVENTS_PER_WINDOW = 1000,
	WINDOW_MS = 100,
};

struct list guest_all = { &guest_all, &guest_all };

static bool doors; /* there is a hypervisor behind us */

/* Whom a local port belongs to; a console's is told by its number. */
static struct guest *by_port[PORTS];

struct guest *guest_find(uint16_t domid)
{
	struct guest *g;

	list_each(g, &guest_all, all)
		if (g->domid == domid && !g->gone)
			return g;
	return NULL;
}

static struct guest *guest_new(uint16_t domid, uint64_t gfn, uint32_t port)
{
	struct guest *g = xcalloc(sizeof(*g));

	g->domid = domid;
	g->gfn = gfn;
	g->port = port;
	g->local = -1;
	g->ring = ring_new(domid);
	list_add(&g->all, &guest_all);
	return g;
}

static void journal_domain(const struct guest *g)
{
	const uint64_t v[3] = { g->gfn, g->port, g->noted };

	journal_put(J_DOMAIN, g->domid, v, sizeof(v));
}

static void port_unbind(struct guest *g)
{
	if (g->local < 0)
		return;
	by_port[g->local] = NULL;
	door_unbind(g->local);
	g->local = -1;
}

static void console_start_up(struct guest *g, bool fresh)
{
	g->console = g->domid ? console_open(g, fresh) : NULL;
	if (g->console)
		by_port[g->console->port] = g;
}

static void console_end(struct guest *g)
{
	if (!g->console)
		return;
	by_port[g->console->port] = NULL;
	console_close(g->console);
	g->console = NULL;
}

static int port_bind(struct guest *g)
{
	int local = door_bind(g->domid, g->port);

	if (local < 0)
		return local;
	g->local = local;
	by_port[local] = g;
	return 0;
}

/* Page and port; `fresh`: the page's indices are where the ring begins. */
static int guest_connect(struct guest *g, bool fresh)
{
	uint32_t port = g->port;
	int rc;

	g->page = g->domid ? door_map(g->domid, GRANT_STORE) : door_own_ring(&port);
	if (!g->page)
		return -errno;
	g->port = port;
	rc = port_bind(g);
	if (rc)
		return rc;
	ring_attach(g->ring, g->page, fresh);
	return 0;
}

/* Forgets the guest now; its memory goes when no loop can be at it. */
void guest_forget(struct guest *g)
{
	g->gone = true;
	console_end(g);
	port_unbind(g);
	if (g->page && g->domid)
		door_unmap(g->page);
	g->page = NULL;
	ring_detach(g->ring);
}

void guest_reap(void)
{
	struct guest *g;

	list_each(g, &guest_all, all)
		if (g->gone) {
			list_del(&g->all);
			ring_free(g->ring);
			free(g);
		}
}

/* --- requests ------------------------------------------------------------------------ */

void guest_drop(struct guest *g)
{
	journal_put(J_RELEASE, g->domid, NULL, 0);
	guest_forget(g);
}

void guest_note(struct guest *g)
{
	g->noted = true;
	journal_domain(g);
}

void guest_tell(const char *special)
{
	watch_fire(special, &(struct audience){ .after = *store_special(special) }, true);
}

/* Known already: a new port, if it is one. */
static int reintroduce(struct guest *g, uint32_t port)
{
	int rc = 0;

	if (port != g->port) {
		port_unbind(g);
		g->port = port;
		rc = port_bind(g);
		journal_domain(g);
	}
	g->ring->woken = true;
	return rc;
}

int guest_introduce(uint16_t domid, uint64_t gfn, uint32_t port)
{
	struct guest *g = guest_find(domid);
	int rc;

	if (!doors || !domid)
		return -EINVAL;
	if (g)
		return reintroduce(g, port);
	g = guest_new(domid, gfn, port);
	rc = guest_connect(g, true);
	if (rc) {
		log_line("domain %u: its store ring is out of reach: %s", domid, strerror(-rc));
		guest_forget(g);
		return -EINVAL;
	}
	journal_domain(g);
	life_know(domid);
	console_start_up(g, true);
	guest_tell("@introduceDomain");
	return 0;
}

int guest_release(uint16_t domid)
{
	struct guest *g = guest_find(domid);

	if (!domid)
		return -EINVAL;
	if (!g)
		return -ENOENT;
	guest_drop(g);
	guest_tell("@releaseDomain");
	return 0;
}

int guest_resume(uint16_t domid)
{
	struct guest *g = guest_find(domid);

	if (!g)
		return -ENOENT;
	g->noted = false;
	journal_domain(g);
	return 0;
}

/* --- events ------------------------------------------------------------------------------ */

/* Too many events of one guest wait for the end of their time: nobody gets all of this CPU. */
static bool too_many(struct guest *g)
{
	uint64_t now = loop_now();

	if (now - g->window >= WINDOW_MS) {
		g->window = now;
		g->events = 0;
	}
	if (++g->events <= EVENTS_PER_WINDOW)
		return false;
	loop_again(g->window + WINDOW_MS - now);
	return true;
}

static void release_held(struct guest *g)
{
	uint64_t now;

	if (!g->store_held && !g->console_held)
		return;
	now = loop_now();
	if (now - g->window < WINDOW_MS) {
		loop_again(g->window + WINDOW_MS - now);
		return;
	}
	if (g->store_held)
		door_unmask(g->local);
	if (g->console_held)
		door_unmask(g->console->port);
	g->store_held = g->console_held = false;
}

void guest_event(int port)
{
	struct guest *g = port >= 0 && port < PORTS ? by_port[port] : NULL;
	bool console;

	if (life_is_port(port)) {
		door_unmask(port);
		life_check();
		return;
	}
	if (!g)
		return;
	console = g->console && port == g->console->port;
	/* Unmasked first: what comes from here on is another event. */
	if (!too_many(g))
		door_unmask(port);
	else
		*(console ? &g->console_held : &g->store_held) = true;
	if (console)
		console_serve(g->console);
	else
		ring_serve(g->ring);
}

void guest_serve(void)
{
	struct guest *g;

	list_each(g, &guest_all, all) {
		if (g->gone)
			continue;
		if (g->ring->more)
			ring_serve(g->ring);
		release_held(g);
	}
}

void guest_stage(void)
{
	struct guest *g;

	list_each(g, &guest_all, all)
		if (!g->gone)
			ring_stage(g->ring);
}

void guest_publish(void)
{
	struct guest *g;

	list_each(g, &guest_all, all) {
		if (g->gone)
			continue;
		if (ring_publish(g->ring) && g->local >= 0)
			door_notify(g->local);
		if (g->ring->more)
			loop_again(0);
	}
}

/* --- a start, with or without a journal ------------------------------------------------------- */

void guest_restore(uint16_t domid, uint64_t gfn, uint32_t port, bool noted)
{
	struct guest *g = guest_find(domid);

	if (!g)
		g = guest_new(domid, gfn, port);
	g->gfn = gfn;
	g->port = port;
	g->noted = noted;
}

void guest_save(void)
{
	struct guest *g;

	list_each(g, &guest_all, all)
		if (!g->gone) {
			journal_domain(g);
			ring_save(g->ring);
		}
}

/* Rings go on from the journal; whoever waited for an event that was lost gets one. */
static void restored(struct guest *g)
{
	int rc = guest_connect(g, false);

	if (rc) {
		log_line("domain %u: its store ring is out of reach: %s", g->domid, strerror(-rc));
		guest_drop(g);
		return;
	}
	watch_fire_all(g->ring->conn);
	g->ring->more = true;
	console_start_up(g, false);
}

void guest_open(bool store_only)
{
	struct guest *g;
	int rc;

	doors = !store_only;
	if (!doors)
		return;
	door_open();
	if (!guest_find(0)) {
		g = guest_new(0, 0, 0);
		rc = guest_connect(g, true);
		if (rc)
			die("domain 0: its store ring is out of reach: %s", strerror(-rc));
		journal_domain(g);
		g->ring->more = true;
	} else {
		list_each(g, &guest_all, all)
			if (!g->gone)
				restored(g);
	}
	guest_tell("@introduceDomain");
	guest_tell("@releaseDomain");
}
