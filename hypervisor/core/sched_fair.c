/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Whose turn it is: weighted virtual time, earliest virtual deadline first, and caps.
 *
 * While a vCPU runs, its virtual time goes on at a pace inverse to its weight; whoever asks for the
 * CPU wants REQUEST_NS of it, and has a right to them by the virtual deadline that follows. The
 * earliest deadline runs. So in the long run time divides by weights, and one that has slept waits
 * about REQUEST_NS times the sum of the weights over its own, at most; among equals, and not having
 * used up its share, it waits no longer than fair_turn_min.
 *
 * Each CPU has a queue and a virtual time of its own, below which nobody starts (who sleeps saves
 * nothing). vtime + vbase is the machine's: by it CPUs compare whom they keep waiting, and hand
 * over. Where affinity or too few vCPUs make one CPU run away from another, vbase takes up what is
 * beyond BOUND, so that nobody has to wait for what could not be divided anyway.
 *
 * A cap is a budget per period. A vCPU takes a piece of it, runs it down and takes another; one
 * that is refused is parked by its CPU until the next period.
 *
 * Locking: everything here is called under the CPU's sched_lock. A domain's budget has its own lock
 * inside, because its vCPUs run on several CPUs.
 */
#include <domain.h>
#include <sched_fair.h>

#define REQUEST_NS 5000000
#define PERIOD_NS  10000000
#define PIECE_NS   100000 /* least of a budget that is worth a turn */
#define CHARGE_MAX 1000000000ULL
#define NEVER      UINT64_MAX

/* Virtual time: 2^-12 ns, divided by the weight. Differences count, so it may wrap. */
#define SHIFT     12
#define USUAL(ns) (((u64)(ns) << SHIFT) / SCHED_WEIGHT)
#define RESIST    USUAL(2 * REQUEST_NS) /* a vCPU that far ahead elsewhere makes it worth to move */
#define BOUND     USUAL(50000000)
#define CREDIT    USUAL(REQUEST_NS / 2) /* for having slept */

u64 fair_turn_min = 500000; /* ns: nobody loses the CPU earlier, but to the control domain */

static bool before(u64 a, u64 b)
{
	return (s64)(a - b) < 0;
}

static u32 weight(const struct vcpu *v)
{
	return READ_ONCE(v->domain->sched.weight);
}

static u64 to_virtual(const struct vcpu *v, u64 ns)
{
	return (ns << SHIFT) / weight(v);
}

static u64 to_real(const struct vcpu *v, u64 virtual)
{
	return (virtual * weight(v) + BIT(SHIFT) - 1) >> SHIFT;
}

static u64 request(const struct vcpu *v)
{
	return to_virtual(v, REQUEST_NS);
}

/* --- caps ------------------------------------------------------------------- */

/*
 * May v run? If its domain has a cap, v needs a piece of the budget. A period is long enough for a
 * piece for each vCPU, or on a machine where one CPU is always first the others would starve.
 */
static bool afford(struct vcpu *v, u64 now)
{
	struct sched_domain *s = &v->domain->sched;
	u64 cap = READ_ONCE(s->cap), vcpus = v->domain->max_vcpus, period, full, piece, take;

	if (!cap || v->grant > 0)
		return true;
	period = max((u64)PERIOD_NS, vcpus * PIECE_NS * 100 / cap);
	full = cap * period / 100;
	piece = max(full / vcpus / 4, (u64)PIECE_NS);
	spin_lock(&s->lock);
	if (now >= s->period_end) {
		s->period_end = now - (now - s->period_end) % period + period;
		s->budget = full;
	}
	take = min(s->budget, piece);
	s->budget -= take;
	spin_unlock(&s->lock);
	v->grant += (s64)take;
	return v->grant > 0;
}

/* v stops to compete: what is left of its piece goes back. What it ran too long stays. */
static void refund(struct vcpu *v)
{
	struct sched_domain *s = &v->domain->sched;

	if (v->grant <= 0)
		return;
	spin_lock(&s->lock);
	s->budget += (u64)v->grant;
	spin_unlock(&s->lock);
	v->grant = 0;
}

/* --- queue ------------------------------------------------------------------ */

static struct vcpu *entry(const struct list *l)
{
	return container_of(l, struct vcpu, runq);
}

static struct vcpu *first(const struct cpu *c)
{
	return list_empty(&c->runq) ? NULL : entry(c->runq.next);
}

/* Lets `waiting` count those who may go elsewhere: n is 1 or -1. */
static void count(struct cpu *c, const struct vcpu *v, u32 n)
{
	if (v->hard & sched_online() & ~BIT(c->id))
		WRITE_ONCE(c->waiting, c->waiting + n);
}

/* There is one vCPU of the control domain a CPU, so `ahead` needs no order of its own. */
static void insert(struct cpu *c, struct vcpu *v)
{
	struct list *at;

	list_for_each(at, &c->runq)
	{
		const struct vcpu *o = entry(at);

		if (v->ahead || (!o->ahead && before(v->deadline, o->deadline)))
			break;
	}
	list_add_before(at, &v->runq);
	count(c, v, 1);
}

static void take_out(struct cpu *c, struct vcpu *v)
{
	list_del(&v->runq);
	if (!v->parked)
		count(c, v, -1u);
}

static void park(struct cpu *c, struct vcpu *v)
{
	v->parked = true;
	v->parked_until = READ_ONCE(v->domain->sched.period_end);
	list_add_before(&c->parked, &v->runq);
}

void fair_leave(struct cpu *c, struct vcpu *v)
{
	if (!list_empty(&v->runq))
		take_out(c, v);
	refund(v);
	v->parked = v->ahead = false;
	v->vtime += c->vbase;
}

void fair_charge(struct cpu *c, u64 now)
{
	struct vcpu *v = c->running;
	u64 ran = now - c->charged;

	if (now < c->charged) /* another CPU's clock, or its time of before it had the lock */
		return;
	c->charged = now;
	if (!v)
		return;
	v->vtime += to_virtual(v, min(ran, CHARGE_MAX));
	if (!before(v->vtime, v->deadline))
		v->deadline = v->vtime + request(v);
	if (READ_ONCE(v->domain->sched.cap))
		v->grant -= (s64)ran;
}

/*
 * The CPU's virtual time: the mean of those who compete, by weight. It is that of a machine which
 * serves all of them at once.
 */
static u64 mean(const struct cpu *c)
{
	const struct vcpu *r = c->running ? c->running : first(c);
	s64 weights = weight(r), sum = 0;
	const struct list *at;

	list_for_each(at, &c->runq)
	{
		const struct vcpu *v = entry(at);

		sum += (s64)(v->vtime - r->vtime) * weight(v);
		weights += v == r ? 0 : weight(v);
	}
	return r->vtime + (u64)(sum / weights);
}

/* Keep v's virtual time near the CPU's: so much behind, and that and a request ahead at most. */
static void settle(const struct cpu *c, struct vcpu *v, u64 behind)
{
	u64 least, most;

	if (!c->running && list_empty(&c->runq))
		return;
	least = mean(c) - behind;
	most = mean(c) + behind + request(v);
	if (before(v->vtime, least))
		v->vtime = least;
	else if (before(most, v->vtime))
		v->vtime = most;
}

/* When c has to look again, if v is the first that waits. */
static u64 look_at(const struct cpu *c, const struct vcpu *v, u64 now)
{
	const struct vcpu *r = c->running;

	if (v->ahead || before(v->deadline, r->deadline))
		return max(now, c->turn_start + READ_ONCE(fair_turn_min));
	return now + to_real(r, r->deadline - r->vtime);
}

bool fair_enter(struct cpu *c, struct vcpu *v, bool woken, u64 now)
{
	fair_charge(c, now);
	v->vtime -= c->vbase;
	settle(c, v, woken ? CREDIT : BOUND + request(v));
	v->deadline = v->vtime +
	              request(v) / (woken ? 2 : 1); /* ahead of equals in the midst of theirs */
	v->ahead = woken && v->domain->control;
	insert(c, v);
	if (v->ahead) /* who runs is not protected from it */
		c->turn_start = now - READ_ONCE(fair_turn_min);
	return !c->running || look_at(c, v, now) < c->turn_end;
}

bool fair_urgent(struct cpu *c, struct vcpu *v, u64 now)
{
	if (v->ahead || v->parked)
		return false;
	take_out(c, v);
	v->ahead = true;
	insert(c, v);
	return !c->running || look_at(c, v, now) < c->turn_end;
}

void fair_requeue(struct cpu *c, struct vcpu *v)
{
	if (READ_ONCE(v->domain->sched.cap) && v->grant <= 0) {
		park(c, v);
		return;
	}
	if (c->turn_over)
		v->deadline = v->vtime + request(v);
	insert(c, v);
}

void fair_changed(struct cpu *c, struct vcpu *v, u64 now)
{
	fair_charge(c, now);
	v->grant = 0; /* what it ran before there was a cap is no debt */
	v->parked_until = 0;
	settle(c, v, request(v));
	v->deadline = v->vtime + request(v);
	if (!list_empty(&v->runq) && !v->parked) {
		take_out(c, v);
		insert(c, v);
	}
}

/* --- choice ----------------------------------------------------------------- */

static void unpark(struct cpu *c, u64 now)
{
	struct list *at = c->parked.next;

	while (at != &c->parked) {
		struct vcpu *v = entry(at);

		at = at->next;
		if (now < v->parked_until)
			continue;
		if (!afford(v, now)) {
			v->parked_until = READ_ONCE(v->domain->sched.period_end);
			continue;
		}
		list_del(&v->runq);
		v->parked = false;
		settle(c, v, CREDIT);
		v->deadline = v->vtime + request(v);
		insert(c, v);
	}
}

struct vcpu *fair_choose(struct cpu *c, bool stays, u64 now)
{
	struct vcpu *old = stays && afford(c->running, now) ? c->running : NULL, *v;

	unpark(c, now);
	while ((v = first(c)) && !afford(v, now)) {
		take_out(c, v);
		park(c, v);
	}
	if (!old || !v || c->turn_over)
		return v ? v : old;
	if (now < c->turn_start + READ_ONCE(fair_turn_min))
		return old;
	return v->ahead || before(v->deadline, old->deadline) ? v : old;
}

void fair_begin(struct cpu *c, struct vcpu *v, u64 now)
{
	struct list *at;

	c->turn_end = NEVER;
	if (v != c->running) {
		c->turn_start = now;
		if (v)
			take_out(c, v);
		c->running = v;
	}
	if (v) {
		v->ahead = false;
		if (!list_empty(&c->runq))
			c->turn_end = look_at(c, first(c), now);
		if (READ_ONCE(v->domain->sched.cap))
			c->turn_end = min(c->turn_end, now + (u64)v->grant);
	}
	list_for_each(at, &c->parked) c->turn_end = min(c->turn_end, entry(at)->parked_until);
}

/* --- between CPUs ----------------------------------------------------------- */

/* Whether v gets nearer to where it should be on `to`, or at least not farther away. */
static bool suits(const struct vcpu *v, const struct cpu *c, const struct cpu *to)
{
	return bit_test(&v->hard, to->id) &&
	       (bit_test(&v->soft, to->id) || !bit_test(&v->soft, c->id));
}

struct vcpu *fair_steal(struct cpu *c, const struct cpu *to)
{
	struct vcpu *best = NULL;
	struct list *at;

	if (!c->running) /* kicked, and about to choose: it has been chosen with care */
		return NULL;
	list_for_each(at, &c->runq)
	{
		struct vcpu *v = entry(at);

		if (!bit_test(&v->hard, to->id))
			continue;
		if (!best || suits(v, c, to))
			best = v;
		if (suits(v, c, to))
			break;
	}
	if (best)
		fair_leave(c, best);
	return best;
}

bool fair_behind(struct cpu *c, const struct vcpu *v, struct cpu *to, u64 now)
{
	s64 lead;

	if (!to->running || !suits(v, c, to))
		return false;
	fair_charge(to, now);
	lead = (s64)(mean(to) + to->vbase - mean(c) - c->vbase);
	if (lead < -(s64)BOUND)
		to->vbase += (u64)-lead - BOUND;
	return before(v->deadline + c->vbase + RESIST, to->running->deadline + to->vbase);
}
