/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Domains that exist: what they are, pause, and waiting for them.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "hyper.h"
#include "wire.h"

#define LIST_PART    128
#define RECHECK_MS   1000   /* an event of the store may be late; the list of domains is not */
#define FIRST_UNREAL 0x7ff0 /* DOMID_FIRST_RESERVED */

static void fill(struct froe_domain *d, const struct xen_domctl_getdomaininfo *i)
{
	static const struct {
		uint32_t xen, froe;
	} flags[] = {
		{ XEN_DOMINF_running, FROE_RUNNING }, { XEN_DOMINF_blocked, FROE_BLOCKED },
		{ XEN_DOMINF_paused, FROE_PAUSED },   { XEN_DOMINF_shutdown, FROE_SHUTDOWN },
		{ XEN_DOMINF_dying, FROE_DYING },
	};

	memset(d, 0, sizeof(*d));
	d->id = i->domain;
	memcpy(d->uuid, i->handle, sizeof(d->uuid));
	for (size_t n = 0; n < sizeof(flags) / sizeof(*flags); n++)
		if (i->flags & flags[n].xen)
			d->flags |= flags[n].froe;
	if (d->flags & FROE_SHUTDOWN)
		d->shutdown_reason = i->flags >> XEN_DOMINF_shutdownshift & XEN_DOMINF_shutdownmask;
	d->memory = i->tot_pages * PAGE;
	d->memory_max = i->max_pages * PAGE;
	d->outstanding = i->outstanding_pages * PAGE;
	d->cpu_time = i->cpu_time;
	d->vcpus = i->nr_online_vcpus;
	d->vcpus_max = i->max_vcpu_id == XEN_INVALID_MAX_VCPU_ID ? 0 : i->max_vcpu_id + 1;
	d->cpupool = i->cpupool;
}

/* All domains with no names. */
int froe__domain_ids(struct froe *f, struct froe_domain **list, size_t *count)
{
	struct froe_domain *all = NULL, *grown;
	struct xen_domctl_getdomaininfo *info;
	struct xen_sysctl *s;
	uint32_t first = 0, n;
	size_t have = 0;
	long rc;

	do {
		s = froe__sysctl(f, XEN_SYSCTL_getdomaininfolist, LIST_PART * sizeof(*info), &info);
		if (!s)
			goto failed;
		s->u.getdomaininfolist.first_domain = first;
		s->u.getdomaininfolist.max_domains = LIST_PART;
		set_xen_guest_handle(s->u.getdomaininfolist.buffer, info);
		rc = froe__sysctl_call(f, s);
		if (rc < 0) {
			froe__hyper_fail(f, rc, "list domains", HOST);
			goto failed;
		}
		n = s->u.getdomaininfolist.num_domains;
		n = n > LIST_PART ? LIST_PART : n;
		grown = realloc(all, (have + n + 1) * sizeof(*all));
		if (!grown) {
			froe__nomem(f);
			goto failed;
		}
		all = grown;
		for (uint32_t i = 0; i < n; i++)
			fill(&all[have++], &info[i]);
		if (n)
			first = info[n - 1].domain + 1u;
	} while (n == LIST_PART && first < FIRST_UNREAL);
	*list = all;
	*count = have;
	return 0;
failed:
	free(all);
	return -1;
}

/* All in one go; a domain without one keeps "". */
int froe__domain_names(struct froe *f, struct froe_domain *list, size_t count)
{
	char(*path)[40] = calloc(count + 1, sizeof(*path));
	const char **at = calloc(count + 1, sizeof(*at));
	char **value = calloc(count + 1, sizeof(*value));
	int rc;

	if (path && at && value) {
		for (size_t i = 0; i < count; i++) {
			sprintf(path[i], "/local/domain/%u/name", list[i].id);
			at[i] = path[i];
		}
		rc = froe_store_read_many(f, 0, at, value, count);
		for (size_t i = 0; rc == 0 && i < count; i++) {
			snprintf(list[i].name, sizeof(list[i].name), "%s",
			         value[i] ? value[i] : "");
			free(value[i]);
		}
	} else {
		rc = froe__nomem(f);
	}
	free(path);
	free(at);
	free(value);
	return rc;
}

static int list_once(struct froe *f, struct froe_domain **list, size_t *count)
{
	if (froe__domain_ids(f, list, count) < 0)
		return -1;
	if ((froe__domain_names(f, *list, *count) < 0 && froe_code(f) != FROE_UNREACHABLE) ||
	    froe__restarts_add(f, list, count) < 0) {
		free(*list);
		return -1;
	}
	return 0;
}

int froe_domain_list(struct froe *f, struct froe_domain **list, size_t *count)
{
	struct timespec before, after;

	for (;;) {
		before = froe__restarts_changed();
		if (list_once(f, list, count) < 0)
			return -1;
		after = froe__restarts_changed();
		if (!memcmp(&before, &after, sizeof(before)))
			return 0;
		free(*list);
	}
}

/* 0 with no name filled in, 1: no such domain. */
int froe__domain_get(struct froe *f, uint32_t id, struct froe_domain *domain)
{
	struct xen_domctl *d;
	long rc;

	if (id >= FIRST_UNREAL)
		return 1;
	d = froe__domctl(f, XEN_DOMCTL_getdomaininfo, id, 0, NULL);
	if (!d)
		return -1;
	rc = froe__domctl_call(f, d);
	/* The answer is about the next domain, if there is none of this id. */
	if (rc == -ESRCH || (rc >= 0 && d->u.getdomaininfo.domain != id))
		return 1;
	if (rc < 0)
		return froe__hyper_fail(f, rc, "look at", id);
	fill(domain, &d->u.getdomaininfo);
	return 0;
}

static int no_domain(struct froe *f, uint32_t id)
{
	char text[12];

	sprintf(text, "%u", id);
	return froe__no_domain(f, text);
}

int froe_domain_info(struct froe *f, uint32_t id, struct froe_domain *d)
{
	int rc = froe__domain_get(f, id, d);

	if (rc)
		return rc < 0 ? rc : no_domain(f, id);
	if (froe__domain_names(f, d, 1) < 0 && froe_code(f) != FROE_UNREACHABLE)
		return -1;
	return 0;
}

/* --- what is done to them -------------------------------------------------------------- */

int froe_domain_pause(struct froe *f, uint32_t id)
{
	return froe__domctl_simple(f, XEN_DOMCTL_pausedomain, id, "pause");
}

int froe_domain_unpause(struct froe *f, uint32_t id)
{
	struct xen_domctl *d = froe__domctl(f, XEN_DOMCTL_unpausedomain, id, 0, NULL);
	long rc;

	if (!d)
		return -1;
	rc = froe__domctl_call(f, d);
	if (rc == -EINVAL)
		return froe__fail(f, FROE_EXISTS, "", "domain %u is not paused", id);
	return rc < 0 ? froe__hyper_fail(f, rc, "unpause", id) : 0;
}

int froe_domain_nmi(struct froe *f, uint32_t id, uint32_t vcpu)
{
	struct xen_domctl *d = froe__domctl(f, XEN_DOMCTL_sendtrigger, id, 0, NULL);
	long rc;

	if (!d)
		return -1;
	d->u.sendtrigger.trigger = XEN_DOMCTL_SENDTRIGGER_NMI;
	d->u.sendtrigger.vcpu = vcpu;
	rc = froe__domctl_call(f, d);
	return rc < 0 ? froe__hyper_fail(f, rc, "send an NMI to", id) : 0;
}

int froe_domain_request(struct froe *f, uint32_t id, const char *what)
{
	char path[48];
	struct froe_domain d;
	int rc = froe__domain_get(f, id, &d);

	if (rc)
		return rc < 0 ? rc : no_domain(f, id);
	if (d.flags & (FROE_SHUTDOWN | FROE_DYING))
		return froe__fail(f, FROE_EXISTS, "froe destroy takes away what is left of it",
		                  "domain %u has ended already", id);
	snprintf(path, sizeof(path), "/local/domain/%u/control/shutdown", id);
	return froe_store_write(f, 0, path, what);
}

/* --- waiting --------------------------------------------------------------------------- */

static int is_so(struct froe *f, uint32_t id, enum froe_wait what, bool *seen)
{
	struct froe_domain d;
	char path[48], *value;
	int rc = froe__domain_get(f, id, &d);

	if (rc < 0)
		return rc;
	if (rc) {
		if (!*seen)
			return no_domain(f, id);
		return 1;
	}
	*seen = true;
	if (what == FROE_WAIT_GONE)
		return 0;
	if (d.flags & (FROE_SHUTDOWN | FROE_DYING))
		return 1;
	if (what == FROE_WAIT_SHUTDOWN)
		return 0;
	snprintf(path, sizeof(path), "/local/domain/%u/control/shutdown", id);
	if (froe_store_read(f, 0, path, &value, NULL) < 0)
		return froe_code(f) == FROE_NOT_FOUND ? 1 : -1;
	rc = !*value;
	free(value);
	return rc;
}

static int wait_for(struct froe *f, uint32_t id, enum froe_wait what, int timeout_ms)
{
	int64_t end = froe__now_ms() + timeout_ms, left = RECHECK_MS;
	char watch[48], *path, *token;
	bool seen = false;
	int rc;

	if (what == FROE_WAIT_TAKEN)
		snprintf(watch, sizeof(watch), "/local/domain/%u/control/shutdown", id);
	else
		strcpy(watch, "@releaseDomain");
	if (froe_store_watch(f, watch, "wait") < 0)
		return -1;
	while (!(rc = is_so(f, id, what, &seen))) {
		if (timeout_ms >= 0)
			left = end - froe__now_ms();
		if (left <= 0)
			return froe__fail(
				f, FROE_TIMEOUT, "", "domain %u: not %s within %d seconds", id,
				what == FROE_WAIT_TAKEN ? "answered" : "ended", timeout_ms / 1000);
		left = left > RECHECK_MS ? RECHECK_MS : left;
		if (froe_store_event(f, (int)left, &path, &token) == 0)
			free(path);
		else if (froe_code(f) != FROE_TIMEOUT)
			return -1;
	}
	return rc < 0 ? -1 : 0;
}

/* With a connection of its own: the events on the caller's are the caller's. */
int froe_domain_wait(struct froe *f, uint32_t id, enum froe_wait what, int timeout_ms)
{
	struct froe *own = froe_open();
	int rc;

	if (!own)
		return froe__nomem(f);
	rc = wait_for(own, id, what, timeout_ms);
	if (rc < 0)
		froe__copy_error(f, own);
	froe_close(own);
	return rc;
}
