/* SPDX-License-Identifier: GPL-2.0-only */
/* Grant tables, version 1 (core/grant.c). */
#pragma once

#include <spinlock.h>
#include <xen/xen.h>
#include <xen/grant_table.h>

struct domain;

#define GRANT_FRAMES_MAX 64
#define GRANTS_PER_FRAME (PAGE_SIZE / sizeof(grant_entry_v1_t))

#define MAPTRACK_FRAMES_MAX 1024
#define MAPTRACKS_PER_FRAME (PAGE_SIZE / sizeof(struct maptrack))

/* A grant in use, as it was when it was accepted: what its entry says later does not matter. */
struct grant_active {
	mfn_t frame; /* with a reference as long as there are pins */
	domid_t domid;
	u16 readers, writers; /* pins: mappings, and copies while they last */
};

/* A grant of another domain that this one has mapped; its handle is the index. */
struct maptrack {
	struct domain *from; /* with a reference */
	u64 gfn : 40;        /* where it is mapped; in a free one the next free handle + 1 */
	u64 ref : 16;
	u64 write : 1;
	u64 state : 2; /* enum maptrack_state */
};

enum maptrack_state {
	MAPTRACK_FREE,
	MAPTRACK_BUSY, /* being made, or being taken away */
	MAPTRACK_MAPPED,
};

struct grant_table {
	struct spinlock lock;
	u32 frames; /* in use; published when zeroed */
	u32 max_frames;
	mfn_t frame[GRANT_FRAMES_MAX]; /* PAGE_SHARED */
	gfn_t gfn[GRANT_FRAMES_MAX];   /* under p2m.lock: where each is mapped, ~0 = nowhere */
	struct grant_active *active[GRANT_FRAMES_MAX]; /* a page of entries each */
	struct maptrack **track;                       /* NULL until the domain maps something */
	u32 track_frames, track_frames_max;
	u32 track_free;   /* first free handle + 1, 0 = none */
	u32 release_next; /* how far grant_release_mappings() is */
};

/* The limits max_frames and track_frames_max are set before, 0 for the most that there can be. */
int grant_init(struct domain *d);
/* When nobody can reach d any more: all mappings, d's own and those of its frames, are gone. */
void grant_destroy(struct domain *d);
/* The machine frame of table frame idx, growing the table up to it; INVALID_MFN beyond the limit.
 */
mfn_t grant_frame(struct domain *d, u32 idx);
/*
 * Use grant `ref` of d on behalf of `by`, until grant_unpin(): the frame stays, and the entry says
 * so. Returns GNTST_*.
 */
s16 grant_pin(struct domain *d, u32 ref, domid_t by, bool write, mfn_t *out);
void grant_unpin(struct domain *d, u32 ref, bool write);
/* What is known of a grant that is pinned. */
struct grant_active *grant_active(const struct grant_table *t, u32 ref);
void grant_dump(struct domain *d);

/* --- grant_map.c ------------------------------------------------------------ */

/*
 * Part of the end of d, whose vCPUs run no more: unmap what it has mapped of others. Does some of
 * it a call; true: there is more. Then its address space has no granted frame left.
 */
bool grant_release_mappings(struct domain *d);
/* Invariants of what d has mapped; number of violations, each logged. */
u32 grant_check(struct domain *d);

/* --- memory.c: the places of granted frames --------------------------------- */

/* -EINVAL: not an address, or another domain's frame is there; -ENOMEM. */
int memory_map_grant(struct domain *d, gfn_t g, mfn_t m, bool write);
/* The caller flushes before it unpins the grant. */
int memory_unmap_grant(struct domain *d, gfn_t g);
