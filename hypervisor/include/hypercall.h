/* SPDX-License-Identifier: GPL-2.0-only */
/* The hypercall table and what its handlers see (core/hypercall.c). */
#pragma once

struct vcpu;
struct domain;

/*
 * Serve the hypercall of the current vCPU: number in RAX, arguments in RDI RSI RDX R10 R8, result to
 * RAX. Called by the exit handler for VMMCALL in 64-bit mode at CPL 0; other modes and levels are
 * refused there with hypercall_refuse. With v->hypercall_restart set on return the caller leaves RIP
 * on the instruction.
 */
void hypercall(struct vcpu *v);
/* The result for callers outside of 64-bit CPL 0: -EPERM at CPL > 0, -ENOSYS in other modes. */
s64 hypercall_refuse(u32 cpl);

/* --- guestcopy.c: guest-virtual addresses of the current vCPU ------------- */

/* Copy n bytes; -EFAULT if any of them cannot be reached (then the destination is undefined). */
int copy_from_guest(void *to, u64 from, size_t n);
int copy_to_guest(u64 to, const void *from, size_t n);
/* Translate one address of v's current address space; *left: bytes to the end of the page. */
int guest_translate(struct vcpu *v, u64 va, bool write, gpa_t *out, u64 *left);
/* Same for guest-physical addresses of domain d. */
int copy_from_gpa(struct domain *d, void *to, gpa_t from, size_t n);
int copy_to_gpa(struct domain *d, gpa_t to, const void *from, size_t n);

/* The Xen version that the ABI reports. */
#define XEN_VERSION_MAJOR 4
#define XEN_VERSION_MINOR 17
/* Fill a hypercall page for the guest (32 bytes a call, "mov $nr,%eax; vmmcall; ret"). */
void hypercall_page_fill(void *page);
