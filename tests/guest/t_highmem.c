/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * RAM above 4 GiB: identity-mapped like the rest, good for arguments, and the
 * frame that was given up is the one that comes back.
 *
 * Sources: README.md (the control domain's addresses are the machine's).
 *
 * run: smp=1 mem=4096 hv=dom0_mem=3584M
 */
#include "lib/guest.h"

static uint64_t high_start, high_end;

static void find(void)
{
	struct hvm_memmap_table_entry *map = (void *)start_info->memmap_paddr;
	uint64_t ram = 0;
	unsigned int i;

	for (i = 0; i < start_info->memmap_entries; i++) {
		if (map[i].type != XEN_HVM_MEMMAP_TYPE_RAM)
			continue;
		ram += map[i].size;
		if (map[i].addr >= 1ul << 32 && !high_start) {
			high_start = map[i].addr;
			high_end = map[i].addr + map[i].size;
		}
	}
	print("%lu MiB, above 4 GiB %#lx-%#lx\n", ram >> 20, high_start, high_end);
	EXPECT(ram <= 3584ul << 20 && ram > 3568ul << 20);
	EXPECT(high_end - high_start > 256ul << 20);
}

static void test_frame(uint64_t at)
{
	struct xen_memory_reservation r = { .nr_extents = 1, .domid = DOMID_SELF };
	uint64_t *va = page_window(0), v = 0;
	struct xen_feature_info *fi = (void *)va;
	xen_pfn_t gpfn = at / PAGE_SIZE;

	page_map(va, at, PG_KERNEL);
	EXPECT(fwcfg_dma_reaches(va, at));
	*fi = (struct xen_feature_info){ 0 };
	EXPECT_EQ(xen_version(XENVER_get_features, fi), 0);
	EXPECT(fi->submap);
	set_xen_guest_handle_raw(r.extent_start, &gpfn);
	EXPECT_EQ(xen_memory(XENMEM_decrease_reservation, &r), 1);
	EXPECT_EQ(try_read(va, &v), TRAP_NONE);
	EXPECT_EQ(v, ~0ul);
	EXPECT(xen_version(XENVER_get_features, fi) < 0);
	EXPECT_EQ(xen_memory(XENMEM_populate_physmap, &r), 1);
	EXPECT(fwcfg_dma_reaches(va, at));
	EXPECT_EQ(xen_add_to_physmap(XENMAPSPACE_grant_table, 0, gpfn), 0);
	EXPECT(!fwcfg_dma_reaches(va, at));
	/* What covers it goes: the domain's own frame was only waiting. */
	EXPECT_EQ(xen_remove_from_physmap(gpfn), 0);
	EXPECT(fwcfg_dma_reaches(va, at));
}

void test_main(void)
{
	find();
	if (!high_start)
		return;
	test_frame(high_start);
	test_frame(high_end - PAGE_SIZE);
	test_frame((high_start + (high_end - high_start) / 2) & -PAGE_SIZE);
	test_frame(0x20000000);
}
