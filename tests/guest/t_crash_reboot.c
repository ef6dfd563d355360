/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A control domain that crashed takes the machine through a reboot.
 *
 * run: smp=1 end=reboot
 */
#include "lib/guest.h"

void test_main(void)
{
	xen_shutdown(SHUTDOWN_crash);
}
