/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the parts of libctl share with each other and with nobody else.
 */
#pragma once

#include <time.h>

/* The library is built with hidden symbols: what froe.h declares is what others see. */
#pragma GCC visibility push(default)
#include "froe.h"
#pragma GCC visibility pop

#define CMDLINE_MAX 2047 /* of x86 Linux, which cuts off what is longer */

struct xencall_handle;
struct store;
struct transaction;

struct froe {
	enum froe_code code;
	char error[512], hint[256];
	const char *id;              /* the error's word, where it is another than its code's */
	struct xencall_handle *call; /* NULL until the first hypercall */
	void *buffer;                /* for hypercall arguments, never swapped out */
	size_t buffer_size;
	struct store *store;              /* NULL until the first request */
	struct transaction *transactions; /* that are open */
	froe_tx last_tx;
};

/*
 * Put an error into the handle; returns -1, so that `return froe__fail(...)` ends a function. The
 * arguments may hold the handle's own last error, for a message that wraps it.
 */
int froe__fail(struct froe *f, enum froe_code code, const char *hint, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* FROE_NOT_FOUND of a domain, which has a word of its own. */
int froe__no_domain(struct froe *f, const char *what);
/* The error of another handle becomes this one's. */
void froe__copy_error(struct froe *f, const struct froe *from);
/* Out of memory. */
int froe__nomem(struct froe *f);

/* --- domain.c --- */

/* All domains with no names filled in; names for a list; one domain: 1 if there is none. */
int froe__domain_ids(struct froe *f, struct froe_domain **list, size_t *count);
int froe__domain_names(struct froe *f, struct froe_domain *list, size_t count);
int froe__domain_get(struct froe *f, uint32_t id, struct froe_domain *domain);

/* --- run.c --- */

/* Open a file in a folder of /run/froe; the folders are made when they are missing. */
int froe__run_open(const char *folder, const char *name, int flags);
void froe__run_unlink(const char *folder, const char *name);
const char *froe__run_folder(void);
/* While a guest is made anew in the place of `last`: the descriptor that ends it, or -1. */
int froe__restart_begin(struct froe *f, const struct froe_domain *last);
void froe__restart_end(uint32_t id, int fd);
/* Put those that are being restarted into a list of domains that has been read before. */
int froe__restarts_add(struct froe *f, struct froe_domain **list, size_t *count);
/* When restarts last began or ended; a list that was read meanwhile has to be read again. */
struct timespec froe__restarts_changed(void);

/* --- find.c --- */

#define FROE_NAME_PATH (3 * FROE_NAME_MAX + 16)
/* Where the store indexes the name. */
void froe__name_path(const char *name, char path[FROE_NAME_PATH]);
/* 0 and the id of the domain of that name; 1: there is none; 2: only the store knows of it. */
int froe__name_find(struct froe *f, const char *name, uint32_t *id);

/* --- text.c --- */

/* A random one. */
void froe__uuid_make(uint8_t uuid[16]);
