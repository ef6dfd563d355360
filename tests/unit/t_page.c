/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The page allocator: random operations beside a model that knows each frame's owner.
 *
 * files: hypervisor/core/page.c
 */
#include <pthread.h>
#include <stdlib.h>
#include <domain.h>
#include <page.h>
#include <string.h>
#include "harness.h"

/* RAM at [0, 48 MiB) without a hole-sized piece, and at [4 GiB, 4 GiB + 80 MiB). */
#define LOW_END   (48 * MIB >> PAGE_SHIFT)
#define HOLE      0x9f
#define HOLE_END  0x100
#define HIGH      (4 * GIB >> PAGE_SHIFT)
#define HIGH_END  (HIGH + (80 * MIB >> PAGE_SHIFT))
#define RAM_COUNT (LOW_END - (HOLE_END - HOLE) + HIGH_END - HIGH)

static struct domain dom[2];
struct domain *domain_list;

struct domain *domain_get(domid_t id)
{
	return id < 2 ? &dom[id] : NULL;
}

void domain_put(struct domain *d)
{
	(void)d;
}

/* Who has each frame, as the test believes. */
enum {
	NOT_RAM,
	FREE,
	HV,
	DOM0,
	DOM1
};
static u8 *model;
static u64 model_free;

static struct block {
	u64 n;
	u32 order;
	u8 who;
	u32 refs;
} block[4096];
static u32 blocks;

static void add(u64 start, u64 end)
{
	page_add_free(mfn(start), mfn(end));
	memset(model + start, FREE, end - start);
	model_free += end - start;
}

static void set_up(void)
{
	unit_ram_init(HIGH_END << PAGE_SHIFT);
	page_max = HIGH_END;
	page_hole_start = LOW_END;
	page_hole = HIGH - LOW_END;
	page_table = malloc((page_max - page_hole) * sizeof(struct page));      /* as at boot: */
	memset(page_table, 0xa5, (page_max - page_hole) * sizeof(struct page)); /* not zeroed */
	model = calloc(page_max, 1);
	for (u32 i = 0; i < 2; i++) {
		dom[i].id = (domid_t)i;
		dom[i].max_pages = 8000;
	}
	dom[0].next = &dom[1];
	domain_list = &dom[0];
	page_set_none(mfn(HOLE), mfn(HOLE_END));
	add(0, HOLE);
	add(HOLE_END, LOW_END);
	add(HIGH, HIGH_END);
	CHECK_EQ(page_free_count(), RAM_COUNT);
	CHECK_EQ(page_check(), 0);
}

static void check_new(const struct block *b, bool low, bool zeroed)
{
	CHECK(!(b->n & (BIT(b->order) - 1)));
	if (low)
		CHECK(b->n + BIT(b->order) <= HIGH);
	for (u64 i = b->n; i < b->n + BIT(b->order); i++) {
		u64 *p = paddr_to_virt(i << PAGE_SHIFT);

		REQUIRE(i < page_max && model[i] == FREE);
		model[i] = b->who;
		if (zeroed)
			CHECK(!p[0] && !p[255] && !p[511]);
		p[0] = p[255] = p[511] = 0x6b6b6b6b6b6b6b6b + i;
	}
	model_free -= BIT(b->order);
}

static void op_alloc(void)
{
	struct block b = { .order = unit_below(4) ? unit_below(4) : unit_below(15), .refs = 1 };
	bool low = !unit_below(4), zero = unit_below(2);
	struct domain *d = NULL;
	u64 before = 0;
	mfn_t m;

	if (blocks == ARRAY_SIZE(block))
		return;
	b.who = (u8)(HV + unit_below(3));
	if (b.who == HV) {
		m = page_alloc_flags(b.order, low, zero);
	} else {
		d = &dom[b.who - DOM0];
		before = d->tot_pages;
		m = page_alloc_domain(d, b.order);
	}
	if (!mfn_valid_box(m)) {
		if (d)
			CHECK_EQ(d->tot_pages, before);
		/* A single frame is refused only if there is none, or the limit is reached. */
		if (b.order == 0 && !(d && d->tot_pages >= d->max_pages) && !low)
			CHECK_EQ(model_free, 0);
		return;
	}
	if (d) {
		CHECK_EQ(d->tot_pages, before + BIT(b.order));
		CHECK(d->tot_pages <= d->max_pages);
	}
	b.n = mfn_x(m);
	check_new(&b, low && !d, d || zero);
	block[blocks++] = b;
}

static void op_free(void)
{
	struct block *b;
	u32 i;

	if (!blocks)
		return;
	i = (u32)unit_below(blocks);
	b = &block[i];
	if (b->who == HV) {
		page_free(mfn(b->n), b->order);
	} else if (--b->refs) {
		for (u64 n = 0; n < BIT(b->order); n++)
			page_put(mfn(b->n + n));
		return;
	} else {
		for (u64 n = 0; n < BIT(b->order); n++)
			page_put(mfn(b->n + n));
	}
	memset(model + b->n, FREE, BIT(b->order));
	model_free += BIT(b->order);
	block[i] = block[--blocks];
}

/* One more reference to each frame of a block, by its owner's name, nobody's, or a wrong one. */
static void op_get(void)
{
	struct domain *by;
	struct block *b;
	bool right;

	if (!blocks)
		return;
	b = &block[unit_below(blocks)];
	switch (unit_below(3)) {
	case 0:
		by = NULL;
		break;
	case 1:
		by = b->who == HV ? &dom[0] : &dom[b->who - DOM0];
		break;
	default:
		by = b->who == HV ? &dom[1] : &dom[1 - (b->who - DOM0)];
	}
	right = b->who != HV && (!by || by == &dom[b->who - DOM0]);
	for (u64 n = 0; n < BIT(b->order); n++)
		CHECK(page_get(mfn(b->n + n), by) == right);
	b->refs += right;
}

static void test_random(void)
{
	for (u32 i = 0; i < 60000; i++) {
		u64 what = unit_below(16);

		/* Waves: first it fills up, then it empties. */
		if (what < (i / 5000 % 2 ? 5 : 9))
			op_alloc();
		else if (what < 14)
			op_free();
		else
			op_get();
		CHECK_EQ(page_free_count(), model_free);
		if (i % 2000 == 0)
			CHECK_EQ(page_check(), 0);
	}
	while (blocks)
		op_free();
	CHECK_EQ(page_check(), 0);
	CHECK_EQ(page_free_count(), RAM_COUNT);
	CHECK_EQ(dom[0].tot_pages, 0);
	CHECK_EQ(dom[1].tot_pages, 0);
	CHECK_EQ(page_hypervisor_bytes(), 0);
}

/* All joined again: the largest block that RAM has room for is there. */
static void test_joined(void)
{
	mfn_t m = page_alloc_flags(14, false, false), low = page_alloc_flags(12, true, false);

	CHECK_EQ(mfn_x(m), HIGH);
	CHECK(mfn_x(low) == 0x1000 || mfn_x(low) == 0x2000);
	page_free(m, 14);
	page_free(low, 12);
	CHECK(!mfn_valid_box(page_alloc(15)));
	CHECK(!mfn_valid_box(page_alloc(PAGE_ORDER_MAX + 1)));
	CHECK(!mfn_valid_box(page_alloc_domain(&dom[0], PAGE_ORDER_MAX + 1)));
}

static void test_limit(void)
{
	mfn_t got[10];

	dom[0].max_pages = 9;
	for (u32 i = 0; i < 9; i++)
		CHECK(mfn_valid_box(got[i] = page_alloc_domain(&dom[0], 0)));
	CHECK(!mfn_valid_box(page_alloc_domain(&dom[0], 0)));
	page_put(got[8]);
	CHECK(!mfn_valid_box(page_alloc_domain(&dom[0], 1)));
	CHECK(mfn_valid_box(got[8] = page_alloc_domain(&dom[0], 0)));
	dom[0].max_pages = 4; /* lowered below what it has */
	CHECK(!mfn_valid_box(page_alloc_domain(&dom[0], 0)));
	for (u32 i = 0; i < 9; i++)
		page_put(got[i]);
	CHECK_EQ(dom[0].tot_pages, 0);
	dom[0].max_pages = 8000;
}

static u64 take_all(struct domain *d, mfn_t *got)
{
	u64 n = 0;

	while (mfn_valid_box(got[n] = page_alloc_domain(d, 0)))
		n++;
	return n;
}

/* What one domain has claimed no other gets, and it gets that itself. */
static void test_claim(void)
{
	u64 all = page_free_count(), n;
	mfn_t *got = calloc(all + 1, sizeof(*got)), own[9];

	for (u32 i = 0; i < 2; i++)
		dom[i].max_pages = all;
	own[0] = page_alloc_domain(&dom[0], 0);
	CHECK_EQ(page_claim(&dom[0], 1), -EINVAL);
	CHECK_EQ(page_claim(&dom[0], all + 1), -EINVAL);
	CHECK_EQ(page_claim(&dom[0], 9), 0);
	CHECK_EQ(page_claim(&dom[0], 9), -EINVAL);
	CHECK_EQ(page_claim(&dom[1], all - 8), -ENOMEM);
	CHECK_EQ(page_claimed_count(), 8);
	n = take_all(&dom[1], got);
	CHECK_EQ(n, all - 9);
	for (u32 i = 1; i < 9; i++)
		CHECK(mfn_valid_box(own[i] = page_alloc_domain(&dom[0], 0)));
	CHECK_EQ(page_claimed_count() | dom[0].claim | page_free_count(), 0);
	CHECK_EQ(page_claim(&dom[0], 10), -ENOMEM);
	while (n)
		page_put(got[--n]);
	/* One that ends has no claim any more; beyond it there is no more than for others. */
	CHECK_EQ(page_claim(&dom[0], 19), 0);
	CHECK_EQ(page_claim(&dom[1], 11), 0);
	CHECK_EQ(page_check(), 0);
	CHECK_EQ(page_claim(&dom[0], 0), 0);
	CHECK_EQ(page_claimed_count(), 11);
	n = take_all(&dom[0], got);
	CHECK_EQ(n, all - 9 - 11);
	while (n)
		page_put(got[--n]);
	CHECK_EQ(page_claim(&dom[1], 0), 0);
	dom[1].dying = true;
	CHECK_EQ(page_claim(&dom[1], 11), -EINVAL);
	dom[1].dying = false;
	for (u32 i = 0; i < 9; i++)
		page_put(own[i]);
	CHECK_EQ(page_claimed_count(), 0);
	CHECK_EQ(page_free_count(), all);
	dom[0].max_pages = dom[1].max_pages = 8000;
	free(got);
}

/* Frames that cannot be had, whatever is tried. */
static void test_refused(void)
{
	mfn_t hv = page_alloc(0);

	CHECK(!page_get(mfn(HOLE), NULL));
	CHECK(!page_get(hv, NULL));
	CHECK(!page_get(mfn(page_max), NULL));
	for (u64 n = LOW_END - 1; n <= HIGH; n += n == LOW_END ? HIGH - LOW_END - 1 : 1)
		CHECK_EQ(mfn_valid(mfn(n)), n == LOW_END - 1 || n == HIGH);
	CHECK(!page_get(mfn(LOW_END), NULL));
	CHECK(!page_get(mfn(HIGH - 1), NULL));
	CHECK(!page_get(INVALID_MFN, NULL));
	CHECK(!page_get(mfn(LOW_END - 1), NULL)); /* free */
	page_put(hv);
	page_put(INVALID_MFN);
	page_put(mfn(HOLE));
	CHECK_EQ(mfn_to_page(hv)->state, PAGE_HYPERVISOR);
	page_free(hv, 0);
}

/* The boot's own frames: released in any shape, joined with the rest; a domain's first frames. */
static void test_boot(void)
{
	u64 before;

	page_set_none(mfn(HOLE), mfn(HOLE + 16));
	page_set_hypervisor(mfn(HOLE), mfn(HOLE + 7));
	CHECK_EQ(page_hypervisor_bytes(), 7 * PAGE_SIZE);
	before = page_free_count();
	page_release(mfn(HOLE), mfn(HOLE + 7));
	CHECK_EQ(page_free_count(), before + 7);
	CHECK_EQ(page_hypervisor_bytes(), 0);
	page_set_domain(mfn(HOLE + 7), mfn(HOLE + 16), &dom[1]);
	CHECK_EQ(dom[1].tot_pages, 9);
	CHECK(page_get(mfn(HOLE + 8), &dom[1]));
	CHECK(!page_get(mfn(HOLE + 8), &dom[0]));
	page_put(mfn(HOLE + 8));
	CHECK_EQ(page_check(), 0);
	for (u64 n = HOLE + 7; n < HOLE + 16; n++)
		page_put(mfn(n));
	CHECK_EQ(dom[1].tot_pages, 0);
	CHECK_EQ(page_check(), 0);
}

static void test_self_check(void)
{
	mfn_t m = page_alloc(0);
	struct page *pg = mfn_to_page(m);

	pg->count = 1;
	CHECK(page_check() > 0);
	pg->count = 0;
	pg->state = PAGE_DOMAIN;
	CHECK(page_check() > 0);
	pg->state = PAGE_FREE;
	CHECK(page_check() > 0);
	pg->state = PAGE_HYPERVISOR;
	CHECK_EQ(page_check(), 0);
	dom[1].tot_pages = 1;
	CHECK(page_check() > 0);
	dom[1].tot_pages = 0;
	page_free(m, 0);
}

/* Threads that look for frames which others free and get anew: no reference may stray. */
static u64 shared_frame[64];

static void *racer(void *arg)
{
	struct domain *d = arg;
	u64 state = (u64)d, i, n;

	for (u32 round = 0; round < 100000; round++) {
		state = state * 6364136223846793005ULL + 1442695040888963407ULL;
		i = state >> 58;
		n = __atomic_load_n(&shared_frame[i], __ATOMIC_RELAXED);
		if (round % 3) {
			if (page_get(mfn(n), round % 2 ? d : NULL))
				page_put(mfn(n));
			continue;
		}
		n = __atomic_exchange_n(&shared_frame[i], ~0ULL, __ATOMIC_ACQ_REL);
		if (n != ~0ULL)
			page_put(mfn(n));
		n = mfn_x(page_alloc_domain(d, 0));
		n = __atomic_exchange_n(&shared_frame[i], n, __ATOMIC_ACQ_REL);
		if (n != ~0ULL)
			page_put(mfn(n));
	}
	return NULL;
}

static void test_race(void)
{
	pthread_t t[2];

	memset(shared_frame, 0xff, sizeof(shared_frame));
	for (u32 i = 0; i < 2; i++)
		REQUIRE(pthread_create(&t[i], NULL, racer, &dom[i]) == 0);
	for (u32 i = 0; i < 2; i++)
		pthread_join(t[i], NULL);
	for (u32 i = 0; i < ARRAY_SIZE(shared_frame); i++)
		page_put(mfn(shared_frame[i]));
	CHECK_EQ(dom[0].tot_pages + dom[1].tot_pages, 0);
	CHECK_EQ(page_check(), 0);
}

static void test_double_free(void)
{
	mfn_t m = page_alloc(3);

	page_free(m, 3);
	EXPECT_PANIC("PAGE_HYPERVISOR", page_free(m, 3));
}

void unit_main(void)
{
	set_up();
	test_random();
	test_joined();
	test_limit();
	test_claim();
	test_refused();
	test_boot();
	test_self_check();
	test_race();
	test_double_free(); /* last: its panic leaves the lock held */
	free(page_table);
	free(model);
}
