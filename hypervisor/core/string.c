/* SPDX-License-Identifier: GPL-2.0-only */
/* The C library functions that the hypervisor uses, and nothing beyond them. */
#include <string.h>

/* Loads and stores at any address; the compiler makes one instruction of each. */
struct any16 {
	u16 v;
} __packed;
struct any32 {
	u32 v;
} __packed;
struct any64 {
	u64 v;
} __packed;

#define AT16(p, off) (((struct any16 *)((char *)(p) + (off)))->v)
#define AT32(p, off) (((struct any32 *)((char *)(p) + (off)))->v)
#define AT64(p, off) (((struct any64 *)((char *)(p) + (off)))->v)

/*
 * Sizes up to 32 bytes, most of what hypercalls copy, take two or four overlapping moves.
 * Everything is loaded before anything is stored, so this part serves memmove as well.
 */
static inline bool copy_small(void *to, const void *from, size_t n)
{
	u64 a, b, c, d;

	if (n > 32)
		return false;
	if (n > 16) {
		a = AT64(from, 0);
		b = AT64(from, 8);
		c = AT64(from, n - 16);
		d = AT64(from, n - 8);
		AT64(to, 0) = a;
		AT64(to, 8) = b;
		AT64(to, n - 16) = c;
		AT64(to, n - 8) = d;
	} else if (n >= 8) {
		a = AT64(from, 0);
		b = AT64(from, n - 8);
		AT64(to, 0) = a;
		AT64(to, n - 8) = b;
	} else if (n >= 4) {
		a = AT32(from, 0);
		b = AT32(from, n - 4);
		AT32(to, 0) = (u32)a;
		AT32(to, n - 4) = (u32)b;
	} else if (n >= 2) {
		a = AT16(from, 0);
		b = AT16(from, n - 2);
		AT16(to, 0) = (u16)a;
		AT16(to, n - 2) = (u16)b;
	} else if (n) {
		*(char *)to = *(const char *)from;
	}
	return true;
}

void *memcpy(void *to, const void *from, size_t n)
{
	void *dst = to;
	size_t words = n / 8;

	if (copy_small(to, from, n))
		return to;
	/* The tail first: it overlaps the last whole word, which then brings the same bytes. */
	AT64(to, n - 8) = AT64(from, n - 8);
	__asm__ volatile("rep movsq" : "+D"(dst), "+S"(from), "+c"(words)::"memory");
	return to;
}

void *memmove(void *to, const void *from, size_t n)
{
	char *dst = (char *)to + n - 1;
	const char *src = (const char *)from + n - 1;
	u64 tail;

	if (copy_small(to, from, n))
		return to;
	if ((uintptr_t)to - (uintptr_t)from >= n) { /* `to` is not inside the source */
		size_t words = n / 8;

		tail = AT64(from, n - 8);
		dst = to;
		src = from;
		__asm__ volatile("rep movsq" : "+D"(dst), "+S"(src), "+c"(words)::"memory");
		AT64(to, n - 8) = tail;
		return to;
	}
	__asm__ volatile("std; rep movsb; cld" : "+D"(dst), "+S"(src), "+c"(n)::"memory", "cc");
	return to;
}

void *memset(void *to, int c, size_t n)
{
	void *dst = to;
	u64 fill = (u8)c * 0x0101010101010101ULL;
	size_t words = n / 8;

	if (n < 8) {
		__asm__ volatile("rep stosb" : "+D"(dst), "+c"(n) : "a"(fill) : "memory");
		return to;
	}
	AT64(to, n - 8) = fill;
	__asm__ volatile("rep stosq" : "+D"(dst), "+c"(words) : "a"(fill) : "memory");
	return to;
}

int memcmp(const void *a, const void *b, size_t n)
{
	const u8 *x = a, *y = b;

	for (; n; n--, x++, y++)
		if (*x != *y)
			return *x - *y;
	return 0;
}

size_t strnlen(const char *s, size_t n)
{
	size_t len = 0;

	while (len < n && s[len])
		len++;
	return len;
}

size_t strlen(const char *s)
{
	const char *p = s;

	while (*p) {
		barrier(); /* or the compiler sees a strlen in here and calls it */
		p++;
	}
	return (size_t)(p - s);
}

int strncmp(const char *a, const char *b, size_t n)
{
	for (; n; n--, a++, b++)
		if (*a != *b || !*a)
			return (u8)*a - (u8)*b;
	return 0;
}

int strcmp(const char *a, const char *b)
{
	return strncmp(a, b, SIZE_MAX);
}

char *strchr(const char *s, int c)
{
	for (;; s++) {
		if (*s == (char)c)
			return (char *)(uintptr_t)s;
		if (!*s)
			return NULL;
	}
}

size_t strlcpy(char *to, const char *from, size_t n)
{
	size_t len = strlen(from);
	size_t take = len < n ? len : n - 1;

	memcpy(to, from, take);
	to[take] = '\0';
	return len;
}

/* --- numbers -------------------------------------------------------------- */

static int digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return 99;
}

static u32 suffix_shift(char c)
{
	switch (c | 0x20) {
	case 'k':
		return 10;
	case 'm':
		return 20;
	case 'g':
		return 30;
	case 't':
		return 40;
	}
	return 0;
}

u64 parse_size(const char *s, const char **end)
{
	int base = 10;
	u64 v = 0;
	u32 shift;

	*end = s;
	if (s[0] == '0' && (s[1] | 0x20) == 'x' && digit_value(s[2]) < 16) {
		base = 16;
		s += 2;
	}
	if (digit_value(*s) >= base)
		return 0;
	for (; digit_value(*s) < base; s++)
		if (__builtin_mul_overflow(v, (u64)base, &v) ||
		    __builtin_add_overflow(v, (u64)digit_value(*s), &v))
			v = UINT64_MAX;
	shift = suffix_shift(*s);
	if (shift) {
		v = v > UINT64_MAX >> shift ? UINT64_MAX : v << shift;
		s++;
	}
	*end = s;
	return v;
}
