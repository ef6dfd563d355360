// SPDX-License-Identifier: GPL-2.0-only
/* Messages, memory and queues of bytes: the ground that the rest of froed stands on. */
#include "froed.h"

#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

bool log_verbose;

static void say(int level, const char *fmt, va_list args)
{
	va_list again;

	va_copy(again, args);
	vsyslog(level, fmt, again);
	va_end(again);
	fputs("froed: ", stderr);
	vfprintf(stderr, fmt, args);
	fputc('\n', stderr);
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
