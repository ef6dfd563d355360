/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Guest kernels: what file they are unpacked from (kernel.c, unpack.c), and what is in it (elf.c).
 */
#pragma once

#include "internal.h"

#define ELF_SEGMENTS 16

struct elf_segment {
	uint64_t offset, filesz; /* in the file */
	uint64_t paddr, memsz;   /* in the guest; what is beyond filesz is zero */
};

struct elf_image {
	uint64_t entry;     /* of PVH: 32-bit, paging off */
	uint64_t low, high; /* all segments lie between them */
	uint32_t count;
	struct elf_segment segment[ELF_SEGMENTS];
};

/* 0, or -1 with the reason at *why. Nothing in the file is believed. */
int froe__elf_parse(const void *file, size_t size, struct elf_image *out, const char **why);
/* Quickly: whether it begins like an x86 ELF file. NULL, or why not. */
const char *froe__elf_check(const void *file, size_t size);

/* A file mapped for reading, and open: its holes are of interest. data is NULL if there is none. */
struct file_map {
	const uint8_t *data;
	size_t size;
	int fd;
};

/*
 * Map the ELF file that `path` is, or that is packed into it. Unpacked ones are kept in a cache;
 * from the second time on this maps that file and no more.
 */
int froe__kernel_map(struct froe *f, const char *path, struct file_map *map);
/* Map a file as it is; `what` for messages. */
int froe__file_map(struct froe *f, const char *path, const char *what, struct file_map *map);
void froe__file_unmap(struct file_map *map);

/*
 * Unpack data to the file fd, which is empty. 0, or -1 with the reason at *why. 1 if data is an
 * ELF file already, and nothing was written.
 */
int froe__kernel_unpack(const uint8_t *data, size_t size, int fd, const char **why);

/*
 * What a packed kernel holds, to the file fd; NULL, or why not. It is a library of its own: the
 * four that it needs would take a good part of each start of each tool, and few unpack anything.
 */
#define UNPACKER "libctl-unpack.so.1"
const char *froe__unpack(const uint8_t *data, size_t size, int fd);
