/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who runs on a CPU: the loop that each CPU never leaves, run queues, blocking and waking.
 *
 * Locking: a CPU's sched_lock protects its run queue, c->running, and the state of the vCPUs that
 * belong to it. A vCPU is in the queue exactly when it is runnable, nothing pauses it, and it does
 * not run. Nothing but timers is locked inside.
 */
#include <console.h>
#include <domain.h>
#include <page.h>
#include <printk.h>
#include <virt.h>

#define SLICE_NS 10000000 /* a turn when somebody else waits */

/* --- the policy: in turn, the control domain first -------------------------------- */

static bool is_control(const struct list *l)
{
	return container_of(l, struct vcpu, runq)->domain->control;
}

static void fifo_enqueue(struct cpu *c, struct vcpu *v, bool front)
{
	struct list *at = front ? c->runq.next : &c->runq;

	while (at != &c->runq && !v->domain->control && is_control(at))
		at = at->next;
	list_add_before(at, &v->runq);
}

static void fifo_dequeue(struct cpu *c, struct vcpu *v)
{
	(void)c;
	list_del(&v->runq);
}

static struct vcpu *fifo_pick(struct cpu *c)
{
	struct vcpu *v;

	if (list_empty(&c->runq))
		return NULL;
	v = container_of(c->runq.next, struct vcpu, runq);
	list_del(&v->runq);
	return v;
}

static u64 fifo_slice(const struct cpu *c)
{
	return list_empty(&c->runq) ? 0 : SLICE_NS;
}

static bool fifo_preempts(const struct vcpu *woken, const struct vcpu *running)
{
	return woken->domain->control && !running->domain->control;
}

static const struct sched_policy fifo = {
	.name = "fifo",
	.enqueue = fifo_enqueue,
	.dequeue = fifo_dequeue,
	.pick = fifo_pick,
	.slice = fifo_slice,
	.preempts = fifo_preempts,
};
static const struct sched_policy *policy = &fifo;

/* --- state --------------------------------------------------------------------------- */

bool vcpu_may_run(const struct vcpu *v)
{
	return !READ_ONCE(v->pause_count) && !READ_ONCE(v->domain->pause_count);
}

/* Account the time since the last change to the old state (xen/vcpu.h). */
static void runstate(struct vcpu *v, u32 state)
{
	u64 now = time_now();

	v->runstate.time[v->runstate.state] += now - v->runstate.state_entry_time;
	v->runstate.state_entry_time = now;
	v->runstate.state = (int)state;
}

/* Lock held. Into the queue, if it belongs there; true if the CPU has to pick again. */
static bool enqueue(struct cpu *c, struct vcpu *v)
{
	bool front = v->domain->control;

	if (v->state != VCPU_RUNNABLE || c->running == v || !list_empty(&v->runq) ||
	    !vcpu_may_run(v))
		return false;
	runstate(v, RUNSTATE_runnable);
	policy->enqueue(c, v, front);
	if (!c->running || policy->preempts(v, c->running))
		return true;
	if (c->slice->index < 0) /* it ran alone so far */
		timer_set(c->slice, time_now() + SLICE_NS);
	return false;
}

void vcpu_ready(struct vcpu *v)
{
	struct cpu *c = v->cpu;
	bool again;

	spin_lock(&c->sched_lock);
	again = enqueue(c, v);
	spin_unlock(&c->sched_lock);
	if (again)
		cpu_kick(c, TODO_RESCHED);
}

void vcpu_unready(struct vcpu *v)
{
	struct cpu *c = v->cpu;

	spin_lock(&c->sched_lock);
	if (!list_empty(&v->runq)) {
		policy->dequeue(c, v);
		runstate(v, RUNSTATE_offline);
	}
	spin_unlock(&c->sched_lock);
	if (READ_ONCE(c->running) != v)
		return;
	cpu_kick(c, TODO_RESCHED);
	while (c != this_cpu() && READ_ONCE(c->running) == v) {
		smp_call_run(); /* that CPU may be waiting for this one */
		cpu_pause();
	}
}

void vcpu_wake(struct vcpu *v)
{
	struct cpu *c = v->cpu;
	bool again = false;

	__atomic_exchange_n(&v->attention, 1, __ATOMIC_SEQ_CST);
	if (READ_ONCE(v->state) == VCPU_RUNNABLE)
		return; /* vcpu_block() looks at attention after it has changed the state */
	spin_lock(&c->sched_lock);
	if (v->state != VCPU_RUNNABLE) {
		v->state = VCPU_RUNNABLE;
		again = enqueue(c, v);
	}
	spin_unlock(&c->sched_lock);
	if (again)
		cpu_kick(c, TODO_RESCHED);
}

void vcpu_kick(struct vcpu *v)
{
	vcpu_wake(v);
	if (v->cpu != this_cpu() && READ_ONCE(v->cpu->running) == v)
		cpu_kick(v->cpu, 0);
}

void vcpu_block(struct vcpu *v)
{
	struct cpu *c = this_cpu();

	spin_lock(&c->sched_lock);
	__atomic_exchange_n(&v->state, v->wait_sipi ? VCPU_OFFLINE : VCPU_BLOCKED,
	                    __ATOMIC_SEQ_CST);
	if (READ_ONCE(v->attention))
		v->state = VCPU_RUNNABLE; /* woken in between */
	else
		__atomic_fetch_or(&c->todo, TODO_RESCHED, __ATOMIC_SEQ_CST);
	spin_unlock(&c->sched_lock);
}

void vcpu_yield(struct vcpu *v)
{
	(void)v;
	this_cpu()->turn_over = true;
	__atomic_fetch_or(&this_cpu()->todo, TODO_RESCHED, __ATOMIC_SEQ_CST);
}

/* --- the loop --------------------------------------------------------------------------- */

static void slice_over(struct timer *t)
{
	struct cpu *c = t->cpu;

	c->turn_over = true;
	__atomic_fetch_or(&c->todo, TODO_RESCHED, __ATOMIC_SEQ_CST);
}

/* Put back who ran, as what it is now, and choose. */
static struct vcpu *pick(struct cpu *c)
{
	struct vcpu *old, *v;
	u64 slice = 0;

	spin_lock(&c->sched_lock);
	old = c->running;
	c->running = NULL;
	if (old && old->state == VCPU_RUNNABLE && vcpu_may_run(old)) {
		policy->enqueue(c, old, !c->turn_over);
	} else if (old) {
		runstate(old, old->state == VCPU_BLOCKED ? RUNSTATE_blocked : RUNSTATE_offline);
	}
	c->turn_over = false;
	v = policy->pick(c);
	if (v) {
		if (v != old && old && !list_empty(&old->runq))
			runstate(old, RUNSTATE_runnable);
		if (v->runstate.state != RUNSTATE_running)
			runstate(v, RUNSTATE_running);
		slice = policy->slice(c);
	}
	c->running = v;
	spin_unlock(&c->sched_lock);
	if (slice)
		timer_set(c->slice, time_now() + slice);
	else if (c->slice->index >= 0)
		timer_stop(c->slice);
	if (old && old != v)
		vcpu_runstate_update(old);
	if (v && v != old)
		vcpu_runstate_update(v);
	return v;
}

/* The state of v into the CPU; that of the last one stays until somebody else needs the place. */
static void load(struct cpu *c, struct vcpu *v)
{
	if (c->current == v)
		return;
	if (c->current) {
		virt->save(c->current);
		c->current->on_cpu = false;
	}
	c->current = v;
	v->on_cpu = true;
	virt->load(v);
}

static void forget(void *domain)
{
	struct cpu *c = this_cpu();

	if (!c->current || c->current->domain != domain)
		return;
	virt->save(c->current);
	c->current->on_cpu = false;
	c->current = NULL;
}

void sched_forget(struct domain *d)
{
	forget(d);
	smp_call_others(forget, d);
}

static void idle(struct cpu *c)
{
	__atomic_exchange_n(&c->mode, CPU_IDLE, __ATOMIC_SEQ_CST);
	if (!READ_ONCE(c->todo))
		irq_wait();
	WRITE_ONCE(c->mode, CPU_HOST);
}

/* What others and interrupts left to do. TODO_RESCHED is the loop's own. */
static bool todo(struct cpu *c)
{
	u64 bits = __atomic_exchange_n(&c->todo, 0, __ATOMIC_SEQ_CST);

	if (bits & TODO_CALL)
		smp_call_run();
	if (bits & TODO_LEVEL_EOI)
		irq_level_eoi_retire();
	if (bits & TODO_TIMER)
		timer_run();
	if (bits & TODO_CONSOLE)
		console_poll();
	if (bits & TODO_REAP)
		domain_reap();
	return bits & TODO_RESCHED;
}

void cpu_main(void)
{
	struct cpu *c = this_cpu();
	struct vcpu *v = NULL;
	bool again = true;

	for (;;) {
		if (READ_ONCE(c->todo))
			again |= todo(c);
		if (again) {
			again = false;
			v = pick(c);
			if (v)
				load(c, v);
		}
		if (!v) {
			idle(c);
			again = true;
			continue;
		}
		while (!READ_ONCE(c->todo))
			virt->run(v);
	}
}

void sched_init_cpu(struct cpu *c)
{
	list_init(&c->runq);
	c->slice = heap_alloc(sizeof(*c->slice));
	BUG_ON(!c->slice);
	timer_init(c->slice, c, slice_over);
}
