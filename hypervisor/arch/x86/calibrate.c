/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Calibration of the TSC and the local APIC timer against ACPI's PM timer (ACPI 6.4 4.8.3.3).
 *
 * Each sample of the clock is bracketed by two TSC reads. Whatever delays the CPU (a host that runs
 * something else, SMM) widens brackets but never makes them wrong, so every pair of samples proves
 * an interval that holds the true rate; the pair with the narrowest one counts. Sampling ends when
 * that is good enough.
 */
#include <acpi.h>
#include <asm.h>
#include <calibrate.h>
#include <cpu.h>
#include <string.h>

#define PM_HZ   3579545
#define PM_MASK 0xffffff /* where it has 32 bits, 24 do as well: it is read every millisecond */

#define SAMPLE_MAX  128
#define SAMPLE_US   1000 /* distance of samples */
#define MIN_US      5000
#define MAX_US      20000  /* go on to here for GOOD_PPB, */
#define LAST_US     100000 /* and to here for FAIR_PPB */
#define GOOD_PPB    100000
#define FAIR_PPB    1000000
#define TRIES       5
#define DEAD_CYCLES (1ULL << 31) /* without a millisecond's progress: a clock that is dead */

/* A counter's value, read at some moment between two TSC reads. */
struct sample {
	u64 before, after;
	u64 count; /* since the first sample */
};

static u32 pm_timer(void)
{
	return inl(acpi.pm_timer);
}

static u64 width(const struct sample *s)
{
	return s->after - s->before;
}

static u64 middle(const struct sample *s)
{
	return s->before + width(s) / 2;
}

static void keep_narrower(struct sample *best, u64 before, u64 after, u64 count)
{
	if (after - before < width(best))
		*best = (struct sample){ before, after, count };
}

/* The narrowest of a few tries, for each of the two; *last is the clock's raw value by then. */
static void take_samples(struct sample *clock, struct sample *lapic, u64 *count, u32 *last)
{
	*clock = *lapic = (struct sample){ .after = UINT64_MAX };
	for (u32 i = 0; i < TRIES; i++) {
		u64 t0 = rdtsc_ordered();
		u32 now = pm_timer();
		u64 t1 = rdtsc_ordered();
		u32 ticks = lapic_timer_count();
		u64 t2 = rdtsc_ordered();

		*count += (now - *last) & PM_MASK;
		*last = now;
		keep_narrower(clock, t0, t1, *count);
		keep_narrower(lapic, t1, t2, ticks);
	}
}

static int wait_for(u64 until, u64 *count, u32 *last)
{
	u64 start = rdtsc();

	while (*count < until) {
		u32 now = pm_timer();

		*count += (now - *last) & PM_MASK;
		*last = now;
		if (rdtsc() - start > DEAD_CYCLES)
			return -ENODEV;
		cpu_pause();
	}
	return 0;
}

/*
 * Half the width of the interval that the pair proves, relative to the rate. A counter's value is
 * known to one step at each end.
 */
static u64 pair_ppb(const struct sample *a, const struct sample *b)
{
	u64 cycles = middle(b) - middle(a);
	u64 ticks = b->count - a->count;
	u64 doubt;

	if (!ticks || cycles < ticks / 16 || cycles >> 40)
		return UINT64_MAX;
	doubt = width(a) + width(b) + 2 * (cycles / ticks + 1);
	if (doubt >= cycles)
		return UINT64_MAX;
	return doubt * 500000000 / cycles;
}

struct pick {
	const struct sample *a, *b;
	u64 ppb;
};

static void improve(struct pick *best, const struct sample *s, u32 n)
{
	for (u32 i = 0; i + 1 < n; i++) {
		u64 ppb = pair_ppb(&s[i], &s[n - 1]);

		if (ppb < best->ppb)
			*best = (struct pick){ &s[i], &s[n - 1], ppb };
	}
}

/* The counter's rate by the pair that proves most. */
static u64 rate(const struct pick *p, u64 tsc_hz)
{
	u64 cycles = middle(p->b) - middle(p->a);

	/* In kHz on the way, so that 64 bits do: 100 ms of counting at most. */
	return tsc_hz / 1000 * (p->b->count - p->a->count) / cycles * 1000;
}

static bool enough(u64 us, u64 ppb)
{
	if (us < MIN_US)
		return false;
	return ppb <= GOOD_PPB || (us >= MAX_US && ppb <= FAIR_PPB) || us >= LAST_US;
}

/* Windows between neighbours that exclude `hz`; half a percent of grace for the clock itself. */
static u32 contradictions(const struct sample *s, u32 n, u64 hz)
{
	u32 bad = 0;

	for (u32 i = 1; i < n; i++) {
		u64 ticks = s[i].count - s[i - 1].count;
		u64 low = s[i].before - s[i - 1].after, high = s[i].after - s[i - 1].before;
		u64 least = hz * (ticks ? ticks - 1 : 0) / PM_HZ;
		u64 most = hz * (ticks + 1) / PM_HZ;

		if (low > most + most / 200 || high + high / 200 < least)
			bad++;
	}
	return bad;
}

int calibrate_run(struct calibration *out)
{
	static struct sample clock[SAMPLE_MAX], lapic[SAMPLE_MAX];
	struct pick best = { .ppb = UINT64_MAX }, best_lapic = best;
	u64 count = 0, us = 0, step = (u64)PM_HZ * SAMPLE_US / 1000000;
	u32 last = pm_timer(), n = 0;

	lapic_timer_count_start();
	for (;;) {
		take_samples(&clock[n], &lapic[n], &count, &last);
		n++;
		improve(&best, clock, n);
		improve(&best_lapic, lapic, n);
		us = clock[n - 1].count * 1000000 / PM_HZ;
		if (n == SAMPLE_MAX || enough(us, best.ppb))
			break;
		if (wait_for(clock[n - 1].count + step, &count, &last))
			return -ENODEV;
	}
	if (!best.a)
		return -EIO;
	*out = (struct calibration){
		.tsc_hz = (middle(best.b) - middle(best.a)) * PM_HZ /
		          (best.b->count - best.a->count),
		.error_ppm = (u32)(best.ppb / 1000),
		.window_us = (u32)((best.b->count - best.a->count) * 1000000 / PM_HZ),
		.elapsed_us = (u32)us,
		.samples = n,
	};
	out->lapic_hz = best_lapic.a ? rate(&best_lapic, out->tsc_hz) : 0;
	out->contradictions = contradictions(clock, n, out->tsc_hz);
	return out->contradictions * 2 >= n ? -EIO : 0;
}
