/* SPDX-License-Identifier: GPL-2.0-only */
/* The hypervisor as a test sees it: its leaves, its pages, its calls, its upcall. */
#include "guest.h"

#define VECTOR_UPCALL   0xf3
#define CALLBACK_VECTOR (2ull << 56)

uint32_t xen_base;
struct shared_info *xen_shared;
volatile uint32_t xen_port_count[4096];

#define NOBODY (-1u)
static uint8_t port_owner[4096]; /* CPU + 1; 0: whoever comes first */

static struct vcpu_info *vcpu_infos[CPU_MAX];
static uint8_t hypercall_page[4096] __attribute__((aligned(4096)));
static bool hypercall_page_set;

/* xen/arch-x86/cpuid.h: the signature lies at some 0x40000000 + n * 0x100. */
void xen_init(void)
{
	uint32_t base;
	struct cpuid r;

	for (base = 0x40000000; base < 0x40010000; base += 0x100) {
		r = cpuid(base, 0);
		if (r.ebx == XEN_CPUID_SIGNATURE_EBX && r.ecx == XEN_CPUID_SIGNATURE_ECX &&
		    r.edx == XEN_CPUID_SIGNATURE_EDX) {
			xen_base = base;
			return;
		}
	}
}

void *hcall_page(void)
{
	if (!hypercall_page_set)
		wrmsr(cpuid(xen_base + 2, 0).ebx, (uint64_t)hypercall_page);
	hypercall_page_set = true;
	return hypercall_page;
}

long hcall_by(enum hcall_way way, unsigned long nr, unsigned long a1, unsigned long a2,
              unsigned long a3)
{
	void *entry;

	switch (way) {
	case HCALL_VMMCALL:
		asm volatile("vmmcall"
		             : "+a"(nr), "+D"(a1), "+S"(a2), "+d"(a3)
		             :
		             : "memory", "r8", "r10");
		break;
	case HCALL_VMCALL:
		asm volatile("vmcall"
		             : "+a"(nr), "+D"(a1), "+S"(a2), "+d"(a3)
		             :
		             : "memory", "r8", "r10");
		break;
	case HCALL_PAGE:
		entry = (uint8_t *)hcall_page() + 32 * nr;
		asm volatile("call *%[entry]"
		             : "=a"(nr), "+D"(a1), "+S"(a2), "+d"(a3)
		             : [entry] "r"(entry)
		             : "memory", "rcx", "r8", "r9", "r10", "r11");
		break;
	}
	return (long)nr;
}

/* Over a frame of our own RAM, where the stock kernel puts it too. */
void xen_map_shared(void)
{
	void *page;

	if (xen_shared)
		return;
	page = page_alloc();
	EXPECT_EQ(xen_add_to_physmap(XENMAPSPACE_shared_info, 0, (uint64_t)page / PAGE_SIZE), 0);
	__atomic_store_n(&xen_shared, page, __ATOMIC_RELEASE);
}

volatile struct vcpu_info *xen_vcpu_info(unsigned int cpu)
{
	return vcpu_infos[cpu] ? vcpu_infos[cpu] : &xen_shared->vcpu_info[cpu];
}

void xen_use_vcpu_info(unsigned int cpu, struct vcpu_info *vi)
{
	vcpu_infos[cpu] = vi;
}

/*
 * The 2-level scan (xen/event_channel.h): clear the pending flag before the
 * selector and the selector before the words, so that nothing is lost. A word
 * holds ports of other CPUs as well. Those that are bound to one are left to it, or
 * it would find nothing, and sleep on, before the event has been counted here. Of
 * others whoever clears a bit, and nobody else, counts it, or a CPU that was slow to
 * come here would count an event a second time.
 */
static void upcall(struct frame *f)
{
	unsigned int w, port, cpu = cpu_this()->id;
	volatile struct vcpu_info *vi = xen_vcpu_info(cpu);
	uint64_t sel, bits;

	(void)f;
	vi->evtchn_upcall_pending = 0;
	sel = __atomic_exchange_n(&vi->evtchn_pending_sel, 0, __ATOMIC_SEQ_CST);
	while (sel) {
		w = (unsigned int)__builtin_ctzl(sel);
		sel &= sel - 1;
		bits = __atomic_load_n(&xen_shared->evtchn_pending[w], __ATOMIC_SEQ_CST) &
		       ~__atomic_load_n(&xen_shared->evtchn_mask[w], __ATOMIC_SEQ_CST);
		for (; bits; bits &= bits - 1) {
			port = w * 64 + (unsigned int)__builtin_ctzl(bits);
			if (port_owner[port] && port_owner[port] != cpu + 1)
				continue;
			if (__atomic_fetch_and(&xen_shared->evtchn_pending[w], ~(1ul << port % 64),
			                       __ATOMIC_SEQ_CST) >>
			            port % 64 &
			    1)
				__atomic_add_fetch(&xen_port_count[port], 1, __ATOMIC_SEQ_CST);
		}
	}
}

void xen_events_on(void)
{
	xen_map_shared();
	trap_set(VECTOR_UPCALL, upcall);
	EXPECT_EQ(xen_set_param(HVM_PARAM_CALLBACK_IRQ, CALLBACK_VECTOR | VECTOR_UPCALL), 0);
}

bool xen_pending(evtchn_port_t port)
{
	return __atomic_load_n(&xen_shared->evtchn_pending[port / 64], __ATOMIC_SEQ_CST) >>
	               port % 64 &
	       1;
}

void xen_clear(evtchn_port_t port)
{
	__atomic_and_fetch(&xen_shared->evtchn_pending[port / 64], ~(1ul << port % 64),
	                   __ATOMIC_SEQ_CST);
}

void xen_mask(evtchn_port_t port, bool on)
{
	xen_ulong_t *word = &xen_shared->evtchn_mask[port / 64];

	if (on)
		__atomic_or_fetch(word, 1ul << port % 64, __ATOMIC_SEQ_CST);
	else
		__atomic_and_fetch(word, ~(1ul << port % 64), __ATOMIC_SEQ_CST);
}

void xen_shutdown(unsigned int reason)
{
	struct sched_shutdown arg = { .reason = reason };

	for (;;)
		xen_sched(SCHEDOP_shutdown, &arg);
}

/* Without a hypervisor: the sleep register of QEMU's q35 as its firmware places it. */
void guest_power_off(void)
{
	if (xen_base)
		xen_shutdown(SHUTDOWN_poweroff);
	outw(0x604, 0x2000);
	for (;;)
		asm volatile("cli; hlt");
}

static long own(long rc, evtchn_port_t port, unsigned int cpu)
{
	if (!rc)
		port_owner[port] = (uint8_t)(cpu + 1);
	return rc;
}

long xen_alloc_unbound(domid_t dom, domid_t remote, evtchn_port_t *port)
{
	struct evtchn_alloc_unbound op = { .dom = dom, .remote_dom = remote };
	long rc = xen_event(EVTCHNOP_alloc_unbound, &op);

	*port = op.port;
	return own(rc, op.port, NOBODY);
}

long xen_bind_interdomain(domid_t remote, evtchn_port_t rport, evtchn_port_t *port)
{
	struct evtchn_bind_interdomain op = { .remote_dom = remote, .remote_port = rport };
	long rc = xen_event(EVTCHNOP_bind_interdomain, &op);

	*port = op.local_port;
	return own(rc, op.local_port, NOBODY);
}

long xen_bind_virq(unsigned int virq, unsigned int cpu, evtchn_port_t *port)
{
	struct evtchn_bind_virq op = { .virq = virq, .vcpu = cpu };
	long rc = xen_event(EVTCHNOP_bind_virq, &op);

	*port = op.port;
	return own(rc, op.port, cpu);
}

long xen_bind_ipi(unsigned int cpu, evtchn_port_t *port)
{
	struct evtchn_bind_ipi op = { .vcpu = cpu };
	long rc = xen_event(EVTCHNOP_bind_ipi, &op);

	*port = op.port;
	return own(rc, op.port, cpu);
}

long xen_bind_vcpu(evtchn_port_t port, unsigned int cpu)
{
	struct evtchn_bind_vcpu op = { .port = port, .vcpu = cpu };

	port_owner[port % 4096] = 0; /* what is pending was told to the one before */
	return xen_event(EVTCHNOP_bind_vcpu, &op);
}

long xen_close(evtchn_port_t port)
{
	struct evtchn_close op = { .port = port };

	port_owner[port % 4096] = 0;
	return xen_event(EVTCHNOP_close, &op);
}

long xen_send(evtchn_port_t port)
{
	struct evtchn_send op = { .port = port };

	return xen_event(EVTCHNOP_send, &op);
}

long xen_unmask(evtchn_port_t port)
{
	struct evtchn_unmask op = { .port = port };

	return xen_event(EVTCHNOP_unmask, &op);
}

long xen_status(evtchn_port_t port, struct evtchn_status *st)
{
	memset(st, 0, sizeof(*st));
	st->dom = DOMID_SELF;
	st->port = port;
	return xen_event(EVTCHNOP_status, st);
}

long xen_add_to_physmap(unsigned int space, uint64_t idx, uint64_t gpfn)
{
	struct xen_add_to_physmap op = {
		.domid = DOMID_SELF,
		.space = space,
		.idx = idx,
		.gpfn = gpfn,
	};

	return xen_memory(XENMEM_add_to_physmap, &op);
}

long xen_remove_from_physmap(uint64_t gpfn)
{
	struct xen_remove_from_physmap op = { .domid = DOMID_SELF, .gpfn = gpfn };

	return xen_memory(XENMEM_remove_from_physmap, &op);
}

long xen_get_param(unsigned int index, uint64_t *value)
{
	struct xen_hvm_param op = { .domid = DOMID_SELF, .index = index };
	long rc = xen_hvm(HVMOP_get_param, &op);

	*value = op.value;
	return rc;
}

long xen_set_param(unsigned int index, uint64_t value)
{
	struct xen_hvm_param op = { .domid = DOMID_SELF, .index = index, .value = value };

	return xen_hvm(HVMOP_set_param, &op);
}
