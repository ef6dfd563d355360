/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where a guest has what in its memory: RAM around the hole below 4 GiB, and in it the kernel where
 * it wants to be, start_info behind it, the initrd behind that. Nothing is done here.
 */
#include <string.h>
#include "build.h"

/* Linux reads start_info's tables through a map of the first GiB only. */
#define INFO_LIMIT GIB
#define FOUR_GIB   (4 * GIB)

static uint64_t page_up(uint64_t x)
{
	return (x + PAGE - 1) & ~(PAGE - 1);
}

static void map_add(struct layout *l, uint64_t addr, uint64_t size, uint32_t type)
{
	if (size)
		l->map[l->map_count++] =
			(struct hvm_memmap_table_entry){ .addr = addr, .size = size, .type = type };
}

const char *froe__layout(struct layout *l, uint64_t memory, const struct elf_image *kernel,
                         uint64_t initrd_size, size_t cmdline_size, uint32_t vcpus, uint64_t *need)
{
	uint64_t end;

	memset(l, 0, sizeof(*l));
	*need = 0;
	memory &= ~(PAGE - 1);
	l->low = memory < HOLE_START ? memory : HOLE_START;
	l->high = memory - l->low;
	l->acpi_pages = page_up(froe__acpi_size(vcpus)) / PAGE;
	l->info = page_up(kernel->high);
	l->info_size = sizeof(struct hvm_start_info) + sizeof(struct hvm_modlist_entry) +
	               sizeof(l->map) + cmdline_size + 1;
	l->initrd = l->info + page_up(l->info_size);
	l->initrd_size = initrd_size;
	if (l->initrd > INFO_LIMIT)
		return "the kernel reaches above 1 GiB";
	if (initrd_size > HOLE_START - l->initrd)
		return "the initrd does not fit below 4 GiB";
	end = l->initrd + page_up(initrd_size);
	if (end > l->low) {
		*need = end;
		return "memory is too small for the kernel and the initrd";
	}
	map_add(l, 0, l->low, XEN_HVM_MEMMAP_TYPE_RAM);
	map_add(l, ACPI_BASE, l->acpi_pages * PAGE, XEN_HVM_MEMMAP_TYPE_ACPI);
	map_add(l, SPECIAL_GFN * PAGE, 8 * PAGE, XEN_HVM_MEMMAP_TYPE_RESERVED);
	map_add(l, FOUR_GIB, l->high, XEN_HVM_MEMMAP_TYPE_RAM);
	return NULL;
}

void froe__layout_info(const struct layout *l, const char *cmdline, void *out)
{
	struct {
		struct hvm_start_info info;
		struct hvm_modlist_entry initrd;
		struct hvm_memmap_table_entry map[LAYOUT_MAP];
		char cmdline[];
	} *at = out;

	memset(out, 0, l->info_size);
	at->info.magic = XEN_HVM_START_MAGIC_VALUE;
	at->info.version = 1;
	at->info.rsdp_paddr = ACPI_BASE;
	at->info.cmdline_paddr = l->info + ((char *)at->cmdline - (char *)at);
	at->info.memmap_paddr = l->info + ((char *)at->map - (char *)at);
	at->info.memmap_entries = l->map_count;
	memcpy(at->map, l->map, sizeof(at->map));
	strcpy(at->cmdline, cmdline);
	if (l->initrd_size) {
		at->info.nr_modules = 1;
		at->info.modlist_paddr = l->info + ((char *)&at->initrd - (char *)at);
		at->initrd.paddr = l->initrd;
		at->initrd.size = l->initrd_size;
	}
}
