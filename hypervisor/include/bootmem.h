/* SPDX-License-Identifier: GPL-2.0-only */
/* Memory before the page allocator has it (core/bootmem.c); boot_alloc() is in bootinfo.h. */
#pragma once

struct range {
	paddr_t start, end;
};

/*
 * Take the lowest `bytes` of free RAM for the control domain: at most max ranges, page-aligned and
 * ascending, into out[]. Returns their number; they may add up to less when there is no more.
 */
u32 bootmem_take_low(u64 bytes, struct range *out, u32 max);
