/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The instruction behind STI or MOV SS belongs to it: no interrupt comes
 * between, and `sti; hlt` never sleeps over one that is due.
 *
 * Sources: APM2 15.21.5 (interrupt shadows), APM3 STI, MOV; this emulator's
 * VMRUN forgets the shadow, so the hypervisor has to mind it.
 *
 * run: smp=2 native
 */
#include "lib/guest.h"

#define VECTOR  0x41
#define SLEEPS  3000
#define SHADOWS 20000

static volatile uint32_t in_shadow, slept, passed;

static void eoi(struct frame *f)
{
	(void)f;
	apic_write(APIC_EOI, 0);
}

/*
 * The timer strikes after a time that creeps over the STI and the HLT. A lost
 * wake-up is a CPU that never comes back: the other one is watching.
 */
static void sleeper(void *arg)
{
	volatile uint32_t *taken = &cpu_this()->irq_count[VECTOR];
	uint32_t i, n;

	(void)arg;
	irq_disable();
	apic_write(APIC_TIMER_DIV, 0xb);
	apic_write(APIC_LVT_TIMER, VECTOR);
	for (i = 0; i < SLEEPS; i++) {
		n = *taken;
		apic_write(APIC_TIMER_INIT, 1 + i * 37 % 40000);
		while (*taken == n)
			irq_wait();
		slept++;
	}
	apic_write(APIC_LVT_TIMER, 1u << 16);
}

/*
 * A vector is waiting while interrupts are opened for the length of a shadow:
 * it must not get in. CPU 1's IPIs make exits fall into the shadow.
 */
static void shadows(void *arg)
{
	volatile uint32_t *taken = &cpu_this()->irq_count[VECTOR];
	uint32_t i, n;

	(void)arg;
	irq_disable();
	for (i = 0; i < SHADOWS; i++) {
		apic_self(VECTOR);
		n = *taken;
		asm volatile("sti; cli" : : : "memory");
		in_shadow += *taken != n;
		asm volatile("sti; nop; cli" : : : "memory");
		if (*taken == n)
			asm volatile("sti; nop; nop; nop; cli" : : : "memory");
		passed += *taken == n + 1;
	}
}

/* The shadow of MOV SS holds one instruction back, interrupts open throughout. */
static volatile uint64_t split;

static void look_at_stack(struct frame *f)
{
	if (f->rsp < PAGE_SIZE)
		split++;
	apic_write(APIC_EOI, 0);
}

static void stack_switches(void)
{
	unsigned int i;

	trap_set(VECTOR, look_at_stack);
	apic_write(APIC_LVT_TIMER, 1u << 17 | VECTOR);
	apic_write(APIC_TIMER_INIT, 20000);
	irq_enable();
	for (i = 0; i < 20000; i++) {
		asm volatile("mov %%rsp, %%rbx\n\t"
		             "mov %%ss, %%ecx\n\t"
		             "mov $0x10, %%edx\n\t"
		             "mov %%edx, %%ss\n\t"
		             "mov %%rbx, %%rsp"
		             :
		             :
		             : "rbx", "rcx", "rdx", "memory");
	}
	irq_disable();
	apic_write(APIC_LVT_TIMER, 1u << 16);
	apic_write(APIC_TIMER_INIT, 0);
	asm volatile("sti; nop; nop; cli");
	trap_set(VECTOR, eoi);
}

void test_main(void)
{
	trap_set(VECTOR, eoi);
	if (xen_base)
		xen_map_shared();
	EXPECT(cpu_start(1));
	cpu_run(1, sleeper, NULL);
	shadows(NULL);
	EXPECT_EQ(in_shadow, 0);
	EXPECT_EQ(passed, SHADOWS);
	stack_switches();
	EXPECT_EQ(split, 0);
	EXPECT(cpu_wait(1, PATIENCE));
	EXPECT_EQ(slept, SLEEPS);
	EXPECT_EQ(cpus[0].irq_flags_bad + cpus[1].irq_flags_bad, 0);
}
