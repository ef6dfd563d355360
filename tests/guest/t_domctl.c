/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Guests from their creation to their end (xen/domctl.h, man/froe-hypercalls.9): built, run, heard
 * of, paused, shut down for each reason, destroyed in each state, and everything given back.
 *
 * run: smp=2 single want=^froe:_d[0-9]+:_crashed:_vCPU_0:_triple_fault
 */
#include "lib/domu.h"

static volatile uint64_t mark;
static evtchn_port_t dom_exc;

#define SCRATCH 0x40000ul /* a frame of ours where nothing is */
#define CYCLES  50

static uint64_t read_mark(domid_t id)
{
	uint64_t seen = ~0ull;

	EXPECT_EQ(domu_read(id, &mark, &seen, sizeof(seen)), sizeof(seen));
	return seen;
}

/* VIRQ_DOM_EXC has come since the last look. */
static bool told(void)
{
	static uint32_t seen;
	bool more = WAIT_UNTIL(xen_port_count[dom_exc] != seen, PATIENCE);

	seen = xen_port_count[dom_exc];
	return more;
}

static uint32_t flags_of(domid_t id)
{
	struct xen_domctl_getdomaininfo info = { 0 };

	EXPECT(domu_info(id, &info));
	return info.flags;
}

/* --- guests ----------------------------------------------------------------- */

static void shut_down(uint64_t reason)
{
	mark = 0x600d0000 + reason;
	xen_shutdown((unsigned int)reason);
}

static void spin(uint64_t arg)
{
	for (mark = 1;; mark++)
		cpu_relax();
}

static void halt(uint64_t arg)
{
	for (;;)
		asm volatile("cli; hlt");
}

static void wait_for_ever(uint64_t arg)
{
	mark = 1;
	for (;;)
		asm volatile("sti; hlt");
}

static void triple_fault(uint64_t arg)
{
	struct {
		uint16_t limit;
		uint64_t base;
	} __attribute__((packed)) none = { 0, 0 };

	asm volatile("lidt %0; ud2" : : "m"(none));
}

static void own_watchdog(uint64_t arg)
{
	struct sched_watchdog w = { .timeout = 1 };

	EXPECT_EQ(xen_sched(SCHEDOP_watchdog, &w), 1);
	spin(0);
}

/* Everything that has to be given back: a vcpu_info, shared_info, grants, channels, timers. */
static void rich(uint64_t arg)
{
	struct vcpu_register_vcpu_info op = { .offset = 64 };
	struct vcpu_set_singleshot_timer timer = { .timeout_abs_ns = ~0ull >> 1 };
	evtchn_port_t port;

	op.mfn = (uint64_t)page_alloc() / PAGE_SIZE;
	xen_map_shared();
	EXPECT_EQ(xen_vcpu(VCPUOP_register_vcpu_info, 0, &op), 0);
	EXPECT_EQ(xen_add_to_physmap(XENMAPSPACE_grant_table, 5, 0x100), 0);
	for (unsigned int i = 0; i < 200; i++)
		EXPECT_EQ(xen_alloc_unbound(DOMID_SELF, 0, &port), 0);
	EXPECT_EQ(xen_bind_virq(VIRQ_TIMER, 0, &port), 0);
	EXPECT_EQ(xen_vcpu(VCPUOP_set_singleshot_timer, 0, &timer), 0);
	apic_write(APIC_LVT_TIMER, 1 << 17 | 0x40); /* periodic, without end */
	apic_write(APIC_TIMER_INIT, 1000000);
	if (check_clean())
		spin(0);
}

/* --- tests ------------------------------------------------------------------ */

static void test_reasons(void)
{
	static const unsigned int reasons[] = { SHUTDOWN_poweroff, SHUTDOWN_reboot,
		                                SHUTDOWN_suspend,  SHUTDOWN_crash,
		                                SHUTDOWN_watchdog, SHUTDOWN_soft_reset };

	for (unsigned int i = 0; i < ARRAY_LEN(reasons); i++) {
		domid_t id = domu_run(shut_down, reasons[i], 1);

		EXPECT_EQ(domu_wait(id, PATIENCE), reasons[i]);
		EXPECT(told());
		EXPECT_EQ(read_mark(id), 0x600d0000 + reasons[i]);
		/* The vCPU that has told us leaves its CPU only then. */
		EXPECT(WAIT_UNTIL(!(flags_of(id) & XEN_DOMINF_running), PATIENCE));
		EXPECT_EQ(flags_of(id) & XEN_DOMINF_dying, 0);
		EXPECT_EQ(domu_destroy(id), 0);
		EXPECT(told());
		EXPECT(!domu_exists(id));
	}
}

/* Ends that the guest did not ask for. */
static void test_ends(void)
{
	domid_t id = domu_run(triple_fault, 0, 1);

	EXPECT_EQ(domu_wait(id, PATIENCE), SHUTDOWN_crash);
	EXPECT_EQ(domu_destroy(id), 0);
	id = domu_run(halt, 0, 2); /* the second vCPU was never started */
	EXPECT_EQ(domu_wait(id, PATIENCE), SHUTDOWN_poweroff);
	EXPECT_EQ(domu_destroy(id), 0);
	id = domu_run(own_watchdog, 0, 1);
	EXPECT_EQ(domu_wait(id, PATIENCE), SHUTDOWN_watchdog);
	EXPECT_EQ(domu_destroy(id), 0);
}

static void test_pause(void)
{
	domid_t id = domu_build(spin, 0, 1);
	uint64_t before;

	EXPECT(flags_of(id) & XEN_DOMINF_paused);
	EXPECT_EQ(domu_simple(id, XEN_DOMCTL_pausedomain), 0);
	EXPECT_EQ(domu_unpause(id), 0);
	EXPECT_EQ(read_mark(id), 0); /* still paused once */
	EXPECT_EQ(domu_unpause(id), 0);
	EXPECT_EQ(flags_of(id) & XEN_DOMINF_paused, 0);
	EXPECT_EQ(domu_unpause(id), -XEN_EINVAL);
	EXPECT(WAIT_UNTIL(read_mark(id) > 1, PATIENCE));
	/* When the call is back nothing moves any more. */
	for (unsigned int i = 0; i < 20; i++) {
		EXPECT_EQ(domu_simple(id, XEN_DOMCTL_pausedomain), 0);
		before = read_mark(id);
		EXPECT_EQ(flags_of(id) & XEN_DOMINF_running, 0);
		EXPECT_EQ(read_mark(id), before);
		EXPECT_EQ(domu_unpause(id), 0);
		EXPECT(WAIT_UNTIL(read_mark(id) > before, PATIENCE));
	}
	EXPECT_EQ(domu_destroy(id), 0); /* while it runs */
	EXPECT(!domu_exists(id));
}

/* At every step of its making, and in every state of its life. */
static void test_destroy(void)
{
	static void (*const lives[])(uint64_t) = { spin, wait_for_ever, rich };
	struct xen_domctl op;
	domid_t id;

	for (unsigned int step = 0; step < 4; step++) {
		domu_config(&op, 40); /* more than fit into shared_info */
		EXPECT_EQ(domu_op(0, XEN_DOMCTL_createdomain, &op), 0);
		id = op.domain;
		op.u.max_vcpus.max = 40;
		if (step > 0)
			EXPECT_EQ(domu_op(id, XEN_DOMCTL_max_vcpus, &op), 0);
		op.u.max_mem.max_memkb = 4096;
		if (step > 1)
			EXPECT_EQ(domu_op(id, XEN_DOMCTL_max_mem, &op), 0);
		if (step > 2)
			EXPECT_EQ(domu_populate(id, 5, 0, 64) + domu_populate(id, 512, 9, 1), 65);
		EXPECT_EQ(domu_destroy(id), 0);
		EXPECT(!domu_exists(id));
	}
	EXPECT_EQ(domu_destroy(domu_build(spin, 0, 1)), 0); /* never started */
	for (unsigned int i = 0; i < ARRAY_LEN(lives); i++) {
		id = domu_run(lives[i], 0, 1);
		EXPECT(WAIT_UNTIL(read_mark(id) >= 1, PATIENCE));
		EXPECT_EQ(domu_destroy(id), 0);
		EXPECT(!domu_exists(id));
		EXPECT_EQ(domu_destroy(id), -XEN_ESRCH);
	}
}

/* A frame that we have mapped outlives its guest, and the guest stays in the list until then. */
static void test_linger(void)
{
	domid_t id = domu_run(shut_down, 0, 1);
	xen_ulong_t idx = (uint64_t)&mark / PAGE_SIZE;
	xen_pfn_t gpfn = SCRATCH;
	int err = 1;
	struct xen_add_to_physmap_batch op = {
		.domid = DOMID_SELF,
		.space = XENMAPSPACE_gmfn_foreign,
		.size = 1,
		.u.foreign_domid = id,
	};
	struct xen_domctl_getdomaininfo info;
	volatile uint64_t *theirs = (void *)((uint64_t)page_window(0) +
	                                     (uint64_t)&mark % PAGE_SIZE);
	struct xen_domctl create;

	set_xen_guest_handle(op.idxs, &idx);
	set_xen_guest_handle(op.gpfns, &gpfn);
	set_xen_guest_handle(op.errs, &err);
	EXPECT_EQ(domu_wait(id, PATIENCE), 0);
	EXPECT(told());
	EXPECT_EQ(xen_memory(XENMEM_add_to_physmap_batch, &op), 0);
	EXPECT_EQ(err, 0);
	page_map(page_window(0), SCRATCH * PAGE_SIZE, PG_KERNEL);
	EXPECT_EQ(*theirs, 0x600d0000);
	EXPECT_EQ(domu_destroy(id), 0);
	EXPECT(told()); /* dead */
	EXPECT(domu_info(id, &info));
	EXPECT(info.flags & XEN_DOMINF_dying);
	EXPECT_EQ(info.tot_pages, 1);
	EXPECT_EQ(*theirs, 0x600d0000);
	EXPECT_EQ(domu_destroy(id), 0); /* nothing left to do */
	/* It takes nothing new: neither memory nor mappings, nor does its id go to another. */
	EXPECT_EQ(domu_populate(id, 0, 0, 1), 0);
	EXPECT_EQ(xen_memory(XENMEM_add_to_physmap_batch, &op) | err, -XEN_EINVAL);
	domu_config(&create, 1);
	EXPECT_EQ(domu_op(id, XEN_DOMCTL_createdomain, &create), -XEN_EEXIST);
	EXPECT_EQ(xen_remove_from_physmap(SCRATCH), 0);
	EXPECT(told()); /* gone */
	EXPECT(!domu_exists(id));
}

/* As given, or the next one above the last that was chosen. */
static void test_ids(void)
{
	struct xen_domctl op;
	domid_t first, second;

	domu_config(&op, 1);
	EXPECT_EQ(domu_op(0x7000, XEN_DOMCTL_createdomain, &op), 0);
	EXPECT_EQ(op.domain, 0x7000);
	EXPECT_EQ(domu_op(DOMID_INVALID, XEN_DOMCTL_createdomain, &op), 0);
	first = op.domain;
	EXPECT_EQ(domu_op(0, XEN_DOMCTL_createdomain, &op), 0);
	second = op.domain;
	EXPECT_EQ(second, first + 1);
	EXPECT_EQ(domu_destroy(second), 0);
	EXPECT_EQ(domu_op(DOMID_FIRST_RESERVED, XEN_DOMCTL_createdomain, &op), 0);
	EXPECT_EQ(op.domain, second + 1);
	EXPECT_EQ(domu_op(0x7000, XEN_DOMCTL_createdomain, &op), -XEN_EEXIST);
	/* The next one that there is. */
	EXPECT_EQ(domu_op(second, XEN_DOMCTL_getdomaininfo, &op), 0);
	EXPECT_EQ(op.domain, second + 1);
	EXPECT_EQ(domu_op(second + 2, XEN_DOMCTL_getdomaininfo, &op), 0);
	EXPECT_EQ(op.domain, 0x7000);
	EXPECT_EQ(domu_op(0x7001, XEN_DOMCTL_getdomaininfo, &op), -XEN_ESRCH);
	EXPECT_EQ(domu_destroy(0x7000), 0);
	EXPECT_EQ(domu_destroy(first), 0);
	EXPECT_EQ(domu_destroy(second + 1), 0);
}

static void test_list(void)
{
	struct xen_domctl_getdomaininfo info[4];
	struct xen_sysctl op = { .cmd = XEN_SYSCTL_getdomaininfolist };
	domid_t id = domu_build(spin, 0, 3);

	op.u.getdomaininfolist.max_domains = ARRAY_LEN(info);
	set_xen_guest_handle(op.u.getdomaininfolist.buffer, info);
	EXPECT_EQ(xen_sysctl(&op), 0);
	EXPECT_EQ(op.u.getdomaininfolist.num_domains, 2);
	EXPECT_EQ(info[0].domain, 0);
	EXPECT_EQ(info[0].max_vcpu_id, cpu_count - 1);
	EXPECT(info[0].flags & XEN_DOMINF_running);
	EXPECT(info[0].cpu_time > 0);
	EXPECT_EQ(info[1].domain, id);
	EXPECT_EQ(info[1].tot_pages, DOMU_MIB * 256);
	EXPECT_EQ(info[1].max_pages, DOMU_MIB * 256);
	EXPECT_EQ(info[1].nr_online_vcpus, 1);
	EXPECT_EQ(info[1].max_vcpu_id, 2);
	EXPECT_EQ(info[1].flags, XEN_DOMINF_hvm_guest | XEN_DOMINF_hap | XEN_DOMINF_paused);
	EXPECT_EQ(info[1].arch_config.emulation_flags, XEN_X86_EMU_LAPIC);
	op.u.getdomaininfolist.first_domain = 1;
	op.u.getdomaininfolist.max_domains = 1;
	EXPECT_EQ(xen_sysctl(&op), 0);
	EXPECT_EQ(op.u.getdomaininfolist.num_domains, 1);
	EXPECT_EQ(info[0].domain, id);
	EXPECT_EQ(domu_destroy(id), 0);
}

void test_main(void)
{
	uint64_t before;

	xen_events_on();
	EXPECT_EQ(xen_bind_virq(VIRQ_DOM_EXC, 0, &dom_exc), 0);
	irq_enable();
	test_linger(); /* once before: page tables of ours for the scratch frame stay */
	before = host_free_pages();
	test_reasons();
	test_ends();
	test_pause();
	test_destroy();
	test_linger();
	test_ids();
	test_list();
	for (unsigned int i = 0; i < CYCLES; i++)
		EXPECT_EQ(domu_destroy(domu_run(i % 2 ? rich : spin, 0, 1)), 0);
	EXPECT_EQ(host_free_pages(), before);
	irq_disable();
	EXPECT_EQ(cpu_this()->irq_flags_bad, 0);
}
