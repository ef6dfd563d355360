/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The page-table walker: maps, splits and unmaps beside a model of every page; and guests' tables
 * of all formats, walked with every permission.
 *
 * files: hypervisor/arch/x86/paging.c
 */
#include <page.h>
#include <paging.h>
#include <string.h>
#include "harness.h"

#define FRAMES   2048
#define TYPE(n)  ((u64)(n) << PTE_SW_SHIFT)
#define RW       (PTE_P | PTE_W | PTE_U)
#define MODEL_2M 1024 /* pages of the model: four times 2 MiB and a bit on each side */

static u64 next_frame = 1, live_tables, alloc_left = ~0ULL;
static bool used[FRAMES];

static mfn_t pool_alloc(void *ctx)
{
	(void)ctx;
	if (!alloc_left)
		return INVALID_MFN;
	alloc_left--;
	for (u64 i = 0; i < FRAMES; i++, next_frame++)
		if (next_frame % FRAMES && !used[next_frame % FRAMES])
			break;
	REQUIRE(!used[next_frame % FRAMES]);
	used[next_frame % FRAMES] = true;
	memset(mfn_to_virt(mfn(next_frame % FRAMES)), 0, PAGE_SIZE);
	live_tables++;
	return mfn(next_frame % FRAMES);
}

static void pool_free(void *ctx, mfn_t m)
{
	(void)ctx;
	REQUIRE(used[mfn_x(m)]);
	used[mfn_x(m)] = false;
	live_tables--;
}

static struct pt_pool pool = { pool_alloc, pool_free, NULL };

/* What the page at va maps to according to the tables: address and flags, 0 for nothing. */
static u64 translate(const struct pt_format *f, paddr_t root, u64 va)
{
	struct pt_leaf leaf = pt_lookup(f, root, va);
	u64 size = pt_level_size(f, leaf.level);

	if (!leaf.entry)
		return 0;
	CHECK(!leaf.level == !(leaf.entry & PTE_PS));
	CHECK(!(leaf.entry & PTE_ADDR & (size - 1)));
	return (leaf.entry & ~PTE_PS) + (va & (size - 1));
}

/*
 * Random maps and unmaps in a window around a border of the given size; every page of the window is
 * compared after each.
 */
static u32 drop(void *ctx, u64 va, struct pt_leaf leaf)
{
	CHECK(leaf.entry & PTE_P);
	return 1;
}

/* In as many parts as possible. */
static void destroy(const struct pt_format *f, paddr_t root,
                    u32 (*fn)(void *ctx, u64 va, struct pt_leaf leaf))
{
	struct pt_visit c = { .clear = true, .fn = fn, .ctx = &root };
	u64 parts = 0, tables = live_tables;

	do
		c.budget = 1;
	while (!pt_visit(f, &c, root));
	pt_detach(root);
	CHECK_EQ(live_tables, tables);
	while (!pt_free(f, &pool, root, 1))
		parts++;
	CHECK_EQ(parts, tables - 1 - (tables > 1)); /* the last one need not know that it is */
	CHECK_EQ(live_tables, 1);
	pool_free(NULL, paddr_to_mfn(root));
}

static void run_model(const struct pt_format *f, u64 base, u32 max_level, u32 rounds)
{
	static u64 model[MODEL_2M * 2];
	paddr_t root = mfn_to_paddr(pool_alloc(NULL));

	memset(model, 0, sizeof(model));
	for (u32 round = 0; round < rounds; round++) {
		u64 first = unit_below(ARRAY_SIZE(model)), pages, pa, flags;

		if (!unit_below(3))
			first = ROUND_DOWN(first, 512);
		pages = unit_below(2) ? 1 + unit_below(40) : 512 * (1 + unit_below(3));
		pages = min(pages, ARRAY_SIZE(model) - first);
		pa = unit_below(1UL << 27) << PAGE_SHIFT;
		if (unit_below(2)) /* so that large leaves fit */
			pa = ROUND_DOWN(pa, GIB) + ((base + (first << PAGE_SHIFT)) & (GIB - 1));
		flags = PTE_P | (unit_below(2) ? PTE_W : 0) | TYPE(unit_below(64)) |
		        (unit_below(2) ? PTE_NX : 0);
		if (unit_below(5) < 3) {
			REQUIRE(!pt_map(f, &pool, root, base + (first << PAGE_SHIFT), pa,
			                pages << PAGE_SHIFT, flags, MEM_WB, max_level));
			for (u64 i = 0; i < pages; i++)
				model[first + i] = flags | (pa + (i << PAGE_SHIFT));
		} else {
			REQUIRE(!pt_unmap(f, &pool, root, base + (first << PAGE_SHIFT),
			                  pages << PAGE_SHIFT));
			memset(&model[first], 0, pages * sizeof(model[0]));
		}
		for (u64 i = 0; i < ARRAY_SIZE(model); i++)
			if (translate(f, root, base + (i << PAGE_SHIFT)) != model[i])
				CHECK_EQ(translate(f, root, base + (i << PAGE_SHIFT)), model[i]);
		CHECK(!translate(f, root, base - PAGE_SIZE));
		CHECK(!translate(f, root, base + (ARRAY_SIZE(model) << PAGE_SHIFT)));
	}
	destroy(f, root, drop);
	CHECK_EQ(live_tables, 0);
}

static void test_model(void)
{
	run_model(&pt_host, 0xffff800000000000ULL + 5 * GIB, 2, 150);
	run_model(&pt_npt, 64 * MIB, 1, 150);
	run_model(&pt_npt, 3 * GIB, 0, 40);
	run_model(&pt_npt, 512 * GIB - 4 * MIB, 2, 150); /* over a border of the top level */
	run_model(&pt_npt, GIB - 2 * MIB - 17 * PAGE_SIZE, 2, 150);
}

/* The number of tables tells that large leaves are used, and that 1 GiB splits in two steps. */
static void test_sizes(void)
{
	paddr_t root = mfn_to_paddr(pool_alloc(NULL));
	u64 before;

	REQUIRE(!pt_map(&pt_npt, &pool, root, 0, 0, 6 * GIB, RW, MEM_WB, 2));
	CHECK_EQ(live_tables, 2);
	CHECK_EQ(pt_lookup(&pt_npt, root, 5 * GIB + 12345).level, 2);
	CHECK_EQ(pt_lookup(&pt_npt, root, 6 * GIB).entry, 0);
	REQUIRE(!pt_unmap(&pt_npt, &pool, root, GIB + 5 * MIB, PAGE_SIZE));
	CHECK_EQ(live_tables, 4);
	CHECK_EQ(pt_lookup(&pt_npt, root, GIB).level, 1);
	CHECK_EQ(pt_lookup(&pt_npt, root, GIB + 4 * MIB).level, 0);
	CHECK_EQ(pt_lookup(&pt_npt, root, GIB + 5 * MIB).entry, 0);
	CHECK_EQ(translate(&pt_npt, root, GIB + 5 * MIB + PAGE_SIZE),
	         (GIB + 5 * MIB + PAGE_SIZE) | RW);
	CHECK_EQ(translate(&pt_npt, root, 2 * GIB - PAGE_SIZE), (2 * GIB - PAGE_SIZE) | RW);
	/* Not aligned alike: only small leaves fit. */
	REQUIRE(!pt_map(&pt_npt, &pool, root, 8 * GIB, PAGE_SIZE, 4 * MIB, RW, MEM_UC, 2));
	CHECK_EQ(pt_lookup(&pt_npt, root, 8 * GIB).level, 0);
	CHECK_EQ(translate(&pt_npt, root, 8 * GIB), PAGE_SIZE | RW | PTE_PCD | PTE_PWT);
	/* A table in the way stays: a CPU may be walking it. */
	before = live_tables;
	REQUIRE(!pt_map(&pt_npt, &pool, root, GIB, GIB, GIB, RW | TYPE(1), MEM_WC, 2));
	CHECK_EQ(live_tables, before);
	CHECK_EQ(pt_lookup(&pt_npt, root, GIB).level, 1);
	CHECK_EQ(translate(&pt_npt, root, GIB + 5 * MIB), (GIB + 5 * MIB) | RW | TYPE(1) | PTE_PWT);
	destroy(&pt_npt, root, drop);
	CHECK_EQ(live_tables, 0);
}

/* Without memory for a table the old mapping stays whole. */
static void test_no_memory(void)
{
	paddr_t root = mfn_to_paddr(pool_alloc(NULL));

	REQUIRE(!pt_map(&pt_npt, &pool, root, 0, 0, GIB, RW, MEM_WB, 2));
	for (alloc_left = 0; alloc_left < 2; alloc_left++) {
		u64 keep = alloc_left;

		CHECK_EQ(pt_unmap(&pt_npt, &pool, root, 5 * MIB, PAGE_SIZE), -ENOMEM);
		CHECK_EQ(translate(&pt_npt, root, 5 * MIB), 5 * MIB | RW);
		alloc_left = keep;
		CHECK_EQ(pt_map(&pt_npt, &pool, root, 600 * GIB, 0, PAGE_SIZE, RW, MEM_WB, 2),
		         -ENOMEM);
		alloc_left = keep;
	}
	alloc_left = ~0ULL;
	CHECK_EQ(pt_unmap(&pt_npt, &pool, root, 5 * MIB, PAGE_SIZE), 0);
	CHECK_EQ(translate(&pt_npt, root, 5 * MIB), 0);
	CHECK_EQ(translate(&pt_npt, root, 4 * MIB), 4 * MIB | RW);
	destroy(&pt_npt, root, drop);
	CHECK_EQ(live_tables, 0);
}

static u64 visited_pages, visited_next;

static u32 visit(void *ctx, u64 va, struct pt_leaf leaf)
{
	CHECK(va >= visited_next);
	CHECK_EQ(translate(&pt_npt, *(paddr_t *)ctx, va), 0); /* cleared before it is given out */
	visited_pages += pt_level_size(&pt_npt, leaf.level) >> PAGE_SHIFT;
	visited_next = va + pt_level_size(&pt_npt, leaf.level);
	return leaf.level + 1;
}

/* Each leaf once, in order, whatever the parts are. */
static void test_clear(void)
{
	paddr_t root = mfn_to_paddr(pool_alloc(NULL));

	pt_map(&pt_npt, &pool, root, 0, 0, 3 * GIB, RW, MEM_WB, 2);
	pt_unmap(&pt_npt, &pool, root, 7 * MIB, 3 * PAGE_SIZE);
	pt_map(&pt_npt, &pool, root, 700 * GIB, 0, 5 * PAGE_SIZE, RW, MEM_WB, 2);
	destroy(&pt_npt, root, visit);
	CHECK_EQ(visited_pages, (3 * GIB >> PAGE_SHIFT) - 3 + 5);
	CHECK_EQ(live_tables, 0);
}

/* --- guests' tables --------------------------------------------------------- */

static u32 reads;

static int read_entry(void *ctx, gpa_t at, void *entry, u32 bytes)
{
	(void)ctx;
	reads++;
	if (gpa_x(at) + bytes > FRAMES * PAGE_SIZE)
		return -EFAULT;
	memcpy(entry, paddr_to_virt(gpa_x(at)), bytes);
	return 0;
}

struct guest {
	const struct pt_format *f;
	u64 va;
	u32 leaf_level;
	u64 root;
};

/* Tables in frames 1, 2, ...: one per level down to the leaf. Returns the address of the entry. */
static u64 entry_address(const struct guest *g, u32 level)
{
	u32 shift = PAGE_SHIFT;

	for (u32 i = 0; i < level; i++)
		shift += g->f->bits[i];
	return g->root + (g->f->levels - 1u - level) * PAGE_SIZE +
	       (g->va >> shift & (BIT(g->f->bits[level]) - 1)) * g->f->entry_bytes;
}

static void set_entry(const struct guest *g, u32 level, u64 e)
{
	memcpy(paddr_to_virt(entry_address(g, level)), &e, g->f->entry_bytes);
}

static u64 grant_mask(const struct guest *g, u32 level)
{
	return level == g->f->levels - 1u ? g->f->top_grants : PTE_P | PTE_W | PTE_U;
}

static void build(const struct guest *g, u64 leaf_pa)
{
	memset(paddr_to_virt(0), 0, 16 * PAGE_SIZE);
	for (u32 level = g->f->levels; level-- > g->leaf_level;) {
		u64 next = g->root + (g->f->levels - level) * PAGE_SIZE;

		if (level == g->leaf_level)
			set_entry(g, level, leaf_pa | RW | (level ? PTE_PS : 0));
		else
			set_entry(g, level, next | (RW & grant_mask(g, level)));
	}
}

static int walk(const struct guest *g, u64 va, u64 need, u64 *out, u64 *left)
{
	gpa_t at = gpa(0);
	int rc = pt_walk_guest(g->f, gpa(g->root), va, need, read_entry, NULL, &at, left);

	*out = gpa_x(at);
	return rc;
}

/* Take one permission away at each level in turn: only walks that need it fail. */
static void check_permissions(const struct guest *g)
{
	static const u64 bit[] = { PTE_P, PTE_W, PTE_U, PTE_NX };
	u64 out, left, old, changed;

	for (u32 level = g->leaf_level; level < g->f->levels; level++) {
		for (u32 b = 0; b < ARRAY_SIZE(bit); b++) {
			bool counts = bit[b] == PTE_NX ? g->f->entry_bytes == 8 : true;

			if (level == g->f->levels - 1u && !(g->f->top_grants & bit[b]))
				counts = false;
			old = 0;
			memcpy(&old, paddr_to_virt(entry_address(g, level)), g->f->entry_bytes);
			changed = bit[b] == PTE_NX ? old | PTE_NX : old & ~bit[b];
			set_entry(g, level, changed);
			for (u64 n = 0; n < 16; n++) {
				u64 need = 0;

				for (u32 k = 0; k < 4; k++)
					need |= n >> k & 1 ? bit[k] : 0;
				CHECK_EQ(walk(g, g->va, need, &out, &left),
				         counts && (need & bit[b] || bit[b] == PTE_P) ? -EFAULT
				                                                      : 0);
			}
			set_entry(g, level, old);
		}
	}
}

static void check_walk(const struct pt_format *f, u64 va, u32 leaf_level, u64 leaf_pa)
{
	struct guest g = { f, va, leaf_level, PAGE_SIZE };
	u64 size = pt_level_size(f, leaf_level), out, left;

	build(&g, leaf_pa);
	reads = 0;
	CHECK_EQ(walk(&g, va, RW | PTE_NX, &out, &left), 0);
	CHECK_EQ(out, leaf_pa | (va & (size - 1)));
	CHECK_EQ(left, PAGE_SIZE - (va & (PAGE_SIZE - 1)));
	CHECK_EQ(reads, f->levels - leaf_level);
	check_permissions(&g);
	/* A table that cannot be reached. */
	if (leaf_level < f->levels - 1u) {
		set_entry(&g, f->levels - 1u, 0xfffff000 | PTE_P);
		CHECK_EQ(walk(&g, va, 0, &out, &left), -EFAULT);
	}
}

static void test_guest_walks(void)
{
	u64 out, left, e;
	struct guest g;

	check_walk(&pt_guest_64, 0x00007f1234567abc, 0, 0x000000fedcba9000);
	check_walk(&pt_guest_64, 0xffffffff81234567, 1, 0x0000007654200000);
	check_walk(&pt_guest_64, 0xffff888000000fff, 2, 0x0000000140000000);
	check_walk(&pt_guest_la57, 0x00ff123456789abc, 0, 0x12345000);
	check_walk(&pt_guest_la57, 0xff11223344556677, 1, 0x12200000);
	check_walk(&pt_guest_pae, 0xfedcba98, 0, 0x0000001234567000);
	check_walk(&pt_guest_pae, 0x7edcba98, 1, 0x0000001234400000);
	check_walk(&pt_guest_32, 0xfedcba98, 0, 0x12345000);
	check_walk(&pt_guest_32, 0x80000001, 1, 0x12400000);

	/* Addresses that no instruction could use. */
	g = (struct guest){ &pt_guest_64, 0, 0, PAGE_SIZE };
	build(&g, 0x5000);
	CHECK_EQ(walk(&g, 0x0000800000000000, 0, &out, &left), -EFAULT);
	CHECK_EQ(walk(&g, 0xfffe800000000000, 0, &out, &left), -EFAULT);
	g = (struct guest){ &pt_guest_la57, 0, 0, PAGE_SIZE };
	build(&g, 0x5000);
	CHECK_EQ(walk(&g, 0x0100000000000000, 0, &out, &left), -EFAULT);
	g = (struct guest){ &pt_guest_32, 0, 0, PAGE_SIZE };
	build(&g, 0x5000);
	CHECK_EQ(walk(&g, BIT(32), 0, &out, &left), -EFAULT);

	/* 4 MiB page above 4 GiB: address bits 32-39 in bits 13-20. */
	g = (struct guest){ &pt_guest_32, 0x00412345, 1, PAGE_SIZE };
	build(&g, 0);
	e = 0x1000000 | 0x12 << 13 | PTE_PS | RW;
	set_entry(&g, 1, e);
	CHECK_EQ(walk(&g, g.va, 0, &out, &left), 0);
	CHECK_EQ(out, 0x1201000000 | 0x12345);

	/* A PS bit where no leaf can be is a reserved bit; it does not end the walk. */
	g = (struct guest){ &pt_guest_64, 0x1000, 0, PAGE_SIZE };
	build(&g, 0x7000);
	set_entry(&g, 3, (2 * PAGE_SIZE) | RW | PTE_PS);
	CHECK_EQ(walk(&g, g.va, 0, &out, &left), 0);
	CHECK_EQ(out, 0x7000);
}

/* Tables of rubbish: an answer or -EFAULT, after at most as many reads as there are levels. */
static void test_rubbish(void)
{
	static const struct pt_format *const all[] = { &pt_guest_64, &pt_guest_la57, &pt_guest_pae,
		                                       &pt_guest_32 };

	for (u64 i = 0; i < 64 * 512; i++) {
		u64 e = unit_random() | PTE_P;

		if (unit_below(4))
			e = (e & ~PTE_ADDR & ~PTE_PS) | unit_below(64) << PAGE_SHIFT;
		memcpy(paddr_to_virt(i * 8), &e, 8);
	}
	for (u32 i = 0; i < 50000; i++) {
		struct guest g = { all[unit_below(4)], 0, 0, unit_below(64) << PAGE_SHIFT };
		u64 out, left = 0, va = unit_random() >> unit_below(64);

		reads = 0;
		if (walk(&g, va, unit_random() & RW, &out, &left) == 0)
			CHECK(left && left <= PAGE_SIZE && !(out >> 52));
		CHECK(reads <= g.f->levels);
	}
}

void unit_main(void)
{
	unit_ram_init(FRAMES * PAGE_SIZE);
	test_model();
	test_sizes();
	test_no_memory();
	test_clear();
	test_guest_walks();
	test_rubbish();
}
