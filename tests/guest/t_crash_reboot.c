/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A control domain that crashed takes the machine through a reboot.
 *
 * run: smp=1 end=reboot want=^about_to
 */
#include "lib/guest.h"

void test_main(void)
{
	print("about to crash\n");
	xen_shutdown(SHUTDOWN_crash);
}
