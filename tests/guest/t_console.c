/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * console_io: what is written comes out as it is, what is typed is announced
 * and read once.
 *
 * Sources: xen/xen.h (CONSOLEIO_*, VIRQ_CONSOLE); Xen's drivers/char/console.c:
 * read returns the number of characters, 0 if there are none, ENOSYS for other
 * commands.
 *
 * run: smp=1 input=hello_froe want=^plain_text_after_nothing want=^typed:_hello_froe
 */
#include "lib/guest.h"

static long console_io(unsigned int cmd, unsigned long n, const void *p)
{
	return hcall3(__HYPERVISOR_console_io, cmd, n, p);
}

static void test_write(void)
{
	char *va = page_window(0), *frame = page_alloc(), *second = page_alloc();

	EXPECT_EQ(console_io(CONSOLEIO_write, 0, (void *)0x800000000000), 0);
	EXPECT_EQ(console_io(CONSOLEIO_write, 5, (void *)0x800000000000), -XEN_EFAULT);
	EXPECT_EQ(console_io(CONSOLEIO_write, 5, va), -XEN_EFAULT);
	EXPECT_EQ(console_io(CONSOLEIO_write, 0xffffffff, (void *)0x800000000000), -XEN_EFAULT);
	EXPECT_EQ(console_io(7, 5, frame), -XEN_ENOSYS);
	/* Across two frames that are no neighbours, the second may not even be written to. */
	page_map(va, (uint64_t)second, PG_KERNEL);
	page_map(va + PAGE_SIZE, (uint64_t)frame, PG_P);
	memcpy(second + PAGE_SIZE - 6, "plain ", 6);
	memcpy(frame, "text after nothing\n", 19);
	EXPECT_EQ(console_io(CONSOLEIO_write, 25, va + PAGE_SIZE - 6), 0);
	page_unmap(va + PAGE_SIZE);
	EXPECT_EQ(console_io(CONSOLEIO_write, 25, va + PAGE_SIZE - 6), -XEN_EFAULT);
}

static void test_read(void)
{
	static char typed[64];
	evtchn_port_t port;
	size_t n = 0;
	long rc;

	EXPECT_EQ(console_io(CONSOLEIO_read, sizeof(typed), typed), 0);
	EXPECT_EQ(console_io(CONSOLEIO_read, 0, typed), 0);
	EXPECT_EQ(xen_bind_virq(VIRQ_CONSOLE, 0, &port), 0);
	print("\nready for input\n");
	irq_enable();
	EXPECT(WAIT_UNTIL(xen_port_count[port], PATIENCE));
	/* A place that cannot be written to loses nothing, or what it was to hold: not more. */
	while (n < 10 &&
	       WAIT_UNTIL((rc = console_io(CONSOLEIO_read, 3, typed + n)) != 0, PATIENCE)) {
		EXPECT(rc > 0 && rc <= 3);
		if (rc < 0)
			break;
		n += (size_t)rc;
	}
	EXPECT_EQ(n, 10);
	print("typed: %s\n", typed);
	EXPECT(!memcmp(typed, "hello froe", 10));
	EXPECT_EQ(console_io(CONSOLEIO_read, sizeof(typed), typed), 0);
	irq_disable();
}

void test_main(void)
{
	xen_events_on();
	test_write();
	test_read();
}
