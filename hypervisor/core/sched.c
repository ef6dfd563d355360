/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who runs on a CPU: the loop that each CPU never leaves, blocking and waking, and the ways of a
 * vCPU between CPUs. Whose turn it is says sched_fair.c.
 *
 * Locking: a CPU's sched_lock protects its run queue, c->running, and the state of the vCPUs that
 * belong to it. A vCPU belongs to v->cpu, which changes under the lock of the CPU that it leaves,
 * and only while it does not run: vcpu_lock(). It is in that CPU's queue, or parked, exactly when
 * it is runnable, nothing pauses it, and it does not run; but for a moment when it is on its way
 * between two CPUs. Only a domain's budget is locked inside.
 *
 * Registers that the hypervisor does not use stay in the CPU while a vCPU runs. A pinned vCPU's
 * stay until another vCPU needs the place; any other's are saved before it stops to be c->running,
 * so that whoever sees it not running has all of it in memory.
 */
#include <console.h>
#include <domain.h>
#include <page.h>
#include <printk.h>
#include <sched_fair.h>
#include <virt.h>

/*
 * Bit n: CPU n has nothing to run and looks for no work. Whoever takes a bit away kicks the CPU.
 * A CPU sets its bit and then looks whether somebody waits elsewhere; whoever lets a vCPU wait
 * looks for an idle CPU afterwards: one of the two finds the other.
 */
static u64 idle_cpus;

u64 sched_online(void)
{
	return ~0ULL >> (MAX_CPUS - cpu_count);
}

/* --- state --------------------------------------------------------------------------- */

struct cpu *vcpu_lock(struct vcpu *v)
{
	for (;;) {
		struct cpu *c = READ_ONCE(v->cpu);

		spin_lock(&c->sched_lock);
		if (v->cpu == c)
			return c;
		spin_unlock(&c->sched_lock);
	}
}

bool vcpu_may_run(const struct vcpu *v)
{
	return !READ_ONCE(v->pause_count) && !READ_ONCE(v->domain->pause_count);
}

/* Account the time since the last change to the old state (xen/vcpu.h). */
static void runstate(struct vcpu *v, int state, u64 now)
{
	if (v->runstate.state == state)
		return;
	now = max(now, v->runstate.state_entry_time); /* CPUs' clocks may differ a little */
	v->runstate.time[v->runstate.state] += now - v->runstate.state_entry_time;
	v->runstate.state_entry_time = now;
	v->runstate.state = state;
}

/* What v is, if it does not run. */
static int runstate_off(const struct vcpu *v)
{
	if (v->state == VCPU_RUNNABLE && vcpu_may_run(v))
		return RUNSTATE_runnable;
	return v->state == VCPU_BLOCKED ? RUNSTATE_blocked : RUNSTATE_offline;
}

struct vcpu_runstate_info vcpu_runstate(struct vcpu *v)
{
	struct cpu *c = vcpu_lock(v);
	struct vcpu_runstate_info r = v->runstate;

	spin_unlock(&c->sched_lock);
	return r;
}

/* --- which CPU ------------------------------------------------------------------------ */

/* An idle CPU of the set, `near` if that is one, or NULL. The caller has to kick it. */
static struct cpu *claim_idle(u64 set, const struct cpu *near)
{
	u64 idle;

	while ((idle = READ_ONCE(idle_cpus) & set)) {
		u32 n = idle & BIT(near->id) ? near->id : (u32)ffs64(idle);

		if (bit_test_and_clear_atomic(&idle_cpus, n))
			return cpus[n];
	}
	return NULL;
}

/* Where v, so far c's, should wait: on an idle CPU, or where it was if it may. */
static struct cpu *place(struct cpu *c, const struct vcpu *v)
{
	u64 hard = v->hard & sched_online();
	u64 soft = hard & v->soft ? hard & v->soft : hard;
	struct cpu *to = claim_idle(soft, c);

	if (!to)
		to = claim_idle(hard, c);
	if (to)
		return to;
	return soft & BIT(c->id) ? c : cpus[ffs64(soft)];
}

/* Lock of c held. */
static bool should_wait(const struct cpu *c, const struct vcpu *v)
{
	return v->cpu == c && v->state == VCPU_RUNNABLE && c->running != v &&
	       list_empty(&v->runq) && vcpu_may_run(v);
}

static bool enter(struct cpu *c, struct vcpu *v, bool woken)
{
	u64 now = time_now();

	runstate(v, RUNSTATE_runnable, now);
	return fair_enter(c, v, woken, now);
}

/*
 * Into a queue, if v belongs in one. c, whose v is, is locked, and unlocked here. Between the two
 * locks v is in no queue: whoever finds it then may pause it, or put it into a queue himself, which
 * should_wait() sees. A CPU that was claimed is kicked in any case.
 */
static void admit(struct cpu *c, struct vcpu *v)
{
	struct cpu *to = c;
	bool kick = false;
	u64 others = 0;

	if (should_wait(c, v)) {
		to = v->pinned ? c : place(c, v);
		if (to != c) {
			WRITE_ONCE(v->cpu, to);
			spin_unlock(&c->sched_lock);
			spin_lock(&to->sched_lock);
		}
		kick = !should_wait(to, v) || enter(to, v, true);
		if (!kick && !v->pinned)
			others = v->hard & ~BIT(to->id);
	}
	spin_unlock(&to->sched_lock);
	if (others) {
		cpu_mb();
		to = claim_idle(others, to);
		kick = to;
	}
	if (kick)
		cpu_kick(to, TODO_RESCHED);
}

void vcpu_ready(struct vcpu *v)
{
	admit(vcpu_lock(v), v);
}

/*
 * The caller has counted a pause before, so that nobody lets v in again. If it runs, it does so on
 * the CPU whose lock we had, and until that CPU has saved its registers and picked.
 */
void vcpu_unready(struct vcpu *v)
{
	struct cpu *c = vcpu_lock(v);
	bool runs = c->running == v;

	if (!list_empty(&v->runq)) {
		fair_leave(c, v);
		runstate(v, RUNSTATE_offline, time_now());
	}
	spin_unlock(&c->sched_lock);
	if (!runs)
		return;
	cpu_kick(c, TODO_RESCHED);
	while (c != this_cpu() && READ_ONCE(c->running) == v) {
		smp_answer(); /* that CPU may be waiting for this one */
		cpu_pause();
	}
}

void vcpu_wake(struct vcpu *v)
{
	struct cpu *c;

	__atomic_exchange_n(&v->attention, 1, __ATOMIC_SEQ_CST);
	if (READ_ONCE(v->state) == VCPU_RUNNABLE)
		return; /* vcpu_block() looks at attention after it has changed the state */
	c = vcpu_lock(v);
	if (v->state == VCPU_RUNNABLE) {
		spin_unlock(&c->sched_lock);
		return;
	}
	v->state = VCPU_RUNNABLE;
	admit(c, v);
}

/*
 * v->cpu may be old when it is looked at. But v has moved then, after attention was set (a full
 * barrier): it enters on the other CPU with a look at attention.
 */
void vcpu_kick(struct vcpu *v)
{
	struct cpu *c;

	vcpu_wake(v);
	c = READ_ONCE(v->cpu);
	if (c != this_cpu() && READ_ONCE(c->running) == v)
		cpu_kick(c, 0);
}

void vcpu_urgent(struct vcpu *v)
{
	struct cpu *c = this_cpu();
	bool again;

	if (likely(c->running == v))
		return;
	spin_lock(&c->sched_lock);
	again = !list_empty(&v->runq) && fair_urgent(c, v, time_now());
	spin_unlock(&c->sched_lock);
	if (again)
		cpu_kick(c, TODO_RESCHED);
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

/*
 * For another hard affinity it is paused: then it is in no queue and on no CPU, and can be put
 * anywhere. Nobody waits like this for a pinned vCPU, which could be waiting for the caller's.
 */
int vcpu_set_affinity(struct vcpu *v, const u64 *hard, const u64 *soft)
{
	struct cpu *c;

	if (hard && (v->pinned || !(*hard & sched_online())))
		return -EINVAL;
	if (hard) {
		__atomic_fetch_add(&v->pause_count, 1, __ATOMIC_SEQ_CST);
		vcpu_unready(v);
	}
	c = vcpu_lock(v);
	if (hard)
		v->hard = *hard;
	if (soft)
		v->soft = *soft;
	if (!(v->hard & BIT(c->id)))
		WRITE_ONCE(v->cpu, cpus[ffs64(v->hard & sched_online())]);
	spin_unlock(&c->sched_lock);
	if (!hard)
		return 0;
	__atomic_fetch_sub(&v->pause_count, 1, __ATOMIC_SEQ_CST);
	vcpu_ready(v);
	return 0;
}

/* --- the loop --------------------------------------------------------------------------- */

static void slice_over(struct timer *t)
{
	__atomic_fetch_or(&t->cpu->todo, TODO_RESCHED, __ATOMIC_SEQ_CST);
}

/* The state of v into the CPU. What is still there is a pinned vCPU's. */
static void load(struct cpu *c, struct vcpu *v)
{
	if (c->current == v)
		return;
	if (c->current)
		virt->save(c->current);
	c->current = v;
	virt->load(v);
}

/*
 * Some wait here: for idle CPUs, which come and take them when they are kicked, or, the first, for
 * a CPU on which time has gone faster, one of them a turn. Lock of c held; returns whom to kick.
 */
static u64 offer(struct cpu *c, u64 now)
{
	struct vcpu *v, *first = NULL;
	const struct list *at;
	u64 kick = 0;
	struct cpu *to;

	cpu_mb();
	list_for_each(at, &c->runq)
	{
		v = container_of(at, struct vcpu, runq);
		if (!(v->hard & sched_online() & ~BIT(c->id)))
			continue;
		first = first ? first : v;
		to = claim_idle(v->hard & ~BIT(c->id), c);
		kick |= to ? BIT(to->id) : 0;
	}
	first->neighbour = (first->neighbour + 1) % cpu_count;
	to = cpus[first->neighbour];
	if (kick || to == c || !spin_trylock(&to->sched_lock))
		return kick;
	if (fair_behind(c, first, to, now)) {
		fair_leave(c, first);
		WRITE_ONCE(first->cpu, to);
		if (fair_enter(to, first, false, now))
			kick = BIT(to->id);
	}
	spin_unlock(&to->sched_lock);
	return kick;
}

/* Lock of c held. From who ran, to v. */
static void change(struct cpu *c, struct vcpu *v, u64 now)
{
	struct vcpu *old = c->running;

	if (old && old != v) {
		runstate(old, runstate_off(old), now);
		if (old->runstate.state == RUNSTATE_runnable)
			fair_requeue(c, old);
		else
			fair_leave(c, old);
	}
	c->turn_over = false;
	fair_begin(c, v, now);
	if (v)
		runstate(v, RUNSTATE_running, now);
	if (!v)
		bit_test_and_set_atomic(&idle_cpus, c->id);
	else if (bit_test(&idle_cpus, c->id))
		bit_test_and_clear_atomic(&idle_cpus, c->id);
}

/*
 * Put back who ran, as what it is now, and choose. A CPU that was claimed for somebody who waits,
 * and has found work of its own, makes the others offer theirs again.
 */
static struct vcpu *pick(struct cpu *c)
{
	bool claimed = !c->running && !bit_test(&idle_cpus, c->id);
	struct vcpu *old = c->running, *v;
	u64 now, turn_end, kick = 0;

	for (;;) {
		spin_lock(&c->sched_lock);
		now = time_now();
		fair_charge(c, now);
		v = fair_choose(c, old && runstate_off(old) == RUNSTATE_runnable, now);
		if (!old || v == old || old->pinned || c->current != old)
			break;
		runstate(old, runstate_off(old), now);
		spin_unlock(&c->sched_lock);
		/* Nobody else takes it, because it still is c->running. */
		virt->save(old);
		c->current = NULL;
		vcpu_runstate_update(old);
	}
	change(c, v, now);
	if (c->waiting)
		kick = offer(c, now);
	turn_end = c->turn_end;
	spin_unlock(&c->sched_lock);

	if (turn_end != ~0ULL)
		timer_set(c->slice, turn_end);
	else if (c->slice->index >= 0)
		timer_stop(c->slice);
	for (u32 i = 0; v && claimed && READ_ONCE(idle_cpus) && i < cpu_count; i++)
		kick |= READ_ONCE(cpus[i]->waiting) ? BIT(i) : 0;
	for (; kick; kick &= kick - 1)
		cpu_kick(cpus[ffs64(kick)], TODO_RESCHED);
	if (old && old != v && old->pinned)
		vcpu_runstate_update(old);
	return v;
}

/* For an idle CPU: somebody who waits for another. */
static bool pull(struct cpu *c)
{
	for (u32 i = 1; i < cpu_count; i++) {
		struct cpu *from = cpus[(c->id + i) % cpu_count];
		struct vcpu *v;

		if (!READ_ONCE(from->waiting))
			continue;
		spin_lock(&from->sched_lock);
		v = fair_steal(from, c);
		if (v)
			WRITE_ONCE(v->cpu, c);
		spin_unlock(&from->sched_lock);
		if (!v)
			continue;
		spin_lock(&c->sched_lock); /* as in admit() */
		if (should_wait(c, v))
			enter(c, v, false);
		spin_unlock(&c->sched_lock);
		return true;
	}
	return false;
}

static struct vcpu *reschedule(struct cpu *c)
{
	const struct vcpu *old = c->running;
	struct vcpu *v;
	bool again;

	do {
		v = pick(c);
	} while (!v && pull(c));
	if (!v)
		return NULL;
	again = v != old || c->current != v;
	load(c, v);
	if (again)
		vcpu_runstate_update(v);
	return v;
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

	if (bits & TODO_ANSWER)
		smp_answer();
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
			v = reschedule(c);
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
	list_init(&c->parked);
	c->slice = heap_alloc(sizeof(*c->slice));
	BUG_ON(!c->slice);
	timer_init(c->slice, c, slice_over);
}

/* --- shares ------------------------------------------------------------------------------ */

int sched_domain_set(struct domain *d, u16 weight, u16 cap)
{
	struct sched_domain *s = &d->sched;

	if (cap > 100 * d->max_vcpus)
		return -EINVAL;
	spin_lock(&s->lock);
	if (weight)
		WRITE_ONCE(s->weight, weight);
	WRITE_ONCE(s->cap, cap);
	WRITE_ONCE(s->period_end, 0); /* a new one begins */
	spin_unlock(&s->lock);
	for (u32 i = 0; i < d->max_vcpus; i++) {
		struct vcpu *v = d->vcpu[i];
		struct cpu *c;

		if (!v)
			continue;
		c = vcpu_lock(v);
		fair_changed(c, v, time_now());
		spin_unlock(&c->sched_lock);
		cpu_kick(c, TODO_RESCHED);
	}
	return 0;
}
