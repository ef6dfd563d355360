/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A domain's vCPUs, where they may run, and its share of the CPUs.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "hyper.h"

static void set_map(struct xenctl_bitmap *to, struct froe_cpumap *map)
{
	set_xen_guest_handle(to->bitmap, (uint8_t *)map->word);
	to->nr_bits = FROE_CPUS_MAX;
}

/* 1 if there is no such vCPU. */
static int get_vcpu(struct froe *f, uint32_t id, uint32_t vcpu, struct froe_vcpu *v)
{
	struct xen_domctl *d = froe__domctl(f, XEN_DOMCTL_getvcpuinfo, id, 0, NULL);
	struct froe_cpumap *maps;
	long rc;

	if (!d)
		return -1;
	d->u.getvcpuinfo.vcpu = vcpu;
	rc = froe__domctl_call(f, d);
	if (rc == -EINVAL || (rc == -ESRCH && vcpu))
		return 1;
	if (rc < 0)
		return froe__hyper_fail(f, rc, "list the vCPUs of", id);
	v->id = vcpu;
	v->online = d->u.getvcpuinfo.online;
	v->blocked = d->u.getvcpuinfo.blocked;
	v->running = d->u.getvcpuinfo.running;
	v->cpu = d->u.getvcpuinfo.cpu;
	v->cpu_time = d->u.getvcpuinfo.cpu_time;
	d = froe__domctl(f, XEN_DOMCTL_getvcpuaffinity, id, 2 * sizeof(*maps), &maps);
	if (!d)
		return -1;
	d->u.vcpuaffinity.vcpu = vcpu;
	d->u.vcpuaffinity.flags = XEN_VCPUAFFINITY_HARD | XEN_VCPUAFFINITY_SOFT;
	set_map(&d->u.vcpuaffinity.cpumap_hard, &maps[0]);
	set_map(&d->u.vcpuaffinity.cpumap_soft, &maps[1]);
	rc = froe__domctl_call(f, d);
	if (rc < 0)
		return froe__hyper_fail(f, rc, "read the affinity of", id);
	v->hard = maps[0];
	v->soft = maps[1];
	return 0;
}

int froe_vcpu_list(struct froe *f, uint32_t id, struct froe_vcpu **list, size_t *count)
{
	struct froe_domain d;
	struct froe_vcpu *v;
	size_t n = 0;

	if (froe_domain_info(f, id, &d) < 0)
		return -1;
	v = calloc(d.vcpus_max + 1ul, sizeof(*v));
	if (!v)
		return froe__nomem(f);
	for (uint32_t i = 0; i < d.vcpus_max; i++) {
		int rc = get_vcpu(f, id, i, &v[n]);

		if (rc < 0) {
			free(v);
			return -1;
		}
		n += rc == 0;
	}
	*list = v;
	*count = n;
	return 0;
}

static int pin(struct froe *f, uint32_t id, uint32_t vcpu, const struct froe_cpumap *hard,
               const struct froe_cpumap *soft)
{
	struct froe_cpumap *maps;
	struct xen_domctl *d = froe__domctl(f, XEN_DOMCTL_setvcpuaffinity, id, 2 * sizeof(*maps),
	                                    &maps);
	long rc;

	if (!d)
		return -1;
	d->u.vcpuaffinity.vcpu = vcpu;
	if (hard) {
		maps[0] = *hard;
		d->u.vcpuaffinity.flags |= XEN_VCPUAFFINITY_HARD;
		set_map(&d->u.vcpuaffinity.cpumap_hard, &maps[0]);
	}
	if (soft) {
		maps[1] = *soft;
		d->u.vcpuaffinity.flags |= XEN_VCPUAFFINITY_SOFT;
		set_map(&d->u.vcpuaffinity.cpumap_soft, &maps[1]);
	}
	rc = froe__domctl_call(f, d);
	if (rc == -EINVAL)
		return froe__fail(f, FROE_INVALID, "froe info shows how many CPUs are online",
		                  "cannot pin vCPU %u of domain %u: no such vCPU, or none of the "
		                  "CPUs is online",
		                  vcpu, id);
	return rc < 0 ? froe__hyper_fail(f, rc, "pin a vCPU of", id) : 0;
}

int froe_vcpu_pin(struct froe *f, uint32_t id, uint32_t vcpu, const struct froe_cpumap *hard,
                  const struct froe_cpumap *soft)
{
	struct froe_domain d;

	if (!hard && !soft)
		return 0;
	if (vcpu != ~0u)
		return pin(f, id, vcpu, hard, soft);
	if (froe_domain_info(f, id, &d) < 0)
		return -1;
	for (uint32_t i = 0; i < d.vcpus_max; i++)
		if (pin(f, id, i, hard, soft) < 0)
			return -1;
	return 0;
}

static int scheduler_op(struct froe *f, uint32_t id, uint32_t cmd, struct froe_sched *s)
{
	struct xen_domctl *d = froe__domctl(f, XEN_DOMCTL_scheduler_op, id, 0, NULL);
	struct xen_domctl_scheduler_op *op;
	long rc;

	if (!d)
		return -1;
	op = &d->u.scheduler_op;
	op->sched_id = XEN_SCHEDULER_CREDIT2;
	op->cmd = cmd;
	op->u.credit2.weight = s->weight;
	op->u.credit2.cap = s->cap;
	rc = froe__domctl_call(f, d);
	if (rc == -EINVAL)
		return froe__fail(f, FROE_INVALID,
		                  "a weight is 1 to 65535, a cap at most 100 for each vCPU",
		                  "domain %u: weight %u, cap %u: the scheduler refuses them", id,
		                  s->weight, s->cap);
	if (rc < 0)
		return froe__hyper_fail(f, rc, "reach the scheduler for", id);
	s->weight = op->u.credit2.weight;
	s->cap = op->u.credit2.cap;
	return 0;
}

int froe_sched_get(struct froe *f, uint32_t id, struct froe_sched *s)
{
	memset(s, 0, sizeof(*s));
	return scheduler_op(f, id, XEN_DOMCTL_SCHEDOP_getinfo, s);
}

int froe_sched_set(struct froe *f, uint32_t id, const struct froe_sched *s)
{
	struct froe_sched copy = *s;

	if (s->weight > UINT16_MAX || s->cap > UINT16_MAX || !s->weight)
		return froe__fail(f, FROE_INVALID, "a weight is 1 to 65535",
		                  "weight %u, cap %u: out of range", s->weight, s->cap);
	return scheduler_op(f, id, XEN_DOMCTL_SCHEDOP_putinfo, &copy);
}
