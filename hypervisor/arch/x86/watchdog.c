/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * NMI watchdog: each CPU is looked at by its neighbour once a second.
 *
 * A CPU that stays in host mode without entering a guest or going idle for WATCHDOG_SECONDS hangs:
 * with a lock that never comes free, or in a loop. It gets an NMI, in which it dumps itself and
 * ends the machine; should it not even take that, its neighbour ends the machine. A single CPU has
 * no neighbour and is not watched. `watchdog=0` turns all of it off.
 */
#include <bootinfo.h>
#include <cpu.h>
#include <page.h>
#include <printk.h>
#include <timer.h>
#include <watchdog.h>

#define SECOND 1000000000ULL

struct watch {
	struct timer timer;
	struct cpu *on;    /* the neighbour, NULL if there is none */
	u64 entries;       /* of it, at the last check */
	u32 stuck;         /* checks without progress */
	u32 nmis_reported; /* of the watching CPU */
	u64 overdue;       /* deadline of its local APIC, if it had passed at the last check */
};

static struct watch watches[MAX_CPUS];
static u32 accused[MAX_CPUS]; /* by CPU id, atomic */
static u32 nmis[MAX_CPUS];    /* of unknown cause, each written by its own CPU */

bool watchdog_accused(const struct cpu *c)
{
	return load_acquire(&accused[c->id]);
}

void watchdog_count_nmi(struct cpu *c)
{
	nmis[c->id]++;
}

static void report_nmis(struct watch *w)
{
	struct cpu *c = this_cpu();
	u32 n = READ_ONCE(nmis[c->id]);

	if (n != w->nmis_reported)
		pr_warn("CPU %u: %u NMI of unknown cause: look at the machine's hardware log\n",
		        c->id, n - w->nmis_reported);
	w->nmis_reported = n;
}

static void check_neighbour(struct watch *w)
{
	struct cpu *on = w->on;
	u64 entries = READ_ONCE(on->entries);

	if (READ_ONCE(on->mode) != CPU_HOST || entries != w->entries)
		w->stuck = 0;
	else
		w->stuck++;
	w->entries = entries;
	if (w->stuck == WATCHDOG_SECONDS) {
		store_release(&accused[on->id], 1);
		lapic_send_nmi(on->apic_id);
	} else if (w->stuck == 2 * WATCHDOG_SECONDS) {
		panic("watchdog: CPU %u hangs and takes no NMI\n", on->id);
	}
}

/*
 * A local APIC that forgot its timer leaves the CPU asleep for good. Overdue at two looks in a row,
 * so that a machine which has just been stopped for a while is not accused.
 */
static void check_timer(struct watch *w)
{
	struct cpu *on = w->on;
	u64 armed = READ_ONCE(on->timer_armed), now = time_now();
	bool due = armed && armed < now && now - armed > SECOND; /* 0: being served just now */

	if (due && armed == w->overdue && READ_ONCE(on->mode) != CPU_HOST) {
		pr_warn("CPU %u: its timer went off %lu ms too late: woken by CPU %u\n", on->id,
		        (now - armed) / 1000000, this_cpu()->id);
		cpu_kick(on, TODO_TIMER);
	}
	w->overdue = due ? armed : 0;
}

static void watchdog_check(struct timer *t)
{
	struct watch *w = container_of(t, struct watch, timer);

	if (w->on) {
		check_neighbour(w);
		check_timer(w);
	}
	report_nmis(w);
	timer_set(t, time_now() + SECOND);
}

void watchdog_start(void)
{
	if (!boot_options.watchdog)
		return;
	for (u32 i = 0; i < cpu_count; i++) {
		struct watch *w = &watches[i];

		w->on = cpu_count > 1 ? cpus[(i + 1) % cpu_count] : NULL;
		timer_init(&w->timer, cpus[i], watchdog_check);
		/* Not all at the same moment. */
		if (timer_set(&w->timer, time_now() + SECOND + i * SECOND / cpu_count))
			pr_warn("watchdog: no memory: CPU %u watches nobody\n", i);
	}
}
