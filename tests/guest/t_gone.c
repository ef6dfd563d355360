/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A page that the control domain gave up is not there until it is asked back:
 * the touch ends the domain, with one line that names the address.
 *
 * run: smp=1 hv=noreboot end=stopped want=^about_to want=froe:_d0:.*gave_up
 */
#include "lib/guest.h"

void test_main(void)
{
	uint64_t *frame = page_alloc();

	EXPECT_EQ(xen_remove_from_physmap((uint64_t)frame / PAGE_SIZE), 0);
	print("about to touch %p\n", frame);
	try_read(frame, NULL);
	EXPECT(!"the touch went unnoticed");
}
