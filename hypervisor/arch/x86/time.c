/* SPDX-License-Identifier: GPL-2.0-only */
/* The hypervisor's clock: nanoseconds since boot from the TSC, and what it is calibrated by. */
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

/* --- clocks of known rate ------------------------------------------------- */

static u32 pm_timer_read(void)
{
	return inl(acpi.pm_timer);
}

#define PIT_CHANNEL2 0x42
#define PIT_MODE     0x43
#define PIT_GATE     0x61 /* bit 0: gate of channel 2, bit 1: speaker */

/* Channel 2 counts down from 0xffff and wraps; latched, so that the halves belong together. */
static u32 pit_read(void)
{
	u32 low;

	outb(PIT_MODE, 0x80);
	low = inb(PIT_CHANNEL2);
	return 0xffff - (low | (u32)inb(PIT_CHANNEL2) << 8);
}

static void pit_start(void)
{
	outb(PIT_GATE, (inb(PIT_GATE) & 0xfc) | 1);
	outb(PIT_MODE, 0xb0); /* channel 2, both bytes, mode 0 */
	outb(PIT_CHANNEL2, 0xff);
	outb(PIT_CHANNEL2, 0xff);
}

static int calibrate(struct calibration *c, const char **by)
{
	/* Where it has 32 bits, 24 do as well: it is read every millisecond. */
	static const struct ref_clock pm = { "PM timer", 3579545, 0xffffff, pm_timer_read };
	static const struct ref_clock pit = { "PIT", 1193182, 0xffff, pit_read };
	int rc = acpi.pm_timer ? calibrate_run(&pm, c) : -ENODEV;

	*by = rc ? pit.name : pm.name;
	if (!rc)
		return 0;
	if (acpi.pm_timer)
		pr_warn("time: the PM timer at port %#x is of no use (error %d), "
		        "trying the PIT\n",
		        acpi.pm_timer, rc);
	pit_start();
	return calibrate_run(&pit, c);
}

void time_init(void)
{
	u64 base = rdtsc_ordered();
	struct calibration c;
	const char *by;

	if (calibrate(&c, &by))
		boot_fail("no clock to calibrate the TSC by: neither the ACPI PM timer nor the PIT "
		          "counts evenly\n");
	if (!c.lapic_hz)
		boot_fail("the local APIC timer does not count\n");
	time_set_rate(c.tsc_hz, base);
	lapic_timer_calibrated(c.lapic_hz / 1000);
	pr_info("time: TSC %lu kHz +-%u ppm by the %s (window %u us of %u us), "
	        "local APIC timer %lu kHz\n",
	        time_tsc_khz, c.error_ppm, by, c.window_us, c.elapsed_us, c.lapic_hz / 1000);
	if (c.error_ppm > 1000 || c.contradictions)
		pr_warn("time: the calibration was disturbed: %u of %u windows disagree\n",
		        c.contradictions, c.samples - 1);
}
