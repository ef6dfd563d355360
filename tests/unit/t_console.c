/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The serial port and the console on it: probing, output, and whose the keys are.
 * files: hypervisor/arch/x86/uart.c hypervisor/core/console.c
 */
#include <bootinfo.h>
#include <console.h>
#include <cpu.h>
#include <event.h>
#include <printk.h>
#include <string.h>
#include <timer.h>
#include "harness.h"

#define PORT 0x2f8

struct boot_options boot_options;
struct cpu *cpus[MAX_CPUS];

/* --- a 16550 -------------------------------------------------------------- */

static enum {
	UART_16550,
	UART_NO_SCRATCH,
	UART_ABSENT,
	UART_STUCK
} kind;
static u8 regs[8], divisor[2];
static char sent[8192];
static u32 sent_count, fifo_room, overruns;
static char typed[8192];
static u32 typed_count, typed_at;

u8 inb(u16 port)
{
	u32 r = port - PORT;

	REQUIRE(r < 8);
	if (kind == UART_ABSENT)
		return 0xff;
	switch (r) {
	case 0:
		return typed_at < typed_count ? (u8)typed[typed_at++] : 0;
	case 2:
		return regs[2] & 1 ? 0xc1 : 0x01;
	case 5:
		if (kind != UART_STUCK)
			fifo_room = 16;
		return (u8)((kind != UART_STUCK ? 0x60 : 0) | (typed_at < typed_count));
	case 6:
		return regs[4] & 0x10 ? (u8)((regs[4] & 0x08) << 4 | (regs[4] & 0x02) << 3) : 0xb0;
	case 7:
		return kind == UART_NO_SCRATCH ? 0 : regs[7];
	}
	return regs[r];
}

void outb(u16 port, u8 v)
{
	u32 r = port - PORT;

	REQUIRE(r < 8);
	if (r < 2 && regs[3] & 0x80) {
		divisor[r] = v;
		return;
	}
	regs[r] = v;
	if (r)
		return;
	REQUIRE(sent_count < sizeof(sent));
	if (!fifo_room)
		overruns++;
	else
		fifo_room--;
	sent[sent_count++] = (char)v;
}

/* --- the rest of the hypervisor ------------------------------------------- */

static u64 now;
static struct timer *poll;
static u32 virqs;
static char menu_keys[64];
static u32 menu_count;

u64 time_now(void)
{
	return now;
}

void timer_init(struct timer *t, struct cpu *c, void (*fn)(struct timer *))
{
	*t = (struct timer){ .fn = fn, .cpu = c, .index = -1 };
}

int timer_set(struct timer *t, u64 deadline)
{
	poll = t;
	t->deadline = deadline;
	return 0;
}

void event_send_global_virq(u32 virq)
{
	CHECK_EQ(virq, VIRQ_CONSOLE);
	virqs++;
}

bool menu_work(void)
{
	return false;
}

void menu_key(char key)
{
	menu_keys[menu_count++] = key;
}

void printk_show_all(bool on)
{
	(void)on;
}

static void tick(void)
{
	REQUIRE(poll && poll->deadline > now && poll->deadline - now <= 20000000);
	now = poll->deadline;
	poll->fn(poll);
}

/* Type, then let the console look until it has taken all. */
static void type_n(const char *s, size_t n)
{
	memcpy(typed, s, n);
	typed_at = 0;
	typed_count = (u32)n;
	for (u32 i = 0; i < 1000 && typed_at < typed_count; i++)
		tick();
}
#define type(s) type_n(s, strlen(s))

static void check_read(const char *expected)
{
	char buf[256];
	size_t n = console_read(buf, sizeof(buf));

	CHECK_EQ(n, strlen(expected));
	CHECK(!memcmp(buf, expected, n));
}

/* --- tests ---------------------------------------------------------------- */

static void test_probe(void)
{
	kind = UART_ABSENT;
	CHECK_EQ(uart_init(PORT, 115200), -ENODEV);
	CHECK_EQ(uart_port, 0);
	uart_putc('x'); /* nothing, and no harm */
	CHECK_EQ(uart_getc(), -1);
	kind = UART_NO_SCRATCH;
	CHECK_EQ(uart_init(PORT, 9600), 0);
	CHECK_EQ(uart_port, PORT);
	CHECK_EQ(divisor[0], 12);
	kind = UART_16550;
	divisor[0] = divisor[1] = 0x55;
	CHECK_EQ(uart_init(PORT, 0), 0); /* as the firmware left it */
	CHECK_EQ(divisor[0], 0x55);
	CHECK_EQ(uart_init(PORT, 50), 0);
	CHECK_EQ(divisor[0] | divisor[1] << 8, 2304);
	CHECK_EQ(regs[1], 0); /* no interrupts */
	CHECK_EQ(regs[3], 3);
	CHECK_EQ(regs[4], 3);
}

static void check_sent(const char *expected)
{
	CHECK_EQ(sent_count, strlen(expected));
	CHECK(!memcmp(sent, expected, sent_count));
	sent_count = 0;
}

static void test_output(void)
{
	boot_options = (struct boot_options){ .console_com2 = true, .com_port = PORT };
	console_init();
	sent_count = 0;
	console_write("a\nb\r\nc", 6);
	check_sent("a\r\nb\r\nc");
	console_write_line("froe: ", "line", 4); /* on a line of its own */
	check_sent("\r\nfroe: line\r\n");
	console_write_line("froe: ", "next", 4);
	check_sent("froe: next\r\n");
	console_write("x\r", 2);
	console_write("\n", 1); /* split over two calls */
	check_sent("x\r\n");
	for (u32 i = 0; i < 200; i++)
		console_write("0123456789", 10);
	CHECK_EQ(overruns, 0);
	CHECK_EQ(sent_count, 2000);
	kind = UART_STUCK; /* a line that takes nothing: bounded */
	console_write("0123456789abcdefghij", 20);
	kind = UART_16550;
}

static void test_input(void)
{
	console_start();
	type("hello");
	CHECK_EQ(virqs, 1); /* told once: when there was nothing before */
	check_read("hello");
	check_read("");
	type("a");
	type("b");
	CHECK_EQ(virqs, 2);
	check_read("ab");
}

static void test_escape(void)
{
	type("\1\1x\1");
	check_read("\1\1x");
	for (u32 i = 0; i < 100; i++)
		tick();
	check_read("\1"); /* alone: after a while */
	type("\1\1\1");
	unit_log_clear();
	type("rh");
	CHECK(menu_count == 2 && !memcmp(menu_keys, "rh", 2));
	check_read("");
	type("\1\1z"); /* no escape: the menu gets the z, nobody the rest */
	CHECK(menu_count == 3 && menu_keys[2] == 'z');
	type("\1");
	type("\1");
	type("\1"); /* slowly typed */
	CHECK(unit_log_has("input goes to the control domain"));
	type("back");
	check_read("back");
	CHECK_EQ(menu_count, 3);
}

/* A paste waits in the UART; a control domain that has stopped reading cannot keep us out. */
static void test_full(void)
{
	static char paste[4000], got[4000];
	u32 at = 0;

	for (u32 i = 0; i < sizeof(paste); i++)
		paste[i] = (char)('!' + i % 90);
	memcpy(typed, paste, sizeof(paste));
	typed_at = 0;
	typed_count = sizeof(paste);
	for (u32 i = 0; i < 3000 && at < sizeof(paste); i++) {
		tick();
		if (i % 10 == 0)
			at += (u32)console_read(got + at, min(sizeof(got) - at, 100ul));
	}
	CHECK_EQ(at, sizeof(paste));
	CHECK(!memcmp(got, paste, sizeof(paste)));

	now += 5000000000;
	poll->deadline = now + 1;
	type_n(paste, sizeof(paste));
	menu_count = 0;
	type("\1\1\1q");
	CHECK(menu_count == 1 && menu_keys[0] == 'q');
}

void unit_main(void)
{
	cpus[0] = this_cpu();
	test_probe();
	test_output();
	test_input();
	test_escape();
	test_full();
}
