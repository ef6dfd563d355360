/* SPDX-License-Identifier: GPL-2.0-only */
/* Building the control domain (arch/x86/virt/dom0.c, dom0_plan.c, dom0_acpi.c). */
#pragma once

#include <acpi.h>
#include <bootmem.h>
#include <domain.h>

/* --- dom0.c: steps of the boot -------------------------------------------- */

/*
 * Take the control domain's RAM, lowest first, while bootmem still has all of it, and say the
 * amount in boot_cmdline_effective. boot_fail() when the kernel (boot module 1) is unusable or does
 * not fit.
 */
void dom0_reserve(void);
/* Build, start vCPU 0; boot_fail() on bad input. Boot CPU, all CPUs up, before they schedule. */
void dom0_build(void);
/* The last lines of a boot: what the hypervisor keeps for itself and, with `bench`, what it took.
 */
void dom0_report(void);

/* The TSC at the hypervisor's first instruction (boot.S). */
extern u64 boot_tsc_start;

/* --- dom0_plan.c: decisions, pure ------------------------------------------ */

#define DOM0_RANGES_MAX 256

/* How much RAM the control domain gets, given what is asked for (0: nothing) and what there is. */
u64 dom0_memory_size(u64 asked, u64 ram, u64 available);

/* What dom0_e820_build() works from. All ranges are page-aligned, sorted and do not overlap. */
struct dom0_e820_in {
	const struct e820_entry *machine; /* sorted, not overlapping, RAM page-trimmed */
	u32 machine_count;
	const struct range *own; /* RAM of the control domain */
	u32 own_count;
	struct range acpi;        /* of it: holds the tables made for it */
	const struct range *keep; /* of it: must stay in the map as it is (kernel, initrd ...) */
	u32 keep_count;
};

/*
 * The memory map that the control domain sees: at most `max` entries in out[cap] (cap is larger,
 * for the work). Returns their number, 0 if it cannot be done; *lost: own RAM that fell out of the
 * map.
 */
u32 dom0_e820_build(const struct dom0_e820_in *in, struct e820_entry *out, u32 cap, u32 max,
                    u64 *lost);

/*
 * The lowest (top: highest) place of `size` bytes at [floor, limit) that lies in one of own[] and
 * touches none of avoid[]. 0 if there is none; results are page-aligned.
 */
paddr_t dom0_place(const struct range *own, u32 own_count, const struct range *avoid,
                   u32 avoid_count, u64 size, paddr_t floor, paddr_t limit, bool top);
/* [start, end) lies in own[] as a whole. */
bool dom0_owns(const struct range *own, u32 own_count, paddr_t start, paddr_t end);

/*
 * The control domain's command line: its own words and what the hypervisor adds (in front of a
 * "--"). *added: the added words, "" if there are none. -EINVAL: *why says what is wrong with it.
 */
int dom0_cmdline(const char *own, char *out, size_t size, const char **added, const char **why);
/* The hypervisor's command line as it is in effect: dom0_mem= first, then all other words of own.
 */
void dom0_cmdline_effective(const char *own, char *out, size_t size, u64 bytes);

/* --- dom0_acpi.c ----------------------------------------------------------- */

/* May the control domain see the firmware table with this signature? */
bool dom0_acpi_allowed(const char *signature);
/*
 * RSDP, XSDT and MADT for the control domain into buf, which the domain will find at `at`: the
 * tables tables[] plus a MADT with vCPU i at apic_id[i]. Returns the bytes used, 0 if they do not
 * fit.
 */
u32 dom0_acpi_build(void *buf, u32 size, paddr_t at, const struct acpi_info *info,
                    const paddr_t *tables, u32 table_count, const u32 *apic_id, u32 vcpu_count);
/*
 * The machine's IOMMU registers as an IVRS or DMAR table tells them: at most max ranges, number
 * returned. Reads only table->length bytes.
 */
u32 dom0_acpi_iommus(const struct acpi_header *table, struct range *out, u32 max);
