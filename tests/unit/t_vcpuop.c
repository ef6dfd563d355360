/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a vCPU shares with its guest: vcpu_info moves once and whole, areas are found where they
 * are, the one-shot timer keeps to the domain's clock.
 *
 * files: hypervisor/core/vcpuop.c
 */
#include "harness.h"
#include <handlers.h>
#include <page.h>
#include <stdlib.h>
#include <string.h>

#define NOWHERE (~0ULL)

struct page *page_table;
u64 page_max = 64, page_hole_start = 64, page_hole;
struct domain *control_domain;
static struct cpu cpu;
static struct domain dom;
static struct vcpu vcpu[3];
static long references;
static u32 moved, times, runstates;
static u64 now = 1000;

u64 time_now(void)
{
	return now;
}

int timer_set(struct timer *t, u64 deadline)
{
	t->deadline = deadline;
	t->index = 1;
	return 0;
}

int timer_set_here(struct timer *t, u64 deadline)
{
	return timer_set(t, deadline);
}
void timer_stop(struct timer *t)
{
	t->index = -1;
}

void vcpu_time_update(struct vcpu *v)
{
	times++;
}

struct vcpu_runstate_info vcpu_runstate(struct vcpu *v)
{
	return v->runstate;
}

void vcpu_runstate_update(struct vcpu *v)
{
	runstates++;
}

void event_vcpu_info_moved(struct vcpu *v)
{
	CHECK(!spin_is_locked(&dom.lock));
	moved++;
}

struct vcpu_info *vcpu_info_map(struct vcpu *v)
{
	return (void *)((u8 *)page_map(paddr_to_mfn(v->info_at)) + (v->info_at & ~PAGE_MASK));
}

/* Guest frame 20 is foreign, 21 the hypervisor's, 22 not there; all others are RAM. */
int p2m_get_page(struct domain *d, gfn_t g, bool write, mfn_t *out)
{
	*out = mfn(gfn_x(g));
	if (!write || gfn_x(g) == 22 || gfn_x(g) >= page_max)
		return -EFAULT;
	references += gfn_x(g) != 21;
	return 0;
}

void page_put(mfn_t m)
{
	references -= page_table[mfn_x(m)].state == PAGE_DOMAIN;
}

/* Virtual page n is guest page n + 3, but for 9, which is not mapped. */
int guest_translate(struct vcpu *v, u64 va, bool write, gpa_t *out, u64 *left)
{
	if (!write || va >> PAGE_SHIFT == 9)
		return -EFAULT;
	*out = gpa(va + 3 * PAGE_SIZE);
	*left = PAGE_SIZE - (va & ~PAGE_MASK);
	return 0;
}

static s64 call(hypercall_fn *fn, u32 id, void *arg)
{
	struct hypercall c = { .v = &vcpu[0], .d = &dom, .a = { 0, id } };
	s64 rc = fn(&c, arg);

	CHECK(!spin_is_locked(&dom.lock) && !spin_is_locked(&cpu.sched_lock));
	return rc;
}

static s64 register_info(u32 id, u64 frame, u32 offset)
{
	struct vcpu_register_vcpu_info op = { .mfn = frame, .offset = offset };

	return call(do_vcpu_register_info, id, &op);
}

static void test_info(void)
{
	struct vcpu_info *vi = vcpu_info_map(&vcpu[0]);

	vi->evtchn_upcall_pending = 1;
	vi->time.version = 77;
	for (u32 offset = PAGE_SIZE - 63; offset < PAGE_SIZE + 100; offset++)
		CHECK_EQ(register_info(0, 10, offset), -ENXIO);
	CHECK_EQ(register_info(0, 10, ~0U), -ENXIO);
	CHECK_EQ(register_info(0, 10, 4), -ENXIO);
	CHECK_EQ(register_info(0, 20, 0), -EINVAL);
	CHECK_EQ(register_info(0, 21, 0), -EINVAL);
	CHECK_EQ(register_info(0, 22, 0), -EINVAL);
	CHECK_EQ(register_info(0, NOWHERE, 0), -EINVAL);
	CHECK_EQ(register_info(1, 10, 0), -EINVAL); /* runs elsewhere */
	CHECK_EQ(moved + references, 0);

	CHECK_EQ(register_info(0, 10, PAGE_SIZE - 64), 0);
	CHECK_EQ(vcpu[0].info_at, 11 * PAGE_SIZE - 64);
	vi = vcpu_info_map(&vcpu[0]);
	CHECK(vi->evtchn_upcall_pending == 1 && vi->time.version == 77);
	CHECK(moved == 1 && times == 1 && references == 1);
	CHECK_EQ(register_info(0, 10, PAGE_SIZE - 64), -EINVAL); /* once */
	CHECK_EQ(register_info(2, 11, 64), 0);                   /* one that is down */
	CHECK_EQ(references, 2);
}

static s64 runstate(u64 va)
{
	struct vcpu_register_runstate_memory_area op = { .addr.p = va };

	return call(do_vcpu_register_runstate, 0, &op);
}

static s64 time_area(u64 va)
{
	struct vcpu_register_time_memory_area op = { .addr.p = va };

	return call(do_vcpu_register_time, 0, &op);
}

static void test_areas(void)
{
	times = 0;
	CHECK_EQ(runstate(0x1010), 0);
	CHECK_EQ(gpa_x(vcpu[0].runstate_gpa[0]), 0x4010);
	CHECK_EQ(gpa_x(vcpu[0].runstate_gpa[1]), NOWHERE);
	CHECK_EQ(runstates, 1);
	CHECK_EQ(runstate(0x1fd0), 0); /* its 48 bytes just fit */
	CHECK_EQ(gpa_x(vcpu[0].runstate_gpa[1]), NOWHERE);
	CHECK_EQ(runstate(0x1fd8), 0);
	CHECK_EQ(gpa_x(vcpu[0].runstate_gpa[0]), 0x4fd8);
	CHECK_EQ(gpa_x(vcpu[0].runstate_gpa[1]), 0x5000);
	CHECK_EQ(runstate(0x9000), -EFAULT);
	CHECK_EQ(runstate(0x8ff8), -EFAULT); /* its second part */
	CHECK_EQ(runstate(~0ULL - 8), -EFAULT);
	CHECK_EQ(gpa_x(vcpu[0].runstate_gpa[0]), 0x4fd8); /* as before */
	CHECK_EQ(runstate(0), 0);
	CHECK_EQ(gpa_x(vcpu[0].runstate_gpa[0]), NOWHERE);

	CHECK_EQ(time_area(0x1fe0), 0);
	CHECK_EQ(gpa_x(vcpu[0].time_gpa), 0x4fe0);
	CHECK_EQ(times, 1);
	CHECK_EQ(time_area(0x1fe8), -EINVAL);
	CHECK_EQ(time_area(0x9000), -EFAULT);
	CHECK_EQ(gpa_x(vcpu[0].time_gpa), 0x4fe0);
	CHECK_EQ(time_area(0), 0);
	CHECK_EQ(gpa_x(vcpu[0].time_gpa), NOWHERE);
}

static void test_timer(void)
{
	struct vcpu_set_singleshot_timer op = { .timeout_abs_ns = 500 };

	dom.time_start = 100;
	CHECK_EQ(call(do_vcpu_set_singleshot_timer, 0, &op), 0); /* passed: at once */
	CHECK_EQ(vcpu[0].timer.deadline, 600);
	op.flags = VCPU_SSHOTTMR_future;
	CHECK_EQ(call(do_vcpu_set_singleshot_timer, 0, &op), -ETIME);
	op.timeout_abs_ns = 899;
	CHECK_EQ(call(do_vcpu_set_singleshot_timer, 0, &op), -ETIME);
	op.timeout_abs_ns = 900;
	CHECK_EQ(call(do_vcpu_set_singleshot_timer, 0, &op), 0);
	CHECK_EQ(vcpu[0].timer.deadline, 1000);
	op.timeout_abs_ns = ~0ULL - 50;
	CHECK_EQ(call(do_vcpu_set_singleshot_timer, 0, &op), 0);
	CHECK_EQ(vcpu[0].timer.deadline, ~0ULL);
	CHECK_EQ(call(do_vcpu_set_singleshot_timer, 1, &op), -EINVAL);
	CHECK_EQ(call(do_vcpu_stop_singleshot_timer, 1, NULL), -EINVAL);
	CHECK_EQ(call(do_vcpu_stop_singleshot_timer, 0, NULL), 0);
	CHECK_EQ(vcpu[0].timer.index, -1);
}

static void test_state(void)
{
	struct vcpu_runstate_info info;

	CHECK_EQ(call(do_vcpu_is_up, 1, NULL), 1);
	CHECK_EQ(call(do_vcpu_is_up, 2, NULL), 0);
	CHECK_EQ(call(do_vcpu_up, 1, NULL), 0);
	CHECK_EQ(call(do_vcpu_up, 2, NULL), -EINVAL);

	vcpu[1].runstate = (struct vcpu_runstate_info){ .state = RUNSTATE_blocked,
		                                        .state_entry_time = 900,
		                                        .time = { 1, 2, 3, 4 } };
	CHECK_EQ(call(do_vcpu_get_runstate_info, 1, &info), 0);
	CHECK_EQ(info.time[RUNSTATE_blocked], 103); /* up to now */
	CHECK_EQ(info.time[RUNSTATE_running], 1);
	CHECK_EQ(vcpu[1].runstate.time[RUNSTATE_blocked], 3);
}

void unit_main(void)
{
	unit_ram_init(64 * PAGE_SIZE);
	page_table = calloc(page_max, sizeof(*page_table));
	for (u32 i = 0; i < page_max; i++)
		page_table[i].state = PAGE_DOMAIN;
	page_table[20].owner = 1;
	page_table[21].state = PAGE_HYPERVISOR;
	dom.max_vcpus = 3;
	for (u32 i = 0; i < 3; i++) {
		dom.vcpu[i] = &vcpu[i];
		vcpu[i].id = i;
		vcpu[i].domain = &dom;
		vcpu[i].cpu = &cpu;
		vcpu[i].info_at = 30 * PAGE_SIZE + i * 64;
		vcpu[i].runstate_gpa[0] = vcpu[i].time_gpa = gpa(NOWHERE);
	}
	vcpu[2].wait_sipi = true;
	test_info();
	test_areas();
	test_timer();
	test_state();
	free(page_table);
}
