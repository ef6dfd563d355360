/* SPDX-License-Identifier: GPL-2.0-only */
/* The journal: what a froed that starts needs to go on where one that was killed has stopped. */
#pragma once

#include "froed.h"

enum journal_type {
	J_NODE = 1, /* path, permissions, value: one node of the snapshot */
	J_CHANGE,   /* a change of the store */
	J_SPECIAL,  /* permissions of a special watch */
	J_DOMAIN,   /* introduced: gfn, port, flags */
	J_RELEASE,  /* no longer */
	J_WATCH,    /* path, as given, token */
	J_UNWATCH,  /* path, token */
	J_RESET,    /* no watches, no transactions */
	J_TX,       /* a transaction is open: id */
	J_TX_END,   /* it ended: id */
	J_RING,     /* indices of a store ring, bytes sent from the queue */
	J_OUT,      /* bytes queued to be sent */
	J_IN,       /* bytes of a request of which more is to come */
	J_IN_DONE,  /* it came */
};

struct part {
	const void *data;
	uint32_t len;
};

/* A record as it is found in the journal. */
struct record {
	uint8_t type;
	uint16_t domid;
	const char *data;
	uint32_t len;
};

/* The state is as the journal says, if there is one. */
void journal_open(const char *path);
void journal_add(enum journal_type type, uint16_t domid, const struct part *part, int parts);
static inline void journal_put(enum journal_type type, uint16_t domid, const void *data,
                               uint32_t len)
{
	journal_add(type, domid, &(struct part){ data, len }, 1);
}
/* From here on what was added counts. */
void journal_commit(void);

/* In state.c: one record is done again; the whole state is written as records. */
void state_replay(const struct record *r);
void state_save(void);
