/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The hypervisor's own address space: its page tables, stacks, and maps of device memory.
 *
 * Nothing is both writable and executable, whichever alias is used: the direct map has no
 * executable page, and the image's text and constants are read-only in it.
 *
 * Locking: host_lock serialises changes of the tables. The page allocator's lock nests inside.
 */
#include <bootinfo.h>
#include <cpu.h>
#include <hostmap.h>
#include <page.h>
#include <paging.h>
#include <printk.h>
#include <regs.h>
#include <string.h>

#define RW (PTE_P | PTE_W | PTE_NX | PTE_G)
#define RO (PTE_P | PTE_NX | PTE_G)
#define RX (PTE_P | PTE_G)

#define LEVEL_1G 2

static struct spinlock host_lock;
static paddr_t host_root;

static mfn_t __init boot_table_alloc(void *ctx)
{
	paddr_t pa = boot_alloc(PAGE_SIZE, PAGE_SIZE, 4 * GIB);

	memset(paddr_to_virt(pa), 0, PAGE_SIZE);
	return paddr_to_mfn(pa);
}

static mfn_t page_table_alloc(void *ctx)
{
	return page_alloc(0);
}

static void page_table_free(void *ctx, mfn_t m)
{
	page_free(m, 0);
}

static struct pt_pool host_pool = { .alloc = boot_table_alloc };

void hostmap_use_pages(void)
{
	host_pool.alloc = page_table_alloc;
	host_pool.free = page_table_free;
}

static int map(u64 va, paddr_t pa, u64 size, u64 flags, enum mem_type type)
{
	u32 level = cpu_features.gib_pages ? LEVEL_1G : LEVEL_1G - 1;

	return pt_map(&pt_host, &host_pool, host_root, va, pa, size, flags, type, level);
}

/* --- at boot --------------------------------------------------------------- */

static void __init map_or_fail(u64 va, paddr_t pa, u64 size, u64 flags)
{
	if (map(va, pa, size, flags, MEM_WB))
		boot_fail("out of memory for page tables: give the machine more RAM");
}

static void __init map_image_part(const char *start, const char *end, u64 flags)
{
	map_or_fail((u64)start, image_paddr(start), end - start, flags);
}

void __init hostmap_init(void)
{
	host_root = mfn_to_paddr(host_pool.alloc(host_pool.ctx));
	for (u32 i = 0; i < boot_info.e820_count; i++) {
		const struct e820_entry *e = &boot_info.e820[i];

		if (e->type == E820_RAM)
			map_or_fail(DIRECTMAP_BASE + e->addr, e->addr, e->size, RW);
	}
	map_image_part(image_text_start, image_text_end, RX);
	map_image_part(image_rodata_start, image_rodata_end, RO);
	map_image_part(image_data_start, image_data_end, RW);
	map_image_part(image_init_text_start, image_init_text_end, RX);
	map_image_part(image_init_data_start, image_init_data_end, RW);
	map_or_fail(DIRECTMAP_BASE + image_paddr(image_text_start), image_paddr(image_text_start),
	            image_rodata_end - image_text_start, RO);
	map_or_fail(DIRECTMAP_BASE + image_paddr(image_init_text_start),
	            image_paddr(image_init_text_start), image_init_text_end - image_init_text_start,
	            RO);
	hostmap_load();
}

void hostmap_load(void)
{
	write_cr3(host_root);
}

paddr_t hostmap_root(void)
{
	return host_root;
}

/* A write of CR4.PGE is what flushes global entries too (APM2 5.5.2). */
void hostmap_flush(void)
{
	u64 cr4 = read_cr4();

	write_cr4(cr4 & ~CR4_PGE);
	write_cr4(cr4);
}

void __init hostmap_trampoline(paddr_t page, bool on)
{
	if (on)
		map_or_fail(page, page, PAGE_SIZE, PTE_P);
	else
		BUG_ON(pt_unmap(&pt_host, &host_pool, host_root, page, PAGE_SIZE));
	hostmap_flush();
}

/* Not __init: the code must outlive what it gives away. */
void hostmap_drop_init(void)
{
	paddr_t boot = (paddr_t)image_boot_start, init = image_paddr(image_init_text_start);
	paddr_t end = image_paddr(image_end);
	int rc = pt_unmap(&pt_host, &host_pool, host_root, (u64)image_init_text_start, end - init);

	if (!rc)
		rc = map(DIRECTMAP_BASE + init, init, end - init, RW, MEM_WB);
	BUG_ON(rc);
	hostmap_flush();
	page_release(paddr_to_mfn(boot), paddr_to_mfn((paddr_t)image_boot_end));
	page_release(paddr_to_mfn(init), paddr_to_mfn(end));
}

/* --- stacks ---------------------------------------------------------------- */

/* Offsets in a CPU's 64 KiB: what is not named stays unmapped. */
static const struct {
	u32 low, high;
} stack_slot[IST_COUNT] = {
	[IST_NONE] = { STACKS_STRIDE - STACK_SIZE, STACKS_STRIDE },
	[IST_DF] = { 0x1000, 0x1000 + IST_SIZE },
	[IST_NMI] = { 0x4000, 0x4000 + IST_SIZE },
	[IST_MC] = { 0x7000, 0x7000 + IST_SIZE },
};
static_assert(0x7000 + IST_SIZE < STACKS_STRIDE - STACK_SIZE, "a guard page below each stack");

static u64 stacks_of(const struct cpu *c)
{
	return STACKS_BASE + (u64)c->id * STACKS_STRIDE;
}

void __init hostmap_stacks_init(struct cpu *c)
{
	for (u32 i = 0; i < IST_COUNT; i++) {
		for (u32 at = stack_slot[i].low; at < stack_slot[i].high; at += PAGE_SIZE) {
			mfn_t m = page_alloc(0);

			if (!mfn_valid_box(m))
				boot_fail("out of memory for the stacks of CPU %u", c->id);
			map_or_fail(stacks_of(c) + at, mfn_to_paddr(m), PAGE_SIZE, RW);
		}
	}
	c->stack_top = stacks_of(c) + STACKS_STRIDE;
}

u64 hostmap_ist_top(const struct cpu *c, enum ist n)
{
	return stacks_of(c) + stack_slot[n].high;
}

bool hostmap_stack_of(const struct cpu *c, u64 sp, u64 *low, u64 *high)
{
	for (u32 i = 0; i < IST_COUNT; i++) {
		*low = stacks_of(c) + stack_slot[i].low;
		*high = stacks_of(c) + stack_slot[i].high;
		if (sp >= *low && sp < *high)
			return true;
	}
	return false;
}

/* --- device memory and firmware tables --------------------------------------- */

/* What is mapped already keeps its type. */
static void *map_alias(paddr_t pa, u64 size, u64 flags, enum mem_type type)
{
	paddr_t end = ROUND_UP(pa + size, PAGE_SIZE);
	int rc = 0;

	if (!size || pa + size < pa || end < pa || end > DIRECTMAP_SIZE)
		return NULL;
	if (!host_root) /* the boot tables reach 4 GiB */
		return end <= 4 * GIB ? paddr_to_virt(pa) : NULL;
	spin_lock(&host_lock);
	for (paddr_t at = ROUND_DOWN(pa, PAGE_SIZE); at < end && !rc; at += PAGE_SIZE) {
		u64 va = DIRECTMAP_BASE + at;

		if (!(pt_lookup(&pt_host, host_root, va).entry & PTE_P))
			rc = map(va, at, PAGE_SIZE, flags, type);
	}
	spin_unlock(&host_lock);
	return rc ? NULL : paddr_to_virt(pa);
}

void *mmio_map(paddr_t pa, u64 size)
{
	return map_alias(pa, size, RW, MEM_UC);
}

const void *firmware_map(paddr_t pa, u64 size)
{
	return map_alias(pa, size, RO, MEM_WB);
}
