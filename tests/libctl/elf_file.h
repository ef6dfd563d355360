/* SPDX-License-Identifier: GPL-2.0-only */
/* Small kernels for tests: an ELF64 file with two segments and the PVH note, and what packs it. */
#pragma once

#include <elf.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct elf_file {
	Elf64_Ehdr e;
	Elf64_Phdr p[3];
	Elf64_Nhdr n;
	char owner[4];
	uint32_t entry;
};

#define ELF_TEXT  0x1000
#define ELF_DATA  0x9000
#define ELF_SIZE  0x20000
#define ELF_LOAD  0x1000000ul
#define ELF_LOAD2 0x1200000ul

/* Text with something in each page, then a data segment with a page of zeroes and a bss. */
static inline void elf_make(uint8_t file[ELF_SIZE])
{
	struct elf_file *f = (struct elf_file *)file;

	memset(file, 0, ELF_SIZE);
	memcpy(f->e.e_ident, ELFMAG "\2\1\1", 7);
	f->e.e_type = ET_EXEC;
	f->e.e_machine = EM_X86_64;
	f->e.e_phoff = offsetof(struct elf_file, p);
	f->e.e_phentsize = sizeof(Elf64_Phdr);
	f->e.e_phnum = 3;
	f->p[0] = (Elf64_Phdr){ .p_type = PT_LOAD,
		                .p_offset = ELF_TEXT,
		                .p_paddr = ELF_LOAD,
		                .p_filesz = ELF_DATA - ELF_TEXT,
		                .p_memsz = ELF_DATA - ELF_TEXT };
	f->p[1] = (Elf64_Phdr){ .p_type = PT_LOAD,
		                .p_offset = ELF_DATA,
		                .p_paddr = ELF_LOAD2,
		                .p_filesz = ELF_SIZE - ELF_DATA,
		                .p_memsz = 0x100000 };
	f->p[2] = (Elf64_Phdr){ .p_type = PT_NOTE,
		                .p_offset = offsetof(struct elf_file, n),
		                .p_filesz = 20,
		                .p_memsz = 20,
		                .p_align = 4 };
	f->n = (Elf64_Nhdr){ 4, 4, 18 };
	memcpy(f->owner, "Xen", 4);
	f->entry = ELF_LOAD + 0x40;
	for (size_t i = ELF_TEXT; i < ELF_SIZE; i++)
		file[i] = i >> 12 == (ELF_DATA >> 12) + 2 ? 0 : i * 2654435761u >> 24;
}
