/* SPDX-License-Identifier: GPL-2.0-only */
/* Formatted text: vsnprintf and snprintf. */
#include <string.h>

struct out {
	char *buf;
	size_t size;
	size_t len; /* of the whole text, whether it fits or not */
};

struct spec {
	bool left, zero, alt, plus, space;
	int width;
	int precision; /* -1: not given */
	u32 bytes;     /* of an integer argument */
};

static void put(struct out *o, char c)
{
	if (o->len + 1 < o->size)
		o->buf[o->len] = c;
	o->len++;
}

static void put_n(struct out *o, char c, int n)
{
	for (; n > 0; n--)
		put(o, c);
}

static void put_text(struct out *o, const struct spec *f, const char *s, size_t n)
{
	int pad = f->width > (int)n ? f->width - (int)n : 0;

	if (!f->left)
		put_n(o, ' ', pad);
	for (size_t i = 0; i < n; i++)
		put(o, s[i]);
	if (f->left)
		put_n(o, ' ', pad);
}

/* v in `base` with its sign or prefix in front: C99 7.19.6.1 flags, width and precision. */
static void put_number(struct out *o, const struct spec *f, u64 v, u32 base, bool upper,
                       const char *prefix)
{
	const char *digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";
	char text[24];
	int n = 0, zeros, pad, lead = (int)strlen(prefix);

	for (u64 rest = v; rest; rest /= base)
		text[n++] = digits[rest % base];
	zeros = f->precision < 0 ? (n == 0) : f->precision - n;
	if (base == 8 && f->alt && zeros <= 0 && (v || f->precision == 0))
		zeros = 1;
	if (zeros < 0)
		zeros = 0;
	pad = f->width - lead - zeros - n;
	if (f->zero && !f->left && f->precision < 0 && pad > 0) {
		zeros += pad;
		pad = 0;
	}
	if (!f->left)
		put_n(o, ' ', pad);
	while (*prefix)
		put(o, *prefix++);
	put_n(o, '0', zeros);
	while (n)
		put(o, text[--n]);
	if (f->left)
		put_n(o, ' ', pad);
}

static void put_signed(struct out *o, const struct spec *f, s64 v)
{
	const char *sign = v < 0 ? "-" : f->plus ? "+" : f->space ? " " : "";

	put_number(o, f, v < 0 ? -(u64)v : (u64)v, 10, false, sign);
}

static void put_hex(struct out *o, const struct spec *f, u64 v, bool upper)
{
	const char *prefix = f->alt && v ? (upper ? "0X" : "0x") : "";

	put_number(o, f, v, 16, upper, prefix);
}

static u64 take_unsigned(u32 bytes, va_list *ap)
{
	if (bytes == 8)
		return va_arg(*ap, u64);
	return va_arg(*ap, u32) & (BIT(bytes * 8) - 1);
}

static s64 take_signed(u32 bytes, va_list *ap)
{
	switch (bytes) {
	case 8:
		return va_arg(*ap, s64);
	case 4:
		return va_arg(*ap, s32);
	case 2:
		return (int16_t)va_arg(*ap, s32);
	default:
		return (int8_t)va_arg(*ap, s32);
	}
}

static int take_int(const char **fmt, va_list *ap)
{
	int v = 0;

	if (**fmt == '*') {
		(*fmt)++;
		return va_arg(*ap, int);
	}
	while (**fmt >= '0' && **fmt <= '9' && v < 100000)
		v = v * 10 + *(*fmt)++ - '0';
	return v;
}

static const char *parse_spec(const char *fmt, struct spec *f, va_list *ap)
{
	*f = (struct spec){ .precision = -1, .bytes = 4 };
	for (;; fmt++) {
		if (*fmt == '-')
			f->left = true;
		else if (*fmt == '0')
			f->zero = true;
		else if (*fmt == '#')
			f->alt = true;
		else if (*fmt == '+')
			f->plus = true;
		else if (*fmt == ' ')
			f->space = true;
		else
			break;
	}
	f->width = take_int(&fmt, ap);
	if (f->width < 0) {
		f->left = true;
		f->width = -f->width;
	}
	if (*fmt == '.') {
		fmt++;
		f->precision = take_int(&fmt, ap);
		if (f->precision < 0)
			f->precision = -1;
	}
	for (; *fmt == 'h'; fmt++)
		f->bytes /= 2;
	for (; *fmt == 'l' || *fmt == 'z'; fmt++)
		f->bytes = 8;
	return fmt;
}

/* One conversion; false when it is none of ours, so that it is printed as it stands. */
static bool convert(struct out *o, char kind, struct spec *f, va_list *ap)
{
	const char *s;
	char c;

	switch (kind) {
	case 'd':
	case 'i':
		put_signed(o, f, take_signed(f->bytes, ap));
		return true;
	case 'u':
		put_number(o, f, take_unsigned(f->bytes, ap), 10, false, "");
		return true;
	case 'o':
		put_number(o, f, take_unsigned(f->bytes, ap), 8, false, "");
		return true;
	case 'x':
	case 'X':
		put_hex(o, f, take_unsigned(f->bytes, ap), kind == 'X');
		return true;
	case 'p':
		f->alt = true;
		put_hex(o, f, (uintptr_t)va_arg(*ap, void *), false);
		return true;
	case 'c':
		c = (char)va_arg(*ap, int);
		put_text(o, f, &c, 1);
		return true;
	case 's':
		s = va_arg(*ap, const char *);
		if (!s)
			s = "(null)";
		put_text(o, f, s, f->precision < 0 ? strlen(s) : strnlen(s, f->precision));
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
		while (start < fmt)
			put(&o, *start++);
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
