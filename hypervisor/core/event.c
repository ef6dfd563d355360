/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Event channels, 2-level ABI: the ports of a domain and how an event reaches a vCPU.
 *
 * Locking: the table's lock serialises everything that changes what a port is. Two tables, and two
 * events, by address. An event's lock, taken inside, is all that a send needs. Whoever holds it may
 * use the peer's domain. vCPUs are notified after the last lock is dropped, because that touches
 * the local APIC.
 */
#include <domain.h>
#include <event.h>
#include <handlers.h>
#include <page.h>
#include <string.h>

static_assert(EVENT_MAX == EVTCHN_2L_NR_CHANNELS, "xen/event_channel.h");
static_assert(offsetof(struct shared_info, evtchn_pending) == 2048, "x86-64 layout");
static_assert(offsetof(struct shared_info, evtchn_mask) == 2560, "x86-64 layout");
static_assert(sizeof(struct vcpu_info) == 64, "x86-64 layout");

/* What a send has to do once its locks are dropped. */
struct notice {
	struct domain *domain; /* NULL: nothing */
	struct vcpu *vcpu;     /* to interrupt; NULL: only look at who polls */
	u32 port;
	bool referenced;
};

/* --- delivery -------------------------------------------------------------- */

static void upcall_kick(struct vcpu *v)
{
	u8 vector = READ_ONCE(v->upcall_vector);

	if (vector) {
		vlapic_set_irq(v, vector, false);
		return;
	}
	__atomic_store_n(&v->upcall_pending, 1, __ATOMIC_SEQ_CST);
	vcpu_kick(v);
}

/* Set the vCPU's selector bit and upcall flag; true if it has to be told. */
static __inline_always bool upcall_mark(struct vcpu *v, u32 port)
{
	struct vcpu_info *vi = vcpu_info_map(v);
	bool tell = !bit_test_and_set_atomic(&vi->evtchn_pending_sel, port / 64) &&
	            !__atomic_exchange_n(&vi->evtchn_upcall_pending, 1, __ATOMIC_SEQ_CST);

	page_unmap(vi);
	return tell;
}

/* What has to be done behind the lock, into *n: nothing if it was pending before. */
static __inline_always void event_set_pending(struct domain *d, const struct event *e, u32 port,
                                              struct notice *n)
{
	struct vcpu *v = d->vcpu[READ_ONCE(e->notify_vcpu)];

	*n = (struct notice){ .port = port };
	if (bit_test_and_set_atomic(d->shared->evtchn_pending, port))
		return;
	n->domain = d;
	if (v && !bit_test(d->shared->evtchn_mask, port) && upcall_mark(v, port))
		n->vcpu = v;
}

/* Who waits in SCHEDOP_poll sets its bit first and then looks at what was set before this. */
static __noinline void event_wake_pollers(struct domain *d, u32 port)
{
	u64 mask = __atomic_load_n(&d->poll_mask, __ATOMIC_SEQ_CST);

	for (; mask; mask &= mask - 1) {
		u32 id = (u32)ffs64(mask);
		struct vcpu *v = d->vcpu[id];

		if (READ_ONCE(v->poll_ports) == 1 && READ_ONCE(v->poll_port[0]) != port)
			continue;
		if (bit_test_and_clear_atomic(&d->poll_mask, id))
			vcpu_wake(v);
	}
}

static __inline_always void event_notify(const struct notice *n)
{
	if (n->domain) {
		if (n->vcpu)
			upcall_kick(n->vcpu);
		if (unlikely(READ_ONCE(n->domain->poll_mask)))
			event_wake_pollers(n->domain, n->port);
	}
	if (n->referenced)
		domain_put(n->domain);
}

void event_upcall_changed(struct vcpu *v)
{
	struct vcpu_info *vi = vcpu_info_map(v);
	bool pending = READ_ONCE(vi->evtchn_upcall_pending);

	page_unmap(vi);
	if (pending)
		upcall_kick(v);
}

void event_vcpu_info_moved(struct vcpu *v)
{
	struct vcpu_info *vi = vcpu_info_map(v);

	__atomic_store_n(&vi->evtchn_pending_sel, ~0UL, __ATOMIC_SEQ_CST);
	__atomic_store_n(&vi->evtchn_upcall_pending, 1, __ATOMIC_SEQ_CST);
	page_unmap(vi);
	upcall_kick(v);
}

bool event_poll_ready(struct vcpu *v)
{
	const u64 *pending = v->domain->shared->evtchn_pending;

	for (u32 i = 0; i < v->poll_ports; i++)
		if (bit_test(pending, v->poll_port[i]))
			return true;
	return false;
}

/* --- sending --------------------------------------------------------------- */

static int event_send(struct domain *d, u32 port)
{
	struct event *e = event_get(&d->event, port);
	struct notice n = { 0 };
	int rc = 0;

	if (!e)
		return -EINVAL;
	spin_lock(&e->lock);
	switch (e->state) {
	case EVENT_INTERDOMAIN:
		event_set_pending(e->remote, event_get(&e->remote->event, e->remote_port),
		                  e->remote_port, &n);
		if (n.domain && n.domain != d) {
			/* Outside of the lock nothing else keeps the peer alive. */
			__atomic_fetch_add(&n.domain->refs, 1, __ATOMIC_RELAXED);
			n.referenced = true;
		}
		break;
	case EVENT_IPI:
		event_set_pending(d, e, port, &n);
		break;
	case EVENT_UNBOUND:
		break; /* nobody hears it, and that is no error */
	default:
		rc = -EINVAL;
	}
	spin_unlock(&e->lock);
	event_notify(&n);
	return rc;
}

s64 do_event_send(struct hypercall *c, void *arg)
{
	const struct evtchn_send *send = arg;

	return event_send(c->d, send->port);
}

static void event_raise_virq(struct domain *d, u32 port, u32 virq)
{
	struct event *e = event_get(&d->event, port);
	struct notice n = { 0 };

	if (!port || !e)
		return;
	spin_lock(&e->lock);
	if (e->state == EVENT_VIRQ && e->virq == virq)
		event_set_pending(d, e, port, &n);
	spin_unlock(&e->lock);
	event_notify(&n);
}

void event_send_virq(struct vcpu *v, u32 virq)
{
	event_raise_virq(v->domain, READ_ONCE(v->virq_port[virq]), virq);
}

void event_send_global_virq(u32 virq)
{
	struct domain *d = READ_ONCE(control_domain);

	if (d && d->vcpu[0])
		event_send_virq(d->vcpu[0], virq);
}

/* --- ports ----------------------------------------------------------------- */

static int event_grow(struct event_table *t)
{
	struct event *bucket;

	if (t->valid >= t->max)
		return -ENOSPC;
	bucket = heap_alloc(EVENT_PER_BUCKET * sizeof(*bucket));
	if (!bucket)
		return -ENOMEM;
	t->bucket[t->valid / EVENT_PER_BUCKET] = bucket;
	/* Whoever sees the new count also sees the bucket (XSA-338, XSA-340). */
	store_release(&t->valid, min(t->valid + EVENT_PER_BUCKET, t->max));
	return 0;
}

/* The number of a free port, not taken yet, or -errno. Table's lock held. */
static int event_find_free(struct domain *d)
{
	struct event_table *t = &d->event;
	u32 port;
	int rc;

	if (d->dying)
		return -EINVAL;
	for (port = t->first_free; port < t->valid; port++) {
		t->first_free = port;
		if (event_get(t, port)->state == EVENT_FREE)
			return (int)port;
	}
	rc = event_grow(t);
	return rc ? rc : (int)port;
}

/* Back to FREE; table's and event's lock held. */
static void event_free(struct domain *d, struct event *e, u32 port)
{
	e->state = EVENT_FREE;
	e->virq = 0;
	e->notify_vcpu = 0;
	e->remote_domid = 0;
	e->remote_port = 0;
	e->remote = NULL;
	d->event.first_free = min(d->event.first_free, port);
	bit_test_and_clear_atomic(d->shared->evtchn_pending, port);
}

static void event_unbind_virq(struct domain *d, u32 port, u32 virq)
{
	/* A global one may notify another vCPU than the one that it was bound for. */
	for (u32 i = 0; i < d->max_vcpus; i++)
		if (d->vcpu[i] && d->vcpu[i]->virq_port[virq] == port)
			WRITE_ONCE(d->vcpu[i]->virq_port[virq], 0);
}

/*
 * Lock d's table, and the peer's too if the port has one in another domain. A peer that is busy all
 * the time must not keep us from it for ever, so the second is not just tried: a reference keeps
 * the peer while both are taken in order, and then the port is looked at again.
 */
static struct event *event_lock_port(struct domain *d, u32 port, struct domain **peer)
{
	struct event *e = event_get(&d->event, port);

	for (;;) {
		spin_lock(&d->event.lock);
		*peer = NULL;
		if (!e || e->state != EVENT_INTERDOMAIN || e->remote == d)
			return e;
		*peer = e->remote;
		__atomic_fetch_add(&(*peer)->refs, 1, __ATOMIC_RELAXED);
		spin_unlock(&d->event.lock);
		spin_lock_both(&d->event.lock, &(*peer)->event.lock);
		if (e->state != EVENT_INTERDOMAIN || e->remote == *peer)
			return e;
		spin_unlock_both(&d->event.lock, &(*peer)->event.lock);
		domain_put(*peer);
	}
}

static int event_close(struct domain *d, u32 port)
{
	struct domain *peer;
	struct event *e = event_lock_port(d, port, &peer), *other;
	int rc = -EINVAL;

	if (!e || !event_in_use(e))
		goto out;
	rc = 0;
	if (e->state == EVENT_INTERDOMAIN) {
		/* The other end waits to be bound again, by d: remote_domid says so already. */
		other = event_get(&e->remote->event, e->remote_port);
		spin_lock_both(&e->lock, &other->lock);
		other->state = EVENT_UNBOUND;
		other->remote = NULL;
		other->remote_port = 0;
		event_free(d, e, port);
		spin_unlock_both(&e->lock, &other->lock);
		goto out;
	}
	spin_lock(&e->lock);
	if (e->state == EVENT_VIRQ)
		event_unbind_virq(d, port, e->virq);
	event_free(d, e, port);
	spin_unlock(&e->lock);
out:
	if (peer)
		spin_unlock(&peer->event.lock);
	spin_unlock(&d->event.lock);
	if (peer)
		domain_put(peer);
	return rc;
}

s64 do_event_close(struct hypercall *c, void *arg)
{
	const struct evtchn_close *close = arg;

	return event_close(c->d, close->port);
}

s64 do_event_alloc_unbound(struct hypercall *c, void *arg)
{
	struct evtchn_alloc_unbound *op = arg;
	struct domain *d;
	struct event *e;
	int port, rc = hypercall_target(c, op->dom, &d);

	if (rc)
		return rc;
	spin_lock(&d->event.lock);
	port = event_find_free(d);
	if (port > 0) {
		e = event_get(&d->event, (u32)port);
		spin_lock(&e->lock);
		e->remote_domid = op->remote_dom == DOMID_SELF ? c->d->id : op->remote_dom;
		e->state = EVENT_UNBOUND;
		spin_unlock(&e->lock);
		op->port = (u32)port;
		port = 0;
	}
	spin_unlock(&d->event.lock);
	domain_put(d);
	return port;
}

/* Both tables' locks held. */
static int event_connect(struct domain *d, struct domain *remote, u32 remote_port, u32 *port,
                         struct notice *n)
{
	struct event *e, *other = event_get(&remote->event, remote_port);
	int local = event_find_free(d);

	if (local < 0)
		return local;
	if (!other || other->state != EVENT_UNBOUND || other->remote_domid != d->id)
		return -EINVAL;
	e = event_get(&d->event, (u32)local);
	spin_lock_both(&e->lock, &other->lock);
	e->remote = remote;
	e->remote_domid = remote->id;
	e->remote_port = remote_port;
	e->state = EVENT_INTERDOMAIN;
	other->remote = d;
	other->remote_port = (u32)local;
	other->state = EVENT_INTERDOMAIN;
	/* What was sent before there was anybody to hear it must not be lost. */
	event_set_pending(d, e, (u32)local, n);
	spin_unlock_both(&e->lock, &other->lock);
	*port = (u32)local;
	return 0;
}

s64 do_event_bind_interdomain(struct hypercall *c, void *arg)
{
	struct evtchn_bind_interdomain *op = arg;
	struct domain *remote = domain_get(op->remote_dom);
	struct notice n = { 0 };
	int rc;

	if (!remote)
		return -ESRCH;
	spin_lock_both(&c->d->event.lock, &remote->event.lock);
	rc = event_connect(c->d, remote, op->remote_port, &op->local_port, &n);
	spin_unlock_both(&c->d->event.lock, &remote->event.lock);
	event_notify(&n);
	domain_put(remote);
	return rc;
}

static bool virq_is_global(u32 virq)
{
	switch (virq) {
	case VIRQ_TIMER:
	case VIRQ_DEBUG:
	case VIRQ_XENOPROF:
	case VIRQ_XENPMU:
		return false;
	}
	return true;
}

/* A port of the caller's in `state` for vCPU id; table's lock held. Its number, or -errno. */
static int event_new_local(struct domain *d, u32 vcpu, enum event_state state, u8 virq)
{
	int port = event_find_free(d);
	struct event *e;

	if (port < 0)
		return port;
	e = event_get(&d->event, (u32)port);
	spin_lock(&e->lock);
	e->notify_vcpu = (u16)vcpu;
	e->virq = virq;
	e->state = state;
	spin_unlock(&e->lock);
	return port;
}

s64 do_event_bind_virq(struct hypercall *c, void *arg)
{
	struct evtchn_bind_virq *op = arg;
	struct vcpu *v;
	int port;

	if (op->virq >= NR_VIRQS || (virq_is_global(op->virq) && op->vcpu))
		return -EINVAL;
	v = domain_vcpu(c->d, op->vcpu);
	if (!v)
		return -ENOENT;
	spin_lock(&c->d->event.lock);
	if (v->virq_port[index_nospec(op->virq, NR_VIRQS)])
		port = -EEXIST;
	else
		port = event_new_local(c->d, v->id, EVENT_VIRQ, (u8)op->virq);
	if (port > 0)
		WRITE_ONCE(v->virq_port[op->virq], (u16)port);
	spin_unlock(&c->d->event.lock);
	if (port < 0)
		return port;
	op->port = (u32)port;
	return 0;
}

s64 do_event_bind_ipi(struct hypercall *c, void *arg)
{
	struct evtchn_bind_ipi *op = arg;
	int port;

	if (!domain_vcpu(c->d, op->vcpu))
		return -ENOENT;
	spin_lock(&c->d->event.lock);
	port = event_new_local(c->d, op->vcpu, EVENT_IPI, 0);
	spin_unlock(&c->d->event.lock);
	if (port < 0)
		return port;
	op->port = (u32)port;
	return 0;
}

s64 do_event_bind_vcpu(struct hypercall *c, void *arg)
{
	const struct evtchn_bind_vcpu *op = arg;
	struct event *e = event_get(&c->d->event, op->port);
	int rc = 0;

	if (!domain_vcpu(c->d, op->vcpu))
		return -ENOENT;
	if (!e)
		return -EINVAL;
	spin_lock(&c->d->event.lock);
	spin_lock(&e->lock);
	if (e->state == EVENT_UNBOUND || e->state == EVENT_INTERDOMAIN ||
	    (e->state == EVENT_VIRQ && virq_is_global(e->virq)))
		WRITE_ONCE(e->notify_vcpu, (u16)op->vcpu);
	else
		rc = -EINVAL;
	spin_unlock(&e->lock);
	spin_unlock(&c->d->event.lock);
	return rc;
}

static void event_fill_status(const struct domain *d, const struct event *e,
                              struct evtchn_status *op)
{
	op->vcpu = e->notify_vcpu;
	memset(&op->u, 0, sizeof(op->u));
	switch (e->state) {
	case EVENT_UNBOUND:
		op->status = EVTCHNSTAT_unbound;
		op->u.unbound.dom = e->remote_domid;
		break;
	case EVENT_INTERDOMAIN:
		op->status = EVTCHNSTAT_interdomain;
		op->u.interdomain.dom = e->remote_domid;
		op->u.interdomain.port = e->remote_port;
		break;
	case EVENT_VIRQ:
		op->status = EVTCHNSTAT_virq;
		op->u.virq = e->virq;
		break;
	case EVENT_IPI:
		op->status = EVTCHNSTAT_ipi;
		break;
	default:
		op->status = EVTCHNSTAT_closed;
	}
}

s64 do_event_status(struct hypercall *c, void *arg)
{
	struct evtchn_status *op = arg;
	struct domain *d;
	struct event *e;
	int rc = hypercall_target(c, op->dom, &d);

	if (rc)
		return rc;
	e = event_get(&d->event, op->port);
	if (e) {
		spin_lock(&d->event.lock);
		event_fill_status(d, e, op);
		spin_unlock(&d->event.lock);
	}
	domain_put(d);
	return e ? 0 : -EINVAL;
}

s64 do_event_unmask(struct hypercall *c, void *arg)
{
	const struct evtchn_unmask *op = arg;
	struct event *e = event_get(&c->d->event, op->port);
	struct vcpu *tell = NULL;

	if (!e)
		return -EINVAL;
	spin_lock(&e->lock);
	if (event_in_use(e) && bit_test_and_clear_atomic(c->d->shared->evtchn_mask, op->port) &&
	    bit_test(c->d->shared->evtchn_pending, op->port)) {
		struct vcpu *v = c->d->vcpu[e->notify_vcpu];

		if (v && upcall_mark(v, op->port))
			tell = v;
	}
	spin_unlock(&e->lock);
	if (tell)
		upcall_kick(tell);
	return 0;
}

/* Saved progress of a reset: nothing else may take it for its own. */
#define RESET_PROGRESS(d, port) ((u64)EVTCHNOP_reset << 56 | (u64)(d)->id << 32 | (port))

s64 do_event_reset(struct hypercall *c, void *arg)
{
	const struct evtchn_reset *op = arg;
	struct domain *d;
	u32 port = 1, end;
	int rc = hypercall_target(c, op->dom, &d);

	if (rc)
		return rc;
	if (d != c->d && !READ_ONCE(d->pause_count)) {
		domain_put(d);
		return -EINVAL;
	}
	if (c->progress >> 32 == RESET_PROGRESS(d, 0) >> 32)
		port = (u32)c->progress;
	end = load_acquire(&d->event.valid);
	for (u32 n = 0; port < end && n < 4 * HYPERCALL_BATCH; n++)
		event_close(d, port++);
	domain_put(d);
	if (port >= end)
		return 0;
	c->v->hypercall_progress = RESET_PROGRESS(d, port);
	return hypercall_again(c);
}

/* --- life ------------------------------------------------------- */

int event_init(struct domain *d)
{
	struct event_table *t = &d->event;
	int rc;

	if (!t->max || t->max > EVENT_MAX)
		t->max = EVENT_MAX;
	t->first_free = 1;
	rc = event_grow(t);
	if (!rc)
		t->bucket[0][0].state = EVENT_RESERVED; /* port 0 is nobody's */
	return rc;
}

bool event_close_next(struct domain *d, u32 *port)
{
	if (++*port >= d->event.valid)
		return false;
	event_close(d, *port);
	return true;
}

/* Nobody runs the domain any more; its peers may still send to it until their end is unbound. */
void event_destroy(struct domain *d)
{
	for (u32 port = 0; event_close_next(d, &port);)
		;
	store_release(&d->event.valid, 0);
	for (u32 i = 0; i < ARRAY_SIZE(d->event.bucket); i++) {
		heap_free(d->event.bucket[i]);
		d->event.bucket[i] = NULL;
	}
}
