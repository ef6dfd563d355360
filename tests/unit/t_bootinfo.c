/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Multiboot: what QEMU and GRUB leave behind is understood; what nobody should leave does no harm.
 * files: hypervisor/arch/x86/bootinfo.c hypervisor/core/string.c
 */
#include <stdio.h>
#include <stdlib.h>
#include <bootinfo.h>
#include <string.h>
#include "harness.h"

#define BASE  0x10000
#define BYTES 0x4000
#define MB1   0x2badb002
#define MB2   0x36d76289

static u8 mem[BYTES]; /* the only memory there is, at BASE */
static void *copies[20000];
static u32 copy_count;
static struct boot_info out;
static const char *why;

/* Each answer is a block of its own of exactly that size, so that ASan sees a step beyond it. */
static const void *map(paddr_t at, u64 size)
{
	void *copy;

	if (at < BASE || at - BASE >= BYTES || size > BYTES - (at - BASE))
		return NULL;
	copy = malloc(size);
	memcpy(copy, mem + (at - BASE), size);
	REQUIRE(copy_count < ARRAY_SIZE(copies));
	copies[copy_count++] = copy;
	return copy;
}

static int parse(u32 magic, paddr_t info)
{
	int rc = bootinfo_parse(magic, info, map, &out, &why);

	while (copy_count)
		free(copies[--copy_count]);
	return rc;
}

static void put32(u32 at, u32 v)
{
	memcpy(mem + at - BASE, &v, 4);
}

static void put64(u32 at, u64 v)
{
	memcpy(mem + at - BASE, &v, 8);
}

static void put_text(u32 at, const char *s)
{
	memcpy(mem + at - BASE, s, strlen(s) + 1);
}

/* --- Multiboot 1 ------------------------------------------------------------ */

#define INFO    BASE
#define MMAP    (BASE + 0x200)
#define MODS    (BASE + 0x400)
#define STRINGS (BASE + 0x800)

static void put_mmap1(u32 i, u64 addr, u64 len, u32 type)
{
	put32(MMAP + i * 24, 20);
	put64(MMAP + i * 24 + 4, addr);
	put64(MMAP + i * 24 + 12, len);
	put32(MMAP + i * 24 + 20, type);
	put32(INFO + 44, (i + 1) * 24);
}

/* As QEMU leaves it: names of files first. */
static void make_mb1(void)
{
	memset(mem, 0, sizeof(mem));
	put32(INFO, BIT(2) | BIT(3) | BIT(6) | BIT(9));
	put32(INFO + 16, STRINGS);
	put_text(STRINGS, "build/froe  console=com1 a=1");
	put32(INFO + 20, 2);
	put32(INFO + 24, MODS);
	put32(MODS, 0x200000);
	put32(MODS + 4, 0x2a0001);
	put32(MODS + 8, STRINGS + 0x100);
	put_text(STRINGS + 0x100, "build/vmlinux root=/dev/sda quiet");
	put32(MODS + 16, 0x2a1000);
	put32(MODS + 20, 0x2a2000);
	put32(MODS + 24, STRINGS + 0x200);
	put_text(STRINGS + 0x200, "build/initrd");
	put32(INFO + 48, MMAP);
	put_mmap1(0, 0, 0x9fc00, 1);
	put_mmap1(1, 0x9fc00, 0x400, 2);
	put_mmap1(2, 0xf0000, 0x10000, 2);
	put_mmap1(3, 0x100000, 0x3fee0000, 1);
	put_mmap1(4, 0x100000000, 0x80000000, 1);
	put32(INFO + 64, STRINGS + 0x300);
	put_text(STRINGS + 0x300, "qemu");
}

static void check_e820(u32 i, u64 addr, u64 size, u32 type)
{
	REQUIRE(i < out.e820_count);
	CHECK_EQ(out.e820[i].addr, addr);
	CHECK_EQ(out.e820[i].size, size);
	CHECK_EQ(out.e820[i].type, type);
}

static void test_mb1(void)
{
	make_mb1();
	REQUIRE(parse(MB1, INFO) == 0);
	CHECK(!strcmp(out.cmdline, "console=com1 a=1"));
	CHECK_EQ(out.module_count, 2);
	CHECK_EQ(out.module[0].start, 0x200000);
	CHECK_EQ(out.module[0].size, 0xa0001);
	CHECK(!strcmp(out.module[0].cmdline, "root=/dev/sda quiet"));
	CHECK_EQ(out.module[1].size, 0x1000);
	CHECK(!strcmp(out.module[1].cmdline, ""));
	CHECK_EQ(out.e820_count, 5);
	check_e820(0, 0, 0x9f000, 1); /* whole pages */
	check_e820(1, 0x9fc00, 0x400, 2);
	check_e820(4, 0x100000000, 0x80000000, 1);
	CHECK(!out.framebuffer.present);
	CHECK_EQ(out.rsdp_size, 0);
}

/* GRUB 2 leaves the names out. */
static void test_mb1_grub(void)
{
	make_mb1();
	put_text(STRINGS + 0x300, "GRUB 2.06-13");
	put_text(STRINGS, "console=com1 a=1");
	put_text(STRINGS + 0x100, "placeholder root=/dev/sda");
	put_text(STRINGS + 0x200, "/boot/initrd x");
	REQUIRE(parse(MB1, INFO) == 0);
	CHECK(!strcmp(out.cmdline, "console=com1 a=1"));
	CHECK(!strcmp(out.module[0].cmdline, "root=/dev/sda"));
	CHECK(!strcmp(out.module[1].cmdline, "x"));
	put_text(STRINGS + 0x100, "placeholder");
	put_text(STRINGS, "");
	REQUIRE(parse(MB1, INFO) == 0);
	CHECK(!strcmp(out.cmdline, ""));
	CHECK(!strcmp(out.module[0].cmdline, ""));
}

static void test_mb1_framebuffer(void)
{
	make_mb1();
	put32(INFO, 0x1000 | BIT(2) | BIT(6));
	put64(INFO + 88, 0xfd000000);
	put32(INFO + 96, 4096);
	put32(INFO + 100, 1024);
	put32(INFO + 104, 768);
	memcpy(mem + 108, (u8[]){ 32, 1, 16, 8, 8, 8, 0, 8 }, 8);
	REQUIRE(parse(MB1, INFO) == 0);
	CHECK(out.framebuffer.present);
	CHECK_EQ(out.framebuffer.address, 0xfd000000);
	CHECK_EQ(out.framebuffer.width, 1024);
	CHECK_EQ(out.framebuffer.height, 768);
	CHECK_EQ(out.framebuffer.red_pos, 16);
	CHECK_EQ(out.framebuffer.blue_size, 8);
	CHECK_EQ(out.module_count, 0);
	mem[109] = 2; /* text mode */
	REQUIRE(parse(MB1, INFO) == 0);
	CHECK(!out.framebuffer.present);
}

static bool has(const char *s, const char *text)
{
	for (; *s; s++)
		if (!strncmp(s, text, strlen(text)))
			return true;
	return false;
}

static void expect_bad(u32 magic, const char *text)
{
	why = NULL;
	CHECK_EQ(parse(magic, INFO), -EINVAL);
	REQUIRE(why != NULL);
	if (!CHECK(has(why, text)))
		printf("  got: %s\n", why);
}

static void test_mb1_damaged(void)
{
	make_mb1();
	expect_bad(0x12345678, "no Multiboot: use GRUB");
	make_mb1();
	put32(INFO, BIT(2));
	expect_bad(MB1, "no memory map");
	make_mb1();
	put32(INFO + 16, BASE + BYTES - 1);
	mem[BYTES - 1] = 'x';
	expect_bad(MB1, "outside of memory or has no end");
	make_mb1();
	put32(MODS + 4, 0x1fffff);
	expect_bad(MB1, "ends before it starts");
	make_mb1();
	put32(INFO + 24, BASE + BYTES - 8);
	expect_bad(MB1, "module list");
	make_mb1();
	put32(MMAP, 4);
	expect_bad(MB1, "too short");
	make_mb1();
	put32(INFO + 48, BASE + BYTES - 8);
	expect_bad(MB1, "memory map lies outside");
	make_mb1();
	memset(mem + 0x800, 'y', 1040);
	mem[0x800 + 1] = ' ';
	mem[0x800 + 1040] = 0;
	expect_bad(MB1, "longer than 1023");
}

/* One module more than two, and one without a string. */
static void test_mb1_modules(void)
{
	make_mb1();
	put32(INFO + 20, 3);
	put32(MODS + 8, 0);
	put32(MODS + 32, 0x300000);
	put32(MODS + 36, 0x300010);
	REQUIRE(parse(MB1, INFO) == 0);
	CHECK_EQ(out.module_count, 2);
	CHECK_EQ(out.module_extra, 1);
	CHECK(!strcmp(out.module[0].cmdline, ""));
}

/* --- memory map ---------------------------------------------------------------- */

static void test_overlaps(void)
{
	make_mb1();
	put_mmap1(0, 0x100000, 0x900000, 1);
	put_mmap1(1, 0x200000, 0x1000, 3);
	put_mmap1(2, 0x200800, 0x1000, 2); /* reserved beats ACPI */
	put_mmap1(3, 0x0, 0x100000, 1);    /* joins with the first */
	put_mmap1(4, ~0ULL - 0xfff, 0x10000, 2);
	put_mmap1(5, 0xa00000, 0x800, 1); /* joins, then loses half a page */
	put_mmap1(6, BIT(46) - 0x1000, 0x10000, 1);
	put_mmap1(7, 0x300000, 0, 2);
	put_mmap1(8, 0x400000, 0x100, 77);
	REQUIRE(parse(MB1, INFO) == 0);
	check_e820(0, 0, 0x200000, 1);
	check_e820(1, 0x200000, 0x800, 3);
	check_e820(2, 0x200800, 0x1000, 2);
	check_e820(3, 0x202000, 0x1fe000, 1);
	check_e820(4, 0x400000, 0x100, 2);
	check_e820(5, 0x401000, 0x5ff000, 1);
	check_e820(6, BIT(46) - 0x1000, 0x1000, 1);
	check_e820(7, ~0ULL - 0xfff, 0xfff, 2);
	CHECK_EQ(out.e820_count, 8);
}

/* --- Multiboot 2 ------------------------------------------------------------ */

static u32 tag_at;

static void *add_tag(u32 type, u32 size)
{
	void *t = mem + tag_at - BASE;

	put32(tag_at, type);
	put32(tag_at + 4, size);
	tag_at += (size + 7) & ~7u;
	put32(INFO, tag_at - INFO);
	return (u8 *)t + 8;
}

static void add_text_tag(u32 type, const char *s)
{
	memcpy(add_tag(type, (u32)(8 + strlen(s) + 1)), s, strlen(s) + 1);
}

static void add_module(u32 start, u32 end, const char *s)
{
	u8 *t = add_tag(3, (u32)(16 + strlen(s) + 1));

	memcpy(t, &start, 4);
	memcpy(t + 4, &end, 4);
	memcpy(t + 8, s, strlen(s) + 1);
}

static void make_mb2(void)
{
	struct {
		u64 addr, len;
		u32 type, zero;
	} map[] = { { 0, 0x9f000, 1, 0 },
		    { 0x100000, 0x7f00000, 1, 0 },
		    { 0xfe000000, 0x1000, 2, 0 } };
	u8 *t;

	memset(mem, 0, sizeof(mem));
	tag_at = INFO + 8;
	add_text_tag(1, "console=com1 dom0_mem=1G");
	add_text_tag(2, "GRUB 2.06");
	add_module(0x1000000, 0x1000fff, "console=hvc0");
	add_module(0xf000, 0xf400, "");
	t = add_tag(6, 16 + sizeof(map));
	memcpy(t, &(u32[2]){ 24, 0 }, 8);
	memcpy(t + 8, map, sizeof(map));
	t = add_tag(8, 38);
	memcpy(t, &(u64){ 0xc0000000 }, 8);
	memcpy(t + 8, &(u32[3]){ 3200, 800, 600 }, 12);
	memcpy(t + 20, (u8[]){ 32, 1, 0, 0, 16, 8, 8, 8, 0, 8 }, 10);
	add_tag(12, 16);
	memcpy(add_tag(15, 8 + 36), "RSD PTR new", 11);
	memcpy(add_tag(14, 8 + 20), "RSD PTR old", 11);
	add_tag(0, 8);
}

static void test_mb2(void)
{
	make_mb2();
	REQUIRE(parse(MB2, INFO) == 0);
	CHECK(!strcmp(out.cmdline, "console=com1 dom0_mem=1G"));
	CHECK_EQ(out.module_count, 2);
	CHECK(!strcmp(out.module[0].cmdline, "console=hvc0"));
	CHECK_EQ(out.module[0].size, 0xfff);
	CHECK_EQ(out.module[1].start, 0xf000);
	CHECK_EQ(out.e820_count, 3);
	CHECK(out.efi);
	CHECK_EQ(out.rsdp_size, 36);
	CHECK(!memcmp(out.rsdp, "RSD PTR new", 11));
	CHECK(out.framebuffer.present);
	CHECK_EQ(out.framebuffer.pitch, 3200);
	CHECK_EQ(out.framebuffer.blue_size, 8);
	CHECK_EQ(out.framebuffer.red_pos, 16);
}

static void test_mb2_damaged(void)
{
	make_mb2();
	put32(INFO + 12, 7); /* of the first tag */
	expect_bad(MB2, "wrong length");
	make_mb2();
	put32(INFO + 12, 0x2000);
	expect_bad(MB2, "wrong length");
	make_mb2();
	put32(INFO, tag_at - INFO - 8); /* without the end tag */
	expect_bad(MB2, "no end tag");
	put32(INFO, 8);
	expect_bad(MB2, "outside of memory");
	put32(INFO, 0xffffffff);
	expect_bad(MB2, "outside of memory");
	make_mb2();
	CHECK_EQ(parse(MB2, INFO + 4), -EINVAL);
	CHECK_EQ(parse(MB2, 0), -EINVAL);
	make_mb2();
	mem[16 + strlen("console=com1 dom0_mem=1G")] = 'x'; /* the string's end is the tag's */
	expect_bad(MB2, "no end");
}

/* --- mutations ---------------------------------------------------------------- */

static void check_sane(void)
{
	u64 end = 0;

	CHECK(out.module_count <= 2);
	CHECK(strnlen(out.cmdline, BOOT_CMDLINE_MAX) < BOOT_CMDLINE_MAX);
	for (u32 i = 0; i < out.module_count; i++)
		CHECK(strnlen(out.module[i].cmdline, BOOT_CMDLINE_MAX) < BOOT_CMDLINE_MAX);
	CHECK(out.e820_count > 0 && out.e820_count <= ARRAY_SIZE(out.e820));
	for (u32 i = 0; i < out.e820_count; i++) {
		const struct e820_entry *e = &out.e820[i];

		CHECK(e->size > 0 && e->addr >= end && e->addr + e->size > e->addr);
		CHECK(e->type >= E820_RAM && e->type <= E820_UNUSABLE);
		CHECK(e->type != E820_RAM || !((e->addr | e->size) & ~PAGE_MASK));
		end = e->addr + e->size;
	}
}

/* Interesting places are few: most bytes of the block are zero, and stay so. */
static void mutate(u32 used)
{
	static const u32 odd[] = { 0,     1,          7,
		                   8,     0x7fffffff, 0x80000000,
		                   BASE,  0xffffffff, BASE + BYTES,
		                   0x100, 0xfffffff8 };

	for (u64 n = 1 + unit_below(4); n; n--) {
		u32 at = (u32)unit_below(used);

		if (unit_below(3))
			mem[at] = (u8)unit_random();
		else
			put32(BASE + (at & ~3u), odd[unit_below(ARRAY_SIZE(odd))]);
	}
}

static void test_mutations(void)
{
	u32 good = 0;

	for (u32 i = 0; i < 20000; i++) {
		bool second = i & 1;

		if (second)
			make_mb2();
		else
			make_mb1();
		mutate(second ? tag_at - INFO : 0xb20);
		if (!parse(second ? MB2 : MB1, INFO)) {
			check_sane();
			good++;
		} else {
			CHECK(why != NULL && strlen(why) > 10);
		}
	}
	/* A test in which everything fails early would say nothing. */
	CHECK(good > 1000 && good < 19000);
}

void unit_main(void)
{
	test_mb1();
	test_mb1_grub();
	test_mb1_framebuffer();
	test_mb1_damaged();
	test_mb1_modules();
	test_overlaps();
	test_mb2();
	test_mb2_damaged();
	test_mutations();
}
