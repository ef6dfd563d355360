/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Machine frames: the frame table and the buddy allocator.
 *
 * Locking: page_lock protects the free lists, the allocator's fields of every struct page, the
 * frame's state, and all domains' tot_pages and claim. References are counted by atomic operations
 * without it. It nests inside of everything but the console's lock; nothing is scrubbed under it.
 */
#include <domain.h>
#include <page.h>
#include <printk.h>
#include <string.h>

#define ORDERS    (PAGE_ORDER_MAX + 1)
#define NOBODY    (~0U) /* end of a free list */
#define LOW_LIMIT (4 * GIB >> PAGE_SHIFT)
#define COUNT_MAX 0x7fffffff

/*
 * Frames below 4 GiB are a zone of their own, used last, because some things have to be there. No
 * block crosses the border: it is a multiple of the largest block.
 */
enum zone {
	ZONE_LOW,
	ZONE_HIGH,
	ZONES,
};

struct page *page_table;
u64 page_max, page_hole_start, page_hole;

static struct spinlock page_lock;
static u32 free_head[ZONES][ORDERS] = { [0 ... ZONES - 1] = { [0 ... ORDERS - 1] = NOBODY } };
static u32 free_orders[ZONES]; /* bit n: there are blocks of order n */
static u64 free_count, hypervisor_count, ram_count;
static u64 claimed; /* of all domains; the hypervisor's own needs go before */

static struct page *page_at(u64 n)
{
	return mfn_to_page(mfn(n));
}

static enum zone zone_of(u64 n)
{
	return n < LOW_LIMIT ? ZONE_LOW : ZONE_HIGH;
}

/* --- blocks --------------------------------------------------------------- */

static void block_insert(u64 n, u32 order)
{
	enum zone z = zone_of(n);
	struct page *pg = page_at(n);
	u32 head = free_head[z][order];

	pg->order = (u8)order;
	pg->next = head;
	pg->prev = NOBODY;
	if (head != NOBODY)
		page_at(head)->prev = (u32)n;
	free_head[z][order] = (u32)n;
	free_orders[z] |= 1U << order;
}

static void block_remove(u64 n)
{
	enum zone z = zone_of(n);
	struct page *pg = page_at(n);

	if (pg->next != NOBODY)
		page_at(pg->next)->prev = pg->prev;
	if (pg->prev != NOBODY)
		page_at(pg->prev)->next = pg->next;
	else
		free_head[z][pg->order] = pg->next;
	if (free_head[z][pg->order] == NOBODY)
		free_orders[z] &= ~(1U << pg->order);
	pg->order = PAGE_ORDER_INNER;
}

/* Put a block whose frames are marked free into the lists, joined with its free neighbours. */
static void block_free(u64 n, u32 order)
{
	u64 buddy;

	free_count += BIT(order);
	for (; order < PAGE_ORDER_MAX; order++) {
		buddy = n ^ BIT(order);
		if (!mfn_valid(mfn(buddy)) || page_at(buddy)->state != PAGE_FREE ||
		    page_at(buddy)->order != order)
			break;
		block_remove(buddy);
		n = min(n, buddy);
	}
	block_insert(n, order);
}

/* A block of exactly this order out of the lists, the smallest that serves; NOBODY if none. */
static u32 block_take(u32 order, bool low)
{
	u32 fit, n;
	int found;

	for (int z = low ? ZONE_LOW : ZONE_HIGH; z >= ZONE_LOW; z--) {
		found = ffs64(free_orders[z] >> order << order);
		if (found < 0)
			continue;
		fit = (u32)found;
		n = free_head[z][fit];
		block_remove(n);
		/* Keep the lower half, so that what is left is one block of each order. */
		while (fit > order) {
			fit--;
			block_insert(n + BIT(fit), fit);
		}
		free_count -= BIT(order);
		return n;
	}
	return NOBODY;
}

/* Two plain stores a frame: at boot this runs for all of RAM. */
static void set_frames(u64 n, u64 end, enum page_state state, u32 count, u16 owner)
{
	union {
		struct page page;
		u64 word[2];
	} as = { .page = { .count = count,
		           .owner = owner,
		           .state = (u8)state,
		           .order = PAGE_ORDER_INNER } };
	u64 low = as.word[0], high = as.word[1];
	u64 *p = (u64 *)page_at(n), *stop = p + 2 * (end - n);

#pragma GCC unroll 8
	for (; p < stop; p += 2) {
		p[0] = low;
		p[1] = high;
	}
}

/* Frames of the hypervisor become free ones, not yet in a list. */
static void take_back(u64 n, u64 end)
{
	BUG_ON(n >= end || !mfn_valid(mfn(n)) || !mfn_valid(mfn(end - 1)));
	for (u64 i = n; i < end; i++)
		BUG_ON(page_at(i)->state != PAGE_HYPERVISOR);
	set_frames(n, end, PAGE_FREE, 0, 0);
	hypervisor_count -= end - n;
}

/* A domain that owns frames stays in the list: they hold one reference together. */
static void account(struct domain *d, u64 pages)
{
	if (!d->tot_pages)
		__atomic_fetch_add(&d->refs, 1, __ATOMIC_RELAXED);
	WRITE_ONCE(d->tot_pages, d->tot_pages + pages);
}

/* --- boot ----------------------------------------------------------------- */

void page_set_none(mfn_t start, mfn_t end)
{
	set_frames(mfn_x(start), mfn_x(end), PAGE_NONE, 0, 0);
}

void page_set_hypervisor(mfn_t start, mfn_t end)
{
	spin_lock(&page_lock);
	set_frames(mfn_x(start), mfn_x(end), PAGE_HYPERVISOR, 0, 0);
	hypervisor_count += mfn_x(end) - mfn_x(start);
	ram_count += mfn_x(end) - mfn_x(start);
	spin_unlock(&page_lock);
}

void page_set_domain(mfn_t start, mfn_t end, struct domain *d)
{
	BUG_ON(mfn_to_page(start)->state != PAGE_NONE);
	spin_lock(&page_lock);
	set_frames(mfn_x(start), mfn_x(end), PAGE_DOMAIN, 1, d->id);
	account(d, mfn_x(end) - mfn_x(start));
	ram_count += mfn_x(end) - mfn_x(start);
	spin_unlock(&page_lock);
}

/* The largest block that begins at n and ends at `end` or before. */
static u32 block_order(u64 n, u64 end)
{
	u32 order = PAGE_ORDER_MAX;

	while ((n & (BIT(order) - 1)) || BIT(order) > end - n)
		order--;
	return order;
}

/* Neighbours may not have been named yet, so none is looked at; ranges that touch stay apart. */
void page_add_free(mfn_t start, mfn_t end)
{
	u32 order;

	spin_lock(&page_lock);
	set_frames(mfn_x(start), mfn_x(end), PAGE_FREE, 0, 0);
	ram_count += mfn_x(end) - mfn_x(start);
	for (u64 n = mfn_x(start); n < mfn_x(end); n += BIT(order)) {
		order = block_order(n, mfn_x(end));
		block_insert(n, order);
		free_count += BIT(order);
	}
	spin_unlock(&page_lock);
}

void page_release(mfn_t start, mfn_t end)
{
	u32 order;

	spin_lock(&page_lock);
	take_back(mfn_x(start), mfn_x(end));
	for (u64 n = mfn_x(start); n < mfn_x(end); n += BIT(order)) {
		order = block_order(n, mfn_x(end));
		block_free(n, order);
	}
	spin_unlock(&page_lock);
}

/* --- the hypervisor's own frames ------------------------------------------ */

static void scrub(u64 n, u32 order)
{
	void *p;

	for (u64 i = 0; i < BIT(order); i++) {
		p = page_map(mfn(n + i));
		memset(p, 0, PAGE_SIZE);
		page_unmap(p);
	}
}

mfn_t page_alloc_flags(u32 order, bool low, bool zero)
{
	u32 n;

	if (order > PAGE_ORDER_MAX)
		return INVALID_MFN;
	spin_lock(&page_lock);
	n = block_take(order, low);
	if (n != NOBODY) {
		set_frames(n, n + BIT(order), PAGE_HYPERVISOR, 0, 0);
		page_at(n)->order = (u8)order;
		hypervisor_count += BIT(order);
	}
	spin_unlock(&page_lock);
	if (n == NOBODY)
		return INVALID_MFN;
	if (zero)
		scrub(n, order);
	return mfn(n);
}

mfn_t page_alloc(u32 order)
{
	return page_alloc_flags(order, false, true);
}

mfn_t page_alloc_shared(void)
{
	mfn_t m = page_alloc(0);

	if (mfn_valid_box(m)) {
		mfn_to_page(m)->flags = PAGE_SHARED;
		store_release(&mfn_to_page(m)->count, 1);
	}
	return m;
}

void page_free(mfn_t m, u32 order)
{
	u64 n = mfn_x(m);

	spin_lock(&page_lock);
	take_back(n, n + BIT(order));
	block_free(n, order);
	spin_unlock(&page_lock);
}

u64 page_free_count(void)
{
	return READ_ONCE(free_count);
}

u64 page_claimed_count(void)
{
	return READ_ONCE(claimed);
}

u64 page_ram_count(void)
{
	return READ_ONCE(ram_count);
}

u64 page_hypervisor_bytes(void)
{
	return READ_ONCE(hypervisor_count) << PAGE_SHIFT;
}

/* --- domains' frames ------------------------------------------------------ */

static void set_claim(struct domain *d, u64 pages)
{
	WRITE_ONCE(claimed, claimed - d->claim + pages);
	WRITE_ONCE(d->claim, pages);
}

int page_claim(struct domain *d, u64 pages)
{
	int rc = 0;

	spin_lock(&page_lock);
	if (!pages)
		set_claim(d, 0);
	else if (d->claim || d->dying || pages <= d->tot_pages || pages > d->max_pages)
		rc = -EINVAL;
	else if (claimed + pages - d->tot_pages > free_count)
		rc = -ENOMEM;
	else
		set_claim(d, pages - d->tot_pages);
	spin_unlock(&page_lock);
	return rc;
}

mfn_t page_alloc_domain(struct domain *d, u32 order)
{
	u32 n = NOBODY;

	if (order > PAGE_ORDER_MAX)
		return INVALID_MFN;
	spin_lock(&page_lock);
	if (d->tot_pages <= d->max_pages && BIT(order) <= d->max_pages - d->tot_pages &&
	    claimed - d->claim + BIT(order) <= free_count)
		n = block_take(order, false);
	if (n != NOBODY) {
		/* Nobody's yet: no reference can be taken before they are scrubbed. */
		set_frames(n, n + BIT(order), PAGE_DOMAIN, 0, d->id);
		account(d, BIT(order));
		set_claim(d, d->claim - min(d->claim, BIT(order)));
	}
	spin_unlock(&page_lock);
	if (n == NOBODY)
		return INVALID_MFN;
	scrub(n, order);
	for (u64 i = 0; i < BIT(order); i++)
		store_release(&page_at(n + i)->count, 1);
	return mfn(n);
}

static bool belongs(const struct page *pg, const struct domain *d)
{
	if (pg->state == PAGE_DOMAIN)
		return !d || pg->owner == d->id;
	return !d && pg->flags & PAGE_SHARED;
}

bool page_get(mfn_t m, struct domain *d)
{
	struct page *pg;
	u32 count;

	if (!mfn_valid(m))
		return false;
	pg = mfn_to_page(m);
	count = __atomic_load_n(&pg->count, __ATOMIC_RELAXED);
	do {
		/* Free, the hypervisor's, or being scrubbed; or too many for the counter. */
		if (count == 0 || count >= COUNT_MAX)
			return false;
	} while (!__atomic_compare_exchange_n(&pg->count, &count, count + 1, false,
	                                      __ATOMIC_ACQ_REL, __ATOMIC_RELAXED));
	/* With a reference of ours the owner stays; before, the frame may have changed hands. */
	if (likely(belongs(pg, d)))
		return true;
	page_put(m);
	return false;
}

/* Frames whose last reference is gone. */
static void free_from_domain(struct domain *d, u64 n, u32 order)
{
	bool last;

	spin_lock(&page_lock);
	set_frames(n, n + BIT(order), PAGE_FREE, 0, 0);
	block_free(n, order);
	WRITE_ONCE(d->tot_pages, d->tot_pages - BIT(order));
	last = !d->tot_pages;
	spin_unlock(&page_lock);
	if (last)
		domain_put(d);
}

static bool drop(u64 n)
{
	return __atomic_sub_fetch(&page_at(n)->count, 1, __ATOMIC_ACQ_REL) == 0;
}

void page_put(mfn_t m)
{
	struct domain *d;
	struct page *pg;

	if (!mfn_valid(m))
		return;
	pg = mfn_to_page(m);
	if (!belongs(pg, NULL) || !drop(mfn_x(m)))
		return;
	if (pg->state != PAGE_DOMAIN) {
		page_free(m, 0);
		return;
	}
	d = domain_get(pg->owner);
	free_from_domain(d, mfn_x(m), 0);
	domain_put(d);
}

void page_put_block(struct domain *d, mfn_t m, u32 order)
{
	u64 n = mfn_x(m), end = n + BIT(order), first = n;

	/* Runs between frames that somebody else still holds. */
	for (u32 run; n <= end; n++) {
		if (n < end && drop(n))
			continue;
		for (; first < n; first += BIT(run)) {
			run = block_order(first, n);
			free_from_domain(d, first, run);
		}
		first = n + 1;
	}
}

/* --- self-check ----------------------------------------------------------- */

#define COMPLAIN_MAX 8

static u32 complain(u32 bad, u64 n, const char *what)
{
	const struct page *pg = page_at(n);

	if (bad < COMPLAIN_MAX)
		pr_err("page check: frame %#llx: %s (state %u, order %u, count %u, owner %u)\n",
		       (unsigned long long)n, what, pg->state, pg->order, pg->count, pg->owner);
	return bad + 1;
}

/* The lists: right zone and order, linked both ways, aligned, joined; *seen sums them up. */
static u32 check_lists(u64 *seen)
{
	u32 bad = 0, prev;
	u64 buddy;

	for (u32 z = 0; z < ZONES; z++) {
		for (u32 order = 0; order < ORDERS; order++) {
			prev = NOBODY;
			if ((free_head[z][order] != NOBODY) != (free_orders[z] >> order & 1))
				bad = complain(bad, 0, "summary of the free lists is wrong");
			for (u32 n = free_head[z][order]; n != NOBODY; n = page_at(n)->next) {
				const struct page *pg = page_at(n);

				buddy = n ^ BIT(order);
				if (pg->state != PAGE_FREE || pg->order != order ||
				    zone_of(n) != z || n & (BIT(order) - 1) || pg->prev != prev)
					return complain(bad, n, "in the wrong free list");
				if (order < PAGE_ORDER_MAX && mfn_valid(mfn(buddy)) &&
				    page_at(buddy)->state == PAGE_FREE &&
				    page_at(buddy)->order == order)
					bad = complain(bad, n, "not joined with its buddy");
				*seen += BIT(order);
				prev = n;
			}
		}
	}
	return bad;
}

u32 page_check(void)
{
	u64 count[4] = { 0 }, owned = 0, promised = 0, seen = 0;
	struct domain *d;
	u32 bad;

	spin_lock(&page_lock);
	bad = check_lists(&seen);
	for (u64 n = 0; n < page_max; n++) {
		const struct page *pg = page_at(n);

		if (!mfn_valid(mfn(n)))
			continue;
		count[pg->state & 3]++;
		if (pg->state > PAGE_DOMAIN)
			bad = complain(bad, n, "unknown state");
		if (pg->count && !belongs(pg, NULL))
			bad = complain(bad, n, "counted, but no domain's");
	}
	for_each_domain(d)
	{
		owned += d->tot_pages;
		promised += d->claim;
	}
	if (seen != free_count || count[PAGE_FREE] != free_count)
		bad = complain(bad, 0, "number of free frames is wrong");
	if (count[PAGE_HYPERVISOR] != hypervisor_count)
		bad = complain(bad, 0, "number of the hypervisor's frames is wrong");
	if (count[PAGE_DOMAIN] != owned)
		bad = complain(bad, 0, "number of the domains' frames is wrong");
	if (promised != claimed)
		bad = complain(bad, 0, "number of the claimed frames is wrong");
	spin_unlock(&page_lock);
	return bad;
}
