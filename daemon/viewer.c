// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who looks at a console: clients of its socket, each at an offset of its own, and the pty that
 * stock tools open. One client types, the others watch.
 */
#include "console.h"
#include "guest.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <termios.h>
#include <unistd.h>

enum {
	GREETING_MAX = 64,
	VIEWERS_MAX = 16,
	CHUNK = 1024
};

struct viewer {
	struct list link; /* in console->viewers */
	struct source s;
	struct console *console;
	bool greeted, gone;
	uint64_t at;
	uint32_t len;
	char line[GREETING_MAX];
};

static void viewer_drop(struct viewer *v)
{
	if (v->gone)
		return;
	v->gone = true;
	if (v->console->writer == v)
		v->console->writer = NULL;
	list_del(&v->link);
	loop_del(&v->s);
	loop_free(v);
}

/* --- output -------------------------------------------------------------------------- */

static void set_events(struct viewer *v, bool behind)
{
	bool types = v->greeted && v->console->writer == v;
	uint32_t events = (!types || console_room(v->console) ? EPOLLIN : 0) |
	                  (behind ? EPOLLOUT : 0);

	if (events != v->s.events)
		loop_change(&v->s, events);
}

/* One that is left behind is sent away: it comes back with its offset and sees what it missed. */
static void viewer_send(struct viewer *v)
{
	const char *text;
	uint32_t n;

	if (v->at < console_start(v->console)) {
		viewer_drop(v);
		return;
	}
	while ((n = console_text(v->console, v->at, &text))) {
		ssize_t done = send(v->s.fd, text, n, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (done < 0 && errno != EAGAIN && errno != EINTR) {
			viewer_drop(v);
			return;
		}
		if (done < 0)
			break;
		v->at += done;
	}
	set_events(v, n);
}

void viewer_update(struct console *c)
{
	struct viewer *v;

	list_each(v, &c->viewers, link)
		if (v->greeted)
			viewer_send(v);
}

/* --- the first line --------------------------------------------------------------------- */

static void say(struct viewer *v, const char *fmt, ...)
{
	char text[128];
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (send(v->s.fd, text, n, MSG_DONTWAIT | MSG_NOSIGNAL) != n)
		viewer_drop(v);
}

/* "froe-console 1 OFFSET", or - for all that is kept; " ro" behind it: only to watch. */
static void greet(struct viewer *v)
{
	struct console *c = v->console;
	char offset[24], mode[4] = "";
	unsigned long long at = 0;
	char none[] = "", *end = none;
	int n = sscanf(v->line, "froe-console 1 %23s %3s", offset, mode);

	if (n >= 1 && strcmp(offset, "-"))
		at = strtoull(offset, &end, 10);
	if (n < 1 || *end || (*mode && strcmp(mode, "ro") && strcmp(mode, "rw"))) {
		say(v, "ERR not understood: froe-console 1 OFFSET\n");
		viewer_drop(v);
		return;
	}
	/* An offset that never was belongs to somebody else's past. */
	if (at < console_start(c) || at > c->past->end || !strcmp(offset, "-"))
		at = console_start(c);
	if (!c->writer && strcmp(mode, "ro"))
		c->writer = v;
	v->at = at;
	v->greeted = true;
	say(v, "OK %llu %s\n", at, c->writer == v ? "rw" : "ro");
	if (!v->gone)
		viewer_send(v);
}

/* Byte by byte only in the first line: what follows it is typed. */
static void read_line(struct viewer *v)
{
	char text[GREETING_MAX];
	ssize_t n = recv(v->s.fd, text, sizeof(text), MSG_PEEK | MSG_DONTWAIT), take;
	const char *newline;

	if (n <= 0) {
		if (n == 0 || errno != EAGAIN)
			viewer_drop(v);
		return;
	}
	newline = memchr(text, '\n', n);
	take = newline ? newline - text + 1 : n;
	if (v->len + take >= GREETING_MAX) {
		viewer_drop(v);
		return;
	}
	take = recv(v->s.fd, v->line + v->len, take, MSG_DONTWAIT);
	if (take <= 0)
		return;
	v->len += take;
	if (!newline)
		return;
	v->line[v->len - 1] = 0;
	greet(v);
}

/* --- input --------------------------------------------------------------------------------- */

static void viewer_ready(struct source *s, uint32_t events)
{
	struct viewer *v = container_of(s, struct viewer, s);
	struct console *c = v->console;
	char text[CHUNK];
	uint32_t room = c->writer == v ? console_room(c) : sizeof(text);
	ssize_t n;

	if (v->gone)
		return;
	if (!v->greeted) {
		read_line(v);
		return;
	}
	if (events & (EPOLLHUP | EPOLLERR) && !(events & EPOLLIN)) {
		viewer_drop(v);
		return;
	}
	if (events & EPOLLIN && room) {
		n = recv(s->fd, text, room < sizeof(text) ? room : sizeof(text), MSG_DONTWAIT);
		if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
			viewer_drop(v);
			return;
		}
		if (n > 0 && c->writer == v)
			console_type(c, text, n);
	}
	viewer_send(v);
}

static void listener_ready(struct source *s, uint32_t events)
{
	struct console *c = container_of(s, struct console, listener);
	int fd = accept4(s->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC), count = 0;
	struct viewer *v;

	(void)events;
	if (fd < 0)
		return;
	list_each(v, &c->viewers, link)
		count++;
	if (count >= VIEWERS_MAX) {
		close(fd);
		return;
	}
	v = xcalloc(sizeof(*v));
	v->console = c;
	v->s = (struct source){ .fd = fd, .ready = viewer_ready };
	list_add(&v->link, &c->viewers);
	loop_add(&v->s, EPOLLIN);
}

/* --- the socket ------------------------------------------------------------------------------ */

static void socket_name(const struct console *c, struct sockaddr_un *at)
{
	at->sun_family = AF_UNIX;
	snprintf(at->sun_path, sizeof(at->sun_path), "%s/%u", console_dir, c->guest->domid);
}

void viewer_listen(struct console *c)
{
	struct sockaddr_un at;
	mode_t mask = umask(0177);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	socket_name(c, &at);
	unlink(at.sun_path);
	c->listener = (struct source){ .fd = fd, .ready = listener_ready };
	if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) || listen(fd, 8)) {
		log_line("%s: %s", at.sun_path, strerror(errno));
		if (fd >= 0)
			close(fd);
		c->listener.fd = -1;
	} else {
		loop_add(&c->listener, EPOLLIN);
	}
	umask(mask);
}

void viewer_close_all(struct console *c)
{
	struct sockaddr_un at;
	struct viewer *v;

	list_each(v, &c->viewers, link)
		viewer_drop(v);
	if (c->listener.fd < 0)
		return;
	socket_name(c, &at);
	unlink(at.sun_path);
	loop_del(&c->listener);
}

/* --- the pty --------------------------------------------------------------------------------- */

static void pty_ready(struct source *s, uint32_t events)
{
	struct console *c = container_of(s, struct console, pty);
	char text[CHUNK];
	uint32_t room = console_room(c);
	ssize_t n;

	if (events & EPOLLIN && room) {
		n = read(s->fd, text, room < sizeof(text) ? room : sizeof(text));
		if (n > 0)
			console_type(c, text, n);
	}
	pty_update(c);
}

void pty_open(struct console *c)
{
	char path[64], name[64];
	struct termios raw;
	int fd = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0 || grantpt(fd) || unlockpt(fd) || ptsname_r(fd, name, sizeof(name)) ||
	    (c->slave = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC)) < 0) {
		log_line("domain %u: no pty: %s", c->guest->domid, strerror(errno));
		if (fd >= 0)
			close(fd);
		return;
	}
	/* Held open by us as well: so what is printed waits there for whoever opens it. */
	if (!tcgetattr(c->slave, &raw)) {
		cfmakeraw(&raw);
		tcsetattr(c->slave, TCSANOW, &raw);
	}
	c->pty = (struct source){ .fd = fd, .ready = pty_ready };
	c->pty_at = console_start(c);
	loop_add(&c->pty, EPOLLIN);
	snprintf(path, sizeof(path), "/local/domain/%u/console/tty", c->guest->domid);
	store_set(path, name);
}

void pty_close(struct console *c)
{
	if (c->slave >= 0)
		close(c->slave);
	if (c->pty.fd >= 0)
		loop_del(&c->pty);
}

/* One that nobody reads is emptied when it has fallen behind: what is new counts. */
void pty_update(struct console *c)
{
	const char *text;
	uint32_t n, events;

	if (c->pty.fd < 0)
		return;
	if (c->pty_at < console_start(c)) {
		tcflush(c->slave, TCIFLUSH);
		c->pty_at = console_start(c);
	}
	while ((n = console_text(c, c->pty_at, &text))) {
		ssize_t done = write(c->pty.fd, text, n);

		if (done <= 0)
			break;
		c->pty_at += done;
	}
	events = (console_room(c) ? EPOLLIN : 0) | (n ? EPOLLOUT : 0);
	if (events != c->pty.events)
		loop_change(&c->pty, events);
}
