/* SPDX-License-Identifier: GPL-2.0-only */
/* Messages of the hypervisor: levels, the message ring, and the two ways to give up. */
#pragma once

struct domain;

enum loglevel {
	LOG_ERR,
	LOG_WARN,
	LOG_INFO,
	LOG_DEBUG,
};

/*
 * Format one line ("\n" included in fmt), put it into the message ring, and onto the console if its
 * level is at most the threshold (`loglvl=`). Lines begin "froe: " on the console and in the ring.
 * Usable from any context but an NMI.
 */
void printk(enum loglevel level, const char *fmt, ...) __printf(2, 3);
void printk_va(enum loglevel level, const char *fmt, va_list ap) __printf(2, 0);
#define pr_err(...)   printk(LOG_ERR, __VA_ARGS__)
#define pr_warn(...)  printk(LOG_WARN, __VA_ARGS__)
#define pr_info(...)  printk(LOG_INFO, __VA_ARGS__)
#define pr_debug(...) printk(LOG_DEBUG, __VA_ARGS__)

/* A line that a guest caused: names the domain ("d1: ..."), rate-limited per domain. */
void printk_guest(struct domain *d, const char *fmt, ...) __printf(2, 3);

/* Set the threshold from a word of `loglvl=`: error, warning, info, debug, all, none. -EINVAL. */
int printk_set_level(const char *word);
/* Details are asked for. */
bool printk_debug(void);

/* While on, lines of all levels are printed: somebody asked for them at the console. */
void printk_show_all(bool on);

/*
 * Copy ring text to buf, for XEN_SYSCTL_readconsole. *index: in, where to
 * start (0 = oldest); out, where to go on. Returns the number of bytes.
 */
size_t printk_ring_read(char *buf, size_t n, u32 *index);
/* Later reads begin behind what is there now. */
void printk_ring_clear(void);
#define PRINTK_RING_SIZE (64 * KIB)

/* Stop the machine for good with one line and, if asked for, a register dump beforehand. */
void panic(const char *fmt, ...) __printf(1, 2) __noreturn;
/* Same for bad input at boot: prints the line, no dump, then "froe: stopped: <line>". */
void boot_fail(const char *fmt, ...) __printf(1, 2) __noreturn;

#define BUG_ON(cond)                                                                               \
	do {                                                                                       \
		if (unlikely(cond))                                                                \
			panic("BUG: %s:%d: %s\n", __FILE__, __LINE__, #cond);                      \
	} while (0)
#define ASSERT(cond) BUG_ON(!(cond))
