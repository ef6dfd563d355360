/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The way to the hypervisor: one buffer for arguments, domctl and sysctl, their errors.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <xencall.h>
#include <xentoollog.h>
#include "hyper.h"

#define BUFFER_SIZE (4 * PAGE)
#define AS_ROOT     "run this as root in the control domain of a host that Froe has booted"

/* libxencall says on its own what it could not open; the library does not print. */
static void say_nothing(struct xentoollog_logger *logger, xentoollog_level level, int error,
                        const char *context, const char *format, va_list args)
{
}

static struct xentoollog_logger silent = { .vmessage = say_nothing };
struct xentoollog_logger *const froe__silent = &silent;

static int open_hypervisor(struct froe *f)
{
	if (f->call)
		return 0;
	f->call = xencall_open(&silent, 0);
	if (!f->call)
		return froe__fail(f, FROE_UNREACHABLE, AS_ROOT,
		                  "cannot reach the hypervisor: /dev/xen/privcmd: %s",
		                  strerror(errno));
	return 0;
}

void *froe__buffer(struct froe *f, size_t size)
{
	if (open_hypervisor(f) < 0)
		return NULL;
	if (f->buffer_size < size || !f->buffer) {
		xencall_free_buffer(f->call, f->buffer);
		f->buffer_size = size > BUFFER_SIZE ? size : BUFFER_SIZE;
		f->buffer = xencall_alloc_buffer(f->call, f->buffer_size);
		if (!f->buffer) {
			f->buffer_size = 0;
			froe__nomem(f);
			return NULL;
		}
	}
	return memset(f->buffer, 0, size);
}

long froe__hypercall(struct froe *f, unsigned nr, uint64_t a, uint64_t b)
{
	long rc = xencall2L(f->call, nr, a, b);

	return rc == -1 ? -errno : rc;
}

/* Behind the argument, on a cache line of its own. */
static void *room(struct froe *f, size_t argument, size_t extra, void *more)
{
	char *buffer;

	argument = (argument + 63) & ~63ul;
	buffer = froe__buffer(f, argument + extra);
	if (buffer && more)
		*(void **)more = buffer + argument;
	return buffer;
}

struct xen_domctl *froe__domctl(struct froe *f, uint32_t cmd, uint32_t domain, size_t extra,
                                void *more)
{
	struct xen_domctl *d = room(f, sizeof(*d), extra, more);

	if (d) {
		d->cmd = cmd;
		d->interface_version = XEN_DOMCTL_INTERFACE_VERSION;
		d->domain = domain;
	}
	return d;
}

long froe__domctl_call(struct froe *f, struct xen_domctl *d)
{
	return froe__hypercall(f, __HYPERVISOR_domctl, (uintptr_t)d, 0);
}

struct xen_sysctl *froe__sysctl(struct froe *f, uint32_t cmd, size_t extra, void *more)
{
	struct xen_sysctl *s = room(f, sizeof(*s), extra, more);

	if (s) {
		s->cmd = cmd;
		s->interface_version = XEN_SYSCTL_INTERFACE_VERSION;
	}
	return s;
}

long froe__sysctl_call(struct froe *f, struct xen_sysctl *s)
{
	return froe__hypercall(f, __HYPERVISOR_sysctl, (uintptr_t)s, 0);
}

int froe__domctl_simple(struct froe *f, uint32_t cmd, uint32_t domain, const char *what)
{
	struct xen_domctl *d = froe__domctl(f, cmd, domain, 0, NULL);
	long rc;

	if (!d)
		return -1;
	rc = froe__domctl_call(f, d);
	return rc < 0 ? froe__hyper_fail(f, rc, what, domain) : 0;
}

int froe__hyper_fail(struct froe *f, long rc, const char *what, uint32_t domain)
{
	char name[24] = "";

	if (domain != HOST)
		sprintf(name, rc == -ESRCH ? "%u" : " domain %u", domain);
	if (rc == -ESRCH && domain != HOST)
		return froe__no_domain(f, name);
	if (rc == -EPERM || rc == -ENOENT)
		return froe__fail(f, FROE_UNREACHABLE, AS_ROOT,
		                  "the hypervisor refuses to %s%s: %s", what, name, strerror(-rc));
	if (rc == -EACCES || rc == -ENOSYS)
		return froe__fail(f, FROE_UNREACHABLE,
		                  "are the tools and the hypervisor of the same version?",
		                  "the hypervisor does not know how to %s%s: %s", what, name,
		                  strerror(-rc));
	return froe__fail(f, rc == -ENOMEM ? FROE_NO_CAPACITY : FROE_FAIL,
	                  "froe dmesg may say more", "cannot %s%s: %s", what, name, strerror(-rc));
}

void froe__hyper_close(struct froe *f)
{
	if (!f->call)
		return;
	xencall_free_buffer(f->call, f->buffer);
	xencall_close(f->call);
}
