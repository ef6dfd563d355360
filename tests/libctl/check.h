/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What every test of libctl has. A test is one t_<noun>.c with a test_main(); check.c has the rest.
 */
#pragma once

#include "internal.h"

void test_main(void);

/* A failed check is printed and counted, and the test goes on. */
#define CHECK(cond)                    check_that(!!(cond), __FILE__, __LINE__, #cond)
#define CHECK_EQ(a, b)                 check_equal((uint64_t)(a), (uint64_t)(b), __FILE__, __LINE__, #a " == " #b)
/* The call failed with this code, and said so in a line that contains `text`. */
#define CHECK_FAILS(f, rc, code, text) check_fails(f, rc, code, text, __FILE__, __LINE__)
/* Ends the test: what follows would make no sense. */
#define REQUIRE(cond)                                                                              \
	do {                                                                                       \
		if (!CHECK(cond))                                                                  \
			check_give_up();                                                           \
	} while (0)

bool check_that(bool ok, const char *file, int line, const char *what);
bool check_equal(uint64_t a, uint64_t b, const char *file, int line, const char *what);
bool check_fails(const struct froe *f, int rc, enum froe_code code, const char *text,
                 const char *file, int line);
void check_give_up(void) __attribute__((noreturn));

/* A sequence that is the same on each run; SEED=n in the environment starts another one. */
uint64_t check_random(void);

/* A folder of this test's own, empty at its start. */
extern char check_folder[64];
/* Write a file in it and return its path, good until the next call. */
const char *check_file(const char *name, const void *data, size_t size);
