/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reads a guest's kernel: an ELF executable of 32 or 64 bits with a PVH entry note.
 *
 * Whoever owns a guest chooses its kernel. Every offset is checked against the file's size before
 * it is used, in a form that cannot overflow, and headers are copied out: nothing says that they
 * are aligned.
 */
#include <elf.h>
#include <string.h>
#include "kernel.h"
#include <xen/elfnote.h>

#define LIMIT        (1ul << 32) /* a PVH kernel is entered with 32-bit addresses */
#define LOWEST       0x1000ul    /* page 0 is the guest's, for its real mode */
#define HEADERS_MAX  64
#define ALIGN(x, to) (((x) + (to)-1) & ~((uint64_t)(to)-1))

static bool in_file(uint64_t size, uint64_t offset, uint64_t length)
{
	return offset <= size && length <= size - offset;
}

const char *froe__elf_check(const void *file, size_t size)
{
	Elf64_Ehdr e; /* as far as both sizes agree */

	if (size < sizeof(e))
		return "it is too short for a kernel";
	memcpy(&e, file, sizeof(e));
	if (memcmp(e.e_ident, ELFMAG, SELFMAG))
		return "it holds no ELF file";
	if (e.e_ident[EI_DATA] != ELFDATA2LSB ||
	    (e.e_ident[EI_CLASS] == ELFCLASS64 ? e.e_machine != EM_X86_64 : e.e_machine != EM_386))
		return "it is not for x86 but for another architecture";
	if (e.e_ident[EI_CLASS] != ELFCLASS64 && e.e_ident[EI_CLASS] != ELFCLASS32)
		return "its ELF header is damaged";
	if (e.e_type != ET_EXEC && e.e_type != ET_DYN)
		return "it is an ELF file, but no executable";
	return NULL;
}

/* Widen program header n. */
static void program_header(const uint8_t *at, bool wide, Elf64_Phdr *p)
{
	Elf32_Phdr q;

	if (wide) {
		memcpy(p, at, sizeof(*p));
		return;
	}
	memcpy(&q, at, sizeof(q));
	*p = (Elf64_Phdr){ .p_type = q.p_type,
		           .p_offset = q.p_offset,
		           .p_paddr = q.p_paddr,
		           .p_filesz = q.p_filesz,
		           .p_memsz = q.p_memsz,
		           .p_align = q.p_align };
}

static const char *notes(const uint8_t *p, uint64_t size, uint64_t align, uint64_t *entry)
{
	uint64_t at = 0, name, desc;
	Elf64_Nhdr n;

	while (size - at >= sizeof(n)) {
		memcpy(&n, p + at, sizeof(n));
		name = at + sizeof(n);
		desc = ALIGN(name + n.n_namesz, align);
		if (!in_file(size, desc, n.n_descsz))
			return "its notes are damaged";
		if (n.n_type == XEN_ELFNOTE_PHYS32_ENTRY && n.n_namesz == 4 &&
		    !memcmp(p + name, "Xen", 4)) {
			if (n.n_descsz != 4 && n.n_descsz != 8)
				return "its PVH entry note is damaged";
			*entry = 0;
			memcpy(entry, p + desc, n.n_descsz);
		}
		at = ALIGN(desc + n.n_descsz, align);
		at = at > size ? size : at;
	}
	return NULL;
}

static const char *add_segment(struct elf_image *out, const Elf64_Phdr *p, uint64_t file_size)
{
	uint64_t end = p->p_paddr + p->p_memsz;

	if (!in_file(file_size, p->p_offset, p->p_filesz))
		return "it is cut short";
	if (p->p_filesz > p->p_memsz)
		return "a segment is larger in the file than in memory";
	if (p->p_paddr >= LIMIT || p->p_memsz > LIMIT || end > LIMIT)
		return "a segment lies above 4 GiB";
	if (p->p_paddr < LOWEST)
		return "a segment lies over the first page of memory";
	if (out->count == ELF_SEGMENTS)
		return "it has too many segments";
	for (uint32_t i = 0; i < out->count; i++)
		if (p->p_paddr < out->segment[i].paddr + out->segment[i].memsz &&
		    out->segment[i].paddr < end)
			return "its segments overlap";
	out->segment[out->count++] = (struct elf_segment){ p->p_offset, p->p_filesz, p->p_paddr,
		                                           p->p_memsz };
	if (p->p_paddr < out->low)
		out->low = p->p_paddr;
	if (end > out->high)
		out->high = end;
	return NULL;
}

static const char *parse(const uint8_t *file, size_t size, struct elf_image *out)
{
	bool wide, found = false;
	Elf64_Ehdr e;
	Elf32_Ehdr n;
	uint64_t offset, count, step;
	const char *why = froe__elf_check(file, size);

	if (why)
		return why;
	memcpy(&e, file, sizeof(e));
	memcpy(&n, file, sizeof(n));
	wide = e.e_ident[EI_CLASS] == ELFCLASS64;
	offset = wide ? e.e_phoff : n.e_phoff;
	count = wide ? e.e_phnum : n.e_phnum;
	step = wide ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);
	if ((wide ? e.e_phentsize : n.e_phentsize) != step || !count || count > HEADERS_MAX)
		return "its program headers are damaged";
	if (!in_file(size, offset, count * step))
		return "it is cut short";
	out->entry = ~0ul;
	for (uint64_t i = 0; i < count && !why; i++) {
		Elf64_Phdr p;

		program_header(file + offset + i * step, wide, &p);
		if (p.p_type == PT_LOAD && p.p_memsz) {
			why = add_segment(out, &p, size);
		} else if (p.p_type == PT_NOTE) {
			if (!in_file(size, p.p_offset, p.p_filesz))
				return "it is cut short";
			why = notes(file + p.p_offset, p.p_filesz, p.p_align == 8 ? 8 : 4,
			            &out->entry);
		}
	}
	if (why)
		return why;
	if (!out->count)
		return "it has nothing to load";
	if (out->entry == ~0ul)
		return "it has no PVH entry (built without CONFIG_PVH)";
	for (uint32_t i = 0; i < out->count; i++)
		found |= out->entry >= out->segment[i].paddr &&
		         out->entry - out->segment[i].paddr < out->segment[i].memsz;
	return found ? NULL : "its PVH entry lies outside of it";
}

int froe__elf_parse(const void *file, size_t size, struct elf_image *out, const char **why)
{
	memset(out, 0, sizeof(*out));
	out->low = ~0ul;
	*why = parse(file, size, out);
	return *why ? -1 : 0;
}
