/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * platform_op: the wall clock is set, the screen and CPUs are asked after.
 *
 * Sources: xen/platform.h; a wrong interface version is EACCES; settime64 has to
 * succeed, else the stock kernel repeats it at every tick; get_dom0_console (64)
 * returns the size it filled or an error.
 *
 * run: smp=2
 */
#include "lib/guest.h"

#define XENPF_GET_DOM0_CONSOLE 64

static struct xen_platform_op op;

static long platform(uint32_t cmd)
{
	op.cmd = cmd;
	op.interface_version = XENPF_INTERFACE_VERSION;
	return xen_platform(&op);
}

static uint64_t wall(void)
{
	volatile struct shared_info *si = xen_shared;

	return ((uint64_t)si->wc_sec_hi << 32 | si->wc_sec) * NS_PER_S + si->wc_nsec;
}

/* The pair (wall time, system time) of the caller becomes wc_* = wall time at system time 0. */
static void test_settime(void)
{
	uint64_t now = time_now();
	uint32_t version = xen_shared->wc_version;

	op.u.settime64 =
		(struct xenpf_settime64){ .secs = 2000000000, .nsecs = 5, .system_time = now };
	EXPECT_EQ(platform(XENPF_settime64), 0);
	EXPECT_EQ(wall(), 2000000000 * NS_PER_S + 5 - now);
	EXPECT_EQ(xen_shared->wc_version & 1, 0);
	EXPECT(xen_shared->wc_version != version);
	op.u.settime64.mbz = 1;
	EXPECT_EQ(platform(XENPF_settime64), -XEN_EINVAL);
	op.u.settime64 =
		(struct xenpf_settime64){ .secs = 5000000000, .nsecs = 0, .system_time = now };
	EXPECT_EQ(platform(XENPF_settime64), 0);
	EXPECT_EQ(wall(), 5000000000 * NS_PER_S - now); /* 2128: wc_sec_hi is in it */
	/* Nonsense is refused or bounded; it breaks nothing. */
	op.u.settime64 =
		(struct xenpf_settime64){ .secs = ~0ul, .nsecs = ~0u, .system_time = ~0ul };
	platform(XENPF_settime64);
	EXPECT(xen_shared->wc_nsec < NS_PER_S);
	op.u.settime64 = (struct xenpf_settime64){ .secs = 1700000000, .system_time = now };
	EXPECT_EQ(platform(XENPF_settime64), 0);
}

static void test_console(void)
{
	long rc;

	memset(&op, 0, sizeof(op));
	rc = platform(XENPF_GET_DOM0_CONSOLE);
	/* No screen in this machine. */
	EXPECT(rc <= 0 || rc <= (long)sizeof(op.u));
}

static void test_firmware(void)
{
	memset(&op, 0, sizeof(op));
	op.u.firmware_info.type = XEN_FW_EFI_INFO;
	EXPECT(platform(XENPF_firmware_info) == -XEN_ENOSYS);
}

static void test_cpus(void)
{
	long rc;

	memset(&op, 0, sizeof(op));
	op.u.pcpu_info.xen_cpuid = 0;
	rc = platform(XENPF_get_cpuinfo);
	EXPECT(rc == 0 || rc == -XEN_ENOSYS);
	if (rc)
		return;
	EXPECT_EQ(op.u.pcpu_info.max_present, 1);
	EXPECT(op.u.pcpu_info.flags & XEN_PCPU_FLAGS_ONLINE);
	EXPECT_EQ(op.u.pcpu_info.apic_id, cpus[0].apic_id);
}

void test_main(void)
{
	xen_map_shared();
	test_settime();
	test_console();
	test_firmware();
	test_cpus();
	EXPECT_EQ(platform(999), -XEN_ENOSYS);
	EXPECT_EQ(platform(0xffffffff), -XEN_ENOSYS);
	/* Sleep is refused to this one. */
	EXPECT(platform(XENPF_enter_acpi_sleep) < 0);
	op.interface_version = XENPF_INTERFACE_VERSION + 1;
	op.cmd = XENPF_settime64;
	EXPECT_EQ(xen_platform(&op), -XEN_EACCES);
	EXPECT_EQ(xen_platform(0x800000000000), -XEN_EFAULT);
}
