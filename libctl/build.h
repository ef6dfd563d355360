/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The parts of building a guest: where things go in its memory (layout.c), its ACPI tables
 * (acpi.c), its memory and first vCPU (load.c), its place in the store (tree.c).
 */
#pragma once

#include "hyper.h"
#include "kernel.h"
#include <xen/arch-x86/hvm/start_info.h>

#define MIB        (1ul << 20)
#define GIB        (1ul << 30)
#define LAYOUT_MAP 8

/* Xen's places for these, which stock tools and guests' saved images know. */
#define ACPI_BASE   0xfc000000ul
#define SPECIAL_GFN 0xfeff8ul /* the first of eight */
#define STORE_GFN   0xfeffcul
#define CONSOLE_GFN 0xfefffUL
#define HOLE_START  ACPI_BASE

struct layout {
	uint64_t low, high; /* RAM from 0, and from 4 GiB: bytes */
	uint64_t info, info_size;
	uint64_t initrd, initrd_size;
	uint32_t acpi_pages;
	uint32_t map_count;
	struct hvm_memmap_table_entry map[LAYOUT_MAP];
};

/*
 * Where a guest of `memory` bytes with this kernel has what. NULL, or why it cannot be; then *need
 * is the least memory that would do, or 0 if none would.
 */
const char *froe__layout(struct layout *l, uint64_t memory, const struct elf_image *kernel,
                         uint64_t initrd_size, size_t cmdline_size, uint32_t vcpus, uint64_t *need);
/* start_info with all that it points at, for the address l->info; l->info_size bytes. */
void froe__layout_info(const struct layout *l, const char *cmdline, void *out);

/* The tables for that many vCPUs at guest-physical address `base`; their size, at most `room`. */
size_t froe__acpi_size(uint32_t vcpus);
void froe__acpi_build(uint8_t *out, uint64_t base, uint32_t vcpus);

struct build {
	struct froe *f;
	const struct froe_config *c;
	uint32_t id; /* 0: there is no domain yet */
	uint32_t store_port, console_port;
	struct file_map kernel, initrd;
	struct elf_image elf;
	struct layout layout;
	int restart; /* what froe__restart_begin() gave, or -1 */
};

/* Populate its memory and fill it. */
int froe__load(struct build *b);
/* vCPU 0 at the kernel's entry. */
int froe__load_vcpu(struct build *b);

/* FROE_EXISTS if the name or the UUID is taken. */
int froe__tree_check(struct build *b);
/* Its entries in the store, and that the store gets to know its ring. */
int froe__tree_write(struct build *b);
/* Write and remove nodes all at once, again and again as long as others are faster. */
int froe__tree_commit(struct froe *f, const struct froe_store_item *items, size_t count,
                      const char *const *gone, size_t gone_count);
/* Take them away again. */
int froe__tree_remove(struct froe *f, uint32_t id);

/* A guest that has ended gets another name and UUID, and stays. */
int froe__set_aside(struct froe *f, uint32_t id);
