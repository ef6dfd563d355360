/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The page-table walker: reads and writes the hypervisor's own and nested tables, reads guests'.
 *
 * Locking: none here. Whoever owns the tables serialises writers; readers and the hardware see
 * whole entries because each is written by one 64-bit store, a new table only after it was filled.
 */
#include <page.h>
#include <paging.h>
#include <printk.h>

/* Of every table that the hypervisor writes: all its formats index by 9 bits, in four levels. */
#define ENTRIES 512

/* PAT entries 0 (WB), 1 (WC), 3 (UC): see enum mem_type. */
#define X86_MEM_TYPES                                                                              \
	{                                                                                          \
		[MEM_WB] = 0, [MEM_UC] = PTE_PCD | PTE_PWT, [MEM_WC] = PTE_PWT                     \
	}
#define ALL_GRANTS (PTE_P | PTE_W | PTE_U | PTE_NX)

const struct pt_format pt_host = {
	.levels = 4,
	.table_flags = PTE_P | PTE_W | PTE_A,
	.mem_type = X86_MEM_TYPES,
};

/*
 * Nested tables are walked as user accesses, guest table pages even as writes (APM2 15.25.5), so
 * every level grants all and the leaf decides. Memory type: the leaf's PAT selects from the host's
 * PAT, the result is combined with the guest's own choice (APM2 15.25.8).
 */
const struct pt_format pt_npt = {
	.levels = 4,
	.table_flags = PTE_P | PTE_W | PTE_U | PTE_A,
	.mem_type = X86_MEM_TYPES,
};

const struct pt_format pt_guest_64 = {
	.levels = 4,
	.entry_bytes = 8,
	.bits = { 9, 9, 9, 9 },
	.va_bits = 48,
	.leaf_levels = 7,
	.top_grants = ALL_GRANTS,
};

const struct pt_format pt_guest_la57 = {
	.levels = 5,
	.entry_bytes = 8,
	.bits = { 9, 9, 9, 9, 9 },
	.va_bits = 57,
	.leaf_levels = 7,
	.top_grants = ALL_GRANTS,
};

/* The four page-directory-pointer entries of PAE have no W, U and NX (APM2 5.2.3). */
const struct pt_format pt_guest_pae = {
	.levels = 3,
	.entry_bytes = 8,
	.bits = { 9, 9, 2 },
	.va_bits = 32,
	.leaf_levels = 3,
	.top_grants = PTE_P,
};

const struct pt_format pt_guest_32 = {
	.levels = 2,
	.entry_bytes = 4,
	.bits = { 10, 10 },
	.va_bits = 32,
	.leaf_levels = 3,
	.top_grants = ALL_GRANTS,
};

static u64 *table_at(paddr_t pa)
{
	return paddr_to_virt(pa);
}

static bool is_table(u64 e, u32 level)
{
	return level && (e & PTE_P) && !(e & PTE_PS);
}

/* Follow *e one level down; false when the walk ends there. */
static inline bool lookup_step(u64 *e, u64 va, u32 shift)
{
	*e = READ_ONCE(table_at(*e & PTE_ADDR)[va >> shift & (ENTRIES - 1)]);
	return (*e & (PTE_P | PTE_PS)) == PTE_P;
}

/* Four levels, no loop: this runs for every page of every hypercall argument. */
struct pt_leaf pt_lookup(const struct pt_format *f, paddr_t root, u64 va)
{
	struct pt_leaf leaf = { .entry = root, .level = 3 };

	(void)f;
	if (lookup_step(&leaf.entry, va, 39)) {
		leaf.level = 2;
		if (lookup_step(&leaf.entry, va, 30)) {
			leaf.level = 1;
			if (lookup_step(&leaf.entry, va, 21)) {
				leaf.level = 0;
				lookup_step(&leaf.entry, va, 12);
			}
		}
	}
	if (!(leaf.entry & PTE_P))
		leaf.entry = 0;
	return leaf;
}

void pt_cursor_move(struct pt_cursor *c, u64 va)
{
	u64 e = c->root;

	c->region = va >> 21;
	if (va >> 48)
		e = 0; /* more than four levels can map */
	else if (lookup_step(&e, va, 39)) {
		if (lookup_step(&e, va, 30))
			lookup_step(&e, va, 21);
		else if (e & PTE_P)
			e += va & 0x3fe00000; /* a part of a 1 GiB leaf */
	}
	c->entry = e & PTE_P ? e : 0;
}

/* One pt_map or pt_unmap on its way down. */
struct change {
	const struct pt_format *f;
	struct pt_pool *pool;
	u64 leaf;      /* flags and memory type of new leaves; 0: clear */
	u32 max_level; /* of new leaves */
};

/* Replace the leaf (or the nothing) in *slot by a table that says the same. */
static int split(const struct change *c, u64 *slot, u32 level)
{
	u64 e = *slot, step = pt_level_size(c->f, level - 1);
	mfn_t m = c->pool->alloc(c->pool->ctx);
	u64 *table;

	if (!mfn_valid_box(m))
		return -ENOMEM;
	if (e & PTE_P) {
		table = mfn_to_virt(m);
		if (level == 1)
			e &= ~PTE_PS;
		for (u32 i = 0; i < ENTRIES; i++)
			table[i] = e + i * step;
	}
	store_release(slot, mfn_to_paddr(m) | c->f->table_flags);
	return 0;
}

/* Whether one leaf of this level may stand for the whole slot. */
static bool leaf_fits(const struct change *c, u64 e, u32 level, u64 va, paddr_t pa, u64 size)
{
	u64 step = pt_level_size(c->f, level);

	return level <= c->max_level && !is_table(e, level) && !((va | pa) & (step - 1)) &&
	       size >= step;
}

static int change_range(const struct change *c, paddr_t root, u32 level, u64 va, paddr_t pa,
                        u64 size)
{
	u32 shift = PAGE_SHIFT + 9 * level;
	u64 step = BIT(shift), part, *slot;
	int rc;

	for (; size; size -= part, va += part, pa += part) {
		slot = &table_at(root)[va >> shift & (ENTRIES - 1)];
		part = min(step - (va & (step - 1)), size);
		if (!c->leaf && !(*slot & PTE_P))
			continue;
		if (!c->leaf && part == step && !is_table(*slot, level)) {
			WRITE_ONCE(*slot, 0);
			continue;
		}
		if (c->leaf && leaf_fits(c, *slot, level, va, pa, size)) {
			WRITE_ONCE(*slot, pa | c->leaf | (level ? PTE_PS : 0));
			continue;
		}
		rc = is_table(*slot, level) ? 0 : split(c, slot, level);
		if (!rc)
			rc = change_range(c, *slot & PTE_ADDR, level - 1, va, pa, part);
		if (rc)
			return rc;
	}
	return 0;
}

int pt_map(const struct pt_format *f, struct pt_pool *pool, paddr_t root, u64 va, paddr_t pa,
           u64 size, u64 flags, enum mem_type type, u32 max_level)
{
	struct change c = { f, pool, flags | f->mem_type[type], max_level };

	ASSERT(!((va | pa | size) & (PAGE_SIZE - 1)) && flags & PTE_P);
	return change_range(&c, root, f->levels - 1u, va, pa, size);
}

int pt_unmap(const struct pt_format *f, struct pt_pool *pool, paddr_t root, u64 va, u64 size)
{
	struct change c = { f, pool, 0, 0 };

	ASSERT(!((va | size) & (PAGE_SIZE - 1)));
	return change_range(&c, root, f->levels - 1u, va, 0, size);
}

#define TABLE_COST 8 /* of a look at all entries of a table */

static bool visit_level(const struct pt_format *f, struct pt_visit *c, paddr_t root, u32 level,
                        u64 va)
{
	u64 *table = table_at(root), e, step = pt_level_size(f, level);
	u32 i = c->from > va ? (u32)((c->from - va) / step) : 0;

	for (va += i * step; i < ENTRIES; i++, va += step) {
		e = READ_ONCE(table[i]);
		if (!(e & PTE_P))
			continue;
		if (c->budget <= 0) {
			c->from = va;
			return false;
		}
		if (is_table(e, level)) {
			if (!visit_level(f, c, e & PTE_ADDR, level - 1, va))
				return false;
			c->budget -= TABLE_COST;
			continue;
		}
		if (c->clear)
			WRITE_ONCE(table[i], 0);
		c->budget -= c->fn(c->ctx, va, (struct pt_leaf){ .entry = e, .level = (u8)level });
	}
	return true;
}

bool pt_visit(const struct pt_format *f, struct pt_visit *c, paddr_t root)
{
	return visit_level(f, c, root, f->levels - 1u, 0);
}

void pt_detach(paddr_t root)
{
	for (u32 i = 0; i < ENTRIES; i++)
		WRITE_ONCE(table_at(root)[i], table_at(root)[i] & ~PTE_P);
}

static bool free_below(struct pt_pool *pool, paddr_t root, u32 level, u32 *budget)
{
	u64 *table = table_at(root);

	for (u32 i = 0; level && i < ENTRIES; i++) {
		if (!table[i])
			continue;
		if (!free_below(pool, table[i] & PTE_ADDR, level - 1, budget) || !*budget)
			return false;
		--*budget;
		pool->free(pool->ctx, paddr_to_mfn(table[i] & PTE_ADDR));
		table[i] = 0;
	}
	return true;
}

bool pt_free(const struct pt_format *f, struct pt_pool *pool, paddr_t root, u32 budget)
{
	return free_below(pool, root, f->levels - 1u, &budget);
}

/* An address that the CPU would take at all: canonical, or of 32 bits (APM2 5.3.1). */
static bool va_valid(const struct pt_format *f, u64 va)
{
	u32 spare = 64 - f->va_bits;

	if (f->levels < 4)
		return va >> 32 == 0;
	return (u64)((s64)(va << spare) >> spare) == va;
}

/* Address bits of a leaf; 4 MiB pages keep theirs above bit 31 in bits 13 to 20 (APM2 5.2.2). */
static u64 leaf_base(const struct pt_format *f, u64 e, u64 size)
{
	u64 base = e & PTE_ADDR & ~(size - 1);

	if (f->entry_bytes == 4 && size > PAGE_SIZE)
		base |= (e >> 13 & 0xff) << 32;
	return base;
}

int pt_walk_guest(const struct pt_format *f, gpa_t root, u64 va, u64 need,
                  int (*read)(void *ctx, gpa_t at, void *entry, u32 bytes), void *ctx, gpa_t *out,
                  u64 *left)
{
	u64 e = 0, grants, table = gpa_x(root);
	u32 level = f->levels, shift = f->va_bits;

	if (!va_valid(f, va))
		return -EFAULT;
	if (f->levels > 3)
		return pt_walk_long(f->levels, table, va, need | PTE_P, read, ctx, out, left);
	do {
		grants = need & (level == f->levels ? f->top_grants : ALL_GRANTS);
		level--;
		shift -= f->bits[level];
		table += (va >> shift & (BIT(f->bits[level]) - 1)) * f->entry_bytes;
		e = 0;
		if (read(ctx, gpa(table), &e, f->entry_bytes))
			return -EFAULT;
		/* NX is a denial: flip it, so that every bit of `e` grants. */
		if ((grants & ~(e ^ PTE_NX)) || !(e & PTE_P))
			return -EFAULT;
		table = e & PTE_ADDR;
	} while (level && !(e & PTE_PS && f->leaf_levels >> level & 1));
	*out = gpa(leaf_base(f, e, BIT(shift)) | (va & (BIT(shift) - 1)));
	*left = PAGE_SIZE - (va & (PAGE_SIZE - 1));
	return 0;
}
