/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Debugging inside the guest: single steps across instructions that exit,
 * breakpoints, and the debug registers of each vCPU.
 *
 * Sources: APM2 13.1 (debug registers, single step, INT3), 15.7.1; a #DB or #AC
 * that cannot be delivered must not keep the processor busy (XSA-156), so the
 * hypervisor intercepts both and hands them on.
 *
 * run: smp=2 native
 */
#include "lib/guest.h"

#define TF      (1ul << 8)
#define TRAP_DB 1
#define TRAP_BP 3
#define TRAP_AC 17

static uint64_t steps[32], step_count, last_dr6;

static uint64_t read_dr6(void)
{
	uint64_t v;

	asm volatile("mov %%dr6, %0" : "=r"(v));
	return v;
}

static void note(struct frame *f)
{
	steps[step_count++ & 31] = f->rip;
	last_dr6 = read_dr6();
	asm volatile("mov %0, %%dr6" : : "r"(0xffff0ff0ul));
}

extern const char step_first[], step_cpuid[], step_rdmsr[], step_in[], step_last[];

/* Between setting TF and clearing it each instruction traps once, those that exit too. */
static void test_step(void)
{
	step_count = 0;
	asm volatile("pushfq\n\t"
	             "orq $0x100, (%%rsp)\n\t"
	             "popfq\n"
	             "step_first: nop\n"
	             "step_cpuid: xor %%eax, %%eax\n\t"
	             "cpuid\n"
	             "step_rdmsr: mov $0x1b, %%ecx\n\t"
	             "rdmsr\n"
	             "step_in: in $0x20, %%al\n\t"
	             "pushfq\n\t"
	             "andq $~0x100, (%%rsp)\n\t"
	             "popfq\n"
	             "step_last:"
	             :
	             :
	             : "rax", "rbx", "rcx", "rdx", "memory");
	/* nop, xor, cpuid, mov, rdmsr, in, pushfq, andq, popfq */
	EXPECT_EQ(step_count, 9);
	EXPECT_EQ(steps[0], step_cpuid);
	EXPECT_EQ(steps[2], step_rdmsr);
	EXPECT_EQ(steps[4], step_in);
	EXPECT_EQ(last_dr6 & 1u << 14, 1u << 14);
	EXPECT_EQ(steps[8], step_last);
}

static void test_int3(void)
{
	extern const char after_int3[];

	step_count = 0;
	trap_set(TRAP_BP, note);
	asm volatile("int3\n"
	             "after_int3:");
	EXPECT_EQ(step_count, 1);
	EXPECT_EQ(steps[0], after_int3);
}

static uint64_t other_bad;

static void set_drs(uint64_t base)
{
	asm volatile("mov %0, %%dr0" : : "r"(base));
	asm volatile("mov %0, %%dr1" : : "r"(base + 1));
	asm volatile("mov %0, %%dr2" : : "r"(base + 2));
	asm volatile("mov %0, %%dr3" : : "r"(base + 3));
}

static uint64_t bad_drs(uint64_t base)
{
	uint64_t d[4];

	asm volatile("mov %%dr0, %0" : "=r"(d[0]));
	asm volatile("mov %%dr1, %0" : "=r"(d[1]));
	asm volatile("mov %%dr2, %0" : "=r"(d[2]));
	asm volatile("mov %%dr3, %0" : "=r"(d[3]));
	return (d[0] != base) + (d[1] != base + 1) + (d[2] != base + 2) + (d[3] != base + 3);
}

static void eoi(struct frame *f)
{
	(void)f;
	apic_write(APIC_EOI, 0);
}

static void keep_drs(void *arg)
{
	uint64_t base = 0x1000 * (cpu_this()->id + 1), *bad = arg;
	unsigned int i;

	irq_disable();
	set_drs(base);
	for (i = 0; i < 200; i++) {
		apic_self(0x41);
		irq_wait();
		cpuid(0x40000001, 0);
		*bad += bad_drs(base);
	}
}

/* Alignment checks are of ring 3 only (APM2 8.2.18); QEMU's processor makes none. */
static long misaligned(long arg)
{
	uint64_t v;
	long vec;

	asm volatile("pushfq; orq $0x40000, (%%rsp); popfq\n\t" TRY(
			     "mov 1(%[p]), %[v]") "\n\t"
	                                          "pushfq; andq $~0x40000, (%%rsp); popfq"
	             : [vec] "=&r"(vec), [v] "=&r"(v)
	             : [p] "r"(arg)
	             : "memory");
	return (int)vec;
}

static void test_ac(void)
{
	static uint64_t data[2];
	uint64_t cr0 = read_cr0();
	long vec;

	write_cr0(cr0 | 1ul << 18);
	vec = trap_user_call(misaligned, (long)data);
	EXPECT(vec == TRAP_AC || vec == TRAP_NONE);
	write_cr0(cr0);
	EXPECT_EQ(trap_user_call(misaligned, (long)data), TRAP_NONE);
}

void test_main(void)
{
	uint64_t bad = 0;

	if (xen_base)
		xen_map_shared();
	trap_set(TRAP_DB, note);
	trap_set(0x41, eoi);
	test_step();
	test_int3();
	test_ac();
	EXPECT(cpu_start(1));
	cpu_run(1, keep_drs, &other_bad);
	keep_drs(&bad);
	EXPECT(cpu_wait(1, PATIENCE));
	EXPECT_EQ(bad, 0);
	EXPECT_EQ(other_bad, 0);
}
