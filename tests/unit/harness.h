/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What every unit test has: checks, chance that repeats, RAM, and stand-ins for what the
 *hypervisor's pure files call. A test is one t_<noun>.c; its head comment names the real files it
 *is linked with:
 *
 *	files: hypervisor/core/elf.c hypervisor/core/page.c
 *
 * (or it includes a .c file, to see its static functions). It defines unit_main(). Every stand-in
 *in harness.c is weak: a test, or a real file that it names, may define the function itself.
 */
#pragma once

#include <setjmp.h>

void unit_main(void);

/* A failed check is printed and counted, and the test goes on. */
#define CHECK(cond)    unit_check(!!(cond), __FILE__, __LINE__, #cond)
/* Same, with both values printed. */
#define CHECK_EQ(a, b) unit_check_eq((u64)(a), (u64)(b), __FILE__, __LINE__, #a " == " #b)
/* Ends the test: what follows would make no sense. */
#define REQUIRE(cond)                                                                              \
	do {                                                                                       \
		if (!CHECK(cond))                                                                  \
			unit_give_up();                                                            \
	} while (0)
/* The statement has to end in panic() or boot_fail() with a message that contains `text`. */
#define EXPECT_PANIC(text, statement)                                                              \
	do {                                                                                       \
		unit_expect_panic = true;                                                          \
		if (!setjmp(unit_panic_jump)) {                                                    \
			statement;                                                                 \
			unit_expect_panic = false;                                                 \
			unit_check(false, __FILE__, __LINE__, "panics: " #statement);              \
		} else {                                                                           \
			unit_check(unit_log_has(text), __FILE__, __LINE__,                         \
			           "panic message has: " text);                                    \
		}                                                                                  \
	} while (0)

bool unit_check(bool ok, const char *file, int line, const char *what);
bool unit_check_eq(u64 a, u64 b, const char *file, int line, const char *what);
void unit_give_up(void) __noreturn;
extern bool unit_expect_panic;
extern jmp_buf unit_panic_jump;

/* Whether the printk, panic and domain_crash lines since the last unit_log_clear() contain text. */
bool unit_log_has(const char *text);
void unit_log_clear(void);

/* A sequence that is the same on each run; SEED=n in the environment starts another one. */
u64 unit_random(void);
static inline u64 unit_below(u64 n)
{
	return unit_random() % n;
}

/*
 * [0, size) of the machine's physical addresses, zeroed and taken only when touched: what
 * paddr_to_virt() and page_map() reach. A second call starts again with zeroes.
 */
void unit_ram_init(u64 size);

/* Give this thread a struct cpu of its own, id as given, and return it. */
struct cpu *unit_cpu_init(u32 id);
