/* SPDX-License-Identifier: GPL-2.0-only */
/* What the control domain asks of the scheduler: domctl's and sysctl's sub-operations. */
#include <domain.h>
#include <handlers.h>

/* --- shares -------------------------------------------------------------------------- */

s64 do_domctl_scheduler_op(struct hypercall *c, void *arg)
{
	struct xen_domctl_scheduler_op *op = &((struct xen_domctl *)arg)->u.scheduler_op;
	struct domain *d = c->target;

	if (op->sched_id != XEN_SCHEDULER_CREDIT2 || op->cmd > XEN_DOMCTL_SCHEDOP_getinfo)
		return -EINVAL;
	if (op->cmd == XEN_DOMCTL_SCHEDOP_putinfo)
		return sched_domain_set(d, op->u.credit2.weight, op->u.credit2.cap);
	op->u.credit2.weight = READ_ONCE(d->sched.weight);
	op->u.credit2.cap = READ_ONCE(d->sched.cap);
	return 0;
}

s64 do_sysctl_scheduler_op(struct hypercall *c, void *arg)
{
	struct xen_sysctl_scheduler_op *op = &((struct xen_sysctl *)arg)->u.scheduler_op;
	u32 us = op->u.sched_credit2.ratelimit_us;

	if (op->cpupool_id)
		return -ESRCH;
	if (op->sched_id != XEN_SCHEDULER_CREDIT2 || op->cmd > XEN_SYSCTL_SCHEDOP_getinfo)
		return -EINVAL;
	if (op->cmd == XEN_SYSCTL_SCHEDOP_getinfo) {
		op->u.sched_credit2.ratelimit_us = (u32)(READ_ONCE(fair_turn_min) / 1000);
		return 0;
	}
	if (us && (us < XEN_SYSCTL_SCHED_RATELIMIT_MIN || us > XEN_SYSCTL_SCHED_RATELIMIT_MAX))
		return -EINVAL;
	WRITE_ONCE(fair_turn_min, us * 1000ULL);
	return 0;
}

s64 do_sysctl_sched_id(struct hypercall *c, void *arg)
{
	((struct xen_sysctl *)arg)->u.sched_id.sched_id = XEN_SCHEDULER_CREDIT2;
	return 0;
}

/* --- sets of CPUs ---------------------------------------------------------------------- */

static int map_get(const struct xenctl_bitmap *from, u64 *map)
{
	u32 bits = min(from->nr_bits, (u32)MAX_CPUS);

	*map = 0;
	if (copy_from_guest(map, (u64)from->bitmap.p, (bits + 7) / 8))
		return -EFAULT;
	*map &= bits ? ~0ULL >> (MAX_CPUS - bits) : 0;
	return 0;
}

/* As many bits as it has, those beyond ours are 0. */
static int map_put(const struct xenctl_bitmap *to, u64 map)
{
	u8 bytes[512] = { 0 };

	if (to->nr_bits > 8 * sizeof(bytes))
		return -EINVAL;
	if (to->nr_bits < MAX_CPUS)
		map &= BIT(to->nr_bits) - 1;
	__builtin_memcpy(bytes, &map, sizeof(map));
	return copy_to_guest((u64)to->bitmap.p, bytes, (to->nr_bits + 7) / 8) ? -EFAULT : 0;
}

/* There is one pool, of all CPUs and domains. */
s64 do_sysctl_cpupool_op(struct hypercall *c, void *arg)
{
	struct xen_sysctl_cpupool_op *op = &((struct xen_sysctl *)arg)->u.cpupool_op;
	const struct domain *d;

	switch (op->op) {
	case XEN_SYSCTL_CPUPOOL_OP_INFO:
		if (op->cpupool_id)
			return -ENOENT;
		op->sched_id = XEN_SCHEDULER_CREDIT2;
		op->n_dom = 0;
		for_each_domain(d) op->n_dom++;
		return map_put(&op->cpumap, sched_online());
	case XEN_SYSCTL_CPUPOOL_OP_FREEINFO:
		return map_put(&op->cpumap, 0);
	case XEN_SYSCTL_CPUPOOL_OP_MOVEDOMAIN:
		return op->cpupool_id ? -ENOENT : 0;
	default:
		return -EOPNOTSUPP;
	}
}

/* --- vCPUs ----------------------------------------------------------------------------- */

static int vcpu_find(const struct domain *d, u32 id, struct vcpu **v)
{
	*v = domain_vcpu(d, id);
	if (id >= d->max_vcpus)
		return -EINVAL;
	return *v ? 0 : -ESRCH;
}

/* -EINVAL: neither of the two. */
static int affinity_put(const struct xen_domctl_vcpuaffinity *op, u64 hard, u64 soft)
{
	int rc = op->flags & (XEN_VCPUAFFINITY_HARD | XEN_VCPUAFFINITY_SOFT) ? 0 : -EINVAL;

	if (op->flags & XEN_VCPUAFFINITY_HARD)
		rc = map_put(&op->cpumap_hard, hard);
	if (!rc && op->flags & XEN_VCPUAFFINITY_SOFT)
		rc = map_put(&op->cpumap_soft, soft);
	return rc;
}

s64 do_domctl_setvcpuaffinity(struct hypercall *c, void *arg)
{
	const struct xen_domctl_vcpuaffinity *op = &((struct xen_domctl *)arg)->u.vcpuaffinity;
	bool set_hard = op->flags & XEN_VCPUAFFINITY_HARD;
	bool set_soft = op->flags & XEN_VCPUAFFINITY_SOFT;
	u64 hard, soft, online = sched_online();
	struct vcpu *v;
	int rc;

	if (!set_hard && !set_soft)
		return -EINVAL;
	rc = vcpu_find(c->target, op->vcpu, &v);
	if (!rc && set_hard)
		rc = map_get(&op->cpumap_hard, &hard);
	if (!rc && set_soft)
		rc = map_get(&op->cpumap_soft, &soft);
	if (!rc)
		rc = vcpu_set_affinity(v, set_hard ? &hard : NULL, set_soft ? &soft : NULL);
	if (rc)
		return rc;
	hard = READ_ONCE(v->hard) & online;
	return affinity_put(op, hard, hard & READ_ONCE(v->soft));
}

s64 do_domctl_getvcpuaffinity(struct hypercall *c, void *arg)
{
	const struct xen_domctl_vcpuaffinity *op = &((struct xen_domctl *)arg)->u.vcpuaffinity;
	struct vcpu *v;
	int rc = vcpu_find(c->target, op->vcpu, &v);

	if (rc)
		return rc;
	return affinity_put(op, READ_ONCE(v->hard), READ_ONCE(v->soft));
}

s64 do_domctl_getvcpuinfo(struct hypercall *c, void *arg)
{
	struct xen_domctl_getvcpuinfo *info = &((struct xen_domctl *)arg)->u.getvcpuinfo;
	struct vcpu_runstate_info r;
	struct vcpu *v;
	int rc = vcpu_find(c->target, info->vcpu, &v);

	if (rc)
		return rc;
	vcpu_runstate_get(v, &r);
	info->online = !READ_ONCE(v->wait_sipi);
	info->blocked = READ_ONCE(v->state) == VCPU_BLOCKED;
	info->running = r.state == RUNSTATE_running;
	info->cpu_time = r.time[RUNSTATE_running];
	info->cpu = READ_ONCE(v->cpu)->id;
	return 0;
}
