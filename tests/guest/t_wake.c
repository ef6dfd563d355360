/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One CPU goes to sleep again and again while the other calls it by IPI, at
 * every distance from its HLT: no call is slept over.
 *
 * Sources: APM2 15.21.5; AMD APM3 HLT, STI. The loop that every kernel idles in.
 *
 * run: smp=2 native
 */
#include "lib/guest.h"

#define ROUNDS 3000

static volatile uint32_t done;

static void work(void *arg)
{
	(void)arg;
	done++;
}

void test_main(void)
{
	uint32_t i, j;

	if (xen_base)
		xen_map_shared();
	EXPECT(cpu_start(1));
	for (i = 0; i < ROUNDS; i++) {
		for (j = 0; j < i % 200; j++)
			asm volatile("" : : : "memory");
		cpu_run(1, work, NULL);
		/* Looks at memory only: the caller makes no exits that could help. */
		if (!WAIT_UNTIL(done == i + 1, PATIENCE)) {
			print("round %u: not woken, work interrupts %u\n", i,
			      cpus[1].irq_count[0x21]);
			break;
		}
		while (!cpu_done(1))
			cpu_relax();
	}
	EXPECT_EQ(done, ROUNDS);
}
