/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The instructions that C has no words for. A try_ function runs one that may
 * fault and returns the vector of the fault, or TRAP_NONE.
 */
#ifndef GUEST_INSN_H
#define GUEST_INSN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TRAP_NONE (-1)
#define TRAP_UD   6
#define TRAP_GP   13
#define TRAP_PF   14

/*
 * Run insn with a landing place behind it: trap_handle() goes there when it
 * faults and leaves the vector at %gs:16. Operand [vec] receives it. The
 * fix-up belongs to the CPU, so an interrupt handler must not use this.
 */
#define TRY(insn)                                                                                  \
	"lea 771f(%%rip), %q[vec]\n\t"                                                             \
	"movl $-1, %%gs:16\n\t"                                                                    \
	"mov %q[vec], %%gs:8\n\t" insn "\n"                                                        \
	"771:\tmovq $0, %%gs:8\n\t"                                                                \
	"movl %%gs:16, %k[vec]"

struct cpuid {
	uint32_t eax, ebx, ecx, edx;
};

static inline struct cpuid cpuid(uint32_t leaf, uint32_t sub)
{
	struct cpuid r;

	asm volatile("cpuid"
	             : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx)
	             : "a"(leaf), "c"(sub));
	return r;
}

static inline uint64_t rdmsr(uint32_t msr)
{
	uint32_t lo, hi;

	asm volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(msr));
	return (uint64_t)hi << 32 | lo;
}

static inline void wrmsr(uint32_t msr, uint64_t val)
{
	asm volatile("wrmsr"
	             :
	             : "c"(msr), "a"((uint32_t)val), "d"((uint32_t)(val >> 32))
	             : "memory");
}

static inline int try_rdmsr(uint32_t msr, uint64_t *val)
{
	uint32_t lo = 0, hi = 0;
	long vec;

	asm volatile(TRY("rdmsr") : [vec] "=&r"(vec), "+a"(lo), "+d"(hi) : "c"(msr) : "memory");
	if (val)
		*val = (uint64_t)hi << 32 | lo;
	return (int)vec;
}

static inline int try_wrmsr(uint32_t msr, uint64_t val)
{
	long vec;

	asm volatile(TRY("wrmsr")
	             : [vec] "=&r"(vec)
	             : "c"(msr), "a"((uint32_t)val), "d"((uint32_t)(val >> 32))
	             : "memory");
	return (int)vec;
}

static inline int try_read(const volatile void *va, uint64_t *val)
{
	uint64_t v = 0;
	long vec;

	asm volatile(TRY("mov (%[va]), %[v]")
	             : [vec] "=&r"(vec), [v] "+r"(v)
	             : [va] "r"(va)
	             : "memory");
	if (val)
		*val = v;
	return (int)vec;
}

static inline int try_write(volatile void *va, uint64_t val)
{
	long vec;

	asm volatile(TRY("mov %[v], (%[va])")
	             : [vec] "=&r"(vec)
	             : [v] "r"(val), [va] "r"(va)
	             : "memory");
	return (int)vec;
}

static inline int try_ud2(void)
{
	long vec;

	asm volatile(TRY("ud2") : [vec] "=&r"(vec) : : "memory");
	return (int)vec;
}

static inline int try_xsetbv(uint32_t reg, uint64_t val)
{
	long vec;

	asm volatile(TRY("xsetbv")
	             : [vec] "=&r"(vec)
	             : "c"(reg), "a"((uint32_t)val), "d"((uint32_t)(val >> 32))
	             : "memory");
	return (int)vec;
}

static inline int try_write_cr4(uint64_t val)
{
	long vec;

	asm volatile(TRY("mov %[v], %%cr4") : [vec] "=&r"(vec) : [v] "r"(val) : "memory");
	return (int)vec;
}

static inline uint64_t xgetbv(uint32_t reg)
{
	uint32_t lo, hi;

	asm volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(reg));
	return (uint64_t)hi << 32 | lo;
}

static inline uint64_t read_cr0(void)
{
	uint64_t v;

	asm volatile("mov %%cr0, %0" : "=r"(v));
	return v;
}

static inline uint64_t read_cr2(void)
{
	uint64_t v;

	asm volatile("mov %%cr2, %0" : "=r"(v));
	return v;
}

static inline uint64_t read_cr3(void)
{
	uint64_t v;

	asm volatile("mov %%cr3, %0" : "=r"(v));
	return v;
}

static inline uint64_t read_cr4(void)
{
	uint64_t v;

	asm volatile("mov %%cr4, %0" : "=r"(v));
	return v;
}

static inline uint64_t read_cr8(void)
{
	uint64_t v;

	asm volatile("mov %%cr8, %0" : "=r"(v));
	return v;
}

static inline void write_cr0(uint64_t v)
{
	asm volatile("mov %0, %%cr0" : : "r"(v) : "memory");
}

static inline void write_cr3(uint64_t v)
{
	asm volatile("mov %0, %%cr3" : : "r"(v) : "memory");
}

static inline void write_cr4(uint64_t v)
{
	asm volatile("mov %0, %%cr4" : : "r"(v) : "memory");
}

static inline void write_cr8(uint64_t v)
{
	asm volatile("mov %0, %%cr8" : : "r"(v) : "memory");
}

static inline void invlpg(const void *va)
{
	asm volatile("invlpg (%0)" : : "r"(va) : "memory");
}

static inline uint64_t rdtsc(void)
{
	uint32_t lo, hi;

	asm volatile("lfence; rdtsc" : "=a"(lo), "=d"(hi) : : "memory");
	return (uint64_t)hi << 32 | lo;
}

static inline void irq_enable(void)
{
	asm volatile("sti" : : : "memory");
}

static inline void irq_disable(void)
{
	asm volatile("cli" : : : "memory");
}

/* Sleep with interrupts open from the instruction on that sleeps, then close them. */
static inline void irq_wait(void)
{
	asm volatile("sti; hlt; cli" : : : "memory");
}

static inline void cpu_relax(void)
{
	asm volatile("pause" : : : "memory");
}

static inline uint8_t inb(uint16_t port)
{
	uint8_t v;

	asm volatile("inb %1, %0" : "=a"(v) : "Nd"(port));
	return v;
}

static inline uint16_t inw(uint16_t port)
{
	uint16_t v;

	asm volatile("inw %1, %0" : "=a"(v) : "Nd"(port));
	return v;
}

static inline uint32_t inl(uint16_t port)
{
	uint32_t v;

	asm volatile("inl %1, %0" : "=a"(v) : "Nd"(port));
	return v;
}

static inline void outb(uint16_t port, uint8_t v)
{
	asm volatile("outb %0, %1" : : "a"(v), "Nd"(port));
}

static inline void outw(uint16_t port, uint16_t v)
{
	asm volatile("outw %0, %1" : : "a"(v), "Nd"(port));
}

static inline void outl(uint16_t port, uint32_t v)
{
	asm volatile("outl %0, %1" : : "a"(v), "Nd"(port));
}

#endif
