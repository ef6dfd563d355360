/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A guest that grants pages to the control domain, looks at what becomes of them, and uses grants
 * of the control domain in turn: granter.h.
 */
#include "guest.h"
#include "granter.h"

#define ABOVE ((8ul << 30) / PAGE_SIZE) /* frame numbers where there is no RAM */

static uint32_t page[PAGES][WORDS] __attribute__((aligned(4096)));
static volatile grant_entry_v1_t *table;

static void *window(unsigned int n, uint64_t gfn)
{
	page_map(page_window(n), gfn * PAGE_SIZE, PG_KERNEL);
	return page_window(n);
}

static void grant(unsigned int n)
{
	volatile grant_entry_v1_t *e = &table[FIRST_REF + n];

	e->domid = 0;
	e->frame = (uint32_t)((uint64_t)page[n] / PAGE_SIZE);
	__atomic_store_n(&e->flags, GTF_permit_access | (n == READ_ONLY ? GTF_readonly : 0),
	                 __ATOMIC_RELEASE);
}

/* As every kernel ends a grant. */
static uint32_t end(unsigned int n)
{
	volatile grant_entry_v1_t *e = &table[FIRST_REF + n];
	uint16_t flags = e->flags;

	do {
		if (flags & (GTF_reading | GTF_writing))
			return 0;
	} while (!__atomic_compare_exchange_n(&e->flags, &flags, 0, false, __ATOMIC_SEQ_CST,
	                                      __ATOMIC_SEQ_CST));
	return 1;
}

static void use(struct mailbox *box)
{
	volatile uint32_t *theirs = window(1, ABOVE + 1);
	struct gnttab_map_grant_ref map = { .host_addr = (ABOVE + 1) * PAGE_SIZE,
		                            .flags = GNTMAP_host_map,
		                            .ref = box->ref };
	struct gnttab_unmap_grant_ref unmap = { .host_addr = map.host_addr };

	xen_grant(GNTTABOP_map_grant_ref, &map, 1);
	box->status = (uint32_t)map.status;
	if (map.status)
		return;
	box->value = theirs[0];
	theirs[1] = ~theirs[0];
	unmap.handle = map.handle;
	xen_grant(GNTTABOP_unmap_grant_ref, &unmap, 1);
	box->status = (uint32_t)unmap.status;
}

static void answer(struct mailbox *box)
{
	switch (box->request) {
	case PEEK:
		box->value = page[box->page % PAGES][box->index % WORDS];
		break;
	case END:
		box->value = end(box->page % PAGES);
		break;
	case USE:
		use(box);
		break;
	default:
		return;
	}
	__atomic_store_n(&box->request, NOTHING, __ATOMIC_RELEASE);
}

void test_main(void)
{
	struct sched_poll nap = { 0 };

	xen_map_shared();
	table = window(0, ABOVE);
	EXPECT_EQ(xen_add_to_physmap(XENMAPSPACE_grant_table, 0, ABOVE), 0);
	for (unsigned int n = 1; n < PAGES; n++) {
		for (unsigned int i = 0; i < WORDS; i++)
			page[n][i] = PATTERN(n, i);
		grant(n);
	}
	grant(0); /* last: whoever has the mailbox has all of them */
	for (;;) {
		answer((struct mailbox *)page[0]);
		nap.timeout = time_now() + 50000;
		xen_sched(SCHEDOP_poll, &nap);
	}
}
