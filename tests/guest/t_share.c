/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Spinning guests divide a CPU by weights and caps (xen/domctl.h, scheduler_op), and who sleeps is
 * awake when its time has come: with real vCPUs, in the time of counted instructions.
 *
 * run: icount=4 mem=256
 */
#include "lib/domu.h"

#define GUESTS 3

/* Of a guest that sleeps: how often it woke up, and how late. */
struct naps {
	uint64_t n, sum, worst;
};

static volatile uint64_t count;
static volatile struct naps naps;
static domid_t id[GUESTS];

static void spin(uint64_t arg)
{
	for (;;)
		count++;
}

static void sleep_until(uint64_t at)
{
	struct sched_poll op = { .timeout = at };

	while (time_now() < at)
		EXPECT_EQ(xen_sched(SCHEDOP_poll, &op), 0);
}

/* A little work every 3 ms. */
static void doze(uint64_t arg)
{
	uint64_t at, late;

	xen_map_shared();
	for (;;) {
		at = time_now() + 3 * NS_PER_MS;
		sleep_until(at);
		late = time_now() - at;
		naps.sum += late;
		if (late > naps.worst)
			naps.worst = late;
		naps.n++;
	}
}

static void share(unsigned int n, uint16_t weight, uint16_t cap)
{
	struct xen_domctl op = { 0 };
	struct xen_domctl_scheduler_op *s = &op.u.scheduler_op;

	s->sched_id = XEN_SCHEDULER_CREDIT2;
	s->cmd = XEN_DOMCTL_SCHEDOP_putinfo;
	s->u.credit2.weight = weight;
	s->u.credit2.cap = cap;
	EXPECT_EQ(domu_op(id[n], XEN_DOMCTL_scheduler_op, &op), 0);
}

static uint64_t ran(domid_t d)
{
	struct xen_domctl op = { 0 };

	EXPECT_EQ(domu_op(d, XEN_DOMCTL_getvcpuinfo, &op), 0);
	return op.u.getvcpuinfo.cpu_time;
}

/* Each guest's part of a second in thousandths, by the hypervisor's account and by its own. */
static void measure(const char *what, const unsigned int want[GUESTS])
{
	uint64_t time[GUESTS], counted[GUESTS], now, late, all = 0;
	unsigned int part, wanted = 0;

	sleep_until(time_now() + 200 * NS_PER_MS);
	for (unsigned int i = 0; i < GUESTS; i++) {
		time[i] = ran(id[i]);
		domu_read(id[i], &count, &counted[i], sizeof(count));
	}
	now = time_now();
	sleep_until(now + NS_PER_S);
	late = time_now() - now - NS_PER_S;
	print("%s: the control domain woke up %lu ns late\n", what, late);
	EXPECT(late < NS_PER_MS / 10); /* at once, and not when a guest's turn is over */
	for (unsigned int i = 0; i < GUESTS; i++) {
		time[i] = ran(id[i]) - time[i];
		part = (unsigned int)(time[i] / NS_PER_MS);
		print("%s: guest %u ran %u of 1000, %u wanted\n", what, i, part, want[i]);
		EXPECT(part + 20 >= want[i] && part <= want[i] + 20);
		count = counted[i];
		domu_read(id[i], &count, &counted[i], sizeof(count));
		counted[i] -= count;
		all += counted[i];
		wanted += want[i];
	}
	for (unsigned int i = 0; i < GUESTS; i++) {
		part = (unsigned int)(counted[i] * wanted / all);
		EXPECT(part + 30 >= want[i] && part <= want[i] + 30);
	}
}

/*
 * Against all the others, who spin: one that works little waits for the least turn of whoever runs,
 * which is half a millisecond, and no more.
 */
static void measure_naps(const char *what)
{
	domid_t sleeper = domu_run(doze, 0, 1);
	struct naps got;

	sleep_until(time_now() + NS_PER_S);
	EXPECT_EQ(domu_read(sleeper, &naps, &got, sizeof(got)), sizeof(got));
	EXPECT(got.n > 250);
	print("%s: %lu naps, late by %lu us, %lu at worst\n", what, got.n,
	      got.sum / (got.n ? got.n : 1) / 1000, got.worst / 1000);
	EXPECT(got.worst < 600000);
	EXPECT_EQ(domu_destroy(sleeper), 0);
}

void test_main(void)
{
	xen_events_on();
	for (unsigned int i = 0; i < GUESTS; i++)
		id[i] = domu_run(spin, 0, 1);
	measure("alike", (unsigned int[]){ 333, 333, 333 });
	measure_naps("among equals");
	share(0, 256, 0);
	share(1, 512, 0);
	share(2, 1024, 0);
	measure("weights", (unsigned int[]){ 143, 286, 571 });
	measure_naps("the lightest");
	share(2, 0, 20);
	measure("a cap", (unsigned int[]){ 267, 533, 200 });
	share(0, 65535, 10);
	share(1, 1, 5);
	measure("caps", (unsigned int[]){ 100, 50, 200 });
	for (unsigned int i = 0; i < GUESTS; i++)
		EXPECT_EQ(domu_destroy(id[i]), 0);
}
