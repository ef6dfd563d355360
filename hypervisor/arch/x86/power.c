/* SPDX-License-Identifier: GPL-2.0-only */
/* The ends of the machine: power-off, reboot, and stopping for good with a line that says why. */
#include <acpi.h>
#include <console.h>
#include <cpu.h>
#include <domain.h>
#include <printk.h>
#include <string.h>

#define PM1_SLP_TYP_SHIFT 10 /* ACPI 6.4 4.8.3.2.1 */
#define PM1_SLP_TYP       (7 << PM1_SLP_TYP_SHIFT)
#define PM1_SLP_EN        (1 << 13)

#define UART_LSR      5
#define UART_LSR_TEMT 0x40

/* Port 0x80 takes about a microsecond on every PC; no clock is trusted any more. */
static void wait_us(u32 us)
{
	while (us--)
		outb(0x80, 0);
}

/* These lines are for scripts: whatever the log level is, and in one piece, so others stop first.
 */
static void __printf(1, 2) last_line(const char *fmt, ...)
{
	char line[600];
	va_list ap;

	smp_stop_others();
	console_force();
	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	console_write_line("froe: ", line, strlen(line));
	for (u32 i = 0; uart_port && i < 100000; i++)
		if (inb(uart_port + UART_LSR) & UART_LSR_TEMT)
			break;
}

static void enter_s5(u16 port, u8 type)
{
	u16 v;

	if (!port)
		return;
	v = inw(port);
	v &= ~(PM1_SLP_TYP | PM1_SLP_EN);
	outw(port, v | type << PM1_SLP_TYP_SHIFT | PM1_SLP_EN);
}

void machine_power_off(void)
{
	last_line("power off");
	if (acpi.s5_known) {
		enter_s5(acpi.pm1a_cnt, acpi.s5_typ_a);
		enter_s5(acpi.pm1b_cnt, acpi.s5_typ_b);
		wait_us(10000000);
	}
	last_line("stopped: the machine did not power off: switch it off by hand");
	cpu_halt_forever();
}

void machine_reboot(void)
{
	static const struct {
		u16 limit;
		u64 base;
	} __packed no_idt = { 0, 0 };

	last_line("reboot");
	if (acpi.reset_port) {
		outb(acpi.reset_port, acpi.reset_value);
		wait_us(100000);
	}
	/* The reset control register of most chip sets: choose a full reset, then do it. */
	outb(0xcf9, 0x02);
	wait_us(50);
	outb(0xcf9, 0x06);
	wait_us(100000);
	/* The keyboard controller's reset line. */
	outb(0x64, 0xfe);
	wait_us(100000);
	/* A fault with no IDT is a shutdown cycle, which chip sets answer with a reset. */
	__asm__ volatile("lidt %0; int3" ::"m"(no_idt));
	cpu_halt_forever();
}

void machine_stop(const char *why)
{
	last_line("stopped: %s", why);
	cpu_halt_forever();
}
