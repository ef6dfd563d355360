/* SPDX-License-Identifier: GPL-2.0-only */
/* What every part of froed uses: messages, memory, lists, byte queues (util.c), the event loop. */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

/* --- messages: one line each, to the terminal or to the system's log ------- */

extern bool log_verbose;
/* From here on messages go to this file, with the time. */
void log_open(const char *path);
void log_line(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* A line, and the end of the process: what follows is a start from the journal. */
void die(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));
#define log_debug(...)                                                                             \
	do {                                                                                       \
		if (log_verbose)                                                                   \
			log_line(__VA_ARGS__);                                                     \
	} while (0)

/* --- memory: what clients can make us take is bounded, so there is always some -- */

void *xmalloc(size_t size);
void *xcalloc(size_t size);
void *xrealloc(void *old, size_t size);

/* --- lists: a ring through a head ------------------------------------------ */

struct list {
	struct list *next, *prev;
};

static inline void list_init(struct list *l)
{
	l->next = l->prev = l;
}

static inline bool list_empty(const struct list *l)
{
	return l->next == l;
}

static inline void list_add(struct list *l, struct list *head)
{
	l->prev = head->prev;
	l->next = head;
	head->prev->next = l;
	head->prev = l;
}

static inline void list_del(struct list *l)
{
	l->next->prev = l->prev;
	l->prev->next = l->next;
	list_init(l);
}

#define container_of(p, type, member) ((type *)((char *)(p)-offsetof(type, member)))
/* The body may delete `pos`, and nothing else, from the list. */
#define list_each(pos, head, member)                                                               \
	for (struct list *it_ = (head)->next, *nx_;                                                \
	     nx_ = it_->next, pos = container_of(it_, typeof(*pos), member), it_ != (head);        \
	     it_ = nx_)

/* --- queues of bytes -------------------------------------------------------- */

struct buf {
	char *data;
	uint32_t head, len, cap; /* the bytes are data[head] ... data[head + len - 1] */
};

/* Room for `n` more bytes, to be counted in by the caller. */
char *buf_room(struct buf *b, uint32_t n);
void buf_add(struct buf *b, const void *data, uint32_t n);
void buf_drop(struct buf *b, uint32_t n);
void buf_free(struct buf *b);
static inline char *buf_head(const struct buf *b)
{
	return b->data + b->head;
}

/* --- the event loop (loop.c) -------------------------------------------------- */

/* Something with a file descriptor; ready() may close it. */
struct source {
	int fd;
	uint32_t events;
	void (*ready)(struct source *s, uint32_t events);
};

void loop_add(struct source *s, uint32_t events);
void loop_change(struct source *s, uint32_t events);
void loop_del(struct source *s); /* and closes it */
/* Memory with a source in it is freed when no event of this turn can mean it. */
void loop_free(void *memory);
void loop_open(void);
/* The beginning of a turn: waits, and serves what is ready. */
void loop_serve(void);
/* Its end: what loop_free() was given goes. */
void loop_reap(void);
/* Have the loop turn again at once (0) or in at most `ms` milliseconds. */
void loop_again(int ms);
uint64_t loop_now(void); /* milliseconds of a clock that never jumps */
