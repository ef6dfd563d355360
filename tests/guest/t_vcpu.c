/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * vcpu_op: pages that a vCPU registers, its timers, its state.
 *
 * Sources: xen/vcpu.h; Xen's common/domain.c: vcpu_info once only (EINVAL),
 * inside one page and aligned (ENXIO); ENOENT no such vCPU; only oneself or a
 * vCPU that is not up (EINVAL); a timer for another vCPU EINVAL; a deadline in
 * the past fires at once, or ETIME when the caller asks for that.
 *
 * run: smp=2
 */
#include "lib/guest.h"

static uint8_t *info_page;

static long register_info(unsigned int cpu, uint64_t gfn, uint32_t offset)
{
	struct vcpu_register_vcpu_info op = { .mfn = gfn, .offset = offset };

	return xen_vcpu(VCPUOP_register_vcpu_info, cpu, &op);
}

static void test_info(void)
{
	struct vcpu_info *vi = (void *)(info_page + 0x340);
	uint64_t gfn = (uint64_t)info_page / PAGE_SIZE, now;

	EXPECT_EQ(register_info(0, gfn, PAGE_SIZE - 63), -XEN_ENXIO);
	EXPECT_EQ(register_info(0, gfn, PAGE_SIZE), -XEN_ENXIO);
	EXPECT_EQ(register_info(0, gfn, 0xffffffff), -XEN_ENXIO);
	EXPECT_EQ(register_info(0, gfn, 0x344), -XEN_ENXIO);
	EXPECT_EQ(register_info(0, 1ul << 50, 0), -XEN_EINVAL);
	EXPECT_EQ(register_info(0, ~0ul, 0), -XEN_EINVAL);
	EXPECT_EQ(register_info(99, gfn, 0), -XEN_ENOENT);
	EXPECT_EQ(xen_vcpu(VCPUOP_register_vcpu_info, 0, 0x800000000000), -XEN_EFAULT);
	now = time_now();
	irq_disable();
	EXPECT_EQ(register_info(0, gfn, 0x340), 0);
	xen_use_vcpu_info(0, vi);
	/* The clock runs at the new place at once, and nothing that was pending is lost:
	 * an upcall is due, with nothing behind it perhaps. */
	EXPECT(vi->time.tsc_to_system_mul != 0);
	EXPECT(time_now() >= now);
	EXPECT(time_now() < now + 10 * NS_PER_S);
	EXPECT_EQ(vi->evtchn_upcall_pending, 1);
	irq_enable();
	EXPECT(WAIT_UNTIL(!vi->evtchn_upcall_pending, PATIENCE));
	EXPECT_EQ(register_info(0, gfn, 0x340), -XEN_EINVAL);
	EXPECT_EQ(register_info(0, gfn, 0x400), -XEN_EINVAL);
	/* The last place in a page that one fits in; for a vCPU that is not up yet. */
	EXPECT_EQ(register_info(1, gfn, PAGE_SIZE - 64), 0);
	xen_use_vcpu_info(1, (void *)(info_page + PAGE_SIZE - 64));
}

static void test_up(void)
{
	EXPECT_EQ(xen_vcpu(VCPUOP_is_up, 0, 0), 1);
	EXPECT_EQ(xen_vcpu(VCPUOP_is_up, 1, 0), 0);
	EXPECT_EQ(xen_vcpu(VCPUOP_is_up, 2, 0), -XEN_ENOENT);
	EXPECT_EQ(xen_vcpu(VCPUOP_is_up, -1, 0), -XEN_ENOENT);
	EXPECT(cpu_start(1));
	EXPECT_EQ(xen_vcpu(VCPUOP_is_up, 1, 0), 1);
	EXPECT_EQ(xen_vcpu(999, 0, 0), -XEN_ENOSYS);
	EXPECT_EQ(xen_vcpu(-1, 0, 0), -XEN_ENOSYS);
}

static long register_runstate(unsigned int cpu, void *va)
{
	struct vcpu_register_runstate_memory_area op = { .addr.v = va };

	return xen_vcpu(VCPUOP_register_runstate_memory_area, cpu, &op);
}

static uint64_t runstate_sum(const volatile struct vcpu_runstate_info *r)
{
	return r->time[0] + r->time[1] + r->time[2] + r->time[3];
}

/* The area straddles two frames that are no neighbours: the stock kernel's may. */
static void test_runstate(void)
{
	uint8_t *a = page_alloc(), *gap = page_alloc(), *b = page_alloc(), *va = page_window(4);
	volatile struct vcpu_runstate_info *r = (void *)(va + PAGE_SIZE - 24);
	struct vcpu_set_singleshot_timer t = { 0 };
	struct vcpu_runstate_info got;
	uint64_t now, blocked, busy;
	unsigned int i, dirty = 0;
	evtchn_port_t port;

	page_map(va, (uint64_t)b, PG_KERNEL);
	page_map(va + PAGE_SIZE, (uint64_t)a, PG_KERNEL);
	memset((void *)r, 0xee, sizeof(*r));
	EXPECT_EQ(register_runstate(0, (void *)r), 0);
	EXPECT_EQ(r->state, RUNSTATE_running);
	EXPECT(runstate_sum(r) <= time_now());
	EXPECT((r->state_entry_time & ~XEN_RUNSTATE_UPDATE) <= time_now());
	EXPECT_EQ(xen_vcpu(VCPUOP_get_runstate_info, 0, &got), 0);
	EXPECT_EQ(got.state, RUNSTATE_running);
	EXPECT_EQ(xen_vcpu(VCPUOP_get_runstate_info, 0, 0x800000000000), -XEN_EFAULT);
	EXPECT_EQ(xen_vcpu(VCPUOP_get_runstate_info, 99, &got), -XEN_ENOENT);

	/* Asleep: the area says so afterwards. A busy host may eat a sleep up, but not all. */
	EXPECT_EQ(xen_bind_virq(VIRQ_TIMER, 0, &port), 0);
	xen_vcpu(VCPUOP_get_runstate_info, 0, &got);
	blocked = got.time[RUNSTATE_blocked];
	for (i = 0; i < 20 && r->time[RUNSTATE_blocked] < blocked + 2 * NS_PER_MS; i++) {
		irq_disable();
		xen_port_count[port] = 0;
		t.timeout_abs_ns = time_now() + 5 * NS_PER_MS;
		EXPECT_EQ(xen_vcpu(VCPUOP_set_singleshot_timer, 0, &t), 0);
		while (!xen_port_count[port])
			irq_wait();
		irq_enable();
	}
	EXPECT(r->time[RUNSTATE_blocked] >= blocked + 2 * NS_PER_MS);
	EXPECT_EQ(r->state, RUNSTATE_running);
	EXPECT_EQ(xen_vcpu(VCPUOP_get_runstate_info, 0, &got), 0);
	EXPECT_EQ(got.time[RUNSTATE_blocked], r->time[RUNSTATE_blocked]);
	busy = got.time[RUNSTATE_running];
	now = time_now();
	while (time_now() < now + NS_PER_MS)
		cpu_relax();
	EXPECT_EQ(xen_vcpu(VCPUOP_get_runstate_info, 0, &got), 0);
	EXPECT(got.time[RUNSTATE_running] >= busy + NS_PER_MS);
	EXPECT_EQ(xen_close(port), 0);

	for (i = 0; i < PAGE_SIZE; i++)
		dirty += gap[i] != 0;
	EXPECT_EQ(dirty, 0);
	EXPECT_EQ(register_runstate(0, page_window(40)), -XEN_EFAULT);
	EXPECT_EQ(register_runstate(0, (void *)0x800000000000), -XEN_EFAULT);
	page_unmap(va + PAGE_SIZE);
	EXPECT_EQ(register_runstate(0, (void *)r), -XEN_EFAULT);
	EXPECT_EQ(register_runstate(99, page_alloc()), -XEN_ENOENT);
	EXPECT_EQ(xen_vcpu(VCPUOP_register_runstate_memory_area, 0, 0x800000000000), -XEN_EFAULT);
	EXPECT_EQ(register_runstate(0, page_alloc()), 0);
}

static void test_time_area(void)
{
	struct vcpu_time_info *ti = page_alloc();
	struct vcpu_register_time_memory_area op = { .addr.v = ti };
	uint64_t a, b;
	long rc = xen_vcpu(VCPUOP_register_vcpu_time_memory_area, 0, &op);

	EXPECT(rc == 0 || rc == -XEN_ENOSYS);
	if (rc)
		return;
	EXPECT(ti->tsc_to_system_mul != 0);
	a = time_read(ti);
	b = time_now();
	EXPECT(b >= a && b - a < 10 * NS_PER_S);
	op.addr.v = page_window(41);
	EXPECT_EQ(xen_vcpu(VCPUOP_register_vcpu_time_memory_area, 0, &op), -XEN_EFAULT);
	op.addr.v = NULL;
	rc = xen_vcpu(VCPUOP_register_vcpu_time_memory_area, 0, &op);
	EXPECT(rc == 0 || rc == -XEN_EFAULT);
}

static void test_timer(void)
{
	struct vcpu_set_singleshot_timer t = { 0 };
	struct vcpu_set_periodic_timer p = { .period_ns = 10 };
	evtchn_port_t port;
	uint32_t n;
	long rc;

	EXPECT_EQ(xen_bind_virq(VIRQ_TIMER, 0, &port), 0);
	n = xen_port_count[port];
	/* Past: at once. */
	t.timeout_abs_ns = 1;
	EXPECT_EQ(xen_vcpu(VCPUOP_set_singleshot_timer, 0, &t), 0);
	EXPECT(WAIT_UNTIL(xen_port_count[port] == n + 1, PATIENCE));
	t.timeout_abs_ns = time_now() - 1;
	EXPECT_EQ(xen_vcpu(VCPUOP_set_singleshot_timer, 0, &t), 0);
	EXPECT(WAIT_UNTIL(xen_port_count[port] == n + 2, PATIENCE));
	t.flags = VCPU_SSHOTTMR_future;
	rc = xen_vcpu(VCPUOP_set_singleshot_timer, 0, &t);
	EXPECT(rc == -XEN_ETIME || rc == 0);
	EXPECT(WAIT_UNTIL(xen_port_count[port] == n + 2 + (rc == 0), PATIENCE));
	/* Stopped before its time, or once more if the host made us late. */
	t.flags = 0;
	do {
		n = xen_port_count[port];
		t.timeout_abs_ns = time_now() + 20 * NS_PER_MS;
		EXPECT_EQ(xen_vcpu(VCPUOP_set_singleshot_timer, 0, &t), 0);
		EXPECT_EQ(xen_vcpu(VCPUOP_stop_singleshot_timer, 0, 0), 0);
	} while (time_now() >= t.timeout_abs_ns);
	EXPECT(!WAIT_UNTIL(xen_port_count[port] > n, 40));
	EXPECT_EQ(xen_vcpu(VCPUOP_stop_singleshot_timer, 0, 0), 0);
	EXPECT_EQ(xen_vcpu(VCPUOP_stop_periodic_timer, 0, 0), 0);
	/* The end of time: never, or, read as negative, at once. */
	t.timeout_abs_ns = ~0ul;
	EXPECT_EQ(xen_vcpu(VCPUOP_set_singleshot_timer, 0, &t), 0);
	EXPECT_EQ(xen_vcpu(VCPUOP_stop_singleshot_timer, 0, 0), 0);
	EXPECT_EQ(xen_vcpu(VCPUOP_set_singleshot_timer, 1, &t), -XEN_EINVAL);
	EXPECT_EQ(xen_vcpu(VCPUOP_set_singleshot_timer, 99, &t), -XEN_ENOENT);
	EXPECT_EQ(xen_vcpu(VCPUOP_set_singleshot_timer, 0, 0x800000000000), -XEN_EFAULT);
	rc = xen_vcpu(VCPUOP_set_periodic_timer, 0, &p);
	EXPECT(rc == -XEN_EINVAL || rc == -XEN_ENOSYS);
	EXPECT_EQ(xen_close(port), 0);
	/* Without a port to tell: nothing happens, and nothing breaks. */
	t.timeout_abs_ns = 1;
	EXPECT_EQ(xen_vcpu(VCPUOP_set_singleshot_timer, 0, &t), 0);
}

static void other_self(void *arg)
{
	long *rc = arg;

	rc[0] = register_runstate(1, page_alloc());
	rc[1] = xen_vcpu(VCPUOP_stop_periodic_timer, 1, 0);
	rc[2] = xen_vcpu(VCPUOP_stop_singleshot_timer, 1, 0);
	rc[3] = time_now() > 0;
}

static void test_other(void)
{
	long rc[4] = { -1, -1, -1, -1 };

	/* The stock kernel stops the timers of vCPUs other than the caller. */
	EXPECT_EQ(xen_vcpu(VCPUOP_stop_periodic_timer, 1, 0), 0);
	cpu_run(1, other_self, rc);
	EXPECT(cpu_wait(1, PATIENCE));
	EXPECT_EQ(rc[0], 0);
	EXPECT_EQ(rc[1], 0);
	EXPECT_EQ(rc[2], 0);
	EXPECT_EQ(rc[3], 1);
}

void test_main(void)
{
	info_page = page_alloc();
	xen_events_on();
	irq_enable();
	test_info();
	test_up();
	test_runstate();
	test_time_area();
	test_timer();
	test_other();
}
