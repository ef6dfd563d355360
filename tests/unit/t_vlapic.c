/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The virtual local APIC: registers and what they refuse, priorities, IPIs, the timer.
 * files: hypervisor/arch/x86/virt/vlapic.c
 */
#include <stdlib.h>
#include <string.h>
#include <domain.h>
#include "harness.h"

enum {
	ID = 0x802,
	VERSION,
	TPR = 0x808,
	PPR = 0x80a,
	EOI,
	LDR = 0x80d,
	SVR = 0x80f,
	ISR,
	TMR = 0x818,
	IRR = 0x820,
	ESR = 0x828,
	ICR = 0x830,
	LVTT = 0x832,
	LVTERR = 0x837,
	TMICT,
	TMCCT,
	TDCR = 0x83e,
	SELF,
};

static struct domain *d;
static u64 now;
static u32 kicks;

void vcpu_kick(struct vcpu *v)
{
	v->attention = 1;
	kicks++;
}
void irq_level_done(struct cpu *c, u32 v)
{
}
void irq_level_done_all(struct cpu *c)
{
}
u64 time_now(void)
{
	return now;
}
void timer_init(struct timer *t, struct cpu *c, void (*fn)(struct timer *))
{
	t->fn = fn;
	t->deadline = 0;
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

static u64 rd(struct vcpu *v, u32 msr)
{
	u64 val = ~0ULL;

	CHECK_EQ(vlapic_read(v, msr, &val), 0);
	return val;
}

static void wr(struct vcpu *v, u32 msr, u64 val)
{
	CHECK_EQ(vlapic_write(v, msr, val), 0);
}

static void set_up(void)
{
	if (d) {
		for (u32 i = 0; i < d->max_vcpus; i++)
			free(d->vcpu[i]);
		free(d);
	}
	d = calloc(1, sizeof(*d));
	d->max_vcpus = 20;
	for (u32 i = 0; i < d->max_vcpus; i++) {
		struct vcpu *v = d->vcpu[i] = calloc(1, sizeof(*v));

		v->id = i;
		v->apic_id = 2 * i;
		v->domain = d;
		v->cpu = this_cpu();
		vlapic_init(v);
		wr(v, SVR, 0x1ff);
	}
}

/* Every MSR of the range, against the table of SDM 10.12.1.2: nothing more answers. */
static void test_range(void)
{
	struct vcpu *v = d->vcpu[0];

	for (u32 msr = 0x800; msr <= 0x8ff; msr++) {
		bool readable = msr == ID || msr == VERSION || msr == TPR || msr == PPR ||
		                msr == LDR || (msr >= SVR && msr <= ESR) || msr == ICR ||
		                (msr >= LVTT && msr <= TMCCT) || msr == TDCR;
		bool writable = msr == TPR || msr == EOI || msr == SVR || msr == ESR ||
		                msr == ICR || (msr >= LVTT && msr <= TMICT) || msr == TDCR ||
		                msr == SELF;
		u64 val;

		CHECK_EQ(!vlapic_read(v, msr, &val), readable);
		CHECK_EQ(!vlapic_write(v, msr, 0), writable);
		if (msr != ICR)
			CHECK(vlapic_write(v, msr, 1ULL << 32));
	}
	CHECK(vlapic_write(v, EOI, 1));
	CHECK(vlapic_write(v, ESR, 1));
	CHECK(vlapic_write(v, TPR, 0x100));
	CHECK(vlapic_write(v, SVR, 0x200));
	CHECK(vlapic_write(v, SELF, 0x100));
	CHECK(vlapic_write(v, ICR, BIT(20)));
	CHECK(vlapic_write(v, TDCR, 4));
	CHECK(vlapic_write(v, LVTT, BIT(18))); /* TSC deadline is hidden */
}

static void test_ids(void)
{
	CHECK_EQ(rd(d->vcpu[9], ID), 18);
	CHECK_EQ(rd(d->vcpu[9], LDR), 1 << 16 | 1 << 2);
	CHECK(((u32)rd(d->vcpu[0], VERSION) & 0xff) >= 0x14);
	CHECK(rd(d->vcpu[0], VERSION) >> 16 >= 4);
}

static void test_priority(void)
{
	struct vcpu *v = d->vcpu[0];

	set_up();
	v = d->vcpu[0];
	vlapic_set_irq(v, 0x35, false);
	vlapic_set_irq(v, 0x71, false);
	vlapic_set_irq(v, 0x7f, true);
	CHECK_EQ(vlapic_pending(v), 0x7f);
	vlapic_offer(v, 0x7f);
	vlapic_accept(v, 0x7f);
	CHECK_EQ(vlapic_pending(v), -1); /* 0x71 is of the same class */
	CHECK_EQ(rd(v, PPR), 0x70);
	CHECK_EQ(rd(v, ISR + 3), BIT(31));
	CHECK_EQ(rd(v, TMR + 3), BIT(31));
	CHECK_EQ(rd(v, IRR + 3), BIT(0x71 - 0x60));
	wr(v, EOI, 0);
	CHECK_EQ(vlapic_pending(v), 0x71);
	wr(v, TPR, 0x70);
	CHECK_EQ(vlapic_pending(v), -1);
	CHECK(vlapic_masked_by_tpr(v));
	wr(v, TPR, 0x6f);
	CHECK_EQ(vlapic_pending(v), 0x71);
	vlapic_offer(v, 0x71);
	vlapic_accept(v, 0x71);
	CHECK(!vlapic_masked_by_tpr(v)); /* 0x35 waits for the ISR, not for the TPR */
	vlapic_unaccept(v, 0x71);
	CHECK_EQ(vlapic_pending(v), 0x71);
	vlapic_offer(v, 0x71);
	vlapic_accept(v, 0x71);
	wr(v, EOI, 0);
	wr(v, TPR, 0);
	CHECK_EQ(vlapic_pending(v), 0x35);
	wr(v, SVR, 0xff); /* disabled by software: held back, not lost */
	CHECK_EQ(vlapic_pending(v), -1);
	wr(v, SVR, 0x1ff);
	CHECK_EQ(vlapic_pending(v), 0x35);
}

/* Sent while the one before it is being delivered: it is another interrupt. */
static void test_offer(void)
{
	struct vcpu *v;

	set_up();
	v = d->vcpu[0];
	vlapic_set_irq(v, 0x41, false);
	vlapic_offer(v, 0x41);
	CHECK_EQ(vlapic_pending(v), -1);
	vlapic_set_irq(v, 0x41, false);
	vlapic_accept(v, 0x41);
	CHECK_EQ(vlapic_pending(v), -1);
	wr(v, EOI, 0);
	CHECK_EQ(vlapic_pending(v), 0x41);
	vlapic_offer(v, 0x41);
	vlapic_set_irq(v, 0x41, false);
	vlapic_retract(v, 0x41); /* not delivered so far: the two are one */
	CHECK_EQ(vlapic_pending(v), 0x41);
	vlapic_offer(v, 0x41);
	CHECK_EQ(vlapic_pending(v), -1);
}

static u32 got(u32 id, u32 vector)
{
	bool there = bit_test(d->vcpu[id]->vlapic.irr, vector);

	bit_clear(d->vcpu[id]->vlapic.irr, vector);
	return there;
}

static u32 got_all(u32 vector)
{
	u32 n = 0;

	for (u32 i = 0; i < d->max_vcpus; i++)
		n += got(i, vector);
	return n;
}

static void test_ipi(void)
{
	struct vcpu *v;

	set_up();
	v = d->vcpu[3];
	wr(v, SELF, 0x44);
	CHECK_EQ(got(3, 0x44), 1);
	wr(v, ICR, 1 << 18 | 0x45); /* self */
	CHECK_EQ(got(3, 0x45), 1);
	wr(v, ICR, 3 << 18 | 0x46); /* all but self */
	CHECK_EQ(got(3, 0x46), 0);
	CHECK_EQ(got_all(0x46), 19);
	wr(v, ICR, 2 << 18 | 0x47); /* all */
	CHECK_EQ(got_all(0x47), 20);
	wr(v, ICR, 14ULL << 32 | 0x48); /* physical: id 14 is vCPU 7 */
	CHECK_EQ(got(7, 0x48), 1);
	CHECK_EQ(got_all(0x48), 0);
	wr(v, ICR, 0xffffffffULL << 32 | 0x49); /* broadcast */
	CHECK_EQ(got_all(0x49), 20);
	wr(v, ICR, 15ULL << 32 | 0x4a); /* nobody */
	CHECK_EQ(got_all(0x4a), 0);
	wr(v, ICR, 0x10005ULL << 32 | BIT(11) | 0x4b); /* cluster 1: ids 16 and 18 */
	CHECK_EQ(got(8, 0x4b), 1);
	CHECK_EQ(got(9, 0x4b), 1);
	CHECK_EQ(got_all(0x4b), 0);
	wr(v, ICR, 14ULL << 32 | 4 << 8); /* NMI */
	CHECK_EQ(d->vcpu[7]->nmi_pending, 1);
}

static void test_illegal_vector(void)
{
	struct vcpu *v;

	set_up();
	v = d->vcpu[0];
	wr(v, LVTERR, 0xfe);
	wr(v, SELF, 3);
	CHECK_EQ(rd(v, ESR), 0); /* latched by a write only */
	wr(v, ESR, 0);
	CHECK_EQ(rd(v, ESR), BIT(5));
	CHECK_EQ(got(0, 0xfe), 1);
	wr(v, LVTERR, 5); /* an error about the error would never end */
	wr(v, SELF, 3);
	CHECK_EQ(got_all(5), 0);
}

static void test_startup(void)
{
	struct vcpu *bsp, *ap;

	set_up();
	bsp = d->vcpu[0];
	ap = d->vcpu[1];
	wr(bsp, ICR, 2ULL << 32 | 6 << 8 | 0x9a); /* SIPI to one that runs */
	CHECK_EQ(ap->sipi_vector, 0);
	wr(bsp, ICR, 2ULL << 32 | BIT(15) | 5 << 8); /* INIT de-assert */
	CHECK_EQ(ap->init_pending, 0);
	wr(bsp, ICR, 2ULL << 32 | BIT(15) | BIT(14) | 5 << 8);
	CHECK_EQ(ap->init_pending, 1);
	wr(bsp, ICR, 2ULL << 32 | 6 << 8 | 0x9a);
	CHECK_EQ(ap->sipi_vector, 0x19a);
	wr(bsp, ICR, 2ULL << 32 | BIT(14) | 5 << 8); /* a new INIT forgets the old SIPI */
	CHECK_EQ(ap->sipi_vector, 0);
}

static void fire(struct vcpu *v)
{
	now = v->vlapic.timer.deadline;
	v->vlapic.timer.deadline = 0;
	v->vlapic.timer.fn(&v->vlapic.timer);
}

static void test_timer(void)
{
	struct vcpu *v;

	set_up();
	now = 1000;
	v = d->vcpu[0];
	wr(v, TDCR, 0xb); /* by 1 */
	wr(v, LVTT, 0x60);
	wr(v, TMICT, 5000);
	CHECK_EQ(v->vlapic.timer.deadline, 6000);
	now = 3000;
	CHECK_EQ(rd(v, TMCCT), 3000);
	fire(v);
	CHECK_EQ(got(0, 0x60), 1);
	CHECK_EQ(v->vlapic.timer.deadline, 0);
	CHECK_EQ(rd(v, TMCCT), 0);
	wr(v, TDCR, 3); /* by 16 */
	wr(v, LVTT, BIT(17) | 0x61);
	wr(v, TMICT, 100000);
	for (u32 i = 0; i < 3; i++) {
		u64 before = v->vlapic.timer.deadline;

		fire(v);
		CHECK_EQ(got(0, 0x61), 1);
		CHECK_EQ(v->vlapic.timer.deadline, before + 1600000);
	}
	wr(v, TMICT, 1); /* as fast as it can be, which is not very */
	fire(v);
	CHECK(v->vlapic.timer.deadline >= now + 10000);
	wr(v, LVTT, BIT(17) | BIT(16) | 0x61);
	got(0, 0x61);
	fire(v);
	CHECK_EQ(got(0, 0x61), 0);
	wr(v, TMICT, 0);
	CHECK_EQ(v->vlapic.timer.deadline, 0);
}

static void test_reset(void)
{
	struct vcpu *v;

	set_up();
	v = d->vcpu[2];
	vlapic_set_irq(v, 0x50, true);
	wr(v, TPR, 0x20);
	wr(v, TMICT, 1000);
	vlapic_reset(v);
	CHECK_EQ(rd(v, ID), 4);
	CHECK_EQ(rd(v, SVR), 0xff);
	CHECK_EQ(rd(v, TPR), 0);
	CHECK_EQ(rd(v, IRR + 2), 0);
	CHECK_EQ(rd(v, TMR + 2), 0);
	CHECK_EQ(v->vlapic.timer.deadline, 0);
	for (u32 i = LVTT; i <= LVTERR; i++)
		CHECK_EQ(rd(v, i), BIT(16));
	wr(v, LVTT, 0x40); /* stays masked while software has it disabled */
	CHECK_EQ(rd(v, LVTT), BIT(16) | 0x40);
}

void unit_main(void)
{
	set_up();
	test_range();
	test_ids();
	test_priority();
	test_offer();
	test_ipi();
	test_illegal_vector();
	test_startup();
	test_timer();
	test_reset();
	for (u32 i = 0; i < d->max_vcpus; i++)
		free(d->vcpu[i]);
	free(d);
}
