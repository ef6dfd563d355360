/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Guests of two vCPUs that call each other out of HLT, and wait for timers and events, while they
 * are moved between CPUs, paused and set back by caps: no call is lost on the way.
 *
 * run: smp=2 single mem=256
 */
#include "lib/domu.h"

#define GUESTS 3
#define ROUNDS 200

static volatile uint64_t mark, stop;

static void work(void *arg)
{
	(*(volatile uint64_t *)arg)++;
}

static void nap(void *arg)
{
	struct sched_poll op = { .timeout = time_now() + 20000 };

	xen_sched(SCHEDOP_poll, &op);
}

/* vCPU 0 calls vCPU 1, which sleeps, and waits asleep for its answer by an event. */
static void answer(void *arg)
{
	EXPECT_EQ(xen_send(*(evtchn_port_t *)arg), 0);
}

static void converse(uint64_t arg)
{
	volatile uint64_t done = 0;
	evtchn_port_t port;

	xen_events_on();
	xen_mask(0, true);
	EXPECT_EQ(xen_bind_ipi(0, &port), 0);
	EXPECT(cpu_start(1));
	for (uint64_t i = 0; !stop; i++) {
		struct sched_poll op = { .nr_ports = 1 };

		cpu_run(1, work, (void *)&done);
		while (done != i + 1)
			cpu_relax();
		while (!cpu_done(1))
			cpu_relax();
		xen_mask(port, true);
		xen_clear(port);
		cpu_run(1, answer, &port);
		set_xen_guest_handle_raw(op.ports, &port);
		while (!xen_pending(port))
			EXPECT_EQ(xen_sched(SCHEDOP_poll, &op), 0);
		while (!cpu_done(1))
			cpu_relax();
		cpu_run(1, nap, NULL);
		nap(NULL);
		while (!cpu_done(1))
			cpu_relax();
		mark++;
	}
}

static void share(domid_t id, uint16_t weight, uint16_t cap)
{
	struct xen_domctl op = { .u.scheduler_op.sched_id = XEN_SCHEDULER_CREDIT2 };

	op.u.scheduler_op.cmd = XEN_DOMCTL_SCHEDOP_putinfo;
	op.u.scheduler_op.u.credit2.weight = weight;
	op.u.scheduler_op.u.credit2.cap = cap;
	EXPECT_EQ(domu_op(id, XEN_DOMCTL_scheduler_op, &op), 0);
}

static uint64_t seen(domid_t id)
{
	uint64_t n = 0;

	EXPECT_EQ(domu_read(id, &mark, &n, sizeof(n)), sizeof(n));
	return n;
}

static void disturb(domid_t id, unsigned int n)
{
	switch (n % 5) {
	case 0:
	case 1:
		domu_pin(id, n / 5 % 2, 1 + n % 3);
		break;
	case 2:
		EXPECT_EQ(domu_simple(id, XEN_DOMCTL_pausedomain), 0);
		EXPECT_EQ(domu_unpause(id), 0);
		break;
	case 3:
		share(id, (uint16_t)(1 << n % 16), n % 2 ? 50 : 0);
		break;
	default:
		nap(NULL);
	}
}

void test_main(void)
{
	const uint64_t yes = 1;
	domid_t id[GUESTS];

	EXPECT(cpu_start(1));
	xen_events_on();
	for (unsigned int i = 0; i < GUESTS; i++)
		id[i] = domu_run(converse, 0, 2);
	for (unsigned int n = 0; n < ROUNDS * GUESTS; n++)
		disturb(id[n % GUESTS], n / GUESTS + n % GUESTS);
	for (unsigned int i = 0; i < GUESTS; i++) {
		domu_pin(id[i], 0, 3);
		domu_pin(id[i], 1, 3);
		share(id[i], 256, 0);
	}
	for (unsigned int i = 0; i < GUESTS; i++) {
		uint64_t before = seen(id[i]);

		EXPECT(WAIT_UNTIL((nap(NULL), seen(id[i]) > before + 20), 30000));
		EXPECT_EQ(domu_write(id[i], &stop, &yes, sizeof(yes)), sizeof(yes));
		domu_finish(id[i]);
	}
}
