/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The local APIC's driver against registers in memory, in both modes: x2APIC is what no emulator at
 * hand has.
 * files: hypervisor/arch/x86/lapic.c
 */
#include <cpu.h>
#include <hostmap.h>
#include <string.h>
#include <timer.h>
#include "harness.h"

#define APIC_MSR 0x1b

struct cpu_features cpu_features;
static bool x2apic;
static u64 base_msr;
static u32 page[1024]; /* the memory-mapped registers */
static u32 mappings;
static u64 icr[16]; /* IPIs sent, in x2APIC form */
static u32 icr_count;
static u32 eois, delay_us, tmict_writes;
static u64 now;

/* --- the hardware --------------------------------------------------------- */

static u32 *reg(u32 offset)
{
	return &page[offset / 4];
}

void *mmio_map(paddr_t pa, u64 size)
{
	CHECK_EQ(pa, 0xfee00000);
	CHECK_EQ(size, PAGE_SIZE);
	mappings++;
	return page;
}

static int top_in_service(void)
{
	for (int i = 255; i >= 0; i--)
		if (*reg(0x100 + (u32)i / 32 * 16) >> (i % 32) & 1)
			return i;
	return -1;
}

u64 rdmsr(u32 msr)
{
	if (msr == APIC_MSR)
		return base_msr;
	CHECK(x2apic && msr >= 0x800 && msr <= 0x83f);
	CHECK(msr != 0x831); /* does not exist */
	return *reg((msr - 0x800) * 16);
}

void wrmsr(u32 msr, u64 v)
{
	u32 offset = (msr - 0x800) * 16;

	if (msr == APIC_MSR) {
		/* From off straight to x2APIC is a #GP (APM2 16.9). */
		CHECK((base_msr & 0x800) || !(v & 0x400));
		base_msr = v;
		x2apic = (v & 0xc00) == 0xc00;
		return;
	}
	CHECK(x2apic && msr >= 0x800 && msr <= 0x83f && msr != 0x831);
	if (offset == 0x300) {
		REQUIRE(icr_count < ARRAY_SIZE(icr));
		icr[icr_count++] = v;
		return;
	}
	if (offset == 0x0b0) {
		int top = top_in_service();

		CHECK_EQ(v, 0);
		eois++;
		if (top >= 0)
			*reg(0x100 + (u32)top / 32 * 16) &= ~(u32)BIT(top % 32);
		return;
	}
	tmict_writes += offset == 0x380;
	CHECK(!(v >> 32));
	*reg(offset) = (u32)v;
}

u64 time_now(void)
{
	return now;
}

void time_delay_us(u32 us)
{
	delay_us += us;
}

static void power_up(bool with_x2apic, u64 base)
{
	memset(page, 0, sizeof(page));
	memset(&cpu_features, 0, sizeof(cpu_features));
	cpu_features.x2apic = with_x2apic;
	base_msr = base;
	x2apic = (base & 0xc00) == 0xc00;
	icr_count = eois = delay_us = 0;
	*reg(0x020) = with_x2apic ? 5 : 5u << 24;
}

/* --- tests ---------------------------------------------------------------- */

static void check_setup(void)
{
	CHECK_EQ(*reg(0x0f0), 0x1ff);
	CHECK_EQ(*reg(0x080), 0);
	CHECK_EQ(*reg(0x350), 0x10000); /* LINT0 masked */
	CHECK_EQ(*reg(0x360), 0x400);   /* LINT1: NMI */
	CHECK_EQ(*reg(0x370), VEC_ERROR);
	CHECK_EQ(*reg(0x320), VEC_TIMER); /* one-shot, not masked */
	CHECK_EQ(*reg(0x380), 0);
	CHECK_EQ(*reg(0x3e0), 0xb);
	CHECK_EQ(lapic_id(), 5);
}

static void test_x2apic(void)
{
	static const u64 bases[] = { 0xfee00000, 0xfee00900, 0xfee00800, 0xfee00d00 };

	for (u32 i = 0; i < ARRAY_SIZE(bases); i++) {
		power_up(true, bases[i]);
		*reg(0x170) = 1; /* firmware left 0xe0 and 0x21 in service */
		*reg(0x110) = 2;
		lapic_init_this();
		CHECK(x2apic);
		CHECK_EQ(eois, 2);
		CHECK_EQ(base_msr & 0x100, bases[i] & 0x100); /* the boot CPU's bit stays */
		check_setup();
	}
	CHECK_EQ(mappings, 0);
	lapic_send_ipi(200, VEC_KICK);
	lapic_send_nmi(3);
	CHECK_EQ(icr_count, 2);
	CHECK_EQ(icr[0], 200ULL << 32 | 0x4000 | VEC_KICK);
	CHECK_EQ(icr[1], 3ULL << 32 | 0x4400);
	icr_count = 0;
	lapic_send_init_sipi(7, 0x9a);
	REQUIRE(icr_count == 4);
	CHECK_EQ(icr[0], 7ULL << 32 | 0xc500);
	CHECK_EQ(icr[1], 7ULL << 32 | 0x8500);
	CHECK_EQ(icr[2], 7ULL << 32 | 0x69a);
	CHECK_EQ(icr[3], icr[2]);
	CHECK(delay_us >= 100 && delay_us < 2000);
}

static void test_xapic(void)
{
	power_up(false, 0xfee00100); /* off */
	lapic_init_this();
	CHECK_EQ(base_msr, 0xfee00900);
	CHECK_EQ(mappings, 1);
	CHECK_EQ(lapic_base, 0xfee00000);
	check_setup();
	lapic_send_ipi(200, VEC_KICK);
	CHECK_EQ(*reg(0x310), 200u << 24);
	CHECK_EQ(*reg(0x300), 0x4000 | VEC_KICK);
	*reg(0x300) = 0x1000; /* busy for good: bounded */
	lapic_send_nmi(3);
	CHECK_EQ(*reg(0x310), 3u << 24);
	CHECK_EQ(*reg(0x300), 0x4400);
	*reg(0x0b0) = 1;
	lapic_eoi();
	CHECK_EQ(*reg(0x0b0), 0);
	*reg(0x080) = 1;
	lapic_look_again();
	CHECK_EQ(*reg(0x080), 0);
}

static void test_in_service(void)
{
	memset(reg(0x100), 0, 0x100);
	CHECK_EQ(lapic_isr_top(), -1);
	for (u32 i = 0; i < 2000; i++) {
		u32 a = (u32)unit_below(256), b = (u32)unit_below(256);

		memset(reg(0x100), 0, 0x100);
		*reg(0x100 + a / 32 * 16) |= (u32)BIT(a % 32);
		*reg(0x100 + b / 32 * 16) |= (u32)BIT(b % 32);
		*reg(0x180 + a / 32 * 16) |= (u32)BIT(a % 32);
		CHECK_EQ(lapic_isr_top(), max(a, b));
		CHECK(lapic_tmr_test(a));
		CHECK(a == b || !lapic_tmr_test(b));
	}
}

static void test_timer(void)
{
	static const u64 rates[] = { 24000, 100000, 1000000, 3900000 }; /* kHz */

	for (u32 i = 0; i < ARRAY_SIZE(rates); i++) {
		lapic_timer_count_start();
		CHECK_EQ(*reg(0x320), 0x10000 | VEC_TIMER);
		*reg(0x390) = UINT32_MAX - 1234;
		CHECK_EQ(lapic_timer_count(), 1234);
		lapic_timer_calibrated(rates[i]);
		CHECK_EQ(*reg(0x320), VEC_TIMER);
		now = 5000000000;
		lapic_timer_set(now - 1);
		CHECK_EQ(*reg(0x380), 1); /* at once, and not never */
		lapic_timer_set(0);
		CHECK_EQ(*reg(0x380), 1);
		lapic_timer_set(UINT64_MAX);
		CHECK_EQ(*reg(0x380), 0);
		for (u32 n = 0; n < 1000; n++) {
			u64 delta = unit_random() >> (unit_below(50) + 14), count;

			lapic_timer_set(now + delta);
			count = *reg(0x380);
			CHECK(count > 0);
			/* Never later than asked for by more than a tick and 1 in 2^31. */
			delta = min(delta, 10000000000ULL);
			CHECK(count * 1000000 <=
			      (delta + delta / BIT(31) + 1) * rates[i] + 1000000);
			if (delta <= 1000000000)
				CHECK((count + 1) * 1000000 >= delta * rates[i]);
		}
	}
}

void unit_main(void)
{
	test_x2apic();
	test_in_service();
	test_timer();
	test_xapic();
	test_in_service();
	test_timer();
}
