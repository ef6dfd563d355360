/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * dom0_mem= and dom0_max_vcpus= as the control domain sees them.
 *
 * Sources: man/froe-hypervisor.8; the value in force shows in the hypervisor's
 * command line, which the stock tools search for dom0_mem=.
 *
 * run: smp=2 hv=dom0_mem=96M hv=dom0_max_vcpus=1
 */
#include "lib/guest.h"

void test_main(void)
{
	struct hvm_memmap_table_entry *map = (void *)start_info->memmap_paddr;
	xen_commandline_t line;
	uint64_t ram = 0;
	unsigned int i;
	evtchn_port_t port;

	for (i = 0; i < start_info->memmap_entries; i++) {
		if (map[i].type == XEN_HVM_MEMMAP_TYPE_RAM)
			ram += map[i].size;
	}
	print("%lu KiB of RAM\n", ram / 1024);
	EXPECT(ram <= 96ul << 20 && ram >= 95ul << 20);
	EXPECT_EQ(cpu_count, 1);
	EXPECT_EQ(xen_bind_ipi(1, &port), -XEN_ENOENT);
	EXPECT_EQ(xen_vcpu(VCPUOP_is_up, 1, 0), -XEN_ENOENT);
	EXPECT_EQ(xen_version(XENVER_commandline, line), 0);
	EXPECT(string_has(line, "dom0_mem=96M"));
	EXPECT(string_has(line, "dom0_max_vcpus=1"));
}
