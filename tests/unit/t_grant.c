/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Grants: mapping, unmapping, copying, and all that a domain can do to its entries meanwhile.
 * After each test nothing is pinned, no reference is left, no flag is set.
 *
 * files: hypervisor/core/grant.c hypervisor/core/grant_map.c hypervisor/core/memory.c
 * files: hypervisor/core/page.c hypervisor/core/heap.c
 * files: hypervisor/arch/x86/virt/p2m.c hypervisor/arch/x86/paging.c
 */
#include <pthread.h>
#include "memory_domains.h"

#define SCRATCH   0x2000 /* where nobody has anything: from this gfn on */
#define GUEST_RAM 64     /* frames of each guest, from gfn 0 on */
#define HOST      GNTMAP_host_map
#define HOST_RO   (GNTMAP_host_map | GNTMAP_readonly)
#define USED      (GTF_reading | GTF_writing)

static grant_entry_v1_t *entry(u32 d, u32 ref)
{
	grant_entry_v1_t *table = mfn_to_virt(dom[d].grant.frame[ref / GRANTS_PER_FRAME]);

	return &table[ref % GRANTS_PER_FRAME];
}

static void grant(u32 d, u32 ref, u32 to, u64 g, u16 flags)
{
	*entry(d, ref) = (grant_entry_v1_t){ .flags = (u16)(GTF_permit_access | flags),
		                             .domid = (domid_t)to,
		                             .frame = (u32)g };
}

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

static u8 *bytes(u32 d, u64 g)
{
	enum p2m_type type;

	return mfn_to_virt(at(d, g, &type));
}

/* A grant operation on a list, to its end. */
static s64 list_op(u32 d, hypercall_fn *fn, void *ops, u64 n, u32 *rounds)
{
	struct hypercall c = { .v = &vcpu[d], .d = &dom[d], .a = { 0, (u64)ops, n } };
	u32 again = 0;
	s64 rc;

	do {
		c.restart = false;
		rc = fn(&c, NULL);
	} while (c.restart && ++again < 10000);
	if (rounds)
		*rounds = again;
	return rc;
}

static struct gnttab_map_grant_ref map(u32 by, u32 d, u32 ref, u64 g, u32 flags)
{
	struct gnttab_map_grant_ref op = { .host_addr = g << PAGE_SHIFT,
		                           .flags = flags,
		                           .ref = ref,
		                           .dom = (domid_t)d,
		                           .status = 99,
		                           .handle = ~0U };

	CHECK_EQ(list_op(by, do_grant_map, &op, 1, NULL), 0);
	return op;
}

static s16 unmap(u32 by, u32 handle, u64 g)
{
	struct gnttab_unmap_grant_ref op = { .host_addr = g << PAGE_SHIFT,
		                             .handle = handle,
		                             .status = 99 };

	CHECK_EQ(list_op(by, do_grant_unmap, &op, 1, NULL), 0);
	return op.status;
}

static u32 pins(u32 d)
{
	u32 n = 0;

	for (u32 ref = 0; ref < dom[d].grant.frames * GRANTS_PER_FRAME; ref++)
		n += grant_active(&dom[d].grant, ref)->readers +
		     grant_active(&dom[d].grant, ref)->writers;
	return n;
}

/* Nothing is in use: no pin, no flag, one reference to each frame and each domain. */
static void check_idle(void)
{
	for (u32 d = 0; d < DOMAINS; d++) {
		CHECK_EQ(pins(d), 0);
		CHECK_EQ(refs(d), 1);
		CHECK_EQ(grant_check(&dom[d]), 0);
		CHECK(!spin_is_locked(&dom[d].grant.lock) && !spin_is_locked(&dom[d].p2m.lock));
		for (u32 ref = 0; ref < dom[d].grant.frames * GRANTS_PER_FRAME; ref++)
			CHECK(!(entry(d, ref)->flags & USED));
		for (u32 h = 0; h < dom[d].grant.track_frames * MAPTRACKS_PER_FRAME; h++)
			CHECK(dom[d].grant.track[h / MAPTRACKS_PER_FRAME][h % MAPTRACKS_PER_FRAME]
			              .state == MAPTRACK_FREE);
		memset(entry(d, 0), 0, PAGE_SIZE);
	}
	for (u64 n = 0; n < page_max; n++)
		if (page_table[n].state == PAGE_DOMAIN)
			CHECK_EQ(page_table[n].count, 1);
	CHECK_EQ(page_check(), 0);
}

static void fill_guests(void)
{
	for (u32 d = 1; d < DOMAINS; d++)
		for (u64 g = 0; g < GUEST_RAM; g++) {
			mfn_t m = page_alloc_domain(&dom[d], 0);

			spin_lock(&dom[d].p2m.lock);
			REQUIRE(!p2m_set(&dom[d], gfn(g), m, 0, P2M_RAM));
			spin_unlock(&dom[d].p2m.lock);
			memset(mfn_to_virt(m), (int)(d * 64 + g), PAGE_SIZE);
		}
}

/* --- map and unmap ------------------------------------------------------------------ */

static void test_map(void)
{
	struct gnttab_map_grant_ref rw, ro, ro2;
	enum p2m_type type;
	mfn_t m;

	grant(1, 9, 0, 5, 0);
	m = at(1, 5, &type);
	ro = map(0, 1, 9, SCRATCH, HOST_RO);
	CHECK_EQ(ro.status, GNTST_okay);
	CHECK_EQ(entry(1, 9)->flags, GTF_permit_access | GTF_reading);
	CHECK_EQ(mfn_x(at(0, SCRATCH, &type)), mfn_x(m));
	CHECK_EQ(type, P2M_GRANT_RO);
	CHECK_EQ(refs(1), 2);
	CHECK_EQ(mfn_to_page(m)->count, 2);
	/* The entry is not looked at again for what it has allowed already. */
	*entry(1, 9) = (grant_entry_v1_t){ .domid = 2, .frame = 6 };
	ro2 = map(0, 1, 9, SCRATCH + 1, HOST_RO);
	CHECK_EQ(ro2.status, GNTST_okay);
	CHECK_EQ(mfn_x(at(0, SCRATCH + 1, &type)), mfn_x(m));
	CHECK(ro2.handle != ro.handle);
	/* But for what it has not. */
	CHECK_EQ(map(0, 1, 9, SCRATCH + 2, HOST).status, GNTST_general_error);
	grant(1, 9, 0, 6, GTF_readonly | GTF_reading);
	CHECK_EQ(map(0, 1, 9, SCRATCH + 2, HOST).status, GNTST_general_error);
	CHECK_EQ(map(2, 1, 9, SCRATCH + 2, HOST_RO).status, GNTST_general_error);
	grant(1, 9, 0, 6, GTF_reading);
	rw = map(0, 1, 9, SCRATCH + 2, HOST);
	CHECK_EQ(rw.status, GNTST_okay);
	CHECK_EQ(mfn_x(at(0, SCRATCH + 2, &type)), mfn_x(m)); /* of gfn 5, as it was */
	CHECK_EQ(type, P2M_GRANT_RW);
	CHECK_EQ(entry(1, 9)->flags, GTF_permit_access | USED);
	CHECK_EQ(mfn_to_page(m)->count, 2);
	CHECK_EQ(p2m_count_foreign(&dom[0], 1), 3);
	CHECK_EQ(p2m_count_foreign(&dom[0], 2), 0);
	CHECK_EQ(grant_check(&dom[0]), 0);

	CHECK_EQ(unmap(0, rw.handle, SCRATCH + 2), GNTST_okay);
	CHECK_EQ(entry(1, 9)->flags, GTF_permit_access | GTF_reading);
	CHECK_EQ(type_at(0, SCRATCH + 2), P2M_NONE);
	CHECK_EQ(unmap(0, rw.handle, SCRATCH + 2), GNTST_bad_handle);
	CHECK_EQ(unmap(0, ro.handle, SCRATCH), GNTST_okay);
	CHECK_EQ(entry(1, 9)->flags, GTF_permit_access | GTF_reading);
	CHECK_EQ(unmap(0, ro2.handle, SCRATCH + 1), GNTST_okay);
	CHECK_EQ(entry(1, 9)->flags, GTF_permit_access);
	check_idle();
}

/* The control domain's frames, and a domain's own, are granted like others. */
static void test_whose(void)
{
	struct gnttab_map_grant_ref op;
	enum p2m_type type;

	grant(0, 3, 1, OWN_FIRST + 7, 0);
	op = map(1, 0, 3, SCRATCH, HOST);
	CHECK_EQ(op.status, GNTST_okay);
	CHECK_EQ(mfn_x(at(1, SCRATCH, &type)), OWN_FIRST + 7);
	CHECK_EQ(unmap(1, op.handle, SCRATCH), GNTST_okay);
	grant(2, 3, 2, 1, 0);
	op = map(2, 2, 3, SCRATCH, HOST);
	CHECK_EQ(op.status, GNTST_okay);
	CHECK_EQ(unmap(2, op.handle, SCRATCH), GNTST_okay);
	check_idle();
}

static void test_refusals(void)
{
	struct gnttab_map_grant_ref op;
	u32 frames = dom[1].grant.frames;

	grant(1, 9, 0, 5, 0);
	CHECK_EQ(map(0, 7, 9, SCRATCH, HOST).status, GNTST_bad_domain);
	CHECK_EQ(map(0, 1, frames * GRANTS_PER_FRAME, SCRATCH, HOST).status, GNTST_bad_gntref);
	CHECK_EQ(map(0, 1, ~0U, SCRATCH, HOST).status, GNTST_bad_gntref);
	CHECK_EQ(map(0, 1, 9, SCRATCH, 0).status, GNTST_bad_gntref);
	CHECK_EQ(map(0, 1, 9, SCRATCH, GNTMAP_device_map).status, GNTST_general_error);
	CHECK_EQ(map(0, 1, 9, SCRATCH, HOST | GNTMAP_device_map).status, GNTST_general_error);
	CHECK_EQ(map(0, 1, 9, SCRATCH, HOST | GNTMAP_application_map).status, GNTST_general_error);
	CHECK_EQ(map(0, 1, 9, SCRATCH, HOST | GNTMAP_contains_pte).status, GNTST_general_error);
	CHECK_EQ(map(2, 1, 9, SCRATCH, HOST).status, GNTST_general_error);
	CHECK_EQ(map(0, 1, 8, SCRATCH, HOST).status, GNTST_general_error); /* nothing granted */
	CHECK_EQ(map(0, 1, 9, 1ULL << 28, HOST).status, GNTST_general_error);
	CHECK_EQ(map(0, 1, 9, 1ULL << 40, HOST).status, GNTST_bad_virt_addr);
	op = (struct gnttab_map_grant_ref){
		.host_addr = SCRATCH << PAGE_SHIFT | 8, .flags = HOST, .ref = 9, .dom = 1
	};
	CHECK_EQ(list_op(0, do_grant_map, &op, 1, NULL), 0);
	CHECK_EQ(op.status, GNTST_bad_virt_addr);
	for (u32 type = 2; type <= 3; type++) {
		entry(1, 9)->flags = (u16)type;
		CHECK_EQ(map(0, 1, 9, SCRATCH, HOST).status, GNTST_general_error);
	}
	grant(1, 9, 0, 5, GTF_sub_page);
	CHECK_EQ(map(0, 1, 9, SCRATCH, HOST).status, GNTST_general_error);
	grant(1, 9, 0, 5, GTF_readonly);
	CHECK_EQ(map(0, 1, 9, SCRATCH, HOST).status, GNTST_general_error);
	grant(1, 9, 0, GUEST_RAM, 0); /* a hole */
	CHECK_EQ(map(0, 1, 9, SCRATCH, HOST).status, GNTST_bad_page);
	grant(1, 9, 0, ~0U, 0);
	CHECK_EQ(map(0, 1, 9, SCRATCH, HOST).status, GNTST_bad_page);
	dom[1].dying = true;
	grant(1, 9, 0, 5, 0);
	CHECK_EQ(map(0, 1, 9, SCRATCH, HOST).status, GNTST_bad_domain);
	dom[1].dying = false;
	CHECK_EQ(type_at(0, SCRATCH), P2M_NONE);
	check_idle();
}

static void test_unmap_refusals(void)
{
	struct gnttab_map_grant_ref op;
	struct gnttab_unmap_grant_ref u = { .host_addr = SCRATCH << PAGE_SHIFT, .dev_bus_addr = 1 };

	grant(1, 9, 0, 5, 0);
	op = map(0, 1, 9, SCRATCH, HOST);
	CHECK_EQ(unmap(0, op.handle + 1, SCRATCH), GNTST_bad_handle);
	CHECK_EQ(unmap(0, ~0U, SCRATCH), GNTST_bad_handle);
	CHECK_EQ(unmap(2, op.handle, SCRATCH), GNTST_bad_handle);
	CHECK_EQ(unmap(0, op.handle, SCRATCH + 1), GNTST_bad_virt_addr);
	CHECK_EQ(unmap(0, op.handle, 0), GNTST_bad_virt_addr);
	u.handle = op.handle;
	CHECK_EQ(list_op(0, do_grant_unmap, &u, 1, NULL), 0);
	CHECK_EQ(u.status, GNTST_bad_dev_addr);
	CHECK_EQ(type_at(0, SCRATCH), P2M_GRANT_RW);
	CHECK_EQ(unmap(0, op.handle, SCRATCH), GNTST_okay);
	check_idle();
}

static s64 remove_at(u32 d, u64 g)
{
	struct xen_remove_from_physmap r = { .domid = DOMID_SELF, .gpfn = g };
	u32 rounds;

	return call(d, XENMEM_remove_from_physmap, do_memory_remove_from_physmap, &r, &rounds);
}

/* What was at the address before. */
static void test_over(void)
{
	struct gnttab_map_grant_ref op, op2;
	struct page *own = mfn_to_page(mfn(OWN_FIRST + 1));
	u64 all = page_free_count() + page_hypervisor_bytes() / PAGE_SIZE;
	enum p2m_type type;
	mfn_t m;

	grant(1, 9, 0, 5, 0);
	grant(1, 10, 2, 6, 0);
	/* The control domain's own RAM is parked and comes back. */
	op = map(0, 1, 9, OWN_FIRST + 1, HOST);
	CHECK_EQ(op.status, GNTST_okay);
	CHECK(own->flags & PAGE_PARKED);
	CHECK_EQ(map(0, 1, 9, OWN_FIRST + 1, HOST).status, GNTST_general_error); /* a grant */
	CHECK_EQ(remove_at(0, OWN_FIRST + 1), -EINVAL);
	CHECK_EQ(unmap(0, op.handle, OWN_FIRST + 1), GNTST_okay);
	CHECK(!(own->flags & PAGE_PARKED));
	CHECK_EQ(mfn_x(at(0, OWN_FIRST + 1, &type)), OWN_FIRST + 1);
	CHECK_EQ(type, P2M_RAM);

	/* A guest's is given back. */
	vcpu[2].flush_pending = 0;
	op = map(2, 1, 10, 63, HOST);
	CHECK_EQ(op.status, GNTST_okay);
	CHECK(vcpu[2].flush_pending);
	CHECK_EQ(page_free_count() + page_hypervisor_bytes() / PAGE_SIZE, all + 1);
	CHECK_EQ(dom[2].tot_pages, GUEST_RAM - 1);
	CHECK_EQ(unmap(2, op.handle, 63), GNTST_okay);
	CHECK_EQ(type_at(2, 63), P2M_NONE);
	m = page_alloc_domain(&dom[2], 0);
	spin_lock(&dom[2].p2m.lock);
	CHECK_EQ(p2m_set(&dom[2], gfn(63), m, 0, P2M_RAM), 0);
	/* Neither another domain's frame nor a granted one is granted on. */
	CHECK(page_get(at(1, 7, &type), NULL));
	CHECK_EQ(p2m_set(&dom[2], gfn(SCRATCH), at(1, 7, &type), 0, P2M_FOREIGN), 0);
	spin_unlock(&dom[2].p2m.lock);
	CHECK_EQ(map(2, 1, 10, SCRATCH, HOST).status, GNTST_general_error);
	grant(2, 4, 0, SCRATCH, 0);
	CHECK_EQ(map(0, 2, 4, SCRATCH, HOST).status, GNTST_bad_page);
	CHECK_EQ(remove_at(2, SCRATCH), 0);
	op = map(2, 1, 10, SCRATCH, HOST);
	CHECK_EQ(op.status, GNTST_okay);
	CHECK_EQ(map(0, 2, 4, SCRATCH, HOST).status, GNTST_bad_page);
	op2 = map(0, 2, 4, SCRATCH, HOST_RO);
	CHECK_EQ(op2.status, GNTST_bad_page);
	CHECK_EQ(unmap(2, op.handle, SCRATCH), GNTST_okay);
	check_idle();
}

/* --- lists -------------------------------------------------------------------------- */

static struct gnttab_map_grant_ref maps[300];
static struct gnttab_unmap_grant_ref unmaps[300];

static u32 map_many(u32 by, u32 n)
{
	u32 bad = 0;

	for (u32 i = 0; i < n; i++) {
		grant(1, 8 + i, by, i % GUEST_RAM, 0);
		maps[i] = (struct gnttab_map_grant_ref){ .host_addr = (SCRATCH + i) << PAGE_SHIFT,
			                                 .flags = i & 1 ? HOST : HOST_RO,
			                                 .ref = 8 + i,
			                                 .dom = 1 };
	}
	CHECK_EQ(list_op(by, do_grant_map, maps, n, NULL), 0);
	for (u32 i = 0; i < n; i++) {
		bad += maps[i].status != GNTST_okay;
		unmaps[i] = (struct gnttab_unmap_grant_ref){ .host_addr = maps[i].host_addr,
			                                     .handle = maps[i].handle };
	}
	return bad;
}

static u32 kicks;

/* At the flush: no entry leads to a frame any more, and all are still pinned. */
static void see_flush(void)
{
	u32 busy = 0;

	for (u32 i = 0; i < 80; i++) {
		const struct maptrack *m = &dom[0].grant.track[0][unmaps[i].handle];

		if (m->state != MAPTRACK_BUSY)
			continue;
		busy++;
		CHECK_EQ(type_at(0, m->gfn), P2M_NONE);
		CHECK(entry(1, (u32)m->ref)->flags & GTF_reading);
		CHECK(grant_active(&dom[1].grant, (u32)m->ref)->readers +
		      grant_active(&dom[1].grant, (u32)m->ref)->writers);
	}
	CHECK_EQ(busy, kicks == 2 ? 80 - 2 * HYPERCALL_BATCH : HYPERCALL_BATCH);
	CHECK(!spin_is_locked(&dom[0].grant.lock) && !spin_is_locked(&dom[1].grant.lock));
	kicks++;
}

static void test_batches(void)
{
	struct cpu other = { .id = 1, .mode = CPU_GUEST, .current = &vcpu[0] };
	u32 rounds;

	CHECK_EQ(map_many(0, 80), 0);
	CHECK_EQ(pins(1), 80);
	CHECK_EQ(grant_check(&dom[0]), 0);
	cpus[0] = &other;
	cpu_count = 1;
	kicked = see_flush;
	CHECK_EQ(list_op(0, do_grant_unmap, unmaps, 80, &rounds), 0);
	CHECK_EQ(rounds, 2);
	CHECK_EQ(kicks, 3);
	cpu_count = 0;
	kicked = NULL;
	for (u32 i = 0; i < 80; i++)
		CHECK_EQ(unmaps[i].status, GNTST_okay);
	check_idle();

	/* Lists that cannot be read or written, or are too long: nothing stays. */
	CHECK_EQ(list_op(0, do_grant_map, hole, 1, NULL), -EFAULT);
	CHECK_EQ(list_op(0, do_grant_map, hole, 0, NULL), 0);
	CHECK_EQ(list_op(0, do_grant_map, maps, 1U << 31, NULL), -EINVAL);
	CHECK_EQ(list_op(0, do_grant_unmap, maps, ~0U, NULL), -EINVAL);
	CHECK_EQ(list_op(0, do_grant_copy, hole, 1, NULL), -EFAULT);
	grant(1, 8, 0, 1, 0);
	maps[0].host_addr = SCRATCH << PAGE_SHIFT;
	read_only = true;
	CHECK_EQ(list_op(0, do_grant_map, maps, 20, NULL), -EFAULT);
	read_only = false;
	CHECK_EQ(type_at(0, SCRATCH), P2M_NONE);
	check_idle();
}

/* --- limits ------------------------------------------------------------------------- */

static void test_limits(void)
{
	struct gnttab_map_grant_ref op;
	struct grant_active *a = grant_active(&dom[1].grant, 9);
	u64 tables_max = dom[2].p2m.table_pages_max;

	dom[2].grant.track_frames_max = 1;
	CHECK_EQ(map_many(2, 300), 300 - MAPTRACKS_PER_FRAME);
	CHECK_EQ(maps[299].status, GNTST_no_device_space);
	CHECK_EQ(pins(1), MAPTRACKS_PER_FRAME);
	CHECK_EQ(list_op(2, do_grant_unmap, unmaps, MAPTRACKS_PER_FRAME, NULL), 0);
	check_idle();

	/* No memory for the nested tables. */
	grant(1, 9, 2, 5, 0);
	dom[2].p2m.table_pages_max = dom[2].p2m.table_pages;
	CHECK_EQ(map(2, 1, 9, 1 << 27, HOST).status, GNTST_general_error);
	dom[2].p2m.table_pages_max = tables_max;
	check_idle();

	/* A counter that is full. */
	grant(1, 9, 0, 5, 0);
	op = map(0, 1, 9, SCRATCH, HOST);
	a->writers = a->readers = 0xffff;
	CHECK_EQ(map(0, 1, 9, SCRATCH + 1, HOST).status, GNTST_general_error);
	CHECK_EQ(map(0, 1, 9, SCRATCH + 1, HOST_RO).status, GNTST_general_error);
	a->writers = 1;
	a->readers = 0;
	CHECK_EQ(unmap(0, op.handle, SCRATCH), GNTST_okay);
	check_idle();
}

/* No memory at all: for handles, for the table's next frame. */
static void test_no_memory(void)
{
	struct gnttab_query_size q = { .dom = 1 };
	struct hypercall c = { .v = &vcpu[0], .d = &dom[0], .a = { 0, 0, 1 } };
	mfn_t taken[0x4000], m;
	u32 n = 0;

	grant(2, 9, 1, 5, 0);
	for (m = page_alloc(0); mfn_valid_box(m); m = page_alloc(0))
		taken[n++] = m;
	CHECK(!dom[1].grant.track);
	CHECK_EQ(map(1, 2, 9, SCRATCH, HOST).status, GNTST_no_device_space);
	CHECK(!mfn_valid_box(grant_frame(&dom[1], 7)));
	while (n)
		page_free(taken[--n], 0);
	CHECK_EQ(do_grant_query_size(&c, &q), 0);
	CHECK_EQ(q.nr_frames, 1);
	check_idle();
}

/* --- copies ------------------------------------------------------------------------- */

#define SOURCE GNTCOPY_source_gref
#define DEST   GNTCOPY_dest_gref

static s16 copy(u32 by, u16 flags, u32 from, u64 what, u32 from_offset, u32 to, u64 where,
                u32 to_offset, u32 n)
{
	struct gnttab_copy op = { .flags = flags, .len = (u16)n, .status = 99 };

	op.source.domid = (domid_t)from;
	op.source.offset = (u16)from_offset;
	op.dest.domid = (domid_t)to;
	op.dest.offset = (u16)to_offset;
	if (flags & SOURCE)
		op.source.u.ref = (u32)what;
	else
		op.source.u.gmfn = what;
	if (flags & DEST)
		op.dest.u.ref = (u32)where;
	else
		op.dest.u.gmfn = where;
	CHECK_EQ(list_op(by, do_grant_copy, &op, 1, NULL), 0);
	return op.status;
}

static void test_copy(void)
{
	u8 *own = bytes(0, OWN_FIRST + 2);

	grant(1, 9, 0, 5, GTF_readonly);
	grant(2, 9, 0, 6, 0);
	memset(own, 0, PAGE_SIZE);
	/* A grant into the own frame, the other way, and between two other domains. */
	CHECK_EQ(copy(0, SOURCE, 1, 9, 100, DOMID_SELF, OWN_FIRST + 2, 4090, 6), GNTST_okay);
	CHECK(own[4089] == 0 && own[4090] == 69 && own[4095] == 69);
	own[0] = 1;
	own[1] = 2;
	CHECK_EQ(copy(0, DEST, DOMID_SELF, OWN_FIRST + 2, 0, 2, 9, 4094, 2), GNTST_okay);
	CHECK(bytes(2, 6)[4093] == 134 && bytes(2, 6)[4094] == 1 && bytes(2, 6)[4095] == 2);
	CHECK_EQ(copy(0, SOURCE | DEST, 1, 9, 0, 2, 9, 0, PAGE_SIZE), GNTST_okay);
	CHECK(!memcmp(bytes(2, 6), bytes(1, 5), PAGE_SIZE));
	CHECK_EQ(copy(0, SOURCE | DEST, 2, 9, 0, 2, 9, 1, PAGE_SIZE - 1), GNTST_okay);
	CHECK_EQ(copy(0, SOURCE, 1, 9, PAGE_SIZE, DOMID_SELF, OWN_FIRST + 2, 0, 0), GNTST_okay);
	CHECK_EQ(copy(0, 0, DOMID_SELF, OWN_FIRST + 3, 0, DOMID_SELF, OWN_FIRST + 2, 0, 8),
	         GNTST_okay);
	CHECK_EQ(*(u64 *)own, OWN_FIRST + 3);

	CHECK_EQ(copy(0, SOURCE, 1, 9, 1, DOMID_SELF, OWN_FIRST + 2, 0, PAGE_SIZE),
	         GNTST_bad_copy_arg);
	CHECK_EQ(copy(0, SOURCE, 1, 9, 0, DOMID_SELF, OWN_FIRST + 2, 65535, 65535),
	         GNTST_bad_copy_arg);
	CHECK_EQ(copy(0, DEST, DOMID_SELF, OWN_FIRST + 2, 0, 1, 9, 0, 1), GNTST_general_error);
	CHECK_EQ(copy(0, SOURCE | DEST, 2, 9, 0, 1, 9, 0, 1), GNTST_general_error);
	CHECK_EQ(copy(2, SOURCE, 1, 9, 0, DOMID_SELF, 3, 0, 1), GNTST_general_error);
	CHECK_EQ(copy(0, SOURCE, 7, 9, 0, DOMID_SELF, OWN_FIRST + 2, 0, 1), GNTST_bad_domain);
	CHECK_EQ(copy(0, SOURCE, 1, 1 << 20, 0, DOMID_SELF, OWN_FIRST + 2, 0, 1), GNTST_bad_gntref);
	CHECK_EQ(copy(0, SOURCE, 1, 9, 0, 2, 6, 0, 1), GNTST_permission_denied);
	CHECK_EQ(copy(0, 0, 1, 5, 0, DOMID_SELF, OWN_FIRST + 2, 0, 1), GNTST_permission_denied);
	CHECK_EQ(copy(0, SOURCE, 1, 9, 0, DOMID_SELF, SCRATCH, 0, 1), GNTST_bad_page);
	CHECK_EQ(copy(0, DEST, DOMID_SELF, ~0ULL, 0, 2, 9, 0, 1), GNTST_bad_page);
	check_idle();
}

/* What is mapped may be the own frame of a copy, but not be written through a read-only grant. */
static void test_copy_mapped(void)
{
	struct gnttab_map_grant_ref rw, ro;

	grant(1, 9, 0, 5, 0);
	grant(2, 9, 0, 6, GTF_readonly);
	rw = map(0, 1, 9, SCRATCH, HOST);
	ro = map(0, 2, 9, SCRATCH + 1, HOST_RO);
	CHECK_EQ(copy(0, 0, DOMID_SELF, SCRATCH + 1, 0, DOMID_SELF, SCRATCH, 0, 16), GNTST_okay);
	CHECK(!memcmp(bytes(1, 5), bytes(2, 6), 16));
	CHECK_EQ(copy(0, 0, DOMID_SELF, SCRATCH, 0, DOMID_SELF, SCRATCH + 1, 0, 16),
	         GNTST_bad_page);
	CHECK_EQ(copy(0, SOURCE, 1, 9, 0, DOMID_SELF, SCRATCH, 8, 16), GNTST_okay);
	CHECK_EQ(entry(1, 9)->flags, GTF_permit_access | USED);
	CHECK_EQ(unmap(0, rw.handle, SCRATCH), GNTST_okay);
	CHECK_EQ(unmap(0, ro.handle, SCRATCH + 1), GNTST_okay);
	check_idle();
}

/* --- ends --------------------------------------------------------------------------- */

static void test_mapper_dies(void)
{
	u32 rounds = 0;

	dom[2].grant.track_frames_max = MAPTRACK_FRAMES_MAX;
	CHECK_EQ(map_many(2, 300), 0);
	while (grant_release_mappings(&dom[2])) {
		rounds++;
		CHECK(pins(1) >= 300 - rounds * HYPERCALL_BATCH);
	}
	CHECK(rounds >= 300 / HYPERCALL_BATCH);
	for (u32 i = 0; i < 300; i++)
		CHECK_EQ(type_at(2, SCRATCH + i), P2M_NONE);
	CHECK(!grant_release_mappings(&dom[2]));
	dom[2].grant.release_next = 0;
	check_idle();
}

/* The frame stays until the last mapping is gone, and so do the granter and its table. */
static void test_granter_dies(void)
{
	struct gnttab_map_grant_ref op;
	enum p2m_type type;
	u64 free;
	mfn_t m;

	grant(1, 9, 0, 5, 0);
	op = map(0, 1, 9, SCRATCH, HOST);
	m = at(1, 5, &type);
	*bytes(1, 5) = 69;
	dom[1].dying = true;
	CHECK_EQ(remove_at(1, 5), 0);
	free = page_free_count();
	CHECK_EQ(mfn_to_page(m)->state, PAGE_DOMAIN);
	CHECK_EQ(dom[1].tot_pages, GUEST_RAM);
	CHECK_EQ(refs(1), 2);
	CHECK_EQ(((u8 *)mfn_to_virt(at(0, SCRATCH, &type)))[0], 69);
	unit_log_clear();
	grant_dump(&dom[1]);
	CHECK(unit_log_has("1 of its frames are mapped by d0"));
	CHECK_EQ(map(0, 1, 9, SCRATCH + 1, HOST).status, GNTST_bad_domain);
	CHECK_EQ(unmap(0, op.handle, SCRATCH), GNTST_okay);
	CHECK_EQ(page_free_count(), free + 1);
	CHECK_EQ(dom[1].tot_pages, GUEST_RAM - 1);
	dom[1].dying = false;
	check_idle();
	grant(1, 9, 0, 5, 0);
	CHECK_EQ(map(0, 1, 9, SCRATCH, HOST).status, GNTST_bad_page);
	check_idle();
}

/* --- while others do something ------------------------------------------------------- */

static bool flipping;

/* What an entry may look like, and a word of noise. */
static void *flip(void *arg)
{
	static const u16 flags[] = { GTF_permit_access,
		                     0,
		                     GTF_permit_access | GTF_readonly,
		                     GTF_permit_access | USED,
		                     GTF_transitive,
		                     0xffff };
	u64 x = 88172645463325252ULL, word;

	while (load_acquire(&flipping)) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		word = flags[x % 6] | (u64)(x >> 8 & 1) << 17 | (x >> 16 & 0x7f) << 32;
		WRITE_ONCE(*(u64 *)entry(1, 8 + (x >> 32 & 3)), word);
	}
	return NULL;
}

static void test_flips(void)
{
	struct gnttab_map_grant_ref held[16] = { 0 };
	bool is_held[16] = { false };
	u32 seen[14] = { 0 };
	pthread_t t;
	s16 status;
	u32 slot, i;

	flipping = true;
	REQUIRE(!pthread_create(&t, NULL, flip, NULL));
	/* The other thread may be late: until it has been in the way in each manner. */
	for (i = 0; i < 200000 || !seen[0] || !seen[-GNTST_general_error] || !seen[-GNTST_bad_page];
	     i++) {
		slot = (u32)unit_below(16);
		if (unit_below(4) == 0) {
			status = copy(0, SOURCE | DEST, 1, 8 + unit_below(4), 0, 1,
			              8 + unit_below(4), 0, 8);
		} else if (is_held[slot]) {
			CHECK_EQ(unmap(0, held[slot].handle, SCRATCH + slot), GNTST_okay);
			is_held[slot] = false;
			status = 0;
		} else {
			held[slot] = map(0, 1, 8 + (u32)unit_below(4), SCRATCH + slot,
			                 unit_below(2) ? HOST : HOST_RO);
			status = held[slot].status;
			is_held[slot] = !status;
		}
		REQUIRE(status <= 0 && -status < (int)ARRAY_SIZE(seen));
		seen[-status]++;
		if (i % 1000 == 0)
			CHECK_EQ(grant_check(&dom[0]), 0);
	}
	store_release(&flipping, false);
	pthread_join(t, NULL);
	CHECK_EQ(seen[0] + seen[-GNTST_general_error] + seen[-GNTST_bad_page], i);
	for (slot = 0; slot < 16; slot++)
		if (is_held[slot])
			CHECK_EQ(unmap(0, held[slot].handle, SCRATCH + slot), GNTST_okay);
	for (u32 ref = 8; ref < 12; ref++)
		entry(1, ref)->flags &= (u16)~USED; /* noise */
	check_idle();
}

/* Two vCPUs unmap the same handles: each mapping ends once. */
static u32 ended;

static void *unmap_all(void *arg)
{
	struct gnttab_unmap_grant_ref u[200];
	void *cpu = unit_cpu_init(5);

	memcpy(u, unmaps, sizeof(u));
	CHECK_EQ(list_op(0, do_grant_unmap, u, 200, NULL), 0);
	for (u32 i = 0; i < 200; i++) {
		CHECK(u[i].status == GNTST_okay || u[i].status == GNTST_bad_handle);
		__atomic_fetch_add(&ended, u[i].status == GNTST_okay, __ATOMIC_RELAXED);
	}
	free(cpu);
	return arg;
}

static void test_race(void)
{
	pthread_t t[2];

	for (u32 round = 0; round < 50; round++) {
		ended = 0;
		CHECK_EQ(map_many(0, 200), 0);
		for (u32 i = 0; i < 2; i++)
			REQUIRE(!pthread_create(&t[i], NULL, unmap_all, NULL));
		for (u32 i = 0; i < 2; i++)
			pthread_join(t[i], NULL);
		CHECK_EQ(ended, 200);
		check_idle();
	}
}

/* --- self-check ---------------------------------------------------------------------- */

static void test_check(void)
{
	struct gnttab_map_grant_ref op;
	struct grant_active *a = grant_active(&dom[1].grant, 9);
	struct maptrack *m;

	grant(1, 9, 0, 5, 0);
	op = map(0, 1, 9, SCRATCH, HOST);
	m = &dom[0].grant.track[0][op.handle];
	CHECK_EQ(grant_check(&dom[0]), 0);
	a->writers--;
	CHECK_EQ(grant_check(&dom[0]), 1);
	a->writers++;
	m->gfn++;
	CHECK_EQ(grant_check(&dom[0]), 1);
	m->gfn--;
	mfn_to_page(a->frame)->owner = 2;
	CHECK_EQ(grant_check(&dom[0]), 1);
	mfn_to_page(a->frame)->owner = 1;
	CHECK_EQ(unmap(0, op.handle, SCRATCH), GNTST_okay);
	check_idle();
}

void unit_main(void)
{
	u64 heap;

	set_up();
	fill_guests();
	check_idle();
	test_no_memory();
	test_map();
	test_whose();
	test_refusals();
	test_unmap_refusals();
	test_over();
	test_batches();
	test_limits();
	test_copy();
	test_copy_mapped();
	test_mapper_dies();
	test_flips();
	test_race();
	test_check();
	test_granter_dies();
	heap = page_hypervisor_bytes();
	for (u32 d = 0; d < DOMAINS; d++)
		grant_destroy(&dom[d]);
	CHECK(page_hypervisor_bytes() < heap);
	CHECK_EQ(page_check(), 0);
	free(page_table);
}
