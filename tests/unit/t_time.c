/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The clock's arithmetic, its calibration on a noisy machine, and the real-time clock's dates.
 * files: hypervisor/arch/x86/time.c hypervisor/arch/x86/calibrate.c
 */
#include <acpi.h>
#include <calibrate.h>
#include <cpu.h>
#include <string.h>
#include <timer.h>
#include "harness.h"

#include "../../hypervisor/arch/x86/rtc.c"

struct acpi_info acpi;

/* --- a simulated machine: every look at a clock takes time, some take very long --- */

static u64 sim_ns;
static u64 sim_tsc_hz, sim_lapic_hz;
static u32 sim_cost;     /* ns of a port read */
static u32 sim_stall;    /* one look in so many is delayed by sim_stall_ns */
static u64 sim_stall_ns; /* at most */
static u32 pm_broken;    /* 1: stands still, 2: jumps */

static void pass(u64 ns)
{
	sim_ns += ns;
	if (sim_stall && !unit_below(sim_stall))
		sim_ns += unit_below(sim_stall_ns);
}

static u64 ticks(u64 hz)
{
	return (u64)((unsigned __int128)sim_ns * hz / 1000000000);
}

u64 rdtsc(void)
{
	pass(8);
	return ticks(sim_tsc_hz) + 123456789;
}

u64 rdtsc_ordered(void)
{
	return rdtsc();
}

u32 inl(u16 port)
{
	u32 v;

	CHECK_EQ(port, 0x608);
	pass(sim_cost / 2);
	v = pm_broken == 1 ? 5 : (u32)ticks(3579545);
	if (pm_broken == 2)
		v = (u32)unit_random();
	pass(sim_cost / 2);
	return v & 0xffffff;
}

void lapic_timer_count_start(void)
{
}

u32 lapic_timer_count(void)
{
	pass(30);
	return (u32)ticks(sim_lapic_hz);
}

static u64 lapic_khz;
void lapic_timer_calibrated(u64 khz)
{
	lapic_khz = khz;
}

static u64 ppm_off(u64 is, u64 should)
{
	return (is > should ? is - should : should - is) * 1000000 / should;
}

static void calibrate_once(u32 stall, u64 stall_ns, u32 limit_ppm)
{
	u64 before = sim_ns;

	sim_stall = stall;
	sim_stall_ns = stall_ns;
	acpi.pm_timer = 0x608;
	time_init();
	CHECK(ppm_off(time_tsc_khz, sim_tsc_hz / 1000) <= limit_ppm);
	CHECK(ppm_off(lapic_khz, sim_lapic_hz / 1000) <= 2 * limit_ppm + 10);
	if (!stall && !pm_broken)
		CHECK(sim_ns - before < 22000000);
}

static void some_machine(void)
{
	sim_tsc_hz = 800000000 + unit_below(4500000000);
	sim_lapic_hz = 20000000 + unit_below(1000000000);
	sim_cost = 100 + (u32)unit_below(1500);
	sim_ns = unit_below(10000000000);
}

static void test_calibration(void)
{
	for (u32 i = 0; i < 40; i++) {
		some_machine();
		calibrate_once(0, 0, 200);
		/* One look in 40 waits up to 5 ms, as when two other programs share the core. */
		calibrate_once(40, 5000000, 200);
		/* Every third look does. */
		calibrate_once(3, 100000, 1000);
	}
	sim_stall = 0;
}

/* A clock that stands still or jumps is found out; so is a machine without one. */
static void test_no_clock(void)
{
	some_machine();
	sim_cost = 300;
	for (pm_broken = 1; pm_broken <= 2; pm_broken++)
		EXPECT_PANIC("no clock to calibrate", calibrate_once(0, 0, 500));
	pm_broken = 0;
	acpi.pm_timer = 0;
	EXPECT_PANIC("no clock to calibrate", time_init());
	unit_log_clear();
	calibrate_once(0, 0, 500);
	CHECK(unit_log_has("by the PM timer"));
}

/* --- arithmetic ----------------------------------------------------------- */

static void test_conversion(void)
{
	for (u32 i = 0; i < 2000; i++) {
		u64 hz = 1000000 * (i + 1) + unit_below(1000000), base = unit_random() >> 20;

		time_set_rate(hz, base);
		CHECK(time_mul >= 1u << 31);
		CHECK_EQ(time_from_tsc(base), 0);
		CHECK_EQ(time_from_tsc(base - 1), 0);
		for (u32 n = 0; n < 20; n++) {
			u64 delta = unit_random() >> (16 + unit_below(48));
			u64 ns = time_from_tsc(base + delta), tsc, at;
			u64 exact = (u64)((unsigned __int128)delta * 1000000000 / hz);
			/* mul has 31 bits and the shift loses the low bits of hz */
			u64 slack = exact / 200000000 + 4;

			CHECK(ns <= exact + slack && exact <= ns + slack);
			/* The way back: the TSC has reached ns then, and not long before. */
			ns = unit_random() >> (16 + unit_below(48));
			tsc = time_to_tsc(ns);
			at = time_from_tsc(tsc);
			CHECK(at >= ns);
			CHECK(tsc - base < 4 + 2 * (hz / 1000000000) ||
			      time_from_tsc(tsc - 3 - 2 * (hz / 1000000000)) <= ns);
		}
	}
	CHECK_EQ(time_to_tsc(UINT64_MAX - 1) > time_to_tsc(1), true);
}

/* --- dates ---------------------------------------------------------------- */

struct tm_of_libc {
	int sec, min, hour, mday, mon, year, wday, yday, isdst;
	long gmtoff;
	const char *zone;
};
void *gmtime_r(const s64 *t, void *tm);

static u8 coded(u32 v, bool binary)
{
	return (u8)(binary ? v : v / 10 * 16 + v % 10);
}

static void test_dates(void)
{
	for (u32 i = 0; i < 50000; i++) {
		s64 t = 946684800 + (s64)unit_below(3155760000); /* 2000 to 2099 */
		bool binary = unit_below(2), full_day = unit_below(2);
		struct tm_of_libc tm;
		struct rtc_regs r;
		u32 hour;
		u64 sec;

		gmtime_r(&t, &tm);
		hour = (u32)tm.hour;
		r = (struct rtc_regs){
			.second = coded((u32)tm.sec, binary),
			.minute = coded((u32)tm.min, binary),
			.day = coded((u32)tm.mday, binary),
			.month = coded((u32)tm.mon + 1, binary),
			.year = coded((u32)tm.year % 100, binary),
			.century = unit_below(2) ? coded(20, binary) : 0,
			.mode = (u8)(binary * 4 + full_day * 2),
		};
		r.hour = full_day ? coded(hour, binary)
		                  : coded((hour + 11) % 12 + 1, binary) | (hour >= 12 ? 0x80 : 0);
		CHECK_EQ(rtc_decode(&r, &sec), 0);
		CHECK_EQ(sec, t);
	}
}

static void test_bad_dates(void)
{
	struct rtc_regs r;
	u32 accepted = 0;
	u64 sec;

	memset(&r, 0xff, sizeof(r));
	CHECK_EQ(rtc_decode(&r, &sec), -EINVAL);
	memset(&r, 0, sizeof(r));
	CHECK_EQ(rtc_decode(&r, &sec), -EINVAL);
	for (u32 i = 0; i < 200000; i++) {
		for (u32 n = 0; n < sizeof(r); n++)
			((u8 *)&r)[n] = (u8)unit_random();
		if (rtc_decode(&r, &sec))
			continue;
		accepted++;
		CHECK(sec >= 946684800 && sec < 946684800 + 1000ULL * 366 * 86400);
	}
	CHECK(accepted > 0);
}

void unit_main(void)
{
	test_calibration();
	test_no_clock();
	test_conversion();
	test_dates();
	test_bad_dates();
}
