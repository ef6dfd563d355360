/* SPDX-License-Identifier: GPL-2.0-only */
/* The control domain's kernel: an ELF64 file with a PVH entry note (core/elf.c). */
#pragma once

#define ELF_MAX_SEGMENTS 16

struct elf_image {
	u64 entry; /* XEN_ELFNOTE_PHYS32_ENTRY */
	u32 count;
	struct elf_segment {
		u64 paddr, offset, filesz, memsz;
	} segment[ELF_MAX_SEGMENTS];
	u64 low, high; /* physical range of all segments */
};

/* Check and summarise; never reads outside [file, file + size). -EINVAL with *why set. */
int elf_parse(const void *file, u64 size, struct elf_image *out, const char **why);
