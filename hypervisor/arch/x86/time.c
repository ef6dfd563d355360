/* SPDX-License-Identifier: GPL-2.0-only */
/* The hypervisor's clock: nanoseconds since boot from the TSC. */
#include <acpi.h>
#include <calibrate.h>
#include <cpu.h>
#include <printk.h>
#include <timer.h>

u64 time_tsc_khz;
u32 time_mul;
s32 time_shift;
u64 time_tsc_base;
static u64 inverse; /* 2^95 / time_mul: the way back, exact to 2^-63 */

u64 time_from_tsc(u64 tsc)
{
	u64 delta = tsc - time_tsc_base;

	if (unlikely((s64)delta < 0))
		return 0; /* another CPU's TSC, read at the very start */
	delta = time_shift < 0 ? delta >> -time_shift : delta << time_shift;
	return (u64)((unsigned __int128)delta * time_mul >> 32);
}

u64 time_now(void)
{
	return time_from_tsc(rdtsc_ordered());
}

/* The first TSC value whose time is `ns` or later. */
u64 time_to_tsc(u64 ns)
{
	unsigned __int128 scaled = (unsigned __int128)ns * inverse >> 63;
	u64 delta;

	if (scaled >> 64)
		return UINT64_MAX;
	delta = (u64)scaled + 1;
	delta = time_shift < 0 ? delta << -time_shift : (delta + BIT(time_shift) - 1) >> time_shift;
	return time_tsc_base + delta;
}

void time_delay_us(u32 us)
{
	u64 start = rdtsc();
	u64 cycles = us * (time_tsc_khz ? time_tsc_khz : 5000000) / 1000;

	while (rdtsc() - start < cycles)
		cpu_pause();
}

/* 2^32 * 10^9 / hz as a 32-bit multiplier with a shift, as pvclock has it; mul is 2^31 or more. */
void time_set_rate(u64 tsc_hz, u64 base)
{
	u64 hz = tsc_hz, high;

	time_shift = 0;
	for (; hz > 2000000000; hz >>= 1)
		time_shift--;
	for (; hz <= 1000000000; hz <<= 1)
		time_shift++;
	if (time_shift < 0) /* once more, without the bits that the loop lost */
		hz = (tsc_hz + BIT(-time_shift) / 2) >> -time_shift;
	time_mul = (u32)min((1000000000ULL << 32) / hz, (u64)UINT32_MAX);
	high = BIT(31);
	inverse = UINT64_MAX;
	if (time_mul > high) { /* else the quotient is 2^64 */
		u64 rest;

		__asm__("divq %4"
		        : "=a"(inverse), "=d"(rest)
		        : "a"(0ULL), "d"(high), "r"((u64)time_mul));
	}
	time_tsc_khz = tsc_hz / 1000;
	time_tsc_base = base;
}

void time_init(void)
{
	u64 base = rdtsc_ordered();
	struct calibration c;

	if (!acpi.pm_timer || calibrate_run(&c))
		boot_fail("no clock to calibrate the TSC by: there is no ACPI PM timer, or it does "
		          "not count evenly\n");
	if (!c.lapic_hz)
		boot_fail("the local APIC timer does not count\n");
	time_set_rate(c.tsc_hz, base);
	lapic_timer_calibrated(c.lapic_hz / 1000);
	pr_info("time: TSC %lu kHz +-%u ppm by the PM timer (window %u us of %u us), "
	        "local APIC timer %lu kHz\n",
	        time_tsc_khz, c.error_ppm, c.window_us, c.elapsed_us, c.lapic_hz / 1000);
	if (c.error_ppm > 1000 || c.contradictions)
		pr_warn("time: the calibration was disturbed: %u of %u windows disagree\n",
		        c.contradictions, c.samples - 1);
}
