/* SPDX-License-Identifier: GPL-2.0-only */
/* Checks, their count, and a folder for the test's files. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "check.h"

char check_folder[64];
static unsigned long checks, failures;
static uint64_t chance;

bool check_that(bool ok, const char *file, int line, const char *what)
{
	checks++;
	if (!ok) {
		failures++;
		fprintf(stderr, "%s:%d: not so: %s\n", file, line, what);
	}
	return ok;
}

bool check_equal(uint64_t a, uint64_t b, const char *file, int line, const char *what)
{
	if (a != b)
		fprintf(stderr, "%#lx, %#lx\n", a, b);
	return check_that(a == b, file, line, what);
}

bool check_fails(const struct froe *f, int rc, enum froe_code code, const char *text,
                 const char *file, int line)
{
	bool ok = rc == -1 && froe_code(f) == code && strstr(froe_error(f), text) &&
	          !strchr(froe_error(f), '\n');

	if (!ok)
		fprintf(stderr, "%d, code %d, error '%s', wanted %d, '%s'\n", rc, froe_code(f),
		        froe_error(f), code, text);
	return check_that(ok, file, line, "fails as it should");
}

void check_give_up(void)
{
	fprintf(stderr, "given up\n");
	exit(1);
}

uint64_t check_random(void)
{
	uint64_t x = (chance += 0x9e3779b97f4a7c15);

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
	x = (x ^ x >> 27) * 0x94d049bb133111eb;
	return x ^ x >> 31;
}

const char *check_file(const char *name, const void *data, size_t size)
{
	static char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", check_folder, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, data, size) != (ssize_t)size) {
		perror(path);
		check_give_up();
	}
	close(fd);
	return path;
}

static void remove_folder(void)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s", check_folder);
	if (system(command))
		fprintf(stderr, "cannot remove %s\n", check_folder);
}

int main(void)
{
	const char *seed = getenv("SEED");

	chance = seed ? strtoul(seed, NULL, 10) : 0;
	strcpy(check_folder, "/tmp/froe-libctl-XXXXXX");
	if (!mkdtemp(check_folder)) {
		perror(check_folder);
		return 1;
	}
	atexit(remove_folder);
	setenv("FROE_RUN_DIR", check_folder, 1);
	test_main();
	printf("  # %lu checks, %lu failed\n", checks, failures);
	return failures || !checks;
}
