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

struct acpi_rsdp {
	char signature[8];
	u8 checksum;
	char oem_id[6];
	u8 revision;
	u32 rsdt; /* the last field of revision 0 */
	u32 length;
	u64 xsdt;
	u8 checksum_all, reserved[3];
} __packed;
#define ACPI_RSDP_SIZE_0 20
static_assert(sizeof(struct acpi_rsdp) == 36, "ACPI 6.4 5.2.5.3");

/* The MADT, 5.2.12, and its entries. */
struct acpi_madt {
	struct acpi_header header;
	u32 lapic, flags;
} __packed;
enum {
	ACPI_LAPIC = 0,
	ACPI_IOAPIC = 1,
	ACPI_OVERRIDE = 2,
	ACPI_X2APIC = 9,
};
#define ACPI_CPU_ENABLED BIT(0)
struct acpi_lapic {
	u8 type, length, uid, apic_id;
	u32 flags;
} __packed;
struct acpi_ioapic {
	u8 type, length, id, reserved;
	u32 address, gsi_base;
} __packed;
struct acpi_override {
	u8 type, length, bus, source;
	u32 gsi;
	u16 flags;
} __packed;
struct acpi_x2apic {
	u8 type, length;
	u16 reserved;
	u32 apic_id, flags, uid;
} __packed;

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
	u32 ioapic_count;
	struct acpi_ioapic ioapic[ACPI_MAX_IOAPICS];
	u32 override_count;
	struct acpi_override override[ACPI_MAX_OVERRIDES];
	u16 pm1a_evt;           /* port of the status register, 0 = none */
	u16 pm1a_cnt, pm1b_cnt; /* ports, 0 = none */
	u16 pm_timer;           /* port, 0 = none */
	u16 reset_port;         /* 0: no reset register in I/O space */
	u8 reset_value;
	u8 rtc_century; /* CMOS register, 0 = none */
	bool s5_known;  /* from the DSDT's \_S5 package */
	u8 s5_typ_a, s5_typ_b;
	paddr_t dsdt;
};
extern struct acpi_info acpi;

/* Fills `acpi`; hint: where the loader has put the RSDP, 0 = scan. 0, -ENOENT, -EINVAL, -ENODEV. */
int acpi_parse(paddr_t hint);
/* The table with this signature, mapped; NULL. Names a table only if its checksum is right. */
const struct acpi_header *acpi_find(const char *signature);
/* 0 for a table that is right. */
static inline u8 acpi_checksum(const void *p, u32 length)
{
	const u8 *b = p;
	u8 sum = 0;

	while (length--)
		sum += *b++;
	return sum;
}
/* Mask every pin of every IO-APIC; before the control domain starts. */
void acpi_ioapic_mask_all(void);
