/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The heap: random sizes, nothing overlaps, everything is zeroed and comes back.
 *
 * files: hypervisor/core/heap.c
 */
#include <stdlib.h>
#include <page.h>
#include <string.h>
#include "harness.h"

#define FRAMES 4096

static u64 next_frame, live;
static bool refuse;
struct page *page_table;
u64 page_max, page_hole_start, page_hole;

/* A page allocator that never uses a frame again, and fills what it gives with rubbish. */
mfn_t page_alloc_flags(u32 order, bool low, bool zero)
{
	u64 n = ROUND_UP(next_frame, BIT(order));

	(void)low;
	if (refuse || n + BIT(order) > FRAMES)
		return INVALID_MFN;
	next_frame = n + BIT(order);
	memset(mfn_to_virt(mfn(n)), zero ? 0 : 0x5a, PAGE_SIZE << order);
	for (u64 i = 0; i < BIT(order); i++)
		page_table[n + i].order = i ? PAGE_ORDER_INNER : (u8)order;
	live += BIT(order);
	return mfn(n);
}

mfn_t page_alloc(u32 order)
{
	return page_alloc_flags(order, false, true);
}

void page_free(mfn_t m, u32 order)
{
	CHECK_EQ(page_table[mfn_x(m)].order, order);
	memset(mfn_to_virt(m), 0xdb, PAGE_SIZE << order);
	live -= BIT(order);
}

static struct object {
	u8 *p;
	size_t size;
	u8 fill;
} object[2048];

static void check_object(const struct object *o)
{
	for (size_t i = 0; i < o->size; i++)
		if (o->p[i] != o->fill) {
			CHECK(!"an object was written by somebody else");
			return;
		}
}

static void new_object(struct object *o)
{
	static const size_t edge[] = {
		0, 1, 16, 17, 1008, 1009, 1344, 2032, 2033, 4096, 4097, 9000
	};

	o->size = unit_below(3) ? unit_below(300) : edge[unit_below(ARRAY_SIZE(edge))];
	o->fill = (u8)unit_random();
	o->p = heap_alloc(o->size);
	if (!o->p)
		return;
	CHECK(!((u64)o->p & 15));
	if (o->size >= PAGE_SIZE)
		CHECK(!((u64)o->p & (PAGE_SIZE - 1)));
	for (size_t i = 0; i < o->size; i++)
		if (o->p[i]) {
			CHECK(!"not zeroed");
			break;
		}
	memset(o->p, o->fill, o->size);
}

static void test_random(void)
{
	for (u32 i = 0; i < 60000; i++) {
		struct object *o = &object[unit_below(ARRAY_SIZE(object))];

		if (o->p) {
			check_object(o);
			heap_free(o->p);
			o->p = NULL;
		} else {
			new_object(o);
		}
		/* The stand-in never takes frames back: begin again before they run out. */
		if (next_frame > FRAMES - 64)
			break;
	}
	for (u32 i = 0; i < ARRAY_SIZE(object); i++) {
		if (!object[i].p)
			continue;
		check_object(&object[i]);
		heap_free(object[i].p);
	}
	CHECK_EQ(live, 0);
	CHECK(next_frame > 200);
}

/* Small objects share pages: 4 KiB for a thousand of 16 bytes would be waste. */
static void test_density(void)
{
	void *p[254];
	u64 before = live;

	for (u32 i = 0; i < ARRAY_SIZE(p); i++)
		p[i] = heap_alloc(16);
	CHECK_EQ(live, before + 1);
	for (u32 i = 0; i < ARRAY_SIZE(p); i++)
		heap_free(p[i]);
	CHECK_EQ(live, before);
}

static void test_refused(void)
{
	refuse = true;
	CHECK(!heap_alloc(100));
	CHECK(!heap_alloc(5000));
	CHECK(!heap_alloc(~0ULL));
	refuse = false;
	heap_free(NULL);
}

void unit_main(void)
{
	unit_ram_init(FRAMES * PAGE_SIZE);
	page_table = calloc(FRAMES, sizeof(struct page));
	page_max = FRAMES;
	test_density();
	test_refused();
	test_random();
	free(page_table);
}
