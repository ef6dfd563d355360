/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The local APIC by its x2APIC numbers; where a machine without a hypervisor
 * has none, the same registers through their page.
 */
#include "guest.h"

#define MSR_APIC_BASE  0x1b
#define APIC_BASE_EXTD (1u << 10)
#define APIC_PAGE      0xfee00000ul

bool apic_x2;

static volatile uint32_t *apic_mmio(enum apic_reg reg)
{
	return (volatile uint32_t *)(APIC_PAGE + 16 * reg);
}

void apic_init(void)
{
	apic_x2 = rdmsr(MSR_APIC_BASE) & APIC_BASE_EXTD;
	/* The firmware leaves the PIC ticking on vector 8. */
	outb(0x21, 0xff);
	outb(0xa1, 0xff);
	apic_write(APIC_SPIV, 0x1ff);
	apic_write(APIC_TPR, 0);
}

uint64_t apic_read(enum apic_reg reg)
{
	if (apic_x2)
		return rdmsr(0x800 + reg);
	if (reg == APIC_ICR)
		return (uint64_t)*apic_mmio(reg + 1) << 32 | *apic_mmio(reg);
	return *apic_mmio(reg);
}

void apic_write(enum apic_reg reg, uint64_t val)
{
	if (apic_x2) {
		wrmsr(0x800 + reg, val);
		return;
	}
	if (reg == APIC_ICR)
		*apic_mmio(reg + 1) = (uint32_t)(val >> 32);
	*apic_mmio(reg) = (uint32_t)val;
}

void apic_send(uint32_t apic_id, uint32_t command)
{
	apic_write(APIC_ICR, (uint64_t)apic_id << (apic_x2 ? 32 : 56) | command);
}

void apic_self(unsigned int vector)
{
	if (apic_x2)
		apic_write(APIC_SELF_IPI, vector);
	else
		apic_write(APIC_ICR, ICR_SELF | vector);
}

/* One bit of the 256 of ISR, TMR or IRR. */
bool apic_bit(enum apic_reg base, unsigned int vector)
{
	return apic_read(base + vector / 32) >> vector % 32 & 1;
}
