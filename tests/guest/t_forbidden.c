/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Memory that the control domain does not own (its map says UNUSABLE; the
 * hypervisor lies there): the touch ends the domain, with one line.
 *
 * run: smp=1 hv=noreboot end=stopped want=^about_to_touch
 */
#include "lib/guest.h"

void test_main(void)
{
	struct hvm_memmap_table_entry *map = (void *)start_info->memmap_paddr;
	unsigned int i;
	uint64_t at;

	for (i = 0; i < start_info->memmap_entries; i++) {
		if (map[i].type != XEN_HVM_MEMMAP_TYPE_UNUSABLE || map[i].size < 2 * PAGE_SIZE)
			continue;
		at = (map[i].addr + map[i].size / 2) & -PAGE_SIZE;
		if (at >= 1ul << 32)
			continue;
		print("about to touch %#lx\n", at);
		try_read((void *)at, NULL);
		print("read it\n");
		break;
	}
	EXPECT(!"the touch went unnoticed");
}
