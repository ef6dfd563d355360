/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The local APIC: vectors to oneself and to the other CPU, priorities, bits in
 * request and in service, NMI, INIT and start-up, the timer.
 *
 * Sources: APM2 chapter 16 (16.3 registers, 16.4 timer, 16.5 IPIs, 16.6
 * priorities, 16.9-16.12 x2APIC), 14.1.3 (state after INIT). It holds on a
 * machine without a hypervisor too.
 *
 * run: smp=2 native
 */
#include "lib/guest.h"

#define LOW  0x41
#define MID  0x61
#define HIGH 0x81

static volatile uint32_t order[8], order_count;
static volatile bool eoi_by_test;

static void note(struct frame *f)
{
	order[order_count++ & 7] = (uint32_t)f->vector;
	if (!eoi_by_test)
		apic_write(APIC_EOI, 0);
}

static uint32_t count(unsigned int vector)
{
	return cpu_this()->irq_count[vector];
}

static void open_briefly(void)
{
	asm volatile("sti; nop; nop; cli" : : : "memory");
}

static void test_self(void)
{
	uint32_t n = count(LOW);

	irq_disable();
	apic_self(LOW);
	EXPECT(apic_bit(APIC_IRR, LOW));
	EXPECT(!apic_bit(APIC_ISR, LOW));
	EXPECT_EQ(count(LOW), n);
	apic_self(LOW); /* one more before it is taken stays one */
	open_briefly();
	EXPECT_EQ(count(LOW), n + 1);
	EXPECT(!apic_bit(APIC_IRR, LOW));
	EXPECT(!apic_bit(APIC_ISR, LOW));
	apic_write(APIC_ICR, ICR_SELF | LOW);
	open_briefly();
	EXPECT_EQ(count(LOW), n + 2);
	apic_send(cpu_this()->apic_id, LOW);
	open_briefly();
	EXPECT_EQ(count(LOW), n + 3);
	/* Edge: the trigger mode bit stays clear (the stock kernel looks). */
	EXPECT(!apic_bit(APIC_TMR, LOW));
	EXPECT_EQ(apic_read(APIC_ICR) & 1u << 12, 0);
}

/* In the handler the bit is in service, and lower ones wait until its EOI (APM2 16.6.3). */
static void nested(struct frame *f)
{
	order[order_count++ & 7] = (uint32_t)f->vector;
	EXPECT(apic_bit(APIC_ISR, MID));
	EXPECT(!apic_bit(APIC_IRR, MID));
	EXPECT_EQ(apic_read(APIC_PPR) & 0xf0, MID & 0xf0);
	apic_self(LOW);
	apic_self(MID + 1); /* same class: waits too */
	open_briefly();
	EXPECT(apic_bit(APIC_IRR, LOW));
	EXPECT(apic_bit(APIC_IRR, MID + 1));
	apic_self(HIGH); /* higher class: comes in between */
	open_briefly();
	EXPECT(!apic_bit(APIC_IRR, HIGH));
	EXPECT(apic_bit(APIC_ISR, MID));
	apic_write(APIC_EOI, 0);
	EXPECT(!apic_bit(APIC_ISR, MID));
}

static void test_priority(void)
{
	trap_set(MID, nested);
	order_count = 0;
	apic_self(MID);
	open_briefly();
	EXPECT_EQ(order_count, 4);
	EXPECT_EQ(order[0], MID);
	EXPECT_EQ(order[1], HIGH);
	EXPECT_EQ(order[2], MID + 1);
	EXPECT_EQ(order[3], LOW);
	EXPECT_EQ(apic_read(APIC_PPR), 0);
	trap_set(MID, note);
	/* All at once: the highest first. */
	order_count = 0;
	apic_self(LOW);
	apic_self(HIGH);
	apic_self(MID);
	open_briefly();
	EXPECT_EQ(order_count, 3);
	EXPECT_EQ(order[0], HIGH);
	EXPECT_EQ(order[1], MID);
	EXPECT_EQ(order[2], LOW);
}

static void test_tpr(void)
{
	uint32_t n = count(MID);

	apic_write(APIC_TPR, 0x60);
	EXPECT_EQ(read_cr8(), 6);
	EXPECT_EQ(apic_read(APIC_PPR) & 0xf0, 0x60);
	apic_self(MID);
	open_briefly();
	EXPECT_EQ(count(MID), n); /* the class of the TPR itself is held back */
	EXPECT(apic_bit(APIC_IRR, MID));
	apic_write(APIC_TPR, 0x50);
	open_briefly();
	EXPECT_EQ(count(MID), n + 1);
	write_cr8(15);
	EXPECT_EQ(apic_read(APIC_TPR), 0xf0);
	apic_self(HIGH);
	n = count(HIGH);
	open_briefly();
	EXPECT_EQ(count(HIGH), n);
	write_cr8(0);
	open_briefly();
	EXPECT_EQ(count(HIGH), n + 1);
	EXPECT_EQ(apic_read(APIC_TPR), 0);
	/* With interrupts open and nothing else going on: lowering it is enough. */
	apic_write(APIC_TPR, 0xf0);
	irq_enable();
	n = count(LOW);
	apic_self(LOW);
	EXPECT(!WAIT_UNTIL(count(LOW) != n, 1));
	apic_write(APIC_TPR, 0);
	EXPECT(WAIT_UNTIL(count(LOW) == n + 1, PATIENCE));
	irq_disable();
}

static void nmi(struct frame *f)
{
	(void)f;
}

static void test_nmi_self(void)
{
	uint32_t n = count(2);

	irq_disable();
	apic_send(cpu_this()->apic_id, ICR_NMI);
	EXPECT(WAIT_UNTIL(count(2) == n + 1, PATIENCE));
	EXPECT_EQ(count(2), n + 1);
}

static volatile uint32_t nmi_seen, nmi_inside;

/* One more, sent from within, waits for the IRET of the first (APM2 8.2.3). */
static void nmi_nested(struct frame *f)
{
	uint32_t i, n = ++nmi_seen;

	(void)f;
	if (n != 1)
		return;
	apic_send(cpu_this()->apic_id, ICR_NMI);
	for (i = 0; i < 100; i++)
		cpuid(0x40000001, 0);
	nmi_inside = nmi_seen;
}

static void test_nmi_nested(void)
{
	trap_set(2, nmi_nested);
	nmi_seen = 0;
	apic_send(cpu_this()->apic_id, ICR_NMI);
	EXPECT(WAIT_UNTIL(nmi_seen >= 2, PATIENCE));
	EXPECT_EQ(nmi_seen, 2);
	EXPECT_EQ(nmi_inside, 1);
	trap_set(2, nmi);
}

static void spin(void *arg)
{
	volatile bool *stop = arg;

	while (!*stop)
		cpu_relax();
}

static void test_other(void)
{
	volatile uint32_t *theirs = cpus[1].irq_count;
	static volatile bool stop;
	uint32_t n, mine;

	/* Asleep. */
	n = theirs[LOW];
	apic_send(cpus[1].apic_id, LOW);
	EXPECT(WAIT_UNTIL(theirs[LOW] == n + 1, PATIENCE));
	n = theirs[2];
	apic_send(cpus[1].apic_id, ICR_NMI);
	EXPECT(WAIT_UNTIL(theirs[2] == n + 1, PATIENCE));
	/* Awake, with interrupts open. */
	cpu_run(1, spin, (void *)&stop);
	n = theirs[MID];
	apic_write(APIC_ICR, ICR_OTHERS | MID);
	EXPECT(WAIT_UNTIL(theirs[MID] == n + 1, PATIENCE));
	n = theirs[2];
	apic_write(APIC_ICR, ICR_OTHERS | ICR_NMI);
	EXPECT(WAIT_UNTIL(theirs[2] == n + 1, PATIENCE));
	irq_disable();
	n = theirs[HIGH];
	mine = count(HIGH);
	apic_write(APIC_ICR, ICR_ALL | HIGH);
	EXPECT(WAIT_UNTIL(theirs[HIGH] == n + 1, PATIENCE));
	open_briefly();
	EXPECT_EQ(count(HIGH), mine + 1);
	/* To everybody by destination. */
	n = theirs[HIGH];
	apic_send(apic_x2 ? 0xffffffff : 0xff, HIGH);
	EXPECT(WAIT_UNTIL(theirs[HIGH] == n + 1, PATIENCE));
	open_briefly();
	EXPECT_EQ(count(HIGH), mine + 2);
	/* To nobody. */
	apic_send(99, HIGH);
	open_briefly();
	EXPECT_EQ(count(HIGH), mine + 2);
	stop = true;
	EXPECT(cpu_wait(1, PATIENCE));
}

static volatile uint32_t burst;

static void count_burst(struct frame *f)
{
	(void)f;
	burst++;
	apic_write(APIC_EOI, 0);
}

/* The next one is sent while the handler of the last still runs: each is taken. */
static void test_burst(void)
{
	static volatile bool stop;
	uint32_t i;

	trap_set(MID, count_burst);
	stop = false;
	cpu_run(1, spin, (void *)&stop);
	for (i = 0; i < 200; i++) {
		apic_send(cpus[1].apic_id, MID);
		if (!WAIT_UNTIL(burst > i, PATIENCE))
			break;
	}
	EXPECT_EQ(burst, 200);
	stop = true;
	EXPECT(cpu_wait(1, PATIENCE));
	trap_set(MID, note);
}

/* x2APIC logical destinations: cluster in the high half, one bit a CPU (APM2 16.13). */
static void test_logical(void)
{
	volatile uint32_t *theirs = cpus[1].irq_count;
	uint32_t n = theirs[LOW], mine = count(LOW), id = cpus[1].apic_id;

	if (!apic_x2)
		return;
	EXPECT_EQ(apic_read(APIC_LDR), (cpus[0].apic_id >> 4 << 16) | 1u << (cpus[0].apic_id & 15));
	apic_send((id >> 4 << 16) | 1u << (id & 15), 1u << 11 | LOW);
	EXPECT(WAIT_UNTIL(theirs[LOW] == n + 1, PATIENCE));
	open_briefly();
	EXPECT_EQ(count(LOW), mine);
}

static volatile uint32_t after_init;
static volatile uint64_t init_cr4, init_isr;

static void after(void *arg)
{
	(void)arg;
	init_cr4 = read_cr4();
	init_isr = apic_bit(APIC_ISR, HIGH) || apic_bit(APIC_IRR, HIGH);
	after_init++;
}

static void stuck(void *arg)
{
	(void)arg;
	write_cr4(read_cr4() | 1u << 7);
	irq_disable();
	apic_self(HIGH);
	for (;;)
		cpu_relax();
}

/* INIT takes a CPU out of whatever it does; a second start-up IPI finds it started. */
static void test_init(void)
{
	unsigned int i;

	for (i = 0; i < 3; i++) {
		cpu_run(1, stuck, NULL);
		EXPECT(cpu_start(1));
		cpu_run(1, after, NULL);
		EXPECT(cpu_wait(1, PATIENCE));
		EXPECT_EQ(after_init, i + 1);
		EXPECT_EQ(init_cr4 & 1u << 7, 0);
		EXPECT_EQ(init_isr, 0);
	}
	/* A start-up IPI to a CPU that runs is ignored. */
	cpus[1].up = false;
	apic_send(cpus[1].apic_id, ICR_STARTUP | TRAMPOLINE >> 12);
	cpu_run(1, after, NULL);
	EXPECT(cpu_wait(1, PATIENCE));
	EXPECT(!cpus[1].up);
	EXPECT_EQ(after_init, 4);
	cpus[1].up = true;
}

static void test_timer(void)
{
	uint32_t n = count(LOW), left;
	uint64_t start;

	apic_write(APIC_TIMER_DIV, 0xb); /* by 1 */
	apic_write(APIC_LVT_TIMER, LOW);
	apic_write(APIC_TIMER_INIT, 4000000000);
	left = (uint32_t)apic_read(APIC_TIMER_COUNT);
	EXPECT(left > 0 && left <= 4000000000);
	apic_write(APIC_TIMER_INIT, 2000000);
	irq_enable();
	EXPECT(WAIT_UNTIL(count(LOW) == n + 1, PATIENCE));
	EXPECT_EQ(apic_read(APIC_TIMER_COUNT), 0);
	EXPECT(!WAIT_UNTIL(count(LOW) > n + 1, 6));
	/* Periodic. */
	n = count(LOW);
	apic_write(APIC_LVT_TIMER, 1u << 17 | LOW);
	apic_write(APIC_TIMER_INIT, 1000000);
	EXPECT(WAIT_UNTIL(count(LOW) >= n + 3, PATIENCE));
	apic_write(APIC_TIMER_INIT, 0); /* 0 stops it */
	irq_disable();
	open_briefly();
	n = count(LOW);
	irq_enable();
	EXPECT(!WAIT_UNTIL(count(LOW) > n, 4));
	/* Masked: it counts, and says nothing. */
	apic_write(APIC_LVT_TIMER, 1u << 16 | LOW);
	apic_write(APIC_TIMER_INIT, 100000);
	EXPECT(!WAIT_UNTIL(count(LOW) > n, 4));
	/* Asleep until it fires. */
	irq_disable();
	apic_write(APIC_LVT_TIMER, LOW);
	start = time_now();
	apic_write(APIC_TIMER_INIT, 3000000);
	while (count(LOW) == n)
		irq_wait();
	EXPECT(time_now() > start);
	/* The divider divides: by 2 it takes longer than by 1 for the same count. */
	apic_write(APIC_TIMER_DIV, 0x0);
	EXPECT_EQ(apic_read(APIC_TIMER_DIV), 0);
	apic_write(APIC_TIMER_INIT, 0);
	apic_write(APIC_LVT_TIMER, 1u << 16);
}

/* Software-disabled: vectors are not accepted, and LVT entries are masked (APM2 16.4.8). */
static void test_disable(void)
{
	uint32_t n = count(LOW);

	apic_write(APIC_SPIV, 0xff);
	/* QEMU's own APIC leaves the bit alone. */
	if (xen_base) {
		EXPECT_EQ(apic_read(APIC_LVT_TIMER) & 1u << 16, 1u << 16);
		apic_write(APIC_LVT_TIMER, LOW);
		EXPECT_EQ(apic_read(APIC_LVT_TIMER) & 1u << 16, 1u << 16);
	}
	apic_write(APIC_SPIV, 0x1ff);
	EXPECT_EQ(count(LOW), n);
	apic_self(LOW);
	open_briefly();
	EXPECT_EQ(count(LOW), n + 1);
}

static void test_version(void)
{
	uint32_t v = (uint32_t)apic_read(APIC_VERSION);

	EXPECT((v & 0xff) >= 0x10);
	EXPECT((v >> 16 & 0xff) >= 3);
	EXPECT_EQ(apic_read(APIC_ESR), 0);
}

void test_main(void)
{
	trap_set(2, nmi);
	trap_set(LOW, note);
	trap_set(MID, note);
	trap_set(MID + 1, note);
	trap_set(HIGH, note);
	trap_set(0xff, nmi);
	if (xen_base)
		xen_map_shared();
	test_version();
	test_self();
	test_priority();
	test_tpr();
	test_nmi_self();
	test_nmi_nested();
	EXPECT(cpu_start(1));
	test_other();
	test_burst();
	test_logical();
	test_init();
	test_timer();
	test_disable();
	EXPECT_EQ(cpus[0].irq_flags_bad + cpus[1].irq_flags_bad, 0);
}
