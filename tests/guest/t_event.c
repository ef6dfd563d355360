/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Event channels from one CPU: states, errors, delivery.
 *
 * Sources: xen/event_channel.h, and for errors Xen's common/event_channel.c:
 * ESRCH no such domain, EINVAL a port that is free or of the wrong kind, ENOENT
 * no such vCPU, EEXIST a VIRQ bound twice, ENOSPC no port left; a send on an
 * unbound port succeeds silently; binding makes the local port pending once.
 *
 * run: smp=2
 */
#include "lib/guest.h"

#define PORTS    4096
#define BAD_PORT PORTS

static evtchn_port_t loop_a, loop_b; /* the two ends of one loopback channel */

static uint16_t status_of(evtchn_port_t port)
{
	struct evtchn_status st;

	EXPECT_EQ(xen_status(port, &st), 0);
	return (uint16_t)st.status;
}

static void test_alloc(void)
{
	struct evtchn_status st;
	evtchn_port_t port;

	EXPECT_EQ(xen_alloc_unbound(DOMID_SELF, DOMID_SELF, &loop_a), 0);
	EXPECT(loop_a > 0 && loop_a < PORTS);
	EXPECT_EQ(xen_status(loop_a, &st), 0);
	EXPECT_EQ(st.status, EVTCHNSTAT_unbound);
	EXPECT_EQ(st.vcpu, 0);
	EXPECT_EQ(st.u.unbound.dom, 0); /* SELF is stored as what it stands for */
	EXPECT_EQ(xen_alloc_unbound(77, DOMID_SELF, &port), -XEN_ESRCH);
	EXPECT_EQ(xen_alloc_unbound(DOMID_INVALID, DOMID_SELF, &port), -XEN_ESRCH);
	EXPECT_EQ(xen_alloc_unbound(0, 0, &port), 0);
	EXPECT_EQ(xen_close(port), 0);
	EXPECT_EQ(xen_event(EVTCHNOP_alloc_unbound, 0x800000000000), -XEN_EFAULT);
	EXPECT_EQ(xen_event(EVTCHNOP_alloc_unbound, page_window(0)), -XEN_EFAULT);
}

static void test_interdomain(void)
{
	struct evtchn_status st;
	evtchn_port_t port;

	EXPECT_EQ(xen_bind_interdomain(DOMID_SELF, loop_a, &loop_b), 0);
	EXPECT(loop_b != loop_a);
	EXPECT(xen_pending(loop_b));
	xen_clear(loop_b);
	EXPECT_EQ(xen_status(loop_b, &st), 0);
	EXPECT_EQ(st.status, EVTCHNSTAT_interdomain);
	EXPECT_EQ(st.u.interdomain.dom, 0);
	EXPECT_EQ(st.u.interdomain.port, loop_a);
	EXPECT_EQ(xen_status(loop_a, &st), 0);
	EXPECT_EQ(st.status, EVTCHNSTAT_interdomain);
	EXPECT_EQ(st.u.interdomain.port, loop_b);

	EXPECT_EQ(xen_bind_interdomain(DOMID_SELF, loop_a, &port), -XEN_EINVAL);
	EXPECT_EQ(xen_bind_interdomain(DOMID_SELF, 0, &port), -XEN_EINVAL);
	EXPECT_EQ(xen_bind_interdomain(DOMID_SELF, BAD_PORT, &port), -XEN_EINVAL);
	EXPECT_EQ(xen_bind_interdomain(DOMID_SELF, 0xffffffff, &port), -XEN_EINVAL);
	EXPECT_EQ(xen_bind_interdomain(77, loop_a, &port), -XEN_ESRCH);
	/* Unbound, but for somebody else. */
	if (xen_alloc_unbound(DOMID_SELF, 77, &port) == 0) {
		evtchn_port_t other;

		EXPECT_EQ(xen_bind_interdomain(DOMID_SELF, port, &other), -XEN_EINVAL);
		EXPECT_EQ(xen_close(port), 0);
	}

	xen_clear(loop_a);
	EXPECT_EQ(xen_send(loop_b), 0);
	EXPECT(xen_pending(loop_a));
	EXPECT(!xen_pending(loop_b));
	EXPECT_EQ(xen_send(loop_a), 0);
	EXPECT(xen_pending(loop_b));
	xen_clear(loop_a);
	xen_clear(loop_b);
}

static void test_virq(void)
{
	struct evtchn_status st;
	evtchn_port_t port, again;

	EXPECT_EQ(xen_bind_virq(VIRQ_TIMER, 0, &port), 0);
	EXPECT_EQ(xen_status(port, &st), 0);
	EXPECT_EQ(st.status, EVTCHNSTAT_virq);
	EXPECT_EQ(st.u.virq, VIRQ_TIMER);
	EXPECT_EQ(xen_bind_virq(VIRQ_TIMER, 0, &again), -XEN_EEXIST);
	EXPECT_EQ(xen_send(port), -XEN_EINVAL);
	EXPECT_EQ(xen_bind_vcpu(port, 1), -XEN_EINVAL); /* a VIRQ of one vCPU stays there */
	EXPECT_EQ(xen_bind_virq(VIRQ_TIMER, 1, &again), 0);
	EXPECT_EQ(xen_close(again), 0);
	EXPECT_EQ(xen_close(port), 0);
	EXPECT_EQ(xen_bind_virq(VIRQ_TIMER, 0, &port), 0);
	EXPECT_EQ(xen_close(port), 0);
	EXPECT_EQ(xen_bind_virq(VIRQ_DEBUG, 0, &port), 0);
	EXPECT_EQ(xen_close(port), 0);
	EXPECT_EQ(xen_bind_virq(VIRQ_DOM_EXC, 0, &port), 0);
	EXPECT_EQ(xen_bind_virq(VIRQ_DOM_EXC, 0, &again), -XEN_EEXIST);
	EXPECT_EQ(xen_bind_vcpu(port, 1), 0); /* a global one may move */
	EXPECT_EQ(xen_status(port, &st), 0);
	EXPECT_EQ(st.vcpu, 1);
	EXPECT_EQ(xen_close(port), 0);
	EXPECT_EQ(xen_bind_virq(VIRQ_DOM_EXC, 1, &port), -XEN_EINVAL);
	EXPECT_EQ(xen_bind_virq(24, 0, &port), -XEN_EINVAL);
	EXPECT_EQ(xen_bind_virq(0xffffffff, 0, &port), -XEN_EINVAL);
	EXPECT_EQ(xen_bind_virq(VIRQ_TIMER, 99, &port), -XEN_ENOENT);
	EXPECT_EQ(xen_bind_virq(VIRQ_TIMER, 0xffffffff, &port), -XEN_ENOENT);
}

static void test_ipi(void)
{
	struct evtchn_status st;
	evtchn_port_t port, other;

	EXPECT_EQ(xen_bind_ipi(0, &port), 0);
	EXPECT_EQ(xen_status(port, &st), 0);
	EXPECT_EQ(st.status, EVTCHNSTAT_ipi);
	EXPECT_EQ(st.vcpu, 0);
	xen_clear(port);
	EXPECT_EQ(xen_send(port), 0);
	EXPECT(xen_pending(port));
	xen_clear(port);
	EXPECT_EQ(xen_bind_vcpu(port, 1), -XEN_EINVAL);
	/* A vCPU that was never started may be bound to: the stock kernel does so. */
	EXPECT_EQ(xen_bind_ipi(1, &other), 0);
	EXPECT(other != port);
	EXPECT_EQ(xen_send(other), 0);
	EXPECT_EQ(xen_close(other), 0);
	EXPECT_EQ(xen_close(port), 0);
	EXPECT_EQ(xen_bind_ipi(2, &port), -XEN_ENOENT);
	EXPECT_EQ(xen_bind_ipi(0xffffffff, &port), -XEN_ENOENT);
}

static void test_close(void)
{
	evtchn_port_t port;
	struct evtchn_status st;

	EXPECT_EQ(xen_close(0), -XEN_EINVAL);
	EXPECT_EQ(xen_close(BAD_PORT), -XEN_EINVAL);
	EXPECT_EQ(xen_close(0xffffffff), -XEN_EINVAL);
	EXPECT_EQ(xen_alloc_unbound(DOMID_SELF, DOMID_SELF, &port), 0);
	EXPECT_EQ(xen_close(port), 0);
	EXPECT_EQ(xen_close(port), -XEN_EINVAL);
	EXPECT_EQ(xen_send(port), -XEN_EINVAL);
	EXPECT_EQ(status_of(port), EVTCHNSTAT_closed);
	EXPECT_EQ(xen_bind_vcpu(port, 0), -XEN_EINVAL);

	/* Closing one end leaves the other unbound for me, to be bound again. */
	EXPECT_EQ(xen_close(loop_b), 0);
	EXPECT_EQ(xen_status(loop_a, &st), 0);
	EXPECT_EQ(st.status, EVTCHNSTAT_unbound);
	EXPECT_EQ(st.u.unbound.dom, 0);
	EXPECT_EQ(xen_send(loop_a), 0);
	EXPECT_EQ(xen_bind_interdomain(DOMID_SELF, loop_a, &loop_b), 0);
	EXPECT_EQ(status_of(loop_a), EVTCHNSTAT_interdomain);
}

static void test_others(void)
{
	struct evtchn_status st = { .dom = 77, .port = 1 };
	struct evtchn_reset reset = { .dom = 77 };
	uint8_t zero[64] = { 0 };

	EXPECT_EQ(xen_send(0), -XEN_EINVAL);
	EXPECT_EQ(xen_send(BAD_PORT), -XEN_EINVAL);
	EXPECT_EQ(xen_send(0xffffffff), -XEN_EINVAL);
	EXPECT_EQ(xen_unmask(BAD_PORT), -XEN_EINVAL);
	EXPECT_EQ(xen_unmask(0xffffffff), -XEN_EINVAL);
	EXPECT_EQ(xen_bind_vcpu(loop_a, 99), -XEN_ENOENT);
	EXPECT_EQ(xen_bind_vcpu(BAD_PORT, 0), -XEN_EINVAL);
	EXPECT_EQ(xen_event(EVTCHNOP_status, &st), -XEN_ESRCH);
	EXPECT_EQ(xen_status(BAD_PORT, &st), -XEN_EINVAL);
	EXPECT_EQ(status_of(0), EVTCHNSTAT_closed);
	EXPECT_EQ(xen_event(EVTCHNOP_reset, &reset), -XEN_ESRCH);
	EXPECT_EQ(xen_event(999, zero), -XEN_ENOSYS);
	EXPECT_EQ(xen_event(-1, zero), -XEN_ENOSYS);
	EXPECT_EQ(xen_event(EVTCHNOP_send, 0x800000000000), -XEN_EFAULT);
	EXPECT_EQ(xen_event(EVTCHNOP_status, 0x800000000000), -XEN_EFAULT);
	EXPECT_EQ(xen_event(EVTCHNOP_close, 0x800000000000), -XEN_EFAULT);
}

/* All that a domain may have, and not one more. */
static void test_full(void)
{
	evtchn_port_t port;
	unsigned int n = 0, bad = 0;
	long rc = 0;

	while (n < 2 * PORTS && (rc = xen_alloc_unbound(DOMID_SELF, DOMID_SELF, &port)) == 0) {
		bad += port == 0 || port >= PORTS;
		n++;
	}
	print("%u ports allocated\n", n);
	EXPECT_EQ(rc, -XEN_ENOSPC);
	EXPECT_EQ(bad, 0);
	EXPECT_EQ(n, PORTS - 3); /* port 0 and the loopback's two are taken */
	EXPECT_EQ(xen_bind_ipi(0, &port), -XEN_ENOSPC);
	EXPECT_EQ(xen_bind_virq(VIRQ_TIMER, 0, &port), -XEN_ENOSPC);
	EXPECT_EQ(xen_bind_interdomain(DOMID_SELF, PORTS - 1, &port), -XEN_ENOSPC);
	for (port = 1; port < PORTS; port++) {
		if (port != loop_a && port != loop_b)
			bad += xen_close(port) != 0;
	}
	EXPECT_EQ(bad, 0);
	EXPECT_EQ(xen_bind_virq(VIRQ_TIMER, 0, &port), 0);
	EXPECT_EQ(xen_close(port), 0);
}

/* Pending bit, selector and upcall flag one after the other; the upcall waits for IF. */
static void test_delivery(void)
{
	volatile struct vcpu_info *vi = xen_vcpu_info(0);
	uint32_t before = xen_port_count[loop_a], upcalls;

	irq_enable();
	xen_clear(loop_a);
	irq_disable();
	upcalls = cpu_this()->irq_count[0xf3];
	EXPECT_EQ(xen_send(loop_b), 0);
	EXPECT(xen_pending(loop_a));
	EXPECT(vi->evtchn_pending_sel >> loop_a / 64 & 1);
	EXPECT_EQ(vi->evtchn_upcall_pending, 1);
	EXPECT_EQ(cpu_this()->irq_count[0xf3], upcalls);
	EXPECT_EQ(xen_send(loop_b), 0); /* one more while pending: it stays one */
	irq_enable();
	EXPECT(WAIT_UNTIL(xen_port_count[loop_a] != before, PATIENCE));
	EXPECT_EQ(xen_port_count[loop_a], before + 1);
	EXPECT_EQ(xen_send(loop_b), 0);
	EXPECT(WAIT_UNTIL(xen_port_count[loop_a] == before + 2, PATIENCE));
	EXPECT(!xen_pending(loop_a));
	/* evtchn_upcall_mask is a matter of PV guests: it holds nothing back. */
	vi->evtchn_upcall_mask = 1;
	EXPECT_EQ(xen_send(loop_b), 0);
	EXPECT(WAIT_UNTIL(xen_port_count[loop_a] == before + 3, PATIENCE));
	vi->evtchn_upcall_mask = 0;
}

static void test_mask(void)
{
	uint32_t before = xen_port_count[loop_a], upcalls = cpu_this()->irq_count[0xf3];
	volatile struct vcpu_info *vi = xen_vcpu_info(0);

	xen_mask(loop_a, true);
	EXPECT_EQ(xen_send(loop_b), 0);
	EXPECT(xen_pending(loop_a));
	EXPECT_EQ(vi->evtchn_upcall_pending, 0);
	EXPECT_EQ(vi->evtchn_pending_sel, 0);
	EXPECT_EQ(xen_port_count[loop_a], before);
	EXPECT_EQ(cpu_this()->irq_count[0xf3], upcalls);
	/* Taking the mask away raises what came meanwhile. */
	EXPECT_EQ(xen_unmask(loop_a), 0);
	EXPECT(WAIT_UNTIL(xen_port_count[loop_a] == before + 1, PATIENCE));
	EXPECT_EQ(xen_shared->evtchn_mask[loop_a / 64] >> loop_a % 64 & 1, 0);
	/* With nothing pending nothing is raised. */
	xen_mask(loop_a, true);
	EXPECT_EQ(xen_unmask(loop_a), 0);
	EXPECT_EQ(xen_port_count[loop_a], before + 1);
	/* Not masked and pending already: the HVM rule raises it again all the same. */
	irq_disable();
	EXPECT_EQ(xen_send(loop_b), 0);
	vi->evtchn_upcall_pending = 0;
	vi->evtchn_pending_sel = 0;
	xen_mask(loop_a, true);
	EXPECT_EQ(xen_unmask(loop_a), 0);
	EXPECT_EQ(vi->evtchn_upcall_pending, 1);
	irq_enable();
	EXPECT(WAIT_UNTIL(xen_port_count[loop_a] == before + 2, PATIENCE));
}

/* A sleeping CPU is woken by its event. */
static void test_wake(void)
{
	struct vcpu_set_singleshot_timer t = { 0 };
	evtchn_port_t port;
	uint64_t start;

	EXPECT_EQ(xen_bind_virq(VIRQ_TIMER, 0, &port), 0);
	xen_port_count[port] = 0;
	irq_disable();
	start = time_now();
	t.timeout_abs_ns = start + 5 * NS_PER_MS;
	EXPECT_EQ(xen_vcpu(VCPUOP_set_singleshot_timer, 0, &t), 0);
	while (!xen_port_count[port])
		irq_wait();
	EXPECT(time_now() >= start + 5 * NS_PER_MS);
	irq_enable();
	EXPECT_EQ(xen_close(port), 0);
}

static void test_reset(void)
{
	struct evtchn_reset reset = { .dom = DOMID_SELF };
	struct evtchn_alloc_unbound *op = page_alloc();
	evtchn_port_t port;

	/* A reply that cannot be written is a fault, whatever became of the port. */
	*op = (struct evtchn_alloc_unbound){ .dom = DOMID_SELF, .remote_dom = DOMID_SELF };
	page_map(page_window(1), (uint64_t)op, PG_P);
	EXPECT_EQ(xen_event(EVTCHNOP_alloc_unbound, page_window(1)), -XEN_EFAULT);
	EXPECT_EQ(op->port, 0);
	EXPECT_EQ(xen_bind_ipi(0, &port), 0);
	EXPECT_EQ(xen_event(EVTCHNOP_reset, &reset), 0);
	EXPECT_EQ(status_of(port), EVTCHNSTAT_closed);
	EXPECT_EQ(status_of(loop_a), EVTCHNSTAT_closed);
	EXPECT_EQ(status_of(loop_b), EVTCHNSTAT_closed);
	EXPECT_EQ(xen_bind_ipi(0, &port), 0);
	EXPECT_EQ(xen_close(port), 0);
}

/* Two-level only: the stock kernel falls back at once. And no pirqs: no such event either. */
static void test_absent(void)
{
	uint8_t zero[64] = { 0 };

	EXPECT(xen_event(EVTCHNOP_bind_pirq, zero) < 0);
	EXPECT_EQ(xen_event(EVTCHNOP_set_priority, zero), -XEN_ENOSYS);
	EXPECT_EQ(xen_event(EVTCHNOP_expand_array, zero), -XEN_ENOSYS);
	EXPECT_EQ(xen_event(EVTCHNOP_init_control, zero), -XEN_ENOSYS);
}

void test_main(void)
{
	xen_events_on();
	test_alloc();
	test_interdomain();
	test_virq();
	test_ipi();
	test_close();
	test_others();
	test_full();
	test_delivery();
	test_mask();
	test_wake();
	test_reset();
	test_absent();
	EXPECT_EQ(cpus[0].irq_flags_bad, 0);
}
