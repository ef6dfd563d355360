/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Text output: console_io under a hypervisor, COM1 without one, a line at a
 * time; and the few string functions that the compiler counts on.
 *
 * Locking: console_lock keeps lines of different CPUs apart; it nests in
 * nothing and no other lock is taken under it.
 */
#include "guest.h"

#define COM1 0x3f8

static char console_line[256];
static size_t console_used;
static int console_lock;

void *memset(void *dst, int c, size_t n)
{
	void *d = dst;

	asm volatile("rep stosb" : "+D"(d), "+c"(n) : "a"(c) : "memory");
	return dst;
}

void *memcpy(void *dst, const void *src, size_t n)
{
	void *d = dst;

	asm volatile("rep movsb" : "+D"(d), "+S"(src), "+c"(n) : : "memory");
	return dst;
}

int memcmp(const void *a, const void *b, size_t n)
{
	const uint8_t *p = a, *q = b;

	for (; n; n--, p++, q++) {
		if (*p != *q)
			return *p - *q;
	}
	return 0;
}

size_t strlen(const char *s)
{
	size_t n = 0;

	while (s[n])
		n++;
	return n;
}

const char *string_has(const char *s, const char *part)
{
	size_t n = strlen(part);

	for (; strlen(s) >= n; s++) {
		if (!memcmp(s, part, n))
			return s;
	}
	return NULL;
}

static void console_flush(void)
{
	size_t i;

	if (xen_base) {
		hcall3(__HYPERVISOR_console_io, CONSOLEIO_write, console_used, console_line);
	} else {
		for (i = 0; i < console_used; i++) {
			while (!(inb(COM1 + 5) & 0x20))
				cpu_relax();
			outb(COM1, (uint8_t)console_line[i]);
		}
	}
	console_used = 0;
}

void console_putc(char c)
{
	console_line[console_used++] = c;
	if (c == '\n' || console_used == sizeof(console_line))
		console_flush();
}

static void put_number(uint64_t v, unsigned int base, int width, char pad, const char *prefix)
{
	char digits[24];
	int n = 0;

	do {
		digits[n++] = "0123456789abcdef"[v % base];
		v /= base;
	} while (v);
	width -= n + (int)strlen(prefix);
	for (; pad == ' ' && width > 0; width--)
		console_putc(' ');
	while (*prefix)
		console_putc(*prefix++);
	for (; width > 0; width--)
		console_putc('0');
	while (n)
		console_putc(digits[--n]);
}

static void put_string(const char *s, int width)
{
	width -= (int)strlen(s);
	while (*s)
		console_putc(*s++);
	for (; width > 0; width--)
		console_putc(' ');
}

/* One conversion; returns the character behind it. */
static const char *put_conversion(const char *f, va_list *ap)
{
	bool wide = false, hash = false;
	char pad = ' ';
	int width = 0;
	uint64_t v;

	for (; *f == '#' || *f == '0' || *f == '-'; f++) {
		hash |= *f == '#';
		if (*f == '0')
			pad = '0';
	}
	for (; *f >= '0' && *f <= '9'; f++)
		width = width * 10 + *f - '0';
	for (; *f == 'l'; f++)
		wide = true;
	switch (*f) {
	case 'd':
		v = (uint64_t)(wide ? va_arg(*ap, long) : va_arg(*ap, int));
		put_number((int64_t)v < 0 ? -v : v, 10, width, pad, (int64_t)v < 0 ? "-" : "");
		break;
	case 'u':
		v = wide ? va_arg(*ap, unsigned long) : va_arg(*ap, unsigned int);
		put_number(v, 10, width, pad, "");
		break;
	case 'x':
		v = wide ? va_arg(*ap, unsigned long) : va_arg(*ap, unsigned int);
		put_number(v, 16, width, pad, hash ? "0x" : "");
		break;
	case 'p':
		put_number((uint64_t)va_arg(*ap, void *), 16, width, pad, "0x");
		break;
	case 's':
		put_string(va_arg(*ap, const char *), width);
		break;
	case 'c':
		console_putc((char)va_arg(*ap, int));
		break;
	default:
		console_putc(*f);
		break;
	}
	return f + 1;
}

void vprint(const char *fmt, va_list ap)
{
	va_list args;

	va_copy(args, ap);
	while (__atomic_exchange_n(&console_lock, 1, __ATOMIC_ACQUIRE))
		cpu_relax();
	while (*fmt) {
		if (*fmt == '%')
			fmt = put_conversion(fmt + 1, &args);
		else
			console_putc(*fmt++);
	}
	__atomic_store_n(&console_lock, 0, __ATOMIC_RELEASE);
	va_end(args);
}

void print(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vprint(fmt, ap);
	va_end(ap);
}
