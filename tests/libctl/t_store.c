/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The store's client: values, lists, permissions, batches that do not fit into the socket, and all
 * of it again while connections end at every possible point.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "check.h"
#include "fake_store.h"

#define MANY 700

static struct froe *f;

static bool reads(const char *path, const char *value)
{
	char *got = NULL;
	int rc = froe_store_read(f, 0, path, &got, NULL);
	bool same = rc == 0 && !strcmp(got, value);

	free(got);
	return same;
}

static void test_values(void)
{
	char *value = NULL, **names;
	size_t size;

	CHECK(froe_store_write(f, 0, "/a/b", "one") == 0);
	REQUIRE(froe_store_read(f, 0, "/a/b", &value, &size) == 0);
	CHECK_EQ(size, 3);
	CHECK(!strcmp(value, "one"));
	free(value);
	CHECK_FAILS(f, froe_store_read(f, 0, "/none", &value, NULL), FROE_NOT_FOUND, "/none");
	CHECK(froe_store_write(f, 0, "/a/c", "") == 0);
	REQUIRE(froe_store_list(f, 0, "/a", &names, &size) == 0);
	CHECK_EQ(size, 2);
	CHECK(!strcmp(names[0], "b") && !strcmp(names[1], "c"));
	free(names);
	REQUIRE(froe_store_list(f, 0, "/a/c", &names, &size) == 0);
	CHECK_EQ(size, 0);
	free(names);
	CHECK(froe_store_remove(f, 0, "/a") == 0);
	CHECK(froe_store_remove(f, 0, "/a") == 0);
	CHECK(!fake_store_get("/a/b"));
	fake_refuse_at = 1;
	CHECK_FAILS(f, froe_store_write(f, 0, "/x", "y"), FROE_NO_CAPACITY, "/x");
	char big[5000];

	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = 0;
	CHECK_FAILS(f, froe_store_write(f, 0, "/x", big), FROE_INVALID, "at most 4096");
	CHECK(reads("/x", "") == false);
}

/* More at once than both sockets' buffers hold; and a directory longer than a message. */
static void test_many(void)
{
	static struct froe_store_item item[MANY];
	static const char *path[MANY + 1];
	static char *value[MANY + 1];
	static char text[MANY][64];
	char **names;
	size_t count;

	for (int i = 0; i < MANY; i++) {
		snprintf(text[i], sizeof(text[i]), "/many/a-name-of-some-length-%d", i);
		item[i] = (struct froe_store_item){ text[i], text[i] + 6, i % 3 ? NULL : "n0,r3" };
		path[i] = text[i];
	}
	path[MANY] = "/nothing";
	REQUIRE(froe_store_write_many(f, 0, item, MANY) == 0);
	REQUIRE(froe_store_read_many(f, 0, path, value, MANY + 1) == 0);
	for (int i = 0; i < MANY; i++) {
		CHECK(value[i] && !strcmp(value[i], text[i] + 6));
		free(value[i]);
	}
	CHECK(!value[MANY]);
	CHECK(!strcmp(fake_store_perms(text[3]), "n0,r3"));
	CHECK(!strcmp(fake_store_perms(text[4]), "n0"));
	REQUIRE(froe_store_list(f, 0, "/many", &names, &count) == 0);
	CHECK_EQ(count, MANY);
	for (size_t i = 0; i < count; i++)
		CHECK(!strcmp(names[i], text[i] + 6));
	free(names);
	fake_refuse_at = 5;
	CHECK_FAILS(f, froe_store_write_many(f, 0, item, MANY), FROE_NO_CAPACITY, text[3]);
	CHECK(froe_store_remove(f, 0, "/many") == 0);
	/* What was under way of a batch that failed is not taken for the next one's. */
	CHECK_FAILS(f, froe_store_read(f, 0, "/many", value, NULL), FROE_NOT_FOUND, "/many");
}

static void test_transaction(void)
{
	froe_tx tx = 0;
	char *value;

	REQUIRE(froe_store_begin(f, &tx) == 0);
	CHECK(tx != 0);
	CHECK(froe_store_write(f, tx, "/t/a", "1") == 0);
	CHECK(!fake_store_get("/t/a"));
	REQUIRE(froe_store_read(f, tx, "/t/a", &value, NULL) == 0);
	free(value);
	CHECK_EQ(froe_store_end(f, tx, true), 0);
	CHECK(!strcmp(fake_store_get("/t/a"), "1"));
	CHECK_FAILS(f, froe_store_end(f, tx, true), FROE_USAGE, "no transaction");

	REQUIRE(froe_store_begin(f, &tx) == 0);
	CHECK(froe_store_write(f, tx, "/t/a", "2") == 0);
	CHECK_EQ(froe_store_end(f, tx, false), 0);
	CHECK(!strcmp(fake_store_get("/t/a"), "1"));

	fake_conflicts = 1;
	REQUIRE(froe_store_begin(f, &tx) == 0);
	CHECK(froe_store_write(f, tx, "/t/a", "3") == 0);
	CHECK_EQ(froe_store_end(f, tx, true), 1);
	CHECK(!strcmp(fake_store_get("/t/a"), "1"));
}

static bool event_is(const char *path, const char *token)
{
	char *got = NULL, *with;
	int rc = froe_store_event(f, 100000, &got, &with);
	bool same = rc == 0 && !strcmp(got, path) && !strcmp(with, token);

	free(got);
	return same;
}

static void test_watches(void)
{
	struct pollfd p = { .events = POLLIN };
	char *path, *token;

	REQUIRE(froe_store_watch(f, "/w", "tok") == 0);
	CHECK(event_is("/w", "tok"));
	CHECK_FAILS(f, froe_store_event(f, 0, &path, &token), FROE_TIMEOUT, "nothing happened");
	fake_store_set("/w/x", "1");
	p.fd = froe_store_fd(f);
	CHECK_EQ(poll(&p, 1, 100000), 1);
	CHECK(event_is("/w/x", "tok"));
	/* Events that come between replies wait. */
	CHECK(froe_store_write(f, 0, "/w/y", "2") == 0);
	CHECK(reads("/w/y", "2"));
	CHECK(event_is("/w/y", "tok"));
	/* After a restart the watch is there again, fires once, and the descriptor is the same. */
	fake_store_stop();
	fake_store_start();
	CHECK(event_is("/w", "tok"));
	CHECK_EQ(froe_store_fd(f), p.fd);
	fake_store_set("/w/x", "2");
	CHECK(event_is("/w/x", "tok"));
	CHECK(froe_store_unwatch(f, "/w", "tok") == 0);
	fake_store_set("/w/x", "3");
	CHECK_FAILS(f, froe_store_event(f, 0, &path, &token), FROE_TIMEOUT, "");
}

/* The connection ends before, or behind, each request of a sequence: its result is the same. */
static void test_drops(void)
{
	const struct froe_store_item item[] = { { "/d/1", "a", "n0,r1" }, { "/d/2", "b", NULL } };
	const char *path[] = { "/d/1", "/d/2", "/d/3" };
	char *value[3];
	int before;

	for (int behind = 0; behind < 2; behind++)
		for (int at = 1; at <= 7; at++) {
			fake_store_set("/d", NULL);
			fake_drop_behind = behind;
			fake_drop_after = at;
			before = fake_connections;
			CHECK(froe_store_write_many(f, 0, item, 2) == 0);
			CHECK(froe_store_read_many(f, 0, path, value, 3) == 0);
			CHECK(value[0] && !strcmp(value[0], "a"));
			CHECK(value[1] && !strcmp(value[1], "b") && !value[2]);
			free(value[0]);
			free(value[1]);
			CHECK(froe_store_remove(f, 0, "/d") == 0);
			CHECK(!fake_store_get("/d/1"));
			CHECK_EQ(fake_connections, before + 1);
		}
}

/* The same in a transaction: it is done, or it is to begin again, and never half of it. */
static void test_transaction_drops(void)
{
	froe_tx tx;

	for (int behind = 0; behind < 2; behind++)
		for (int at = 1; at <= 4; at++) {
			int rc, rounds = 0;
			char *value = NULL;

			fake_store_set("/d/1", "old");
			fake_store_set("/d/3", "old");
			fake_drop_behind = behind;
			fake_drop_after = at;
			do {
				REQUIRE(froe_store_begin(f, &tx) == 0);
				CHECK(froe_store_write(f, tx, "/d/1", "new") == 0);
				CHECK(froe_store_remove(f, tx, "/d/3") == 0);
				rc = froe_store_read(f, tx, "/d/1", &value, NULL);
				CHECK(rc == 0);
				free(value);
				rc = froe_store_end(f, tx, true);
				rounds++;
			} while (rc == 1 && rounds < 5);
			CHECK_EQ(rc, 0);
			/* Lost in the middle of it: once more. Lost at its begin: not. */
			CHECK_EQ(rounds, at == 1 ? 1 : 2);
			CHECK(!strcmp(fake_store_get("/d/1"), "new") && !fake_store_get("/d/3"));
		}
	/* The end itself: done with the reply lost is seen to be done; not done is not. */
	for (int behind = 0; behind < 2; behind++) {
		fake_store_set("/d/1", "old");
		REQUIRE(froe_store_begin(f, &tx) == 0);
		CHECK(froe_store_write(f, tx, "/d/1", "new") == 0);
		CHECK(froe_store_remove(f, tx, "/d/2") == 0);
		fake_drop_behind = behind;
		fake_drop_after = 1;
		CHECK_EQ(froe_store_end(f, tx, true), !behind);
		CHECK(!strcmp(fake_store_get("/d/1"), behind ? "new" : "old"));
	}
	/* One that was given up while the store was away is nothing to report. */
	REQUIRE(froe_store_begin(f, &tx) == 0);
	fake_store_stop();
	fake_store_start();
	CHECK(reads("/d/1", "new"));
	CHECK(froe_store_write(f, tx, "/d/1", "lost") == 0);
	CHECK_EQ(froe_store_end(f, tx, false), 0);
	CHECK(reads("/d/1", "new"));
}

static void test_no_store(void)
{
	char *value;

	fake_garbage = true;
	CHECK_FAILS(f, froe_store_read(f, 0, "/d/1", &value, NULL), FROE_FAIL, "not its protocol");
	CHECK(reads("/d/1", "new"));
	fake_store_stop();
	froe_close(f);
	f = froe_open();
	unlink(getenv("FROE_STORE"));
	CHECK_FAILS(f, froe_store_read(f, 0, "/d/1", &value, NULL), FROE_UNREACHABLE,
	            "cannot reach the store at");
	CHECK(*froe_hint(f));
	fake_store_start();
	CHECK(reads("/d/1", "new"));
}

void test_main(void)
{
	f = froe_open();
	fake_store_start();
	test_values();
	test_many();
	test_transaction();
	test_watches();
	test_drops();
	test_transaction_drops();
	test_no_store();
	froe_close(f);
	fake_store_stop();
	fake_store_clear();
}
