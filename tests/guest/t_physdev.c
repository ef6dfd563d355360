/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * physdev_op: what a control domain announces is taken quietly, the rest is
 * not there.
 *
 * Sources: xen/physdev.h; Xen's arch/x86/hvm/hypercall.c: of a PVH control domain
 * pci_mmcfg_reserved, pci_device_add and pci_device_remove, and dbgp_op only,
 * everything else ENOSYS.
 *
 * run: smp=1
 */
#include "lib/guest.h"

void test_main(void)
{
	static const unsigned int absent[] = {
		PHYSDEVOP_eoi,
		PHYSDEVOP_map_pirq,
		PHYSDEVOP_unmap_pirq,
		PHYSDEVOP_setup_gsi,
		PHYSDEVOP_get_free_pirq,
		PHYSDEVOP_apic_read,
		PHYSDEVOP_apic_write,
		PHYSDEVOP_set_iopl,
		PHYSDEVOP_set_iobitmap,
		PHYSDEVOP_irq_status_query,
		999,
		0xffffffff,
	};
	struct physdev_pci_mmcfg_reserved mmcfg = { .address = 0xb0000000, .end_bus = 255 };
	struct physdev_pci_device_add *add = page_alloc();
	struct physdev_pci_device dev = { .devfn = 8 };
	uint8_t zero[64] = { 0 };
	unsigned int i;

	add->devfn = 8;
	EXPECT_EQ(xen_physdev(PHYSDEVOP_pci_mmcfg_reserved, &mmcfg), 0);
	EXPECT_EQ(xen_physdev(PHYSDEVOP_pci_device_add, add), 0);
	EXPECT_EQ(xen_physdev(PHYSDEVOP_pci_device_remove, &dev), 0);
	for (i = 0; i < ARRAY_LEN(absent); i++) {
		if (xen_physdev(absent[i], zero) != -XEN_ENOSYS)
			print("operation %u\n", absent[i]);
		EXPECT_EQ(xen_physdev(absent[i], zero), -XEN_ENOSYS);
	}
}
