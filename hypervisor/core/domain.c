/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Domains: creation, the list, pausing, shutting down.
 *
 * Locking: list_lock is for changes of the list, which is in order of ids, and of the table by id;
 * nothing is locked inside. Both are read without it: who stands at a domain that leaves finds the
 * way on, and what has left is freed when every CPU has been at a place where it does not read.
 * domain_get() takes a reference, which one that is about to leave does not give any more.
 */
#include <bootinfo.h>
#include <domain.h>
#include <page.h>
#include <printk.h>
#include <string.h>
#include <virt.h>

#define HASH_SIZE 64

struct domain *domain_list;
struct domain *control_domain;
static struct spinlock list_lock;
static struct domain *by_id[HASH_SIZE];
static struct domain *vanished;
static domid_t rover; /* the last id that was chosen */

static int shared_info_init(struct domain *d)
{
	d->shared_mfn = page_alloc(0);
	if (!mfn_valid_box(d->shared_mfn))
		return -ENOMEM;
	d->shared = mfn_to_virt(d->shared_mfn);
	d->shared_gfn = gfn(~0ULL);
	return 0;
}

/* --- the list ----------------------------------------------------------------------- */

static struct domain *find(domid_t id)
{
	struct domain *d = load_acquire(&by_id[id % HASH_SIZE]);

	while (d && d->id != id)
		d = load_acquire(&d->hash_next);
	return d;
}

/* The next id above the last one that nobody has; 0 if there is none. */
static domid_t choose(void)
{
	domid_t id = rover;

	do {
		id = id + 1U < DOMID_FIRST_RESERVED ? (domid_t)(id + 1) : 1;
		if (!find(id))
			return rover = id;
	} while (id != rover);
	return 0;
}

static int insert(struct domain *d, domid_t id)
{
	struct domain **at = &domain_list;
	int rc = 0;

	spin_lock(&list_lock);
	if (!d->control && (!id || id >= DOMID_FIRST_RESERVED)) {
		id = choose();
		rc = id ? 0 : -ENOMEM;
	} else if (find(id)) {
		rc = -EEXIST;
	}
	if (!rc) {
		d->id = id;
		while (*at && (*at)->id < id)
			at = &(*at)->next;
		d->next = *at;
		store_release(at, d);
		d->hash_next = by_id[id % HASH_SIZE];
		store_release(&by_id[id % HASH_SIZE], d);
	}
	spin_unlock(&list_lock);
	return rc;
}

/* Out of the list; who walks it still finds the way on. */
static void vanish(struct domain *d)
{
	struct domain **at = &domain_list, **hash = &by_id[d->id % HASH_SIZE];

	spin_lock(&list_lock);
	while (*at != d)
		at = &(*at)->next;
	store_release(at, d->next);
	while (*hash != d)
		hash = &(*hash)->hash_next;
	store_release(hash, d->hash_next);
	d->reap_next = vanished;
	vanished = d;
	spin_unlock(&list_lock);
	cpu_kick(this_cpu(), TODO_REAP);
}

/* Not one that is about to vanish. */
static struct domain *take(struct domain *d)
{
	u32 refs = d ? __atomic_load_n(&d->refs, __ATOMIC_RELAXED) : 0;

	while (refs && !__atomic_compare_exchange_n(&d->refs, &refs, refs + 1, false,
	                                            __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
		;
	return refs ? d : NULL;
}

struct domain *domain_get(domid_t id)
{
	return take(find(id == DOMID_SELF ? current_vcpu()->domain->id : id));
}

struct domain *domain_get_from(domid_t id)
{
	struct domain *d = find(id);

	for (d = d ? d : load_acquire(&domain_list); d && (d->id < id || !take(d)); d = d->next)
		;
	return d;
}

void domain_put(struct domain *d)
{
	u32 before = __atomic_fetch_sub(&d->refs, 1, __ATOMIC_ACQ_REL);

	BUG_ON(!before);
	if (before == 1)
		vanish(d);
}

/* --- creation and the last of it ------------------------------------------------------ */

/* However far domain_create() had come. */
static void domain_free(struct domain *d)
{
	for (u32 i = 0; i < d->max_vcpus; i++)
		vcpu_free(d->vcpu[i]);
	grant_destroy(d);
	event_destroy(d);
	p2m_destroy(d);
	if (d->shared)
		page_free(d->shared_mfn, 0);
	heap_free(d->e820);
	heap_free(d);
}

int domain_create(domid_t id, bool control, const struct domain_limits *l, struct domain **out)
{
	struct domain *d = heap_alloc(sizeof(*d));
	int rc = -ENOMEM;

	if (!d)
		return rc;
	d->control = control;
	d->refs = 1;
	d->max_vcpus = l->vcpus;
	d->max_pages = l->pages;
	memcpy(d->handle, l->handle, sizeof(d->handle));
	d->event.max = l->events;
	d->grant.max_frames = l->grant_frames;
	d->grant.track_frames_max = l->maptrack_frames;
	d->pause_count = d->control_pauses = 1;
	d->sched.weight = control ? SCHED_WEIGHT_CONTROL : SCHED_WEIGHT;
	d->ones = INVALID_MFN;
	if (!shared_info_init(d) && !p2m_init(d) && !event_init(d) && !grant_init(d) &&
	    !domain_io_init(d) && !domain_msr_init(d))
		rc = insert(d, id);
	if (rc) {
		domain_free(d);
		return rc;
	}
	if (control)
		control_domain = d;
	platform_wallclock_update(d); /* behind the list: whoever sets the clock may have passed */
	*out = d;
	return 0;
}

void domain_reap(void)
{
	struct domain *d, *next;

	spin_lock(&list_lock);
	d = vanished;
	vanished = NULL;
	spin_unlock(&list_lock);
	if (!d)
		return;
	smp_settle();
	for (; d; d = next) {
		next = d->reap_next;
		domain_free(d);
	}
	event_send_global_virq(VIRQ_DOM_EXC);
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
	u64 sec = time_wallclock.sec + (u64)READ_ONCE(d->time_offset);

	WRITE_ONCE(s->wc_version, version);
	barrier();
	s->wc_sec = (u32)sec;
	s->wc_sec_hi = (u32)(sec >> 32);
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
	if (code != SHUTDOWN_crash || !d->crash_reason[0])
		pr_info("d%u: %s\n", d->id, code_name(code));
	domain_pause(d);
	if (!d->control) {
		store_release(&d->shutdown_done, true);
		event_send_global_virq(VIRQ_DOM_EXC);
		return;
	}
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
	/* Once in a domain's life, so it does not count as what a guest causes. */
	pr_warn("d%u: crashed: %s\n", d->id, reason);
	if (current_vcpu() && current_vcpu()->domain == d && (d->control || printk_debug()))
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
