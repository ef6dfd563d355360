/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Virtual CPUs: creation, start, and the areas that they share with their guest (vcpu_info, pvclock
 * time, runstate).
 */
#include <domain.h>
#include <fpu.h>
#include <hypercall.h>
#include <page.h>
#include <printk.h>
#include <string.h>
#include <virt.h>

#define NO_GPA             (gpa(~0ULL))
#define LEGACY_VCPUS       32 /* slots in shared_info */
#define PVCLOCK_TSC_STABLE BIT(0)

static void singleshot(struct timer *t)
{
	event_send_virq(container_of(t, struct vcpu, timer), VIRQ_TIMER);
}

static void poll_over(struct timer *t)
{
	vcpu_wake(container_of(t, struct vcpu, poll_timer));
}

static void info_home(struct vcpu *v)
{
	if (v->id < LEGACY_VCPUS)
		v->info_at = mfn_to_paddr(v->domain->shared_mfn) + v->id * sizeof(struct vcpu_info);
	else
		v->info_at = mfn_to_paddr(v->info_frame);
}

/* In shared_info until registered elsewhere; vCPUs beyond its slots get a frame of their own. */
static int info_init(struct vcpu *v)
{
	v->info_frame = INVALID_MFN;
	if (v->id >= LEGACY_VCPUS) {
		v->info_frame = page_alloc(0);
		if (!mfn_valid_box(v->info_frame))
			return -ENOMEM;
	}
	info_home(v);
	return 0;
}

struct vcpu *vcpu_create(struct domain *d, u32 id, struct cpu *c)
{
	struct vcpu *v = heap_alloc(sizeof(*v));

	if (!v)
		return NULL;
	v->id = id;
	v->domain = d;
	v->cpu = c;
	v->pinned = d->control;
	v->hard = d->control ? BIT(c->id) : ~0ULL;
	v->soft = ~0ULL;
	/* The control domain's is the CPU's, so that its interrupts need no translation; guests
	 * have Xen's. */
	v->apic_id = d->control ? c->apic_id : 2 * id;
	v->state = VCPU_OFFLINE;
	v->wait_sipi = true;
	v->runstate.state = RUNSTATE_offline;
	v->runstate.state_entry_time = time_now();
	v->runstate_gpa[0] = v->runstate_gpa[1] = v->time_gpa = NO_GPA;
	list_init(&v->runq);
	timer_init(&v->timer, c, singleshot);
	timer_init(&v->poll_timer, c, poll_over);
	if (info_init(v) || fpu_init(v) || virt->vcpu_init(v)) {
		vcpu_free(v);
		return NULL;
	}
	vlapic_init(v);
	vcpu_time_update(v);
	d->vcpu[id] = v;
	if (d->control)
		store_release(&c->reflect, v);
	return v;
}

void vcpu_stop_timers(struct vcpu *v)
{
	v->vlapic.tmict = 0; /* the periodic one would go on */
	timer_stop(&v->vlapic.timer);
	timer_stop(&v->timer);
	timer_stop(&v->poll_timer);
}

void vcpu_info_release(struct vcpu *v)
{
	mfn_t m = paddr_to_mfn(v->info_at);
	bool was = v->info_registered;

	v->info_registered = false;
	info_home(v);
	if (was)
		page_put(m);
}

void vcpu_free(struct vcpu *v)
{
	if (!v)
		return;
	if (mfn_valid_box(v->info_frame))
		page_free(v->info_frame, 0);
	virt->vcpu_free(v);
	fpu_free(v);
	heap_free(v);
}

void vcpu_start_pvh(struct vcpu *v, u64 entry, u64 start_info)
{
	virt->vcpu_reset(v, RESET_PVH, entry, start_info);
	v->wait_sipi = false;
	vcpu_wake(v);
}

/* --- areas shared with the guest --------------------------------------------------- */

struct vcpu_info *vcpu_info_map(struct vcpu *v)
{
	paddr_t at = READ_ONCE(v->info_at);

	return (struct vcpu_info *)((char *)page_map(paddr_to_mfn(at)) + (at & ~PAGE_MASK));
}

/* The clock that the hypervisor itself uses, from one base, so it never has to be published again.
 */
static void time_fill(struct vcpu_time_info *t)
{
	u32 version = t->version | 1;

	WRITE_ONCE(t->version, version);
	barrier();
	t->tsc_timestamp = time_tsc_base;
	t->system_time = time_from_tsc(time_tsc_base);
	t->tsc_to_system_mul = time_mul;
	t->tsc_shift = (s8)time_shift;
	t->flags = cpu_features.tsc_reliable ? PVCLOCK_TSC_STABLE : 0;
	barrier();
	WRITE_ONCE(t->version, version + 1);
}

void vcpu_time_update(struct vcpu *v)
{
	struct vcpu_info *info = vcpu_info_map(v);
	struct vcpu_time_info copy = { 0 };

	time_fill(&info->time);
	page_unmap(info);
	if (v->time_gpa.v == ~0ULL)
		return;
	time_fill(&copy);
	if (copy_to_gpa(v->domain, v->time_gpa, &copy, sizeof(copy)))
		v->time_gpa = NO_GPA; /* the guest took the page away */
}

/* Write bytes [from, to) of the area, which may lie in two pages. */
static void runstate_write(struct vcpu *v, const struct vcpu_runstate_info *r, u32 from, u32 to)
{
	gpa_t at = v->runstate_gpa[0];
	u32 first = (u32)min(PAGE_SIZE - (at.v & ~PAGE_MASK), (u64)sizeof(*r));
	const char *bytes = (const char *)r;

	if (from < first)
		copy_to_gpa(v->domain, gpa(at.v + from), bytes + from, min(to, first) - from);
	if (to > first && v->runstate_gpa[1].v != ~0ULL) {
		u32 start = max(from, first);

		copy_to_gpa(v->domain, gpa(v->runstate_gpa[1].v + start - first), bytes + start,
		            to - start);
	}
}

void vcpu_runstate_update(struct vcpu *v)
{
	const u32 at = offsetof(struct vcpu_runstate_info, state_entry_time);
	struct vcpu_runstate_info r;

	if (v->runstate_gpa[0].v == ~0ULL)
		return;
	r = vcpu_runstate(v);
	if (!(v->domain->vm_assist & BIT(VMASST_TYPE_runstate_update_flag))) {
		runstate_write(v, &r, 0, sizeof(r));
		return;
	}
	r.state_entry_time |= XEN_RUNSTATE_UPDATE; /* readers wait until it is gone */
	runstate_write(v, &r, at, at + 8);
	runstate_write(v, &r, 0, sizeof(r));
	r.state_entry_time &= ~XEN_RUNSTATE_UPDATE;
	runstate_write(v, &r, at, at + 8);
}

void vcpu_check_all_halted(struct domain *d)
{
	for (u32 i = 0; i < d->max_vcpus; i++) {
		const struct vcpu *v = d->vcpu[i];

		if (v && !READ_ONCE(v->wait_sipi) && !READ_ONCE(v->hlt_irq_off))
			return;
	}
	domain_shutdown(d, SHUTDOWN_poweroff);
}
