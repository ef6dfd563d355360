/* SPDX-License-Identifier: GPL-2.0-only */
/* AMD SVM: the control block and the per-vCPU state behind virt_ops. Included by virt/svm*.c only.
 */
#pragma once

#include <domain.h>

struct vmcb_segment {
	u16 selector, attributes; /* attributes: descriptor bits 55:52,47:40 packed to 12 bits */
	u32 limit;
	u64 base;
};

/* APM2 appendix B, tables B-1 and B-2. */
struct vmcb {
	u16 cr_read, cr_write; /* 0x000 */
	u16 dr_read, dr_write;
	u32 exceptions; /* 0x008 */
	u32 intercept1; /* 0x00c */
	u32 intercept2; /* 0x010 */
	u8 pad014[0x3c - 0x14];
	u16 pause_threshold, pause_count;
	u64 iopm, msrpm, tsc_offset; /* 0x040 */
	u32 asid;                    /* 0x058 */
	u32 tlb_control;             /* 0x05c */
	u64 vintr;                   /* 0x060 */
	u64 shadow;                  /* 0x068 */
	u64 exit_code;               /* 0x070 */
	u64 exit_info1, exit_info2;  /* 0x078 */
	u64 exit_int_info;           /* 0x088 */
	u64 np_enable;               /* 0x090 */
	u8 pad098[0xa8 - 0x98];
	u64 event_inject; /* 0x0a8 */
	u64 n_cr3;        /* 0x0b0 */
	u64 lbr;
	u64 clean;    /* 0x0c0 */
	u64 next_rip; /* 0x0c8 */
	u8 fetched;
	u8 bytes[15];
	u8 pad0e0[0x400 - 0xe0];
	struct vmcb_segment es, cs, ss, ds, fs, gs, gdtr, ldtr, idtr, tr; /* 0x400 */
	u8 pad4a0[0x4cb - 0x4a0];
	u8 cpl; /* 0x4cb */
	u32 pad4cc;
	u64 efer; /* 0x4d0 */
	u8 pad4d8[0x548 - 0x4d8];
	u64 cr4, cr3, cr0, dr7, dr6, rflags, rip; /* 0x548 */
	u8 pad580[0x5d8 - 0x580];
	u64 rsp; /* 0x5d8 */
	u8 pad5e0[0x5f8 - 0x5e0];
	u64 rax; /* 0x5f8 */
	u64 star, lstar, cstar, sfmask, kernel_gs_base;
	u64 sysenter_cs, sysenter_esp, sysenter_eip, cr2; /* 0x628 */
	u8 pad648[0x668 - 0x648];
	u64 g_pat; /* 0x668 */
	u64 dbgctl, br_from, br_to, lastexc_from, lastexc_to;
	u8 pad698[0x1000 - 0x698];
};
static_assert(sizeof(struct vmcb) == 4096, "APM2 appendix B");
static_assert(offsetof(struct vmcb, iopm) == 0x40, "APM2 appendix B");
static_assert(offsetof(struct vmcb, exit_code) == 0x70, "APM2 appendix B");
static_assert(offsetof(struct vmcb, event_inject) == 0xa8, "APM2 appendix B");
static_assert(offsetof(struct vmcb, next_rip) == 0xc8, "APM2 appendix B");
static_assert(offsetof(struct vmcb, cpl) == 0x4cb, "APM2 appendix B");
static_assert(offsetof(struct vmcb, cr4) == 0x548, "APM2 appendix B");
static_assert(offsetof(struct vmcb, rsp) == 0x5d8, "APM2 appendix B");
static_assert(offsetof(struct vmcb, rax) == 0x5f8, "APM2 appendix B");
static_assert(offsetof(struct vmcb, cr2) == 0x640, "APM2 appendix B");
static_assert(offsetof(struct vmcb, g_pat) == 0x668, "APM2 appendix B");

/* intercept1 and intercept2 (APM2 15.13, offsets 0x00c and 0x010). */
#define I1_INTR     BIT(0)
#define I1_NMI      BIT(1)
#define I1_VINTR    BIT(4)
#define I1_RDPMC    BIT(15)
#define I1_CPUID    BIT(18)
#define I1_IRET     BIT(20)
#define I1_INVD     BIT(22)
#define I1_HLT      BIT(24)
#define I1_INVLPGA  BIT(26)
#define I1_IOIO     BIT(27)
#define I1_MSR      BIT(28)
#define I1_TASK     BIT(29)
#define I1_SHUTDOWN BIT(31)
#define I2_VMRUN    BIT(0)
#define I2_VMMCALL  BIT(1)
#define I2_VMLOAD   BIT(2)
#define I2_VMSAVE   BIT(3)
#define I2_STGI     BIT(4)
#define I2_CLGI     BIT(5)
#define I2_SKINIT   BIT(6)
#define I2_WBINVD   BIT(9)
#define I2_MONITOR  BIT(10)
#define I2_MWAIT    BIT(11)
#define I2_XSETBV   BIT(13)
#define I2_RDPRU    BIT(14)

#define CR8 BIT(8) /* in cr_read, cr_write */

/* vintr (0x060). */
#define VINTR_TPR       0xffULL
#define VINTR_IRQ       BIT(8)
#define VINTR_PRIO(p)   ((u64)(p) << 16)
#define VINTR_IGN_TPR   BIT(20)
#define VINTR_MASKING   BIT(24)
#define VINTR_VECTOR(v) ((u64)(v) << 32)
#define VINTR_REQUEST   (VINTR_IRQ | VINTR_PRIO(0xf) | VINTR_IGN_TPR | VINTR_VECTOR(0xff))

/* event_inject and exit_int_info (APM2 15.20). */
#define EVENT_VALID          BIT(31)
#define EVENT_ERROR          BIT(11)
#define EVENT_TYPE(e)        ((e) >> 8 & 7)
#define EVENT_VECTOR(e)      ((e)&0xff)
#define EVENT_TYPE_INTR      0
#define EVENT_TYPE_NMI       2
#define EVENT_TYPE_EXCEPTION 3
#define EVENT_TYPE_SOFT      4

/* Exit codes (APM2 appendix C); INVALID is compared on 32 bits (QEMU stores no more). */
enum svm_exit {
	EXIT_CR8_WRITE = 0x18,
	EXIT_EXCEPTION = 0x40, /* + vector */
	EXIT_INTR = 0x60,
	EXIT_NMI = 0x61,
	EXIT_VINTR = 0x64,
	EXIT_RDPMC = 0x6f,
	EXIT_CPUID = 0x72,
	EXIT_IRET = 0x74,
	EXIT_INVD = 0x76,
	EXIT_HLT = 0x78,
	EXIT_INVLPGA = 0x7a,
	EXIT_IOIO = 0x7b,
	EXIT_MSR = 0x7c,
	EXIT_TASK = 0x7d,
	EXIT_SHUTDOWN = 0x7f,
	EXIT_VMRUN = 0x80,
	EXIT_VMMCALL = 0x81,
	EXIT_VMLOAD = 0x82,
	EXIT_VMSAVE = 0x83,
	EXIT_STGI = 0x84,
	EXIT_CLGI = 0x85,
	EXIT_SKINIT = 0x86,
	EXIT_WBINVD = 0x89,
	EXIT_MONITOR = 0x8a,
	EXIT_MWAIT = 0x8b,
	EXIT_XSETBV = 0x8d,
	EXIT_RDPRU = 0x8e,
	EXIT_NPF = 0x400,
};
#define EXIT_INVALID 0xffffffffu

#define INSN_CACHE 32 /* power of two */

/*
 * What SVM keeps for a vCPU. Everything belongs to the CPU that runs it.
 *
 * armed: the vector that V_IRQ offers; armed_upcall says that it is the event upcall, which has no
 * place in the local APIC.
 */
struct svm_vcpu {
	struct vmcb *vmcb;
	paddr_t vmcb_pa;
	struct cpu *asid_cpu;
	u64 asid_generation;
	bool armed, armed_upcall;
	u8 armed_vector;
	bool nmi_masked; /* NMI handler runs: until IRET */
	bool nmi_iret;   /* its IRET was met at nmi_iret_rip */
	u64 nmi_iret_rip;
	bool stepping; /* single-stepped over an interrupt shadow */
	bool step_tf;  /* the guest's own TF meanwhile */
	struct insn {
		u64 rip, where, next;
	} insn[INSN_CACHE];
};

static inline struct svm_vcpu *svm(const struct vcpu *v)
{
	return v->virt;
}

void svm_enter(struct guest_regs *regs, paddr_t vmcb, paddr_t host_vmcb); /* svm_entry.S */
void svm_exit(struct vcpu *v);                                            /* svm_exit.c */
void svm_inject(struct vcpu *v, u8 vector, bool has_error, u32 error);
void svm_tpr_read(struct vcpu *v);
void svm_tpr_write(struct vcpu *v);
void svm_step(struct vcpu *v);
void svm_disarm(struct vcpu *v);
void svm_halt(struct vcpu *v); /* HLT at RIP */
/* Go on behind the instruction that exited; its opcode is `length` bytes long without prefixes. */
void svm_skip(struct vcpu *v, u32 length);
