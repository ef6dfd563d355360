/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Scheduling: what sched.c (who is where) and sched_fair.c (whose turn it is) keep of domains, and
 * the contract between the two.
 */
#pragma once

#include <spinlock.h>

struct cpu;
struct domain;
struct vcpu;

#define SCHED_WEIGHT         256  /* of a guest */
#define SCHED_WEIGHT_CONTROL 2048 /* of the control domain: guests wait for what it does */

/* A domain's share. `lock` protects all of it; weight and cap are read without. */
struct sched_domain {
	struct spinlock lock;
	u16 weight;     /* of each vCPU */
	u16 cap;        /* of the domain, in per cent of one CPU; 0: none */
	u64 budget;     /* ns of the present period that nobody has taken yet */
	u64 period_end; /* ns; when there is a new budget */
};

/* --- sched_fair.c: all under c->sched_lock ---------------------------------- */

extern u64 fair_turn_min; /* ns that nobody loses the CPU before */
/* Bring c->running's account up to date. */
void fair_charge(struct cpu *c, u64 now);
/* v, in no queue and charged nowhere, begins to wait here. True: c has to pick again. */
bool fair_enter(struct cpu *c, struct vcpu *v, bool woken, u64 now);
/* v, which waits or runs here, does so no longer. */
void fair_leave(struct cpu *c, struct vcpu *v);
/* c->running did not go on; it waits now. */
void fair_requeue(struct cpu *c, struct vcpu *v);
/* Who should run, still in the queue unless it is c->running, which may be kept if it `stays`. */
struct vcpu *fair_choose(struct cpu *c, bool stays, u64 now);
/* v has just become or stays c->running. Sets c->turn_end. */
void fair_begin(struct cpu *c, struct vcpu *v, u64 now);
/* v waits, and goes ahead of all guests. True: c has to pick again. */
bool fair_urgent(struct cpu *c, struct vcpu *v, u64 now);
/* v's domain has a new weight or cap; c picks again afterwards. */
void fair_changed(struct cpu *c, struct vcpu *v, u64 now);
/* One that waits and may run on `to` as well, taken out; NULL if there is none. */
struct vcpu *fair_steal(struct cpu *c, const struct cpu *to);
/* Both locked: v, which waits on c, would run on `to` by now, and may. */
bool fair_behind(struct cpu *c, const struct vcpu *v, struct cpu *to, u64 now);

/* --- for hypercalls and tools ------------------------------------------------ */

/* -EINVAL: a cap above all of its vCPUs' CPUs. A weight of 0 stays as it is. */
int sched_domain_set(struct domain *d, u16 weight, u16 cap);
/* CPUs that v may and should run on, bit n for CPU n; NULL: as it is. -EINVAL: none of them. */
int vcpu_set_affinity(struct vcpu *v, const u64 *hard, const u64 *soft);
u64 sched_online(void); /* CPUs that there are */
