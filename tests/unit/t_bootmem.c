/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Boot-time memory: every page of RAM has one owner at any time, and modules survive their move.
 *
 * files: hypervisor/core/page.c
 */
#include <string.h>
#include "harness.h"
#include "../../hypervisor/core/bootmem.c"

struct boot_info boot_info;
struct domain *domain_list;
static struct domain dom;

struct domain *domain_get(domid_t id)
{
	(void)id;
	return &dom;
}

void domain_put(struct domain *d)
{
	(void)d;
}

#define IMAGE_START 0x100000
#define IMAGE_END   0x190000

static void start(void)
{
	memset(&boot_info, 0, sizeof(boot_info));
	memset(&ram, 0, sizeof(ram));
	memset(&avail, 0, sizeof(avail));
	memset(&taken, 0, sizeof(taken));
	memset(&dom, 0, sizeof(dom));
	closed = false;
}

static void e820(u64 addr, u64 end, u32 type)
{
	boot_info.e820[boot_info.e820_count++] = (struct e820_entry){ addr, end - addr, type };
}

/* A module filled with a pattern of its own, which has to be there wherever it is later. */
static u64 pattern(u32 i, u64 offset)
{
	return (offset + i) * 0x9e3779b97f4a7c15ULL;
}

static void module(u64 at, u64 size)
{
	u32 i = boot_info.module_count++;
	u64 *p = paddr_to_virt(at);

	boot_info.module[i].start = at;
	boot_info.module[i].size = size;
	for (u64 k = 0; k < size / 8; k++)
		p[k] = pattern(i, k);
}

static void check_modules(void)
{
	for (u32 i = 0; i < boot_info.module_count; i++) {
		const u64 *p = paddr_to_virt(boot_info.module[i].start);
		u64 k;

		for (k = 0; k < boot_info.module[i].size / 8; k++)
			if (p[k] != pattern(i, k))
				break;
		CHECK_EQ(k, boot_info.module[i].size / 8);
	}
}

static bool overlap(paddr_t a, u64 asize, paddr_t b, u64 bsize)
{
	return a < b + bsize && b < a + asize;
}

static void check_apart(void)
{
	const struct boot_module *m = boot_info.module;

	for (u32 i = 0; i < boot_info.module_count; i++) {
		CHECK(!overlap(m[i].start, m[i].size, IMAGE_START, IMAGE_END - IMAGE_START));
		CHECK(!(m[i].start & (PAGE_SIZE - 1)));
		for (u32 k = 0; k < avail.count; k++)
			CHECK(!overlap(m[i].start, ROUND_UP(m[i].size, PAGE_SIZE), avail.r[k].start,
			               avail.r[k].end - avail.r[k].start));
	}
	if (boot_info.module_count == 2)
		CHECK(!overlap(m[0].start, m[0].size, m[1].start, m[1].size));
}

/* The largest run of free RAM from 16 MiB on: where the kernel goes. */
static u64 room_at_16m(void)
{
	for (u32 i = 0; i < avail.count; i++)
		if (avail.r[i].start <= 16 * MIB && avail.r[i].end > 16 * MIB)
			return avail.r[i].end - 16 * MIB;
	return 0;
}

/* QEMU -kernel: modules right behind the image, over the kernel's own place; 512 MiB. */
static void test_qemu_512m(void)
{
	struct range own[8];
	u64 bytes = 0;
	u32 n;

	start();
	e820(0, 0x9f000, E820_RAM);
	e820(0xf0000, 0x100000, E820_RESERVED);
	e820(0x100000, 0x1ffdd000, E820_RAM);
	e820(0x1ffdd000, 0x20000000, E820_RESERVED);
	module(0x1a0000, 66 * MIB + 0x123);
	module(0x1a0000 + 67 * MIB, 12 * MIB + 0xfff);
	bootmem_init(IMAGE_START, IMAGE_END);
	CHECK_EQ(bootmem_ram_bytes(), 0x9f000 + 0x1ffdd000 - 0x100000);
	bootmem_move_modules();
	check_modules();
	check_apart();
	CHECK(room_at_16m() > 400 * MIB);

	CHECK_EQ(boot_alloc(PAGE_SIZE, PAGE_SIZE, 0xa0000), 0x9e000);
	n = bootmem_take_low(256 * MIB, own, ARRAY_SIZE(own));
	REQUIRE(n == 2);
	CHECK_EQ(own[0].start, 0);
	CHECK_EQ(own[0].end, 0x9e000);
	CHECK_EQ(own[1].start, IMAGE_END);
	for (u32 i = 0; i < n; i++)
		bytes += own[i].end - own[i].start;
	CHECK_EQ(bytes, 256 * MIB);
}

/* Tight: hardly more RAM than the modules take, so that each overlaps its own new place. */
static void test_tight(void)
{
	for (u32 spare = 0; spare < 6; spare++) {
		start();
		e820(0x100000, 0x190000 + (64 + spare) * PAGE_SIZE, E820_RAM);
		module(0x190000, 40 * PAGE_SIZE - 8 * spare);
		module(0x190000 + 40 * PAGE_SIZE, 24 * PAGE_SIZE);
		bootmem_init(IMAGE_START, IMAGE_END);
		CHECK_EQ(bootmem_free_bytes(), spare * PAGE_SIZE);
		bootmem_move_modules();
		check_modules();
		check_apart();
		CHECK_EQ(bootmem_free_bytes(), spare * PAGE_SIZE);
		REQUIRE(avail.count == (spare != 0));
		if (spare)
			CHECK_EQ(avail.r[0].start, 0x190000);
	}
}

/* UEFI: modules anywhere, in any order, some below 1 MiB; RAM in pieces and above 4 GiB. */
static void test_random_machines(void)
{
	for (u32 round = 0; round < 300; round++) {
		u64 at = 0, size[2];
		struct range big[2];
		u32 bigs = 0;

		start();
		for (u32 i = 0; i < 3 + unit_below(40); i++) {
			u64 length = unit_below(3) ? (1 + unit_below(64)) * PAGE_SIZE
			                           : (1 + unit_below(30)) * MIB;
			u32 type = unit_below(3) ? E820_RAM : E820_RESERVED;

			if (at <= IMAGE_START && at + length > IMAGE_START) {
				length = 8 * MIB;
				type = E820_RAM;
			}
			e820(at, at + length, type);
			at += length + (unit_below(2) ? unit_below(64) * PAGE_SIZE : 0);
			if (at > 2 * MIB && at < 4 * GIB && !unit_below(20))
				at = 4 * GIB;
		}
		at = max(at, 2 * MIB);
		e820(at, at + 4 * MIB, E820_RAM);
		big[bigs++] = (struct range){ at, at + 4 * MIB };
		e820(at + 5 * MIB, at + 9 * MIB, E820_RAM);
		big[bigs++] = (struct range){ at + 5 * MIB, at + 9 * MIB };
		for (u32 i = 0; i < 2; i++) {
			size[i] = 1 + unit_below(3 * MIB);
			module((big[i].start + unit_below(256) * PAGE_SIZE), size[i]);
		}
		bootmem_init(IMAGE_START, IMAGE_END);
		check_apart();
		bootmem_move_modules();
		check_modules();
		check_apart();
	}
}

/* Each page of RAM is free, taken, or the hypervisor's, and what each list says is so. */
static void test_hand_over(void)
{
	struct range own[300], mine[64];
	u64 own_pages = 0, mine_pages = 0;
	u32 n, fill;

	start();
	e820(0, 0x9f000, E820_RAM);
	for (u64 at = 1 * MIB; at < 33 * MIB; at += 8 * MIB) /* pieces that touch are one */
		e820(at, at + 8 * MIB, E820_RAM);
	for (u64 at = 48 * MIB; at < 64 * MIB; at += 256 * KIB)
		e820(at, at + 64 * KIB, E820_RAM);
	e820(4 * GIB, 4 * GIB + 32 * MIB, E820_RAM);
	module(40 * MIB - 20 * MIB, 4 * MIB);
	bootmem_init(IMAGE_START, IMAGE_END);
	bootmem_move_modules();
	for (fill = 0; fill < ARRAY_SIZE(mine); fill++) {
		u64 size = (1 + unit_below(8)) * PAGE_SIZE, align = PAGE_SIZE << unit_below(4);
		u64 limit = unit_below(2) ? 4 * GIB : 0;
		paddr_t got = boot_alloc(size, align, limit);

		CHECK(!(got & (align - 1)) && (!limit || got + size <= limit) && got >= MIB);
		mine[fill] = (struct range){ got, got + size };
		mine_pages += size / PAGE_SIZE;
	}
	n = bootmem_take_low(17 * MIB + 123, own, ARRAY_SIZE(own));
	for (u32 i = 0; i < n; i++) {
		CHECK(!i || own[i].start > own[i - 1].end);
		own_pages += (own[i].end - own[i].start) / PAGE_SIZE;
	}
	CHECK_EQ(own_pages, 17 * MIB / PAGE_SIZE);
	bootmem_hand_over();
	CHECK_EQ(page_max, (4 * GIB + 32 * MIB) / PAGE_SIZE);
	CHECK_EQ(page_hole_start, (64 * MIB - 192 * KIB) / PAGE_SIZE);
	CHECK_EQ(page_hole_start + page_hole, 4 * GIB / PAGE_SIZE);
	EXPECT_PANIC("closed", boot_alloc(PAGE_SIZE, PAGE_SIZE, 0));

	for (u32 i = 0; i < n; i++) {
		CHECK_EQ(mfn_to_page(paddr_to_mfn(own[i].start))->state, PAGE_NONE);
		page_set_domain(paddr_to_mfn(own[i].start), paddr_to_mfn(own[i].end), &dom);
	}
	domain_list = &dom;
	CHECK_EQ(page_check(), 0);
	CHECK_EQ(dom.tot_pages, own_pages);
	for (u32 i = 0; i < fill; i++)
		for (paddr_t at = mine[i].start; at < mine[i].end; at += PAGE_SIZE)
			CHECK_EQ(mfn_to_page(paddr_to_mfn(at))->state, PAGE_HYPERVISOR);
	/* Image, allocations, module, frame table; the rest is free. */
	CHECK_EQ(page_hypervisor_bytes(),
	         IMAGE_END - IMAGE_START + mine_pages * PAGE_SIZE + 4 * MIB +
	                 ROUND_UP((page_max - page_hole) * sizeof(struct page), PAGE_SIZE));
	CHECK_EQ(page_free_count() + page_hypervisor_bytes() / PAGE_SIZE + own_pages,
	         (0x9f000 + 32 * MIB + 64 * 64 * KIB + 32 * MIB) / PAGE_SIZE);
	check_modules();
	page_release(paddr_to_mfn(boot_info.module[0].start),
	             paddr_to_mfn(boot_info.module[0].start + boot_info.module[0].size));
	CHECK_EQ(page_check(), 0);
}

static void test_bad_modules(void)
{
	start();
	e820(0, 32 * MIB, E820_RAM);
	module(31 * MIB, MIB + 1);
	EXPECT_PANIC("empty or not in RAM", bootmem_init(IMAGE_START, IMAGE_END));
	start();
	e820(0, 32 * MIB, E820_RAM);
	module(IMAGE_END - PAGE_SIZE, MIB);
	EXPECT_PANIC("over the hypervisor", bootmem_init(IMAGE_START, IMAGE_END));
	start();
	e820(0, 32 * MIB, E820_RAM);
	boot_info.module_count = 1;
	boot_info.module[0].start = ~0ULL - PAGE_SIZE;
	boot_info.module[0].size = 16 * PAGE_SIZE; /* wraps */
	EXPECT_PANIC("empty or not in RAM", bootmem_init(IMAGE_START, IMAGE_END));
}

static void test_exhausted(void)
{
	start();
	e820(0, 4 * MIB, E820_RAM);
	bootmem_init(IMAGE_START, IMAGE_END);
	EXPECT_PANIC("out of memory", boot_alloc(3 * MIB, PAGE_SIZE, 0));
	EXPECT_PANIC("out of memory", boot_alloc(PAGE_SIZE, PAGE_SIZE, PAGE_SIZE));
	CHECK_EQ(boot_alloc(PAGE_SIZE, PAGE_SIZE, 0), 4 * MIB - PAGE_SIZE);
}

void unit_main(void)
{
	unit_ram_init(8 * GIB);
	test_qemu_512m();
	test_tight();
	test_random_machines();
	test_bad_modules();
	test_exhausted();
	test_hand_over(); /* last: the allocator cannot be emptied again */
}
