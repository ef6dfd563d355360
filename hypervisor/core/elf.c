/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reads the control domain's kernel: an ELF64 executable with a PVH entry note.
 *
 * The file comes from a boot loader, perhaps cut short or from a damaged disk. Nothing in it is
 * believed: every offset is checked against the file's size before it is used, in a form that
 * cannot overflow, and headers are packed because nothing says that they are aligned.
 */
#include <elf.h>
#include <string.h>
#include <xen/elfnote.h>

struct elf_header {
	u8 ident[16];
	u16 type, machine;
	u32 version;
	u64 entry, phoff, shoff;
	u32 flags;
	u16 ehsize, phentsize, phnum, shentsize, shnum, shstrndx;
} __packed;
static_assert(sizeof(struct elf_header) == 64, "ELF-64 object file format, figure 2");

struct elf_program_header {
	u32 type, flags;
	u64 offset, vaddr, paddr, filesz, memsz, align;
} __packed;
static_assert(sizeof(struct elf_program_header) == 56, "ELF-64 object file format, figure 6");

struct elf_note {
	u32 namesz, descsz, type;
} __packed;

#define ELF_IDENT      "\177ELF\2\1\1" /* magic, 64-bit, little-endian, version 1 */
#define ELF_EXECUTABLE 2
#define ELF_X86_64     62
#define ELF_PT_LOAD    1
#define ELF_PT_NOTE    4
#define ELF_PHYS_LIMIT BIT(52) /* APM2 5.1: no physical address is longer */

static bool in_file(u64 size, u64 offset, u64 length)
{
	return offset <= size && length <= size - offset;
}

/* Search one note segment for the PVH entry; 0, or -EINVAL if a note reaches out of the segment. */
static int parse_notes(const u8 *p, u64 size, u64 align, u64 *entry)
{
	u64 at = 0;

	while (size - at >= sizeof(struct elf_note)) {
		const struct elf_note *n = (const void *)(p + at);
		u64 desc = ROUND_UP(at + sizeof(*n) + n->namesz, align);

		if (!in_file(size, desc, n->descsz))
			return -EINVAL;
		if (n->type == XEN_ELFNOTE_PHYS32_ENTRY && n->namesz == 4 &&
		    !memcmp(n + 1, "Xen", 4)) {
			if (n->descsz != 4 && n->descsz != 8)
				return -EINVAL;
			*entry = 0;
			memcpy(entry, p + desc, n->descsz);
		}
		at = min(ROUND_UP(desc + n->descsz, align), size);
	}
	return 0;
}

static const char *add_segment(struct elf_image *out, const struct elf_program_header *ph)
{
	u64 end = ph->paddr + ph->memsz;

	if (ph->filesz > ph->memsz || ph->paddr >= ELF_PHYS_LIMIT || ph->memsz > ELF_PHYS_LIMIT)
		return "a segment has impossible sizes";
	if (out->count == ELF_MAX_SEGMENTS)
		return "too many segments";
	for (u32 i = 0; i < out->count; i++)
		if (ph->paddr < out->segment[i].paddr + out->segment[i].memsz &&
		    out->segment[i].paddr < end)
			return "segments overlap";
	out->segment[out->count++] = (struct elf_segment){ ph->paddr, ph->offset, ph->filesz,
		                                           ph->memsz };
	out->low = min(out->low, ph->paddr);
	out->high = max(out->high, end);
	return NULL;
}

static const char *check_header(const struct elf_header *h, u64 size)
{
	if (memcmp(h->ident, ELF_IDENT, 7))
		return "not an uncompressed 64-bit ELF file";
	if (h->type != ELF_EXECUTABLE || h->machine != ELF_X86_64)
		return "not an executable for x86-64";
	if (h->phentsize != sizeof(struct elf_program_header) || !h->phnum ||
	    !in_file(size, h->phoff, (u64)h->phnum * h->phentsize))
		return "program headers lie outside of the file";
	return NULL;
}

/* The reason why the file is no good, NULL if it is. */
static const char *parse(const u8 *file, u64 size, struct elf_image *out)
{
	const struct elf_header *h = (const void *)file;
	const struct elf_program_header *ph;
	const char *why;
	bool inside = false;

	if (size < sizeof(*h))
		return "too short for an ELF file";
	why = check_header(h, size);
	for (u32 i = 0; !why && i < h->phnum; i++) {
		ph = (const void *)(file + h->phoff + (u64)i * sizeof(*ph));
		if (ph->type != ELF_PT_LOAD && ph->type != ELF_PT_NOTE)
			continue;
		if (!in_file(size, ph->offset, ph->filesz))
			return "a segment lies outside of the file (cut short?)";
		if (ph->type == ELF_PT_LOAD && ph->memsz)
			why = add_segment(out, ph);
		else if (ph->type == ELF_PT_NOTE &&
		         parse_notes(file + ph->offset, ph->filesz, ph->align == 8 ? 8 : 4,
		                     &out->entry))
			return "damaged notes";
	}
	if (why)
		return why;
	if (!out->count)
		return "nothing to load";
	if (out->entry == ~0ULL)
		return "no PVH entry note (PHYS32_ENTRY)";
	for (u32 i = 0; i < out->count; i++)
		if (out->entry >= out->segment[i].paddr &&
		    out->entry - out->segment[i].paddr < out->segment[i].memsz)
			inside = true;
	if (!inside || out->entry >> 32)
		return "the PVH entry lies outside of what is loaded";
	return NULL;
}

int elf_parse(const void *file, u64 size, struct elf_image *out, const char **why)
{
	memset(out, 0, sizeof(*out));
	out->entry = out->low = ~0ULL;
	*why = parse(file, size, out);
	return *why ? -EINVAL : 0;
}
