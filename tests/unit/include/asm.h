/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Unit tests: the instructions of hypervisor/include/asm.h as functions. What a test process may
 * execute is executed; the rest calls a function that harness.c defines weakly as "ends the test",
 * so a test whose code comes that far defines its own.
 */
#pragma once

#include <bits.h>

struct cpuid_regs {
	u32 eax, ebx, ecx, edx;
};

static inline void cpu_pause(void)
{
	__asm__ volatile("pause" ::: "memory");
}
static inline void cpu_mb(void)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

u64 rdmsr(u32 msr);
void wrmsr(u32 msr, u64 v);
u64 rdtsc(void);
u64 rdtsc_ordered(void);
struct cpuid_regs cpuid(u32 leaf, u32 subleaf);
void outb(u16 port, u8 v);
void outw(u16 port, u16 v);
void outl(u16 port, u32 v);
u8 inb(u16 port);
u16 inw(u16 port);
u32 inl(u16 port);
u64 read_cr0(void);
u64 read_cr2(void);
u64 read_cr3(void);
u64 read_cr4(void);
void write_cr0(u64 v);
void write_cr2(u64 v);
void write_cr3(u64 v);
void write_cr4(u64 v);
u64 xgetbv(u32 reg);
void xsetbv(u32 reg, u64 v);
void irq_wait(void);
void irq_window(void);
void cpu_halt_forever(void);

/* this_cpu(): each thread of a test is a CPU of its own; set it first. */
extern __thread void *unit_this_cpu;
static inline void *gs_self(void)
{
	return unit_this_cpu;
}
