/* SPDX-License-Identifier: GPL-2.0-only */
/* Consoles of guests: what they said, who looks at it, who types. */
#pragma once

#include "froed.h"

struct guest;

enum {
	PAST_SIZE = 64 << 10,
	RING_OUT = 2048
};

/*
 * What a guest said last, in a file that is mapped and outlives us. `end` counts all that it ever
 * said; storing it is the commit, so what is about to be overwritten by a copy that is not
 * committed has to lie outside of the last PAST_SIZE bytes: hence the slack.
 */
struct past {
	uint64_t end;
	uint64_t ring;   /* the ring's out_cons is the low word of ring + end */
	uint64_t logged; /* where in this count the log file begins */
	uint64_t unused;
	char data[PAST_SIZE + RING_OUT];
};

struct console {
	struct guest *guest;
	struct xencons_interface *page;
	struct past *past;
	int past_fd;
	uint64_t past_taken; /* bytes of the file that have memory */
	int port;            /* ours */
	uint32_t in_prod;    /* what we put into the ring; the page has a copy */
	bool broken;
	struct source listener, pty;
	int slave;
	uint64_t pty_at;
	struct list viewers;
	struct viewer *writer;
	int log;
	char *log_name;
	uint64_t log_at, log_size;
	bool log_failed;
};

/* console.c */
extern const char *console_dir, *console_log_dir;
struct console *console_open(struct guest *g, bool fresh);
void console_close(struct console *c);
/* Removes what one that was killed left of guests that have gone meanwhile. */
void console_tidy(void);
/* The guest has printed, or read. */
void console_serve(struct console *c);
/* Bytes that the guest's ring takes now. */
uint32_t console_room(struct console *c);
void console_type(struct console *c, const char *text, uint32_t n);
/* What is kept from `at` on, in one piece: its length, 0 at the end. */
uint32_t console_text(const struct console *c, uint64_t at, const char **text);
/* The first byte that is kept. */
uint64_t console_start(const struct console *c);

/* viewer.c */
void viewer_listen(struct console *c);
void viewer_close_all(struct console *c);
/* There is more to see, or room to type. */
void viewer_update(struct console *c);
void pty_open(struct console *c);
void pty_close(struct console *c);
void pty_update(struct console *c);

/* logfile.c */
void logfile_open(struct console *c, bool fresh);
void logfile_close(struct console *c);
void logfile_update(struct console *c);
