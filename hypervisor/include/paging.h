/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One page-table walker for all formats: the hypervisor's own tables, nested tables, guests' tables
 * (arch/x86/paging.c). A format is a constant; a walker is a format with a way to reach its tables.
 */
#pragma once

#include <page.h>

/* Bits common to long-mode and AMD nested tables (APM2 5.4.1, 15.25.6). */
#define PTE_P        BIT(0)
#define PTE_W        BIT(1)
#define PTE_U        BIT(2)
#define PTE_PWT      BIT(3)
#define PTE_PCD      BIT(4)
#define PTE_A        BIT(5)
#define PTE_D        BIT(6)
#define PTE_PS       BIT(7) /* a leaf above the last level */
#define PTE_G        BIT(8)
#define PTE_NX       BIT(63)
#define PTE_ADDR     0x000ffffffffff000ULL
#define PTE_SW_SHIFT 52 /* six bits of software type in leaf entries */
#define PTE_SW_MASK  (0x3fULL << PTE_SW_SHIFT)

/*
 * Memory types, as leaf bits of each format (mapping APIs take the enum). The leaf bits select
 * among the PAT entries 0, 1 and 3 only: WB, WC, UC as cpu_init_this() sets them; the PAT bit
 * itself, which sits elsewhere in larger leaves, is never used.
 */
enum mem_type {
	MEM_WB,
	MEM_UC,
	MEM_WC,
};

struct pt_format {
	u8 levels;       /* 4 or 5 (guest LA57), 3 for PAE, 2 for 32-bit */
	u8 entry_bytes;  /* 8, or 4 for 32-bit non-PAE */
	u8 bits[5];      /* index bits of each level, [0] = last level (4 KiB leaves) */
	u8 va_bits;      /* what all levels translate */
	u8 leaf_levels;  /* bit n: level n may hold a leaf (PS) */
	u64 table_flags; /* entry flags of a non-leaf */
	u64 top_grants;  /* which of P, W, U, NX the highest level's entries have at all */
	u64 mem_type[3]; /* leaf bits for enum mem_type */
};

extern const struct pt_format pt_host;     /* the hypervisor's own, 4 levels */
extern const struct pt_format pt_npt;      /* AMD nested, 4 levels */
extern const struct pt_format pt_guest_64; /* a guest's, long mode, 4 levels */
extern const struct pt_format pt_guest_la57;
extern const struct pt_format pt_guest_pae;
extern const struct pt_format pt_guest_32; /* with PSE */

/* Where table pages come from and go to. */
struct pt_pool {
	mfn_t (*alloc)(void *ctx); /* a zeroed frame or INVALID_MFN */
	void (*free)(void *ctx, mfn_t m);
	void *ctx;
};

struct pt_leaf {
	u64 entry; /* raw; 0 when nothing is mapped */
	u8 level;  /* 0 = 4 KiB, 1 = 2 MiB, 2 = 1 GiB: where the walk ended */
};

/* Of four levels: the upper bits repeat bit 47 (APM2 5.3.1). */
static inline bool va_canonical(u64 va)
{
	return (u64)((s64)(va << 16) >> 16) == va;
}

/* Of the hypervisor's own formats, and of guests' in long mode. */
static inline u64 pt_level_size(const struct pt_format *f, u32 level)
{
	return PAGE_SIZE << 9 * level;
}

/* Look va up in tables of the hypervisor's own (host, nested). */
struct pt_leaf pt_lookup(const struct pt_format *f, paddr_t root, u64 va);
/*
 * Many lookups in a row, mostly near each other: what the last one found out about its 2 MiB is
 * kept. Only as good as the tables are still; for their owner to know.
 */
struct pt_cursor {
	paddr_t root;
	u64 region; /* va >> 21 of the last one, ~0 at first */
	u64 entry;  /* what level 1 has for it; made up where the leaf is larger */
};
/* Fill c for the 2 MiB around va. */
void pt_cursor_move(struct pt_cursor *c, u64 va);
/* A 4 KiB leaf that says of va what its leaf says, 0 when nothing is mapped. */
static inline u64 pt_cursor_entry(struct pt_cursor *c, u64 va)
{
	u64 e;

	if (unlikely(va >> 21 != c->region))
		pt_cursor_move(c, va);
	e = c->entry;
	if (e & PTE_PS)
		return (e & ~(u64)PTE_PS) + (va & 0x1ff000);
	if (!(e & PTE_P))
		return 0;
	return READ_ONCE(((const u64 *)paddr_to_virt(e & PTE_ADDR))[va >> 12 & 511]);
}

/*
 * Map [va, va + size) to pa with `flags` (P, W, U, NX, software bits), the largest leaves that fit
 * (at most max_level), splitting larger ones in the way; replaces what is there. Entries are
 * written whole, 64 bits at once. A table that exists is filled, never replaced by a leaf: a CPU
 * may still be walking it. Returns 0 or -ENOMEM (what was mapped so far stays).
 */
int pt_map(const struct pt_format *f, struct pt_pool *pool, paddr_t root, u64 va, paddr_t pa,
           u64 size, u64 flags, enum mem_type type, u32 max_level);
/* Clear [va, va + size); splits at the edges (-ENOMEM); empties tables but keeps them. */
int pt_unmap(const struct pt_format *f, struct pt_pool *pool, paddr_t root, u64 va, u64 size);
/*
 * Taking an address space apart, in parts of bounded work; each returns true when nothing is left
 * to do, and else goes on where it stopped when it is called again.
 *
 * pt_visit gives each leaf from address `from` on to fn, which returns what that cost of the
 * budget; with `clear` it is cleared before. When the budget is used up `from` is where to go on.
 * pt_detach hides what is below the root from new lookups; when none is under way any more, pt_free
 * gives those tables back, in which no leaf is left. The root stays, for lookups to find nothing.
 */
struct pt_visit {
	bool clear;
	s64 budget;
	u32 (*fn)(void *ctx, u64 va, struct pt_leaf leaf);
	void *ctx;
	u64 from;
};
bool pt_visit(const struct pt_format *f, struct pt_visit *c, paddr_t root);
void pt_detach(paddr_t root);
bool pt_free(const struct pt_format *f, struct pt_pool *pool, paddr_t root, u32 budget);

/*
 * Walk a guest's tables: each table is reached by read(ctx, gpa, &entry, bytes), which returns 0 or
 * -EFAULT. need: PTE_P, PTE_W, PTE_U, PTE_NX (= execute) that every level must grant. On success
 * *out is the guest-physical address of va and *left the bytes to the end of its 4 KiB page, also
 * inside of a larger one (nested tables may map its parts anywhere). Accessed and dirty bits are
 * not touched, reserved bits not checked.
 */
int pt_walk_guest(const struct pt_format *f, gpa_t root, u64 va, u64 need,
                  int (*read)(void *ctx, gpa_t at, void *entry, u32 bytes), void *ctx, gpa_t *out,
                  u64 *left);

/*
 * The same for the long-mode formats, inline with its reader: it runs for every page of every
 * hypercall argument. va is canonical.
 */
static __inline_always int pt_walk_long(u32 levels, u64 table, u64 va, u64 need,
                                        int (*read)(void *ctx, gpa_t at, void *entry, u32 bytes),
                                        void *ctx, gpa_t *out, u64 *left)
{
	u32 shift = PAGE_SHIFT + 9 * levels;
	u64 e;

#pragma GCC unroll 5
	do {
		shift -= 9;
		if (read(ctx, gpa(table + (va >> shift & 511) * 8), &e, 8))
			return -EFAULT;
		/* NX is a denial: flip it, so that every bit of `e` grants. */
		if (need & ~(e ^ PTE_NX))
			return -EFAULT;
		table = e & PTE_ADDR;
	} while (shift > PAGE_SHIFT && !(shift <= 30 && e & PTE_PS));
	*out = gpa((table & ~(BIT(shift) - 1)) | (va & (BIT(shift) - 1)));
	*left = PAGE_SIZE - (va & (PAGE_SIZE - 1));
	return 0;
}
