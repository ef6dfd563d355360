/* SPDX-License-Identifier: GPL-2.0-only */
/* What the two halves of the fuzzer share: the calls, and what they may be about. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <xen/xen.h>
#include <xen/event_channel.h>
#include <xen/grant_table.h>
#include <xen/hvm/hvm_op.h>
#include <xen/hvm/params.h>
#include <xen/memory.h>
#include <xen/physdev.h>
#include <xen/platform.h>
#include <xen/sched.h>
#include <xen/vcpu.h>
#include <xen/version.h>

#define PAGE       4096ul
#define FRAMES     8  /* pages for memory_op to take away */
#define GRANT_FREE 40 /* index of the first grant frame that the kernel has no use for */
#define GUARD      0x5a5a5a5a5a5a5a5aull
#define COUNT(a)   (sizeof(a) / sizeof((a)[0]))

extern unsigned int cpu; /* that this process runs on */
extern uint64_t state;   /* of the sequence: next() */
extern uint8_t *area;    /* four pages: two to write, one read-only, one not there */
extern uint8_t *frames;  /* what memory_op may take away */
extern uint64_t gfn[FRAMES];
extern uint32_t ports[256]; /* of this process */
extern unsigned int port_count;

struct call {
	uint64_t nr, arg[5];
	uint32_t *port;    /* where a new port's number will be */
	bool frames_moved; /* they have to be brought back */
};

/* A number below n, the next of the sequence. */
uint64_t below(uint64_t n);
/* Now and then an address that is nobody's. */
uint64_t nowhere(void);
/* The next call. */
void make(struct call *c);
