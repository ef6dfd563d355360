/* SPDX-License-Identifier: GPL-2.0-only */
/* Three domains for the tests of event channels, and stand-ins for what event.c calls. */
#pragma once

#include "harness.h"
#include <handlers.h>
#include <page.h>
#include <stdlib.h>
#include <string.h>

#define DOMAINS 3
#define VCPUS   3

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

static bool single_threaded __attribute__((unused)) = true;

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
