/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * CPUID as guests see it: the machine's answer through a mask per leaf, then what is virtual.
 *
 * A bit that the mask does not name is hidden: either the hypervisor does not switch or check the
 * state behind it, or nobody has looked at it yet. Leaves without a row read zero.
 */
#include <domain.h>
#include <regs.h>
#include <virt.h>

#define ALL ~0u

/* Bits listed by position; the names are those of APM3 appendix E. */
#define B(n) (1u << (n))

struct cpuid_row {
	u32 leaf;
	s32 subleaf; /* -1: any */
	u32 eax, ebx, ecx, edx;
};

static const struct cpuid_row policy[] = {
	/* Limits and vendor; the limit is clamped below. */
	{ 0x0, -1, ALL, ALL, ALL, ALL },
	/*
	 * ECX: SSE3 PCLMULQDQ SSSE3 FMA CX16 PCID SSE4.1 SSE4.2 MOVBE POPCNT AES XSAVE AVX F16C
	 * RDRAND. Not MONITOR (3), VMX (5), PDCM (15), TSC-deadline (24). EDX: not MCE (7), MCA
	 * (14), PSN (18), DS (21), ACPI (22), TM (29), PBE (31): the machine's.
	 */
	{ 0x1, -1, ALL, ALL,
	  B(0) | B(1) | B(9) | B(12) | B(13) | B(17) | B(19) | B(20) | B(22) | B(23) | B(25) |
	          B(26) | B(28) | B(29) | B(30),
	  ~(B(7) | B(14) | B(18) | B(21) | B(22) | B(29) | B(30) | B(31)) },
	/* Intel's cache descriptors and topology. */
	{ 0x2, -1, ALL, ALL, ALL, ALL },
	{ 0x4, -1, ALL, ALL, ALL, ALL },
	/* ARAT: the timers go on whatever the CPU does. */
	{ 0x6, -1, B(2), 0, 0, 0 },
	/*
	 * EBX: FSGSBASE BMI1 AVX2 SMEP BMI2 ERMS INVPCID AVX512F/DQ RDSEED ADX SMAP IFMA CLFLUSHOPT
	 * CLWB AVX512CD SHA AVX512BW/VL. Not TSC_ADJUST (1), HLE (4), PQM (12), MPX (14), PQE (15).
	 * ECX: VBMI UMIP PKU VBMI2 GFNI VAES VPCLMULQDQ VNNI BITALG VPOPCNTDQ RDPID. Not LA57 (16),
	 * CET. EDX: FSRM. SPEC_CTRL and its like would have to be switched at each exit.
	 */
	{ 0x7, 0, 0,
	  B(0) | B(3) | B(5) | B(7) | B(8) | B(9) | B(10) | B(16) | B(17) | B(18) | B(19) | B(20) |
	          B(21) | B(23) | B(24) | B(28) | B(29) | B(30) | B(31),
	  B(1) | B(2) | B(3) | B(6) | B(8) | B(9) | B(10) | B(11) | B(12) | B(14) | B(22), B(4) },
	/* Extended topology: levels as the machine's, the id is the vCPU's. */
	{ 0xb, -1, ALL, ALL, ALL, 0 },
	/* XSAVE: components masked below; XSAVEOPT, XSAVEC, XGETBV with ECX=1, never XSAVES
	   (IA32_XSS). */
	{ 0xd, 0, ALL, ALL, ALL, ALL },
	{ 0xd, 1, B(0) | B(1) | B(2), ALL, 0, 0 },
	{ 0xd, -1, ALL, ALL, B(1), 0 },
	{ 0x80000000, -1, ALL, ALL, ALL, ALL },
	/*
	 * ECX: LAHF CMP_LEGACY CR8 ABM SSE4A MISALIGNSSE 3DNOWPREFETCH XOP FMA4 TBM TOPOEXT. Not
	 * SVM (2), EXTAPIC (3), OSVW (9), IBS (10), SKINIT (12), WDT (13), LWP (15), counters,
	 * MWAITX (29). EDX: not MCE (7), MCA (14).
	 */
	{ 0x80000001, -1, ALL, ALL,
	  B(0) | B(1) | B(4) | B(5) | B(6) | B(7) | B(8) | B(11) | B(16) | B(21) | B(22),
	  ~(B(7) | B(14)) },
	{ 0x80000002, -1, ALL, ALL, ALL, ALL },
	{ 0x80000003, -1, ALL, ALL, ALL, ALL },
	{ 0x80000004, -1, ALL, ALL, ALL, ALL },
	{ 0x80000005, -1, ALL, ALL, ALL, ALL },
	{ 0x80000006, -1, ALL, ALL, ALL, ALL },
	/* Invariant TSC only; set below. */
	{ 0x80000007, -1, 0, 0, 0, 0 },
	/* Address sizes; EBX: CLZERO, XSAVEERPTR, WBNOINVD. */
	{ 0x80000008, -1, ALL, B(0) | B(2) | B(9), ALL, 0 },
	{ 0x80000019, -1, ALL, ALL, 0, 0 },
	{ 0x8000001d, -1, ALL, ALL, ALL, ALL },
	{ 0x8000001e, -1, 0, ALL, ALL, 0 },
	/* EAX: LFENCE serialises, null selectors clear base. */
	{ 0x80000021, -1, B(2) | B(6), 0, 0, 0 },
};

#define BASIC_MAX    0xdu
#define EXTENDED_MAX 0x80000021u

/* The Xen leaves (xen/arch-x86/cpuid.h), and silence where another hypervisor's might shine
 * through. */
#define XEN_LEAVES 0x40000000u

static void xen_leaf(struct vcpu *v, u32 leaf, u32 subleaf, struct cpuid_regs *r)
{
	switch (leaf - XEN_LEAVES) {
	case 0: /* "XenVMMXenVMM" */
		*r = (struct cpuid_regs){ XEN_LEAVES + 5, 0x566e6558, 0x65584d4d, 0x4d4d566e };
		break;
	case 1:
		r->eax = 4 << 16 | 17;
		break;
	case 2: /* one hypercall page, by this MSR */
		r->eax = 1;
		r->ebx = 0x40000000;
		break;
	case 3: /* TSC not trapped; its rate in kHz */
		if (!subleaf)
			r->ecx = (u32)time_tsc_khz;
		break;
	case 4: /* EBX is the vCPU's id, ECX the domain's */
		r->eax = B(3) | B(4);
		r->ebx = v->id;
		r->ecx = v->domain->id;
		break;
	}
}

static const struct cpuid_row *find(u32 leaf, u32 subleaf)
{
	for (u32 i = 0; i < ARRAY_SIZE(policy); i++)
		if (policy[i].leaf == leaf &&
		    (policy[i].subleaf < 0 || (u32)policy[i].subleaf == subleaf))
			return &policy[i];
	return NULL;
}

/* Sizes and components of the XSAVE area; the CPU answers for the guest's XCR0, which is loaded. */
static void xsave_leaf(u32 subleaf, struct cpuid_regs *r)
{
	u64 mask = cpu_features.xcr0_mask;

	if (subleaf > 1 && (subleaf > 63 || !(mask >> subleaf & 1))) {
		*r = (struct cpuid_regs){ 0 };
	} else if (subleaf == 0) {
		r->eax &= (u32)mask;
		r->edx &= (u32)(mask >> 32);
		r->ecx = min(r->ecx, cpu_features.xsave_size);
	}
}

/* Apart from the mask: what depends on the vCPU, and what is always or never there. */
static void adjust(struct vcpu *v, u32 leaf, u32 subleaf, struct cpuid_regs *r)
{
	struct guest_mode m;

	switch (leaf) {
	case 0x0:
		r->eax = min(r->eax, BASIC_MAX);
		break;
	case 0x1:
		virt->mode(v, &m);
		r->ebx = (r->ebx & 0xffffff) | v->apic_id << 24;
		r->ecx |= B(21) | B(31); /* x2APIC, hypervisor */
		if (m.cr4 & CR4_OSXSAVE)
			r->ecx |= B(27);
		break;
	case 0x7:
		virt->mode(v, &m);
		if (m.cr4 & CR4_PKE)
			r->ecx |= B(4); /* OSPKE */
		r->edx |= B(29); /* ARCH_CAPABILITIES, which says that xAPIC mode is gone (msr.c) */
		break;
	case 0xb:
		r->edx = v->apic_id;
		break;
	case 0xd:
		xsave_leaf(subleaf, r);
		break;
	case 0x80000000:
		r->eax = min(r->eax, EXTENDED_MAX);
		break;
	case 0x80000007:
		if (cpu_features.tsc_reliable)
			r->edx |= B(8);
		break;
	case 0x80000008: /* 48-bit virtual addresses: LA57 is hidden */
		r->eax = (r->eax & ~0xff00u) | 48 << 8;
		break;
	case 0x8000001e:
		r->eax = v->apic_id;
		break;
	}
}

/*
 * A guest is one package of cores without threads, whose ids are the even numbers (Xen's ABI): as
 * if each core had a second thread that is not there. Its memory is write-back, it has no MTRRs.
 */
static void guest_adjust(const struct vcpu *v, u32 leaf, u32 subleaf, struct cpuid_regs *r)
{
	u32 ids = 2 * v->domain->max_vcpus, bits = 1;

	while (ids > 1u << bits)
		bits++;
	switch (leaf) {
	case 0x1:
		r->ebx = (r->ebx & 0xff00ffff) | min(ids, 255u) << 16;
		r->edx = (r->edx & ~B(12)) | B(28); /* MTRR; HTT: the number means something */
		break;
	case 0xb: /* level 0: threads, level 1: cores */
		r->eax = subleaf ? bits : 1;
		r->ebx = subleaf ? v->domain->max_vcpus : 1;
		r->ecx = (subleaf + 1) << 8 | subleaf;
		if (subleaf > 1)
			*r = (struct cpuid_regs){ .ecx = subleaf & 0xff, .edx = v->apic_id };
		break;
	case 0x80000001:
		r->edx &= ~B(12);
		break;
	case 0x80000008:
		r->ecx = bits << 12 | (ids - 1);
		break;
	case 0x8000001e:
		r->ebx = v->id;
		r->ecx = 0;
		break;
	}
}

void vcpu_cpuid(struct vcpu *v, u32 leaf, u32 subleaf, struct cpuid_regs *r)
{
	const struct cpuid_row *row;
	struct cpuid_regs host;

	*r = (struct cpuid_regs){ 0 };
	if (leaf >> 16 == XEN_LEAVES >> 16) {
		xen_leaf(v, leaf, subleaf, r);
		return;
	}
	row = find(leaf, subleaf);
	if (!row)
		return;
	host = cpuid(leaf, subleaf);
	/* Beyond its limit a CPU repeats another leaf: that is no answer to this one. */
	if (leaf > cpuid(leaf & 0x80000000, 0).eax)
		return;
	r->eax = host.eax & row->eax;
	r->ebx = host.ebx & row->ebx;
	r->ecx = host.ecx & row->ecx;
	r->edx = host.edx & row->edx;
	adjust(v, leaf, subleaf, r);
	if (!v->domain->control)
		guest_adjust(v, leaf, subleaf, r);
}
