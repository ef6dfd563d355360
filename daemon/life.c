// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ends of guests: who hears of them, what is left to be tidied, and what the guest's file wants
 * done. All of it follows from the list of domains, whenever that is looked at; the event only says
 * that it is time to. What is to be done with a domain is done by froe, as a worker: we build and
 * destroy nothing.
 */
#include "guest.h"
#include "journal.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <xen/sched.h>

/* A guest that ends so soon after its start ... */
enum {
	QUICK_MS = 10000,
	QUICK_MAX = 5,
	PAUSE_MS = 1000,
	BUSY_MS = 1000
};
#define RESTARTS "/tool/froed/restarts"

/* A word of a guest's file: the verb of a worker, or NULL, and its option. Others are not served.
 */
struct word {
	const char *word, *verb, *option;
};

/* What a guest that has ended still has to get. */
struct action {
	struct list link;
	uint16_t domid;
	const struct word *word;
	uint64_t due;
};

static struct list actions = { &actions, &actions };
static const char *dir;
static int deaths = -1;
static struct domain_state *known; /* the list as it was last seen */
static int known_count;

bool life_is_port(int port)
{
	return port == deaths;
}

/* --- what is to be done ------------------------------------------------------------------ */

static const struct reason {
	const char *name, *key, *otherwise;
} reasons[] = {
	[SHUTDOWN_poweroff] = { "powered off", "on_poweroff", "destroy" },
	[SHUTDOWN_reboot] = { "reboots", "on_reboot", "restart" },
	[SHUTDOWN_suspend] = { NULL }, /* somebody saves it */
	[SHUTDOWN_crash] = { "crashed", "on_crash", "destroy" },
	[SHUTDOWN_watchdog] = { "was ended by its watchdog", "on_watchdog", "destroy" },
	[SHUTDOWN_soft_reset] = { "asked for a soft reset", "on_soft_reset", "preserve" },
};

static const struct word words[] = {
	{ "destroy", "destroy", NULL },
	{ "restart", "restart-guest", NULL },
	{ "rename-restart", "restart-guest", "--keep" },
	{ "preserve", NULL, NULL },
};

/* The last component of the guest's /vm path: what it is over all its lives. */
static bool identity(uint16_t domid, char *vm, size_t size)
{
	char path[64];

	snprintf(path, sizeof(path), "/local/domain/%u/vm", domid);
	return store_get(path, vm, size) && !strncmp(vm, "/vm/", 4) && vm[4] &&
	       !strchr(vm + 4, '/');
}

static bool restart_read(const char *path, unsigned int *quick, uint64_t *last)
{
	char text[48];
	unsigned long long at;

	if (!store_get(path, text, sizeof(text)) || sscanf(text, "%u %llu", quick, &at) != 2)
		return false;
	*last = at;
	return true;
}

/* What is so old that it counts no more. */
static void forget_restarts(void)
{
	const struct node *all = node_find(store_root(), RESTARTS);
	uint64_t now = loop_now(), last;
	unsigned int quick;
	char path[160];

	for (uint32_t i = all ? all->children : 0; i--;) {
		snprintf(path, sizeof(path), RESTARTS "/%.100s", all->child[i]->name);
		if (restart_read(path, &quick, &last) && now - last < QUICK_MS)
			continue;
		store_drop(path);
		all = node_find(store_root(), RESTARTS);
	}
}

/*
 * When the next life may begin: at once, or a second after the last began. -1: not any more. What
 * is known of earlier ones is in the store, so that a kill does not make us forget it.
 */
static int64_t restart_due(const char *vm)
{
	uint64_t now = loop_now(), last = 0;
	char path[160], text[48];
	unsigned int quick = 0;

	snprintf(path, sizeof(path), RESTARTS "/%.100s", vm + 4);
	/* Decided before we were started, and not done yet. */
	if (restart_read(path, &quick, &last) && last > now)
		return last;
	quick = last && now - last < QUICK_MS ? quick + 1 : 0;
	if (quick >= QUICK_MAX)
		return -1;
	if (!last || now - last >= PAUSE_MS)
		last = now;
	else
		last += PAUSE_MS;
	forget_restarts();
	snprintf(text, sizeof(text), "%u %llu", quick, (unsigned long long)last);
	store_set(path, text);
	return last;
}

static void plan(uint16_t domid, const struct word *word, uint64_t due)
{
	struct action *a = xcalloc(sizeof(*a));

	a->domid = domid;
	a->word = word;
	a->due = due;
	list_add(&a->link, &actions);
}

static const struct word *find_word(const char *text)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (!strcmp(words[i].word, text))
			return &words[i];
	return NULL;
}

/* Whom it concerns is told in one line what has happened and what follows. */
static void decide(uint16_t domid, uint8_t code)
{
	const struct reason *r = code < sizeof(reasons) / sizeof(reasons[0]) ? &reasons[code]
	                                                                     : NULL;
	char vm[128], path[192], text[32];
	const struct word *w;
	int64_t due = 0;

	if (!r || !r->name) {
		if (!r)
			log_line("domain %u: ended for reason %u, which is unknown; it stays",
			         domid, code);
		return;
	}
	snprintf(text, sizeof(text), "%s", r->otherwise);
	if (identity(domid, vm, sizeof(vm))) {
		snprintf(path, sizeof(path), "%s/%s", vm, r->key);
		store_get(path, text, sizeof(text));
	} else {
		*vm = 0;
	}
	w = find_word(text);
	if (!w) {
		log_line("domain %u: %s; %s=\"%s\" is not supported, it stays", domid, r->name,
		         r->key, text);
		return;
	}
	if (w->verb && !strcmp(w->verb, "restart-guest") && *vm)
		due = restart_due(vm);
	if (due < 0) {
		log_line("domain %u: %s for the %dth time within seconds of its start; it stays",
		         domid, r->name, QUICK_MAX + 1);
		return;
	}
	log_line("domain %u: %s: %s", domid, r->name, w->word);
	if (w->verb)
		plan(domid, w, due);
}

void life_serve(void)
{
	uint64_t now;
	struct action *a;

	if (list_empty(&actions))
		return;
	now = loop_now();
	list_each(a, &actions, link) {
		if (a->due > now) {
			loop_again(a->due - now);
			continue;
		}
		if (!guest_find(a->domid) ||
		    worker_start(a->word->verb, a->word->option, a->domid)) {
			list_del(&a->link);
			free(a);
		} else {
			a->due = now + BUSY_MS;
			loop_again(BUSY_MS);
		}
	}
}

/* --- the list of domains ---------------------------------------------------------------- */

static const struct domain_state *find(const struct domain_state *list, int count, uint16_t domid)
{
	for (int low = 0, high = count; low < high;) {
		int mid = (low + high) / 2;

		if (list[mid].domid == domid)
			return &list[mid];
		if (list[mid].domid < domid)
			low = mid + 1;
		else
			high = mid;
	}
	return NULL;
}

static bool used_by_another(const char *vm)
{
	const struct node *all = node_find(store_root(), "/local/domain");
	char path[64], text[128];

	for (uint32_t i = 0; all && i < all->children; i++) {
		snprintf(path, sizeof(path), "/local/domain/%.20s/vm", all->child[i]->name);
		if (store_get(path, text, sizeof(text)) && !strcmp(text, vm))
			return true;
	}
	return false;
}

/* What a tool that was killed, and a worker of a froed that was, left in the run directory. */
static void tidy_files(uint16_t domid)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/guest/%u.cfg", dir, domid);
	unlink(path);
	worker_forget(domid);
}

/* Nothing of a domain that is gone is left, whoever should have removed it. */
static void tidy(uint16_t domid)
{
	char path[64], vm[128], index[512], holder[16];
	bool has_vm = identity(domid, vm, sizeof(vm));

	snprintf(path, sizeof(path), "/local/domain/%u", domid);
	if (node_find(store_root(), path))
		store_drop(path);
	if (has_vm && node_find(store_root(), vm) && !used_by_another(vm))
		store_drop(vm);
	/* libctl's index of names: /froe/guest/ID says where the name is. */
	snprintf(path, sizeof(path), "/froe/guest/%u", domid);
	if (store_get(path, index, sizeof(index))) {
		if (store_get(index, holder, sizeof(holder)) && strtoul(holder, NULL, 10) == domid)
			store_drop(index);
		store_drop(path);
	}
	tidy_files(domid);
	store_forget_domain(domid);
	forget_restarts();
}

/* Those that were there when the list was last seen and are not there now. */
static bool look_for_gone(const struct domain_state *list, int count)
{
	bool any = false;

	for (int i = 0; i < known_count; i++) {
		const struct domain_state *was = &known[i], *is = find(list, count, was->domid);

		if (is && is->dying == was->dying)
			continue;
		any = true;
		if (!is)
			tidy(was->domid);
	}
	return any;
}

static bool look_at_guests(const struct domain_state *list, int count)
{
	bool any = false;
	struct guest *g;

	list_each(g, &guest_all, all) {
		const struct domain_state *is = find(list, count, g->domid);

		if (g->gone || !g->domid)
			continue;
		if (!is || is->dying) {
			log_debug("domain %u: is no more", g->domid);
			guest_drop(g);
			any = true;
		} else if (is->shutdown && !g->noted) {
			guest_note(g);
			decide(g->domid, is->reason);
			any = true;
		}
	}
	return any;
}

/* One that is introduced may be gone before the list is looked at again. */
void life_know(uint16_t domid)
{
	known = xrealloc(known, (known_count + 1) * sizeof(*known));
	known[known_count++] = (struct domain_state){ .domid = domid };
}

void life_check(void)
{
	struct domain_state *list;
	int count = door_domains(&list);
	bool any;

	if (count < 0) {
		log_line("no list of domains: %s; ends of guests are not seen", strerror(-count));
		free(list);
		return;
	}
	any = look_at_guests(list, count);
	any |= look_for_gone(list, count);
	free(known);
	known = list;
	known_count = count;
	if (any)
		guest_tell("@releaseDomain");
}

/*
 * After a start: domains that the store knows and the hypervisor does not have gone meanwhile, and
 * what was to be done with those that have ended is to be done still.
 */
static void catch_up(void)
{
	const struct node *all = node_find(store_root(), "/local/domain");
	struct guest *g;

	known = xcalloc(((all ? all->children : 0) + 1) * sizeof(*known));
	for (uint32_t i = 0; all && i < all->children; i++) {
		unsigned long domid = strtoul(all->child[i]->name, NULL, 10);

		if (domid && domid < DOMAINS_MAX)
			known[known_count++].domid = domid;
	}
	list_each(g, &guest_all, all)
		g->noted = false;
}

void life_open(const char *run_dir)
{
	dir = run_dir;
	worker_open(run_dir);
	deaths = door_bind_deaths();
	if (deaths < 0)
		die("no event tells of the ends of guests: %s", strerror(-deaths));
	catch_up();
	life_check();
}
