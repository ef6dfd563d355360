/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the control domain asks of the scheduler, and vCPUs on their way between CPUs: a guest has
 * its registers wherever it runs, and is nowhere when it is paused.
 *
 * Sources: xen/domctl.h, xen/sysctl.h; man/froe-hypercalls.9.
 *
 * run: smp=2 single
 */
#include "lib/domu.h"

#define MSR_TSC_AUX 0xc0000103
#define GUESTS      3

struct wrong {
	uint64_t vectors, debug, aux, stack;
};

static volatile struct wrong wrong;
static volatile uint64_t mark;
static bool has_aux;

/* --- guests ----------------------------------------------------------------- */

/* Holds all registers that are switched by hand to values of its own, and looks at them. */
static void watch(uint64_t arg)
{
	uint64_t pattern[2] = { arg * 0x0101010101010101, ~arg }, got[2], dr0, dr3;

	has_aux = cpuid(0x80000001, 0).edx & 1 << 27;
	asm volatile("movdqu (%0), %%xmm0; movdqu (%0), %%xmm15" : : "r"(pattern) : "memory");
	asm volatile("mov %0, %%dr0; mov %1, %%dr3" : : "r"(arg << 12), "r"(arg << 20));
	if (has_aux)
		wrmsr(MSR_TSC_AUX, arg);
	for (;;) {
		mark++;
		asm volatile("movdqu %%xmm0, (%0)" : : "r"(got) : "memory");
		wrong.vectors += got[0] != pattern[0] || got[1] != pattern[1];
		asm volatile("movdqu %%xmm15, (%0)" : : "r"(got) : "memory");
		wrong.vectors += got[0] != pattern[0] || got[1] != pattern[1];
		asm volatile("mov %%dr0, %0; mov %%dr3, %1" : "=r"(dr0), "=r"(dr3));
		wrong.debug += dr0 != arg << 12 || dr3 != arg << 20;
		if (has_aux && rdmsr(MSR_TSC_AUX) != arg)
			wrong.aux++;
		if (!(mark % 64))
			xen_sched(SCHEDOP_yield, 0);
	}
}

static void doze(uint64_t arg)
{
	struct sched_poll op = { 0 };

	xen_map_shared();
	for (;;) {
		op.timeout = time_now() + 50000;
		xen_sched(SCHEDOP_poll, &op);
		mark++;
	}
}

/* --- operations ------------------------------------------------------------- */

static long affinity(domid_t id, unsigned int cmd, uint32_t vcpu, uint32_t flags, uint64_t *hard,
                     uint64_t *soft)
{
	struct xen_domctl op = { 0 };
	struct xen_domctl_vcpuaffinity *a = &op.u.vcpuaffinity;

	a->vcpu = vcpu;
	a->flags = flags;
	a->cpumap_hard.nr_bits = a->cpumap_soft.nr_bits = 64;
	set_xen_guest_handle(a->cpumap_hard.bitmap, (uint8_t *)hard);
	set_xen_guest_handle(a->cpumap_soft.bitmap, (uint8_t *)soft);
	return domu_op(id, cmd, &op);
}

static long set_hard(domid_t id, uint64_t hard)
{
	return affinity(id, XEN_DOMCTL_setvcpuaffinity, 0, XEN_VCPUAFFINITY_HARD, &hard, NULL);
}

static struct xen_domctl_getvcpuinfo info(domid_t id, uint32_t vcpu)
{
	struct xen_domctl op = { .u.getvcpuinfo.vcpu = vcpu };

	EXPECT_EQ(domu_op(id, XEN_DOMCTL_getvcpuinfo, &op), 0);
	return op.u.getvcpuinfo;
}

static uint64_t seen(domid_t id)
{
	uint64_t n = 0;

	EXPECT_EQ(domu_read(id, &mark, &n, sizeof(n)), sizeof(n));
	return n;
}

static void test_affinity(domid_t id)
{
	const uint32_t both = XEN_VCPUAFFINITY_HARD | XEN_VCPUAFFINITY_SOFT;
	const unsigned int set = XEN_DOMCTL_setvcpuaffinity, get = XEN_DOMCTL_getvcpuaffinity;
	uint64_t hard = 0, soft = 0;

	EXPECT_EQ(affinity(id, get, 0, both, &hard, &soft), 0);
	EXPECT_EQ(hard, ~0ull);
	EXPECT_EQ(soft, ~0ull);
	hard = 0xff02;
	soft = 0x0f;
	EXPECT_EQ(affinity(id, set, 0, both, &hard, &soft), 0);
	EXPECT_EQ(hard, 2); /* what is in effect */
	EXPECT_EQ(soft, 2);
	EXPECT_EQ(affinity(id, get, 0, both, &hard, &soft), 0);
	EXPECT_EQ(hard, 0xff02); /* what was asked for */
	EXPECT_EQ(soft, 0x0f);
	EXPECT_EQ(info(id, 0).cpu, 1);
	EXPECT_EQ(set_hard(id, 0xff00), -XEN_EINVAL);
	EXPECT_EQ(set_hard(id, 0), -XEN_EINVAL);
	EXPECT_EQ(affinity(id, set, 0, 0, &hard, &soft), -XEN_EINVAL);
	EXPECT_EQ(affinity(id, get, 0, 0, &hard, &soft), -XEN_EINVAL);
	EXPECT_EQ(affinity(id, set, 7, both, &hard, &soft), -XEN_EINVAL);
	EXPECT_EQ(affinity(id, set, 0, both, (void *)0x800000000000, &soft), -XEN_EFAULT);
	EXPECT_EQ(affinity(77, set, 0, both, &hard, &soft), -XEN_ESRCH);
	EXPECT_EQ(affinity(id, get, 0, both, &hard, &soft), 0);
	EXPECT_EQ(hard, 0xff02);
	EXPECT_EQ(set_hard(id, ~0ull), 0);
	/* The control domain stays where it is; its wishes are its own. */
	EXPECT_EQ(affinity(0, get, 1, XEN_VCPUAFFINITY_HARD, &hard, NULL), 0);
	EXPECT_EQ(hard, 2);
	EXPECT_EQ(set_hard(0, 3), -XEN_EINVAL);
	soft = 1;
	EXPECT_EQ(affinity(0, set, 0, XEN_VCPUAFFINITY_SOFT, NULL, &soft), 0);
}

static long share(domid_t id, uint32_t sched, uint32_t cmd, uint16_t *weight, uint16_t *cap)
{
	struct xen_domctl op = { 0 };
	struct xen_domctl_scheduler_op *s = &op.u.scheduler_op;
	long rc;

	s->sched_id = sched;
	s->cmd = cmd;
	s->u.credit2.weight = *weight;
	s->u.credit2.cap = *cap;
	rc = domu_op(id, XEN_DOMCTL_scheduler_op, &op);
	*weight = s->u.credit2.weight;
	*cap = s->u.credit2.cap;
	return rc;
}

static void test_share(domid_t id)
{
	const uint32_t ours = XEN_SCHEDULER_CREDIT2, put = XEN_DOMCTL_SCHEDOP_putinfo,
		       get = XEN_DOMCTL_SCHEDOP_getinfo;
	uint16_t w = 1, c = 1;

	EXPECT_EQ(share(id, ours, get, &w, &c), 0);
	EXPECT_EQ(w, 256);
	EXPECT_EQ(c, 0);
	w = 100;
	c = 101;
	EXPECT_EQ(share(id, ours, put, &w, &c), -XEN_EINVAL);
	c = 100;
	EXPECT_EQ(share(id, ours, put, &w, &c), 0);
	w = c = 0;
	EXPECT_EQ(share(id, ours, put, &w, &c), 0);
	EXPECT_EQ(share(id, ours, get, &w, &c), 0);
	EXPECT_EQ(w, 100);
	EXPECT_EQ(c, 0);
	EXPECT_EQ(share(id, XEN_SCHEDULER_CREDIT, get, &w, &c), -XEN_EINVAL);
	EXPECT_EQ(share(id, ours, XEN_DOMCTL_SCHEDOP_putvcpuinfo, &w, &c), -XEN_EINVAL);
	EXPECT_EQ(share(id, ours, XEN_DOMCTL_SCHEDOP_getvcpuinfo, &w, &c), -XEN_EINVAL);
	EXPECT_EQ(share(77, ours, get, &w, &c), -XEN_ESRCH);
	EXPECT_EQ(share(0, ours, get, &w, &c), 0);
	EXPECT_EQ(w, 2048);
}

static void test_machine(void)
{
	struct xen_sysctl op = { .cmd = XEN_SYSCTL_sched_id };
	struct xen_sysctl_scheduler_op *s = &op.u.scheduler_op;
	struct xen_sysctl_cpupool_op *p = &op.u.cpupool_op;
	uint8_t map[16];

	EXPECT_EQ(xen_sysctl(&op), 0);
	EXPECT_EQ(op.u.sched_id.sched_id, XEN_SCHEDULER_CREDIT2);

	op = (struct xen_sysctl){ .cmd = XEN_SYSCTL_scheduler_op };
	s->sched_id = XEN_SCHEDULER_CREDIT2;
	s->cmd = XEN_SYSCTL_SCHEDOP_putinfo;
	s->u.sched_credit2.ratelimit_us = 99;
	EXPECT_EQ(xen_sysctl(&op), -XEN_EINVAL);
	s->u.sched_credit2.ratelimit_us = 1000;
	EXPECT_EQ(xen_sysctl(&op), 0);
	s->cmd = XEN_SYSCTL_SCHEDOP_getinfo;
	s->u.sched_credit2.ratelimit_us = 0;
	EXPECT_EQ(xen_sysctl(&op), 0);
	EXPECT_EQ(s->u.sched_credit2.ratelimit_us, 1000);
	s->cpupool_id = 1;
	EXPECT_EQ(xen_sysctl(&op), -XEN_ESRCH);

	memset(map, 0xff, sizeof(map));
	op = (struct xen_sysctl){ .cmd = XEN_SYSCTL_cpupool_op };
	p->op = XEN_SYSCTL_CPUPOOL_OP_INFO;
	p->cpumap.nr_bits = 80;
	set_xen_guest_handle(p->cpumap.bitmap, map);
	EXPECT_EQ(xen_sysctl(&op), 0);
	EXPECT_EQ(p->n_dom, 1 + GUESTS);
	EXPECT_EQ(p->sched_id, XEN_SCHEDULER_CREDIT2);
	EXPECT_EQ(map[0], 3);
	EXPECT_EQ(map[9], 0);
	EXPECT_EQ(map[10], 0xff);
	p->cpumap.nr_bits = 1; /* a bit is a byte on the way */
	EXPECT_EQ(xen_sysctl(&op), 0);
	EXPECT_EQ(map[0], 1);
	p->cpumap.nr_bits = ~0u;
	EXPECT_EQ(xen_sysctl(&op), -XEN_EINVAL);
	p->cpupool_id = 1;
	EXPECT_EQ(xen_sysctl(&op), -XEN_ENOENT);
	p->op = XEN_SYSCTL_CPUPOOL_OP_CREATE;
	EXPECT_EQ(xen_sysctl(&op), -XEN_EOPNOTSUPP);
}

/* --- on the way -------------------------------------------------------------- */

/* Back and forth, against its will and by what others do, and it never notices. */
static void test_moves(const domid_t *id)
{
	struct xen_domctl_getvcpuinfo i;
	uint64_t before, ran, there[2] = { 0 };
	struct wrong bad;

	for (unsigned int n = 0; n < 300; n++) {
		domid_t d = id[n % GUESTS];

		EXPECT_EQ(set_hard(d, 1u << n / GUESTS % 2), 0);
		EXPECT_EQ(info(d, 0).cpu, n / GUESTS % 2);
		if (n % 5 == 4)
			EXPECT_EQ(set_hard(d, 3), 0);
		if (n % 7)
			continue;
		EXPECT_EQ(domu_simple(d, XEN_DOMCTL_pausedomain), 0);
		i = info(d, 0);
		before = seen(d);
		EXPECT_EQ(i.running, 0);
		there[i.cpu]++;
		EXPECT_EQ(seen(d), before); /* nowhere */
		EXPECT_EQ(info(d, 0).cpu_time, i.cpu_time);
		EXPECT_EQ(domu_unpause(d), 0);
	}
	EXPECT(there[0] && there[1]);
	for (unsigned int n = 0; n < GUESTS; n++) {
		EXPECT_EQ(set_hard(id[n], ~0ull), 0);
		ran = info(id[n], 0).cpu_time;
		before = seen(id[n]);
		EXPECT(WAIT_UNTIL((xen_sched(SCHEDOP_yield, 0), seen(id[n]) > before + 100),
		                  PATIENCE));
		EXPECT(info(id[n], 0).cpu_time > ran);
		EXPECT_EQ(domu_read(id[n], &wrong, &bad, sizeof(bad)), sizeof(bad));
		EXPECT_EQ(bad.vectors, 0);
		EXPECT_EQ(bad.debug, 0);
		EXPECT_EQ(bad.aux, 0);
	}
}

void test_main(void)
{
	domid_t id[GUESTS];

	EXPECT(cpu_start(1));
	xen_events_on();
	id[0] = domu_run(watch, 0x11, 1);
	id[1] = domu_run(watch, 0x22, 1);
	id[2] = domu_run(doze, 0, 1);
	test_affinity(id[0]);
	test_share(id[0]);
	test_machine();
	test_moves(id);
	EXPECT(info(0, 0).running && info(0, 0).online);
	for (unsigned int n = 0; n < GUESTS; n++)
		EXPECT_EQ(domu_destroy(id[n]), 0);
}
