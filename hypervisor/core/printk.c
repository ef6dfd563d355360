/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Messages: formatted, kept in a ring of the last 64 KiB, printed if they matter enough.
 *
 * Locking: printk_lock covers the ring, the line being written and the credit of printk_guest. The
 * console's lock nests inside, so that the ring and the console show lines in the same order. After
 * console_force() nobody takes either.
 */
#include <console.h>
#include <domain.h>
#include <printk.h>
#include <string.h>
#include <timer.h>

#define RING_SIZE PRINTK_RING_SIZE
#define LINE_SIZE 512
#define PREFIX    "froe: "

/* A guest may cause a burst of lines, then one more for each interval. */
#define GUEST_BURST    20
#define GUEST_INTERVAL 500000000ULL /* ns */

static struct spinlock printk_lock;
static char ring[RING_SIZE];
static u32 ring_head;            /* bytes ever written; the low bits are the place in the ring */
static u32 ring_oldest;          /* the first byte that is still there, and was not cleared */
static int threshold = LOG_INFO; /* -1: print nothing */
static bool show_all;

static void lock(void)
{
	if (!console_forced())
		spin_lock(&printk_lock);
}

static void unlock(void)
{
	if (!console_forced())
		spin_unlock(&printk_lock);
}

static void ring_put(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		ring[ring_head++ % RING_SIZE] = s[i];
		if (ring_head - ring_oldest > RING_SIZE)
			ring_oldest++;
	}
}

size_t printk_ring_read(char *buf, size_t n, u32 *index)
{
	size_t done = 0;
	u32 at = *index;

	lock();
	/* What has been overwritten, or was never written, starts again at the oldest byte. */
	if (ring_head - at > ring_head - ring_oldest)
		at = ring_oldest;
	while (done < n && at != ring_head)
		buf[done++] = ring[at++ % RING_SIZE];
	*index = at;
	unlock();
	return done;
}

void printk_ring_clear(void)
{
	lock();
	ring_oldest = ring_head;
	unlock();
}

/* Prefix every line of `text` and hand it on; a last line without an end gets one. */
static void emit(enum loglevel level, const char *text)
{
	/* The last words of the machine are shown whatever the command line says. */
	bool print = show_all || (int)level <= threshold || (level == LOG_ERR && console_forced());

	while (*text) {
		const char *end = strchr(text, '\n');
		size_t n = end ? (size_t)(end - text) : strlen(text);

		ring_put(PREFIX, sizeof(PREFIX) - 1);
		ring_put(text, n);
		ring_put("\n", 1);
		if (print)
			console_write_line(PREFIX, text, n);
		text += n + (end != NULL);
	}
}

void printk_va(enum loglevel level, const char *fmt, va_list ap)
{
	char text[LINE_SIZE];

	vsnprintf(text, sizeof(text), fmt, ap);
	lock();
	emit(level, text);
	unlock();
}

void printk(enum loglevel level, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	printk_va(level, fmt, ap);
	va_end(ap);
}

/*
 * Whether d may print now, under the lock. A line costs an interval of the time since log_stamp,
 * and what lies further back than a burst's worth is lost. *missed gets the number of lines dropped
 * since the last one that was printed.
 */
static bool guest_credit(struct domain *d, u64 now, u32 *missed)
{
	u64 end = now + GUEST_BURST * GUEST_INTERVAL; /* so that there is credit from the start */

	d->log_stamp = max(d->log_stamp, now);
	if (d->log_stamp + GUEST_INTERVAL > end) {
		d->log_missed++;
		return false;
	}
	d->log_stamp += GUEST_INTERVAL;
	*missed = d->log_missed;
	d->log_missed = 0;
	return true;
}

/* What a guest had a hand in must not look like a line of ours, nor move the cursor. */
static void make_printable(char *s)
{
	for (; *s; s++)
		if (*s < ' ' || *s > '~')
			*s = '.';
}

void printk_guest(struct domain *d, const char *fmt, ...)
{
	char text[LINE_SIZE], note[64];
	u32 missed = 0;
	size_t n, start;
	va_list ap;

	start = (size_t)snprintf(text, sizeof(text), "d%u: ", d->id);
	va_start(ap, fmt);
	vsnprintf(text + start, sizeof(text) - start, fmt, ap);
	va_end(ap);
	n = strlen(text);
	if (n && text[n - 1] == '\n')
		text[n - 1] = '\0';
	make_printable(text);

	lock();
	if (guest_credit(d, time_now(), &missed)) {
		if (missed) {
			snprintf(note, sizeof(note), "d%u: %u messages left out\n", d->id, missed);
			emit(LOG_WARN, note);
		}
		emit(LOG_WARN, text);
	}
	unlock();
}

void printk_show_all(bool on)
{
	WRITE_ONCE(show_all, on);
}

bool printk_debug(void)
{
	return threshold >= LOG_DEBUG;
}

int printk_set_level(const char *word)
{
	static const struct {
		const char *word;
		int level;
	} levels[] = {
		{ "none", -1 },       { "error", LOG_ERR },   { "warning", LOG_WARN },
		{ "info", LOG_INFO }, { "debug", LOG_DEBUG }, { "all", LOG_DEBUG },
	};

	for (u32 i = 0; i < ARRAY_SIZE(levels); i++)
		if (!strcmp(word, levels[i].word)) {
			threshold = levels[i].level;
			return 0;
		}
	return -EINVAL;
}
