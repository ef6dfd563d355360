/* SPDX-License-Identifier: GPL-2.0-only */
/* Guests as froed knows them, and the doors through which it reaches them. */
#pragma once

#include "conn.h"

/* --- the doors: events, grants and the list of domains (door.c; a stand-in in tests) -- */

struct domain_state {
	uint16_t domid;
	bool dying, shutdown;
	uint8_t reason; /* SHUTDOWN_* */
};

void door_open(void);
/* The page of a grant, or NULL with errno. */
void *door_map(uint16_t domid, uint32_t ref);
void door_unmap(void *page);
/* Domain 0's own store ring, with its port. */
void *door_own_ring(uint32_t *port);
/* A local port, or -errno. */
int door_bind(uint16_t domid, uint32_t port);
int door_bind_deaths(void);
void door_unbind(int port);
void door_notify(int port);
/* An event that fired is held back until then. */
void door_unmask(int port);
/* All domains, sorted by number, in a list that the caller frees; their count, or -errno. */
int door_domains(struct domain_state **list);

/* --- guests (guest.c) ------------------------------------------------------------------ */

struct guest {
	struct list all;
	uint16_t domid;
	bool noted; /* its shutdown has been seen */
	bool gone;  /* to be freed at the end of this turn */
	uint64_t gfn;
	uint32_t port; /* the guest's end */
	int local;     /* ours, or -1 */
	struct ring *ring;
	struct xenstore_domain_interface *page;
	struct console *console; /* or NULL */
	/* Of its events: how many since when, and which ports are held back until that is over. */
	uint64_t window;
	uint32_t events;
	bool store_held, console_held;
};

extern struct list guest_all;

void guest_open(bool store_only);
struct guest *guest_find(uint16_t domid);
int guest_introduce(uint16_t domid, uint64_t gfn, uint32_t port);
int guest_release(uint16_t domid);
int guest_resume(uint16_t domid);
void guest_forget(struct guest *g);
/* It is no more: forgotten here and in the journal. It has shut down: seen. */
void guest_drop(struct guest *g);
void guest_note(struct guest *g);
/* Fires a special watch. */
void guest_tell(const char *special);
/* From the doors: this local port has fired. */
void guest_event(int port);
/* The parts of a turn: rings that stopped before their end go on; before the commit; after it. */
void guest_serve(void);
void guest_stage(void);
void guest_publish(void);
void guest_reap(void);
/* From the journal; guest_open() connects them when all of it is read. */
void guest_restore(uint16_t domid, uint64_t gfn, uint32_t port, bool noted);
void guest_save(void);

/* --- ends (life.c) ------------------------------------------------------------------------- */

/* Binds the event that tells of ends, and looks at what has ended meanwhile. */
void life_open(const char *run_dir);
/* That event has fired, or somebody has to be looked for. */
void life_check(void);
/* There is such a domain. */
void life_know(uint16_t domid);
/* What is due by now. */
void life_serve(void);
bool life_is_port(int port);

/* --- workers (worker.c) ---------------------------------------------------------------------- */

void worker_open(const char *run_dir);
/* froe VERB DOMID [OPTION], in the background. False: somebody is at it. */
bool worker_start(const char *verb, const char *option, uint16_t domid);
/* A child has ended. */
void worker_ended(int pid, int status);
/* The domain is no more: nor is its lock. */
void worker_forget(uint16_t domid);
