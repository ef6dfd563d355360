/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * sched_op: yield, poll, and what is refused.
 *
 * Sources: xen/sched.h; Xen's common/sched/core.c:do_poll: EINVAL for more
 * than 128 ports or a port that cannot exist, 0 at once when one is pending,
 * even if it is masked, else at the deadline.
 *
 * run: smp=2
 */
#include "lib/guest.h"

static evtchn_port_t local, other;

static long poll(evtchn_port_t *ports, unsigned int n, uint64_t timeout)
{
	struct sched_poll op = { .nr_ports = n, .timeout = timeout };

	set_xen_guest_handle_raw(op.ports, ports);
	return xen_sched(SCHEDOP_poll, &op);
}

static void test_poll(void)
{
	evtchn_port_t ports[2] = { local, other }, bad = 4096;
	uint64_t start;

	xen_mask(local, true);
	EXPECT_EQ(xen_send(local), 0);
	/* Pending: no sleep even without a deadline. Spinning kernels rely on it with masked ports.
	 */
	EXPECT_EQ(poll(ports, 2, 0), 0);
	xen_clear(local);
	/* A deadline that has passed: nothing else would end the sleep. */
	EXPECT_EQ(poll(ports, 2, 1), 0);
	/* One to come. An earlier return is legal (xen/sched.h calls wake-ups spurious),
	 * but not all of ten. */
	start = time_now();
	for (int i = 0; i < 10; i++)
		EXPECT_EQ(poll(ports, 2, time_now() + 2 * NS_PER_MS), 0);
	EXPECT(time_now() >= start + 2 * NS_PER_MS);
	EXPECT_EQ(poll(NULL, 0, time_now() + NS_PER_MS), 0);

	EXPECT_EQ(poll(&bad, 1, 1), -XEN_EINVAL);
	bad = 0xffffffff;
	EXPECT_EQ(poll(&bad, 1, 1), -XEN_EINVAL);
	EXPECT_EQ(poll(ports, 129, 1), -XEN_EINVAL);
	EXPECT_EQ(poll((void *)0x800000000000, 1, 1), -XEN_EFAULT);
	EXPECT_EQ(xen_sched(SCHEDOP_poll, 0x800000000000), -XEN_EFAULT);
	xen_mask(local, false);
}

static void wake(void *arg)
{
	uint64_t until = time_now() + 3 * NS_PER_MS;

	while (time_now() < until)
		cpu_relax();
	xen_send(*(evtchn_port_t *)arg);
}

/* Asleep in a poll with no deadline, on a masked port, until the other CPU sends. */
static void test_wake(void)
{
	unsigned int i;

	xen_mask(local, true);
	for (i = 0; i < 20; i++) {
		cpu_run(1, wake, &local);
		while (!xen_pending(local))
			EXPECT_EQ(poll(&local, 1, 0), 0);
		xen_clear(local);
		EXPECT(cpu_wait(1, PATIENCE));
	}
	xen_mask(local, false);
}

static void test_others(void)
{
	struct sched_remote_shutdown remote = { .domain_id = 77 };
	struct sched_watchdog dog = { .id = 99 };
	long rc;

	EXPECT_EQ(xen_sched(SCHEDOP_yield, 0), 0);
	EXPECT_EQ(xen_sched(SCHEDOP_yield, 0x800000000000), 0);
	EXPECT_EQ(xen_sched(999, 0), -XEN_ENOSYS);
	EXPECT_EQ(xen_sched(-1, 0), -XEN_ENOSYS);
	rc = xen_sched(SCHEDOP_remote_shutdown, &remote);
	EXPECT(rc == -XEN_ESRCH || rc == -XEN_ENOSYS);
	EXPECT_EQ(xen_sched(SCHEDOP_shutdown, 0x800000000000), -XEN_EFAULT);
	rc = xen_sched(SCHEDOP_watchdog, &dog);
	EXPECT(rc == -XEN_EINVAL || rc == -XEN_ENOSYS);
	rc = xen_sched(SCHEDOP_shutdown_code, 0x800000000000);
	EXPECT(rc == -XEN_EFAULT || rc == -XEN_ENOSYS);
}

void test_main(void)
{
	xen_events_on();
	EXPECT_EQ(xen_bind_ipi(0, &local), 0);
	EXPECT_EQ(xen_bind_ipi(0, &other), 0);
	EXPECT(cpu_start(1));
	test_poll();
	test_wake();
	test_others();
}
