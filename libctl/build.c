/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Makes a guest of a configuration, and ends guests. Whatever fails on the way, nothing stays: the
 * domain goes, then what the store and /run/froe had of it.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include "build.h"

#define EVENTS_DEFAULT 1023 /* the largest port, as Xen's tools give */
#define SLACK          MIB  /* may have beyond its RAM: tables, rings, a balloon's rounding */
#define OVERHEAD       (256ul << 10)
#define OVERHEAD_VCPU  (32ul << 10)
#define OVERHEAD_SHARE 512 /* nested page tables, if all of them are of small pages */
#define WEIGHT_DEFAULT 256

/* --- what is in /run/froe --------------------------------------------------------------- */

/*
 * Of two that create a guest of one name at once, one has the lock. The file goes with the lock, so
 * whoever gets the lock looks whether it is still the file of that name. Names too long for a file
 * share the lock of those that begin alike.
 */
static int lock_name(struct froe *f, const char *name, char file[NAME_MAX + 1])
{
	char path[FROE_NAME_PATH];
	struct stat st;

	froe__name_path(name, path);
	*stpncpy(file, strrchr(path, '/') + 1, NAME_MAX) = 0;
	for (;;) {
		int fd = froe__run_open("lock", file, O_RDWR | O_CREAT);

		if (fd < 0)
			return froe__fail(f, errno == EACCES ? FROE_UNREACHABLE : FROE_FAIL,
			                  "run this as root in the control domain",
			                  "cannot write %s/lock/%s: %s", froe__run_folder(), file,
			                  strerror(errno));
		if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
			close(fd);
			return froe__fail(f, FROE_EXISTS, "wait for it, or choose another name",
			                  "a guest named '%s' is being created right now", name);
		}
		if (fstat(fd, &st) == 0 && st.st_nlink)
			return fd;
		close(fd);
	}
}

static void unlock_name(int fd, const char *file)
{
	froe__run_unlink("lock", file);
	close(fd);
}

/* The guest's configuration as it was given, for whoever has to build it again. */
static int keep_config(struct build *b)
{
	const char *text = b->c->text ? b->c->text : "";
	size_t size = strlen(text);
	char name[24];
	int fd, rc = 0;

	snprintf(name, sizeof(name), "%u.cfg", b->id);
	fd = froe__run_open("guest", name, O_WRONLY | O_CREAT | O_TRUNC);
	if (fd >= 0 && write(fd, text, size) != (ssize_t)size)
		rc = -1;
	if (fd < 0 || rc < 0)
		rc = froe__fail(b->f, FROE_BUILD, "", "cannot write %s/guest/%s: %s",
		                froe__run_folder(), name, strerror(errno));
	if (fd >= 0)
		close(fd);
	return rc;
}

static void drop_config(uint32_t id)
{
	char name[24];

	snprintf(name, sizeof(name), "%u.cfg", id);
	froe__run_unlink("guest", name);
}

/* --- the parts of a guest -------------------------------------------------------------- */

/* What it needs with all that is made for it, and what is free and nobody else's. */
static int measure(struct build *b, uint64_t *want, uint64_t *free)
{
	const struct froe_config *c = b->c;
	struct xen_sysctl_physinfo p;

	*want = c->memory + c->memory / OVERHEAD_SHARE + OVERHEAD + c->vcpus_max * OVERHEAD_VCPU;
	if (froe__physinfo(b->f, &p) < 0)
		return -1;
	*free = (p.free_pages + p.scrub_pages - p.outstanding_pages) * PAGE;
	return 0;
}

static int no_room(struct build *b, uint64_t want, uint64_t free)
{
	return froe__fail(b->f, FROE_NO_CAPACITY, "give it less memory, or end other guests",
	                  "%s: needs %lu MiB, and the host has %lu MiB free", b->c->name,
	                  (want + MIB - 1) / MIB, free / MIB);
}

static int admit(struct build *b)
{
	uint64_t want, free;

	if (measure(b, &want, &free) < 0)
		return -1;
	return want > free ? no_room(b, want, free) : 0;
}

/* Of those who were admitted to the same memory one gets it whole, not each a part. */
static int claim(struct build *b)
{
	struct xen_memory_reservation *r = froe__buffer(b->f, sizeof(*r));
	uint64_t want, free;
	long rc;

	if (!r)
		return -1;
	r->domid = (domid_t)b->id;
	r->nr_extents = b->c->memory / PAGE;
	rc = froe__hypercall(b->f, __HYPERVISOR_memory_op, XENMEM_claim_pages, (uintptr_t)r);
	if (rc == -ENOMEM && measure(b, &want, &free) == 0)
		return no_room(b, want, free);
	return rc < 0 ? froe__hyper_fail(b->f, rc, "claim the memory of", b->id) : 0;
}

/* A file that is missing or of no use: the build fails by it, whatever the file's own code is. */
static int unusable(struct build *b)
{
	return froe__fail(b->f, FROE_BUILD, b->f->hint, "%s", b->f->error);
}

static int read_files(struct build *b)
{
	const struct froe_config *c = b->c;
	const char *why;
	uint64_t need;

	if (b->kernel.data)
		return 0; /* replace() has read them */
	if (strlen(c->cmdline) > CMDLINE_MAX)
		return froe__fail(b->f, FROE_INVALID, "shorten it",
		                  "%s: the kernel's command line has %zu characters, at most %d",
		                  c->name, strlen(c->cmdline), CMDLINE_MAX);
	if (froe__kernel_map(b->f, c->kernel, &b->kernel) < 0)
		return unusable(b);
	if (froe__elf_parse(b->kernel.data, b->kernel.size, &b->elf, &why) < 0)
		return froe__fail(
			b->f, FROE_BUILD,
			"a guest's kernel is a bzImage or ELF file for x86 with CONFIG_PVH",
			"the kernel %s cannot be used: %s", c->kernel, why);
	if (c->ramdisk && froe__file_map(b->f, c->ramdisk, "initrd", &b->initrd) < 0)
		return unusable(b);
	why = froe__layout(&b->layout, c->memory, &b->elf, b->initrd.size, strlen(c->cmdline),
	                   c->vcpus_max, &need);
	if (!why)
		return 0;
	if (!need)
		return froe__fail(b->f, FROE_INVALID, "use another kernel or initrd", "%s: %s",
		                  c->name, why);
	return froe__fail(b->f, FROE_INVALID, "give it more memory", "%s: %s: %lu MiB at least",
	                  c->name, why, (need + MIB - 1) / MIB);
}

static int create_domain(struct build *b)
{
	struct xen_domctl *d = froe__domctl(b->f, XEN_DOMCTL_createdomain, DOMID_INVALID, 0, NULL);
	const struct froe_config *c = b->c;
	struct xen_domctl_createdomain *cf;
	long rc;

	if (!d)
		return -1;
	cf = &d->u.createdomain;
	cf->flags = XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_hap;
	cf->arch.emulation_flags = XEN_X86_EMU_LAPIC;
	cf->max_vcpus = c->vcpus_max;
	cf->max_evtchn_port = c->max_event_channels ? c->max_event_channels : EVENTS_DEFAULT;
	cf->max_grant_frames = c->max_grant_frames ? (int)c->max_grant_frames : -1;
	cf->max_maptrack_frames = c->max_maptrack_frames ? (int)c->max_maptrack_frames : -1;
	cf->grant_opts = XEN_DOMCTL_GRANT_version(1);
	memcpy(cf->handle, c->uuid, sizeof(cf->handle));
	rc = froe__domctl_call(b->f, d);
	if (rc == -ENOMEM || rc == -ENOSPC)
		return froe__fail(b->f, FROE_NO_CAPACITY, "end other guests",
		                  "%s: the hypervisor has no room for another domain", c->name);
	if (rc == -EINVAL)
		return froe__fail(b->f, FROE_INVALID,
		                  "lower vcpus, max_grant_frames or max_maptrack_frames",
		                  "%s: the hypervisor refuses a domain of that size", c->name);
	if (rc < 0)
		return froe__hyper_fail(b->f, rc, "create a domain", HOST);
	b->id = d->domain;
	return 0;
}

static int limit(struct build *b)
{
	const struct froe_config *c = b->c;
	uint64_t most = c->memory_max > c->memory ? c->memory_max : c->memory;
	struct xen_domctl *d = froe__domctl(b->f, XEN_DOMCTL_max_vcpus, b->id, 0, NULL);
	long rc;

	if (!d)
		return -1;
	d->u.max_vcpus.max = c->vcpus_max;
	rc = froe__domctl_call(b->f, d);
	if (rc < 0)
		return froe__hyper_fail(b->f, rc, "make the vCPUs of", b->id);
	d = froe__domctl(b->f, XEN_DOMCTL_max_mem, b->id, 0, NULL);
	if (!d)
		return -1;
	d->u.max_mem.max_memkb = (most + SLACK) >> 10;
	rc = froe__domctl_call(b->f, d);
	return rc < 0 ? froe__hyper_fail(b->f, rc, "limit the memory of", b->id) : 0;
}

static int schedule(struct build *b)
{
	const struct froe_config *c = b->c;
	struct froe_sched s = { c->weight ? c->weight : WEIGHT_DEFAULT, c->cap };

	if ((c->weight || c->cap) && froe_sched_set(b->f, b->id, &s) < 0)
		return -1;
	for (uint32_t i = 0; i < c->vcpus_max; i++)
		if (froe_vcpu_pin(b->f, b->id, i, c->hard ? &c->hard[i] : NULL,
		                  c->soft ? &c->soft[i] : NULL) < 0)
			return -1;
	return 0;
}

/* A port of the guest's that the control domain may bind. */
static int open_port(struct build *b, uint32_t *port)
{
	struct evtchn_alloc_unbound *a = froe__buffer(b->f, sizeof(*a));
	long rc;

	if (!a)
		return -1;
	a->dom = b->id;
	a->remote_dom = 0;
	rc = froe__hypercall(b->f, __HYPERVISOR_event_channel_op, EVTCHNOP_alloc_unbound,
	                     (uintptr_t)a);
	if (rc < 0)
		return froe__hyper_fail(b->f, rc, "open an event channel of", b->id);
	*port = a->port;
	return 0;
}

static int set_param(struct build *b, uint32_t index, uint64_t value)
{
	struct xen_hvm_param *p = froe__buffer(b->f, sizeof(*p));
	long rc;

	if (!p)
		return -1;
	p->domid = b->id;
	p->index = index;
	p->value = value;
	rc = froe__hypercall(b->f, __HYPERVISOR_hvm_op, HVMOP_set_param, (uintptr_t)p);
	return rc < 0 ? froe__hyper_fail(b->f, rc, "set a parameter of", b->id) : 0;
}

/* Where the guest finds its console and store, and the right to serve them. */
static int rings(struct build *b)
{
	if (open_port(b, &b->store_port) < 0 || open_port(b, &b->console_port) < 0 ||
	    set_param(b, HVM_PARAM_STORE_PFN, STORE_GFN) < 0 ||
	    set_param(b, HVM_PARAM_STORE_EVTCHN, b->store_port) < 0 ||
	    set_param(b, HVM_PARAM_CONSOLE_PFN, CONSOLE_GFN) < 0 ||
	    set_param(b, HVM_PARAM_CONSOLE_EVTCHN, b->console_port) < 0)
		return -1;
	return froe__seed_grants(b->f, b->id, CONSOLE_GFN, STORE_GFN);
}

/* --- create and destroy ---------------------------------------------------------------- */

/*
 * What it takes the place of goes first: they have one name, and mostly one memory. Files that are
 * missing or of no use are found before that.
 */
static int replace(struct build *b, const struct froe_create *how)
{
	struct froe_domain d;

	if (!how || !how->instead)
		return 0;
	if (froe_domain_info(b->f, how->instead, &d) < 0)
		return -1;
	if (!(d.flags & FROE_SHUTDOWN))
		return froe__fail(b->f, FROE_USAGE, "ask it to shut down, or destroy it",
		                  "domain %u has not ended", d.id);
	if (read_files(b) < 0)
		return -1;
	if (how->keep)
		return froe__set_aside(b->f, d.id);
	b->restart = froe__restart_begin(b->f, &d);
	return b->restart < 0 ? -1 : froe_domain_destroy(b->f, d.id);
}

static int build(struct build *b, const struct froe_create *how)
{
	if (replace(b, how) < 0 || froe__tree_check(b) < 0 || admit(b) < 0 || read_files(b) < 0 ||
	    create_domain(b) < 0 || limit(b) < 0 || claim(b) < 0 || schedule(b) < 0 ||
	    froe__load(b) < 0 || froe__load_vcpu(b) < 0 || rings(b) < 0 || keep_config(b) < 0 ||
	    froe__tree_write(b) < 0)
		return -1;
	return how && how->paused ? 0 : froe_domain_unpause(b->f, b->id);
}

/* With a handle of its own, so that what failed first is what is reported. */
static void unbuild(struct build *b)
{
	struct froe *f = froe_open();

	if (!f)
		return;
	froe__domctl_simple(f, XEN_DOMCTL_destroydomain, b->id, "destroy");
	froe__tree_remove(f, b->id);
	drop_config(b->id);
	froe_close(f);
}

int froe_domain_create(struct froe *f, const struct froe_config *c, const struct froe_create *how,
                       uint32_t *id)
{
	struct build b = { .f = f, .c = c, .restart = -1 };
	char lock[NAME_MAX + 1];
	int fd = lock_name(f, c->name, lock), rc;

	if (fd < 0)
		return -1;
	rc = build(&b, how);
	if (rc < 0 && b.id)
		unbuild(&b);
	froe__file_unmap(&b.kernel);
	froe__file_unmap(&b.initrd);
	if (b.restart >= 0)
		froe__restart_end(how->instead, b.restart);
	unlock_name(fd, lock);
	if (rc == 0 && id)
		*id = b.id;
	return rc;
}

int froe_domain_destroy(struct froe *f, uint32_t id)
{
	if (!id)
		return froe__fail(f, FROE_USAGE, "poweroff ends it, and the machine with it",
		                  "domain 0 is the control domain");
	/* It keeps its name while it dies. */
	if (froe__domctl_simple(f, XEN_DOMCTL_destroydomain, id, "destroy") < 0)
		return -1;
	drop_config(id);
	/* With no store it is gone all the same; froed tidies when it comes back. */
	return froe__tree_remove(f, id) < 0 && froe_code(f) != FROE_UNREACHABLE ? -1 : 0;
}
