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
#include <printk.h>
#include <string.h>

static u32 panic_depth;

static void cut_line(char *s)
{
	char *end = strchr(s, '\n');

	if (end)
		*end = '\0';
}

void panic(const char *fmt, ...)
{
	bool dumped = console_forced(); /* by an exception, of which it says more */
	char why[256];
	va_list ap;

	console_force();
	smp_stop_others(); /* if another CPU is at it, this one ends here */
	/* A panic while panicking: say less each time, at last nothing. */
	if (++panic_depth > 2)
		machine_stop("panic while panicking");

	va_start(ap, fmt);
	vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	cut_line(why);
	pr_err("panic: %s\n", why);
	if (panic_depth == 1 && !dumped) {
		cpu_dump(this_cpu());
		trap_dump_stack((u64)__builtin_frame_address(0));
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
	smp_stop_others();
	va_start(ap, fmt);
	vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	cut_line(why);
	pr_err("%s\n", why);
	machine_stop(why);
}
