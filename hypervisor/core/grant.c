/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Grant tables, version 1: the frames that a domain writes its grants into.
 *
 * Locking: the table's lock serialises growth; `frames` is published when the new frames are zero.
 * Where a frame is mapped (gfn) belongs to the domain's p2m lock.
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
		mfn_t m = page_alloc(0);

		if (!mfn_valid_box(m)) {
			rc = -ENOMEM;
			break;
		}
		mfn_to_page(m)->flags |= PAGE_SHARED;
		t->frame[t->frames] = m;
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
	return grant_grow(&d->grant, GRANT_FRAMES_FIRST);
}

void grant_destroy(struct domain *d)
{
	for (u32 i = 0; i < d->grant.frames; i++)
		page_free(d->grant.frame[i], 0);
	d->grant.frames = 0;
}

mfn_t grant_frame(struct domain *d, u32 idx)
{
	struct grant_table *t = &d->grant;

	if (idx >= t->max_frames || grant_grow(t, idx + 1))
		return INVALID_MFN;
	return t->frame[index_nospec(idx, GRANT_FRAMES_MAX)];
}

void grant_dump(struct domain *d)
{
	pr_info("d%u grant table: version 1, %u of %u frames\n", d->id, d->grant.frames,
	        d->grant.max_frames);
}

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
