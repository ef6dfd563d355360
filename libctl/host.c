/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The host: its CPUs and memory, the hypervisor's version and messages.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "hyper.h"
#include <xen/version.h>

#define VERSION_ROOM 1024
#define DMESG_PART   8192

/* One answer of xen_version as a string, cut off at the field's end; an error leaves it empty. */
static int version_text(struct froe *f, unsigned cmd, char *text, size_t size)
{
	char *answer = froe__buffer(f, VERSION_ROOM);

	if (!answer)
		return -1;
	if (froe__hypercall(f, __HYPERVISOR_xen_version, cmd, (uintptr_t)answer) >= 0)
		memcpy(text, answer, strnlen(answer, size - 1)); /* the rest is 0 */
	return 0;
}

static int version_build(struct froe *f, struct froe_host *h)
{
	struct xen_compile_info *c = froe__buffer(f, sizeof(*c));
	struct xen_build_id *id;
	long n;

	if (!c)
		return -1;
	if (froe__hypercall(f, __HYPERVISOR_xen_version, XENVER_compile_info, (uintptr_t)c) >= 0) {
		memcpy(h->compiler, c->compiler, sizeof(h->compiler) - 1);
		memcpy(h->compiled_by, c->compile_by, sizeof(h->compiled_by) - 1);
		memcpy(h->compiled_domain, c->compile_domain, sizeof(h->compiled_domain) - 1);
		memcpy(h->compiled_date, c->compile_date, sizeof(h->compiled_date) - 1);
	}
	id = froe__buffer(f, sizeof(*id) + sizeof(h->build_id) / 2);
	if (!id)
		return -1;
	id->len = (sizeof(h->build_id) - 1) / 2;
	n = froe__hypercall(f, __HYPERVISOR_xen_version, XENVER_build_id, (uintptr_t)id);
	for (long i = 0; i < n && i < (long)(sizeof(h->build_id) - 1) / 2; i++)
		sprintf(h->build_id + 2 * i, "%02x", id->buf[i]);
	return 0;
}

static int version_info(struct froe *f, struct froe_host *h)
{
	struct xen_platform_parameters *p;
	long version;

	if (!froe__buffer(f, VERSION_ROOM))
		return -1;
	version = froe__hypercall(f, __HYPERVISOR_xen_version, XENVER_version, 0);
	if (version < 0)
		return froe__hyper_fail(f, version, "tell its version", HOST);
	h->version_major = version >> 16;
	h->version_minor = version & 0xffff;
	if (version_text(f, XENVER_extraversion, h->version_extra, sizeof(h->version_extra)) < 0 ||
	    version_text(f, XENVER_capabilities, h->capabilities, sizeof(h->capabilities)) < 0 ||
	    version_text(f, XENVER_changeset, h->changeset, sizeof(h->changeset)) < 0 ||
	    version_text(f, XENVER_commandline, h->command_line, sizeof(h->command_line)) < 0 ||
	    version_build(f, h) < 0)
		return -1;
	p = froe__buffer(f, sizeof(*p));
	if (!p)
		return -1;
	if (froe__hypercall(f, __HYPERVISOR_xen_version, XENVER_platform_parameters,
	                    (uintptr_t)p) >= 0)
		snprintf(h->platform_params, sizeof(h->platform_params), "virt_start=0x%lx",
		         p->virt_start);
	h->page_size = froe__hypercall(f, __HYPERVISOR_xen_version, XENVER_pagesize, 0);
	return 0;
}

static const char *scheduler_name(uint32_t id)
{
	static const char *const name[] = {
		[XEN_SCHEDULER_CREDIT] = "credit",     [XEN_SCHEDULER_CREDIT2] = "credit2",
		[XEN_SCHEDULER_ARINC653] = "arinc653", [XEN_SCHEDULER_RTDS] = "rtds",
		[XEN_SCHEDULER_NULL] = "null",
	};

	return id < sizeof(name) / sizeof(*name) && name[id] ? name[id] : "unknown";
}

int froe__physinfo(struct froe *f, struct xen_sysctl_physinfo *p)
{
	struct xen_sysctl *s = froe__sysctl(f, XEN_SYSCTL_physinfo, 0, NULL);
	long rc;

	if (!s)
		return -1;
	rc = froe__sysctl_call(f, s);
	if (rc < 0)
		return froe__hyper_fail(f, rc, "tell about the host", HOST);
	*p = s->u.physinfo;
	return 0;
}

int froe_host_info(struct froe *f, struct froe_host *h)
{
	struct xen_sysctl_physinfo p;
	struct xen_sysctl *s;

	memset(h, 0, sizeof(*h));
	if (froe__physinfo(f, &p) < 0)
		return -1;
	h->cpus_online = p.nr_cpus;
	h->cpu_max_id = p.max_cpu_id;
	h->nodes = p.nr_nodes;
	h->cores_per_socket = p.cores_per_socket;
	h->threads_per_core = p.threads_per_core;
	h->cpu_khz = p.cpu_khz;
	memcpy(h->hw_caps, p.hw_cap, sizeof(h->hw_caps));
	h->hvm = p.capabilities & XEN_SYSCTL_PHYSCAP_hvm;
	h->hap = p.capabilities & XEN_SYSCTL_PHYSCAP_hap;
	h->iommu = p.capabilities & XEN_SYSCTL_PHYSCAP_directio;
	h->memory = p.total_pages * PAGE;
	h->memory_free = (p.free_pages + p.scrub_pages) * PAGE;
	h->memory_outstanding = p.outstanding_pages * PAGE;
	if (version_info(f, h) < 0)
		return -1;
	s = froe__sysctl(f, XEN_SYSCTL_sched_id, 0, NULL);
	if (!s)
		return -1;
	h->scheduler = froe__sysctl_call(f, s) < 0 ? "unknown"
	                                           : scheduler_name(s->u.sched_id.sched_id);
	return 0;
}

/* Append what the ring has from *index on; how many bytes that were, or -1. */
static long read_messages(struct froe *f, bool clear, uint32_t *index, char **all, size_t *length)
{
	char *part, *grown;
	struct xen_sysctl *s = froe__sysctl(f, XEN_SYSCTL_readconsole, DMESG_PART, &part);
	uint32_t n;
	long rc;

	if (!s)
		return -1;
	s->u.readconsole.clear = clear;
	s->u.readconsole.incremental = 1;
	s->u.readconsole.index = *index;
	s->u.readconsole.count = DMESG_PART;
	set_xen_guest_handle(s->u.readconsole.buffer, part);
	rc = froe__sysctl_call(f, s);
	if (rc < 0)
		return froe__hyper_fail(f, rc, "give its messages", HOST);
	*index = s->u.readconsole.index;
	n = s->u.readconsole.count;
	n = n > DMESG_PART ? DMESG_PART : n;
	grown = realloc(*all, *length + n + 1);
	if (!grown)
		return froe__nomem(f);
	*all = grown;
	memcpy(grown + *length, part, n);
	*length += n;
	grown[*length] = 0;
	return n;
}

int froe_host_dmesg(struct froe *f, bool clear, char **text, size_t *size)
{
	char *all = NULL;
	size_t length = 0;
	uint32_t index = 0;
	long n;

	/* The call that clears is the last, and returns what came since the one before. */
	do
		n = read_messages(f, false, &index, &all, &length);
	while (n > 0);
	if (n == 0 && clear)
		n = read_messages(f, true, &index, &all, &length);
	if (n < 0) {
		free(all);
		return -1;
	}
	*text = all;
	*size = length;
	return 0;
}
