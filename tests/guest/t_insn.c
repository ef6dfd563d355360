/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Instructions that the hypervisor completes or refuses: their length with
 * prefixes, the bits of control registers, those that a guest does not have.
 *
 * Sources: APM2 15.9 (intercepts), 15.7.1 (where RIP is at an exit), 3.1 (CR3,
 * CR4: reserved bits are #GP); APM3 for each instruction. This emulator reports
 * no next RIP, and leaves the guest with exit code -1 at such a CR write.
 *
 * run: smp=1
 */
#include "lib/guest.h"

/* Runs bytes, followed by `inc %rbx` thrice: too short or too long a skip shows in the sum. */
#define LENGTH(bytes)                                                                              \
	({                                                                                         \
		unsigned long n_ = 0;                                                              \
		asm volatile(bytes "inc %%rbx; inc %%rbx; inc %%rbx"                               \
		             : "+b"(n_)                                                            \
		             :                                                                     \
		             : "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r10", "memory");          \
		n_;                                                                                \
	})
/* CPUID writes RBX itself: keep the count elsewhere. */
#define LENGTH_R12(bytes)                                                                          \
	({                                                                                         \
		unsigned long n_;                                                                  \
		asm volatile("xor %%r12d, %%r12d\n\t" bytes                                        \
		             "inc %%r12; inc %%r12; inc %%r12; mov %%r12, %0"                      \
		             : "=r"(n_)                                                            \
		             :                                                                     \
		             : "rax", "rbx", "rcx", "rdx", "r12", "memory");                       \
		n_;                                                                                \
	})

static void test_lengths(void)
{
	EXPECT_EQ(LENGTH_R12("xor %%eax, %%eax; cpuid;"), 3);
	EXPECT_EQ(LENGTH_R12("xor %%eax, %%eax; .byte 0x66; cpuid;"), 3);
	EXPECT_EQ(LENGTH_R12("xor %%eax, %%eax; .byte 0x2e, 0x48; cpuid;"), 3);
	EXPECT_EQ(LENGTH_R12("xor %%eax, %%eax; .byte 0x66, 0x67, 0x3e, 0x41; cpuid;"), 3);
	EXPECT_EQ(LENGTH("mov $0x1b, %%ecx; rdmsr;"), 3);
	EXPECT_EQ(LENGTH("mov $0x1b, %%ecx; .byte 0x66; rdmsr;"), 3);
	EXPECT_EQ(LENGTH("mov $0x1b, %%ecx; .byte 0x48; rdmsr;"), 3);
	EXPECT_EQ(
		LENGTH("mov $0x808, %%ecx; xor %%eax, %%eax; xor %%edx, %%edx; .byte 0x48; wrmsr;"),
		3);
	EXPECT_EQ(LENGTH("mov $1000, %%eax; vmmcall;"), 3);
	EXPECT_EQ(LENGTH("mov $1000, %%eax; vmcall;"), 3);
	EXPECT_EQ(LENGTH("in $0x20, %%al;"), 3);
	EXPECT_EQ(LENGTH("mov $0x20, %%edx; in %%dx, %%al;"), 3);
	EXPECT_EQ(LENGTH("mov $0x20, %%edx; .byte 0x66; in %%dx, %%eax;"), 3);
	EXPECT_EQ(LENGTH("mov $0x20, %%edx; .byte 0x48; in %%dx, %%eax;"), 3);
	EXPECT_EQ(LENGTH("out %%al, $0x20;"), 3);
	EXPECT_EQ(LENGTH("wbinvd;"), 3);
	EXPECT_EQ(LENGTH("invd;"), 3);
	EXPECT_EQ(LENGTH("mov %%cr8, %%rax; mov %%rax, %%cr8;"), 3);
}

static void tick(struct frame *f)
{
	(void)f;
	apic_write(APIC_EOI, 0);
}

/* A HLT with and without prefix, its wake-up already there. */
static void test_halt(void)
{
	trap_set(0x41, tick);
	apic_self(0x41);
	EXPECT_EQ(LENGTH("sti; hlt; cli;"), 3);
	apic_self(0x41);
	EXPECT_EQ(LENGTH("sti; nop; cli;"), 3);
	apic_self(0x41);
	EXPECT_EQ(LENGTH("sti; .byte 0x66; hlt; cli;"), 3);
	EXPECT_EQ(cpu_this()->irq_count[0x41], 3);
}

#define TRY_BYTES(...)                                                                             \
	({                                                                                         \
		long vec_;                                                                         \
		asm volatile(TRY(".byte " #__VA_ARGS__)                                            \
		             : [vec] "=&r"(vec_)                                                   \
		             : "a"(0), "c"(0), "d"(0)                                              \
		             : "memory", "rbx");                                                   \
		vec_;                                                                              \
	})

/* What CPUID hides is not there (APM2 15.4, APM3). */
static void test_hidden(void)
{
	EXPECT_EQ(TRY_BYTES(0x0f, 0x01, 0xd8), TRAP_UD); /* VMRUN */
	EXPECT_EQ(TRY_BYTES(0x0f, 0x01, 0xda), TRAP_UD); /* VMLOAD */
	EXPECT_EQ(TRY_BYTES(0x0f, 0x01, 0xdb), TRAP_UD); /* VMSAVE */
	EXPECT_EQ(TRY_BYTES(0x0f, 0x01, 0xdc), TRAP_UD); /* STGI */
	EXPECT_EQ(TRY_BYTES(0x0f, 0x01, 0xdd), TRAP_UD); /* CLGI */
	EXPECT_EQ(TRY_BYTES(0x0f, 0x01, 0xde), TRAP_UD); /* SKINIT */
	EXPECT_EQ(TRY_BYTES(0x0f, 0x01, 0xdf), TRAP_UD); /* INVLPGA */
	EXPECT_EQ(TRY_BYTES(0x0f, 0x01, 0xc8), TRAP_UD); /* MONITOR */
	EXPECT_EQ(TRY_BYTES(0x0f, 0x01, 0xc9), TRAP_UD); /* MWAIT */
	EXPECT(TRY_BYTES(0x0f, 0x33) != TRAP_NONE);      /* RDPMC: no counter 0 */
	EXPECT_EQ(try_ud2(), TRAP_UD);
}

static int try_write_cr3(uint64_t v)
{
	long vec;

	asm volatile(TRY("mov %[v], %%cr3") : [vec] "=&r"(vec) : [v] "r"(v) : "memory");
	return (int)vec;
}

static void test_control(void)
{
	uint64_t cr3 = read_cr3(), cr4 = read_cr4();

	EXPECT_EQ(try_write_cr4(cr4 | 1ul << 63), TRAP_GP);
	EXPECT_EQ(try_write_cr4(cr4 | 1ul << 15), TRAP_GP);
	EXPECT_EQ(read_cr4(), cr4);
	EXPECT_EQ(try_write_cr3(cr3 | 1ul << 60), TRAP_GP);
	EXPECT_EQ(read_cr3(), cr3);
	EXPECT_EQ(try_write_cr4(cr4 | 1ul << 7), TRAP_NONE); /* PGE */
	EXPECT_EQ(try_write_cr4(cr4), TRAP_NONE);
	EXPECT_EQ(read_cr4(), cr4);
	EXPECT_EQ(xen_version(XENVER_version, 0), 4 << 16 | 17);
}

void test_main(void)
{
	test_lengths();
	test_halt();
	test_hidden();
	test_control();
}
