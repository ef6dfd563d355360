/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Model-specific registers: those that answer, those that do not exist, and
 * the x2APIC range register by register.
 *
 * Sources: APM2 16.11 (x2APIC), 3.1.7 (EFER), 7.7 (MTRR); the MSRs that the
 * stock kernel reads without a net.
 *
 * run: smp=1
 */
#include "lib/guest.h"

#define MSR_APIC_BASE 0x1b
#define MSR_EFER      0xc0000080
#define EFER_SVME     (1u << 12)

struct msr_row {
	uint32_t msr;
	bool read, write; /* write: the value just read goes back */
};

static const struct msr_row plain[] = {
	{ 0x10, true, false }, /* TSC */
	{ 0x1b, true, true },  /* APIC base */
	{ 0x8b, true, false }, /* patch level */
	{ 0xfe, true, false }, /* MTRR capabilities */
	{ 0x174, true, true },
	{ 0x175, true, true },
	{ 0x176, true, true },
	{ 0x277, true, true }, /* PAT */
	{ 0x2ff, true, true }, /* MTRR default type */
	{ 0x200, true, true },
	{ 0x250, true, true },
	{ 0x26f, true, true },
	{ 0xc0000080, true, true },
	{ 0xc0000081, true, true },
	{ 0xc0000082, true, true },
	{ 0xc0000083, true, true },
	{ 0xc0000084, true, true },
	{ 0xc0000100, true, true },
	{ 0xc0000101, true, true },
	{ 0xc0000102, true, true },
	{ 0xc0010010, true, false },
	{ 0xc0010015, true, false },
	{ 0xc0011029, true, true },
	{ 0xc0010055, true, false },
	{ 0xc001001f, true, true },
	/* Nothing of these is the guest's. */
	{ 0x12345678, false, false },
	{ 0x40000001, false, false },
	{ 0xc0010114, false, false }, /* VM_CR */
	{ 0xc0010117, false, false }, /* VM_HSAVE_PA */
	{ 0xc0010140, false, false },
	{ 0xffffffff, false, false },
	{ 0x6e0, false, false }, /* TSC deadline */
};

static void test_plain(void)
{
	const struct msr_row *r;
	uint64_t v;

	for (r = plain; r < plain + ARRAY_LEN(plain); r++) {
		v = 0;
		if (try_rdmsr(r->msr, &v) != (r->read ? TRAP_NONE : TRAP_GP))
			print("RDMSR %#x\n", r->msr);
		EXPECT_EQ(try_rdmsr(r->msr, &v), r->read ? TRAP_NONE : TRAP_GP);
		if (r->read && !r->write)
			continue;
		if (try_wrmsr(r->msr, v) != (r->write ? TRAP_NONE : TRAP_GP))
			print("WRMSR %#x\n", r->msr);
		EXPECT_EQ(try_wrmsr(r->msr, v), r->write ? TRAP_NONE : TRAP_GP);
	}
}

/* r: may be read, w: may be written (with 0), W: with any value; a letter for each number. */
static const char x2apic[0x40 + 1] =
	"--rr----w-rWwr-w"  /* 00: 8 is TPR (also read), b EOI, d LDR, f SPIV (also read) */
	"rrrrrrrrrrrrrrrr"  /* 10: ISR, TMR */
	"rrrrrrrrw------w"  /* 20: IRR, 28 ESR, 2f CMCI */
	"w-wwwwwwwr----wS"; /* 30: ICR, LVT, timer, divider, self-IPI (write only) */

/*
 * The range is exact, with nothing behind its end: register 0xb and 0x3f are
 * write only, ids and bit arrays read only, gaps fault. Registers that a
 * model may lack (0x2f, 0xc) are left alone.
 */
static void test_x2apic(void)
{
	unsigned int reg;
	uint64_t v;
	int r, w;
	char c;

	for (reg = 0; reg < 0x40; reg++) {
		c = x2apic[reg];
		if (reg == 0x2f || reg == 0xc || reg == APIC_ICR)
			continue;
		r = c == 'W' || c == 'S' || c == '-' ? TRAP_GP : TRAP_NONE;
		w = c == 'r' || c == '-' ? TRAP_GP : TRAP_NONE;
		v = 0;
		if (try_rdmsr(0x800 + reg, &v) != r)
			print("RDMSR %#x\n", 0x800 + reg);
		EXPECT_EQ(try_rdmsr(0x800 + reg, &v), r);
		if (c == 'S')
			continue;
		if (reg == APIC_ESR || reg == APIC_EOI)
			v = 0;
		if (try_wrmsr(0x800 + reg, v) != w)
			print("WRMSR %#x\n", 0x800 + reg);
		EXPECT_EQ(try_wrmsr(0x800 + reg, v), w);
	}
	for (reg = 0x840; reg < 0x900; reg++)
		EXPECT_EQ(try_rdmsr(reg, &v), TRAP_GP);
	for (reg = 0x840; reg < 0x900; reg++)
		EXPECT_EQ(try_wrmsr(reg, 0), TRAP_GP);
	EXPECT_EQ(try_rdmsr(0x7ff, &v), TRAP_GP);
	EXPECT_EQ(try_rdmsr(0x900, &v), TRAP_GP);
	EXPECT_EQ(try_wrmsr(0x80b, 1), TRAP_GP);     /* EOI takes 0 only */
	EXPECT_EQ(try_wrmsr(0x828, 1), TRAP_GP);     /* ESR too */
	EXPECT_EQ(try_wrmsr(0x808, 0x100), TRAP_GP); /* reserved bits of TPR */
	EXPECT_EQ(try_wrmsr(0x83f, 0x100), TRAP_GP);
}

static void test_apic_base(void)
{
	uint64_t base = rdmsr(MSR_APIC_BASE);

	EXPECT_EQ(base, 0xfee00000 | 1u << 11 | 1u << 10 | 1u << 8);
	EXPECT_EQ(try_wrmsr(MSR_APIC_BASE, base), TRAP_NONE);
	EXPECT_EQ(try_wrmsr(MSR_APIC_BASE, base & ~(1ul << 10)), TRAP_GP);
	EXPECT_EQ(try_wrmsr(MSR_APIC_BASE, base & ~(3ul << 10)), TRAP_GP);
	EXPECT_EQ(try_wrmsr(MSR_APIC_BASE, base + 0x1000), TRAP_GP);
	EXPECT_EQ(rdmsr(MSR_APIC_BASE), base);
}

static void test_efer(void)
{
	uint64_t efer = rdmsr(MSR_EFER);

	EXPECT_EQ(efer & EFER_SVME, 0);
	EXPECT_EQ(efer & 0xd00, 0xd00); /* NXE, LMA, LME: what the start set */
	EXPECT_EQ(try_wrmsr(MSR_EFER, efer | EFER_SVME), TRAP_GP);
	EXPECT_EQ(try_wrmsr(MSR_EFER, efer | 1ul << 40), TRAP_GP);
	EXPECT_EQ(rdmsr(MSR_EFER), efer);
	EXPECT_EQ(try_wrmsr(MSR_EFER, efer | 1), TRAP_NONE); /* SCE */
	EXPECT_EQ(rdmsr(MSR_EFER), efer | 1);
	EXPECT_EQ(try_wrmsr(MSR_EFER, efer), TRAP_NONE);
	EXPECT_EQ(rdmsr(MSR_EFER), efer);
}

static void test_values(void)
{
	uint64_t tsc = rdtsc();

	wrmsr(0xc0000102, 0x123456789abcul);
	EXPECT_EQ(rdmsr(0xc0000102), 0x123456789abcul);
	EXPECT(rdmsr(0x10) >= tsc);
	EXPECT(rdtsc() >= tsc);
}

void test_main(void)
{
	test_plain();
	test_x2apic();
	test_apic_base();
	test_efer();
	test_values();
}
