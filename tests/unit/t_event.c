/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Event channels against a model: random operations of three domains, and of their guests on the
 * bits that they share; results, port states, bits and notifications have to agree each time.
 *
 * files: hypervisor/core/event.c hypervisor/core/event_check.c
 */
#include "event_domains.h"

#define PORTS 300 /* of each: reached by allocation, so that buckets and limits are crossed */

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

void unit_main(void)
{
	test_model();
}
