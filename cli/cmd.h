/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a verb of froe is: a const struct cmd in cmd_<verb>.c, listed in table.c. Its usage, `froe
 * help`, the completion and the test of the manual page come from that entry.
 */
#pragma once

#include <froe.h>

struct call;

/* letter below ' ': there is a long name only. */
struct cmd_option {
	int letter;
	const char *name; /* NULL: there is a letter only */
	const char *arg;  /* NULL: it takes none */
	const char *help;
};

enum cmd_flag {
	CMD_HIDDEN = 1, /* for froed, not for people */
	CMD_DRY = 2,    /* works with -N */
};

struct cmd {
	const char *name;
	const char *arguments; /* for the usage line */
	const char *summary;
	const char *unsupported;          /* why there is no such thing; all else is 0 then */
	const struct cmd_option *options; /* up to one whose help is NULL; NULL: none */
	int least, most;                  /* arguments; most -1: as many as you like */
	unsigned flags;
	int (*run)(struct call *c);
};

/* In the order of `froe help`; those that are not supported follow behind. */
extern const struct cmd *const cmd_table[];
extern const struct cmd cmd_unsupported[];

/* Exact, or the only one that begins so; NULL: none, or more than one. */
const struct cmd *cmd_find(const char *name);
void cmd_usage(const struct cmd *cmd);

enum format {
	FORMAT_TABLE,
	FORMAT_JSON,
	FORMAT_CSV,
	FORMAT_KEYVAL,
};

/* One run of one verb. */
struct call {
	const struct cmd *cmd;
	struct froe *froe;
	char **arg;
	int args;
	struct {
		unsigned times;
		const char *value;
	} option[128]; /* by letter */
	/* what stands in front of the verb */
	enum format format;
	unsigned verbose;
	bool quiet, header, dry;
	int timeout_ms; /* -1: for ever */
	struct output *out;
};

static inline bool call_has(const struct call *c, int letter)
{
	return c->option[letter].times;
}

/* --- domain.c ------------------------------------------------------------- */

/* Find one; what fails is reported. One that is being restarted is found as it ended. */
typedef bool domain_finder(struct call *c, const char *what, struct froe_domain *d);
domain_finder domain_find;
/* The same, but one that is being restarted is waited for. */
domain_finder domain_find_to_act;
/* Those that the arguments name, or all if there are none; the caller frees the list. */
bool domain_find_all(struct call *c, domain_finder *find, struct froe_domain **list, size_t *count);
/* Its name, "(null)" if it has none. */
const char *domain_name(const struct froe_domain *d);
/* Where the state of this boot is: /run/froe. */
const char *domain_folder(void);
/* For each argument: find the domain and do it; the exit code of the whole. */
int domain_each(struct call *c, int (*act)(struct call *c, const struct froe_domain *d));
/* Report the handle's last error; returns its code. */
int call_failed(struct call *c, const char *item);
/* The same while a guest is built: a file that is missing is not "no such guest". */
int call_failed_build(struct call *c, const char *item);
/* Refuse something with a reason of the tool itself. */
int call_refuse(struct call *c, int code, const char *item, const char *id, const char *hint,
                const char *fmt, ...) __attribute__((format(printf, 6, 7)));
/* A line for people on stderr: not with -q, not as JSON. */
void call_say(const struct call *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* --- console.c ------------------------------------------------------------ */

/* Connect this terminal with the guest's console; escape leaves. The exit code. */
int console_run(struct call *c, const struct froe_domain *d, char escape);
/* "^]" or one character; false if it is none. */
bool console_escape(const char *text, char *escape);
