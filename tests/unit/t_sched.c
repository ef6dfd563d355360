/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The scheduler in simulated time (sched_machine.h): shares by weights and caps, affinity, waits
 * after a wake-up, the control domain first, and anything at any time.
 *
 * files: hypervisor/core/sched_fair.c hypervisor/core/timer.c
 */
#include "sched_machine.h"

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

	/* One CPU has run away from the other; free to move, all are alike at once. */
	machine_new(2);
	a = spinner(256);
	to_cpus(a, BIT(1), ~0ULL);
	for (u32 i = 0; i < 10; i++) {
		many[i] = spinner(256);
		to_cpus(many[i], BIT(0), ~0ULL);
	}
	simulate(100 * S);
	to_cpus(a, ~0ULL, ~0ULL);
	for (u32 i = 0; i < 10; i++)
		to_cpus(many[i], ~0ULL, ~0ULL);
	measure();
	SHARE(a, 182, 6);
	for (u32 i = 0; i < 10; i++)
		SHARE(many[i], 182, 6);

	/* The one that is left of ten on the CPU that is behind. */
	for (u32 i = 0; i < 10; i++)
		to_cpus(many[i], BIT(0), ~0ULL);
	simulate(100 * S);
	for (u32 i = 1; i < 10; i++)
		tool(pause_guest, many[i]);
	b = spinner(256);
	measure();
	SHARE(a, 667, 10);
	SHARE(b, 667, 10);
	SHARE(many[0], 667, 10);
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
	for (u32 i = 0; i < 5; i++) {
		test_random(1, 3);
		test_random(2, 8);
		test_random(4, 4);
		test_random(8, 30);
	}
	machine_new(0);
	unit_this_cpu = NULL;
}
