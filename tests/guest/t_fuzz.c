/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Hypercalls at random from two CPUs, the same ones in each run: whatever is
 * asked, the caller gets an answer and the hypervisor goes on.
 *
 * Left out is what would end or stop the caller by right (shutdown, down, block,
 * watchdog, sleep, a poll without end) and what would pull the test's own
 * pages from under it: frames in arguments are scratch frames or nonsense.
 *
 * run: smp=2 want=^fuzz:_40000_calls
 */
#include "lib/guest.h"

#define CALLS   20000
#define SCRATCH 16

static uint8_t *scratch[2][SCRATCH];
static uint8_t *lent[2][4]; /* frames that may be given up at any moment: never touched from here */
static uint64_t seed = 20240229;         /* or what the command line says: seed=N */
static uint32_t calls[2], answers[2][4]; /* by kind: 0, positive, ENOSYS, other errors */

struct rng {
	uint64_t s;
	unsigned int cpu;
};

/* Vigna's splitmix64. */
static uint64_t next(struct rng *r)
{
	uint64_t z = r->s += 0x9e3779b97f4a7c15ul;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ul;
	z = (z ^ z >> 27) * 0x94d049bb133111ebul;
	return z ^ z >> 31;
}

static uint64_t below(struct rng *r, uint64_t n)
{
	return next(r) % n;
}

static uint8_t *scratch_page(struct rng *r)
{
	return scratch[r->cpu][below(r, SCRATCH)];
}

/* A pointer that is no good, or only to read from. */
static uint64_t bad_pointer(struct rng *r)
{
	switch (below(r, 5)) {
	case 0:
		return 0x800000000000ul - below(r, 64);
	case 1:
		return (uint64_t)page_window(64) - below(r, 16); /* the end of a mapped page */
	case 2:
		return (uint64_t)page_window(70) + below(r, PAGE_SIZE); /* read-only, all zero */
	case 3:
		return ~0ul - below(r, 64);
	default:
		return next(r) | 1ul << 47;
	}
}

/* A pointer such as a caller may pass: mostly good, often not. */
static uint64_t pointer(struct rng *r)
{
	if (!below(r, 3))
		return bad_pointer(r);
	return (uint64_t)scratch_page(r) + (below(r, PAGE_SIZE - 256) & ~7ul);
}

/* A value such as a field may hold; where it could name a frame, it names scratch. */
static uint64_t value(struct rng *r)
{
	static const uint64_t odd[] = {
		0,          1,          2,         3,          4,         7,    8,
		31,         63,         64,        65,         127,       128,  511,
		512,        4095,       4096,      DOMID_SELF, 0x7ff4,    77,   0x7fffffff,
		0x80000000, 0xffffffff, 1ul << 40, 1ul << 51,  1ul << 63, ~0ul, ~0ul - 7,
	};

	switch (below(r, 4)) {
	case 0:
		return (uint64_t)scratch_page(r) / PAGE_SIZE;
	case 1:
		return pointer(r);
	default:
		return odd[below(r, ARRAY_LEN(odd))];
	}
}

/*
 * Frame numbers below the top of RAM that are no scratch frame's stay out of
 * arguments: small numbers would hit low memory, where the trampoline lies.
 */
static void fill(struct rng *r, uint64_t at)
{
	uint64_t *p = (uint64_t *)(at & ~7ul);
	unsigned int i, n = 16 - (at & 4095) / 8 % 2;

	if (at / PAGE_SIZE < 0x1000 || at >= 1ul << 32 || (at & 4095) > PAGE_SIZE - 256)
		return;
	for (i = 0; i < n; i++) {
		switch (below(r, 3)) {
		case 0:
			p[i] = value(r);
			break;
		case 1:
			p[i] = value(r) << 32 | (uint32_t)value(r);
			break;
		default:
			p[i] = below(r, 40) | (uint64_t)DOMID_SELF * below(r, 2);
			break;
		}
	}
}

static long call_memory(struct rng *r)
{
	static const uint8_t ops[] = { 0,  1,  2,  3,  4,  6,  7,  9,  10, 11,
		                       12, 14, 15, 16, 17, 18, 23, 24, 28, 63 };
	unsigned int op = ops[below(r, ARRAY_LEN(ops))];
	uint64_t *p = (uint64_t *)scratch_page(r);
	uint64_t frame = (uint64_t)lent[r->cpu][below(r, 4)] / PAGE_SIZE;

	fill(r, (uint64_t)p);
	/* Where an operation takes frames away, they are lent ones. */
	switch (op) {
	case XENMEM_decrease_reservation:
	case XENMEM_increase_reservation:
	case XENMEM_populate_physmap:
	case 11: /* exchange */
		p[0] = (uint64_t)(p + 8);
		p[1] = below(r, 3);
		p[2] = below(r, 4) ? 0
		                   : 40 + below(r, 24); /* order: what lies behind is not lent */
		p[8] = frame;
		p[9] = 1ul << 40;
		break;
	case XENMEM_add_to_physmap:
		p[2] = below(r, 3) ? frame : ~0ul >> below(r, 20);
		break;
	case XENMEM_remove_from_physmap:
		p[1] = below(r, 3) ? frame : ~0ul >> below(r, 20);
		break;
	case XENMEM_acquire_resource:
		p[3] = (uint64_t)(p + 8);
		p[8] = p[9] = frame;
		((uint32_t *)p)[2] = (uint32_t)below(r, 3);
		break;
	case XENMEM_add_to_physmap_batch:
		p[1] = p[2] = (uint64_t)(p + 8);
		p[8] = p[9] = frame;
		((uint16_t *)p)[2] = (uint16_t)below(r, 3);
		break;
	}
	return xen_memory(op | below(r, 20) / 19 << 6, below(r, 8) ? (uint64_t)p : bad_pointer(r));
}

/* An operation of n, mostly one of those that are there. */
static uint32_t one_of(struct rng *r, uint64_t n, uint32_t there)
{
	uint32_t op;

	do {
		op = (uint32_t)below(r, n);
	} while (!(there >> op & 1) && below(r, 16));
	return op;
}

/*
 * Copies between scratch frames, and mappings over lent ones. The frame numbers of copies must be
 * right, or they hit anything.
 */
static long call_grant(struct rng *r, uint64_t at)
{
	uint32_t op = one_of(r, 14, 0x563);
	uint64_t *p = (uint64_t *)scratch_page(r);
	uint32_t *q = (uint32_t *)p;

	if (op != GNTTABOP_map_grant_ref && op != GNTTABOP_unmap_grant_ref && op != GNTTABOP_copy)
		return xen_grant(op, at, below(r, 8) ? below(r, 3) : value(r));
	memset(p, 0, PAGE_SIZE);
	if (op == GNTTABOP_copy) {
		p[0] = below(r, 4) ? (uint64_t)scratch_page(r) / PAGE_SIZE : below(r, 10);
		p[2] = (uint64_t)scratch_page(r) / PAGE_SIZE;
		p[1] = below(r, 3) ? DOMID_SELF : next(r);
		p[3] = DOMID_SELF | below(r, 65536) << 16;
		q[8] = (uint32_t)(below(r, 4097) | below(r, 4) / 3 << 16);
	} else {
		p[0] = (uint64_t)lent[r->cpu][below(r, 4)];
		q[2] = op ? 0 : (uint32_t)(GNTMAP_host_map | below(r, 32));
		q[3] = (uint32_t)below(r, 10);
		q[4] = (uint32_t)below(r, 4);
	}
	return xen_grant(op, below(r, 8) ? (uint64_t)p : bad_pointer(r), 1);
}

static long call_sched(struct rng *r)
{
	struct sched_poll poll = { .nr_ports = (uint32_t)below(r, 140), .timeout = 1 };

	if (below(r, 2))
		return xen_sched(SCHEDOP_yield, pointer(r));
	set_xen_guest_handle_raw(poll.ports, (evtchn_port_t *)pointer(r));
	return xen_sched(SCHEDOP_poll, &poll);
}

static long call_vcpu(struct rng *r)
{
	static const uint8_t ops[] = { 3, 4, 5, 6, 7, 8, 9, 10, 12, 13, 99 };
	unsigned int op = ops[below(r, ARRAY_LEN(ops))];
	uint64_t *p = (uint64_t *)scratch_page(r);

	fill(r, (uint64_t)p);
	/* These name memory that the hypervisor goes on writing to: scratch, or not mapped. */
	if (op == VCPUOP_register_vcpu_info)
		p[0] = below(r, 2) ? (uint64_t)p / PAGE_SIZE : ~0ul >> below(r, 20);
	else
		p[0] = below(r, 2) ? (uint64_t)p + below(r, PAGE_SIZE - 64) : 0x800000000000ul;
	return xen_vcpu(op, below(r, 3) ? below(r, 2) : value(r), p);
}

static long call_platform(struct rng *r)
{
	static const uint16_t cmds[] = { 17, 62, 50, 55, 64, 33, 53, 54, 999 };
	uint32_t *p = (uint32_t *)scratch_page(r);

	fill(r, (uint64_t)p);
	p[0] = cmds[below(r, ARRAY_LEN(cmds))];
	p[1] = below(r, 8) ? XENPF_INTERFACE_VERSION : (uint32_t)next(r);
	return xen_platform(p);
}

static long call(struct rng *r)
{
	uint64_t at = pointer(r);

	fill(r, at);
	switch (below(r, 14)) {
	case 0:
	case 11:
	case 12:
		return call_memory(r);
	case 1:
		return call_sched(r);
	case 2:
		return call_vcpu(r);
	case 3:
		return call_platform(r);
	case 4:
		return xen_version(below(r, 14), at);
	case 5:
	case 6:
		return xen_event(one_of(r, 16, 0x7fb), at);
	case 7:
		return call_grant(r, at);
	case 8:
		return xen_hvm(one_of(r, 27, 0x800203), at);
	case 9:
		return xen_physdev(one_of(r, 32, 7u << 24), at);
	case 10:
		return hcall3(__HYPERVISOR_console_io, below(r, 8) ? 1 : 2 + below(r, 9), value(r),
		              at);
	default:
		/* Numbers that are nobody's, or will be the tools': not 12, 13, 18, 29 and their
		 * like. */
		return hcall(below(r, 4) ? 35 + below(r, 30) : next(r) | 64, below(r, 100),
		             value(r), at, value(r), value(r));
	}
}

static void fuzz(void *arg)
{
	struct rng r = { .s = seed, .cpu = (unsigned int)(uintptr_t)arg };
	uint32_t i;
	long rc;

	irq_disable();
	r.s += r.cpu;
	for (i = 0; i < CALLS; i++) {
		rc = call(&r);
		calls[r.cpu]++;
		answers[r.cpu][rc == 0 ? 0 : rc > 0 ? 1 : rc == -XEN_ENOSYS ? 2 : 3]++;
	}
}

static bool finished;

/* Any vector may be the upcall's by then, an exception's too: interrupts stay closed. */
static void fuzz_for_good(void *arg)
{
	fuzz(arg);
	__atomic_store_n(&finished, true, __ATOMIC_RELEASE);
	for (;;)
		asm volatile("cli; hlt");
}

static void ignore(struct frame *f)
{
	(void)f;
}

void test_main(void)
{
	unsigned int cpu, i;

	xen_events_on();
	trap_set(2, ignore);
	seed = guest_option("seed=", seed);
	print("seed %lu\n", seed);
	for (cpu = 0; cpu < 2; cpu++) {
		for (i = 0; i < SCRATCH; i++)
			scratch[cpu][i] = page_alloc();
		for (i = 0; i < ARRAY_LEN(lent[0]); i++)
			lent[cpu][i] = page_alloc();
	}
	page_map(page_window(63), (uint64_t)page_alloc(), PG_KERNEL);
	page_map(page_window(70), (uint64_t)page_alloc(), PG_P);
	EXPECT(cpu_start(1));
	cpu_run(1, fuzz_for_good, (void *)1);
	fuzz(NULL);
	/* The clock page may be elsewhere by now: count, do not measure. */
	while (!__atomic_load_n(&finished, __ATOMIC_ACQUIRE))
		cpu_relax();
	print("fuzz: %u calls\n", calls[0] + calls[1]);
	for (cpu = 0; cpu < 2; cpu++)
		print("cpu %u: %u zero, %u positive, %u ENOSYS, %u other errors\n", cpu,
		      answers[cpu][0], answers[cpu][1], answers[cpu][2], answers[cpu][3]);
	EXPECT_EQ(calls[0] + calls[1], 2 * CALLS);
	EXPECT_EQ(xen_version(XENVER_version, 0), 4 << 16 | 17);
	/* A fuzzer that is refused everything tests nothing. */
	EXPECT(answers[0][0] > CALLS / 20);
}
