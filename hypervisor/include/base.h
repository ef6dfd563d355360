/* SPDX-License-Identifier: GPL-2.0-only */
/* What every file of the hypervisor sees: types, boxed addresses, errors, small macros. */
#pragma once
#ifndef __ASSEMBLY__

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int8_t s8;
typedef int16_t s16;
typedef int32_t s32;
typedef int64_t s64;

/* Xen's numbers under their usual names; functions return 0 or -errno. */
enum {
#define XEN_ERRNO(name, value) name = value,
#include <xen/errno.h>
};

/* Frame numbers and guest addresses are boxed so that they cannot be mixed up. */
typedef struct {
	u64 v;
} mfn_t; /* machine frame number */
typedef struct {
	u64 v;
} gfn_t; /* guest frame number */
typedef struct {
	u64 v;
} gpa_t;             /* guest-physical address */
typedef u64 paddr_t; /* machine address, in hypervisor tables and devices only */

#define BOXED(type)                                                                                \
	static inline type##_t type(u64 v)                                                         \
	{                                                                                          \
		return (type##_t){ v };                                                            \
	}                                                                                          \
	static inline u64 type##_x(type##_t b)                                                     \
	{                                                                                          \
		return b.v;                                                                        \
	}
BOXED(mfn)
BOXED(gfn)
BOXED(gpa)
#undef BOXED

#define PAGE_SHIFT 12
#define PAGE_SIZE  4096UL
#define PAGE_MASK  (~(PAGE_SIZE - 1))
#define KIB        1024UL
#define MIB        (1024 * KIB)
#define GIB        (1024 * MIB)

#define INVALID_MFN (mfn(~0ULL))

static inline bool mfn_valid_box(mfn_t m)
{
	return m.v != ~0ULL;
}
static inline paddr_t mfn_to_paddr(mfn_t m)
{
	return m.v << PAGE_SHIFT;
}
static inline mfn_t paddr_to_mfn(paddr_t pa)
{
	return mfn(pa >> PAGE_SHIFT);
}
static inline gfn_t gpa_to_gfn(gpa_t a)
{
	return gfn(a.v >> PAGE_SHIFT);
}
static inline gpa_t gfn_to_gpa(gfn_t g)
{
	return gpa(g.v << PAGE_SHIFT);
}

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define BIT(n)        (1ULL << (n))
#define likely(x)     __builtin_expect(!!(x), 1)
#define unlikely(x)   __builtin_expect(!!(x), 0)
#define static_assert _Static_assert
#define __packed                      __attribute__((packed))
#define __aligned(n)                  __attribute__((aligned(n)))
#define __noreturn                    __attribute__((noreturn))
#define __noinline                    __attribute__((noinline))
#define __inline_always               inline __attribute__((always_inline))
#define __printf(f, a)                __attribute__((format(printf, f, a)))
#define __init                        __attribute__((section(".init.text"), cold))
#define __initdata                    __attribute__((section(".init.data")))
#define barrier()                     __asm__ volatile("" ::: "memory")
#define READ_ONCE(x)                  (*(const volatile __typeof__(x) *)&(x))
#define WRITE_ONCE(x, v)              (*(volatile __typeof__(x) *)&(x) = (v))
#define load_acquire(p)               __atomic_load_n(p, __ATOMIC_ACQUIRE)
#define store_release(p, v)           __atomic_store_n(p, v, __ATOMIC_RELEASE)
#define ROUND_UP(x, n)                (((x) + (n)-1) & ~((__typeof__(x))(n)-1))
#define ROUND_DOWN(x, n)              ((x) & ~((__typeof__(x))(n)-1))
#define container_of(p, type, member) ((type *)((char *)(p)-offsetof(type, member)))
#define min(a, b)                                                                                  \
	({                                                                                         \
		__typeof__(a) _a = (a);                                                            \
		__typeof__(b) _b = (b);                                                            \
		_a < _b ? _a : _b;                                                                 \
	})
#define max(a, b)                                                                                  \
	({                                                                                         \
		__typeof__(a) _a = (a);                                                            \
		__typeof__(b) _b = (b);                                                            \
		_a > _b ? _a : _b;                                                                 \
	})

#endif /* __ASSEMBLY__ */
