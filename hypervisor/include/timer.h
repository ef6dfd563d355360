/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Time of the hypervisor (arch/x86/time.c) and one-shot timers on a heap per CPU (core/timer.c).
 * All times are nanoseconds since boot, from one calibrated TSC.
 */
#pragma once

struct cpu;

u64 time_now(void);         /* ns since boot */
u64 time_from_tsc(u64 tsc); /* ns of a TSC value of now or the past */
u64 time_to_tsc(u64 ns);    /* inverse */
extern u64 time_tsc_khz;
extern u32 time_mul;   /* ns = ((tsc - time_tsc_base) << shift) * mul >> 32, pvclock form */
extern s32 time_shift; /* signed: negative shifts right */
extern u64 time_tsc_base;
void time_init(void);       /* calibrate; needs ACPI's PM timer */
void time_delay_us(u32 us); /* busy wait, boot only */
void time_set_rate(u64 tsc_hz, u64 base);

/* Wall clock at time 0, seconds and ns since 1970; the RTC's at boot, then what the control domain
 * sets. */
struct wallclock {
	u64 sec;
	u32 nsec;
};
extern struct wallclock time_wallclock;
void time_wallclock_init(void); /* from the RTC */

#define NS_PER_S 1000000000ULL

/* What it said at time 0 if it says sec.nsec at `now`; false when that is before 1970. */
static inline bool wallclock_at_0(u64 sec, u32 nsec, u64 now, struct wallclock *out)
{
	u64 left = nsec + NS_PER_S - now % NS_PER_S; /* of one second more */

	*out = (struct wallclock){ sec - now / NS_PER_S - 1 + left / NS_PER_S, left % NS_PER_S };
	return now / NS_PER_S < sec;
}

struct timer {
	u64 deadline;               /* ns, under the CPU's timer_lock */
	void (*fn)(struct timer *); /* runs on the timer's CPU, no lock held; may set it again */
	struct cpu *cpu; /* whose heap; changes under the timer_lock of the one it leaves */
	s32 index;       /* in the heap, -1 when not armed */
};

void timer_init(struct timer *t, struct cpu *c, void (*fn)(struct timer *));
/* Arm or move; a past deadline fires as soon as the CPU looks. From any CPU. -ENOMEM: heap full. */
int timer_set(struct timer *t, u64 deadline);
/* Same, on the heap of the calling CPU: for what follows a vCPU. */
int timer_set_here(struct timer *t, u64 deadline);
/* Disarm; returns with fn not going to start any more (it may be running on the other CPU). */
void timer_stop(struct timer *t);
/* Run what has expired on the calling CPU and program the local APIC for the next. */
void timer_run(void);
/* Interrupt handler of the local APIC's timer: makes this CPU call timer_run(). */
void timer_fired(void);
void timer_init_cpu(struct cpu *c);
/* The heap order holds; for the self-check. */
u32 timer_check(void);
