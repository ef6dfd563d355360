/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * MSRs, CPUID leaves and the local APIC's registers at random, from the second
 * CPU: each access works or is #GP, and the vCPU can be started anew afterwards.
 *
 * Left out: what the code here stands on (EFER, GS base), the hypercall page
 * (it would be written over this code), and INIT and start-up IPIs.
 *
 * run: smp=2
 */
#include "lib/guest.h"

#define ACCESSES 20000

static uint32_t accesses, refused, odd_vector;
static bool finished;

struct rng {
	uint64_t s;
};

static uint64_t next(struct rng *r)
{
	uint64_t z = r->s += 0x9e3779b97f4a7c15ul;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ul;
	z = (z ^ z >> 27) * 0x94d049bb133111ebul;
	return z ^ z >> 31;
}

static uint32_t any_msr(struct rng *r)
{
	static const uint32_t ranges[][2] = {
		{ 0x800, 0x40 },       { 0x800, 0x40 },       { 0x800, 0x100 },
		{ 0, 0x300 },          { 0x200, 0x100 },      { 0xc0000080, 8 },
		{ 0xc0000100, 8 },     { 0xc0010000, 0x200 }, { 0xc0011000, 0x40 },
		{ 0x40000000, 0x200 }, { 0, 0xffffffff },
	};
	size_t i = next(r) % ARRAY_LEN(ranges);

	return ranges[i][0] + (uint32_t)(next(r) % ranges[i][1]);
}

static uint64_t any_value(struct rng *r)
{
	switch (next(r) % 5) {
	case 0:
		return 0;
	case 1:
		return 1ul << (next(r) & 63);
	case 2:
		return ~0ul >> (next(r) & 63);
	case 3:
		return next(r) & 0xffff;
	default:
		return next(r);
	}
}

static bool left_out(uint32_t msr, uint64_t v)
{
	if (msr == 0xc0000080 || msr == 0xc0000101 || msr == 0x40000000)
		return true;
	/* The frequency at which a test ends is no good for a timer of its own. */
	if (msr == 0x830)
		return (v >> 8 & 7) == 5 || (v >> 8 & 7) == 6;
	return false;
}

static void access(struct rng *r)
{
	uint32_t msr = any_msr(r);
	uint64_t v = any_value(r);
	int vec;

	switch (next(r) % 4) {
	case 0:
		cpuid((uint32_t)(next(r) % 3) * 0x40000000 + (uint32_t)(v & 0x1ff),
		      (uint32_t)next(r) & 7);
		vec = TRAP_NONE;
		break;
	case 1:
		vec = try_rdmsr(msr, &v);
		break;
	default:
		if (left_out(msr, v))
			return;
		vec = try_wrmsr(msr, v);
		break;
	}
	accesses++;
	refused += vec == TRAP_GP;
	odd_vector += vec != TRAP_GP && vec != TRAP_NONE;
}

static void fuzz(void *arg)
{
	struct rng r = { .s = *(uint64_t *)arg };
	uint32_t i;

	irq_disable();
	for (i = 0; i < ACCESSES; i++)
		access(&r);
	/* Requests of any vector wait by now: interrupts stay closed until INIT takes them away. */
	__atomic_store_n(&finished, true, __ATOMIC_RELEASE);
	for (;;)
		cpu_relax();
}

static void ignore(struct frame *f)
{
	(void)f;
}

static void alive(void *arg)
{
	*(volatile uint32_t *)arg = cpuid(1, 0).ebx >> 24;
}

void test_main(void)
{
	uint64_t seed = guest_option("seed=", 20240301);
	uint32_t id = 0, svr;

	print("seed %lu\n", seed);
	trap_set(2, ignore);
	xen_map_shared();
	irq_disable();
	EXPECT(cpu_start(1));
	cpu_run(1, fuzz, &seed);
	EXPECT(WAIT_UNTIL(__atomic_load_n(&finished, __ATOMIC_ACQUIRE), PATIENCE));
	print("%u accesses, %u refused\n", accesses, refused);
	EXPECT(accesses > ACCESSES / 2);
	EXPECT(refused > ACCESSES / 10 && refused < accesses);
	EXPECT_EQ(odd_vector, 0);
	/* INIT makes a CPU of it again. */
	EXPECT(cpu_start(1));
	cpu_run(1, alive, &id);
	EXPECT(cpu_wait(1, PATIENCE));
	EXPECT_EQ(id, cpus[1].apic_id);
	svr = (uint32_t)apic_read(APIC_SPIV);
	EXPECT_EQ(svr, 0x1ff);
	EXPECT_EQ(xen_version(XENVER_version, 0), 4 << 16 | 17);
}
