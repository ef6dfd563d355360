/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An exit leaves every register as it was but for the instruction's own
 * results: the general ones, flags, and with interrupts between.
 *
 * Sources: APM3 (each instruction); xen/arch-x86/xen-x86_64.h (hypercalls: RAX
 * is the result, arguments may be lost, all others are kept).
 *
 * run: smp=1 native
 */
#include "lib/guest.h"

#define VECTOR 0x41

/* Order: rax rbx rcx rdx rsi rdi rbp r8 ... r15. */
struct regs {
	uint64_t r[15];
};

enum {
	RAX,
	RBX,
	RCX,
	RDX,
	RSI,
	RDI,
	RBP,
	R8
};

static struct regs in, out;
static uint64_t flags_out;

/* Load all of `in`, run insn with the arithmetic flags set, store all in `out`. */
#define WITH_REGS(insn)                                                                            \
	asm volatile("push %%rbp\n\t"                                                              \
	             "lea %[in], %%rax\n\t"                                                        \
	             "mov 8(%%rax), %%rbx; mov 16(%%rax), %%rcx; mov 24(%%rax), %%rdx\n\t"         \
	             "mov 32(%%rax), %%rsi; mov 40(%%rax), %%rdi; mov 48(%%rax), %%rbp\n\t"        \
	             "mov 56(%%rax), %%r8; mov 64(%%rax), %%r9; mov 72(%%rax), %%r10\n\t"          \
	             "mov 80(%%rax), %%r11; mov 88(%%rax), %%r12; mov 96(%%rax), %%r13\n\t"        \
	             "mov 104(%%rax), %%r14; mov 112(%%rax), %%r15\n\t"                            \
	             "pushq $0x8d7; popfq\n\t"                                                     \
	             "mov (%%rax), %%rax\n\t" insn "\n\t"                                          \
	             "push %%rax; pushfq; pop %%rax; mov %%rax, %[flags]; lea %[out], %%rax\n\t"   \
	             "mov %%rbx, 8(%%rax); mov %%rcx, 16(%%rax); mov %%rdx, 24(%%rax)\n\t"         \
	             "mov %%rsi, 32(%%rax); mov %%rdi, 40(%%rax); mov %%rbp, 48(%%rax)\n\t"        \
	             "mov %%r8, 56(%%rax); mov %%r9, 64(%%rax); mov %%r10, 72(%%rax)\n\t"          \
	             "mov %%r11, 80(%%rax); mov %%r12, 88(%%rax); mov %%r13, 96(%%rax)\n\t"        \
	             "mov %%r14, 104(%%rax); mov %%r15, 112(%%rax)\n\t"                            \
	             "pop %%rbx; mov %%rbx, (%%rax); pop %%rbp"                                    \
	             : [out] "=m"(out), [flags] "=m"(flags_out)                                    \
	             : [in] "m"(in)                                                                \
	             : "rax", "rbx", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12",  \
	               "r13", "r14", "r15", "memory")

static void fill(void)
{
	unsigned int i;

	for (i = 0; i < 15; i++)
		in.r[i] = 0x1111111111111111ul * (i + 1) ^ 0xa5;
}

/* All but those in `may` (a bit each) are as before. */
static void expect_kept(uint32_t may, int line)
{
	unsigned int i;

	for (i = 0; i < 15; i++) {
		if (may >> i & 1)
			continue;
		if (out.r[i] != in.r[i])
			print("register %u: %#lx instead of %#lx\n", i, out.r[i], in.r[i]);
		check_that(out.r[i] == in.r[i], __FILE__, line, "register kept");
	}
	/* OF SF ZF AF PF CF */
	check_equal((long)(flags_out & 0x8d5), 0x8d5, __FILE__, line, "flags kept");
}

#define BIT(n) (1u << (n))
#define ABCD   (BIT(RAX) | BIT(RBX) | BIT(RCX) | BIT(RDX))

static void eoi(struct frame *f)
{
	(void)f;
	apic_write(APIC_EOI, 0);
}

static void test_exits(void)
{
	fill();
	in.r[RAX] = 0x40000001;
	in.r[RCX] = 0;
	WITH_REGS("cpuid");
	expect_kept(ABCD, __LINE__);
	EXPECT_EQ(out.r[RAX] >> 32 | out.r[RBX] >> 32 | out.r[RCX] >> 32 | out.r[RDX] >> 32, 0);

	fill();
	in.r[RCX] = 0xffffffff0000001bul; /* ECX counts */
	WITH_REGS("rdmsr");
	expect_kept(BIT(RAX) | BIT(RDX), __LINE__);
	EXPECT_EQ(out.r[RDX] >> 32 | out.r[RAX] >> 32, 0);
	EXPECT_EQ(out.r[RAX] & 0xfffff000, 0xfee00000);

	fill();
	WITH_REGS("in $0x21, %%al");
	expect_kept(BIT(RAX), __LINE__);
	EXPECT_EQ(out.r[RAX] & ~0xfful, in.r[RAX] & ~0xfful);

	fill();
	WITH_REGS("out %%al, $0x80");
	expect_kept(0, __LINE__);

	fill();
	WITH_REGS("wbinvd");
	expect_kept(0, __LINE__);

	fill();
	apic_self(VECTOR);
	WITH_REGS("sti; hlt; cli");
	expect_kept(0, __LINE__);
	EXPECT_EQ(cpu_this()->irq_count[VECTOR], 1);
}

static void test_hypercalls(void)
{
	uint32_t arguments = BIT(RAX) | BIT(RDI) | BIT(RSI) | BIT(RDX) | BIT(R8) | BIT(R8 + 2);

	fill();
	in.r[RAX] = 1000;
	WITH_REGS("vmmcall");
	expect_kept(arguments, __LINE__);
	EXPECT_EQ(out.r[RAX], -XEN_ENOSYS);
	fill();
	in.r[RAX] = __HYPERVISOR_xen_version;
	in.r[RDI] = XENVER_version;
	WITH_REGS("vmmcall");
	expect_kept(arguments, __LINE__);
	EXPECT_EQ(out.r[RAX], 4 << 16 | 17);
	fill();
	in.r[RAX] = __HYPERVISOR_xen_version;
	in.r[RDI] = XENVER_version;
	WITH_REGS("vmcall");
	expect_kept(arguments, __LINE__);
	EXPECT_EQ(out.r[RAX], 4 << 16 | 17);
	fill();
	in.r[RAX] = __HYPERVISOR_sched_op;
	in.r[RDI] = SCHEDOP_yield;
	WITH_REGS("vmmcall");
	expect_kept(arguments, __LINE__);
}

void test_main(void)
{
	if (xen_base)
		xen_map_shared();
	trap_set(VECTOR, eoi);
	test_exits();
	if (xen_base)
		test_hypercalls();
}
