/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Files in /run/froe, and among them the guests that are being restarted.
 *
 * The hypervisor has the last life of such a guest no more and the next one not yet, or without a
 * name. Whoever looks then must not find that there is no such guest and start a second one. So
 * who restarts it keeps what the last life was, in restart/ID, locked while it works, and those
 * who look see that.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include "internal.h"

/* --- files ------------------------------------------------------------------------------ */

const char *froe__run_folder(void)
{
	const char *own = secure_getenv("FROE_RUN_DIR");

	return own && *own ? own : "/run/froe";
}

/* Open a file in a folder of /run/froe; the folders are made when they are missing. */
int froe__run_open(const char *folder, const char *name, int flags)
{
	size_t top = strlen(froe__run_folder()), middle = top + 1 + strlen(folder);
	char path[PATH_MAX];
	int fd;

	if (snprintf(path, sizeof(path), "%s/%s/%s", froe__run_folder(), folder, name) >=
	    PATH_MAX) {
		errno = ENAMETOOLONG;
		return -1;
	}
	fd = open(path, flags | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd >= 0 || errno != ENOENT || !(flags & O_CREAT))
		return fd;
	path[middle] = path[top] = 0;
	mkdir(path, 0755);
	path[top] = '/';
	mkdir(path, 0755);
	path[middle] = '/';
	return open(path, flags | O_CLOEXEC | O_NOFOLLOW, 0600);
}

void froe__run_unlink(const char *folder, const char *name)
{
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%s/%s/%s", froe__run_folder(), folder, name) < PATH_MAX)
		unlink(path);
}

/* --- restarts --------------------------------------------------------------------------- */

int froe__restart_begin(struct froe *f, const struct froe_domain *last)
{
	char name[12];
	int fd;

	snprintf(name, sizeof(name), "%u", last->id);
	fd = froe__run_open("restart", name, O_RDWR | O_CREAT | O_TRUNC);
	/* A look at it locks it, too, but not for long. */
	if (fd >= 0 && flock(fd, LOCK_EX) == 0 &&
	    write(fd, last, sizeof(*last)) == (ssize_t)sizeof(*last))
		return fd;
	froe__fail(f, FROE_FAIL, "", "cannot write %s/restart/%s: %s", froe__run_folder(), name,
	           strerror(errno));
	if (fd >= 0)
		close(fd);
	return -1;
}

void froe__restart_end(uint32_t id, int fd)
{
	char name[12];

	snprintf(name, sizeof(name), "%u", id);
	froe__run_unlink("restart", name);
	close(fd);
}

/* Nobody holds the lock of a file that was left behind. */
static bool read_restart(const char *name, struct froe_domain *last)
{
	int fd = froe__run_open("restart", name, O_RDONLY);
	bool valid;

	if (fd < 0)
		return false;
	valid = flock(fd, LOCK_SH | LOCK_NB) < 0 &&
	        read(fd, last, sizeof(*last)) == (ssize_t)sizeof(*last);
	close(fd);
	last->name[FROE_NAME_MAX] = 0;
	return valid;
}

/* The list with the last life of a guest in the place of its next one, which has no name yet. */
static size_t put(struct froe_domain *list, size_t count, const struct froe_domain *last)
{
	size_t n = 0, at = 0;

	for (size_t i = 0; i < count; i++)
		if (list[i].id != last->id && list[i].name[0] &&
		    !memcmp(list[i].uuid, last->uuid, sizeof(last->uuid)))
			return count;
	for (size_t i = 0; i < count; i++)
		if (list[i].id != last->id && memcmp(list[i].uuid, last->uuid, sizeof(last->uuid)))
			list[n++] = list[i];
	while (at < n && list[at].id < last->id)
		at++;
	memmove(list + at + 1, list + at, (n - at) * sizeof(*list));
	list[at] = *last;
	return n + 1;
}

int froe__restarts_add(struct froe *f, struct froe_domain **list, size_t *count)
{
	char path[PATH_MAX];
	struct froe_domain last, *grown;
	struct dirent *entry;
	int rc = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/restart", froe__run_folder());
	dir = opendir(path);
	while (dir && rc == 0 && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.' || !read_restart(entry->d_name, &last))
			continue;
		grown = realloc(*list, (*count + 1) * sizeof(last));
		if (!grown) {
			rc = froe__nomem(f);
			break;
		}
		*list = grown;
		*count = put(grown, *count, &last);
	}
	if (dir)
		closedir(dir);
	return rc;
}

int froe_restart_wait(struct froe *f, uint32_t id)
{
	char name[12];
	bool busy;
	int fd;

	snprintf(name, sizeof(name), "%u", id);
	fd = froe__run_open("restart", name, O_RDONLY);
	if (fd < 0)
		return 0;
	busy = flock(fd, LOCK_SH | LOCK_NB) < 0;
	if (busy)
		flock(fd, LOCK_SH);
	close(fd);
	return busy;
}

struct timespec froe__restarts_changed(void)
{
	struct stat st = { 0 };
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/restart", froe__run_folder());
	stat(path, &st);
	return st.st_mtim;
}
