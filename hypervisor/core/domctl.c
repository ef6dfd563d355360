/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * domctl: what the control domain does with guests, from their creation to their end.
 *
 * Locking: a domain's lock, for the fields that belong to it.
 */
#include <domain.h>
#include <handlers.h>
#include <page.h>
#include <string.h>
#include <timer.h>

#define FLAGS_NEEDED (XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_hap)
#define FLAGS_VALID  (FLAGS_NEEDED | XEN_DOMCTL_CDF_oos_off)

/* --- creation ------------------------------------------------------------------------ */

/* PVH, with a local APIC and nothing else. */
static bool config_valid(const struct xen_domctl_createdomain *cf)
{
	return (cf->flags & FLAGS_NEEDED) == FLAGS_NEEDED && !(cf->flags & ~FLAGS_VALID) &&
	       cf->arch.emulation_flags == XEN_X86_EMU_LAPIC && !cf->arch.misc_flags &&
	       !cf->iommu_opts && !cf->vmtrace_size && !cf->cpupool_id && cf->grant_opts == 1 &&
	       cf->max_vcpus && cf->max_vcpus <= MAX_VCPUS && cf->max_grant_frames &&
	       cf->max_grant_frames <= GRANT_FRAMES_MAX && cf->max_maptrack_frames &&
	       cf->max_maptrack_frames <= MAPTRACK_FRAMES_MAX;
}

s64 do_domctl_createdomain(struct hypercall *c, void *arg)
{
	struct xen_domctl *op = arg;
	const struct xen_domctl_createdomain *cf = &op->u.createdomain;
	struct domain_limits limits = { .vcpus = cf->max_vcpus };
	struct domain *d;
	int rc;

	if (!config_valid(cf))
		return -EINVAL;
	limits.events = cf->max_evtchn_port < EVENT_MAX ? cf->max_evtchn_port + 1 : EVENT_MAX;
	if (cf->max_grant_frames > 0)
		limits.grant_frames = (u32)cf->max_grant_frames;
	if (cf->max_maptrack_frames > 0)
		limits.maptrack_frames = (u32)cf->max_maptrack_frames;
	memcpy(limits.handle, cf->handle, sizeof(limits.handle));
	rc = domain_create(op->domain, false, &limits, &d);
	if (!rc)
		op->domain = d->id;
	return rc;
}

/* One at a time. Those that could not be created go with the domain. */
s64 do_domctl_max_vcpus(struct hypercall *c, void *arg)
{
	const struct xen_domctl *op = arg;
	struct domain *d = c->target;
	s64 rc = 0;
	u32 i = 0;

	if (op->u.max_vcpus.max != d->max_vcpus)
		return -EINVAL;
	if (!spin_trylock(&d->end_lock)) /* another such call, or its end */
		return hypercall_again(c);
	while (i < d->max_vcpus && d->vcpu[i])
		i++;
	if (i < d->max_vcpus && !d->dying)
		rc = vcpu_create(d, i, cpus[(d->id + i) % cpu_count]) ? hypercall_again(c)
		                                                      : -ENOMEM;
	spin_unlock(&d->end_lock);
	return rc;
}

s64 do_domctl_max_mem(struct hypercall *c, void *arg)
{
	const struct xen_domctl *op = arg;
	u64 pages = op->u.max_mem.max_memkb >> (PAGE_SHIFT - 10);

	WRITE_ONCE(c->target->max_pages, pages);
	p2m_pool_for(c->target, pages);
	return 0;
}

s64 do_domctl_setdomainhandle(struct hypercall *c, void *arg)
{
	const struct xen_domctl *op = arg;

	memcpy(c->target->handle, op->u.setdomainhandle.handle, sizeof(c->target->handle));
	return 0;
}

/* --- time, tables ------------------------------------------------------------------------ */

s64 do_domctl_settimeoffset(struct hypercall *c, void *arg)
{
	const struct xen_domctl *op = arg;

	WRITE_ONCE(c->target->time_offset, op->u.settimeoffset.time_offset_seconds);
	platform_wallclock_update(c->target);
	return 0;
}

s64 do_domctl_gettscinfo(struct hypercall *c, void *arg)
{
	struct xen_domctl_tsc_info *info = &((struct xen_domctl *)arg)->u.tsc_info;

	*info = (struct xen_domctl_tsc_info){
		.tsc_mode = 0, /* the machine's TSC, neither trapped nor scaled */
		.gtsc_khz = (u32)time_tsc_khz,
		.elapsed_nsec = time_now() - c->target->time_start,
	};
	return 0;
}

s64 do_domctl_settscinfo(struct hypercall *c, void *arg)
{
	const struct xen_domctl *op = arg;

	return op->u.tsc_info.tsc_mode ? -EOPNOTSUPP : 0;
}

s64 do_domctl_get_paging_mempool_size(struct hypercall *c, void *arg)
{
	struct xen_domctl *op = arg;

	op->u.paging_mempool.size = READ_ONCE(c->target->p2m.table_pages_max) << PAGE_SHIFT;
	return 0;
}

/* How many tables there may be; those that there are stay. */
s64 do_domctl_set_paging_mempool_size(struct hypercall *c, void *arg)
{
	const struct xen_domctl *op = arg;
	u64 size = op->u.paging_mempool.size;

	if (size & ~PAGE_MASK)
		return -EINVAL;
	WRITE_ONCE(c->target->p2m.table_pages_max, size >> PAGE_SHIFT);
	return 0;
}

/* --- pausing, the end ------------------------------------------------------------------ */

s64 do_domctl_pausedomain(struct hypercall *c, void *arg)
{
	struct domain *d = c->target;

	spin_lock(&d->lock);
	d->control_pauses++;
	spin_unlock(&d->lock);
	domain_pause(d);
	return 0;
}

s64 do_domctl_unpausedomain(struct hypercall *c, void *arg)
{
	struct domain *d = c->target;
	int rc = -EINVAL;

	spin_lock(&d->lock);
	if (d->control_pauses) {
		rc = 0;
		d->started |= !--d->control_pauses;
	}
	spin_unlock(&d->lock);
	if (!rc)
		domain_unpause(d);
	return rc;
}

s64 do_domctl_destroydomain(struct hypercall *c, void *arg)
{
	return domain_destroy(c->target) ? hypercall_again(c) : 0;
}

/* A power or sleep button, a reset: a PVH guest has none. */
s64 do_domctl_sendtrigger(struct hypercall *c, void *arg)
{
	const struct xen_domctl *op = arg;
	struct vcpu *v = domain_vcpu(c->target, op->u.sendtrigger.vcpu);

	if (op->u.sendtrigger.trigger != XEN_DOMCTL_SENDTRIGGER_NMI)
		return -ENOSYS;
	if (!v)
		return -ESRCH;
	store_release(&v->nmi_pending, 1);
	vcpu_kick(v);
	return 0;
}

/* --- questions -------------------------------------------------------------------------- */

static void info_vcpus(const struct domain *d, struct xen_domctl_getdomaininfo *info)
{
	struct vcpu_runstate_info r;
	bool blocked = true;

	info->max_vcpu_id = XEN_INVALID_MAX_VCPU_ID;
	for (u32 i = 0; i < d->max_vcpus; i++) {
		if (!d->vcpu[i])
			continue;
		info->max_vcpu_id = i;
		vcpu_runstate_get(d->vcpu[i], &r);
		info->cpu_time += r.time[RUNSTATE_running];
		if (READ_ONCE(d->vcpu[i]->wait_sipi))
			continue;
		info->nr_online_vcpus++;
		if (r.state == RUNSTATE_running)
			info->flags |= XEN_DOMINF_running;
		blocked &= READ_ONCE(d->vcpu[i]->state) == VCPU_BLOCKED;
	}
	if (blocked && info->nr_online_vcpus)
		info->flags |= XEN_DOMINF_blocked;
}

void domctl_info(struct domain *d, struct xen_domctl_getdomaininfo *info)
{
	*info = (struct xen_domctl_getdomaininfo){
		.domain = d->id,
		.flags = XEN_DOMINF_hvm_guest | XEN_DOMINF_hap,
		.tot_pages = READ_ONCE(d->tot_pages),
		.outstanding_pages = READ_ONCE(d->claim),
		.max_pages = READ_ONCE(d->max_pages),
		.shared_info_frame = gfn_x(d->shared_gfn),
		.gpaddr_bits = cpu_features.phys_bits,
		.arch_config.emulation_flags = XEN_X86_EMU_LAPIC,
	};
	memcpy(info->handle, d->handle, sizeof(info->handle));
	if (READ_ONCE(d->dead))
		info->flags |= XEN_DOMINF_dying;
	if (load_acquire(&d->shutdown_done))
		info->flags |= XEN_DOMINF_shutdown | d->shutdown_code << XEN_DOMINF_shutdownshift;
	if (READ_ONCE(d->control_pauses))
		info->flags |= XEN_DOMINF_paused;
	info_vcpus(d, info);
}

/* Of the domain with the given id or the next one, as in Xen. */
s64 do_domctl_getdomaininfo(struct hypercall *c, void *arg)
{
	struct xen_domctl *op = arg;
	struct domain *d = domain_get_from(op->domain);

	if (!d)
		return -ESRCH;
	op->domain = d->id;
	domctl_info(d, &op->u.getdomaininfo);
	domain_put(d);
	return 0;
}

s64 do_domctl_get_address_size(struct hypercall *c, void *arg)
{
	struct xen_domctl *op = arg;

	op->u.address_size.size = 64;
	return 0;
}
