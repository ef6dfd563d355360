/* SPDX-License-Identifier: GPL-2.0-only */
/* The local APIC of the calling CPU: set-up, interrupts to other CPUs, the one-shot timer. */
#include <acpi.h>
#include <cpu.h>
#include <hostmap.h>
#include <printk.h>
#include <regs.h>
#include <timer.h>

/* Offsets of the memory-mapped registers (APM2 16.3.2); as x2APIC MSR: 0x800 + offset / 16. */
#define APIC_ID        0x020
#define APIC_TPR       0x080
#define APIC_EOI       0x0b0
#define APIC_SVR       0x0f0
#define APIC_ISR       0x100
#define APIC_TMR       0x180
#define APIC_ESR       0x280
#define APIC_ICR       0x300
#define APIC_ICR_HIGH  0x310 /* xAPIC only */
#define APIC_LVT_TIMER 0x320
#define APIC_LVT_THERM 0x330
#define APIC_LVT_PERF  0x340
#define APIC_LVT_LINT0 0x350
#define APIC_LVT_LINT1 0x360
#define APIC_LVT_ERROR 0x370
#define APIC_TMICT     0x380
#define APIC_TMCCT     0x390
#define APIC_TDCR      0x3e0

#define SVR_ENABLE    BIT(8)
#define LVT_MASKED    BIT(16)
#define LVT_NMI       (4 << 8)
#define TDCR_DIVIDE_1 0xb
#define ICR_NMI       (4 << 8)
#define ICR_INIT      (5 << 8)
#define ICR_STARTUP   (6 << 8)
#define ICR_PENDING   BIT(12)
#define ICR_ASSERT    BIT(14)
#define ICR_LEVEL     BIT(15)

#define APIC_BASE_EXTD BIT(10)
#define APIC_BASE_EN   BIT(11)

paddr_t lapic_base = 0xfee00000;
static volatile u32 *regs; /* NULL in x2APIC mode */
static u64 timer_per_ns;   /* ticks a nanosecond, 32.32 fixed point */

static u32 lapic_read(u32 reg)
{
	return regs ? regs[reg / 4] : (u32)rdmsr(MSR_X2APIC + reg / 16);
}

static void lapic_write(u32 reg, u32 v)
{
	if (regs)
		regs[reg / 4] = v;
	else
		wrmsr(MSR_X2APIC + reg / 16, v);
}

/* x2APIC where the CPU has it: no address to map, and no wait after an IPI. */
static void choose_mode(void)
{
	u64 base = rdmsr(MSR_APIC_BASE);

	/* From off there is no way straight to x2APIC (APM2 16.9). */
	wrmsr(MSR_APIC_BASE, base | APIC_BASE_EN);
	if (cpu_features.x2apic) {
		wrmsr(MSR_APIC_BASE, base | APIC_BASE_EN | APIC_BASE_EXTD);
		return;
	}
	lapic_base = base & 0x000ffffffffff000ULL;
	if (!regs)
		regs = mmio_map(lapic_base, PAGE_SIZE);
}

void lapic_init_this(void)
{
	choose_mode();
	lapic_write(APIC_LVT_TIMER, LVT_MASKED | VEC_TIMER);
	lapic_write(APIC_TMICT, 0);
	lapic_write(APIC_TDCR, TDCR_DIVIDE_1);
	lapic_write(APIC_LVT_THERM, LVT_MASKED);
	lapic_write(APIC_LVT_PERF, LVT_MASKED);
	lapic_write(APIC_LVT_LINT0, LVT_MASKED);
	/* The machine's NMI button and its error lines come in here. */
	lapic_write(APIC_LVT_LINT1, LVT_NMI);
	lapic_write(APIC_LVT_ERROR, VEC_ERROR);
	lapic_write(APIC_SVR, (u32)SVR_ENABLE | VEC_SPURIOUS);
	lapic_write(APIC_TPR, 0);
	lapic_write(APIC_ESR, 0);
	lapic_write(APIC_ESR, 0);
	/* Firmware may have left interrupts in service; they would block ours for good. */
	for (u32 i = 0; i < 256 && lapic_isr_top() >= 0; i++)
		lapic_eoi();
	lapic_write(APIC_LVT_TIMER, VEC_TIMER);
}

u32 lapic_id(void)
{
	return regs ? lapic_read(APIC_ID) >> 24 : lapic_read(APIC_ID);
}

void lapic_eoi(void)
{
	lapic_write(APIC_EOI, 0);
}

/* Compare again what waits for the CPU with what the CPU lets through. */
void lapic_look_again(void)
{
	lapic_write(APIC_TPR, 0);
}

/* --- interrupts to other CPUs --------------------------------------------- */

/* Bounded: a CPU that is gone must not take this one with it. */
static void icr_wait(void)
{
	for (u32 i = 0; i < 1000000 && lapic_read(APIC_ICR) & ICR_PENDING; i++)
		cpu_pause();
}

static void icr_write(u32 apic_id, u32 command)
{
	if (!regs) {
		/* This write does not wait for earlier stores as the MMIO one does (APM2 16.11). */
		__asm__ volatile("mfence; lfence" ::: "memory");
		wrmsr(MSR_X2APIC + APIC_ICR / 16, (u64)apic_id << 32 | command);
		return;
	}
	icr_wait();
	lapic_write(APIC_ICR_HIGH, apic_id << 24);
	lapic_write(APIC_ICR, command);
}

void lapic_send_ipi(u32 apic_id, u32 vector)
{
	icr_write(apic_id, vector | (u32)ICR_ASSERT);
}

void lapic_send_nmi(u32 apic_id)
{
	icr_write(apic_id, ICR_NMI | (u32)ICR_ASSERT);
}

/*
 * Real CPUs of the last 15 years take the start-up IPI at once; the pauses of the original
 * MultiProcessor Specification (B.4) are for older ones. A second SIPI to a CPU that runs is
 * ignored.
 */
void lapic_send_init_sipi(u32 apic_id, u32 trampoline_page)
{
	icr_write(apic_id, ICR_INIT | (u32)(ICR_ASSERT | ICR_LEVEL));
	time_delay_us(100);
	icr_write(apic_id, ICR_INIT | (u32)ICR_LEVEL);
	time_delay_us(10);
	for (u32 i = 0; i < 2; i++) {
		icr_write(apic_id, ICR_STARTUP | trampoline_page);
		time_delay_us(200);
	}
}

/* --- what is in service --------------------------------------------------- */

bool lapic_tmr_test(u32 vector)
{
	return lapic_read(APIC_TMR + vector / 32 * 16) >> (vector % 32) & 1;
}

int lapic_isr_top(void)
{
	for (int word = 7; word >= 0; word--) {
		u32 bits = lapic_read(APIC_ISR + (u32)word * 16);

		if (bits)
			return word * 32 + fls64(bits);
	}
	return -1;
}

u32 lapic_error(void)
{
	lapic_write(APIC_ESR, 0);
	return lapic_read(APIC_ESR);
}

/* --- the timer ------------------------------------------------------------ */

void lapic_timer_count_start(void)
{
	lapic_write(APIC_LVT_TIMER, LVT_MASKED | VEC_TIMER);
	lapic_write(APIC_TMICT, UINT32_MAX);
}

u32 lapic_timer_count(void)
{
	return UINT32_MAX - lapic_read(APIC_TMCCT);
}

void lapic_timer_calibrated(u64 khz)
{
	lapic_write(APIC_TMICT, 0);
	lapic_write(APIC_LVT_TIMER, VEC_TIMER);
	timer_per_ns = (khz << 32) / 1000000;
}

/* A deadline beyond the counter's range fires early; timer_run() then sets it again. */
void lapic_timer_set(u64 deadline_ns)
{
	u64 now, delta, count = 1;

	if (deadline_ns == UINT64_MAX) {
		lapic_write(APIC_TMICT, 0);
		return;
	}
	now = time_now();
	if (deadline_ns > now) {
		delta = min(deadline_ns - now, 1000000000ULL);
		count = (delta * timer_per_ns >> 32) + 1;
		if (count > UINT32_MAX)
			count = UINT32_MAX;
	}
	lapic_write(APIC_TMICT, (u32)count);
}
