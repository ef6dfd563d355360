/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Exceptions in host mode: the few that are expected, and a readable dump for the rest.
 *
 * NMIs and machine checks arrive at any moment, so what they run takes no lock: they either leave a
 * note and return, or end the machine.
 */
#include <console.h>
#include <cpu.h>
#include <domain.h>
#include <hostmap.h>
#include <printk.h>
#include <regs.h>
#include <string.h>
#include <virt.h>
#include <watchdog.h>

/* Instructions that may fault, and where to go on: filled by the .extable section. */
struct extable_entry {
	u64 fault, fixup;
};
extern const struct extable_entry extable_start[], extable_end[];

int rdmsr_safe(u32 msr, u64 *v)
{
	u32 lo = 0, hi = 0;
	int rc = 0;

	__asm__ volatile("1:\trdmsr\n"
	                 "2:\n\t"
	                 ".pushsection .text.fixup,\"ax\"\n"
	                 "3:\tmovl %[inval],%[rc]\n\t"
	                 "jmp 2b\n\t"
	                 ".popsection\n\t"
	                 ".pushsection .extable,\"a\"\n\t"
	                 ".quad 1b, 3b\n\t"
	                 ".popsection"
	                 : "+a"(lo), "+d"(hi), [rc] "+r"(rc)
	                 : "c"(msr), [inval] "i"(-EINVAL));
	*v = (u64)hi << 32 | lo;
	return rc;
}

static bool fix_up(struct trap_frame *f)
{
	for (const struct extable_entry *e = extable_start; e < extable_end; e++) {
		if (e->fault == f->rip) {
			f->rip = e->fixup;
			return true;
		}
	}
	return false;
}

/* --- the dump ---------------------------------------------------------------- */

static const char *vector_name(u64 vector)
{
	static const char name[32][4] = {
		"#DE", "#DB", "NMI", "#BP", "#OF", "#BR", "#UD", "#NM", "#DF", "?", "#TS",
		"#NP", "#SS", "#GP", "#PF", "?",   "#MF", "#AC", "#MC", "#XF", "?", "#CP",
		"?",   "?",   "?",   "?",   "?",   "?",   "#HV", "#VC", "#SX", "?",
	};

	return vector < 32 ? name[vector] : "interrupt";
}

static bool in_text(u64 a)
{
	return (a >= (u64)image_text_start && a < (u64)image_text_end) ||
	       (a >= (u64)image_init_text_start && a < (u64)image_init_text_end);
}

/* Before a CPU has its own stacks, all there is is the boot stack. */
static bool find_stack(u64 sp, u64 *low, u64 *high)
{
	extern char boot_stack[], boot_stack_top[];

	if (hostmap_stack_of(this_cpu(), sp, low, high) && this_cpu()->stack_top)
		return true;
	*low = (u64)boot_stack;
	*high = (u64)boot_stack_top;
	return sp >= *low && sp < *high;
}

#define DUMP_WORDS 24
#define DUMP_CALLS 16

void trap_dump_stack(u64 sp)
{
	u64 low, high, calls = 0, n = 0;

	if (sp & 7 || !find_stack(sp, &low, &high)) {
		pr_err("stack: rsp is outside of this CPU's stacks\n");
		return;
	}
	for (u64 a = sp; a + 32 <= high && n < DUMP_WORDS; a += 32, n += 4) {
		const u64 *w = (const u64 *)a;

		pr_err("stack: %016lx: %016lx %016lx %016lx %016lx\n", a, w[0], w[1], w[2], w[3]);
	}
	/* Each word that points into the text may be a return address; names are in froe.syms. */
	for (u64 a = sp; a < high && calls < DUMP_CALLS; a += 8) {
		u64 w = *(const u64 *)a;

		if (in_text(w)) {
			pr_err("call from: %016lx\n", w);
			calls++;
		}
	}
}

void cpu_dump(const struct cpu *c)
{
	static const char *const mode[] = { "host", "guest", "idle" };
	const struct vcpu *v = READ_ONCE(c->current);
	char runs[32] = "no vCPU";

	if (v)
		snprintf(runs, sizeof(runs), "d%uv%u", v->domain->id, v->id);
	pr_err("CPU %u: APIC id %u, %s mode, runs %s, todo %#lx, %lu entries\n", c->id, c->apic_id,
	       c->mode < ARRAY_SIZE(mode) ? mode[c->mode] : "?", runs, c->todo, c->entries);
}

void trap_dump_registers(const struct trap_frame *f)
{
	pr_err("rip %04lx:%016lx  rsp %04lx:%016lx  rflags %08lx\n", f->cs, f->rip, f->ss, f->rsp,
	       f->rflags);
	pr_err("rax %016lx  rbx %016lx  rcx %016lx\n", f->rax, f->rbx, f->rcx);
	pr_err("rdx %016lx  rsi %016lx  rdi %016lx\n", f->rdx, f->rsi, f->rdi);
	pr_err("rbp %016lx  r8  %016lx  r9  %016lx\n", f->rbp, f->r8, f->r9);
	pr_err("r10 %016lx  r11 %016lx  r12 %016lx\n", f->r10, f->r11, f->r12);
	pr_err("r13 %016lx  r14 %016lx  r15 %016lx\n", f->r13, f->r14, f->r15);
}

void trap_dump(const struct trap_frame *f)
{
	trap_dump_registers(f);
	pr_err("cr0 %08lx  cr2 %016lx  cr3 %012lx  cr4 %08lx\n", read_cr0(), read_cr2(), read_cr3(),
	       read_cr4());
	cpu_dump(this_cpu()); /* not earlier: it may be what is broken, and fault again */
	trap_dump_stack(f->rsp);
}

static void __noreturn trap_fatal(const struct trap_frame *f)
{
	console_force();
	pr_err("vector %lu (%s), error code 0x%lx\n", f->vector, vector_name(f->vector), f->error);
	trap_dump(f);
	if (f->vector == EXC_PF)
		panic("page fault at %016lx: %s %s\n", read_cr2(),
		      f->error & 0x10 ? "execution of"
		      : f->error & 2  ? "write to"
		                      : "read of",
		      f->error & 1 ? "a protected page" : "a page that is not there");
	if (f->vector == EXC_DF)
		panic("double fault, most likely a stack overflow\n");
	panic("exception %s in the hypervisor\n", vector_name(f->vector));
}

/* --- NMI and machine check ---------------------------------------------------- */

static void trap_nmi(const struct trap_frame *f)
{
	struct cpu *c = this_cpu();

	if (smp_stop_requested())
		cpu_halt_forever();
	if (watchdog_accused(c)) {
		console_force();
		pr_err("CPU %u has not left the hypervisor for %u seconds\n", c->id,
		       WATCHDOG_SECONDS);
		trap_dump(f);
		panic("watchdog: CPU %u hangs\n", c->id);
	}
	if (!menu_snapshot(f))
		watchdog_count_nmi(c);
}

/* Machine-check banks, APM2 9.3.2. */
#define MC_VALID BIT(63)
#define MC_MISCV BIT(59)
#define MC_ADDRV BIT(58)

static void __noreturn trap_machine_check(const struct trap_frame *f)
{
	console_force();
	pr_err("machine check on CPU %u, status 0x%lx\n", this_cpu()->id, rdmsr(MSR_MCG_STATUS));
	for (u32 i = 0; i < (rdmsr(MSR_MCG_CAP) & 0xff); i++) {
		u64 status = rdmsr(MSR_MC0_STATUS + 4 * i);

		if (status & MC_VALID)
			pr_err("bank %u: status %016lx address %016lx misc %016lx\n", i, status,
			       status & MC_ADDRV ? rdmsr(MSR_MC0_ADDR + 4 * i) : 0,
			       status & MC_MISCV ? rdmsr(MSR_MC0_MISC + 4 * i) : 0);
	}
	trap_dump(f);
	panic("machine check: the hardware reported an error that it could not correct\n");
}

void trap_handle(struct trap_frame *f)
{
	if (likely(f->vector >= 32))
		irq_handle(f->vector);
	else if (f->vector == EXC_NMI)
		trap_nmi(f);
	else if (f->vector == EXC_MC)
		trap_machine_check(f);
	else if (!fix_up(f))
		trap_fatal(f);
}
