/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Waiting and ending: a poll loses no wake-up wherever it comes, watchdogs bite and are put off,
 * reasons are checked.
 *
 * files: hypervisor/core/schedop.c
 */
#include "harness.h"
#include <handlers.h>
#include <string.h>

#define PORTS 256

static struct domain dom;
static struct vcpu vcpu;
static struct vcpu_info info;
static u64 pending[PORTS / 64];
static bool blocked;
static u32 yields, shutdowns, last_code;
static u64 now = 5000000000;
static void (*before_block)(void); /* what happens on another CPU just then */
struct domain *control_domain;

void vcpu_block(struct vcpu *v)
{
	if (before_block)
		before_block();
	blocked = true;
}

void vcpu_wake(struct vcpu *v)
{
	blocked = false;
}

void vcpu_yield(struct vcpu *v)
{
	yields++;
}

struct vcpu_info *vcpu_info_map(struct vcpu *v)
{
	return &info;
}

bool event_poll_ready(struct vcpu *v)
{
	for (u32 i = 0; i < v->poll_ports; i++)
		if (bit_test(pending, v->poll_port[i]))
			return true;
	return false;
}

void domain_shutdown(struct domain *d, u32 code)
{
	shutdowns++;
	last_code = code;
}

void domain_put(struct domain *d)
{
	d->refs--;
}

int hypercall_target(struct hypercall *c, domid_t id, struct domain **out)
{
	if (id != DOMID_SELF && id)
		return -ESRCH;
	*out = &dom;
	dom.refs++;
	return 0;
}

int copy_from_guest(void *to, u64 from, size_t n)
{
	if (from == 1)
		return -EFAULT;
	memcpy(to, (void *)from, n);
	return 0;
}

u64 time_now(void)
{
	return now;
}

static int timer_rc;

void timer_init(struct timer *t, struct cpu *c, void (*fn)(struct timer *))
{
	CHECK(t->index <= 0 && !t->fn); /* never one that may be armed */
	*t = (struct timer){ .fn = fn, .cpu = c, .index = -1 };
}

int timer_set(struct timer *t, u64 deadline)
{
	CHECK(!spin_is_locked(&dom.lock)); /* it may touch the local APIC */
	if (timer_rc)
		return timer_rc;
	t->deadline = deadline;
	t->index = 7;
	return 0;
}
int timer_set_here(struct timer *t, u64 deadline)
{
	return timer_set(t, deadline);
}

void timer_stop(struct timer *t)
{
	t->index = -1;
}

static s64 call(hypercall_fn *fn, void *arg, bool *leave)
{
	struct hypercall c = { .v = &vcpu, .d = &dom };
	s64 rc = fn(&c, arg);

	CHECK(!spin_is_locked(&dom.lock));
	*leave = c.leave;
	return rc;
}

/* --- poll -------------------------------------------------------------------------- */

static s64 poll(u32 *ports, u32 n, u64 timeout)
{
	struct sched_poll p = { .nr_ports = n, .timeout = timeout };
	bool leave;

	set_xen_guest_handle(p.ports, ports);
	blocked = false;
	vcpu.poll_timer.index = -1;
	return call(do_sched_poll, &p, &leave);
}

/* The event comes in after the look and before the vCPU counts as blocked. */
static void event_comes(void)
{
	bit_set(pending, 5);
	if (dom.poll_mask & BIT(0)) {
		dom.poll_mask = 0;
		vcpu_wake(&vcpu);
	}
}

static void upcall_comes(void)
{
	info.evtchn_upcall_pending = 1;
}

static void test_poll(void)
{
	u32 ports[200] = { 5, 100 };

	CHECK_EQ(poll(ports, 2, 0), 0);
	CHECK(blocked);
	CHECK_EQ(dom.poll_mask, 1);
	CHECK_EQ(vcpu.poll_ports, 2);
	CHECK_EQ(vcpu.poll_timer.index, -1);
	bit_set(pending, 100);
	CHECK_EQ(poll(ports, 2, 0), 0);
	CHECK(!blocked && !dom.poll_mask);
	bit_clear(pending, 100);

	dom.time_start = 1000;
	CHECK_EQ(poll(ports, 2, 70000), 0);
	CHECK(blocked && vcpu.poll_timer.index == 7);
	CHECK_EQ(vcpu.poll_timer.deadline, 71000);
	CHECK_EQ(poll(ports, 2, ~0ULL), 0);
	CHECK_EQ(vcpu.poll_timer.deadline, ~0ULL);
	timer_rc = -ENOMEM;
	CHECK_EQ(poll(ports, 2, 70000), 0);
	CHECK(!blocked); /* early, rather than never */
	timer_rc = 0;
	CHECK_EQ(poll(ports, 0, 70000), 0); /* a sleep */
	CHECK(blocked);

	before_block = event_comes;
	CHECK_EQ(poll(ports, 2, 0), 0);
	CHECK(!blocked);
	bit_clear(pending, 5);
	before_block = upcall_comes;
	CHECK_EQ(poll(ports, 2, 0), 0);
	CHECK(!blocked);
	info.evtchn_upcall_pending = 0;
	before_block = NULL;

	CHECK_EQ(poll(ports, 129, 0), -EINVAL);
	CHECK_EQ(poll(ports, ~0U, 0), -EINVAL);
	CHECK_EQ(poll((u32 *)1, 1, 0), -EFAULT);
	ports[127] = PORTS;
	CHECK_EQ(poll(ports, 128, 0), -EINVAL);
	CHECK_EQ(poll(ports, 127, 0), 0);
	CHECK(blocked);
}

static void test_block(void)
{
	bool leave;

	blocked = false;
	CHECK_EQ(call(do_sched_block, NULL, &leave), 0);
	CHECK(blocked && leave);
	before_block = upcall_comes;
	CHECK_EQ(call(do_sched_block, NULL, &leave), 0);
	CHECK(!blocked);
	before_block = NULL;
	info.evtchn_upcall_pending = 0;
	CHECK_EQ(call(do_sched_yield, NULL, &leave), 0);
	CHECK(leave && yields == 1);
}

/* --- the end ------------------------------------------------------------------------ */

static void test_shutdown(void)
{
	struct sched_remote_shutdown r = { .domain_id = DOMID_SELF };
	struct sched_shutdown s;
	bool leave;

	for (u32 control = 0; control < 2; control++)
		for (u32 code = 0; code < 10; code++) {
			s64 want = code > SHUTDOWN_MAX                   ? -EINVAL
			           : control && (code == 2 || code == 5) ? -EOPNOTSUPP
			                                                 : 0;

			dom.control = control;
			shutdowns = 0;
			s.reason = r.reason = code;
			CHECK_EQ(call(do_sched_shutdown, &s, &leave), want);
			CHECK_EQ(leave, !want);
			CHECK_EQ(call(do_sched_remote_shutdown, &r, &leave), want);
			CHECK_EQ(shutdowns, want ? 0 : 2);
			CHECK(want || last_code == code);
		}
	r.domain_id = 5;
	CHECK_EQ(call(do_sched_remote_shutdown, &r, &leave), -ESRCH);
	CHECK_EQ(dom.refs, 0);

	s.reason = 9;
	CHECK_EQ(call(do_sched_shutdown_code, &s, &leave), -EINVAL);
	s.reason = 0;
	CHECK_EQ(call(do_sched_shutdown_code, &s, &leave), 0);
	CHECK_EQ(dom.shutdown_latch, 1);
	s.reason = 3;
	CHECK_EQ(call(do_sched_shutdown_code, &s, &leave), 0);
	CHECK_EQ(dom.shutdown_latch, 1); /* the first one counts */
}

static s64 dog(u32 id, u32 seconds)
{
	struct sched_watchdog w = { id, seconds };
	bool leave;

	return call(do_sched_watchdog, &w, &leave);
}

static void test_watchdog(void)
{
	struct timer *t;

	shutdowns = 0;
	CHECK_EQ(dog(1, 1), -EINVAL);
	CHECK_EQ(dog(3, 1), -EINVAL);
	CHECK_EQ(dog(~0U, 1), -EINVAL);
	timer_rc = -ENOMEM;
	CHECK_EQ(dog(0, 1), -ENOMEM);
	timer_rc = 0;
	CHECK_EQ(dog(0, 1), 1);
	CHECK_EQ(dog(0, ~0U), 2);
	CHECK_EQ(dom.watchdog[1].timer.deadline, now + 4294967295ULL * 1000000000);
	CHECK_EQ(dog(0, 1), -ENOSPC);
	t = &dom.watchdog[0].timer;
	CHECK_EQ(t->deadline, now + 1000000000);
	now += 500000000;
	CHECK_EQ(dog(1, 10), 0);
	CHECK_EQ(t->deadline, now + 10000000000);
	CHECK_EQ(dog(1, 0), 0);
	CHECK_EQ(t->index, -1);
	t->fn(t); /* was on its way already: nobody is there any more */
	CHECK_EQ(shutdowns, 0);
	CHECK_EQ(dog(1, 0), -EINVAL);
	CHECK_EQ(dog(0, 3), 1);
	t->fn(t);
	CHECK_EQ(shutdowns, 1);
	CHECK_EQ(last_code, SHUTDOWN_watchdog);
	schedop_stop_watchdogs(&dom);
	CHECK(dom.watchdog[0].timer.index == -1 && dom.watchdog[1].timer.index == -1);
	CHECK_EQ(dog(2, 1), -EINVAL);
}

void unit_main(void)
{
	vcpu.domain = &dom;
	dom.event.valid = PORTS;
	test_poll();
	test_block();
	test_shutdown();
	test_watchdog();
}
