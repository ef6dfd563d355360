// SPDX-License-Identifier: GPL-2.0-only
/* The event loop: what has a file descriptor, and when to turn again. */
#include "froed.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

static int epoll_fd = -1;
static int next_ms;

void loop_open(void)
{
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (epoll_fd < 0)
		die("epoll: %s", strerror(errno));
}

void loop_serve(void)
{
	struct epoll_event e[64];
	int n = epoll_wait(epoll_fd, e, 64, next_ms);

	if (n < 0 && errno != EINTR)
		die("epoll: %s", strerror(errno));
	next_ms = -1;
	for (int i = 0; i < n; i++) {
		struct source *s = e[i].data.ptr;

		if (s->fd >= 0)
			s->ready(s, e[i].events);
	}
}

void loop_add(struct source *s, uint32_t events)
{
	struct epoll_event e = { events, { .ptr = s } };

	s->events = events;
	if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, s->fd, &e))
		die("epoll: %s", strerror(errno));
}

void loop_change(struct source *s, uint32_t events)
{
	struct epoll_event e = { events, { .ptr = s } };

	s->events = events;
	epoll_ctl(epoll_fd, EPOLL_CTL_MOD, s->fd, &e);
}

void loop_del(struct source *s)
{
	/* Closing it is not enough while a child that has just been started has it as well. */
	epoll_ctl(epoll_fd, EPOLL_CTL_DEL, s->fd, NULL);
	close(s->fd);
	s->fd = -1;
}

static struct dead {
	struct dead *next;
	void *memory;
} * dead;

void loop_free(void *memory)
{
	struct dead *d = xmalloc(sizeof(*d));

	*d = (struct dead){ dead, memory };
	dead = d;
}

void loop_reap(void)
{
	for (struct dead *d = dead, *next; d; d = next) {
		next = d->next;
		free(d->memory);
		free(d);
	}
	dead = NULL;
}

void loop_again(int ms)
{
	if (next_ms < 0 || ms < next_ms)
		next_ms = ms;
}

uint64_t loop_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000ull + t.tv_nsec / 1000000;
}
