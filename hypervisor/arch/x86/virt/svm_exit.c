/* SPDX-License-Identifier: GPL-2.0-only */
/* What happens after a #VMEXIT: one short case each, the work is done by vendor-neutral code. */
#include <domain.h>
#include <fpu.h>
#include <hypercall.h>
#include <printk.h>
#include <regs.h>
#include <string.h>
#include <svm.h>
#include <virt.h>

#define MSR_X2APIC_TPR 0x808
#define MSR_X2APIC_IRR 0x820

#define NPF_WRITE BIT(1) /* exit_info1 of a nested fault (APM2 15.25.6) */
#define NPF_EXEC  BIT(4)

/* --- the length of instructions --------------------------------------------- */

static bool is_prefix(u8 b, bool long64)
{
	/* Segments, operand and address size, LOCK, REPNE, REP (APM3 1.2). */
	static const char legacy[] = "\x26\x2e\x36\x3e\x64\x65\x66\x67\xf0\xf2\xf3";

	return (b && strchr(legacy, b)) || (long64 && b >= 0x40 && b <= 0x4f);
}

/* A place not met before: count the prefixes in front of the opcode. */
static __noinline u64 insn_learn(struct svm_vcpu *s, struct insn *i, u64 where, u32 opcode)
{
	const struct vmcb *b = s->vmcb;
	bool long64 = (b->efer & EFER_LMA) && (b->cs.attributes & BIT(9));
	u8 byte;
	u32 n = 0;

	while (n + opcode < 15 && !copy_from_guest(&byte, b->cs.base + b->rip + n, 1) &&
	       is_prefix(byte, long64))
		n++;
	*i = (struct insn){ .rip = b->rip, .where = where, .next = b->rip + n + opcode };
	return i->next;
}

/*
 * CPUs without next-RIP (QEMU's): lengths are remembered by place and exit. A stale answer, after
 * the guest has put another form of the same instruction there, hurts that guest only.
 */
static u64 next_rip(struct svm_vcpu *s, u32 opcode)
{
	const struct vmcb *b = s->vmcb;
	struct insn *i = &s->insn[b->rip / 2 % INSN_CACHE];
	u64 where = b->cr3 ^ b->exit_code << 52; /* bits that CR3 does not have; never 0 */

	if (likely(i->rip == b->rip && i->where == where))
		return i->next;
	return insn_learn(s, i, where, opcode);
}

/* The instruction was ours, the trap behind it is the guest's. */
static __noinline void single_step_over(struct vcpu *v)
{
	svm(v)->vmcb->dr6 |= DR6_BS;
	svm_inject(v, EXC_DB, false, 0);
}

static void svm_go_on(struct vcpu *v, u64 rip)
{
	struct svm_vcpu *s = svm(v);
	struct vmcb *b = s->vmcb;

	b->rip = rip;
	b->shadow = 0;
	if (unlikely(b->rflags & RFLAGS_TF) && !s->stepping)
		single_step_over(v);
}

void svm_skip(struct vcpu *v, u32 length)
{
	const struct vmcb *b = svm(v)->vmcb;

	svm_go_on(v, cpu_features.nrips ? b->next_rip : next_rip(svm(v), length));
}

static void inject_gp(struct vcpu *v)
{
	svm_inject(v, EXC_GP, true, 0);
}

static void inject_ud(struct vcpu *v)
{
	svm_inject(v, EXC_UD, false, 0);
}

/* --- exits ------------------------------------------------------------------- */

static void exit_cpuid(struct vcpu *v)
{
	struct cpuid_regs r;

	vcpu_cpuid(v, (u32)v->regs.rax, (u32)v->regs.rcx, &r);
	v->regs.rax = r.eax;
	v->regs.rbx = r.ebx;
	v->regs.rcx = r.ecx;
	v->regs.rdx = r.edx;
	svm_skip(v, 2);
}

static void exit_hypercall(struct vcpu *v)
{
	const struct vmcb *b = svm(v)->vmcb;

	if (likely(!b->cpl && (b->efer & EFER_LMA) && (b->cs.attributes & BIT(9))))
		hypercall(v);
	else
		v->regs.rax = (u64)hypercall_refuse(b->cpl);
	if (unlikely(v->hypercall_restart))
		v->hypercall_restart = false;
	else
		svm_skip(v, 3);
}

/* The other vendor's hypercall instruction is #UD on this CPU. */
static void exit_ud(struct vcpu *v)
{
	const struct vmcb *b = svm(v)->vmcb;
	u8 op[3];

	if (!copy_from_guest(op, b->cs.base + b->rip, 3) && !memcmp(op, "\x0f\x01\xc1", 3)) {
		u64 next = b->rip + 3;
		u64 at = b->rip;

		exit_hypercall(v);
		if (b->rip != at) /* not restarted: no next-RIP came with #UD */
			svm(v)->vmcb->rip = next;
		return;
	}
	inject_ud(v);
}

void svm_halt(struct vcpu *v)
{
	const struct vmcb *b = svm(v)->vmcb;

	svm_skip(v, 1);
	v->halted = true;
	v->hlt_irq_off = !(b->rflags & RFLAGS_IF);
	WRITE_ONCE(v->attention, 1); /* svm_prepare goes on or blocks */
	if (v->hlt_irq_off)
		vcpu_check_all_halted(v->domain);
}

/* EFER (APM2 3.1.7): what the guest was shown, LMA follows CR0.PG, SVME stays ours. */
static int efer_write(struct vcpu *v, u64 val)
{
	struct vmcb *b = svm(v)->vmcb;
	struct cpuid_regs r;
	u64 allowed = EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE;

	vcpu_cpuid(v, 0x80000001, 0, &r);
	if (r.edx & BIT(25))
		allowed |= EFER_FFXSR;
	if (val & ~allowed)
		return -EINVAL;
	if ((b->cr0 & CR0_PG) && (val ^ b->efer) & EFER_LME)
		return -EINVAL;
	/* QEMU 7.2 comes back from such a guest with the host's paging off, and its CPU is lost. */
	if (!cpu_features.nrips && val & EFER_LME && !(b->cr0 & CR0_PG) && !(b->cr4 & CR4_PAE))
		return -EINVAL;
	b->efer = (val & ~EFER_LMA) | (b->efer & EFER_LMA) | EFER_SVME;
	return 0;
}

/* Eight memory types of 3 bits each; 2 and 3 are reserved (APM2 7.8.1). */
static int pat_write(struct vcpu *v, u64 val)
{
	for (u32 i = 0; i < 8; i++) {
		u8 type = (u8)(val >> (8 * i));

		if (type > 7 || type == 2 || type == 3)
			return -EINVAL;
	}
	svm(v)->vmcb->g_pat = val;
	return 0;
}

static int msr_write(struct vcpu *v, u32 msr, u64 val)
{
	int rc;

	switch (msr) {
	case MSR_EFER:
		return efer_write(v, val);
	case MSR_PAT:
		return pat_write(v, val);
	default:
		rc = vcpu_wrmsr(v, msr, val);
		if (!rc && msr == MSR_X2APIC_TPR)
			svm_tpr_write(v);
		return rc;
	}
}

static int msr_read(struct vcpu *v, u32 msr, u64 *val)
{
	const struct vmcb *b = svm(v)->vmcb;

	switch (msr) {
	case MSR_EFER:
		*val = b->efer & ~EFER_SVME;
		return 0;
	case MSR_PAT:
		*val = b->g_pat;
		return 0;
	case MSR_X2APIC_TPR:
		svm_tpr_read(v);
		break;
	case MSR_X2APIC_IRR ... MSR_X2APIC_IRR + 7:
		svm_disarm(v); /* what is offered is not in IRR */
		WRITE_ONCE(v->attention, 1);
		break;
	}
	return vcpu_rdmsr(v, msr, val);
}

static void exit_msr(struct vcpu *v)
{
	struct guest_regs *r = &v->regs;
	u32 msr = (u32)r->rcx;
	u64 val = 0;
	int rc;

	if (svm(v)->vmcb->exit_info1 & 1) {
		rc = msr_write(v, msr, r->rdx << 32 | (u32)r->rax);
	} else {
		rc = msr_read(v, msr, &val);
		if (!rc) {
			r->rax = (u32)val;
			r->rdx = val >> 32;
		}
	}
	if (rc)
		inject_gp(v);
	else
		svm_skip(v, 2);
}

/* exit_info1 (APM2 15.10.2): bit 0 IN, 2 string, 4-6 size, 16-31 port; exit_info2: next RIP. */
static void exit_io(struct vcpu *v)
{
	const struct vmcb *b = svm(v)->vmcb;
	u64 info = b->exit_info1;
	u32 bytes = info >> 4 & 7;
	u16 port = (u16)(info >> 16);
	u64 mask = bytes == 4 ? ~0u : BIT(bytes * 8) - 1;

	if (info & BIT(2)) { /* INS, OUTS: nothing here is worth a decoder */
		inject_gp(v);
		return;
	}
	if (info & 1) {
		u64 val = vcpu_io_read(v, port, bytes);

		/* A 32-bit result clears the upper half, smaller ones keep the rest. */
		v->regs.rax = bytes == 4 ? val : (v->regs.rax & ~mask) | (val & mask);
	} else {
		vcpu_io_write(v, port, bytes, (u32)(v->regs.rax & mask));
	}
	svm_go_on(v, b->exit_info2);
}

static void exit_npf(struct vcpu *v)
{
	const struct vmcb *b = svm(v)->vmcb;

	if (p2m_fault(v, gpa(b->exit_info2), b->exit_info1 & NPF_WRITE, b->exit_info1 & NPF_EXEC))
		inject_gp(v);
}

static void exit_xsetbv(struct vcpu *v)
{
	const struct vmcb *b = svm(v)->vmcb;

	if (!(b->cr4 & CR4_OSXSAVE)) /* QEMU 10 exits before it looks */
		inject_ud(v);
	else if (b->cpl || fpu_xsetbv((u32)v->regs.rcx, v->regs.rdx << 32 | (u32)v->regs.rax))
		inject_gp(v);
	else
		svm_skip(v, 3);
}

/* #DB of a guest goes back to it; the one that ends our single step does not. */
static void exit_db(struct vcpu *v)
{
	struct svm_vcpu *s = svm(v);
	struct vmcb *b = s->vmcb;

	if (s->stepping) {
		s->stepping = false;
		if (!s->step_tf) {
			b->rflags &= ~RFLAGS_TF;
			b->dr6 &= ~DR6_BS;
			return;
		}
	}
	svm_inject(v, EXC_DB, false, 0);
}

static void exit_iret(struct vcpu *v)
{
	struct svm_vcpu *s = svm(v);

	s->vmcb->intercept1 &= ~I1_IRET;
	s->nmi_iret = true; /* still inside until RIP moves on: svm_arm_nmi */
	s->nmi_iret_rip = s->vmcb->rip;
	WRITE_ONCE(v->attention, 1);
}

/*
 * Exit code -1. QEMU 7.2 leaves the guest this way when it writes reserved bits to CR3 or CR4,
 * which is #GP on a real CPU. A control block that VMRUN refuses holds the host's CR3 afterwards.
 */
static void exit_invalid(struct vcpu *v)
{
	if (svm(v)->vmcb->cr3 == read_cr3())
		domain_crash(v->domain, "vCPU %u: state that the CPU refuses", v->id);
	else
		inject_gp(v);
}

/*
 * An event was on its way into the guest when the exit came (APM2 15.7.2). Software interrupts and
 * INT3/INTO run again, since RIP still is at the instruction. QEMU reports V_IRQ as an exception
 * with a vector above 31 and keeps V_IRQ set: drop it. A CPU reports it as an interrupt and has
 * cleared V_IRQ: svm_delivered has taken it for done, so it goes back.
 */
static __noinline void event_again(struct vcpu *v)
{
	struct svm_vcpu *s = svm(v);
	u64 info = s->vmcb->exit_int_info;
	u32 type = EVENT_TYPE(info), vector = EVENT_VECTOR(info);

	if (type == EVENT_TYPE_EXCEPTION && vector < 32 && vector != 3 && vector != 4) {
		s->vmcb->event_inject = info;
	} else if (type == EVENT_TYPE_NMI) {
		s->vmcb->event_inject = info;
	} else if (type == EVENT_TYPE_INTR) {
		if (s->armed_upcall)
			WRITE_ONCE(v->upcall_pending, 1);
		else
			vlapic_unaccept(v, (u8)vector);
		WRITE_ONCE(v->attention, 1);
	}
}

static void exit_ac(struct vcpu *v)
{
	svm_inject(v, EXC_AC, true, 0);
}

static void exit_mc(struct vcpu *v)
{
	__asm__ volatile("int $18"); /* the machine's own: traps.c reports it */
}

static void exit_intr(struct vcpu *v)
{
	irq_window();
}

static void exit_nmi(struct vcpu *v)
{
	/* The host has taken it at STGI. */
}

static void exit_cr8_write(struct vcpu *v)
{
	svm(v)->vmcb->cr_write &= ~CR8;
	svm_step(v);
}

/* INVD, too: never without writing back. */
static void exit_wbinvd(struct vcpu *v)
{
	if (v->domain->control) /* guests drive no devices, and it slows others down */
		__asm__ volatile("wbinvd" ::: "memory");
	svm_skip(v, 2);
}

static void exit_shutdown(struct vcpu *v)
{
	domain_crash(v->domain, "vCPU %u: triple fault at %lx", v->id, svm(v)->vmcb->rip);
}

static void exit_task(struct vcpu *v)
{
	domain_crash(v->domain, "vCPU %u: hardware task switch", v->id);
}

/* By exit code, but for those that svm_exit() knows. What CPUID hides is #UD. */
static void (*const exits[])(struct vcpu *v) = {
	[EXIT_CR8_WRITE] = exit_cr8_write,
	[EXIT_EXCEPTION + EXC_DB] = exit_db,
	[EXIT_EXCEPTION + EXC_UD] = exit_ud,
	[EXIT_EXCEPTION + EXC_AC] = exit_ac,
	[EXIT_EXCEPTION + EXC_MC] = exit_mc,
	[EXIT_INTR] = exit_intr,
	[EXIT_NMI] = exit_nmi,
	[EXIT_RDPMC] = inject_gp,
	[EXIT_CPUID] = exit_cpuid,
	[EXIT_IRET] = exit_iret,
	[EXIT_INVD] = exit_wbinvd,
	[EXIT_HLT] = svm_halt,
	[EXIT_INVLPGA] = inject_ud,
	[EXIT_IOIO] = exit_io,
	[EXIT_MSR] = exit_msr,
	[EXIT_TASK] = exit_task,
	[EXIT_SHUTDOWN] = exit_shutdown,
	[EXIT_VMRUN] = inject_ud,
	[EXIT_VMLOAD... EXIT_SKINIT] = inject_ud,
	[EXIT_WBINVD] = exit_wbinvd,
	[EXIT_MONITOR] = inject_ud,
	[EXIT_MWAIT] = inject_ud,
	[EXIT_XSETBV] = exit_xsetbv,
	[EXIT_RDPRU] = inject_ud,
};

void svm_exit(struct vcpu *v)
{
	const struct vmcb *b = svm(v)->vmcb;
	u32 code = (u32)b->exit_code;

	if (unlikely(b->exit_int_info & EVENT_VALID))
		event_again(v);
	if (likely(code == EXIT_VMMCALL))
		exit_hypercall(v);
	else if (code < ARRAY_SIZE(exits) && exits[code])
		exits[code](v);
	else if (code == EXIT_NPF)
		exit_npf(v);
	else if (code == EXIT_INVALID)
		exit_invalid(v);
	else
		domain_crash(v->domain, "vCPU %u: unexpected exit %x", v->id, code);
}
