/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Grants of other domains: mapping, unmapping and copying them.
 *
 * Locking: the mapper's table lock protects its handles, the granter's its grants; no two of them
 * are ever held together, nor one with a p2m lock. A handle that is BUSY belongs to whoever made it
 * so. A mapping ends in this order: the entry leaves the address space, no CPU uses it any more,
 * the grant is unpinned, the handle is free.
 */
#include <handlers.h>
#include <page.h>
#include <printk.h>
#include <string.h>

/* --- handles ----------------------------------------------------------------- */

static struct maptrack *track_at(const struct grant_table *t, u32 handle)
{
	u32 frame = handle / MAPTRACKS_PER_FRAME;

	if (frame >= t->track_frames)
		return NULL;
	return &t->track[index_nospec(frame, t->track_frames)][handle % MAPTRACKS_PER_FRAME];
}

/* A page more of free handles. */
static bool track_grow(struct grant_table *t)
{
	u32 first = t->track_frames * (u32)MAPTRACKS_PER_FRAME;
	struct maptrack *m;

	if (t->track_frames == t->track_frames_max)
		return false;
	if (!t->track)
		t->track = heap_alloc(MAPTRACK_FRAMES_MAX * sizeof(t->track[0]));
	m = t->track ? heap_alloc(PAGE_SIZE) : NULL;
	if (!m)
		return false;
	for (u32 i = 0; i < MAPTRACKS_PER_FRAME - 1; i++)
		m[i].gfn = first + i + 2;
	t->track[t->track_frames++] = m;
	t->track_free = first + 1;
	return true;
}

static bool handle_get(struct grant_table *t, u32 *handle)
{
	struct maptrack *m;
	bool ok;

	spin_lock(&t->lock);
	ok = t->track_free || track_grow(t);
	if (ok) {
		*handle = t->track_free - 1;
		m = track_at(t, *handle);
		t->track_free = (u32)m->gfn;
		m->state = MAPTRACK_BUSY;
	}
	spin_unlock(&t->lock);
	return ok;
}

/* A handle gets its state; one that becomes free is the next to be given out. */
static void handle_set(struct grant_table *t, u32 handle, struct maptrack m)
{
	spin_lock(&t->lock);
	if (m.state == MAPTRACK_FREE) {
		m.gfn = t->track_free;
		t->track_free = handle + 1;
	}
	*track_at(t, handle) = m;
	spin_unlock(&t->lock);
}

/* --- map --------------------------------------------------------------------- */

static s16 map_pinned(struct domain *d, struct gnttab_map_grant_ref *op, struct maptrack *m)
{
	mfn_t frame;
	s16 status = grant_pin(m->from, op->ref, d->id, m->write, &frame);

	if (status == GNTST_okay && memory_map_grant(d, gfn(m->gfn), frame, m->write)) {
		grant_unpin(m->from, op->ref, m->write);
		status = GNTST_general_error;
	}
	return status;
}

/* Only to addresses of the guest itself; no device reaches a frame by grant. */
static s16 map_check(const struct gnttab_map_grant_ref *op)
{
	if (!(op->flags & (GNTMAP_host_map | GNTMAP_device_map)))
		return GNTST_bad_gntref;
	if (op->flags & (GNTMAP_device_map | GNTMAP_application_map | GNTMAP_contains_pte))
		return GNTST_general_error;
	if (op->host_addr & ~PTE_ADDR)
		return GNTST_bad_virt_addr;
	return GNTST_okay;
}

static void map_one(struct domain *d, struct gnttab_map_grant_ref *op)
{
	struct maptrack m = { .gfn = op->host_addr >> PAGE_SHIFT,
		              .write = !(op->flags & GNTMAP_readonly),
		              .state = MAPTRACK_MAPPED };
	u32 handle;

	op->status = map_check(op);
	if (op->status)
		return;
	m.from = domain_get(op->dom);
	if (!m.from) {
		op->status = GNTST_bad_domain;
		return;
	}
	if (!handle_get(&d->grant, &handle)) {
		op->status = GNTST_no_device_space;
		goto put;
	}
	op->status = map_pinned(d, op, &m);
	if (op->status) {
		handle_set(&d->grant, handle, (struct maptrack){ 0 });
		goto put;
	}
	m.ref = op->ref & 0xffff;
	handle_set(&d->grant, handle, m);
	op->handle = handle;
	op->dev_bus_addr = 0;
	return;
put:
	domain_put(m.from);
}

/* --- unmap ------------------------------------------------------------------- */

/* Mappings that are on their way out: no longer in the address space. */
struct unmaps {
	u32 count;
	u32 handle[HYPERCALL_BATCH];
	struct maptrack m[HYPERCALL_BATCH];
};

/* Take a mapping, if it is one, and is at that address (NULL: wherever it is). */
static s16 unmap_begin(struct domain *d, struct unmaps *u, u32 handle, const u64 *at)
{
	struct maptrack *m, taken = { 0 };
	s16 status = GNTST_okay;

	spin_lock(&d->grant.lock);
	m = track_at(&d->grant, handle);
	if (!m || m->state != MAPTRACK_MAPPED) {
		status = GNTST_bad_handle;
	} else if (at && *at != (u64)m->gfn << PAGE_SHIFT) {
		status = GNTST_bad_virt_addr;
	} else {
		taken = *m;
		m->state = MAPTRACK_BUSY;
	}
	spin_unlock(&d->grant.lock);
	if (status)
		return status;
	if (memory_unmap_grant(d, gfn(taken.gfn))) {
		handle_set(&d->grant, handle, taken);
		return GNTST_general_error;
	}
	u->handle[u->count] = handle;
	u->m[u->count++] = taken;
	return GNTST_okay;
}

/* One flush for all of them. */
static void unmap_finish(struct domain *d, struct unmaps *u)
{
	if (u->count)
		domain_flush(d);
	for (u32 i = 0; i < u->count; i++) {
		grant_unpin(u->m[i].from, u->m[i].ref, u->m[i].write);
		domain_put(u->m[i].from);
		handle_set(&d->grant, u->handle[i], (struct maptrack){ 0 });
	}
	u->count = 0;
}

bool grant_release_mappings(struct domain *d)
{
	struct grant_table *t = &d->grant;
	u32 end = t->track_frames * (u32)MAPTRACKS_PER_FRAME;
	u32 stop = min(end, t->release_next + (u32)MAPTRACKS_PER_FRAME);
	struct unmaps u = { 0 };

	while (t->release_next < stop && u.count < HYPERCALL_BATCH)
		unmap_begin(d, &u, t->release_next++, NULL);
	unmap_finish(d, &u);
	return t->release_next < end;
}

/* --- copy -------------------------------------------------------------------- */

/* One side of a copy: a grant, or the caller's own frame. */
struct side {
	struct domain *from; /* NULL: the caller's own */
	u32 ref;
	bool write;
	mfn_t frame;
};

static s16 side_get(struct domain *d, const struct gnttab_copy_ptr *p, bool gref, struct side *s)
{
	s16 status;

	if (!gref && p->domid != DOMID_SELF)
		return GNTST_permission_denied;
	if (!gref)
		return p2m_get_page(d, gfn(p->u.gmfn), s->write, &s->frame) ? GNTST_bad_page
		                                                            : GNTST_okay;
	s->from = domain_get(p->domid);
	if (!s->from)
		return GNTST_bad_domain;
	s->ref = p->u.ref;
	status = grant_pin(s->from, s->ref, d->id, s->write, &s->frame);
	if (status)
		domain_put(s->from);
	return status;
}

static void side_put(struct side *s)
{
	if (!s->from) {
		page_put(s->frame);
		return;
	}
	grant_unpin(s->from, s->ref, s->write);
	domain_put(s->from);
}

static void copy_bytes(mfn_t to, u32 to_offset, mfn_t from, u32 from_offset, u32 n)
{
	u8 *a = page_map(to);
	const u8 *b = page_map(from);

	memmove(a + to_offset, b + from_offset, n);
	page_unmap(b);
	page_unmap(a);
}

static s16 copy_one(struct domain *d, const struct gnttab_copy *op)
{
	struct side from = { .write = false }, to = { .write = true };
	s16 status;

	if (op->source.offset + op->len > (int)PAGE_SIZE ||
	    op->dest.offset + op->len > (int)PAGE_SIZE)
		return GNTST_bad_copy_arg;
	status = side_get(d, &op->source, op->flags & GNTCOPY_source_gref, &from);
	if (status)
		return status;
	status = side_get(d, &op->dest, op->flags & GNTCOPY_dest_gref, &to);
	if (!status) {
		copy_bytes(to.frame, op->dest.offset, from.frame, op->source.offset, op->len);
		side_put(&to);
	}
	side_put(&from);
	return status;
}

/* --- lists ------------------------------------------------------------------- */

/* The next items of the list, with which the call is about to do something. */
static int list_read(struct hypercall *c, void *ops, size_t size, u32 *n)
{
	*n = min((u32)c->a[2], (u32)HYPERCALL_BATCH);
	if ((u32)c->a[2] >> 31)
		return -EINVAL;
	return copy_from_guest(ops, c->a[1], *n * size);
}

/* Results back, and on to the rest. */
static s64 list_write(struct hypercall *c, const void *ops, size_t size, u32 n)
{
	if (copy_to_guest(c->a[1], ops, n * size))
		return -EFAULT;
	c->a[1] += n * size;
	c->a[2] = (u32)c->a[2] - n;
	return c->a[2] ? hypercall_again(c) : 0;
}

s64 do_grant_map(struct hypercall *c, void *arg)
{
	struct gnttab_map_grant_ref ops[HYPERCALL_BATCH];
	struct unmaps undo;
	u32 n;
	s64 rc = list_read(c, ops, sizeof(ops[0]), &n);

	if (rc)
		return rc;
	for (u32 i = 0; i < n; i++)
		map_one(c->d, &ops[i]);
	rc = list_write(c, ops, sizeof(ops[0]), n);
	if (likely(!rc))
		return 0;
	undo.count = 0;
	/* Without its handle the guest could not undo a mapping. */
	for (u32 i = 0; i < n; i++)
		if (!ops[i].status)
			unmap_begin(c->d, &undo, ops[i].handle, &ops[i].host_addr);
	unmap_finish(c->d, &undo);
	return rc;
}

s64 do_grant_unmap(struct hypercall *c, void *arg)
{
	struct gnttab_unmap_grant_ref ops[HYPERCALL_BATCH];
	struct unmaps u;
	u32 n;
	s64 rc = list_read(c, ops, sizeof(ops[0]), &n);

	if (rc)
		return rc;
	u.count = 0;
	for (u32 i = 0; i < n; i++)
		ops[i].status = ops[i].dev_bus_addr
		                        ? GNTST_bad_dev_addr
		                        : unmap_begin(c->d, &u, ops[i].handle, &ops[i].host_addr);
	unmap_finish(c->d, &u);
	return list_write(c, ops, sizeof(ops[0]), n);
}

s64 do_grant_copy(struct hypercall *c, void *arg)
{
	struct gnttab_copy ops[HYPERCALL_BATCH];
	u32 n;
	s64 rc = list_read(c, ops, sizeof(ops[0]), &n);

	if (rc)
		return rc;
	for (u32 i = 0; i < n; i++)
		ops[i].status = copy_one(c->d, &ops[i]);
	return list_write(c, ops, sizeof(ops[0]), n);
}

/* --- self-check -------------------------------------------------------------- */

/* A mapping that nobody is taking away keeps its pin, so the granter's lock is not needed. */
static const char *track_fault(struct domain *d, const struct maptrack *m)
{
	const struct grant_active *a = grant_active(&m->from->grant, m->ref);
	enum p2m_type type;
	mfn_t frame = p2m_lookup(d, gfn(m->gfn), &type);

	if (!(m->write ? a->writers : a->readers) || a->domid != d->id)
		return "is not pinned";
	if (mfn_x(frame) != mfn_x(a->frame) || type != (m->write ? P2M_GRANT_RW : P2M_GRANT_RO))
		return "is not in the address space";
	if (!mfn_to_page(frame)->count || mfn_to_page(frame)->owner != m->from->id)
		return "holds no reference";
	return NULL;
}

u32 grant_check(struct domain *d)
{
	u32 faults = 0;

	spin_lock(&d->grant.lock);
	for (u32 h = 0; h < d->grant.track_frames * MAPTRACKS_PER_FRAME; h++) {
		const struct maptrack *m = track_at(&d->grant, h);
		const char *fault = m->state == MAPTRACK_MAPPED ? track_fault(d, m) : NULL;

		if (!fault)
			continue;
		pr_err("d%u: grant %u of d%u, handle %u: %s\n", d->id, (u32)m->ref, m->from->id, h,
		       fault);
		faults++;
	}
	spin_unlock(&d->grant.lock);
	return faults;
}
