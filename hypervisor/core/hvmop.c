/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * hvm_op: a domain's parameters and how its vCPUs are told of events.
 *
 * Locking: parameters are under the domain's lock.
 */
#include <domain.h>
#include <handlers.h>

/* Vectors below are exceptions or cannot be sent by a local APIC (APM2 16.6.1). */
#define VECTOR_MIN 0x10

enum param_rule {
	NOT_SELF, /* for others only; the default */
	SELF,     /* a domain for itself, too */
	ONCE,     /* as NOT_SELF, and only while it is 0 */
	OLD,      /* -EINVAL: no meaning any more */
};

/* Who may set and get what, as in Xen. */
static const struct {
	u8 set, get;
} rules[HVM_NR_PARAMS] = {
	[HVM_PARAM_CALLBACK_IRQ] = { SELF, SELF },
	[HVM_PARAM_STORE_PFN] = { NOT_SELF, SELF },
	[HVM_PARAM_STORE_EVTCHN] = { SELF, SELF },
	[HVM_PARAM_PAE_ENABLED] = { OLD, OLD },
	[HVM_PARAM_IOREQ_PFN] = { ONCE, NOT_SELF },
	[HVM_PARAM_BUFIOREQ_PFN] = { ONCE, NOT_SELF },
	[HVM_PARAM_VIRIDIAN] = { ONCE, NOT_SELF },
	[HVM_PARAM_DM_DOMAIN] = { OLD, OLD },
	[HVM_PARAM_VM86_TSS] = { SELF, SELF },
	[HVM_PARAM_CONSOLE_PFN] = { NOT_SELF, SELF },
	[HVM_PARAM_CONSOLE_EVTCHN] = { SELF, SELF },
	[HVM_PARAM_ACPI_IOPORTS_LOCATION] = { SELF, SELF },
	/* These, NESTEDHVM, and MEMORY_EVENT_SINGLE_STEP. */
	[HVM_PARAM_MEMORY_EVENT_CR0... HVM_PARAM_MEMORY_EVENT_SINGLE_STEP] = { OLD, OLD },
	[HVM_PARAM_BUFIOREQ_EVTCHN] = { OLD, OLD },
	[HVM_PARAM_MEMORY_EVENT_MSR] = { OLD, OLD },
	[HVM_PARAM_IOREQ_SERVER_PFN] = { ONCE, NOT_SELF },
	[HVM_PARAM_NR_IOREQ_SERVER_PAGES] = { ONCE, NOT_SELF },
	[HVM_PARAM_VM_GENERATION_ID_ADDR] = { SELF, SELF },
	[HVM_PARAM_ALTP2M] = { NOT_SELF, SELF },
	[HVM_PARAM_X87_FIP_WIDTH] = { SELF, SELF },
	[HVM_PARAM_VM86_TSS_SIZED] = { SELF, SELF },
	[HVM_PARAM_MCA_CAP] = { ONCE, NOT_SELF },
};

static int rule_check(u8 rule, bool self, bool changed_before)
{
	switch ((enum param_rule)rule) {
	case SELF:
		return 0;
	case OLD:
		return -EINVAL;
	case ONCE:
		if (!self && changed_before)
			return -EEXIST;
		break;
	case NOT_SELF:
		break;
	}
	return self ? -EPERM : 0;
}

/*
 * How vCPUs without a vector of their own are interrupted. Type 2 is the one that works without
 * interrupt controllers; a GSI or INTx (types 0, 1) is taken and never raised, as Linux gives GSI 1
 * to say that it uses vectors of its own.
 */
static int callback_set(struct domain *d, u64 value)
{
	u8 vector = 0;

	if (value >> 56 == HVM_PARAM_CALLBACK_TYPE_VECTOR) {
		vector = (u8)value;
		if (vector < VECTOR_MIN)
			return -EINVAL;
	}
	WRITE_ONCE(d->callback_vector, vector);
	return 0;
}

/* Values that have to be right before they are kept. */
static int param_apply(struct domain *d, u32 index, u64 value)
{
	switch (index) {
	case HVM_PARAM_CALLBACK_IRQ:
		return callback_set(d, value);
	case HVM_PARAM_TIMER_MODE:
		return value > HVMPTM_one_missed_tick_pending ? -EINVAL : 0;
	case HVM_PARAM_ALTP2M: /* off */
		return value ? -EINVAL : 0;
	case HVM_PARAM_VIRIDIAN:
		return -ENODEV;
	}
	return 0;
}

/* The domain that op is about, and the index made safe. */
static int param_target(struct hypercall *c, struct xen_hvm_param *op, struct domain **d)
{
	if (op->index >= HVM_NR_PARAMS)
		return -EINVAL;
	op->index = (u32)index_nospec(op->index, HVM_NR_PARAMS);
	return hypercall_target(c, op->domid, d);
}

s64 do_hvm_set_param(struct hypercall *c, void *arg)
{
	struct xen_hvm_param *op = arg;
	struct domain *d;
	int rc = param_target(c, op, &d);
	u64 old;

	if (rc)
		return rc;
	spin_lock(&d->lock);
	old = d->params[op->index];
	rc = rule_check(rules[op->index].set, d == c->d, old && old != op->value);
	if (!rc)
		rc = param_apply(d, op->index, op->value);
	if (!rc)
		d->params[op->index] = op->value;
	spin_unlock(&d->lock);
	if (!rc && op->index == HVM_PARAM_CALLBACK_IRQ)
		for (u32 i = 0; i < d->max_vcpus; i++)
			if (d->vcpu[i])
				event_upcall_changed(d->vcpu[i]);
	domain_put(d);
	return rc;
}

s64 do_hvm_get_param(struct hypercall *c, void *arg)
{
	struct xen_hvm_param *op = arg;
	struct domain *d;
	int rc = param_target(c, op, &d);

	if (rc)
		return rc;
	rc = rule_check(rules[op->index].get, d == c->d, false);
	op->value = rc ? 0 : READ_ONCE(d->params[op->index]);
	domain_put(d);
	return rc;
}

/* From now on this vCPU is told through its local APIC. */
s64 do_hvm_set_evtchn_upcall_vector(struct hypercall *c, void *arg)
{
	const struct xen_hvm_evtchn_upcall_vector *op = arg;
	struct vcpu *v = domain_vcpu(c->d, op->vcpu);

	if (op->vector < VECTOR_MIN)
		return -EINVAL;
	if (!v)
		return -ENOENT;
	WRITE_ONCE(v->upcall_vector, op->vector);
	event_upcall_changed(v);
	return 0;
}
