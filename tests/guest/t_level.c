/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Device interrupts as the machine delivers them: two level-triggered ones of
 * different priority classes in each other's way, a storm of one, and MSIs.
 *
 * Sources: APM2 16.6.3 (an EOI ends the highest vector in service), 16.6.4
 * (TMR), 82093AA (IO-APIC), QEMU docs/specs/edu.txt (the device). An EOI that
 * reaches the processor in another order than the guest gave it would leave a
 * vector in service for good, and everything below it silent.
 *
 * run: smp=2 native dev=edu,addr=4 dev=edu,addr=5
 */
#include "lib/guest.h"

#define EDU_ID    0x11e81234
#define EDU_RAISE 0x60
#define EDU_ACK   0x64

#define IOAPIC  0xfec00000ul
#define LEVEL   (1u << 15)
#define LOW     (1u << 13)
#define MASKED  (1u << 16)
#define MSI_VEC 0x73

static uint64_t device[2];
static uint32_t vector[2], pin[2], taken[2], wrong_tmr;
static volatile uint32_t handled; /* taken, acknowledged and ended */
static void (*inside)(uint32_t n);

/* Where INTx of bus 0 comes in: the upper eight pins on an ICH, 10 and 11 on a PIIX. */
#define PIIX_HOST 0x12378086
static uint32_t pin_first = 16, pin_last = 23;

/* A class for each. 0x80 is the library's. */
static uint32_t vector_of(uint32_t n)
{
	return 0x41 + (n - pin_first) * 0x10;
}

static void edu(uint32_t n, uint32_t reg)
{
	*(volatile uint32_t *)(device[n] + reg) = 1;
}

static void ioapic_write(uint32_t reg, uint32_t val)
{
	*(volatile uint32_t *)IOAPIC = reg;
	*(volatile uint32_t *)(IOAPIC + 0x10) = val;
}

static void route(uint32_t n, uint32_t cpu, uint32_t flags)
{
	ioapic_write(0x11 + 2 * n, cpus[cpu].apic_id << 24);
	ioapic_write(0x10 + 2 * n, vector_of(n) | LEVEL | LOW | flags);
}

static void open_briefly(void)
{
	asm volatile("sti; nop; nop; cli" : : : "memory");
}

/* Which device it was is known by the vector once both have been found. */
static uint32_t found;

static void find(struct frame *f)
{
	found = (uint32_t)f->vector;
	edu(0, EDU_ACK);
	edu(1, EDU_ACK);
	apic_write(APIC_EOI, 0);
}

static void handle(struct frame *f)
{
	uint32_t n = f->vector == vector[1];

	taken[n]++;
	wrong_tmr += !apic_bit(APIC_TMR, (unsigned int)f->vector);
	if (inside)
		inside(n);
	else
		edu(n, EDU_ACK);
	apic_write(APIC_EOI, 0);
	handled++;
}

static void test_find(void)
{
	uint32_t n, i;

	for (i = pin_first; i <= pin_last; i++) {
		trap_set(vector_of(i), find);
		route(i, 0, 0);
	}
	for (n = 0; n < 2; n++) {
		found = 0;
		edu(n, EDU_RAISE);
		irq_enable();
		EXPECT(WAIT_UNTIL(found, PATIENCE));
		irq_disable();
		vector[n] = found;
		pin[n] = pin_first + (found - 0x41) / 0x10;
	}
	print("vectors %#x and %#x\n", vector[0], vector[1]);
	EXPECT(vector[0] >> 4 != vector[1] >> 4);
	for (i = pin_first; i <= pin_last; i++)
		trap_set(vector_of(i), handle);
}

/* Until both are quiet: each interrupt has been taken, none twice. */
static bool settled(uint32_t a, uint32_t b)
{
	bool ok = WAIT_UNTIL(({
				     open_briefly();
				     taken[0] >= a &&taken[1] >= b;
			     }),
	                     PATIENCE);

	open_briefly();
	return ok && taken[0] == a && taken[1] == b;
}

static uint32_t other_raised;

/* Interrupts closed: the other one comes while this one is in service, and this EOI is first. */
static void raise_other(uint32_t n)
{
	if (!other_raised) {
		other_raised = 1;
		edu(!n, EDU_RAISE);
	}
	edu(n, EDU_ACK);
}

/* Interrupts open: the other one, if its class is higher, is handled and ended inside. */
static void raise_other_open(uint32_t n)
{
	if (!other_raised) {
		other_raised = 1;
		edu(!n, EDU_RAISE);
		open_briefly();
		open_briefly();
	}
	edu(n, EDU_ACK);
}

static void test_nested(void (*how)(uint32_t))
{
	uint32_t i, bad = 0;

	inside = how;
	for (i = 0; i < 400 && bad < 3; i++) {
		taken[0] = taken[1] = other_raised = 0;
		edu(i & 1, EDU_RAISE);
		bad += !settled(1, 1);
	}
	EXPECT_EQ(bad, 0);
	inside = NULL;
	EXPECT(!apic_bit(APIC_ISR, vector[0]));
	EXPECT(!apic_bit(APIC_ISR, vector[1]));
}

/* Both at once, and each alone, afterwards as before. */
static void test_plain(void)
{
	uint32_t i, bad = 0;

	for (i = 0; i < 200 && bad < 3; i++) {
		taken[0] = taken[1] = 0;
		edu(0, EDU_RAISE);
		if (i & 1)
			edu(1, EDU_RAISE);
		bad += !settled(1, i & 1);
	}
	EXPECT_EQ(bad, 0);
	EXPECT_EQ(wrong_tmr, 0);
}

static uint32_t storm_left;

static void keep_it(uint32_t n)
{
	if (!--storm_left)
		edu(n, EDU_ACK);
}

/* A device that nobody quiets asks again after each EOI, and no more often. */
static void test_storm(void)
{
	inside = keep_it;
	storm_left = 1000;
	taken[0] = taken[1] = 0;
	edu(0, EDU_RAISE);
	EXPECT(settled(1000, 0));
	inside = NULL;
	taken[0] = 0;
	edu(0, EDU_RAISE);
	EXPECT(settled(1, 0));
	EXPECT_EQ(wrong_tmr, 0);
}

/* A pin that is masked while it is in service, as a kernel without a handler does. */
static void mask_it(uint32_t n)
{
	route(pin[n], 0, MASKED);
}

static void test_masked(void)
{
	inside = mask_it;
	taken[0] = taken[1] = 0;
	edu(0, EDU_RAISE);
	EXPECT(settled(1, 0));
	inside = NULL;
	EXPECT(!WAIT_UNTIL(({
				   open_briefly();
				   taken[0] != 1;
			   }),
	                   2));
	route(pin[0], 0, 0);
	EXPECT(settled(2, 0));
}

static void sleep_open(void *arg)
{
	volatile bool *stop = arg;

	irq_disable();
	while (!*stop)
		irq_wait();
	irq_enable();
}

static void nothing(struct frame *f)
{
	(void)f;
	apic_write(APIC_EOI, 0);
}

/* The other CPU takes them, asleep or not. */
static void test_other_cpu(void)
{
	static volatile bool stop;
	uint32_t i, n, bad = 0;

	EXPECT(cpu_start(1));
	trap_set(0x31, nothing);
	cpu_run(1, sleep_open, (void *)&stop);
	route(pin[0], 1, 0);
	for (i = 0; i < 200 && bad < 3; i++) {
		n = handled;
		edu(0, EDU_RAISE);
		bad += !WAIT_UNTIL(handled == n + 1, PATIENCE);
	}
	EXPECT_EQ(bad, 0);
	EXPECT_EQ(cpus[1].irq_count[vector[0]], 200);
	route(pin[0], 0, 0);
	stop = true;
	apic_send(cpus[1].apic_id, 0x31);
	EXPECT(cpu_wait(1, PATIENCE));
}

static uint32_t msi_taken, msi_tmr;

static void msi(struct frame *f)
{
	msi_tmr += apic_bit(APIC_TMR, (unsigned int)f->vector);
	msi_taken++;
	edu(0, EDU_ACK);
	apic_write(APIC_EOI, 0);
}

/* PCI 6.8.1: address names the CPU, data the vector; edge, so TMR stays clear. */
static void test_msi(void)
{
	uint32_t cap = pci_read(4, 0x34) & 0xfc, i, control;

	while (cap && (pci_read(4, cap) & 0xff) != 5)
		cap = pci_read(4, cap) >> 8 & 0xfc;
	EXPECT(cap);
	if (!cap)
		return;
	control = pci_read(4, cap);
	trap_set(MSI_VEC, msi);
	pci_write(4, cap + 4, 0xfee00000 | cpus[0].apic_id << 12);
	pci_write(4, cap + 8, 0);
	pci_write(4, cap + (control & 1u << 23 ? 12 : 8), MSI_VEC);
	pci_write(4, cap, control | 1u << 16);
	for (i = 1; i <= 500; i++) {
		edu(0, EDU_RAISE);
		if (!WAIT_UNTIL(({
					open_briefly();
					msi_taken >= i;
				}),
		                PATIENCE))
			break;
	}
	EXPECT_EQ(msi_taken, 500);
	EXPECT_EQ(msi_tmr, 0);
	pci_write(4, cap, control);
}

void test_main(void)
{
	if (xen_base)
		xen_map_shared();
	if (pci_read(0, 0) == PIIX_HOST) {
		pin_first = 10;
		pin_last = 11;
	}
	device[0] = pci_bar(4, EDU_ID);
	device[1] = pci_bar(5, EDU_ID);
	EXPECT(device[0] && device[1]);
	if (!device[0] || !device[1])
		return;
	test_find();
	test_plain();
	test_nested(raise_other);
	test_nested(raise_other_open);
	test_plain();
	test_storm();
	test_masked();
	test_other_cpu();
	test_plain();
	test_msi();
	EXPECT_EQ(cpus[0].irq_flags_bad + cpus[1].irq_flags_bad, 0);
}
