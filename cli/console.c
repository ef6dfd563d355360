/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * This terminal as a guest's: froe console, and froe create -c.
 *
 * froed has the console and keeps what the guest has said. It is asked over a socket: the line
 * "froe-console 1 OFFSET", where OFFSET is how many bytes of the guest's output are known already,
 * or - for none; its answer is "OK OFFSET MODE" or "ERR text", and then both sides send what is
 * typed and printed. When froed goes away and comes back, the offset makes sure that nothing is
 * lost or seen twice.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>
#include "output.h"

/* How long froed may be away, and how long a guest that reboots may take to be built again. */
#define AWAY_MS  10000
#define AGAIN_MS 3000
#define RETRY_MS 100
#define NEW_MS   1000 /* froed makes a new guest's console a moment after the guest has its name */
#define ANSWER_S 5

struct console {
	struct call *c;
	struct froe_domain d; /* the guest in the life that it is in */
	char escape;
	int socket;
	bool input; /* there is more to read from stdin */
	bool tty;
	bool read_only;
	bool seen; /* offset is known */
	unsigned long long offset;
	sigset_t waiting; /* signals are taken only while waiting, so that none comes too early */
	char typed[4096]; /* and not sent yet */
	size_t typed_size;
};

enum turn {
	TURN_ON,
	TURN_LEAVE,
	TURN_LOST, /* the socket ended */
};

static volatile sig_atomic_t ended;

static void on_signal(int signal)
{
	ended = signal;
}

bool console_escape(const char *text, char *escape)
{
	if (text[0] == '^' && text[1] && !text[2]) {
		*escape = (char)(toupper((unsigned char)text[1]) ^ 0x40);
		return iscntrl((unsigned char)*escape);
	}
	*escape = text[0];
	return text[0] && !text[1];
}

/* --- connecting -------------------------------------------------------------------------- */

/* The answer's line, without what follows it: that is the guest's. */
static bool read_line(int fd, char *line, size_t size)
{
	for (size_t n = 0; n < size; n++) {
		if (read(fd, line + n, 1) != 1)
			return false;
		if (line[n] == '\n') {
			line[n] = '\0';
			return true;
		}
	}
	return false;
}

/* 0, or -1 with errno; what froed says against it is reported, with errno 0. */
static int greet(struct console *s)
{
	char line[256], mode[8];
	int size = s->seen ? snprintf(line, sizeof(line), "froe-console 1 %llu\n", s->offset)
	                   : snprintf(line, sizeof(line), "froe-console 1 -\n");

	if (send(s->socket, line, (size_t)size, MSG_NOSIGNAL) != size)
		return -1;
	errno = ECONNRESET;
	if (!read_line(s->socket, line, sizeof(line))) {
		if (errno == EAGAIN)
			errno = ETIMEDOUT;
		return -1;
	}
	if (sscanf(line, "OK %llu %7s", &s->offset, mode) == 2) {
		s->seen = true;
		s->read_only = !strcmp(mode, "ro");
		return 0;
	}
	call_refuse(s->c, FROE_FAIL, domain_name(&s->d), "refused", NULL, "%s: %s",
	            domain_name(&s->d),
	            strncmp(line, "ERR ", 4) ? "froed speaks otherwise" : line + 4);
	errno = 0;
	return -1;
}

static int attach(struct console *s)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const struct timeval patience = { .tv_sec = ANSWER_S };
	int rc, saved;

	snprintf(address.sun_path, sizeof(address.sun_path), "%s/console/%u", domain_folder(),
	         s->d.id);
	s->socket = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (s->socket < 0)
		return -1;
	/* A froed that hangs shall not take the terminal with it. */
	setsockopt(s->socket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	rc = connect(s->socket, (struct sockaddr *)&address, sizeof(address));
	if (!rc)
		rc = greet(s);
	if (!rc)
		rc = fcntl(s->socket, F_SETFL, O_NONBLOCK);
	if (rc) {
		saved = errno;
		close(s->socket);
		s->socket = -1;
		errno = saved;
	}
	return rc;
}

/* --- what is typed and what is printed --------------------------------------------------- */

static enum turn take_typed(struct console *s)
{
	const size_t room = sizeof(s->typed) - s->typed_size;
	char text[sizeof(s->typed)], *escape;
	/* At a terminal the escape has to be seen even when the guest does not read. */
	ssize_t n = read(STDIN_FILENO, text, room ? room : sizeof(text));

	if (n < 0)
		return errno == EINTR || errno == EAGAIN ? TURN_ON : TURN_LEAVE;
	if (!n) {
		s->input = false;
		return s->tty ? TURN_LEAVE : TURN_ON;
	}
	escape = s->tty ? memchr(text, s->escape, (size_t)n) : NULL;
	if (escape)
		return TURN_LEAVE;
	if (!room || s->read_only)
		return TURN_ON;
	memcpy(s->typed + s->typed_size, text, (size_t)n);
	s->typed_size += (size_t)n;
	return TURN_ON;
}

static enum turn send_typed(struct console *s)
{
	ssize_t n = send(s->socket, s->typed, s->typed_size, MSG_NOSIGNAL);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? TURN_ON : TURN_LOST;
	s->typed_size -= (size_t)n;
	memmove(s->typed, s->typed + n, s->typed_size);
	return TURN_ON;
}

static enum turn print(struct console *s)
{
	char text[4096];
	ssize_t n = read(s->socket, text, sizeof(text));

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? TURN_ON : TURN_LOST;
	if (!n)
		return TURN_LOST;
	for (ssize_t done = 0; done < n;) {
		sigset_t hold;
		ssize_t put;

		/* Who does not read what is printed shall not keep a signal from ending us. */
		sigprocmask(SIG_SETMASK, &s->waiting, &hold);
		put = ended ? 0 : write(STDOUT_FILENO, text + done, (size_t)(n - done));
		sigprocmask(SIG_SETMASK, &hold, NULL);
		if (ended || (put < 0 && errno != EINTR))
			return TURN_LEAVE;
		done += put > 0 ? put : 0;
	}
	s->offset += (unsigned long long)n;
	return TURN_ON;
}

static enum turn turn(struct console *s, int timeout)
{
	const bool room = s->tty || s->typed_size < sizeof(s->typed);
	struct pollfd fd[2] = {
		{ s->input && room ? STDIN_FILENO : -1, POLLIN, 0 },
		{ s->socket, (short)(s->typed_size ? POLLIN | POLLOUT : POLLIN), 0 },
	};
	const struct timespec wait = { timeout / 1000, timeout % 1000 * 1000000L };
	enum turn next = TURN_ON;

	if (ppoll(fd, 2, timeout < 0 ? NULL : &wait, &s->waiting) < 0)
		return ended ? TURN_LEAVE : TURN_ON;
	if (ended)
		return TURN_LEAVE;
	if (fd[0].revents)
		next = take_typed(s);
	if (next == TURN_ON && fd[1].revents & POLLOUT)
		next = send_typed(s);
	/* What the guest has said last is read before the end is believed. */
	if (next != TURN_LEAVE && fd[1].revents & (POLLIN | POLLHUP | POLLERR))
		next = print(s);
	return next;
}

/* --- the whole --------------------------------------------------------------------------- */

/* Whether there is a console to wait for; a guest that is gone has none. */
static bool guest_is_there(struct console *s)
{
	struct froe_domain d;

	if (!froe_domain_info(s->c->froe, s->d.id, &d))
		return !(d.flags & FROE_DYING);
	/* When the hypervisor cannot be asked, the guest is not known to be gone. */
	return froe_code(s->c->froe) != FROE_NOT_FOUND;
}

/* A guest that reboots is another domain with the same UUID, and its console begins anew. */
static bool find_next_life(struct console *s)
{
	struct froe_domain *all;
	bool found = false;
	size_t count;

	if (froe_domain_list(s->c->froe, &all, &count))
		return false;
	for (size_t i = 0; i < count && !found; i++) {
		if (all[i].id == s->d.id || all[i].flags & FROE_DYING ||
		    memcmp(all[i].uuid, s->d.uuid, sizeof(s->d.uuid)))
			continue;
		found = true;
		s->d = all[i];
		s->seen = false;
	}
	free(all);
	return found;
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* After the socket has ended: 0 when it is back, or -1 with the exit code of the whole in *code. */
static int attach_again(struct console *s, int *code)
{
	const int64_t begin = now_ms();
	bool told = false;

	close(s->socket);
	s->socket = -1;
	for (;;) {
		bool there = guest_is_there(s);

		*code = 0;
		if (!there && find_next_life(s)) {
			there = true;
			/* What is typed already, read or not, was meant for the last one. */
			if (turn(s, 0) == TURN_LEAVE)
				return -1;
			s->typed_size = 0;
		}
		if (there && !attach(s))
			return 0;
		if (there && !errno) {
			*code = FROE_FAIL;
			return -1;
		}
		if (!there && !told)
			call_say(s->c, "\r\nfroe: %s has ended\r", domain_name(&s->d));
		told = told || !there;
		if (now_ms() - begin > (there ? AWAY_MS : AGAIN_MS))
			break;
		if (turn(s, RETRY_MS) == TURN_LEAVE)
			return -1;
	}
	if (!told)
		*code = call_refuse(s->c, FROE_UNREACHABLE, domain_name(&s->d), "unreachable",
		                    "froed has to run", "%s: froed went away", domain_name(&s->d));
	return -1;
}

static int attach_first(struct console *s)
{
	const int64_t begin = now_ms();
	int rc;

	while ((rc = attach(s)) && errno == ENOENT && now_ms() - begin < NEW_MS)
		poll(NULL, 0, RETRY_MS);
	return rc;
}

static int talk(struct console *s)
{
	int code = 0;

	for (;;) {
		enum turn next = turn(s, -1);

		if (next == TURN_LEAVE || (next == TURN_LOST && attach_again(s, &code)))
			return code;
	}
}

static void catch_signals(struct console *s)
{
	const struct sigaction action = { .sa_handler = on_signal };
	static const int signals[] = { SIGTERM, SIGHUP, SIGINT, SIGQUIT };
	sigset_t hold;

	sigemptyset(&hold);
	for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++) {
		sigaddset(&hold, signals[i]);
		sigaction(signals[i], &action, NULL);
	}
	/* Whoever reads what is printed may go, and the terminal still be put right. */
	signal(SIGPIPE, SIG_IGN);
	sigprocmask(SIG_BLOCK, &hold, &s->waiting);
}

int console_run(struct call *c, const struct froe_domain *d, char escape)
{
	struct console s = { .c = c, .d = *d, .escape = escape, .input = true };
	struct termios before, raw;
	int rc;

	if (attach_first(&s))
		return errno ? call_refuse(c, FROE_UNREACHABLE, domain_name(d), "unreachable",
		                           "froed has the consoles: does it run?",
		                           "%s: console: %s", domain_name(d), strerror(errno))
		             : FROE_FAIL;
	s.tty = !tcgetattr(STDIN_FILENO, &before);
	if (s.tty)
		call_say(c, "Console of %s%s; %s%c leaves", domain_name(d),
		         s.read_only ? ", to look at only" : "",
		         iscntrl((unsigned char)escape) ? "Ctrl-" : "",
		         iscntrl((unsigned char)escape) ? escape ^ 0x40 : escape);
	catch_signals(&s);
	if (s.tty) {
		raw = before;
		cfmakeraw(&raw);
		tcsetattr(STDIN_FILENO, TCSADRAIN, &raw);
	}
	rc = talk(&s);
	if (s.tty) {
		tcsetattr(STDIN_FILENO, TCSADRAIN, &before);
		if (poll(&(struct pollfd){ STDOUT_FILENO, POLLOUT, 0 }, 1, 0) > 0)
			putchar('\n');
	}
	if (s.socket >= 0)
		close(s.socket);
	return rc;
}
