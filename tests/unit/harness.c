/* SPDX-License-Identifier: GPL-2.0-only */
/* The unit tests' main program, and stand-ins for what the tested files call. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <asm.h>
#include <cpu.h>
#include <domain.h>
#include <page.h>
#include <printk.h>
#include <string.h>
#include "harness.h"

char *strstr(const char *text, const char *what); /* not among the string.h of the hypervisor */
#define WEAK __attribute__((weak))

static u32 checks, failures;
static u64 random_state;
static char log_text[16384];
static size_t log_length;
bool unit_expect_panic;
jmp_buf unit_panic_jump;
u8 *unit_ram;
static u64 unit_ram_size;
__thread void *unit_this_cpu;

bool unit_check(bool ok, const char *file, int line, const char *what)
{
	__atomic_add_fetch(&checks, 1, __ATOMIC_RELAXED);
	if (ok)
		return true;
	if (__atomic_add_fetch(&failures, 1, __ATOMIC_RELAXED) <= 20)
		printf("  # %s:%d: %s\n", file, line, what);
	return false;
}

bool unit_check_eq(u64 a, u64 b, const char *file, int line, const char *what)
{
	if (unit_check(a == b, file, line, what))
		return true;
	if (failures <= 20)
		printf("  #   %#lx and %#lx\n", a, b);
	return false;
}

void unit_give_up(void)
{
	printf("  # gave up after %u checks, %u failed\n", checks, failures);
	exit(1);
}

bool unit_log_has(const char *text)
{
	return strstr(log_text, text) != NULL;
}

void unit_log_clear(void)
{
	log_length = 0;
	log_text[0] = 0;
}

static void log_add(const char *fmt, va_list ap)
{
	size_t room = sizeof(log_text) - log_length;
	int n = vsnprintf(log_text + log_length, room, fmt, ap);

	if (getenv("VERBOSE"))
		printf("  | %s", log_text + log_length);
	log_length = n > 0 && (size_t)n < room ? log_length + (size_t)n : 0;
}

/* xorshift64*: small, and good enough to pick operations. */
u64 unit_random(void)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return random_state * 0x2545f4914f6cdd1dULL;
}

void unit_ram_init(u64 size)
{
	if (unit_ram)
		munmap(unit_ram, unit_ram_size);
	unit_ram = mmap(NULL, size, PROT_READ | PROT_WRITE,
	                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	unit_ram_size = size;
	if (unit_ram == MAP_FAILED) {
		printf("  # no address space for %lu bytes of RAM\n", size);
		exit(1);
	}
}

struct cpu *unit_cpu_init(u32 id)
{
	struct cpu *c = calloc(1, sizeof(*c));

	c->self = c;
	c->id = c->apic_id = id;
	unit_this_cpu = c;
	return c;
}

int main(void)
{
	const char *seed = getenv("SEED");

	setvbuf(stdout, NULL, _IOLBF, 0);
	random_state = 0x9e3779b97f4a7c15ULL + (seed ? strtoull(seed, NULL, 0) : 0);
	unit_cpu_init(0);
	unit_main();
	free(unit_this_cpu);
	if (!checks)
		printf("  # nothing was checked\n");
	printf("  # %u checks, %u failed\n", checks, failures);
	return failures || !checks;
}

/* --- stand-ins ------------------------------------------------------------ */

static void panic_end(void)
{
	if (unit_expect_panic) {
		unit_expect_panic = false;
		longjmp(unit_panic_jump, 1);
	}
	printf("  # unexpected panic: %s", log_text);
	abort();
}

#define LOG_ARGS(fmt)                                                                              \
	do {                                                                                       \
		va_list ap;                                                                        \
		va_start(ap, fmt);                                                                 \
		log_add(fmt, ap);                                                                  \
		va_end(ap);                                                                        \
	} while (0)

WEAK void printk(enum loglevel level, const char *fmt, ...)
{
	(void)level;
	LOG_ARGS(fmt);
}

WEAK void printk_guest(struct domain *d, const char *fmt, ...)
{
	(void)d;
	LOG_ARGS(fmt);
}

WEAK void domain_crash(struct domain *d, const char *fmt, ...)
{
	(void)d;
	LOG_ARGS(fmt);
}

WEAK void panic(const char *fmt, ...)
{
	unit_log_clear();
	LOG_ARGS(fmt);
	panic_end();
	abort();
}

WEAK void boot_fail(const char *fmt, ...)
{
	unit_log_clear();
	LOG_ARGS(fmt);
	panic_end();
	abort();
}

/* glibc of Debian 12 has none. */
WEAK size_t strlcpy(char *to, const char *from, size_t n)
{
	size_t length = strlen(from), part = length < n ? length : n - 1;

	memcpy(to, from, part);
	to[part] = 0;
	return length;
}

static void privileged(const char *name)
{
	printf("  # came to a privileged instruction: %s\n", name);
	abort();
}

#define PRIVILEGED(name, params, result)                                                           \
	WEAK result name params                                                                    \
	{                                                                                          \
		privileged(#name);                                                                 \
		abort();                                                                           \
	}
PRIVILEGED(rdmsr, (u32 msr), u64)
PRIVILEGED(wrmsr, (u32 msr, u64 v), void)
PRIVILEGED(rdtsc, (void), u64)
PRIVILEGED(rdtsc_ordered, (void), u64)
PRIVILEGED(cpuid, (u32 leaf, u32 sub), struct cpuid_regs)
PRIVILEGED(outb, (u16 port, u8 v), void)
PRIVILEGED(outw, (u16 port, u16 v), void)
PRIVILEGED(outl, (u16 port, u32 v), void)
PRIVILEGED(inb, (u16 port), u8)
PRIVILEGED(inw, (u16 port), u16)
PRIVILEGED(inl, (u16 port), u32)
PRIVILEGED(read_cr0, (void), u64)
PRIVILEGED(read_cr2, (void), u64)
PRIVILEGED(read_cr3, (void), u64)
PRIVILEGED(read_cr4, (void), u64)
PRIVILEGED(write_cr0, (u64 v), void)
PRIVILEGED(write_cr2, (u64 v), void)
PRIVILEGED(write_cr3, (u64 v), void)
PRIVILEGED(write_cr4, (u64 v), void)
PRIVILEGED(xgetbv, (u32 reg), u64)
PRIVILEGED(xsetbv, (u32 reg, u64 v), void)
PRIVILEGED(irq_wait, (void), void)
PRIVILEGED(irq_window, (void), void)
PRIVILEGED(cpu_halt_forever, (void), void)
