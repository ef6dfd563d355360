/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The control domain and guests on real nested tables and a real allocator, for the tests of what
 * changes address spaces. The caller's pointers are the test's own.
 */
#pragma once

#include "harness.h"
#include <handlers.h>
#include <page.h>
#include <stdlib.h>
#include <string.h>

#define DOMAINS   3 /* the first one is the control domain */
#define RAM_END   (64 * MIB)
#define OWN_FIRST 0x100 /* the control domain's frames */
#define OWN_END   0x800
#define GUEST_MAX 300 /* frames that the guest may have */

static struct domain dom[DOMAINS];
static struct vcpu vcpu[DOMAINS];
struct domain *domain_list, *control_domain;
struct cpu_features cpu_features = { .phys_bits = 40, .gib_pages = true };
struct cpu *cpus[MAX_CPUS];
u32 cpu_count;

static void (*kicked)(void);

/* A CPU that is told to leave its guest does so at once. */
void cpu_kick(struct cpu *c, u64 todo)
{
	if (kicked)
		kicked();
	c->entries++;
}

struct domain *domain_get(domid_t id)
{
	struct domain *d = id < ARRAY_SIZE(dom) ? &dom[id] : NULL;

	if (d)
		__atomic_fetch_add(&d->refs, 1, __ATOMIC_RELAXED);
	return d;
}

void domain_put(struct domain *d)
{
	if (!__atomic_fetch_sub(&d->refs, 1, __ATOMIC_RELAXED))
		abort();
}

/* Without the one that its frames hold together. */
static u32 refs(u32 d)
{
	return dom[d].refs - (dom[d].tot_pages > 0);
}

int hypercall_target(struct hypercall *c, domid_t id, struct domain **out)
{
	*out = domain_get(id == DOMID_SELF ? c->d->id : id);
	if (!*out)
		return -ESRCH;
	if (*out == c->d || c->d->control)
		return 0;
	domain_put(*out);
	return -EPERM;
}

s64 hypercall_again(struct hypercall *c)
{
	c->restart = true;
	return 0;
}

/* The caller's pointers are ours; this page is the one that it has not. */
static u8 hole[PAGE_SIZE] __aligned(4096);
static bool read_only; /* so are all of its pages */

static bool in_hole(u64 at, size_t n)
{
	return at < (u64)hole + sizeof(hole) && at + n > (u64)hole;
}

int copy_from_guest(void *to, u64 from, size_t n)
{
	if (in_hole(from, n))
		return -EFAULT;
	memcpy(to, (void *)from, n);
	return 0;
}

int copy_to_guest(u64 to, const void *from, size_t n)
{
	if (in_hole(to, n) || read_only)
		return -EFAULT;
	memcpy((void *)to, from, n);
	return 0;
}

/* To the end, as the exit handler would: a call that wants to be made again is. */
static s64 call(u32 d, u64 op, hypercall_fn *fn, void *arg, u32 *rounds)
{
	struct hypercall c = { .v = &vcpu[d], .d = &dom[d], .a = { op } };
	s64 rc;

	*rounds = 0;
	do {
		c.restart = false;
		rc = fn(&c, arg);
		CHECK_EQ(c.a[0] & 0x3f, op);
		for (u32 i = 0; i < DOMAINS; i++)
			CHECK(!spin_is_locked(&dom[i].p2m.lock) &&
			      !spin_is_locked(&dom[i].grant.lock));
	} while (c.restart && ++*rounds < 10000);
	return rc;
}

static void set_up(void)
{
	unit_ram_init(RAM_END);
	page_max = RAM_END >> PAGE_SHIFT;
	page_hole_start = page_max;
	page_table = calloc(page_max, sizeof(struct page));
	page_set_none(mfn(0), mfn(0x1000));
	page_add_free(mfn(0x1000), mfn(page_max));
	for (u32 i = 0; i < ARRAY_SIZE(dom); i++) {
		dom[i] = (struct domain){ .id = (domid_t)i,
			                  .control = i == 0,
			                  .refs = 1,
			                  .max_vcpus = 1,
			                  .max_pages = i ? GUEST_MAX : OWN_END,
			                  .next = i + 1 < DOMAINS ? &dom[i + 1] : NULL };
		vcpu[i] = (struct vcpu){ .domain = &dom[i] };
		dom[i].vcpu[0] = &vcpu[i];
		REQUIRE(!p2m_init(&dom[i]) && !grant_init(&dom[i]));
		dom[i].shared_mfn = page_alloc(0);
		dom[i].shared_gfn = gfn(~0ULL);
	}
	domain_list = control_domain = &dom[0];
	page_set_domain(mfn(OWN_FIRST), mfn(OWN_END), &dom[0]);
	spin_lock(&dom[0].p2m.lock);
	REQUIRE(!p2m_set_range(&dom[0], gfn(OWN_FIRST), mfn(OWN_FIRST), OWN_END - OWN_FIRST,
	                       P2M_RAM));
	spin_unlock(&dom[0].p2m.lock);
	/* Each frame says which one it is. */
	for (u64 n = OWN_FIRST; n < OWN_END; n++)
		*(u64 *)mfn_to_virt(mfn(n)) = n;
}
