/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * memory_op: the map, pages put over RAM and taken away again, and the rule
 * that a frame the control domain gave up is the one that comes back.
 *
 * Sources: xen/memory.h; Xen's common/memory.c for errors: reservations answer
 * with the number of extents done, add_to_physmap EINVAL for an index or space
 * that does not exist, ENOSYS for foreign pages (batch only), ESRCH for the
 * domain, remove_from_physmap ENOENT where nothing is. Froe's own rule: the
 * control domain is identity-mapped, so DMA proves which frame came back.
 *
 * run: smp=1
 */
#include "lib/guest.h"

struct e820 {
	uint64_t addr, size;
	uint32_t type;
} __attribute__((packed));

static struct e820 e820[128];
static unsigned int e820_count;

static long memory_map(struct e820 *buffer, unsigned int *n)
{
	struct xen_memory_map op = { .nr_entries = *n };
	long rc;

	set_xen_guest_handle_raw(op.buffer, buffer);
	rc = xen_memory(XENMEM_memory_map, &op);
	*n = op.nr_entries;
	return rc;
}

static void test_memory_map(void)
{
	struct hvm_memmap_table_entry *map = (void *)start_info->memmap_paddr;
	unsigned int n = 128, i;

	EXPECT_EQ(memory_map(e820, &n), 0);
	EXPECT(n > 0 && n <= 128);
	e820_count = n;
	for (i = 0; i < start_info->memmap_entries && i < n; i++) {
		EXPECT_EQ(e820[i].addr, map[i].addr);
		EXPECT_EQ(e820[i].size, map[i].size);
		EXPECT_EQ(e820[i].type, map[i].type);
	}
	if (map && start_info->memmap_entries)
		EXPECT_EQ(n, start_info->memmap_entries);
	n = 1;
	memset(&e820[127], 0x5a, sizeof(e820[127]));
	EXPECT_EQ(memory_map(&e820[126], &n), 0);
	EXPECT_EQ(n, 1);
	EXPECT_EQ(e820[126].addr, e820[0].addr);
	EXPECT_EQ(e820[127].type, 0x5a5a5a5a);
	n = 128;
	EXPECT_EQ(memory_map((void *)0x800000000000, &n), -XEN_EFAULT);
	EXPECT_EQ(xen_memory(XENMEM_memory_map, 0x800000000000), -XEN_EFAULT);
	EXPECT(xen_memory(XENMEM_machine_memory_map, 0x800000000000) < 0);
}

/* A guest frame number that is nobody's: behind all the map names, within 512 GiB. */
static uint64_t unused_gpfn(void)
{
	uint64_t top = 4ul << 30;
	unsigned int i;

	for (i = 0; i < e820_count; i++) {
		if (e820[i].addr + e820[i].size > top && e820[i].addr < 64ul << 30)
			top = e820[i].addr + e820[i].size;
	}
	return ((top + (1ul << 30) - 1) >> 30 << 30) / PAGE_SIZE;
}

static uint64_t gpfn_of(const void *page)
{
	return (uint64_t)page / PAGE_SIZE;
}

static long reservation(unsigned int op, xen_pfn_t *list, unsigned long nr, unsigned int order,
                        domid_t dom)
{
	struct xen_memory_reservation r = {
		.nr_extents = nr,
		.extent_order = order,
		.domid = dom,
	};

	set_xen_guest_handle_raw(r.extent_start, list);
	return xen_memory(op, &r);
}

static void test_shared_info(void)
{
	uint64_t *frame = page_alloc(), *va = page_window(0);
	volatile struct shared_info *si = (void *)frame;

	frame[0] = 0x1122334455667788;
	EXPECT_EQ(xen_add_to_physmap(XENMAPSPACE_shared_info, 0, gpfn_of(frame)), 0);
	EXPECT(frame[0] != 0x1122334455667788);
	EXPECT(si->vcpu_info[0].time.tsc_to_system_mul != 0);
	/* Once more to the same place: the stock kernel does so after a cancelled suspend. */
	EXPECT_EQ(xen_add_to_physmap(XENMAPSPACE_shared_info, 0, gpfn_of(frame)), 0);
	si->evtchn_mask[5] = 0xabcd;
	/* At an address that was nobody's, too; content goes along. */
	page_map(va, unused_gpfn() * PAGE_SIZE, PG_KERNEL);
	EXPECT_EQ(xen_add_to_physmap(XENMAPSPACE_shared_info, 0, unused_gpfn()), 0);
	EXPECT_EQ(((struct shared_info *)va)->evtchn_mask[5], 0xabcd);
	((struct shared_info *)va)->evtchn_mask[5] = 0;
	EXPECT_EQ(xen_remove_from_physmap(unused_gpfn()), 0);
	xen_remove_from_physmap(gpfn_of(frame));
	EXPECT_EQ(reservation(XENMEM_populate_physmap, &(xen_pfn_t){ gpfn_of(frame) }, 1, 0,
	                      DOMID_SELF),
	          1);
	frame[0] = 77;
	EXPECT_EQ(frame[0], 77);
	EXPECT(fwcfg_dma_reaches(frame, (uint64_t)frame));
}

static void test_add_errors(void)
{
	uint64_t gpfn = gpfn_of(page_alloc());
	struct xen_add_to_physmap op = { .domid = 77,
		                         .space = XENMAPSPACE_shared_info,
		                         .gpfn = gpfn };

	EXPECT_EQ(xen_memory(XENMEM_add_to_physmap, &op), -XEN_ESRCH);
	EXPECT_EQ(xen_add_to_physmap(XENMAPSPACE_shared_info, 1, gpfn), -XEN_EINVAL);
	EXPECT_EQ(xen_add_to_physmap(XENMAPSPACE_grant_table, 1 << 20, gpfn), -XEN_EINVAL);
	EXPECT_EQ(xen_add_to_physmap(XENMAPSPACE_gmfn_foreign, 0, gpfn), -XEN_ENOSYS);
	EXPECT(xen_add_to_physmap(99, 0, gpfn) < 0);
	EXPECT(xen_add_to_physmap(XENMAPSPACE_shared_info, 0, 1ul << 50) < 0);
	EXPECT(xen_add_to_physmap(XENMAPSPACE_shared_info, 0, ~0ul) < 0);
	EXPECT_EQ(xen_memory(XENMEM_add_to_physmap, 0x800000000000), -XEN_EFAULT);
	EXPECT_EQ(xen_memory(63, &op), -XEN_ENOSYS);
	EXPECT_EQ(xen_memory(40, &op), -XEN_ENOSYS);
	EXPECT_EQ(xen_remove_from_physmap(unused_gpfn() + 1), -XEN_ENOENT);
	EXPECT(xen_remove_from_physmap(1ul << 50) < 0);
	EXPECT(xen_remove_from_physmap(~0ul) < 0);
	EXPECT_EQ(xen_memory(XENMEM_remove_from_physmap, 0x800000000000), -XEN_EFAULT);
	/* Nothing of these touched the page. */
	*(volatile uint64_t *)(gpfn * PAGE_SIZE) = 5;
	EXPECT(fwcfg_dma_reaches((void *)(gpfn * PAGE_SIZE), gpfn * PAGE_SIZE));
}

/* Remove a page of RAM: it reads as ones, takes no write, and comes back as the same frame. */
static void test_remove(void)
{
	volatile uint64_t *frame = page_alloc();
	xen_pfn_t gpfn = gpfn_of((void *)frame);
	uint64_t v = 0;

	EXPECT(fwcfg_dma_reaches((void *)frame, (uint64_t)frame));
	EXPECT_EQ(xen_remove_from_physmap(gpfn), 0);
	EXPECT_EQ(try_read(frame, &v), TRAP_NONE);
	EXPECT_EQ(v, ~0ul);
	EXPECT_EQ(try_write(frame, 1), TRAP_GP);
	EXPECT_EQ(reservation(XENMEM_populate_physmap, &gpfn, 1, 0, DOMID_SELF), 1);
	EXPECT_EQ(try_write(frame, 0x99), TRAP_NONE);
	EXPECT_EQ(*frame, 0x99);
	EXPECT(fwcfg_dma_reaches((void *)frame, (uint64_t)frame));
}

/* Many at once, out of the middle of large pages, in another order than they went. */
static void test_balloon(void)
{
	static xen_pfn_t list[64], back[64];
	uint8_t *pages[64];
	unsigned int i;

	for (i = 0; i < 64; i++) {
		pages[i] = page_alloc();
		memset(pages[i], 0xee, PAGE_SIZE);
		list[i] = gpfn_of(pages[i]);
		back[63 - i] = list[i];
	}
	EXPECT_EQ(reservation(XENMEM_decrease_reservation, list, 64, 0, DOMID_SELF), 64);
	EXPECT_EQ(reservation(XENMEM_decrease_reservation, list, 64, 0, DOMID_SELF), 0);
	EXPECT_EQ(try_write(pages[3], 1), TRAP_GP);
	EXPECT_EQ(reservation(XENMEM_populate_physmap, back, 64, 0, DOMID_SELF), 64);
	for (i = 0; i < 64; i++)
		EXPECT(fwcfg_dma_reaches(pages[i], (uint64_t)pages[i]));
	/* The neighbours were not touched. */
	EXPECT(fwcfg_dma_reaches(page_alloc(), (uint64_t)pages[63] + PAGE_SIZE));
}

static void test_reservation_errors(void)
{
	xen_pfn_t gpfn = unused_gpfn() + 7;

	EXPECT_EQ(reservation(XENMEM_decrease_reservation, &gpfn, 1, 0, DOMID_SELF), 0);
	EXPECT(reservation(XENMEM_decrease_reservation, &gpfn, 1, 63, DOMID_SELF) <= 0);
	EXPECT(reservation(XENMEM_populate_physmap, &gpfn, 1, 63, DOMID_SELF) <= 0);
	EXPECT(reservation(XENMEM_populate_physmap, &gpfn, 1, 0, 77) <= 0);
	EXPECT(reservation(XENMEM_decrease_reservation, &gpfn, 1, 0, 77) <= 0);
	EXPECT(reservation(XENMEM_populate_physmap, (void *)0x800000000000, 1, 0, DOMID_SELF) <= 0);
	EXPECT(reservation(XENMEM_decrease_reservation, (void *)0x800000000000, 1, 0, DOMID_SELF) <=
	       0);
	EXPECT(reservation(XENMEM_decrease_reservation, &gpfn, ~0ul, 0, DOMID_SELF) <= 0);
	EXPECT(xen_memory(XENMEM_populate_physmap, 0x800000000000) <= 0);
	gpfn = ~0ul;
	EXPECT(reservation(XENMEM_populate_physmap, &gpfn, 1, 0, DOMID_SELF) <= 0);
	EXPECT(reservation(XENMEM_decrease_reservation, &gpfn, 1, 0, DOMID_SELF) <= 0);
	EXPECT(xen_memory(XENMEM_maximum_gpfn, &(domid_t){ DOMID_SELF }) > 0);
}

void test_main(void)
{
	test_memory_map();
	test_shared_info();
	test_add_errors();
	test_remove();
	test_balloon();
	test_reservation_errors();
}
