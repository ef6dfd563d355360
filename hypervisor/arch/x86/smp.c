/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The machine's CPUs: starting them, and the ways in which they call each other.
 *
 * Locking: none. A CPU's `todo` bits and `mode` replace it: whoever sets a bit and then sees
 * CPU_HOST may rely on the bit being looked at before the next VM entry or HLT, because that CPU
 * leaves CPU_HOST before its last look at the bits, with full barriers on both sides.
 */
#include <acpi.h>
#include <bootinfo.h>
#include <bootmem.h>
#include <cpu.h>
#include <domain.h>
#include <hostmap.h>
#include <page.h>
#include <printk.h>
#include <regs.h>
#include <string.h>
#include <timer.h>
#include <virt.h>

#define START_TIMEOUT  10000000000ULL /* ns that a CPU has to show up */
#define LOW_MEMORY_END (640 * KIB)    /* a SIPI reaches the first MiB, RAM ends before */
#define STOP_TIMEOUT   500000000ULL

struct cpu *cpus[MAX_CPUS] = { &boot_cpu };
u32 cpu_count = 1;

static u32 released;
static u32 stopper; /* 1 + id of the CPU that stops the others, 0 = nobody */
static u32 stopped; /* CPUs that have stopped */

/* --- start -------------------------------------------------------------------- */

struct trampoline_params {
	u64 root, stack, cpu, entry;
};
extern const char trampoline_start[], trampoline_end[], trampoline_params[];

/*
 * Lent: the control domain gets all low memory, which its kernel scans, but nobody writes there
 * until it is built.
 */
static paddr_t trampoline_page;
static u32 awaited; /* id of the CPU that may come in, 0 = none */
static u32 started; /* id of the CPU that came up last */

static bool take_awaited(u32 id)
{
	return __atomic_compare_exchange_n(&awaited, &id, 0, false, __ATOMIC_SEQ_CST,
	                                   __ATOMIC_SEQ_CST);
}

/* Idle, but for calls by others, until the boot CPU has built the control domain. */
static void wait_for_release(struct cpu *c)
{
	u64 later = 0;

	for (;;) {
		__atomic_store_n(&c->mode, CPU_IDLE, __ATOMIC_SEQ_CST);
		if (load_acquire(&released))
			break;
		if (!READ_ONCE(c->todo))
			irq_wait();
		c->mode = CPU_HOST;
		later |= __atomic_exchange_n(&c->todo, 0, __ATOMIC_SEQ_CST);
		if (later & TODO_ANSWER)
			smp_answer();
		later &= ~TODO_ANSWER;
	}
	c->mode = CPU_HOST;
	__atomic_fetch_or(&c->todo, later, __ATOMIC_SEQ_CST); /* the run loop's */
}

static void __noreturn start_ap(struct cpu *c)
{
	wrmsr(MSR_GS_BASE, (u64)c);
	if (!take_awaited(c->id)) /* too late: what follows may be freed already */
		cpu_halt_forever();
	cpu_init_this();
	desc_init_cpu(c);
	lapic_init_this();
	timer_init_cpu(c);
	sched_init_cpu(c);
	if (virt->cpu_init(c))
		panic("CPU %u cannot run guests, though the boot CPU can\n", c->id);
	c->tsc_start = rdtsc_ordered();
	store_release(&started, c->id);
	wait_for_release(c);
	hostmap_flush(); /* of the start page and the init sections */
	cpu_main();
}

static struct cpu *__init new_cpu(u32 id, u32 apic_id)
{
	struct cpu *c = heap_alloc(sizeof(*c));

	if (!c)
		boot_fail("out of memory for CPU %u: give the machine more RAM, or use maxcpus=%u",
		          id, id);
	c->self = c;
	c->id = id;
	c->apic_id = apic_id;
	hostmap_stacks_init(c);
	return c;
}

/* Put the code into the page, with c's parameters. */
static void __init fill_trampoline(paddr_t page, const struct cpu *c)
{
	struct trampoline_params p = {
		.root = hostmap_root(),
		.stack = c->stack_top,
		.cpu = (u64)c,
		.entry = (u64)start_ap,
	};
	char *to = paddr_to_virt(page);

	memcpy(to, trampoline_start, trampoline_end - trampoline_start);
	memcpy(to + (trampoline_params - trampoline_start), &p, sizeof(p));
}

/*
 * All time comes from TSCs that are taken for one clock. The CPU read its own between `sent` and
 * now; firmware that starts sockets at different moments shows as milliseconds and more.
 */
static void __init check_tsc(const struct cpu *c, u64 sent)
{
	u64 now = rdtsc_ordered(), grace = time_tsc_khz / 100; /* 10 us */
	s64 off = 0;

	if (c->tsc_start + grace < sent)
		off = (s64)(c->tsc_start - sent);
	else if (c->tsc_start > now + grace)
		off = (s64)(c->tsc_start - now);
	if (off)
		boot_fail("the time stamp counter of CPU %u is %ld us off: update the firmware, "
		          "or use maxcpus=%u",
		          c->id, off / (s64)(time_tsc_khz / 1000), c->id);
}

static bool __init start_cpu(paddr_t page, u32 apic_id)
{
	u32 id = cpu_count;
	struct cpu *c = new_cpu(id, apic_id);
	u64 deadline, sent = rdtsc_ordered();

	fill_trampoline(page, c);
	store_release(&awaited, id);
	lapic_send_init_sipi(apic_id, page >> PAGE_SHIFT);
	deadline = time_now() + START_TIMEOUT;
	while (load_acquire(&started) != id) {
		cpu_pause();
		if (time_now() > deadline && take_awaited(id))
			return false;
	}
	check_tsc(c, sent);
	cpus[id] = c;
	store_release(&cpu_count, id + 1);
	return true;
}

/* One after the other; false if one stays away. */
static bool __init start_all(u32 limit)
{
	for (u32 i = 0; i < acpi.cpu_count && cpu_count < limit; i++) {
		u32 id = acpi.cpu_apic_id[i];

		if (id == boot_cpu.apic_id)
			continue;
		if (!start_cpu(trampoline_page, id)) {
			pr_warn("CPU with APIC id %u does not start: going on without it and any "
			        "behind it\n",
			        id);
			return false;
		}
	}
	return true;
}

void __init smp_reserve(void)
{
	trampoline_page = boot_alloc(PAGE_SIZE, PAGE_SIZE, LOW_MEMORY_END);
	bootmem_give_back(trampoline_page, PAGE_SIZE);
}

void __init smp_init(void)
{
	u32 limit = boot_options.maxcpus ? boot_options.maxcpus : MAX_CPUS;

	hostmap_trampoline(trampoline_page, true);
	/* A CPU that comes too late needs the page to get as far as start_ap(), where it halts. */
	if (start_all(min(limit, (u32)MAX_CPUS)))
		hostmap_trampoline(trampoline_page, false);
	pr_info("%u CPU%s\n", cpu_count, cpu_count > 1 ? "s" : "");
}

void smp_release(void)
{
	store_release(&released, 1);
	for (u32 i = 1; i < cpu_count; i++)
		lapic_send_ipi(cpus[i]->apic_id, VEC_KICK);
}

/* --- calls ---------------------------------------------------------------------- */

void cpu_kick(struct cpu *c, u64 todo)
{
	__atomic_fetch_or(&c->todo, todo, __ATOMIC_SEQ_CST);
	if (c != this_cpu() && __atomic_load_n(&c->mode, __ATOMIC_SEQ_CST) != CPU_HOST)
		lapic_send_ipi(c->apic_id, VEC_KICK);
}

void smp_answer(void)
{
	store_release(&this_cpu()->answers, this_cpu()->answers + 1);
}

/* While this CPU waits for another, the other may be waiting for this one. */
void smp_settle(void)
{
	u64 seen[MAX_CPUS];

	for (u32 i = 0; i < cpu_count; i++) {
		seen[i] = READ_ONCE(cpus[i]->answers);
		cpu_kick(cpus[i], TODO_ANSWER);
	}
	for (u32 i = 0; i < cpu_count; i++)
		while (load_acquire(&cpus[i]->answers) == seen[i]) {
			smp_answer();
			cpu_pause();
		}
}

/* --- stop ----------------------------------------------------------------------- */

bool smp_stop_requested(void)
{
	u32 by = load_acquire(&stopper);

	if (!by || by == this_cpu()->id + 1)
		return false;
	__atomic_fetch_add(&stopped, 1, __ATOMIC_SEQ_CST);
	return true;
}

void smp_stop_others(void)
{
	u32 self = this_cpu()->id + 1, nobody = 0;
	u64 deadline = time_now() + STOP_TIMEOUT;

	if (!__atomic_compare_exchange_n(&stopper, &nobody, self, false, __ATOMIC_SEQ_CST,
	                                 __ATOMIC_SEQ_CST)) {
		if (nobody == self)
			return; /* once is enough */
		cpu_halt_forever();
	}
	for (u32 i = 0; i < cpu_count; i++)
		if (cpus[i] != this_cpu())
			lapic_send_nmi(cpus[i]->apic_id);
	while (load_acquire(&stopped) < cpu_count - 1 && time_now() < deadline)
		cpu_pause();
}
