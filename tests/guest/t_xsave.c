/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Extended state: each vCPU's XCR0 is its own, and its vector registers live
 * through exits of every kind.
 *
 * Sources: APM2 11.5 (XSAVE, XCR0), 15.5.1 (what VMRUN does not switch): XCR0
 * is not switched by the processor, and this emulator does not intercept XSETBV.
 *
 * run: smp=2 native
 */
#include "lib/guest.h"

#define CR4_OSXSAVE (1ul << 18)
#define ROUNDS      500

struct vectors {
	uint8_t ymm[4][32];
};

static bool has_avx;

static void load(const struct vectors *v)
{
	if (has_avx)
		asm volatile("vmovdqu 0(%0), %%ymm0; vmovdqu 32(%0), %%ymm7;"
		             "vmovdqu 64(%0), %%ymm8; vmovdqu 96(%0), %%ymm15"
		             :
		             : "r"(v)
		             : "memory");
	else
		asm volatile("movdqu 0(%0), %%xmm0; movdqu 32(%0), %%xmm7;"
		             "movdqu 64(%0), %%xmm8; movdqu 96(%0), %%xmm15"
		             :
		             : "r"(v)
		             : "memory");
}

static void store(struct vectors *v)
{
	if (has_avx)
		asm volatile("vmovdqu %%ymm0, 0(%0); vmovdqu %%ymm7, 32(%0);"
		             "vmovdqu %%ymm8, 64(%0); vmovdqu %%ymm15, 96(%0)"
		             :
		             : "r"(v)
		             : "memory");
	else
		asm volatile("movdqu %%xmm0, 0(%0); movdqu %%xmm7, 32(%0);"
		             "movdqu %%xmm8, 64(%0); movdqu %%xmm15, 96(%0)"
		             :
		             : "r"(v)
		             : "memory");
}

static void leave_and_return(unsigned int i)
{
	switch (i % 4) {
	case 0:
		if (xen_base)
			xen_version(XENVER_version, 0);
		break;
	case 1:
		cpuid(0x40000001, 0);
		break;
	case 2:
		rdmsr(0x1b);
		break;
	default:
		apic_self(0x41);
		irq_wait();
		break;
	}
}

/* Results: [0] wrong vectors, [1] wrong XCR0, [2] wrong MXCSR. */
static void storm(void *arg)
{
	uint32_t *bad = arg, me = cpu_this()->id, mxcsr = 0x1f80 | (me + 1) << 13, got;
	uint64_t mine = me && has_avx ? 3 : has_avx ? 7 : 3;
	struct vectors want, have;
	unsigned int i, j;

	irq_disable();
	write_cr4(read_cr4() | CR4_OSXSAVE);
	asm volatile("xsetbv" : : "c"(0), "a"(7 & (has_avx ? 7 : 3)), "d"(0));
	asm volatile("ldmxcsr %0" : : "m"(mxcsr));
	for (i = 0; i < ROUNDS; i++) {
		for (j = 0; j < sizeof(want); j++)
			((uint8_t *)&want)[j] = (uint8_t)(i * 7 + j + me * 101);
		load(&want);
		/* The narrower XCR0 of one CPU leaves the upper halves where they are. */
		asm volatile("xsetbv" : : "c"(0), "a"((uint32_t)mine), "d"(0));
		leave_and_return(i);
		bad[1] += xgetbv(0) != mine;
		asm volatile("xsetbv" : : "c"(0), "a"(has_avx ? 7 : 3), "d"(0));
		store(&have);
		bad[0] += memcmp(&want, &have, has_avx ? sizeof(want) : 16) != 0;
		asm volatile("stmxcsr %0" : "=m"(got));
		bad[2] += got != mxcsr;
	}
	/* OSXSAVE off and exits meanwhile: XCR0 is still there afterwards. */
	asm volatile("xsetbv" : : "c"(0), "a"((uint32_t)mine), "d"(0));
	write_cr4(read_cr4() & ~CR4_OSXSAVE);
	leave_and_return(1);
	leave_and_return(2);
	write_cr4(read_cr4() | CR4_OSXSAVE);
	bad[1] += xgetbv(0) != mine;
}

static void nothing(struct frame *f)
{
	(void)f;
	apic_write(APIC_EOI, 0);
}

static void test_faults(void)
{
	uint64_t cr4 = read_cr4();

	write_cr4(cr4 | CR4_OSXSAVE);
	EXPECT_EQ(try_xsetbv(0, 0), TRAP_GP); /* x87 must be on */
	EXPECT_EQ(try_xsetbv(0, 5), TRAP_GP); /* AVX without SSE */
	EXPECT_EQ(try_xsetbv(0, 1ul << 62 | 3), TRAP_GP);
	EXPECT_EQ(try_xsetbv(1, 3), TRAP_GP);
	EXPECT_EQ(try_xsetbv(0, 1), TRAP_NONE);
	EXPECT_EQ(xgetbv(0), 1);
	EXPECT_EQ(try_xsetbv(0, 3), TRAP_NONE);
	write_cr4(cr4 & ~CR4_OSXSAVE);
	EXPECT_EQ(try_xsetbv(0, 3), TRAP_UD);
	write_cr4(cr4);
}

void test_main(void)
{
	static uint32_t bad[2][3];
	unsigned int cpu;

	if (!(cpuid(1, 0).ecx & 1u << 26)) {
		EXPECT(!(cpuid(1, 0).ecx & 1u << 27));
		return;
	}
	has_avx = cpuid(1, 0).ecx & 1u << 28;
	if (xen_base)
		xen_map_shared();
	trap_set(0x41, nothing);
	test_faults();
	EXPECT(cpu_start(1));
	cpu_run(1, storm, bad[1]);
	storm(bad[0]);
	EXPECT(cpu_wait(1, PATIENCE));
	for (cpu = 0; cpu < 2; cpu++) {
		EXPECT_EQ(bad[cpu][0], 0);
		EXPECT_EQ(bad[cpu][1], 0);
		EXPECT_EQ(bad[cpu][2], 0);
	}
}
