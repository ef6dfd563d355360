/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * domctl, sysctl, sethvmcontext, set_memory_map and the private copy, wrongly used by the control
 * domain and at all by a guest: every error of man/froe-hypercalls.9, and nothing has changed.
 *
 * run: smp=1
 */
#include "lib/domu.h"
#include <xen/hvm/save.h>

#define NOWHERE ((void *)0xffff900000100000ul) /* canonical, and not mapped */

static domid_t victim;
static volatile uint64_t reached;

static void spin(uint64_t arg)
{
	reached = 1;
	for (;;)
		xen_sched(SCHEDOP_yield, 0);
}

/* --- a guest ---------------------------------------------------------------- */

static void ask_all(uint64_t other)
{
	struct xen_domctl op;
	struct xen_sysctl sys = { .cmd = XEN_SYSCTL_physinfo };
	struct froe_copy copy = { .domid = (domid_t)other };
	struct xen_foreign_memory_map map = { .domid = DOMID_SELF };
	struct xen_hvm_param param = { .domid = (domid_t)other, .index = HVM_PARAM_STORE_PFN };
	char text[8];
	evtchn_port_t port;
	uint64_t value;

	EXPECT_EQ(domu_self() > 0 && domu_self() < DOMID_FIRST_RESERVED, 1);
	for (unsigned int cmd = 0; cmd < 100; cmd++)
		EXPECT_EQ(domu_op((domid_t)other, cmd, &op), -XEN_EPERM);
	EXPECT_EQ(domu_destroy(DOMID_SELF), -XEN_EPERM);
	EXPECT_EQ(hcall1(__HYPERVISOR_domctl, NOWHERE), -XEN_EPERM); /* not looked at */
	EXPECT_EQ(xen_sysctl(&sys), -XEN_EPERM);
	EXPECT_EQ(domu_copy(&copy), -XEN_EPERM);
	EXPECT_EQ(xen_memory(XENMEM_set_memory_map, &map), -XEN_EPERM);
	EXPECT_EQ(xen_hvm(HVMOP_get_param, &param), -XEN_EPERM);
	EXPECT_EQ(xen_alloc_unbound((domid_t)other, 0, &port), -XEN_EPERM);
	EXPECT_EQ(domu_populate((domid_t)other, 0, 0, 1), -XEN_EPERM);
	EXPECT_EQ(hcall3(__HYPERVISOR_console_io, CONSOLEIO_read, 8, text), -XEN_EPERM);
	/* Its own parameters: some it may read, few it may set. */
	EXPECT_EQ(xen_get_param(HVM_PARAM_STORE_PFN, &value), 0);
	EXPECT_EQ(value, 0xfeffc);
	EXPECT_EQ(xen_set_param(HVM_PARAM_STORE_PFN, 1), -XEN_EPERM);
	EXPECT_EQ(xen_get_param(HVM_PARAM_IDENT_PT, &value), -XEN_EPERM);
	EXPECT_EQ(xen_set_param(HVM_PARAM_CONSOLE_EVTCHN, 7), 0);
	EXPECT_EQ(xen_get_param(HVM_PARAM_CONSOLE_EVTCHN, &value), 0);
	EXPECT_EQ(value, 7);
}

/* --- the control domain ------------------------------------------------------- */

static void test_create(void)
{
	static const struct {
		unsigned int at;
		uint32_t value;
	} wrong[] = {
#define WRONG(field, v) { offsetof(struct xen_domctl_createdomain, field), v }
		WRONG(flags, 0),
		WRONG(flags, XEN_DOMCTL_CDF_hvm),
		WRONG(flags, XEN_DOMCTL_CDF_hap),
		WRONG(flags, 3 | XEN_DOMCTL_CDF_iommu),
		WRONG(flags, 3 | XEN_DOMCTL_CDF_nested_virt),
		WRONG(flags, 3 | XEN_DOMCTL_CDF_vpmu),
		WRONG(flags, 3 | 1u << 31),
		WRONG(iommu_opts, 1),
		WRONG(max_vcpus, 0),
		WRONG(max_vcpus, 65),
		WRONG(max_vcpus, ~0u),
		WRONG(max_grant_frames, 0),
		WRONG(max_grant_frames, 65),
		WRONG(max_maptrack_frames, 0),
		WRONG(max_maptrack_frames, 1025),
		WRONG(grant_opts, 0),
		WRONG(grant_opts, 2),
		WRONG(grant_opts, 0x11),
		WRONG(vmtrace_size, 4096),
		WRONG(cpupool_id, 1),
		WRONG(arch.emulation_flags, 0),
		WRONG(arch.emulation_flags, XEN_X86_EMU_ALL),
		WRONG(arch.misc_flags, 1),
	};
	struct xen_domctl op;

	for (unsigned int i = 0; i < ARRAY_LEN(wrong); i++) {
		domu_config(&op, 1);
		memcpy((uint8_t *)&op.u.createdomain + wrong[i].at, &wrong[i].value, 4);
		EXPECT_EQ(domu_op(DOMID_INVALID, XEN_DOMCTL_createdomain, &op), -XEN_EINVAL);
		EXPECT_EQ(op.domain, DOMID_INVALID);
	}
}

/* Those about another domain: itself, nobody, another version, a structure that is not there. */
static void test_whom(void)
{
	static const unsigned int about_others[] = {
		XEN_DOMCTL_destroydomain, XEN_DOMCTL_pausedomain,
		XEN_DOMCTL_unpausedomain, XEN_DOMCTL_max_mem,
		XEN_DOMCTL_max_vcpus,     XEN_DOMCTL_settscinfo,
		XEN_DOMCTL_sethvmcontext, XEN_DOMCTL_get_paging_mempool_size,
	};
	struct xen_domctl op = { 0 };

	for (unsigned int i = 0; i < ARRAY_LEN(about_others); i++) {
		EXPECT_EQ(domu_op(0, about_others[i], &op), -XEN_EINVAL);
		EXPECT_EQ(domu_op(DOMID_SELF, about_others[i], &op), -XEN_EINVAL);
		EXPECT_EQ(domu_op(0x6000, about_others[i], &op), -XEN_ESRCH);
		EXPECT_EQ(domu_op(DOMID_INVALID, about_others[i], &op), -XEN_ESRCH);
	}
	EXPECT_EQ(domu_op(0x6000, XEN_DOMCTL_setdomainhandle, &op), -XEN_ESRCH);
	op.interface_version = 0x14;
	op.cmd = XEN_DOMCTL_pausedomain;
	op.domain = victim;
	EXPECT_EQ(xen_domctl(&op), -XEN_EACCES);
	EXPECT_EQ(hcall1(__HYPERVISOR_domctl, NOWHERE), -XEN_EFAULT);
	EXPECT_EQ(hcall1(__HYPERVISOR_domctl, 1ul << 62), -XEN_EFAULT);
	EXPECT_EQ(domu_op(victim, 0, &op), -XEN_ENOSYS);
	EXPECT_EQ(domu_op(victim, ~0u, &op), -XEN_ENOSYS);
	EXPECT_EQ(domu_op(victim, XEN_DOMCTL_setvcpucontext, &op), -XEN_ENOSYS);
}

static void test_values(void)
{
	struct xen_domctl op = { 0 };
	struct xen_domctl_getdomaininfo info;

	op.u.max_vcpus.max = 2;
	EXPECT_EQ(domu_op(victim, XEN_DOMCTL_max_vcpus, &op), -XEN_EINVAL);
	op.u.max_vcpus.max = 1; /* again: they are there */
	EXPECT_EQ(domu_op(victim, XEN_DOMCTL_max_vcpus, &op), 0);
	op.u.tsc_info.tsc_mode = 2;
	EXPECT_EQ(domu_op(victim, XEN_DOMCTL_settscinfo, &op), -XEN_EOPNOTSUPP);
	op.u.tsc_info.tsc_mode = 0;
	EXPECT_EQ(domu_op(victim, XEN_DOMCTL_settscinfo, &op), 0);
	op.u.paging_mempool.size = 4097;
	EXPECT_EQ(domu_op(victim, XEN_DOMCTL_set_paging_mempool_size, &op), -XEN_EINVAL);
	op.u.paging_mempool.size = 64 << 20;
	EXPECT_EQ(domu_op(victim, XEN_DOMCTL_set_paging_mempool_size, &op), 0);
	op.u.paging_mempool.size = 0;
	EXPECT_EQ(domu_op(victim, XEN_DOMCTL_get_paging_mempool_size, &op), 0);
	EXPECT_EQ(op.u.paging_mempool.size, 64 << 20);
	op.u.sendtrigger = (struct xen_domctl_sendtrigger){ XEN_DOMCTL_SENDTRIGGER_NMI, 1 };
	EXPECT_EQ(domu_op(victim, XEN_DOMCTL_sendtrigger, &op), -XEN_ESRCH);
	op.u.sendtrigger = (struct xen_domctl_sendtrigger){ XEN_DOMCTL_SENDTRIGGER_POWER, 0 };
	EXPECT_EQ(domu_op(victim, XEN_DOMCTL_sendtrigger, &op), -XEN_ENOSYS);
	/* No more than the limit, and a short count instead of an error. */
	EXPECT_EQ(domu_populate(victim, 0x2000, 0, 1), 0);
	EXPECT(domu_info(victim, &info));
	EXPECT_EQ(info.tot_pages, DOMU_MIB * 256);
	op.u.max_mem.max_memkb = DOMU_MIB * 1024 + 8;
	EXPECT_EQ(domu_op(victim, XEN_DOMCTL_max_mem, &op), 0);
	EXPECT_EQ(domu_populate(victim, 0x2000, 0, 5), 2);
	EXPECT_EQ(domu_populate(victim, 0x2001, 1, 1), 0); /* not aligned */
	EXPECT_EQ(domu_populate(victim, 0x40000, 18, 1), 0);
}

static void test_context(void)
{
	static const struct {
		unsigned int at, size;
		uint64_t value;
	} wrong[] = {
#undef WRONG
#define WRONG(field, v)                                                                            \
	{ offsetof(struct hvm_hw_cpu, field), sizeof(((struct hvm_hw_cpu *)0)->field), v }
		WRONG(cr0, 1ull << 32),
		WRONG(cr0, 1u << 31),     /* PG without PE */
		WRONG(cr0, 1u << 29 | 1), /* NW without CD */
		WRONG(cr3, 1ull << 52),   /* beyond physical addresses */
		WRONG(cr4, 1u << 12),     /* LA57 */
		WRONG(cr4, 1u << 13),     /* VMXE */
		WRONG(cr4, 1ull << 40),
		WRONG(msr_efer, 1u << 12), /* SVME */
		WRONG(msr_efer, 1u << 10), /* LMA without LME and PG */
		WRONG(msr_efer, 1ull << 63),
		WRONG(rip, 1ull << 47),
		WRONG(fs_base, 1ull << 47),
		WRONG(gs_base, 1ull << 63),
		WRONG(shadow_gs, 1ull << 47),
		WRONG(tr_base, 1ull << 47),
		WRONG(ldtr_base, 1ull << 47),
		WRONG(gdtr_base, 1ull << 47),
		WRONG(idtr_base, 1ull << 47),
		WRONG(msr_lstar, 1ull << 47),
		WRONG(msr_cstar, 1ull << 47),
		WRONG(sysenter_eip, 1ull << 47),
		WRONG(sysenter_esp, 1ull << 47),
		WRONG(cs_base, 1ull << 32),
		WRONG(ss_base, 1ull << 32),
		WRONG(dr6, 1ull << 32),
		WRONG(dr7, 1ull << 32),
		WRONG(gdtr_limit, 1u << 16),
		WRONG(idtr_limit, 1u << 16),
		WRONG(cs_sel, 1u << 16),
		WRONG(cs_arbytes, 0xc93), /* data */
		WRONG(cs_arbytes, 0xc1b), /* not present */
		WRONG(ds_arbytes, 0x1c93),
		WRONG(tr_arbytes, 0x0b), /* not present */
		WRONG(msr_syscall_mask, 1ull << 32),
		WRONG(msr_tsc_aux, 1ull << 32),
		WRONG(pending_event, 0x80000b0d),
		WRONG(flags, 2),
		WRONG(pad0, 1),
	};
	struct hvm_hw_cpu cpu;

	for (unsigned int i = 0; i < ARRAY_LEN(wrong); i++) {
		domu_context(&cpu);
		memcpy((uint8_t *)&cpu + wrong[i].at, &wrong[i].value, wrong[i].size);
		if (domu_set_context(victim, 0, &cpu) != -XEN_EINVAL)
			print("wrong[%u]: offset %u\n", i, wrong[i].at);
		EXPECT_EQ(domu_set_context(victim, 0, &cpu), -XEN_EINVAL);
	}
	domu_context(&cpu);
	EXPECT_EQ(domu_set_context(victim, 1, &cpu), -XEN_EINVAL);
	cpu.flags = XEN_X86_FPU_INITIALISED;
	cpu.fpu_regs[27] = 0x80; /* MXCSR */
	EXPECT_EQ(domu_set_context(victim, 0, &cpu), -XEN_EINVAL);
}

/* Records that are too short, too long, in the wrong order, unknown, or not ended. */
static void test_records(void)
{
	static const struct {
		uint16_t type[3];
		uint32_t length[3];
		long rc;
	} lists[] = {
		{ { 1, 0, 0 }, { 24, 0, 0 }, -XEN_EINVAL }, /* END, and something behind it */
		{ { 0, 0, 0 }, { 0, 0, 0 }, -XEN_EINVAL },  /* no HEADER */
		{ { 14, 1, 0 }, { 240, 24, 0 }, -XEN_EINVAL },
		{ { 1, 1, 0 }, { 24, 24, 0 }, -XEN_EINVAL },
		{ { 1, 14, 0 }, { 24, 232, 0 }, -XEN_EINVAL },
		{ { 1, 14, 0 }, { 24, 248, 0 }, -XEN_EINVAL },
		{ { 1, 14, 14 }, { 24, 240, 0x7fffffff }, -XEN_EINVAL },
		{ { 1, 99, 0 }, { 24, 8, 0 }, -XEN_EINVAL },
		{ { 1, 14, 0 }, { 24, 240, 8 }, -XEN_EINVAL }, /* END with a payload */
		{ { 1, 14, 0 }, { 24, 240, 0 }, 0 },
	};
	static uint8_t buffer[1024];
	struct xen_domctl op;

	for (unsigned int i = 0; i < ARRAY_LEN(lists); i++) {
		uint32_t at = 0;

		memset(buffer, 0, sizeof(buffer));
		for (unsigned int k = 0; k < 3; k++) {
			struct hvm_save_descriptor d = { lists[i].type[k], 0, lists[i].length[k] };
			struct hvm_save_header header = { HVM_FILE_MAGIC, HVM_FILE_VERSION, 0, 0,
				                          0 };

			memcpy(buffer + at, &d, sizeof(d));
			at += (uint32_t)sizeof(d);
			if (d.typecode == 1)
				memcpy(buffer + at, &header, sizeof(header));
			if (d.length < 512)
				at += d.length;
		}
		op.u.hvmcontext.size = at;
		set_xen_guest_handle(op.u.hvmcontext.buffer, buffer);
		EXPECT_EQ(domu_op(victim, XEN_DOMCTL_sethvmcontext, &op), lists[i].rc);
	}
	op.u.hvmcontext.size--; /* the last, good one: END is cut off */
	EXPECT_EQ(domu_op(victim, XEN_DOMCTL_sethvmcontext, &op), -XEN_EINVAL);
	op.u.hvmcontext.size = 0;
	EXPECT_EQ(domu_op(victim, XEN_DOMCTL_sethvmcontext, &op), -XEN_EINVAL);
	op.u.hvmcontext.size = ~0u;
	EXPECT_EQ(domu_op(victim, XEN_DOMCTL_sethvmcontext, &op), -XEN_EINVAL);
	op.u.hvmcontext.size = 64;
	set_xen_guest_handle(op.u.hvmcontext.buffer, NOWHERE);
	EXPECT_EQ(domu_op(victim, XEN_DOMCTL_sethvmcontext, &op), -XEN_EFAULT);
}

static void test_map(void)
{
	static uint8_t entries[128][20];
	struct xen_foreign_memory_map op = { .domid = victim, .map.nr_entries = 2 };

	set_xen_guest_handle(op.map.buffer, entries);
	EXPECT_EQ(xen_memory(XENMEM_set_memory_map, &op), 0);
	op.map.nr_entries = 0;
	EXPECT_EQ(xen_memory(XENMEM_set_memory_map, &op), -XEN_EINVAL);
	op.map.nr_entries = 128;
	EXPECT_EQ(xen_memory(XENMEM_set_memory_map, &op), -XEN_EINVAL);
	op.map.nr_entries = 127;
	EXPECT_EQ(xen_memory(XENMEM_set_memory_map, &op), 0);
	set_xen_guest_handle(op.map.buffer, NOWHERE);
	EXPECT_EQ(xen_memory(XENMEM_set_memory_map, &op), -XEN_EFAULT);
	op.domid = DOMID_SELF;
	EXPECT_EQ(xen_memory(XENMEM_set_memory_map, &op), -XEN_EFAULT);
	set_xen_guest_handle(op.map.buffer, entries);
	EXPECT_EQ(xen_memory(XENMEM_set_memory_map, &op), -XEN_EBUSY);
	op.domid = 0x6000;
	EXPECT_EQ(xen_memory(XENMEM_set_memory_map, &op), -XEN_ESRCH);
}

static void test_copy(void)
{
	static uint8_t pages[200 * 4096];
	static uint64_t gfns[200];
	static int32_t errors[200];
	struct froe_copy op = { .domid = victim, .size = 16, .buffer = (uint64_t)pages };
	struct froe_copy list = {
		.domid = victim,
		.flags = FROE_COPY_LIST | FROE_COPY_TO_GUEST,
		.count = ARRAY_LEN(gfns),
		.at = (uint64_t)gfns,
		.buffer = (uint64_t)pages,
		.errors = (uint64_t)errors,
	};

	EXPECT_EQ(domu_copy(&op), 16);
	op.domid = DOMID_SELF;
	EXPECT_EQ(domu_copy(&op), -XEN_EINVAL);
	op.domid = 0x6000;
	EXPECT_EQ(domu_copy(&op), -XEN_ESRCH);
	op.domid = victim;
	op.flags = 4;
	EXPECT_EQ(domu_copy(&op), -XEN_EINVAL);
	op.flags = 0;
	op.at = 2 << 20; /* no RAM between 2 and 16 MiB */
	EXPECT_EQ(domu_copy(&op), -XEN_EFAULT);
	op.at -= 10;
	EXPECT_EQ(domu_copy(&op), 10);
	op.at = ~0ull - 4;
	EXPECT_EQ(domu_copy(&op), -XEN_EINVAL);
	op.at = 1ull << 60;
	EXPECT_EQ(domu_copy(&op), -XEN_EFAULT);
	op.at = 0;
	op.size = 0;
	EXPECT_EQ(domu_copy(&op), 0);
	op.size = 4096;
	op.buffer = (uint64_t)NOWHERE;
	EXPECT_EQ(domu_copy(&op), -XEN_EFAULT);
	EXPECT_EQ(hcall3(__HYPERVISOR_arch_7, FROE_OP_copy, &op, 4097), -XEN_EINVAL);
	EXPECT_EQ(hcall2(__HYPERVISOR_arch_7, 1, &op), -XEN_ENOSYS);

	/* A range over many entries, both ways, and a list with holes. */
	for (unsigned int i = 0; i < sizeof(pages); i++)
		pages[i] = (uint8_t)(i * 7 + i / 4096);
	EXPECT_EQ(domu_write(victim, (void *)0x10123, pages, sizeof(pages)), sizeof(pages));
	memset(pages, 0, sizeof(pages));
	EXPECT_EQ(domu_read(victim, (void *)0x10123, pages, sizeof(pages)), sizeof(pages));
	for (unsigned int i = 0; i < sizeof(pages); i += 97)
		EXPECT_EQ(pages[i], (uint8_t)(i * 7 + i / 4096));
	for (unsigned int i = 0; i < ARRAY_LEN(gfns); i++)
		gfns[i] = i % 10 == 7 ? 0x999 : 0x100 + i;
	EXPECT_EQ(domu_copy(&list), ARRAY_LEN(gfns));
	memset(pages, 0, sizeof(pages));
	list.flags = FROE_COPY_LIST;
	EXPECT_EQ(domu_copy(&list), ARRAY_LEN(gfns));
	for (unsigned int i = 0; i < ARRAY_LEN(gfns); i++) {
		uint32_t at = i * 4096 + i;

		EXPECT_EQ(errors[i], i % 10 == 7 ? -XEN_EFAULT : 0);
		EXPECT_EQ(pages[at], i % 10 == 7 ? 0 : (uint8_t)(at * 7 + i));
	}
	list.errors = 0;
	EXPECT_EQ(domu_copy(&list), 7);
	gfns[0] = ~0ull;
	EXPECT_EQ(domu_copy(&list), -XEN_EFAULT);
	list.at = (uint64_t)NOWHERE;
	EXPECT_EQ(domu_copy(&list), -XEN_EFAULT);
}

static void test_sysctl(void)
{
	struct xen_sysctl op = { .cmd = XEN_SYSCTL_physinfo, .interface_version = 0x14 };
	static char text[128 << 10];
	uint32_t n;

	EXPECT_EQ(hcall1(__HYPERVISOR_sysctl, &op), -XEN_EACCES);
	op.cmd = 77;
	EXPECT_EQ(xen_sysctl(&op), -XEN_ENOSYS);
	op.cmd = XEN_SYSCTL_physinfo;
	EXPECT_EQ(xen_sysctl(&op), 0);
	EXPECT_EQ(op.u.physinfo.nr_cpus, 1);
	EXPECT_EQ(op.u.physinfo.capabilities,
	          XEN_SYSCTL_PHYSCAP_hvm | XEN_SYSCTL_PHYSCAP_hap | XEN_SYSCTL_PHYSCAP_gnttab_v1);
	EXPECT(op.u.physinfo.total_pages > op.u.physinfo.free_pages);
	EXPECT(op.u.physinfo.total_pages <= op.u.physinfo.max_mfn + 1);
	op = (struct xen_sysctl){ .cmd = XEN_SYSCTL_numainfo };
	EXPECT_EQ(xen_sysctl(&op), 0);
	EXPECT_EQ(op.u.numainfo.num_nodes, 1);
	op = (struct xen_sysctl){ .cmd = XEN_SYSCTL_cputopoinfo };
	EXPECT_EQ(xen_sysctl(&op), 0);
	EXPECT_EQ(op.u.cputopoinfo.num_cpus, 1);
	/* The messages, whole and in parts. */
	op = (struct xen_sysctl){ .cmd = XEN_SYSCTL_readconsole };
	op.u.readconsole.count = sizeof(text);
	set_xen_guest_handle(op.u.readconsole.buffer, text);
	EXPECT_EQ(xen_sysctl(&op), 0);
	n = op.u.readconsole.count;
	text[n < sizeof(text) ? n : 0] = 0;
	EXPECT(string_has(text, "froe: Froe hypervisor"));
	EXPECT_EQ(op.u.readconsole.index, n);
	op.u.readconsole.incremental = 1;
	op.u.readconsole.index = n - 5;
	op.u.readconsole.count = sizeof(text);
	EXPECT_EQ(xen_sysctl(&op), 0);
	EXPECT_EQ(op.u.readconsole.count, 5);
	op.u.readconsole.clear = 1;
	EXPECT_EQ(xen_sysctl(&op), 0);
	op.u.readconsole = (struct xen_sysctl_readconsole){ .count = sizeof(text) };
	set_xen_guest_handle(op.u.readconsole.buffer, text);
	EXPECT_EQ(xen_sysctl(&op), 0);
	EXPECT_EQ(op.u.readconsole.count, 0);
	op = (struct xen_sysctl){ .cmd = XEN_SYSCTL_getdomaininfolist };
	op.u.getdomaininfolist.max_domains = 5;
	set_xen_guest_handle(op.u.getdomaininfolist.buffer, NOWHERE);
	EXPECT_EQ(xen_sysctl(&op), -XEN_EFAULT);
}

void test_main(void)
{
	struct xen_hvm_param param = { .index = HVM_PARAM_STORE_PFN, .value = 0xfeffc };
	struct xen_domctl_getdomaininfo info;
	uint64_t seen = 0;

	xen_map_shared();
	victim = domu_build(spin, 0, 1);
	test_create();
	test_whom();
	test_values();
	test_context();
	test_records();
	test_map();
	test_copy();
	test_sysctl();
	/* All of that has left it as it was. */
	EXPECT(domu_info(victim, &info));
	EXPECT_EQ(info.flags, XEN_DOMINF_hvm_guest | XEN_DOMINF_hap | XEN_DOMINF_paused);
	EXPECT_EQ(domu_unpause(victim), 0);
	EXPECT(WAIT_UNTIL((xen_sched(SCHEDOP_yield, 0),
	                   domu_read(victim, &reached, &seen, 8) == 8 && seen == 1),
	                  PATIENCE));
	param.domid = domu_build(ask_all, victim, 1);
	EXPECT_EQ(xen_hvm(HVMOP_set_param, &param), 0);
	EXPECT_EQ(domu_unpause(param.domid), 0);
	domu_finish(param.domid);
	EXPECT_EQ(domu_destroy(victim), 0);
}
