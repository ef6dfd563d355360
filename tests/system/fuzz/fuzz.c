// SPDX-License-Identifier: GPL-2.0-only
/*
 * Random hypercalls from the booted control domain, as root through /dev/xen/privcmd: the same ones
 * for the same seed, from one process on each CPU. Whatever is asked, the kernel must live.
 *
 * The control domain may do to itself what it likes, so what would rightly end or cripple it is
 * left out, and nothing else:
 *
 *   sched_op       shutdown, remote_shutdown, watchdog: they end the machine
 *   vcpu_op        areas that the hypervisor writes to are never in mapped memory, which is the
 *                  kernel's soon after this program ended; the kernel's timer is never stopped nor
 *                  set to later than now, for nobody would set it again
 *   event channels close, bind_vcpu, unmask and binding to an unbound port take ports of this
 *                  program or numbers that are no port; reset would close the kernel's
 *   memory_op      frames are pages of this program, which it brings back after the call, or no
 *                  memory; extents there have one frame. shared_info and the first grant frames are
 *                  not mapped anew, because that takes them away from the kernel
 *   hvm_op         how the kernel is told of events (callback, upcall vector) stays
 *   console_io     what is typed is not read away
 *   pointers       are this program's or nobody's: a reply into kernel memory is what was asked for
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include "fuzz.h"
#include <xen/sys/privcmd.h>

static int privcmd;
static unsigned long calls, answers[4]; /* zero, positive, ENOSYS, other errors */

static long hypercall(uint64_t nr, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e)
{
	struct privcmd_hypercall call = { .op = nr, .arg = { a, b, c, d, e } };
	long rc = ioctl(privcmd, IOCTL_PRIVCMD_HYPERCALL, &call);

	calls++;
	return rc;
}

static void count(long rc)
{
	answers[rc == 0 ? 0 : rc > 0 ? 1 : rc == -38 ? 2 : 3]++;
}

/* ioctl() gives an error as errno. */
static long result(long rc)
{
	return rc == -1 ? -errno : rc;
}

static void bring_frames_back(void)
{
	struct xen_memory_reservation op = { .nr_extents = 1, .domid = DOMID_SELF };
	xen_pfn_t number;

	set_xen_guest_handle(op.extent_start, &number);
	for (unsigned int i = 0; i < FRAMES; i++) {
		number = gfn[i];
		hypercall(__HYPERVISOR_memory_op, XENMEM_populate_physmap, (uint64_t)&op, 0, 0, 0);
		if (*(volatile uint64_t *)(frames + i * PAGE) != GUARD) {
			printf("fuzz: frame %#lx came back with other contents\n", gfn[i]);
			exit(1);
		}
	}
}

static void keep_port(uint32_t port)
{
	if (port_count < COUNT(ports))
		ports[port_count++] = port;
	else
		hypercall(__HYPERVISOR_event_channel_op, EVTCHNOP_close,
		          (uint64_t) & (struct evtchn_close){ port }, 0, 0, 0);
}

static void finish(const struct call *c, long rc)
{
	if (c->port && !rc)
		keep_port(*c->port);
	if (c->frames_moved)
		bring_frames_back();
}

static void single(void)
{
	struct call c;
	long rc;

	make(&c);
	rc = result(hypercall(c.nr, c.arg[0], c.arg[1], c.arg[2], c.arg[3], c.arg[4]));
	count(rc);
	finish(&c, rc);
}

/*
 * Several at once. What they point at overlaps, so those whose arguments matter (above) go alone.
 */
static void multi(void)
{
	struct multicall_entry *list = (void *)(frames + FRAMES * PAGE);
	uint64_t n = below(40);
	struct call c;

	for (uint64_t i = 0; i < n; i++) {
		do
			make(&c);
		while (c.nr == __HYPERVISOR_vcpu_op || c.nr == __HYPERVISOR_hvm_op ||
		       c.nr == __HYPERVISOR_event_channel_op || c.nr == __HYPERVISOR_memory_op ||
		       c.nr == __HYPERVISOR_grant_table_op);
		if (!below(16))
			c.nr = __HYPERVISOR_multicall;
		list[i] = (struct multicall_entry){ .op = c.nr };
		memcpy(list[i].args, c.arg, sizeof(c.arg));
	}
	count(result(hypercall(__HYPERVISOR_multicall, below(16) ? (uint64_t)list : nowhere(),
	                       below(32) ? n : 40 + below(10), 0, 0, 0)));
}

static void close_ports(void)
{
	while (port_count) {
		struct evtchn_close op = { ports[--port_count] };

		hypercall(__HYPERVISOR_event_channel_op, EVTCHNOP_close, (uint64_t)&op, 0, 0, 0);
	}
}

/* Frame numbers of our own pages: in the control domain they are the machine's. */
static void find_frames(void)
{
	int map = open("/proc/self/pagemap", O_RDONLY);

	for (unsigned int i = 0; i < FRAMES; i++) {
		uint64_t entry = 0;

		*(volatile uint64_t *)(frames + i * PAGE) = GUARD;
		if (pread(map, &entry, 8, (off_t)((uint64_t)(frames + i * PAGE) / PAGE * 8)) != 8 ||
		    !(gfn[i] = entry & ((1ull << 55) - 1))) {
			printf("fuzz: no frame numbers in /proc/self/pagemap\n");
			exit(1);
		}
	}
	close(map);
}

static void work(unsigned int on, uint64_t seed, unsigned long n)
{
	cpu_set_t one;
	int pages = open("/dev/xen/hypercall", O_RDWR);

	cpu = on;
	state = seed + on;
	CPU_ZERO(&one);
	CPU_SET(on, &one);
	privcmd = open("/dev/xen/privcmd", O_RDWR);
	area = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE,
	            MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	/* The kernel never moves these pages; behind our frames is room for a multicall's list. */
	frames = mmap(NULL, (FRAMES + 2) * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, pages, 0);
	if (sched_setaffinity(0, sizeof(one), &one) || privcmd < 0 || area == MAP_FAILED ||
	    frames == MAP_FAILED || mprotect(area + 2 * PAGE, PAGE, PROT_READ) ||
	    munmap(area + 3 * PAGE, PAGE)) {
		perror("fuzz: set-up");
		exit(1);
	}
	find_frames();
	while (calls < n) {
		if (below(12))
			single();
		else
			multi();
	}
	close_ports();
	bring_frames_back();
	printf("fuzz: CPU %u: %lu calls: %lu zero, %lu positive, %lu ENOSYS, %lu other errors\n",
	       on, calls, answers[0], answers[1], answers[2], answers[3]);
	exit(0);
}

int main(int argc, char **argv)
{
	uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;
	unsigned long n = argc > 2 ? strtoul(argv[2], NULL, 0) : 100000;
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	int status, bad = 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	for (long i = 0; i < cpus; i++)
		if (!fork())
			work((unsigned int)i, seed, n / (unsigned long)cpus);
	while (wait(&status) > 0)
		bad |= status;
	printf("fuzz: %s\n", bad ? "failed" : "done");
	return bad != 0;
}
