/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a way into the hypervisor and back costs, in instructions: under QEMU's
 * -icount shift=0 the TSC counts exactly one for each. Each figure is the
 * difference of two loops that are the same but for the one instruction.
 */
#include "lib/domu.h"

#define VECTOR 0x41
#define INLINE static inline __attribute__((always_inline))

static uint32_t rounds; /* 1000, or what the command line says: rounds=N */

INLINE unsigned long call(bool real, unsigned long nr, unsigned long a1, unsigned long a2)
{
	if (real)
		asm volatile("vmmcall"
		             : "+a"(nr), "+D"(a1), "+S"(a2)
		             :
		             : "memory", "rdx", "r10", "r8");
	else
		asm volatile("" : "+a"(nr), "+D"(a1), "+S"(a2) : : "memory", "rdx", "r10", "r8");
	return nr;
}

INLINE void grant_op(bool real, unsigned long op, void *list)
{
	if (real)
		xen_grant(op, list, 1);
	else
		asm volatile("" : : "r"(op), "r"(list) : "memory");
}

INLINE void leaf(bool real, uint32_t eax)
{
	uint32_t ecx = 0;

	if (real)
		asm volatile("cpuid" : "+a"(eax), "+c"(ecx) : : "rbx", "rdx");
	else
		asm volatile("" : "+a"(eax), "+c"(ecx) : : "rbx", "rdx");
}

INLINE void msr_read(bool real, uint32_t msr)
{
	if (real)
		asm volatile("rdmsr" : : "c"(msr) : "rax", "rdx");
	else
		asm volatile("" : : "c"(msr) : "rax", "rdx");
}

INLINE void msr_write(bool real, uint32_t msr, uint32_t lo)
{
	if (real)
		asm volatile("wrmsr" : : "c"(msr), "a"(lo), "d"(0) : "memory");
	else
		asm volatile("" : : "c"(msr), "a"(lo), "d"(0) : "memory");
}

INLINE void port_read(bool real, uint16_t port)
{
	if (real)
		asm volatile("inb %%dx, %%al" : : "d"(port) : "rax");
	else
		asm volatile("" : : "d"(port) : "rax");
}

#define LOOP(stmt)                                                                                 \
	({                                                                                         \
		uint64_t start_ = rdtsc();                                                         \
		for (uint32_t i_ = 0; i_ < rounds; i_++) {                                         \
			stmt;                                                                      \
		}                                                                                  \
		rdtsc() - start_;                                                                  \
	})

/* x is true in the loop that counts and false in the loop that is taken off. */
#define MEASURE(name, stmt)                                                                        \
	do {                                                                                       \
		uint64_t with_, without_;                                                          \
		{                                                                                  \
			enum {                                                                     \
				x = false                                                          \
			};                                                                         \
			without_ = LOOP(stmt);                                                     \
		}                                                                                  \
		{                                                                                  \
			enum {                                                                     \
				x = true                                                           \
			};                                                                         \
			LOOP(stmt);                                                                \
			with_ = LOOP(stmt);                                                        \
		}                                                                                  \
		print("bench: %s %lu\n", name, (with_ - without_ + rounds / 2) / rounds);          \
	} while (0)

/* As small as a handler can be: its nine instructions are in the figure. */
extern const char bench_handler[];
asm(".globl bench_handler\n"
    "bench_handler:\n\t"
    "push %rax\n\t"
    "push %rcx\n\t"
    "push %rdx\n\t"
    "mov $0x80b, %ecx\n\t"
    "xor %eax, %eax\n\t"
    "xor %edx, %edx\n\t"
    "wrmsr\n\t"
    "pop %rdx\n\t"
    "pop %rcx\n\t"
    "pop %rax\n\t"
    "iretq");

/* Take back what a send leaves, so that the next one is a fresh one. */
INLINE void forget_event(evtchn_port_t port)
{
	volatile struct vcpu_info *vi = &xen_shared->vcpu_info[0];
	volatile xen_ulong_t *word = &xen_shared->evtchn_pending[port / 64];

	*word = 0;
	vi->evtchn_pending_sel = 0;
	vi->evtchn_upcall_pending = 0;
}

/* Grants to oneself: a mapping made and ended again, and a copy of a small packet. */
static void bench_grants(void)
{
	uint64_t base = (8ul << 30) / PAGE_SIZE;
	grant_entry_v1_t *table = page_window(0);
	struct gnttab_map_grant_ref map = { .host_addr = base * PAGE_SIZE,
		                            .flags = GNTMAP_host_map,
		                            .ref = 8 };
	struct gnttab_unmap_grant_ref unmap = { .host_addr = map.host_addr };
	struct gnttab_copy copy = { .flags = GNTCOPY_source_gref, .len = 64 };
	uint8_t *from = page_alloc(), *to = page_alloc();

	page_map(table, (base + 1) * PAGE_SIZE, PG_KERNEL);
	EXPECT_EQ(xen_add_to_physmap(XENMAPSPACE_grant_table, 0, base + 1), 0);
	table[8].frame = (uint32_t)((uint64_t)from / PAGE_SIZE);
	table[8].flags = GTF_permit_access;
	copy.source.u.ref = 8;
	copy.dest.u.gmfn = (uint64_t)to / PAGE_SIZE;
	copy.dest.domid = DOMID_SELF;
	MEASURE("grant_map_unmap", grant_op(x, GNTTABOP_map_grant_ref, &map);
	        unmap.handle = map.handle; grant_op(x, GNTTABOP_unmap_grant_ref, &unmap));
	EXPECT_EQ(map.status, GNTST_okay);
	EXPECT_EQ(unmap.status, GNTST_okay);
	MEASURE("grant_copy", grant_op(x, GNTTABOP_copy, &copy));
	EXPECT_EQ(copy.status, GNTST_okay);
}

/* --- waking up ----------------------------------------------------------------- */

#define SPINNERS 3

static volatile evtchn_port_t guest_port;
static volatile uint64_t guest_woke, guest_naps, guest_worst; /* of a guest */

static void sleep_for(uint64_t ns)
{
	uint64_t until = time_now() + ns;
	struct sched_poll op = { .timeout = until };

	while (time_now() < until)
		xen_sched(SCHEDOP_poll, &op);
}

static void spin(uint64_t arg)
{
	for (;;)
		;
}

/* Asleep until somebody calls. */
static void listen(uint64_t arg)
{
	struct sched_poll op = { .nr_ports = 1 };
	evtchn_port_t port;

	xen_map_shared();
	EXPECT_EQ(xen_alloc_unbound(DOMID_SELF, 0, &port), 0);
	set_xen_guest_handle_raw(op.ports, &port);
	xen_mask(port, true);
	guest_port = port;
	for (;;) {
		while (!xen_pending(port))
			xen_sched(SCHEDOP_poll, &op);
		guest_woke = rdtsc();
		xen_clear(port);
	}
}

static void doze(uint64_t arg)
{
	uint64_t at, late;

	xen_map_shared();
	for (;;) {
		at = time_now() + 3 * NS_PER_MS;
		sleep_for(3 * NS_PER_MS);
		late = time_now() - at;
		guest_worst = late > guest_worst ? late : guest_worst;
		guest_naps++;
	}
}

/* From the send to what the guest does next; the sender goes to sleep in between. */
static void bench_event(void)
{
	domid_t id = domu_run(listen, 0, 1);
	evtchn_port_t theirs = 0, ours;
	uint64_t sent, woke = 0, sum = 0;

	while (!theirs) {
		sleep_for(NS_PER_MS);
		domu_read(id, &guest_port, &theirs, sizeof(theirs));
	}
	EXPECT_EQ(xen_bind_interdomain(id, theirs, &ours), 0);
	forget_event(ours); /* it begins pending, and then nobody sleeps */
	for (unsigned int i = 0; i < 100; i++) {
		sleep_for(NS_PER_MS / 10);
		sent = rdtsc();
		EXPECT_EQ(xen_send(ours), 0);
		sleep_for(NS_PER_MS / 10);
		domu_read(id, &guest_woke, &woke, sizeof(woke));
		EXPECT(woke > sent);
		sum += woke - sent;
	}
	print("bench: wakeup_event %lu\n", sum / 100);
	EXPECT_EQ(domu_destroy(id), 0);
}

/* How late a guest that works little is at worst, when others never stop. */
static void bench_latency(void)
{
	domid_t id[SPINNERS + 1];
	uint64_t naps = 0, worst = 0;

	for (unsigned int i = 0; i < SPINNERS; i++)
		id[i] = domu_run(spin, 0, 1);
	id[SPINNERS] = domu_run(doze, 0, 1);
	while (naps < 100) {
		sleep_for(20 * NS_PER_MS);
		domu_read(id[SPINNERS], &guest_naps, &naps, sizeof(naps));
	}
	domu_read(id[SPINNERS], &guest_worst, &worst, sizeof(worst));
	print("bench: wakeup_latency %lu\n", worst);
	for (unsigned int i = 0; i <= SPINNERS; i++)
		EXPECT_EQ(domu_destroy(id[i]), 0);
}

void test_main(void)
{
	struct evtchn_status st = { .dom = DOMID_SELF };
	struct evtchn_send send;
	evtchn_port_t port;

	rounds = (uint32_t)guest_option("rounds=", 1000);
	xen_events_on();
	EXPECT_EQ(xen_bind_ipi(0, &port), 0);
	st.port = send.port = port;
	trap_gate(VECTOR, bench_handler);
	irq_disable();
	MEASURE("hypercall_unknown", call(x, 1000, 0, 0));
	MEASURE("hypercall_xen_version", call(x, __HYPERVISOR_xen_version, XENVER_version, 0));
	MEASURE("cpuid", leaf(x, 0x40000001));
	MEASURE("rdmsr_apic_base", msr_read(x, 0x1b));
	MEASURE("port_read", port_read(x, 0x20));
	MEASURE("event_send", forget_event(port);
	        call(x, __HYPERVISOR_event_channel_op, EVTCHNOP_send, (unsigned long)&send));
	EXPECT(xen_pending(port));
	MEASURE("hypercall_copy",
	        call(x, __HYPERVISOR_event_channel_op, EVTCHNOP_status, (unsigned long)&st));
	EXPECT_EQ(st.status, EVTCHNSTAT_ipi);
	forget_event(port);
	bench_grants();
	irq_enable();
	MEASURE("self_ipi", msr_write(x, 0x83f, VECTOR));
	irq_disable();
	bench_event();
	bench_latency();
}
