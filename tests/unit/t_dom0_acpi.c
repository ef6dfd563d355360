/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The tables made for the control domain, and finding IOMMU registers in tables that lie.
 * files: hypervisor/arch/x86/virt/dom0_acpi.c
 */
#include <stdlib.h>
#include <dom0.h>
#include <string.h>
#include "harness.h"

#define AT 0x3fff000ULL

static u8 sum(const u8 *p, u32 n)
{
	u8 s = 0;

	while (n--)
		s += *p++;
	return s;
}
static u32 get32(const u8 *p)
{
	u32 v;

	memcpy(&v, p, 4);
	return v;
}
static u64 get64(const u8 *p)
{
	u64 v;

	memcpy(&v, p, 8);
	return v;
}

static struct acpi_info machine(void)
{
	struct acpi_info info = { .ioapic_count = 2, .override_count = 2 };

	info.ioapic[0] = (struct acpi_ioapic){ 1, 12, 4, 0, 0xfec00000, 0 };
	info.ioapic[1] = (struct acpi_ioapic){ 1, 12, 5, 0, 0xfec10000, 24 };
	info.override[0] = (struct acpi_override){ 2, 10, 0, 0, 2, 0 };
	info.override[1] = (struct acpi_override){ 2, 10, 0, 9, 9, 13 };
	return info;
}

/* Fill a block that ends where the tables may end, so that ASan sees a step too far. */
static u8 *make(u32 size, u32 vcpus, u32 *used)
{
	static const paddr_t tables[] = { 0x7ffe1000, 0x7ffe2000, 0x7ffe3000 };
	const struct acpi_info info = machine();
	u32 apic_id[MAX_VCPUS];
	u8 *buf = malloc(size);

	for (u32 i = 0; i < MAX_VCPUS; i++)
		apic_id[i] = i * 2 + 1;
	*used = dom0_acpi_build(buf, size, AT, &info, tables, 3, apic_id, vcpus);
	return buf;
}

static void test_rsdp_and_xsdt(void)
{
	u32 used;
	u8 *buf = make(4096, 2, &used), *xsdt, *madt;
	u64 at;

	REQUIRE(used > 0 && used <= 4096);
	CHECK(memcmp(buf, "RSD PTR ", 8) == 0);
	CHECK_EQ(sum(buf, 20), 0);
	CHECK_EQ(sum(buf, 36), 0);
	CHECK_EQ(buf[15], 2);
	CHECK_EQ(get32(buf + 16), 0);
	CHECK_EQ(get32(buf + 20), 36);

	at = get64(buf + 24);
	REQUIRE(at > AT && at + 36 <= AT + used);
	xsdt = buf + (at - AT);
	CHECK(memcmp(xsdt, "XSDT", 4) == 0);
	CHECK_EQ(get32(xsdt + 4), 36 + 4 * 8);
	REQUIRE(at + get32(xsdt + 4) <= AT + used);
	CHECK_EQ(sum(xsdt, get32(xsdt + 4)), 0);
	CHECK_EQ(get64(xsdt + 36), 0x7ffe1000);
	CHECK_EQ(get64(xsdt + 44), 0x7ffe2000);
	CHECK_EQ(get64(xsdt + 52), 0x7ffe3000);

	at = get64(xsdt + 60);
	REQUIRE(at > AT && at + 36 <= AT + used);
	madt = buf + (at - AT);
	CHECK(memcmp(madt, "APIC", 4) == 0);
	CHECK_EQ(sum(madt, get32(madt + 4)), 0);
	free(buf);
}

static void test_madt(void)
{
	static const u8 expect[] = {
		0, 8,  0, 1, 1, 0, 0,    0,                 /* vCPU 0, APIC id 1, enabled */
		0, 8,  1, 3, 1, 0, 0,    0,                 /* vCPU 1, APIC id 3 */
		1, 12, 4, 0, 0, 0, 0xc0, 0xfe, 0,  0, 0, 0, /* IO-APICs */
		1, 12, 5, 0, 0, 0, 0xc1, 0xfe, 24, 0, 0, 0, /* */
		2, 10, 0, 0, 2, 0, 0,    0,    0,  0,       /* overrides */
		2, 10, 0, 9, 9, 0, 0,    0,    13, 0,
	};
	u32 used;
	u8 *buf = make(4096, 2, &used);
	u8 *madt = buf + 48;

	REQUIRE(memcmp(madt, "APIC", 4) == 0);
	CHECK_EQ(get32(madt + 4), 44 + sizeof(expect));
	CHECK_EQ(get32(madt + 36), 0xfee00000);
	CHECK_EQ(get32(madt + 40), 0); /* PCAT_COMPAT */
	CHECK(memcmp(madt + 44, expect, sizeof(expect)) == 0);
	free(buf);
}

static void test_sizes(void)
{
	u32 used, need;

	free(make(PAGE_SIZE, MAX_VCPUS, &need));
	CHECK(need > 0);
	for (u32 size = 36; size < need; size += 7) {
		free(make(size, MAX_VCPUS, &used));
		CHECK_EQ(used, 0);
	}
	free(make(need, MAX_VCPUS, &used));
	CHECK_EQ(used, need);
}

/* The most that struct acpi_info can hold still fits the one page that is taken for it. */
static void test_largest(void)
{
	static struct acpi_info info;
	static paddr_t tables[ACPI_MAX_TABLES];
	static u32 apic_id[MAX_VCPUS];
	static u8 buf[PAGE_SIZE];

	info.ioapic_count = ACPI_MAX_IOAPICS;
	info.override_count = ACPI_MAX_OVERRIDES;
	CHECK(dom0_acpi_build(buf, sizeof(buf), AT, &info, tables, ACPI_MAX_TABLES, apic_id,
	                      MAX_VCPUS) > 0);
}

static void test_allowed(void)
{
	static const char no[][5] = { "APIC", "DMAR", "IVRS", "HPET", "SRAT", "SLIT",
		                      "BGRT", "HEST", "ERST", "WAET", "XSDT" };
	static const char yes[][5] = { "FACP", "MCFG", "SSDT", "PSDT", "OEM1", "OEMB", "TPM2" };

	for (u32 i = 0; i < ARRAY_SIZE(no); i++)
		CHECK(!dom0_acpi_allowed(no[i]));
	for (u32 i = 0; i < ARRAY_SIZE(yes); i++)
		CHECK(dom0_acpi_allowed(yes[i]));
}

/* --- IOMMU tables ---------------------------------------------------------------- */

struct block {
	u8 bytes[64];
	u32 length;
};

static struct acpi_header *table(const char *signature, const struct block *blocks, u32 count)
{
	u32 length = 48;
	struct acpi_header *h;
	u8 *p;

	for (u32 i = 0; i < count; i++)
		length += blocks[i].length;
	p = calloc(1, length);
	h = (struct acpi_header *)p;
	memcpy(h->signature, signature, 4);
	h->length = length;
	p += 48;
	for (u32 i = 0; i < count; i++) {
		memcpy(p, blocks[i].bytes, blocks[i].length);
		p += blocks[i].length;
	}
	return h;
}

static struct block ivhd(u8 type, u64 base, u64 efr)
{
	struct block b = { .length = type == 0x10 ? 24 : 40 };

	b.bytes[0] = type;
	b.bytes[2] = (u8)b.length;
	memcpy(b.bytes + 8, &base, 8);
	if (type != 0x10)
		memcpy(b.bytes + 24, &efr, 8);
	return b;
}

static struct block drhd(u16 type, u8 size, u64 base)
{
	struct block b = { .length = 24 };

	b.bytes[0] = (u8)type;
	b.bytes[2] = 24;
	b.bytes[5] = size;
	memcpy(b.bytes + 8, &base, 8);
	return b;
}

static void test_iommus(void)
{
	const struct block amd[] = { ivhd(0x10, 0xfeb80000, 0), ivhd(0x11, 0xfeb80000, 0),
		                     ivhd(0x20, 0x1234000, 0), /* IVMD: memory, not registers */
		                     ivhd(0x40, 0xfd000000, BIT(9)) };
	const struct block intel[] = { drhd(0, 0, 0xfed90000), drhd(1, 0, 0x1000),
		                       drhd(0, 2, 0xfed91000) };
	struct acpi_header *t = table("IVRS", amd, 4);
	struct range r[4];

	CHECK_EQ(dom0_acpi_iommus(t, r, 4), 2);
	CHECK_EQ(r[0].start, 0xfeb80000);
	CHECK_EQ(r[0].end, 0xfeb84000);
	CHECK_EQ(r[1].start, 0xfd000000);
	CHECK_EQ(r[1].end, 0xfd080000);
	CHECK_EQ(dom0_acpi_iommus(t, r, 1), 1);
	free(t);

	t = table("DMAR", intel, 3);
	CHECK_EQ(dom0_acpi_iommus(t, r, 4), 2);
	CHECK_EQ(r[0].start, 0xfed90000);
	CHECK_EQ(r[0].end, 0xfed91000);
	CHECK_EQ(r[1].end, 0xfed95000);
	free(t);
}

/* Lengths that lie: no read beyond the table, no endless loop. */
static void test_hostile_iommus(void)
{
	struct range r[4];

	for (u32 round = 0; round < 20000; round++) {
		struct block b[3];
		struct acpi_header *t;
		bool amd = round & 1;

		for (u32 i = 0; i < 3; i++)
			b[i] = amd ? ivhd(0x11, 0xfeb80000 + i * 0x10000, 0)
			           : drhd(0, 0, 0xfed90000 + i * 0x1000);
		t = table(amd ? "IVRS" : "DMAR", b, 3);
		for (u32 i = 0; i < 4; i++)
			((u8 *)t)[48 + unit_below(t->length - 48)] = (u8)unit_random();
		/* Cut it at the very end of its heap block. */
		t->length = (u32)unit_below(t->length + 1);
		if (t->length >= sizeof(*t)) {
			struct acpi_header *cut = malloc(t->length);

			memcpy(cut, t, t->length);
			CHECK(dom0_acpi_iommus(cut, r, 4) <= 4);
			free(cut);
		}
		free(t);
	}
}

void unit_main(void)
{
	test_rsdp_and_xsdt();
	test_madt();
	test_sizes();
	test_largest();
	test_allowed();
	test_iommus();
	test_hostile_iommus();
}
