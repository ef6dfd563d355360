/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Guests of a test that runs as the control domain. A guest is made from the
 * test's own image: it boots by the PVH convention, has all of the library, and
 * calls a function of the test instead of test_main(). Variables of the test are
 * at the same addresses in it, those of .bss zero at first.
 */
#ifndef DOMU_H
#define DOMU_H

#include "guest.h"
#include <froe_hypercall.h>
#include <xen/domctl.h>
#include <xen/sysctl.h>

#define DOMU_MIB 8 /* what domu_build() gives a guest: 2 MiB at 0, 6 MiB at the image */

/* The call itself; domu_op() fills in what each has and domain, the others take the result. */
long xen_domctl(struct xen_domctl *op);
long xen_sysctl(struct xen_sysctl *op);
long domu_op(domid_t id, unsigned int cmd, struct xen_domctl *op);
long domu_simple(domid_t id, unsigned int cmd); /* without a structure */

/* What each step asks for, for tests that want one of it to be different. */
void domu_config(struct xen_domctl *op, unsigned int vcpus);
long domu_populate(domid_t id, uint64_t gfn, unsigned int order, unsigned int count);
bool domu_load(domid_t id, void (*fn)(uint64_t arg), uint64_t arg);
void domu_context(struct hvm_hw_cpu *cpu);
long domu_set_context(domid_t id, unsigned int vcpu, const struct hvm_hw_cpu *cpu);

/* A guest that will call fn(arg), paused once. Each step is checked. */
domid_t domu_build(void (*fn)(uint64_t arg), uint64_t arg, unsigned int vcpus);
domid_t domu_run(void (*fn)(uint64_t arg), uint64_t arg, unsigned int vcpus);
/* False, and info is of the next one, if there is no such guest. */
bool domu_info(domid_t id, struct xen_domctl_getdomaininfo *info);
bool domu_exists(domid_t id);
/* Where a vCPU may run, a bit a CPU. */
void domu_pin(domid_t id, uint32_t vcpu, uint64_t hard);
/* Wait until it has shut down: the code, or -1 after ms milliseconds. */
int domu_wait(domid_t id, unsigned int ms);
/* Wait, expect a power-off and no failed check in it, and destroy it. */
void domu_finish(domid_t id);
long domu_destroy(domid_t id);
long domu_unpause(domid_t id);

/* Between the guest's variable (or any of its memory) and ours. */
long domu_read(domid_t id, const volatile void *at, void *to, size_t n);
long domu_write(domid_t id, volatile void *at, const void *from, size_t n);
long domu_copy(struct froe_copy *op);

uint64_t host_free_pages(void);

/* --- in the guest --------------------------------------------------------- */

_Noreturn void domu_main(void);
domid_t domu_self(void);

#endif
