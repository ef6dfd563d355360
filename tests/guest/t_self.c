/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Checks the library itself: faults and their landing places, mappings, ring 3,
 * the other CPU. It needs no hypervisor, so it tells a broken test from a
 * broken hypervisor.
 *
 * run: smp=2 native
 */
#include "lib/guest.h"

static volatile uint32_t ran_on;

static void other(void *arg)
{
	ran_on = cpu_this()->id + *(uint32_t *)arg;
}

static long in_ring3(long arg)
{
	uint16_t cs;

	asm volatile("mov %%cs, %0" : "=r"(cs));
	return (cs & 3) * 100 + arg;
}

static long fault_in_ring3(long arg)
{
	(void)arg;
	return try_rdmsr(0x10, NULL);
}

static void test_faults(void)
{
	uint64_t *va = page_window(0), *frame = page_alloc(), v;

	EXPECT_EQ(try_ud2(), TRAP_UD);
	EXPECT_EQ(try_read(va, NULL), TRAP_PF);
	EXPECT_EQ(cpu_this()->fault_address, (long)va);
	EXPECT_EQ(cpu_this()->fault_error, 0);
	page_map(va, (uint64_t)frame, PG_P);
	frame[0] = 0x1234;
	EXPECT_EQ(try_read(va, &v), TRAP_NONE);
	EXPECT_EQ(v, 0x1234);
	EXPECT_EQ(try_write(va, 1), TRAP_PF);
	EXPECT_EQ(cpu_this()->fault_error, 3);
	page_map(va, (uint64_t)frame, PG_KERNEL);
	EXPECT_EQ(try_write(va, 77), TRAP_NONE);
	EXPECT_EQ(frame[0], 77);
	page_unmap(va);
	EXPECT_EQ(try_write(va, 1), TRAP_PF);
	EXPECT_EQ(try_read((void *)0x800000000000ul, NULL), TRAP_GP);
}

void test_main(void)
{
	uint32_t arg = 41;

	print("%s: %s\n", xen_base ? "hypervisor" : "no hypervisor", apic_x2 ? "x2APIC" : "xAPIC");
	test_faults();
	EXPECT_EQ(trap_user_call(in_ring3, 7), 307);
	EXPECT_EQ(trap_user_call(fault_in_ring3, 0), TRAP_GP);
	EXPECT_EQ(cpu_count, 2);
	EXPECT(cpu_start(1));
	cpu_run(1, other, &arg);
	EXPECT(cpu_wait(1, PATIENCE));
	EXPECT_EQ(ran_on, 42);
	EXPECT_EQ(cpus[1].irq_flags_bad, 0);
}
