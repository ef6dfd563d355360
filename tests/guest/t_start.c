/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The state in which a kernel is started: registers, start information,
 * memory map, ACPI tables.
 *
 * Sources: xen/arch-x86/hvm/start_info.h and the PVH start convention
 * (docs/misc/pvh.pandoc of Xen): 32-bit flat segments, CR0.PE alone, CR4 0,
 * IF, TF and VM clear, a 32-bit TSS of limit 0x67 in TR. The start information
 * and its map below 1 GiB and at most 127 entries: what the stock kernel can read.
 *
 * run: smp=2
 */
#include "lib/guest.h"

extern uint32_t entry_cr0, entry_cr4, entry_eflags, entry_rest;

static void test_registers(void)
{
	EXPECT_EQ(entry_cr0 & ~0x10u, 1); /* ET may be set or not */
	EXPECT_EQ(entry_cr4, 0);
	/* VM, IF, TF */
	EXPECT_EQ(entry_eflags & 0x20300, 0);
	/* Nothing of the hypervisor's comes along in the others. */
	EXPECT_EQ(entry_rest, 0);
}

static void test_start_info(void)
{
	EXPECT_EQ(start_info->magic, XEN_HVM_START_MAGIC_VALUE);
	EXPECT(start_info->version >= 1);
	EXPECT(start_info->flags & SIF_INITDOMAIN);
	EXPECT(start_info->flags & SIF_PRIVILEGED);
	EXPECT((uint64_t)start_info < 1ul << 30);
	EXPECT(start_info->cmdline_paddr && start_info->cmdline_paddr < 1ul << 32);
	/* Without an IOMMU the hypervisor appends these for the kernel it starts. */
	EXPECT(string_has((char *)start_info->cmdline_paddr, "swiotlb=force"));
	EXPECT(string_has((char *)start_info->cmdline_paddr, "idle=halt"));
}

static bool in_ram(const struct hvm_memmap_table_entry *map, unsigned int n, uint64_t addr)
{
	unsigned int i;

	for (i = 0; i < n; i++) {
		if (map[i].type == XEN_HVM_MEMMAP_TYPE_RAM && addr >= map[i].addr &&
		    addr - map[i].addr < map[i].size)
			return true;
	}
	return false;
}

static void test_map(const struct hvm_memmap_table_entry *map, unsigned int n)
{
	extern uint8_t guest_end[];
	uint64_t ram = 0, end = 0;
	unsigned int i;

	EXPECT(n > 0 && n <= 127);
	for (i = 0; i < n; i++) {
		print("  %#014lx-%#014lx type %u\n", map[i].addr, map[i].addr + map[i].size - 1,
		      map[i].type);
		EXPECT(map[i].size > 0);
		EXPECT(map[i].addr >= end);
		end = map[i].addr + map[i].size;
		EXPECT(end > map[i].addr);
		EXPECT(map[i].type >= 1 && map[i].type <= 7);
		if (map[i].type == XEN_HVM_MEMMAP_TYPE_RAM)
			ram += map[i].size;
	}
	EXPECT(in_ram(map, n, 0x1000000));
	EXPECT(in_ram(map, n, (uint64_t)guest_end - 1));
	EXPECT(in_ram(map, n, TRAMPOLINE));
	EXPECT(in_ram(map, n, 0x10000));
	/* dom0_mem: by default at most half of the 512 MiB, and never a token amount. */
	EXPECT(ram > 128ul << 20 && ram <= 257ul << 20);
}

/* Every frame called RAM is there and keeps what is written to it. */
static void test_ram(const struct hvm_memmap_table_entry *map, unsigned int n)
{
	extern uint8_t guest_end[];
	uint64_t keep, bad = 0;
	volatile uint64_t *p;
	unsigned int i;
	uint64_t a;

	for (i = 0; i < n; i++) {
		if (map[i].type != XEN_HVM_MEMMAP_TYPE_RAM)
			continue;
		a = (map[i].addr + PAGE_SIZE - 1) & -PAGE_SIZE;
		for (; a + PAGE_SIZE <= map[i].addr + map[i].size && a < 1ul << 32;
		     a += 16 * PAGE_SIZE) {
			if (a >= 0x1000000 && a < (uint64_t)guest_end)
				continue;
			p = (volatile uint64_t *)(a + 2048);
			keep = *p;
			*p = a ^ 0x5a5a;
			bad += *p != (a ^ 0x5a5a);
			*p = keep;
		}
	}
	EXPECT_EQ(bad, 0);
}

static void test_acpi(void)
{
	const struct acpi_table *xsdt = acpi_find("XSDT"), *madt = acpi_find("APIC");
	uint32_t ids[CPU_MAX];

	EXPECT(start_info->rsdp_paddr);
	EXPECT(acpi_checksum((void *)start_info->rsdp_paddr, 20));
	EXPECT(acpi_checksum((void *)start_info->rsdp_paddr, 36));
	EXPECT(xsdt && acpi_checksum(xsdt, xsdt->length));
	EXPECT(madt && acpi_checksum(madt, madt->length));
	EXPECT(acpi_find("FACP"));
	/* An IOMMU or HPET of the hypervisor's is not shown; nor are tables not on the list. */
	EXPECT(!acpi_find("HPET"));
	EXPECT(!acpi_find("DMAR"));
	EXPECT(!acpi_find("IVRS"));
	EXPECT(!acpi_find("WAET"));
	EXPECT_EQ(acpi_cpus(ids, CPU_MAX), 2);
	/* PCAT_COMPAT would promise a PIC that is hidden. */
	if (madt)
		EXPECT_EQ(((const uint8_t *)madt)[40] & 1, 0);
	EXPECT_EQ(cpuid(1, 0).ebx >> 24, ids[0]);
}

void test_main(void)
{
	struct hvm_memmap_table_entry *map = (void *)start_info->memmap_paddr;

	test_registers();
	test_start_info();
	EXPECT(start_info->memmap_paddr < 1ul << 30);
	if (map && start_info->memmap_entries) {
		test_map(map, start_info->memmap_entries);
		test_ram(map, start_info->memmap_entries);
	}
	test_acpi();
}
