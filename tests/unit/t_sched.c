/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The scheduler in simulated time: each CPU is a coroutine that runs cpu_main(), guests spin and
 * sleep, and the clock moves on when nothing is left to do at this moment.
 *
 * What must always hold is looked at each time: nobody runs on two CPUs, or where it may not, or
 * without its registers; no CPU idles while somebody waits who may run there; nobody waits too
 * long.
 *
 * files: hypervisor/core/sched_fair.c hypervisor/core/timer.c
 */
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

static void to_cpus(struct guest *g, u64 hard, u64 soft);

/* Shares of one CPU in thousandths, over 20 s after a second to settle. */
static void measure(void)
{
	simulate(S);
	for (u32 i = 0; i < guest_count; i++) {
		guests[i]->ran = guests[i]->wait = guests[i]->waits = guests[i]->wait_max = 0;
		guests[i]->not_before = now;
	}
	simulate(20 * S);
}

#define SHARE(g, want, off)                                                                        \
	do {                                                                                       \
		u64 share_ = (g)->ran / (20 * MS);                                                 \
		if (!CHECK(share_ + (off) >= (want) && share_ <= (want) + (off)))                  \
			printf("  #   share of " #g ": %lu, not %u\n", share_, (u32)(want));       \
	} while (0)

/* --- affinity ----------------------------------------------------------------------- */

struct affinity {
	struct guest *g;
	const u64 *hard, *soft;
	int rc;
};

static void set_affinity(void *arg)
{
	struct affinity *a = arg;

	a->rc = vcpu_set_affinity(&a->g->v, a->hard, a->soft);
}

static int affinity(struct guest *g, const u64 *hard, const u64 *soft)
{
	struct affinity a = { g, hard, soft, 1 };

	tool(set_affinity, &a);
	return a.rc;
}

static void to_cpus(struct guest *g, u64 hard, u64 soft)
{
	CHECK_EQ(affinity(g, &hard, &soft), 0);
	CHECK(bit_test(&hard, g->v.cpu->id));
}

static void test_affinity(void)
{
	struct guest *a, *b, *c;
	u64 none = 0, absent = 0xf0;

	machine_new(4);
	a = spinner(256);
	/* At once, though it runs: it is there when the call returns. */
	for (u32 i = 0; i < 4; i++) {
		to_cpus(a, BIT(i), ~0ULL);
		CHECK(machine[i].in == a);
		simulate(MS);
	}
	CHECK_EQ(affinity(a, &none, NULL), -EINVAL);
	CHECK_EQ(affinity(a, &absent, NULL), -EINVAL);
	CHECK_EQ(a->v.hard, BIT(3));
	b = spinner(256);
	CHECK(a->v.cpu != b->v.cpu); /* an idle one each */
	/* Soft is a wish: where it says if there is room, elsewhere rather than wait. */
	to_cpus(b, ~0ULL, BIT(3));
	c = guest_new(domain_new(256, 0, 1), MS, 2 * MS);
	to_cpus(c, 0xf, BIT(2) | BIT(3));
	to_cpus(b, BIT(0), ~0ULL);
	simulate(100 * MS);
	for (u32 i = 0; i < 4; i++) { /* whoever wakes it */
		while (c->timer.index >= 0)
			simulate(MS / 10);
		c->timer.cpu = cpus[i];
		simulate(5 * MS);
		c->ran = machine[2].busy = 0;
		simulate(S);
		CHECK(c->ran > 100 * MS);
		CHECK_EQ(c->ran, machine[2].busy);
	}
	to_cpus(b, BIT(2), ~0ULL);
	simulate(100 * MS);
	c->wait_max = 0;
	simulate(S);
	CHECK_EQ(c->wait_max, 0);
}

/* --- weights ------------------------------------------------------------------------ */

static void test_weights(void)
{
	struct guest *a, *b, *c, *d;

	machine_new(1);
	a = spinner(256);
	b = spinner(512);
	c = spinner(1280);
	measure();
	SHARE(a, 125, 2);
	SHARE(b, 250, 3);
	SHARE(c, 625, 3);

	machine_new(1); /* the extremes */
	a = spinner(1);
	b = spinner(65535);
	simulate(600 * S);
	CHECK(a->ran > 5 * MS && a->ran < 30 * MS);

	/* Whoever sleeps gets what it wants, as long as that is below its share. */
	machine_new(1);
	a = guest_new(domain_new(256, 0, 1), MS, 9 * MS);
	b = spinner(64);
	c = spinner(128);
	measure();
	CHECK(a->wait_max <= TURN_MIN);
	SHARE(a, 100, 10);
	CHECK(b->ran * 2 > c->ran / 100 * 97 && b->ran * 2 < c->ran / 100 * 103);

	machine_new(2);
	a = spinner(256);
	b = spinner(256);
	c = spinner(256);
	measure();
	SHARE(a, 667, 7);
	SHARE(b, 667, 7);
	SHARE(c, 667, 7);

	machine_new(2);
	a = spinner(400);
	b = spinner(300);
	c = spinner(200);
	measure();
	SHARE(a, 889, 15);
	SHARE(b, 667, 15);
	SHARE(c, 444, 15);

	machine_new(2); /* the first cannot have more than one CPU */
	a = spinner(2560);
	b = spinner(256);
	c = spinner(256);
	d = spinner(256);
	measure();
	SHARE(a, 1000, 5);
	SHARE(b, 333, 7);
	SHARE(c, 333, 7);
	SHARE(d, 333, 7);
}

/* Several on CPUs of their own do not hurt those who can go anywhere, and the other way round. */
static void test_partial(void)
{
	struct guest *a, *b, *c, *many[10];

	machine_new(2);
	a = spinner(256);
	b = spinner(256);
	c = spinner(256);
	to_cpus(a, BIT(0), ~0ULL);
	to_cpus(b, BIT(1), ~0ULL);
	measure();
	SHARE(a, 667, 10);
	SHARE(b, 667, 10);
	SHARE(c, 667, 10);

	machine_new(2);
	for (u32 i = 0; i < 10; i++) {
		many[i] = spinner(256);
		to_cpus(many[i], BIT(0), ~0ULL);
	}
	a = spinner(1);
	simulate(100 * S); /* far ahead of the ten */
	b = spinner(256);
	c = spinner(512);
	measure();
	for (u32 i = 0; i < 10; i++)
		SHARE(many[i], 100, 3);
	SHARE(b, 333, 10);
	SHARE(c, 667, 10);
}

static void test_weight_change(void)
{
	struct guest *a, *b;

	machine_new(1);
	a = spinner(1);
	b = spinner(65535);
	simulate(S);
	CHECK_EQ(sched_domain_set(a->v.domain, 512, 0), 0);
	CHECK_EQ(sched_domain_set(b->v.domain, 512, 0), 0);
	settle();
	a->ran = b->ran = 0;
	simulate(2 * S);
	CHECK(a->ran > 980 * MS && a->ran < 1020 * MS);
	CHECK_EQ(sched_domain_set(a->v.domain, 0, 0), 0); /* 0: as it is */
	CHECK_EQ(a->v.domain->sched.weight, 512);
	CHECK_EQ(sched_domain_set(a->v.domain, 256, 101), -EINVAL);
	CHECK_EQ(a->v.domain->sched.weight, 512);
}

/* --- caps --------------------------------------------------------------------------- */

static void test_caps(void)
{
	struct guest *g[4], *other;
	struct domain *d;

	machine_new(1);
	g[0] = guest_new(domain_new(256, 50, 1), 0, 0);
	measure();
	SHARE(g[0], 500, 1);
	CHECK(g[0]->wait_max <= 10 * MS);

	machine_new(1);
	g[0] = guest_new(domain_new(65535, 10, 1), 0, 0);
	other = spinner(1);
	measure();
	SHARE(g[0], 100, 1);
	SHARE(other, 900, 1);

	/* A domain's cap is for all its vCPUs together, and they come off alike. */
	machine_new(4);
	d = domain_new(256, 150, 4);
	for (u32 i = 0; i < 4; i++)
		g[i] = guest_new(d, 0, 0);
	measure();
	for (u32 i = 0; i < 4; i++)
		SHARE(g[i], 375, 2);

	/* Less than a piece for each in a period: in turn. */
	machine_new(4);
	d = domain_new(256, 1, 4);
	for (u32 i = 0; i < 4; i++) {
		g[i] = guest_new(d, 0, 0);
		to_cpus(g[i], BIT(i), ~0ULL);
	}
	measure();
	for (u32 i = 0; i < 4; i++) {
		CHECK(g[i]->ran > 49 * MS && g[i]->ran < 51 * MS);
		CHECK(g[i]->wait_max <= 50 * MS);
	}

	/* What one of them does not want, the other may have. */
	machine_new(2);
	d = domain_new(256, 100, 2);
	g[0] = guest_new(d, 0, 0);
	g[1] = guest_new(d, MS, 9 * MS);
	measure();
	CHECK(g[0]->ran + g[1]->ran > 19600 * MS && g[0]->ran + g[1]->ran < 20040 * MS);
	CHECK(g[1]->ran > 1500 * MS);

	/* Off and on again while it runs alone and without a tick. */
	CHECK_EQ(sched_domain_set(d, 0, 0), 0);
	settle();
	g[0]->ran = 0;
	simulate(S);
	CHECK(g[0]->ran > 999 * MS);
	CHECK_EQ(sched_domain_set(d, 0, 20), 0);
	settle();
	g[0]->ran = g[1]->ran = 0;
	simulate(2 * S);
	CHECK(g[0]->ran + g[1]->ran > 390 * MS && g[0]->ran + g[1]->ran < 410 * MS);
}

/* --- latency ------------------------------------------------------------------------ */

static void test_latency(void)
{
	struct guest *light, *heavy;

	machine_new(1);
	for (u32 i = 0; i < 8; i++)
		spinner(256);
	heavy = guest_new(domain_new(1024, 0, 1), MS / 10, 5 * MS);
	measure();
	CHECK(heavy->waits > 3000);
	CHECK(heavy->wait_max <= TURN_MIN);

	/* One of little weight has its deadline later: a request times all weights over its own. */
	machine_new(1);
	for (u32 i = 0; i < 4; i++)
		spinner(256);
	light = guest_new(domain_new(64, 0, 1), MS / 10, 20 * MS);
	measure();
	CHECK(light->waits > 300 && light->wait_max <= 5 * MS * (4 * 256 + 64) / 64 + TURN_MIN);
	CHECK(light->wait_max > 2 * MS);

	/* A herd of light ones that wake together does not keep the heavy one waiting. */
	machine_new(1);
	heavy = guest_new(domain_new(16384, 0, 1), 0, 0);
	for (u32 i = 0; i < 40; i++)
		guest_new(domain_new(16, 0, 1), 20 * MS, 10 * MS);
	measure();
	CHECK(heavy->wait_max <= 6 * MS);
	SHARE(heavy, 962, 5);
}

/* --- the control domain --------------------------------------------------------------- */

static struct guest *control_new(u64 run, u64 sleep)
{
	struct domain *d = calloc(1, sizeof(*d));
	struct guest *g;

	d->control = true;
	d->max_vcpus = 1;
	d->sched.weight = SCHED_WEIGHT_CONTROL;
	domains[domain_count++] = d;
	g = guest_new(d, run, sleep);
	return g;
}

static void pin(struct guest *g, u32 id)
{
	to_cpus(g, BIT(id), ~0ULL);
	g->v.pinned = true;
	CHECK_EQ(affinity(g, &g->v.soft, NULL), -EINVAL);
}

static void test_control(void)
{
	struct guest *control, *a, *b;
	u64 start;

	machine_new(1);
	control = control_new(MS / 10, 2 * MS);
	simulate(3 * MS);
	while (control->v.state != VCPU_BLOCKED)
		simulate(MS / 20);
	pin(control, 0);
	a = spinner(65535);
	b = spinner(256);
	measure();
	CHECK(control->waits > 5000);
	CHECK_EQ(control->wait_max, 0); /* ahead of any guest, and at once */
	CHECK(b->ran > 50 * MS);

	/* It spins: guests have their share all the same. */
	control->spins = true;
	CHECK_EQ(sched_domain_set(a->v.domain, 256, 0), 0);
	measure();
	SHARE(control, 800, 5);
	SHARE(a, 100, 3);

	/* A device calls it while a guest has its turn: before that turn is over. */
	for (u32 i = 0; i < 100; i++) {
		while (machine[0].in == control)
			simulate(MS / 4 + unit_below(MS));
		unit_this_cpu = cpus[0];
		start = now;
		vcpu_urgent(&control->v);
		machine[0].ipi = true; /* the interrupt that brought us here */
		simulate(0);
		while (machine[0].in != control)
			simulate(MS / 100);
		CHECK(now - start <= TURN_MIN + MS / 100);
		simulate(unit_below(20 * MS));
	}
	/* Even if it calls all the time. */
	a->ran = 0;
	start = now;
	while (now < start + 5 * S) {
		unit_this_cpu = cpus[0];
		vcpu_urgent(&control->v);
		machine[0].ipi = true;
		simulate(MS / 10);
	}
	CHECK(a->ran > 100 * MS);
}

/* --- anything at any time --------------------------------------------------------------- */

static void pause_guest(void *arg)
{
	struct guest *g = arg;

	g->v.pause_count++;
	vcpu_unready(&g->v);
	CHECK_EQ(g->loaded, -1); /* it has left, with all it has */
	CHECK_EQ(g->v.runstate.state,
	         g->v.state == VCPU_BLOCKED ? RUNSTATE_blocked : RUNSTATE_offline);
}

static void unpause_guest(void *arg)
{
	struct guest *g = arg;

	if (!--g->v.pause_count && g->v.state == VCPU_RUNNABLE)
		g->wanted = now;
	vcpu_ready(&g->v);
}

static void something(void)
{
	struct guest *g = guests[unit_below(guest_count)];
	struct domain *d = g->v.domain;
	u64 hard = unit_random() & (BIT(cpu_count) - 1), soft = unit_random();

	switch (unit_below(8)) {
	case 0:
	case 1:
		if (hard)
			to_cpus(g, unit_below(2) ? hard : ~0ULL, soft);
		break;
	case 2:
	case 3:
		g->wanted = 0;
		tool(pause_guest, g);
		simulate(unit_below(3 * MS));
		tool(unpause_guest, g);
		break;
	case 4:
		unit_this_cpu = &tool_cpu;
		if (g->v.state == VCPU_BLOCKED) { /* a wake-up that nobody expects */
			unit_this_cpu = g->timer.cpu;
			timer_stop(&g->timer);
			unit_this_cpu = &tool_cpu;
			wake(g);
		}
		break;
	case 5:
		unit_this_cpu = &tool_cpu;
		CHECK_EQ(sched_domain_set(d, (u16)(64 << unit_below(6)),
		                          unit_below(3) ? 0 : (u16)unit_below(100 * d->max_vcpus)),
		         0);
		break;
	case 6:
		unit_this_cpu = cpus[unit_below(cpu_count)];
		vcpu_kick(&g->v);
		machine[this_cpu()->id].ipi = true; /* what brought us here */
		break;
	default:
		vcpu_runstate(&g->v);
	}
	settle();
}

/* What the scheduler says that each has run is what it has run; states add up to its life. */
static void check_times(u64 born)
{
	u64 ran = 0, busy = 0;

	for (u32 i = 0; i < guest_count; i++) {
		const struct vcpu_runstate_info r = guests[i]->v.runstate;
		u64 sum = now - r.state_entry_time;

		for (u32 n = 0; n < 4; n++)
			sum += r.time[n];
		CHECK_EQ(sum, now - born);
		sum = r.time[RUNSTATE_running];
		if (r.state == RUNSTATE_running)
			sum += now - r.state_entry_time;
		CHECK_EQ(sum, guests[i]->ran);
		ran += guests[i]->ran;
	}
	for (u32 i = 0; i < cpu_count; i++)
		busy += machine[i].busy;
	CHECK_EQ(ran, busy);
}

static void test_random(u32 count, u32 guest_max)
{
	u64 born;

	machine_new(count);
	born = now;
	for (u32 i = 0; i < guest_max;) {
		u32 vcpus = 1 + (u32)unit_below(4);
		struct domain *d = domain_new((u16)(64 << unit_below(6)), 0, vcpus);

		for (u32 n = 0; n < vcpus; n++, i++)
			guest_new(d, unit_below(3) ? 10000 + unit_below(5 * MS) : 0,
			          10000 + unit_below(10 * MS));
	}
	for (u32 i = 0; i < 1000; i++) {
		something();
		simulate(unit_below(4 * MS));
	}
	/* Nobody is forgotten: with no caps, each gets its turn. */
	unit_this_cpu = &tool_cpu;
	for (u32 i = 0; i < domain_count; i++)
		CHECK_EQ(sched_domain_set(domains[i], 256, 0), 0);
	settle();
	for (u32 i = 0; i < guest_count; i++) {
		guests[i]->not_before = now;
		guests[i]->wait_max = 0;
	}
	simulate(5 * S);
	for (u32 i = 0; i < guest_count; i++) {
		CHECK(guests[i]->wait_max < 10 * MS * guest_count);
		CHECK(!guests[i]->wanted ||
		      now - max(guests[i]->wanted, guests[i]->not_before) < 10 * MS * guest_count);
	}
	check_times(born);
}

void unit_main(void)
{
	free(unit_this_cpu);
	test_affinity();
	test_weights();
	test_partial();
	test_weight_change();
	test_caps();
	test_latency();
	test_control();
	test_random(1, 3);
	test_random(2, 8);
	test_random(4, 4);
	test_random(8, 30);
	machine_new(0);
	unit_this_cpu = NULL;
}
