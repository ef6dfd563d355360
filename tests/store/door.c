// SPDX-License-Identifier: GPL-2.0-only
/*
 * The doors of a froed under test: a guest's page is a file, its event channel a pair of FIFOs, and
 * the list of domains a text. All of it lies in the folder that FROED_DOORS names, and outlives
 * the daemon as a guest would:
 *
 *	DOMID.REF		page of a grant
 *	DOMID.PORT.guest	a byte for each event to the guest
 *	DOMID.PORT.froed	and from it
 *	domains			a line each: number, "dying" or "-", reason of its shutdown or "-"
 *	deaths			FIFO: look at the list
 */
#include "../../daemon/guest.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
	PORTS = 1024,
	DEATHS = 1023,
};

static const char *dir;
static struct port {
	struct source from;
	int to;
} ports[PORTS];

static const char *name(const char *fmt, ...)
{
	static char path[4096];
	va_list args;
	int n = snprintf(path, sizeof(path), "%s/", dir);

	va_start(args, fmt);
	vsnprintf(path + n, sizeof(path) - n, fmt, args);
	va_end(args);
	return path;
}

void door_open(void)
{
	dir = getenv("FROED_DOORS");
	if (!dir)
		die("FROED_DOORS is not set");
	for (int i = 0; i < PORTS; i++)
		ports[i].from.fd = ports[i].to = -1;
}

void *door_map(uint16_t domid, uint32_t ref)
{
	int fd = open(name("%u.%u", domid, ref), O_RDWR | O_CLOEXEC);
	void *page = fd < 0 ? MAP_FAILED
	                    : mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (fd >= 0)
		close(fd);
	return page == MAP_FAILED ? NULL : page;
}

void door_unmap(void *page)
{
	munmap(page, 4096);
}

void *door_own_ring(uint32_t *port)
{
	*port = 1;
	return door_map(0, 1);
}

static void ready(struct source *s, uint32_t events)
{
	struct port *p = container_of(s, struct port, from);
	char many[256];

	if (read(s->fd, many, sizeof(many)) > 0)
		guest_event(p - ports);
}

static int open_port(int local, const char *path)
{
	int fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	ports[local].from = (struct source){ .fd = fd, .ready = ready };
	loop_add(&ports[local].from, EPOLLIN);
	return local;
}

int door_bind(uint16_t domid, uint32_t port)
{
	int local = 1, rc;

	while (ports[local].from.fd >= 0)
		local++;
	rc = open_port(local, name("%u.%u.froed", domid, port));
	if (rc > 0)
		ports[local].to = open(name("%u.%u.guest", domid, port),
		                       O_RDWR | O_NONBLOCK | O_CLOEXEC);
	return rc;
}

int door_bind_deaths(void)
{
	return open_port(DEATHS, name("deaths"));
}

void door_unbind(int port)
{
	loop_del(&ports[port].from);
	close(ports[port].to);
	ports[port].to = -1;
}

void door_notify(int port)
{
	if (write(ports[port].to, "", 1) < 0 && errno != EAGAIN)
		die("port %d: %s", port, strerror(errno));
}

void door_unmask(int port)
{
}

int door_domains(struct domain_state **list)
{
	FILE *f = fopen(name("domains"), "r");
	unsigned int domid;
	char dying[16], reason[16];
	int count = 0;

	*list = NULL;
	while (f && fscanf(f, "%u %15s %15s", &domid, dying, reason) == 3) {
		*list = xrealloc(*list, (count + 1) * sizeof(**list));
		(*list)[count++] = (struct domain_state){ domid, *dying == 'd', *reason != '-',
			                                  atoi(reason) };
	}
	if (f)
		fclose(f);
	return count;
}
