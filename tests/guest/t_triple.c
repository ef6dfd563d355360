/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A triple fault (APM2 15.14.3, shutdown) ends the domain, not the hypervisor.
 *
 * run: smp=1 hv=noreboot end=stopped want=^about_to
 */
#include "lib/guest.h"

void test_main(void)
{
	struct {
		uint16_t limit;
		uint64_t base;
	} __attribute__((packed)) none = { 0, 0 };

	print("about to fault\n");
	asm volatile("lidt %0; ud2" : : "m"(none));
}
