/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The way into the hypervisor: numbers, privilege, pointers, instructions.
 *
 * Sources: xen/xen.h (numbers, errno), xen/errno.h; Xen refuses callers
 * outside ring 0 (EPERM) before it looks at anything else, answers ENOSYS to
 * numbers it does not know, EFAULT to pointers that it cannot use under the
 * caller's own page tables, honouring read-only pages.
 *
 * run: smp=1
 */
#include "lib/guest.h"

#define NONCANONICAL 0x0000800000000000ul
#define UNMAPPED     0x0000123400000000ul

static const unsigned long unknown[] = {
	11,  39 + 10, 55,  56,   63,     64,         65,         127,
	128, 255,     256, 1000, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff,
};

static void test_numbers(void)
{
	size_t i;
	long rc;

	for (i = 0; i < ARRAY_LEN(unknown); i++)
		EXPECT_EQ(hcall(unknown[i], 1, 2, 3, 4, 5), -XEN_ENOSYS);
	EXPECT_EQ(hcall2(__HYPERVISOR_xen_version, 0, 0), 4 << 16 | 17);
	/* Xen takes all of RAX for the number, callers set EAX: both readings are right. */
	rc = hcall(0xffffffff00000000ul | __HYPERVISOR_xen_version, 0, 0, 0, 0, 0);
	EXPECT(rc == (4 << 16 | 17) || rc == -XEN_ENOSYS);
	EXPECT_EQ(hcall(1ul << 32 | 0xffffffff, 0, 0, 0, 0, 0), -XEN_ENOSYS);
	/* Likewise a command is an int or unsigned int in each call. */
	EXPECT_EQ(hcall2(__HYPERVISOR_xen_version, 0xffffffff00000000ul, 0), 4 << 16 | 17);
	EXPECT_EQ(hcall2(__HYPERVISOR_xen_version, 0x100000000ul | 1000, 0), -XEN_ENOSYS);
}

static long version_in_ring3(long arg)
{
	return hcall2(__HYPERVISOR_xen_version, 0, arg);
}

static long unknown_in_ring3(long arg)
{
	return hcall1(1000, arg);
}

static void test_privilege(void)
{
	EXPECT_EQ(trap_user_call(version_in_ring3, 0), -XEN_EPERM);
	EXPECT_EQ(trap_user_call(unknown_in_ring3, 0), -XEN_EPERM);
	EXPECT_EQ(hcall2(__HYPERVISOR_xen_version, 0, 0), 4 << 16 | 17);
}

static void test_instructions(void)
{
	xen_extraversion_t extra;

	EXPECT_EQ(hcall_by(HCALL_VMMCALL, __HYPERVISOR_xen_version, 0, 0, 0), 4 << 16 | 17);
	EXPECT_EQ(hcall_by(HCALL_VMCALL, __HYPERVISOR_xen_version, 0, 0, 0), 4 << 16 | 17);
	EXPECT_EQ(hcall_by(HCALL_PAGE, __HYPERVISOR_xen_version, 0, 0, 0), 4 << 16 | 17);
	EXPECT_EQ(hcall_by(HCALL_PAGE, 11, 0, 0, 0), -XEN_ENOSYS);
	EXPECT_EQ(hcall_by(HCALL_PAGE, __HYPERVISOR_xen_version, XENVER_extraversion,
	                   (unsigned long)extra, 0),
	          0);
	EXPECT_EQ(hcall_by(HCALL_VMCALL, __HYPERVISOR_xen_version, XENVER_extraversion,
	                   NONCANONICAL, 0),
	          -XEN_EFAULT);
}

/* The page is written where the MSR points: a page of the guest's own RAM, aligned. */
static void test_page_msr(void)
{
	uint32_t msr = cpuid(xen_base + 2, 0).ebx;
	uint8_t *page = page_alloc();
	uint64_t beyond = 1ul << 39;

	EXPECT_EQ(try_wrmsr(msr, (uint64_t)page), TRAP_NONE);
	EXPECT_EQ(page[0], 0xb8); /* mov $0, %eax */
	EXPECT_EQ(page[32 * 17 + 1], 17);
	EXPECT_EQ(page[32 * 17 + 5], 0x0f); /* vmmcall or vmcall, then ret */
	EXPECT_EQ(page[32 * 17 + 6], 0x01);
	EXPECT_EQ(page[32 * 17 + 8], 0xc3);
	EXPECT_EQ(try_wrmsr(msr, beyond), TRAP_GP);
	EXPECT_EQ(try_wrmsr(msr, (uint64_t)page | 1), TRAP_GP); /* there is one page: index 0 */
}

/* xen_version(get_features) reads and writes its 8 bytes: in by pointer, out by pointer. */
static long features(void *p)
{
	return xen_version(XENVER_get_features, p);
}

static void test_pointers(void)
{
	struct xen_feature_info *fi = page_alloc();
	uint8_t *va = page_window(8);

	EXPECT_EQ(features(fi), 0);
	EXPECT(fi->submap);
	EXPECT_EQ(features((void *)UNMAPPED), -XEN_EFAULT);
	/* Good in its low 48 bits, and no address all the same (APM2 1.1.3). */
	EXPECT_EQ(features((void *)((uint64_t)fi | 1ul << 48)), -XEN_EFAULT);
	EXPECT_EQ(features((void *)((uint64_t)fi | 1ul << 63)), -XEN_EFAULT);
	EXPECT_EQ(features((void *)((uint64_t)fi | 0xfffful << 48)), -XEN_EFAULT);
	EXPECT_EQ(features((void *)NONCANONICAL), -XEN_EFAULT);
	EXPECT_EQ(features((void *)(NONCANONICAL - 4)), -XEN_EFAULT);
	EXPECT_EQ(features((void *)0xffff7ffffffffffful), -XEN_EFAULT);
	EXPECT_EQ(features((void *)0xfffffffffffffffcul), -XEN_EFAULT);
	EXPECT_EQ(features((void *)0xfffffffffffffff8ul), -XEN_EFAULT);
	EXPECT_EQ(features(va), -XEN_EFAULT);
	page_map(va, (uint64_t)fi, PG_P);
	fi->submap_idx = 0;
	fi->submap = 0x5a5a;
	EXPECT_EQ(features(va), -XEN_EFAULT); /* may be read, not written */
	EXPECT_EQ(fi->submap, 0x5a5a);
	page_map(va, (uint64_t)fi, PG_KERNEL);
	EXPECT_EQ(features(va), 0);
	EXPECT(fi->submap != 0x5a5a);
	page_map(va, (uint64_t)fi, PG_USER | PG_NX);
	EXPECT_EQ(features(va), 0);
	/* A frame that does not exist is no place for an argument either. */
	page_map(va, 1ul << 39, PG_KERNEL);
	EXPECT_EQ(features(va), -XEN_EFAULT);
	/* Bits that no entry may have: the walk ends there, in the guest's favour or not at all. */
	page_map(va, (uint64_t)fi | 1ul << 51, PG_KERNEL);
	EXPECT_EQ(features(va), -XEN_EFAULT);
	page_unmap(va);
	EXPECT_EQ(features(va), -XEN_EFAULT);
}

/* 1 GiB and 2 MiB mappings of the caller are walked as well. */
static void test_big_pages(void)
{
	struct xen_feature_info *fi = page_alloc();
	uint64_t *pdpt = page_alloc(), *pd = page_alloc();
	extern uint64_t page_pml4[512];

	fi->submap_idx = 0;
	pdpt[0] = PG_USER | 0x80; /* 1 GiB at 0 */
	pdpt[1] = (uint64_t)pd | PG_USER;
	pd[0] = ((uint64_t)fi & ~0x1ffffful) | PG_USER | 0x80;
	page_pml4[300] = (uint64_t)pdpt | PG_USER;
	if (cpuid(0x80000001, 0).edx & 1u << 26)
		EXPECT_EQ(features((void *)(0xffff960000000000ul + (uint64_t)fi)), 0);
	EXPECT_EQ(features((void *)(0xffff960040000000ul + ((uint64_t)fi & 0x1fffff))), 0);
	pd[0] &= ~PG_RW;
	write_cr3(read_cr3());
	EXPECT_EQ(features((void *)(0xffff960040000000ul + ((uint64_t)fi & 0x1fffff))),
	          -XEN_EFAULT);
	pd[0] |= PG_RW;
	page_pml4[300] &= ~PG_RW; /* read-only from the top */
	write_cr3(read_cr3());
	EXPECT_EQ(features((void *)(0xffff960040000000ul + ((uint64_t)fi & 0x1fffff))),
	          -XEN_EFAULT);
	page_pml4[300] = 0;
	write_cr3(read_cr3());
}

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

/*
 * Tables and leaves that point where the domain has no business: the
 * hypervisor walks them in the domain's name, so it finds nothing there, and
 * asking is no touch that would end the domain.
 */
static void test_foreign_ground(void)
{
	extern uint64_t page_pml4[512];
	uint64_t *pdpt = page_alloc(), *pd = page_alloc(), *pt = page_alloc();
	const uint64_t ground[] = { unusable(), 0xfee00000, 0xfec00000, 0xfed00000, 1ul << 39 };
	uint8_t *va = (uint8_t *)0xffff960000000000ul;
	unsigned int i;

	EXPECT(ground[0]);
	for (i = 0; i < ARRAY_LEN(ground); i++) {
		page_pml4[300] = (uint64_t)pdpt | PG_USER;
		pdpt[0] = (uint64_t)pd | PG_USER;
		pd[0] = (uint64_t)pt | PG_USER;
		pt[0] = ground[i] | PG_USER;
		EXPECT_EQ(features(va), -XEN_EFAULT);
		pd[0] = ground[i] | PG_USER;
		EXPECT_EQ(features(va), -XEN_EFAULT);
		pd[0] = (ground[i] & ~0x1ffffful) | PG_USER | 0x80;
		EXPECT_EQ(features(va + (ground[i] & 0x1fffff)), -XEN_EFAULT);
		pdpt[0] = ground[i] | PG_USER;
		EXPECT_EQ(features(va), -XEN_EFAULT);
		page_pml4[300] = ground[i] | PG_USER;
		EXPECT_EQ(features(va), -XEN_EFAULT);
	}
	/* A table that is its own entry: a walk has four steps, not more. */
	page_pml4[300] = (uint64_t)page_pml4 | PG_USER;
	features((void *)(0xffff000000000000ul | 300ul << 39 | 300ul << 30 | 300ul << 21 |
	                  300ul << 12 | 0x800));
	page_pml4[300] = 0;
	write_cr3(read_cr3());
	EXPECT_EQ(xen_version(XENVER_version, 0), 4 << 16 | 17);
}

/* The two halves of the buffer lie in frames that are no neighbours. */
static void test_crossing(void)
{
	uint8_t *first = page_alloc(), *gap = page_alloc(), *second = page_alloc();
	uint8_t *va = page_window(16);
	struct xen_feature_info *fi = (void *)(va + PAGE_SIZE - 4);
	uint32_t idx = 0;

	(void)gap;
	page_map(va, (uint64_t)second, PG_KERNEL);
	page_map(va + PAGE_SIZE, (uint64_t)first, PG_KERNEL);
	memcpy(second + PAGE_SIZE - 4, &idx, 4);
	EXPECT_EQ(features(fi), 0);
	EXPECT(*(uint32_t *)first);
	EXPECT_EQ(*(uint32_t *)gap, 0);
	page_map(va + PAGE_SIZE, (uint64_t)first, PG_P);
	*(uint32_t *)first = 0x77;
	EXPECT_EQ(features(fi), -XEN_EFAULT);
	EXPECT_EQ(*(uint32_t *)first, 0x77);
	page_unmap(va + PAGE_SIZE);
	EXPECT_EQ(features(fi), -XEN_EFAULT);
	page_map(va + PAGE_SIZE, (uint64_t)first, PG_KERNEL);
	page_unmap(va);
	EXPECT_EQ(features(fi), -XEN_EFAULT);
}

/* CR0.WP clear: ring 0 may write to read-only pages, and so may the hypervisor for it (APM2 5.6.1).
 */
static void test_wp(void)
{
	struct xen_feature_info *fi = page_alloc();
	uint64_t cr0 = read_cr0();
	uint8_t *va = page_window(24);

	page_map(va, (uint64_t)fi, PG_P);
	write_cr0(cr0 & ~(1ul << 16));
	EXPECT_EQ(features(va), 0);
	write_cr0(cr0);
	EXPECT_EQ(features(va), -XEN_EFAULT);
	page_unmap(va);
}

/*
 * From compatibility mode, still in ring 0: 32-bit callers are refused whole,
 * with EPERM or ENOSYS, and the caller goes on.
 */
static long hcall_compat(uint32_t nr)
{
	static uint8_t stack[512] __attribute__((aligned(16)));
	uint64_t rsp;
	uint32_t rc;

	asm volatile("mov %%rsp, %[rsp]\n\t"
	             "mov %[stack], %%rsp\n\t"
	             "pushq $0x28\n\t"
	             "pushq $1f\n\t"
	             "lretq\n\t"
	             ".code32\n"
	             "1: vmmcall\n\t"
	             "ljmp $0x08, $2f\n\t"
	             ".code64\n"
	             "2: mov %[rsp], %%rsp"
	             : "=a"(rc), [rsp] "=&r"(rsp)
	             : "0"(nr), "b"(0), "c"(0), "d"(0), "S"(0),
	               "D"(0), [stack] "r"(stack + sizeof(stack))
	             : "memory", "r8", "r9", "r10", "r11");
	return (int32_t)rc;
}

static void test_compat(void)
{
	long rc = hcall_compat(__HYPERVISOR_xen_version);

	EXPECT(rc == -XEN_EPERM || rc == -XEN_ENOSYS || rc == -XEN_EOPNOTSUPP);
	EXPECT_EQ(xen_version(XENVER_version, 0), 4 << 16 | 17);
}

void test_main(void)
{
	test_numbers();
	test_privilege();
	test_instructions();
	test_page_msr();
	test_pointers();
	test_big_pages();
	test_foreign_ground();
	test_crossing();
	test_wp();
	test_compat();
}
