/* SPDX-License-Identifier: GPL-2.0-only */
/* What of a vCPU's state a CPU takes: everything here would otherwise make it refuse the entry. */
#include <xen/hvm/save.h>
#include <domain.h>
#include <regs.h>
#include <string.h>
#include <virt.h>

#define CR4_ALWAYS 0x7ffULL /* VME to OSXMMEXCPT: every CPU with SVM has them */
#define ATTR_CODE  BIT(3)
#define ATTR_S     BIT(4)
#define ATTR_P     BIT(7)
#define ATTR_L     BIT(9)
#define ATTR_DB    BIT(10)
#define MXCSR_AT   24

/* Bits of CR4 by the CPUID bits that the guest is shown. */
static u64 cr4_valid(struct vcpu *v)
{
	static const struct {
		u8 leaf, reg, bit, cr4;
	} bits[] = {
		{ 7, 2, 2, 11 },  /* UMIP */
		{ 7, 1, 0, 16 },  /* FSGSBASE */
		{ 1, 2, 17, 17 }, /* PCIDE */
		{ 1, 2, 26, 18 }, /* OSXSAVE */
		{ 7, 1, 7, 20 },  /* SMEP */
		{ 7, 1, 20, 21 }, /* SMAP */
		{ 7, 2, 3, 22 },  /* PKE */
	};
	u64 valid = CR4_ALWAYS;

	for (u32 i = 0; i < ARRAY_SIZE(bits); i++) {
		struct cpuid_regs r;
		u32 reg[4];

		vcpu_cpuid(v, bits[i].leaf, 0, &r);
		memcpy(reg, &r, sizeof(reg));
		if (reg[bits[i].reg] >> bits[i].bit & 1)
			valid |= BIT(bits[i].cr4);
	}
	return valid;
}

/* APM2 15.5.1, "illegal state", and what a MOV or WRMSR of the guest's would not take. */
static bool control_valid(struct vcpu *v, const struct hvm_hw_cpu *c)
{
	bool pg = c->cr0 & CR0_PG, lme = c->msr_efer & EFER_LME, lma = c->msr_efer & EFER_LMA;

	if (c->cr0 >> 32 || (pg && !(c->cr0 & CR0_PE)) || (c->cr0 & CR0_NW && !(c->cr0 & CR0_CD)))
		return false;
	if (c->msr_efer & ~(EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE) || lma != (lme && pg))
		return false;
	if (c->cr4 & ~cr4_valid(v) || (lma && !(c->cr4 & CR4_PAE)))
		return false;
	if (lma && c->cs_arbytes & ATTR_L && c->cs_arbytes & ATTR_DB)
		return false;
	return !(c->cr3 >> cpu_features.phys_bits) && !(c->dr6 >> 32) && !(c->dr7 >> 32) &&
	       !(lma && c->rflags & RFLAGS_VM);
}

static bool segments_valid(const struct hvm_hw_cpu *c)
{
	const u64 canonicals[] = { c->fs_base,      c->gs_base,   c->tr_base,   c->ldtr_base,
		                   c->idtr_base,    c->gdtr_base, c->shadow_gs, c->sysenter_esp,
		                   c->sysenter_eip, c->msr_lstar, c->msr_cstar, c->rip };
	const u64 low[] = { c->cs_base, c->ds_base, c->es_base, c->ss_base };
	const u32 attributes = c->cs_arbytes | c->ds_arbytes | c->es_arbytes | c->fs_arbytes |
	                       c->gs_arbytes | c->ss_arbytes | c->tr_arbytes | c->ldtr_arbytes;
	const u32 selectors = c->cs_sel | c->ds_sel | c->es_sel | c->fs_sel | c->gs_sel |
	                      c->ss_sel | c->tr_sel | c->ldtr_sel;

	for (u32 i = 0; i < ARRAY_SIZE(canonicals); i++)
		if (!va_canonical(canonicals[i]))
			return false;
	for (u32 i = 0; i < ARRAY_SIZE(low); i++)
		if (low[i] >> 32)
			return false;
	if (attributes >> 12 || selectors >> 16 || c->idtr_limit >> 16 || c->gdtr_limit >> 16)
		return false;
	return (c->cs_arbytes & (ATTR_P | ATTR_S | ATTR_CODE)) == (ATTR_P | ATTR_S | ATTR_CODE) &&
	       c->tr_arbytes & ATTR_P;
}

int vcpu_context_check(struct vcpu *v, const struct hvm_hw_cpu *c)
{
	u32 mxcsr;

	memcpy(&mxcsr, c->fpu_regs + MXCSR_AT, sizeof(mxcsr));
	if (!control_valid(v, c) || !segments_valid(c) || c->msr_syscall_mask >> 32 ||
	    c->msr_tsc_aux >> 32 || c->pending_event || c->flags & ~XEN_X86_FPU_INITIALISED ||
	    c->pad0 || (c->flags & XEN_X86_FPU_INITIALISED && mxcsr >> 16))
		return -EINVAL;
	return 0;
}
