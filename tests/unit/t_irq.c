/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The rule of level-triggered interrupts: a physical acknowledgement always ends the highest vector
 * in service, and each level vector must be ended exactly once, not before the guest has ended it.
 * A small local APIC stands below irq.c, the real virtual one above it.
 * files: hypervisor/arch/x86/irq.c hypervisor/arch/x86/virt/vlapic.c
 */
#include <stdlib.h>
#include <string.h>
#include <domain.h>
#include "harness.h"

#define X2APIC_EOI 0x80b
#define X2APIC_SVR 0x80f

static u64 irr[4], isr[4], tmr[4]; /* the physical APIC */
static u32 physical_eoi[256], raised[256];
static bool guest_done[256]; /* the guest has ended v since it was last taken */
static bool is_level[256];
static struct domain *d;
static struct vcpu *v;

static int top(const u64 *map)
{
	for (int i = 3; i >= 0; i--)
		if (map[i])
			return i * 64 + fls64(map[i]);
	return -1;
}

int lapic_isr_top(void)
{
	return top(isr);
}
u32 lapic_error(void)
{
	return 0x40;
}

bool lapic_tmr_test(u32 vector)
{
	return bit_test(tmr, vector);
}
void lapic_eoi(void)
{
	int vector = top(isr);

	REQUIRE(vector >= 0);
	bit_clear(isr, (u32)vector);
	if (is_level[vector]) {
		CHECK(guest_done[vector]);
		guest_done[vector] = false;
	}
	physical_eoi[vector]++;
}

void vcpu_kick(struct vcpu *to)
{
	to->attention = 1;
}
void vcpu_urgent(struct vcpu *to)
{
	CHECK(to == v);
}
void cpu_kick(struct cpu *c, u64 todo)
{
	c->todo |= todo;
}
u64 time_now(void)
{
	return 0;
}
void timer_init(struct timer *t, struct cpu *c, void (*fn)(struct timer *))
{
	t->cpu = c;
	t->fn = fn;
}
int timer_set(struct timer *t, u64 deadline)
{
	t->deadline = deadline;
	return 0;
}
int timer_set_here(struct timer *t, u64 deadline)
{
	return timer_set(t, deadline);
}
void timer_stop(struct timer *t)
{
	t->deadline = 0;
}
void timer_fired(void)
{
	this_cpu()->todo |= TODO_TIMER;
}

static void set_up(void)
{
	struct cpu *c = this_cpu();

	memset(irr, 0, sizeof(irr));
	memset(isr, 0, sizeof(isr));
	memset(tmr, 0, sizeof(tmr));
	memset(physical_eoi, 0, sizeof(physical_eoi));
	memset(raised, 0, sizeof(raised));
	memset(guest_done, 0, sizeof(guest_done));
	memset(is_level, 0, sizeof(is_level));
	memset(c->level_pending, 0, sizeof(c->level_pending));
	memset(c->level_done, 0, sizeof(c->level_done));
	free(d);
	free(v);
	d = calloc(1, sizeof(*d));
	v = calloc(1, sizeof(*v));
	d->control = true;
	d->max_vcpus = 1;
	d->vcpu[0] = v;
	v->domain = d;
	v->cpu = c;
	vlapic_init(v);
	CHECK_EQ(vlapic_write(v, X2APIC_SVR, 0x1ff), 0);
	c->reflect = v;
}

/* A device raises v; the APIC merges what is already requested, and so does this. */
static void device(u32 vector, bool level)
{
	if (bit_test(irr, vector) || (level && bit_test(isr, vector)))
		return; /* a level line waits for its EOI */
	is_level[vector] = level;
	bit_set(irr, vector);
	raised[vector]++;
}

/* The CPU takes what beats the class in service, as often as it can. */
static void cpu_takes(void)
{
	for (;;) {
		int request = top(irr), service = top(isr);

		if (request < 0 || request >> 4 <= service >> 4)
			return;
		bit_clear(irr, (u32)request);
		bit_set(isr, (u32)request);
		if (is_level[request])
			bit_set(tmr, (u32)request);
		else
			bit_clear(tmr, (u32)request);
		irq_handle((u32)request);
	}
}

/* The guest enters a handler, or ends its innermost one. */
static void guest_enters(void)
{
	int vector = vlapic_pending(v);

	if (vector < 0)
		return;
	vlapic_offer(v, (u8)vector);
	vlapic_accept(v, (u8)vector);
	guest_done[vector] = false;
}

static void guest_ends(void)
{
	int vector = top(v->vlapic.isr);

	if (vector < 0)
		return;
	guest_done[vector] = true;
	CHECK_EQ(vlapic_write(v, X2APIC_EOI, 0), 0);
}

/* The guest is in A's handler when level B of a higher class comes; it ends A first, then B runs.
 */
static void test_nested(void)
{
	set_up();
	device(0x41, true);
	cpu_takes();
	guest_enters();
	device(0x62, true);
	cpu_takes(); /* pending in the guest, which has interrupts off */
	CHECK(bit_test(isr, 0x62));
	guest_ends(); /* 0x41: must not end 0x62 */
	CHECK_EQ(physical_eoi[0x62], 0);
	CHECK_EQ(physical_eoi[0x41], 0);
	guest_enters();
	guest_ends();
	CHECK_EQ(physical_eoi[0x62], 1);
	CHECK_EQ(physical_eoi[0x41], 1);
	CHECK_EQ(top(isr), -1);
}

static void test_edge_at_once(void)
{
	set_up();
	device(0x50, false);
	cpu_takes();
	CHECK_EQ(physical_eoi[0x50], 1);
	CHECK(!bit_test(v->vlapic.tmr, 0x50));
	device(0x51, true);
	cpu_takes();
	CHECK_EQ(physical_eoi[0x51], 0);
	CHECK(bit_test(v->vlapic.tmr, 0x51));
}

/* The same vector as edge after it was level: TMR follows. */
static void test_tmr_follows(void)
{
	set_up();
	device(0x51, true);
	cpu_takes();
	guest_enters();
	guest_ends();
	device(0x51, false);
	cpu_takes();
	CHECK(!bit_test(v->vlapic.tmr, 0x51));
	CHECK_EQ(physical_eoi[0x51], 2);
}

static void test_init_marks_all_done(void)
{
	set_up();
	device(0x41, true);
	cpu_takes();
	device(0x62, true);
	cpu_takes();
	guest_done[0x41] = guest_done[0x62] = true; /* INIT ends them without the guest */
	vlapic_reset(v);
	CHECK_EQ(top(isr), -1);
	CHECK_EQ(physical_eoi[0x41] + physical_eoi[0x62], 2);
}

static void test_nobody(void)
{
	set_up();
	this_cpu()->reflect = NULL;
	guest_done[0x41] = true;
	device(0x41, true);
	cpu_takes();
	CHECK_EQ(top(isr), -1);
	CHECK_EQ(this_cpu()->count_stray, 1);
	this_cpu()->reflect = v;
	v->wait_sipi = true;
	guest_done[0x41] = true;
	device(0x41, true);
	cpu_takes();
	CHECK_EQ(this_cpu()->count_stray, 2);
}

static void test_own_vectors(void)
{
	set_up();
	bit_set(isr, VEC_TIMER);
	irq_handle(VEC_TIMER);
	CHECK_EQ(physical_eoi[VEC_TIMER], 1);
	CHECK(this_cpu()->todo & TODO_TIMER);
	irq_handle(VEC_SPURIOUS); /* not in service: an EOI would trip lapic_eoi() */
}

/* Any order of devices, handlers and acknowledgements: all are ended, none twice, none early. */
static void test_random(void)
{
	set_up();
	for (u32 i = 0; i < 200000; i++) {
		u32 vector = 0x30 + (u32)unit_below(0xb0);

		switch (unit_below(4)) {
		case 0:
			if (!bit_test(isr, vector) && !bit_test(v->vlapic.irr, vector) &&
			    !bit_test(v->vlapic.isr, vector))
				device(vector, vector & 1);
			break;
		case 1:
			cpu_takes();
			break;
		case 2:
			guest_enters();
			break;
		default:
			guest_ends();
		}
	}
	for (u32 i = 0; i < 1000; i++) {
		cpu_takes();
		guest_enters();
		guest_ends();
	}
	CHECK_EQ(top(isr), -1);
	CHECK_EQ(top(v->vlapic.isr), -1);
	for (u32 i = 0; i < 256; i++)
		CHECK_EQ(physical_eoi[i], raised[i]);
	for (u32 i = 0; i < 4; i++)
		CHECK_EQ(this_cpu()->level_pending[i] | this_cpu()->level_done[i], 0);
}

void unit_main(void)
{
	test_nested();
	test_edge_at_once();
	test_tmr_follows();
	test_init_marks_all_done();
	test_nobody();
	test_own_vectors();
	test_random();
	free(d);
	free(v);
}
