/* SPDX-License-Identifier: GPL-2.0-only */
/* Counts the checks of a test and prints its verdict. */
#include "guest.h"

/* A test that fails in a loop should not drown the line that matters. */
#define CHECK_LINES 40

uint32_t check_failed;
static uint32_t check_count;

void check_fail(const char *file, int line, const char *text)
{
	uint32_t n = __atomic_add_fetch(&check_failed, 1, __ATOMIC_RELAXED);

	if (n <= CHECK_LINES)
		print("%s:%d: %s: failed\n", file, line, text);
}

void check_that(bool ok, const char *file, int line, const char *text)
{
	__atomic_add_fetch(&check_count, 1, __ATOMIC_RELAXED);
	if (!ok)
		check_fail(file, line, text);
}

void check_equal(long got, long want, const char *file, int line, const char *text)
{
	__atomic_add_fetch(&check_count, 1, __ATOMIC_RELAXED);
	if (got == want)
		return;
	if (__atomic_add_fetch(&check_failed, 1, __ATOMIC_RELAXED) > CHECK_LINES)
		return;
	print("%s:%d: %s: failed: got %ld (%#lx), want %ld (%#lx)\n", file, line, text, got, got,
	      want, want);
}

bool check_clean(void)
{
	return !__atomic_load_n(&check_failed, __ATOMIC_RELAXED);
}

void check_verdict(void)
{
	uint32_t failed = __atomic_load_n(&check_failed, __ATOMIC_RELAXED);
	uint32_t count = __atomic_load_n(&check_count, __ATOMIC_RELAXED);

	if (!failed && count)
		print("verdict: pass (%u checks)\n", count);
	else
		print("verdict: FAIL (%u of %u checks)\n", failed, count);
	guest_power_off();
}
