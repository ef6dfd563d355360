/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The life of guests on the real allocators, tables, event channels and grants: with memory for
 * everything, and with memory that ends at every possible place; and vCPU state from a hostile
 * tool.
 *
 * files: hypervisor/core/domctl.c hypervisor/core/domain.c hypervisor/core/destroy.c
 * files: hypervisor/core/vcpu.c hypervisor/core/event.c hypervisor/core/page.c
 * files: hypervisor/core/heap.c hypervisor/core/grant.c hypervisor/core/grant_map.c
 * files: hypervisor/core/memory.c hypervisor/core/hvmcontext.c hypervisor/core/event_check.c
 * files: hypervisor/arch/x86/virt/p2m.c hypervisor/arch/x86/paging.c
 * files: hypervisor/arch/x86/virt/context.c
 */
#include "harness.h"
#include <xen/hvm/save.h>
#include <bootinfo.h>
#include <fpu.h>
#include <handlers.h>
#include <page.h>
#include <printk.h>
#include <stdlib.h>
#include <string.h>
#include <timer.h>
#include <virt.h>

#define RAM_END (64 * MIB)
#define VCPUS   34 /* two of them not in shared_info */

struct cpu_features cpu_features = { .phys_bits = 40, .gib_pages = true };
struct cpu *cpus[MAX_CPUS];
u32 cpu_count = 1, time_mul = 1;
s32 time_shift;
u64 time_tsc_base, time_tsc_khz;
struct wallclock time_wallclock = { .sec = 100 };
struct boot_options boot_options;
static struct vcpu caller;
static u32 ends_told, settled, stopped_watchdogs, applied;

/* --- what the files call and is not of interest ------------------------------------------- */

static int stub_init(struct vcpu *v)
{
	v->virt = heap_alloc(600);
	return v->virt ? 0 : -ENOMEM;
}
static void stub_free(struct vcpu *v)
{
	heap_free(v->virt);
}
static void stub_set(struct vcpu *v, const struct hvm_hw_cpu *c)
{
	applied++;
}
static const struct virt_ops ops = { .vcpu_init = stub_init,
	                             .vcpu_free = stub_free,
	                             .vcpu_set = stub_set };
const struct virt_ops *virt = &ops;

int fpu_init(struct vcpu *v)
{
	v->xsave = heap_alloc(PAGE_SIZE);
	return v->xsave ? 0 : -ENOMEM;
}
void fpu_free(struct vcpu *v)
{
	heap_free(v->xsave);
}
/* All bits that any guest might be shown. */
void vcpu_cpuid(struct vcpu *v, u32 leaf, u32 subleaf, struct cpuid_regs *r)
{
	*r = (struct cpuid_regs){ ~0U, ~0U, ~0U, ~0U };
}
int domain_io_init(struct domain *d)
{
	return 0;
}
int domain_msr_init(struct domain *d)
{
	return 0;
}
void vlapic_init(struct vcpu *v)
{
}
void vlapic_set_irq(struct vcpu *v, u8 vector, bool level)
{
}
u64 time_now(void)
{
	return 1000;
}
u64 time_from_tsc(u64 tsc)
{
	return tsc;
}
void timer_init(struct timer *t, struct cpu *c, void (*fn)(struct timer *))
{
}
void timer_stop(struct timer *t)
{
}
void vcpu_wake(struct vcpu *v)
{
}
void vcpu_kick(struct vcpu *v)
{
}
void vcpu_ready(struct vcpu *v)
{
	CHECK(!v->domain->pause_count);
}
void vcpu_unready(struct vcpu *v)
{
	CHECK(v->domain->pause_count);
}
void vcpu_runstate_get(struct vcpu *v, struct vcpu_runstate_info *r)
{
	*r = v->runstate;
}
struct vcpu_runstate_info vcpu_runstate(struct vcpu *v)
{
	return v->runstate;
}
void platform_wallclock_update(struct domain *d)
{
}
void cpu_kick(struct cpu *c, u64 todo)
{
	c->todo |= todo;
}
void smp_settle(void)
{
	settled++;
}
void schedop_stop_watchdogs(struct domain *d)
{
	CHECK(d->dying);
	stopped_watchdogs++;
}
void machine_power_off(void)
{
	abort();
}
void machine_reboot(void)
{
	abort();
}
void machine_stop(const char *why)
{
	abort();
}
bool printk_debug(void)
{
	return false;
}
int copy_from_guest(void *to, u64 from, size_t n)
{
	if (from < PAGE_SIZE)
		return -EFAULT;
	memcpy(to, (void *)from, n);
	return 0;
}
int copy_to_guest(u64 to, const void *from, size_t n)
{
	memcpy((void *)to, from, n);
	return 0;
}
int copy_to_gpa(struct domain *d, gpa_t to, const void *from, size_t n)
{
	return -EFAULT;
}
int hypercall_target(struct hypercall *c, domid_t id, struct domain **out)
{
	*out = domain_get(id);
	return *out ? 0 : -ESRCH;
}
s64 hypercall_again(struct hypercall *c)
{
	c->restart = true;
	return 0;
}

/* --- the tool ------------------------------------------------------------------------------ */

/* As the dispatcher would, to the end; and what was left to do behind it. */
static s64 op(domid_t id, hypercall_fn *fn, struct xen_domctl *arg)
{
	struct hypercall c = { .v = &caller, .d = control_domain };
	u32 rounds = 0;
	s64 rc;

	arg->domain = id;
	do {
		c.target = domain_get(id);
		if (!c.target)
			return -ESRCH;
		c.restart = false;
		rc = fn(&c, arg);
		domain_put(c.target);
	} while (c.restart && ++rounds < 100000);
	if (cpus[0]->todo & TODO_REAP) {
		cpus[0]->todo = 0;
		domain_reap();
	}
	return rc;
}

static s64 create(domid_t id, struct xen_domctl *arg)
{
	struct hypercall c = { .v = &caller, .d = control_domain };

	*arg = (struct xen_domctl){ .domain = id };
	arg->u.createdomain = (struct xen_domctl_createdomain){
		.flags = XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_hap,
		.max_vcpus = VCPUS,
		.max_evtchn_port = 1023,
		.max_grant_frames = -1,
		.max_maptrack_frames = -1,
		.grant_opts = 1,
		.arch.emulation_flags = XEN_X86_EMU_LAPIC,
	};
	return do_domctl_createdomain(&c, arg);
}

static s64 simple(domid_t id, hypercall_fn *fn)
{
	struct xen_domctl arg = { 0 };

	return op(id, fn, &arg);
}

static s64 populate(domid_t id, u64 g, u32 order)
{
	struct hypercall c = { .v = &caller,
		               .d = control_domain,
		               .a = { XENMEM_populate_physmap } };
	struct xen_memory_reservation r = { .nr_extents = 1, .extent_order = order, .domid = id };
	xen_pfn_t list = g;

	set_xen_guest_handle(r.extent_start, &list);
	return do_memory_populate_physmap(&c, &r);
}

static int domains(void)
{
	struct domain *d;
	int n = 0;

	for_each_domain(d) n++;
	return n;
}

/* --- tests --------------------------------------------------------------------------------- */

/* As much of a guest as there is memory for; true if that was all of it. */
static bool build(void)
{
	struct xen_domctl arg;
	s64 rc = create(0, &arg);
	domid_t id = arg.domain;
	u64 full = 0;

	if (rc) {
		CHECK_EQ(rc, -ENOMEM);
		return false;
	}
	arg.u.max_mem.max_memkb = 16 * 1024;
	CHECK_EQ(op(id, do_domctl_max_mem, &arg), 0);
	arg.u.max_vcpus.max = VCPUS;
	rc = op(id, do_domctl_max_vcpus, &arg);
	CHECK(rc == 0 || rc == -ENOMEM);
	for (u32 i = 0; i < 20; i++)
		full += (u64)populate(id, 3000 * i + 7, 0);
	full += (u64)populate(id, 512, 9);
	CHECK_EQ(page_check(), 0);
	CHECK_EQ(domain_check(), 0);
	CHECK_EQ(simple(id, do_domctl_destroydomain), 0);
	CHECK(!domain_get(id));
	return !rc && full == 21;
}

/* With 0, 1, 2 ... frames of memory: whatever fails, everything comes back. */
static void test_no_memory(void)
{
	u64 before = page_free_count();
	u32 taken = 0, enough = 0;
	static mfn_t hoard[RAM_END / PAGE_SIZE];

	CHECK(build());
	CHECK_EQ(page_free_count(), before);
	while (mfn_valid_box(hoard[taken] = page_alloc_flags(0, false, false)))
		taken++;
	for (u32 given = 0; given < 900; given++) {
		u64 left = page_free_count();

		enough += build();
		CHECK_EQ(page_free_count(), left);
		CHECK_EQ(domains(), 1);
		/* Neighbours first, so that there will be a large page. */
		page_free(hoard[--taken], 0);
	}
	CHECK(enough > 50 && enough < 900);
	while (taken)
		page_free(hoard[--taken], 0);
	CHECK_EQ(page_free_count(), before);
	CHECK_EQ(page_check(), 0);
}

static void test_ids(void)
{
	struct xen_domctl arg;
	domid_t first;

	CHECK_EQ(create(0x7fef, &arg), 0);
	CHECK_EQ(create(0x7fef, &arg), -EEXIST);
	CHECK_EQ(create(0, &arg), 0);
	first = arg.domain;
	for (u32 i = 0; i < 200; i++) { /* more than there are places in the table by id */
		CHECK_EQ(create(DOMID_INVALID, &arg), 0);
		CHECK_EQ(arg.domain, first + 1 + i);
	}
	CHECK_EQ(domains(), 203);
	/* The list is in order, and the next one is found over a gap. */
	for (struct domain *d = domain_list; d->next; d = d->next)
		CHECK(d->id < d->next->id);
	CHECK_EQ(simple(first + 7, do_domctl_destroydomain), 0);
	CHECK_EQ(simple(first + 8, do_domctl_destroydomain), 0);
	for (u32 i = 0; i < 202; i++) {
		struct domain *d = domain_get_from((domid_t)(first + i));

		CHECK_EQ(d->id, i == 7 || i == 8 ? first + 9U : i == 201 ? 0x7fefU : first + i);
		domain_put(d);
	}
	CHECK(!domain_get_from(0x7ff0));
	CHECK_EQ(create(first + 8, &arg), 0);
	for (u32 i = 0; i < 201; i++)
		if (i != 7)
			CHECK_EQ(simple(first + i, do_domctl_destroydomain), 0);
	CHECK_EQ(simple(0x7fef, do_domctl_destroydomain), 0);
	CHECK_EQ(domains(), 1);
}

/* Who stands at one that leaves finds the way on, until every CPU has been elsewhere. */
static void test_leave(void)
{
	struct hypercall c = { .v = &caller, .d = control_domain };
	struct domain *leaves, *stays, *d;
	struct xen_domctl arg;
	u32 before;

	CHECK_EQ(create(1000 + 64, &arg), 0); /* the same place in the table by id */
	CHECK_EQ(create(1000, &arg), 0);
	stays = domain_get(1000 + 64);
	leaves = c.target = domain_get(1000);
	do {
		c.restart = false;
		CHECK_EQ(do_domctl_destroydomain(&c, &arg), 0);
	} while (c.restart);
	CHECK(leaves->hash_next == stays && leaves->next == stays);
	domain_put(leaves);
	CHECK(!domain_get(1000));
	d = domain_get_from(1000);
	CHECK(d == stays);
	domain_put(d);
	CHECK(leaves->hash_next == stays && leaves->next == stays);
	CHECK_EQ(cpus[0]->todo, TODO_REAP);
	before = settled;
	cpus[0]->todo = 0;
	domain_reap();
	CHECK_EQ(settled, before + 1);
	domain_put(stays);
	CHECK_EQ(simple(1000 + 64, do_domctl_destroydomain), 0);
	CHECK_EQ(domains(), 1);
}

/* It lingers as long as somebody has a frame, and as long as somebody has it. */
static void test_linger(void)
{
	struct xen_domctl arg;
	struct domain *d;
	enum p2m_type type;
	domid_t id;
	mfn_t m;

	REQUIRE(!create(0, &arg));
	id = arg.domain;
	arg.u.max_mem.max_memkb = 4096;
	CHECK_EQ(op(id, do_domctl_max_mem, &arg), 0);
	CHECK_EQ(populate(id, 9, 0), 1);
	d = domain_get(id);
	m = p2m_lookup(d, gfn(9), &type);
	CHECK(page_get(m, d));
	ends_told = settled = stopped_watchdogs = 0;
	CHECK_EQ(simple(id, do_domctl_destroydomain), 0);
	CHECK_EQ(stopped_watchdogs, 2); /* once more for callbacks under way */
	CHECK(settled >= 2);
	CHECK(d->dead);
	CHECK_EQ(d->refs, 2);
	CHECK_EQ(d->tot_pages, 1);
	CHECK_EQ(simple(id, do_domctl_destroydomain), 0);
	CHECK_EQ(populate(id, 9, 0), 0);
	p2m_lookup(d, gfn(9), &type);
	CHECK_EQ(type, P2M_NONE);
	arg.domain = id;
	CHECK_EQ(do_domctl_getdomaininfo(NULL, &arg), 0);
	CHECK(arg.u.getdomaininfo.flags & XEN_DOMINF_dying);
	page_put(m);
	CHECK(domain_get(id) == d); /* our reference */
	domain_put(d);
	CHECK(!cpus[0]->todo);
	domain_put(d);
	CHECK(cpus[0]->todo & TODO_REAP);
	CHECK(!domain_get(id));
	cpus[0]->todo = 0;
	domain_reap();
}

/* Counted, and never below none. */
static void test_pauses(void)
{
	struct xen_domctl arg;
	domid_t id;
	struct domain *d;

	REQUIRE(!create(0, &arg));
	id = arg.domain;
	d = domain_get(id);
	CHECK_EQ(d->pause_count, 1);
	CHECK_EQ(do_domctl_getdomaininfo(NULL, &arg), 0);
	CHECK_EQ(arg.u.getdomaininfo.flags,
	         XEN_DOMINF_hvm_guest | XEN_DOMINF_hap | XEN_DOMINF_paused); /* nobody waits */
	CHECK_EQ(arg.u.getdomaininfo.max_vcpu_id, XEN_INVALID_MAX_VCPU_ID);
	CHECK_EQ(simple(id, do_domctl_pausedomain), 0);
	CHECK_EQ(simple(id, do_domctl_unpausedomain), 0);
	CHECK(!d->started);
	CHECK_EQ(simple(id, do_domctl_unpausedomain), 0);
	CHECK(d->started);
	CHECK_EQ(simple(id, do_domctl_unpausedomain), -EINVAL);
	CHECK_EQ(d->pause_count, 0);
	domain_shutdown(d, SHUTDOWN_reboot);
	domain_shutdown(d, SHUTDOWN_crash); /* too late */
	arg.domain = id;
	CHECK_EQ(do_domctl_getdomaininfo(NULL, &arg), 0);
	CHECK_EQ(arg.u.getdomaininfo.flags >> XEN_DOMINF_shutdownshift, SHUTDOWN_reboot);
	CHECK(arg.u.getdomaininfo.flags & XEN_DOMINF_shutdown);
	CHECK_EQ(d->pause_count, 1);
	CHECK_EQ(simple(id, do_domctl_unpausedomain), -EINVAL); /* not its own pause */
	domain_put(d);
	CHECK_EQ(simple(id, do_domctl_destroydomain), 0);
}

/* --- the small ones ------------------------------------------------------------------------ */

/* Each field of a configuration that is not one of a PVH guest's. */
static void test_config(void)
{
	static const struct {
		u32 offset, size, value;
	} wrong[] = {
#define W(field, value)                                                                            \
	{ offsetof(struct xen_domctl_createdomain, field),                                         \
	  sizeof(((struct xen_domctl_createdomain *)0)->field), value }
		W(flags, 0),
		W(flags, XEN_DOMCTL_CDF_hvm),
		W(flags, XEN_DOMCTL_CDF_hap),
		W(flags, XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_hap | XEN_DOMCTL_CDF_iommu),
		W(flags, ~0U),
		W(iommu_opts, 1),
		W(max_vcpus, 0),
		W(max_vcpus, MAX_VCPUS + 1),
		W(max_vcpus, ~0U),
		W(max_grant_frames, 0),
		W(max_grant_frames, GRANT_FRAMES_MAX + 1),
		W(max_maptrack_frames, 0),
		W(max_maptrack_frames, MAPTRACK_FRAMES_MAX + 1),
		W(grant_opts, 0),
		W(grant_opts, 2),
		W(grant_opts, 0x11),
		W(vmtrace_size, 1),
		W(cpupool_id, 1),
		W(arch.emulation_flags, 0),
		W(arch.emulation_flags, XEN_X86_EMU_LAPIC | XEN_X86_EMU_PIT),
		W(arch.misc_flags, 1),
#undef W
	};
	struct hypercall c = { .v = &caller, .d = control_domain };
	struct xen_domctl good, arg;

	REQUIRE(!create(0, &good));
	CHECK_EQ(simple(good.domain, do_domctl_destroydomain), 0);
	for (u32 i = 0; i < ARRAY_SIZE(wrong); i++) {
		arg = good;
		memcpy((u8 *)&arg.u.createdomain + wrong[i].offset, &wrong[i].value, wrong[i].size);
		CHECK_EQ(do_domctl_createdomain(&c, &arg), -EINVAL);
	}
	CHECK_EQ(domains(), 1);
}

static void test_vcpus(domid_t id, struct domain *d)
{
	struct hypercall c = { .v = &caller, .d = control_domain, .target = d };
	struct xen_domctl arg = { .u.max_vcpus.max = VCPUS - 1 };
	u32 rounds = 0;

	CHECK_EQ(op(id, do_domctl_max_vcpus, &arg), -EINVAL);
	arg.u.max_vcpus.max = VCPUS + 1;
	CHECK_EQ(op(id, do_domctl_max_vcpus, &arg), -EINVAL);
	CHECK(!d->vcpu[0]);
	arg.u.max_vcpus.max = VCPUS;
	do {
		c.restart = false;
		CHECK_EQ(do_domctl_max_vcpus(&c, &arg), 0);
	} while (c.restart && ++rounds < 1000);
	CHECK_EQ(rounds, VCPUS); /* others have their turn in between */
	CHECK(d->vcpu[0] && d->vcpu[VCPUS - 1]);
	CHECK_EQ(op(id, do_domctl_max_vcpus, &arg), 0); /* again: nothing to do */
}

static void test_small(void)
{
	struct xen_domctl arg;
	struct domain *d;
	domid_t id;

	REQUIRE(!create(0, &arg));
	id = arg.domain;
	d = domain_get(id);
	test_vcpus(id, d);

	memset(arg.u.setdomainhandle.handle, 0x5a, 16);
	CHECK_EQ(op(id, do_domctl_setdomainhandle, &arg), 0);
	CHECK(d->handle[0] == 0x5a && d->handle[15] == 0x5a);
	arg.u.settimeoffset.time_offset_seconds = -3600;
	CHECK_EQ(op(id, do_domctl_settimeoffset, &arg), 0);
	CHECK_EQ(d->time_offset, -3600);

	arg.u.paging_mempool.size = 5 * PAGE_SIZE + 1;
	CHECK_EQ(op(id, do_domctl_set_paging_mempool_size, &arg), -EINVAL);
	arg.u.paging_mempool.size = 640 * PAGE_SIZE;
	CHECK_EQ(op(id, do_domctl_set_paging_mempool_size, &arg), 0);
	arg.u.paging_mempool.size = 0;
	CHECK_EQ(op(id, do_domctl_get_paging_mempool_size, &arg), 0);
	CHECK_EQ(arg.u.paging_mempool.size, 640 * PAGE_SIZE);

	memset(&arg, 0xff, sizeof(arg));
	CHECK_EQ(op(id, do_domctl_gettscinfo, &arg), 0);
	CHECK_EQ(arg.u.tsc_info.tsc_mode | arg.u.tsc_info.incarnation, 0);
	CHECK_EQ(arg.u.tsc_info.elapsed_nsec, time_now() - d->time_start);
	CHECK_EQ(op(id, do_domctl_settscinfo, &arg), 0);
	arg.u.tsc_info.tsc_mode = 1;
	CHECK_EQ(op(id, do_domctl_settscinfo, &arg), -EOPNOTSUPP);

	arg.u.sendtrigger = (struct xen_domctl_sendtrigger){ XEN_DOMCTL_SENDTRIGGER_NMI, 1 };
	CHECK_EQ(op(id, do_domctl_sendtrigger, &arg), 0);
	CHECK(d->vcpu[1]->nmi_pending && !d->vcpu[0]->nmi_pending);
	arg.u.sendtrigger.vcpu = VCPUS;
	CHECK_EQ(op(id, do_domctl_sendtrigger, &arg), -ESRCH);
	arg.u.sendtrigger = (struct xen_domctl_sendtrigger){ XEN_DOMCTL_SENDTRIGGER_POWER, 0 };
	CHECK_EQ(op(id, do_domctl_sendtrigger, &arg), -ENOSYS);

	CHECK_EQ(op(id, do_domctl_get_address_size, &arg), 0);
	CHECK_EQ(arg.u.address_size.size, 64);
	arg.domain = 0x7fef;
	CHECK_EQ(do_domctl_getdomaininfo(NULL, &arg), -ESRCH);
	domain_put(d);
	CHECK_EQ(simple(id, do_domctl_destroydomain), 0);
}

/* --- vCPU state ---------------------------------------------------------------------------- */

static struct {
	struct hvm_save_descriptor header_desc;
	struct hvm_save_header header;
	struct hvm_save_descriptor mtrr_desc;
	struct hvm_hw_mtrr mtrr;
	struct hvm_save_descriptor cpu_desc;
	struct hvm_hw_cpu cpu;
	struct hvm_save_descriptor end;
} good;

static s64 set_context(domid_t id, const void *records, u32 size)
{
	struct xen_domctl arg = { .u.hvmcontext.size = size };
	u8 *exact = malloc(size ? size : 1); /* one byte too far is found out */
	s64 rc;

	memcpy(exact, records, size);
	set_xen_guest_handle(arg.u.hvmcontext.buffer, exact);
	rc = op(id, do_domctl_sethvmcontext, &arg);
	free(exact);
	return rc;
}

static void make_good(void)
{
	memset(&good, 0, sizeof(good));
	good.header_desc = (struct hvm_save_descriptor){ HVM_SAVE_CODE(HEADER), 0,
		                                         sizeof(good.header) };
	good.header = (struct hvm_save_header){ .magic = HVM_FILE_MAGIC,
		                                .version = HVM_FILE_VERSION };
	good.mtrr_desc = (struct hvm_save_descriptor){ HVM_SAVE_CODE(MTRR), 0, sizeof(good.mtrr) };
	good.cpu_desc = (struct hvm_save_descriptor){ HVM_SAVE_CODE(CPU), 0, sizeof(good.cpu) };
	good.cpu = (struct hvm_hw_cpu){ .rip = 0x1000000,
		                        .cr0 = 0x11,
		                        .dr6 = 0xffff0ff0,
		                        .dr7 = 0x400,
		                        .cs_arbytes = 0xc9b,
		                        .ds_arbytes = 0xc93,
		                        .es_arbytes = 0xc93,
		                        .ss_arbytes = 0xc93,
		                        .tr_arbytes = 0x8b };
}

/* Nothing is applied that was not found good as a whole, whatever bits are changed. */
static void test_context(void)
{
	struct xen_domctl arg;
	struct domain *d;
	u32 taken = 0;
	domid_t id;

	REQUIRE(!create(0, &arg));
	id = arg.domain;
	arg.u.max_vcpus.max = VCPUS;
	CHECK_EQ(op(id, do_domctl_max_vcpus, &arg), 0);
	d = domain_get(id);
	make_good();
	CHECK_EQ(set_context(id, &good, sizeof(good)), 0);
	CHECK_EQ(applied, 1);
	CHECK(!d->vcpu[0]->wait_sipi);
	CHECK(d->vcpu[1]->wait_sipi); /* not mentioned: still down */
	for (u32 size = 0; size < sizeof(good); size++)
		CHECK_EQ(set_context(id, &good, size), -EINVAL);
	CHECK_EQ(applied, 1);
	for (u32 i = 0; i < 30000; i++) {
		u8 *bytes = (u8 *)&good;
		u32 before = applied;
		s64 rc;

		make_good();
		for (u64 n = 1 + unit_below(3); n; n--)
			bytes[unit_below(sizeof(good))] ^= (u8)(1u << unit_below(8));
		rc = set_context(id, &good, sizeof(good));
		CHECK(rc == 0 || rc == -EINVAL);
		CHECK_EQ(applied != before, !rc && good.cpu_desc.typecode == HVM_SAVE_CODE(CPU));
		taken += !rc;
		/* What a CPU is never given. */
		if (rc)
			continue;
		CHECK(!(good.cpu.cr0 >> 32) && !(good.cpu.dr7 >> 32) && !good.cpu.pending_event);
		CHECK(!(good.cpu.msr_efer & BIT(12)) && !(good.cpu.cr4 & BIT(13)));
		CHECK((s64)(good.cpu.gs_base << 16) >> 16 == (s64)good.cpu.gs_base);
	}
	CHECK(taken > 1000 && taken < 29000);
	CHECK_EQ(d->pause_count, 1);
	domain_put(d);
	CHECK_EQ(simple(id, do_domctl_destroydomain), 0);
}

void unit_main(void)
{
	const struct domain_limits limits = { .vcpus = 1, .pages = 16 };
	struct domain *control;
	u64 before;

	cpus[0] = this_cpu();
	unit_ram_init(RAM_END);
	page_max = RAM_END >> PAGE_SHIFT;
	page_hole_start = page_max;
	page_table = calloc(page_max, sizeof(struct page));
	page_set_none(mfn(0), mfn(0x1000));
	page_add_free(mfn(0x1000), mfn(page_max));
	REQUIRE(!domain_create(0, true, &limits, &control));
	CHECK(control_domain == control);
	caller.domain = control;
	before = page_free_count();
	test_no_memory();
	test_ids();
	test_leave();
	test_linger();
	test_pauses();
	test_config();
	test_small();
	test_context();
	CHECK_EQ(domains(), 1);
	CHECK_EQ(page_free_count(), before);
	CHECK_EQ(page_check(), 0);
	free(page_table);
}
