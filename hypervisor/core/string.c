/* SPDX-License-Identifier: GPL-2.0-only */
/* The C library functions that the hypervisor uses, and nothing beyond them. */
#include <string.h>

/* Words at any address; the compiler makes one instruction of each load and store. */
typedef u16 any16 __aligned(1);
typedef u32 any32 __aligned(1);
typedef u64 any64 __aligned(1);
typedef struct {
	any64 half[2];
} any128;

#define AT(word, p, offset) (*(word *)((char *)(p) + (offset)))

/* Between one and two words: the first and the last, both loaded before one is stored. */
#define COPY_ENDS(word)                                                                            \
	do {                                                                                       \
		word first = AT(word, from, 0), last = AT(word, from, n - sizeof(word));           \
		AT(word, to, 0) = first;                                                           \
		AT(word, to, n - sizeof(word)) = last;                                             \
	} while (0)

/*
 * Sizes up to 32 bytes, most of what hypercalls copy, take two or four moves, whichever way the two
 * places overlap.
 */
static inline bool copy_small(void *to, const void *from, size_t n)
{
	if (n > 32)
		return false;
	if (n > 16)
		COPY_ENDS(any128);
	else if (n >= 8)
		COPY_ENDS(any64);
	else if (n >= 4)
		COPY_ENDS(any32);
	else if (n >= 2)
		COPY_ENDS(any16);
	else if (n)
		AT(char, to, 0) = AT(char, from, 0);
	return true;
}

/* More than 32 bytes, upwards. The last word, loaded first, overlaps the last whole one. */
static __noinline void *copy_up(void *to, const void *from, size_t n)
{
	u64 last = AT(any64, from, n - 8);
	size_t words = n / 8;
	void *dst = to;

	__asm__ volatile("rep movsq" : "+D"(dst), "+S"(from), "+c"(words)::"memory");
	AT(any64, to, n - 8) = last;
	return to;
}

void *memcpy(void *to, const void *from, size_t n)
{
	return copy_small(to, from, n) ? to : copy_up(to, from, n);
}

void *memmove(void *to, const void *from, size_t n)
{
	char *dst = (char *)to + n - 1;
	const char *src = (const char *)from + n - 1;

	if (copy_small(to, from, n))
		return to;
	if ((uintptr_t)to - (uintptr_t)from >= n) /* `to` is not inside the source */
		return copy_up(to, from, n);
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
	AT(any64, to, n - 8) = fill;
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
	return strnlen(s, SIZE_MAX);
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

u64 parse_size(const char *s, const char **end)
{
	static const char units[] = "kmgt";
	const char *unit;
	int base = 10;
	u64 v = 0;

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
	unit = strchr(units, *s | 0x20);
	if (unit) {
		u32 shift = 10 * (u32)(unit - units + 1);

		v = v > UINT64_MAX >> shift ? UINT64_MAX : v << shift;
		s++;
	}
	*end = s;
	return v;
}
