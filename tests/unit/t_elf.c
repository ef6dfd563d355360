/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The ELF reader: right answers for a good file, and none that reaches out of a bad one.
 *
 * files: hypervisor/core/elf.c
 */
#include <stdlib.h>
#include <elf.h>
#include <string.h>
#include "harness.h"

#define FILE_SIZE 4096

struct ehdr {
	u8 ident[16];
	u16 type, machine;
	u32 version;
	u64 entry, phoff, shoff;
	u32 flags;
	u16 ehsize, phentsize, phnum, shentsize, shnum, shstrndx;
};
struct phdr {
	u32 type, flags;
	u64 offset, vaddr, paddr, filesz, memsz, align;
};
struct file {
	struct ehdr e;
	struct phdr p[4];
	u32 note[2][6]; /* namesz, descsz, type, name, desc */
};

/* Two segments, and a note segment with a foreign note before the PVH entry. */
static void good_file(struct file *f)
{
	memset(f, 0, FILE_SIZE);
	memcpy(f->e.ident, "\177ELF\2\1\1", 7);
	f->e.type = 2;
	f->e.machine = 62;
	f->e.phoff = offsetof(struct file, p);
	f->e.phentsize = sizeof(struct phdr);
	f->e.phnum = 3;
	f->p[0] = (struct phdr){ 1, 5, 0x800, 0, 0x1000000, 0x400, 0x1000, 4096 };
	f->p[1] = (struct phdr){ 1, 6, 0xc00, 0, 0x1001000, 0x400, 0x800, 4096 };
	f->p[2] = (struct phdr){ 4, 4, offsetof(struct file, note), 0, 0, 44, 44, 4 };
	memcpy(f->note[0], &(u32[6]){ 4, 4, 18, 0x00554e47 /* GNU */, 0xdead }, 20);
	memcpy((u8 *)f->note + 20, &(u32[6]){ 4, 8, 18, 0x006e6558 /* Xen */, 0x1000850, 0 }, 24);
}

/* The file sits at the very end of a heap block of its size, so that ASan sees any step beyond. */
static int parse_exact(const void *file, u64 size, struct elf_image *out, const char **why)
{
	u8 *copy = malloc(size ? size : 1);
	int rc;

	memcpy(copy, file, size);
	rc = elf_parse(copy, size, out, why);
	free(copy);
	return rc;
}

static void test_good(void)
{
	union {
		struct file f;
		u8 bytes[FILE_SIZE];
	} u;
	struct elf_image out;
	const char *why;

	good_file(&u.f);
	REQUIRE(parse_exact(&u, FILE_SIZE, &out, &why) == 0);
	CHECK_EQ(out.entry, 0x1000850);
	CHECK_EQ(out.count, 2);
	CHECK_EQ(out.segment[0].paddr, 0x1000000);
	CHECK_EQ(out.segment[0].offset, 0x800);
	CHECK_EQ(out.segment[1].filesz, 0x400);
	CHECK_EQ(out.segment[1].memsz, 0x800);
	CHECK_EQ(out.low, 0x1000000);
	CHECK_EQ(out.high, 0x1001800);
}

/* One field made bad at a time: each has to be refused, with its reason. */
#define BAD(reason, change)                                                                        \
	do {                                                                                       \
		union {                                                                            \
			struct file f;                                                             \
			u8 bytes[FILE_SIZE];                                                       \
		} u;                                                                               \
		struct elf_image out;                                                              \
		const char *why = NULL;                                                            \
		u64 size = FILE_SIZE;                                                              \
		good_file(&u.f);                                                                   \
		change;                                                                            \
		CHECK(parse_exact(&u, size, &out, &why) == -EINVAL);                               \
		REQUIRE(why);                                                                      \
		if (strncmp(why, reason, strlen(reason)))                                          \
			unit_check(false, __FILE__, __LINE__, why);                                \
	} while (0)

static void test_bad(void)
{
	BAD("too short", size = 63);
	BAD("too short", size = 0);
	BAD("not an uncompressed", u.f.e.ident[4] = 1);
	BAD("not an uncompressed", memcpy(&u, "\x1f\x8b", 2));
	BAD("not an executable", u.f.e.type = 3);
	BAD("not an executable", u.f.e.machine = 3);
	BAD("program headers", u.f.e.phnum = 0);
	BAD("program headers", u.f.e.phnum = 0xffff);
	BAD("program headers", u.f.e.phoff = ~0ULL - 8);
	BAD("program headers", u.f.e.phentsize = 32);
	BAD("a segment lies outside", u.f.p[0].offset = ~0ULL - 0x100);
	BAD("a segment lies outside", size = 0xfff);
	BAD("a segment has impossible", u.f.p[0].filesz = 0x401; u.f.p[0].memsz = 0x400);
	BAD("a segment has impossible", u.f.p[0].paddr = ~0ULL - 0xfff);
	BAD("a segment has impossible", u.f.p[0].memsz = ~0ULL);
	BAD("segments overlap", u.f.p[1].paddr = 0x1000fff);
	BAD("segments overlap", u.f.p[0].memsz = BIT(40));
	BAD("nothing to load", u.f.p[0].type = u.f.p[1].type = 0);
	BAD("no PVH entry", u.f.p[2].type = 0);
	BAD("no PVH entry", u.f.p[2].filesz = 20);
	BAD("damaged notes", u.f.note[0][0] = ~0U);
	BAD("damaged notes", u.f.note[0][1] = ~0U);
	BAD("damaged notes", u.f.p[2].filesz = 40);
	BAD("damaged notes", ((u32 *)u.f.note)[6] = 2);
	BAD("the PVH entry", ((u32 *)u.f.note)[9] = 0x1001800);
	BAD("the PVH entry", ((u32 *)u.f.note)[10] = 1);
}

static void test_too_many(void)
{
	static u64 space[FILE_SIZE / 8];
	struct ehdr *e = (struct ehdr *)space;
	struct phdr *p = (struct phdr *)(e + 1);
	struct elf_image out;
	const char *why;

	good_file((struct file *)space);
	e->phnum = ELF_MAX_SEGMENTS + 1;
	for (u32 i = 0; i <= ELF_MAX_SEGMENTS; i++)
		p[i] = (struct phdr){ 1, 5, 0, 0, i << 20, 16, 16, 0 };
	CHECK(parse_exact(space, FILE_SIZE, &out, &why) == -EINVAL);
	CHECK(!strcmp(why, "too many segments"));
}

/* Whatever is accepted must lie within the file and be free of overlaps. */
static void check_accepted(const struct elf_image *out, u64 size)
{
	bool inside = false;

	REQUIRE(out->count && out->count <= ELF_MAX_SEGMENTS);
	for (u32 i = 0; i < out->count; i++) {
		CHECK(out->segment[i].offset + out->segment[i].filesz <= size);
		CHECK(out->segment[i].filesz <= out->segment[i].memsz);
		CHECK(out->low <= out->segment[i].paddr);
		CHECK(out->high >= out->segment[i].paddr + out->segment[i].memsz);
		inside |= out->entry >= out->segment[i].paddr &&
		          out->entry < out->segment[i].paddr + out->segment[i].memsz;
	}
	CHECK(inside);
}

static void test_fuzz(void)
{
	static const u64 nasty[] = {
		0,     1,      4,   7,     8,         0x7f,    0x80,    0xff,
		0xfff, 0x1000, ~0U, ~0ULL, ~0ULL - 7, BIT(63), BIT(52), BIT(31)
	};
	u32 accepted = 0;

	for (u32 round = 0; round < 200000; round++) {
		union {
			struct file f;
			u8 bytes[FILE_SIZE];
		} u;
		struct elf_image out;
		const char *why;
		u64 size = unit_below(8) ? FILE_SIZE : unit_below(FILE_SIZE + 1);

		good_file(&u.f);
		for (u64 n = 1 + unit_below(4); n; n--) {
			u64 v = unit_below(2) ? nasty[unit_below(ARRAY_SIZE(nasty))]
			                      : unit_random();
			u64 width = BIT(unit_below(4));
			u64 at = unit_below(sizeof(struct file) - width + 1) & ~(width - 1);

			memcpy(&u.bytes[at], &v, width);
		}
		if (parse_exact(&u, size, &out, &why) == 0) {
			accepted++;
			check_accepted(&out, size);
		}
	}
	CHECK(accepted > 1000); /* the fuzzing is not so wild that it only sees the magic number */
}

void unit_main(void)
{
	test_good();
	test_bad();
	test_too_many();
	test_fuzz();
}
