/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Physical interrupts: the hypervisor's own vectors, and device vectors reflected to the control
 * domain's vCPU of the CPU that took them.
 *
 * Edge: acknowledged at once. Level: acknowledged when the control domain has acknowledged, because
 * the line stays up until its handler has run. A physical EOI always ends the highest vector in
 * service; the control domain may acknowledge a lower one first (its handler was entered before the
 * higher vector came). So an acknowledgement only marks the vector done, and vectors are retired
 * from the top of the physical in-service register while they are done.
 *
 * Locking: none. level_pending belongs to the CPU; level_done is set atomically by any CPU.
 */
#include <domain.h>
#include <printk.h>

enum {
	COUNT_EDGE,
	COUNT_LEVEL,
	COUNT_OWN,
	COUNT_SPURIOUS
};

void irq_level_eoi_retire(void)
{
	struct cpu *c = this_cpu();
	int top;

	while ((top = lapic_isr_top()) >= 0 && top < VEC_FIRST &&
	       bit_test(c->level_done, (u32)top)) {
		bit_test_and_clear_atomic(c->level_done, (u32)top);
		bit_clear(c->level_pending, (u32)top);
		lapic_eoi();
	}
}

static void retire_on(struct cpu *c)
{
	if (c == this_cpu())
		irq_level_eoi_retire();
	else
		cpu_kick(c, TODO_LEVEL_EOI);
}

void irq_level_done(struct cpu *c, u32 v)
{
	if (!bit_test(c->level_pending, v))
		return; /* the guest's own doing: a level IPI, or an EOI after INIT */
	bit_test_and_set_atomic(c->level_done, v);
	retire_on(c);
}

void irq_level_done_all(struct cpu *c)
{
	bool any = false;

	for (u32 i = 0; i < ARRAY_SIZE(c->level_done); i++) {
		u64 pending = READ_ONCE(c->level_pending[i]);

		__atomic_fetch_or(&c->level_done[i], pending, __ATOMIC_SEQ_CST);
		any |= pending != 0;
	}
	if (any)
		retire_on(c);
}

/* Nobody to give it to: acknowledge, so that the line cannot block the CPU, count, and say it once.
 */
static void stray(struct cpu *c, u32 vector)
{
	lapic_eoi();
	if (!c->count_stray++)
		pr_warn("CPU %u: device vector %#x with no vCPU to take it\n", c->id, vector);
}

static void reflect(struct cpu *c, u32 vector)
{
	struct vcpu *v = READ_ONCE(c->reflect);
	bool level = lapic_tmr_test(vector);

	if (!v || READ_ONCE(v->wait_sipi)) {
		stray(c, vector);
		return;
	}
	c->count_irq[level ? COUNT_LEVEL : COUNT_EDGE]++;
	if (level) {
		bit_test_and_clear_atomic(c->level_done, vector);
		bit_set(c->level_pending, vector);
	} else {
		lapic_eoi();
	}
	vlapic_set_irq(v, (u8)vector, level);
	vcpu_urgent(v);
}

void irq_handle(u32 vector)
{
	struct cpu *c = this_cpu();

	if (vector < VEC_FIRST) {
		reflect(c, vector);
		return;
	}
	if (vector == VEC_SPURIOUS) { /* no EOI: it is not in service (APM2 16.4.7) */
		c->count_irq[COUNT_SPURIOUS]++;
		return;
	}
	c->count_irq[COUNT_OWN]++;
	lapic_eoi();
	if (vector == VEC_TIMER)
		timer_fired();
	else if (vector == VEC_ERROR)
		pr_warn("CPU %u: local APIC error %#x\n", c->id, lapic_error());
}
