/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A hypervisor for tests: domains with memory, ports, parameters and a grant table, behind the
 * functions of libxencall and libxenforeignmemory. It refuses what the real one would, and on
 * request any one call.
 */
#pragma once

#include "hyper.h"

#define FAKE_DOMAINS 300
#define FAKE_GFNS    0x200000ul

struct fake_domain {
	bool there, started, vcpu_set;
	uint32_t id, pauses, max_vcpus, vcpus, ports, map_count;
	uint8_t handle[16];
	uint64_t max_pages, pages;
	uint64_t params[64];
	uint8_t **part[FAKE_GFNS / 512]; /* 512 frames each; see fake_frame() */
	uint8_t grants[4096], map[256];
	uint64_t rip, rbx;
	uint16_t weight, cap;
};

extern struct fake_domain *fake_domain[FAKE_DOMAINS];
extern uint64_t fake_free_pages;
/* Count of calls; the one with the number `fake_fail_at` fails with `fake_fail_with`. */
extern unsigned fake_calls, fake_fail_at;
extern int fake_fail_with;
/* From this many populated pages on there is no memory left. */
extern uint64_t fake_populate_limit;
/* More than so many pages cannot be claimed. */
extern uint64_t fake_claim_limit;
/* 2 MiB extents are refused. */
extern bool fake_no_large;
/* The file that is cut short while a domain is created. */
extern const char *fake_cut_file;
extern unsigned fake_large;

void fake_xen_reset(void);
/* Where the page of that frame is noted: NULL with no memory there, a page of zeroes before a
 * write. NULL, unless `make`, where there is nothing around it. */
uint8_t **fake_frame(struct fake_domain *d, uint64_t gfn, bool make);
/* Read a guest's memory. False where there is none. */
bool fake_read(struct fake_domain *d, uint64_t at, void *to, size_t size);
/* The message ring, as a string; a read that clears it empties it. */
extern char fake_messages[65536];
/* What appears in the ring behind the next read that finds its end. */
extern const char *fake_late_message;
/* Further flags of its getdomaininfo: a shutdown with its reason. */
extern uint32_t fake_flags[FAKE_DOMAINS];
