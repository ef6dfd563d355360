// SPDX-License-Identifier: GPL-2.0-only
/* Messages, memory and queues of bytes: the ground that the rest of froed stands on. */
#include "froed.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

enum {
	LOG_MAX = 1 << 20
};

bool log_verbose;
static const char *log_path;

/* A standard error that is our log file; what else is written there gets into it as well. */
static bool log_reopen(void)
{
	int fd = open(log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	if (fd < 0)
		return false;
	dup2(fd, 2);
	close(fd);
	return true;
}

void log_open(const char *path)
{
	log_path = path;
	if (!log_reopen())
		log_path = NULL;
}

/* At its limit the file goes aside, over the one before. */
static void log_limit(void)
{
	char old[4096];
	struct stat st;

	if (!log_path || fstat(2, &st) || st.st_size < LOG_MAX)
		return;
	snprintf(old, sizeof(old), "%s.1", log_path);
	rename(log_path, old);
	log_reopen();
}

static void say(int level, const char *fmt, va_list args)
{
	char line[1024], date[32] = "";
	time_t now = time(NULL);
	struct tm tm;

	vsnprintf(line, sizeof(line), fmt, args);
	/* One line, whatever clients and guests brought into it, and nothing that steers a
	 * terminal. */
	for (char *p = line; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = '?';
	syslog(level, "%s", line);
	log_limit();
	if (log_path)
		strftime(date, sizeof(date), "%F %T ", localtime_r(&now, &tm));
	dprintf(2, "%sfroed: %s\n", date, line);
}

void log_line(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	say(LOG_NOTICE, fmt, args);
	va_end(args);
}

void die(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	say(LOG_ERR, fmt, args);
	va_end(args);
	exit(1);
}

void *xrealloc(void *old, size_t size)
{
	void *p = realloc(old, size);

	if (!p)
		die("out of memory: %zu more bytes asked for", size);
	return p;
}

void *xmalloc(size_t size)
{
	return xrealloc(NULL, size);
}

void *xcalloc(size_t size)
{
	return memset(xmalloc(size), 0, size);
}

char *buf_room(struct buf *b, uint32_t n)
{
	if (b->cap - b->head - b->len < n) {
		if (b->head)
			memmove(b->data, b->data + b->head, b->len);
		b->head = 0;
		if (b->cap - b->len < n) {
			b->cap = b->cap ? b->cap : 512;
			while (b->cap - b->len < n)
				b->cap *= 2;
			b->data = xrealloc(b->data, b->cap);
		}
	}
	return b->data + b->head + b->len;
}

void buf_add(struct buf *b, const void *data, uint32_t n)
{
	if (!n)
		return;
	memcpy(buf_room(b, n), data, n);
	b->len += n;
}

/* What one burst needed is not kept for ever. */
void buf_drop(struct buf *b, uint32_t n)
{
	b->head += n;
	b->len -= n;
	if (b->len)
		return;
	b->head = 0;
	if (b->cap > 16384)
		buf_free(b);
}

void buf_free(struct buf *b)
{
	free(b->data);
	*b = (struct buf){ 0 };
}
