/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Ticket locks: fair, so that no CPU starves even when an emulator ends time slices inside them.
 *
 * The hypervisor runs with interrupts off, so a lock needs no interrupt-safe variant. Inside a lock
 * nothing may exit, wait for another CPU, or touch APIC registers.
 */
#pragma once

#include <asm.h>

struct spinlock {
	u16 next;  /* the ticket that the next caller draws */
	u16 owner; /* the ticket being served */
};

static inline void spin_lock(struct spinlock *l)
{
	u16 ticket = __atomic_fetch_add(&l->next, 1, __ATOMIC_RELAXED);

	while (__atomic_load_n(&l->owner, __ATOMIC_ACQUIRE) != ticket)
		cpu_pause();
}
static inline void spin_unlock(struct spinlock *l)
{
	__atomic_store_n(&l->owner, (u16)(l->owner + 1), __ATOMIC_RELEASE);
}
static inline bool spin_trylock(struct spinlock *l)
{
	u16 owner = __atomic_load_n(&l->owner, __ATOMIC_ACQUIRE);
	u16 expect = owner;

	return __atomic_compare_exchange_n(&l->next, &expect, (u16)(owner + 1), false,
	                                   __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}
static inline bool spin_is_locked(const struct spinlock *l)
{
	return READ_ONCE(l->next) != READ_ONCE(l->owner);
}
/* Two locks of one kind: always by address, so that no two callers wait for each other. */
static inline void spin_lock_both(struct spinlock *a, struct spinlock *b)
{
	if (a == b) {
		spin_lock(a);
		return;
	}
	spin_lock(a < b ? a : b);
	spin_lock(a < b ? b : a);
}
static inline void spin_unlock_both(struct spinlock *a, struct spinlock *b)
{
	spin_unlock(a);
	if (a != b)
		spin_unlock(b);
}
