/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * MSRs of guests: a permission map for those that the world switch carries, a table for the rest.
 * What is in neither is #GP, as on a CPU that does not have it.
 */
#include <domain.h>
#include <hypercall.h>
#include <page.h>
#include <printk.h>
#include <regs.h>
#include <string.h>
#include <virt.h>

#define MSR_TSC                0x10
#define MSR_XEN_HYPERCALL      0x40000000
#define APIC_BASE_X2APIC       0xfee00c00 /* enabled, x2APIC; + BIT(8) on the boot CPU */
#define ARCH_CAP_XAPIC_DISABLE BIT(21)

/* Straight through: VMLOAD/VMSAVE and the control block switch them, fpu.c TSC_AUX (APM2 15.5.2).
 */
static const u32 direct[] = {
	0x174,      0x175,      0x176,                  /* SYSENTER_CS, ESP, EIP */
	0xc0000081, 0xc0000082, 0xc0000083, 0xc0000084, /* STAR, LSTAR, CSTAR, SFMASK */
	0xc0000100, 0xc0000101, 0xc0000102,             /* FS.base, GS.base, KernelGSbase */
	0xc0000103,                                     /* TSC_AUX */
};

enum msr_kind {
	KIND_VALUE,   /* reads the value, writes are dropped */
	KIND_FIXED,   /* reads the value, writes of another one are #GP */
	KIND_MACHINE, /* reads the machine's (control domain; others 0), writes are dropped */
};

static const struct {
	u32 first, last;
	u8 kind;
	u64 value;
	const char *why;
} table[] = {
	{ 0x8b, 0x8b, KIND_MACHINE, 0, "microcode revision" },
	{ 0xbd, 0xbd, KIND_FIXED, 1, "XAPIC_DISABLE_STATUS: legacy mode is gone" },
	{ 0xfe, 0xfe, KIND_MACHINE, 0,
	  "MTRRcap: the nested tables decide, but Linux checks its RAM" },
	{ 0x10a, 0x10a, KIND_FIXED, ARCH_CAP_XAPIC_DISABLE, "ARCH_CAPABILITIES" },
	{ 0x200, 0x20f, KIND_MACHINE, 0, "variable MTRRs" },
	{ 0x250, 0x250, KIND_MACHINE, 0, "fixed MTRRs" },
	{ 0x258, 0x259, KIND_MACHINE, 0, "fixed MTRRs" },
	{ 0x268, 0x26f, KIND_MACHINE, 0, "fixed MTRRs" },
	{ 0x2ff, 0x2ff, KIND_MACHINE, 0, "MTRRdefType" },
	{ 0xc0010010, 0xc0010010, KIND_MACHINE, 0, "SYSCFG" },
	{ 0xc0010015, 0xc0010015, KIND_VALUE, BIT(24), "HWCR: the TSC counts at P0 frequency" },
	{ 0xc001001a, 0xc001001a, KIND_MACHINE, 0, "TOP_MEM" },
	{ 0xc001001d, 0xc001001d, KIND_MACHINE, 0, "TOP_MEM2" },
	{ 0xc001001f, 0xc001001f, KIND_VALUE, BIT(46), "NB_CFG: extended APIC ids are on" },
	{ 0xc0010055, 0xc0010055, KIND_VALUE, 0, "interrupt pending: no C1E" },
	{ 0xc0011029, 0xc0011029, KIND_VALUE, BIT(1), "DE_CFG: LFENCE serialises" },
};

/* Map layout: 2 bits an MSR, even bit read, odd bit write; three ranges (APM2 15.11). */
static void map_clear(u8 *map, u32 msr)
{
	u32 base = msr >= 0xc0010000 ? 0x1000 : msr >= 0xc0000000 ? 0x800 : 0;
	u32 bit = (msr & 0x1fff) * 2;

	map[base + bit / 8] &= (u8) ~(3u << bit % 8);
}

/* One for all: the control domain's has been made when the first guest comes. */
int domain_msr_init(struct domain *d)
{
	mfn_t m;

	if (!d->control) {
		d->msrpm = control_domain->msrpm;
		return 0;
	}
	m = page_alloc(1);
	if (!mfn_valid_box(m))
		return -ENOMEM;
	d->msrpm = mfn_to_virt(m);
	memset(d->msrpm, 0xff, 2 * PAGE_SIZE);
	for (u32 i = 0; i < ARRAY_SIZE(direct); i++)
		map_clear(d->msrpm, direct[i]);
	return 0;
}

static int find(u32 msr)
{
	for (u32 i = 0; i < ARRAY_SIZE(table); i++)
		if (msr >= table[i].first && msr <= table[i].last)
			return (int)i;
	return -1;
}

static u64 apic_base(const struct vcpu *v)
{
	return APIC_BASE_X2APIC | (v->id ? 0 : BIT(8));
}

int vcpu_rdmsr(struct vcpu *v, u32 msr, u64 *val)
{
	int i;

	if (msr >> 8 == 8)
		return vlapic_read(v, msr, val);
	switch (msr) {
	case MSR_TSC: /* no offset: all domains see the machine's (TSC_OFFSET is 0) */
		*val = rdtsc();
		return 0;
	case MSR_APIC_BASE:
		*val = apic_base(v);
		return 0;
	case MSR_XEN_HYPERCALL:
		*val = 0;
		return 0;
	}
	i = find(msr);
	if (i < 0)
		return -EINVAL;
	*val = table[i].value;
	if (table[i].kind == KIND_MACHINE && (!v->domain->control || rdmsr_safe(msr, val)))
		*val = 0;
	return 0;
}

/* The page that older kernels call through: written where the guest says (Xen's MSR interface). */
static int hypercall_msr(struct vcpu *v, u64 val)
{
	mfn_t m;
	void *page;

	if (val & (PAGE_SIZE - 1))
		return -EINVAL; /* index of a page: there is one, number 0 */
	if (p2m_get_page(v->domain, gpa_to_gfn(gpa(val)), true, &m))
		return -EINVAL;
	page = page_map(m);
	hypercall_page_fill(page);
	page_unmap(page);
	page_put(m);
	return 0;
}

int vcpu_wrmsr(struct vcpu *v, u32 msr, u64 val)
{
	int i;

	if (msr >> 8 == 8)
		return vlapic_write(v, msr, val);
	switch (msr) {
	case MSR_TSC:
		return 0;   /* the machine's clock stays */
	case MSR_APIC_BASE: /* locked in x2APIC mode: only what is there already */
		return val == apic_base(v) ? 0 : -EINVAL;
	case MSR_XEN_HYPERCALL:
		return hypercall_msr(v, val);
	}
	i = find(msr);
	if (i < 0 || (table[i].kind == KIND_FIXED && val != table[i].value))
		return -EINVAL;
	return 0;
}
