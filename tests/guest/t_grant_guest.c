/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Memory between domains: foreign mappings, grant tables that tools fill in, grants of a guest that
 * changes them all the time, and both ends of a mapping dying first.
 *
 * Sources: xen/grant_table.h, xen/memory.h, man/froe-hypercalls.9.
 *
 * run: smp=2 single
 */
#include "lib/domu.h"

#define BASE  ((8ul << 30) / PAGE_SIZE) /* frame numbers above all RAM, here and in guests */
#define TABLE (BASE + 1000)
#define REFS  8
#define USED  (GTF_reading | GTF_writing)

static volatile grant_entry_v1_t *table; /* one's own */
static uint8_t shared[REFS][PAGE_SIZE] __attribute__((aligned(4096)));
static volatile uint32_t ready, stop; /* between a guest and us */
static volatile uint32_t guest_status[2], guest_handle;

static uint64_t gfn_of(const volatile void *p)
{
	return (uint64_t)p / PAGE_SIZE;
}

static void *window(unsigned int n, uint64_t gfn)
{
	page_map(page_window(n), gfn * PAGE_SIZE, PG_KERNEL);
	return page_window(n);
}

static void open_table(void)
{
	table = window(0, TABLE);
	EXPECT_EQ(xen_add_to_physmap(XENMAPSPACE_grant_table, 0, TABLE), 0);
}

static void grant(unsigned int ref, domid_t to, const void *p, uint16_t flags)
{
	table[ref].domid = to;
	table[ref].frame = (uint32_t)gfn_of(p);
	__atomic_store_n(&table[ref].flags, GTF_permit_access | flags, __ATOMIC_RELEASE);
}

static struct gnttab_map_grant_ref map(domid_t id, unsigned int ref, uint64_t gfn, uint32_t flags)
{
	struct gnttab_map_grant_ref op = { .host_addr = gfn * PAGE_SIZE,
		                           .flags = GNTMAP_host_map | flags,
		                           .ref = ref,
		                           .dom = id,
		                           .status = 9 };

	EXPECT_EQ(xen_grant(GNTTABOP_map_grant_ref, &op, 1), 0);
	return op;
}

static int unmap(uint32_t handle, uint64_t gfn)
{
	struct gnttab_unmap_grant_ref op = { .host_addr = gfn * PAGE_SIZE, .handle = handle };

	EXPECT_EQ(xen_grant(GNTTABOP_unmap_grant_ref, &op, 1), 0);
	return op.status;
}

/* The error of the item, or of the call. */
static int map_foreign(domid_t id, uint64_t idx, uint64_t gfn)
{
	struct xen_add_to_physmap_batch op = { .domid = DOMID_SELF,
		                               .space = XENMAPSPACE_gmfn_foreign,
		                               .size = 1,
		                               .u.foreign_domid = id };
	int err = 99;
	long rc;

	set_xen_guest_handle(op.idxs, &idx);
	set_xen_guest_handle(op.gpfns, &gfn);
	set_xen_guest_handle(op.errs, &err);
	rc = xen_memory(XENMEM_add_to_physmap_batch, &op);
	return rc ? (int)rc : err;
}

static long acquire(domid_t id, uint64_t first, unsigned int n, uint64_t *gfns)
{
	struct xen_mem_acquire_resource op = {
		.domid = id, .type = XENMEM_resource_grant_table, .frame = first, .nr_frames = n
	};
	long rc;

	set_xen_guest_handle(op.frame_list, gfns);
	rc = xen_memory(XENMEM_acquire_resource, &op);
	return rc ? rc : op.nr_frames;
}

static bool wait_for(domid_t id, volatile uint32_t *what, uint32_t value)
{
	uint32_t now;

	return WAIT_UNTIL(
		(xen_sched(SCHEDOP_yield, 0), domu_read(id, what, &now, sizeof(now)), now == value),
		PATIENCE);
}

static void tell(domid_t id, volatile uint32_t *what, uint32_t value)
{
	EXPECT_EQ(domu_write(id, what, &value, sizeof(value)), sizeof(value));
}

static void expect_dying(domid_t id)
{
	struct xen_domctl_getdomaininfo info = { 0 };

	EXPECT(domu_info(id, &info));
	EXPECT(info.flags & XEN_DOMINF_dying);
}

static void nothing(uint64_t arg)
{
	(void)arg;
}

/* --- by the control domain's tools, before the guest runs ---------------------------------- */

static void test_foreign(void)
{
	domid_t id = domu_build(nothing, 0, 1);
	volatile uint8_t *w = window(1, BASE), *again = window(2, BASE + 1);
	uint8_t seen = 0;

	EXPECT_EQ(map_foreign(id, gfn_of(shared[0]), BASE), 0);
	EXPECT_EQ(map_foreign(id, gfn_of(shared[0]), BASE + 1), 0);
	w[5] = 55;
	EXPECT_EQ(again[5], 55);
	EXPECT_EQ(domu_read(id, &shared[0][5], &seen, 1), 1);
	EXPECT_EQ(seen, 55);
	EXPECT_EQ(map_foreign(id, 0x800, BASE + 2), -XEN_EINVAL); /* a hole */
	EXPECT_EQ(map_foreign(0, gfn_of(shared[0]), BASE + 2), -XEN_EINVAL);
	EXPECT_EQ(xen_remove_from_physmap(BASE), 0);
	EXPECT(xen_remove_from_physmap(BASE) < 0);
	EXPECT_EQ(again[5], 55);
	/* Over RAM of our own, which comes back. */
	shared[1][0] = 1;
	EXPECT_EQ(map_foreign(id, gfn_of(shared[2]), gfn_of(shared[1])), 0);
	EXPECT_EQ(*(volatile uint8_t *)shared[1], 0);
	EXPECT_EQ(xen_remove_from_physmap(gfn_of(shared[1])), 0);
	EXPECT_EQ(*(volatile uint8_t *)shared[1], 1);
	/* What is mapped outlives its domain, which is seen until then. */
	EXPECT_EQ(domu_destroy(id), 0);
	expect_dying(id);
	EXPECT_EQ(again[5], 55);
	EXPECT_EQ(xen_remove_from_physmap(BASE + 1), 0);
	EXPECT(!domu_exists(id));
}

/* As consoles come to be: an entry of the guest's table, written for it. */
static void test_seeded(void)
{
	domid_t id = domu_build(nothing, 0, 1);
	uint64_t gfns[2] = { BASE + 10, BASE + 11 };
	volatile grant_entry_v1_t *theirs = window(3, BASE + 10);
	volatile uint64_t *w = window(1, BASE);
	struct gnttab_map_grant_ref op;
	uint64_t seen = 0;

	EXPECT(acquire(id, 0, 0, NULL) >= 4);
	EXPECT_EQ(acquire(id, 0, 2, gfns), 2);
	EXPECT_EQ(theirs[0].flags, 0);
	theirs[0].frame = (uint32_t)gfn_of(shared[3]);
	theirs[0].domid = 0;
	theirs[0].flags = GTF_permit_access;
	op = map(id, GNTTAB_RESERVED_CONSOLE, BASE, 0);
	EXPECT_EQ(op.status, GNTST_okay);
	EXPECT_EQ(theirs[0].flags, GTF_permit_access | USED);
	w[1] = 0x1234;
	EXPECT_EQ(domu_read(id, shared[3] + 8, &seen, 8), 8);
	EXPECT_EQ(seen, 0x1234);
	EXPECT_EQ(map_foreign(id, gfn_of(shared[3]), BASE), -XEN_EINVAL); /* over a grant */
	EXPECT_EQ(acquire(id, 0, 1, (uint64_t[]){ BASE }), -XEN_EINVAL);

	EXPECT_EQ(domu_destroy(id), 0);
	expect_dying(id);
	EXPECT_EQ(map(id, 0, BASE + 1, 0).status, GNTST_bad_domain);
	EXPECT_EQ(acquire(id, 0, 1, gfns), -XEN_EINVAL);
	EXPECT_EQ(w[1], 0x1234);
	EXPECT_EQ(unmap(op.handle, BASE), GNTST_okay);
	EXPECT(!domu_exists(id));
	/* The table's frames are ours until we let go. */
	EXPECT_EQ(theirs[0].flags, GTF_permit_access);
	EXPECT_EQ(xen_remove_from_physmap(BASE + 10), 0);
	EXPECT_EQ(xen_remove_from_physmap(BASE + 11), 0);
}

/* --- a guest that keeps to no rule ---------------------------------------------------------- */

static void flip(uint64_t arg)
{
	static const uint16_t flags[] = {
		GTF_permit_access, 0,      GTF_permit_access | GTF_readonly,
		GTF_transitive,    0xffff, GTF_permit_access | USED
	};
	volatile uint64_t *word;
	uint64_t x = 88172645463325252, wait, frame;

	open_table();
	word = (volatile uint64_t *)table;
	ready = 1;
	while (!stop) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		for (wait = x & 64 ? x >> 52 : 0; wait; wait--)
			cpu_relax();
		frame = x & 48 ? gfn_of(shared[x >> 2 & 3]) : BASE;
		word[x % REFS] = flags[(x >> 8) % 6] | (x >> 16 & 7) / 7 << 16 | frame << 32;
		if ((x >> 24 & 63) == 0) {
			/* The frame itself goes and comes. */
			xen_remove_from_physmap(gfn_of(shared[3]));
			domu_populate(DOMID_SELF, gfn_of(shared[3]), 0, 1);
		}
	}
	for (unsigned int i = 0; i < REFS; i++)
		grant(i, (domid_t)arg, shared[0], 0);
	ready = 2;
	while (stop)
		xen_sched(SCHEDOP_yield, 0);
	for (unsigned int i = 0; i < REFS; i++)
		EXPECT_EQ(table[i].flags, GTF_permit_access);
}

static int copy(domid_t id, unsigned int from, unsigned int to)
{
	struct gnttab_copy op = { .flags = GNTCOPY_source_gref | GNTCOPY_dest_gref, .len = 64 };

	op.source.u.ref = from;
	op.dest.u.ref = to;
	op.source.domid = op.dest.domid = id;
	EXPECT_EQ(xen_grant(GNTTABOP_copy, &op, 1), 0);
	return op.status;
}

static bool allowed(int status)
{
	return status == GNTST_okay || status == GNTST_general_error || status == GNTST_bad_page;
}

static void test_hostile(void)
{
	domid_t id = domu_run(flip, 0, 1);
	volatile uint64_t *w = window(1, BASE);
	struct gnttab_map_grant_ref op;
	unsigned int i, odd = 0, done = 0;
	int status;

	EXPECT(wait_for(id, &ready, 1));
	for (i = 0; i < 1000; i++) {
		op = map(id, i % REFS, BASE, i & 1 ? GNTMAP_readonly : 0);
		if (op.status == GNTST_okay) {
			done++;
			odd += w[0] == ~0ul;
			odd += unmap(op.handle, BASE) != GNTST_okay;
		}
		status = copy(id, i % REFS, (i + 1) % REFS);
		odd += !allowed(op.status) || !allowed(status);
	}
	EXPECT_EQ(odd, 0);
	EXPECT(done > 0);
	print("hostile: %u of %u mapped\n", done, i);
	tell(id, &stop, 1);
	EXPECT(wait_for(id, &ready, 2));
	for (i = 0; i < REFS; i++) {
		op = map(id, i, BASE, 0);
		EXPECT_EQ(op.status, GNTST_okay);
		EXPECT_EQ(unmap(op.handle, BASE), GNTST_okay);
	}
	tell(id, &stop, 0);
	domu_finish(id);
	EXPECT(!domu_exists(id));
}

/* --- the mapper dies ------------------------------------------------------------------------ */

/* Maps the grants 8 and 9 of domain arg, and does not let go. */
static void mapper(uint64_t arg)
{
	struct gnttab_map_grant_ref op[2] = { map((domid_t)arg, 8, BASE, 0),
		                              map((domid_t)arg, 9, BASE + 1, GNTMAP_readonly) };
	volatile uint64_t *w = window(1, BASE);

	guest_status[0] = (uint32_t)op[0].status;
	guest_status[1] = (uint32_t)op[1].status;
	w[2] = 4711;
	ready = 1;
	for (;;)
		xen_sched(SCHEDOP_yield, 0);
}

static void expect_mapped(domid_t id)
{
	uint32_t got[2] = { 99, 99 };

	EXPECT(wait_for(id, &ready, 1));
	EXPECT_EQ(domu_read(id, guest_status, got, sizeof(got)), sizeof(got));
	EXPECT_EQ(got[0], GNTST_okay);
	EXPECT_EQ(got[1], GNTST_okay);
}

static void test_mapper_dies(void)
{
	domid_t id = domu_build(mapper, 0, 1);

	memset(shared, 0, sizeof(shared));
	grant(8, id, shared[0], 0);
	grant(9, id, shared[1], GTF_readonly);
	EXPECT_EQ(domu_unpause(id), 0);
	expect_mapped(id);
	EXPECT_EQ(table[8].flags, GTF_permit_access | USED);
	EXPECT_EQ(table[9].flags, GTF_permit_access | GTF_readonly | GTF_reading);
	EXPECT_EQ(((volatile uint64_t *)shared[0])[2], 4711);
	EXPECT_EQ(domu_destroy(id), 0);
	EXPECT_EQ(table[8].flags, GTF_permit_access);
	EXPECT_EQ(table[9].flags, GTF_permit_access | GTF_readonly);
	EXPECT(!domu_exists(id));
	table[8].flags = table[9].flags = 0;
}

/* Grants two frames to domain arg and waits for its end. */
static void granter(uint64_t arg)
{
	open_table();
	grant(8, (domid_t)arg, shared[0], 0);
	grant(9, (domid_t)arg, shared[1], 0);
	ready = 1;
	for (;;)
		xen_sched(SCHEDOP_yield, 0);
}

/* Between two guests, the granter first. */
static void test_granter_dies(void)
{
	domid_t from = domu_build(granter, 0, 1), to = domu_build(nothing, 0, 1);
	uint64_t seen = 0;

	/* Each is to know the other. */
	EXPECT_EQ(domu_destroy(from), 0);
	EXPECT_EQ(domu_destroy(to), 0);
	to = domu_build(mapper, (uint64_t)to + 2, 1);
	from = domu_run(granter, to, 1);
	EXPECT(wait_for(from, &ready, 1));
	EXPECT_EQ(domu_unpause(to), 0);
	expect_mapped(to);
	EXPECT_EQ(domu_read(from, shared[0] + 16, &seen, 8), 8);
	EXPECT_EQ(seen, 4711);
	EXPECT_EQ(domu_destroy(from), 0);
	expect_dying(from);
	EXPECT(domu_exists(to));
	EXPECT_EQ(domu_destroy(to), 0);
	EXPECT(!domu_exists(to));
	EXPECT(!domu_exists(from));
}

/* --- the granter dies meanwhile -------------------------------------------------------------- */

static volatile uint32_t victim, laps;
static volatile bool hunt;

/* All that can hold something of a domain, again and again; what fails must hold nothing. */
static void hold_and_let_go(void *arg)
{
	uint64_t gfns[2] = { BASE + 20, BASE + 21 };
	struct gnttab_map_grant_ref op;

	(void)arg;
	while (hunt) {
		domid_t id = (domid_t)victim;
		struct xen_mem_acquire_resource res = { .domid = id,
			                                .type = XENMEM_resource_grant_table,
			                                .nr_frames = 2 };

		op = map(id, 0, BASE + 22, 0);
		if (op.status == GNTST_okay)
			EXPECT_EQ(unmap(op.handle, BASE + 22), GNTST_okay);
		copy(id, 0, 1);
		set_xen_guest_handle(res.frame_list, gfns);
		if (xen_memory(XENMEM_acquire_resource, &res) == 0) {
			EXPECT_EQ(xen_remove_from_physmap(gfns[0]), 0);
			EXPECT_EQ(xen_remove_from_physmap(gfns[1]), 0);
		}
		if (map_foreign(id, gfn_of(shared[3]), BASE + 23) == 0)
			EXPECT_EQ(xen_remove_from_physmap(BASE + 23), 0);
		laps++;
	}
}

static void test_meanwhile(void)
{
	volatile grant_entry_v1_t *theirs = window(3, BASE + 10);
	uint64_t gfns[1] = { BASE + 10 };
	unsigned int i;
	uint32_t lap;

	hunt = true;
	victim = DOMID_INVALID;
	cpu_run(1, hold_and_let_go, NULL);
	for (i = 0; i < 20; i++) {
		domid_t id = domu_build(nothing, 0, 1);

		EXPECT_EQ(acquire(id, 0, 1, gfns), 1);
		theirs[0].frame = theirs[1].frame = (uint32_t)gfn_of(shared[3]);
		theirs[0].flags = theirs[1].flags = GTF_permit_access;
		victim = id;
		lap = laps;
		EXPECT(WAIT_UNTIL(laps - lap >= 1 + i % 3, PATIENCE));
		EXPECT_EQ(domu_destroy(id), 0);
		EXPECT(WAIT_UNTIL(!domu_exists(id), PATIENCE));
		EXPECT_EQ(xen_remove_from_physmap(gfns[0]), 0);
	}
	hunt = false;
	EXPECT(cpu_wait(1, PATIENCE));
}

static void test_all(void)
{
	test_foreign();
	test_seeded();
	test_hostile();
	test_mapper_dies();
	test_granter_dies();
	test_meanwhile();
}

void test_main(void)
{
	uint64_t before;

	xen_events_on();
	open_table();
	EXPECT(cpu_start(1));
	test_all(); /* what is kept for good (handles, nested tables) is there then */
	before = host_free_pages();
	test_all();
	EXPECT_EQ(host_free_pages(), before);
}
