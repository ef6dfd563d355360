/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Messages: the ring keeps the last 64 KiB, levels choose what is printed, a guest cannot flood.
 * files: hypervisor/core/printk.c
 */
#include <console.h>
#include <domain.h>
#include <printk.h>
#include <string.h>
#include <timer.h>
#include "harness.h"

#define RING (64 * KIB)

static bool force;
static u64 now;
static char printed[1024]; /* the last line */
static u32 lines;

bool console_forced(void)
{
	return force;
}

u64 time_now(void)
{
	return now;
}

void console_write_line(const char *prefix, const char *s, size_t n)
{
	size_t at = strlen(prefix);

	REQUIRE(at + n < sizeof(printed));
	memcpy(printed, prefix, at);
	memcpy(printed + at, s, n);
	printed[at + n] = 0;
	lines++;
}

/* Everything ever written, the model of the ring. */
static char all[400000];
static size_t all_length;

static void model_add(const char *s)
{
	size_t n = strlen(s);

	REQUIRE(all_length + n < sizeof(all));
	memcpy(all + all_length, s, n);
	all_length += n;
}

static void check_ring(void)
{
	static char text[RING + 16];
	size_t expect = min(all_length, (size_t)RING), got = 0, n;
	u32 index = 0;

	/* In pieces of any size, as XEN_SYSCTL_readconsole asks. */
	do {
		n = printk_ring_read(text + got, min((u64)unit_below(3000) + 1, sizeof(text) - got),
		                     &index);
		got += n;
	} while (n);
	CHECK_EQ(got, expect);
	CHECK(!memcmp(text, all + all_length - expect, expect));
	CHECK_EQ(index, (u32)all_length);
	CHECK_EQ(printk_ring_read(text, 10, &index), 0);
}

static void test_ring(void)
{
	char line[300];

	check_ring();
	for (u32 i = 0; i < 4000; i++) {
		u32 n = (u32)unit_below(100);

		pr_info("%u %.*s\n", i, n,
		        "....................................................................."
		        "...............................");
		snprintf(line, sizeof(line), "froe: %u %.*s\n", i, n,
		         "....................................................................."
		         "...............................");
		model_add(line);
		line[strlen(line) - 1] = 0;
		CHECK(!strcmp(printed, line));
		if (i % 97 == 0)
			check_ring();
	}
	CHECK(all_length > 2 * RING);
	check_ring();
}

/* The index behind the last byte. */
static u32 ring_end(void)
{
	char text[512];
	u32 index = 0;

	while (printk_ring_read(text, sizeof(text), &index))
		;
	return index;
}

/* A reader that stopped somewhere goes on there, or at the oldest byte if that is gone. */
static void test_reader(void)
{
	char text[64];
	u32 index = ring_end(), old = index;

	pr_info("one\n");
	CHECK_EQ(printk_ring_read(text, sizeof(text), &index), 10);
	CHECK(!memcmp(text, "froe: one\n", 10));
	for (u32 i = 0; i < 7000; i++)
		pr_info("fill\n");
	CHECK_EQ(printk_ring_read(text, 5, &old), 5);
	CHECK_EQ(old, ring_end() - (u32)RING + 5);
	index = ring_end() + 100; /* never written */
	CHECK_EQ(printk_ring_read(text, 5, &index), 5);
	CHECK_EQ(index, ring_end() - (u32)RING + 5);
}

static void test_lines(void)
{
	char big[600];
	u32 before = lines;

	pr_info("two\nlines without an end");
	CHECK_EQ(lines, before + 2);
	CHECK(!strcmp(printed, "froe: lines without an end"));
	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = 0;
	pr_info("%s\n", big);
	CHECK_EQ(lines, before + 3);
	CHECK(strlen(printed) > 500);
}

static void test_levels(void)
{
	u32 before = lines, index = ring_end();
	char text[64];

	pr_debug("hidden\n");
	CHECK_EQ(lines, before);
	CHECK_EQ(printk_ring_read(text, sizeof(text), &index), 13); /* but kept */
	CHECK_EQ(printk_set_level("all"), 0);
	pr_debug("shown\n");
	CHECK_EQ(lines, before + 1);
	CHECK_EQ(printk_set_level("error"), 0);
	pr_warn("hidden\n");
	CHECK_EQ(lines, before + 1);
	CHECK_EQ(printk_set_level("none"), 0);
	pr_err("hidden\n");
	CHECK_EQ(lines, before + 1);
	force = true; /* the last words of a panic */
	pr_err("shown\n");
	CHECK_EQ(lines, before + 2);
	force = false;
	CHECK_EQ(printk_set_level("nonsense"), -EINVAL);
	CHECK_EQ(printk_set_level("info"), 0);
}

static void test_guest(void)
{
	struct domain a = { .id = 1 }, b = { .id = 2 };
	u32 before = lines;

	now = 12345;
	printk_guest(&a, "bad \033[2J\nfroe: power off\n");
	CHECK_EQ(lines, before + 1);
	CHECK(!strcmp(printed, "froe: d1: bad .[2J.froe: power off"));
	for (u32 i = 0; i < 1000; i++)
		printk_guest(&a, "flood\n");
	CHECK(lines - before < 30);
	before = lines;
	now -= 50;
	printk_guest(&a, "from a CPU whose clock is a little behind\n");
	CHECK_EQ(lines, before);
	printk_guest(&b, "another domain has its own credit\n");
	CHECK_EQ(lines, before + 1);
	now += 600000000;
	printk_guest(&a, "again\n");
	CHECK_EQ(lines, before + 3); /* with the number left out */
	CHECK(!strcmp(printed, "froe: d1: again"));
	before = lines;
	for (u32 i = 0; i < 1000; i++) {
		now += 10000000; /* 10 s of flood */
		printk_guest(&a, "flood\n");
	}
	CHECK(lines - before >= 20 && lines - before <= 60);
	now += 3600000000000;
	before = lines;
	for (u32 i = 0; i < 1000; i++)
		printk_guest(&a, "flood\n");
	CHECK(lines - before < 30); /* an hour of silence saves no more than one burst */
}

void unit_main(void)
{
	test_ring();
	test_reader();
	test_lines();
	test_levels();
	test_guest();
}
