/* SPDX-License-Identifier: GPL-2.0-only */
/* The serial console: output, input, who owns the keys, and the menu behind three Ctrl-A (core/console.c). */
#pragma once

struct trap_frame;

void console_init(void);
/* Raw text (the hypervisor's lines and the control domain's output). "\n" becomes "\r\n". */
void console_write(const char *s, size_t n);
/* Bytes typed for the control domain, at most n; 0 when there are none. */
size_t console_read(char *buf, size_t n);
/* Poll the UART: called from a timer on the boot CPU; runs the menu. */
void console_poll(void);
/* Called once the control domain runs: starts the poll timer. */
void console_start(void);
/* Panic and NMI: write without locks. */
void console_force(void);

/* UART 16550 (arch/x86/uart.c). */
int uart_init(u16 port, u32 baud); /* -ENODEV when nothing answers */
void uart_putc(char c);
int uart_getc(void); /* -1: nothing */
extern u16 uart_port; /* 0: none */
