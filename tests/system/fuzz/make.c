// SPDX-License-Identifier: GPL-2.0-only
/* What the fuzzer asks for: calls and arguments, within the limits that fuzz.c explains. */
#include <string.h>
#include "fuzz.h"

unsigned int cpu;
uint64_t state;
uint8_t *area;
uint8_t *frames;
uint64_t gfn[FRAMES];
uint32_t ports[256];
unsigned int port_count;

/* Vigna's splitmix64: the sequence is its seed. */
static uint64_t next(void)
{
	uint64_t z = state += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

uint64_t below(uint64_t n)
{
	return next() % n;
}

/* --- what arguments are made of ------------------------------------------- */

/* A value that means something somewhere, or is at an edge. */
static uint64_t odd(void)
{
	static const uint64_t values[] = {
		0,          1,          2,          3,          4,          5,          7,
		8,          31,         32,         63,         64,         65,         127,
		128,        129,        255,        511,        512,        513,        4095,
		4096,       4097,       0x7ff0,     0x7ff1,     0x7fff,     0xffff,     0x10000,
		1u << 20,   0x7fffffff, 0x80000000, 0xffffffff, 1ull << 32, 1ull << 36, 1ull << 40,
		1ull << 47, 1ull << 52, 1ull << 63, ~0ull - 1,  ~0ull,
	};

	return below(4) ? values[below(COUNT(values))] : next();
}

/* Nobody's memory: not mapped, or not an address at all. */
uint64_t nowhere(void)
{
	switch (below(5)) {
	case 0:
		return 0;
	case 1:
		return (uint64_t)area + 3 * PAGE + below(PAGE);
	case 2:
		return 0x800000000000ull - below(16);
	case 3:
		return 0xffff7fffffffffffull - below(64);
	default:
		return 0x8000000000000000ull | next() >> 20;
	}
}

/* n bytes for a structure: mostly well placed, sometimes across pages or into the hole behind. */
static void *place(size_t n)
{
	switch (below(8)) {
	case 0:
		return area + PAGE - below(n + 1);
	case 1:
		return area + 2 * PAGE - n;
	default:
		return area + (below(2 * PAGE - n) & ~7ul);
	}
}

/* The structure's address as the hypercall gets it; now and then not that at all. */
static uint64_t pointer(const void *p)
{
	switch (below(24)) {
	case 0:
		return nowhere();
	case 1:
		return (uint64_t)area + 2 * PAGE + below(PAGE); /* read-only, or across its end */
	case 2:
		return (uint64_t)area + 2 * PAGE - below(24); /* the end is read-only */
	default:
		return (uint64_t)p;
	}
}

/* The same for a structure that has an address in it, which must not be read from elsewhere. */
static uint64_t exactly(const void *p)
{
	return below(16) ? (uint64_t)p : nowhere();
}

static void fill(void *p, size_t n)
{
	uint8_t *bytes = p;

	for (size_t i = 0; i < n; i++)
		bytes[i] = (uint8_t)(below(3) ? 0 : next());
}

static domid_t domid(void)
{
	return below(3) ? DOMID_SELF : (domid_t)odd();
}

static uint32_t my_port(void)
{
	if (port_count && below(8))
		return ports[below(port_count)];
	return (uint32_t)(4096 + below(1u << 20)) | (uint32_t)below(2) << 31;
}

/* Ours, or far above all RAM and devices, or no address at all. */
static uint64_t frame(void)
{
	switch (below(8)) {
	case 0:
		return (1ull << 36) + below(1ull << 27);
	case 1:
		return (1ull << 27) + below(1024);
	default:
		return gfn[below(FRAMES)];
	}
}

/* --- calls ------------------------------------------------------------------ */

static void make_version(struct call *c)
{
	uint8_t *p = place(1024);

	fill(p, 8);
	c->nr = __HYPERVISOR_xen_version;
	c->arg[0] = below(13);
	c->arg[1] = pointer(p);
}

static void make_console(struct call *c)
{
	char *p = place(64);

	memset(p, 'x', 64);
	c->nr = __HYPERVISOR_console_io;
	c->arg[0] = below(8) ? CONSOLEIO_write : 2 + below(100);
	c->arg[1] = below(16) ? 0 : below(4);
	c->arg[2] = pointer(p);
	if (!below(4)) {
		c->arg[0] = CONSOLEIO_read;
		c->arg[1] = 0;
	}
}

/* Lists of one: what lies behind may name any frame. Our frames are alike, so a copy is no loss. */
static void make_grant_use(struct call *c, uint8_t op)
{
	struct gnttab_copy *copy = place(sizeof(*copy));
	struct gnttab_map_grant_ref *map = (void *)copy;

	fill(copy, sizeof(*copy));
	if (op == GNTTABOP_copy) {
		copy->source.domid = copy->dest.domid = DOMID_SELF;
		copy->source.u.gmfn = gfn[below(FRAMES)];
		copy->dest.u.gmfn = gfn[below(FRAMES)];
		copy->dest.offset = copy->source.offset;
		copy->flags &= (uint16_t)~GNTCOPY_dest_gref;
	} else {
		map->host_addr = frame() * PAGE;
		map->dom = domid();
		c->frames_moved = true;
	}
	c->nr = __HYPERVISOR_grant_table_op;
	c->arg[0] = op;
	c->arg[1] = exactly(copy);
	c->arg[2] = 1;
}

static void make_grant(struct call *c)
{
	static const uint8_t ops[] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 99 };
	uint8_t op = ops[below(COUNT(ops))];
	struct gnttab_setup_table *p = place(sizeof(*p));

	if (op == GNTTABOP_copy || op == GNTTABOP_map_grant_ref) {
		make_grant_use(c, op);
		return;
	}
	fill(p, sizeof(*p));
	p->dom = domid();
	p->nr_frames = (uint32_t)(below(2) ? below(70) : odd());
	set_xen_guest_handle(p->frame_list, (xen_pfn_t *)pointer(place(512)));
	c->nr = __HYPERVISOR_grant_table_op;
	c->arg[0] = op;
	c->arg[1] = exactly(p);
	c->arg[2] = below(4) ? 1 : odd();
}

static void make_vcpu(struct call *c)
{
	static const uint8_t ops[] = { 1, 3, 4, 5, 7, 8, 9, 10, 12, 13, 14, 77 };
	uint64_t *p = place(64);
	uint64_t op = ops[below(COUNT(ops))];

	fill(p, 64);
	c->nr = __HYPERVISOR_vcpu_op;
	c->arg[0] = op;
	c->arg[1] = below(2) ? cpu : below(4) ? below(4) : odd();
	c->arg[2] = pointer(p);
	switch (op) {
	case VCPUOP_register_runstate_memory_area:
	case VCPUOP_register_vcpu_time_memory_area:
		do
			p[0] = nowhere();
		while (!p[0]);
		c->arg[2] = (uint64_t)p; /* elsewhere it could be an address */
		break;
	case VCPUOP_set_singleshot_timer:
		p[0] = below(1000); /* since the boot: passed */
		c->arg[2] = (uint64_t)p;
		break;
	case VCPUOP_stop_singleshot_timer:
		c->arg[1] = cpu + 1; /* never one's own */
		break;
	case VCPUOP_register_vcpu_info:
		p[0] = frame();
		p[1] = below(2) ? below(PAGE) & ~63ul : odd();
		break;
	}
}

static void make_sched(struct call *c)
{
	static const uint8_t ops[] = { 0, 0, 0, 1, 3, 3, 3, 5, 7, 8, 200 };
	struct sched_poll *p = place(sizeof(*p));

	fill(p, sizeof(*p));
	p->nr_ports = (uint32_t)(below(2) ? below(130) : odd());
	set_xen_guest_handle(p->ports, (evtchn_port_t *)pointer(place(512)));
	p->timeout = 1 + below(1000);
	c->nr = __HYPERVISOR_sched_op;
	c->arg[0] = ops[below(COUNT(ops))];
	c->arg[1] = pointer(p);
}

static void make_event(struct call *c)
{
	static const uint8_t ops[] = { 0, 0, 1, 1, 2, 3, 3, 4,  4,  4,  5,  5,
		                       6, 6, 7, 7, 8, 8, 9, 11, 12, 13, 14, 50 };
	uint32_t *p = place(32);
	uint64_t op = ops[below(COUNT(ops))];

	fill(p, 32);
	c->nr = __HYPERVISOR_event_channel_op;
	c->arg[0] = op;
	c->arg[1] = (uint64_t)p;
	switch (op) {
	case EVTCHNOP_bind_interdomain:
		p[0] = domid();
		p[1] = my_port();
		c->port = &p[2];
		return;
	case EVTCHNOP_bind_virq:
		p[0] = (uint32_t)(below(8) ? below(26) : odd());
		p[1] = (uint32_t)(below(8) ? below(3) : odd());
		c->port = &p[2];
		return;
	case EVTCHNOP_alloc_unbound:
		((domid_t *)p)[0] = domid();
		((domid_t *)p)[1] = domid();
		c->port = &p[1];
		return;
	case EVTCHNOP_bind_ipi:
		p[0] = (uint32_t)(below(8) ? below(3) : odd());
		c->port = &p[1];
		return;
	case EVTCHNOP_close:
	case EVTCHNOP_unmask:
		p[0] = my_port();
		return;
	case EVTCHNOP_bind_vcpu:
		p[0] = my_port();
		p[1] = (uint32_t)(below(8) ? below(3) : odd());
		return;
	case EVTCHNOP_status:
		((domid_t *)p)[0] = domid();
		p[1] = (uint32_t)below(4200);
		break;
	case EVTCHNOP_send:
		p[0] = below(2) ? my_port() : (uint32_t)below(4200);
		break;
	}
	c->arg[1] = pointer(p);
}

static void make_physdev(struct call *c)
{
	uint8_t *p = place(64);

	fill(p, 64);
	c->nr = __HYPERVISOR_physdev_op;
	c->arg[0] = below(34);
	c->arg[1] = pointer(p);
}

static void make_hvm(struct call *c)
{
	static const uint8_t ops[] = { 0, 0, 1, 1, 1, 2, 3, 4, 5, 9, 10, 12, 15, 23, 24, 25, 70 };
	struct xen_hvm_param *p = place(sizeof(*p));

	fill(p, sizeof(*p));
	p->domid = domid();
	p->index = (uint32_t)(below(8) ? below(HVM_NR_PARAMS + 2) : odd());
	p->value = odd();
	c->nr = __HYPERVISOR_hvm_op;
	c->arg[0] = ops[below(COUNT(ops))];
	c->arg[1] = pointer(p);
	if (c->arg[0] == HVMOP_set_param && p->index == HVM_PARAM_CALLBACK_IRQ)
		p->index = HVM_PARAM_STORE_PFN;
	if (c->arg[0] == HVMOP_set_param)
		c->arg[1] = (uint64_t)p;
	if (c->arg[0] == HVMOP_set_evtchn_upcall_vector) {
		*(uint64_t *)p = below(2) ? 64 + below(1000) : below(4) | below(16) << 32;
		c->arg[1] = (uint64_t)p;
	}
}

static void make_platform(struct call *c)
{
	static const uint16_t cmds[] = { 17, 31, 33, 39, 48, 50, 53, 55, 61, 62, 63, 64, 999 };
	struct xen_platform_op *p = place(sizeof(*p));

	fill(p, sizeof(*p));
	p->cmd = cmds[below(COUNT(cmds))];
	p->interface_version = below(8) ? XENPF_INTERFACE_VERSION : (uint32_t)next();
	if (p->cmd == XENPF_get_cpuinfo)
		p->u.pcpu_info.xen_cpuid = (uint32_t)(below(2) ? below(4) : odd());
	c->nr = __HYPERVISOR_platform_op;
	c->arg[0] = pointer(p);
}

static void make_vm_assist(struct call *c)
{
	c->nr = __HYPERVISOR_vm_assist;
	c->arg[0] = below(4) ? below(3) : odd();
	c->arg[1] = below(2) ? below(40) : odd();
}

static void make_memory_list(struct call *c, uint64_t op)
{
	struct xen_memory_reservation *p = place(sizeof(*p));
	uint64_t *list = place(64 * 8);
	bool one_frame = true;

	for (unsigned int i = 0; i < 64; i++)
		list[i] = frame();
	fill(p, sizeof(*p));
	set_xen_guest_handle(p->extent_start, list);
	p->nr_extents = below(8) ? below(64) : odd();
	p->extent_order = 0;
	p->domid = domid();
	if (!below(4)) { /* large extents, and lists that never were: nowhere near our frames */
		set_xen_guest_handle(p->extent_start, (xen_pfn_t *)nowhere());
		p->extent_order = (uint32_t)odd();
		one_frame = false;
	}
	c->arg[0] = op | (below(16) ? 0 : below(70) << 6);
	c->arg[1] = exactly(p);
	c->frames_moved = true;
	/* What lies behind our list in memory is no list: its end must be in it. */
	if (one_frame && p->nr_extents > 64)
		p->nr_extents = 64;
}

static uint64_t grant_index(void)
{
	return below(4) ? GRANT_FREE + below(30) : 1000 + odd() % (1ull << 62);
}

static void make_memory_add(struct call *c, uint64_t op)
{
	struct xen_add_to_physmap *p = place(sizeof(*p));

	fill(p, sizeof(*p));
	p->domid = domid();
	p->space = (unsigned int)(below(4) ? XENMAPSPACE_grant_table : 2 + below(9));
	p->idx = grant_index();
	p->gpfn = frame();
	if (!below(8)) {
		p->space = XENMAPSPACE_shared_info;
		p->idx = 1 + below(1000);
	}
	c->arg[0] = op;
	c->arg[1] = (uint64_t)p;
	c->frames_moved = true;
}

static void make_memory_batch(struct call *c, uint64_t op)
{
	struct xen_add_to_physmap_batch *p = place(sizeof(*p));
	uint64_t *idxs = (uint64_t *)area, *gpfns = idxs + 64;

	for (unsigned int i = 0; i < 64; i++) {
		idxs[i] = grant_index();
		gpfns[i] = frame();
	}
	p = (void *)(gpfns + 64);
	fill(p, sizeof(*p));
	p->domid = domid();
	p->space = (uint16_t)(below(2) ? XENMAPSPACE_grant_table : 2 + below(9));
	p->size = (uint16_t)below(65);
	p->u.foreign_domid = below(2) ? 0 : domid();
	set_xen_guest_handle(p->idxs, idxs);
	set_xen_guest_handle(p->gpfns, gpfns);
	set_xen_guest_handle(p->errs, (int *)pointer(place(64 * 4)));
	c->arg[0] = op | (below(16) ? 0 : below(70) << 6);
	c->arg[1] = (uint64_t)p;
	c->frames_moved = true;
}

static void make_memory(struct call *c)
{
	static const uint8_t ops[] = { 0,  1,  1,  2,  3,  4,  5,  6,  6,  7,  7,  9,
		                       10, 11, 12, 13, 14, 15, 15, 16, 17, 18, 19, 20,
		                       21, 22, 23, 23, 24, 25, 26, 27, 28, 29, 63 };
	uint64_t op = ops[below(COUNT(ops))];
	uint64_t *p = place(64);

	c->nr = __HYPERVISOR_memory_op;
	switch (op) {
	case XENMEM_decrease_reservation:
	case XENMEM_populate_physmap:
		make_memory_list(c, op);
		return;
	case XENMEM_add_to_physmap:
		make_memory_add(c, op);
		return;
	case XENMEM_add_to_physmap_batch:
		make_memory_batch(c, op);
		return;
	case XENMEM_remove_from_physmap:
		fill(p, 64);
		((domid_t *)p)[0] = domid();
		p[1] = frame();
		c->arg[0] = op;
		c->arg[1] = (uint64_t)p;
		c->frames_moved = true;
		return;
	case XENMEM_memory_map:
		((uint32_t *)p)[0] = (uint32_t)odd();
		p[1] = pointer(place(128 * 20));
		c->arg[0] = op;
		c->arg[1] = exactly(p);
		return;
	default:
		fill(p, 64);
		((domid_t *)p)[0] = domid();
	}
	c->arg[0] = op | (below(16) ? 0 : odd() << 6);
	c->arg[1] = pointer(p);
}

/* A number that is nobody's; the kernel passes on 32 bits of it. */
static void make_unknown(struct call *c)
{
	static const uint8_t known[] = { 7, 12, 13, 17, 18, 20, 21, 24, 29, 32, 33, 34 };

	c->nr = (uint32_t)(below(2) ? below(64) : odd());
	if (c->nr < 64 && memchr(known, (int)c->nr, sizeof(known)))
		c->nr += 64;
	for (unsigned int i = 0; i < 5; i++)
		c->arg[i] = below(2) ? odd() : pointer(area);
}

void make(struct call *c)
{
	static void (*const makers[])(struct call *) = {
		make_version,   make_console, make_grant,   make_vcpu,    make_sched,
		make_event,     make_event,   make_physdev, make_hvm,     make_platform,
		make_vm_assist, make_memory,  make_memory,  make_unknown,
	};

	memset(c, 0, sizeof(*c));
	makers[below(COUNT(makers))](c);
}
