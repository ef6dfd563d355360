/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Unit tests of the scheduler: a machine in simulated time. Each CPU is a coroutine that runs the
 * real cpu_main(), guests spin and sleep, and the clock moves on when nothing is left to do at this
 * moment. simulate() looks each time at what must always hold: nobody runs on two CPUs, or where it
 * may not, or without its registers; no CPU idles while somebody waits who may run there.
 */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <ucontext.h>
#include <console.h>
#include <domain.h>
#include <page.h>
#include <string.h>
#include <virt.h>
#include "harness.h"
#include "../../hypervisor/core/sched.c" /* for its idle_cpus */

#define MS       1000000ULL
#define S        (1000 * MS)
#define NEVER    UINT64_MAX
#define CPUS     8
#define GUESTS   64
#define TURN_MIN (MS / 2)

struct guest {
	struct vcpu v; /* first */
	struct timer timer;
	bool spins;
	u64 run, sleep; /* at most, of one that does not spin */
	u64 left;       /* of this run */
	u64 ran;        /* as the simulator saw it */
	u64 wanted;     /* runnable since, 0: it runs or does not want to */
	u64 wait, waits, wait_max;
	u64 not_before; /* waits are counted from here */
	s32 loaded;     /* the CPU that has its registers, -1: memory */
};

static struct machine_cpu {
	ucontext_t context;
	struct guest *in; /* inside of the guest */
	u64 since;
	u64 armed;
	bool ipi, asleep;
	u64 busy;
} machine[CPUS + 1];

static u64 now;
static struct cpu tool_cpu = { .self = &tool_cpu, .id = CPUS, .mode = CPU_HOST };
static ucontext_t simulator;
static struct guest *guests[GUESTS];
static u32 guest_count, domain_count;
static struct domain *domains[GUESTS];
struct cpu *cpus[MAX_CPUS];
u32 cpu_count;
struct domain *control_domain, *domain_list;

/* --- what stands below the scheduler ------------------------------------------------ */

u64 time_now(void)
{
	return now;
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
	CHECK(!spin_is_locked(&this_cpu()->sched_lock));
	machine[this_cpu()->id].armed = deadline;
}
void cpu_kick(struct cpu *c, u64 todo)
{
	CHECK(!spin_is_locked(&c->sched_lock));
	c->todo |= todo;
	if (c != this_cpu() && c->mode != CPU_HOST)
		machine[c->id].ipi = true;
}
void irq_level_eoi_retire(void)
{
}
void console_poll(void)
{
}
void domain_reap(void)
{
}
void vcpu_runstate_update(struct vcpu *v)
{
	vcpu_runstate(v); /* the lock is free */
}

static void leave(struct machine_cpu *m)
{
	swapcontext(&m->context, &simulator);
}

/* Somebody waits for another CPU: the others go on. */
void smp_answer(void)
{
	if (this_cpu()->id == CPUS)
		leave(&machine[CPUS]);
}

void irq_wait(void)
{
	struct machine_cpu *m = &machine[this_cpu()->id];

	m->asleep = true;
	leave(m);
	m->asleep = false;
}

static void guest_save(struct vcpu *v)
{
	struct guest *g = container_of(v, struct guest, v);

	CHECK_EQ(g->loaded, this_cpu()->id);
	CHECK(!spin_is_locked(&this_cpu()->sched_lock));
	g->loaded = -1;
}

static void guest_load(struct vcpu *v)
{
	struct guest *g = container_of(v, struct guest, v);

	CHECK_EQ(g->loaded, -1);
	g->loaded = (s32)this_cpu()->id;
}

static void guest_run(struct vcpu *v)
{
	struct guest *g = container_of(v, struct guest, v);
	struct cpu *c = this_cpu();
	struct machine_cpu *m = &machine[c->id];

	CHECK(c->running == v && c->current == v && v->cpu == c);
	CHECK_EQ(g->loaded, c->id);
	CHECK(bit_test(&v->hard, c->id));
	CHECK(!v->pause_count && !v->domain->pause_count);
	c->mode = CPU_GUEST;
	v->attention = 0;
	if (c->todo) {
		c->mode = CPU_HOST;
		return;
	}
	if (g->wanted) {
		u64 wait = now - max(g->wanted, g->not_before);

		g->wait += wait;
		g->waits++;
		g->wait_max = max(g->wait_max, wait);
		g->wanted = 0;
	}
	m->in = g;
	m->since = now;
	leave(m);
	m->in = NULL;
	c->mode = CPU_HOST;
	if (!g->spins && !g->left) {
		u64 sleep = g->sleep / 2 + unit_below(g->sleep);

		vcpu_block(v);
		CHECK_EQ(timer_set(&g->timer, now + sleep), 0);
	}
}

static const struct virt_ops test_ops = {
	.run = guest_run,
	.load = guest_load,
	.save = guest_save,
};
const struct virt_ops *virt = &test_ops;

/* --- the simulator ------------------------------------------------------------------ */

static void wake(struct guest *g)
{
	g->wanted = now;
	g->left = g->run / 2 + unit_below(g->run + 1);
	vcpu_wake(&g->v);
}

static void alarm_rings(struct timer *t)
{
	wake(container_of(t, struct guest, timer));
}

static u64 next_event(const struct machine_cpu *m)
{
	if (m->ipi)
		return now;
	return min(m->armed, m->in && !m->in->spins ? m->since + m->in->left : NEVER);
}

/* What it ran since we looked last. */
static void account(struct machine_cpu *m)
{
	if (!m->in)
		return;
	m->in->ran += now - m->since;
	m->busy += now - m->since;
	if (!m->in->spins)
		m->in->left -= now - m->since;
	m->since = now;
}

static void resume(u32 id)
{
	struct machine_cpu *m = &machine[id];

	unit_this_cpu = id < CPUS ? cpus[id] : unit_this_cpu;
	account(m);
	m->ipi = false;
	if (m->armed <= now) {
		m->armed = NEVER;
		timer_fired();
	}
	swapcontext(&simulator, &m->context);
}

static void settle(void)
{
	u32 round = 0;
	bool any = cpu_count;

	while (any) {
		u32 at = (u32)unit_below(cpu_count);

		any = false;
		for (u32 i = 0; i < cpu_count; i++) {
			u32 id = (at + i) % cpu_count;

			if (next_event(&machine[id]) > now)
				continue;
			resume(id);
			any = true;
		}
		REQUIRE(++round < 1000);
	}
}

/* A vCPU that waits is in the queue of its CPU, in order, or parked there. */
static void check_queue(struct cpu *c)
{
	const struct vcpu *before = NULL;
	struct list *at;
	u32 waiting = 0;

	list_for_each(at, &c->runq)
	{
		const struct vcpu *v = container_of(at, struct vcpu, runq);

		CHECK(v->cpu == c && v != c->running && !v->parked && vcpu_may_run(v));
		CHECK_EQ(v->state, VCPU_RUNNABLE);
		CHECK_EQ(v->runstate.state, RUNSTATE_runnable);
		if (before && !before->ahead)
			CHECK((s64)(v->deadline - before->deadline) >= 0);
		before = v;
		waiting += (v->hard & (BIT(cpu_count) - 1) & ~BIT(c->id)) != 0;
		for (u32 i = 0; i < cpu_count; i++) /* work is conserved */
			CHECK(!machine[i].asleep || v->pinned || !bit_test(&v->hard, i));
	}
	CHECK_EQ(c->waiting, waiting);
	CHECK(c->running || list_empty(&c->runq));
	list_for_each(at, &c->parked)
	{
		const struct vcpu *v = container_of(at, struct vcpu, runq);

		CHECK(v->cpu == c && v->parked && v->domain->sched.cap && v->grant <= 0);
	}
}

static void check(void)
{
	for (u32 i = 0; i < cpu_count; i++) {
		const struct guest *in = machine[i].in;

		CHECK_EQ(machine[i].asleep, !in);
		CHECK(cpus[i]->running == (in ? &in->v : NULL));
		for (u32 j = 0; in && j < i; j++)
			CHECK(machine[j].in != in);
		check_queue(cpus[i]);
	}
	CHECK_EQ(timer_check(), 0);
}

static void simulate(u64 ns)
{
	u64 end = now + ns;

	for (;;) {
		u64 next = end;

		settle();
		check();
		for (u32 i = 0; i < cpu_count; i++)
			next = min(next, next_event(&machine[i]));
		if (now == end)
			break;
		now = next;
	}
	for (u32 i = 0; i < cpu_count; i++)
		account(&machine[i]);
	unit_this_cpu = &tool_cpu;
}

/* In the place of a hypercall of the control domain, on a CPU of its own. */
static void (*tool_fn)(void *);
static void *tool_arg;

static void tool_main(void)
{
	for (;;) {
		if (tool_fn)
			tool_fn(tool_arg);
		tool_fn = NULL;
		leave(&machine[CPUS]);
	}
}

static void tool(void (*fn)(void *), void *arg)
{
	tool_fn = fn;
	tool_arg = arg;
	for (u32 i = 0; tool_fn; i++) {
		REQUIRE(i < 1000);
		unit_this_cpu = &tool_cpu;
		resume(CPUS);
		settle();
	}
	check();
	unit_this_cpu = &tool_cpu;
}

static void start_context(struct machine_cpu *m, void (*fn)(void))
{
	const size_t size = 256 * KIB;

	getcontext(&m->context);
	m->context.uc_stack.ss_sp = malloc(size);
	m->context.uc_stack.ss_size = size;
	m->context.uc_link = NULL;
	m->armed = NEVER;
	makecontext(&m->context, fn, 0);
}

static void machine_new(u32 count)
{
	for (u32 i = 0; i < guest_count; i++)
		free(guests[i]);
	for (u32 i = 0; i < domain_count; i++)
		free(domains[i]);
	for (u32 i = 0; i <= CPUS; i++)
		free(machine[i].context.uc_stack.ss_sp);
	for (u32 i = 0; i < cpu_count; i++) {
		heap_free(cpus[i]->slice);
		heap_free(cpus[i]->timers);
		free(cpus[i]);
	}
	memset(machine, 0, sizeof(machine));
	guest_count = domain_count = 0;
	idle_cpus = 0;
	cpu_count = count;
	unit_this_cpu = &tool_cpu;
	now = S;
	for (u32 i = 0; i < count; i++) {
		cpus[i] = unit_cpu_init(i);
		timer_init_cpu(cpus[i]);
		sched_init_cpu(cpus[i]);
		start_context(&machine[i], cpu_main);
		machine[i].ipi = true;
	}
	start_context(&machine[CPUS], tool_main);
	settle();
	unit_this_cpu = &tool_cpu;
}

static struct domain *domain_new(u16 weight, u16 cap, u32 vcpus)
{
	struct domain *d = calloc(1, sizeof(*d));

	d->max_vcpus = vcpus;
	d->sched.weight = SCHED_WEIGHT;
	CHECK_EQ(sched_domain_set(d, weight, cap), 0);
	return domains[domain_count++] = d;
}

/* One that runs at most twice `run` ns and then sleeps; for ever if `run` is 0. */
static struct guest *guest_new(struct domain *d, u64 run, u64 sleep)
{
	struct guest *g = calloc(1, sizeof(*g));
	u32 id = 0;

	while (d->vcpu[id])
		id++;
	REQUIRE(id < d->max_vcpus && guest_count < GUESTS);
	guests[guest_count++] = g;
	g->v.id = id;
	g->v.domain = d;
	g->v.cpu = cpus[unit_below(cpu_count)];
	g->v.hard = g->v.soft = ~0ULL;
	g->v.state = VCPU_BLOCKED;
	g->v.runstate.state = RUNSTATE_blocked;
	g->v.runstate.state_entry_time = now;
	list_init(&g->v.runq);
	timer_init(&g->timer, g->v.cpu, alarm_rings);
	g->spins = !run;
	g->run = run;
	g->sleep = sleep;
	g->loaded = -1;
	d->vcpu[id] = &g->v;
	unit_this_cpu = &tool_cpu;
	wake(g);
	settle();
	unit_this_cpu = &tool_cpu;
	return g;
}

static struct guest *spinner(u16 weight)
{
	return guest_new(domain_new(weight, 0, 1), 0, 0);
}
