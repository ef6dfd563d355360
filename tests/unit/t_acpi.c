/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ACPI tables: what a good machine says is understood; truncated and damaged tables are survived.
 * files: hypervisor/arch/x86/acpi.c
 */
#include <stdlib.h>
#include <acpi.h>
#include <hostmap.h>
#include <string.h>
#include "harness.h"

/* Physical memory [0, 1 MiB) of the machine under test. */
#define MEMORY (1 * MIB)
static u8 *memory;

/* Each mapping is a copy of exactly its size, so that ASan sees a step beyond. */
static void *maps[4096];
static u32 map_count;

const void *firmware_map(paddr_t pa, u64 size)
{
	void *copy;

	if (!size || size > MEMORY || pa > MEMORY - size || map_count == ARRAY_SIZE(maps))
		return NULL;
	copy = malloc(size);
	memcpy(copy, memory + pa, size);
	maps[map_count++] = copy;
	return copy;
}

static int parse(paddr_t hint)
{
	int rc = acpi_parse(hint);

	while (map_count)
		free(maps[--map_count]);
	return rc;
}

/* --- a machine ------------------------------------------------------------ */

#define RSDP 0xe0010
#define XSDT 0x90000
#define RSDT 0x90800
#define MADT 0x91000
#define FADT 0x92000
#define DSDT 0x93000
#define MCFG 0x94000
#define SSDT 0x95000

static void put(paddr_t at, u64 v, u32 bytes)
{
	memcpy(memory + at, &v, bytes);
}

static void seal(paddr_t at, u32 length, u32 checksum_at)
{
	memory[at + checksum_at] = 0;
	memory[at + checksum_at] = (u8)-acpi_checksum(memory + at, length);
}

static void table(paddr_t at, const char *signature, u32 length)
{
	memcpy(memory + at, signature, 4);
	put(at + 4, length, 4);
	seal(at, length, 9);
}

static void rsdp(u8 revision)
{
	memcpy(memory + RSDP, "RSD PTR ", 8);
	memory[RSDP + 15] = revision;
	put(RSDP + 16, RSDT, 4);
	put(RSDP + 20, 36, 4);
	put(RSDP + 24, XSDT, 8);
	seal(RSDP, 20, 8);
	seal(RSDP, 36, 32);
}

static void lists(void)
{
	static const u32 all[] = { FADT, MADT, MCFG, SSDT };

	for (u32 i = 0; i < 4; i++) {
		put(XSDT + 36 + 8 * i, all[i], 8);
		put(RSDT + 36 + 4 * i, all[i], 4);
	}
	table(XSDT, "XSDT", 36 + 32);
	table(RSDT, "RSDT", 36 + 16);
}

static paddr_t madt_at;

static void madt_add(u32 length, const u8 *bytes)
{
	memcpy(memory + madt_at, bytes, length);
	madt_at += length;
}

static void madt_seal(void)
{
	table(MADT, "APIC", (u32)(madt_at - MADT));
}

static void madt(void)
{
	put(MADT + 36, 0xfee00000, 4);
	put(MADT + 40, 1, 4);
	madt_at = MADT + 44;
	madt_add(8, (u8[]){ 0, 8, 0, 0, 1, 0, 0, 0 });
	madt_add(8, (u8[]){ 0, 8, 1, 2, 1, 0, 0, 0 });
	madt_add(8, (u8[]){ 0, 8, 2, 4, 0, 0, 0, 0 });    /* disabled */
	madt_add(8, (u8[]){ 0, 8, 3, 0xff, 1, 0, 0, 0 }); /* no id */
	madt_add(12, (u8[]){ 1, 12, 9, 0, 0, 0, 0xc0, 0xfe, 24, 0, 0, 0 });
	madt_add(10, (u8[]){ 2, 10, 0, 9, 9, 0, 0, 0, 0xd, 0 });
	madt_add(6, (u8[]){ 4, 6, 0xff, 0, 0, 1 }); /* LAPIC NMI */
	madt_add(16, (u8[16]){ 9, 16, 0, 0, 6, 0, 0, 0, 1, 0, 0, 0, 4 });
	madt_add(16, (u8[16]){ 9, 16, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 1 }); /* known already */
	madt_seal();
}

static void fadt(u32 length)
{
	put(FADT + 36, 0x7000, 4);
	put(FADT + 40, DSDT, 4);
	put(FADT + 46, 9, 2);
	put(FADT + 64, 0x604, 4);
	put(FADT + 76, 0x608, 4);
	memory[FADT + 89] = 2;
	memory[FADT + 91] = 4;
	memory[FADT + 108] = 0x32;
	put(FADT + 112, BIT(8) | BIT(10), 4);
	put(FADT + 116, 1 | 8 << 8, 4);
	put(FADT + 120, 0xcf9, 8);
	memory[FADT + 128] = 0x0f;
	table(FADT, "FACP", length);
}

/* As iasl writes Name (\_S5, Package () { 5, 5, 0, 0 }), with a decoy in front. */
static void dsdt(void)
{
	static const u8 aml[] = { 0x10, 0x05, '_',  'S',  '5',  '_', 0x08, '_', 'S',  '5',
		                  '_',  0x12, 0x07, 0x04, 0x0a, 5,   0x0a, 6,   0x00, 0x00 };

	memcpy(memory + DSDT + 36, aml, sizeof(aml));
	table(DSDT, "DSDT", 36 + sizeof(aml));
}

static void mcfg(void)
{
	put(MCFG + 44, 0xb0000000, 8);
	memory[MCFG + 55] = 255;
	table(MCFG, "MCFG", 60);
	table(SSDT, "SSDT", 40);
}

static void machine(void)
{
	memset(memory, 0, MEMORY);
	put(0x40e, 0x9fc0, 2);
	rsdp(2);
	lists();
	madt();
	fadt(244);
	dsdt();
	mcfg();
}

/* --- good ones ------------------------------------------------------------ */

static void test_good(void)
{
	machine();
	REQUIRE(parse(0) == 0);
	CHECK_EQ(acpi.rsdp, RSDP);
	CHECK_EQ(acpi.rsdp_revision, 2);
	CHECK_EQ(acpi.table_count, 4);
	CHECK_EQ(acpi.table[1], MADT);
	CHECK_EQ(acpi.cpu_count, 3);
	CHECK_EQ(acpi.cpu_apic_id[1], 2);
	CHECK_EQ(acpi.cpu_apic_id[2], 6);
	CHECK_EQ(acpi.ioapic_count, 1);
	CHECK_EQ(acpi.ioapic[0].id, 9);
	CHECK_EQ(acpi.ioapic[0].address, 0xfec00000);
	CHECK_EQ(acpi.ioapic[0].gsi_base, 24);
	CHECK_EQ(acpi.override_count, 1);
	CHECK_EQ(acpi.override[0].source, 9);
	CHECK_EQ(acpi.override[0].flags, 0xd);
	CHECK_EQ(acpi.pm1a_cnt, 0x604);
	CHECK_EQ(acpi.pm1b_cnt, 0);
	CHECK_EQ(acpi.pm_timer, 0x608);
	CHECK_EQ(acpi.rtc_century, 0x32);
	CHECK_EQ(acpi.reset_port, 0xcf9);
	CHECK_EQ(acpi.reset_value, 0xf);
	CHECK(acpi.s5_known);
	CHECK_EQ(acpi.s5_typ_a, 5);
	CHECK_EQ(acpi.s5_typ_b, 6);
	CHECK_EQ(acpi.dsdt, DSDT);
}

static void test_variants(void)
{
	machine(); /* revision 0: the RSDT */
	rsdp(0);
	memory[XSDT] = 0;
	CHECK_EQ(parse(0), 0);
	CHECK_EQ(acpi.table_count, 4);

	machine(); /* an XSDT that is damaged: the RSDT */
	memory[XSDT + 20]++;
	CHECK_EQ(parse(0), 0);
	CHECK_EQ(acpi.table_count, 4);

	machine(); /* the loader's hint goes before the scan, in the EBDA as well */
	memcpy(memory + 0x9fc20, memory + RSDP, 36);
	CHECK_EQ(parse(RSDP), 0);
	CHECK_EQ(acpi.rsdp, RSDP);
	CHECK_EQ(parse(0), 0);
	CHECK_EQ(acpi.rsdp, 0x9fc20);
	CHECK_EQ(parse(0x12345), 0); /* a wrong hint costs nothing */
	CHECK_EQ(parse(~0ULL), 0);

	machine(); /* the extended fields win */
	put(FADT + 140, SSDT, 8);
	put(FADT + 172, 1, 4);
	put(FADT + 176, 0x404, 8);
	put(FADT + 208, 1, 4);
	put(FADT + 212, 0x408, 8);
	table(FADT, "FACP", 244);
	CHECK_EQ(parse(0), 0);
	CHECK_EQ(acpi.pm1a_cnt, 0x404);
	CHECK_EQ(acpi.pm_timer, 0x408);
	CHECK_EQ(acpi.dsdt, SSDT);

	machine(); /* but not if they are in memory */
	put(FADT + 172, 0, 4);
	put(FADT + 176, 0xfed00000, 8);
	table(FADT, "FACP", 244);
	CHECK_EQ(parse(0), 0);
	CHECK_EQ(acpi.pm1a_cnt, 0x604);

	machine(); /* ACPI 1.0 */
	fadt(116);
	CHECK_EQ(parse(0), 0);
	CHECK_EQ(acpi.pm_timer, 0x608);
	CHECK_EQ(acpi.reset_port, 0);
	CHECK_EQ(acpi.dsdt, DSDT);

	machine(); /* \_S5 in an SSDT */
	memcpy(memory + SSDT + 36, "\x08\\_S5_\x12\x06\x04\x01\x01\x00\x00", 13);
	table(SSDT, "SSDT", 49);
	memory[DSDT + 36 + 8] = 'X';
	table(DSDT, "DSDT", 56);
	CHECK_EQ(parse(0), 0);
	CHECK(acpi.s5_known);
	CHECK_EQ(acpi.s5_typ_a, 1);
}

/* --- bad ones ------------------------------------------------------------- */

static void test_many_cpus(void)
{
	machine();
	madt_at = MADT + 44;
	for (u32 i = 0; i < 80; i++)
		madt_add(16, (u8[16]){ 9, 16, 0, 0, (u8)i, 0, 0, 0, 1 });
	madt_add(16, (u8[16]){ 9, 16, 0, 0, 0, 1, 0, 0, 1 }); /* id 256 */
	madt_seal();
	unit_log_clear();
	CHECK_EQ(parse(0), 0);
	CHECK_EQ(acpi.cpu_count, 64);
	CHECK(unit_log_has("17 CPUs left out"));
}

static void test_bad(void)
{
	machine();
	memory[RSDP]++;
	CHECK_EQ(parse(0), -ENOENT);
	machine();
	memory[RSDP + 16]++; /* the checksum */
	CHECK_EQ(parse(0), -ENOENT);
	machine();
	memory[XSDT]++;
	memory[RSDT]++;
	CHECK_EQ(parse(0), -EINVAL);
	machine();
	memory[MADT + 50]++;
	CHECK_EQ(parse(0), -ENODEV);
	machine();
	table(MADT, "APIC", 43);
	CHECK_EQ(parse(0), -ENODEV);
	machine();
	table(MADT, "APIC", 44); /* no entries */
	CHECK_EQ(parse(0), -ENODEV);
	machine();
	memory[MADT + 45] = 0; /* an entry of length 0 must not loop */
	madt_seal();
	CHECK_EQ(parse(0), -ENODEV);
	machine();
	memory[FADT + 100]++; /* a machine without FADT still boots */
	CHECK_EQ(parse(0), 0);
	CHECK_EQ(acpi.pm_timer, 0);
	machine();
	put(MADT + 4, ~0U, 4);
	CHECK_EQ(parse(0), -ENODEV);
}

/* Each table cut at every length, with a good checksum: no read beyond its end. */
static void test_truncated(void)
{
	static const struct {
		paddr_t at;
		u32 length;
		const char *signature;
	} tables[] = {
		{ XSDT, 68, "XSDT" }, { MADT, 160, "APIC" }, { FADT, 244, "FACP" },
		{ DSDT, 56, "DSDT" }, { MCFG, 60, "MCFG" },
	};

	for (u32 i = 0; i < ARRAY_SIZE(tables); i++)
		for (u32 n = 0; n <= tables[i].length; n++) {
			machine();
			put(tables[i].at + 4, n, 4);
			seal(tables[i].at, max(n, 36u), 9);
			parse(0);
			CHECK(acpi.cpu_count <= 64);
		}
}

static void check_sane(int rc)
{
	CHECK(rc == 0 || rc == -ENOENT || rc == -EINVAL || rc == -ENODEV);
	CHECK(acpi.table_count <= ACPI_MAX_TABLES);
	CHECK(acpi.ioapic_count <= ACPI_MAX_IOAPICS);
	CHECK(acpi.override_count <= ACPI_MAX_OVERRIDES);
	CHECK(acpi.s5_typ_a <= 7 && acpi.s5_typ_b <= 7);
	REQUIRE(acpi.cpu_count <= 64);
	for (u32 i = 0; i < acpi.cpu_count; i++) {
		CHECK(acpi.cpu_apic_id[i] < 255);
		for (u32 j = 0; j < i; j++)
			CHECK(acpi.cpu_apic_id[i] != acpi.cpu_apic_id[j]);
	}
}

static void test_fuzz(void)
{
	static const paddr_t tables[] = { XSDT, RSDT, MADT, FADT, DSDT, MCFG, SSDT };
	u32 good = 0;

	machine();
	for (u32 round = 0; round < 15000; round++) {
		u8 before[7][320];
		int rc;

		for (u32 i = 0; i < 7; i++)
			memcpy(before[i], memory + tables[i], sizeof(before[i]));
		for (u64 n = 1 + unit_below(6); n; n--) {
			paddr_t at = tables[unit_below(7)];
			u32 length;

			memory[at + unit_below(200)] = (u8)(unit_below(2) ? unit_random()
			                                                  : unit_below(20));
			/* Mostly with a checksum that hides it, so that parsing gets there. */
			memcpy(&length, memory + at + 4, 4);
			if (unit_below(10) && length >= 36 && at + length <= MEMORY)
				seal(at, length, 9);
		}
		rc = parse(unit_below(8) ? RSDP : 0);
		good += !rc;
		check_sane(rc);
		for (u32 i = 0; i < 7; i++)
			memcpy(memory + tables[i], before[i], sizeof(before[i]));
	}
	CHECK(good > 3000);
}

void unit_main(void)
{
	memory = malloc(MEMORY);
	test_good();
	test_variants();
	test_many_cpus();
	test_bad();
	test_truncated();
	test_fuzz();
	free(memory);
}
