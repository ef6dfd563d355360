/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Virtual local APIC: an x2APIC that never leaves x2APIC mode, so there is no APIC page.
 *
 * IRR and TMR change from any CPU by atomic operations; everything else belongs to the CPU that
 * runs the vCPU. Sections of "SDM" are of the Intel manual's volume 3, which defines the x2APIC
 * that AMD implements, too (APM2 16.11).
 */
#include <domain.h>
#include <printk.h>
#include <string.h>

/* MSRs: 0x800 + register offset / 16 (SDM 10.12.1.2). */
enum {
	X2APIC_ID = 0x802,
	X2APIC_VERSION = 0x803,
	X2APIC_TPR = 0x808,
	X2APIC_PPR = 0x80a,
	X2APIC_EOI = 0x80b,
	X2APIC_LDR = 0x80d,
	X2APIC_SVR = 0x80f,
	X2APIC_ISR = 0x810,
	X2APIC_TMR = 0x818,
	X2APIC_IRR = 0x820,
	X2APIC_ESR = 0x828,
	X2APIC_ICR = 0x830,
	X2APIC_LVT = 0x832, /* timer, thermal, performance, LINT0, LINT1, error */
	X2APIC_TMICT = 0x838,
	X2APIC_TMCCT = 0x839,
	X2APIC_TDCR = 0x83e,
	X2APIC_SELF_IPI = 0x83f,
};

#define LVT_COUNT    6
#define LVT_TIMER    0
#define LVT_ERROR    5
#define LVT_MASKED   BIT(16)
#define LVT_PERIODIC BIT(17)
#define SVR_ENABLED  BIT(8)
#define VERSION      ((LVT_COUNT - 1) << 16 | 0x14)
#define ESR_SEND_ILL BIT(5) /* send illegal vector */
#define ESR_RECV_ILL BIT(6)

#define ICR_VECTOR(i)    ((u8)(i))
#define ICR_MODE(i)      ((i) >> 8 & 7)
#define ICR_LOGICAL      BIT(11)
#define ICR_ASSERT       BIT(14)
#define ICR_LEVEL        BIT(15)
#define ICR_SHORTHAND(i) ((i) >> 18 & 3)
#define ICR_RESERVED     (~(0xffffffffULL << 32 | 0xcdfffULL))
enum {
	MODE_FIXED,
	MODE_LOWEST,
	MODE_SMI,
	MODE_NMI = 4,
	MODE_INIT,
	MODE_SIPI
};
enum {
	TO_DEST,
	TO_SELF,
	TO_ALL,
	TO_OTHERS
};

/* A periodic timer faster than this would keep its CPU busy with nothing else. */
#define PERIOD_MIN 900000 /* ns */

/* Bits that each LVT may have (SDM 10.5.1): timer mode, delivery mode, polarity and trigger. */
static const u32 lvt_writable[LVT_COUNT] = { 0x300ff, 0x107ff, 0x107ff, 0x1a7ff, 0x1a7ff, 0x100ff };

static int top_bit(const u64 *map)
{
	for (int i = 3; i >= 0; i--) {
		u64 word = READ_ONCE(map[i]);

		if (word)
			return i * 64 + fls64(word);
	}
	return -1;
}

/* Priority class that a vector has to exceed (SDM 10.8.3.1). */
static u32 ppr_class(const struct vlapic *l, u32 tpr)
{
	int isr = top_bit(l->isr);

	return max(tpr >> 4, isr < 0 ? 0 : (u32)isr >> 4);
}

static int deliverable(const struct vlapic *l, u32 tpr)
{
	int irr = top_bit(l->irr);

	if (irr < 0 || !(l->svr & SVR_ENABLED) || (u32)irr >> 4 <= ppr_class(l, tpr))
		return -1;
	return irr;
}

int vlapic_pending(const struct vcpu *v)
{
	return deliverable(&v->vlapic, v->vlapic.tpr);
}

bool vlapic_masked_by_tpr(const struct vcpu *v)
{
	return v->vlapic.tpr && deliverable(&v->vlapic, 0) >= 0;
}

/*
 * The request leaves IRR when it is offered, not when the delivery is noticed: the guest takes it
 * with no exit, and one that is sent between the two is another interrupt.
 */
void vlapic_offer(struct vcpu *v, u8 vector)
{
	bit_test_and_clear_atomic(v->vlapic.irr, vector);
}

void vlapic_retract(struct vcpu *v, u8 vector)
{
	bit_test_and_set_atomic(v->vlapic.irr, vector);
}

void vlapic_accept(struct vcpu *v, u8 vector)
{
	bit_set(v->vlapic.isr, vector);
}

void vlapic_unaccept(struct vcpu *v, u8 vector)
{
	bit_clear(v->vlapic.isr, vector);
	bit_test_and_set_atomic(v->vlapic.irr, vector);
}

void vlapic_set_irq(struct vcpu *v, u8 vector, bool level)
{
	if (level)
		bit_test_and_set_atomic(v->vlapic.tmr, vector);
	else
		bit_test_and_clear_atomic(v->vlapic.tmr, vector);
	bit_test_and_set_atomic(v->vlapic.irr, vector);
	vcpu_kick(v);
}

/* --- errors and local interrupts ---------------------------------------------- */

static void local_irq(struct vcpu *v, u32 lvt)
{
	u32 entry = v->vlapic.lvt[lvt];

	/* A bad vector in an LVT would be an error about an error: drop it (XSA-462). */
	if (!(entry & LVT_MASKED) && (u8)entry >= 16)
		vlapic_set_irq(v, (u8)entry, false);
}

static void error(struct vcpu *v, u32 bit)
{
	v->vlapic.esr_new |= bit;
	local_irq(v, LVT_ERROR);
}

/* --- timer ----------------------------------------------------------------------- */

/* SDM 10.5.4: bits 0, 1 and 3 encode 2, 4, ... 128, 1. The input clock is 1 GHz: a tick is 1 ns. */
static u32 divider(const struct vlapic *l)
{
	u32 code = (l->tdcr & 3) | (l->tdcr >> 1 & 4);

	return 1u << ((code + 1) & 7);
}

static u64 period(const struct vlapic *l)
{
	return (u64)l->tmict * divider(l);
}

static void timer_fire(struct timer *t)
{
	struct vcpu *v = container_of(t, struct vcpu, vlapic.timer);
	struct vlapic *l = &v->vlapic;

	local_irq(v, LVT_TIMER);
	if ((l->lvt[LVT_TIMER] & LVT_PERIODIC) && l->tmict) {
		u64 p = max(period(l), (u64)PERIOD_MIN);

		l->timer_start = max(l->timer_start + p, time_now());
		timer_set(t, l->timer_start + p);
	}
}

static void timer_start(struct vcpu *v)
{
	struct vlapic *l = &v->vlapic;

	if (!l->tmict) {
		timer_stop(&l->timer);
		return;
	}
	l->timer_start = time_now();
	timer_set_here(&l->timer, l->timer_start + period(l));
}

static u32 timer_current(const struct vlapic *l)
{
	u64 passed = time_now() - l->timer_start;

	if (!l->tmict || passed >= period(l))
		return 0;
	return l->tmict - (u32)(passed / divider(l));
}

/* --- interprocessor interrupts ----------------------------------------------------- */

static u32 logical_id(const struct vcpu *v)
{
	return (v->apic_id >> 4) << 16 | 1u << (v->apic_id & 15);
}

static bool matches(const struct vcpu *v, u64 icr)
{
	u32 dest = (u32)(icr >> 32);

	if (dest == ~0u)
		return true;
	if (!(icr & ICR_LOGICAL))
		return dest == v->apic_id;
	return dest >> 16 == logical_id(v) >> 16 && (dest & logical_id(v) & 0xffff);
}

static void send_init(struct vcpu *to, bool assert)
{
	if (!assert)
		return; /* INIT level de-assert: nothing to do since the P6 */
	WRITE_ONCE(to->sipi_vector, 0);
	store_release(&to->init_pending, 1);
	vcpu_kick(to);
}

static void send_one(struct vcpu *to, u64 icr)
{
	switch (ICR_MODE(icr)) {
	case MODE_FIXED:
	case MODE_LOWEST:
		vlapic_set_irq(to, ICR_VECTOR(icr), false);
		break;
	case MODE_NMI:
		store_release(&to->nmi_pending, 1);
		vcpu_kick(to);
		break;
	case MODE_INIT:
		send_init(to, !(icr & ICR_LEVEL) || (icr & ICR_ASSERT));
		break;
	case MODE_SIPI:
		if (!READ_ONCE(to->init_pending) && !READ_ONCE(to->wait_sipi))
			break; /* the second of two, or to one that runs */
		store_release(&to->sipi_vector, 0x100 | ICR_VECTOR(icr));
		vcpu_kick(to);
		break;
	}
}

static void send_ipi(struct vcpu *v, u64 icr)
{
	struct domain *d = v->domain;
	u32 to = ICR_SHORTHAND(icr), mode = ICR_MODE(icr);

	if (mode <= MODE_LOWEST && ICR_VECTOR(icr) < 16) {
		error(v, ESR_SEND_ILL);
		return;
	}
	if (to == TO_SELF) {
		if (mode == MODE_FIXED) /* all else is invalid with "self": SDM table 10-3 */
			send_one(v, icr);
		return;
	}
	for (u32 i = 0; i < d->max_vcpus; i++) {
		struct vcpu *other = d->vcpu[i];

		if (!other || (to == TO_OTHERS && other == v))
			continue;
		if (to == TO_DEST && !matches(other, icr))
			continue;
		send_one(other, icr);
		if (mode == MODE_LOWEST)
			break;
	}
}

/* --- registers ------------------------------------------------------------------------ */

static void eoi(struct vcpu *v)
{
	struct vlapic *l = &v->vlapic;
	int vector = top_bit(l->isr);

	if (vector < 0)
		return;
	bit_clear(l->isr, (u32)vector);
	WRITE_ONCE(v->attention, 1);
	if (v->domain->control && bit_test(l->tmr, (u32)vector))
		irq_level_done(v->cpu, (u32)vector);
}

static int write_lvt(struct vcpu *v, u32 n, u64 val)
{
	struct vlapic *l = &v->vlapic;

	if (val & ~(u64)(lvt_writable[n] | BIT(12) | BIT(14)))
		return -EINVAL;
	l->lvt[n] = (u32)val & lvt_writable[n];
	if (!(l->svr & SVR_ENABLED))
		l->lvt[n] |= LVT_MASKED; /* SDM 10.4.7.2 */
	return 0;
}

static void write_svr(struct vcpu *v, u32 val)
{
	struct vlapic *l = &v->vlapic;

	l->svr = val;
	if (!(val & SVR_ENABLED))
		for (u32 i = 0; i < LVT_COUNT; i++)
			l->lvt[i] |= LVT_MASKED;
	WRITE_ONCE(v->attention, 1);
}

static int write_icr(struct vcpu *v, u64 val)
{
	if (val & ICR_RESERVED)
		return -EINVAL;
	v->vlapic.icr = val;
	send_ipi(v, val);
	return 0;
}

int vlapic_write(struct vcpu *v, u32 msr, u64 val)
{
	struct vlapic *l = &v->vlapic;

	if (msr == X2APIC_ICR)
		return write_icr(v, val);
	if (val >> 32)
		return -EINVAL; /* all other registers have 32 bits */
	switch (msr) {
	case X2APIC_EOI:
		if (val)
			return -EINVAL;
		eoi(v);
		return 0;
	case X2APIC_TPR:
		if (val > 0xff)
			return -EINVAL;
		l->tpr = (u32)val;
		WRITE_ONCE(v->attention, 1);
		return 0;
	case X2APIC_SVR:
		if (val & ~0x1ffULL)
			return -EINVAL;
		write_svr(v, (u32)val);
		return 0;
	case X2APIC_ESR:
		if (val)
			return -EINVAL;
		l->esr = l->esr_new;
		l->esr_new = 0;
		return 0;
	case X2APIC_LVT ... X2APIC_LVT + LVT_COUNT - 1:
		return write_lvt(v, msr - X2APIC_LVT, val);
	case X2APIC_TMICT:
		l->tmict = (u32)val;
		timer_start(v);
		return 0;
	case X2APIC_TDCR:
		if (val & ~0xbULL)
			return -EINVAL;
		l->tdcr = (u32)val;
		return 0;
	case X2APIC_SELF_IPI:
		if (val > 0xff)
			return -EINVAL;
		send_ipi(v, (u64)TO_SELF << 18 | val);
		return 0;
	default:
		return -EINVAL;
	}
}

static u32 read_map(const u64 *map, u32 n)
{
	return (u32)(READ_ONCE(map[n / 2]) >> (n % 2 * 32));
}

/* -1: write-only or absent. */
static s64 read_register(const struct vcpu *v, u32 msr)
{
	const struct vlapic *l = &v->vlapic;

	switch (msr) {
	case X2APIC_ID:
		return v->apic_id;
	case X2APIC_VERSION:
		return VERSION;
	case X2APIC_TPR:
		return l->tpr;
	case X2APIC_PPR:
		return ppr_class(l, l->tpr) == l->tpr >> 4 ? l->tpr : ppr_class(l, l->tpr) << 4;
	case X2APIC_LDR:
		return logical_id(v);
	case X2APIC_SVR:
		return l->svr;
	case X2APIC_ISR ... X2APIC_ISR + 7:
		return read_map(l->isr, msr - X2APIC_ISR);
	case X2APIC_TMR ... X2APIC_TMR + 7:
		return read_map(l->tmr, msr - X2APIC_TMR);
	case X2APIC_IRR ... X2APIC_IRR + 7:
		return read_map(l->irr, msr - X2APIC_IRR);
	case X2APIC_ESR:
		return l->esr;
	case X2APIC_LVT ... X2APIC_LVT + LVT_COUNT - 1:
		return l->lvt[msr - X2APIC_LVT];
	case X2APIC_TMICT:
		return l->tmict;
	case X2APIC_TMCCT:
		return timer_current(l);
	case X2APIC_TDCR:
		return l->tdcr;
	}
	return -1;
}

int vlapic_read(struct vcpu *v, u32 msr, u64 *val)
{
	s64 value;

	if (msr == X2APIC_ICR) { /* the only one with 64 bits */
		*val = v->vlapic.icr;
		return 0;
	}
	value = read_register(v, msr);
	*val = (u64)value;
	return value < 0 ? -EINVAL : 0;
}

/* SDM 10.4.7.1: after power-up and INIT all but the id is as after reset. */
void vlapic_reset(struct vcpu *v)
{
	struct vlapic *l = &v->vlapic;

	timer_stop(&l->timer);
	memset(l, 0, offsetof(struct vlapic, timer));
	l->svr = 0xff;
	for (u32 i = 0; i < LVT_COUNT; i++)
		l->lvt[i] = LVT_MASKED;
	if (v->domain->control)
		irq_level_done_all(v->cpu);
}

void vlapic_init(struct vcpu *v)
{
	timer_init(&v->vlapic.timer, v->cpu, timer_fire);
	vlapic_reset(v);
}
