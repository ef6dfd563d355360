/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * memory_op against a model, for the control domain (frames are parked and come back as the same)
 * and for a guest (frames are given back and come from the allocator), on real nested tables and a
 * real allocator.
 *
 * files: hypervisor/core/memory.c hypervisor/core/grant.c hypervisor/core/page.c
 * files: hypervisor/core/heap.c hypervisor/arch/x86/virt/p2m.c hypervisor/arch/x86/paging.c
 */
#include "memory_domains.h"

#define SPAN 0x900 /* gfns that the model follows, from OWN_FIRST on */

/* --- the model
 * ------------------------------------------------------------------------------------ */

enum {
	M_NONE,
	M_RAM,
	M_SHARED,
	M_GRANT /* + index */
};
static u32 m[2][SPAN];
static u64 m_pages; /* of the guest */

static bool own(u32 d, u64 g)
{
	return !d && g < OWN_END;
}

static u32 *at(u32 d, u64 g)
{
	return &m[d][g - OWN_FIRST];
}

/* What is left where something is taken away. */
static s64 m_remove(u32 d, u64 g)
{
	u32 *p = at(d, g);

	if (*p == M_NONE)
		return -ENOENT;
	if (*p != M_RAM && own(d, g))
		*p = M_RAM; /* the parked frame below */
	else
		*p = M_NONE;
	return 0;
}

static void m_add(u32 d, u32 what, u64 g)
{
	if (*at(d, g) == what)
		return;
	for (u64 n = OWN_FIRST; n < OWN_FIRST + SPAN; n++)
		if (*at(d, n) == what)
			m_remove(d, n);
	m_pages -= d && *at(d, g) == M_RAM;
	*at(d, g) = what;
}

static void compare_gfn(u32 d, u64 g)
{
	enum p2m_type type;
	mfn_t got = p2m_lookup(&dom[d], gfn(g), &type);
	u32 want = *at(d, g);
	const struct page *pg;

	if (want == M_RAM) {
		CHECK_EQ(type, P2M_RAM);
		CHECK(d ? mfn_x(got) >= 0x1000 : mfn_x(got) == g);
		pg = mfn_to_page(got);
		CHECK(pg->state == PAGE_DOMAIN && pg->owner == d && !(pg->flags & PAGE_PARKED));
		if (!d)
			CHECK_EQ(*(u64 *)mfn_to_virt(got), g);
	} else if (want == M_NONE) {
		CHECK_EQ(type, P2M_NONE);
	} else {
		CHECK_EQ(type, P2M_SHARED);
		CHECK_EQ(mfn_x(got), mfn_x(want == M_SHARED ? dom[d].shared_mfn
		                                            : dom[d].grant.frame[want - M_GRANT]));
		CHECK_EQ(gfn_x(want == M_SHARED ? dom[d].shared_gfn
		                                : dom[d].grant.gfn[want - M_GRANT]),
		         g);
	}
	if (own(d, g) && want != M_RAM) {
		pg = &page_table[g];
		CHECK(pg->state == PAGE_DOMAIN && !pg->owner && (pg->flags & PAGE_PARKED));
	}
}

static void compare(void)
{
	for (u32 d = 0; d < 2; d++)
		for (u64 g = OWN_FIRST; g < OWN_FIRST + SPAN; g++)
			compare_gfn(d, g);
	CHECK_EQ(dom[1].tot_pages, m_pages);
	CHECK_EQ(dom[0].tot_pages, OWN_END - OWN_FIRST);
	CHECK_EQ(refs(0), 1);
	CHECK_EQ(refs(1), 1);
}

/* --- operations
 * ------------------------------------------------------------------------------------- */

static u64 any_gfn(void)
{
	/* Few enough that they meet, some in each part. */
	return unit_below(2) ? OWN_FIRST + 0x6f0 + unit_below(0x40) : OWN_FIRST + unit_below(SPAN);
}

static u32 caller(u32 target, domid_t *id)
{
	bool self = unit_below(2);

	*id = self ? DOMID_SELF : (domid_t)target;
	return self ? target : 0;
}

static s64 m_extent(u32 d, u64 op, u64 g, u32 order)
{
	for (u64 i = 0; i < BIT(order); i++, g++) {
		if (op == XENMEM_decrease_reservation) {
			bool ram = *at(d, g) == M_RAM;

			if (m_remove(d, g))
				return -1;
			m_pages -= d && ram;
		} else if (!d) {
			if (!own(d, g) || *at(d, g) == M_RAM)
				return -1;
			*at(d, g) = M_RAM;
		} else if (!order) {
			if (m_pages == GUEST_MAX)
				return -1;
			m_pages += *at(d, g) != M_RAM; /* the old frame goes */
			*at(d, g) = M_RAM;
		}
	}
	return 0;
}

/* A guest's large extent: all or nothing. */
static s64 m_large(u32 d, u64 g, u32 order)
{
	if (m_pages + BIT(order) > GUEST_MAX)
		return -1;
	for (u64 i = 0; i < BIT(order); i++)
		if (*at(d, g + i))
			return -1;
	for (u64 i = 0; i < BIT(order); i++)
		*at(d, g + i) = M_RAM;
	m_pages += BIT(order);
	return 0;
}

static void try_reservation(u32 d)
{
	u64 op = unit_below(2) ? XENMEM_decrease_reservation : XENMEM_populate_physmap;
	u32 order = unit_below(3) ? 0 : (u32)unit_below(5), rounds, n = (u32)unit_below(80), i;
	struct xen_memory_reservation r = { .nr_extents = n, .extent_order = order };
	u64 list[80];
	u32 from = caller(d, &r.domid);
	s64 rc;

	for (i = 0; i < n; i++) {
		list[i] = any_gfn() & ~(BIT(order) - 1);
		if (list[i] < OWN_FIRST || list[i] + BIT(order) > OWN_FIRST + SPAN)
			list[i] = OWN_FIRST;
	}
	set_xen_guest_handle(r.extent_start, list);
	/* A frame of the guest that is replaced needs one more for a moment: stay away from the
	 * edge. */
	if (d && op == XENMEM_populate_physmap && m_pages + 100 > GUEST_MAX)
		return;
	rc = call(from, op,
	          op == XENMEM_populate_physmap ? do_memory_populate_physmap
	                                        : do_memory_decrease_reservation,
	          &r, &rounds);
	for (i = 0; i < n; i++)
		if (d && op == XENMEM_populate_physmap && order ? m_large(d, list[i], order)
		                                                : m_extent(d, op, list[i], order))
			break;
	CHECK_EQ(rc, i);
	CHECK(rounds <= n / 2);
	CHECK(rounds || i << order <= HYPERCALL_BATCH + (1U << order)); /* others come in between */
}

static void try_add(u32 d)
{
	u32 idx = (u32)unit_below(6), rounds;
	struct xen_add_to_physmap a = {
		.space = unit_below(3) ? XENMAPSPACE_grant_table : XENMAPSPACE_shared_info,
		.gpfn = any_gfn(),
	};
	u32 from = caller(d, &a.domid);
	bool shared = a.space == XENMAPSPACE_shared_info;

	a.idx = shared ? 0 : idx;
	CHECK_EQ(call(from, XENMEM_add_to_physmap, do_memory_add_to_physmap, &a, &rounds), 0);
	m_add(d, shared ? M_SHARED : M_GRANT + idx, a.gpfn);
}

static void try_batch(u32 d)
{
	struct xen_add_to_physmap_batch b = { .space = XENMAPSPACE_grant_table,
		                              .size = (u16)unit_below(50) };
	u64 idxs[50], gpfns[50];
	int errs[50];
	u32 rounds, from = caller(d, &b.domid);

	for (u32 i = 0; i < b.size; i++) {
		idxs[i] = unit_below(8) ? unit_below(6) : GRANT_FRAMES_MAX + unit_below(10);
		gpfns[i] = any_gfn();
		errs[i] = 99;
	}
	set_xen_guest_handle(b.idxs, idxs);
	set_xen_guest_handle(b.gpfns, gpfns);
	set_xen_guest_handle(b.errs, errs);
	CHECK_EQ(call(from, XENMEM_add_to_physmap_batch, do_memory_add_to_physmap_batch, &b,
	              &rounds),
	         0);
	for (u32 i = 0; i < b.size; i++) {
		CHECK_EQ(errs[i], idxs[i] < GRANT_FRAMES_MAX ? 0 : -EINVAL);
		if (!errs[i])
			m_add(d, M_GRANT + (u32)idxs[i], gpfns[i]);
	}
}

static void try_remove(u32 d)
{
	struct xen_remove_from_physmap r = { .gpfn = any_gfn() };
	u32 rounds, from = caller(d, &r.domid);
	bool ram = *at(d, r.gpfn) == M_RAM;
	s64 want = m_remove(d, r.gpfn);

	vcpu[d].flush_pending = 0;
	CHECK_EQ(call(from, XENMEM_remove_from_physmap, do_memory_remove_from_physmap, &r, &rounds),
	         want);
	CHECK_EQ(vcpu[d].flush_pending, !want); /* before the frame was given away */
	m_pages -= !want && d && ram;
}

static void test_model(void)
{
	static void (*const tries[])(u32 d) = { try_reservation, try_reservation, try_add,
		                                try_batch,       try_remove,      try_remove };
	u64 free;

	for (u64 g = OWN_FIRST; g < OWN_END; g++)
		*at(0, g) = M_RAM;
	for (u32 i = 0; i < 6; i++)
		REQUIRE(mfn_valid_box(grant_frame(&dom[0], i)) &&
		        mfn_valid_box(grant_frame(&dom[1], i)));
	compare();
	for (u32 i = 0; i < 4000; i++) {
		tries[unit_below(ARRAY_SIZE(tries))]((u32)unit_below(2));
		if (i % 50 == 0)
			compare();
	}
	compare();
	CHECK_EQ(page_check(), 0);

	/* All that the guest gives up is free again. */
	free = page_free_count() + m_pages;
	for (u64 g = OWN_FIRST; g < OWN_FIRST + SPAN; g++) {
		struct xen_remove_from_physmap r = { .domid = 1, .gpfn = g };
		u32 rounds;

		call(0, XENMEM_remove_from_physmap, do_memory_remove_from_physmap, &r, &rounds);
	}
	CHECK_EQ(dom[1].tot_pages, 0);
	CHECK_EQ(page_free_count(), free);
	CHECK_EQ(page_check(), 0);
}

/* --- what is wrong
 * ------------------------------------------------------------------------------------ */

static s64 reserve(u32 d, u64 op, void *list, u64 n, u32 order, domid_t id)
{
	struct xen_memory_reservation r = { .nr_extents = n, .extent_order = order, .domid = id };
	u32 rounds;

	set_xen_guest_handle(r.extent_start, (xen_pfn_t *)list);
	return call(d, op,
	            op == XENMEM_populate_physmap ? do_memory_populate_physmap
	                                          : do_memory_decrease_reservation,
	            &r, &rounds);
}

static void test_errors(void)
{
	struct hypercall c = { .v = &vcpu[0],
		               .d = &dom[0],
		               .a = { XENMEM_decrease_reservation | 7 << 6 } };
	struct xen_memory_reservation r = { .nr_extents = 5, .domid = DOMID_SELF };
	struct xen_add_to_physmap a = { .domid = DOMID_SELF, .space = XENMAPSPACE_grant_table };
	struct xen_remove_from_physmap rm = { .domid = DOMID_SELF };
	u64 list[3] = { OWN_FIRST + 1, OWN_FIRST + 2, OWN_FIRST + 3 };
	enum p2m_type type;
	u32 rounds;

	for (u64 op = XENMEM_decrease_reservation; op; op = op == 1 ? XENMEM_populate_physmap : 0) {
		CHECK_EQ(reserve(0, op, list, 3, 0, 9), -ESRCH);
		CHECK_EQ(reserve(1, op, list, 3, 0, 0), -EPERM);
		CHECK_EQ(reserve(0, op, hole, 3, 0, DOMID_SELF), 0);
		CHECK_EQ(reserve(0, op, list, 3, 1, DOMID_SELF), 0); /* not aligned */
		CHECK_EQ(reserve(0, op, list, 3, 10, DOMID_SELF), 0);
		CHECK_EQ(reserve(0, op, list, 3, 64, DOMID_SELF), 0);
		CHECK_EQ(reserve(0, op, list, ~0ULL, 0, DOMID_SELF), 0);
		CHECK_EQ(reserve(0, op, list, 1ULL << 26, 0, DOMID_SELF), 0);
		CHECK_EQ(reserve(0, op, (u64[]){ ~0ULL, 1ULL << 28 }, 2, 0, DOMID_SELF), 0);
	}
	/* More done than there is to do: as Xen, what the caller said. */
	CHECK_EQ(do_memory_decrease_reservation(&c, &r), 7);
	CHECK(!c.restart);
	p2m_lookup(&dom[0], gfn(OWN_FIRST + 1), &type);
	CHECK_EQ(type, P2M_RAM);

	a.idx = GRANT_FRAMES_MAX;
	CHECK_EQ(call(0, 7, do_memory_add_to_physmap, &a, &rounds), -EINVAL);
	a.idx = ~0ULL;
	CHECK_EQ(call(0, 7, do_memory_add_to_physmap, &a, &rounds), -EINVAL);
	a.idx = 1ULL << 32;
	CHECK_EQ(call(0, 7, do_memory_add_to_physmap, &a, &rounds), -EINVAL);
	a.idx = 0;
	a.gpfn = 1ULL << 28;
	CHECK_EQ(call(0, 7, do_memory_add_to_physmap, &a, &rounds), -EINVAL);
	a.gpfn = ~0ULL;
	CHECK_EQ(call(0, 7, do_memory_add_to_physmap, &a, &rounds), -EINVAL);
	a.gpfn = OWN_FIRST;
	a.space = XENMAPSPACE_gmfn_foreign;
	CHECK_EQ(call(0, 7, do_memory_add_to_physmap, &a, &rounds), -ENOSYS);
	a.space = 99;
	CHECK_EQ(call(0, 7, do_memory_add_to_physmap, &a, &rounds), -EINVAL);
	a.space = XENMAPSPACE_shared_info;
	a.idx = 1;
	CHECK_EQ(call(0, 7, do_memory_add_to_physmap, &a, &rounds), -EINVAL);
	rm.gpfn = ~0ULL;
	CHECK_EQ(call(0, 15, do_memory_remove_from_physmap, &rm, &rounds), -ENOENT);

	/* A granted frame is taken away by its unmap only; a device is no RAM. */
	spin_lock(&dom[0].p2m.lock);
	CHECK_EQ(p2m_set(&dom[0], gfn(0x1000), mfn(0x900), 0, P2M_GRANT_RW), 0);
	CHECK_EQ(p2m_set(&dom[0], gfn(0x1001), mfn(0x1001), 0, P2M_MMIO), 0);
	spin_unlock(&dom[0].p2m.lock);
	rm.gpfn = a.gpfn = 0x1000;
	a.idx = 0;
	CHECK_EQ(call(0, 15, do_memory_remove_from_physmap, &rm, &rounds), -EINVAL);
	CHECK_EQ(call(0, 7, do_memory_add_to_physmap, &a, &rounds), -EINVAL);
	rm.gpfn = 0x1001;
	CHECK_EQ(call(0, 15, do_memory_remove_from_physmap, &rm, &rounds), -ENOENT);
	a.gpfn = 0x1001; /* scratch space that was touched before it was used */
	CHECK_EQ(call(0, 7, do_memory_add_to_physmap, &a, &rounds), 0);
}

static void test_questions(void)
{
	xen_pod_target_t pod = { .tot_pages = 1, .pod_cache_pages = 2, .pod_entries = 3 };
	static struct e820_entry map[3] = { { 1, 2, 3 }, { 4, 5, 6 }, { 7, 8, 9 } };
	struct e820_entry out[4];
	struct xen_memory_map mm = { .nr_entries = 4 };
	domid_t id = DOMID_SELF;
	u32 rounds;

	CHECK_EQ(call(0, 4, do_memory_maximum_reservation, &id, &rounds), OWN_END);
	CHECK_EQ(call(0, 3, do_memory_current_reservation, &id, &rounds), OWN_END - OWN_FIRST);
	CHECK_EQ(call(0, 2, do_memory_maximum_ram_page, NULL, &rounds), page_max - 1);
	CHECK(call(0, 14, do_memory_maximum_gpfn, &id, &rounds) >= 0x1001);
	id = 0;
	CHECK_EQ(call(1, 14, do_memory_maximum_gpfn, &id, &rounds), -EPERM);
	id = 7;
	CHECK_EQ(call(1, 3, do_memory_current_reservation, &id, &rounds), -ESRCH);

	set_xen_guest_handle(mm.buffer, (void *)out);
	CHECK_EQ(call(0, 9, do_memory_memory_map, &mm, &rounds), -ENOSYS);
	dom[0].e820 = map;
	dom[0].e820_count = 3;
	CHECK_EQ(call(0, 9, do_memory_memory_map, &mm, &rounds), 0);
	CHECK_EQ(mm.nr_entries, 3);
	CHECK(!memcmp(out, map, sizeof(map)));
	memset(out, 0, sizeof(out));
	mm.nr_entries = 2;
	CHECK_EQ(call(0, 9, do_memory_memory_map, &mm, &rounds), 0);
	CHECK(mm.nr_entries == 2 && !memcmp(out, map, 2 * sizeof(map[0])) && !out[2].addr);
	set_xen_guest_handle(mm.buffer, (void *)hole);
	CHECK_EQ(call(0, 9, do_memory_memory_map, &mm, &rounds), -EFAULT);
	/* Nothing is populated on demand, whatever the target. */
	CHECK_EQ(call(0, 16, do_memory_set_pod_target, &pod, &rounds), 0);
	CHECK_EQ(pod.tot_pages, OWN_END - OWN_FIRST);
	CHECK_EQ(pod.pod_cache_pages | pod.pod_entries, 0);
	pod.domid = 77;
	CHECK_EQ(call(0, 16, do_memory_set_pod_target, &pod, &rounds), -ESRCH);
}

void unit_main(void)
{
	set_up();
	test_errors();
	test_questions();
	test_model();
	free(page_table);
}
