// SPDX-License-Identifier: GPL-2.0-only
/*
 * The journal: one file in memory (tmpfs), mapped. It begins with a snapshot of the state and goes
 * on with what has changed since. What lies before `tail` counts; a commit is one store to it. A
 * process that is killed loses what it had not committed, and nothing else: its mapping is the
 * page cache. When the log has outgrown the state, a new file is written and renamed over it.
 */
#include "journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	SIZE_MIN = 1 << 20,
	LOG_MAX = 512 << 10
};

struct header {
	char magic[8];
	uint32_t version, unused;
	uint64_t tail;
};

struct head {
	uint32_t size; /* with this head, a multiple of 8 */
	uint16_t domid;
	uint8_t type, pad;
};

static const char magic[8] = "froedjnl";
enum {
	VERSION = 1
};

static struct {
	const char *path;
	int fd;
	char *map;
	uint64_t size, tail; /* tail: with what is not committed yet */
	uint64_t snapshot;   /* where the snapshot ends */
	bool replaying;      /* what that does is not to be written once more */
} j = { .fd = -1 };

/* Memory is taken now, not in the middle of a record. */
static void grow(uint64_t size)
{
	int rc = posix_fallocate(j.fd, 0, size);
	void *map;

	if (rc)
		die("%s: no room for %llu KiB: %s; make room in its file system", j.path,
		    (unsigned long long)size >> 10, strerror(rc));
	map = j.map ? mremap(j.map, j.size, size, MREMAP_MAYMOVE)
	            : mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, j.fd, 0);
	if (map == MAP_FAILED)
		die("%s: %s", j.path, strerror(errno));
	j.map = map;
	j.size = size;
}

void journal_add(enum journal_type type, uint16_t domid, const struct part *part, int parts)
{
	struct head head = { .domid = domid, .type = type };
	uint32_t len = 0;
	char *to;

	if (j.replaying)
		return;
	for (int i = 0; i < parts; i++)
		len += part[i].len;
	head.pad = -len & 7;
	head.size = sizeof(head) + len + head.pad;
	while (j.tail + head.size > j.size)
		grow(j.size * 2);
	to = j.map + j.tail;
	memcpy(to, &head, sizeof(head));
	to += sizeof(head);
	for (int i = 0; i < parts; to += part[i].len, i++)
		if (part[i].len)
			memcpy(to, part[i].data, part[i].len);
	j.tail += head.size;
}

static void publish(void)
{
	__atomic_store_n(&((struct header *)j.map)->tail, j.tail, __ATOMIC_RELEASE);
}

/* The state as it is becomes a new file, which then takes the old one's place. */
static void rewrite(void)
{
	char fresh[4096];
	int old_fd = j.fd;
	char *old = j.map;
	uint64_t old_size = j.size;

	snprintf(fresh, sizeof(fresh), "%s.new", j.path);
	j.fd = open(fresh, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (j.fd < 0)
		die("%s: %s", fresh, strerror(errno));
	j.map = NULL;
	grow(SIZE_MIN);
	j.tail = sizeof(struct header);
	state_save();
	j.snapshot = j.tail;
	*(struct header *)j.map = (struct header){ .version = VERSION, .tail = j.tail };
	memcpy(j.map, magic, sizeof(magic));
	if (rename(fresh, j.path))
		die("%s: %s", j.path, strerror(errno));
	if (old) {
		munmap(old, old_size);
		close(old_fd);
	}
}

void journal_commit(void)
{
	if (j.tail == ((struct header *)j.map)->tail)
		return;
	publish();
	if (j.tail - j.snapshot > LOG_MAX + j.snapshot)
		rewrite();
}

/* Records up to the tail; a damaged one ends it, and is told of. */
static void replay(void)
{
	uint64_t at = sizeof(struct header);

	while (at < j.tail) {
		struct head head;

		memcpy(&head, j.map + at, sizeof(head));
		if (head.size < sizeof(head) + head.pad || head.size & 7 ||
		    head.size > j.tail - at) {
			log_line("%s: damaged at %llu; what followed is lost", j.path,
			         (unsigned long long)at);
			break;
		}
		state_replay(&(struct record){ head.type, head.domid, j.map + at + sizeof(head),
		                               head.size - sizeof(head) - head.pad });
		at += head.size;
	}
}

static void load(void)
{
	const struct header *h = (const struct header *)j.map;

	if (j.size < sizeof(*h) || memcmp(h->magic, magic, sizeof(magic)) ||
	    h->version != VERSION || h->tail > j.size || h->tail < sizeof(*h)) {
		log_line("%s: not a journal of this froed; it begins anew", j.path);
		return;
	}
	j.tail = h->tail;
	j.replaying = true;
	replay();
	j.replaying = false;
}

void journal_open(const char *path)
{
	struct stat st;

	j.path = path;
	j.fd = open(path, O_RDWR | O_CLOEXEC);
	if (j.fd >= 0 && !fstat(j.fd, &st) && st.st_size > 0) {
		j.size = st.st_size;
		j.map = mmap(NULL, j.size, PROT_READ, MAP_SHARED, j.fd, 0);
		if (j.map == MAP_FAILED)
			die("%s: %s", path, strerror(errno));
		load();
	}
	rewrite();
}
