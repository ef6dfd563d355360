/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * libctl, the control library of Froe: everything that an administrator does with a host and its
 * guests, from the control domain. See libctl(3).
 *
 * A handle is used by one thread at a time; several handles are independent. Nothing here prints,
 * exits, or keeps state outside of the handle. Unless said otherwise a function returns 0, or -1
 * with the error in the handle: froe_code(), froe_error() and froe_hint(). What is returned through
 * a `**` or as `char *` is the caller's, to be given to free() or to the function that is named.
 * Sizes are bytes, times nanoseconds, unless a name says otherwise.
 */
#ifndef FROE_H
#define FROE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* --- handle and errors (handle.c) --------------------------------------------------------- */

struct froe;

/* What kind of error it was; the tools exit with the same numbers. */
enum froe_code {
	FROE_OK = 0,
	FROE_FAIL = 1,           /* nothing more precise */
	FROE_USAGE = 2,          /* the call makes no sense */
	FROE_BUILD = 3,          /* a guest could not be built */
	FROE_INVALID = 6,        /* a configuration or a file is wrong */
	FROE_NOT_FOUND = 10,     /* no such guest, CPU, file ... */
	FROE_EXISTS = 11,        /* there already, or in that state already */
	FROE_UNREACHABLE = 12,   /* no hypervisor, no store, or no right to use them */
	FROE_TIMEOUT = 13,       /* it did not happen in time */
	FROE_NO_CAPACITY = 14,   /* not enough memory or CPUs; nothing was built */
	FROE_UNCOOPERATIVE = 15, /* the guest did not do its part */
};

/* NULL only without memory. The hypervisor and the store are opened when first needed. */
struct froe *froe_open(void);
void froe_close(struct froe *f);

/* The last error of this handle. */
enum froe_code froe_code(const struct froe *f);
/* One line without a newline: what failed, on what, why. */
const char *froe_error(const struct froe *f);
/* What to do about it, one line; "" if there is nothing to say. */
const char *froe_hint(const struct froe *f);
/* The code as a word for programs: "no-such-domain", "unreachable" ... */
const char *froe_error_id(const struct froe *f);

/* The library's version, "1.0". */
const char *froe_version(void);

/* --- domains (domain.c) -------------------------------------------------------------------- */

#define FROE_NAME_MAX 127
#define FROE_CPUS_MAX 256

/* A set of CPUs: bit n % 64 of word n / 64. */
struct froe_cpumap {
	uint64_t word[FROE_CPUS_MAX / 64];
};

enum froe_domain_flag {
	FROE_RUNNING = 1,
	FROE_BLOCKED = 2,
	FROE_PAUSED = 4,
	FROE_SHUTDOWN = 8, /* has ended by itself; shutdown_reason says how */
	FROE_DYING = 16,   /* is being destroyed, or its pages are still mapped by others */
};

/* Xen's numbers (xen/sched.h). */
enum froe_shutdown {
	FROE_POWEROFF,
	FROE_REBOOT,
	FROE_SUSPEND,
	FROE_CRASH,
	FROE_WATCHDOG,
	FROE_SOFT_RESET,
};

struct froe_domain {
	uint32_t id;
	uint8_t uuid[16];
	char name[FROE_NAME_MAX + 1]; /* from the store; "" if it has none */
	uint32_t flags;               /* FROE_RUNNING ... */
	enum froe_shutdown shutdown_reason;
	uint64_t memory;      /* it has now */
	uint64_t memory_max;  /* it may have */
	uint64_t outstanding; /* claimed and not yet given */
	uint64_t cpu_time;    /* of all its vCPUs */
	uint32_t vcpus;       /* online */
	uint32_t vcpus_max;
	uint32_t cpupool;
};

/*
 * All domains in the order of their ids, domain 0 first; no names if there is no store. A guest
 * that is being restarted is in it as it ended, though its domain may be gone.
 */
int froe_domain_list(struct froe *f, struct froe_domain **list, size_t *count);
/*
 * By "12" (an id), a name, or a UUID (whole, or its first 8 digits or more if that is unique).
 * FROE_NOT_FOUND if there is none.
 */
int froe_domain_find(struct froe *f, const char *what, struct froe_domain *d);
/*
 * For who acts on what froe_domain_find() has found: waits while that guest is being restarted. 1
 * if it was, and has to be found again, else 0.
 */
int froe_restart_wait(struct froe *f, uint32_t id);
/* By its id, without its name if the store cannot be reached. */
int froe_domain_info(struct froe *f, uint32_t id, struct froe_domain *d);

int froe_domain_pause(struct froe *f, uint32_t id);
int froe_domain_unpause(struct froe *f, uint32_t id);
/* End it at once, and take what it had in the store and in /run/froe. */
int froe_domain_destroy(struct froe *f, uint32_t id);
/* Ask the guest: "poweroff", "reboot", "halt" or "suspend" into control/shutdown. Returns at once.
 */
int froe_domain_request(struct froe *f, uint32_t id, const char *what);
enum froe_wait {
	FROE_WAIT_TAKEN,    /* the guest has read the request */
	FROE_WAIT_SHUTDOWN, /* it has ended by itself, or is gone */
	FROE_WAIT_GONE,     /* it is not in the list any more */
};
/* Wait until it is so. timeout_ms -1: for ever. FROE_TIMEOUT; FROE_NOT_FOUND if it never was. */
int froe_domain_wait(struct froe *f, uint32_t id, enum froe_wait what, int timeout_ms);
/* Non-maskable interrupt to one of its vCPUs. */
int froe_domain_nmi(struct froe *f, uint32_t id, uint32_t vcpu);

struct froe_vcpu {
	uint32_t id;
	bool online, blocked, running;
	uint32_t cpu; /* where it runs or last ran */
	uint64_t cpu_time;
	struct froe_cpumap hard, soft;
};
int froe_vcpu_list(struct froe *f, uint32_t id, struct froe_vcpu **list, size_t *count);
/* Where it may run (hard) and should run (soft); NULL: as it is. vcpu ~0u: all of them. */
int froe_vcpu_pin(struct froe *f, uint32_t id, uint32_t vcpu, const struct froe_cpumap *hard,
                  const struct froe_cpumap *soft);

struct froe_sched {
	uint32_t weight; /* 1-65535 */
	uint32_t cap;    /* percent of one CPU, 0: none */
};
int froe_sched_get(struct froe *f, uint32_t id, struct froe_sched *s);
int froe_sched_set(struct froe *f, uint32_t id, const struct froe_sched *s);

/* --- the host (host.c) --------------------------------------------------------------------- */

struct froe_host {
	uint32_t cpus_online, cpu_max_id, nodes, cores_per_socket, threads_per_core, cpu_khz;
	uint32_t hw_caps[8];
	bool hvm, hap, iommu; /* virt_caps */
	uint64_t memory, memory_free, memory_outstanding;
	uint32_t version_major, version_minor;
	char version_extra[16], capabilities[1024], changeset[64], command_line[1024];
	char compiler[64], compiled_by[16], compiled_domain[32], compiled_date[32], build_id[64];
	char platform_params[32];
	const char *scheduler;
	uint32_t page_size;
};
int froe_host_info(struct froe *f, struct froe_host *h);
/* The hypervisor's message ring as it is; *text ends with a NUL that `size` does not count. */
int froe_host_dmesg(struct froe *f, bool clear, char **text, size_t *size);

/* --- the store (store.c) ------------------------------------------------------------------- */

/* A transaction, 0: none. */
typedef uint32_t froe_tx;

int froe_store_begin(struct froe *f, froe_tx *tx);
/* 1: somebody else changed what it looked at; begin again. */
int froe_store_end(struct froe *f, froe_tx tx, bool commit);

/* The value as it is, with a NUL behind it; size may be NULL. FROE_NOT_FOUND. */
int froe_store_read(struct froe *f, froe_tx tx, const char *path, char **value, size_t *size);
int froe_store_write(struct froe *f, froe_tx tx, const char *path, const char *value);
/* Names below path, in the store's order; free() the array, the names are in it. */
int froe_store_list(struct froe *f, froe_tx tx, const char *path, char ***names, size_t *count);
/* With all below it; no error if it is not there. */
int froe_store_remove(struct froe *f, froe_tx tx, const char *path);

struct froe_store_item {
	const char *path;
	const char *value; /* NULL: a directory */
	const char *perms; /* "n0,r3": owner's letter and id first; NULL: inherited */
};
/* All of them with their requests under way at once. */
int froe_store_write_many(struct froe *f, froe_tx tx, const struct froe_store_item *items,
                          size_t count);
/* value[i] is NULL where path[i] does not exist; free() each. */
int froe_store_read_many(struct froe *f, froe_tx tx, const char *const *path, char **value,
                         size_t count);

int froe_store_watch(struct froe *f, const char *path, const char *token);
int froe_store_unwatch(struct froe *f, const char *path, const char *token);
/* The next event. timeout_ms -1: for ever. FROE_TIMEOUT. free(*path); *token is in it. */
int froe_store_event(struct froe *f, int timeout_ms, char **path, char **token);
/* For poll(): readable when froe_store_event() may have something. -1 with an error. */
int froe_store_fd(struct froe *f);
/* Tell the store of a domain with its ring, and that it is no more. */
int froe_store_introduce(struct froe *f, uint32_t id, uint64_t gfn, uint32_t port);
int froe_store_release(struct froe *f, uint32_t id);

/* --- kernels (kernel.c) -------------------------------------------------------------------- */

/*
 * Write the ELF kernel inside of `from` (an ELF file, or a bzImage with gzip, xz, lzma, zstd or lz4
 * inside, or one of these as such) to the file `to`. FROE_INVALID says what is wrong with it.
 */
int froe_kernel_unpack(struct froe *f, const char *from, const char *to);

/* --- configurations (config.c) ------------------------------------------------------------- */

enum froe_action {
	FROE_ACTION_DESTROY,
	FROE_ACTION_RESTART,
	FROE_ACTION_RENAME_RESTART,
	FROE_ACTION_PRESERVE,
	FROE_ACTION_COREDUMP_DESTROY,
	FROE_ACTION_COREDUMP_RESTART,
	FROE_ACTION_SOFT_RESET,
};

/* A guest as its file describes it, checked and with defaults filled in. */
struct froe_config {
	char *name;
	uint8_t uuid[16];
	bool uuid_given;
	char *kernel, *ramdisk, *cmdline; /* ramdisk may be NULL; cmdline "" */
	uint64_t memory, memory_max;
	uint32_t vcpus, vcpus_max;
	struct froe_cpumap *hard, *soft; /* vcpus_max of each, or NULL: anywhere */
	uint32_t weight, cap;            /* weight 0: the default */
	enum froe_action on_poweroff, on_reboot, on_crash, on_watchdog, on_soft_reset;
	uint32_t max_event_channels, max_grant_frames, max_maptrack_frames; /* 0: the default */
	char *text; /* the file and the overrides behind it, as given */
};

struct froe_problem {
	char *file; /* or "command line" */
	unsigned line, column;
	bool warning;      /* else an error: no configuration results */
	char *text, *hint; /* hint may be "" */
};
struct froe_problems {
	struct froe_problem *problem;
	size_t count, errors;
};

/*
 * Parse the file `path` (in messages: as given) and after it overrides[] ("key=value"). All
 * problems are found in one run; -1 with FROE_INVALID if one is an error, and *config is NULL then.
 * `lax`: unknown keys are warnings. Both results are given back with the functions below.
 */
int froe_config_load(struct froe *f, const char *path, const char *const *overrides, size_t count,
                     bool lax, struct froe_config **config, struct froe_problems *problems);
/* The same from memory; `name` stands for the file in messages. */
int froe_config_parse(struct froe *f, const char *name, const char *text,
                      const char *const *overrides, size_t count, bool lax,
                      struct froe_config **config, struct froe_problems *problems);
void froe_config_free(struct froe_config *c);
void froe_problems_free(struct froe_problems *p);
/* In the form of `xl create -n`: one JSON object. */
char *froe_config_json(struct froe *f, const struct froe_config *c);
const char *froe_action_name(enum froe_action a);

/* "0-3,^2,7", "all", "node:0". FROE_INVALID. */
int froe_cpumap_parse(struct froe *f, const char *text, struct froe_cpumap *map);
/* "0-3,5", "all" if it has all of the first `cpus`, "none". */
char *froe_cpumap_format(const struct froe_cpumap *map, uint32_t cpus);

/* --- building guests (build.c) ------------------------------------------------------------- */

struct froe_create {
	bool paused;      /* leave it paused */
	uint32_t instead; /* of this domain of the same name, which has ended; 0: of none */
	bool keep;        /* that one, under another name and UUID; else it is destroyed */
};
/*
 * Build the guest and start it. Memory is admitted before anything is built (FROE_NO_CAPACITY), a
 * name in use is FROE_EXISTS, a kernel or initrd that is missing or of no use FROE_BUILD, and
 * whatever fails leaves nothing behind. The name is nobody else's to take between the end of the
 * domain that is replaced and the guest's beginning.
 */
int froe_domain_create(struct froe *f, const struct froe_config *c, const struct froe_create *how,
                       uint32_t *id);

/* --- small things (text.c) ----------------------------------------------------------------- */

#define FROE_UUID_TEXT 37
void froe_uuid_format(const uint8_t uuid[16], char text[FROE_UUID_TEXT]);
/* false if it is none. */
bool froe_uuid_parse(const char *text, uint8_t uuid[16]);

#ifdef __cplusplus
}
#endif

#endif
