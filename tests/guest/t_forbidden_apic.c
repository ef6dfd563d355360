/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The page of the processor's own local APIC is the hypervisor's; the domain's
 * APIC has no page. The touch ends the domain, with one line.
 *
 * run: smp=1 hv=noreboot end=stopped want=fee000[0-9a-f]{2} want=^about_to
 */
#include "lib/guest.h"

void test_main(void)
{
	print("about to touch it\n");
	try_read((void *)0xfee00020, NULL);
	EXPECT(!"the touch went unnoticed");
}
