/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A nested page fault in the middle of delivering an event: the event is not
 * lost and not taken twice.
 *
 * Sources: APM2 15.7.2 (EXITINTINFO), 15.25.6 (nested faults). The frame of the
 * event goes to a page of a screen's memory that nobody has touched so far,
 * which the hypervisor maps at that moment. For a virtual interrupt this
 * emulator reports an exception of the interrupt's number and keeps V_IRQ.
 *
 * run: smp=1 native dev=bochs-display,addr=6
 */
#include "lib/guest.h"

#define DISPLAY_ID 0x11111234
#define VECTOR     0x41
#define ROUNDS     200

static uint64_t screen, used;

/* A stack that faults at its first touch. */
static void fresh_stack(void)
{
	used += PAGE_SIZE;
	cpu_this()->tss.ist[0] = screen + used;
}

static void eoi(struct frame *f)
{
	(void)f;
	apic_write(APIC_EOI, 0);
}

static void nothing(struct frame *f)
{
	(void)f;
}

static void skip_ud2(struct frame *f)
{
	f->rip += 2;
}

static uint32_t count(unsigned int vector)
{
	return cpu_this()->irq_count[vector];
}

static void test_interrupt(void)
{
	uint32_t i, lost = 0, twice = 0, n;

	for (i = 0; i < ROUNDS; i++) {
		fresh_stack();
		n = count(VECTOR);
		apic_self(VECTOR);
		asm volatile("sti; nop; nop; nop; cli" : : : "memory");
		lost += count(VECTOR) == n;
		asm volatile("sti; nop; nop; nop; cli" : : : "memory");
		twice += count(VECTOR) > n + 1;
	}
	EXPECT_EQ(lost, 0);
	EXPECT_EQ(twice, 0);
	EXPECT(!apic_bit(APIC_ISR, VECTOR));
	EXPECT(!apic_bit(APIC_IRR, VECTOR));
}

static void test_nmi(void)
{
	uint32_t i, n = count(2);

	for (i = 1; i <= ROUNDS; i++) {
		fresh_stack();
		apic_send(cpu_this()->apic_id, ICR_NMI);
		if (!WAIT_UNTIL(count(2) >= n + i, PATIENCE))
			break;
	}
	EXPECT_EQ(count(2), n + ROUNDS);
}

static void test_exception(void)
{
	uint32_t i, n = count(TRAP_UD);

	for (i = 0; i < ROUNDS; i++) {
		fresh_stack();
		asm volatile("ud2" : : : "memory");
	}
	EXPECT_EQ(count(TRAP_UD), n + ROUNDS);
	n = count(0x51);
	for (i = 0; i < ROUNDS; i++) {
		fresh_stack();
		asm volatile("int $0x51" : : : "memory");
	}
	EXPECT_EQ(count(0x51), n + ROUNDS);
}

/* The page that the faulting instruction touches is one of these, and so is the frame's. */
static void test_both(void)
{
	volatile uint64_t *p;
	uint32_t i, bad = 0;

	for (i = 0; i < ROUNDS; i++) {
		fresh_stack();
		used += PAGE_SIZE;
		p = (volatile uint64_t *)(screen + used);
		*p = i;
		bad += *p != i;
		apic_self(VECTOR);
		asm volatile("sti; nop; nop; cli" : : : "memory");
	}
	EXPECT_EQ(bad, 0);
}

void test_main(void)
{
	uint32_t v;

	if (xen_base)
		xen_map_shared();
	screen = pci_bar(6, DISPLAY_ID);
	EXPECT(screen);
	if (!screen)
		return;
	trap_set(VECTOR, eoi);
	trap_set(2, nothing);
	trap_set(TRAP_UD, skip_ud2);
	trap_set(0x51, nothing);
	for (v = 0; v < 256; v++)
		trap_stack(v, v == VECTOR || v == 2 || v == TRAP_UD || v == 0x51);
	test_interrupt();
	test_nmi();
	test_exception();
	test_both();
	EXPECT_EQ(count(VECTOR), 2 * ROUNDS);
}
