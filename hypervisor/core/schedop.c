/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * sched_op: a vCPU waits, or its domain ends.
 *
 * Locking: which of a domain's watchdogs are in use is under its lock.
 */
#include <domain.h>
#include <handlers.h>
#include <page.h>

#define POLL_MAX ARRAY_SIZE(((struct vcpu *)0)->poll_port)

s64 do_sched_yield(struct hypercall *c, void *arg)
{
	c->leave = true;
	vcpu_yield(c->v);
	return 0;
}

static bool upcall_pending(struct vcpu *v)
{
	struct vcpu_info *vi = vcpu_info_map(v);
	bool pending = READ_ONCE(vi->evtchn_upcall_pending);

	page_unmap(vi);
	return pending;
}

/* Wait for an event. One that came just before is seen only after the vCPU counts as blocked. */
s64 do_sched_block(struct hypercall *c, void *arg)
{
	c->leave = true;
	vcpu_block(c->v);
	if (upcall_pending(c->v))
		vcpu_wake(c->v);
	return 0;
}

static int poll_ports_get(struct hypercall *c, const struct sched_poll *op)
{
	u32 valid = load_acquire(&c->d->event.valid);
	struct vcpu *v = c->v;

	if (op->nr_ports > POLL_MAX)
		return -EINVAL;
	if (copy_from_guest(v->poll_port, (u64)op->ports.p, op->nr_ports * sizeof(v->poll_port[0])))
		return -EFAULT;
	for (u32 i = 0; i < op->nr_ports; i++)
		if (v->poll_port[i] >= valid)
			return -EINVAL;
	return 0;
}

/*
 * Wait until one of the ports is pending, masked or not, or any upcall, or the timeout, which is
 * absolute and 0 for none. The order matters: senders set the pending bit and then look at
 * poll_mask and for somebody blocked; we do it the other way round.
 */
s64 do_sched_poll(struct hypercall *c, void *arg)
{
	const struct sched_poll *op = arg;
	struct vcpu *v = c->v;
	u64 deadline;
	int rc;

	bit_test_and_clear_atomic(&c->d->poll_mask, v->id);
	timer_stop(&v->poll_timer);
	v->poll_ports = 0;
	rc = poll_ports_get(c, op);
	if (rc)
		return rc;
	WRITE_ONCE(v->poll_ports, op->nr_ports);
	bit_test_and_set_atomic(&c->d->poll_mask, v->id);
	c->leave = true;
	vcpu_block(v);
	if (event_poll_ready(v) || upcall_pending(v)) {
		bit_test_and_clear_atomic(&c->d->poll_mask, v->id);
		vcpu_wake(v);
		return 0;
	}
	if (!op->timeout)
		return 0;
	if (__builtin_add_overflow(op->timeout, c->d->time_start, &deadline))
		deadline = ~0ULL;
	if (timer_set_here(&v->poll_timer, deadline))
		vcpu_wake(v); /* an early return is legal, one too late is not */
	return 0;
}

/* --- the end of a domain --------------------------------------------------- */

/* The control domain cannot be suspended or reset in place: nobody would be there to resume it. */
static int shutdown_check(const struct domain *d, u32 reason)
{
	if (reason > SHUTDOWN_MAX)
		return -EINVAL;
	if (d->control && (reason == SHUTDOWN_suspend || reason == SHUTDOWN_soft_reset))
		return -EOPNOTSUPP;
	return 0;
}

s64 do_sched_shutdown(struct hypercall *c, void *arg)
{
	const struct sched_shutdown *op = arg;
	int rc = shutdown_check(c->d, op->reason);

	if (rc)
		return rc;
	c->leave = true;
	domain_shutdown(c->d, op->reason);
	return 0;
}

s64 do_sched_remote_shutdown(struct hypercall *c, void *arg)
{
	const struct sched_remote_shutdown *op = arg;
	struct domain *d;
	int rc = hypercall_target(c, op->domain_id, &d);

	if (rc)
		return rc;
	rc = shutdown_check(d, op->reason);
	if (!rc) {
		c->leave = d == c->d;
		domain_shutdown(d, op->reason);
	}
	domain_put(d);
	return rc;
}

/* The reason that a later shutdown reports; the first one counts. */
s64 do_sched_shutdown_code(struct hypercall *c, void *arg)
{
	const struct sched_shutdown *op = arg;

	if (op->reason > SHUTDOWN_MAX)
		return -EINVAL;
	spin_lock(&c->d->lock);
	if (!c->d->shutdown && !c->d->shutdown_latch)
		c->d->shutdown_latch = (u8)(op->reason + 1);
	spin_unlock(&c->d->lock);
	return 0;
}

/* --- watchdogs ------------------------------------------------------------- */

static void watchdog_expired(struct timer *t)
{
	struct domain_watchdog *w = container_of(t, struct domain_watchdog, timer);
	struct domain *d = READ_ONCE(w->domain);

	if (d)
		domain_shutdown(d, SHUTDOWN_watchdog);
}

/* A free one, taken, or NULL. Domain's lock held. */
static struct domain_watchdog *watchdog_take(struct domain *d, u32 *id)
{
	for (u32 i = 0; i < ARRAY_SIZE(d->watchdog); i++) {
		struct domain_watchdog *w = &d->watchdog[i];

		if (w->domain)
			continue;
		if (!w->timer.fn) /* only once: it may still be on its way out of the heap */
			timer_init(&w->timer, this_cpu(), watchdog_expired);
		WRITE_ONCE(w->domain, d);
		*id = i + 1;
		return w;
	}
	return NULL;
}

/* The timer is set and stopped behind the lock, because that may touch the local APIC. */
s64 do_sched_watchdog(struct hypercall *c, void *arg)
{
	const struct sched_watchdog *op = arg;
	struct domain *d = c->d;
	struct domain_watchdog *w;
	u32 id = op->id;
	int rc;

	if (id > ARRAY_SIZE(d->watchdog))
		return -EINVAL;
	spin_lock(&d->lock);
	w = id ? &d->watchdog[index_nospec(id - 1, ARRAY_SIZE(d->watchdog))]
	       : watchdog_take(d, &id);
	rc = !w ? -ENOSPC : !w->domain ? -EINVAL : 0;
	if (!rc && op->id && !op->timeout)
		WRITE_ONCE(w->domain, NULL);
	spin_unlock(&d->lock);
	if (rc)
		return rc;
	if (op->id && !op->timeout) {
		timer_stop(&w->timer);
		return 0;
	}
	rc = timer_set_here(&w->timer, time_now() + op->timeout * 1000000000ULL);
	if (rc && !op->id)
		WRITE_ONCE(w->domain, NULL);
	if (rc)
		return rc;
	return op->id ? 0 : id;
}

void schedop_stop_watchdogs(struct domain *d)
{
	for (u32 i = 0; i < ARRAY_SIZE(d->watchdog); i++) {
		if (d->watchdog[i].timer.fn)
			timer_stop(&d->watchdog[i].timer);
		WRITE_ONCE(d->watchdog[i].domain, NULL);
	}
}
