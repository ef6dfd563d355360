/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Guests that make as much work as they can in what the hypervisor shares between CPUs: the control
 * domain gets on all the same.
 *
 * Sources: xen/event_channel.h, xen/vcpu.h; whoever waits for a lock waits for those before it only
 * (spinlock.h), and a guest keeps nobody's CPU busy but those that it runs on.
 *
 * run: smp=4 mem=256 hv=dom0_max_vcpus=1
 */
#include "lib/domu.h"

#define VCPUS  3
#define ROUNDS 20

static volatile uint32_t ready, stop;

/* All but the control domain's CPU. */
static void keep_off(domid_t id)
{
	for (uint32_t i = 0; i < VCPUS; i++)
		domu_pin(id, i, 0xe);
}

/* Runs fn on all vCPUs of the guest until it is told to stop. */
static void on_all(void (*fn)(void *))
{
	for (unsigned int i = 1; i < VCPUS; i++) {
		EXPECT(cpu_start(i));
		cpu_run(i, fn, NULL);
	}
	ready = 1;
	fn(NULL);
}

static bool started(domid_t id)
{
	uint32_t seen = 0;

	return domu_read(id, &ready, &seen, sizeof(seen)) == sizeof(seen) && seen;
}

/* --- the table of events ------------------------------------------------------- */

/* A full table is looked through for a free port, again and again. */
static void search(void *arg)
{
	struct evtchn_close own = { .port = 2 + cpu_this()->id };
	struct evtchn_alloc_unbound any = { .dom = DOMID_SELF };
	struct multicall_entry calls[30];

	(void)arg;
	for (unsigned int i = 0; i < ARRAY_LEN(calls); i++) {
		bool close = i % 3 == 0;

		calls[i] = (struct multicall_entry){
			.op = __HYPERVISOR_event_channel_op,
			.args = { close ? EVTCHNOP_close : EVTCHNOP_alloc_unbound,
			          close ? (uint64_t)&own : (uint64_t)&any },
		};
	}
	while (!stop)
		EXPECT_EQ(hcall2(__HYPERVISOR_multicall, calls, ARRAY_LEN(calls)), 0);
}

static void fill_and_search(uint64_t arg)
{
	evtchn_port_t port;

	(void)arg;
	while (xen_alloc_unbound(DOMID_SELF, 0, &port) == 0)
		;
	on_all(search);
}

/* What binds and closes needs both tables. The watchdog ends a machine that waits 10 s for one. */
static void test_events(void)
{
	domid_t id = domu_build(fill_and_search, 0, VCPUS);
	uint64_t start, longest = 0;
	evtchn_port_t port;

	keep_off(id);
	EXPECT_EQ(domu_unpause(id), 0);
	EXPECT(WAIT_UNTIL(started(id), PATIENCE));
	for (unsigned int i = 0; i < ROUNDS; i++) {
		start = time_now();
		EXPECT_EQ(xen_bind_interdomain(id, 1, &port), 0);
		EXPECT_EQ(xen_close(port), 0);
		if (time_now() - start > longest)
			longest = time_now() - start;
	}
	print("events: %lu us at most\n", longest / 1000);
	EXPECT_EQ(domu_destroy(id), 0);
}

void test_main(void)
{
	xen_events_on();
	test_events();
}
