/* SPDX-License-Identifier: GPL-2.0-only */
/* AMD SVM behind virt_ops: set-up of CPUs and vCPUs, what is injected at entry, the run step. */
#include <xen/hvm/save.h>
#include <domain.h>
#include <fpu.h>
#include <hypercall.h>
#include <page.h>
#include <printk.h>
#include <regs.h>
#include <string.h>
#include <svm.h>
#include <virt.h>

#define RFLAGS_WRITABLE 0x3f7fd5
#define PAT_RESET       0x0007040600070406ULL

/*
 * What ends a guest, each with its reason. Not in here: CR and DR accesses (the guest's own affair
 * under nested paging), RDTSC, PUSHF, IRET (only while an NMI handler runs), INVLPG, PAUSE.
 */
static const u32 intercepts1 = I1_INTR |    /* physical interrupts are ours first */
                               I1_NMI |     /* so is the watchdog's NMI */
                               I1_CPUID |   /* the policy table decides */
                               I1_INVD |    /* would throw away other domains' dirty lines */
                               I1_HLT |     /* somebody else can run */
                               I1_RDPMC |   /* no counters are virtualised */
                               I1_INVLPGA | /* SVM is not offered to guests */
                               I1_IOIO |    /* by permission map */
                               I1_MSR |     /* by permission map */
                               I1_TASK |    /* 32-bit task switches are out of scope */
                               I1_SHUTDOWN; /* triple fault: the domain's end, not the machine's */
static const u32 intercepts2 =
	I2_VMRUN | I2_VMMCALL | I2_VMLOAD | I2_VMSAVE | I2_STGI | I2_CLGI | I2_SKINIT |
	I2_WBINVD |             /* QEMU catches INVD only by this bit */
	I2_MONITOR | I2_MWAIT | /* hidden: would halt the CPU behind our back */
	I2_XSETBV |             /* XCR0 is checked; QEMU 7.2 never exits: fpu.c reads it back */
	I2_RDPRU;
static const u32 intercepts_exceptions =
	BIT(EXC_DB) | BIT(EXC_AC) | /* endless delivery loops in microcode (XSA-156) */
	BIT(EXC_UD) |               /* Intel's VMCALL is a hypercall here, too */
	BIT(EXC_MC);                /* the machine's, not the guest's */

static int svm_cpu_init(struct cpu *c)
{
	mfn_t m = page_alloc(1);
	paddr_t host;
	u64 vm_cr;

	if (!mfn_valid_box(m))
		return -ENOMEM;
	if (!rdmsr_safe(MSR_VM_CR, &vm_cr) && vm_cr & VM_CR_SVMDIS) {
		pr_err("CPU %u: SVM is disabled by the firmware: switch it on in its set-up\n",
		       c->id);
		return -ENODEV;
	}
	c->vmm_area = mfn_to_paddr(m);
	wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_SVME);
	wrmsr(MSR_VM_HSAVE_PA, c->vmm_area);
	/* What VMLOAD brings back after each exit: TR, GS and the syscall MSRs as they are now. */
	host = c->vmm_area + PAGE_SIZE;
	__asm__ volatile("vmsave" ::"a"(host) : "memory");
	c->asid_generation = 1;
	c->asid_next = 1;
	return 0;
}

static int svm_vcpu_init(struct vcpu *v)
{
	mfn_t m = page_alloc(0);
	struct svm_vcpu *s = heap_alloc(sizeof(*s));
	struct vmcb *b;

	if (!s || !mfn_valid_box(m)) {
		heap_free(s);
		if (mfn_valid_box(m))
			page_free(m, 0);
		return -ENOMEM;
	}
	v->virt = s;
	s->vmcb_pa = mfn_to_paddr(m);
	s->vmcb = b = mfn_to_virt(m);
	b->intercept1 = intercepts1;
	b->intercept2 = intercepts2;
	b->exceptions = intercepts_exceptions;
	b->iopm = virt_to_paddr(v->domain->iopm);
	b->msrpm = virt_to_paddr(v->domain->msrpm);
	b->vintr = VINTR_MASKING;
	b->np_enable = 1;
	b->n_cr3 = v->domain->p2m.root;
	b->g_pat = PAT_RESET;
	return 0;
}

static void svm_vcpu_free(struct vcpu *v)
{
	struct svm_vcpu *s = svm(v);

	if (!s)
		return;
	page_free(paddr_to_mfn(s->vmcb_pa), 0);
	heap_free(s);
	v->virt = NULL;
}

static struct vmcb_segment flat(u16 selector, u16 attributes, u32 limit, u64 base)
{
	return (struct vmcb_segment){ selector, attributes, limit, base };
}

static void svm_vcpu_reset(struct vcpu *v, enum vcpu_reset how, u64 entry, u64 rbx)
{
	struct svm_vcpu *s = svm(v);
	struct vmcb *b = s->vmcb;
	bool pvh = how == RESET_PVH;
	u16 code = pvh ? 0xc9b : 0x9b, data = pvh ? 0xc93 : 0x93;
	u32 limit = pvh ? ~0u : 0xffff;

	memset(&v->regs, 0, sizeof(v->regs));
	memset((u8 *)b + 0x400, 0, PAGE_SIZE - 0x400);
	b->cs = pvh ? flat(8, code, limit, 0) : flat((u16)(entry >> 4), code, limit, entry);
	b->ds = b->es = b->ss = b->fs = b->gs = flat(pvh ? 0x10 : 0, data, limit, 0);
	b->tr = flat(0, 0x8b, pvh ? 0x67 : 0xffff, 0);
	b->ldtr = flat(0, 0x82, pvh ? 0 : 0xffff, 0);
	b->idtr.limit = b->gdtr.limit = pvh ? 0 : 0x3ff;
	b->efer = EFER_SVME;
	b->cr0 = 0x10 | pvh; /* ET, and PE for PVH */
	b->dr6 = 0xffff0ff0;
	b->dr7 = 0x400;
	b->rflags = 2;
	b->rip = pvh ? entry : 0;
	b->g_pat = PAT_RESET;
	v->regs.rbx = rbx;
	v->regs.rdx = pvh ? 0 : cpuid(1, 0).eax;
	b->vintr = VINTR_MASKING;
	b->shadow = 0;
	b->event_inject = 0;
	s->armed = s->nmi_masked = s->stepping = false;
	v->flush_pending = 1;
	b->intercept1 = intercepts1;
	fpu_reset(v);
}

#define SEGMENT(c, name)                                                                           \
	((struct vmcb_segment){ (u16)(c)->name##_sel, (u16)(c)->name##_arbytes, (c)->name##_limit, \
	                        (c)->name##_base })

static void svm_vcpu_set(struct vcpu *v, const struct hvm_hw_cpu *c)
{
	struct vmcb *b = svm(v)->vmcb;

	svm_vcpu_reset(v, RESET_PVH, c->rip, 0);
	v->regs = (struct guest_regs){ c->rax, c->rcx, c->rdx, c->rbx, c->rsp, c->rbp,
		                       c->rsi, c->rdi, c->r8,  c->r9,  c->r10, c->r11,
		                       c->r12, c->r13, c->r14, c->r15 };
	b->rsp = c->rsp;
	b->rflags = (c->rflags & RFLAGS_WRITABLE) | 2;
	b->cs = SEGMENT(c, cs);
	b->ds = SEGMENT(c, ds);
	b->es = SEGMENT(c, es);
	b->fs = SEGMENT(c, fs);
	b->gs = SEGMENT(c, gs);
	b->ss = SEGMENT(c, ss);
	b->tr = SEGMENT(c, tr);
	b->ldtr = SEGMENT(c, ldtr);
	b->idtr = flat(0, 0, c->idtr_limit, c->idtr_base);
	b->gdtr = flat(0, 0, c->gdtr_limit, c->gdtr_base);
	b->cpl = c->ss_arbytes >> 5 & 3;
	b->efer = c->msr_efer | EFER_SVME;
	b->cr0 = c->cr0 | 0x10; /* ET is hard-wired */
	b->cr2 = c->cr2;
	b->cr3 = c->cr3;
	b->cr4 = c->cr4;
	b->dr6 = c->dr6;
	b->dr7 = c->dr7;
	memcpy(v->dr, &c->dr0, sizeof(v->dr));
	b->star = c->msr_star;
	b->lstar = c->msr_lstar;
	b->cstar = c->msr_cstar;
	b->sfmask = c->msr_syscall_mask;
	b->kernel_gs_base = c->shadow_gs;
	b->sysenter_cs = c->sysenter_cs;
	b->sysenter_esp = c->sysenter_esp;
	b->sysenter_eip = c->sysenter_eip;
	v->tsc_aux = c->msr_tsc_aux;
	if (c->flags & XEN_X86_FPU_INITIALISED)
		fpu_set(v, c->fpu_regs);
}

/* --- translations ---------------------------------------------------------- */

/*
 * A vCPU gets a new ASID instead of a flush; when they run out, all of this CPU's translations go
 * and numbering starts again (APM2 15.15, 15.16). TLB_CONTROL 1 works on every CPU. It stays set
 * until the vCPU has been entered; one that leaves the CPU before leaves the flush to the next.
 */
static void svm_new_asid(struct vcpu *v)
{
	struct svm_vcpu *s = svm(v);
	struct cpu *c = this_cpu();

	if (c->asid_next >= cpu_features.asids) {
		c->asid_generation++;
		c->asid_next = 1;
		s->vmcb->tlb_control = 1;
	}
	s->vmcb->asid = c->asid_next++;
	s->asid_cpu = c;
	s->asid_generation = c->asid_generation;
}

/*
 * Where branches of one domain go must not steer another's (APM2 3.2.9, PRED_CMD). The barrier does
 * not cover the return stack on every CPU (AMD-SB-1040): 32 calls push out what is there.
 */
static void forget_branches(void)
{
	u64 pairs = 16;

	wrmsr(MSR_PRED_CMD, 1);
	__asm__ volatile("1: call 2f\n"
	                 "int3\n"
	                 "2: call 3f\n"
	                 "int3\n"
	                 "3: dec %0\n"
	                 "jnz 1b\n"
	                 "add $32 * 8, %%rsp\n"
	                 : "+r"(pairs)::"memory", "cc");
}

static void svm_load(struct vcpu *v)
{
	struct svm_vcpu *s = svm(v);
	struct cpu *c = this_cpu();

	if (cpu_features.ibpb && c->branches_of != v->domain->id)
		forget_branches();
	c->branches_of = v->domain->id;
	if (s->asid_cpu != c || s->asid_generation != c->asid_generation)
		svm_new_asid(v);
	fpu_load(v);
}

static void svm_save(struct vcpu *v)
{
	if (svm(v)->vmcb->tlb_control) {
		svm(v)->vmcb->tlb_control = 0;
		this_cpu()->asid_next = cpu_features.asids; /* all numbers are used up */
		this_cpu()->asid_generation++;
	}
	fpu_save(v);
}

/* --- events ---------------------------------------------------------------- */

void svm_inject(struct vcpu *v, u8 vector, bool has_error, u32 error)
{
	svm(v)->vmcb->event_inject = EVENT_VALID | EVENT_TYPE_EXCEPTION << 8 | vector |
	                             (has_error ? EVENT_ERROR | (u64)error << 32 : 0);
}

/* Guests write the TPR as CR8, which the CPU keeps in V_TPR (APM2 15.21.1), and as an MSR. */
void svm_tpr_read(struct vcpu *v)
{
	u32 cr8 = svm(v)->vmcb->vintr & 0xf;

	if (v->vlapic.tpr >> 4 != cr8)
		v->vlapic.tpr = cr8 << 4;
}

void svm_tpr_write(struct vcpu *v)
{
	struct vmcb *b = svm(v)->vmcb;

	b->vintr = (b->vintr & ~VINTR_TPR) | v->vlapic.tpr >> 4;
}

/* V_IRQ went: the CPU has delivered the vector. */
static __noinline void svm_delivered(struct vcpu *v)
{
	struct svm_vcpu *s = svm(v);

	s->armed = false;
	if (!s->armed_upcall)
		vlapic_accept(v, s->armed_vector);
	WRITE_ONCE(v->attention, 1);
}

/*
 * Offer the best pending vector by V_IRQ, whatever IF says: the CPU delivers it when it can. It is
 * taken back and chosen anew whenever v->attention says that something changed. The event upcall
 * comes first and ignores the TPR; vectors of the local APIC have been compared with it already.
 */
static void svm_arm(struct vcpu *v)
{
	struct svm_vcpu *s = svm(v);
	struct vmcb *b = s->vmcb;
	u8 upcall = READ_ONCE(v->domain->callback_vector);
	int vector;

	s->armed_upcall = upcall && READ_ONCE(v->upcall_pending);
	if (s->armed_upcall) {
		vector = upcall;
		WRITE_ONCE(v->upcall_pending, 0); /* edge: a new event raises it again */
	} else {
		svm_tpr_read(v);
		vector = vlapic_pending(v);
		b->cr_write &= ~CR8;
		if (vector < 0) {
			if (vlapic_masked_by_tpr(v))
				b->cr_write |= CR8; /* the guest lowers it without telling us */
			return;
		}
	}
	s->armed = true;
	s->armed_vector = (u8)vector;
	if (!s->armed_upcall)
		vlapic_offer(v, s->armed_vector);
	/* A delivered request leaves its vector behind; ours must not be ORed to it. */
	b->vintr &= ~VINTR_REQUEST;
	b->vintr |= VINTR_IRQ | VINTR_PRIO(0xf) | VINTR_IGN_TPR | VINTR_VECTOR(vector);
}

/* Take back an offer that was not delivered. */
void svm_disarm(struct vcpu *v)
{
	struct svm_vcpu *s = svm(v);

	if (!s->armed)
		return;
	s->armed = false;
	s->vmcb->vintr &= ~VINTR_REQUEST;
	if (s->armed_upcall)
		WRITE_ONCE(v->upcall_pending, 1);
	else
		vlapic_retract(v, s->armed_vector);
}

/* Exit again after one instruction of the guest: with #DB, which svm_exit takes as the end. */
void svm_step(struct vcpu *v)
{
	struct svm_vcpu *s = svm(v);

	s->stepping = true;
	s->step_tf = s->vmcb->rflags & RFLAGS_TF;
	s->vmcb->rflags |= RFLAGS_TF;
	WRITE_ONCE(v->attention, 1);
}

static void svm_arm_nmi(struct vcpu *v)
{
	struct svm_vcpu *s = svm(v);

	/* Its IRET is next, or done: an exit behind it, or the pending one would wait for another.
	 */
	if (s->nmi_masked && s->nmi_iret) {
		if (s->vmcb->rip == s->nmi_iret_rip)
			svm_step(v);
		else
			s->nmi_masked = s->nmi_iret = false;
	}
	if (s->nmi_masked || (s->vmcb->event_inject & EVENT_VALID))
		return; /* stays pending; looked at again with the next attention */
	WRITE_ONCE(v->nmi_pending, 0);
	s->vmcb->event_inject = EVENT_VALID | EVENT_TYPE_NMI << 8 | 2;
	s->nmi_masked = true;
	s->vmcb->intercept1 |= I1_IRET;
}

/*
 * VMRUN of QEMU 7.2 forgets the interrupt shadow: this entry, or the next one if nothing happens in
 * this, would deliver V_IRQ inside `sti; hlt` or `mov ss; mov sp`. A HLT in the shadow is executed
 * here; anything else is stepped over, which the result says. CPUs that report a next RIP keep the
 * shadow.
 */
static bool svm_leave_shadow(struct vcpu *v)
{
	const struct vmcb *b = svm(v)->vmcb;
	u8 op;

	if (cpu_features.nrips || !(b->rflags & RFLAGS_IF))
		return false;
	if (!copy_from_guest(&op, b->cs.base + b->rip, 1) && op == 0xf4) {
		svm_halt(v);
		return false;
	}
	svm_step(v);
	return true;
}

/* INIT and SIPI, in that order; false while the vCPU waits for a SIPI. */
static bool svm_startup(struct vcpu *v)
{
	u16 sipi;

	if (v->init_pending) {
		WRITE_ONCE(v->wait_sipi, true);
		WRITE_ONCE(v->init_pending, 0);
		vlapic_reset(v);
		v->halted = v->hlt_irq_off = false;
		svm(v)->armed = false;
	}
	if (!v->wait_sipi)
		return true;
	sipi = __atomic_exchange_n(&v->sipi_vector, 0, __ATOMIC_ACQ_REL);
	if (!sipi) {
		vcpu_block(v);
		return false;
	}
	WRITE_ONCE(v->wait_sipi, false);
	svm_vcpu_reset(v, RESET_SIPI, (u64)(sipi & 0xff) << 12, 0);
	return true;
}

/* Something changed since the last entry. False: the vCPU cannot run now. */
static __noinline bool svm_prepare(struct vcpu *v)
{
	struct svm_vcpu *s = svm(v);
	struct vmcb *b = s->vmcb;

	__atomic_exchange_n(&v->attention, 0, __ATOMIC_SEQ_CST);
	if (unlikely(v->init_pending || v->wait_sipi) && !svm_startup(v))
		return false;
	svm_disarm(v);
	if (unlikely(READ_ONCE(v->flush_pending))) {
		WRITE_ONCE(v->flush_pending, 0);
		svm_new_asid(v);
	}
	if (s->stepping) {
		WRITE_ONCE(v->attention, 1); /* one instruction first */
		return true;
	}
	if (unlikely(b->shadow & 1) && svm_leave_shadow(v))
		return true;
	if (unlikely(READ_ONCE(v->nmi_pending))) {
		svm_arm_nmi(v);
		if (b->event_inject & EVENT_VALID)
			v->halted = v->hlt_irq_off = false;
	}
	svm_arm(v);
	if (v->halted) {
		if (!s->armed || !(b->rflags & RFLAGS_IF)) {
			svm_disarm(v);
			vcpu_block(v);
			return false;
		}
		v->halted = v->hlt_irq_off = false;
	}
	return true;
}

/* One entry and its exit. The order of the first lines is what cpu_kick() relies on. */
static void svm_run(struct vcpu *v)
{
	struct svm_vcpu *s = svm(v);
	struct vmcb *b = s->vmcb;
	struct cpu *c = this_cpu();

	/* Before the announcement: domain_flush() takes a new number for a look at its request. */
	c->entries++;
	__atomic_exchange_n(&c->mode, CPU_GUEST, __ATOMIC_SEQ_CST);
	if (unlikely(READ_ONCE(v->attention)) && !svm_prepare(v)) {
		WRITE_ONCE(c->mode, CPU_HOST);
		return;
	}
	/*
	 * What came for v meanwhile does not count: its sender's interrupt ends the guest at once,
	 * and with it all others get in, which a guest that calls itself must not keep out.
	 */
	if (unlikely(READ_ONCE(c->todo))) {
		WRITE_ONCE(c->mode, CPU_HOST);
		return;
	}
	b->rax = v->regs.rax;
	svm_enter(&v->regs, s->vmcb_pa, c->vmm_area + PAGE_SIZE);
	WRITE_ONCE(c->mode, CPU_HOST);
	v->regs.rax = b->rax;
	b->tlb_control = 0;
	b->event_inject = 0;
	/*
	 * VMRUN of QEMU 7.2 flags V_IRQ by a read and a write with no lock between its threads:
	 * what a timer or another CPU flags in between is lost, and waits in our local APIC unseen.
	 */
	if (s->armed && !cpu_features.nrips)
		lapic_look_again();
	if (s->armed && !(b->vintr & VINTR_IRQ))
		svm_delivered(v);
	svm_exit(v);
	/* Still in the shadow: the next entry must not deliver what is armed (svm_leave_shadow). */
	if (unlikely(b->shadow & 1))
		WRITE_ONCE(v->attention, 1);
}

/* --- state ------------------------------------------------------------------ */

static void svm_mode(const struct vcpu *v, struct guest_mode *m)
{
	const struct vmcb *b = svm(v)->vmcb;

	m->cr0 = b->cr0;
	m->cr3 = b->cr3;
	m->cr4 = b->cr4;
	m->efer = b->efer & ~EFER_SVME;
	m->rip = b->rip;
	m->rflags = b->rflags;
	m->cpl = b->cpl;
	m->long64 = (b->efer & BIT(10)) && (b->cs.attributes & BIT(9));
}

static void svm_dump(const struct vcpu *v)
{
	const struct vmcb *b = svm(v)->vmcb;
	const struct guest_regs *r = &v->regs;

	pr_err("  rip %04x:%016lx rflags %016lx rsp %016lx cpl %u\n", b->cs.selector, b->rip,
	       b->rflags, b->rsp, b->cpl);
	pr_err("  rax %016lx rbx %016lx rcx %016lx rdx %016lx\n", r->rax, r->rbx, r->rcx, r->rdx);
	pr_err("  rsi %016lx rdi %016lx rbp %016lx r8  %016lx\n", r->rsi, r->rdi, r->rbp, r->r8);
	pr_err("  r9  %016lx r10 %016lx r11 %016lx r12 %016lx\n", r->r9, r->r10, r->r11, r->r12);
	pr_err("  r13 %016lx r14 %016lx r15 %016lx efer %lx\n", r->r13, r->r14, r->r15, b->efer);
	pr_err("  cr0 %08lx cr2 %016lx cr3 %016lx cr4 %08lx\n", b->cr0, b->cr2, b->cr3, b->cr4);
	pr_err("  exit %lx info %lx %lx int %lx inject %lx vintr %lx shadow %lx\n", b->exit_code,
	       b->exit_info1, b->exit_info2, b->exit_int_info, b->event_inject, b->vintr,
	       b->shadow);
}

const struct virt_ops svm_ops = {
	.name = "SVM",
	.cpu_init = svm_cpu_init,
	.vcpu_init = svm_vcpu_init,
	.vcpu_free = svm_vcpu_free,
	.vcpu_reset = svm_vcpu_reset,
	.vcpu_set = svm_vcpu_set,
	.run = svm_run,
	.load = svm_load,
	.save = svm_save,
	.mode = svm_mode,
	.inject = svm_inject,
	.dump = svm_dump,
	.hypercall_insn = (const u8 *)"\x0f\x01\xd9", /* VMMCALL */
};
