/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * xs DEVICE NODE: what a store request costs, in ns, which are instructions under
 * -icount shift=0. DEVICE is the store's socket or /dev/xen/xenbus, which take the
 * same frames; NODE is a node of ours. Prints read, write and an empty transaction.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>
#include <xen/io/xs_wire.h>

#define ROUNDS 200

static int fd;

static void die(const char *what)
{
	perror(what);
	exit(2);
}

static void whole(ssize_t (*move)(int, void *, size_t), void *buf, size_t n)
{
	for (ssize_t did; n; buf = (char *)buf + did, n -= (size_t)did) {
		did = move(fd, buf, n);
		if (did <= 0)
			die("store");
	}
}

static ssize_t put(int to, void *buf, size_t n)
{
	return write(to, buf, n);
}

/* One request and its answer, whose text is in reply. */
static char reply[XENSTORE_PAYLOAD_MAX + 1];
static void ask(uint32_t type, uint32_t tx, const char *payload, size_t n)
{
	char frame[sizeof(struct xsd_sockmsg) + XENSTORE_PAYLOAD_MAX];
	struct xsd_sockmsg m = { .type = type, .tx_id = tx, .len = (uint32_t)n };

	memcpy(frame, &m, sizeof(m));
	memcpy(frame + sizeof(m), payload, n);
	whole(put, frame, sizeof(m) + n);
	whole(read, &m, sizeof(m));
	if (m.len > XENSTORE_PAYLOAD_MAX)
		die("length");
	whole(read, reply, m.len);
	reply[m.len] = 0;
	if (m.type == XS_ERROR) {
		fprintf(stderr, "xs: request %u: %s\n", type, reply);
		exit(1);
	}
}

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC_RAW, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void connect_to(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	struct stat st;

	if (stat(path, &st))
		die(path);
	strncpy(a.sun_path, path, sizeof(a.sun_path) - 1);
	if (S_ISSOCK(st.st_mode)) {
		fd = socket(AF_UNIX, SOCK_STREAM, 0);
		if (connect(fd, (struct sockaddr *)&a, sizeof(a)))
			die(path);
	} else {
		fd = open(path, O_RDWR);
		if (fd < 0)
			die(path);
	}
}

int main(int argc, char **argv)
{
	uint64_t start, times[3];
	char pair[256];
	size_t node, both;

	if (argc != 3)
		return 2;
	connect_to(argv[1]);
	node = strlen(argv[2]) + 1;
	both = (size_t)snprintf(pair, sizeof(pair), "%s%cvalue", argv[2], 0);
	ask(XS_WRITE, 0, pair, both);
	start = now();
	for (int i = 0; i < ROUNDS; i++)
		ask(XS_READ, 0, argv[2], node);
	times[0] = now() - start;
	start = now();
	for (int i = 0; i < ROUNDS; i++)
		ask(XS_WRITE, 0, pair, both);
	times[1] = now() - start;
	start = now();
	for (int i = 0; i < ROUNDS; i++) {
		ask(XS_TRANSACTION_START, 0, "", 1);
		ask(XS_TRANSACTION_END, (uint32_t)atoi(reply), "T", 2);
	}
	times[2] = now() - start;
	printf("xs: read %lu write %lu transaction %lu\n", times[0] / ROUNDS, times[1] / ROUNDS,
	       times[2] / ROUNDS);
	return 0;
}
