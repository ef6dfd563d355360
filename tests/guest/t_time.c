/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The clock: monotonic on each CPU and between them, at one with the TSC, wall
 * time at one with the machine's clock, timers never early.
 *
 * Sources: xen/xen.h (struct vcpu_time_info, shared_info.wc_*); the stock kernel
 * uses one time base for all vCPUs and for VCPUOP_set_singleshot_timer.
 *
 * run: smp=2
 */
#include "lib/guest.h"

#define TURNS 300

static volatile uint64_t shared_now;
static volatile uint32_t turn;
static volatile uint32_t backwards;

/* Each reads the clock in its turn, and must not find it behind the other's. */
static void take_turns(void *arg)
{
	uint32_t me = (uint32_t)(uintptr_t)arg, i;
	uint64_t now;

	for (i = 0; i < TURNS; i++) {
		while (turn % 2 != me)
			cpu_relax();
		now = time_now();
		if (now < shared_now)
			backwards++;
		shared_now = now;
		turn++;
	}
}

static void test_monotonic(void)
{
	uint64_t last = time_now(), now;
	unsigned int i, back = 0;

	for (i = 0; i < 20000; i++) {
		now = time_now();
		back += now < last;
		last = now;
	}
	EXPECT_EQ(back, 0);
	cpu_run(1, take_turns, (void *)1);
	take_turns(NULL);
	EXPECT(cpu_wait(1, PATIENCE));
	EXPECT_EQ(backwards, 0);
}

static uint8_t cmos(uint8_t reg)
{
	outb(0x70, reg);
	return inb(0x71);
}

static unsigned int bcd(uint8_t v)
{
	return (v >> 4) * 10u + (v & 15);
}

/* Seconds since 1970 of the machine's clock (MC146818: BCD, 24 hours as QEMU sets it). */
static uint64_t cmos_read(void)
{
	static const uint16_t days[] = { 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334 };
	uint64_t y, m, d;

	WAIT_UNTIL(!(cmos(0x0a) & 0x80), 100);
	y = 2000 + bcd(cmos(9));
	m = bcd(cmos(8));
	d = (y - 1970) * 365 + (y - 1969) / 4 + days[(m - 1) % 12] + bcd(cmos(7)) - 1;
	d += y % 4 == 0 && m > 2;
	return d * 86400 + bcd(cmos(4)) * 3600 + bcd(cmos(2)) * 60 + bcd(cmos(0));
}

/* Not half of it from before a second's end and half from after. */
static uint64_t cmos_seconds(void)
{
	uint64_t last, now = cmos_read();

	do {
		last = now;
		now = cmos_read();
	} while (now != last);
	return now;
}

static void test_wall(void)
{
	volatile struct shared_info *si = xen_shared;
	uint64_t wall, before = cmos_seconds(), after;

	EXPECT_EQ(si->wc_version & 1, 0);
	EXPECT(si->wc_nsec < NS_PER_S);
	wall = ((uint64_t)si->wc_sec_hi << 32 | si->wc_sec) + (si->wc_nsec + time_now()) / NS_PER_S;
	after = cmos_seconds();
	print("wall clock %lu, machine's clock %lu to %lu\n", wall, before, after);
	EXPECT(wall + 3 >= before && wall <= after + 3);
}

#define FADT_PM_TIMER 76
#define PM_TIMER_HZ   3579545ul
#define PM_TIMER_MASK 0xfffffful

/* One reading of the ACPI timer and of our clock before and behind it. */
struct reading {
	uint64_t before, after, ticks;
};

static struct reading read_both(uint16_t port)
{
	struct reading r;

	r.before = time_now();
	r.ticks = inl(port);
	r.after = time_now();
	return r;
}

/* ACPI 6.4 4.8.3.3: at least 24 bits at 3.579545 MHz. A busy host widens the bounds. */
static void test_rate(void)
{
	const struct acpi_table *fadt = acpi_find("FACP");
	uint64_t ns, least, most;
	struct reading a, b;
	uint32_t port = 0;

	memcpy(&port, (const uint8_t *)fadt + FADT_PM_TIMER, 4);
	do {
		a = read_both((uint16_t)port);
		while (time_now() < a.after + 100 * NS_PER_MS)
			cpu_relax();
		b = read_both((uint16_t)port);
	} while (b.after - a.before > 2 * NS_PER_S);
	ns = ((b.ticks - a.ticks) & PM_TIMER_MASK) * NS_PER_S / PM_TIMER_HZ;
	least = b.before - a.after;
	most = b.after - a.before;
	print("%lu us of the ACPI timer are %lu to %lu us\n", ns / 1000, least / 1000, most / 1000);
	EXPECT(least < ns + ns / 100 && most > ns - ns / 100);
}

static void test_page(void)
{
	volatile struct vcpu_time_info *a = &xen_shared->vcpu_info[0].time;
	volatile struct vcpu_time_info *b = &xen_shared->vcpu_info[1].time;

	EXPECT_EQ(a->version & 1, 0);
	EXPECT(a->tsc_to_system_mul);
	EXPECT(a->tsc_shift > -32 && a->tsc_shift < 32);
	EXPECT_EQ(a->tsc_to_system_mul, b->tsc_to_system_mul);
	EXPECT_EQ(a->tsc_shift, b->tsc_shift);
	EXPECT_EQ(a->flags & ~(XEN_PVCLOCK_TSC_STABLE_BIT | XEN_PVCLOCK_GUEST_STOPPED), 0);
}

static volatile uint32_t early, fired;

static void timers(void *arg)
{
	struct vcpu_set_singleshot_timer t = { 0 };
	uint32_t cpu = cpu_this()->id, i;
	evtchn_port_t port;
	uint64_t now;

	(void)arg;
	if (xen_bind_virq(VIRQ_TIMER, cpu, &port))
		return;
	irq_disable();
	for (i = 0; i < 50; i++) {
		xen_port_count[port] = 0;
		t.timeout_abs_ns = time_now() + (i % 10) * 100000;
		if (xen_vcpu(VCPUOP_set_singleshot_timer, cpu, &t))
			break;
		while (!xen_port_count[port])
			irq_wait();
		now = time_now();
		if (now < t.timeout_abs_ns) {
			early++;
			print("cpu %u, timer %u: %lu ns early\n", cpu, i, t.timeout_abs_ns - now);
		}
		__atomic_add_fetch(&fired, 1, __ATOMIC_RELAXED);
	}
	irq_enable();
	xen_close(port);
}

void test_main(void)
{
	xen_events_on();
	EXPECT(cpu_start(1));
	test_page();
	test_monotonic();
	test_wall();
	test_rate();
	cpu_run(1, timers, NULL);
	timers(NULL);
	EXPECT(cpu_wait(1, PATIENCE));
	EXPECT_EQ(fired, 100);
	EXPECT_EQ(early, 0);
}
