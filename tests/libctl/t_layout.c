/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where things go in a guest's memory, for many sizes; start_info as a kernel reads it; the ACPI
 * tables, byte for byte as far as their specification says what they are.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "build.h"
#include "check.h"

static const struct elf_image debian = { .entry = 0x1000850, .low = 0x1000000, .high = 0x4a00000 };

static bool overlap(uint64_t a, uint64_t a_size, uint64_t b, uint64_t b_size)
{
	return a < b + b_size && b < a + a_size;
}

static uint64_t round_up(uint64_t x)
{
	return (x + 4095) & ~4095ul;
}

static void check_map(const struct layout *l, uint64_t memory)
{
	uint64_t ram = 0, end = 0;

	REQUIRE(l->map_count && l->map_count <= LAYOUT_MAP);
	for (uint32_t i = 0; i < l->map_count; i++) {
		const struct hvm_memmap_table_entry *e = &l->map[i];

		CHECK(e->addr >= end && e->size && !e->reserved);
		CHECK(!(e->addr % 4096) && !(e->size % 4096));
		end = e->addr + e->size;
		ram += e->type == XEN_HVM_MEMMAP_TYPE_RAM ? e->size : 0;
		/* No RAM in the hole, nothing over the local APIC. */
		CHECK(e->type != XEN_HVM_MEMMAP_TYPE_RAM ||
		      !overlap(e->addr, e->size, 0xfc000000, 0x4000000));
		CHECK(!overlap(e->addr, e->size, 0xfee00000, 4096));
	}
	CHECK_EQ(ram, memory & ~4095ul);
	CHECK_EQ(l->map[0].addr, 0);
	CHECK_EQ(l->low + l->high, memory & ~4095ul);
}

static void check_one(uint64_t memory, uint64_t initrd, size_t cmdline, uint32_t vcpus)
{
	struct layout l;
	uint64_t need;
	const char *why = froe__layout(&l, memory, &debian, initrd, cmdline, vcpus, &need);

	if (why) {
		/* What it says to be enough is, and a page less is not. */
		CHECK(need > memory && need - memory < initrd + debian.high + 65536);
		CHECK(!froe__layout(&l, need, &debian, initrd, cmdline, vcpus, &need));
		CHECK(froe__layout(&l, l.low + l.high - 4096, &debian, initrd, cmdline, vcpus,
		                   &need));
		return;
	}
	check_map(&l, memory);
	CHECK(l.info >= debian.high && !(l.info % 4096));
	CHECK(l.info + l.info_size <= GIB);
	CHECK(l.initrd >= l.info + l.info_size && !(l.initrd % 4096));
	CHECK(l.initrd + initrd <= l.low);
	CHECK_EQ(l.acpi_pages, round_up(froe__acpi_size(vcpus)) / 4096);
}

static void test_sizes(void)
{
	static const uint64_t edges[] = { 64 * MIB,   128 * MIB, GIB,     0xfc000000,
		                          0xfc001000, 4 * GIB,   5 * GIB, 600 * GIB };
	uint64_t need;
	struct layout l;

	for (size_t i = 0; i < sizeof(edges) / sizeof(*edges); i++)
		for (int off = -1; off <= 1; off++)
			for (int with = 0; with < 2; with++)
				check_one(edges[i] + off * 4096, with * 20 * MIB, 30, 2);
	for (int i = 0; i < 20000; i++)
		check_one(check_random() % (16 * GIB) >> check_random() % 10,
		          check_random() % (8 * GIB) >> check_random() % 32 & 0x3fffffff,
		          check_random() % 2048, 1 + check_random() % 256);
	/* Above 1 GiB an initrd is fine, beyond 4 GiB it is not, whatever the memory. */
	CHECK(!froe__layout(&l, 64 * GIB, &debian, 3 * GIB, 0, 1, &need));
	CHECK(froe__layout(&l, 64 * GIB, &debian, 4 * GIB, 0, 1, &need));
	CHECK_EQ(need, 0);
	struct elf_image high = { .low = GIB, .high = GIB + MIB };

	CHECK(froe__layout(&l, 64 * GIB, &high, 0, 0, 1, &need));
	CHECK_EQ(need, 0);
}

static void test_info(void)
{
	struct hvm_modlist_entry module;
	struct hvm_start_info info;
	struct layout l;
	uint64_t need;
	uint8_t *p;

	for (int with = 0; with < 2; with++) {
		REQUIRE(!froe__layout(&l, 5 * GIB, &debian, with * 12345, 12, 1, &need));
		p = malloc(l.info_size);
		froe__layout_info(&l, "console=hvc0", p);
		memcpy(&info, p, sizeof(info));
		CHECK_EQ(info.magic, 0x336ec578);
		CHECK_EQ(info.version, 1);
		CHECK_EQ(info.flags, 0);
		CHECK_EQ(info.rsdp_paddr, 0xfc000000);
		CHECK_EQ(info.memmap_entries, l.map_count);
		CHECK(!memcmp(p + (info.memmap_paddr - l.info), l.map,
		              l.map_count * sizeof(*l.map)));
		CHECK(!strcmp((char *)p + (info.cmdline_paddr - l.info), "console=hvc0"));
		CHECK_EQ(info.nr_modules, with);
		if (with) {
			memcpy(&module, p + (info.modlist_paddr - l.info), sizeof(module));
			CHECK_EQ(module.paddr, l.initrd);
			CHECK_EQ(module.size, 12345);
			CHECK_EQ(module.cmdline_paddr, 0);
		}
		free(p);
	}
}

/* --- ACPI ------------------------------------------------------------------------------ */

static uint8_t *tables;
static size_t tables_size;
#define BASE 0xfc000000ul

static uint64_t get(const uint8_t *p, size_t size)
{
	uint64_t v = 0;

	memcpy(&v, p, size);
	return v;
}

static uint8_t sum(const uint8_t *p, size_t size)
{
	uint8_t s = 0;

	while (size--)
		s += *p++;
	return s;
}

static const uint8_t *table(uint64_t at, const char *signature)
{
	const uint8_t *p = tables + (at - BASE);
	uint64_t size;

	REQUIRE(at >= BASE && at + 36 <= BASE + tables_size);
	size = get(p + 4, 4);
	REQUIRE(size >= 36 && at + size <= BASE + tables_size);
	CHECK(!memcmp(p, signature, 4));
	CHECK_EQ(sum(p, size), 0);
	return p;
}

static void dump(const char *name, const uint8_t *p)
{
	const char *folder = getenv("ACPI_DUMP");
	char path[300];
	FILE *f;

	if (!folder)
		return;
	snprintf(path, sizeof(path), "%s/%s.dat", folder, name);
	f = fopen(path, "w");
	REQUIRE(f && fwrite(p, get(p + 4, 4), 1, f) == 1);
	fclose(f);
}

static void check_madt(const uint8_t *p, uint32_t vcpus)
{
	const uint8_t *end = p + get(p + 4, 4), *e = p + 44;
	uint32_t seen = 0;

	CHECK_EQ(get(p + 36, 4), 0xfee00000);
	CHECK_EQ(get(p + 40, 4), 0);
	for (; e < end; e += e[1], seen++) {
		bool wide = e[0] == 9;

		REQUIRE((wide && e[1] == 16) || (e[0] == 0 && e[1] == 8));
		/* UID and APIC id: 255 would be everybody in the short form. */
		CHECK_EQ(wide ? get(e + 12, 4) : e[2], seen);
		CHECK_EQ(wide ? get(e + 4, 4) : e[3], 2 * seen);
		CHECK(wide || 2 * seen < 255);
		CHECK_EQ(get(e + (wide ? 8 : 4), 4), 1);
	}
	CHECK(e == end);
	CHECK_EQ(seen, vcpus);
}

static void check_acpi(uint32_t vcpus)
{
	const uint8_t *xsdt, *fadt, *madt, *dsdt;
	uint32_t flags;

	tables_size = froe__acpi_size(vcpus);
	tables = malloc(tables_size);
	froe__acpi_build(tables, BASE, vcpus);
	CHECK(!memcmp(tables, "RSD PTR ", 8));
	CHECK_EQ(sum(tables, 20), 0);
	CHECK_EQ(sum(tables, 36), 0);
	CHECK_EQ(tables[15], 2);
	xsdt = table(get(tables + 24, 8), "XSDT");
	CHECK_EQ(get(xsdt + 4, 4), 36 + 16);
	fadt = table(get(xsdt + 36, 8), "FACP");
	madt = table(get(xsdt + 44, 8), "APIC");
	dsdt = table(get(fadt + 140, 8), "DSDT");
	CHECK_EQ(get(fadt + 40, 4), get(fadt + 140, 8));
	CHECK(fadt[8] >= 5);
	flags = get(fadt + 112, 4);
	CHECK(flags & 1 << 20);                    /* hardware-reduced */
	CHECK_EQ(get(fadt + 109, 2) & 0x27, 0x24); /* no VGA, no CMOS clock; no 8042, no ISA */
	for (int i = 48; i < 109; i++)
		CHECK_EQ(fadt[i], 0);
	for (int i = 148; i < 268; i++)
		CHECK_EQ(fadt[i], 0); /* no timer, no GPE, no sleep registers */
	CHECK(!memcmp(dsdt + 36, "\x08\\_S5_\x12\x04\x02", 9));
	check_madt(madt, vcpus);
	if (vcpus == 3) {
		dump("facp", fadt);
		dump("apic", madt);
		dump("dsdt", dsdt);
	}
	free(tables);
}

void test_main(void)
{
	test_sizes();
	test_info();
	for (uint32_t n = 1; n <= 256; n++)
		check_acpi(n);
}
