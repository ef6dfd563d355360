/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Machine frames: who owns each, how many references it has, and the buddy allocator (core/page.c).
 *
 * A frame belongs to the hypervisor, to a domain, or to nobody (free). A frame that is owned by a
 * domain has one reference for the ownership itself and one for each mapping by others; whoever
 * drops the last one frees it. The hypervisor's own frames are not counted, but for those that are
 * PAGE_SHARED: other domains may map them, and they outlive the table that they are part of.
 */
#pragma once

#include <layout.h>

struct domain;

#define PAGE_ORDER_MAX 18 /* 1 GiB */
#define PAGE_ORDER_2M  9

enum page_state {
	PAGE_NONE, /* not RAM, or reserved by firmware: nobody's */
	PAGE_FREE, /* in the allocator */
	PAGE_HYPERVISOR,
	PAGE_DOMAIN, /* owned by domain `owner` */
};

/*
 * Whatever the allocator has may hold somebody's data: it is scrubbed when it is given to a domain
 * or asked for zeroed, not at boot and not when it is freed.
 */
#define PAGE_PARKED BIT(1) /* the control domain's, but not mapped by it (see memory.c) */
#define PAGE_SHARED BIT(2) /* the hypervisor's, counted: frames of grant tables */

#define PAGE_ORDER_INNER 0xff

/*
 * 16 bytes a frame: 1/256 of RAM. `count` is atomic, `flags` belong to the owner, the rest to the
 * allocator, under its lock.
 */
struct page {
	u32 count;
	union {
		struct {
			u16 owner; /* domid, valid for PAGE_DOMAIN */
			u8 state : 4, flags : 4;
			u8 order; /* of a block's first frame; of others PAGE_ORDER_INNER */
		};
		u32 who; /* all of them, for one comparison */
	};
	u32 next, prev; /* free list: frame numbers */
};
static_assert(sizeof(struct page) == 16, "the frame table costs 1/256 of RAM");

/*
 * The frame table has an entry for each frame in [0, page_max) but the page_hole frames from
 * page_hole_start on: the PC's hole below 4 GiB would cost a small machine as much as half its RAM.
 */
extern struct page *page_table;
extern u64 page_max, page_hole_start, page_hole;

/* Only for frames that are mfn_valid(). */
static inline struct page *mfn_to_page(mfn_t m)
{
	return &page_table[mfn_x(m) < page_hole_start ? mfn_x(m) : mfn_x(m) - page_hole];
}
static inline bool mfn_valid(mfn_t m)
{
	return mfn_x(m) < page_max && mfn_x(m) - page_hole_start >= page_hole;
}

/*
 * Frame n is RAM of the control domain that is at its own address there: neither parked nor covered
 * by anything. It will be the control domain's for good, so nobody who uses it needs a reference.
 */
#define PAGE_WHO(owner, state, flags) ((owner) | (state) << 16 | (u32)(flags) << 20)
static inline bool page_is_identity(u64 n)
{
	if (unlikely(!mfn_valid(mfn(n))))
		return false;
	return (mfn_to_page(mfn(n))->who & PAGE_WHO(0xffff, 0xf, PAGE_PARKED)) ==
	       PAGE_WHO(0, PAGE_DOMAIN, 0);
}

/*
 * Boot only: what each frame is at first. The frame table is not initialised before; a domain's
 * frames (those of bootmem_take_low) are nobody's until page_set_domain(), which gives each one
 * reference and counts it in d->tot_pages. Free ranges are maximal: no two of them touch.
 */
void page_set_none(mfn_t start, mfn_t end);
void page_set_hypervisor(mfn_t start, mfn_t end);
void page_set_domain(mfn_t start, mfn_t end, struct domain *d);
void page_add_free(mfn_t start, mfn_t end);
/* Frames of the hypervisor that did not come from page_alloc (boot modules, init sections): free
 * them. */
void page_release(mfn_t start, mfn_t end);

/* 2^order contiguous, aligned frames for the hypervisor, zeroed. INVALID_MFN when there is none. */
mfn_t page_alloc(u32 order);
/* Same, but below 4 GiB when `low`, and not zeroed when !zero. */
mfn_t page_alloc_flags(u32 order, bool low, bool zero);
void page_free(mfn_t m, u32 order);
/* A zeroed PAGE_SHARED frame with one reference, to be dropped with page_put(). */
mfn_t page_alloc_shared(void);
/* Free frames, those of them that are claimed, and frames of RAM, in all. */
u64 page_free_count(void);
u64 page_claimed_count(void);
u64 page_ram_count(void);

/*
 * Keep free frames for d from other domains until it has `pages` in all; 0 ends that. -EINVAL: it
 * has a claim, or that many, may not have them, or is dying. -ENOMEM: not so many are free.
 */
int page_claim(struct domain *d, u64 pages);
/*
 * 2^order frames owned by d, each with one reference, scrubbed. Fails with INVALID_MFN when
 * d->max_pages would be exceeded or there is none that others have not claimed. Updates
 * d->tot_pages and d->claim.
 */
mfn_t page_alloc_domain(struct domain *d, u32 order);
/*
 * Take a reference to a frame that belongs to d, or when d is NULL to any domain or is PAGE_SHARED;
 * false if it does not.
 */
bool page_get(mfn_t m, struct domain *d);
/*
 * Drop one; the last one gives the frame back (after domain_flush: see there). Frames that are
 * not counted are ignored. A domain stays in the list of domains until it has no frames left.
 */
void page_put(mfn_t m);
/* The same for 2^order frames of d, those of one leaf of its. */
void page_put_block(struct domain *d, mfn_t m, u32 order);

/* The hypervisor's own frames (tables, control blocks, heap) stay mapped for good. */
static inline void *paddr_to_virt(paddr_t pa)
{
	return (void *)(DIRECTMAP_BASE + pa);
}
static inline void *mfn_to_virt(mfn_t m)
{
	return paddr_to_virt(mfn_to_paddr(m));
}
static inline paddr_t virt_to_paddr(const void *p)
{
	return (paddr_t)p - DIRECTMAP_BASE;
}

/*
 * The only way to a guest's frame. Today a standing map backs it; nothing may rely on that: a
 * pointer is used between the two calls and forgotten. They nest, and hold for the calling CPU
 * only.
 */
static inline void *page_map(mfn_t m)
{
	return mfn_to_virt(m);
}
static inline void page_unmap(const void *p)
{
}

/* Invariants of the frame table and the free lists; returns the number of violations it logged. */
u32 page_check(void);

/* Small objects of the hypervisor, zeroed, 16-byte aligned (page-aligned from a page up); NULL when
 * out. */
void *heap_alloc(size_t bytes);
void heap_free(void *p);
/* Bytes that the hypervisor keeps for itself: image, frame table, tables, heap. */
u64 page_hypervisor_bytes(void);
