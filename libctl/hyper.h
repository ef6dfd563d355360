/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Hypercalls (hyper.c). Arguments are built in the handle's one buffer, which is never swapped out
 * and which the hypervisor reads and writes in place: what lies in it is good until the next call.
 */
#pragma once

#include "internal.h"
#include <xen/xen.h>
#include <xen/domctl.h>
#include <xen/event_channel.h>
#include <xen/memory.h>
#include <xen/sysctl.h>
#include <xen/hvm/hvm_op.h>
#include <xen/hvm/params.h>

#define PAGE 4096ul

struct xentoollog_logger;

/* The buffer, zeroed, with room for `size` bytes; NULL with the error in the handle. */
void *froe__buffer(struct froe *f, size_t size);
/* 0 or more, or a negative errno; -EPERM and so on also if the hypervisor cannot be reached. */
long froe__hypercall(struct froe *f, unsigned nr, uint64_t a, uint64_t b);

/*
 * A domctl or sysctl to be filled in, with `extra` bytes of room behind it at *more (unless NULL);
 * then the call itself.
 */
struct xen_domctl *froe__domctl(struct froe *f, uint32_t cmd, uint32_t domain, size_t extra,
                                void *more);
long froe__domctl_call(struct froe *f, struct xen_domctl *d);
struct xen_sysctl *froe__sysctl(struct froe *f, uint32_t cmd, size_t extra, void *more);
long froe__sysctl_call(struct froe *f, struct xen_sysctl *s);

/* For those libraries that would print. */
extern struct xentoollog_logger *const froe__silent;
/* Grant a guest's console and store pages to domain 0 (grants.c). */
int froe__seed_grants(struct froe *f, uint32_t id, uint64_t console, uint64_t store);

/* A domctl with no more to it than that. */
int froe__domctl_simple(struct froe *f, uint32_t cmd, uint32_t domain, const char *what);
/* The handle's error for what a call returned: "cannot pause domain 3: ..."; HOST: no domain. */
#define HOST (~0u)
int froe__hyper_fail(struct froe *f, long rc, const char *what, uint32_t domain);
int froe__physinfo(struct froe *f, struct xen_sysctl_physinfo *p); /* host.c */
void froe__hyper_close(struct froe *f);
