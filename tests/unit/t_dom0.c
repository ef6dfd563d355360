/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The decisions about the control domain: memory size, memory map, places, command lines.
 * files: hypervisor/arch/x86/virt/dom0_plan.c
 */
#include <bootinfo.h>
#include <dom0.h>
#include <string.h>
#include "harness.h"

#define NOTHING  0 /* type of addresses that no entry covers */
#define G4       (4 * GIB)
#define HOLE_END (G4 - 128 * MIB + PAGE_SIZE) /* dom0_plan.c */

struct machine {
	const char *name;
	u32 count;
	struct e820_entry e[256];
};

/* What SeaBIOS says on QEMU, RAM cut to whole pages; top: end of RAM below 4 GiB, high: above. */
static struct machine seabios(const char *name, u64 top, u64 high, bool q35)
{
	struct machine m = { .name = name };
	u64 resv = q35 ? 0x21000 : 0x20000;

	m.e[m.count++] = (struct e820_entry){ 0, 0x9f000, E820_RAM };
	m.e[m.count++] = (struct e820_entry){ 0x9fc00, 0x400, E820_RESERVED };
	m.e[m.count++] = (struct e820_entry){ 0xf0000, 0x10000, E820_RESERVED };
	m.e[m.count++] = (struct e820_entry){ MIB, top - resv - MIB, E820_RAM };
	m.e[m.count++] = (struct e820_entry){ top - resv, resv, E820_RESERVED };
	if (q35) {
		m.e[m.count++] = (struct e820_entry){ 0xb0000000, 0x10000000, E820_RESERVED };
		m.e[m.count++] = (struct e820_entry){ 0xfed1c000, 0x4000, E820_RESERVED };
	}
	m.e[m.count++] = (struct e820_entry){ 0xfeffc000, 0x4000, E820_RESERVED };
	m.e[m.count++] = (struct e820_entry){ 0xfffc0000, 0x40000, E820_RESERVED };
	if (high)
		m.e[m.count++] = (struct e820_entry){ G4, high, E820_RAM };
	m.e[m.count++] = (struct e820_entry){ 0xfd00000000, 0x300000000, E820_RESERVED };
	return m;
}

/* OVMF: boot-time data all over low RAM, ACPI and NVS between RAM and the hole. */
static struct machine ovmf(void)
{
	static const struct e820_entry map[] = {
		{ 0x0, 0xa0000, E820_RAM },
		{ 0x100000, 0x700000, E820_RAM },
		{ 0x800000, 0x8000, E820_NVS },
		{ 0x808000, 0x3000, E820_RAM },
		{ 0x80b000, 0x1000, E820_NVS },
		{ 0x80c000, 0x5000, E820_RAM },
		{ 0x811000, 0xef000, E820_NVS },
		{ 0x900000, 0x7df16000, E820_RAM },
		{ 0x7e816000, 0xaf000, E820_RAM },
		{ 0x7e8c5000, 0x1000, E820_ACPI },
		{ 0x7e8c6000, 0x23d000, E820_RAM },
		{ 0x7eb03000, 0x80000, E820_RESERVED },
		{ 0x7eb83000, 0x12000, E820_ACPI },
		{ 0x7eb95000, 0x80000, E820_NVS },
		{ 0x7ec15000, 0x11df000, E820_RAM },
		{ 0x7fdf4000, 0x84000, E820_RESERVED },
		{ 0x7fe78000, 0x4000, 14 /* persistent memory */ },
		{ 0x7fe7c000, 0x2000, E820_ACPI },
		{ 0x7fe7e000, 0x182000, E820_NVS },
		{ 0xb0000000, 0x10000000, E820_RESERVED },
		{ 0xffc00000, 0x400000, E820_RESERVED },
		{ G4, 0x40000000, E820_RAM },
	};
	struct machine m = { .name = "ovmf", .count = ARRAY_SIZE(map) };

	memcpy(m.e, map, sizeof(map));
	return m;
}

/* The lowest RAM but page 0 and `image`, as the boot allocator hands it out. */
static u32 take_low(const struct machine *m, struct range image, u64 bytes, struct range *out)
{
	u32 n = 0;

	for (u32 i = 0; i < m->count && bytes; i++) {
		u64 pos = max(m->e[i].addr, (u64)PAGE_SIZE), end = m->e[i].addr + m->e[i].size;

		while (m->e[i].type == E820_RAM && pos < end && bytes) {
			u64 stop = image.start >= pos && image.start < end ? image.start : end;

			if (pos >= image.start && pos < image.end) {
				pos = image.end;
				continue;
			}
			stop = min(stop, pos + bytes);
			if (stop > pos)
				out[n++] = (struct range){ pos, stop };
			bytes -= stop - pos;
			pos = stop;
		}
	}
	return n;
}

/* --- the rules that every map must keep ----------------------------------------- */

static u32 type_at(const struct e820_entry *e, u32 n, u64 at)
{
	for (u32 i = 0; i < n; i++)
		if (e[i].addr <= at && at < e[i].addr + e[i].size)
			return e[i].type;
	return NOTHING;
}

static bool in_range(const struct range *r, u32 n, u64 at)
{
	for (u32 i = 0; i < n; i++)
		if (r[i].start <= at && at < r[i].end)
			return true;
	return false;
}

static u64 ram_end_below_4g(const struct dom0_e820_in *in)
{
	u64 end = 0;

	for (u32 i = 0; i < in->machine_count; i++)
		if (in->machine[i].type == E820_RAM && in->machine[i].addr < G4)
			end = in->machine[i].addr + in->machine[i].size;
	return end;
}

/* One address, for all of the stretch that it stands for; returns whether own RAM is lost there. */
static bool check_at(const struct dom0_e820_in *in, const struct e820_entry *out, u32 n, u64 at)
{
	u32 was = type_at(in->machine, in->machine_count, at), is = type_at(out, n, at);
	bool own = in_range(in->own, in->own_count, at);

	if (in_range(&in->acpi, 1, at)) {
		CHECK_EQ(is, E820_ACPI);
	} else if (in_range(in->keep, in->keep_count, at) && own) {
		CHECK_EQ(is, E820_RAM);
	} else if (own) {
		CHECK(is == E820_RAM || is == E820_UNUSABLE || is == E820_RESERVED);
		return is != E820_RAM;
	} else if (at < PAGE_SIZE && was == E820_RAM) {
		CHECK_EQ(is, E820_RESERVED);
	} else if (was == E820_RAM) { /* somebody else's: neither used nor free for BARs */
		CHECK(is == E820_UNUSABLE || is == E820_RESERVED);
	} else if (was == E820_ACPI || was == E820_NVS || was == E820_UNUSABLE) {
		CHECK(is == was || is == E820_RESERVED);
	} else if (was != NOTHING || (at >= ram_end_below_4g(in) && at < HOLE_END)) {
		CHECK_EQ(is, E820_RESERVED);
	} else {
		CHECK(is == NOTHING || is == E820_RESERVED);
	}
	return false;
}

static void check_map(const struct dom0_e820_in *in, const struct e820_entry *out, u32 n, u32 max,
                      u64 lost)
{
	u64 sum = 0, at = 0;

	CHECK(n > 0 && n <= max);
	for (u32 i = 0; i < n; i++) {
		CHECK(out[i].size > 0);
		CHECK(out[i].type >= E820_RAM && out[i].type <= E820_UNUSABLE);
		if (i)
			CHECK(out[i - 1].addr + out[i - 1].size <= out[i].addr);
	}
	/* From one boundary to the next, whoever has it. */
	while (at != ~0ULL) {
		u64 next = ~0ULL;
#define EDGE(x)                                                                                    \
	do {                                                                                       \
		if ((x) > at && (x) < next)                                                        \
			next = (x);                                                                \
	} while (0)
		for (u32 i = 0; i < in->machine_count; i++) {
			EDGE(in->machine[i].addr);
			EDGE(in->machine[i].addr + in->machine[i].size);
		}
		for (u32 i = 0; i < in->own_count; i++) {
			EDGE(in->own[i].start);
			EDGE(in->own[i].end);
		}
		for (u32 i = 0; i < in->keep_count; i++) {
			EDGE(in->keep[i].start);
			EDGE(in->keep[i].end);
		}
		for (u32 i = 0; i < n; i++) {
			EDGE(out[i].addr);
			EDGE(out[i].addr + out[i].size);
		}
		EDGE(in->acpi.start);
		EDGE(in->acpi.end);
		EDGE((u64)PAGE_SIZE);
		EDGE(G4);
		EDGE(HOLE_END);
		if (check_at(in, out, n, at))
			sum += next - at;
		at = next;
	}
	CHECK_EQ(sum, lost);
}

/* Build the map of m with `bytes` for the domain and check it; the entries are left in out. */
static u32 build(const struct machine *m, u64 bytes, struct e820_entry *out, u64 *lost)
{
	static struct range own[DOM0_RANGES_MAX];
	const struct range image = { MIB, MIB + 0x5a000 };
	const struct range keep[] = { { 0x1000000, 0x4a00000 }, { 0x4a00000, 0x5400000 } };
	struct dom0_e820_in in = {
		.machine = m->e,
		.machine_count = m->count,
		.own = own,
		.keep = keep,
		.keep_count = ARRAY_SIZE(keep),
	};
	u32 n;

	in.own_count = take_low(m, image, bytes, own);
	in.acpi.start = dom0_place(own, in.own_count, keep, 2, PAGE_SIZE, MIB, G4, true);
	REQUIRE(in.acpi.start);
	in.acpi.end = in.acpi.start + PAGE_SIZE;
	n = dom0_e820_build(&in, out, 1024, E820_MAX, lost);
	check_map(&in, out, n, E820_MAX, *lost);
	return n;
}

/* --- tests ---------------------------------------------------------------------- */

static void test_qemu_maps(void)
{
	static struct e820_entry out[1024];
	const struct machine maps[] = {
		seabios("q35 512M", 0x20000000, 0, true),
		seabios("q35 2G", 0x80000000, 0, true),
		seabios("q35 3G", 0x80000000, GIB, true),
		seabios("q35 5G", 0x80000000, 3 * GIB, true),
		seabios("q35 8G", 0x80000000, 6 * GIB, true),
		seabios("pc 512M", 0x20000000, 0, false),
		seabios("pc 5G", 0xc0000000, 2 * GIB, false),
		ovmf(),
	};

	for (u32 i = 0; i < ARRAY_SIZE(maps); i++) {
		u64 lost = 1;
		u32 n = build(&maps[i], 256 * MIB, out, &lost);

		CHECK_EQ(lost, 0);
		CHECK(n < 40);
		/* As the control domain of a Xen host would: the tables end the RAM that it has. */
		n = build(&maps[i], 400 * MIB, out, &lost);
		CHECK_EQ(lost, 0);
	}
}

/* The map of a 3 GiB q35 with 1 GiB for the control domain, entry by entry. */
static void test_exact(void)
{
	static struct e820_entry out[1024];
	const struct machine m = seabios("q35 3G", 0x80000000, GIB, true);
	const struct e820_entry expect[] = {
		{ 0, PAGE_SIZE, E820_RESERVED },
		{ PAGE_SIZE, 0x9e000, E820_RAM },
		{ 0x9fc00, 0x400, E820_RESERVED },
		{ 0xf0000, 0x10000, E820_RESERVED },
		{ 0x100000, 0x5a000, E820_UNUSABLE }, /* the hypervisor */
		{ 0x15a000, 0x40000000 - 0x9e000 - PAGE_SIZE, E820_RAM },
		{ 0x400bb000, PAGE_SIZE, E820_ACPI },
		{ 0x400bc000, 0x7ffdf000 - 0x400bc000, E820_UNUSABLE },
		{ 0x7ffdf000, HOLE_END - 0x7ffdf000, E820_RESERVED },
		{ 0xfed1c000, 0x4000, E820_RESERVED },
		{ 0xfeffc000, 0x4000, E820_RESERVED },
		{ 0xfffc0000, 0x40000, E820_RESERVED },
		{ G4, GIB, E820_UNUSABLE },
		{ 0xfd00000000, 0x300000000, E820_RESERVED },
	};
	u64 lost;
	u32 n = build(&m, GIB, out, &lost);

	CHECK_EQ(n, ARRAY_SIZE(expect));
	for (u32 i = 0; i < n && i < ARRAY_SIZE(expect); i++) {
		CHECK_EQ(out[i].addr, expect[i].addr);
		CHECK_EQ(out[i].size, expect[i].size);
		CHECK_EQ(out[i].type, expect[i].type);
	}
}

/* Firmware that splits RAM into more pieces than Linux takes. */
static void test_fragmented(void)
{
	static struct e820_entry out[1024];
	struct machine m = { .name = "fragments" };
	u64 at = 0x6000000, lost = 0, ram = 0;

	m.e[m.count++] = (struct e820_entry){ 0, 0x9f000, E820_RAM };
	m.e[m.count++] = (struct e820_entry){ MIB, 0x5f00000, E820_RAM };
	while (m.count < 250) { /* RAM of growing size, ACPI or a hole between */
		u64 size = (m.count + 1) * 16 * PAGE_SIZE;

		m.e[m.count++] = (struct e820_entry){ at, size, E820_RAM };
		at += size;
		ram += size;
		if (m.count % 3 == 0)
			m.e[m.count++] = (struct e820_entry){ at, PAGE_SIZE, E820_ACPI };
		else if (m.count % 3 == 1)
			m.e[m.count++] = (struct e820_entry){ at, PAGE_SIZE, E820_RESERVED };
		at += PAGE_SIZE;
	}
	m.e[m.count++] = (struct e820_entry){ G4, GIB, E820_RAM };
	CHECK_EQ(build(&m, 2 * GIB, out, &lost), E820_MAX);
	CHECK(lost > 0);
	CHECK(lost < ram / 3); /* the small ones go first: half of the entries, a quarter of RAM */
}

/* Any map that obeys the order of entries, any subset of its RAM. */
static void random_map(struct machine *m, struct range *own, u32 *own_count)
{
	u64 at = 0;
	u32 want = 2 + (u32)unit_below(250);

	m->count = *own_count = 0;
	while (m->count < want) {
		static const u32 types[] = { 1, 1, 1, 1, 2, 3, 4, 5, 7, 20 };
		u64 size = (1 + unit_below(1ULL << unit_below(16))) * PAGE_SIZE;
		u32 type = types[unit_below(ARRAY_SIZE(types))];
		u64 from, to;

		if (unit_below(3) == 0)
			at += unit_below(1ULL << unit_below(17)) * PAGE_SIZE;
		m->e[m->count++] = (struct e820_entry){ at, size, type };
		from = max(at + unit_below(4) * PAGE_SIZE, (u64)PAGE_SIZE);
		to = at + size - min(size, unit_below(4) * PAGE_SIZE);
		if (type == E820_RAM && from < to && *own_count < DOM0_RANGES_MAX && unit_below(4))
			own[(*own_count)++] = (struct range){ from, to };
		at += size;
	}
}

static void test_random(void)
{
	static struct e820_entry out[1024];
	static struct machine m;
	static struct range own[DOM0_RANGES_MAX];
	u32 done = 0;

	for (u32 round = 0; round < 300; round++) {
		struct dom0_e820_in in = { .machine = m.e, .own = own };
		u32 most = 20 + (u32)unit_below(108), n;
		u64 lost = 0;

		random_map(&m, own, &in.own_count);
		in.machine_count = m.count;
		in.acpi.start = dom0_place(own, in.own_count, NULL, 0, PAGE_SIZE, MIB, ~0ULL, true);
		in.acpi.end = in.acpi.start ? in.acpi.start + PAGE_SIZE : 0;
		n = dom0_e820_build(&in, out, ARRAY_SIZE(out), most, &lost);
		if (!n)
			continue; /* all of it had to be kept: RAM below 1 MiB in crumbs */
		check_map(&in, out, n, most, lost);
		done++;
	}
	CHECK(done > 200);
}

/* No room: says so, writes nothing beyond. */
static void test_no_room(void)
{
	static struct e820_entry out[1024];
	const struct machine m = ovmf();
	struct dom0_e820_in in = { .machine = m.e, .machine_count = m.count };
	u64 lost;

	CHECK_EQ(dom0_e820_build(&in, out, 5, E820_MAX, &lost), 0);
	CHECK(dom0_e820_build(&in, out, 1024, 4, &lost) <= 4);
}

static void test_memory_size(void)
{
	CHECK_EQ(dom0_memory_size(0, 512 * MIB, 450 * MIB), 256 * MIB);
	CHECK_EQ(dom0_memory_size(0, 2 * GIB, 2 * GIB), GIB);
	CHECK_EQ(dom0_memory_size(0, 8 * GIB, 8 * GIB), GIB + 512 * MIB);
	CHECK_EQ(dom0_memory_size(0, 64 * GIB, 63 * GIB), 5 * GIB);
	CHECK_EQ(dom0_memory_size(700 * MIB, 8 * GIB, 8 * GIB), 700 * MIB);
	CHECK_EQ(dom0_memory_size(9 * GIB, 8 * GIB, 7 * GIB), 7 * GIB);
	CHECK_EQ(dom0_memory_size(5000, 8 * GIB, 7 * GIB), 4096);
}

static void test_place(void)
{
	const struct range own[] = { { 0x1000, 0x9f000 },
		                     { 0x160000, 0x8000000 },
		                     { G4, G4 + GIB } };
	const struct range kernel = { 0x1000000, 0x4a00000 };

	CHECK_EQ(dom0_place(own, 3, &kernel, 1, 0x1234, kernel.end, G4, false), 0x4a00000);
	CHECK_EQ(dom0_place(own, 3, &kernel, 1, 0x1234, MIB, G4, false), 0x160000);
	CHECK_EQ(dom0_place(own, 3, &kernel, 1, 15 * MIB, MIB, G4, false), 0x4a00000);
	CHECK_EQ(dom0_place(own, 3, &kernel, 1, 1, MIB, G4, true), 0x7fff000);
	CHECK_EQ(dom0_place(own, 3, &kernel, 1, 1, MIB, 0x4a00000, true), 0xfff000);
	CHECK_EQ(dom0_place(own, 3, &kernel, 1, 0x3600000, MIB, G4, true), 0x4a00000);
	CHECK_EQ(dom0_place(own, 3, &kernel, 1, 0x3600001, MIB, G4, true), 0);
	CHECK_EQ(dom0_place(own, 3, &kernel, 1, 0x3600001, MIB, G4, false), 0);
	CHECK_EQ(dom0_place(own, 3, &kernel, 1, 0x3600001, MIB, ~0ULL, false), G4);
	CHECK_EQ(dom0_place(own, 0, NULL, 0, 1, 0, ~0ULL, false), 0);

	CHECK(dom0_owns(own, 3, 0x160000, 0x8000000));
	CHECK(!dom0_owns(own, 3, 0x15f000, 0x8000000));
	CHECK(!dom0_owns(own, 3, 0x160000, 0x8000001));
	CHECK(!dom0_owns(own, 3, 0x9e000, 0x161000));
	CHECK(dom0_owns((const struct range[]){ { 1, 5 }, { 5, 9 } }, 2, 2, 9));
}

static void expect_cmdline(const char *in, const char *out, const char *added)
{
	char buf[256];
	const char *got = NULL, *why = NULL;

	CHECK_EQ(dom0_cmdline(in, buf, sizeof(buf), &got, &why), 0);
	CHECK(strcmp(buf, out) == 0);
	CHECK(got && strcmp(got, added) == 0);
}

static void test_cmdline(void)
{
	char buf[40];
	const char *added, *why = NULL;

	expect_cmdline("", "swiotlb=force idle=halt", "swiotlb=force idle=halt");
	expect_cmdline("console=hvc0 quiet", "console=hvc0 quiet swiotlb=force idle=halt",
	               "swiotlb=force idle=halt");
	expect_cmdline("  a  ", "a swiotlb=force idle=halt", "swiotlb=force idle=halt");
	expect_cmdline("swiotlb=force a", "swiotlb=force a idle=halt", "idle=halt");
	expect_cmdline("swiotlb=65536,force", "swiotlb=65536,force idle=halt", "idle=halt");
	expect_cmdline("swiotlb=65536,2,force idle=poll", "swiotlb=65536,2,force idle=poll", "");
	expect_cmdline("idle=poll", "idle=poll swiotlb=force", "swiotlb=force");
	/* What is meant for init, or is inside of a value, is not ours. */
	expect_cmdline("a -- swiotlb=1 idle=x", "a swiotlb=force idle=halt -- swiotlb=1 idle=x",
	               "swiotlb=force idle=halt");
	expect_cmdline("-- a", "swiotlb=force idle=halt -- a", "swiotlb=force idle=halt");
	expect_cmdline("x=\"a swiotlb=1\"", "x=\"a swiotlb=1\" swiotlb=force idle=halt",
	               "swiotlb=force idle=halt");

	CHECK_EQ(dom0_cmdline("swiotlb=65536", buf, sizeof(buf), &added, &why), -EINVAL);
	CHECK(why && strncmp(why, "swiotlb=", 8) == 0);
	CHECK_EQ(dom0_cmdline("a swiotlb=noforce", buf, sizeof(buf), &added, &why), -EINVAL);
	CHECK_EQ(dom0_cmdline("swiotlb=force swiotlb=1", buf, sizeof(buf), &added, &why), -EINVAL);
	CHECK_EQ(dom0_cmdline("a=01234567890123456789", buf, sizeof(buf), &added, &why), -EINVAL);
	CHECK(why && strcmp(why, "too long") == 0);
}

static void expect_effective(const char *in, u64 bytes, const char *out)
{
	char line[48];

	dom0_cmdline_effective(in, line, sizeof(line), bytes);
	CHECK(strcmp(line, out) == 0);
}

static void test_effective(void)
{
	expect_effective("", 1216 * MIB, "dom0_mem=1216M");
	expect_effective("console=com1", MIB + 4096, "dom0_mem=1028K console=com1");
	expect_effective("dom0_mem=1G a", GIB, "dom0_mem=1024M a");
	expect_effective("a dom0_mem=5G b dom0_mem=1G", GIB, "dom0_mem=1024M a b");
	/* 47 characters fit: the value stays, what does not fit goes. */
	expect_effective("0123456789 0123456789 0123456789 0123456789 abc", 64 * MIB,
	                 "dom0_mem=64M 0123456789 0123456789 0123456789 0");
}

void unit_main(void)
{
	test_memory_size();
	test_place();
	test_cmdline();
	test_effective();
	test_qemu_maps();
	test_exact();
	test_fragmented();
	test_random();
	test_no_room();
}
