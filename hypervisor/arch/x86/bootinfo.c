/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reads what a Multiboot 1 or Multiboot 2 loader left in memory into one struct boot_info.
 *
 * The loader's block is taken for hostile: every read goes through the caller's map(), every count
 * and length is bounded, and everything that is needed later is copied. Field offsets are those of
 * the "Multiboot Specification" version 0.6.96, section 3.3 (MB1), and "Multiboot2 Specification"
 * version 2.0, section 3.6 (MB2).
 */
#include <bootinfo.h>
#include <hostmap.h>
#include <string.h>

#define MB1_LOADER_MAGIC 0x2badb002
#define MB2_LOADER_MAGIC 0x36d76289

#define MB1_CMDLINE     BIT(2)
#define MB1_MODULES     BIT(3)
#define MB1_MMAP        BIT(6)
#define MB1_NAME        BIT(9)
#define MB1_FRAMEBUFFER BIT(12)

/* What the two formats have in common. */
struct mb_range {
	u64 addr, len;
	u32 type;
} __packed;

struct mb_framebuffer {
	u64 addr;
	u32 pitch, width, height;
	u8 bpp, type;
} __packed;

struct mb1_info {
	u32 flags, mem_lower, mem_upper, boot_device, cmdline, mods_count, mods_addr, syms[4];
	u32 mmap_length, mmap_addr, drives_length, drives_addr, config_table, loader_name;
	u32 apm_table, vbe[4];
	struct mb_framebuffer fb;
	u8 fb_color[6];
} __packed;
static_assert(offsetof(struct mb1_info, mmap_length) == 44, "MB1 3.3");
static_assert(offsetof(struct mb1_info, fb) == 88, "MB1 3.3");
static_assert(sizeof(struct mb1_info) == 116, "MB1 3.3");

struct mb1_module {
	u32 start, end, string, reserved;
} __packed;

struct mb1_mmap {
	u32 size; /* of the rest */
	struct mb_range range;
} __packed;

enum mb2_tag_type {
	MB2_END = 0,
	MB2_CMDLINE = 1,
	MB2_MODULE = 3,
	MB2_MMAP = 6,
	MB2_FRAMEBUFFER = 8,
	MB2_EFI32 = 11,
	MB2_EFI64 = 12,
	MB2_RSDP_OLD = 14,
	MB2_RSDP_NEW = 15,
};

struct mb2_tag {
	u32 type, size;
} __packed;

struct mb2_module {
	struct mb2_tag tag;
	u32 start, end;
} __packed;

struct mb2_mmap {
	struct mb2_tag tag;
	u32 entry_size, entry_version;
} __packed;

struct mb2_framebuffer {
	struct mb2_tag tag;
	struct mb_framebuffer fb;
	u16 reserved;
	u8 color[6];
} __packed;

#define FRAMEBUFFER_RGB 1 /* direct colour, in both formats */
#define MB2_INFO_MAX    (4 * MIB)
#define RAW_MAX         256 /* memory map entries that are looked at */

typedef const void *(*map_fn)(paddr_t at, u64 size);

struct parse {
	map_fn map;
	struct boot_info *out;
	const char *why;
};

/* The loader's memory map as it came; too large for the stack. Boot only, one CPU. */
static struct e820_entry raw[RAW_MAX] __initdata;
static u32 raw_count __initdata;

static int __init damaged(struct parse *p, const char *why)
{
	p->why = why;
	return -EINVAL;
}

/* --- command lines --------------------------------------------------------- */

static const char *__init skip_word(const char *s)
{
	while (*s && *s != ' ')
		s++;
	while (*s == ' ')
		s++;
	return s;
}

/*
 * Copy the string at `at` (at most `room` bytes including its NUL). QEMU and GRUB Legacy put the
 * file's name in front, GRUB 2 does not; but its menu entries for other hypervisors carry a file
 * name or the word "placeholder" there out of habit, so these are dropped wherever they come from.
 */
static int __init take_cmdline(struct parse *p, paddr_t at, u64 room, bool named, char *to)
{
	const char *s;
	u64 n = 0;

	do {
		s = n < room ? p->map(at + n++, 1) : NULL;
		if (!s)
			return damaged(p, "a command line lies outside of memory or has no end");
	} while (*s);
	s = p->map(at, n);
	while (*s == ' ')
		s++;
	if (named || *s == '/')
		s = skip_word(s);
	if (!strcmp(s, "placeholder") || !strncmp(s, "placeholder ", 12))
		s = skip_word(s);
	if (strlcpy(to, s, BOOT_CMDLINE_MAX) >= BOOT_CMDLINE_MAX)
		return damaged(p, "a command line is longer than 1023 characters: shorten it");
	return 0;
}

/* --- memory map ------------------------------------------------------------ */

/* The last byte of the address space is never in it, so that an end is always a number. */
static int __init add_range(struct parse *p, const struct mb_range *r)
{
	u32 type = r->type >= E820_RAM && r->type <= E820_UNUSABLE ? r->type : E820_RESERVED;
	u64 size = min(r->len, ~0ULL - r->addr);

	if (!size)
		return 0;
	if (raw_count == RAW_MAX)
		return damaged(p, "the memory map has too many entries");
	raw[raw_count++] = (struct e820_entry){ r->addr, size, type };
	return 0;
}

/* RAM counts in whole pages, and as far as the direct map reaches; what is cut off is nothing. */
static void __init trim_ram(struct boot_info *b)
{
	u32 n = 0;

	for (u32 i = 0; i < b->e820_count; i++) {
		struct e820_entry e = b->e820[i];

		if (e.type == E820_RAM) {
			u64 end = ROUND_DOWN(min(e.addr + e.size, DIRECTMAP_SIZE), PAGE_SIZE);

			e.addr = ROUND_UP(e.addr, PAGE_SIZE);
			if (e.addr >= end)
				continue;
			e.size = end - e.addr;
		}
		b->e820[n++] = e;
	}
	b->e820_count = n;
}

/*
 * The type at pos and, in *next, the end of the part of the map in which it holds. Where entries
 * overlap, that is the more careful type: anything but RAM, and reserved above all. 0: in no entry.
 */
static u32 __init type_at(u64 pos, u64 *next)
{
	static const u8 rank[] = { 0, 1, 5, 2, 3, 4 };
	u32 type = 0;

	*next = ~0ULL;
	for (u32 i = 0; i < raw_count; i++) {
		const struct e820_entry *e = &raw[i];

		if (range_holds(e->addr, e->addr + e->size, pos, next) &&
		    rank[e->type] > rank[type])
			type = e->type;
	}
	return type;
}

/* Sort, and let no two entries overlap. */
static int __init normalise(struct parse *p)
{
	struct boot_info *b = p->out;
	u64 next;

	for (u64 pos = 0; pos != ~0ULL; pos = next) {
		u32 type = type_at(pos, &next);

		if (type &&
		    !e820_append(b->e820, &b->e820_count, ARRAY_SIZE(b->e820), pos, next, type))
			return damaged(p, "the memory map has too many entries");
	}
	trim_ram(b);
	for (u32 i = 0; i < b->e820_count; i++)
		if (b->e820[i].type == E820_RAM)
			return 0;
	return damaged(p, "the loader gave no memory map, or one without RAM");
}

/* --- what both formats share ------------------------------------------------ */

/* `room` bytes at `string` are its command line, if there are any. */
static int __init add_module(struct parse *p, u32 start, u32 end, paddr_t string, u64 room,
                             bool named)
{
	struct boot_info *b = p->out;
	struct boot_module *m = &b->module[b->module_count];

	if (b->module_count == ARRAY_SIZE(b->module)) {
		b->module_extra++;
		return 0;
	}
	if (end < start)
		return damaged(p, "the loader gave a module that ends before it starts");
	b->module_count++;
	m->start = start;
	m->size = end - start;
	return room ? take_cmdline(p, string, room, named, m->cmdline) : 0;
}

static void __init set_framebuffer(struct boot_info *b, const struct mb_framebuffer *f,
                                   const u8 *color)
{
	/* Text mode and palettes are of no use to anybody. */
	if (f->type != FRAMEBUFFER_RGB || !f->addr || f->bpp < 15 || f->bpp > 32 || !f->height ||
	    f->pitch < (u64)f->width * ((f->bpp + 7) / 8))
		return;
	b->framebuffer = (struct boot_framebuffer){
		true,     f->addr,  f->pitch, f->width, f->height, f->bpp,
		color[0], color[1], color[2], color[3], color[4],  color[5],
	};
}

/* --- Multiboot 1 ------------------------------------------------------------ */

static int __init mb1_memory(struct parse *p, const struct mb1_info *mb)
{
	u64 at = mb->mmap_addr, end = at + mb->mmap_length;
	int rc = 0;

	while (!rc && at + sizeof(struct mb1_mmap) <= end) {
		const struct mb1_mmap *e = p->map(at, sizeof(*e));

		if (!e)
			return damaged(p, "the memory map lies outside of memory");
		if (e->size < sizeof(e->range))
			return damaged(p, "the memory map has an entry that is too short");
		rc = add_range(p, &e->range);
		at += (u64)e->size + sizeof(e->size);
	}
	return rc;
}

static int __init mb1_modules(struct parse *p, const struct mb1_info *mb, bool named)
{
	int rc = 0;

	for (u32 i = 0; !rc && i < min(mb->mods_count, 64u); i++) {
		const struct mb1_module *m = p->map(mb->mods_addr + (u64)i * sizeof(*m),
		                                    sizeof(*m));

		if (!m)
			return damaged(p, "the module list lies outside of memory");
		rc = add_module(p, m->start, m->end, m->string, m->string ? 4 * KIB : 0, named);
	}
	return rc;
}

/* GRUB 2 calls itself "GRUB 2.06" and the like; it leaves file names out. */
static bool __init mb1_named(struct parse *p, const struct mb1_info *mb)
{
	const char *name = mb->flags & MB1_NAME ? p->map(mb->loader_name, 6) : NULL;

	return !name || memcmp(name, "GRUB 2", 6);
}

static int __init mb1_parse(struct parse *p, paddr_t info)
{
	const struct mb1_info *mb = p->map(info, sizeof(*mb));
	bool named;
	int rc = 0;

	if (!mb)
		return damaged(p, "the Multiboot block lies outside of memory");
	named = mb1_named(p, mb);
	if (mb->flags & MB1_CMDLINE)
		rc = take_cmdline(p, mb->cmdline, 4 * KIB, named, p->out->cmdline);
	if (!rc && mb->flags & MB1_MMAP)
		rc = mb1_memory(p, mb);
	if (!rc && mb->flags & MB1_MODULES)
		rc = mb1_modules(p, mb, named);
	if (!rc && mb->flags & MB1_FRAMEBUFFER)
		set_framebuffer(p->out, &mb->fb, mb->fb_color);
	return rc;
}

/* --- Multiboot 2 ------------------------------------------------------------ */

static int __init mb2_memory(struct parse *p, const struct mb2_mmap *t)
{
	int rc = 0;

	if (t->tag.size < sizeof(*t) || t->entry_size < sizeof(struct mb_range))
		return damaged(p, "the memory map has an entry that is too short");
	for (u64 at = sizeof(*t); !rc && at + sizeof(struct mb_range) <= t->tag.size;
	     at += t->entry_size)
		rc = add_range(p, (const void *)((const char *)t + at));
	return rc;
}

static void __init mb2_rsdp(struct boot_info *b, const struct mb2_tag *t)
{
	u32 n = t->type == MB2_RSDP_OLD ? 20 : 36;

	/* Both tags may come: the newer table is the better one. */
	if (t->size < sizeof(*t) + n || n < b->rsdp_size)
		return;
	memcpy(b->rsdp, t + 1, n);
	b->rsdp_size = n;
}

/* t points at a whole tag of t->size bytes; `at` is its address. */
static int __init mb2_tag(struct parse *p, const struct mb2_tag *t, paddr_t at)
{
	const struct mb2_framebuffer *f = (const void *)t;
	const struct mb2_module *m = (const void *)t;

	switch (t->type) {
	case MB2_CMDLINE:
		return take_cmdline(p, at + sizeof(*t), t->size - sizeof(*t), false,
		                    p->out->cmdline);
	case MB2_MODULE:
		if (t->size < sizeof(*m))
			return damaged(p, "a tag of the Multiboot block has a wrong length");
		return add_module(p, m->start, m->end, at + sizeof(*m), t->size - sizeof(*m),
		                  false);
	case MB2_MMAP:
		return mb2_memory(p, (const struct mb2_mmap *)t);
	case MB2_FRAMEBUFFER:
		if (t->size >= sizeof(*f))
			set_framebuffer(p->out, &f->fb, f->color);
		return 0;
	case MB2_EFI32:
	case MB2_EFI64:
		p->out->efi = true;
		return 0;
	case MB2_RSDP_OLD:
	case MB2_RSDP_NEW:
		mb2_rsdp(p->out, t);
	}
	return 0;
}

static int __init mb2_parse(struct parse *p, paddr_t info)
{
	const u32 *total = info % 8 ? NULL : p->map(info, 8);
	u64 size = total ? *total : 0;
	const char *block = size >= 16 && size <= MB2_INFO_MAX ? p->map(info, size) : NULL;

	if (!block)
		return damaged(p, "the Multiboot block lies outside of memory");
	for (u64 at = 8; at + sizeof(struct mb2_tag) <= size;) {
		const struct mb2_tag *t = (const void *)(block + at);
		int rc;

		if (t->type == MB2_END)
			return 0;
		if (t->size < sizeof(*t) || t->size > size - at)
			return damaged(p, "a tag of the Multiboot block has a wrong length");
		rc = mb2_tag(p, t, info + at);
		if (rc)
			return rc;
		at += ROUND_UP((u64)t->size, 8);
	}
	return damaged(p, "the Multiboot block has no end tag");
}

int __init bootinfo_parse(u32 magic, paddr_t info, const void *(*map)(paddr_t at, u64 size),
                          struct boot_info *out, const char **why)
{
	struct parse p = { .map = map, .out = out };
	int rc;

	memset(out, 0, sizeof(*out));
	raw_count = 0;
	if (magic == MB1_LOADER_MAGIC)
		rc = mb1_parse(&p, info);
	else if (magic == MB2_LOADER_MAGIC)
		rc = mb2_parse(&p, info);
	else
		rc = damaged(&p, "no Multiboot: use GRUB's multiboot2 or QEMU's -kernel");
	if (!rc)
		rc = normalise(&p);
	*why = p.why;
	return rc;
}
