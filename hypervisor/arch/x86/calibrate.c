/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Calibration of the TSC and the local APIC timer against a clock of known rate.
 *
 * Each sample of the clock is bracketed by two TSC reads. Whatever delays the CPU (a host that runs
 * something else, SMM) widens brackets but never makes them wrong, so every pair of samples proves
 * an interval that holds the true rate; the pair with the narrowest one counts. Sampling ends when
 * that is good enough.
 */
#include <asm.h>
#include <calibrate.h>
#include <cpu.h>
#include <string.h>

#define SAMPLE_MAX  128
#define SAMPLE_US   1000 /* distance of samples */
#define MIN_US      5000
#define MAX_US      20000  /* go on to here for GOOD_PPB, */
#define LAST_US     100000 /* and to here for FAIR_PPB */
#define GOOD_PPB    100000
#define FAIR_PPB    1000000
#define TRIES       5
#define DEAD_CYCLES (1ULL << 31) /* without a millisecond's progress: a clock that is dead */

struct sample {
	u64 before, after; /* TSC around the read of the clock */
	u64 count;         /* of the clock since the first sample */
	u64 lapic_tsc;     /* TSC about when `lapic` was read */
	u32 lapic;
	u32 lapic_width;
};

static u64 width(const struct sample *s)
{
	return s->after - s->before;
}

static u64 middle(const struct sample *s)
{
	return s->before + width(s) / 2;
}

/* The narrowest of a few tries; *last is the clock's raw value at the latest of them. */
static void take_sample(const struct ref_clock *ref, struct sample *s, u64 *count, u32 *last)
{
	u64 best = UINT64_MAX;

	for (u32 i = 0; i < TRIES; i++) {
		u64 t0 = rdtsc_ordered();
		u32 now = ref->read();
		u64 t1 = rdtsc_ordered();
		u32 lapic = lapic_timer_count();
		u64 t2 = rdtsc_ordered();

		*count += (now - *last) & ref->mask;
		*last = now;
		if (t2 - t0 >= best)
			continue;
		best = t2 - t0;
		*s = (struct sample){ .before = t0,
			              .after = t1,
			              .count = *count,
			              .lapic = lapic,
			              .lapic_tsc = t1 + (t2 - t1) / 2 };
	}
}

static int wait_for(const struct ref_clock *ref, u64 until, u64 *count, u32 *last)
{
	u64 start = rdtsc();

	while (*count < until) {
		u32 now = ref->read();

		*count += (now - *last) & ref->mask;
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

static bool enough(u64 us, u64 ppb)
{
	if (us < MIN_US)
		return false;
	return ppb <= GOOD_PPB || (us >= MAX_US && ppb <= FAIR_PPB) || us >= LAST_US;
}

/* Windows between neighbours that exclude `hz`; half a percent of grace for the clock itself. */
static u32 contradictions(const struct sample *s, u32 n, u64 hz, u32 ref_hz)
{
	u32 bad = 0;

	for (u32 i = 1; i < n; i++) {
		u64 ticks = s[i].count - s[i - 1].count;
		u64 low = s[i].before - s[i - 1].after, high = s[i].after - s[i - 1].before;
		u64 least = hz * (ticks ? ticks - 1 : 0) / ref_hz;
		u64 most = hz * (ticks + 1) / ref_hz;

		if (low > most + most / 200 || high + high / 200 < least)
			bad++;
	}
	return bad;
}

int calibrate_run(const struct ref_clock *ref, struct calibration *out)
{
	static struct sample s[SAMPLE_MAX];
	struct pick best = { .ppb = UINT64_MAX };
	u64 count = 0, us = 0, step = (u64)ref->hz * SAMPLE_US / 1000000, cycles;
	u32 last = ref->read(), n = 0;

	lapic_timer_count_start();
	for (;;) {
		take_sample(ref, &s[n++], &count, &last);
		us = s[n - 1].count * 1000000 / ref->hz;
		improve(&best, s, n);
		if (n == SAMPLE_MAX || enough(us, best.ppb))
			break;
		if (wait_for(ref, s[n - 1].count + step, &count, &last))
			return -ENODEV;
	}
	if (!best.a)
		return -EIO;
	cycles = middle(best.b) - middle(best.a);
	*out = (struct calibration){
		.tsc_hz = cycles * ref->hz / (best.b->count - best.a->count),
		.error_ppm = (u32)(best.ppb / 1000),
		.window_us = (u32)((best.b->count - best.a->count) * 1000000 / ref->hz),
		.elapsed_us = (u32)us,
		.samples = n,
	};
	cycles = best.b->lapic_tsc - best.a->lapic_tsc;
	out->lapic_hz = out->tsc_hz / 1000 * (best.b->lapic - best.a->lapic) / cycles * 1000;
	out->contradictions = contradictions(s, n, out->tsc_hz, ref->hz);
	return out->contradictions * 2 >= n ? -EIO : 0;
}
