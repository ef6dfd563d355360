/* SPDX-License-Identifier: GPL-2.0-only */
/* Register state that the hypervisor leaves alone and switches between vCPUs only (arch/x86/fpu.c).
 */
#pragma once

struct vcpu;

int fpu_init(struct vcpu *v); /* allocate v->xsave */
void fpu_free(struct vcpu *v);
void fpu_reset(
	struct vcpu *v); /* state after INIT; of the current vCPU in the CPU, else in memory */
void fpu_set(struct vcpu *v, const u8 fxsave[512]); /* x87 and SSE; of a vCPU in no CPU */
void fpu_load(struct vcpu *v); /* x87, SSE and XSAVE state, XCR0, DR0-3, TSC_AUX */
void fpu_save(struct vcpu *v);
/* XSETBV of the guest, checked: -EINVAL for #GP. */
int fpu_xsetbv(u32 reg, u64 val);
