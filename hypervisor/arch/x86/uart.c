/* SPDX-License-Identifier: GPL-2.0-only */
/* A 16550 serial port, polled. The caller serialises. */
#include <asm.h>
#include <console.h>

/* Registers, from the port's base (16550A data sheet, table II). */
#define UART_DATA 0 /* with LCR.DLAB: divisor low */
#define UART_IER  1 /* with LCR.DLAB: divisor high */
#define UART_FCR  2 /* write; reads as IIR */
#define UART_LCR  3
#define UART_MCR  4
#define UART_LSR  5
#define UART_MSR  6
#define UART_SCR  7

#define LCR_8N1   0x03
#define LCR_DLAB  0x80
#define FCR_SETUP 0x07 /* enable the FIFOs and empty them */
#define IIR_FIFO  0xc0
#define MCR_READY 0x03 /* DTR, RTS */
#define MCR_LOOP  0x10
#define LSR_DATA  0x01
#define LSR_SPACE 0x20 /* the transmitter's FIFO is empty */

#define UART_CLOCK 115200 /* 1.8432 MHz / 16 */
#define FIFO_DEPTH 16

u16 uart_port;
static u32 depth = 1; /* bytes that fit once LSR_SPACE shows */
static u32 room;      /* bytes that may still follow without a look */

static bool scratch_answers(u16 port)
{
	outb(port + UART_SCR, 0x5a);
	if (inb(port + UART_SCR) != 0x5a)
		return false;
	outb(port + UART_SCR, 0xa5);
	return inb(port + UART_SCR) == 0xa5;
}

/* For parts without a scratch register: outputs come back as modem status in loop mode. */
static bool loop_answers(u16 port)
{
	u8 status;

	outb(port + UART_MCR, MCR_LOOP | 0x0a); /* RTS, OUT2 */
	status = inb(port + UART_MSR) & 0xf0;
	outb(port + UART_MCR, MCR_READY);
	return status == 0x90; /* CTS, DCD */
}

int uart_init(u16 port, u32 baud)
{
	u32 divisor = baud ? UART_CLOCK / baud : 0;

	uart_port = 0;
	if (!scratch_answers(port) && !loop_answers(port))
		return -ENODEV;
	outb(port + UART_IER, 0);
	if (divisor && divisor <= 0xffff) {
		outb(port + UART_LCR, LCR_DLAB);
		outb(port + UART_DATA, divisor & 0xff);
		outb(port + UART_IER, divisor >> 8);
	}
	outb(port + UART_LCR, LCR_8N1);
	outb(port + UART_FCR, FCR_SETUP);
	outb(port + UART_MCR, MCR_READY);
	depth = (inb(port + UART_FCR) & IIR_FIFO) == IIR_FIFO ? FIFO_DEPTH : 1;
	room = 0;
	uart_port = port;
	return 0;
}

/*
 * A line that takes nothing any more costs output, not the machine: the wait is bounded by 16
 * bytes' time at 1200 baud, at about a microsecond a port read.
 */
void uart_putc(char c)
{
	u32 tries = 150000;

	if (!uart_port)
		return;
	if (!room) {
		while (!(inb(uart_port + UART_LSR) & LSR_SPACE) && --tries)
			cpu_pause();
		room = depth;
	}
	outb(uart_port + UART_DATA, (u8)c);
	room--;
}

int uart_getc(void)
{
	u8 status;

	if (!uart_port)
		return -1;
	status = inb(uart_port + UART_LSR);
	if (!(status & LSR_DATA) || status == 0xff)
		return -1;
	return inb(uart_port + UART_DATA);
}
