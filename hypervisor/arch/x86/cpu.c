/* SPDX-License-Identifier: GPL-2.0-only */
/* What the machine's CPUs can do, and the control registers that host mode runs with. */
#include <cpu.h>
#include <printk.h>
#include <regs.h>
#include <string.h>

struct cpu_features cpu_features;

/* CPUID bits, APM3 appendix E. */
#define C1_EDX_MCE    BIT(7)
#define C1_EDX_APIC   BIT(9)
#define C1_EDX_PGE    BIT(13)
#define C1_EDX_MCA    BIT(14)
#define C1_ECX_CX16   BIT(13)
#define C1_ECX_X2APIC BIT(21)
#define C1_ECX_XSAVE  BIT(26)
#define C1_ECX_HYP    BIT(31)
#define C7_EBX_SMEP   BIT(7)
#define C7_EBX_SMAP   BIT(20)
#define C7_ECX_UMIP   BIT(2)
#define E1_ECX_SVM    BIT(2)
#define E1_EDX_NX     BIT(20)
#define E1_EDX_1G     BIT(26)
#define E1_EDX_RDTSCP BIT(27)
#define E7_EDX_TSC    BIT(8)
#define E8_EBX_IBPB   BIT(12)
#define EA_EDX_NPT    BIT(0)
#define EA_EDX_NRIPS  BIT(3)
#define EA_EDX_CLEAN  BIT(5)
#define EA_EDX_ASID   BIT(6)
#define EA_EDX_DECODE BIT(7)

/* Machine checks, APM2 9.3: how many banks, and each bank's enable mask. */
#define MCG_CTL_P BIT(8)

/* CR4 of host mode: with what the CPUs have. */
static u64 host_cr4 = CR4_PAE | CR4_PGE | CR4_DE | CR4_OSFXSR | CR4_OSXMMEXCPT | CR4_OSXSAVE;

static void __init detect_vendor(struct cpu_features *f)
{
	struct cpuid_regs r = cpuid(0, 0);

	memcpy(f->vendor, &r.ebx, 4);
	memcpy(f->vendor + 4, &r.edx, 4);
	memcpy(f->vendor + 8, &r.ecx, 4);
}

/*
 * Components that guests may use: x87, SSE, AVX, AVX-512, PKRU. Not MPX, which no AMD CPU has and
 * which CPUID hides; XSAVE would keep it all the same.
 */
#define XCR0_KNOWN 0x2e7

static void __init need(u64 bit, const char *what)
{
	if (!bit)
		boot_fail("this CPU has no %s: it is too old, use a newer AMD CPU", what);
}

static void __init detect_basics(struct cpu_features *f)
{
	struct cpuid_regs r = cpuid(1, 0);
	u32 top = cpuid(0, 0).eax;

	need(r.edx & C1_EDX_APIC, "local APIC");
	need(r.edx & C1_EDX_PGE, "global pages (PGE)");
	need(r.ecx & C1_ECX_CX16, "CMPXCHG16B");
	f->x2apic = r.ecx & C1_ECX_X2APIC;
	f->hypervisor = r.ecx & C1_ECX_HYP;
	host_cr4 |= r.edx & C1_EDX_MCA && r.edx & C1_EDX_MCE ? CR4_MCE : 0;
	if (top >= 7) {
		r = cpuid(7, 0);
		host_cr4 |= r.ebx & C7_EBX_SMEP ? CR4_SMEP : 0;
		host_cr4 |= r.ebx & C7_EBX_SMAP ? CR4_SMAP : 0;
		host_cr4 |= r.ecx & C7_ECX_UMIP ? CR4_UMIP : 0;
	}
}

static void __init detect_xsave(struct cpu_features *f)
{
	struct cpuid_regs r;

	need(cpuid(1, 0).ecx & C1_ECX_XSAVE, "XSAVE");
	r = cpuid(0xd, 0);
	f->xcr0_mask = ((u64)r.edx << 32 | r.eax) & XCR0_KNOWN;
	f->xsave_size = r.ecx;
}

static void __init detect_extended(struct cpu_features *f)
{
	struct cpuid_regs r = cpuid(0x80000001, 0);

	if (!(r.edx & E1_EDX_NX))
		boot_fail(
			"this CPU has no no-execute pages (NX): enable them in the firmware setup, "
			"or use a newer AMD CPU");
	f->gib_pages = r.edx & E1_EDX_1G;
	f->phys_bits = (u8)cpuid(0x80000008, 0).eax;
	f->ibpb = cpuid(0x80000008, 0).ebx & E8_EBX_IBPB;
	f->tsc_reliable = cpuid(0x80000007, 0).edx & E7_EDX_TSC || f->hypervisor;
}

static void __init detect_svm(struct cpu_features *f)
{
	struct cpuid_regs r = cpuid(0x8000000a, 0);
	u64 vm_cr;

	if (strcmp(f->vendor, "AuthenticAMD") && strcmp(f->vendor, "HygonGenuine"))
		boot_fail("this CPU (%s) is none of AMD's: only AMD's SVM is supported", f->vendor);
	if (!(cpuid(0x80000001, 0).ecx & E1_ECX_SVM))
		boot_fail(
			"this CPU has no SVM, or it is hidden: enable SVM (AMD-V) in the firmware "
			"setup, or nested virtualisation where this machine is itself a guest");
	/* APM2 15.30.1; an emulator may not have the register, and then nothing is switched off. */
	if (!rdmsr_safe(MSR_VM_CR, &vm_cr) && vm_cr & VM_CR_SVMDIS)
		boot_fail("SVM is switched off: enable SVM (AMD-V) in the firmware setup");
	if (!(r.edx & EA_EDX_NPT))
		boot_fail(
			"this CPU has no nested paging (NPT): use a newer AMD CPU, or switch it on "
			"where this machine is itself a guest");
	f->nrips = r.edx & EA_EDX_NRIPS;
	f->asids = r.ebx;
	pr_info("SVM with nested paging, %u ASIDs%s%s%s%s\n", f->asids,
	        f->nrips ? ", next RIP" : "", r.edx & EA_EDX_DECODE ? ", decode assists" : "",
	        r.edx & EA_EDX_ASID ? ", flush by ASID" : "",
	        r.edx & EA_EDX_CLEAN ? ", clean bits" : "");
}

void cpu_hw_cap(u32 word[8])
{
	struct cpuid_regs basic = cpuid(1, 0), extended = cpuid(0x80000001, 0);

	word[0] = basic.edx;
	word[1] = basic.ecx;
	word[2] = extended.edx;
	word[3] = extended.ecx;
	word[5] = cpuid(7, 0).ebx;
}

void __init cpu_detect(void)
{
	struct cpu_features *f = &cpu_features;
	u32 id = cpuid(1, 0).eax; /* family and model come in two parts that add up (APM3 E.3.2) */

	detect_vendor(f);
	detect_basics(f);
	detect_extended(f);
	pr_info("CPU %s family 0x%x model 0x%x stepping %u, %u physical address bits%s%s\n",
	        f->vendor, (id >> 8 & 0xf) + (id >> 20 & 0xff), (id >> 4 & 0xf) | (id >> 12 & 0xf0),
	        id & 0xf, f->phys_bits, f->x2apic ? ", x2APIC" : "",
	        f->hypervisor ? ", virtual" : "");
	detect_svm(f);
	detect_xsave(f);
	need(cpuid(0x80000001, 0).edx & E1_EDX_RDTSCP, "RDTSCP");
	/* Without it nothing on the machine tells the time the same way twice: frequencies change,
	 * sleep stops it. An emulator or hypervisor below has one clock behind the TSC instead. */
	if (!f->tsc_reliable)
		boot_fail(
			"this CPU's time stamp counter is not invariant: it is too old, use a newer "
			"AMD CPU");
}

/* All errors of all banks are reported (APM2 9.4); firmware may have left banks off. */
static void mca_init(void)
{
	u64 cap;

	/*
	 * Bochs announces machine checks in CPUID and has no registers for them. The boot CPU finds
	 * out: the others come here before they can take a fault.
	 */
	if (rdmsr_safe(MSR_MCG_CAP, &cap)) {
		host_cr4 &= ~CR4_MCE;
		return;
	}
	if (cap & MCG_CTL_P)
		wrmsr(MSR_MCG_CTL, ~0ULL);
	for (u32 i = 0; i < (cap & 0xff); i++)
		wrmsr(MSR_MC0_CTL + 4 * i, ~0ULL);
}

void cpu_init_this(void)
{
	wrmsr(MSR_EFER, EFER_LME | EFER_LMA | EFER_NXE);
	write_cr0(CR0_PG | CR0_WP | CR0_NE | CR0_ET | CR0_MP | CR0_PE);
	write_cr4(host_cr4);
	wrmsr(MSR_PAT, HOST_PAT);
	if (host_cr4 & CR4_MCE)
		mca_init();
}
