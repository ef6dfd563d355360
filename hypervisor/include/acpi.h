/* SPDX-License-Identifier: GPL-2.0-only */
/* ACPI tables of the machine: found, checked, summarised (arch/x86/acpi.c). */
#pragma once

struct acpi_header {
	char signature[4];
	u32 length;
	u8 revision, checksum;
	char oem_id[6], oem_table_id[8];
	u32 oem_revision, creator_id, creator_revision;
} __packed;
static_assert(sizeof(struct acpi_header) == 36, "ACPI 6.4 5.2.6");

#define ACPI_MAX_IOAPICS   16
#define ACPI_MAX_OVERRIDES 32
#define ACPI_MAX_TABLES    64

struct acpi_info {
	paddr_t rsdp; /* 0: none found */
	u8 rsdp_revision;
	u32 table_count;
	paddr_t table[ACPI_MAX_TABLES]; /* every table that the XSDT or RSDT names */
	u32 cpu_count;                  /* enabled CPUs of the MADT */
	u32 cpu_apic_id[64];
	u32 lapic_base;
	u32 ioapic_count;
	struct {
		u32 id, address, gsi_base, pins;
	} ioapic[ACPI_MAX_IOAPICS];
	u32 override_count;
	struct {
		u8 bus, source;
		u32 gsi;
		u16 flags;
	} override[ACPI_MAX_OVERRIDES];
	u16 sci_irq;
	u16 pm1a_evt;           /* port of the status register, 0 = none */
	u16 pm1a_cnt, pm1b_cnt; /* ports, 0 = none; pm1_cnt_len bytes */
	u8 pm1_cnt_len;
	u16 pm_timer; /* port, 0 = none */
	bool pm_timer_32;
	u16 reset_port; /* 0: no reset register in I/O space */
	u8 reset_value;
	u8 rtc_century; /* CMOS register, 0 = none */
	bool s5_known;  /* from the DSDT's \_S5 package */
	u8 s5_typ_a, s5_typ_b;
	paddr_t dsdt, facs;
	u32 mcfg_count;
	struct {
		u64 base;
		u16 segment;
		u8 bus_start, bus_end;
	} mcfg[4];
};
extern struct acpi_info acpi;

/* Find and parse; rsdp: the loader's hint (address of the RSDP), 0 = scan. boot_fail() without a
 * MADT. */
void acpi_init(paddr_t rsdp);
/* The pure part of it: fills `acpi` but for the pins of IO-APICs. 0, -ENOENT, -EINVAL, -ENODEV. */
int acpi_parse(paddr_t hint);
/* The table with this signature, mapped; NULL. Names a table only if its checksum is right. */
const struct acpi_header *acpi_find(const char *signature);
u8 acpi_checksum(const void *p, u32 length);
/* Mask every pin of every IO-APIC; before the control domain starts. */
void acpi_ioapic_mask_all(void);
