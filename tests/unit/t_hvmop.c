/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * HVM parameters: who may set and get which, as Xen has it, written down here a second time; the
 * callback and the vectors of vCPUs.
 *
 * files: hypervisor/core/hvmop.c
 */
#include "harness.h"
#include <handlers.h>
#include <string.h>

static struct domain dom[3]; /* the control domain and two others */
static struct vcpu vcpu[2];
static u32 told;
struct domain *control_domain;

void domain_put(struct domain *d)
{
	d->refs--;
}

int hypercall_target(struct hypercall *c, domid_t id, struct domain **out)
{
	struct domain *d = id == DOMID_SELF ? c->d : id < ARRAY_SIZE(dom) ? &dom[id] : NULL;

	if (!d)
		return -ESRCH;
	if (d != c->d && !c->d->control)
		return -EPERM;
	d->refs++;
	*out = d;
	return 0;
}

void event_upcall_changed(struct vcpu *v)
{
	CHECK(!spin_is_locked(&v->domain->lock));
	told++;
}

static s64 set(u32 caller, domid_t target, u32 index, u64 value)
{
	struct xen_hvm_param a = { .domid = target, .index = index, .value = value };
	struct hypercall c = { .d = &dom[caller] };

	return do_hvm_set_param(&c, &a);
}

static s64 get(u32 caller, domid_t target, u32 index, u64 *value)
{
	struct xen_hvm_param a = { .domid = target, .index = index, .value = 0x5a5a };
	struct hypercall c = { .d = &dom[caller] };
	s64 rc = do_hvm_get_param(&c, &a);

	*value = a.value;
	return rc;
}

static bool in(u32 index, const u32 *list, u32 n)
{
	for (u32 i = 0; i < n; i++)
		if (list[i] == index)
			return true;
	return false;
}
#define IN(index, ...) in(index, (const u32[]){ __VA_ARGS__ }, sizeof((u32[]){ __VA_ARGS__ }) / 4)

/* PAE_ENABLED, DM_DOMAIN, MEMORY_EVENT_*, NESTEDHVM, BUFIOREQ_EVTCHN */
static bool old(u32 i)
{
	return IN(i, 4, 13, 20, 21, 22, 23, 24, 25, 26, 30);
}

static s64 want_set(u32 i, bool self)
{
	if (old(i))
		return -EINVAL;
	if (self && !IN(i, 0, 2, 15, 18, 19, 34, 36, 37))
		return -EPERM;
	return i == HVM_PARAM_VIRIDIAN ? -ENODEV : i == HVM_PARAM_ALTP2M ? -EINVAL : 0;
}

static s64 want_get(u32 i, bool self)
{
	if (old(i))
		return -EINVAL;
	return self && !IN(i, 0, 1, 2, 15, 17, 18, 19, 34, 35, 36, 37) ? -EPERM : 0;
}

static void test_rules(void)
{
	u64 value;

	CHECK_EQ(set(0, 1, HVM_PARAM_ALTP2M, 0), 0); /* off, as it is */

	for (u32 self = 0; self < 2; self++) {
		u32 target = self ? 0 : 1;

		for (u32 i = 0; i < HVM_NR_PARAMS; i++) {
			CHECK_EQ(set(0, self ? DOMID_SELF : 1, i, 1), want_set(i, self));
			CHECK_EQ(get(0, (domid_t)target, i, &value), want_get(i, self));
			CHECK_EQ(value, want_get(i, self) ? 0
			                : want_set(i, self) || (self && i == 1)
			                        ? dom[target].params[i]
			                        : 1);
			CHECK_EQ(set(2, 1, i, 1), -EPERM);
			CHECK_EQ(get(2, 1, i, &value), -EPERM);
			CHECK_EQ(set(0, 9, i, 1), -ESRCH);
		}
	}
	CHECK_EQ(set(0, 1, HVM_NR_PARAMS, 0), -EINVAL);
	CHECK_EQ(get(0, 1, ~0U, &value), -EINVAL);
	/* Only once, but the same again is no change. */
	for (u32 i = 0; i < HVM_NR_PARAMS; i++)
		if (!want_set(i, false))
			CHECK_EQ(set(0, 1, i, 2), IN(i, 5, 6, 32, 33, 38) ? -EEXIST : 0);
	CHECK_EQ(set(0, 1, HVM_PARAM_IOREQ_PFN, 1), 0);
	CHECK_EQ(set(0, 1, HVM_PARAM_TIMER_MODE, 3), 0);
	CHECK_EQ(set(0, 1, HVM_PARAM_TIMER_MODE, 4), -EINVAL);
	CHECK_EQ(dom[1].params[HVM_PARAM_TIMER_MODE], 3);
	CHECK_EQ(dom[0].refs, 0);
	CHECK_EQ(dom[1].refs, 0);
}

static void test_callback(void)
{
	told = 0;
	CHECK_EQ(set(0, DOMID_SELF, HVM_PARAM_CALLBACK_IRQ, 2ULL << 56 | 0xf3), 0);
	CHECK_EQ(dom[0].callback_vector, 0xf3);
	CHECK_EQ(told, 2);
	CHECK_EQ(set(0, DOMID_SELF, HVM_PARAM_CALLBACK_IRQ, 2ULL << 56 | 0xf), -EINVAL);
	CHECK_EQ(set(0, DOMID_SELF, HVM_PARAM_CALLBACK_IRQ, 2ULL << 56), -EINVAL);
	CHECK_EQ(dom[0].callback_vector, 0xf3);
	CHECK_EQ(dom[0].params[HVM_PARAM_CALLBACK_IRQ], 2ULL << 56 | 0xf3);
	CHECK_EQ(set(0, DOMID_SELF, HVM_PARAM_CALLBACK_IRQ, 1), 0); /* a GSI, which nobody raises */
	CHECK_EQ(dom[0].callback_vector, 0);
}

static void test_vector(void)
{
	struct hypercall c = { .d = &dom[0] };
	struct xen_hvm_evtchn_upcall_vector a = { .vcpu = 1, .vector = 0xf3 };

	told = 0;
	CHECK_EQ(do_hvm_set_evtchn_upcall_vector(&c, &a), 0);
	CHECK_EQ(vcpu[1].upcall_vector, 0xf3);
	CHECK_EQ(told, 1);
	a.vector = 0xf;
	CHECK_EQ(do_hvm_set_evtchn_upcall_vector(&c, &a), -EINVAL);
	a.vector = 0x10;
	a.vcpu = 2;
	CHECK_EQ(do_hvm_set_evtchn_upcall_vector(&c, &a), -ENOENT);
	a.vcpu = ~0U;
	CHECK_EQ(do_hvm_set_evtchn_upcall_vector(&c, &a), -ENOENT);
	CHECK_EQ(vcpu[1].upcall_vector, 0xf3);
}

void unit_main(void)
{
	for (u32 i = 0; i < ARRAY_SIZE(dom); i++)
		dom[i].id = (domid_t)i;
	dom[0].control = true;
	dom[0].max_vcpus = 2;
	for (u32 i = 0; i < 2; i++) {
		vcpu[i].domain = &dom[0];
		dom[0].vcpu[i] = &vcpu[i];
	}
	test_rules();
	test_callback();
	test_vector();
}
