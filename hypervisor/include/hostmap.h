/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The hypervisor's own address space (arch/x86/hostmap.c).
 *
 * DIRECTMAP_BASE + x       all RAM, and device or firmware ranges asked for, at machine address x
 * IMAGE_BASE + x           the image, loaded at x = 1 MiB
 * STACKS_BASE + id * 64K   the stacks of CPU id, each with unmapped pages below
 */
#pragma once

#define IMAGE_BASE     0xffffffff80000000
#define STACKS_BASE    0xffffffffc0000000
#define STACKS_STRIDE  0x10000
#define DIRECTMAP_SIZE (1ULL << 46)

#ifndef __ASSEMBLY__

struct cpu;

/* Section bounds, page-aligned, from froe.lds. */
extern char image_boot_start[], image_boot_end[]; /* linked at their physical address */
extern char image_start[], image_end[];           /* all that is linked high */
extern char image_text_start[], image_text_end[];
extern char image_rodata_start[], image_rodata_end[];
extern char image_data_start[], image_data_end[]; /* .data and .bss */
extern char image_init_text_start[], image_init_text_end[];
extern char image_init_data_start[], image_init_data_end[]; /* up to image_end */

static inline paddr_t image_paddr(const void *p)
{
	return (paddr_t)p - IMAGE_BASE;
}

/* Stacks for exceptions that must not trust the current one: IST numbers, APM2 8.9.4. */
enum ist {
	IST_NONE,
	IST_DF,
	IST_NMI,
	IST_MC,
	IST_COUNT,
};
#define IST_SIZE (8 * KIB)

/* Build the final tables and switch to them; table pages come from boot_alloc(). */
void hostmap_init(void);
/* The boot allocator is closed: tables come from page_alloc() from now on. */
void hostmap_use_pages(void);
/* The calling CPU starts to use the final tables. */
void hostmap_load(void);
paddr_t hostmap_root(void);
/* Map the stacks of c (boot_fail() without memory) and set c->stack_top. */
void hostmap_stacks_init(struct cpu *c);
u64 hostmap_ist_top(const struct cpu *c, enum ist n);
/* [*low, *high): the mapped stack that sp lies in, false if in none of c's. */
bool hostmap_stack_of(const struct cpu *c, u64 sp, u64 *low, u64 *high);
/* One executable page at its physical address, for the start of other CPUs; off again afterwards.
 */
void hostmap_trampoline(paddr_t page, bool on);
/* Forget the init sections and the boot page, whose frames go to the allocator. Others flush then.
 */
void hostmap_drop_init(void);
/* Forget all translations that the calling CPU has cached. */
void hostmap_flush(void);

/*
 * Device memory, uncached, read-write; firmware tables, cached, read-only. Same address for the
 * same pa, for good. NULL when it cannot be reached or mapped. Ranges that are RAM stay as they
 * are.
 */
void *mmio_map(paddr_t pa, u64 size);
const void *firmware_map(paddr_t pa, u64 size);

#endif
