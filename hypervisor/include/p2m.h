/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A domain's guest-physical address space: nested page tables (arch/x86/virt/p2m.c).
 *
 * Locking: p2m->lock serialises changes. Lookups take no lock (entries are 64 bits, written whole);
 * whoever goes on to use the frame takes a reference with page_get and looks again, or holds the
 * lock.
 */
#pragma once

#include <paging.h>
#include <spinlock.h>
#include <xen/xen.h>

struct domain;
struct vcpu;

/* Kept in the software bits of leaf entries; 0 with a clear P bit means nothing there. */
enum p2m_type {
	P2M_NONE,
	P2M_RAM,      /* the domain's own frame */
	P2M_MMIO,     /* device memory, 1:1, control domain only */
	P2M_SHARED,   /* frame of the hypervisor: shared_info, grant table */
	P2M_FOREIGN,  /* another domain's frame, or of its grant table; holds a reference */
	P2M_GRANT_RW, /* granted frame, held by the grant's pin */
	P2M_GRANT_RO,
	P2M_ONES, /* the domain's page of ones: read-only, for reads of what does not exist */
};

struct p2m {
	struct spinlock lock;
	paddr_t root;
	u64 table_pages;     /* taken from the pool */
	u64 table_pages_max; /* pool size; the control domain's is unlimited (~0) */
	u64 changes;         /* counts whatever may have taken a frame away: see guestcopy.c */
	u64 max_gfn;         /* highest frame ever mapped, for XENMEM_maximum_gpfn */
	u64 cleared;         /* how far p2m_clear_all() is */
	struct pt_pool pool;
};

int p2m_init(struct domain *d);
/* How many frames of the domain `owner` d has mapped, granted or foreign. Looks at all of it. */
u64 p2m_count_foreign(const struct domain *d, domid_t owner);
void p2m_pool_for(struct domain *d, u64 pages); /* enough for this much RAM */
/*
 * The end of a dying domain, which no CPU runs: give back its frames and drop its references to
 * others'; then, when no lookup is under way any more, free the tables. Each does a part and
 * returns true when all is done.
 */
bool p2m_clear_all(struct domain *d);
bool p2m_free(struct domain *d);
void p2m_destroy(struct domain *d); /* what is left, when nobody can look any more */

/* What gfn maps to; INVALID_MFN and P2M_NONE when nothing. For mappings larger than 4 KiB as well.
 */
mfn_t p2m_lookup(const struct domain *d, gfn_t g, enum p2m_type *type);

/*
 * What g maps to, as p2m_lookup, for many lookups of one address space in a row. Good as long as
 * d->p2m.changes stands still.
 */
static inline mfn_t p2m_at(struct pt_cursor *c, gfn_t g, enum p2m_type *type)
{
	u64 e = pt_cursor_entry(c, gfn_x(g) << PAGE_SHIFT);

	*type = (e & PTE_SW_MASK) >> PTE_SW_SHIFT;
	return mfn((e & PTE_ADDR) >> PAGE_SHIFT);
}

/*
 * The frame behind gfn with a reference for the caller (drop with page_put, which ignores
 * frames that are not counted). -EFAULT when
 * nothing is there, when `write` and it is read-only, or when it is device memory.
 */
int p2m_get_page(struct domain *d, gfn_t g, bool write, mfn_t *out);

/*
 * Map 2^order frames, lock held. Only over nothing, or (order 0) over what the caller has just
 * looked up and disposed of. No flush: the caller flushes before it frees what was there. -ENOMEM.
 */
int p2m_set(struct domain *d, gfn_t g, mfn_t m, u32 order, enum p2m_type type);
/* Same for any size, with the largest leaves that fit; for building domains. */
int p2m_set_range(struct domain *d, gfn_t g, mfn_t m, u64 frames, enum p2m_type type);
/* Clear 2^order frames, lock held. */
int p2m_clear(struct domain *d, gfn_t g, u32 order);

/*
 * Make sure that no CPU still uses an old translation of d: every CPU that runs it has left the
 * guest and flushes before it comes back. Must happen between the removal of an entry and page_put.
 * Not from inside a lock other than p2m->lock.
 */
void domain_flush(struct domain *d);

/*
 * A nested fault that the tables do not explain. Control domain: maps device memory 1:1 or ends the
 * domain if the address is in the table of what is never mapped. Guests: a read maps the page of
 * ones, a write returns -EFAULT (the caller injects #GP). 0 = try again. arch/x86/virt/p2m.c
 */
int p2m_fault(struct vcpu *v, gpa_t at, bool write, bool exec);
/* Machine ranges that the control domain must never reach; boot only. Name shows in the message. */
void p2m_forbid(paddr_t start, u64 size, const char *name);
