/* SPDX-License-Identifier: GPL-2.0-only */
/* Single x86 instructions as C functions. Unit tests replace this header: see tests/unit. */
#pragma once

#include <bits.h>

static inline void cpu_pause(void)
{
	__asm__ volatile("pause" ::: "memory");
}
static inline void cpu_mb(void)
{
	__asm__ volatile("lock; addl $0,-4(%%rsp)" ::: "memory", "cc");
}
static inline u64 rdmsr(u32 msr)
{
	u32 lo, hi;
	__asm__ volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(msr));
	return (u64)hi << 32 | lo;
}
static inline void wrmsr(u32 msr, u64 v)
{
	__asm__ volatile("wrmsr" ::"c"(msr), "a"((u32)v), "d"((u32)(v >> 32)) : "memory");
}
static inline u64 rdtsc(void)
{
	u32 lo, hi;
	__asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi));
	return (u64)hi << 32 | lo;
}
/* RDTSC that no earlier load passes (APM3 RDTSC: not serialising by itself). */
static inline u64 rdtsc_ordered(void)
{
	__asm__ volatile("lfence" ::: "memory");
	return rdtsc();
}

struct cpuid_regs {
	u32 eax, ebx, ecx, edx;
};
static inline struct cpuid_regs cpuid(u32 leaf, u32 subleaf)
{
	struct cpuid_regs r;
	__asm__ volatile("cpuid"
	                 : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx)
	                 : "a"(leaf), "c"(subleaf));
	return r;
}

#define PORT_ACCESSORS(suffix, type)                                                               \
	static inline void out##suffix(u16 port, type v)                                           \
	{                                                                                          \
		__asm__ volatile("out" #suffix " %0,%1" ::"a"(v), "Nd"(port));                     \
	}                                                                                          \
	static inline type in##suffix(u16 port)                                                    \
	{                                                                                          \
		type v;                                                                            \
		__asm__ volatile("in" #suffix " %1,%0" : "=a"(v) : "Nd"(port));                    \
		return v;                                                                          \
	}
PORT_ACCESSORS(b, u8)
PORT_ACCESSORS(w, u16)
PORT_ACCESSORS(l, u32)
#undef PORT_ACCESSORS

#define CR_ACCESSORS(n)                                                                            \
	static inline u64 read_cr##n(void)                                                         \
	{                                                                                          \
		u64 v;                                                                             \
		__asm__ volatile("mov %%cr" #n ",%0" : "=r"(v));                                   \
		return v;                                                                          \
	}                                                                                          \
	static inline void write_cr##n(u64 v)                                                      \
	{                                                                                          \
		__asm__ volatile("mov %0,%%cr" #n ::"r"(v) : "memory");                            \
	}
CR_ACCESSORS(0)
CR_ACCESSORS(2)
CR_ACCESSORS(3)
CR_ACCESSORS(4)
#undef CR_ACCESSORS

/* The word at the base of %gs: in host mode the address of this CPU's struct cpu. */
static inline void *gs_self(void)
{
	void *p;
	__asm__("movq %%gs:0,%0" : "=r"(p));
	return p;
}

static inline u64 xgetbv(u32 reg)
{
	u32 lo, hi;
	__asm__ volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(reg));
	return (u64)hi << 32 | lo;
}
static inline void xsetbv(u32 reg, u64 v)
{
	__asm__ volatile("xsetbv" ::"c"(reg), "a"((u32)v), "d"((u32)(v >> 32)));
}
/* Wait for an interrupt and take it; STI's shadow makes the pair atomic. */
static inline void irq_wait(void)
{
	__asm__ volatile("sti; hlt; cli" ::: "memory");
}
/* Take what is pending, and nothing else. */
static inline void irq_window(void)
{
	__asm__ volatile("sti; nop; cli" ::: "memory");
}
static inline void __noreturn cpu_halt_forever(void)
{
	for (;;)
		__asm__ volatile("cli; hlt");
}
