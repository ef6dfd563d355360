/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The two ways to give up: a broken invariant of our own, and boot input that cannot be used.
 *
 * Locking: none, on purpose. The first CPU that panics stops the others and owns the console.
 */
#include <bootinfo.h>
#include <console.h>
#include <cpu.h>
#include <domain.h>
#include <hostmap.h>
#include <printk.h>
#include <string.h>

#define MSR_GS_BASE 0xc0000101

static u32 panic_owner; /* 1 + number of the CPU that panics; 0 = nobody */
static u32 panic_depth;

static void cut_line(char *s)
{
	char *end = strchr(s, '\n');

	if (end)
		*end = '\0';
}

/* NULL as long as %gs has no base yet: early boot. */
static struct cpu *panic_cpu(void)
{
	return rdmsr(MSR_GS_BASE) ? this_cpu() : NULL;
}

/* The mapped memory around a frame of this CPU's: one of its stacks, or that of the boot. */
static bool stack_bounds(const struct cpu *c, u64 at, u64 *low, u64 *high)
{
	if (c && hostmap_stack_of(c, at, low, high))
		return true;
	*low = (u64)image_start;
	*high = (u64)image_end;
	return at >= *low && at < *high;
}

/* Return addresses by the frame pointers, as far as they stay on one stack. */
static void backtrace(const struct cpu *c)
{
	u64 *frame = __builtin_frame_address(0);
	u64 low, high;

	if (!stack_bounds(c, (u64)frame, &low, &high))
		return;
	for (u32 i = 0; i < 16; i++) {
		u64 at = (u64)frame;

		if (at < low || at > high - 16 || at % 8 || !frame[1])
			break;
		pr_err("  called from %#lx\n", frame[1]);
		if (frame[0] <= at)
			break;
		frame = (u64 *)frame[0];
	}
}

static void say_where(const struct cpu *c)
{
	const struct vcpu *v = c ? c->current : NULL;

	if (!c)
		pr_err("  early in boot\n");
	else if (v)
		pr_err("  on CPU %u, current vCPU d%uv%u\n", c->id, v->domain->id, v->id);
	else
		pr_err("  on CPU %u, no current vCPU\n", c->id);
}

void panic(const char *fmt, ...)
{
	struct cpu *c = panic_cpu();
	u32 mark = c ? c->id + 1 : 1, nobody = 0;
	char why[256];
	va_list ap;

	if (!__atomic_compare_exchange_n(&panic_owner, &nobody, mark, false, __ATOMIC_SEQ_CST,
	                                 __ATOMIC_SEQ_CST) &&
	    nobody != mark)
		cpu_halt_forever(); /* another CPU is at it; it will stop or reset this one */
	console_force();
	/* A panic while panicking: say less each time, at last nothing. */
	if (++panic_depth > 2)
		machine_stop("panic while panicking");
	if (cpu_count > 1 && panic_depth == 1)
		smp_stop_others();

	va_start(ap, fmt);
	vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	cut_line(why);
	pr_err("panic: %s\n", why);
	if (panic_depth == 1) {
		say_where(c);
		backtrace(c);
	}
	if (boot_options.noreboot)
		machine_stop(why);
	machine_reboot();
}

void boot_fail(const char *fmt, ...)
{
	char why[512];
	va_list ap;

	console_force();
	if (cpu_count > 1)
		smp_stop_others();
	va_start(ap, fmt);
	vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	cut_line(why);
	pr_err("%s\n", why);
	machine_stop(why);
}
