/* SPDX-License-Identifier: GPL-2.0-only */
/* The door between generic code and a CPU vendor's virtualisation: SVM today, VT-x later. */
#pragma once

struct cpu;
struct domain;
struct hvm_hw_cpu;
struct vcpu;

/* The mode of a vCPU as far as generic code asks. */
struct guest_mode {
	u64 cr0, cr3, cr4, efer;
	u64 rip, rflags;
	u8 cpl;
	bool long64; /* 64-bit code segment in long mode */
};

/* A guest's start state: PVH entry or SIPI. */
enum vcpu_reset {
	RESET_PVH,  /* 32-bit flat, paging off */
	RESET_SIPI, /* real mode at vector << 12 */
};

struct virt_ops {
	const char *name;
	int (*cpu_init)(struct cpu *c);   /* calling CPU; -ENODEV with reason logged */
	int (*vcpu_init)(struct vcpu *v); /* control block */
	void (*vcpu_free)(struct vcpu *v);
	void (*vcpu_reset)(struct vcpu *v, enum vcpu_reset how, u64 entry, u64 rbx);
	/* State that vcpu_context_check() has passed, of a paused vCPU in no CPU. */
	void (*vcpu_set)(struct vcpu *v, const struct hvm_hw_cpu *c);
	void (*run)(struct vcpu *v);  /* enter once, handle the exit */
	void (*load)(struct vcpu *v); /* becomes current on this CPU */
	void (*save)(struct vcpu *v); /* leaves this CPU */
	void (*mode)(const struct vcpu *v, struct guest_mode *m);
	void (*inject)(struct vcpu *v, u8 vector, bool has_error, u32 error); /* exception */
	void (*dump)(const struct vcpu *v); /* registers, onto the console */
	const u8 *hypercall_insn;           /* three bytes: VMMCALL or VMCALL */
};
extern const struct virt_ops *virt;
extern const struct virt_ops svm_ops;

/* Whether a CPU would enter a guest with this state, and v may have it: 0 or -EINVAL (context.c).
 */
int vcpu_context_check(struct vcpu *v, const struct hvm_hw_cpu *c);
/* CPUID as the guest sees it (virt/cpuid.c). */
struct cpuid_regs;
void vcpu_cpuid(struct vcpu *v, u32 leaf, u32 subleaf, struct cpuid_regs *r);
/* MSRs outside of the vendor block: 0, or -EINVAL for #GP (virt/msr.c). */
int vcpu_rdmsr(struct vcpu *v, u32 msr, u64 *val);
int vcpu_wrmsr(struct vcpu *v, u32 msr, u64 val);
/* Ports: bytes is 1, 2 or 4 (virt/io.c). */
u32 vcpu_io_read(struct vcpu *v, u16 port, u32 bytes);
void vcpu_io_write(struct vcpu *v, u16 port, u32 bytes, u32 val);
int domain_io_init(struct domain *d);  /* iopm */
int domain_msr_init(struct domain *d); /* msrpm */
