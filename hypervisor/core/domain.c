/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Domains: creation, the list, pausing, and their end.
 *
 * Locking: list_lock protects the list and is never held together with another lock. A domain is
 * found through domain_get(), which takes a reference.
 */
#include <bootinfo.h>
#include <domain.h>
#include <page.h>
#include <printk.h>
#include <string.h>
#include <virt.h>

struct domain *domain_list;
struct domain *control_domain;
static struct spinlock list_lock;

static int shared_info_init(struct domain *d)
{
	d->shared_mfn = page_alloc(0);
	if (!mfn_valid_box(d->shared_mfn))
		return -ENOMEM;
	d->shared = mfn_to_virt(d->shared_mfn);
	d->shared_gfn = gfn(~0ULL);
	domain_wallclock_update(d);
	return 0;
}

struct domain *domain_create(domid_t id, bool control, u32 max_vcpus, u64 max_pages)
{
	struct domain *d = heap_alloc(sizeof(*d));

	if (!d)
		return NULL;
	d->id = id;
	d->control = control;
	d->refs = 1;
	d->max_vcpus = max_vcpus;
	d->max_pages = max_pages;
	d->pause_count = 1;
	d->ones = INVALID_MFN;
	if (shared_info_init(d) || p2m_init(d) || event_init(d) || grant_init(d) ||
	    domain_io_init(d) || domain_msr_init(d))
		return NULL; /* today only the control domain, whose failure ends the boot */
	spin_lock(&list_lock);
	d->next = domain_list;
	store_release(&domain_list, d);
	spin_unlock(&list_lock);
	if (control)
		control_domain = d;
	return d;
}

struct domain *domain_get(domid_t id)
{
	struct domain *d;

	if (id == DOMID_SELF)
		id = current_vcpu()->domain->id;
	spin_lock(&list_lock);
	for_each_domain(d) if (d->id == id) break;
	if (d)
		__atomic_fetch_add(&d->refs, 1, __ATOMIC_RELAXED);
	spin_unlock(&list_lock);
	return d;
}

void domain_put(struct domain *d)
{
	u32 before = __atomic_fetch_sub(&d->refs, 1, __ATOMIC_ACQ_REL);

	BUG_ON(!before);
}

void domain_pause(struct domain *d)
{
	__atomic_fetch_add(&d->pause_count, 1, __ATOMIC_SEQ_CST);
	for (u32 i = 0; i < d->max_vcpus; i++)
		if (d->vcpu[i])
			vcpu_unready(d->vcpu[i]);
}

void domain_unpause(struct domain *d)
{
	if (__atomic_sub_fetch(&d->pause_count, 1, __ATOMIC_SEQ_CST))
		return;
	for (u32 i = 0; i < d->max_vcpus; i++)
		if (d->vcpu[i])
			vcpu_ready(d->vcpu[i]);
}

void domain_wallclock_update(struct domain *d)
{
	struct shared_info *s = d->shared;
	u32 version = s->wc_version | 1;

	WRITE_ONCE(s->wc_version, version);
	barrier();
	s->wc_sec = (u32)time_wallclock.sec;
	s->wc_sec_hi = (u32)(time_wallclock.sec >> 32);
	s->wc_nsec = time_wallclock.nsec;
	barrier();
	WRITE_ONCE(s->wc_version, version + 1);
}

/* --- the end ------------------------------------------------------------------------ */

static const char *code_name(u32 code)
{
	static const char *const names[] = { "power-off", "reboot",   "suspend",
		                             "crash",     "watchdog", "soft reset" };

	return code < ARRAY_SIZE(names) ? names[code] : "unknown code";
}

/* The end of the control domain is the end of the machine. */
static void __noreturn machine_follows(u32 code, const char *why)
{
	switch (code) {
	case SHUTDOWN_poweroff:
		machine_power_off();
	case SHUTDOWN_crash:
		if (boot_options.noreboot)
			machine_stop(why);
		/* fall through */
	default:
		machine_reboot();
	}
}

/* First come, first served: one end a domain. */
static bool shutdown_begins(struct domain *d, u32 code)
{
	bool first;

	spin_lock(&d->lock);
	first = !d->shutdown;
	d->shutdown = true;
	if (first)
		d->shutdown_code = d->shutdown_latch ? d->shutdown_latch - 1U : code;
	spin_unlock(&d->lock);
	return first;
}

void domain_shutdown(struct domain *d, u32 code)
{
	if (!shutdown_begins(d, code))
		return;
	pr_info("d%u: %s\n", d->id, code_name(code));
	domain_pause(d);
	if (!d->control)
		return;
	if (code == SHUTDOWN_crash && !d->crash_reason[0])
		strlcpy(d->crash_reason, "the control domain crashed", sizeof(d->crash_reason));
	machine_follows(code, d->crash_reason);
}

void domain_crash(struct domain *d, const char *fmt, ...)
{
	char reason[sizeof(d->crash_reason)];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(reason, sizeof(reason), fmt, ap);
	va_end(ap);
	spin_lock(&d->lock);
	if (!d->crash_reason[0])
		memcpy(d->crash_reason, reason, sizeof(reason));
	spin_unlock(&d->lock);
	printk_guest(d, "%s\n", reason);
	if (current_vcpu() && current_vcpu()->domain == d)
		virt->dump(current_vcpu());
	domain_shutdown(d, SHUTDOWN_crash);
}

/* --- self-check ----------------------------------------------------------------------- */

static u32 vcpu_check(const struct vcpu *v)
{
	u32 bad = 0;

	if (v->domain->control && (v->cpu->reflect != v || v->apic_id != v->cpu->apic_id)) {
		pr_err("d%uv%u: not bound to its CPU\n", v->domain->id, v->id);
		bad++;
	}
	if (v->state > VCPU_BLOCKED) {
		pr_err("d%uv%u: state %u\n", v->domain->id, v->id, v->state);
		bad++;
	}
	return bad;
}

u32 domain_check(void)
{
	struct domain *d;
	u32 bad = 0;

	for_each_domain(d)
	{
		if (!d->refs) {
			pr_err("d%u: in the list without a reference\n", d->id);
			bad++;
		}
		bad += event_check(d) + grant_check(d);
		for (u32 i = 0; i < d->max_vcpus; i++)
			if (d->vcpu[i])
				bad += vcpu_check(d->vcpu[i]);
	}
	return bad;
}
