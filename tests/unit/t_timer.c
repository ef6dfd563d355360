/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The timer heap against a model: each timer fires once, in order, on its CPU, and not before its
 * deadline; the local APIC is never set later than the earliest deadline without a kick.
 * files: hypervisor/core/timer.c
 */
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <cpu.h>
#include <page.h>
#include <string.h>
#include <time.h>
#include <timer.h>
#include "harness.h"

extern __thread void *unit_this_cpu;

#define TIMERS 300

struct cpu *cpus[MAX_CPUS];
u32 cpu_count;

static bool threaded;
static u64 now;
static u64 armed[2]; /* the local APICs */
static u32 kicked[2];
static u32 writes;

u64 time_now(void)
{
	struct timespec t;

	if (!threaded)
		return now;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (u64)t.tv_sec * 1000000000 + (u64)t.tv_nsec;
}

void *heap_alloc(size_t n)
{
	return calloc(1, n);
}

void heap_free(void *p)
{
	free(p);
}

void lapic_timer_set(u64 deadline)
{
	CHECK(!spin_is_locked(&this_cpu()->timer_lock) || threaded);
	__atomic_store_n(&armed[this_cpu()->id], deadline, __ATOMIC_SEQ_CST);
	writes++;
}

void cpu_kick(struct cpu *c, u64 todo)
{
	CHECK_EQ(todo, TODO_TIMER);
	CHECK(c != this_cpu());
	__atomic_store_n(&kicked[c->id], 1, __ATOMIC_SEQ_CST);
}

struct item {
	struct timer t;
	bool set; /* the model */
	u64 deadline;
	u32 fired;
};
static struct item items[TIMERS];
static u64 last_fired; /* deadlines in one run never go down */
static u32 callbacks;
static bool busy_callbacks;

static void fn(struct timer *t)
{
	struct item *i = container_of(t, struct item, t);

	callbacks++;
	CHECK(i->set);
	CHECK(i->deadline <= now);
	CHECK(t->cpu == this_cpu());
	CHECK_EQ(t->index, -1);
	if (!busy_callbacks)
		CHECK(i->deadline >= last_fired);
	last_fired = i->deadline;
	i->set = false;
	i->fired++;
	if (busy_callbacks && unit_below(3) == 0) {
		struct item *other = &items[unit_below(TIMERS)];

		other->set = true;
		other->deadline = now + 1 + unit_below(1000);
		CHECK_EQ(timer_set(&other->t, other->deadline), 0);
	}
	if (busy_callbacks && unit_below(4) == 0) {
		struct item *other = &items[unit_below(TIMERS)];

		timer_stop(&other->t);
		other->set = false;
	}
}

static void on_cpu(u32 id)
{
	unit_this_cpu = cpus[id];
}

/* What hardware and the run loop guarantee: an armed deadline or a kick leads to timer_run(). */
static void check_armed(void)
{
	for (u32 c = 0; c < 2; c++) {
		u64 first = UINT64_MAX;

		for (u32 i = 0; i < TIMERS; i++)
			if (items[i].set && items[i].t.cpu == cpus[c])
				first = min(first, items[i].deadline);
		CHECK(armed[c] <= max(first, (u64)1) || kicked[c]);
	}
	CHECK_EQ(timer_check(), 0);
}

static void run(u32 c)
{
	on_cpu(c);
	kicked[c] = 0;
	cpus[c]->todo = 0;
	last_fired = 0;
	timer_run();
	for (u32 i = 0; i < TIMERS; i++)
		CHECK(!items[i].set || items[i].deadline > now || items[i].t.cpu != cpus[c]);
}

/* The local APIC goes off, and from then on is set to nothing until it is written. */
static void fire(u32 c)
{
	on_cpu(c);
	__atomic_store_n(&armed[c], UINT64_MAX, __ATOMIC_SEQ_CST);
	timer_fired();
}

static void step(void)
{
	struct item *i = &items[unit_below(TIMERS)];

	on_cpu((u32)unit_below(2));
	switch (unit_below(8)) {
	case 0:
	case 1:
	case 2:
	case 3: /* now and then the same deadline for several, one in the past, or one never */
		i->deadline = now + unit_below(50) * 100;
		if (!unit_below(20))
			i->deadline = unit_below(2) ? 0 : UINT64_MAX;
		i->set = true;
		if (unit_below(4)) {
			CHECK_EQ(timer_set(&i->t, i->deadline), 0);
			break;
		}
		CHECK_EQ(timer_set_here(&i->t, i->deadline), 0);
		CHECK(i->t.cpu == this_cpu());
		break;
	case 4:
	case 5:
		timer_stop(&i->t);
		i->set = false;
		CHECK_EQ(i->t.index, -1);
		break;
	default:
		now += unit_below(2000);
		for (u32 c = 0; c < 2; c++) {
			bool early = armed[c] != UINT64_MAX && !unit_below(16);

			if (armed[c] <= now || early)
				fire(c);
			if (cpus[c]->todo & TODO_TIMER || kicked[c])
				run(c);
		}
	}
	check_armed();
}

static void test_model(void)
{
	now = 1000000;
	for (u32 i = 0; i < TIMERS; i++)
		timer_init(&items[i].t, cpus[i % 2], fn);
	for (u32 n = 0; n < 20000; n++)
		step();
	CHECK(callbacks > 1000);
	busy_callbacks = true;
	for (u32 n = 0; n < 20000; n++)
		step();
	for (u32 i = 0; i < TIMERS; i++)
		timer_stop(&items[i].t);
	CHECK_EQ(cpus[0]->timer_count + cpus[1]->timer_count, 0);
}

/* The local APIC is written when the earliest deadline changes, and not otherwise. */
static void test_writes(void)
{
	struct timer t[8];
	u32 before;

	on_cpu(0);
	timer_run();
	for (u32 i = 0; i < 8; i++)
		timer_init(&t[i], cpus[0], fn);
	timer_set(&t[0], now + 1000);
	before = writes;
	for (u32 i = 1; i < 8; i++)
		timer_set(&t[i], now + 1000 + i);
	CHECK_EQ(writes, before);
	timer_run();
	CHECK_EQ(writes, before);
	for (u32 i = 7; i < 8; i--)
		timer_stop(&t[i]);
	CHECK_EQ(writes, before);
	timer_run();
	CHECK_EQ(writes, before + 1);
	CHECK_EQ(armed[0], UINT64_MAX);
}

/* A deadline beyond the local APIC's range makes it go off early: it is set again. */
static void test_early(void)
{
	struct timer t;

	on_cpu(0);
	timer_run();
	timer_init(&t, cpus[0], fn);
	timer_set(&t, now + 5000);
	CHECK_EQ(armed[0], now + 5000);
	fire(0);
	timer_run();
	CHECK_EQ(armed[0], now + 5000);
	timer_stop(&t);
	timer_run();
}

/* A callback that always wants to run again at once gets its CPU back to the guest. */
static u32 greedy_runs;
static void greedy(struct timer *t)
{
	greedy_runs++;
	timer_set(t, 0);
}

static void test_greedy(void)
{
	struct timer t;

	on_cpu(0);
	timer_init(&t, cpus[0], greedy);
	timer_set(&t, 0);
	timer_run();
	CHECK(greedy_runs > 0 && greedy_runs < 10000);
	CHECK_EQ(armed[0], 1); /* and its next turn is not lost */
	timer_stop(&t);
	timer_run();
}

/* --- another CPU arms timers while their own runs them, or takes them away --- */

#define THREAD_ROUNDS 3000

static u32 thread_fired, thread_stop;
static struct timer wanderer;

static void count(struct timer *t)
{
	(void)t;
	__atomic_add_fetch(&thread_fired, 1, __ATOMIC_SEQ_CST);
}

static void *owner(void *arg)
{
	(void)arg;
	on_cpu(1);
	while (!__atomic_load_n(&thread_stop, __ATOMIC_SEQ_CST)) {
		bool kick = __atomic_exchange_n(&kicked[1], 0, __ATOMIC_SEQ_CST);

		CHECK_EQ(timer_set_here(&wanderer, UINT64_MAX - 1), 0);
		if (__atomic_load_n(&armed[1], __ATOMIC_SEQ_CST) <= time_now())
			fire(1);
		else if (!kick)
			sched_yield();
		if (kick || cpus[1]->todo) {
			cpus[1]->todo = 0;
			timer_run();
		}
	}
	return NULL;
}

static void test_threads(void)
{
	struct timer t, later;
	pthread_t id;

	threaded = true;
	on_cpu(1);
	timer_run();
	on_cpu(0);
	timer_init(&t, cpus[1], count);
	timer_init(&later, cpus[1], count);
	timer_init(&wanderer, cpus[1], count);
	REQUIRE(!pthread_create(&id, NULL, owner, NULL));
	for (u32 n = 0; n < THREAD_ROUNDS; n++) {
		u64 limit = time_now() + 100000000000ULL; /* a net */

		timer_set(&later, time_now() + 3600000000000ULL);
		CHECK_EQ(timer_set_here(&wanderer, UINT64_MAX - 1), 0);
		timer_set(&t, time_now() + unit_below(20000));
		while (__atomic_load_n(&thread_fired, __ATOMIC_SEQ_CST) <= n && time_now() < limit)
			sched_yield();
		if (!CHECK_EQ(__atomic_load_n(&thread_fired, __ATOMIC_SEQ_CST), n + 1))
			break;
		timer_stop(&later);
	}
	__atomic_store_n(&thread_stop, 1, __ATOMIC_SEQ_CST);
	pthread_join(id, NULL);
	CHECK_EQ(timer_check(), 0);
	timer_stop(&wanderer);
	CHECK_EQ(cpus[0]->timer_count + cpus[1]->timer_count, 0);
}

void unit_main(void)
{
	void *first = unit_this_cpu;

	cpus[0] = first;
	cpus[1] = unit_cpu_init(1);
	cpu_count = 2;
	for (u32 i = 0; i < 2; i++) {
		on_cpu(i);
		timer_init_cpu(cpus[i]);
		armed[i] = UINT64_MAX;
	}
	test_model();
	test_writes();
	test_early();
	test_greedy();
	test_threads();
	heap_free(cpus[0]->timers);
	heap_free(cpus[1]->timers);
	free(cpus[1]);
	unit_this_cpu = first;
}
