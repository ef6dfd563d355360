/* SPDX-License-Identifier: GPL-2.0-only */
/* Physical CPUs: per-CPU data, control registers, descriptor tables, bring-up, IPIs. */
#pragma once

#include <asm.h>
#include <list.h>
#include <spinlock.h>

#define MAX_CPUS   64
#define STACK_SIZE (16 * KIB)

/* Selectors of the hypervisor's GDT (desc.c). */
#define SEL_CODE64 0x08
#define SEL_DATA   0x10
#define SEL_TSS    0x18

/* The hypervisor's vectors: from VEC_FIRST up. Device vectors below it are the control domain's. */
#define VEC_FIRST    0xf0
#define VEC_TIMER    0xf0 /* local APIC timer */
#define VEC_KICK     0xf1 /* leave the guest or HLT; whoever sends it left a note in struct cpu */
#define VEC_ERROR    0xf2 /* local APIC error */
#define VEC_SPURIOUS 0xff

/* Bits of cpu->todo: what this CPU must look at before it enters a guest again. */
#define TODO_TIMER     BIT(0) /* the timer heap's top may have expired */
#define TODO_RESCHED   BIT(1) /* pick again */
#define TODO_LEVEL_EOI BIT(2) /* run irq_level_eoi_retire() */
#define TODO_ANSWER    BIT(3) /* run smp_answer() */
#define TODO_CONSOLE   BIT(4) /* serial input or the console menu wants work */
#define TODO_REAP      BIT(5) /* a domain has vanished: domain_reap() */

struct vcpu;
struct timer;

/* What a CPU does now, as the watchdog and flushes see it. */
enum cpu_mode {
	CPU_HOST,
	CPU_GUEST, /* between the decision to enter and the exit */
	CPU_IDLE,
};

/*
 * Legend: (i) set once at bring-up, (o) own CPU only, (a) atomic, any CPU, (t) under timer_lock,
 * (s) under sched_lock.
 * %gs points at it in host mode; `self` must stay first.
 */
struct cpu {
	struct cpu *self;     /* (i) */
	u32 id;               /* (i) dense index; 0 = boot CPU */
	u32 apic_id;          /* (i) physical APIC id */
	struct vcpu *current; /* (o) vCPU whose state is on this CPU, NULL when idle */
	u64 todo;             /* (a) TODO_* */
	u32 mode;             /* (a) enum cpu_mode, written by the own CPU */
	u64 entries;          /* (o) VM entries begun so far; watchdog, domain_flush */
	u64 tsc_start;        /* (i) its TSC when it came up */
	u64 stack_top;        /* (i) top of the host stack, 16-byte aligned */
	paddr_t vmm_area;     /* (i) SVM host save area; its second page: host VMCB for VMLOAD */
	u32 asid_next;        /* (o) tagged TLB: see svm.c */
	u64 asid_generation;  /* (o) */
	u32 branches_of;      /* (o) id of the domain that taught the branch predictor */
	struct vcpu *reflect; /* (a) the control domain's vCPU of this CPU: gets device vectors */
	struct spinlock timer_lock; /* protects (t) */
	struct timer **timers;      /* (t) heap; timer.c */
	u32 timer_count;            /* (t) */
	u32 timer_max;              /* (t) */
	u64 timer_armed;            /* (t) deadline in the local APIC, ns, or UINT64_MAX */
	struct spinlock sched_lock; /* protects (s); sched.c, sched_fair.c */
	struct list runq;           /* (s) who waits, in the order in which they are to run */
	struct list parked;         /* (s) who has used up the cap, until the next period */
	u32 waiting;                /* (s) those in runq who may go elsewhere; read without */
	struct vcpu *running;       /* (s) whose turn it is, NULL: idle; read without */
	u64 vbase;                  /* (s) where its virtual time begins: sched_fair.c */
	u64 charged;                /* (s) up to when `running` has been charged */
	u64 turn_start;             /* (s) of `running` */
	u64 turn_end;               /* (s) when this CPU picks again, ~0: not of its own */
	struct timer *slice;        /* (i) goes off at turn_end; set by the own CPU only */
	bool turn_over;             /* (o) `running` lets others go first */
	/* Level-triggered physical interrupts in service: see irq.c. 256 bits each. */
	u64 level_pending[4]; /* (o) taken and not yet retired */
	u64 level_done[4];    /* (a) the guest has acknowledged */
	u64 count_stray;      /* (o) device interrupts with nobody to give them to */
	u64 count_irq[4];     /* (o) edge, level, own, spurious */
	u64 answers;          /* (o) smp_answer() */
};

extern struct cpu *cpus[MAX_CPUS]; /* [0, cpu_count) are valid */
extern u32 cpu_count;              /* CPUs that run */

static inline struct cpu *this_cpu(void)
{
	return gs_self();
}

/* What the machine's CPUs can do, read once on the boot CPU (cpu.c). */
struct cpu_features {
	char vendor[13];
	u8 phys_bits;
	bool hypervisor; /* CPUID 1:ECX[31]: an emulator or another hypervisor below */
	bool gib_pages;
	bool x2apic;
	bool tsc_reliable; /* invariant, or a hypervisor below whose TSC is one clock */
	bool nrips;        /* SVM tells the next RIP */
	bool ibpb;         /* the branch predictor can be told to forget */
	u32 asids;         /* of SVM */
	u64 xcr0_mask;     /* what XCR0 may hold: CPUID 0xd without MPX and what is unknown here */
	u32 xsave_size;    /* bytes of an XSAVE area with all of xcr0_mask */
};
extern struct cpu_features cpu_features;

void cpu_hw_cap(u32 word[8]);      /* feature words of CPUID as XEN_SYSCTL_physinfo has them */
void cpu_detect(void);             /* fill cpu_features; boot_fail() if too old */
void cpu_init_this(void);          /* EFER, CR0, CR4, PAT of the calling CPU */
void desc_init_cpu(struct cpu *c); /* GDT, TSS with IST stacks, IDT, %gs of the calling CPU */
void desc_early_init(void);        /* IDT good enough to dump early exceptions, on the boot CPU */
extern struct cpu boot_cpu;        /* cpus[0] */

/* Take a page of low memory that CPUs start in, while boot_alloc() works. smp.c */
void smp_reserve(void);
/* Start all CPUs of the MADT but the boot CPU; they wait for smp_release(). */
void smp_init(void);
/* Make `c` look at c->todo: sets the bit, and interrupts it if it is in a guest or asleep. */
void cpu_kick(struct cpu *c, u64 todo);
/* What the other CPUs were in the midst of is over: each has been in its loop, or waits politely.
 */
void smp_settle(void);
/* The calling CPU holds on to nothing that smp_settle() waits for. */
void smp_answer(void);
/* Stop all other CPUs by NMI (panic, reboot, power-off); a second caller stops here for good. */
void smp_stop_others(void);
bool smp_stop_requested(void); /* for the NMI handler */
/* Let the CPUs that smp_init() started go to cpu_main(). */
void smp_release(void);
/* Where a started CPU goes; sched.c. */
void cpu_main(void) __noreturn;

/* Saved state of an interrupted host context, as entry.S pushes it. */
struct trap_frame {
	u64 r15, r14, r13, r12, r11, r10, r9, r8, rbp, rdi, rsi, rdx, rcx, rbx, rax;
	u64 vector, error;
	u64 rip, cs, rflags, rsp, ss;
};
void trap_handle(struct trap_frame *f); /* from entry.S, every vector; traps.c */
/* One line on what a CPU does. */
void cpu_dump(const struct cpu *c);
void trap_dump_registers(const struct trap_frame *f);
/* The calling CPU's stack from rsp on, and the return addresses in it. */
void trap_dump_stack(u64 rsp);
/* All of it, of a host context of the calling CPU. */
void trap_dump(const struct trap_frame *f);
/* rdmsr that survives #GP: returns 0 or -EINVAL. */
int rdmsr_safe(u32 msr, u64 *v);

/* Physical interrupts in host mode (irq.c): called by trap_handle for vectors 32-255. */
void irq_handle(u32 vector);
/* The guest on this CPU acknowledged level vector v, or was reset (retire all). */
void irq_level_done(struct cpu *c, u32 v);
void irq_level_done_all(struct cpu *c);
/* While the top of the physical ISR is below VEC_FIRST and done: acknowledge it. Own CPU only. */
void irq_level_eoi_retire(void);

/* Local APIC of the calling CPU, in xAPIC or x2APIC mode (lapic.c). */
void lapic_init_this(void);
u32 lapic_id(void);
void lapic_eoi(void);
void lapic_look_again(void);
void lapic_send_ipi(u32 apic_id, u32 vector);
void lapic_send_nmi(u32 apic_id);
void lapic_send_init_sipi(u32 apic_id, u32 trampoline_page);
void lapic_timer_set(u64 deadline_ns); /* one-shot; a past deadline fires at once; ~0 disarms */
/* Calibration (time.c): count up from 0 at the timer's own pace; then its rate. */
void lapic_timer_count_start(void);
u32 lapic_timer_count(void);
void lapic_timer_calibrated(u64 khz);
u32 lapic_error(void); /* error status, cleared by the reading */
bool lapic_tmr_test(u32 vector);
int lapic_isr_top(void); /* highest vector in service, -1 if none */
extern paddr_t lapic_base;
