/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Grants in use, with a domain that grants to itself: mapped, copied, taken back, also while
 * another CPU reads through the mapping or changes the entries all the time.
 *
 * Sources: xen/grant_table.h; the order in which an entry's user and its owner
 * have to look at GTF_reading and GTF_writing is told there.
 *
 * run: smp=2
 */
#include "lib/guest.h"

#define BASE   ((8ul << 30) / PAGE_SIZE) /* frame numbers above all RAM */
#define TABLE  (BASE + 1000)
#define MAPPED ((volatile uint64_t *)page_window(1))
#define USED   (GTF_reading | GTF_writing)
#define MANY   70

static volatile grant_entry_v1_t *table;
static uint64_t *frame[4];
static volatile bool stop;

static void grant(unsigned int ref, const void *p, uint16_t flags)
{
	table[ref].domid = 0;
	table[ref].frame = (uint32_t)((uint64_t)p / PAGE_SIZE);
	__atomic_store_n(&table[ref].flags, GTF_permit_access | flags, __ATOMIC_RELEASE);
}

static struct gnttab_map_grant_ref map(unsigned int ref, uint64_t gfn, uint32_t flags)
{
	struct gnttab_map_grant_ref op = { .host_addr = gfn * PAGE_SIZE,
		                           .flags = GNTMAP_host_map | flags,
		                           .ref = ref,
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

static void test_map(void)
{
	struct gnttab_map_grant_ref rw, ro;

	page_map((void *)MAPPED, BASE * PAGE_SIZE, PG_KERNEL);
	page_map(page_window(2), (BASE + 1) * PAGE_SIZE, PG_KERNEL);
	grant(8, frame[0], 0);
	frame[0][1] = 0x1122334455667788;
	rw = map(8, BASE, 0);
	EXPECT_EQ(rw.status, GNTST_okay);
	EXPECT_EQ(MAPPED[1], 0x1122334455667788);
	MAPPED[2] = 77;
	EXPECT_EQ(frame[0][2], 77);
	EXPECT_EQ(table[8].flags, GTF_permit_access | USED);
	ro = map(8, BASE + 1, GNTMAP_readonly);
	EXPECT_EQ(ro.status, GNTST_okay);
	EXPECT_EQ(((uint64_t *)page_window(2))[2], 77);
	EXPECT(try_write(page_window(2), 1) != TRAP_NONE);
	EXPECT_EQ(unmap(rw.handle, BASE), GNTST_okay);
	EXPECT_EQ(table[8].flags, GTF_permit_access | GTF_reading);
	EXPECT(MAPPED[1] != 0x1122334455667788); /* a machine address with nothing there */
	EXPECT_EQ(unmap(ro.handle, BASE + 1), GNTST_okay);
	EXPECT_EQ(unmap(ro.handle, BASE + 1), GNTST_bad_handle);
	EXPECT_EQ(table[8].flags, GTF_permit_access);
	EXPECT_EQ(map(9, BASE, 0).status, GNTST_general_error);
	EXPECT_EQ(map(1u << 20, BASE, 0).status, GNTST_bad_gntref);
	EXPECT_EQ(xen_grant(GNTTABOP_map_grant_ref, 0x800000000000, 1), -XEN_EFAULT);
	EXPECT_EQ(xen_grant(GNTTABOP_unmap_grant_ref, &rw, -1), -XEN_EINVAL);
}

/* Over RAM: that is back when the grant is gone, and is the same. */
static void test_over_ram(void)
{
	struct gnttab_map_grant_ref op;
	uint64_t gfn = (uint64_t)frame[1] / PAGE_SIZE;

	frame[1][0] = 0xabcdef;
	frame[0][0] = 0x123;
	op = map(8, gfn, 0);
	EXPECT_EQ(op.status, GNTST_okay);
	EXPECT_EQ(*(volatile uint64_t *)frame[1], 0x123);
	EXPECT(xen_remove_from_physmap(gfn) < 0);
	EXPECT_EQ(unmap(op.handle, gfn), GNTST_okay);
	EXPECT_EQ(*(volatile uint64_t *)frame[1], 0xabcdef);
	EXPECT(fwcfg_dma_reaches(frame[1], (uint64_t)frame[1]));
}

static void test_many(void)
{
	static struct gnttab_map_grant_ref maps[MANY];
	static struct gnttab_unmap_grant_ref unmaps[MANY];
	unsigned int i, bad = 0;

	for (i = 0; i < MANY; i++) {
		grant(20 + i, frame[i % 4], 0);
		maps[i] = (struct gnttab_map_grant_ref){ .host_addr = (BASE + i) * PAGE_SIZE,
			                                 .flags = GNTMAP_host_map,
			                                 .ref = 20 + i };
	}
	EXPECT_EQ(xen_grant(GNTTABOP_map_grant_ref, maps, MANY), 0);
	for (i = 0; i < MANY; i++) {
		bad += maps[i].status != GNTST_okay;
		unmaps[i].host_addr = maps[i].host_addr;
		unmaps[i].handle = maps[i].handle;
	}
	EXPECT_EQ(xen_grant(GNTTABOP_unmap_grant_ref, unmaps, MANY), 0);
	for (i = 0; i < MANY; i++)
		bad += unmaps[i].status != GNTST_okay || table[20 + i].flags != GTF_permit_access;
	EXPECT_EQ(bad, 0);
}

static int copy(bool from_grant, uint64_t from, bool to_grant, uint64_t to, uint16_t len)
{
	struct gnttab_copy op = { .source.offset = 16, .dest.offset = 24, .len = len };

	op.flags = (uint16_t)((from_grant ? GNTCOPY_source_gref : 0) |
	                      (to_grant ? GNTCOPY_dest_gref : 0));
	op.source.u.gmfn = from;
	op.source.domid = from_grant ? 0 : DOMID_SELF;
	op.dest.u.gmfn = to;
	op.dest.domid = to_grant ? 0 : DOMID_SELF;
	EXPECT_EQ(xen_grant(GNTTABOP_copy, &op, 1), 0);
	return op.status;
}

static void test_copy(void)
{
	frame[0][2] = 1;
	frame[2][3] = frame[3][3] = 0;
	grant(8, frame[0], GTF_readonly);
	grant(9, frame[2], 0);
	EXPECT_EQ(copy(true, 8, true, 9, 8), GNTST_okay);
	EXPECT_EQ(frame[2][3], 1);
	EXPECT_EQ(copy(true, 8, false, (uint64_t)frame[3] / PAGE_SIZE, 8), GNTST_okay);
	EXPECT_EQ(frame[3][3], 1);
	EXPECT_EQ(copy(true, 8, true, 9, 0), GNTST_okay);
	EXPECT_EQ(copy(true, 9, true, 8, 8), GNTST_general_error);
	EXPECT_EQ(copy(true, 8, true, 9, 4090), GNTST_bad_copy_arg);
	EXPECT_EQ(copy(true, 8, false, BASE + 5, 8), GNTST_bad_page);
	EXPECT_EQ(table[8].flags, GTF_permit_access | GTF_readonly);
	EXPECT_EQ(table[9].flags, GTF_permit_access);
}

/* --- with another CPU ------------------------------------------------------------------- */

static volatile unsigned int phase; /* odd: nothing is mapped */
static unsigned int stale, looks;

static void look(void *arg)
{
	unsigned int before;
	uint64_t got;

	(void)arg;
	while (!stop) {
		before = phase;
		got = MAPPED[5];
		looks++;
		/* The frame has another use by then, and this is how it shows. */
		if (got == 2 || (before & 1 && phase == before && got == 1))
			stale++;
	}
}

static void test_flush(void)
{
	struct gnttab_map_grant_ref op;
	unsigned int i;

	grant(8, frame[0], 0);
	frame[0][5] = 1;
	phase = 1;
	stop = false;
	cpu_run(1, look, NULL);
	for (i = 0; i < 100; i++) {
		phase++;
		op = map(8, BASE, i & 1 ? GNTMAP_readonly : 0);
		EXPECT_EQ(op.status, GNTST_okay);
		EXPECT_EQ(unmap(op.handle, BASE), GNTST_okay);
		phase++;
		*(volatile uint64_t *)&frame[0][5] = 2;
		*(volatile uint64_t *)&frame[0][5] = 1;
	}
	stop = true;
	EXPECT(cpu_wait(1, PATIENCE));
	EXPECT(looks > 100);
	EXPECT_EQ(stale, 0);
}

/* Whoever grants does not keep to any rule. */
static void flip(void *arg)
{
	static const uint16_t flags[] = {
		GTF_permit_access, 0,      GTF_permit_access | GTF_readonly,
		GTF_transitive,    0xffff, GTF_permit_access | USED
	};
	volatile uint64_t *word = (volatile uint64_t *)&table[8];
	uint64_t x = 88172645463325252, wait;

	(void)arg;
	while (!stop) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		for (wait = x & 64 ? x >> 52 : 0; wait; wait--)
			cpu_relax();
		word[x & 3] = flags[(x >> 8) % 6] | (uint64_t)(x >> 16 & 7) / 7 << 16 |
		              ((uint64_t)frame[x >> 2 & 3] / PAGE_SIZE + (x & 48 ? 0 : BASE)) << 32;
	}
}

static void test_hostile(void)
{
	struct gnttab_map_grant_ref op;
	unsigned int i, odd = 0, done = 0, refused = 0;
	int status;

	stop = false;
	cpu_run(1, flip, NULL);
	for (i = 0; i < 1000; i++) {
		op = map(8 + i % 4, BASE + i % 3, i & 1 ? GNTMAP_readonly : 0);
		if (op.status == GNTST_okay)
			odd += unmap(op.handle, BASE + i % 3) != GNTST_okay;
		status = copy(true, 8 + i % 4, true, 8 + (i + 1) % 4, 64);
		done += (op.status == GNTST_okay) + (status == GNTST_okay);
		refused += (op.status != GNTST_okay) + (status != GNTST_okay);
		odd += op.status != GNTST_okay && op.status != GNTST_general_error &&
		       op.status != GNTST_bad_page;
		odd += status != GNTST_okay && status != GNTST_general_error &&
		       status != GNTST_bad_page;
	}
	stop = true;
	EXPECT(cpu_wait(1, PATIENCE));
	EXPECT_EQ(odd, 0);
	EXPECT(done > 0 && refused > 0);
	print("hostile: %u done, %u refused\n", done, refused);
	/* It can be had again, with nothing left over. */
	for (i = 8; i < 12; i++) {
		grant(i, frame[0], 0);
		op = map(i, BASE, 0);
		EXPECT_EQ(op.status, GNTST_okay);
		EXPECT_EQ(unmap(op.handle, BASE), GNTST_okay);
		EXPECT_EQ(table[i].flags, GTF_permit_access);
	}
}

void test_main(void)
{
	unsigned int i;

	for (i = 0; i < 4; i++)
		frame[i] = page_alloc();
	table = page_window(0);
	page_map(page_window(0), TABLE * PAGE_SIZE, PG_KERNEL);
	EXPECT_EQ(xen_add_to_physmap(XENMAPSPACE_grant_table, 0, TABLE), 0);
	EXPECT(cpu_start(1));
	test_map();
	test_over_ram();
	test_many();
	test_copy();
	test_flush();
	test_hostile();
}
