/* SPDX-License-Identifier: GPL-2.0-only */
/* Event channels, 2-level ABI (core/event.c). */
#pragma once

#include <bits.h>
#include <spinlock.h>
#include <xen/xen.h>
#include <xen/event_channel.h>

struct domain;
struct vcpu;

#define EVENT_MAX        4096 /* 64 words x 64 bits */
#define EVENT_PER_BUCKET 128

enum event_state {
	EVENT_FREE,
	EVENT_RESERVED, /* port 0 */
	EVENT_UNBOUND,
	EVENT_INTERDOMAIN,
	EVENT_VIRQ,
	EVENT_IPI,
};

struct event {
	struct spinlock lock; /* send against close */
	u8 state;
	u8 virq;
	u16 notify_vcpu;
	u16 remote_domid;      /* UNBOUND, INTERDOMAIN */
	u32 remote_port;       /* INTERDOMAIN */
	struct domain *remote; /* INTERDOMAIN */
};

struct event_table {
	struct spinlock lock; /* before any event's lock; two of them by address */
	struct event *bucket[EVENT_MAX / EVENT_PER_BUCKET]; /* published when initialised */
	u32 valid;      /* ports [0, valid) may be looked up; store-release */
	u32 max;        /* limit from creation, at most EVENT_MAX */
	u32 first_free; /* no port below is free */
};

/* The one way from a number that a guest gave to an event. NULL if there is no such port. */
static inline struct event *event_get(struct event_table *t, u32 port)
{
	u32 valid = load_acquire(&t->valid);

	if (port >= valid)
		return NULL;
	port = (u32)index_nospec(port, valid);
	return &t->bucket[port / EVENT_PER_BUCKET][port % EVENT_PER_BUCKET];
}

static inline bool event_in_use(const struct event *e)
{
	return e->state != EVENT_FREE && e->state != EVENT_RESERVED;
}

int event_init(struct domain *d);
void event_destroy(struct domain *d);
/* Close the port behind *port, which counts up from 0; false if there is none. */
bool event_close_next(struct domain *d, u32 *port);

/* The caller of an upcall vector has changed: tell v again of what is pending. */
void event_upcall_changed(struct vcpu *v);
/* Raise a per-vCPU VIRQ (TIMER, DEBUG), or a global one at the control domain's vCPU 0. */
void event_send_virq(struct vcpu *v, u32 virq);
void event_send_global_virq(u32 virq);
/* After vcpu_info has moved: deliver everything again, so that nothing is lost. */
void event_vcpu_info_moved(struct vcpu *v);
/* Whether one of the vCPU's polled ports is pending, masked or not. */
bool event_poll_ready(struct vcpu *v);
/* Self-check, number of violations; event_check.c. */
u32 event_check(struct domain *d);
/* One line a port in use, for the console menu; event_check.c. */
void event_dump(struct domain *d);
