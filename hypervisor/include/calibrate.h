/* SPDX-License-Identifier: GPL-2.0-only */
/* The rates of the TSC and the local APIC timer (arch/x86/calibrate.c). */
#pragma once

struct calibration {
	u64 tsc_hz;
	u64 lapic_hz;
	u32 error_ppm;  /* proven bound of tsc_hz, either way */
	u32 window_us;  /* the window that gave it */
	u32 elapsed_us; /* all windows */
	u32 samples;
	u32 contradictions; /* windows that cannot be true if tsc_hz is */
};

/* By ACPI's PM timer. -ENODEV: it stands still; -EIO: most windows contradict the result. */
int calibrate_run(struct calibration *out);
