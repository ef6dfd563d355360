/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Spinning guests divide a CPU by weights and caps (xen/domctl.h, scheduler_op), and the control
 * domain is awake when its time has come: with real vCPUs, in the time of counted instructions.
 *
 * run: icount=4 mem=256
 */
#include "lib/domu.h"

#define GUESTS 3

static volatile uint64_t count;
static domid_t id[GUESTS];

static void spin(uint64_t arg)
{
	for (;;)
		count++;
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

static void sleep_until(uint64_t at)
{
	struct sched_poll op = { .timeout = at };

	while (time_now() < at)
		EXPECT_EQ(xen_sched(SCHEDOP_poll, &op), 0);
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
	EXPECT(late < NS_PER_MS / 2); /* at once, and not when a guest's turn is over */
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

void test_main(void)
{
	xen_events_on();
	for (unsigned int i = 0; i < GUESTS; i++)
		id[i] = domu_run(spin, 0, 1);
	measure("alike", (unsigned int[]){ 333, 333, 333 });
	share(0, 256, 0);
	share(1, 512, 0);
	share(2, 1024, 0);
	measure("weights", (unsigned int[]){ 143, 286, 571 });
	share(2, 0, 20);
	measure("a cap", (unsigned int[]){ 267, 533, 200 });
	share(0, 65535, 10);
	share(1, 1, 5);
	measure("caps", (unsigned int[]){ 100, 50, 200 });
	for (unsigned int i = 0; i < GUESTS; i++)
		EXPECT_EQ(domu_destroy(id[i]), 0);
}
