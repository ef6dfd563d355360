/* SPDX-License-Identifier: GPL-2.0-only */
/* The serial console: output, input, who owns the keys, and the menu behind three Ctrl-A
 * (core/console.c). */
#pragma once

struct trap_frame;

void console_init(void);
/* Raw text (the hypervisor's lines and the control domain's output). "\n" becomes "\r\n". */
void console_write(const char *s, size_t n);
/* A line of the hypervisor's: prefix, then n bytes, on a line of its own. */
void console_write_line(const char *prefix, const char *s, size_t n);
/* Bytes typed for the control domain, at most n; 0 when there are none. */
size_t console_read(char *buf, size_t n);
/* Poll the UART: called from a timer on the boot CPU; runs the menu. */
void console_poll(void);
/* Called once the control domain runs: starts the poll timer. */
void console_start(void);
/* Panic and NMI: from now on write without locks. */
void console_force(void);
bool console_forced(void);

/* One key typed for the hypervisor's menu (core/menu.c). */
void menu_key(char key);
/* The next piece of what a key has begun; false when there is none. */
bool menu_work(void);
/* From the NMI handler: true if the menu asked this CPU for its registers. */
bool menu_snapshot(const struct trap_frame *f);

/* UART 16550 (arch/x86/uart.c). */
int uart_init(u16 port, u32 baud); /* -ENODEV when nothing answers */
void uart_putc(char c);
int uart_getc(void);  /* -1: nothing */
extern u16 uart_port; /* 0: none */
