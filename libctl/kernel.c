/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Kernel files, and the cache of those that had to be unpacked.
 *
 * An unpacked kernel is kept under a name that says which file it came from and in what state that
 * was: device, inode, size, times of modification and change. Nobody but root can put a file there
 * that is used. It is written under another name and renamed, so that it is there whole or not at
 * all, and two that do so at once do not disturb each other.
 */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "kernel.h"

#define CACHE_KEEP 4
#define CACHE_NAME 100
#define STALE_S    3600 /* a file that whoever wrote it has left behind */
#define FILE_MAX   (4ul << 30)
#define NEW_PREFIX ".new-"

static int open_file(struct froe *f, const char *path, const char *what, struct stat *st)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0 || fstat(fd, st) < 0) {
		int error = errno;

		if (fd >= 0)
			close(fd);
		return froe__fail(f, error == ENOENT ? FROE_NOT_FOUND : FROE_INVALID, "",
		                  "cannot open the %s %s: %s", what, path, strerror(error));
	}
	if (!S_ISREG(st->st_mode) || !st->st_size || (uint64_t)st->st_size >= FILE_MAX) {
		close(fd);
		return froe__fail(f, FROE_INVALID, "", "the %s %s is %s", what, path,
		                  !S_ISREG(st->st_mode) ? "not a file"
		                  : !st->st_size        ? "empty"
		                                        : "larger than 4 GiB");
	}
	return fd;
}

/* The file belongs to the map from then on. */
static int map(int fd, size_t size, struct file_map *m)
{
	void *p = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);

	if (p == MAP_FAILED)
		return -errno;
	m->data = p;
	m->size = size;
	m->fd = fd;
	return 0;
}

int froe__file_map(struct froe *f, const char *path, const char *what, struct file_map *m)
{
	struct stat st;
	int fd = open_file(f, path, what, &st), rc;

	if (fd < 0)
		return -1;
	rc = map(fd, st.st_size, m);
	if (rc == 0)
		return 0;
	close(fd);
	return froe__fail(f, FROE_FAIL, "", "cannot map the %s %s: %s", what, path, strerror(-rc));
}

void froe__file_unmap(struct file_map *m)
{
	if (!m->data)
		return;
	munmap((void *)m->data, m->size);
	close(m->fd);
	m->data = NULL;
}

int froe__kernel_unpack(const uint8_t *data, size_t size, int fd, const char **why)
{
	typeof(froe__unpack) *unpack;
	void *library;
	uint8_t head[64];
	ssize_t n;

	if (size >= 4 && !memcmp(data, "\177ELF", 4)) {
		*why = froe__elf_check(data, size);
		return *why ? -1 : 1;
	}
	/* It stays loaded: what it says of a file is text in it. */
	library = dlopen(UNPACKER, RTLD_NOW);
	unpack = library ? dlsym(library, "froe__unpack") : NULL;
	*why = unpack ? unpack(data, size, fd) : dlerror();
	if (*why)
		return -1;
	n = pread(fd, head, sizeof(head), 0);
	*why = froe__elf_check(head, n < 0 ? 0 : n);
	return *why ? -1 : 0;
}

/* --- the cache ------------------------------------------------------------------------- */

/* A folder that is root's alone; made if it is missing. -1: none. */
static int open_folder(const char *path)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0 && errno == ENOENT && mkdir(path, 0700) == 0)
		fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (fd >= 0 && (fstat(fd, &st) < 0 || st.st_uid != geteuid() || st.st_mode & 022)) {
		close(fd);
		fd = -1;
	}
	return fd;
}

static int open_cache(void)
{
	const char *own = secure_getenv("FROE_CACHE_DIR");
	int fd;

	if (own && *own)
		return open_folder(own);
	fd = open_folder("/var/cache/froe");
	if (fd < 0 && (mkdir("/run/froe", 0755) == 0 || errno == EEXIST))
		fd = open_folder("/run/froe/cache");
	return fd;
}

static void cache_name(const struct stat *st, char name[CACHE_NAME])
{
	snprintf(name, CACHE_NAME, "%lx-%lx-%lx-%lx.%09lx-%lx.%09lx.elf", st->st_dev, st->st_ino,
	         st->st_size, st->st_mtim.tv_sec, st->st_mtim.tv_nsec, st->st_ctim.tv_sec,
	         st->st_ctim.tv_nsec);
}

static bool cache_find(int cache, const char *name, struct file_map *m)
{
	int fd = openat(cache, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct stat st;

	if (fd < 0)
		return false;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_uid != geteuid() ||
	    st.st_mode & 077 || st.st_size <= 0 || map(fd, st.st_size, m) < 0) {
		close(fd);
		return false;
	}
	if (froe__elf_check(m->data, m->size)) {
		froe__file_unmap(m);
		return false;
	}
	futimens(fd, NULL); /* used: it is kept */
	return true;
}

struct cached {
	char name[NAME_MAX + 1];
	struct timespec used;
};

static int compare_used(const void *a, const void *b)
{
	const struct cached *x = a, *y = b;

	if (x->used.tv_sec != y->used.tv_sec)
		return x->used.tv_sec < y->used.tv_sec ? 1 : -1;
	return x->used.tv_nsec < y->used.tv_nsec ? 1 : -1;
}

/* Keep the few that were used last. What is in use stays with those that have it mapped. */
static void cache_prune(int cache)
{
	struct cached *list = NULL, *grown;
	size_t count = 0, room = 0;
	struct dirent *e;
	struct stat st;
	int fd = openat(cache, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);

	if (!d && fd >= 0)
		close(fd);
	while (d && (e = readdir(d))) {
		bool fresh = !strncmp(e->d_name, NEW_PREFIX, strlen(NEW_PREFIX));
		size_t length = strlen(e->d_name);

		if (fstatat(cache, e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		if (fresh && st.st_mtim.tv_sec + STALE_S < time(NULL))
			unlinkat(cache, e->d_name, 0);
		if (fresh || length < 4 || strcmp(e->d_name + length - 4, ".elf"))
			continue;
		if (count == room) {
			room = room * 2 + 8;
			grown = realloc(list, room * sizeof(*list));
			if (!grown)
				break;
			list = grown;
		}
		strcpy(list[count].name, e->d_name);
		list[count++].used = st.st_mtim;
	}
	if (d)
		closedir(d);
	if (list)
		qsort(list, count, sizeof(*list), compare_used);
	for (size_t i = CACHE_KEEP; i < count; i++)
		unlinkat(cache, list[i].name, 0);
	free(list);
}

/* A new file in the cache, or with no cache one that has no name. */
static int new_file(int cache, char name[32])
{
	int fd = -1;

	for (int i = 0; cache >= 0 && i < 100; i++) {
		snprintf(name, 32, NEW_PREFIX "%x-%x", getpid(), i);
		fd = openat(cache, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
		if (fd >= 0 || errno != EEXIST)
			break;
	}
	if (fd < 0) {
		*name = 0;
		fd = memfd_create("froe-kernel", MFD_CLOEXEC);
	}
	return fd;
}

static bool same_state(const struct stat *a, int fd)
{
	char before[CACHE_NAME], after[CACHE_NAME];
	struct stat st;

	if (fstat(fd, &st) < 0)
		return false;
	cache_name(a, before);
	cache_name(&st, after);
	return !strcmp(before, after);
}

static int unpack_failed(struct froe *f, const char *path, const char *why)
{
	return froe__fail(f, FROE_INVALID,
	                  "a guest's kernel is a bzImage or ELF file for x86 with CONFIG_PVH",
	                  "the kernel %s cannot be used: %s", path, why);
}

/* Read the whole of a packed file: unlike a mapped one it cannot be cut short under our hands. */
static int read_file(int fd, size_t size, struct file_map *m)
{
	uint8_t *p = malloc(size);
	size_t have = 0;

	while (p && have < size) {
		ssize_t n = pread(fd, p + have, size - have, have);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		have += n;
	}
	m->data = p;
	m->size = have;
	return p ? 0 : -ENOMEM;
}

/* Unpack `packed` into a new file, and put that into the cache if it is as good as there. */
static int unpack_new(struct froe *f, const char *path, int from, const struct stat *st,
                      const struct file_map *packed, int cache, struct file_map *m)
{
	char temporary[32], name[CACHE_NAME];
	int fd = new_file(cache, temporary), rc;
	const char *why;
	struct stat out;

	if (fd < 0)
		return froe__fail(f, FROE_FAIL, "", "cannot make a file to unpack %s into: %s",
		                  path, strerror(errno));
	rc = froe__kernel_unpack(packed->data, packed->size, fd, &why);
	if (rc < 0)
		unpack_failed(f, path, why);
	else if (fstat(fd, &out) < 0 || map(fd, out.st_size, m) < 0)
		rc = froe__fail(f, FROE_FAIL, "", "cannot map the unpacked %s: %s", path,
		                strerror(errno));
	if (*temporary) {
		cache_name(st, name);
		/* Whole on disk before it has its name; and not, if the original changed meanwhile.
		 */
		if (rc < 0 || !same_state(st, from) || fsync(fd) < 0 ||
		    renameat(cache, temporary, cache, name) < 0)
			unlinkat(cache, temporary, 0);
		else
			cache_prune(cache);
	}
	if (rc >= 0)
		return 0;
	close(fd);
	return -1;
}

int froe__kernel_map(struct froe *f, const char *path, struct file_map *m)
{
	struct file_map packed = { 0 };
	char name[CACHE_NAME], magic[4];
	struct stat st;
	int fd, cache, rc;

	fd = open_file(f, path, "kernel", &st);
	if (fd < 0)
		return -1;
	cache = open_cache();
	cache_name(&st, name);
	if (cache >= 0 && cache_find(cache, name, m)) {
		rc = 0;
	} else if (pread(fd, magic, sizeof(magic), 0) == 4 && !memcmp(magic, "\177ELF", 4)) {
		rc = map(fd, st.st_size, m);
		if (rc == 0)
			fd = -1;
	} else {
		rc = read_file(fd, st.st_size, &packed);
	}
	if (rc < 0)
		froe__fail(f, FROE_FAIL, "", "cannot read the kernel %s: %s", path, strerror(-rc));
	else if (packed.data)
		rc = unpack_new(f, path, fd, &st, &packed, cache, m);
	free((void *)packed.data);
	if (cache >= 0)
		close(cache);
	if (fd >= 0)
		close(fd);
	return rc < 0 ? -1 : 0;
}

/* --- for others ------------------------------------------------------------------------ */

static int copy_file(const struct file_map *m, int fd)
{
	for (size_t at = 0; at < m->size;) {
		ssize_t n = write(fd, m->data + at, m->size - at);

		if (n < 0 && errno != EINTR)
			return -errno;
		at += n > 0 ? n : 0;
	}
	return 0;
}

int froe_kernel_unpack(struct froe *f, const char *from, const char *to)
{
	struct file_map m;
	const char *why;
	char *temporary;
	int fd, rc;

	if (froe__file_map(f, from, "kernel", &m) < 0)
		return -1;
	/* Beside the target and then renamed: a kernel that is there is whole. */
	if (asprintf(&temporary, "%s.XXXXXX", to) < 0) {
		froe__file_unmap(&m);
		return froe__nomem(f);
	}
	fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0) {
		rc = froe__fail(f, FROE_FAIL, "", "cannot write %s: %s", to, strerror(errno));
		goto out;
	}
	rc = froe__kernel_unpack(m.data, m.size, fd, &why);
	if (rc < 0) {
		unpack_failed(f, from, why);
	} else {
		rc = rc == 1 ? copy_file(&m, fd) : 0;
		if (rc == 0 && (fchmod(fd, 0644) < 0 || fsync(fd) < 0 || rename(temporary, to) < 0))
			rc = -errno;
		if (rc < 0)
			froe__fail(f, FROE_FAIL, "", "cannot write %s: %s", to, strerror(-rc));
	}
	close(fd);
	if (rc < 0)
		unlink(temporary);
out:
	free(temporary);
	froe__file_unmap(&m);
	return rc < 0 ? -1 : 0;
}
