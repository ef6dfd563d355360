/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The copy between the control domain and a guest, against a model of the guest's RAM with holes:
 * every byte arrives, none beyond what was asked for is touched, and no reference is left.
 *
 * files: hypervisor/core/copy.c hypervisor/core/memory.c hypervisor/core/grant.c
 * files: hypervisor/core/page.c hypervisor/core/heap.c
 * files: hypervisor/arch/x86/virt/p2m.c hypervisor/arch/x86/paging.c
 */
#include "memory_domains.h"

#define GUEST_RAM 200 /* frame numbers; each seventh is a hole */
#define FOREIGN   20  /* a frame of the control domain is there, which is not the guest's RAM */
#define BIG       (150 * PAGE_SIZE)

static u8 model[GUEST_RAM][PAGE_SIZE];

static bool ram(u64 g)
{
	return g < GUEST_RAM && g % 7 != 3 && g != FOREIGN;
}

static void fill_guest(void)
{
	spin_lock(&dom[1].p2m.lock);
	for (u64 g = 0; g < GUEST_RAM; g++) {
		mfn_t m = mfn(OWN_FIRST);

		if (ram(g)) {
			m = page_alloc_domain(&dom[1], 0);
			memset(mfn_to_virt(m), (int)g, PAGE_SIZE);
			memset(model[g], (int)g, PAGE_SIZE);
		}
		if (ram(g) || g == FOREIGN)
			REQUIRE(!p2m_set(&dom[1], gfn(g), m, 0, ram(g) ? P2M_RAM : P2M_FOREIGN));
	}
	spin_unlock(&dom[1].p2m.lock);
}

static void check_idle(void)
{
	enum p2m_type type;

	for (u32 d = 0; d < DOMAINS; d++)
		CHECK_EQ(refs(d), 1);
	for (u64 g = 0; g < GUEST_RAM; g++) {
		mfn_t m = p2m_lookup(&dom[1], gfn(g), &type);

		CHECK_EQ(type == P2M_RAM, ram(g));
		if (type != P2M_RAM)
			continue;
		CHECK_EQ(mfn_to_page(m)->count, 1);
		CHECK(!memcmp(mfn_to_virt(m), model[g], PAGE_SIZE));
	}
}

static s64 copy(const struct froe_copy *op, u32 *rounds)
{
	struct froe_copy arg = *op;
	s64 rc = call(0, FROE_OP_copy, do_froe_copy, &arg, rounds);

	CHECK(!memcmp(&arg, op, sizeof(arg)));
	return rc;
}

static void make_noise(u8 *p, u64 n)
{
	for (u64 i = 0; i < n; i++)
		p[i] = (u8)unit_random();
}

/* --- ranges ---------------------------------------------------------------------------- */

/* How much of it there is before the first hole; what of it is copied is copied in the model. */
static u64 model_range(u64 at, u64 size, u8 *buffer, bool write)
{
	u64 done = 0;

	for (; done < size && ram((at + done) >> PAGE_SHIFT); done++) {
		u8 *byte = &model[(at + done) >> PAGE_SHIFT][(at + done) & ~PAGE_MASK];

		if (write)
			*byte = buffer[done];
		else
			CHECK_EQ(buffer[done], *byte);
	}
	return done;
}

static void test_ranges(void)
{
	u32 rounds, restarts = 0, cut = 0;

	for (u32 i = 0; i < 600; i++) {
		u64 size = unit_below(unit_below(8) ? 3 * PAGE_SIZE : BIG) + 1;
		u64 at = unit_below((GUEST_RAM + 3) * PAGE_SIZE), want;
		bool write = unit_below(2);
		u8 *buffer = malloc(size); /* one byte too far is found out */
		struct froe_copy op = { .domid = 1,
			                .flags = write ? FROE_COPY_TO_GUEST : 0,
			                .at = at,
			                .size = size,
			                .buffer = (u64)buffer };
		s64 rc;

		if (write)
			make_noise(buffer, size);
		rc = copy(&op, &rounds);
		want = model_range(at, size, buffer, write);
		CHECK_EQ(rc, want ? (s64)want : -EFAULT);
		restarts += rounds > 0;
		cut += rc > 0 && want < size;
		free(buffer);
		if (i % 20 == 0)
			check_idle();
	}
	CHECK(cut > 50);
	CHECK_EQ(restarts, 0); /* no run of RAM is that long */
	check_idle();
}

/* A long one lets others through, and says what all of its parts have done. */
static void test_restart(void)
{
	u64 first = GUEST_RAM + 100, size = 150 * PAGE_SIZE - 77;
	u8 *out = malloc(size), *back = calloc(1, size);
	struct froe_copy op = { .domid = 1,
		                .flags = FROE_COPY_TO_GUEST,
		                .at = (first << PAGE_SHIFT) + 33,
		                .size = size,
		                .buffer = (u64)out };
	u32 rounds;

	spin_lock(&dom[1].p2m.lock);
	for (u64 g = first; g < first + 150; g++)
		REQUIRE(!p2m_set(&dom[1], gfn(g), page_alloc_domain(&dom[1], 0), 0, P2M_RAM));
	spin_unlock(&dom[1].p2m.lock);
	make_noise(out, size);
	CHECK_EQ(copy(&op, &rounds), size);
	CHECK_EQ(rounds, 2);
	op.flags = 0;
	op.buffer = (u64)back;
	CHECK_EQ(copy(&op, &rounds), size);
	CHECK(!memcmp(out, back, size));
	free(out);
	free(back);
	check_idle();
}

/* --- lists ----------------------------------------------------------------------------- */

static void test_lists(void)
{
	static u64 gfns[GUEST_RAM];
	static s32 errors[GUEST_RAM];
	u32 rounds, restarts = 0;

	for (u32 i = 0; i < 300; i++) {
		u32 n = 1 + (u32)unit_below(unit_below(4) ? 8 : GUEST_RAM), good = 0;
		bool write = unit_below(2), tell = unit_below(2);
		u8 *buffer = malloc(n * PAGE_SIZE);
		struct froe_copy op = { .domid = 1,
			                .flags = FROE_COPY_LIST | (write ? FROE_COPY_TO_GUEST : 0),
			                .count = n,
			                .at = (u64)gfns,
			                .buffer = (u64)buffer,
			                .errors = tell ? (u64)errors : 0 };
		s64 rc;

		make_noise(buffer, n * PAGE_SIZE);
		for (u32 j = 0; j < n; j++) {
			gfns[j] = tell || unit_below(30) ? unit_below(GUEST_RAM) / 7 * 7
			                                 : unit_random();
			gfns[j] += tell ? unit_below(7) : 0;
			errors[j] = 1;
		}
		rc = copy(&op, &rounds);
		restarts += rounds > 0;
		for (; good < n && (tell || ram(gfns[good])); good++) {
			u8 *part = buffer + good * PAGE_SIZE;

			CHECK(!tell || errors[good] == (ram(gfns[good]) ? 0 : -EFAULT));
			if (ram(gfns[good]))
				CHECK_EQ(model_range(gfns[good] << PAGE_SHIFT, PAGE_SIZE, part,
				                     write),
				         PAGE_SIZE);
		}
		CHECK_EQ(rc, good ? (s64)good : -EFAULT);
		free(buffer);
	}
	CHECK(restarts > 10);
	check_idle();
}

/* --- what is refused --------------------------------------------------------------------- */

static void test_wrong(void)
{
	static u8 buffer[2 * PAGE_SIZE];
	static u64 gfns[2] = { 0, 1 };
	const struct froe_copy good = { .domid = 1, .size = 16, .buffer = (u64)buffer };
	struct hypercall c = { .v = &vcpu[0], .d = &dom[0], .a = { 0, 0, 17 } };
	struct froe_copy op = good;
	u32 rounds;

	CHECK_EQ(copy(&op, &rounds), 16);
	op.flags = 4;
	CHECK_EQ(copy(&op, &rounds), -EINVAL);
	op = good;
	op.domid = 0;
	CHECK_EQ(copy(&op, &rounds), -EINVAL);
	op.domid = 9;
	CHECK_EQ(copy(&op, &rounds), -ESRCH);
	op = good;
	op.at = -8ULL;
	CHECK_EQ(copy(&op, &rounds), -EINVAL);
	op = good;
	op.buffer = -8ULL;
	CHECK_EQ(copy(&op, &rounds), -EINVAL);
	op = good;
	op.size = 1ULL << 63;
	op.buffer = 0;
	CHECK_EQ(copy(&op, &rounds), -EINVAL);
	op = good;
	op.size = 0;
	CHECK_EQ(copy(&op, &rounds), 0);
	op = good;
	CHECK_EQ(do_froe_copy(&c, &op), -EINVAL); /* more is done than there is to do */
	op.buffer = (u64)hole;
	CHECK_EQ(copy(&op, &rounds), -EFAULT);
	op.flags = FROE_COPY_TO_GUEST;
	CHECK_EQ(copy(&op, &rounds), -EFAULT);
	op = (struct froe_copy){ .domid = 1,
		                 .flags = FROE_COPY_LIST,
		                 .count = 2,
		                 .at = (u64)hole,
		                 .buffer = (u64)buffer };
	CHECK_EQ(copy(&op, &rounds), -EFAULT);
	op.at = (u64)gfns;
	CHECK_EQ(copy(&op, &rounds), 2);
	op.errors = (u64)hole;
	CHECK_EQ(copy(&op, &rounds), -EFAULT);
	op.errors = 0;
	read_only = true;
	CHECK_EQ(copy(&op, &rounds), -EFAULT);
	read_only = false;
	check_idle();
}

void unit_main(void)
{
	set_up();
	dom[1].max_pages = 1000;
	fill_guest();
	test_ranges();
	test_restart();
	test_lists();
	test_wrong();
	free(page_table);
}
