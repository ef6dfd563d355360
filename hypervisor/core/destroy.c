/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The end of a guest: what it has is given back stage by stage, each in parts of bounded work, so
 * that the call that asks for it can let others through and is made again until the guest is dead.
 *
 * A dead domain stays in the list while others hold frames of its or references to it.
 *
 * Locking: end_lock keeps two such calls apart. It is only tried, and held over all stages' locks.
 */
#include <domain.h>
#include <page.h>

#define PORTS_AT_ONCE 128

/* A stage returns true when it is over. */

static bool end_stop(struct domain *d)
{
	spin_lock(&d->lock);
	d->dying = true;
	spin_unlock(&d->lock);
	page_claim(d, 0);
	domain_pause(d);
	schedop_stop_watchdogs(d);
	for (u32 i = 0; i < d->max_vcpus; i++)
		if (d->vcpu[i])
			vcpu_stop_timers(d->vcpu[i]);
	smp_settle();
	return true;
}

static bool end_events(struct domain *d)
{
	for (u32 n = 0; n < PORTS_AT_ONCE; n++)
		if (!event_close_next(d, &d->end_port))
			return true;
	return false;
}

static bool end_grants(struct domain *d)
{
	return !grant_release_mappings(d);
}

/* Senders are gone, so nobody writes into vcpu_info any more. */
static bool end_vcpu_info(struct domain *d)
{
	for (u32 i = 0; i < d->max_vcpus; i++)
		if (d->vcpu[i])
			vcpu_info_release(d->vcpu[i]);
	return true;
}

static bool end_dead(struct domain *d)
{
	/* No lookup that began before the tables were hidden is under way. */
	smp_settle();
	WRITE_ONCE(d->dead, true);
	return true;
}

static bool (*const stages[])(struct domain *d) = {
	end_stop,   end_stop, /* a callback under way may have set its timer behind the first */
	end_events, end_grants, end_vcpu_info, p2m_clear_all, end_dead, p2m_free,
};

int domain_destroy(struct domain *d)
{
	bool last = false;

	if (!spin_trylock(&d->end_lock))
		return 1;
	if (d->end_stage < ARRAY_SIZE(stages) && stages[d->end_stage](d))
		last = ++d->end_stage == ARRAY_SIZE(stages);
	spin_unlock(&d->end_lock);
	if (last) {
		event_send_global_virq(VIRQ_DOM_EXC);
		domain_put(d); /* the list's own */
	}
	return d->end_stage < ARRAY_SIZE(stages);
}
