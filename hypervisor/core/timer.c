/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One-shot timers: a binary heap per CPU, earliest deadline on top, its deadline in the local APIC.
 *
 * Locking: cpu->timer_lock covers the CPU's heap, the deadline, index and CPU of its timers and
 * timer_armed; the page allocator's lock nests inside. Callbacks run without it. timer_armed is
 * what the local APIC is set to, or is about to be set to by its CPU before that enters a guest or
 * sleeps; 0 means that the CPU is in timer_run() and will look at the heap again. Whoever arms a
 * timer earlier than that kicks the CPU.
 */
#include <cpu.h>
#include <page.h>
#include <printk.h>
#include <string.h>
#include <timer.h>

#define HEAP_START 64  /* timers; doubled when full */
#define RUN_MAX    256 /* callbacks in a row: those that set themselves again do not starve us */
#define NEVER      UINT64_MAX

static void place(struct cpu *c, u32 at, struct timer *t)
{
	c->timers[at] = t;
	t->index = (s32)at;
}

static void sift_up(struct cpu *c, u32 at, struct timer *t)
{
	while (at) {
		u32 parent = (at - 1) / 2;

		if (c->timers[parent]->deadline <= t->deadline)
			break;
		place(c, at, c->timers[parent]);
		at = parent;
	}
	place(c, at, t);
}

static void sift_down(struct cpu *c, u32 at, struct timer *t)
{
	for (;;) {
		u32 child = 2 * at + 1;

		if (child >= c->timer_count)
			break;
		if (child + 1 < c->timer_count &&
		    c->timers[child + 1]->deadline < c->timers[child]->deadline)
			child++;
		if (t->deadline <= c->timers[child]->deadline)
			break;
		place(c, at, c->timers[child]);
		at = child;
	}
	place(c, at, t);
}

static void heap_remove(struct cpu *c, struct timer *t)
{
	u32 at = (u32)t->index;
	struct timer *last = c->timers[--c->timer_count];

	t->index = -1;
	if (last == t)
		return;
	if (at && c->timers[(at - 1) / 2]->deadline > last->deadline)
		sift_up(c, at, last);
	else
		sift_down(c, at, last);
}

static int heap_grow(struct cpu *c)
{
	struct timer **bigger = heap_alloc(2 * c->timer_max * sizeof(*bigger));

	if (!bigger)
		return -ENOMEM;
	memcpy(bigger, c->timers, c->timer_count * sizeof(*bigger));
	heap_free(c->timers);
	c->timers = bigger;
	c->timer_max *= 2;
	return 0;
}

static u64 top_deadline(const struct cpu *c)
{
	return c->timer_count ? max(c->timers[0]->deadline, (u64)1) : NEVER;
}

void timer_init_cpu(struct cpu *c)
{
	c->timers = heap_alloc(HEAP_START * sizeof(*c->timers));
	if (!c->timers)
		boot_fail("no memory for the timers of CPU %u\n", c->id);
	c->timer_max = HEAP_START;
	c->timer_armed = NEVER;
}

void timer_init(struct timer *t, struct cpu *c, void (*fn)(struct timer *))
{
	*t = (struct timer){ .fn = fn, .cpu = c, .index = -1 };
}

/* In no heap any more, and its CPU, returned, is locked: it may change under that lock. */
static struct cpu *disarm(struct timer *t)
{
	struct cpu *c;

	for (;;) {
		c = READ_ONCE(t->cpu);
		spin_lock(&c->timer_lock);
		if (t->cpu == c)
			break;
		spin_unlock(&c->timer_lock);
	}
	if (t->index >= 0)
		heap_remove(c, t);
	return c;
}

int timer_set(struct timer *t, u64 deadline)
{
	struct cpu *c = disarm(t);
	u64 top, arm = 0;
	bool kick = false;

	if (c->timer_count == c->timer_max && heap_grow(c)) {
		spin_unlock(&c->timer_lock);
		return -ENOMEM;
	}
	t->deadline = deadline;
	sift_up(c, c->timer_count++, t);
	top = top_deadline(c);
	if (c->timer_armed && top != c->timer_armed) {
		if (c == this_cpu())
			c->timer_armed = arm = top;
		else
			kick = top < c->timer_armed;
	}
	spin_unlock(&c->timer_lock);

	/* Not inside the lock: see spinlock.h. */
	if (arm)
		lapic_timer_set(arm);
	if (kick)
		cpu_kick(c, TODO_TIMER);
	return 0;
}

int timer_set_here(struct timer *t, u64 deadline)
{
	if (t->cpu != this_cpu()) {
		struct cpu *c = disarm(t);

		WRITE_ONCE(t->cpu, this_cpu());
		spin_unlock(&c->timer_lock);
	}
	return timer_set(t, deadline);
}

/* The local APIC stays as it is: a rare interrupt too many costs less than a write each time. */
void timer_stop(struct timer *t)
{
	spin_unlock(&disarm(t)->timer_lock);
}

/*
 * The local APIC's timer went off, in time or early (its range is shorter than a deadline may be):
 * it counts towards nothing now. No lock: the interrupt window is never open while it is held here,
 * and another CPU that reads the old value kicks for nothing or finds timer_run() doing its work.
 */
void timer_fired(void)
{
	struct cpu *c = this_cpu();

	WRITE_ONCE(c->timer_armed, NEVER);
	__atomic_fetch_or(&c->todo, TODO_TIMER, __ATOMIC_SEQ_CST);
}

void timer_run(void)
{
	struct cpu *c = this_cpu();
	u64 now = time_now(), was_armed, top;

	spin_lock(&c->timer_lock);
	was_armed = c->timer_armed;
	c->timer_armed = 0;
	for (u32 i = 0; i < RUN_MAX && c->timer_count; i++) {
		struct timer *t = c->timers[0];

		if (t->deadline > now)
			break;
		heap_remove(c, t);
		spin_unlock(&c->timer_lock);
		t->fn(t);
		spin_lock(&c->timer_lock);
	}
	top = top_deadline(c);
	c->timer_armed = top;
	spin_unlock(&c->timer_lock);

	/* It still counts towards a deadline in the future; one that has passed is spent. */
	if (top != was_armed || top <= now)
		lapic_timer_set(top);
}

u32 timer_check(void)
{
	u32 bad = 0;

	for (u32 n = 0; n < cpu_count; n++) {
		struct cpu *c = cpus[n];

		spin_lock(&c->timer_lock);
		for (u32 i = 0; i < c->timer_count; i++) {
			const struct timer *t = c->timers[i];

			bad += t->cpu != c || t->index != (s32)i ||
			       (i && c->timers[(i - 1) / 2]->deadline > t->deadline);
		}
		bad += c->timer_count > c->timer_max;
		spin_unlock(&c->timer_lock);
	}
	if (bad)
		pr_err("%u violations in the timer heaps\n", bad);
	return bad;
}
