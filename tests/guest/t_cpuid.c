/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What CPUID shows: the hypervisor's leaves, and nothing of what it keeps to
 * itself.
 *
 * Sources: xen/arch-x86/cpuid.h; APM3 appendix E. The stock kernel takes the
 * hypervisor with the highest leaf, so the leaves above ours must be zero.
 *
 * run: smp=2
 */
#include "lib/guest.h"

#define CR4_OSXSAVE (1ul << 18)
#define CR4_PKE     (1ul << 22)

static void expect_zero(uint32_t leaf)
{
	struct cpuid r = cpuid(leaf, 0);

	if (r.eax | r.ebx | r.ecx | r.edx)
		print("leaf %#x: %x %x %x %x\n", leaf, r.eax, r.ebx, r.ecx, r.edx);
	EXPECT(!(r.eax | r.ebx | r.ecx | r.edx));
}

static void test_xen_leaves(void)
{
	struct cpuid r = cpuid(0x40000000, 0);
	uint32_t leaf;

	EXPECT_EQ(xen_base, 0x40000000);
	EXPECT(r.eax >= 0x40000002 && r.eax <= 0x400000ff);
	EXPECT_EQ(r.ebx, XEN_CPUID_SIGNATURE_EBX);
	EXPECT_EQ(r.ecx, XEN_CPUID_SIGNATURE_ECX);
	EXPECT_EQ(r.edx, XEN_CPUID_SIGNATURE_EDX);
	EXPECT_EQ(cpuid(0x40000001, 0).eax, 4 << 16 | 17);
	EXPECT_EQ(cpuid(0x40000002, 0).eax, 1);
	EXPECT_EQ(cpuid(0x40000002, 0).ebx, 0x40000000);
	/* The stock kernel reads leaf 4 whatever the highest one is; a delivery bit there
	 * would choose another kind of upcall than HVM_PARAM_CALLBACK_IRQ. */
	r = cpuid(0x40000004, 0);
	EXPECT_EQ(r.eax & XEN_HVM_CPUID_UPCALL_VECTOR, 0);
	if (r.eax & XEN_HVM_CPUID_VCPU_ID_PRESENT)
		EXPECT_EQ(r.ebx, 0);
	if (r.eax & XEN_HVM_CPUID_DOMID_PRESENT)
		EXPECT_EQ(r.ecx, 0);
	for (leaf = 0x40000100; leaf < 0x40010000; leaf += 0x100)
		expect_zero(leaf);
	expect_zero(0x4000ffff);
	expect_zero(cpuid(0x40000000, 0).eax + 1);
}

static void test_hidden(void)
{
	struct cpuid r1 = cpuid(1, 0), e1 = cpuid(0x80000001, 0);

	EXPECT(r1.ecx & 1u << 31);                   /* hypervisor */
	EXPECT(r1.ecx & 1u << 21);                   /* x2APIC */
	EXPECT(r1.edx & 1u << 9);                    /* APIC */
	EXPECT_EQ(r1.ecx & 1u << 3, 0);              /* MONITOR */
	EXPECT_EQ(r1.ecx & 1u << 5, 0);              /* VMX */
	EXPECT_EQ(r1.ecx & 1u << 24, 0);             /* TSC deadline */
	EXPECT_EQ(r1.edx & (1u << 7 | 1u << 14), 0); /* MCE, MCA */
	EXPECT_EQ(e1.edx & (1u << 7 | 1u << 14), 0);
	EXPECT_EQ(e1.ecx & 1u << 2, 0);                          /* SVM */
	EXPECT_EQ(e1.ecx & (1u << 23 | 1u << 24 | 1u << 28), 0); /* performance counters */
	EXPECT_EQ(cpuid(7, 0).ecx & 1u << 16, 0);                /* 57-bit addresses */
	EXPECT_EQ(cpuid(0xa, 0).eax & 0xff, 0);                  /* architectural PMU */
	expect_zero(0x8000000a);                                 /* SVM features */
	/* ARCH_CAPABILITIES is how a guest learns that it cannot leave x2APIC mode. */
	if (cpuid(7, 0).edx & 1u << 29)
		EXPECT(rdmsr(0x10a) & 1u << 21);
}

/* CPUID 1 ECX[27] and 7 ECX[4] are the guest's own CR4 bits (APM3 E.3.2, E.3.6). */
static void test_follows_cr4(void)
{
	uint64_t cr4 = read_cr4();

	if (!(cpuid(1, 0).ecx & 1u << 26))
		return;
	write_cr4(cr4 & ~CR4_OSXSAVE);
	EXPECT_EQ(cpuid(1, 0).ecx & 1u << 27, 0);
	write_cr4(cr4 | CR4_OSXSAVE);
	EXPECT_EQ(cpuid(1, 0).ecx & 1u << 27, 1u << 27);
	write_cr4(cr4);
	EXPECT_EQ(cpuid(1, 0).ecx & 1u << 27, 0);
	if (!(cpuid(7, 0).ecx & 1u << 3))
		return;
	EXPECT_EQ(cpuid(7, 0).ecx & 1u << 4, 0);
	write_cr4(cr4 | CR4_PKE);
	EXPECT_EQ(cpuid(7, 0).ecx & 1u << 4, 1u << 4);
	write_cr4(cr4);
}

static uint32_t other_ids[3];

static void read_ids(void *arg)
{
	(void)arg;
	other_ids[0] = cpuid(1, 0).ebx >> 24;
	other_ids[1] = cpuid(0xb, 0).edx;
	other_ids[2] = (uint32_t)apic_read(APIC_ID);
}

static void test_ids(void)
{
	EXPECT_EQ(cpuid(1, 0).ebx >> 24, cpus[0].apic_id);
	EXPECT_EQ(apic_read(APIC_ID), cpus[0].apic_id);
	EXPECT(cpu_start(1));
	cpu_run(1, read_ids, NULL);
	EXPECT(cpu_wait(1, PATIENCE));
	EXPECT_EQ(other_ids[0], cpus[1].apic_id);
	EXPECT_EQ(other_ids[2], cpus[1].apic_id);
	if (cpuid(0, 0).eax >= 0xb && cpuid(0xb, 0).ebx) {
		EXPECT_EQ(cpuid(0xb, 0).edx, cpus[0].apic_id);
		EXPECT_EQ(other_ids[1], cpus[1].apic_id);
	}
}

/* The stock kernel's choice of VMMCALL or VMCALL hangs on the vendor: it is the real one. */
static void test_vendor(void)
{
	struct cpuid r = cpuid(0, 0), e = cpuid(0x80000000, 0);

	EXPECT_EQ(r.ebx, 0x68747541);
	EXPECT_EQ(r.edx, 0x69746e65);
	EXPECT_EQ(r.ecx, 0x444d4163);
	EXPECT_EQ(e.ebx, r.ebx);
	EXPECT(r.eax >= 0xd);
	EXPECT(e.eax >= 0x80000008);
	EXPECT(cpuid(0x80000007, 0).edx & 1u << 8); /* invariant TSC */
}

void test_main(void)
{
	test_vendor();
	test_xen_leaves();
	test_hidden();
	test_follows_cr4();
	test_ids();
}
