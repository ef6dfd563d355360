/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * multicall: each entry gets its own result, errors of one do not stop the next.
 *
 * Sources: xen/xen.h (struct multicall_entry); Xen's common/multicall.c: 0, or
 * EFAULT when the list cannot be read or written; a multicall within a
 * multicall is refused entry by entry. The stock tools wrap every memory_op.
 *
 * run: smp=1
 */
#include "lib/guest.h"

static long multicall(void *list, unsigned int n)
{
	return hcall2(__HYPERVISOR_multicall, list, n);
}

static void test_results(void)
{
	struct xen_feature_info fi = { 0 };
	domid_t self = DOMID_SELF;
	struct multicall_entry m[] = {
		{ .op = __HYPERVISOR_xen_version, .args = { XENVER_version, 0 } },
		{ .op = 1000 },
		{ .op = __HYPERVISOR_xen_version,
		  .args = { XENVER_get_features, (unsigned long)&fi } },
		{ .op = __HYPERVISOR_xen_version, .args = { XENVER_get_features, 0x800000000000 } },
		{ .op = __HYPERVISOR_memory_op,
		  .args = { XENMEM_maximum_gpfn, (unsigned long)&self } },
		{ .op = __HYPERVISOR_event_channel_op,
		  .args = { EVTCHNOP_send, (unsigned long)&fi } },
		{ .op = __HYPERVISOR_sched_op, .args = { SCHEDOP_yield, 0 } },
		{ .op = ~0ul },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_LEN(m); i++)
		m[i].result = 0x5a5a5a5a;
	EXPECT_EQ(multicall(m, ARRAY_LEN(m)), 0);
	EXPECT_EQ(m[0].result, 4 << 16 | 17);
	EXPECT_EQ(m[1].result, -XEN_ENOSYS);
	EXPECT_EQ(m[2].result, 0);
	EXPECT(fi.submap);
	EXPECT_EQ(m[3].result, -XEN_EFAULT);
	EXPECT((long)m[4].result > 0);
	EXPECT_EQ(m[5].result, -XEN_EINVAL);
	EXPECT_EQ(m[6].result, 0);
	EXPECT_EQ(m[7].result, -XEN_ENOSYS);
	EXPECT_EQ(multicall(m, 0), 0);
}

static void test_nested(void)
{
	struct multicall_entry inner = { .op = __HYPERVISOR_xen_version, .result = 1 };
	struct multicall_entry outer = {
		.op = __HYPERVISOR_multicall,
		.args = { (unsigned long)&inner, 1 },
	};
	long rc;

	/* Refused, or done one level deep; without end it must not go. */
	rc = multicall(&outer, 1);
	EXPECT(rc == 0);
	EXPECT((long)outer.result < 0 || inner.result == (4 << 16 | 17));
	outer.args[0] = (unsigned long)&outer;
	rc = multicall(&outer, 1);
	EXPECT(rc == 0);
}

static void test_pointers(void)
{
	struct multicall_entry *list = page_alloc();
	uint8_t *second = page_alloc(), *va = page_window(0);
	unsigned int i, n = PAGE_SIZE / sizeof(*list);

	EXPECT_EQ(multicall((void *)0x800000000000, 1), -XEN_EFAULT);
	EXPECT_EQ(multicall(va, 1), -XEN_EFAULT);
	for (i = 0; i < n; i++)
		list[i] = (struct multicall_entry){ .op = __HYPERVISOR_xen_version, .result = 7 };
	/* The list runs off the mapped page: what came before has its results. */
	page_map(va, (uint64_t)list, PG_KERNEL);
	EXPECT_EQ(multicall(va, n + 1), -XEN_EFAULT);
	EXPECT_EQ(list[0].result, 4 << 16 | 17);
	EXPECT_EQ(list[n - 1].result, 4 << 16 | 17);
	/* Results cannot be written. */
	page_map(va, (uint64_t)list, PG_P);
	list[0].result = 7;
	EXPECT_EQ(multicall(va, 1), -XEN_EFAULT);
	EXPECT_EQ(list[0].result, 7);
	/* An entry across two frames. */
	page_map(va, (uint64_t)second, PG_KERNEL);
	page_map(va + PAGE_SIZE, (uint64_t)list, PG_KERNEL);
	*(struct multicall_entry *)(va + PAGE_SIZE - 24) =
		(struct multicall_entry){ .op = __HYPERVISOR_xen_version, .result = 7 };
	EXPECT_EQ(multicall(va + PAGE_SIZE - 24, 1), 0);
	EXPECT_EQ(((struct multicall_entry *)(va + PAGE_SIZE - 24))->result, 4 << 16 | 17);
	EXPECT_EQ(multicall((void *)0xffffffffffffff00ul, 100), -XEN_EFAULT);
	EXPECT_EQ(multicall((void *)0x7fffffffffc0ul, 2), -XEN_EFAULT);
}

/* A long one does not hold the machine up, and comes to its end. */
static void test_long(void)
{
	static struct multicall_entry list[5000];
	unsigned int i, bad = 0;

	for (i = 0; i < ARRAY_LEN(list); i++)
		list[i] = (struct multicall_entry){ .op = __HYPERVISOR_xen_version, .result = 7 };
	EXPECT_EQ(multicall(list, ARRAY_LEN(list)), 0);
	for (i = 0; i < ARRAY_LEN(list); i++)
		bad += list[i].result != (4 << 16 | 17);
	EXPECT_EQ(bad, 0);
}

/* What an entry has made pending comes before the one behind much work. */
#define VECTOR_TURN 0x51
#define FRAMES      32

static struct multicall_entry turn[3];
static volatile uint64_t seen;

static void look(struct frame *f)
{
	(void)f;
	seen = turn[2].result;
	xen_vcpu_info(0)->evtchn_upcall_pending = 0;
	apic_write(APIC_EOI, 0);
}

static void test_turns(void)
{
	struct xen_hvm_evtchn_upcall_vector vector = { .vcpu = 0, .vector = VECTOR_TURN };
	struct xen_memory_reservation frames = { .nr_extents = FRAMES, .domid = DOMID_SELF };
	xen_pfn_t list[FRAMES];
	struct evtchn_send send;

	xen_map_shared();
	trap_set(VECTOR_TURN, look);
	EXPECT_EQ(xen_hvm(HVMOP_set_evtchn_upcall_vector, &vector), 0);
	EXPECT_EQ(xen_bind_ipi(0, &send.port), 0);
	for (unsigned int i = 0; i < FRAMES; i++)
		list[i] = (uint64_t)page_alloc() / PAGE_SIZE;
	set_xen_guest_handle(frames.extent_start, list);
	turn[0] = (struct multicall_entry){ .op = __HYPERVISOR_event_channel_op,
		                            .args = { EVTCHNOP_send, (unsigned long)&send } };
	turn[1] = (struct multicall_entry){
		.op = __HYPERVISOR_memory_op,
		.args = { XENMEM_decrease_reservation, (unsigned long)&frames },
	};
	turn[2] = (struct multicall_entry){ .op = __HYPERVISOR_xen_version, .result = 7 };
	irq_enable();
	EXPECT_EQ(multicall(turn, ARRAY_LEN(turn)), 0);
	irq_disable();
	EXPECT_EQ(turn[0].result, 0);
	EXPECT_EQ(turn[1].result, FRAMES);
	EXPECT_EQ(turn[2].result, 4 << 16 | 17);
	EXPECT_EQ(seen, 7);
	EXPECT_EQ(xen_memory(XENMEM_populate_physmap, &frames), FRAMES);
}

void test_main(void)
{
	test_results();
	test_nested();
	test_pointers();
	test_long();
	test_turns();
}
