/* SPDX-License-Identifier: GPL-2.0-only */
/* Hypercalls: the dispatcher, and what its handlers see (core/hypercall.c). */
#pragma once

#include <domain.h>

/*
 * Serve the hypercall of the current vCPU: number in RAX, arguments in RDI RSI RDX R10 R8, result
 * to RAX. Called by the exit handler for VMMCALL in 64-bit mode at CPL 0; other modes and levels
 * are refused there with hypercall_refuse. Sets v->hypercall_restart: when it is true the caller
 * leaves RIP on the instruction, and RAX and the arguments are those of the rest of the work.
 */
void hypercall(struct vcpu *v);
/* The result for callers outside of 64-bit CPL 0: -EPERM at CPL > 0, -ENOSYS in other modes. */
s64 hypercall_refuse(u32 cpl);

/* One call, as its handler sees it. */
struct hypercall {
	struct vcpu *v;        /* the caller, current */
	struct domain *d;      /* its domain */
	struct domain *target; /* of a row for ANYONE or OTHER: whom it is about */
	u64 a[5];              /* the argument registers; a restart takes them from here */
	u64 progress;          /* what an interrupted call of this vCPU has left; 0 = nothing */
	bool restart;          /* do it again, with a[] and the saved progress */
	bool leave;            /* the vCPU must not go on before the scheduler has looked at it */
	bool nested;           /* an entry of a multicall */
};

/*
 * A handler gets the argument structure that the dispatcher has copied in, followed by zeroes where
 * `out` is larger, and changes it in place into the reply. It returns a result or -errno; only a
 * result that is not negative is followed by the reply.
 */
typedef s64 hypercall_fn(struct hypercall *c, void *arg);

#define HYPERCALL_ARG_MAX 1024 /* largest structure of a row */

/* The rest of this call later: other work of the CPU comes first. What it returns is not used. */
s64 hypercall_again(struct hypercall *c);
/*
 * The domain that an operation names, with a reference (domain_put). -ESRCH, or -EPERM when it is
 * another one than the caller's, and that is not the control domain.
 */
int hypercall_target(struct hypercall *c, domid_t id, struct domain **out);

/* Items of a list that one entry handles before it lets other work through. */
#define HYPERCALL_BATCH 32

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
