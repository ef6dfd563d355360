/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One CPU changes what the other's hypercall is about to use: page-table
 * entries, frames, arguments. The call is done or is a fault, never both, and
 * nothing else is touched.
 *
 * Sources: xen/errno.h; arguments are read once, pointers go through the
 * caller's own tables each time (APM2 5.3).
 *
 * run: smp=2
 */
#include "lib/guest.h"

#define CALLS 8000

static volatile bool stop;
static uint8_t *frames[4];
static uint64_t forbidden; /* an address that is not this domain's */

static uint64_t unusable(void)
{
	struct hvm_memmap_table_entry *map = (void *)start_info->memmap_paddr;
	unsigned int i;

	for (i = 0; i < start_info->memmap_entries; i++) {
		if (map[i].type == XEN_HVM_MEMMAP_TYPE_UNUSABLE && map[i].size > 2 * PAGE_SIZE)
			return (map[i].addr + map[i].size / 2) & -PAGE_SIZE;
	}
	return 0;
}

/* The entry of window page 0 is never the same for long; nothing flushes it but its user. */
static void flip_entries(void *arg)
{
	volatile uint64_t *entry = arg;
	const uint64_t value[] = {
		(uint64_t)frames[0] | PG_KERNEL, 0,
		(uint64_t)frames[1] | PG_P,      (uint64_t)frames[1] | PG_KERNEL,
		forbidden | PG_KERNEL,           0xfee00000 | PG_KERNEL,
		1ul << 39 | PG_KERNEL,           ~0ul,
	};
	unsigned int i = 0;

	while (!stop)
		*entry = value[i++ % ARRAY_LEN(value)];
}

struct outcome {
	uint32_t done, fault, other;
};

static void note(struct outcome *o, long rc)
{
	if (rc == 0)
		o->done++;
	else if (rc == -XEN_EFAULT)
		o->fault++;
	else
		o->other++;
}

static uint64_t *entry_of_window(void)
{
	extern uint64_t page_pml4[512];
	uint64_t *t = page_pml4, va = (uint64_t)page_window(0);
	int shift;

	for (shift = 39; shift > 12; shift -= 9)
		t = (uint64_t *)(t[va >> shift & 511] & 0x000ffffffffff000ul);
	return &t[va >> 12 & 511];
}

static void test_entries(void)
{
	uint8_t *va = page_window(0);
	struct outcome o = { 0 };
	unsigned int i, stray = 0;

	page_map(va, (uint64_t)frames[0], PG_KERNEL);
	page_map(va + PAGE_SIZE, (uint64_t)frames[2], PG_KERNEL);
	for (i = 0; i < 4; i++)
		memset(frames[i], 0, PAGE_SIZE);
	stop = false;
	cpu_run(1, flip_entries, entry_of_window());
	for (i = 0; i < CALLS; i++) {
		invlpg(va);
		/* Half of it in the page that changes, half in the one behind. */
		note(&o, xen_version(XENVER_get_features, va + PAGE_SIZE - 4));
	}
	stop = true;
	EXPECT(cpu_wait(1, PATIENCE));
	EXPECT_EQ(o.other, 0);
	EXPECT(o.done > 0 && o.fault > 0);
	print("entries: %u done, %u faults\n", o.done, o.fault);
	for (i = 0; i < PAGE_SIZE - 4; i++)
		stray += frames[0][i] != 0 || frames[1][i] != 0 || frames[3][i] != 0;
	EXPECT_EQ(stray, 0);
	page_unmap(va);
	page_unmap(va + PAGE_SIZE);
}

/* The frame itself comes and goes: RAM, hole, a frame of the grant table. */
static void flip_frames(void *arg)
{
	xen_pfn_t gpfn = (uint64_t)arg / PAGE_SIZE;
	struct xen_memory_reservation r = { .nr_extents = 1, .domid = DOMID_SELF };
	unsigned int i;

	set_xen_guest_handle_raw(r.extent_start, &gpfn);
	for (i = 0; !stop; i++) {
		xen_remove_from_physmap(gpfn);
		if (i & 1)
			xen_add_to_physmap(XENMAPSPACE_grant_table, 0, gpfn);
		if (i & 2)
			xen_remove_from_physmap(gpfn);
		xen_memory(XENMEM_populate_physmap, &r);
	}
	xen_remove_from_physmap(gpfn);
	xen_memory(XENMEM_populate_physmap, &r);
}

static void test_frames(void)
{
	struct xen_feature_info *fi = (void *)(frames[0] + 64);
	struct outcome o = { 0 };
	unsigned int i, stray = 0;

	memset(frames[3], 0, PAGE_SIZE);
	stop = false;
	cpu_run(1, flip_frames, frames[0]);
	/* While it is a hole it reads as ones: submap 0xffffffff is EINVAL. */
	for (i = 0; i < CALLS; i++)
		note(&o, xen_version(XENVER_get_features, fi));
	stop = true;
	EXPECT(cpu_wait(1, PATIENCE));
	EXPECT(o.done > 0);
	print("frames: %u done, %u faults, %u others\n", o.done, o.fault, o.other);
	for (i = 0; i < PAGE_SIZE; i++)
		stray += frames[1][i] != 0 && i < PAGE_SIZE - 4;
	EXPECT_EQ(stray, 0);
	EXPECT(fwcfg_dma_reaches(frames[0], (uint64_t)frames[0]));
	EXPECT_EQ(try_write(frames[0], 7), TRAP_NONE);
}

/* Areas that the hypervisor writes to on its own, in a frame that goes away meanwhile. */
static void test_areas(void)
{
	struct vcpu_register_runstate_memory_area rs = { .addr.p = (uint64_t)frames[0] + 256 };
	struct vcpu_register_time_memory_area ti = { .addr.p = (uint64_t)frames[0] + 512 };
	struct vcpu_set_singleshot_timer t = { 0 };
	evtchn_port_t port;
	unsigned int i;

	EXPECT_EQ(xen_vcpu(VCPUOP_register_runstate_memory_area, 0, &rs), 0);
	xen_vcpu(VCPUOP_register_vcpu_time_memory_area, 0, &ti);
	EXPECT_EQ(xen_bind_virq(VIRQ_TIMER, 0, &port), 0);
	stop = false;
	cpu_run(1, flip_frames, frames[0]);
	irq_disable();
	for (i = 0; i < 300; i++) {
		xen_port_count[port] = 0;
		t.timeout_abs_ns = time_now() + 20000;
		EXPECT_EQ(xen_vcpu(VCPUOP_set_singleshot_timer, 0, &t), 0);
		while (!xen_port_count[port])
			irq_wait();
	}
	irq_enable();
	stop = true;
	EXPECT(cpu_wait(1, PATIENCE));
	EXPECT_EQ(xen_close(port), 0);
	rs.addr.p = (uint64_t)frames[2];
	EXPECT_EQ(xen_vcpu(VCPUOP_register_runstate_memory_area, 0, &rs), 0);
	EXPECT(fwcfg_dma_reaches(frames[0], (uint64_t)frames[0]));
}

/* The list of a multicall changes under the hands of the one who works it off. */
static struct multicall_entry list[32];

static void flip_list(void *arg)
{
	volatile struct multicall_entry *l = arg;
	unsigned int i = 0;

	while (!stop) {
		l[i % 32].op = i % 3 ? __HYPERVISOR_xen_version : 1000 + i;
		l[(i + 7) % 32].args[0] = i % 5 ? XENVER_version : XENVER_get_features;
		l[(i + 3) % 32].args[1] = i % 2 ? 0x800000000000 : (uint64_t)frames[2];
		i++;
	}
}

static void test_list(void)
{
	unsigned int i, j, odd = 0;
	long rc;

	for (i = 0; i < 32; i++)
		list[i] = (struct multicall_entry){ .op = __HYPERVISOR_xen_version };
	stop = false;
	cpu_run(1, flip_list, list);
	for (i = 0; i < 500; i++) {
		rc = hcall2(__HYPERVISOR_multicall, list, 32);
		odd += rc != 0;
		for (j = 0; j < 32; j++) {
			rc = (long)list[j].result;
			odd += rc != (4 << 16 | 17) && rc != -XEN_ENOSYS && rc != -XEN_EFAULT &&
			       rc != -XEN_EINVAL && rc != 0;
		}
	}
	stop = true;
	EXPECT(cpu_wait(1, PATIENCE));
	EXPECT_EQ(odd, 0);
}

/* Everything closed at once while the other one binds and sends. */
static void bind_and_send(void *arg)
{
	evtchn_port_t a, b;

	(void)arg;
	while (!stop) {
		if (xen_alloc_unbound(DOMID_SELF, DOMID_SELF, &a))
			continue;
		if (xen_bind_interdomain(DOMID_SELF, a, &b) == 0) {
			xen_send(b);
			xen_send(a);
			xen_close(b);
		}
		xen_close(a);
	}
}

static void test_reset(void)
{
	struct evtchn_reset reset = { .dom = DOMID_SELF };
	struct evtchn_status st;
	unsigned int i, bad = 0, left = 0;
	evtchn_port_t port;

	stop = false;
	cpu_run(1, bind_and_send, NULL);
	for (i = 0; i < 200; i++) {
		bad += xen_event(EVTCHNOP_reset, &reset) != 0;
		bad += xen_bind_ipi(0, &port) != 0;
	}
	stop = true;
	EXPECT(cpu_wait(1, PATIENCE));
	EXPECT_EQ(bad, 0);
	EXPECT_EQ(xen_event(EVTCHNOP_reset, &reset), 0);
	for (port = 1; port < 4096; port++) {
		if (xen_status(port, &st) == 0)
			left += st.status != EVTCHNSTAT_closed;
	}
	EXPECT_EQ(left, 0);
}

void test_main(void)
{
	unsigned int i;

	xen_events_on();
	for (i = 0; i < 4; i++)
		frames[i] = page_alloc();
	forbidden = unusable();
	EXPECT(forbidden);
	EXPECT(cpu_start(1));
	test_entries();
	test_frames();
	test_areas();
	test_list();
	test_reset();
	EXPECT_EQ(cpus[0].irq_flags_bad + cpus[1].irq_flags_bad, 0);
}
