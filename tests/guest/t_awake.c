/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A vCPU that an NMI has woken from HLT with interrupts closed is awake: when the other one halts
 * the same way, the domain has not powered itself off.
 *
 * run: smp=2
 */
#include "lib/guest.h"

static volatile uint32_t nmis[2];
static volatile bool halting, awake[2];

static void nmi(struct frame *f)
{
	(void)f;
	nmis[cpu_this()->id]++;
}

/* One that comes between the look at the count and the HLT wakes nobody: send until it does. */
static void wake(uint32_t cpu)
{
	do {
		apic_send(cpus[cpu].apic_id, ICR_NMI);
	} while (!WAIT_UNTIL(awake[cpu], 100));
}

/* vCPU 1: sleeps until the NMI, then wakes vCPU 0 out of the same sleep. */
static void sleeper(void *arg)
{
	uint32_t before = nmis[1];
	uint64_t until;

	(void)arg;
	halting = true;
	while (nmis[1] == before)
		asm volatile("cli; hlt");
	awake[1] = true;
	for (until = time_now() + 200 * NS_PER_MS; time_now() < until;)
		cpu_relax(); /* vCPU 0 halts meanwhile, and we are no reason to power off */
	wake(0);
	asm volatile("sti");
}

void test_main(void)
{
	xen_map_shared();
	trap_set(2, nmi);
	EXPECT(cpu_start(1));
	cpu_run(1, sleeper, NULL);
	EXPECT(WAIT_UNTIL(halting, PATIENCE));
	wake(1);
	while (!nmis[0])
		asm volatile("cli; hlt");
	awake[0] = true;
	asm volatile("sti");
	EXPECT(cpu_wait(1, PATIENCE));
	EXPECT(nmis[0] >= 1);
	EXPECT(nmis[1] >= 1);
}
