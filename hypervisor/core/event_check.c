/* SPDX-License-Identifier: GPL-2.0-only */
/* Event channels looked at from outside: the self-check and the dump of the console menu. */
#include <domain.h>
#include <event.h>
#include <printk.h>

static const char *event_fault(struct domain *d, const struct event *e, u32 port)
{
	const struct event *other;

	if ((e->state == EVENT_RESERVED) != !port)
		return "port 0 and only that is reserved";
	if (event_in_use(e) && !domain_vcpu(d, e->notify_vcpu))
		return "notifies a vCPU that does not exist";
	if (e->state == EVENT_VIRQ) {
		for (u32 i = 0; i < d->max_vcpus; i++)
			if (d->vcpu[i] && d->vcpu[i]->virq_port[e->virq] == port)
				return NULL;
		return "no vCPU knows its VIRQ";
	}
	if (e->state != EVENT_INTERDOMAIN)
		return e->remote ? "has a peer that it should not have" : NULL;
	other = e->remote ? event_get(&e->remote->event, e->remote_port) : NULL;
	if (!other || other->state != EVENT_INTERDOMAIN || other->remote != d ||
	    other->remote_port != port)
		return "the peer does not point back";
	return NULL;
}

u32 event_check(struct domain *d)
{
	u32 faults = 0;

	spin_lock(&d->event.lock);
	for (u32 port = 0; port < d->event.valid; port++) {
		const char *fault = event_fault(d, event_get(&d->event, port), port);

		if (!fault)
			continue;
		pr_err("d%u: event port %u: %s\n", d->id, port, fault);
		faults++;
	}
	spin_unlock(&d->event.lock);
	return faults;
}

void event_dump(struct domain *d)
{
	static const char *const names[] = {
		[EVENT_UNBOUND] = "unbound",
		[EVENT_INTERDOMAIN] = "interdomain",
		[EVENT_VIRQ] = "virq",
		[EVENT_IPI] = "ipi",
	};

	for (u32 port = 1; port < load_acquire(&d->event.valid); port++) {
		const struct event *e = event_get(&d->event, port);

		if (!event_in_use(e))
			continue;
		pr_info("d%u port %4u %-11s v%u%s%s, peer d%u port %u, virq %u\n", d->id, port,
		        names[e->state], e->notify_vcpu,
		        bit_test(d->shared->evtchn_pending, port) ? " pending" : "",
		        bit_test(d->shared->evtchn_mask, port) ? " masked" : "", e->remote_domid,
		        e->remote_port, e->virq);
	}
}
