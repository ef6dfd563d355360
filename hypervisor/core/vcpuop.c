/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * vcpu_op: the areas that a vCPU shares with its guest, its one-shot timer, its state.
 *
 * Locking: where vcpu_info is belongs to the domain's lock.
 */
#include <domain.h>
#include <handlers.h>
#include <page.h>
#include <string.h>

#define NOWHERE (gpa(~0ULL))

/* The vCPU that an operation is about; the dispatcher has seen that it exists. */
static struct vcpu *target(const struct hypercall *c)
{
	return domain_vcpu(c->d, (u32)c->a[1]);
}

/* --- timers ---------------------------------------------------------------- */

s64 do_vcpu_set_singleshot_timer(struct hypercall *c, void *arg)
{
	const struct vcpu_set_singleshot_timer *op = arg;
	u64 deadline;

	if (target(c) != c->v)
		return -EINVAL;
	/* From the domain's clock to the hypervisor's; what does not fit never comes. */
	if (__builtin_add_overflow(op->timeout_abs_ns, c->d->time_start, &deadline))
		deadline = ~0ULL;
	if ((op->flags & VCPU_SSHOTTMR_future) && deadline < time_now())
		return -ETIME;
	return timer_set_here(&c->v->timer, deadline);
}

s64 do_vcpu_stop_singleshot_timer(struct hypercall *c, void *arg)
{
	if (target(c) != c->v)
		return -EINVAL;
	timer_stop(&c->v->timer);
	return 0;
}

/* --- state ----------------------------------------------------------------- */

static bool is_up(const struct vcpu *v)
{
	return !READ_ONCE(v->wait_sipi);
}

s64 do_vcpu_is_up(struct hypercall *c, void *arg)
{
	return is_up(target(c));
}

/* One that is down has no state to go on with: INIT and SIPI give it one and start it. */
s64 do_vcpu_up(struct hypercall *c, void *arg)
{
	return is_up(target(c)) ? 0 : -EINVAL;
}

void vcpu_runstate_get(struct vcpu *v, struct vcpu_runstate_info *r)
{
	u64 now;

	*r = vcpu_runstate(v);
	/* The time in the present state is summed up when it ends. */
	now = time_now();
	if ((u32)r->state < ARRAY_SIZE(r->time) && now > r->state_entry_time)
		r->time[r->state] += now - r->state_entry_time;
}

s64 do_vcpu_get_runstate_info(struct hypercall *c, void *arg)
{
	vcpu_runstate_get(target(c), arg);
	return 0;
}

/* --- areas ----------------------------------------------------------------- */

/*
 * Areas are named by virtual addresses that need not be mapped when they are written (page-table
 * isolation), so their guest-physical address is looked up now. 0: no area. part[1] is NOWHERE
 * unless the area goes on in another page. They are checked at each use, and hold no reference.
 */
static int area_find(struct hypercall *c, u64 va, size_t size, gpa_t part[2])
{
	u64 left;

	part[0] = part[1] = NOWHERE;
	if (!va)
		return 0;
	if (va + size < va || guest_translate(c->v, va, true, &part[0], &left))
		return -EFAULT;
	if (left >= size)
		return 0;
	return guest_translate(c->v, va + left, true, &part[1], &left) ? -EFAULT : 0;
}

s64 do_vcpu_register_runstate(struct hypercall *c, void *arg)
{
	const struct vcpu_register_runstate_memory_area *op = arg;
	struct vcpu *v = target(c);
	gpa_t part[2];
	int rc;

	rc = area_find(c, op->addr.p, sizeof(struct vcpu_runstate_info), part);
	if (rc)
		return rc;
	v->runstate_gpa[0] = part[0];
	v->runstate_gpa[1] = part[1];
	if (v == c->v)
		vcpu_runstate_update(v);
	return 0;
}

s64 do_vcpu_register_time(struct hypercall *c, void *arg)
{
	const struct vcpu_register_time_memory_area *op = arg;
	struct vcpu *v = target(c);
	gpa_t part[2];
	int rc;

	rc = area_find(c, op->addr.p, sizeof(struct vcpu_time_info), part);
	if (rc)
		return rc;
	if (gpa_x(part[1]) != ~0ULL)
		return -EINVAL;
	v->time_gpa = part[0];
	if (v == c->v)
		vcpu_time_update(v);
	return 0;
}

/* A frame of the caller's own RAM, with a reference. */
static int own_frame(struct domain *d, gfn_t g, mfn_t *m)
{
	if (p2m_get_page(d, g, true, m))
		return -EINVAL;
	if (mfn_to_page(*m)->state == PAGE_DOMAIN && mfn_to_page(*m)->owner == d->id)
		return 0;
	page_put(*m);
	return -EINVAL;
}

/* Copy vcpu_info to where it goes on, and make that its place. Domain's lock held. */
static void info_move(struct vcpu *v, mfn_t m, u32 offset)
{
	struct vcpu_info *from = vcpu_info_map(v);
	u8 *to = page_map(m);

	memcpy(to + offset, from, sizeof(*from));
	page_unmap(to);
	page_unmap(from);
	/* In one store: whoever sends an event at this moment finds the old place or the new one.
	 */
	store_release(&v->info_at, mfn_to_paddr(m) + offset);
	v->info_registered = true;
}

s64 do_vcpu_register_info(struct hypercall *c, void *arg)
{
	const struct vcpu_register_vcpu_info *op = arg;
	struct vcpu *v = target(c);
	bool done = false;
	mfn_t m;

	/* Inside of one page and aligned, or a later write could cross into the next (XSA-327). */
	if (op->offset > PAGE_SIZE - sizeof(struct vcpu_info) ||
	    op->offset & (_Alignof(struct vcpu_info) - 1))
		return -ENXIO;
	/* One that runs elsewhere could be writing into the old place at this moment. */
	if (v != c->v && is_up(v))
		return -EINVAL;
	if (own_frame(c->d, gfn(op->mfn), &m))
		return -EINVAL;
	spin_lock(&c->d->lock);
	if (!v->info_registered) {
		info_move(v, m, op->offset);
		done = true;
	}
	spin_unlock(&c->d->lock);
	if (!done) {
		page_put(m);
		return -EINVAL;
	}
	event_vcpu_info_moved(v);
	vcpu_time_update(v);
	return 0;
}
