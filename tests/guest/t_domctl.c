/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Guests from their creation to their end (xen/domctl.h, man/froe-hypercalls.9): built, run, heard
 * of, shut down for each reason, destroyed, and everything given back.
 *
 * run: smp=2
 */
#include "lib/domu.h"

static volatile uint64_t mark, told;

static void shut_down(uint64_t reason)
{
	mark = 0x600d0000 + reason;
	xen_shutdown((unsigned int)reason);
}

static void run_all(void)
{
	static const unsigned int reasons[] = { SHUTDOWN_poweroff, SHUTDOWN_reboot,
		                                SHUTDOWN_suspend,  SHUTDOWN_crash,
		                                SHUTDOWN_watchdog, SHUTDOWN_soft_reset };
	uint64_t seen;

	for (unsigned int i = 0; i < ARRAY_LEN(reasons); i++) {
		domid_t id = domu_run(shut_down, reasons[i], 1);

		EXPECT_EQ(domu_wait(id, 20000), reasons[i]);
		EXPECT_EQ(domu_read(id, &mark, &seen, sizeof(seen)), sizeof(seen));
		EXPECT_EQ(seen, 0x600d0000 + reasons[i]);
		EXPECT_EQ(domu_destroy(id), 0);
	}
}

void test_main(void)
{
	uint64_t before;

	xen_events_on();
	before = host_free_pages();
	run_all();
	EXPECT_EQ(host_free_pages(), before);
}
