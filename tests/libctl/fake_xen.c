/* SPDX-License-Identifier: GPL-2.0-only */
/* See fake_xen.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xencall.h>
#include <xenforeignmemory.h>
#include <froe_hypercall.h>
#include "fake_xen.h"
#include <xen/hvm/save.h>
#include <xen/version.h>

struct fake_domain *fake_domain[FAKE_DOMAINS];
uint64_t fake_free_pages, fake_populate_limit, fake_claim_limit;
unsigned fake_calls, fake_fail_at, fake_large;
int fake_fail_with;
bool fake_no_large;
const char *fake_cut_file;
uint32_t fake_flags[FAKE_DOMAINS];
char fake_messages[65536];
const char *fake_late_message;
static uint8_t fake_zero[4096];
static uint64_t populated;
static uint32_t last_id;

static void drop(struct fake_domain *d)
{
	for (uint64_t i = 0; i < FAKE_GFNS / 512; i++) {
		for (int n = 0; d->part[i] && n < 512; n++)
			if (d->part[i][n] != fake_zero)
				free(d->part[i][n]);
		free(d->part[i]);
	}
	fake_domain[d->id] = NULL;
	free(d);
}

void fake_xen_reset(void)
{
	for (int i = 0; i < FAKE_DOMAINS; i++) {
		if (fake_domain[i])
			drop(fake_domain[i]);
		fake_flags[i] = 0;
	}
	fake_free_pages = 1ul << 20;
	fake_populate_limit = fake_claim_limit = ~0ul;
	fake_calls = fake_fail_at = fake_large = 0;
	fake_no_large = false;
	populated = 0;
	last_id = 0;
	fake_domain[0] = calloc(1, sizeof(struct fake_domain));
	fake_domain[0]->there = true;
}

uint8_t **fake_frame(struct fake_domain *d, uint64_t gfn, bool make)
{
	uint8_t ***part = gfn < FAKE_GFNS ? &d->part[gfn / 512] : NULL;

	if (part && !*part && make)
		*part = calloc(512, sizeof(**part));
	return part && *part ? *part + gfn % 512 : NULL;
}

bool fake_read(struct fake_domain *d, uint64_t at, void *to, size_t size)
{
	for (size_t n; size; size -= n, at += n, to = (char *)to + n) {
		uint8_t **frame = fake_frame(d, at >> 12, false);

		n = 4096 - at % 4096;
		n = n > size ? size : n;
		if (!frame || !*frame)
			return false;
		memcpy(to, *frame + at % 4096, n);
	}
	return true;
}

static struct fake_domain *get(uint32_t id)
{
	return id < FAKE_DOMAINS ? fake_domain[id] : NULL;
}

static void info(struct fake_domain *d, struct xen_domctl_getdomaininfo *i)
{
	memset(i, 0, sizeof(*i));
	i->domain = d->id;
	i->flags = XEN_DOMINF_hvm_guest | fake_flags[d->id];
	if (d->pauses)
		i->flags |= XEN_DOMINF_paused;
	i->tot_pages = d->pages;
	i->max_pages = d->max_pages;
	i->max_vcpu_id = d->vcpus ? d->vcpus - 1 : XEN_INVALID_MAX_VCPU_ID;
	i->nr_online_vcpus = d->vcpus;
	memcpy(i->handle, d->handle, 16);
}

static long create(struct xen_domctl *op)
{
	const struct xen_domctl_createdomain *c = &op->u.createdomain;
	struct fake_domain *d;

	if (c->flags != (XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_hap) || c->grant_opts != 1 ||
	    c->arch.emulation_flags != XEN_X86_EMU_LAPIC || !c->max_vcpus || c->max_vcpus > 64)
		return -EINVAL;
	if (last_id + 1 == FAKE_DOMAINS)
		return -ENOMEM;
	if (fake_cut_file && truncate(fake_cut_file, 0) < 0)
		return -EIO;
	d = calloc(1, sizeof(*d));
	d->id = ++last_id;
	d->there = true;
	d->pauses = 1;
	d->max_vcpus = c->max_vcpus;
	memcpy(d->handle, c->handle, 16);
	fake_domain[d->id] = d;
	op->domain = d->id;
	return 0;
}

static long set_context(struct fake_domain *d, const struct xen_domctl_hvmcontext *c)
{
	const uint8_t *p = (const uint8_t *)c->buffer.p;
	struct hvm_save_descriptor at;
	struct hvm_hw_cpu cpu;

	if (c->size != 3 * sizeof(at) + sizeof(struct hvm_save_header) + sizeof(cpu) || !d->vcpus)
		return -EINVAL;
	memcpy(&cpu, p + 2 * sizeof(at) + sizeof(struct hvm_save_header), sizeof(cpu));
	d->rip = cpu.rip;
	d->rbx = cpu.rbx;
	d->vcpu_set = cpu.cr0 == 0x11 && cpu.cs_arbytes == 0xc9b;
	return d->vcpu_set ? 0 : -EINVAL;
}

static long affinity(struct xen_domctl *op)
{
	struct xen_domctl_vcpuaffinity *a = &op->u.vcpuaffinity;

	if (a->flags & XEN_VCPUAFFINITY_HARD && !*(uint64_t *)a->cpumap_hard.bitmap.p)
		return -EINVAL;
	return 0;
}

static long vcpu_info(struct fake_domain *d, struct xen_domctl *op)
{
	struct xen_domctl_getvcpuinfo *v = &op->u.getvcpuinfo;

	if (v->vcpu >= d->vcpus)
		return -ESRCH;
	v->online = v->vcpu != 1;
	v->running = v->vcpu == 2;
	v->cpu = v->vcpu * 3;
	v->cpu_time = 1000 + v->vcpu;
	return 0;
}

static long vcpu_affinity(struct fake_domain *d, struct xen_domctl *op)
{
	struct xen_domctl_vcpuaffinity *a = &op->u.vcpuaffinity;

	if (a->vcpu >= d->vcpus || a->cpumap_hard.nr_bits != 256)
		return -EINVAL;
	*(uint64_t *)a->cpumap_hard.bitmap.p = 1ul << a->vcpu;
	*(uint64_t *)a->cpumap_soft.bitmap.p = ~0ul;
	return 0;
}

static long domctl(struct xen_domctl *op)
{
	struct fake_domain *d = get(op->domain);

	if (op->interface_version != XEN_DOMCTL_INTERFACE_VERSION)
		return -EACCES;
	if (op->cmd == XEN_DOMCTL_createdomain)
		return create(op);
	if (op->cmd == XEN_DOMCTL_getdomaininfo) {
		for (uint32_t i = op->domain; i < FAKE_DOMAINS; i++)
			if (fake_domain[i]) {
				op->domain = i;
				info(fake_domain[i], &op->u.getdomaininfo);
				return 0;
			}
		return -ESRCH;
	}
	if (!d)
		return -ESRCH;
	switch (op->cmd) {
	case XEN_DOMCTL_destroydomain:
		drop(d);
		return 0;
	case XEN_DOMCTL_setdomainhandle:
		memcpy(d->handle, op->u.setdomainhandle.handle, 16);
		return 0;
	case XEN_DOMCTL_pausedomain:
		d->pauses++;
		return 0;
	case XEN_DOMCTL_unpausedomain:
		if (!d->pauses)
			return -EINVAL;
		d->started |= !--d->pauses;
		return 0;
	case XEN_DOMCTL_max_vcpus:
		if (op->u.max_vcpus.max != d->max_vcpus)
			return -EINVAL;
		d->vcpus = d->max_vcpus;
		return 0;
	case XEN_DOMCTL_max_mem:
		d->max_pages = op->u.max_mem.max_memkb / 4;
		return 0;
	case XEN_DOMCTL_sethvmcontext:
		return set_context(d, &op->u.hvmcontext);
	case XEN_DOMCTL_setvcpuaffinity:
		return op->u.vcpuaffinity.vcpu < d->vcpus ? affinity(op) : -EINVAL;
	case XEN_DOMCTL_getvcpuinfo:
		return vcpu_info(d, op);
	case XEN_DOMCTL_getvcpuaffinity:
		return vcpu_affinity(d, op);
	case XEN_DOMCTL_sendtrigger:
		return op->u.sendtrigger.trigger == XEN_DOMCTL_SENDTRIGGER_NMI ? 0 : -EINVAL;
	case XEN_DOMCTL_scheduler_op:
		if (op->u.scheduler_op.cmd == XEN_DOMCTL_SCHEDOP_putinfo) {
			d->weight = op->u.scheduler_op.u.credit2.weight;
			d->cap = op->u.scheduler_op.u.credit2.cap;
		}
		op->u.scheduler_op.u.credit2.weight = d->weight;
		op->u.scheduler_op.u.credit2.cap = d->cap;
		return 0;
	}
	return -ENOSYS;
}

static long read_console(struct xen_sysctl_readconsole *r)
{
	size_t have = strlen(fake_messages), n;

	if (r->index > have)
		return -EINVAL;
	n = have - r->index;
	n = n > r->count ? r->count : n;
	memcpy(r->buffer.p, fake_messages + r->index, n);
	r->index += n;
	r->count = n;
	if (r->clear)
		fake_messages[0] = 0;
	else if (!n && fake_late_message)
		strcat(fake_messages, fake_late_message);
	return 0;
}

static long version(uint64_t cmd, void *to)
{
	switch (cmd) {
	case XENVER_version:
		return 4 << 16 | 17;
	case XENVER_extraversion:
		strcpy(to, ".9-test");
		return 0;
	case XENVER_capabilities:
		memset(to, 'c', 1024); /* no NUL: all of its room is used */
		return 0;
	case XENVER_platform_parameters:
		((struct xen_platform_parameters *)to)->virt_start = 0xffff800000000000;
		return 0;
	case XENVER_pagesize:
		return 4096;
	case XENVER_build_id:
		memset(((struct xen_build_id *)to)->buf, 0xab, 20);
		return 20;
	}
	return -ENOSYS;
}

static long sysctl(struct xen_sysctl *op)
{
	struct xen_sysctl_getdomaininfolist *l = &op->u.getdomaininfolist;

	if (op->cmd == XEN_SYSCTL_physinfo) {
		op->u.physinfo.free_pages = fake_free_pages;
		op->u.physinfo.total_pages = 2 * fake_free_pages;
		op->u.physinfo.nr_cpus = 4;
		op->u.physinfo.capabilities = XEN_SYSCTL_PHYSCAP_hvm | XEN_SYSCTL_PHYSCAP_hap;
		return 0;
	}
	if (op->cmd == XEN_SYSCTL_sched_id) {
		op->u.sched_id.sched_id = XEN_SCHEDULER_CREDIT2;
		return 0;
	}
	if (op->cmd == XEN_SYSCTL_readconsole)
		return read_console(&op->u.readconsole);
	if (op->cmd != XEN_SYSCTL_getdomaininfolist)
		return -ENOSYS;
	for (uint32_t i = l->first_domain; i < FAKE_DOMAINS && l->num_domains < l->max_domains; i++)
		if (fake_domain[i])
			info(fake_domain[i],
			     &((xen_domctl_getdomaininfo_t *)l->buffer.p)[l->num_domains++]);
	return 0;
}

static long populate(const struct xen_memory_reservation *r)
{
	struct fake_domain *d = get(r->domid);
	uint64_t n = 1ul << r->extent_order;

	if (!d)
		return -ESRCH;
	if (r->extent_order && (r->extent_order != 9 || fake_no_large))
		return 0;
	for (uint64_t i = 0; i < r->nr_extents; i++) {
		uint64_t gfn = r->extent_start.p[i];

		if (gfn % n || gfn + n > FAKE_GFNS || d->pages + n > d->max_pages ||
		    populated + n > fake_populate_limit)
			return i;
		for (uint64_t g = gfn; g < gfn + n; g++) {
			uint8_t **frame = fake_frame(d, g, true);

			if (*frame)
				return i;
			*frame = fake_zero;
		}
		d->pages += n;
		populated += n;
		fake_large += r->extent_order != 0;
	}
	return r->nr_extents;
}

static long claim(const struct xen_memory_reservation *r)
{
	struct fake_domain *d = get(r->domid);

	if (!d)
		return -ESRCH;
	if (r->extent_start.p || r->extent_order || r->nr_extents > d->max_pages)
		return -EINVAL;
	return r->nr_extents > fake_claim_limit ? -ENOMEM : 0;
}

static long memory_op(uint64_t cmd, void *arg)
{
	const struct xen_foreign_memory_map *m = arg;
	struct fake_domain *d;

	if (cmd == XENMEM_populate_physmap)
		return populate(arg);
	if (cmd == XENMEM_claim_pages)
		return claim(arg);
	d = cmd == XENMEM_set_memory_map ? get(m->domid) : NULL;
	if (!d || d->started)
		return -EINVAL;
	d->map_count = m->map.nr_entries;
	memcpy(d->map, m->map.buffer.p, m->map.nr_entries * 20);
	return 0;
}

static long copy(const struct froe_copy *c)
{
	struct fake_domain *d = get(c->domid);
	const uint8_t *from = (const uint8_t *)c->buffer;
	uint64_t at = c->at, left = c->size;

	if (!d || c->flags != FROE_COPY_TO_GUEST)
		return -EINVAL;
	for (size_t n; left; left -= n, at += n, from += n) {
		uint8_t **frame = fake_frame(d, at >> 12, false);

		n = 4096 - at % 4096;
		n = n > left ? left : n;
		if (!frame || !*frame)
			return left == c->size ? -EFAULT : (long)(c->size - left);
		if (*frame == fake_zero)
			*frame = calloc(1, 4096);
		memcpy(*frame + at % 4096, from, n);
	}
	return c->size;
}

static long call(unsigned op, uint64_t a, uint64_t b)
{
	struct evtchn_alloc_unbound *port = (void *)b;
	struct xen_hvm_param *param = (void *)b;

	switch (op) {
	case __HYPERVISOR_domctl:
		return domctl((void *)a);
	case __HYPERVISOR_sysctl:
		return sysctl((void *)a);
	case __HYPERVISOR_xen_version:
		return version(a, (void *)b);
	case __HYPERVISOR_memory_op:
		return memory_op(a, (void *)b);
	case __HYPERVISOR_arch_7:
		return copy((void *)b);
	case __HYPERVISOR_event_channel_op:
		if (a != EVTCHNOP_alloc_unbound || !get(port->dom) || port->remote_dom)
			return -EINVAL;
		port->port = ++get(port->dom)->ports;
		return 0;
	case __HYPERVISOR_hvm_op:
		if (a != HVMOP_set_param || !get(param->domid) || param->index >= 64)
			return -EINVAL;
		get(param->domid)->params[param->index] = param->value;
		return 0;
	}
	return -ENOSYS;
}

/* --- libxencall and libxenforeignmemory ------------------------------------------------ */

static bool fails(void)
{
	if (++fake_calls != fake_fail_at)
		return false;
	errno = fake_fail_with;
	return true;
}

xencall_handle *xencall_open(struct xentoollog_logger *logger, unsigned flags)
{
	return malloc(1);
}

int xencall_close(xencall_handle *x)
{
	free(x);
	return 0;
}

void *xencall_alloc_buffer(xencall_handle *x, size_t size)
{
	return malloc(size);
}

void xencall_free_buffer(xencall_handle *x, void *p)
{
	free(p);
}

long xencall2L(xencall_handle *x, unsigned op, uint64_t a, uint64_t b)
{
	long rc;

	if (fails())
		return -1;
	rc = call(op, a, b);
	if (rc >= 0)
		return rc;
	errno = -rc;
	return -1;
}

xenforeignmemory_handle *xenforeignmemory_open(struct xentoollog_logger *logger, unsigned flags)
{
	return malloc(1);
}

int xenforeignmemory_close(xenforeignmemory_handle *h)
{
	free(h);
	return 0;
}

xenforeignmemory_resource_handle *
xenforeignmemory_map_resource(xenforeignmemory_handle *h, domid_t domid, unsigned type, unsigned id,
                              unsigned long frame, unsigned long n, void **at, int prot, int flags)
{
	if (fails())
		return NULL;
	if (!get(domid) || type != XENMEM_resource_grant_table || id || frame || n != 1) {
		errno = EINVAL;
		return NULL;
	}
	*at = get(domid)->grants;
	return malloc(1);
}

int xenforeignmemory_unmap_resource(xenforeignmemory_handle *h, xenforeignmemory_resource_handle *r)
{
	free(r);
	return 0;
}
