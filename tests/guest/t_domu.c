/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a guest is offered and what it can do: its CPUs, CPUID, MSRs and ports, its memory, events
 * with the control domain, console lines, NMI; and a guest that does as much of it as it can.
 *
 * run: smp=2 single want=^froe:_d[0-9]+:_half_a_line want=^froe:_d[0-9]+:_[0-9]+_messages_left_out
 */
#include "lib/domu.h"

static volatile uint64_t mark, nmis, ports[2];
static uint8_t e820[4][20];

static void write_console(const char *text, size_t n)
{
	EXPECT_EQ(hcall3(__HYPERVISOR_console_io, CONSOLEIO_write, n, text), 0);
}

/* --- guests ------------------------------------------------------------------- */

static void look(uint64_t vcpus)
{
	struct cpuid r = cpuid(1, 0);
	uint64_t val;

	EXPECT_EQ(r.ebx >> 24, 2 * cpu_this()->id);
	EXPECT_EQ(r.ebx >> 16 & 0xff, 2 * vcpus);
	EXPECT_EQ(r.edx & (1u << 12 | 1u << 7 | 1u << 14), 0); /* MTRR, MCE, MCA */
	EXPECT_EQ(r.edx & (1u << 28 | 1u << 9), 1u << 28 | 1u << 9);
	EXPECT_EQ(r.ecx & (1u << 3 | 1u << 21 | 1u << 31), 1u << 21 | 1u << 31);
	EXPECT_EQ(rdmsr(0x802), 2 * cpu_this()->id);
	EXPECT_EQ(rdmsr(0x1b), 0xfee00c00 | (cpu_this()->id ? 0 : 1u << 8));
	r = cpuid(xen_base + 4, 0);
	EXPECT_EQ(r.eax & (XEN_HVM_CPUID_VCPU_ID_PRESENT | XEN_HVM_CPUID_DOMID_PRESENT),
	          XEN_HVM_CPUID_VCPU_ID_PRESENT | XEN_HVM_CPUID_DOMID_PRESENT);
	EXPECT_EQ(r.ebx, cpu_this()->id);
	EXPECT_EQ(inb(0x42), 0);
	EXPECT_EQ(inb(0x61), 0);
	EXPECT_EQ(inb(0x71), 0xff);
	EXPECT_EQ(inw(0x604), 0xffff);
	EXPECT_EQ(inl(0xcf8), 0xffffffff);
	outb(0x80, 1);
	outw(0x604, 0x3400); /* no power button, no power switch */
	EXPECT_EQ(try_rdmsr(0xc0010114, &val), 13);
	EXPECT_EQ(try_rdmsr(0x48, &val), 13);
	EXPECT_EQ(try_wrmsr(0x1b, 0xfee00800), 13);
}

static void look_on(void *vcpus)
{
	look((uint64_t)vcpus);
}

static void guest_cpus(uint64_t vcpus)
{
	xen_events_on();
	cpu_count = (unsigned int)vcpus;
	look(vcpus);
	for (unsigned int i = 1; i < vcpus; i++) {
		EXPECT(cpu_start(i));
		cpu_run(i, look_on, (void *)vcpus);
		EXPECT(cpu_wait(i, PATIENCE));
	}
}

static void guest_memory(uint64_t arg)
{
	struct xen_memory_map map = { .nr_entries = 10 };
	xen_pfn_t gfn = 0x180; /* in the middle of a large page */
	struct xen_memory_reservation op = { .nr_extents = 1, .domid = DOMID_SELF };
	domid_t self = DOMID_SELF;
	volatile uint64_t *word = (void *)(0x180 * PAGE_SIZE + 8);
	static uint8_t entries[10][20];
	uint64_t val;

	set_xen_guest_handle(map.buffer, entries);
	EXPECT_EQ(xen_memory(XENMEM_memory_map, &map), 0);
	EXPECT_EQ(map.nr_entries, 4);
	EXPECT_EQ(entries[3][19], 0x77);
	*word = 5;
	set_xen_guest_handle(op.extent_start, &gfn);
	EXPECT_EQ(xen_memory(XENMEM_current_reservation, &self), DOMU_MIB * 256);
	EXPECT_EQ(xen_memory(XENMEM_decrease_reservation, &op), 1);
	EXPECT_EQ(xen_memory(XENMEM_current_reservation, &self), DOMU_MIB * 256 - 1);
	EXPECT_EQ(*word, ~0ul); /* what does not exist reads as ones */
	EXPECT_EQ(try_write(word, 1), 13);
	EXPECT_EQ(xen_memory(XENMEM_populate_physmap, &op), 1);
	EXPECT_EQ(*word, 0); /* another frame, and scrubbed */
	*word = 6;
	gfn = 0x5000;
	EXPECT_EQ(xen_memory(XENMEM_populate_physmap, &op), 0); /* it has all that it may have */
	EXPECT_EQ(try_read((void *)0xfee00020ul, &val), -1);    /* no fault */
	EXPECT_EQ(val, ~0ul);
	EXPECT_EQ(try_write((void *)0xfed00000ul, 1), 13);
}

static void guest_events(uint64_t port)
{
	xen_events_on();
	irq_enable();
	mark = 1;
	EXPECT(WAIT_UNTIL(xen_port_count[port] >= 3, PATIENCE));
	EXPECT_EQ(xen_send((evtchn_port_t)port), 0);
	mark = 2;
	EXPECT(WAIT_UNTIL(xen_port_count[port] >= 5, PATIENCE)); /* after it was bound again */
	irq_disable();
}

static void on_nmi(struct frame *f)
{
	nmis++;
}

static void guest_nmi(uint64_t arg)
{
	struct shared_info *s;

	xen_map_shared();
	s = xen_shared;
	trap_set(2, on_nmi);
	ports[0] = s->wc_sec;
	mark = 1;
	EXPECT(WAIT_UNTIL(nmis == 1, PATIENCE));
}

static void guest_lines(uint64_t arg)
{
	static char flood[8192];

	write_console("half a", 6);
	write_console(" line\n\x1b[2Jno escapes\n", 21);
	for (unsigned int i = 0; i < sizeof(flood); i++)
		flood[i] = i % 16 == 15 ? '\n' : 'x';
	for (unsigned int i = 0; i < 20; i++)
		write_console(flood, sizeof(flood));
	EXPECT_EQ(hcall3(__HYPERVISOR_console_io, CONSOLEIO_write, 8, 0xffff900000100000ul),
	          -XEN_EFAULT);
	xen_map_shared();
	mark = time_now(); /* a while later one line more, which says how many were left out */
	while (time_now() < mark + 700 * NS_PER_MS)
		xen_sched(SCHEDOP_yield, 0);
	write_console("late\n", 5);
}

static void guest_ports(uint64_t arg)
{
	evtchn_port_t port = 0;
	unsigned int n = 0;

	while (!xen_alloc_unbound(DOMID_SELF, 0, &port))
		n++;
	EXPECT_EQ(n, 1023);
	EXPECT_EQ(xen_alloc_unbound(DOMID_SELF, 0, &port), -XEN_ENOSPC);
	for (unsigned int i = 0; i < 100000; i++)
		EXPECT_EQ(xen_send(1 + i % 1023), 0);
}

/* --- tests -------------------------------------------------------------------- */

static void test_cpus(void)
{
	domu_finish(domu_run(guest_cpus, 1, 1));
	domu_finish(domu_run(guest_cpus, 2, 2));
	domu_finish(domu_run(guest_cpus, 4, 4)); /* more than there are CPUs */
}

static void test_memory(void)
{
	domid_t id = domu_build(guest_memory, 0, 1);
	struct xen_foreign_memory_map map = { .domid = id, .map.nr_entries = 4 };

	e820[3][19] = 0x77;
	set_xen_guest_handle(map.map.buffer, e820);
	EXPECT_EQ(xen_memory(XENMEM_set_memory_map, &map), 0);
	EXPECT_EQ(domu_unpause(id), 0);
	domu_finish(id);
}

/* A channel that the control domain makes for the guest, loses, and binds again by its number. */
static void test_events(void)
{
	domid_t id = domu_build(guest_events, 1, 1);
	struct evtchn_status st;
	evtchn_port_t theirs, ours, again;
	uint64_t seen;

	EXPECT_EQ(xen_alloc_unbound(id, DOMID_SELF, &theirs), 0);
	EXPECT_EQ(theirs, 1);
	EXPECT_EQ(xen_bind_interdomain(id, theirs, &ours), 0);
	EXPECT_EQ(xen_bind_interdomain(id, theirs, &again), -XEN_EINVAL); /* taken */
	EXPECT_EQ(domu_unpause(id), 0);
	EXPECT(WAIT_UNTIL((domu_read(id, &mark, &seen, 8), seen == 1), PATIENCE));
	for (unsigned int i = 0; i < 3; i++) {
		uint32_t count = 0, before = xen_port_count[ours];

		EXPECT_EQ(xen_send(ours), 0);
		EXPECT(WAIT_UNTIL((domu_read(id, &xen_port_count[theirs], &count, 4), count > i),
		                  PATIENCE));
		if (i == 2)
			EXPECT(WAIT_UNTIL(xen_port_count[ours] > before, PATIENCE));
	}
	EXPECT_EQ(xen_close(ours), 0);
	memset(&st, 0, sizeof(st));
	st.dom = id;
	st.port = theirs;
	EXPECT_EQ(xen_event(EVTCHNOP_status, &st), 0);
	EXPECT_EQ(st.status, EVTCHNSTAT_unbound);
	EXPECT_EQ(st.u.unbound.dom, 0);
	EXPECT_EQ(xen_bind_interdomain(id, theirs, &again), 0);
	for (unsigned int i = 3; i < 5; i++) {
		uint32_t count = 0;

		EXPECT_EQ(xen_send(again), 0);
		EXPECT(WAIT_UNTIL((domu_read(id, &xen_port_count[theirs], &count, 4), count > i),
		                  PATIENCE));
	}
	domu_finish(id);
	/* Its end is gone, ours is there: unbound, to nobody. */
	EXPECT_EQ(xen_status(again, &st), 0);
	EXPECT_EQ(st.status, EVTCHNSTAT_unbound);
	EXPECT_EQ(xen_send(again), 0);
	EXPECT_EQ(xen_close(again), 0);
}

static void test_nmi(void)
{
	domid_t id = domu_build(guest_nmi, 0, 1);
	struct xen_domctl op = { .u.settimeoffset.time_offset_seconds = 1000 };
	uint64_t seen;

	EXPECT_EQ(domu_op(id, XEN_DOMCTL_settimeoffset, &op), 0);
	EXPECT_EQ(domu_unpause(id), 0);
	EXPECT(WAIT_UNTIL((domu_read(id, &mark, &seen, 8), seen == 1), PATIENCE));
	EXPECT_EQ(domu_read(id, ports, &seen, 8), 8);
	EXPECT_EQ(seen, xen_shared->wc_sec + 1000ul);
	op.u.sendtrigger = (struct xen_domctl_sendtrigger){ XEN_DOMCTL_SENDTRIGGER_NMI, 0 };
	EXPECT_EQ(domu_op(id, XEN_DOMCTL_sendtrigger, &op), 0);
	domu_finish(id);
}

void test_main(void)
{
	xen_events_on();
	irq_enable();
	test_cpus();
	test_memory();
	test_events();
	test_nmi();
	domu_finish(domu_run(guest_lines, 0, 1));
	domu_finish(domu_run(guest_ports, 0, 1));
	irq_disable();
}
