// SPDX-License-Identifier: GPL-2.0-only
/*
 * The log file of a guest's console. How much of the output is in it follows from its size and from
 * where the output was when it began; so a restart neither leaves out nor repeats anything.
 */
#include "console.h"
#include "guest.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	LOG_MAX = 1 << 20
};

static void open_file(struct console *c)
{
	struct stat st;

	c->log = open(c->log_name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (c->log < 0 || fstat(c->log, &st)) {
		log_line("%s: %s; this console is not logged", c->log_name, strerror(errno));
		return;
	}
	c->log_size = st.st_size;
}

/* The old file goes aside, over the one before. */
static void rotate(struct console *c)
{
	char old[4096];

	snprintf(old, sizeof(old), "%s.1", c->log_name);
	/* In this order a kill in between is seen in logfile_open(). */
	c->past->logged = c->log_at;
	close(c->log);
	c->log = -1;
	if (rename(c->log_name, old) && errno != ENOENT)
		log_line("%s: %s; this console is logged no more", old, strerror(errno));
	else
		open_file(c);
}

/* A name that stays in its folder. */
static void name_file(struct console *c)
{
	char path[64], name[128];

	snprintf(path, sizeof(path), "/local/domain/%u/name", c->guest->domid);
	if (!store_get(path, name, sizeof(name)) || !*name)
		snprintf(name, sizeof(name), "%u", c->guest->domid);
	for (char *p = name; *p; p++)
		if (*p == '/' || (unsigned char)*p < ' ')
			*p = '_';
	if (asprintf(&c->log_name, "%s/guest-%s.log", console_log_dir, name) < 0)
		die("out of memory");
}

void logfile_open(struct console *c, bool fresh)
{
	name_file(c);
	open_file(c);
	if (c->log < 0)
		return;
	if (fresh)
		c->past->logged = c->past->end - c->log_size;
	c->log_at = c->past->logged + c->log_size;
	/* More than there is: killed between the two steps of a rotation. */
	if ((int64_t)(c->past->end - c->log_at) < 0) {
		c->log_at = c->past->logged;
		rotate(c);
	}
	logfile_update(c);
}

void logfile_close(struct console *c)
{
	if (c->log >= 0)
		close(c->log);
	free(c->log_name);
}

void logfile_update(struct console *c)
{
	const char *text;
	uint32_t n;
	ssize_t done;

	if (c->log < 0)
		return;
	if ((int64_t)(c->log_at - console_start(c)) < 0) {
		/* Somebody has cut the file, or it was away for long. */
		c->past->logged += console_start(c) - c->log_at;
		c->log_at = console_start(c);
	}
	while (c->log >= 0 && (n = console_text(c, c->log_at, &text))) {
		if (c->log_size + n > LOG_MAX && c->log_size) {
			rotate(c);
			continue;
		}
		done = write(c->log, text, n);
		if (done <= 0) {
			if (!c->log_failed)
				log_line("%s: %s", c->log_name, strerror(errno));
			c->log_failed = true;
			/* What is not written now will not be written later. */
			c->past->logged += n;
			c->log_at += n;
			continue;
		}
		c->log_failed = false;
		c->log_size += done;
		c->log_at += done;
	}
}
