/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The store's protocol on its socket (wire.c): batches of requests, their replies, watch events.
 */
#pragma once

#include "internal.h"
#include <xen/io/xs_wire.h>

struct wire_reply {
	int error; /* 0, or a positive errno: EAGAIN for all of a batch whose transaction is lost */
	uint32_t size;
	const char *data; /* with a NUL behind it */
};

/* Forget the last batch and its replies, and begin another. */
int froe__wire_begin(struct froe *f);
/* Add a request: its payload is a and b one after the other; id is a transaction's, or 0. */
int froe__wire_add(struct froe *f, uint32_t type, uint32_t id, const void *a, size_t a_size,
                   const void *b, size_t b_size);
/*
 * Send them all and collect their replies. When the connection ends, because the daemon was
 * restarted, it is made again and the batch repeated: every request is one that may be, except
 * those in a transaction. That is lost then, and all replies are EAGAIN.
 */
int froe__wire_run(struct froe *f);
const struct wire_reply *froe__wire_reply(struct froe *f, size_t i);
/* The connection's number, another after each restart of the daemon; 0 if there is none now. */
uint32_t froe__wire_connection(struct froe *f);

/* Watches that are to live on over reconnections. */
int froe__wire_watch(struct froe *f, const char *path, const char *token);
void froe__wire_unwatch(struct froe *f, const char *path, const char *token);
/* The next event, two strings in one block, or NULL when timeout_ms passed. */
int froe__wire_event(struct froe *f, int timeout_ms, char **event);
int froe__wire_fd(struct froe *f);
void froe__wire_close(struct froe *f);
/* Milliseconds of a clock that never jumps. */
int64_t froe__now_ms(void);

/* The handle's error for a reply's. `what` and `path`: "cannot read", "/a/b". */
int froe__wire_fail(struct froe *f, int error, const char *what, const char *path);

/* With the transactions that are open (store.c). */
void froe__store_close(struct froe *f);
