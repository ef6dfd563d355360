/* SPDX-License-Identifier: GPL-2.0-only */
/* Bit operations, plain and atomic. */
#pragma once

/* Bit n of an array of 64-bit words; the *_atomic forms are locked and return the old bit. */
static inline bool bit_test(const u64 *map, u32 n)
{
	return READ_ONCE(map[n / 64]) >> (n % 64) & 1;
}
static inline void bit_set(u64 *map, u32 n)
{
	map[n / 64] |= BIT(n % 64);
}
static inline void bit_clear(u64 *map, u32 n)
{
	map[n / 64] &= ~BIT(n % 64);
}
/*
 * One instruction, not a compare-exchange loop: a guest that keeps changing the word, which it may
 * share, must not keep us from getting through (XSA-295).
 */
static inline bool bit_test_and_set_atomic(u64 *map, u32 n)
{
	bool old;

	__asm__ volatile("lock; btsq %2,%1"
	                 : "=@ccc"(old), "+m"(map[n / 64])
	                 : "r"((u64)(n % 64))
	                 : "memory");
	return old;
}
static inline bool bit_test_and_clear_atomic(u64 *map, u32 n)
{
	bool old;

	__asm__ volatile("lock; btrq %2,%1"
	                 : "=@ccc"(old), "+m"(map[n / 64])
	                 : "r"((u64)(n % 64))
	                 : "memory");
	return old;
}
/* Highest set bit, -1 if v is 0. */
static inline int fls64(u64 v)
{
	return v ? 63 - __builtin_clzll(v) : -1;
}
/* Lowest set bit, -1 if v is 0. */
static inline int ffs64(u64 v)
{
	return v ? __builtin_ctzll(v) : -1;
}
/* i, or 0 when i >= n, without a branch that could be guessed: for indexes that a guest chose. */
static inline u64 index_nospec(u64 i, u64 n)
{
	u64 mask;

	__asm__("cmp %2,%1; sbb %0,%0" : "=r"(mask) : "r"(i), "r"(n) : "cc");
	return i & mask;
}
