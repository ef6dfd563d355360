/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Page frames and the window: addresses in the high half where a test maps
 * any frame as it likes, beside the identity map of the first 4 GiB.
 */
#include "guest.h"

#define POOL_PAGES 1024
#define ENTRY_ADDR 0x000ffffffffff000ul

extern uint64_t page_pml4[512];

static uint8_t pool[POOL_PAGES][4096] __attribute__((aligned(4096)));
static unsigned int pool_used;

/* Frames are never given back: a test lives for a second. */
void *page_alloc(void)
{
	unsigned int n = __atomic_fetch_add(&pool_used, 1, __ATOMIC_RELAXED);

	if (n >= POOL_PAGES) {
		check_fail(__FILE__, __LINE__, "out of pages");
		check_verdict();
	}
	return memset(pool[n], 0, PAGE_SIZE);
}

static uint64_t *entry_of(void *va)
{
	uint64_t *table = page_pml4, *e;
	int shift;

	for (shift = 39; shift > 12; shift -= 9) {
		e = &table[(uint64_t)va >> shift & 511];
		if (!(*e & PG_P))
			*e = (uint64_t)page_alloc() | PG_USER;
		table = (uint64_t *)(*e & ENTRY_ADDR);
	}
	return &table[(uint64_t)va >> 12 & 511];
}

void page_map(void *va, uint64_t pa, uint64_t flags)
{
	*(volatile uint64_t *)entry_of(va) = pa | flags;
	invlpg(va);
}

void page_unmap(void *va)
{
	*(volatile uint64_t *)entry_of(va) = 0;
	invlpg(va);
}

void *page_window(unsigned int n)
{
	return (void *)(PAGE_WINDOW + n * PAGE_SIZE);
}
