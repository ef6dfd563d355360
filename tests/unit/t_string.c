/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Memory, text and number functions, against the C library's.
 * files:
 */
#include <stdlib.h>
#define memcpy    hv_memcpy
#define memmove   hv_memmove
#define memset    hv_memset
#define memcmp    hv_memcmp
#define strlen    hv_strlen
#define strnlen   hv_strnlen
#define strcmp    hv_strcmp
#define strncmp   hv_strncmp
#define strchr    hv_strchr
#define strlcpy   hv_strlcpy
#define vsnprintf hv_vsnprintf
#define snprintf  hv_snprintf
#include "../../hypervisor/core/string.c"
#include "../../hypervisor/core/format.c"
#undef memcpy
#undef memmove
#undef memset
#undef memcmp
#undef strlen
#undef strnlen
#undef strcmp
#undef strncmp
#undef strchr
#undef strlcpy
#undef vsnprintf
#undef snprintf
#include "harness.h"

/* The C library's, which the header's declarations above do not name any more. */
void *memcpy(void *to, const void *from, size_t n);
void *memmove(void *to, const void *from, size_t n);
void *memset(void *to, int c, size_t n);
int memcmp(const void *a, const void *b, size_t n);
size_t strlen(const char *s);
size_t strnlen(const char *s, size_t n);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t n);
char *strchr(const char *s, int c);
int snprintf(char *buf, size_t n, const char *fmt, ...);

#define SPACE 512

static u8 ours[SPACE], theirs[SPACE];

static void fill(void)
{
	for (u32 i = 0; i < SPACE; i++)
		ours[i] = theirs[i] = (u8)unit_random();
}

/* The whole space is compared: a byte too many shows as well as one too few. */
static void same(void)
{
	CHECK(!memcmp(ours, theirs, SPACE));
}

static void test_memory(void)
{
	for (u32 n = 0; n < 200; n++)
		for (u32 shift = 0; shift < 9; shift++) {
			fill();
			CHECK(hv_memcpy(ours + 16 + shift, ours + 260, n) == ours + 16 + shift);
			memcpy(theirs + 16 + shift, theirs + 260, n);
			same();
			CHECK(hv_memset(ours + 16 + shift, (int)n * 7, n) == ours + 16 + shift);
			memset(theirs + 16 + shift, (int)n * 7, n);
			same();
		}
	for (u32 n = 0; n < 100; n++)
		for (u32 to = 0; to < 200; to++) {
			fill();
			CHECK(hv_memmove(ours + 50 + to, ours + 150, n) == ours + 50 + to);
			memmove(theirs + 50 + to, theirs + 150, n);
			same();
		}
}

static int sign(int v)
{
	return (v > 0) - (v < 0);
}

static void test_compare(void)
{
	for (u32 round = 0; round < 20000; round++) {
		char a[16], b[16], c = "\0ax"[unit_below(3)];
		size_t n = unit_below(16);

		/* Few letters, so that texts are often equal for a while; signed ones among them.
		 */
		for (u32 i = 0; i < 15; i++) {
			a[i] = "\0ab\xff"[unit_below(4)];
			b[i] = unit_below(4) ? a[i] : "\0ab\xff"[unit_below(4)];
		}
		a[15] = b[15] = 0;
		CHECK_EQ(sign(hv_memcmp(a, b, n)), sign(memcmp(a, b, n)));
		CHECK_EQ(sign(hv_strcmp(a, b)), sign(strcmp(a, b)));
		CHECK_EQ(sign(hv_strncmp(a, b, n)), sign(strncmp(a, b, n)));
		CHECK_EQ(hv_strlen(a), strlen(a));
		CHECK_EQ(hv_strnlen(a, n), strnlen(a, n));
		CHECK(hv_strchr(a, c) == strchr(a, c));
	}
}

static void test_strlcpy(void)
{
	char buf[8];

	memset(buf, 'x', sizeof(buf));
	CHECK_EQ(hv_strlcpy(buf, "abc", 8), 3);
	CHECK(!memcmp(buf, "abc\0xxxx", 8));
	CHECK_EQ(hv_strlcpy(buf, "0123456789", 5), 10);
	CHECK(!memcmp(buf, "0123\0xxx", 8));
	CHECK_EQ(hv_strlcpy(buf, "0123", 1), 4);
	CHECK_EQ(buf[0], 0);
}

static void test_size(void)
{
	static const struct {
		const char *text;
		u64 v;
		u32 used;
	} cases[] = {
		{ "0", 0, 1 },
		{ "512M", 512 * MIB, 4 },
		{ "512m,rest", 512 * MIB, 4 },
		{ "1G", GIB, 2 },
		{ "3T", 3072 * GIB, 2 },
		{ "64k", 65536, 3 },
		{ "0x10", 16, 4 },
		{ "0X1fK", 31 * KIB, 5 },
		{ "0x", 0, 1 }, /* a zero, and an x behind it */
		{ "010", 10, 3 },
		{ "12 ", 12, 2 },
		{ "", 0, 0 },
		{ "M", 0, 0 },
		{ "-1", 0, 0 },
		{ "18446744073709551615", UINT64_MAX, 20 },
		{ "18446744073709551616", UINT64_MAX, 20 },
		{ "99999999999999999999999", UINT64_MAX, 23 },
		{ "16777216T", UINT64_MAX, 9 },
		{ "16777215T", 16777215ULL << 40, 9 },
		{ "0xffffffffffffffff", UINT64_MAX, 18 },
		{ "0xfffffffffffffffff", UINT64_MAX, 19 },
	};

	for (u32 i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *end;

		CHECK_EQ(parse_size(cases[i].text, &end), cases[i].v);
		CHECK_EQ(end - cases[i].text, cases[i].used);
	}
}

/* --- formats: random conversions that the standard defines --------------- */

static u64 some_number(void)
{
	static const u64 edges[] = { 0,      1,         9,        10,  0x7f,      0x80,    0xff,
		                     0x7fff, INT32_MAX, 1u << 31, ~0u, INT64_MAX, BIT(63), ~0ULL };

	if (unit_below(2))
		return edges[unit_below(ARRAY_SIZE(edges))];
	return unit_random() >> unit_below(64);
}

static char *put_maybe(char *p, char c)
{
	if (!unit_below(3))
		*p++ = c;
	return p;
}

static char *some_spec(char *p, char kind)
{
	static const char *const lengths[] = { "", "l", "ll", "z" };
	bool number = kind != 's' && kind != 'c';

	*p++ = '%';
	p = put_maybe(p, '-');
	if (number)
		p = put_maybe(p, '0');
	if (kind == 'd')
		p = put_maybe(p, '+');
	if (kind == 'x')
		p = put_maybe(p, '#');
	if (unit_below(2))
		p += snprintf(p, 8, "%u", (u32)unit_below(30) + 1);
	if (kind == 's' && unit_below(2))
		p += snprintf(p, 8, ".%u", (u32)unit_below(30));
	if (number)
		p += snprintf(p, 8, "%s", lengths[unit_below(ARRAY_SIZE(lengths))]);
	*p++ = kind;
	*p = 0;
	return p;
}

#define BOTH(...)                                                                                  \
	do {                                                                                       \
		la = hv_snprintf(a, n, __VA_ARGS__);                                               \
		lb = snprintf(b, n, __VA_ARGS__);                                                  \
	} while (0)

static void test_format(void)
{
	static const char kinds[] = "duxcs";

	for (u32 round = 0; round < 200000; round++) {
		char fmt[64], a[96], b[96], kind = kinds[unit_below(5)];
		size_t n = unit_below(4) ? sizeof(a) : unit_below(12);
		u64 v = some_number();
		int la, lb;

		memset(a, 'x', sizeof(a));
		memset(b, 'x', sizeof(b));
		*some_spec(fmt, kind) = 0;
		if (kind == 's')
			BOTH(fmt, &"a text of some length"[v % 22]);
		else
			BOTH(fmt, v);
		if (!CHECK_EQ(la, lb) || !CHECK(!memcmp(a, b, sizeof(a)))) {
			hv_snprintf(a, sizeof(a), "%s of %lx: %s, not %s", fmt, v, a, b);
			unit_check(false, __FILE__, __LINE__, a);
			return;
		}
	}
}

static void test_format_more(void)
{
	char a[128], b[128];
	const char *volatile nothing = NULL;
	size_t n = sizeof(a);
	int la, lb;

	BOTH("%d and %s, %5.2s|%-6d|%%|%c", -5, "text", "long", 42, 'z');
	CHECK(la == lb && !strcmp(a, b));
	BOTH("[%.*s] [%.*s] %#lx", 3, "abcdef", 9, "abcdef", 0xffff800000000000UL);
	CHECK(la == lb && !strcmp(a, b));
	/* Ours alone: no NULL text, and what does not exist here ends the conversions. */
	hv_snprintf(a, n, "%s", nothing);
	CHECK(!strcmp(a, "(null)"));
	char odd[] = "%u %q %s %5";
	hv_snprintf(a, n, odd, 7);
	CHECK(!strcmp(a, "7 %q %s %5"));
	CHECK_EQ(hv_snprintf(NULL, 0, "%u", 12345), 5);
}

void unit_main(void)
{
	test_memory();
	test_compare();
	test_strlcpy();
	test_size();
	test_format();
	test_format_more();
}
