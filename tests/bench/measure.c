/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * measure [-u FILE TEXT] COMMAND...: runs it in the control domain and prints two
 * numbers: the time that passed and the time that vCPUs ran, in ns, which are
 * instructions under -icount shift=0. With -u it ends when FILE holds TEXT, else
 * with COMMAND. The difference of the two is idle time, and the scheduler's.
 */
#include <fcntl.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <xen/xen.h>
#include <xen/sysctl.h>

struct privcmd_hypercall {
	uint64_t op, arg[5];
};
#define IOCTL_PRIVCMD_HYPERCALL _IOC(_IOC_NONE, 'P', 0, sizeof(struct privcmd_hypercall))

#define DOMAINS 256

static int privcmd;
static struct shared {
	xen_sysctl_t op;
	xen_domctl_getdomaininfo_t list[DOMAINS];
} * s;

static void die(const char *what)
{
	perror(what);
	exit(2);
}

/* The run time of all vCPUs of all domains. */
static uint64_t busy(void)
{
	struct privcmd_hypercall h = { __HYPERVISOR_sysctl, { (uintptr_t)&s->op } };
	uint64_t sum = 0;

	s->op.cmd = XEN_SYSCTL_getdomaininfolist;
	s->op.interface_version = XEN_SYSCTL_INTERFACE_VERSION;
	s->op.u.getdomaininfolist.first_domain = 0;
	s->op.u.getdomaininfolist.max_domains = DOMAINS;
	set_xen_guest_handle(s->op.u.getdomaininfolist.buffer, s->list);
	if (ioctl(privcmd, IOCTL_PRIVCMD_HYPERCALL, &h))
		die("getdomaininfolist");
	for (uint32_t i = 0; i < s->op.u.getdomaininfolist.num_domains; i++)
		sum += s->list[i].cpu_time;
	return sum;
}

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC_RAW, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static int holds(const char *file, const char *text)
{
	static char buf[1 << 20];
	FILE *f = fopen(file, "r");
	size_t n;

	if (!f)
		return 0;
	n = fread(buf, 1, sizeof(buf) - 1, f);
	fclose(f);
	return memmem(buf, n, text, strlen(text)) != NULL;
}

static void wait_for(int watch, const char *file, const char *text)
{
	char event[4096];

	while (!holds(file, text))
		if (read(watch, event, sizeof(event)) < 0)
			die("inotify");
}

int main(int argc, char **argv)
{
	const char *file = NULL, *text = NULL;
	uint64_t begin, ran;
	int status, watch = -1;
	posix_spawn_file_actions_t to_stderr;
	pid_t child;

	if (argc > 4 && !strcmp(argv[1], "-u")) {
		char folder[256];

		file = argv[2];
		text = argv[3];
		argv += 3;
		snprintf(folder, sizeof(folder), "%.*s", (int)(strrchr(file, '/') - file), file);
		watch = inotify_init();
		if (inotify_add_watch(watch, folder, IN_MODIFY | IN_CREATE) < 0)
			die(folder);
	}
	privcmd = open("/dev/xen/privcmd", O_RDWR | O_CLOEXEC);
	if (privcmd < 0)
		die("/dev/xen/privcmd");
	s = mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE,
	         MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE | MAP_LOCKED, -1, 0);
	if (s == MAP_FAILED)
		die("mmap");
	memset(s, 0, sizeof(*s));
	posix_spawn_file_actions_init(&to_stderr);
	posix_spawn_file_actions_adddup2(&to_stderr, 2, 1);
	ran = busy();
	begin = now();
	if (posix_spawnp(&child, argv[1], &to_stderr, NULL, argv + 1, environ) ||
	    waitpid(child, &status, 0) < 0)
		die(argv[1]);
	if (file)
		wait_for(watch, file, text);
	begin = now() - begin;
	ran = busy() - ran;
	printf("%lu %lu\n", begin, ran);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
