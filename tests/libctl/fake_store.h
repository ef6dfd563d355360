/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A store for tests, served by a thread on a socket of the test's folder. It keeps values and
 * permissions in a flat list, knows transactions (as snapshots, committed unless told otherwise)
 * and watches, and fails on request: connections end in the middle, commits meet with others.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Start it, and have FROE_STORE say where. stop: its connection ends and nobody listens. */
void fake_store_start(void);
void fake_store_stop(void);
void fake_store_clear(void);

/* Read or set a value behind the client's back; NULL: none. fake_store_set fires watches. */
const char *fake_store_get(const char *path);
const char *fake_store_perms(const char *path);
void fake_store_set(const char *path, const char *value);
/* All paths with their values as one text, the order of creation. free() it. */
char *fake_store_dump(void);

/* After so many replies the connection ends, once: before (or behind) the next request's work. */
extern volatile int fake_drop_after;
extern volatile bool fake_drop_behind;
/* So many commits end with EAGAIN. */
extern volatile int fake_conflicts;
/* The request of this number (from 1) is answered with ENOSPC, once. */
extern volatile int fake_refuse_at;
extern volatile int fake_requests, fake_connections;
extern volatile unsigned fake_introduced;
/* A reply that is none: its type and length are garbage, once. */
extern volatile bool fake_garbage;
