/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Event channels against a model: random operations of three domains, and of their guests on the
 * bits that they share; results, port states, bits and notifications have to agree each time. Then
 * two threads at once, polling, and reset in pieces.
 *
 * files: hypervisor/core/event.c hypervisor/core/event_check.c
 */
#include "harness.h"
#include <handlers.h>
#include <page.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define DOMAINS 3
#define VCPUS   3
#define PORTS   300 /* of each: reached by allocation, so that buckets and limits are crossed */

struct domain *control_domain;
static struct domain *dom[DOMAINS];
static struct vcpu vcpu[DOMAINS][VCPUS];
static int heap_left = -1; /* allocations until there is no memory; -1: no limit */
static long heap_live;

void *heap_alloc(size_t bytes)
{
	if (!heap_left)
		return NULL;
	heap_left -= heap_left > 0;
	__atomic_fetch_add(&heap_live, 1, __ATOMIC_RELAXED);
	return calloc(1, bytes);
}

void heap_free(void *p)
{
	if (p)
		__atomic_fetch_sub(&heap_live, 1, __ATOMIC_RELAXED);
	free(p);
}

struct domain *domain_get(domid_t id)
{
	struct domain *d = id < DOMAINS ? dom[id] : NULL;

	if (d)
		__atomic_fetch_add(&d->refs, 1, __ATOMIC_RELAXED);
	return d;
}

void domain_put(struct domain *d)
{
	if (!__atomic_fetch_sub(&d->refs, 1, __ATOMIC_RELAXED))
		abort();
}

int hypercall_target(struct hypercall *c, domid_t id, struct domain **out)
{
	struct domain *d = domain_get(id == DOMID_SELF ? c->d->id : id);

	if (!d)
		return -ESRCH;
	if (d != c->d && !c->d->control) {
		domain_put(d);
		return -EPERM;
	}
	*out = d;
	return 0;
}

s64 hypercall_again(struct hypercall *c)
{
	c->restart = true;
	return 0;
}

struct vcpu_info *vcpu_info_map(struct vcpu *v)
{
	return &v->domain->shared->vcpu_info[v->id];
}

static u32 kicks[DOMAINS][VCPUS], irqs[DOMAINS][VCPUS], wakes[DOMAINS][VCPUS];

/* Told only when no lock is held any more: it may touch the local APIC. */
static void check_unlocked(void)
{
	for (u32 i = 0; i < DOMAINS; i++)
		if (dom[i] && spin_is_locked(&dom[i]->event.lock))
			CHECK(!"a table is locked while a vCPU is told");
}

static bool single_threaded = true;

void vcpu_kick(struct vcpu *v)
{
	if (single_threaded)
		check_unlocked();
	__atomic_fetch_add(&kicks[v->domain->id][v->id], 1, __ATOMIC_RELAXED);
}

void vcpu_wake(struct vcpu *v)
{
	__atomic_fetch_add(&wakes[v->domain->id][v->id], 1, __ATOMIC_RELAXED);
}

void vlapic_set_irq(struct vcpu *v, u8 vector, bool level)
{
	CHECK_EQ(vector, v->upcall_vector);
	CHECK(!level);
	__atomic_fetch_add(&irqs[v->domain->id][v->id], 1, __ATOMIC_RELAXED);
}

static void setup(u32 max)
{
	for (u32 i = 0; i < DOMAINS; i++) {
		struct domain *d = calloc(1, sizeof(*d));

		d->id = (domid_t)i;
		d->control = i == 0;
		d->refs = 1;
		d->max_vcpus = VCPUS;
		d->shared = calloc(1, PAGE_SIZE);
		d->event.max = max;
		for (u32 v = 0; v < VCPUS; v++) {
			memset(&vcpu[i][v], 0, sizeof(vcpu[i][v]));
			vcpu[i][v].id = v;
			vcpu[i][v].domain = d;
			d->vcpu[v] = &vcpu[i][v];
		}
		dom[i] = d;
		REQUIRE(!event_init(d));
	}
	control_domain = dom[0];
	/* One vCPU of each is told through its local APIC. */
	for (u32 i = 0; i < DOMAINS; i++)
		vcpu[i][2].upcall_vector = 0xf3;
	memset(kicks, 0, sizeof(kicks));
	memset(irqs, 0, sizeof(irqs));
	memset(wakes, 0, sizeof(wakes));
}

static void teardown(void)
{
	for (u32 i = 0; i < DOMAINS; i++)
		event_destroy(dom[i]);
	for (u32 i = 0; i < DOMAINS; i++) {
		CHECK_EQ(dom[i]->refs, 1);
		free(dom[i]->shared);
		free(dom[i]);
		dom[i] = NULL;
	}
	CHECK_EQ(heap_live, 0);
}

static s64 op(u32 d, hypercall_fn *fn, void *arg)
{
	struct hypercall c = { .v = &vcpu[d][0], .d = dom[d] };

	return fn(&c, arg);
}

/* --- the model ------------------------------------------------------------------------------- */

struct mport {
	u8 state; /* EVTCHNSTAT_* */
	u32 dom, port, virq, vcpu;
};
static struct mport m[DOMAINS][EVENT_MAX];
static u64 m_pending[DOMAINS][64], m_mask[DOMAINS][64];
static u64 m_sel[DOMAINS][VCPUS];
static bool m_upcall[DOMAINS][VCPUS];
static u32 m_told[DOMAINS][VCPUS];

static void m_mark(u32 d, u32 port)
{
	u32 v = m[d][port].vcpu;

	if (bit_test(&m_sel[d][v], port / 64))
		return;
	bit_set(&m_sel[d][v], port / 64);
	if (m_upcall[d][v])
		return;
	m_upcall[d][v] = true;
	m_told[d][v]++;
}

static void m_raise(u32 d, u32 port)
{
	if (bit_test(m_pending[d], port))
		return;
	bit_set(m_pending[d], port);
	if (!bit_test(m_mask[d], port))
		m_mark(d, port);
}

static void m_free(u32 d, u32 port)
{
	memset(&m[d][port], 0, sizeof(m[d][port]));
	bit_clear(m_pending[d], port);
}

static s64 m_close(u32 d, u32 port)
{
	if (port >= EVENT_MAX || !m[d][port].state)
		return -EINVAL;
	if (m[d][port].state == EVTCHNSTAT_interdomain) {
		struct mport *peer = &m[m[d][port].dom][m[d][port].port];

		peer->state = EVTCHNSTAT_unbound;
		peer->dom = d;
		peer->port = 0;
	}
	m_free(d, port);
	return 0;
}

/* --- one operation, really and in the model -----------------------------------------------------
 */

static u32 any_port(void)
{
	static const u32 odd[] = { 0, 127, 128, 4095, 4096, 0x80000000, ~0U };

	return unit_below(16) ? (u32)unit_below(PORTS) : odd[unit_below(ARRAY_SIZE(odd))];
}

/* The port that an operation has made: free before, and not 0. */
static bool new_port(u32 d, u32 port)
{
	return CHECK(port && port < EVENT_MAX && !m[d][port].state);
}

static void try_alloc(u32 d)
{
	struct evtchn_alloc_unbound a = {
		.dom = unit_below(4) ? DOMID_SELF : (domid_t)unit_below(5),
		.remote_dom = unit_below(4) ? (domid_t)unit_below(DOMAINS) : DOMID_SELF,
	};
	u32 target = a.dom == DOMID_SELF ? d : a.dom;
	s64 rc, want = target >= DOMAINS ? -ESRCH : target != d && d ? -EPERM : 0;

	if (!want && unit_below(3) && target < DOMAINS) { /* keep the tables from filling up */
		u32 used = 0;

		for (u32 p = 1; p < PORTS; p++)
			used += m[target][p].state != 0;
		if (used > PORTS - 20)
			return;
	}
	rc = op(d, do_event_alloc_unbound, &a);
	CHECK_EQ(rc, want);
	if (rc || !new_port(target, a.port))
		return;
	m[target][a.port].state = EVTCHNSTAT_unbound;
	m[target][a.port].dom = a.remote_dom == DOMID_SELF ? d : a.remote_dom;
}

static void try_bind_interdomain(u32 d)
{
	struct evtchn_bind_interdomain b = {
		.remote_dom = (domid_t)unit_below(4),
		.remote_port = any_port(),
	};
	u32 r = b.remote_dom;
	struct mport *peer = r < DOMAINS && b.remote_port < EVENT_MAX ? &m[r][b.remote_port] : NULL;
	s64 want = r >= DOMAINS ? -ESRCH : 0;
	s64 rc = op(d, do_event_bind_interdomain, &b);

	if (!want && (!peer || peer->state != EVTCHNSTAT_unbound || peer->dom != d))
		want = -EINVAL;
	CHECK_EQ(rc, want);
	if (rc || !new_port(d, b.local_port))
		return;
	m[d][b.local_port] =
		(struct mport){ .state = EVTCHNSTAT_interdomain, .dom = r, .port = b.remote_port };
	peer->state = EVTCHNSTAT_interdomain;
	peer->port = b.local_port;
	m_raise(d, b.local_port);
}

static bool per_vcpu(u32 virq)
{
	return virq == VIRQ_TIMER || virq == VIRQ_DEBUG || virq == VIRQ_XENOPROF ||
	       virq == VIRQ_XENPMU;
}

static s64 m_bind_virq_result(u32 d, u32 virq, u32 v)
{
	if (virq >= NR_VIRQS || (!per_vcpu(virq) && v))
		return -EINVAL;
	if (v >= VCPUS)
		return -ENOENT;
	for (u32 p = 1; p < EVENT_MAX; p++)
		if (m[d][p].state == EVTCHNSTAT_virq && m[d][p].virq == virq &&
		    (!per_vcpu(virq) || m[d][p].vcpu == v))
			return -EEXIST;
	return 0;
}

static void try_bind_virq(u32 d)
{
	struct evtchn_bind_virq b = { .virq = (u32)unit_below(NR_VIRQS + 2),
		                      .vcpu = (u32)unit_below(VCPUS + 1) };
	s64 rc = op(d, do_event_bind_virq, &b);

	CHECK_EQ(rc, m_bind_virq_result(d, b.virq, b.vcpu));
	if (!rc && new_port(d, b.port))
		m[d][b.port] =
			(struct mport){ .state = EVTCHNSTAT_virq, .virq = b.virq, .vcpu = b.vcpu };
}

static void try_bind_ipi(u32 d)
{
	struct evtchn_bind_ipi b = { .vcpu = (u32)unit_below(VCPUS + 1) };
	s64 rc = op(d, do_event_bind_ipi, &b);

	CHECK_EQ(rc, b.vcpu < VCPUS ? 0 : -ENOENT);
	if (!rc && new_port(d, b.port))
		m[d][b.port] = (struct mport){ .state = EVTCHNSTAT_ipi, .vcpu = b.vcpu };
}

static void try_close(u32 d)
{
	struct evtchn_close a = { any_port() };

	CHECK_EQ(op(d, do_event_close, &a), m_close(d, a.port));
}

static void try_send(u32 d)
{
	struct evtchn_send a = { any_port() };
	const struct mport *p = a.port < EVENT_MAX ? &m[d][a.port] : NULL;
	s64 want = -EINVAL;

	if (p && p->state == EVTCHNSTAT_unbound)
		want = 0;
	if (p && p->state == EVTCHNSTAT_ipi) {
		m_raise(d, a.port);
		want = 0;
	}
	if (p && p->state == EVTCHNSTAT_interdomain) {
		m_raise(p->dom, p->port);
		want = 0;
	}
	CHECK_EQ(op(d, do_event_send, &a), want);
}

static void try_bind_vcpu(u32 d)
{
	struct evtchn_bind_vcpu b = { .port = any_port(), .vcpu = (u32)unit_below(VCPUS + 1) };
	struct mport *p = b.port < EVENT_MAX ? &m[d][b.port] : NULL;
	s64 want = b.vcpu >= VCPUS ? -ENOENT : -EINVAL;

	if (want == -EINVAL && p &&
	    (p->state == EVTCHNSTAT_unbound || p->state == EVTCHNSTAT_interdomain ||
	     (p->state == EVTCHNSTAT_virq && !per_vcpu(p->virq)))) {
		p->vcpu = b.vcpu;
		want = 0;
	}
	CHECK_EQ(op(d, do_event_bind_vcpu, &b), want);
}

static void try_unmask(u32 d)
{
	struct evtchn_unmask a = { any_port() };
	s64 rc = op(d, do_event_unmask, &a);

	if (a.port >= EVENT_MAX) {
		CHECK_EQ(rc, -EINVAL);
		return;
	}
	/* A number beyond what was ever allocated is no port, either. */
	if (rc) {
		CHECK_EQ(rc, -EINVAL);
		CHECK_EQ(m[d][a.port].state, 0);
		return;
	}
	if (!m[d][a.port].state || !bit_test(m_mask[d], a.port))
		return;
	bit_clear(m_mask[d], a.port);
	if (bit_test(m_pending[d], a.port))
		m_mark(d, a.port);
}

static void try_virq(u32 d)
{
	u32 virq = (u32)unit_below(NR_VIRQS), v = (u32)unit_below(VCPUS);

	if (!per_vcpu(virq)) {
		d = 0; /* global ones go to the control domain's vCPU 0 */
		v = 0;
	}
	for (u32 p = 1; p < EVENT_MAX; p++)
		if (m[d][p].state == EVTCHNSTAT_virq && m[d][p].virq == virq &&
		    (!per_vcpu(virq) || m[d][p].vcpu == v))
			m_raise(d, p);
	if (per_vcpu(virq))
		event_send_virq(&vcpu[d][v], virq);
	else
		event_send_global_virq(virq);
}

/* What a guest does by itself, without a call. */
static void guest_acts(u32 d)
{
	struct shared_info *s = dom[d]->shared;
	u32 port = (u32)unit_below(PORTS), v = (u32)unit_below(VCPUS);

	switch (unit_below(5)) {
	case 0:
		bit_set(s->evtchn_mask, port);
		bit_set(m_mask[d], port);
		break;
	case 1:
		bit_clear(s->evtchn_mask, port);
		bit_clear(m_mask[d], port);
		break;
	case 2:
		bit_clear(s->evtchn_pending, port);
		bit_clear(m_pending[d], port);
		break;
	case 3: /* the upcall, interrupted behind its first step */
		s->vcpu_info[v].evtchn_upcall_pending = 0;
		m_upcall[d][v] = false;
		break;
	default: /* the upcall */
		s->vcpu_info[v].evtchn_upcall_pending = 0;
		s->vcpu_info[v].evtchn_pending_sel = 0;
		m_upcall[d][v] = false;
		m_sel[d][v] = 0;
	}
}

static void compare_port(u32 d, u32 port)
{
	struct evtchn_status st = { .dom = (domid_t)d, .port = port };
	const struct mport *p = &m[d][port];
	s64 rc = op(0, do_event_status, &st);

	if (rc) {
		CHECK_EQ(rc, -EINVAL);
		CHECK_EQ(p->state, 0);
		return;
	}
	if (!CHECK_EQ(st.status, p->state) || !p->state)
		return;
	CHECK_EQ(st.vcpu, p->vcpu);
	if (p->state == EVTCHNSTAT_unbound)
		CHECK_EQ(st.u.unbound.dom, p->dom);
	if (p->state == EVTCHNSTAT_interdomain) {
		CHECK_EQ(st.u.interdomain.dom, p->dom);
		CHECK_EQ(st.u.interdomain.port, p->port);
	}
	if (p->state == EVTCHNSTAT_virq)
		CHECK_EQ(st.u.virq, p->virq);
}

static void compare(bool ports)
{
	for (u32 d = 0; d < DOMAINS; d++) {
		struct shared_info *s = dom[d]->shared;

		CHECK(!memcmp(s->evtchn_pending, m_pending[d], sizeof(m_pending[d])));
		CHECK(!memcmp(s->evtchn_mask, m_mask[d], sizeof(m_mask[d])));
		for (u32 v = 0; v < VCPUS; v++) {
			CHECK_EQ(s->vcpu_info[v].evtchn_pending_sel, m_sel[d][v]);
			CHECK_EQ(s->vcpu_info[v].evtchn_upcall_pending, m_upcall[d][v]);
			CHECK_EQ(kicks[d][v] + irqs[d][v], m_told[d][v]);
			CHECK(v == 2 ? !kicks[d][v] : !irqs[d][v]);
		}
		for (u32 p = 0; ports && p < PORTS + 10; p++)
			compare_port(d, p);
		if (ports)
			CHECK_EQ(event_check(dom[d]), 0);
		CHECK_EQ(dom[d]->refs, 1);
	}
}

static void test_model(void)
{
	static void (*const tries[])(u32 d) = {
		try_alloc,
		try_alloc,
		try_bind_interdomain,
		try_bind_interdomain,
		try_bind_virq,
		try_bind_ipi,
		try_close,
		try_send,
		try_send,
		try_send,
		try_bind_vcpu,
		try_unmask,
		try_unmask,
		try_virq,
		try_virq,
		guest_acts,
		guest_acts,
		guest_acts,
	};

	setup(EVENT_MAX);
	memset(m, 0, sizeof(m));
	for (u32 i = 0; i < 60000; i++) {
		tries[unit_below(ARRAY_SIZE(tries))]((u32)unit_below(DOMAINS));
		compare(i % 500 == 0);
	}
	compare(true);
	teardown();
}

/* --- limits
 * ---------------------------------------------------------------------------------------- */

static s64 alloc(u32 d, u32 *port)
{
	struct evtchn_alloc_unbound a = { .dom = DOMID_SELF, .remote_dom = DOMID_SELF };
	s64 rc = op(d, do_event_alloc_unbound, &a);

	*port = a.port;
	return rc;
}

static void test_limits(void)
{
	struct evtchn_close close;
	u32 port = 0, n = 0;

	setup(200);
	while (!alloc(0, &port)) {
		CHECK_EQ(port, ++n);
		if (n > 300)
			break;
	}
	CHECK_EQ(n, 199);
	CHECK_EQ(alloc(0, &port), -ENOSPC);
	close.port = 77;
	CHECK_EQ(op(0, do_event_close, &close), 0);
	CHECK_EQ(alloc(0, &port), 0);
	CHECK_EQ(port, 77);

	/* No memory for the second bucket: an error, and all is as before. */
	for (n = 0; n < 127; n++)
		CHECK_EQ(alloc(1, &port), 0);
	heap_left = 0;
	CHECK_EQ(alloc(1, &port), -ENOMEM);
	heap_left = -1;
	CHECK_EQ(event_check(dom[1]), 0);
	CHECK_EQ(alloc(1, &port), 0);
	CHECK_EQ(port, 128);
	dom[2]->dying = true;
	CHECK_EQ(alloc(2, &port), -EINVAL);
	teardown();
}

/* A domain that goes leaves its peers unbound, and their sends without effect. */
static void test_destroy(void)
{
	struct evtchn_alloc_unbound a = { .dom = DOMID_SELF, .remote_dom = 1 };
	struct evtchn_bind_interdomain b = { .remote_dom = 0 };
	struct evtchn_status st = { .dom = 0 };
	struct evtchn_send send;

	setup(EVENT_MAX);
	CHECK_EQ(op(0, do_event_alloc_unbound, &a), 0);
	b.remote_port = a.port;
	CHECK_EQ(op(1, do_event_bind_interdomain, &b), 0);
	event_destroy(dom[1]);
	st.port = send.port = a.port;
	CHECK_EQ(op(0, do_event_status, &st), 0);
	CHECK_EQ(st.status, EVTCHNSTAT_unbound);
	CHECK_EQ(op(0, do_event_send, &send), 0);
	send.port = b.local_port;
	CHECK_EQ(op(1, do_event_send, &send), -EINVAL);
	CHECK_EQ(event_check(dom[0]), 0);
	teardown();
}

static void test_reset(void)
{
	struct evtchn_reset r = { .dom = DOMID_SELF };
	struct hypercall c = { .v = &vcpu[1][0], .d = NULL };
	struct evtchn_bind_virq b = { .virq = VIRQ_TIMER, .vcpu = 1 };
	u32 port, rounds = 0;

	setup(EVENT_MAX);
	CHECK_EQ(op(1, do_event_bind_virq, &b), 0);
	for (u32 i = 0; i < 1000; i++)
		alloc(1, &port);
	c.d = dom[1];
	do {
		c.progress = c.v->hypercall_progress;
		c.v->hypercall_progress = 0;
		c.restart = false;
		CHECK_EQ(do_event_reset(&c, &r), 0);
	} while (c.restart && ++rounds < 1000);
	CHECK(rounds > 3);
	for (port = 0; port < 1100; port++) {
		struct evtchn_status st = { .dom = 1, .port = port };

		CHECK(op(0, do_event_status, &st) == -EINVAL || st.status == EVTCHNSTAT_closed);
	}
	CHECK_EQ(vcpu[1][1].virq_port[VIRQ_TIMER], 0);
	CHECK_EQ(op(1, do_event_bind_virq, &b), 0);
	CHECK_EQ(b.port, 1);

	/* Another domain: only the control domain, and only if it is paused. */
	r.dom = 1;
	CHECK_EQ(op(2, do_event_reset, &r), -EPERM);
	CHECK_EQ(op(0, do_event_reset, &r), -EINVAL);
	dom[1]->pause_count = 1;
	CHECK_EQ(op(0, do_event_reset, &r), 0);
	CHECK_EQ(vcpu[1][1].virq_port[VIRQ_TIMER], 0);
	/* Progress of something else is not taken for one's own. */
	CHECK_EQ(op(1, do_event_bind_virq, &b), 0);
	c.progress = (u64)EVTCHNOP_reset << 56 | 2ULL << 32 | 100;
	c.restart = false;
	r.dom = DOMID_SELF;
	while (do_event_reset(&c, &r), c.restart) {
		c.restart = false;
		c.progress = c.v->hypercall_progress;
	}
	CHECK_EQ(vcpu[1][1].virq_port[VIRQ_TIMER], 0);
	teardown();
}

static void test_poll(void)
{
	struct evtchn_bind_ipi b = { .vcpu = 0 };
	struct evtchn_send send;
	struct vcpu *v = &vcpu[1][1];
	u32 first;

	setup(EVENT_MAX);
	CHECK_EQ(op(1, do_event_bind_ipi, &b), 0);
	first = b.port;
	CHECK_EQ(op(1, do_event_bind_ipi, &b), 0);
	bit_set(dom[1]->shared->evtchn_mask, first); /* polling is about masked ones, too */
	v->poll_ports = 1;
	v->poll_port[0] = first;
	dom[1]->poll_mask = BIT(1);
	CHECK(!event_poll_ready(v));
	send.port = b.port;
	CHECK_EQ(op(1, do_event_send, &send), 0);
	CHECK_EQ(wakes[1][1], 0); /* another one's port */
	send.port = first;
	CHECK_EQ(op(1, do_event_send, &send), 0);
	CHECK_EQ(wakes[1][1], 1);
	CHECK_EQ(dom[1]->poll_mask, 0);
	CHECK(event_poll_ready(v));
	CHECK_EQ(kicks[1][0], 1); /* only the one that is not masked told its vCPU */

	/* Moved vcpu_info: everything counts as pending. */
	event_vcpu_info_moved(v);
	CHECK_EQ(dom[1]->shared->vcpu_info[1].evtchn_pending_sel, ~0UL);
	CHECK_EQ(dom[1]->shared->vcpu_info[1].evtchn_upcall_pending, 1);
	CHECK_EQ(kicks[1][1], 1);
	event_upcall_changed(v);
	CHECK_EQ(kicks[1][1], 2);
	teardown();
}

/* --- two CPUs at once
 * ----------------------------------------------------------------------------- */

static void *hammer(void *arg)
{
	u32 d = (u32)(u64)arg;
	u64 x = 88172645463325252ULL + d;

	unit_cpu_init(d);
	for (u32 i = 0; i < 100000; i++) {
		union {
			struct evtchn_alloc_unbound a;
			struct evtchn_bind_interdomain b;
			struct evtchn_close c;
			struct evtchn_send s;
			struct evtchn_bind_vcpu v;
		} u;
		u32 port;

		x ^= x << 13, x ^= x >> 7, x ^= x << 17;
		port = 1 + (u32)(x >> 20) % 12;
		switch (x % 8) {
		case 0:
			u.a = (struct evtchn_alloc_unbound){ DOMID_SELF, (domid_t)(x >> 40 & 1),
				                             0 };
			if (port < 8)
				op(d, do_event_alloc_unbound, &u);
			break;
		case 1:
			u.b = (struct evtchn_bind_interdomain){ (domid_t)(x >> 40 & 1), port, 0 };
			op(d, do_event_bind_interdomain, &u);
			break;
		case 2:
			u.c.port = 1 + (u32)(x >> 30) % 30;
			op(d, do_event_close, &u);
			break;
		case 3:
			u.v = (struct evtchn_bind_vcpu){ port, (u32)(x >> 50) % VCPUS };
			op(d, do_event_bind_vcpu, &u);
			break;
		default:
			u.s.port = port;
			op(d, do_event_send, &u);
			dom[d]->shared->evtchn_pending[0] = 0;
		}
	}
	free(unit_this_cpu);
	return NULL;
}

static void test_threads(void)
{
	pthread_t t[2];

	setup(EVENT_MAX);
	single_threaded = false;
	for (u64 i = 0; i < 2; i++)
		REQUIRE(!pthread_create(&t[i], NULL, hammer, (void *)i));
	for (u32 i = 0; i < 2; i++)
		pthread_join(t[i], NULL);
	single_threaded = true;
	for (u32 i = 0; i < DOMAINS; i++) {
		CHECK_EQ(event_check(dom[i]), 0);
		CHECK_EQ(dom[i]->refs, 1);
	}
	CHECK(kicks[0][0] + kicks[1][0] > 0);
	teardown();
}

void unit_main(void)
{
	test_model();
	test_limits();
	test_destroy();
	test_reset();
	test_poll();
	test_threads();
}
