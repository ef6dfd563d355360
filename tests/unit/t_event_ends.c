/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The ends of event channels: limits, a domain that goes, reset in pieces, polling, and two CPUs at
 * once.
 *
 * files: hypervisor/core/event.c hypervisor/core/event_check.c
 */
#include "event_domains.h"
#include <pthread.h>

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
	test_limits();
	test_destroy();
	test_reset();
	test_poll();
	test_threads();
}
