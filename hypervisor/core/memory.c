/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The guest-physical address space as a domain itself changes it: memory_op.
 *
 * The control domain is identity-mapped, so a frame that it gives up, or covers with another one,
 * is parked: still its own, given to nobody, and the only one that can come back at that address.
 *
 * Locking: the p2m lock of the domain whose address space changes. What was taken out of it is
 * collected, and freed after the lock is dropped and domain_flush() has run.
 */
#include <bootinfo.h>
#include <domain.h>
#include <handlers.h>
#include <page.h>

/* Bits of a memory_op's command from here up: how many items of the list are done. */
#define EXTENT_SHIFT 6

/* Largest extent: 2 MiB. What an entry of this size costs is what keeps others waiting. */
#define EXTENT_ORDER_MAX PAGE_ORDER_2M

/* What has left the address space and must be given back once no CPU can reach it any more. */
struct leftovers {
	bool grants; /* may take those away */
	bool flush;
	u32 count;
	mfn_t frame[HYPERCALL_BATCH];
};

/* Not all of it is cleared: this is what a grant costs. */
static void leftovers_init(struct leftovers *l, bool grants)
{
	l->grants = grants;
	l->flush = false;
	l->count = 0;
}

static void leftovers_done(struct domain *d, struct leftovers *l)
{
	if (l->flush)
		domain_flush(d);
	for (u32 i = 0; i < l->count; i++)
		page_put(l->frame[i]);
	l->flush = false;
	l->count = 0;
}

static bool gfn_possible(gfn_t g)
{
	return !(gfn_x(g) >> (cpu_features.phys_bits - PAGE_SHIFT));
}

static bool is_grant(enum p2m_type type)
{
	return type == P2M_GRANT_RW || type == P2M_GRANT_RO;
}

/* The control domain's own frame of this number, if it is parked. */
static struct page *parked(const struct domain *d, gfn_t g)
{
	mfn_t m = mfn(gfn_x(g));
	struct page *p;

	if (!d->control || !mfn_valid(m))
		return NULL;
	p = mfn_to_page(m);
	if (p->state != PAGE_DOMAIN || p->owner != d->id || !(p->flags & PAGE_PARKED))
		return NULL;
	return p;
}

/* Forget where a frame of the hypervisor was mapped. */
static void shared_forget(struct domain *d, mfn_t m)
{
	if (mfn_x(m) == mfn_x(d->shared_mfn))
		d->shared_gfn = gfn(~0ULL);
	for (u32 i = 0; i < d->grant.frames; i++)
		if (mfn_x(m) == mfn_x(d->grant.frame[i]))
			d->grant.gfn[i] = gfn(~0ULL);
}

/*
 * Put frame m (INVALID_MFN: nothing) at g instead of what is there, and dispose of that. p2m lock
 * held; one leftover at most. -EINVAL over granted frames, which only their unmap may take away,
 * and with a granted frame over another domain's.
 */
static int memory_replace(struct domain *d, gfn_t g, mfn_t m, enum p2m_type type,
                          struct leftovers *l)
{
	enum p2m_type old_type;
	mfn_t old = p2m_lookup(d, g, &old_type);
	int rc;

	if ((is_grant(old_type) && !l->grants) || (old_type == P2M_FOREIGN && is_grant(type)))
		return -EINVAL;
	rc = mfn_valid_box(m) ? p2m_set(d, g, m, 0, type) : p2m_clear(d, g, 0);
	if (rc)
		return rc;
	l->flush |= old_type != P2M_NONE;
	if (old_type == P2M_SHARED)
		shared_forget(d, old);
	else if (old_type == P2M_RAM && d->control)
		mfn_to_page(old)->flags |= PAGE_PARKED;
	else if (old_type == P2M_RAM || old_type == P2M_FOREIGN)
		l->frame[l->count++] = old;
	return 0;
}

/* Bring the parked frame back to g, over whatever covers it. p2m lock held. */
static int memory_unpark(struct domain *d, gfn_t g, struct leftovers *l)
{
	struct page *p = parked(d, g);
	int rc;

	if (!p)
		return -ENOENT;
	rc = memory_replace(d, g, mfn(gfn_x(g)), P2M_RAM, l);
	if (!rc)
		p->flags &= (u8)~PAGE_PARKED;
	return rc;
}

/* Take away what is at g. p2m lock held. */
static int memory_remove(struct domain *d, gfn_t g, struct leftovers *l)
{
	enum p2m_type type;

	p2m_lookup(d, g, &type);
	if (type == P2M_NONE || type == P2M_MMIO || type == P2M_ONES)
		return -ENOENT;
	if (type != P2M_RAM && parked(d, g))
		return memory_unpark(d, g, l);
	return memory_replace(d, g, INVALID_MFN, P2M_NONE, l);
}

/* --- one frame ------------------------------------------------------------- */

/* The hypervisor's frame that a guest names, and where its place is recorded. */
static int shared_frame(struct domain *d, u32 space, u64 idx, mfn_t *m, gfn_t **place)
{
	switch (space) {
	case XENMAPSPACE_shared_info:
		if (idx)
			return -EINVAL;
		*m = d->shared_mfn;
		*place = &d->shared_gfn;
		return 0;
	case XENMAPSPACE_grant_table:
		if (idx >= GRANT_FRAMES_MAX)
			return -EINVAL;
		*m = grant_frame(d, (u32)idx);
		*place = &d->grant.gfn[index_nospec(idx, GRANT_FRAMES_MAX)];
		return mfn_valid_box(*m) ? 0 : -EINVAL;
	}
	return -EINVAL;
}

/* A frame of the hypervisor is at one place of its domain only: mapping it again moves it. */
static int memory_add(struct domain *d, u32 space, u64 idx, gfn_t g)
{
	struct leftovers l = { 0 };
	gfn_t *place, before;
	mfn_t m;
	int rc = shared_frame(d, space, idx, &m, &place);

	if (rc)
		return rc;
	if (!gfn_possible(g))
		return -EINVAL;
	spin_lock(&d->p2m.lock);
	before = *place;
	if (gfn_x(before) != gfn_x(g)) {
		rc = memory_replace(d, g, m, P2M_SHARED, &l);
		if (!rc) {
			if (gfn_x(before) != ~0ULL)
				rc = memory_remove(d, before, &l);
			*place = g;
		}
	}
	spin_unlock(&d->p2m.lock);
	leftovers_done(d, &l);
	return rc;
}

static int memory_put_at(struct domain *d, gfn_t g, mfn_t m, enum p2m_type type)
{
	struct leftovers l;
	int rc;

	if (!gfn_possible(g))
		return -EINVAL;
	leftovers_init(&l, false);
	spin_lock(&d->p2m.lock);
	rc = memory_replace(d, g, m, type, &l);
	spin_unlock(&d->p2m.lock);
	leftovers_done(d, &l);
	return rc;
}

int memory_map_grant(struct domain *d, gfn_t g, mfn_t m, bool write)
{
	return memory_put_at(d, g, m, write ? P2M_GRANT_RW : P2M_GRANT_RO);
}

int memory_unmap_grant(struct domain *d, gfn_t g)
{
	struct leftovers l;
	int rc;

	leftovers_init(&l, true);
	spin_lock(&d->p2m.lock);
	rc = memory_remove(d, g, &l);
	spin_unlock(&d->p2m.lock);
	return rc;
}

/* Map frame m, which holds a reference while it is there, or loses it here. */
static int memory_add_counted(struct domain *d, mfn_t m, gfn_t g)
{
	int rc = memory_put_at(d, g, m, P2M_FOREIGN);

	if (rc)
		page_put(m);
	return rc;
}

/* RAM of another domain only: what is not its own is not its to lend. */
static int memory_add_foreign(struct domain *d, struct domain *from, u64 idx, gfn_t g)
{
	enum p2m_type type;
	mfn_t m = p2m_lookup(from, gfn(idx), &type);

	if (from == d || type != P2M_RAM || !page_get(m, from))
		return -EINVAL;
	return memory_add_counted(d, m, g);
}

s64 do_memory_add_to_physmap(struct hypercall *c, void *arg)
{
	const struct xen_add_to_physmap *op = arg;
	struct domain *d;
	int rc;

	if (op->space == XENMAPSPACE_gmfn_foreign)
		return -ENOSYS; /* only as a batch, as in Xen */
	rc = hypercall_target(c, op->domid, &d);
	if (rc)
		return rc;
	rc = memory_add(d, op->space, op->idx, gfn(op->gpfn));
	domain_put(d);
	return rc;
}

s64 do_memory_remove_from_physmap(struct hypercall *c, void *arg)
{
	const struct xen_remove_from_physmap *op = arg;
	struct leftovers l = { 0 };
	struct domain *d;
	int rc = hypercall_target(c, op->domid, &d);

	if (rc)
		return rc;
	spin_lock(&d->p2m.lock);
	rc = gfn_possible(gfn(op->gpfn)) ? memory_remove(d, gfn(op->gpfn), &l) : -ENOENT;
	spin_unlock(&d->p2m.lock);
	leftovers_done(d, &l);
	domain_put(d);
	return rc;
}

/* --- lists ----------------------------------------------------------------- */

/* Item i of a guest's array of 64-bit numbers. */
static int list_get(u64 base, u64 i, u64 *out)
{
	return copy_from_guest(out, base + i * sizeof(*out), sizeof(*out));
}

/* `done` items are behind us: the command word says so when the call is made again. */
static s64 memory_again(struct hypercall *c, u64 done)
{
	c->a[0] = (c->a[0] & (BIT(EXTENT_SHIFT) - 1)) | done << EXTENT_SHIFT;
	return hypercall_again(c);
}

static int batch_one(struct domain *d, struct domain *from,
                     const struct xen_add_to_physmap_batch *op, u64 i)
{
	u64 idx, g;

	if (list_get((u64)op->idxs.p, i, &idx) || list_get((u64)op->gpfns.p, i, &g))
		return -EFAULT;
	return from ? memory_add_foreign(d, from, idx, gfn(g))
	            : memory_add(d, op->space, idx, gfn(g));
}

/* The domain whose frames are mapped. Only the control domain maps foreign ones. */
static int batch_source(struct hypercall *c, const struct xen_add_to_physmap_batch *op,
                        struct domain **from)
{
	*from = NULL;
	if (op->space != XENMAPSPACE_gmfn_foreign)
		return 0;
	*from = domain_get(op->u.foreign_domid);
	if (!*from)
		return -ESRCH;
	if (!c->d->control)
		return -EPERM;
	return READ_ONCE((*from)->dying) ? -EINVAL : 0;
}

s64 do_memory_add_to_physmap_batch(struct hypercall *c, void *arg)
{
	const struct xen_add_to_physmap_batch *op = arg;
	u64 i = c->a[0] >> EXTENT_SHIFT;
	struct domain *d, *from;
	s64 rc = hypercall_target(c, op->domid, &d);
	int err;

	if (rc)
		return rc;
	rc = batch_source(c, op, &from);
	for (u32 n = 0; !rc && i < op->size; i++) {
		if (n++ == HYPERCALL_BATCH) {
			rc = memory_again(c, i);
			break;
		}
		err = batch_one(d, from, op, i);
		if (err == -EFAULT ||
		    copy_to_guest((u64)op->errs.p + i * sizeof(err), &err, sizeof(err)))
			rc = -EFAULT;
	}
	if (from)
		domain_put(from);
	domain_put(d);
	return rc;
}

/* Do fn for each of the 2^order frames from g. */
static int for_each_frame(struct domain *d, gfn_t g, u32 order, struct leftovers *l,
                          int (*fn)(struct domain *d, gfn_t g, struct leftovers *l))
{
	int rc = 0;

	for (u64 i = 0; !rc && i < BIT(order); i++) {
		if (l->count == ARRAY_SIZE(l->frame))
			leftovers_done(d, l);
		spin_lock(&d->p2m.lock);
		rc = fn(d, gfn(gfn_x(g) + i), l);
		spin_unlock(&d->p2m.lock);
	}
	return rc;
}

static int decrease_extent(struct domain *d, gfn_t g, u32 order, struct leftovers *l)
{
	return for_each_frame(d, g, order, l, memory_remove);
}

/* Fresh frames; a large extent only where there is nothing yet. */
static int populate_fresh(struct domain *d, gfn_t g, u32 order, struct leftovers *l)
{
	enum p2m_type type;
	mfn_t m = page_alloc_domain(d, order);
	int rc = 0;

	if (!mfn_valid_box(m))
		return -ENOMEM;
	if (l->count == ARRAY_SIZE(l->frame))
		leftovers_done(d, l);
	spin_lock(&d->p2m.lock);
	for (u64 i = 0; order && !rc && i < BIT(order); i++) {
		p2m_lookup(d, gfn(gfn_x(g) + i), &type);
		rc = type == P2M_NONE ? 0 : -EEXIST;
	}
	if (!rc)
		rc = order ? p2m_set(d, g, m, order, P2M_RAM) : memory_replace(d, g, m, P2M_RAM, l);
	spin_unlock(&d->p2m.lock);
	for (u64 i = 0; rc && i < BIT(order); i++)
		page_put(mfn(mfn_x(m) + i));
	return rc;
}

/* The control domain gets the same frames as before, or none. */
static int populate_extent(struct domain *d, gfn_t g, u32 order, struct leftovers *l)
{
	return d->control ? for_each_frame(d, g, order, l, memory_unpark)
	                  : populate_fresh(d, g, order, l);
}

/*
 * Do fn for each extent of the list. As in Xen the result is how many were done, errors only end
 * it; so a list that cannot be used at all gives the number with which the guest came in.
 */
static s64 for_each_extent(struct hypercall *c, const struct xen_memory_reservation *op,
                           int (*fn)(struct domain *d, gfn_t g, u32 order, struct leftovers *l))
{
	u64 start = c->a[0] >> EXTENT_SHIFT, i = start, frames = 0, g;
	struct leftovers l = { 0 };
	struct domain *d;
	s64 rc = hypercall_target(c, op->domid, &d);

	if (rc)
		return rc;
	rc = (s64)start;
	if (op->nr_extents > ~0U >> EXTENT_SHIFT || op->extent_order > EXTENT_ORDER_MAX)
		goto out;
	for (; i < op->nr_extents; i++, frames += BIT(op->extent_order)) {
		if (frames >= HYPERCALL_BATCH) {
			memory_again(c, i);
			break;
		}
		if (list_get((u64)op->extent_start.p, i, &g) || g & (BIT(op->extent_order) - 1) ||
		    !gfn_possible(gfn(g)) || fn(d, gfn(g), op->extent_order, &l))
			break;
	}
	rc = (s64)i;
	c->leave = frames >= HYPERCALL_BATCH; /* a multicall has done enough, too */
	leftovers_done(d, &l);
out:
	domain_put(d);
	return rc;
}

s64 do_memory_decrease_reservation(struct hypercall *c, void *arg)
{
	return for_each_extent(c, arg, decrease_extent);
}

s64 do_memory_populate_physmap(struct hypercall *c, void *arg)
{
	return for_each_extent(c, arg, populate_extent);
}

/* --- resources ------------------------------------------------------------- */

/* Map n frames of the table of `from` at these places of d, or none. */
static int acquire_table(struct domain *d, struct domain *from, u32 first, const u64 *gfns, u32 n)
{
	struct leftovers l = { 0 };
	int rc = 0;
	mfn_t m;
	u32 i;

	for (i = 0; !rc && i < n; i++) {
		m = grant_frame(from, first + i);
		rc = page_get(m, NULL) ? memory_add_counted(d, m, gfn(gfns[i])) : -ENOMEM;
	}
	if (!rc)
		return 0;
	while (--i)
		for_each_frame(d, gfn(gfns[i - 1]), 0, &l, memory_remove);
	leftovers_done(d, &l);
	return rc;
}

/* The frames are not many: no need to come back for the rest. */
static int acquire(struct hypercall *c, struct domain *from, struct xen_mem_acquire_resource *op)
{
	u32 max_frames = from->grant.max_frames, n = op->nr_frames;
	u64 gfns[GRANT_FRAMES_MAX];

	if (from == c->d)
		return -EPERM;
	if (op->type != XENMEM_resource_grant_table)
		return -EOPNOTSUPP;
	if (op->id != XENMEM_resource_grant_table_id_shared || !n != !op->frame_list.p)
		return -EINVAL;
	if (!n) {
		op->nr_frames = max_frames;
		return 0;
	}
	if (op->frame >= max_frames || n > max_frames - op->frame)
		return -EINVAL;
	if (copy_from_guest(gfns, (u64)op->frame_list.p, n * sizeof(gfns[0])))
		return -EFAULT;
	return acquire_table(c->d, from, (u32)op->frame, gfns, n);
}

s64 do_memory_acquire_resource(struct hypercall *c, void *arg)
{
	struct xen_mem_acquire_resource *op = arg;
	struct domain *from;
	int rc;

	if (op->pad)
		return -EINVAL;
	rc = hypercall_target(c, op->domid, &from);
	if (rc)
		return rc;
	rc = READ_ONCE(from->dying) ? -EINVAL : acquire(c, from, op);
	domain_put(from);
	return rc;
}

/* --- questions ------------------------------------------------------------- */

s64 do_memory_maximum_ram_page(struct hypercall *c, void *arg)
{
	return (s64)page_max - 1;
}

/* The 64-bit field at this offset of a domain. */
static s64 domain_number(struct hypercall *c, const domid_t *id, size_t offset)
{
	struct domain *d;
	s64 rc = hypercall_target(c, *id, &d);

	if (rc)
		return rc;
	rc = (s64)READ_ONCE(*(const u64 *)((const char *)d + offset));
	domain_put(d);
	return rc;
}

s64 do_memory_current_reservation(struct hypercall *c, void *arg)
{
	return domain_number(c, arg, offsetof(struct domain, tot_pages));
}

s64 do_memory_maximum_reservation(struct hypercall *c, void *arg)
{
	return domain_number(c, arg, offsetof(struct domain, max_pages));
}

s64 do_memory_maximum_gpfn(struct hypercall *c, void *arg)
{
	return domain_number(c, arg, offsetof(struct domain, p2m.max_gfn));
}

/* As many entries of the domain's own map as its buffer takes. */
s64 do_memory_memory_map(struct hypercall *c, void *arg)
{
	struct xen_memory_map *op = arg;

	if (!c->d->e820_count)
		return -ENOSYS;
	op->nr_entries = min(op->nr_entries, c->d->e820_count);
	return copy_to_guest((u64)op->buffer.p, c->d->e820,
	                     op->nr_entries * sizeof(struct e820_entry));
}

/* What the guest will read; only before it runs, so that nobody reads it now. */
s64 do_memory_set_memory_map(struct hypercall *c, void *arg)
{
	const struct xen_foreign_memory_map *op = arg;
	u32 count = op->map.nr_entries;
	struct e820_entry *map;
	struct domain *d;
	s64 rc;

	if (!count || count > E820_MAX)
		return -EINVAL;
	rc = hypercall_target(c, op->domid, &d);
	if (rc)
		return rc;
	map = heap_alloc(count * sizeof(*map));
	rc = map ? copy_from_guest(map, (u64)op->map.buffer.p, count * sizeof(*map)) : -ENOMEM;
	if (!rc) {
		spin_lock(&d->lock);
		if (d->started) {
			rc = -EBUSY;
		} else {
			struct e820_entry *old = d->e820;

			d->e820 = map;
			d->e820_count = count;
			map = old;
		}
		spin_unlock(&d->lock);
	}
	heap_free(map);
	domain_put(d);
	return rc;
}

/* Memory is there or it is not: nothing is populated on demand. */
s64 do_memory_set_pod_target(struct hypercall *c, void *arg)
{
	struct xen_pod_target *op = arg;
	struct domain *d;
	s64 rc = hypercall_target(c, op->domid, &d);

	if (rc)
		return rc;
	op->tot_pages = READ_ONCE(d->tot_pages);
	op->pod_cache_pages = op->pod_entries = 0;
	domain_put(d);
	return 0;
}

s64 do_memory_claim_pages(struct hypercall *c, void *arg)
{
	const struct xen_memory_reservation *op = arg;
	struct domain *d;
	s64 rc;

	if (op->extent_start.p || op->extent_order)
		return -EINVAL;
	rc = hypercall_target(c, op->domid, &d);
	if (rc)
		return rc;
	rc = page_claim(d, op->nr_extents);
	domain_put(d);
	return rc;
}

/* Tools tell "no nodes" from "not known" by this number. */
s64 do_memory_get_vnumainfo(struct hypercall *c, void *arg)
{
	return -EOPNOTSUPP;
}
