/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * SCHEDOP_shutdown with the reason crash: with `noreboot` the hypervisor stops
 * and keeps its dump on the screen.
 *
 * run: smp=1 hv=noreboot end=stopped want=^about_to
 */
#include "lib/guest.h"

void test_main(void)
{
	print("about to crash\n");
	xen_shutdown(SHUTDOWN_crash);
}
