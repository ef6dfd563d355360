/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * All vCPUs halted with interrupts closed is how a stock kernel without _S5
 * powers off: the machine follows.
 *
 * run: smp=2 end=halt
 */
#include "lib/guest.h"

static void halt(void *arg)
{
	(void)arg;
	for (;;)
		asm volatile("cli; hlt");
}

void test_main(void)
{
	xen_map_shared();
	EXPECT(cpu_start(1));
	if (!check_clean())
		return;
	print("verdict: halting\n");
	cpu_run(1, halt, NULL);
	halt(NULL);
}
