// SPDX-License-Identifier: GPL-2.0-only
/* The daemon: its command line, how it starts, and what happens in each turn. */
#include "console.h"
#include "guest.h"
#include "journal.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>

#define VERSION "0.1"

static const char *socket_path = "/run/xenstored/socket", *run_dir = "/run/froe";
static const char *log_dir = "/var/log/froe";
static bool foreground, store_only;

/*
 * One turn: what is there is served, then committed as a whole, and then only can anybody see what
 * came of it.
 */
static void turn(void)
{
	struct conn *c;

	loop_serve();
	list_each(c, &conn_all, all)
		if (c->more && !c->gone)
			socket_serve(c);
	if (!store_only)
		life_serve();
	guest_serve();
	guest_stage();
	journal_commit();
	guest_publish();
	list_each(c, &conn_all, all)
		if (!c->ring && !c->gone)
			socket_flush(c);
	guest_reap();
	conn_reap();
	loop_reap();
}

/* --- signals ------------------------------------------------------------------------------ */

static void signal_ready(struct source *s, uint32_t events)
{
	struct signalfd_siginfo info;

	int pid, status;

	if (read(s->fd, &info, sizeof(info)) != sizeof(info))
		return;
	if (info.ssi_signo == SIGCHLD) {
		while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
			worker_ended(pid, status);
		return;
	}
	/* The journal is good at any time: there is nothing to be put in order. */
	log_line("ends; guests wait until it is started again");
	exit(0);
}

static void signals_open(void)
{
	static struct source s = { .ready = signal_ready };
	sigset_t set;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	s.fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	loop_add(&s, EPOLLIN);
}

/* --- the start ------------------------------------------------------------------------- */

static void usage(FILE *to)
{
	fprintf(to,
	        "usage: froed [-Fv] [--store-only] [--socket PATH] [--run-dir DIR] [--log-dir DIR]\n"
	        "       froed --help | --version\n");
}

static void options(int argc, char **argv)
{
	static const struct option known[] = {
		{ "foreground", no_argument, NULL, 'F' },
		{ "verbose", no_argument, NULL, 'v' },
		{ "store-only", no_argument, NULL, 'S' },
		{ "socket", required_argument, NULL, 's' },
		{ "run-dir", required_argument, NULL, 'r' },
		{ "log-dir", required_argument, NULL, 'l' },
		{ "version", no_argument, NULL, 'V' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	int o;

	while ((o = getopt_long(argc, argv, "Fv", known, NULL)) >= 0) {
		switch (o) {
		case 'F':
			foreground = true;
			break;
		case 'v':
			log_verbose = true;
			break;
		case 'S':
			store_only = proto_pretend = true;
			break;
		case 's':
			socket_path = optarg;
			break;
		case 'r':
			run_dir = optarg;
			break;
		case 'l':
			log_dir = optarg;
			break;
		case 'V':
			puts("froed " VERSION);
			exit(0);
		case 'h':
			usage(stdout);
			exit(0);
		default:
			usage(stderr);
			exit(2);
		}
	}
	if (optind < argc) {
		fprintf(stderr, "froed: %s: takes no arguments\n", argv[optind]);
		exit(2);
	}
}

/* One file's name in the run directory, for good. */
static const char *in_run_dir(const char *name)
{
	char *path;

	if (asprintf(&path, "%s/%s", run_dir, name) < 0)
		die("out of memory");
	return path;
}

static void make_dir(const char *path)
{
	char part[4096];

	snprintf(part, sizeof(part), "%s", path);
	for (char *p = part + 1; (p = strchr(p, '/')); *p++ = '/') {
		*p = 0;
		mkdir(part, 0755);
	}
}

/* The lock lives as long as the process, and says that there is one; who may open it can lock it.
 */
static int take_lock(void)
{
	static const char *path;
	int fd;

	path = in_run_dir("froed.pid");
	make_dir(path);
	make_dir(socket_path);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		die("%s: %s", path, strerror(errno));
	if (flock(fd, LOCK_EX | LOCK_NB))
		die("%s: another froed is running", path);
	return fd;
}

/* The parent waits here until the child is ready, and ends with what became of it. */
static int detach(void)
{
	int pipe_fd[2];
	char ok;

	if (foreground)
		return -1;
	if (pipe(pipe_fd))
		die("pipe: %s", strerror(errno));
	switch (fork()) {
	case -1:
		die("fork: %s", strerror(errno));
	case 0:
		close(pipe_fd[0]);
		setsid();
		return pipe_fd[1];
	}
	close(pipe_fd[1]);
	exit(read(pipe_fd[0], &ok, 1) == 1 ? 0 : 1);
}

static const char *log_file(void)
{
	static char path[4096];

	snprintf(path, sizeof(path), "%s/froed.log", log_dir);
	make_dir(path);
	return path;
}

static void ready(int lock, int parent)
{
	char pid[16];
	int len = sprintf(pid, "%d\n", getpid()), null;

	if (ftruncate(lock, 0) || pwrite(lock, pid, len, 0) != len)
		die("%s/froed.pid: %s", run_dir, strerror(errno));
	if (parent < 0)
		return;
	null = open("/dev/null", O_RDWR);
	if (chdir("/") || null < 0)
		die("/dev/null: %s", strerror(errno));
	for (int fd = 0; fd < 3; fd++)
		dup2(null, fd);
	close(null);
	log_open(log_file());
	if (write(parent, "", 1) != 1)
		log_line("nobody waited for the start");
	close(parent);
}

/* What is there from the beginning, or since a journal was damaged. */
static void first_nodes(void)
{
	static const char *const first[][2] = {
		{ "/tool/xenstored", "" },
		{ "/vm", "" },
		{ "/local/domain/0/domid", "0" },
		{ "/local/domain/0/name", "Domain-0" },
	};

	for (size_t i = 0; i < sizeof(first) / sizeof(first[0]); i++)
		if (!node_find(store_root(), first[i][0]))
			store_set(first[i][0], first[i][1]);
}

static void consoles_open(void)
{
	static const char *dir;

	if (store_only)
		return;
	dir = in_run_dir("console/");
	make_dir(dir);
	console_dir = dir;
	if (asprintf((char **)&dir, "%s/", log_dir) < 0)
		die("out of memory");
	make_dir(dir);
	console_log_dir = log_dir;
}

int main(int argc, char **argv)
{
	struct rlimit files;
	static const char *journal;
	int parent, lock;

	options(argc, argv);
	openlog("froed", LOG_PID, LOG_DAEMON);
	if (!getrlimit(RLIMIT_NOFILE, &files)) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	parent = detach();
	lock = take_lock();
	loop_open();
	signals_open();
	store_init();
	journal = in_run_dir("froed.journal");
	journal_open(journal);
	first_nodes();
	consoles_open();
	guest_open(store_only);
	if (!store_only) {
		life_open(run_dir);
		console_tidy();
	}
	socket_open(socket_path);
	journal_commit();
	ready(lock, parent);
	for (;;)
		turn();
}
