/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the control domain tells and asks about the machine: the wall clock for every time that
 * fits, CPUs, firmware, the framebuffer.
 *
 * files: hypervisor/core/platform.c
 */
#include "harness.h"
#include <bootinfo.h>
#include <handlers.h>
#include <string.h>

struct wallclock time_wallclock;
struct boot_info boot_info;
struct cpu *cpus[MAX_CPUS];
u32 cpu_count;
struct domain *domain_list, *control_domain;
static struct domain dom[2];
static u32 updates[2];

void domain_wallclock_update(struct domain *d)
{
	updates[d->id]++;
}

static s64 call(hypercall_fn *fn, struct xen_platform_op *op)
{
	struct hypercall c = { .d = &dom[0] };

	return fn(&c, op);
}

/* The clock, set for `now` on the domain's clock, says then what it was set to. */
static void check_time(u64 secs, u32 nsecs, u64 now, bool narrow)
{
	struct xen_platform_op op = { 0 };
	unsigned __int128 want = (unsigned __int128)secs * 1000000000 + nsecs, got;
	bool fits = nsecs < 1000000000 && now + dom[0].time_start >= now &&
	            (now + dom[0].time_start) / 1000000000 < secs;
	u32 before = updates[1];
	s64 rc;

	if (narrow) {
		op.u.settime32 = (struct xenpf_settime32){ (u32)secs, nsecs, now };
		rc = call(do_platform_settime32, &op);
	} else {
		op.u.settime64 = (struct xenpf_settime64){ secs, nsecs, 0, now };
		rc = call(do_platform_settime64, &op);
	}
	CHECK_EQ(rc, fits ? 0 : -EINVAL);
	CHECK_EQ(updates[1] - before, fits);
	if (rc)
		return;
	CHECK(time_wallclock.nsec < 1000000000);
	got = (unsigned __int128)time_wallclock.sec * 1000000000 + time_wallclock.nsec;
	CHECK(got + now + dom[0].time_start == want);
}

static u64 any_time(void)
{
	static const u64 odd[] = { 0,          1,     999999999, 1000000000,
		                   1000000001, ~0ULL, ~0ULL - 1, 1ULL << 63 };

	return unit_below(3) ? unit_random() >> unit_below(64) : odd[unit_below(ARRAY_SIZE(odd))];
}

static void test_settime(void)
{
	struct xen_platform_op op = { 0 };

	for (u32 i = 0; i < 20000; i++) {
		bool narrow = unit_below(2);
		u64 secs = any_time();

		dom[0].time_start = unit_below(2) ? 0 : any_time();
		check_time(narrow ? (u32)secs : secs, (u32)any_time(), any_time(), narrow);
	}
	dom[0].time_start = 0;
	check_time(1795376540, 5, 30ULL * 1000000000, false);
	op.u.settime64 = (struct xenpf_settime64){ .secs = 1795376540, .mbz = 1 };
	CHECK_EQ(call(do_platform_settime64, &op), -EINVAL);
}

static void test_cpuinfo(void)
{
	struct cpu c[3] = { { .apic_id = 0 }, { .apic_id = 2 }, { .apic_id = 5 } };
	struct xen_platform_op op = { 0 };

	for (u32 i = 0; i < 3; i++)
		cpus[i] = &c[i];
	cpu_count = 3;
	for (u32 i = 0; i < 3; i++) {
		op.u.pcpu_info.xen_cpuid = i;
		CHECK_EQ(call(do_platform_get_cpuinfo, &op), 0);
		CHECK_EQ(op.u.pcpu_info.flags, XEN_PCPU_FLAGS_ONLINE);
		CHECK_EQ(op.u.pcpu_info.apic_id, c[i].apic_id);
		CHECK_EQ(op.u.pcpu_info.acpi_id, i);
		CHECK_EQ(op.u.pcpu_info.max_present, 2);
	}
	for (u64 id = 3; id <= ~0U; id = id * 3 + 1) {
		op.u.pcpu_info.xen_cpuid = (u32)id;
		CHECK_EQ(call(do_platform_get_cpuinfo, &op), 0);
		CHECK_EQ(op.u.pcpu_info.flags, XEN_PCPU_FLAGS_INVALID);
		CHECK_EQ(op.u.pcpu_info.apic_id, ~0U);
	}
}

static void test_framebuffer(void)
{
	struct xen_platform_op op;
	dom0_vga_console_info_t info;

	memset(&op, 0xa5, sizeof(op));
	CHECK_EQ(call(do_platform_get_dom0_console, &op), -ENODEV);
	boot_info.framebuffer = (__typeof__(boot_info.framebuffer)){
		.present = true,
		.address = 0x8c0000000,
		.pitch = 2400,
		.width = 800,
		.height = 600,
		.bpp = 24,
		.red_pos = 16,
		.red_size = 8,
		.green_pos = 8,
		.green_size = 8,
		.blue_size = 8,
	};
	boot_info.efi = true;
	CHECK_EQ(call(do_platform_get_dom0_console, &op), sizeof(info));
	memcpy(&info, &op.u, sizeof(info));
	CHECK_EQ(info.video_type, XEN_VGATYPE_EFI_LFB);
	CHECK_EQ(info.u.vesa_lfb.lfb_base, 0xc0000000);
	CHECK_EQ(info.u.vesa_lfb.ext_lfb_base, 8);
	CHECK_EQ(info.u.vesa_lfb.lfb_size, 22); /* 1,440,000 bytes in units of 64 KiB */
	CHECK_EQ(info.u.vesa_lfb.bytes_per_line, 2400);
	CHECK_EQ(info.u.vesa_lfb.bits_per_pixel, 24);
	CHECK_EQ(info.u.vesa_lfb.red_pos, 16);
	CHECK_EQ(info.u.vesa_lfb.rsvd_size, 0); /* nothing of what was there before */
	boot_info.efi = false;
	CHECK_EQ(call(do_platform_get_dom0_console, &op), sizeof(info));
	CHECK_EQ(*(u8 *)&op.u, XEN_VGATYPE_VESA_LFB);
}

void unit_main(void)
{
	dom[1].id = 1;
	dom[0].next = &dom[1];
	domain_list = &dom[0];
	test_settime();
	test_cpuinfo();
	test_framebuffer();
}
