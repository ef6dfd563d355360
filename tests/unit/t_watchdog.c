/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The watchdog: it tells a CPU that hangs from one that works or sleeps, and wakes one whose timer
 * was lost.
 * files: hypervisor/arch/x86/watchdog.c
 */
#include <stdlib.h>
#include <bootinfo.h>
#include <cpu.h>
#include <string.h>
#include <timer.h>
#include <watchdog.h>
#include "harness.h"

#define SECOND 1000000000ULL

struct boot_options boot_options;
struct cpu *cpus[MAX_CPUS];
u32 cpu_count;
extern __thread void *unit_this_cpu;

static u64 now = 5 * SECOND;
static struct timer *timers[4];
static u32 timer_count, nmis[2], kicks[2];

u64 time_now(void)
{
	return now;
}

void timer_init(struct timer *t, struct cpu *c, void (*fn)(struct timer *))
{
	*t = (struct timer){ .fn = fn, .cpu = c, .index = -1 };
	timers[timer_count++] = t;
}

int timer_set(struct timer *t, u64 deadline)
{
	t->deadline = deadline;
	return 0;
}

void lapic_send_nmi(u32 apic_id)
{
	nmis[apic_id]++;
}

void cpu_kick(struct cpu *c, u64 todo)
{
	CHECK_EQ(todo, TODO_TIMER);
	kicks[c->id]++;
}

/* Both CPUs look at each other once a second. */
static void seconds(u32 n)
{
	while (n--) {
		now += SECOND;
		for (u32 i = 0; i < timer_count; i++) {
			unit_this_cpu = timers[i]->cpu;
			CHECK(timers[i]->deadline <= now + SECOND);
			timers[i]->fn(timers[i]);
		}
	}
}

static void test_hang(void)
{
	cpus[0]->mode = CPU_IDLE; /* asleep for long, or in a guest that never leaves: fine */
	cpus[1]->mode = CPU_GUEST;
	seconds(100);
	CHECK_EQ(nmis[0] + nmis[1], 0);
	cpus[1]->mode = CPU_HOST;
	for (u32 i = 0; i < 100; i++) { /* busy in host mode at each look, but getting on */
		cpus[1]->entries++;
		seconds(1);
	}
	CHECK_EQ(nmis[1], 0);
	CHECK(!watchdog_accused(cpus[1]));
	seconds(WATCHDOG_SECONDS - 1);
	CHECK_EQ(nmis[1], 0);
	seconds(1);
	CHECK_EQ(nmis[1], 1);
	CHECK_EQ(nmis[0], 0);
	CHECK(watchdog_accused(cpus[1]));
	EXPECT_PANIC("CPU 1 hangs and takes no NMI", seconds(WATCHDOG_SECONDS));
	cpus[1]->entries++;
}

static void test_lost_timer(void)
{
	cpus[0]->mode = cpus[1]->mode = CPU_IDLE;
	cpus[0]->timer_armed = UINT64_MAX; /* nothing to wait for */
	cpus[1]->timer_armed = now + 10 * SECOND;
	seconds(11);
	CHECK_EQ(kicks[1], 0);
	seconds(1);
	CHECK_EQ(kicks[1], 0); /* late once */
	unit_log_clear();
	seconds(1);
	CHECK_EQ(kicks[1], 1);
	CHECK(unit_log_has("CPU 1: its timer went off"));
	seconds(1);
	CHECK_EQ(kicks[1], 2); /* the kick may be lost, too */
	cpus[1]->timer_armed = 0;
	seconds(5);
	cpus[1]->timer_armed = now + SECOND / 2;
	seconds(1);
	CHECK_EQ(kicks[1], 2);
	CHECK_EQ(kicks[0], 0);
}

void unit_main(void)
{
	void *first = unit_this_cpu;

	cpus[0] = first;
	cpus[1] = unit_cpu_init(1);
	cpu_count = 2;
	cpus[0]->timer_armed = cpus[1]->timer_armed = UINT64_MAX;
	watchdog_start();
	CHECK_EQ(timer_count, 0); /* watchdog=0 */
	boot_options.watchdog = true;
	watchdog_start();
	CHECK_EQ(timer_count, 2);
	test_hang();
	test_lost_timer();
	free(cpus[1]);
	unit_this_cpu = first;
}
