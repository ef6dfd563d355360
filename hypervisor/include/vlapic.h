/* SPDX-License-Identifier: GPL-2.0-only */
/* Virtual local APIC: x2APIC registers, always in x2APIC mode (arch/x86/virt/vlapic.c). */
#pragma once

#include <timer.h>

struct vcpu;

/* All fields belong to the CPU that runs the vCPU, but irr, tmr: atomic, from any CPU. */
struct vlapic {
	u64 irr[4], isr[4], tmr[4];
	u32 tpr, svr, esr, esr_new, tdcr, tmict;
	u32 lvt[6]; /* timer, thermal, performance, LINT0, LINT1, error */
	u64 icr;
	u64 timer_start; /* ns when TMICT was written */
	struct timer timer;
};

void vlapic_init(struct vcpu *v);  /* once */
void vlapic_reset(struct vcpu *v); /* power-up and INIT */
/* MSRs 0x800-0x8ff: 0, or -EINVAL for #GP. */
int vlapic_read(struct vcpu *v, u32 msr, u64 *val);
int vlapic_write(struct vcpu *v, u32 msr, u64 val);
/* Make `vector` pending at v, from any CPU, and kick it; level: its TMR bit. */
void vlapic_set_irq(struct vcpu *v, u8 vector, bool level);
/* Highest vector that may be delivered now (priority above TPR and ISR), -1 if none. */
int vlapic_pending(const struct vcpu *v);
/* Nothing can be delivered, but could if the TPR were lower. */
bool vlapic_masked_by_tpr(const struct vcpu *v);
/* The vector is on its way to the guest: out of IRR. Then it is retracted (back), or accepted. */
void vlapic_offer(struct vcpu *v, u8 vector);
void vlapic_retract(struct vcpu *v, u8 vector);
/* What was offered was delivered: into ISR. */
void vlapic_accept(struct vcpu *v, u8 vector);
/* It was not, after all: ISR to IRR. */
void vlapic_unaccept(struct vcpu *v, u8 vector);
