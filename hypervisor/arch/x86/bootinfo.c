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

struct mb1_info {
	u32 flags, mem_lower, mem_upper, boot_device, cmdline, mods_count, mods_addr, syms[4];
	u32 mmap_length, mmap_addr, drives_length, drives_addr, config_table, loader_name;
	u32 apm_table, vbe[4];
	u64 fb_addr;
	u32 fb_pitch, fb_width, fb_height;
	u8 fb_bpp, fb_type, fb_color[6];
} __packed;
static_assert(offsetof(struct mb1_info, mmap_length) == 44, "MB1 3.3");
static_assert(offsetof(struct mb1_info, fb_addr) == 88, "MB1 3.3");
static_assert(sizeof(struct mb1_info) == 116, "MB1 3.3");

struct mb1_module {
	u32 start, end, string, reserved;
} __packed;

struct mb1_mmap {
	u32 size; /* of the rest */
	u64 addr, len;
	u32 type;
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
	u64 addr;
	u32 pitch, width, height;
	u8 bpp, type;
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
static u64 edge[2 * RAW_MAX] __initdata;
static u32 raw_count __initdata;

static int __init damaged(struct parse *p, const char *why)
{
	p->why = why;
	return -EINVAL;
}

/* --- command lines --------------------------------------------------------- */

/*
 * Copy the string at `at` (at most `room` bytes including its NUL). QEMU and GRUB Legacy put the
 * file's name in front, GRUB 2 does not; but its menu entries for other hypervisors carry a file
 * name or the word "placeholder" there out of habit, so these are dropped wherever they come from.
 */
static int __init copy_cmdline(struct parse *p, paddr_t at, u64 room, bool named, char *to)
{
	bool skip = named, start = true;
	size_t n = 0;

	for (u64 i = 0; i < room; i++) {
		const char *c = p->map(at + i, 1);

		if (!c)
			break;
		if (!*c) {
			to[n] = '\0';
			return 0;
		}
		if (start && *c != ' ') {
			start = false;
			skip = skip || *c == '/';
		}
		if (skip && *c == ' ' && !start)
			skip = false;
		if (skip || (!n && *c == ' '))
			continue;
		if (n == BOOT_CMDLINE_MAX - 1)
			return damaged(p,
			               "a command line is longer than 1023 characters: shorten it");
		to[n++] = *c;
	}
	return damaged(p, "a command line lies outside of memory or has no end");
}

static int __init take_cmdline(struct parse *p, paddr_t at, u64 room, bool named, char *to)
{
	static const char habit[] = "placeholder";
	const size_t n = sizeof(habit) - 1;
	int rc = copy_cmdline(p, at, room, named, to);

	if (!rc && !strncmp(to, habit, n) && (to[n] == ' ' || !to[n]))
		memmove(to, to + n + (to[n] == ' '), strlen(to + n + (to[n] == ' ')) + 1);
	return rc;
}

/* --- memory map ------------------------------------------------------------ */

static void __init add_raw(u64 addr, u64 size, u32 type)
{
	if (addr + size < addr)
		size = -addr;
	if (!size || raw_count == RAW_MAX)
		return;
	if (type < E820_RAM || type > E820_UNUSABLE)
		type = E820_RESERVED;
	raw[raw_count++] = (struct e820_entry){ addr, size, type };
}

/* Where entries overlap, the more careful type holds: anything but RAM, and reserved above all. */
static u32 __init type_at(u64 addr)
{
	static const u8 rank[] = { 0, 1, 5, 2, 3, 4 };
	u32 type = 0;

	for (u32 i = 0; i < raw_count; i++)
		if (addr - raw[i].addr < raw[i].size && rank[raw[i].type] > rank[type])
			type = raw[i].type;
	return type;
}

static void __init sort_edges(u32 n)
{
	for (u32 i = 1; i < n; i++) {
		u64 e = edge[i];
		u32 j = i;

		for (; j && edge[j - 1] > e; j--)
			edge[j] = edge[j - 1];
		edge[j] = e;
	}
}

static int __init append(struct parse *p, u64 start, u64 end, u32 type)
{
	struct boot_info *b = p->out;
	struct e820_entry *last = b->e820_count ? &b->e820[b->e820_count - 1] : NULL;

	if (last && last->type == type && last->addr + last->size == start) {
		last->size = end - last->addr;
		return 0;
	}
	if (b->e820_count == ARRAY_SIZE(b->e820))
		return damaged(p, "the memory map has too many entries");
	b->e820[b->e820_count++] = (struct e820_entry){ start, end - start, type };
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
 * Sort, and let no two entries overlap: between two neighbouring edges exactly one type holds. The
 * range ends at 2^64 - 1, so that the end of an entry is always a number.
 */
static int __init normalise(struct parse *p)
{
	u32 n = 0;

	for (u32 i = 0; i < raw_count; i++) {
		edge[n++] = raw[i].addr;
		edge[n++] = raw[i].addr + raw[i].size ? raw[i].addr + raw[i].size : ~0ULL;
	}
	sort_edges(n);
	for (u32 i = 0; i + 1 < n; i++) {
		u32 type = edge[i] < edge[i + 1] ? type_at(edge[i]) : 0;
		int rc = type ? append(p, edge[i], edge[i + 1], type) : 0;

		if (rc)
			return rc;
	}
	trim_ram(p->out);
	for (u32 i = 0; i < p->out->e820_count; i++)
		if (p->out->e820[i].type == E820_RAM)
			return 0;
	return damaged(p, "the loader gave no memory map, or one without RAM");
}

/* --- what both formats share ------------------------------------------------ */

/* A place for the next module, or NULL once both are taken. */
static struct boot_module *__init next_module(struct parse *p)
{
	struct boot_info *b = p->out;

	if (b->module_count == ARRAY_SIZE(b->module)) {
		b->module_extra++;
		return NULL;
	}
	return &b->module[b->module_count++];
}

static int __init set_module(struct parse *p, struct boot_module *m, u32 start, u32 end)
{
	if (end < start)
		return damaged(p, "the loader gave a module that ends before it starts");
	m->start = start;
	m->size = end - start;
	return 0;
}

static void __init set_framebuffer(struct boot_info *b, const struct mb2_framebuffer *f)
{
	/* Text mode and palettes are of no use to anybody. */
	if (f->type != FRAMEBUFFER_RGB || !f->addr || f->bpp < 15 || f->bpp > 32 || !f->height ||
	    f->pitch < (u64)f->width * ((f->bpp + 7) / 8))
		return;
	b->framebuffer.present = true;
	b->framebuffer.address = f->addr;
	b->framebuffer.pitch = f->pitch;
	b->framebuffer.width = f->width;
	b->framebuffer.height = f->height;
	b->framebuffer.bpp = f->bpp;
	b->framebuffer.red_pos = f->color[0];
	b->framebuffer.red_size = f->color[1];
	b->framebuffer.green_pos = f->color[2];
	b->framebuffer.green_size = f->color[3];
	b->framebuffer.blue_pos = f->color[4];
	b->framebuffer.blue_size = f->color[5];
}

/* --- Multiboot 1 ------------------------------------------------------------ */

static int __init mb1_memory(struct parse *p, const struct mb1_info *mb)
{
	u64 at = mb->mmap_addr, end = at + mb->mmap_length;

	while (at + sizeof(struct mb1_mmap) <= end) {
		const struct mb1_mmap *found = p->map(at, sizeof(*found));
		struct mb1_mmap e;

		if (!found)
			return damaged(p, "the memory map lies outside of memory");
		memcpy(&e, found, sizeof(e));
		if (e.size < sizeof(e) - sizeof(e.size))
			return damaged(p, "the memory map has an entry that is too short");
		if (raw_count == RAW_MAX)
			return damaged(p, "the memory map has too many entries");
		add_raw(e.addr, e.len, e.type);
		at += (u64)e.size + sizeof(e.size);
	}
	return 0;
}

static int __init mb1_modules(struct parse *p, const struct mb1_info *mb, bool named)
{
	for (u32 i = 0; i < min(mb->mods_count, 64u); i++) {
		const struct mb1_module *found = p->map(mb->mods_addr + (u64)i * sizeof(*found),
		                                        sizeof(*found));
		struct boot_module *m = next_module(p);
		struct mb1_module in;
		int rc;

		if (!found)
			return damaged(p, "the module list lies outside of memory");
		if (!m)
			continue;
		memcpy(&in, found, sizeof(in));
		rc = set_module(p, m, in.start, in.end);
		if (!rc && in.string)
			rc = take_cmdline(p, in.string, 4 * KIB, named, m->cmdline);
		if (rc)
			return rc;
	}
	return 0;
}

/* GRUB 2 calls itself "GRUB 2.06" and the like; it leaves file names out. */
static bool __init mb1_named(struct parse *p, const struct mb1_info *mb)
{
	const char *name = mb->flags & MB1_NAME ? p->map(mb->loader_name, 6) : NULL;

	return !name || memcmp(name, "GRUB 2", 6);
}

static int __init mb1_parse(struct parse *p, paddr_t info)
{
	const struct mb1_info *found = p->map(info, sizeof(*found));
	struct mb1_info mb;
	bool named;
	int rc = 0;

	if (!found)
		return damaged(p, "the Multiboot block lies outside of memory");
	memcpy(&mb, found, sizeof(mb));
	named = mb1_named(p, &mb);
	if (mb.flags & MB1_CMDLINE)
		rc = take_cmdline(p, mb.cmdline, 4 * KIB, named, p->out->cmdline);
	if (!rc && mb.flags & MB1_MMAP)
		rc = mb1_memory(p, &mb);
	if (!rc && mb.flags & MB1_MODULES)
		rc = mb1_modules(p, &mb, named);
	if (!rc && mb.flags & MB1_FRAMEBUFFER) {
		struct mb2_framebuffer f = { .addr = mb.fb_addr,
			                     .pitch = mb.fb_pitch,
			                     .width = mb.fb_width,
			                     .height = mb.fb_height,
			                     .bpp = mb.fb_bpp,
			                     .type = mb.fb_type };

		memcpy(f.color, mb.fb_color, sizeof(f.color));
		set_framebuffer(p->out, &f);
	}
	return rc;
}

/* --- Multiboot 2 ------------------------------------------------------------ */

static int __init mb2_memory(struct parse *p, const struct mb2_mmap *t)
{
	const struct {
		u64 addr, len;
		u32 type;
	} __packed *e;

	if (t->tag.size < sizeof(*t) || t->entry_size < sizeof(*e))
		return damaged(p, "the memory map has an entry that is too short");
	for (u64 at = sizeof(*t); at + sizeof(*e) <= t->tag.size; at += t->entry_size) {
		e = (const void *)((const char *)t + at);
		if (raw_count == RAW_MAX)
			return damaged(p, "the memory map has too many entries");
		add_raw(e->addr, e->len, e->type);
	}
	return 0;
}

static int __init mb2_module(struct parse *p, const struct mb2_module *t, paddr_t at)
{
	struct boot_module *m = next_module(p);
	int rc;

	if (!m)
		return 0;
	if (t->tag.size < sizeof(*t))
		return damaged(p, "a tag of the Multiboot block has a wrong length");
	rc = set_module(p, m, t->start, t->end);
	if (rc || t->tag.size == sizeof(*t))
		return rc;
	return take_cmdline(p, at + sizeof(*t), t->tag.size - sizeof(*t), false, m->cmdline);
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
	switch (t->type) {
	case MB2_CMDLINE:
		return take_cmdline(p, at + sizeof(*t), t->size - sizeof(*t), false,
		                    p->out->cmdline);
	case MB2_MODULE:
		return mb2_module(p, (const struct mb2_module *)t, at);
	case MB2_MMAP:
		return mb2_memory(p, (const struct mb2_mmap *)t);
	case MB2_FRAMEBUFFER:
		if (t->size >= sizeof(struct mb2_framebuffer))
			set_framebuffer(p->out, (const struct mb2_framebuffer *)t);
		return 0;
	case MB2_EFI32:
	case MB2_EFI64:
		p->out->efi = true;
		return 0;
	case MB2_RSDP_OLD:
	case MB2_RSDP_NEW:
		mb2_rsdp(p->out, t);
		return 0;
	default:
		return 0;
	}
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
