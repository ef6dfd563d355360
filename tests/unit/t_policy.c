/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The policy tables of CPUID, MSRs and ports against machines that have everything (all bits set)
 * and nothing.
 * files: hypervisor/arch/x86/virt/cpuid.c hypervisor/arch/x86/virt/msr.c
 * files: hypervisor/arch/x86/virt/io.c
 */
#include <stdlib.h>
#include <string.h>
#include <acpi.h>
#include <console.h>
#include <domain.h>
#include <hypercall.h>
#include <page.h>
#include <virt.h>
#include "harness.h"

static struct domain d;
static struct vcpu v;
static u32 machine_bits; /* what each CPUID register of the machine reads */
static u64 guest_cr4;
static u32 out_count, out_port, out_value;
static u32 shutdowns;
struct cpu_features cpu_features;
struct acpi_info acpi;
struct domain *control_domain = &d;
u16 uart_port = 0x3f8;
u64 time_tsc_khz = 2600000;

static void mode(const struct vcpu *of, struct guest_mode *m)
{
	memset(m, 0, sizeof(*m));
	m->cr4 = guest_cr4;
}
static const struct virt_ops ops = { .mode = mode };
const struct virt_ops *virt = &ops;

struct cpuid_regs cpuid(u32 leaf, u32 subleaf)
{
	if ((leaf & 0x7fffffff) == 0)
		return (struct cpuid_regs){ leaf | 0x7fffffff, 1, 2, 3 };
	return (struct cpuid_regs){ machine_bits, machine_bits, machine_bits, machine_bits };
}
u64 rdtsc(void)
{
	return 12345;
}
int rdmsr_safe(u32 msr, u64 *val)
{
	if (msr == 0xfe)
		return -EINVAL;
	*val = 0xabcd;
	return 0;
}
int vlapic_read(struct vcpu *of, u32 msr, u64 *val)
{
	*val = 77;
	return 0;
}
int vlapic_write(struct vcpu *of, u32 msr, u64 val)
{
	return 0;
}
u8 inb(u16 port)
{
	return 0x5a;
}
u16 inw(u16 port)
{
	return 0x5a5a;
}
u32 inl(u16 port)
{
	return 0x5a5a5a5a;
}
static void out(u16 port, u32 val)
{
	out_count++;
	out_port = port;
	out_value = val;
}
void outb(u16 port, u8 val)
{
	out(port, val);
}
void outw(u16 port, u16 val)
{
	out(port, val);
}
void outl(u16 port, u32 val)
{
	out(port, val);
}
void domain_shutdown(struct domain *of, u32 code)
{
	CHECK_EQ(code, SHUTDOWN_poweroff);
	shutdowns++;
}
mfn_t page_alloc(u32 order)
{
	static u64 next = 16;
	u64 m = next;

	next += 1u << order;
	return mfn(m);
}
int p2m_get_page(struct domain *of, gfn_t g, bool write, mfn_t *m)
{
	*m = mfn(g.v);
	return g.v < 256 ? 0 : -EFAULT;
}
void hypercall_page_fill(void *page)
{
	memset(page, 0xcc, PAGE_SIZE);
}
void page_put(mfn_t m)
{
}

static struct cpuid_regs leaf(u32 l, u32 subleaf)
{
	struct cpuid_regs r;

	vcpu_cpuid(&v, l, subleaf, &r);
	return r;
}

static void test_cpuid_hidden(void)
{
	machine_bits = ~0u;
	/* MONITOR, VMX, DS-CPL, SMX, EST, TM2, PDCM, TSC-deadline */
	CHECK_EQ(leaf(1, 0).ecx & 0x010081fc, 0);
	CHECK_EQ(leaf(1, 0).edx & 0xa0644080, 0); /* MCE MCA PSN DS ACPI TM PBE */
	CHECK_EQ(leaf(7, 0).ebx & (BIT(1) | BIT(4) | BIT(11) | BIT(12) | BIT(14)), 0);
	CHECK_EQ(leaf(7, 0).ecx & (BIT(7) | BIT(16)), 0);            /* CET, LA57 */
	CHECK_EQ(leaf(7, 0).edx & (BIT(26) | BIT(27) | BIT(31)), 0); /* SPEC_CTRL and like */
	CHECK_EQ(leaf(7, 1).eax, 0);
	CHECK_EQ(leaf(0xd, 1).eax & BIT(3), 0);                              /* XSAVES */
	CHECK_EQ(leaf(0x80000001, 0).ecx & (BIT(2) | BIT(10) | BIT(12)), 0); /* SVM IBS SKINIT */
	for (u32 l = 0x80000009; l < 0x80000040; l++) {
		bool shown = l == 0x80000019 || l == 0x8000001d || l == 0x8000001e ||
		             l == 0x80000021;

		CHECK_EQ(!!(leaf(l, 0).eax | leaf(l, 0).ebx | leaf(l, 0).ecx | leaf(l, 0).edx),
		         shown);
	}
	CHECK_EQ(leaf(5, 0).eax | leaf(5, 0).ecx | leaf(0xa, 0).eax, 0);
	CHECK_EQ(leaf(0x12, 0).eax | leaf(0x14, 0).eax | leaf(0x1f, 0).eax, 0);
	CHECK_EQ(leaf(0, 0).eax, 0xd);
	CHECK_EQ(leaf(0x80000000, 0).eax, 0x80000021);
	CHECK_EQ(leaf(0x80000008, 0).eax >> 8 & 0xff, 48);
}

static void test_cpuid_forced(void)
{
	machine_bits = 0;
	v.apic_id = 6;
	CHECK_EQ(leaf(1, 0).ecx, BIT(21) | BIT(31)); /* x2APIC, hypervisor */
	CHECK_EQ(leaf(1, 0).ebx >> 24, 6);
	CHECK_EQ(leaf(0xb, 1).edx, 6);
	CHECK_EQ(leaf(0x8000001e, 0).eax, 6);
	CHECK_EQ(leaf(7, 0).edx, BIT(29));
	guest_cr4 = BIT(18) | BIT(22);
	CHECK(leaf(1, 0).ecx & BIT(27));
	CHECK(leaf(7, 0).ecx & BIT(4));
	guest_cr4 = 0;
	cpu_features.tsc_reliable = false;
	CHECK_EQ(leaf(0x80000007, 0).edx, 0);
	cpu_features.tsc_reliable = true;
	CHECK_EQ(leaf(0x80000007, 0).edx, BIT(8));
}

static void test_cpuid_xsave(void)
{
	machine_bits = ~0u;
	cpu_features.xcr0_mask = 0x207;
	cpu_features.xsave_size = 2696;
	CHECK_EQ(leaf(0xd, 0).eax, 0x207);
	CHECK_EQ(leaf(0xd, 0).edx, 0);
	CHECK_EQ(leaf(0xd, 0).ecx, 2696);
	CHECK(leaf(0xd, 2).eax);
	CHECK(leaf(0xd, 9).eax);
	for (u32 i = 3; i < 100; i++)
		if (i != 9)
			CHECK_EQ(leaf(0xd, i).eax | leaf(0xd, i).ebx, 0);
}

static void test_cpuid_xen(void)
{
	struct cpuid_regs r;

	machine_bits = ~0u;
	r = leaf(0x40000000, 0);
	CHECK(!memcmp(&r.ebx, "XenVMMXenVMM", 12));
	CHECK(r.eax >= 0x40000004);
	CHECK_EQ(leaf(0x40000001, 0).eax, 4 << 16 | 17);
	CHECK_EQ(leaf(0x40000002, 0).ebx, 0x40000000);
	for (u32 l = 0x40000100; l < 0x40010000; l += 0x55) {
		r = leaf(l, 0);
		CHECK_EQ(r.eax | r.ebx | r.ecx | r.edx, 0);
	}
}

/* Ids are even and every leaf says so; no MTRRs, which the control domain sees. */
static void test_cpuid_guest(void)
{
	machine_bits = ~0u;
	d.max_vcpus = 3;
	v.id = 2;
	v.apic_id = 4;
	CHECK_EQ(leaf(1, 0).ebx >> 16, 4 << 8 | 6);
	CHECK_EQ(leaf(1, 0).edx & (BIT(12) | BIT(28)), BIT(28));
	CHECK_EQ(leaf(0x80000001, 0).edx & BIT(12), 0);
	CHECK_EQ(leaf(0x80000008, 0).ecx, 3 << 12 | 5);
	CHECK_EQ(leaf(0x8000001e, 0).eax, 4);
	CHECK_EQ(leaf(0x8000001e, 0).ebx, 2);
	CHECK_EQ(leaf(0xb, 0).eax, 1);
	CHECK_EQ(leaf(0xb, 0).ebx, 1);
	CHECK_EQ(leaf(0xb, 0).ecx, 0x100);
	CHECK_EQ(leaf(0xb, 1).eax, 3);
	CHECK_EQ(leaf(0xb, 1).ebx, 3);
	CHECK_EQ(leaf(0xb, 1).ecx, 0x201);
	CHECK_EQ(leaf(0xb, 2).eax | leaf(0xb, 2).ebx, 0);
	CHECK_EQ(leaf(0xb, 2).ecx, 2);
	CHECK_EQ(leaf(0xb, 2).edx, 4);
	d.max_vcpus = 64; /* the most: 127 is the highest id */
	CHECK_EQ(leaf(0x80000008, 0).ecx, 7 << 12 | 127);
	CHECK_EQ(leaf(0xb, 1).eax, 7);
	d.control = true;
	CHECK_EQ(leaf(1, 0).edx & BIT(12), BIT(12));
	CHECK_EQ(leaf(0xb, 1).eax, ~0u);
	d.control = false;
}

static bool map_bit(u32 msr, bool write)
{
	u32 base = msr >= 0xc0010000 ? 0x1000 : msr >= 0xc0000000 ? 0x800 : 0;
	u32 bit = (msr & 0x1fff) * 2 + write;

	return ((u8 *)d.msrpm)[base + bit / 8] >> bit % 8 & 1;
}

static void test_msr_map(void)
{
	static const u32 open[] = { 0x174,      0x175,      0x176,      0xc0000081,
		                    0xc0000082, 0xc0000083, 0xc0000084, 0xc0000100,
		                    0xc0000101, 0xc0000102, 0xc0000103 };
	u32 opened = 0;

	struct domain guest = { 0 };

	d.control = true;
	CHECK_EQ(domain_msr_init(&d), 0);
	CHECK_EQ(domain_msr_init(&guest), 0);
	CHECK(guest.msrpm == d.msrpm);
	for (u32 i = 0; i < ARRAY_SIZE(open); i++)
		CHECK(!map_bit(open[i], false) && !map_bit(open[i], true));
	for (u32 base = 0; base < 3; base++)
		for (u32 i = 0; i < 0x2000; i++) {
			u32 msr = (base == 0 ? 0 : base == 1 ? 0xc0000000 : 0xc0010000) + i;

			opened += !map_bit(msr, false) || !map_bit(msr, true);
		}
	CHECK_EQ(opened, ARRAY_SIZE(open));
}

static void test_msr_values(void)
{
	u64 val;

	d.control = true;
	v.id = 0;
	CHECK_EQ(vcpu_rdmsr(&v, 0x1b, &val), 0);
	CHECK_EQ(val, 0xfee00d00);
	CHECK_EQ(vcpu_wrmsr(&v, 0x1b, val), 0);
	CHECK(vcpu_wrmsr(&v, 0x1b, 0xfee00900)); /* xAPIC */
	CHECK(vcpu_wrmsr(&v, 0x1b, 0xfee00100)); /* off */
	v.id = 1;
	CHECK_EQ(vcpu_rdmsr(&v, 0x1b, &val), 0);
	CHECK_EQ(val, 0xfee00c00);
	CHECK_EQ(vcpu_rdmsr(&v, 0x10, &val), 0);
	CHECK_EQ(val, 12345);
	CHECK(vcpu_rdmsr(&v, 0x48, &val)); /* SPEC_CTRL */
	CHECK(vcpu_rdmsr(&v, 0x12345678, &val));
	CHECK(vcpu_rdmsr(&v, 0xc0010114, &val)); /* VM_CR */
	CHECK(vcpu_wrmsr(&v, 0xc0010117, 0));    /* VM_HSAVE_PA */
	CHECK(vcpu_wrmsr(&v, 0x10a, 0));
	CHECK_EQ(vcpu_rdmsr(&v, 0x200, &val), 0);
	CHECK_EQ(val, 0xabcd);
	CHECK_EQ(vcpu_rdmsr(&v, 0xfe, &val), 0); /* the machine has none */
	CHECK_EQ(val, 0);
	d.control = false;
	CHECK_EQ(vcpu_rdmsr(&v, 0x200, &val), 0);
	CHECK_EQ(val, 0);
	CHECK_EQ(vcpu_rdmsr(&v, 0xc001001f, &val), 0);
	CHECK_EQ(val, BIT(46));
	CHECK(vcpu_wrmsr(&v, 0x40000000, 0x1001)); /* page number 1 */
	CHECK(vcpu_wrmsr(&v, 0x40000000, 0x1000000));
	CHECK_EQ(vcpu_wrmsr(&v, 0x40000000, 0x20000), 0);
	CHECK_EQ(*(u8 *)paddr_to_virt(0x20000), 0xcc);
}

static bool port_caught(u32 port)
{
	return ((u8 *)d.iopm)[port / 8] >> port % 8 & 1;
}

static void test_io_control(void)
{
	u32 caught = 0;

	d.control = true;
	acpi.pm1a_evt = 0x600;
	acpi.pm1a_cnt = 0x604;
	CHECK_EQ(domain_io_init(&d), 0);
	for (u32 port = 0; port < 0x10000; port++)
		caught += port_caught(port);
	CHECK_EQ(caught, 4 + 2 + 4 + 8 + 2 + 2);
	CHECK(port_caught(0x20) && port_caught(0xa1) && port_caught(0x4d0) && port_caught(0x43));
	CHECK(port_caught(0x3ff) && port_caught(0x605) && !port_caught(0xcf9));
	CHECK_EQ(vcpu_io_read(&v, 0x21, 1), 0xff);
	CHECK_EQ(vcpu_io_read(&v, 0x42, 1), 0);
	CHECK_EQ(vcpu_io_read(&v, 0x3fd, 1), 0xff);
	CHECK_EQ(vcpu_io_read(&v, 0x604, 2), 0x5a5a);
	CHECK_EQ(vcpu_io_read(&v, 0x3f7, 2) >> 8, 0xff); /* half in: hidden as a whole */
	out_count = 0;
	vcpu_io_write(&v, 0x20, 1, 0x20);
	vcpu_io_write(&v, 0x3f8, 1, 'x');
	CHECK_EQ(out_count, 0);
}

static void test_io_sleep(void)
{
	acpi.s5_known = true;
	acpi.s5_typ_a = 5;
	out_count = shutdowns = 0;
	vcpu_io_write(&v, 0x604, 2, 5 << 10); /* type without the enable bit: just stored */
	CHECK_EQ(out_count, 1);
	CHECK_EQ(out_port, 0x604);
	CHECK_EQ(out_value, 5 << 10);
	CHECK_EQ(vcpu_io_read(&v, 0x600, 2), 0x5a5a);
	vcpu_io_write(&v, 0x604, 2, 1 << 10 | BIT(13)); /* S3: refused, and over at once */
	CHECK_EQ(vcpu_io_read(&v, 0x600, 2), 0xda5a);
	CHECK_EQ(vcpu_io_read(&v, 0x601, 1), 0xda);
	vcpu_io_write(&v, 0x600, 2, 0x8000);
	CHECK_EQ(out_count, 2);
	out_count = 1;
	CHECK_EQ(vcpu_io_read(&v, 0x600, 2), 0x5a5a);
	vcpu_io_write(&v, 0x605, 1, 1 << 2 | BIT(5));
	vcpu_io_write(&v, 0x604, 4, 1 << 10 | BIT(13));
	vcpu_io_write(&v, 0x602, 4, (u32)(1 << 10 | BIT(13)) << 16);
	CHECK_EQ(out_count, 1);
	CHECK_EQ(shutdowns, 0);
	vcpu_io_write(&v, 0x604, 2, 5 << 10 | BIT(13));
	vcpu_io_write(&v, 0x605, 1, 5 << 2 | BIT(5));
	CHECK_EQ(shutdowns, 2);
	CHECK_EQ(out_count, 1);
}

static void test_io_guest(void)
{
	d.control = false;
	CHECK_EQ(domain_io_init(&d), 0);
	for (u32 port = 0; port < 0x10000; port++)
		CHECK(port_caught(port));
	CHECK_EQ(vcpu_io_read(&v, 0x70, 1), 0xff);
	CHECK_EQ(vcpu_io_read(&v, 0xcf8, 4), 0xffffffff);
	CHECK_EQ(vcpu_io_read(&v, 0x61, 1), 0);
	out_count = 0;
	vcpu_io_write(&v, 0x604, 2, 5 << 10 | BIT(13));
	CHECK_EQ(out_count, 0);
}

void unit_main(void)
{
	unit_ram_init(16 * MIB);
	v.domain = &d;
	v.apic_id = 2;
	test_cpuid_hidden();
	test_cpuid_forced();
	test_cpuid_xsave();
	test_cpuid_xen();
	test_cpuid_guest();
	test_msr_map();
	test_msr_values();
	test_io_control();
	test_io_sleep();
	test_io_guest();
}
