/* SPDX-License-Identifier: GPL-2.0-only */
/* Formatted text: vsnprintf and snprintf. */
#include <string.h>

struct out {
	char *buf;
	size_t size;
	size_t len; /* of the whole text, whether it fits or not */
};

struct spec {
	bool left, zero, alt, plus, wide;
	u32 width;
	u32 precision; /* bytes of a text at most */
};

static void put(struct out *o, char c)
{
	if (o->len + 1 < o->size)
		o->buf[o->len] = c;
	o->len++;
}

static void pad(struct out *o, char c, size_t have, u32 width)
{
	for (; have < width; have++)
		put(o, c);
}

/* A sign or 0x stays in front of the zeroes that fill up a number. */
static void put_field(struct out *o, const struct spec *f, const char *prefix, const char *s,
                      size_t n)
{
	size_t have = strlen(prefix) + n;

	if (!f->left && !f->zero)
		pad(o, ' ', have, f->width);
	while (*prefix)
		put(o, *prefix++);
	if (!f->left && f->zero)
		pad(o, '0', have, f->width);
	for (size_t i = 0; i < n; i++)
		put(o, s[i]);
	if (f->left)
		pad(o, ' ', have, f->width);
}

static void put_number(struct out *o, const struct spec *f, u64 v, u32 base, const char *prefix)
{
	char text[20];
	size_t at = sizeof(text);

	do {
		text[--at] = "0123456789abcdef"[v % base];
		v /= base;
	} while (v);
	put_field(o, f, prefix, text + at, sizeof(text) - at);
}

static u32 take_number(const char **fmt, va_list *ap)
{
	u32 v = 0;

	if (**fmt == '*') {
		(*fmt)++;
		return va_arg(*ap, u32);
	}
	while (**fmt >= '0' && **fmt <= '9' && v < 100000)
		v = v * 10 + (u32)(*(*fmt)++ - '0');
	return v;
}

static const char *parse_spec(const char *fmt, struct spec *f, va_list *ap)
{
	*f = (struct spec){ .precision = UINT32_MAX };
	for (;; fmt++) {
		if (*fmt == '-')
			f->left = true;
		else if (*fmt == '0')
			f->zero = true;
		else if (*fmt == '#')
			f->alt = true;
		else if (*fmt == '+')
			f->plus = true;
		else
			break;
	}
	f->width = take_number(&fmt, ap);
	if (*fmt == '.') {
		fmt++;
		f->precision = take_number(&fmt, ap);
	}
	for (; *fmt == 'l' || *fmt == 'z'; fmt++)
		f->wide = true;
	return fmt;
}

/* One conversion; false when it is none of ours. */
static bool convert(struct out *o, char kind, const struct spec *f, va_list *ap)
{
	const char *s;
	char c;
	s64 n;
	u64 v;

	switch (kind) {
	case 'd':
		n = f->wide ? va_arg(*ap, s64) : va_arg(*ap, s32);
		put_number(o, f, n < 0 ? -(u64)n : (u64)n, 10, n < 0 ? "-" : f->plus ? "+" : "");
		return true;
	case 'u':
	case 'x':
		v = f->wide ? va_arg(*ap, u64) : va_arg(*ap, u32);
		put_number(o, f, v, kind == 'x' ? 16 : 10, f->alt && v ? "0x" : "");
		return true;
	case 'c':
		c = (char)va_arg(*ap, int);
		put_field(o, f, "", &c, 1);
		return true;
	case 's':
		s = va_arg(*ap, const char *);
		if (!s)
			s = "(null)";
		put_field(o, f, "", s, strnlen(s, f->precision));
		return true;
	case '%':
		put(o, '%');
		return true;
	}
	return false;
}

int vsnprintf(char *buf, size_t n, const char *fmt, va_list ap)
{
	struct out o = { .buf = buf, .size = n };
	struct spec f;
	va_list args;

	va_copy(args, ap); /* so that its address can be passed on */
	while (*fmt) {
		const char *start = fmt++;

		if (*start != '%') {
			put(&o, *start);
			continue;
		}
		fmt = parse_spec(fmt, &f, &args);
		if (*fmt && convert(&o, *fmt, &f, &args)) {
			fmt++;
			continue;
		}
		/* What its argument would be nobody knows, so the rest is text. */
		for (fmt = start; *fmt; fmt++)
			put(&o, *fmt);
	}
	va_end(args);
	if (n)
		buf[o.len < n ? o.len : n - 1] = '\0';
	return (int)o.len;
}

int snprintf(char *buf, size_t n, const char *fmt, ...)
{
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(buf, n, fmt, ap);
	va_end(ap);
	return len;
}
