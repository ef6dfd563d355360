/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The hypervisor's heap: small objects in pages of one size class each, larger ones as pages.
 *
 * A slab is a page that begins with its header, so an object is never page-aligned and a larger
 * allocation always is: that is how heap_free() tells them apart.
 *
 * Locking: heap_lock protects the lists of slabs and the slabs in them. The page allocator's lock
 * nests inside.
 */
#include <list.h>
#include <page.h>
#include <printk.h>
#include <spinlock.h>
#include <string.h>

struct slab {
	struct list node; /* in partial[], or alone when it is full */
	u16 kind;
	u16 used;       /* objects given out */
	u16 first_free; /* offset of a free object, whose first bytes hold the next; 0: none */
	u16 untouched;  /* offset of the first object that was never given out */
};

/* Multiples of 16, few enough to look through; the large ones divide a page with little waste. */
static const u16 class_size[] = { 16,  32,  48,  64,  96,  128,  176,  256,
	                          368, 448, 576, 672, 800, 1008, 1344, 2032 };
#define CLASSES    ARRAY_SIZE(class_size)
#define SLAB_MAX   2032
#define SLAB_FIRST 32
static_assert(sizeof(struct slab) <= SLAB_FIRST, "objects follow the header");

static struct spinlock heap_lock;
static struct list partial[CLASSES]; /* slabs with room */

static struct slab *slab_of(const void *p)
{
	return (struct slab *)((u64)p & PAGE_MASK);
}

static struct slab *slab_new(u32 kind)
{
	mfn_t m = page_alloc_flags(0, false, false);
	struct slab *s;

	if (!mfn_valid_box(m))
		return NULL;
	s = mfn_to_virt(m);
	*s = (struct slab){ .kind = (u16)kind, .untouched = SLAB_FIRST };
	list_add_before(&partial[kind], &s->node);
	return s;
}

static bool slab_full(const struct slab *s)
{
	return !s->first_free && s->untouched + class_size[s->kind] > PAGE_SIZE;
}

static void *slab_take(struct slab *s)
{
	u32 size = class_size[s->kind];
	void *p;

	if (s->first_free) {
		p = (u8 *)s + s->first_free;
		s->first_free = *(u16 *)p;
	} else {
		p = (u8 *)s + s->untouched;
		s->untouched = (u16)(s->untouched + size);
	}
	s->used++;
	if (slab_full(s))
		list_del(&s->node);
	return p;
}

void *heap_alloc(size_t bytes)
{
	u32 kind = 0, order = 0;
	struct slab *s;
	void *p = NULL;
	mfn_t m;

	if (bytes > SLAB_MAX) {
		while (order <= PAGE_ORDER_MAX && PAGE_SIZE << order < bytes)
			order++;
		m = page_alloc(order);
		return mfn_valid_box(m) ? mfn_to_virt(m) : NULL;
	}
	while (class_size[kind] < bytes)
		kind++;
	spin_lock(&heap_lock);
	if (!partial[kind].next)
		list_init(&partial[kind]);
	s = list_empty(&partial[kind]) ? slab_new(kind)
	                               : container_of(partial[kind].next, struct slab, node);
	if (s)
		p = slab_take(s);
	spin_unlock(&heap_lock);
	return p ? memset(p, 0, class_size[kind]) : NULL;
}

void heap_free(void *p)
{
	struct slab *s = slab_of(p);
	mfn_t m;

	if (!p)
		return;
	m = paddr_to_mfn(virt_to_paddr(s));
	if (p == s) {
		page_free(m, mfn_to_page(m)->order);
		return;
	}
	spin_lock(&heap_lock);
	BUG_ON(s->kind >= CLASSES || !s->used);
	BUG_ON(((u64)p - (u64)s - SLAB_FIRST) % class_size[s->kind]);
	if (slab_full(s))
		list_add_before(&partial[s->kind], &s->node);
	*(u16 *)p = s->first_free;
	s->first_free = (u16)((u64)p - (u64)s);
	if (!--s->used)
		list_del(&s->node);
	else
		s = NULL;
	spin_unlock(&heap_lock);
	if (s)
		page_free(m, 0);
}
