/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A guest that misbehaves for ever, in the way that do=N on its command line says,
 * towards those who serve it: its console, its store, the hypervisor. It ends when
 * it is destroyed.
 */
#include "guest.h"
#include <xen/io/console.h>
#include <xen/io/xs_wire.h>

static evtchn_port_t console_port, store_port;
static volatile struct xencons_interface *console;
static volatile struct xenstore_domain_interface *store;

static uint64_t param(unsigned int index)
{
	uint64_t value = 0;

	EXPECT_EQ(xen_get_param(index, &value), 0);
	return value;
}

/* As much output as the ring takes, at once and again. */
static void talk(void)
{
	for (uint32_t n = 0;; n++) {
		while (console->out_prod - console->out_cons >= sizeof(console->out))
			xen_sched(SCHEDOP_yield, NULL);
		console->out[console->out_prod % sizeof(console->out)] = n % 80 ? 'x' : '\n';
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		console->out_prod++;
		if (n % 512 == 0)
			xen_send(console_port);
	}
}

/* Indices that no ring can have, another pair each time. */
static void lie_about_console(void)
{
	for (uint32_t n = 1;; n++) {
		console->out_prod = console->out_cons + 3000 * n;
		console->in_cons = 77 * n;
		xen_send(console_port);
	}
}

static void lie_about_store(void)
{
	for (uint32_t n = 1;; n++) {
		store->req_prod = store->req_cons + 1025 * n;
		store->rsp_cons = 4096 * n;
		xen_send(store_port);
	}
}

static void put(const void *from, uint32_t n)
{
	const uint8_t *p = from;

	for (; n; n--, p++) {
		while (store->req_prod - store->req_cons >= XENSTORE_RING_SIZE)
			xen_sched(SCHEDOP_yield, NULL);
		store->req[store->req_prod % XENSTORE_RING_SIZE] = (char)*p;
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		store->req_prod++;
	}
	xen_send(store_port);
}

/* A node more with each request; answers are thrown away, or not even taken. */
static void fill_store(bool take)
{
	char payload[] = "data/00000000\0value";
	struct xsd_sockmsg m = { .type = XS_WRITE, .len = sizeof(payload) - 1 };

	for (uint32_t n = 0;; n++) {
		for (uint32_t digit = 0; digit < 8; digit++)
			payload[5 + digit] = "0123456789abcdef"[n >> (28 - 4 * digit) & 15];
		m.req_id = n;
		put(&m, sizeof(m));
		put(payload, m.len);
		if (take)
			store->rsp_cons = store->rsp_prod;
	}
}

/* A frame longer than any, and what follows it. */
static void long_frame(void)
{
	struct xsd_sockmsg m = { .type = XS_WRITE, .len = 0xfffffff0 };

	for (;;)
		put(&m, sizeof(m));
}

static void storm(void)
{
	evtchn_port_t port;

	while (!xen_alloc_unbound(DOMID_SELF, 0, &port))
		;
	for (;;) {
		xen_send(console_port);
		xen_send(store_port);
	}
}

static void shout(void)
{
	for (;;)
		print("all work and no play makes a guest a dull domain\n");
}

static void fill_and_take(void)
{
	fill_store(true);
}

static void fill_and_leave(void)
{
	fill_store(false);
}

static void (*const ways[])(void) = {
	talk,           lie_about_console, lie_about_store, fill_and_take,
	fill_and_leave, long_frame,        storm,           shout,
};

void test_main(void)
{
	console = (void *)(param(HVM_PARAM_CONSOLE_PFN) * PAGE_SIZE);
	store = (void *)(param(HVM_PARAM_STORE_PFN) * PAGE_SIZE);
	console_port = (evtchn_port_t)param(HVM_PARAM_CONSOLE_EVTCHN);
	store_port = (evtchn_port_t)param(HVM_PARAM_STORE_EVTCHN);
	ways[guest_option("do=", 0) % ARRAY_LEN(ways)]();
}
