/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Watchdogs of the domain: two of them, put off and stopped by their number. One that is not put
 * off ends the domain, and so the machine.
 *
 * run: smp=1 end=reboot want=^about_to_be_late want=froe:_d0:_watchdog
 */
#include "lib/guest.h"

static long dog(uint32_t id, uint32_t seconds)
{
	struct sched_watchdog op = { .id = id, .timeout = seconds };

	return xen_sched(SCHEDOP_watchdog, &op);
}

void test_main(void)
{
	xen_map_shared(); /* without it time_now() counts ticks of the TSC */
	EXPECT_EQ(dog(1, 5), -XEN_EINVAL);
	EXPECT_EQ(dog(3, 5), -XEN_EINVAL);
	EXPECT_EQ(dog(~0u, 0), -XEN_EINVAL);
	EXPECT_EQ(dog(0, 100), 1);
	EXPECT_EQ(dog(0, ~0u), 2);
	EXPECT_EQ(dog(0, 100), -XEN_ENOSPC);
	EXPECT_EQ(dog(1, 1), 0);
	EXPECT_EQ(dog(1, 100), 0);
	EXPECT_EQ(dog(2, 0), 0);
	EXPECT_EQ(dog(2, 0), -XEN_EINVAL);
	EXPECT_EQ(dog(2, 1), -XEN_EINVAL);
	EXPECT_EQ(dog(0, 100), 2);
	EXPECT_EQ(dog(1, 0), 0);
	/* The first was put off in time, and is stopped; the second one bites. */
	EXPECT(!WAIT_UNTIL(false, 1100));
	print("about to be late\n");
	EXPECT_EQ(dog(2, 1), 0);
	EXPECT(!WAIT_UNTIL(false, 10000));
	EXPECT(!"the watchdog did not bite");
}
