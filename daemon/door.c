// SPDX-License-Identifier: GPL-2.0-only
/* The doors to the hypervisor: /dev/xen/evtchn, gntdev, privcmd and xenbus_backend. */
#include "guest.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xen/domctl.h>
#include <xen/sysctl.h>
#include <xencall.h>
#include <xenevtchn.h>
#include <xengnttab.h>

#define BACKEND        "/dev/xen/xenbus_backend"
#define BACKEND_EVTCHN _IOC(_IOC_NONE, 'B', 0, 0)

enum {
	PORTS_PER_READ = 64,
	LIST_STEP = 128
};

static xenevtchn_handle *events;
static xengnttab_handle *grants;
static xencall_handle *calls;
static struct source fired;

static void fired_ready(struct source *s, uint32_t what)
{
	uint32_t port[PORTS_PER_READ];
	ssize_t n = read(s->fd, port, sizeof(port));

	(void)what;
	for (ssize_t i = 0; i < n / (ssize_t)sizeof(port[0]); i++)
		guest_event(port[i]);
}

void door_open(void)
{
	events = xenevtchn_open(NULL, 0);
	grants = xengnttab_open(NULL, 0);
	calls = xencall_open(NULL, 0);
	if (!events || !grants || !calls)
		die("no way to the hypervisor: %s; are xen-evtchn, xen-gntdev and xen-privcmd "
		    "loaded? (--store-only does without)",
		    strerror(errno));
	fired = (struct source){ .fd = xenevtchn_fd(events), .ready = fired_ready };
	fcntl(fired.fd, F_SETFL, O_NONBLOCK);
	loop_add(&fired, EPOLLIN);
}

void *door_map(uint16_t domid, uint32_t ref)
{
	return xengnttab_map_grant_ref(grants, domid, ref, PROT_READ | PROT_WRITE);
}

void door_unmap(void *page)
{
	xengnttab_unmap(grants, page, 1);
}

void *door_own_ring(uint32_t *port)
{
	int fd = open(BACKEND, O_RDWR | O_CLOEXEC), rc = -1;
	void *page = MAP_FAILED;

	if (fd >= 0)
		rc = ioctl(fd, BACKEND_EVTCHN);
	if (rc > 0)
		page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (fd >= 0)
		close(fd);
	*port = rc;
	return page == MAP_FAILED ? NULL : page;
}

int door_bind(uint16_t domid, uint32_t port)
{
	int local = xenevtchn_bind_interdomain(events, domid, port);

	return local < 0 ? -errno : local;
}

int door_bind_deaths(void)
{
	int local = xenevtchn_bind_virq(events, VIRQ_DOM_EXC);

	return local < 0 ? -errno : local;
}

void door_unbind(int port)
{
	xenevtchn_unbind(events, port);
}

void door_notify(int port)
{
	xenevtchn_notify(events, port);
}

void door_unmask(int port)
{
	xenevtchn_unmask(events, port);
}

/* One step of the list into `info`, from `first` on. */
static int list_step(uint16_t first, xen_domctl_getdomaininfo_t *info)
{
	struct xen_sysctl *op = xencall_alloc_buffer(calls, sizeof(*op));
	int rc = -ENOMEM;

	if (!op)
		return rc;
	memset(op, 0, sizeof(*op));
	op->cmd = XEN_SYSCTL_getdomaininfolist;
	op->interface_version = XEN_SYSCTL_INTERFACE_VERSION;
	op->u.getdomaininfolist.first_domain = first;
	op->u.getdomaininfolist.max_domains = LIST_STEP;
	set_xen_guest_handle(op->u.getdomaininfolist.buffer, info);
	rc = xencall1(calls, __HYPERVISOR_sysctl, (uintptr_t)op);
	rc = rc < 0 ? -errno : (int)op->u.getdomaininfolist.num_domains;
	xencall_free_buffer(calls, op);
	return rc;
}

int door_domains(struct domain_state **list)
{
	xen_domctl_getdomaininfo_t *info = xencall_alloc_buffer(calls, LIST_STEP * sizeof(*info));
	int count = 0, n = info ? LIST_STEP : -ENOMEM;

	*list = NULL;
	while (n == LIST_STEP) {
		n = list_step(count ? (*list)[count - 1].domid + 1 : 0, info);
		if (n <= 0)
			break;
		*list = xrealloc(*list, (count + n) * sizeof(**list));
		for (int i = 0; i < n; i++)
			(*list)[count++] = (struct domain_state){
				.domid = info[i].domain,
				.dying = info[i].flags & XEN_DOMINF_dying,
				.shutdown = info[i].flags & XEN_DOMINF_shutdown,
				.reason = info[i].flags >> XEN_DOMINF_shutdownshift &
				          XEN_DOMINF_shutdownmask,
			};
	}
	if (info)
		xencall_free_buffer(calls, info);
	return n < 0 ? n : count;
}
