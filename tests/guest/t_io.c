/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Ports: those withheld read as if nothing were there, the others reach the
 * machine.
 *
 * Sources: README.md (ports that do not exist read all-ones, except the PIT's,
 * which read 0, so that its calibration is given up at once; string instructions on a withheld port
 * are #GP: the hypervisor decodes no instructions); APM2 15.10.
 *
 * run: smp=1
 */
#include "lib/guest.h"

static const uint16_t ones[] = {
	0x20,  0x21,  0xa0,  0xa1,                              /* PIC */
	0x4d0, 0x4d1,                                           /* its edge/level registers */
	0x3f8, 0x3f9, 0x3fa, 0x3fb, 0x3fc, 0x3fd, 0x3fe, 0x3ff, /* the hypervisor's UART */
};

static const uint16_t zeros[] = { 0x40, 0x41, 0x42, 0x43 }; /* PIT */

static void test_withheld(void)
{
	uint64_t upper;
	unsigned int i;

	for (i = 0; i < ARRAY_LEN(ones); i++) {
		EXPECT_EQ(inb(ones[i]), 0xff);
		outb(ones[i], 0x55);
		EXPECT_EQ(inb(ones[i]), 0xff);
	}
	for (i = 0; i < ARRAY_LEN(zeros); i++) {
		outb(zeros[i], 0xb0);
		EXPECT_EQ(inb(zeros[i]), 0);
	}
	EXPECT_EQ(inw(0x20), 0xffff);
	EXPECT_EQ(inl(0x3f8), 0xffffffff);
	/* The widths of the result: 8 and 16 bits leave the rest of RAX, 32 bits clear it. */
	asm volatile("mov $-1, %%rax; xor %%eax, %%eax; dec %%rax; inb $0x40, %%al" : "=a"(upper));
	EXPECT_EQ(upper, 0xffffffffffffff00);
	asm volatile("mov $-1, %%rax; in $0x40, %%ax" : "=a"(upper));
	EXPECT_EQ(upper >> 16, 0xffffffffffff);
	asm volatile("mov $-1, %%rax; mov $0x3f8, %%dx; in %%dx, %%eax" : "=a"(upper) : : "rdx");
	EXPECT_EQ(upper, 0xffffffff);
}

static int try_insb(uint16_t port, void *dst)
{
	long vec;

	asm volatile(TRY("insb") : [vec] "=&r"(vec), "+D"(dst) : "d"(port) : "memory");
	return (int)vec;
}

static int try_rep_outsb(uint16_t port, const void *src)
{
	unsigned long n = 4;
	long vec;

	asm volatile(TRY("rep outsb")
	             : [vec] "=&r"(vec), "+S"(src), "+c"(n)
	             : "d"(port)
	             : "memory");
	return (int)vec;
}

static void test_strings(void)
{
	uint8_t buffer[16] = { 0 };

	EXPECT_EQ(try_insb(0x3f8, buffer), TRAP_GP);
	EXPECT_EQ(try_rep_outsb(0x3f8, buffer), TRAP_GP);
	EXPECT_EQ(try_insb(0x20, buffer), TRAP_GP);
	/* Where nothing is intercepted they are the processor's own affair. */
	EXPECT_EQ(try_insb(0x71, buffer), TRAP_NONE);
}

static long in_ring3(long port)
{
	long vec;

	asm volatile(TRY("inb %%dx, %%al") : [vec] "=&r"(vec) : "d"(port) : "memory", "rax");
	return vec;
}

static void test_open(void)
{
	outb(0x70, 0x0f);
	outb(0x71, 0x5a);
	outb(0x70, 0x0f);
	EXPECT_EQ(inb(0x71), 0x5a);
	outb(0x71, 0);
	outl(0xcf8, 0x80000000);
	EXPECT_EQ(inl(0xcf8), 0x80000000);
	EXPECT_EQ(inw(0xcfc), 0x8086); /* QEMU's host bridge */
	outl(0xcf8, 0);
	EXPECT_EQ(inb(0x3e8 + 5), 0xff); /* no third UART here */
	/* Ring 3 without IOPL has no ports at all (APM2 12.2.4), withheld or not. */
	EXPECT_EQ(trap_user_call(in_ring3, 0x70), TRAP_GP);
	EXPECT_EQ(trap_user_call(in_ring3, 0x20), TRAP_GP);
}

/* A withheld port's neighbours in one wide access: all of it is withheld. */
static void test_wide(void)
{
	uint32_t v = inl(0x3f6);

	EXPECT_EQ(v >> 16, 0xffff);
	v = inl(0x3e);
	EXPECT_EQ(v >> 16, 0);
}

void test_main(void)
{
	test_withheld();
	test_strings();
	test_open();
	test_wide();
}
