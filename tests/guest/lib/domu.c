/* SPDX-License-Identifier: GPL-2.0-only */
/* Makes guests from the test's own image, as a control domain's tools would. */
#include "domu.h"
#include <xen/hvm/save.h>

#define IMAGE      0x1000000ul
#define START_INFO 0x1000ul
#define LARGE      9
#define ORDER_PFN  (1ul << LARGE)

extern char guest_bss[], guest_end[], entry_pvh[];

/* Not in .bss, so that the guest finds them in its copy of the image. */
static void (*domu_fn)(uint64_t arg) __attribute__((section(".data")));
static uint64_t domu_arg __attribute__((section(".data")));

long xen_domctl(struct xen_domctl *op)
{
	return hcall1(__HYPERVISOR_domctl, op);
}

long xen_sysctl(struct xen_sysctl *op)
{
	op->interface_version = XEN_SYSCTL_INTERFACE_VERSION;
	return hcall1(__HYPERVISOR_sysctl, op);
}

long domu_op(domid_t id, unsigned int cmd, struct xen_domctl *op)
{
	op->cmd = cmd;
	op->interface_version = XEN_DOMCTL_INTERFACE_VERSION;
	op->domain = id;
	return xen_domctl(op);
}

long domu_simple(domid_t id, unsigned int cmd)
{
	struct xen_domctl op = { 0 };

	return domu_op(id, cmd, &op);
}

void domu_config(struct xen_domctl *op, unsigned int vcpus)
{
	memset(op, 0, sizeof(*op));
	op->u.createdomain = (struct xen_domctl_createdomain){
		.flags = XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_hap,
		.max_vcpus = vcpus,
		.max_evtchn_port = 1023,
		.max_grant_frames = -1,
		.max_maptrack_frames = -1,
		.grant_opts = XEN_DOMCTL_GRANT_version(1),
		.arch.emulation_flags = XEN_X86_EMU_LAPIC,
	};
}

long domu_populate(domid_t id, uint64_t gfn, unsigned int order, unsigned int count)
{
	xen_pfn_t list[64];
	struct xen_memory_reservation op = {
		.nr_extents = count,
		.extent_order = order,
		.domid = id,
	};

	for (unsigned int i = 0; i < count && i < ARRAY_LEN(list); i++)
		list[i] = gfn + ((uint64_t)i << order);
	set_xen_guest_handle(op.extent_start, list);
	return xen_memory(XENMEM_populate_physmap, &op);
}

/* The state of the PVH start convention, with the values that libxenguest gives it. */
void domu_context(struct hvm_hw_cpu *cpu)
{
	*cpu = (struct hvm_hw_cpu){
		.rip = (uint64_t)entry_pvh,
		.rbx = START_INFO,
		.cr0 = 0x11,
		.dr6 = 0xffff0ff0,
		.dr7 = 0x400,
		.cs_limit = ~0u,
		.ds_limit = ~0u,
		.es_limit = ~0u,
		.ss_limit = ~0u,
		.tr_limit = 0x67,
		.cs_arbytes = 0xc9b,
		.ds_arbytes = 0xc93,
		.es_arbytes = 0xc93,
		.ss_arbytes = 0xc93,
		.tr_arbytes = 0x8b,
	};
}

long domu_set_context(domid_t id, unsigned int vcpu, const struct hvm_hw_cpu *cpu)
{
	struct {
		struct hvm_save_descriptor header_desc;
		struct hvm_save_header header;
		struct hvm_save_descriptor cpu_desc;
		struct hvm_hw_cpu cpu;
		struct hvm_save_descriptor end_desc;
	} records = {
		.header_desc = { HVM_SAVE_CODE(HEADER), 0, HVM_SAVE_LENGTH(HEADER) },
		.header = { .magic = HVM_FILE_MAGIC, .version = HVM_FILE_VERSION },
		.cpu_desc = { HVM_SAVE_CODE(CPU), (uint16_t)vcpu, HVM_SAVE_LENGTH(CPU) },
		.cpu = *cpu,
		.end_desc = { HVM_SAVE_CODE(END), 0, 0 },
	};
	struct xen_domctl op = { .u.hvmcontext.size = sizeof(records) };

	set_xen_guest_handle(op.u.hvmcontext.buffer, (uint8_t *)&records);
	return domu_op(id, XEN_DOMCTL_sethvmcontext, &op);
}

long domu_copy(struct froe_copy *op)
{
	return hcall2(__HYPERVISOR_arch_7, FROE_OP_copy, op);
}

static long copy(domid_t id, uint64_t at, void *buffer, size_t n, uint16_t flags)
{
	struct froe_copy op = {
		.domid = id,
		.flags = flags,
		.at = at,
		.size = n,
		.buffer = (uint64_t)buffer,
	};

	return domu_copy(&op);
}

long domu_read(domid_t id, const volatile void *at, void *to, size_t n)
{
	return copy(id, (uint64_t)at, to, n, 0);
}

long domu_write(domid_t id, volatile void *at, const void *from, size_t n)
{
	return copy(id, (uint64_t)at, (void *)from, n, FROE_COPY_TO_GUEST);
}

bool domu_load(domid_t id, void (*fn)(uint64_t arg), uint64_t arg)
{
	struct hvm_start_info info = { .magic = XEN_HVM_START_MAGIC_VALUE, .version = 1 };
	size_t size = (size_t)(guest_bss - (char *)IMAGE);

	EXPECT(guest_end <= (char *)IMAGE + 3 * ORDER_PFN * PAGE_SIZE);
	info.cmdline_paddr = START_INFO + sizeof(info); /* an empty one: RAM is zeroed */
	domu_fn = fn;
	domu_arg = arg;
	return domu_write(id, (void *)IMAGE, (void *)IMAGE, size) == (long)size &&
	       domu_write(id, (void *)START_INFO, &info, sizeof(info)) == sizeof(info);
}

domid_t domu_build(void (*fn)(uint64_t arg), uint64_t arg, unsigned int vcpus)
{
	struct hvm_hw_cpu cpu;
	struct xen_domctl op;
	domid_t id;

	domu_config(&op, vcpus);
	EXPECT_EQ(domu_op(DOMID_INVALID, XEN_DOMCTL_createdomain, &op), 0);
	id = op.domain;
	op.u.max_vcpus.max = vcpus;
	EXPECT_EQ(domu_op(id, XEN_DOMCTL_max_vcpus, &op), 0);
	op.u.max_mem.max_memkb = DOMU_MIB * 1024;
	EXPECT_EQ(domu_op(id, XEN_DOMCTL_max_mem, &op), 0);
	EXPECT_EQ(domu_populate(id, 0, LARGE, 1), 1);
	EXPECT_EQ(domu_populate(id, IMAGE / PAGE_SIZE, LARGE, 3), 3);
	EXPECT(domu_load(id, fn, arg));
	domu_context(&cpu);
	EXPECT_EQ(domu_set_context(id, 0, &cpu), 0);
	return id;
}

domid_t domu_run(void (*fn)(uint64_t arg), uint64_t arg, unsigned int vcpus)
{
	domid_t id = domu_build(fn, arg, vcpus);

	EXPECT_EQ(domu_unpause(id), 0);
	return id;
}

bool domu_info(domid_t id, struct xen_domctl_getdomaininfo *info)
{
	struct xen_domctl op = { 0 };

	if (domu_op(id, XEN_DOMCTL_getdomaininfo, &op))
		return false;
	*info = op.u.getdomaininfo;
	EXPECT_EQ(op.domain, info->domain);
	return info->domain == id;
}

bool domu_exists(domid_t id)
{
	struct xen_domctl_getdomaininfo info;

	return domu_info(id, &info);
}

void domu_pin(domid_t id, uint32_t vcpu, uint64_t hard)
{
	struct xen_domctl op = { 0 };
	struct xen_domctl_vcpuaffinity *a = &op.u.vcpuaffinity;

	a->vcpu = vcpu;
	a->flags = XEN_VCPUAFFINITY_HARD;
	a->cpumap_hard.nr_bits = 64;
	set_xen_guest_handle(a->cpumap_hard.bitmap, (uint8_t *)&hard);
	EXPECT_EQ(domu_op(id, XEN_DOMCTL_setvcpuaffinity, &op), 0);
}

int domu_wait(domid_t id, unsigned int ms)
{
	struct xen_domctl_getdomaininfo info;
	bool down;

	/* Yield: there may be one CPU only, and the guest has to run on it. */
	down = WAIT_UNTIL((xen_sched(SCHEDOP_yield, 0),
	                   domu_info(id, &info) && info.flags & XEN_DOMINF_shutdown),
	                  ms);
	return down ? (int)(info.flags >> XEN_DOMINF_shutdownshift & XEN_DOMINF_shutdownmask) : -1;
}

void domu_finish(domid_t id)
{
	uint32_t failed = ~0u;

	EXPECT_EQ(domu_wait(id, PATIENCE), SHUTDOWN_poweroff);
	EXPECT_EQ(domu_read(id, &check_failed, &failed, sizeof(failed)), sizeof(failed));
	EXPECT_EQ(failed, 0);
	EXPECT_EQ(domu_destroy(id), 0);
}

long domu_destroy(domid_t id)
{
	return domu_simple(id, XEN_DOMCTL_destroydomain);
}

long domu_unpause(domid_t id)
{
	return domu_simple(id, XEN_DOMCTL_unpausedomain);
}

uint64_t host_free_pages(void)
{
	struct xen_sysctl op = { .cmd = XEN_SYSCTL_physinfo };

	EXPECT_EQ(xen_sysctl(&op), 0);
	return op.u.physinfo.free_pages;
}

/* --- in the guest ----------------------------------------------------------- */

domid_t domu_self(void)
{
	return (domid_t)cpuid(xen_base + 4, 0).ecx;
}

void domu_main(void)
{
	for (unsigned int i = 0; i < CPU_MAX; i++)
		cpus[i].apic_id = 2 * i;
	domu_fn(domu_arg);
	xen_shutdown(SHUTDOWN_poweroff);
}
