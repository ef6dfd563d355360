/* SPDX-License-Identifier: GPL-2.0-only */
/* Memory before the page allocator: which RAM is free, and who gets it (core/bootmem.c). */
#pragma once

#include <bootinfo.h>

struct range {
	paddr_t start, end;
};

/*
 * All RAM of boot_info.e820 is free but the modules and what lies in [start, end): the image.
 * boot_fail() when a module is not in RAM.
 */
void bootmem_init(paddr_t image_start, paddr_t image_end);

/* boot_alloc() of bootinfo.h: not zeroed; never below 1 MiB unless limit is at most 1 MiB. */

/* Undo a boot_alloc(). */
void bootmem_give_back(paddr_t at, u64 size);

/*
 * Copy both modules to the top of free RAM, so that nothing lies where the control domain's kernel
 * goes; boot_info.module[] follows. All RAM has to be in the direct map.
 */
void bootmem_move_modules(void);
/* [start, end), not empty, is all in one piece of the machine's RAM. */
bool bootmem_is_ram(paddr_t start, paddr_t end);
/* RAM of the machine, and what of it is free. */
u64 bootmem_ram_bytes(void);
u64 bootmem_free_bytes(void);
/*
 * Take the lowest free RAM, at most `bytes`, in at most max ranges, for the control domain. Returns
 * the number of ranges. Their frames are nobody's until page_set_domain().
 */
u32 bootmem_take_low(u64 bytes, struct range *out, u32 max);
/*
 * Make the frame table and give the free frames to the page allocator. All other RAM is the
 * hypervisor's, the modules too: page_release() them after use. The end of boot_alloc().
 */
void bootmem_hand_over(void);
