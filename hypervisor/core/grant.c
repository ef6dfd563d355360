/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Grant tables, version 1: the frames that a domain writes its grants into, and what the hypervisor
 * remembers of those in use.
 *
 * Locking: the table's lock serialises growth and all that is done with the grants in it; `frames`
 * is published when the new frames are zero. Where a frame is mapped (gfn) belongs to the domain's
 * p2m lock.
 */
#include <domain.h>
#include <grant.h>
#include <handlers.h>
#include <page.h>
#include <printk.h>
#include <string.h>

#define GRANT_FRAMES_FIRST 1

static int grant_grow(struct grant_table *t, u32 frames)
{
	int rc = 0;

	if (frames > t->max_frames)
		return -EINVAL;
	spin_lock(&t->lock);
	while (t->frames < frames) {
		mfn_t m = page_alloc_shared();
		struct grant_active *active = heap_alloc(GRANTS_PER_FRAME * sizeof(*active));

		if (!mfn_valid_box(m) || !active) {
			page_put(m);
			heap_free(active);
			rc = -ENOMEM;
			break;
		}
		t->frame[t->frames] = m;
		t->active[t->frames] = active;
		t->gfn[t->frames] = gfn(~0ULL);
		store_release(&t->frames, t->frames + 1);
	}
	spin_unlock(&t->lock);
	return rc;
}

int grant_init(struct domain *d)
{
	if (!d->grant.max_frames || d->grant.max_frames > GRANT_FRAMES_MAX)
		d->grant.max_frames = GRANT_FRAMES_MAX;
	if (!d->grant.track_frames_max || d->grant.track_frames_max > MAPTRACK_FRAMES_MAX)
		d->grant.track_frames_max = MAPTRACK_FRAMES_MAX;
	return grant_grow(&d->grant, GRANT_FRAMES_FIRST);
}

void grant_destroy(struct domain *d)
{
	struct grant_table *t = &d->grant;

	for (u32 i = 0; i < t->frames; i++) {
		page_put(t->frame[i]);
		heap_free(t->active[i]);
	}
	for (u32 i = 0; i < t->track_frames; i++)
		heap_free(t->track[i]);
	heap_free(t->track);
	t->track = NULL;
	t->frames = t->track_frames = t->track_free = 0;
}

mfn_t grant_frame(struct domain *d, u32 idx)
{
	struct grant_table *t = &d->grant;

	if (idx >= t->max_frames || grant_grow(t, idx + 1))
		return INVALID_MFN;
	return t->frame[index_nospec(idx, GRANT_FRAMES_MAX)];
}

/* A domain that does not go away is held by those who still have its frames. */
void grant_dump(struct domain *d)
{
	struct domain *by;
	u64 frames;

	pr_info("d%u grant table: version 1, %u of %u frames\n", d->id, d->grant.frames,
	        d->grant.max_frames);
	for_each_domain(by)
	{
		frames = by == d ? 0 : p2m_count_foreign(by, d->id);
		if (frames)
			pr_info("d%u: %lu of its frames are mapped by d%u\n", d->id, frames,
			        by->id);
	}
}

/* --- grants in use --------------------------------------------------------- */

/*
 * Whoever grants may change its entry as often as it likes: so often it may get in our way, and no
 * more (XSA-295).
 */
#define CLAIM_TRIES 5

/*
 * Look at the entry and say in it, in one step, that it is in use. Sub-page grants are of version
 * 2: an entry that looks like one does not mean the whole page.
 */
static s16 entry_claim(grant_entry_v1_t *e, domid_t by, bool write, u16 bits)
{
	u32 *word = (u32 *)e, old = READ_ONCE(*word); /* flags, domid << 16 */

	for (u32 i = 0; i < CLAIM_TRIES; i++) {
		if ((old & (GTF_type_mask | GTF_sub_page)) != GTF_permit_access ||
		    old >> 16 != by || (write && old & GTF_readonly))
			break;
		if (__atomic_compare_exchange_n(word, &old, old | bits, false, __ATOMIC_ACQ_REL,
		                                __ATOMIC_RELAXED))
			return GNTST_okay;
	}
	return GNTST_general_error;
}

/* One instruction, whatever the guest does with the entry. */
static void entry_release(grant_entry_v1_t *e, u16 bits)
{
	__atomic_fetch_and(&e->flags, (u16)~bits, __ATOMIC_ACQ_REL);
}

static grant_entry_v1_t *entry_of(const struct grant_table *t, u32 ref)
{
	grant_entry_v1_t *table = mfn_to_virt(t->frame[ref / GRANTS_PER_FRAME]);

	return &table[ref % GRANTS_PER_FRAME];
}

struct grant_active *grant_active(const struct grant_table *t, u32 ref)
{
	return &t->active[ref / GRANTS_PER_FRAME][ref % GRANTS_PER_FRAME];
}

/* The granter's RAM behind its entry; read once, kept as long as the grant is in use. */
static bool entry_frame(struct domain *d, const grant_entry_v1_t *e, mfn_t *m)
{
	enum p2m_type type;

	*m = p2m_lookup(d, gfn(READ_ONCE(e->frame)), &type);
	return type == P2M_RAM && page_get(*m, d);
}

static s16 pin_locked(struct domain *d, u32 ref, domid_t by, bool write)
{
	struct grant_active *a = grant_active(&d->grant, ref);
	grant_entry_v1_t *e = entry_of(&d->grant, ref);
	bool first = !(a->readers | a->writers);
	u16 bits = first ? GTF_reading : 0, *pins = write ? &a->writers : &a->readers;

	if (d->dying)
		return GNTST_bad_domain;
	if (!first && (a->domid != by || *pins == 0xffff))
		return GNTST_general_error;
	if (write && !a->writers)
		bits |= GTF_writing;
	if (bits && entry_claim(e, by, write, bits))
		return GNTST_general_error;
	if (first && !entry_frame(d, e, &a->frame)) {
		entry_release(e, bits);
		return GNTST_bad_page;
	}
	a->domid = by;
	++*pins;
	return GNTST_okay;
}

s16 grant_pin(struct domain *d, u32 ref, domid_t by, bool write, mfn_t *out)
{
	struct grant_table *t = &d->grant;
	u64 count = load_acquire(&t->frames) * GRANTS_PER_FRAME;
	s16 status;

	if (ref >= count)
		return GNTST_bad_gntref;
	ref = (u32)index_nospec(ref, count);
	spin_lock(&t->lock);
	status = pin_locked(d, ref, by, write);
	if (status == GNTST_okay)
		*out = grant_active(t, ref)->frame;
	spin_unlock(&t->lock);
	return status;
}

void grant_unpin(struct domain *d, u32 ref, bool write)
{
	struct grant_active *a = grant_active(&d->grant, ref);
	mfn_t frame = INVALID_MFN;
	u16 bits = 0;

	spin_lock(&d->grant.lock);
	if (write && !--a->writers)
		bits = GTF_writing;
	if (!write)
		a->readers--;
	if (!(a->readers | a->writers)) {
		bits |= GTF_reading;
		frame = a->frame;
	}
	if (bits)
		entry_release(entry_of(&d->grant, ref), bits);
	spin_unlock(&d->grant.lock);
	page_put(frame);
}

/* --- hypercalls ------------------------------------------------------------ */

/* The domain of an operation that reports whom it could not find in its status, as Xen's does. */
static int grant_target(struct hypercall *c, domid_t id, struct domain **d, int16_t *status)
{
	int rc = hypercall_target(c, id, d);

	*status = rc == -ESRCH ? GNTST_bad_domain : rc ? GNTST_permission_denied : GNTST_okay;
	return rc;
}

s64 do_grant_query_size(struct hypercall *c, void *arg)
{
	struct gnttab_query_size *op = arg;
	struct domain *d;

	if ((u32)c->a[2] != 1)
		return -EINVAL;
	op->nr_frames = op->max_nr_frames = 0;
	if (grant_target(c, op->dom, &d, &op->status))
		return 0;
	op->nr_frames = load_acquire(&d->grant.frames);
	op->max_nr_frames = d->grant.max_frames;
	domain_put(d);
	return 0;
}

/* The list gets the frame numbers at which the domain has mapped its table, ~0 where it has not. */
s64 do_grant_setup_table(struct hypercall *c, void *arg)
{
	struct gnttab_setup_table *op = arg;
	struct domain *d;
	s64 rc = 0;

	if ((u32)c->a[2] != 1)
		return -EINVAL;
	if (grant_target(c, op->dom, &d, &op->status))
		return 0;
	if (grant_grow(&d->grant, op->nr_frames)) {
		op->status = GNTST_general_error;
	} else {
		gfn_t gfns[GRANT_FRAMES_MAX];

		spin_lock(&d->p2m.lock);
		memcpy(gfns, d->grant.gfn, sizeof(gfns));
		spin_unlock(&d->p2m.lock);
		rc = copy_to_guest((u64)op->frame_list.p, gfns, op->nr_frames * sizeof(gfns[0]));
	}
	domain_put(d);
	return rc;
}

s64 do_grant_set_version(struct hypercall *c, void *arg)
{
	struct gnttab_set_version *op = arg;

	if (op->version == 1)
		return 0;
	return op->version == 2 ? -ENOSYS : -EINVAL;
}

s64 do_grant_get_version(struct hypercall *c, void *arg)
{
	struct gnttab_get_version *op = arg;
	struct domain *d;
	int rc = hypercall_target(c, op->dom, &d);

	if (rc)
		return rc;
	op->version = 1;
	domain_put(d);
	return 0;
}
