// SPDX-License-Identifier: GPL-2.0-only
/*
 * Workers: froe, started to do what is to be done with a guest that has ended. What it says goes
 * into the log, and a lock says that it is at it, also to a froed that is started meanwhile.
 */
#include "guest.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

struct worker {
	struct list link;
	struct source out; /* what it says, for the log */
	uint16_t domid;
	const char *verb;
	int pid;
	uint32_t len;
	char line[200];
};

static struct list workers = { &workers, &workers };
static const char *dir;

void worker_open(const char *run_dir)
{
	dir = run_dir;
}

static const char *lock_name(uint16_t domid)
{
	static char path[4096];

	snprintf(path, sizeof(path), "%s/worker-%u.lock", dir, domid);
	return path;
}

void worker_forget(uint16_t domid)
{
	unlink(lock_name(domid));
}

static void worker_free(struct worker *w)
{
	if (w->out.fd >= 0)
		loop_del(&w->out);
	list_del(&w->link);
	loop_free(w);
}

static void worker_say(struct worker *w)
{
	if (w->len)
		log_line("%s %u: %.*s", w->verb, w->domid, (int)w->len, w->line);
	w->len = 0;
}

static void worker_ready(struct source *s, uint32_t events)
{
	struct worker *w = container_of(s, struct worker, out);
	char text[512];
	ssize_t n = read(s->fd, text, sizeof(text));

	for (ssize_t i = 0; i < n; i++) {
		if (text[i] == '\n' || w->len == sizeof(w->line))
			worker_say(w);
		if (text[i] != '\n')
			w->line[w->len++] = text[i];
	}
	if (n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR)))
		return;
	worker_say(w);
	loop_del(s);
	if (!w->pid)
		worker_free(w);
}

/*
 * A lock that the worker inherits and keeps until it ends: a froed that was started meanwhile sees
 * by it that the work is being done. -1: it is.
 */
static int take_lock(uint16_t domid)
{
	const char *path = lock_name(domid);
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB)) {
		close(fd);
		return -1;
	}
	if (fd < 0)
		die("%s: %s", path, strerror(errno));
	return fd;
}

static void run_child(int lock, int out, const char *verb, const char *option, uint16_t domid)
{
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	char number[8];
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setsid();
	/* It goes on when we end; what it then has to say nobody hears. */
	signal(SIGPIPE, SIG_IGN);
	dup2(null, 0);
	dup2(out, 1);
	dup2(out, 2);
	fcntl(lock, F_SETFD, 0);
	snprintf(number, sizeof(number), "%u", domid);
	execlp("froe", "froe", verb, number, option, NULL);
	dprintf(2, "froe: %s\n", strerror(errno));
	_exit(127);
}

bool worker_start(const char *verb, const char *option, uint16_t domid)
{
	int lock = take_lock(domid), out[2], pid;
	struct worker *w;

	if (lock < 0)
		return false;
	if (pipe2(out, O_CLOEXEC) || fcntl(out[0], F_SETFL, O_NONBLOCK))
		die("pipe: %s", strerror(errno));
	pid = fork();
	if (pid < 0)
		die("fork: %s", strerror(errno));
	if (!pid)
		run_child(lock, out[1], verb, option, domid);
	close(lock);
	close(out[1]);
	w = xcalloc(sizeof(*w));
	w->domid = domid;
	w->verb = verb;
	w->pid = pid;
	w->out = (struct source){ .fd = out[0], .ready = worker_ready };
	list_add(&w->link, &workers);
	loop_add(&w->out, EPOLLIN);
	return true;
}

void worker_ended(int pid, int status)
{
	struct worker *w;

	list_each(w, &workers, link) {
		if (w->pid != pid)
			continue;
		if (WIFSIGNALED(status))
			log_line("froe %s %u: ended by signal %d", w->verb, w->domid,
			         WTERMSIG(status));
		else if (WEXITSTATUS(status))
			log_line("froe %s %u: failed with status %d; the guest stays as it is",
			         w->verb, w->domid, WEXITSTATUS(status));
		worker_forget(w->domid);
		w->pid = 0;
		if (w->out.fd < 0)
			worker_free(w);
	}
}
