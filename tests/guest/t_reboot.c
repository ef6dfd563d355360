/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * SCHEDOP_shutdown with the reason reboot (xen/sched.h) restarts the machine,
 * from any vCPU.
 *
 * run: smp=2 end=reboot want=^about_to
 */
#include "lib/guest.h"

static void reboot(void *arg)
{
	(void)arg;
	xen_shutdown(SHUTDOWN_reboot);
}

void test_main(void)
{
	xen_map_shared();
	EXPECT(cpu_start(1));
	print("about to reboot\n");
	cpu_run(1, reboot, NULL);
	for (;;)
		cpu_relax();
}
