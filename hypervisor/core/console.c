/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The serial console: output of the hypervisor and the control domain, input for one of the two.
 *
 * Locking: console_lock covers the UART, the column and the input ring; it nests inside everything
 * else. After console_force() it is not taken any more.
 */
#include <bootinfo.h>
#include <console.h>
#include <cpu.h>
#include <event.h>
#include <printk.h>
#include <string.h>
#include <timer.h>

#define INPUT_SIZE     1024
#define INPUT_PATIENCE 1000000000ULL /* ns */

#define CTRL_A         1
#define ESCAPE_COUNT   3
#define ESCAPE_TIMEOUT 500000000ULL /* ns: a single Ctrl-A is meant for a program */

/* A 16550 holds 16 bytes, 1.4 ms at full speed: look often while somebody types or pastes. */
#define POLL_IDLE  15000000ULL /* ns */
#define POLL_BUSY  1000000ULL
#define BUSY_POLLS 50

static struct spinlock console_lock;
static bool forced;
static bool line_open; /* the cursor is not in the first column */
static char last_char;

static char input[INPUT_SIZE];
static u32 input_head, input_tail; /* free-running */
static u64 input_taken_at;         /* when the control domain last asked */

/* The rest belongs to the boot CPU's poll timer. */
static struct timer poll_timer;
static bool to_menu;
static u32 escape_seen;
static u64 escape_at;
static u32 busy;

static void lock(void)
{
	if (!forced)
		spin_lock(&console_lock);
}

static void unlock(void)
{
	if (!forced)
		spin_unlock(&console_lock);
}

void console_force(void)
{
	WRITE_ONCE(forced, true);
}

bool console_forced(void)
{
	return READ_ONCE(forced);
}

void console_init(void)
{
	const struct boot_options *o = &boot_options;

	if ((o->console_com1 || o->console_com2) && uart_init(o->com_port, o->com_baud))
		pr_warn("console: no serial port at %#x\n", o->com_port);
}

/* A terminal driver may have sent the carriage return already: one is enough. */
static void write_locked(const char *s, size_t n)
{
	for (; n; n--, s++) {
		if (*s == '\n' && last_char != '\r')
			uart_putc('\r');
		uart_putc(*s);
		last_char = *s;
		line_open = *s != '\n';
	}
}

void console_write(const char *s, size_t n)
{
	lock();
	write_locked(s, n);
	unlock();
}

void console_write_line(const char *prefix, const char *s, size_t n)
{
	lock();
	if (line_open)
		write_locked("\n", 1);
	write_locked(prefix, strlen(prefix));
	write_locked(s, n);
	write_locked("\n", 1);
	unlock();
}

size_t console_read(char *buf, size_t n)
{
	size_t done = 0;

	lock();
	while (done < n && input_tail != input_head)
		buf[done++] = input[input_tail++ % INPUT_SIZE];
	input_taken_at = time_now();
	unlock();
	return done;
}

/* For the control domain. Returns whether the ring was empty before, so that it has to be told. */
static bool input_put(char c)
{
	bool was_empty;

	lock();
	was_empty = input_head == input_tail;
	if (input_head - input_tail < INPUT_SIZE)
		input[input_head++ % INPUT_SIZE] = c;
	unlock();
	return was_empty;
}

/*
 * A paste can be faster than the control domain: what waits in the UART or behind it is not lost
 * yet. But if it has stopped reading for good, the three Ctrl-A must still come through.
 */
static bool input_stalled(void)
{
	return !to_menu && input_head - READ_ONCE(input_tail) == INPUT_SIZE &&
	       time_now() - READ_ONCE(input_taken_at) < INPUT_PATIENCE;
}

static void say_target(void)
{
	pr_info("console: input goes to the %s, three Ctrl-A to switch%s\n",
	        to_menu ? "hypervisor, h for help" : "control domain", to_menu ? " back" : "");
}

static void switch_input(void)
{
	to_menu = !to_menu;
	printk_show_all(true);
	say_target();
	printk_show_all(false);
}

/* The Ctrl-A held back so far turn out to be ordinary input. */
static bool release_escape(void)
{
	bool tell = false;

	for (; escape_seen; escape_seen--)
		if (!to_menu)
			tell |= input_put(CTRL_A);
	return tell;
}

static bool take(char c)
{
	bool tell;

	if (c == CTRL_A) {
		escape_at = time_now();
		if (++escape_seen == ESCAPE_COUNT) {
			escape_seen = 0;
			switch_input();
		}
		return false;
	}
	tell = release_escape();
	if (to_menu)
		menu_key(c);
	else
		tell |= input_put(c);
	return tell;
}

void console_poll(void)
{
	bool tell = false;
	u32 n;
	int c;

	/* Bounded: a babbling line cannot keep this CPU. The rest waits for the next poll. */
	for (n = 0; n < 4 * 16 && !input_stalled(); n++) {
		lock();
		c = uart_getc();
		unlock();
		if (c < 0)
			break;
		tell |= take((char)c);
	}
	if (escape_seen && time_now() - escape_at > ESCAPE_TIMEOUT)
		tell |= release_escape();
	if (menu_work() || n)
		busy = BUSY_POLLS;
	else if (busy)
		busy--;
	if (tell)
		event_send_global_virq(VIRQ_CONSOLE);
}

static void poll_tick(struct timer *t)
{
	console_poll();
	timer_set(t, time_now() + (busy ? POLL_BUSY : POLL_IDLE));
}

void console_start(void)
{
	if (!uart_port)
		return;
	timer_init(&poll_timer, cpus[0], poll_tick);
	timer_set(&poll_timer, time_now() + POLL_IDLE);
	say_target();
}
