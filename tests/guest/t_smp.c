/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Four CPUs: all come up, vectors to one, to all and to all others arrive once
 * each, clocks agree.
 *
 * Sources: APM2 16.5; xen/xen.h (one time base for all vCPUs).
 *
 * run: smp=4 native
 */
#include "lib/guest.h"

#define VECTOR 0x41

static volatile uint32_t arrived, ran;
static volatile uint64_t clocks[CPU_MAX];

static void note(struct frame *f)
{
	(void)f;
	__atomic_add_fetch(&arrived, 1, __ATOMIC_SEQ_CST);
	apic_write(APIC_EOI, 0);
}

static void work(void *arg)
{
	(void)arg;
	clocks[cpu_this()->id] = time_now();
	__atomic_add_fetch(&ran, 1, __ATOMIC_SEQ_CST);
}

static void test_all(void)
{
	uint32_t i, c, bad = 0;

	for (i = 0; i < 50; i++) {
		arrived = 0;
		apic_write(APIC_ICR, ICR_OTHERS | VECTOR);
		bad += !WAIT_UNTIL(arrived == 3, PATIENCE);
		apic_write(APIC_ICR, ICR_ALL | VECTOR);
		irq_enable();
		bad += !WAIT_UNTIL(arrived == 7, PATIENCE);
		irq_disable();
		for (c = 1; c < 4; c++)
			apic_send(cpus[c].apic_id, VECTOR);
		bad += !WAIT_UNTIL(arrived == 10, PATIENCE);
	}
	EXPECT_EQ(bad, 0);
}

void test_main(void)
{
	uint64_t before, after;
	uint32_t c;

	if (xen_base)
		xen_map_shared();
	trap_set(VECTOR, note);
	EXPECT_EQ(cpu_count, 4);
	for (c = 1; c < 4; c++)
		EXPECT(cpu_start(c));
	before = time_now();
	for (c = 1; c < 4; c++)
		cpu_run(c, work, NULL);
	for (c = 1; c < 4; c++)
		EXPECT(cpu_wait(c, PATIENCE));
	after = time_now();
	EXPECT_EQ(ran, 3);
	for (c = 1; c < 4; c++)
		EXPECT(clocks[c] >= before && clocks[c] <= after);
	test_all();
	/* One of the middle again, while the others stay. */
	EXPECT(cpu_start(2));
	test_all();
}
