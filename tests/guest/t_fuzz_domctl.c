/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The tools' calls at random from two CPUs, about guests that are made, torn apart and ended by
 * either at any moment, while they make hypercalls at random themselves (t_fuzz.c): the hypervisor
 * goes on, and at the end every page is back.
 *
 * run: smp=2 single want=^fuzz:_[0-9]+_operations
 */
#define test_main fuzz_alone
#include "t_fuzz.c"
#undef test_main
#include "lib/domu.h"

#define OPERATIONS 3000
#define GUESTS     6 /* with ids from 1 */
#define WINDOW     0x40000ul
#define IMAGE_GFN  0x1000ul

void test_main(void);

static uint32_t made, ended, operations;
static char image_copy[2]; /* whoever makes a guest writes domu's variables: one at a time */
static uint64_t guest_seed;

/* --- a guest ------------------------------------------------------------------ */

static void fuzz_in_guest(uint64_t s)
{
	xen_events_on();
	trap_set(2, ignore);
	seed = s;
	for (unsigned int i = 0; i < SCRATCH; i++)
		scratch[0][i] = page_alloc();
	for (unsigned int i = 0; i < ARRAY_LEN(lent[0]); i++)
		lent[0][i] = page_alloc();
	page_map(page_window(63), (uint64_t)page_alloc(), PG_KERNEL);
	page_map(page_window(70), (uint64_t)page_alloc(), PG_P);
	for (;;)
		fuzz(NULL);
}

/* --- the control domain --------------------------------------------------------- */

static void lock_image(void)
{
	while (__atomic_test_and_set(image_copy, __ATOMIC_ACQUIRE))
		cpu_relax();
}

static void unlock_image(void)
{
	__atomic_clear(image_copy, __ATOMIC_RELEASE);
}

/* Somebody may end it between any two steps. */
static void make(struct rng *r, domid_t id)
{
	struct hvm_hw_cpu cpu;
	struct xen_domctl op;

	domu_config(&op, 1 + (unsigned int)below(r, 40));
	op.u.createdomain.max_grant_frames = 4;
	if (domu_op(id, XEN_DOMCTL_createdomain, &op))
		return;
	made++;
	op.u.max_vcpus.max = op.u.createdomain.max_vcpus;
	domu_op(id, XEN_DOMCTL_max_vcpus, &op);
	op.u.max_mem.max_memkb = (DOMU_MIB + below(r, 2)) << 10;
	domu_op(id, XEN_DOMCTL_max_mem, &op);
	domu_populate(id, 0, 9, 1);
	domu_populate(id, IMAGE_GFN, 9, 3);
	lock_image();
	domu_load(id, fuzz_in_guest, guest_seed += 77);
	unlock_image();
	domu_context(&cpu);
	domu_set_context(id, 0, &cpu);
	domu_unpause(id);
}

static void foreign(struct rng *r, domid_t id, uint64_t gfn)
{
	xen_ulong_t idx = below(r, 2) ? below(r, 512) : IMAGE_GFN + below(r, 1536);
	xen_pfn_t gpfn = gfn;
	int err;
	struct xen_add_to_physmap_batch op = {
		.domid = DOMID_SELF,
		.space = XENMAPSPACE_gmfn_foreign,
		.size = 1,
		.u.foreign_domid = id,
	};

	set_xen_guest_handle(op.idxs, &idx);
	set_xen_guest_handle(op.gpfns, &gpfn);
	set_xen_guest_handle(op.errs, &err);
	if (below(r, 2))
		xen_memory(XENMEM_add_to_physmap_batch, &op);
	else
		xen_remove_from_physmap(gfn);
}

static void channel(struct rng *r, domid_t id)
{
	evtchn_port_t port;

	switch (below(r, 4)) {
	case 0:
		xen_alloc_unbound(id, DOMID_SELF, &port);
		break;
	case 1:
		xen_bind_interdomain(id, (evtchn_port_t)below(r, 8), &port);
		break;
	case 2:
		xen_send((evtchn_port_t)below(r, 40));
		break;
	default:
		xen_close(2 + (evtchn_port_t)below(r, 40));
	}
}

static void control(struct rng *r, domid_t id)
{
	static const unsigned int cmds[] = {
		XEN_DOMCTL_pausedomain,  XEN_DOMCTL_pausedomain, XEN_DOMCTL_unpausedomain,
		XEN_DOMCTL_max_mem,      XEN_DOMCTL_max_vcpus,   XEN_DOMCTL_setdomainhandle,
		XEN_DOMCTL_sendtrigger,  XEN_DOMCTL_gettscinfo,  XEN_DOMCTL_settimeoffset,
		XEN_DOMCTL_scheduler_op, XEN_DOMCTL_getvcpuinfo, XEN_DOMCTL_get_paging_mempool_size,
	};
	struct xen_domctl op;

	for (unsigned int i = 0; i < sizeof(op) / 8; i++)
		((uint64_t *)&op)[i] = below(r, 3) ? below(r, 20) : next(r);
	if (below(r, 8))
		domu_op(id, cmds[below(r, ARRAY_LEN(cmds))], &op);
	else
		domu_unpause(id);
}

static void one(struct rng *r)
{
	domid_t id = (domid_t)(1 + below(r, GUESTS));
	struct xen_domctl_getdomaininfo info;
	struct sched_remote_shutdown down = { .domain_id = id, .reason = (uint32_t)below(r, 6) };
	struct xen_hvm_param param = { .domid = id,
		                       .index = (uint32_t)below(r, 39),
		                       .value = next(r) };
	struct hvm_hw_cpu cpu;
	uint8_t bytes[64];

	switch (below(r, 16)) {
	case 0:
	case 1:
		make(r, id);
		break;
	case 2:
		ended += !domu_destroy(id);
		break;
	case 3:
		domu_info(id, &info);
		break;
	case 4:
		domu_context(&cpu);
		domu_set_context(id, (unsigned int)below(r, 3), &cpu);
		break;
	case 5:
		xen_sched(SCHEDOP_remote_shutdown, &down);
		break;
	case 6:
		xen_hvm(below(r, 2) ? HVMOP_set_param : HVMOP_get_param, &param);
		break;
	case 7:
		domu_populate(id, below(r, 3) ? below(r, 4096) : next(r), 9 * (below(r, 2) & 1), 4);
		break;
	case 8:
		domu_read(id, (void *)(next(r) >> below(r, 64)), bytes, sizeof(bytes));
		break;
	case 9:
	case 10:
		channel(r, id);
		break;
	case 11:
	case 12:
	case 13:
		foreign(r, id, WINDOW + r->cpu * 8 + below(r, 8));
		break;
	default:
		control(r, id);
	}
}

static void operate(void *arg)
{
	struct rng r = { .s = seed + 1000 + (uint64_t)arg, .cpu = (unsigned int)(uintptr_t)arg };

	for (unsigned int i = 0; i < OPERATIONS; i++) {
		one(&r);
		__atomic_add_fetch(&operations, 1, __ATOMIC_RELAXED);
	}
}

/* Whatever we hold of guests, and then the guests, which others on CPU 1 may be just looking at. */
static void end_all(void)
{
	for (unsigned int i = 0; i < 16; i++)
		xen_remove_from_physmap(WINDOW + i);
	for (domid_t id = 1; id <= GUESTS; id++) {
		domu_destroy(id);
		EXPECT(WAIT_UNTIL(domu_destroy(id) == -XEN_ESRCH, PATIENCE));
	}
}

void test_main(void)
{
	struct rng warm = { .s = 1 };
	evtchn_port_t port;
	uint64_t before;

	xen_events_on();
	seed = guest_option("seed=", seed);
	guest_seed = seed;
	print("seed %lu\n", seed);
	EXPECT(cpu_start(1));
	/* What this domain itself grows by: page tables for the window, and ports. */
	make(&warm, 1);
	for (unsigned int i = 0; i < 64; i++)
		foreign(&warm, 1, WINDOW);
	EXPECT_EQ(xen_alloc_unbound(DOMID_SELF, 0, &port), 0);
	end_all();
	EXPECT_EQ(made, 1);
	before = host_free_pages();
	cpu_run(1, operate, (void *)1);
	operate(NULL);
	EXPECT(cpu_wait(1, PATIENCE));
	end_all();
	EXPECT_EQ(host_free_pages(), before);
	print("fuzz: %u operations, %u guests made, %u ended\n", operations, made, ended);
	EXPECT(made > OPERATIONS / 50 && ended > OPERATIONS / 50);
}
