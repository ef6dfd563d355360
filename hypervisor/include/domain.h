/* SPDX-License-Identifier: GPL-2.0-only */
/* Domains and their virtual CPUs: the structures, life and death, scheduling. */
#pragma once

#include <asm.h>
#include <cpu.h>
#include <event.h>
#include <grant.h>
#include <list.h>
#include <p2m.h>
#include <sched_fair.h>
#include <spinlock.h>
#include <timer.h>
#include <vlapic.h>
#include <xen/xen.h>
#include <xen/vcpu.h>
#include <xen/sched.h>
#include <xen/hvm/params.h>

#define MAX_VCPUS 64

/* General registers in the order of their encoding; RAX and RSP live in the VMCB while it runs. */
struct guest_regs {
	u64 rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi, r8, r9, r10, r11, r12, r13, r14, r15;
};

/* One e820 entry as XENMEM_memory_map and hvm_memmap give it. */
struct e820_entry {
	u64 addr, size;
	u32 type;
} __packed;
#define E820_RAM      1
#define E820_RESERVED 2
#define E820_ACPI     3
#define E820_NVS      4
#define E820_UNUSABLE 5
#define E820_MAX      127 /* what Linux's PVH entry takes */

/* A timer that the guest has to put off again and again, or its domain ends (core/schedop.c). */
struct domain_watchdog {
	struct timer timer;
	struct domain *domain; /* NULL: not in use */
};

/*
 * Legend: (i) set at creation, (d) under d->lock, (e) under d->event.lock, (a) atomic,
 * (m) under p2m.lock.
 */
struct domain {
	domid_t id;   /* (i) */
	bool control; /* (i) the control domain */
	u32 refs;     /* (a) */
	struct spinlock lock;
	struct domain *next;          /* list of domains by id, domain.c */
	struct domain *hash_next;     /* domain.c */
	struct domain *reap_next;     /* domain.c */
	u32 max_vcpus;                /* (i) */
	struct vcpu *vcpu[MAX_VCPUS]; /* (i) */
	struct p2m p2m;
	u64 tot_pages;              /* (a) */
	u64 claim;                  /* (a) free pages that are kept for it */
	u64 max_pages;              /* (a) */
	struct e820_entry *e820;    /* (i) */
	u32 e820_count;             /* (i) */
	mfn_t shared_mfn;           /* (i) hypervisor's frame; */
	struct shared_info *shared; /* (i) its mapping */
	gfn_t shared_gfn;           /* (m) where it is mapped, ~0 = nowhere */
	struct event_table event;   /* event.c */
	struct grant_table grant;   /* grant.c */
	u64 params[HVM_NR_PARAMS];  /* (d) */
	u8 callback_vector;         /* (a) 0 = none; injected without the local APIC */
	u64 vm_assist;              /* (a) bits of VMASST_TYPE_* */
	s64 time_offset;            /* (a) of its wall clock, s */
	u64 time_start;             /* (i) its system time 0 on the hypervisor's clock, ns */
	u32 pause_count;            /* (a) */
	u32 control_pauses;         /* (d) those of them that are the control domain's */
	bool started;               /* (d) was unpaused for the first time */
	bool dying;                 /* (d) takes nothing new any more */
	bool dead;                  /* (d) has nothing left but what others hold */
	bool shutdown;              /* (d) shutting down */
	bool shutdown_done;         /* (a) none of its vCPUs runs any more */
	u32 shutdown_code;          /* (d) SHUTDOWN_* */
	u8 shutdown_latch;          /* (d) SCHEDOP_shutdown_code: what to report + 1, 0 = nothing */
	char crash_reason[96];      /* (d) */
	u64 log_stamp;              /* rate limit of printk_guest */
	u32 log_missed;             /* lines left out since the last one */
	char line[120];   /* (d) what it wrote to console_io since the last end of a line */
	u32 line_used;    /* (d) */
	mfn_t ones;       /* (m) page of ones, INVALID_MFN until needed */
	void *iopm;       /* (i) I/O permission map, 3 contiguous frames, virt/io.c */
	void *msrpm;      /* (i) MSR permission map, 2 contiguous frames, virt/msr.c */
	bool wake_status; /* (a) a refused sleep shows as over: PM1_STS.WAK_STS */
	u8 handle[16];
	u64 poll_mask;                      /* (a) bit n: vCPU n may wait in SCHEDOP_poll */
	struct domain_watchdog watchdog[2]; /* (d) SCHEDOP_watchdog */
	struct spinlock end_lock;           /* only tried; outside of all others */
	u32 end_stage, end_port;            /* under end_lock: destroy.c */
	struct sched_domain sched;          /* weight and cap: sched_fair.c */
};

enum vcpu_state {
	VCPU_OFFLINE,  /* waits for INIT/SIPI */
	VCPU_RUNNABLE, /* in a run queue or running */
	VCPU_BLOCKED,  /* HLT, poll: woken by vcpu_wake */
};

/*
 * Legend: (o) the CPU that runs it, or whoever paused it; (s) under the scheduler's lock of its
 * CPU (vcpu_lock), (a) atomic, (i) at creation.
 */
struct vcpu {
	u32 id;                 /* (i) */
	u32 apic_id;            /* (i) set in one place: vcpu_create */
	struct domain *domain;  /* (i) */
	struct cpu *cpu;        /* (s) where it runs, waits, or last ran; read without */
	bool pinned;            /* (i) always on that CPU, which keeps its registers */
	struct list runq;       /* (s) in the CPU's runq or parked */
	u32 state;              /* (s) enum vcpu_state */
	u64 hard, soft;         /* (s) CPUs that it may, and should run on */
	u64 vtime, deadline;    /* (s) sched_fair.c; vtime is the CPU's while it runs or waits */
	s64 grant;              /* (s) ns that it may run, if its domain has a cap */
	bool ahead;             /* (s) goes before all guests */
	bool parked;            /* (s) waits for its domain's next budget, */
	u64 parked_until;       /* (s) which comes then */
	u32 neighbour;          /* (s) CPU that it compared itself with last */
	u32 attention;          /* (a) something below may have to be injected or acted on */
	struct guest_regs regs; /* (o) */
	void *virt;             /* (i) the vendor's own state, virt_ops only */
	void *xsave;            /* (i) 64-byte aligned */
	u64 xcr0;               /* (o) while not on a CPU */
	u64 dr[4];              /* (o) same */
	u64 flush_pending;      /* (a) flush this vCPU's translations before the next entry */
	struct vlapic vlapic;
	u8 upcall_pending; /* (a) a callback vector is to be injected */
	u8 upcall_vector;  /* (a) HVMOP_set_evtchn_upcall_vector: through the vLAPIC; 0 = none */
	u8 nmi_pending;    /* (a) */
	u8 init_pending;   /* (a) INIT came */
	u16 sipi_vector;   /* (a) 0x100 | vector when a SIPI came */
	bool wait_sipi;    /* (a) after INIT, until a SIPI */
	bool halted;       /* (o) in HLT: goes on when something can be delivered */
	bool hlt_irq_off;  /* (a) halted with RFLAGS.IF clear */
	u32 pause_count;   /* (a) */
	u64 tsc_aux;       /* (o) while not on a CPU */
	/* vcpu_info: in shared_info until registered elsewhere, then a frame with a reference. */
	paddr_t info_at;      /* (a) written once, under (d): senders take no lock */
	bool info_registered; /* (d) */
	mfn_t info_frame;     /* (i) the hypervisor's, for vCPUs beyond shared_info's slots */
	/* runstate and time areas: guest-physical, found from the address at registration; a
	 * runstate area may cross a page: [1] is the second part's address, ~0 if there is none. */
	gpa_t runstate_gpa[2];              /* (o) .v == ~0: not registered */
	gpa_t time_gpa;                     /* (o) */
	struct vcpu_runstate_info runstate; /* (s) */
	struct timer timer;                 /* VCPUOP_set_singleshot_timer */
	u32 poll_ports;               /* (a) SCHEDOP_poll waits: number of ports, 0 = not polling */
	evtchn_port_t poll_port[128]; /* (o) */
	struct timer poll_timer;
	u16 virq_port[24];      /* (e) 0 = not bound */
	u64 hypercalls;         /* (o) how many it has made */
	u64 hypercall_progress; /* (o) preempted hypercall's saved progress, 0 = none */
	bool hypercall_restart; /* (o) run the same hypercall again instead of going on behind it */
};

extern struct domain *control_domain;

static inline struct vcpu *current_vcpu(void)
{
	return this_cpu()->current;
}
static inline struct vcpu *domain_vcpu(const struct domain *d, u32 id)
{
	return id < d->max_vcpus ? d->vcpu[index_nospec(id, MAX_VCPUS)] : NULL;
}

/* --- domain.c ------------------------------------------------------------- */

struct domain_limits {
	u32 vcpus;
	u32 events, grant_frames, maptrack_frames; /* 0 = the most there can be */
	u64 pages;
	u8 handle[16];
};
/*
 * A domain without vCPUs and memory, paused once, with the given id or, for a guest, the next free
 * one if that is none. -ENOMEM, -EEXIST.
 */
int domain_create(domid_t id, bool control, const struct domain_limits *l, struct domain **out);
/* With a reference for the caller; DOMID_SELF is the current one. NULL if there is none. */
struct domain *domain_get(domid_t id);
/* Same, of the first domain with this id or a higher one. */
struct domain *domain_get_from(domid_t id);
/* The last one makes it vanish from the list; domain_reap() frees it. */
void domain_put(struct domain *d);
/* TODO_REAP was set: free what has vanished. */
void domain_reap(void);
void domain_pause(struct domain *d);
void domain_unpause(struct domain *d);
/*
 * The domain ends for a reason that its guest caused: one line on the console, shutdown code
 * SHUTDOWN_crash; of the control domain: the end of the machine (reboot, or stop with `noreboot`).
 * Does not return to the guest, but returns to the caller, who goes back to the exit loop.
 */
void domain_crash(struct domain *d, const char *fmt, ...) __printf(2, 3);
/* SCHEDOP_shutdown and its like: code SHUTDOWN_*. */
void domain_shutdown(struct domain *d, u32 code);
/* Write time_wallclock into shared_info; platform.c's lock held. */
void domain_wallclock_update(struct domain *d);
/* Same, when what it depends on has changed. */
void platform_wallclock_update(struct domain *d);
/* Invariants of all domains (events, references); number of violations, each logged. */
u32 domain_check(void);
#define for_each_domain(d) for ((d) = load_acquire(&domain_list); (d); (d) = (d)->next)
extern struct domain *domain_list;

/* --- domctl.c ------------------------------------------------------------- */

struct xen_domctl_getdomaininfo;
void domctl_info(struct domain *d, struct xen_domctl_getdomaininfo *info);

/* --- destroy.c ------------------------------------------------------------ */

/* A part of the work of ending a guest: 1 if there is more to do, 0 when it is dead. */
int domain_destroy(struct domain *d);

/* The machine's end (arch/x86/power.c). */
void machine_power_off(void) __noreturn;
void machine_reboot(void) __noreturn;
void machine_stop(const char *why) __noreturn; /* "froe: stopped: why", all CPUs halt */

/* --- vcpu.c --------------------------------------------------------------- */

/* Allocate vCPU `id`, offline, bound to CPU `c`. NULL when out of memory. */
struct vcpu *vcpu_create(struct domain *d, u32 id, struct cpu *c);
/* The domain is dying and paused: no timer of v is set, nor sets itself again. */
void vcpu_stop_timers(struct vcpu *v);
/* vcpu_info is the hypervisor's own frame again. */
void vcpu_info_release(struct vcpu *v);
/* Nobody can have it any more: it is on no CPU, and no timer of it runs. */
void vcpu_free(struct vcpu *v);
/* Start state of the PVH convention (32-bit, flat, EBX = start_info); makes it runnable. */
void vcpu_start_pvh(struct vcpu *v, u64 entry, u64 start_info);
/* Something that a blocked vCPU waits for has happened; from any CPU. */
void vcpu_wake(struct vcpu *v);
/* Make the vCPU look at its pending state: wake it if blocked, interrupt it if in guest mode. */
void vcpu_kick(struct vcpu *v);
/* The current vCPU waits until vcpu_wake (HLT, poll); returns at once, the exit loop switches. */
void vcpu_block(struct vcpu *v);
void vcpu_yield(struct vcpu *v);
/* A vCPU that has just been created or unpaused may enter its run queue. */
void vcpu_ready(struct vcpu *v);
/* Out of its run queue, and off its CPU unless that is the caller's. */
void vcpu_unready(struct vcpu *v);
/* Nothing keeps it from running: neither its own pauses nor its domain's. */
bool vcpu_may_run(const struct vcpu *v);
/* Publish pvclock time of v into its vcpu_info and time area. */
void vcpu_time_update(struct vcpu *v);
/* Write the runstate area if there is one. */
void vcpu_runstate_update(struct vcpu *v);
/* vcpu_info of v, to be unmapped with page_unmap(). */
struct vcpu_info *vcpu_info_map(struct vcpu *v);
/* All vCPUs of d are offline or halted with interrupts off: the domain powered itself off. */
void vcpu_check_all_halted(struct domain *d);

/* --- vcpuop.c ------------------------------------------------------------- */

/* How long it was in each state, up to now. */
void vcpu_runstate_get(struct vcpu *v, struct vcpu_runstate_info *r);

/* --- schedop.c ------------------------------------------------------------ */

/* No watchdog of d fires any more; before it is freed. */
void schedop_stop_watchdogs(struct domain *d);

/* --- sched.c -------------------------------------------------------------- */

/* v's scheduler lock: the one of its CPU, which is returned. */
struct cpu *vcpu_lock(struct vcpu *v);
/* A device vector came for the control domain's vCPU of this CPU. */
void vcpu_urgent(struct vcpu *v);
/* The account up to the last change of state; vcpu_runstate_get() goes on to now. */
struct vcpu_runstate_info vcpu_runstate(struct vcpu *v);
void sched_init_cpu(struct cpu *c);
