/* SPDX-License-Identifier: GPL-2.0-only */
/* Grant tables, version 1 (core/grant.c). */
#pragma once

#include <spinlock.h>
#include <xen/xen.h>
#include <xen/grant_table.h>

struct domain;

#define GRANT_FRAMES_MAX 64
#define GRANTS_PER_FRAME (PAGE_SIZE / sizeof(grant_entry_v1_t))

struct grant_table {
	struct spinlock lock;
	u32 frames; /* in use; published when zeroed */
	u32 max_frames;
	mfn_t frame[GRANT_FRAMES_MAX]; /* hypervisor's frames */
	gfn_t gfn[GRANT_FRAMES_MAX];   /* under p2m.lock: where each is mapped, ~0 = nowhere */
};

int grant_init(struct domain *d);
void grant_destroy(struct domain *d);
/* The machine frame of table frame idx, growing the table up to it; INVALID_MFN beyond the limit.
 */
mfn_t grant_frame(struct domain *d, u32 idx);
void grant_dump(struct domain *d);
