/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The CPUs of a test: the first one's start, the others' by INIT and start-up
 * IPIs, and functions run on them.
 */
#include "domu.h"

#define MSR_GS_BASE 0xc0000101
#define STACK_SIZE  0x4000
#define VECTOR_WORK 0x21

struct cpu cpus[CPU_MAX];
unsigned int cpu_count;
struct cpu *volatile cpu_booting;

static uint8_t stacks[CPU_MAX][STACK_SIZE] __attribute__((aligned(16)));
static uint8_t user_stacks[CPU_MAX][STACK_SIZE] __attribute__((aligned(16)));

extern const char entry_trampoline[], entry_trampoline_end[];
extern uint64_t cpu_gdt[];
_Noreturn void cpu_other_start(struct cpu *c);
_Noreturn void guest_start(void);
extern uint64_t entry_start_info;

static void load_tss(struct cpu *c)
{
	uint64_t base = (uint64_t)&c->tss;
	uint64_t *desc = &cpu_gdt[SEL_TSS / 8 + 2 * c->id];

	c->tss.iomap = sizeof(c->tss);
	desc[0] = (sizeof(c->tss) - 1) | (base & 0xffffff) << 16 | 0x89ull << 40 |
	          (base >> 24 & 0xff) << 56;
	desc[1] = base >> 32;
	asm volatile("ltr %w0" : : "r"(SEL_TSS + 16 * c->id));
}

/* A CPU that starts for the second time finds its TSS busy: describe it anew. */
void cpu_init(struct cpu *c)
{
	c->self = c;
	c->stack = (uint64_t)(stacks[c->id] + STACK_SIZE);
	c->ustack = (uint64_t)(user_stacks[c->id] + STACK_SIZE);
	c->fixup = 0;
	wrmsr(MSR_GS_BASE, (uint64_t)c);
	trap_load();
	load_tss(c);
}

static void take_work(struct frame *f)
{
	(void)f;
	apic_write(APIC_EOI, 0);
}

/* Work arrives as a pointer and an IPI: asleep or not, it is seen. */
void cpu_other_start(struct cpu *c)
{
	cpu_init(c);
	apic_init();
	__atomic_store_n(&c->up, true, __ATOMIC_RELEASE);
	for (;;) {
		irq_disable();
		while (!c->work)
			irq_wait();
		irq_enable();
		c->work(c->work_arg);
		__atomic_store_n(&c->work, NULL, __ATOMIC_RELEASE);
	}
}

/* Start a CPU, or start it again: everything it did before is forgotten (APM2 16.5, 14.1.3). */
bool cpu_start(unsigned int id)
{
	struct cpu *c = &cpus[id];

	/* An INIT for a CPU that is not there would be ours. */
	if (c->apic_id == cpu_this()->apic_id)
		return false;
	memcpy((void *)TRAMPOLINE, entry_trampoline,
	       (size_t)(entry_trampoline_end - entry_trampoline));
	trap_set(VECTOR_WORK, take_work);
	c->id = id;
	c->stack = (uint64_t)(stacks[id] + STACK_SIZE);
	c->up = false;
	c->work = NULL;
	cpu_booting = c;
	apic_send(c->apic_id, ICR_INIT | ICR_LEVEL | ICR_ASSERT);
	apic_send(c->apic_id, ICR_INIT | ICR_LEVEL);
	apic_send(c->apic_id, ICR_STARTUP | TRAMPOLINE >> 12);
	apic_send(c->apic_id, ICR_STARTUP | TRAMPOLINE >> 12);
	return WAIT_UNTIL(__atomic_load_n(&c->up, __ATOMIC_ACQUIRE), PATIENCE);
}

void cpu_run(unsigned int id, void (*fn)(void *), void *arg)
{
	cpus[id].work_arg = arg;
	__atomic_store_n(&cpus[id].work, fn, __ATOMIC_RELEASE);
	apic_send(cpus[id].apic_id, VECTOR_WORK);
}

bool cpu_done(unsigned int id)
{
	return !__atomic_load_n(&cpus[id].work, __ATOMIC_ACQUIRE);
}

bool cpu_wait(unsigned int id, unsigned int ms)
{
	return WAIT_UNTIL(cpu_done(id), ms);
}

uint64_t guest_option(const char *name, uint64_t otherwise)
{
	const char *s = string_has((char *)start_info->cmdline_paddr, name);
	uint64_t v = 0;

	if (!s)
		return otherwise;
	for (s += strlen(name); *s >= '0' && *s <= '9'; s++)
		v = v * 10 + (uint64_t)(*s - '0');
	return v;
}

void guest_start(void)
{
	uint32_t ids[CPU_MAX] = { 0 };
	unsigned int i;

	start_info = (void *)entry_start_info;
	trap_init();
	cpu_init(&cpus[0]);
	xen_init();
	apic_init();
	cpu_count = acpi_cpus(ids, CPU_MAX);
	if (!cpu_count)
		cpu_count = 1;
	for (i = 0; i < cpu_count; i++)
		cpus[i].apic_id = ids[i];
	cpus[0].up = true;
	if (xen_base && !(start_info->flags & SIF_INITDOMAIN))
		domu_main();
	test_main();
	check_verdict();
}
