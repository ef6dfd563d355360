/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Frames of other domains in the control domain's address space: foreign mappings and the frames
 * of grant tables. Each holds a reference, and only that.
 *
 * files: hypervisor/core/memory.c hypervisor/core/grant.c hypervisor/core/page.c
 * files: hypervisor/core/heap.c hypervisor/arch/x86/virt/p2m.c hypervisor/arch/x86/paging.c
 */
#include "memory_domains.h"

#define SCRATCH   0x2000
#define GUEST_RAM 100

static mfn_t at(u32 d, u64 g, enum p2m_type *type)
{
	return p2m_lookup(&dom[d], gfn(g), type);
}

static u32 type_at(u32 d, u64 g)
{
	enum p2m_type type;

	at(d, g, &type);
	return type;
}

static u32 count_at(u32 d, u64 g)
{
	enum p2m_type type;

	return mfn_to_page(at(d, g, &type))->count;
}

static void fill_guest(u32 d)
{
	for (u64 g = 0; g < GUEST_RAM; g++) {
		mfn_t m = page_alloc_domain(&dom[d], 0);

		spin_lock(&dom[d].p2m.lock);
		REQUIRE(!p2m_set(&dom[d], gfn(g), m, 0, P2M_RAM));
		spin_unlock(&dom[d].p2m.lock);
	}
}

static u64 idxs[GUEST_RAM], gpfns[GUEST_RAM];
static int errs[GUEST_RAM];

static s64 map_foreign(u32 by, domid_t target, domid_t from, u16 n)
{
	struct xen_add_to_physmap_batch b = { .domid = target,
		                              .space = XENMAPSPACE_gmfn_foreign,
		                              .size = n,
		                              .u.foreign_domid = from };
	u32 rounds;

	memset(errs, 99, sizeof(errs));
	set_xen_guest_handle(b.idxs, idxs);
	set_xen_guest_handle(b.gpfns, gpfns);
	set_xen_guest_handle(b.errs, errs);
	return call(by, XENMEM_add_to_physmap_batch, do_memory_add_to_physmap_batch, &b, &rounds);
}

static int map_one(u64 idx, u64 g)
{
	idxs[0] = idx;
	gpfns[0] = g;
	CHECK_EQ(map_foreign(0, DOMID_SELF, 1, 1), 0);
	return errs[0];
}

static s64 remove_at(u32 d, u64 g)
{
	struct xen_remove_from_physmap r = { .domid = DOMID_SELF, .gpfn = g };
	u32 rounds;

	return call(d, XENMEM_remove_from_physmap, do_memory_remove_from_physmap, &r, &rounds);
}

static void test_foreign(void)
{
	enum p2m_type type;
	mfn_t m;

	for (u32 i = 0; i < GUEST_RAM; i++) {
		idxs[i] = GUEST_RAM - 1 - i;
		gpfns[i] = SCRATCH + i;
	}
	CHECK_EQ(map_foreign(0, DOMID_SELF, 1, GUEST_RAM), 0);
	for (u32 i = 0; i < GUEST_RAM; i++) {
		CHECK_EQ(errs[i], 0);
		m = at(0, SCRATCH + i, &type);
		CHECK_EQ(type, P2M_FOREIGN);
		CHECK_EQ(mfn_x(m), mfn_x(at(1, GUEST_RAM - 1 - i, &type)));
		CHECK_EQ(mfn_to_page(m)->count, 2);
	}
	CHECK_EQ(p2m_count_foreign(&dom[0], 1), GUEST_RAM);
	/* Another one in its place; the same one twice. */
	CHECK_EQ(map_one(5, SCRATCH), 0);
	CHECK_EQ(count_at(1, 99), 1);
	CHECK_EQ(count_at(1, 5), 3);
	/* What the guest gives up stays for who has it mapped. */
	m = at(1, 5, &type);
	CHECK_EQ(remove_at(1, 5), 0);
	CHECK_EQ(dom[1].tot_pages, GUEST_RAM);
	CHECK_EQ(mfn_to_page(m)->state, PAGE_DOMAIN);
	CHECK_EQ(remove_at(0, SCRATCH), 0);
	CHECK_EQ(mfn_to_page(m)->state, PAGE_DOMAIN);
	CHECK_EQ(remove_at(0, SCRATCH + 94), 0);
	CHECK_EQ(mfn_to_page(m)->state, PAGE_FREE);
	CHECK_EQ(dom[1].tot_pages, GUEST_RAM - 1);
	for (u32 i = 1; i < GUEST_RAM; i++)
		if (i != 94)
			CHECK_EQ(remove_at(0, SCRATCH + i), 0);
	CHECK_EQ(p2m_count_foreign(&dom[0], 1), 0);

	/* Over the control domain's own RAM: it comes back. */
	CHECK_EQ(map_one(6, OWN_FIRST + 1), 0);
	CHECK(mfn_to_page(mfn(OWN_FIRST + 1))->flags & PAGE_PARKED);
	CHECK_EQ(remove_at(0, OWN_FIRST + 1), 0);
	CHECK_EQ(type_at(0, OWN_FIRST + 1), P2M_RAM);
	CHECK_EQ(count_at(1, 6), 1);
	CHECK_EQ(page_check(), 0);
}

static void test_foreign_refusals(void)
{
	enum p2m_type type;
	mfn_t m = at(1, 7, &type);

	CHECK_EQ(map_one(GUEST_RAM, SCRATCH), -EINVAL); /* a hole */
	CHECK_EQ(map_one(~0ULL, SCRATCH), -EINVAL);
	CHECK_EQ(map_one(6, 1ULL << 28), -EINVAL); /* no address */
	CHECK_EQ(count_at(1, 6), 1);
	spin_lock(&dom[1].p2m.lock);
	/* Neither foreign frames nor the hypervisor's are lent on. */
	REQUIRE(page_get(m, NULL));
	CHECK_EQ(p2m_set(&dom[1], gfn(200), m, 0, P2M_FOREIGN), 0);
	CHECK_EQ(p2m_set(&dom[1], gfn(201), dom[1].grant.frame[0], 0, P2M_SHARED), 0);
	CHECK_EQ(p2m_set(&dom[1], gfn(202), mfn(0x10), 0, P2M_MMIO), 0);
	spin_unlock(&dom[1].p2m.lock);
	for (u32 i = 0; i < 3; i++)
		CHECK_EQ(map_one(200 + i, SCRATCH), -EINVAL);
	CHECK_EQ(remove_at(1, 200), 0);
	CHECK_EQ(map_foreign(0, DOMID_SELF, 9, 1), -ESRCH);
	CHECK_EQ(map_foreign(1, DOMID_SELF, 9, 1), -ESRCH);
	CHECK_EQ(map_foreign(1, DOMID_SELF, 2, 1), -EPERM);
	CHECK_EQ(map_foreign(1, 2, 0, 1), -EPERM);
	idxs[0] = OWN_FIRST;
	CHECK_EQ(map_foreign(0, DOMID_SELF, 0, 1), 0);
	CHECK_EQ(errs[0], -EINVAL); /* its own frame */
	dom[1].dying = true;
	CHECK_EQ(map_foreign(0, DOMID_SELF, 1, 1), -EINVAL);
	dom[1].dying = false;
	CHECK_EQ(type_at(0, SCRATCH), P2M_NONE);
	for (u32 d = 0; d < DOMAINS; d++)
		CHECK_EQ(refs(d), 1);
	CHECK_EQ(page_check(), 0);
}

/* --- grant tables ------------------------------------------------------------------- */

static s64 acquire(u32 by, domid_t from, u64 first, u32 n, void *list, u32 *size)
{
	struct xen_mem_acquire_resource r = {
		.domid = from, .type = XENMEM_resource_grant_table, .frame = first, .nr_frames = n
	};
	u32 rounds;
	s64 rc;

	set_xen_guest_handle(r.frame_list, (xen_pfn_t *)list);
	rc = call(by, XENMEM_acquire_resource, do_memory_acquire_resource, &r, &rounds);
	if (size)
		*size = r.nr_frames;
	return rc;
}

static void test_acquire(void)
{
	u64 list[GRANT_FRAMES_MAX];
	enum p2m_type type;
	u32 size;
	mfn_t m;

	for (u32 i = 0; i < GRANT_FRAMES_MAX; i++)
		list[i] = SCRATCH + i;
	CHECK_EQ(acquire(0, 1, 0, 0, NULL, &size), 0);
	CHECK_EQ(size, 40);
	CHECK_EQ(acquire(0, 1, 0, 40, list, &size), 0);
	CHECK_EQ(dom[1].grant.frames, 40);
	for (u32 i = 0; i < 40; i++) {
		CHECK_EQ(mfn_x(at(0, SCRATCH + i, &type)), mfn_x(dom[1].grant.frame[i]));
		CHECK_EQ(type, P2M_FOREIGN);
		CHECK_EQ(count_at(0, SCRATCH + i), 2);
	}
	CHECK_EQ(p2m_get_page(&dom[0], gfn(SCRATCH), true, &m), 0);
	CHECK_EQ(mfn_to_page(m)->count, 3);
	page_put(m);
	for (u32 i = 1; i < 40; i++)
		CHECK_EQ(remove_at(0, SCRATCH + i), 0);
	CHECK_EQ(mfn_to_page(dom[1].grant.frame[1])->count, 1);
	CHECK_EQ(page_check(), 0);

	/* All or none; 64 frames are more than are kept for one flush. */
	list[39] = 1ULL << 28;
	CHECK_EQ(acquire(0, 1, 0, 40, list, NULL), -EINVAL);
	for (u32 i = 0; i < 40; i++) {
		CHECK_EQ(type_at(0, SCRATCH + i), P2M_NONE);
		CHECK_EQ(mfn_to_page(dom[1].grant.frame[i])->count, 1);
	}
	CHECK_EQ(acquire(0, 1, 39, 2, list, NULL), -EINVAL);
	CHECK_EQ(acquire(0, 1, 40, 1, list, NULL), -EINVAL);
	CHECK_EQ(acquire(0, 1, ~0ULL, 2, list, NULL), -EINVAL);
	CHECK_EQ(acquire(0, 1, 0, ~0U, list, NULL), -EINVAL);
	CHECK_EQ(acquire(0, 1, 0, 1, NULL, NULL), -EINVAL);
	CHECK_EQ(acquire(0, 1, 0, 0, list, NULL), -EINVAL);
	CHECK_EQ(acquire(0, 1, 0, 2, hole, NULL), -EFAULT);
	CHECK_EQ(acquire(0, 0, 0, 1, list, NULL), -EPERM);
	CHECK_EQ(acquire(0, DOMID_SELF, 0, 1, list, NULL), -EPERM);
	CHECK_EQ(acquire(0, 9, 0, 1, list, NULL), -ESRCH);
	dom[1].dying = true;
	CHECK_EQ(acquire(0, 1, 0, 1, list, NULL), -EINVAL);
	dom[1].dying = false;
}

static void test_acquire_others(void)
{
	struct xen_mem_acquire_resource r = { .domid = 1, .type = XENMEM_resource_grant_table };
	u32 rounds;

	r.pad = 1;
	CHECK_EQ(call(0, 28, do_memory_acquire_resource, &r, &rounds), -EINVAL);
	r.pad = 0;
	r.id = XENMEM_resource_grant_table_id_status;
	CHECK_EQ(call(0, 28, do_memory_acquire_resource, &r, &rounds), -EINVAL);
	r.id = 0;
	r.type = XENMEM_resource_ioreq_server;
	CHECK_EQ(call(0, 28, do_memory_acquire_resource, &r, &rounds), -EOPNOTSUPP);
}

/* The mapper's table goes: so do its references. The frame outlives the table that it was part of.
 */
static void test_ends(void)
{
	u64 list[1] = { SCRATCH }, hypervisor;
	enum p2m_type type;
	mfn_t m;

	CHECK_EQ(acquire(0, 1, 0, 1, list, NULL), 0);
	CHECK_EQ(map_one(8, SCRATCH + 1), 0);
	m = at(0, SCRATCH, &type);
	grant_destroy(&dom[1]);
	CHECK_EQ(mfn_to_page(m)->state, PAGE_HYPERVISOR);
	CHECK_EQ(mfn_to_page(m)->count, 1);
	CHECK_EQ(page_check(), 0);
	hypervisor = page_hypervisor_bytes();
	CHECK_EQ(remove_at(0, SCRATCH), 0);
	CHECK_EQ(page_hypervisor_bytes(), hypervisor - PAGE_SIZE);
	CHECK_EQ(mfn_to_page(m)->state, PAGE_FREE);
	CHECK_EQ(count_at(1, 8), 2);
	while (!p2m_clear_all(&dom[0]))
		;
	CHECK_EQ(count_at(1, 8), 1);
	CHECK_EQ(page_check(), 0);
}

void unit_main(void)
{
	set_up();
	dom[1].grant.max_frames = 40;
	fill_guest(1);
	test_foreign();
	test_foreign_refusals();
	test_acquire();
	test_acquire_others();
	test_ends();
	free(page_table);
}
