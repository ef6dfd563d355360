/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * xen_version: every sub-operation and what its reply must hold.
 *
 * Sources: xen/version.h; Debian's wrappers pick their tools by version 4.17,
 * the domain builder needs the hvm-3.0 capabilities, the stock kernel the
 * features auto_translated_physmap, hvm_callback_vector and hvm_safe_pvclock
 * and must not see hvm_pirqs.
 *
 * run: smp=1 hv=loglvl=all
 */
#include "lib/guest.h"

static void test_strings(void)
{
	static uint8_t page[8192];
	xen_compile_info_t *ci = (void *)page;
	char *s = (char *)page;

	memset(page, 0xff, sizeof(page));
	EXPECT_EQ(xen_version(XENVER_extraversion, page), 0);
	EXPECT(s[0] == '.' || s[0] == '-' || s[0] == 0);
	EXPECT(strlen(s) < sizeof(xen_extraversion_t));
	EXPECT_EQ(page[sizeof(xen_extraversion_t)], 0xff);

	memset(page, 0xff, sizeof(page));
	EXPECT_EQ(xen_version(XENVER_compile_info, ci), 0);
	EXPECT(ci->compiler[0] && strlen(ci->compiler) < sizeof(ci->compiler));
	EXPECT(strlen(ci->compile_by) < sizeof(ci->compile_by));
	EXPECT(strlen(ci->compile_domain) < sizeof(ci->compile_domain));
	EXPECT(strlen(ci->compile_date) < sizeof(ci->compile_date));
	EXPECT_EQ(page[sizeof(*ci)], 0xff);

	memset(page, 0xff, sizeof(page));
	EXPECT_EQ(xen_version(XENVER_capabilities, page), 0);
	EXPECT(string_has(s, "hvm-3.0-x86_32 "));
	EXPECT(string_has(s, "hvm-3.0-x86_32p"));
	EXPECT(string_has(s, "hvm-3.0-x86_64"));
	EXPECT_EQ(page[sizeof(xen_capabilities_info_t)], 0xff);

	memset(page, 0xff, sizeof(page));
	EXPECT_EQ(xen_version(XENVER_changeset, page), 0);
	EXPECT(strlen(s) < sizeof(xen_changeset_info_t));
	EXPECT_EQ(page[sizeof(xen_changeset_info_t)], 0xff);

	memset(page, 0xff, sizeof(page));
	EXPECT_EQ(xen_version(XENVER_commandline, page), 0);
	EXPECT(string_has(s, "console=com1"));
	EXPECT(string_has(s, "loglvl=all"));
	EXPECT(string_has(s, "dom0_mem=")); /* the value in force always shows */
	EXPECT_EQ(page[sizeof(xen_commandline_t)], 0xff);
}

static void test_numbers(void)
{
	xen_platform_parameters_t pp = { .virt_start = 0x5a };
	xen_domain_handle_t handle;
	unsigned int i, sum = 0;

	EXPECT_EQ(xen_version(XENVER_version, 0), 4 << 16 | 17);
	EXPECT_EQ(xen_version(XENVER_version, 0x800000000000), 4 << 16 | 17);
	EXPECT_EQ(xen_version(XENVER_pagesize, 0), 4096);
	EXPECT_EQ(xen_version(XENVER_platform_parameters, &pp), 0);
	memset(handle, 0xee, sizeof(handle));
	EXPECT_EQ(xen_version(XENVER_guest_handle, handle), 0);
	for (i = 0; i < sizeof(handle); i++)
		sum += handle[i];
	EXPECT(sum != 0xee * sizeof(handle));
	EXPECT_EQ(xen_version(8888, 0), -XEN_ENOSYS);
	EXPECT_EQ(xen_version(11, 0), -XEN_ENOSYS);
	EXPECT_EQ(xen_version(-1, 0), -XEN_ENOSYS);
}

static void test_features(void)
{
	struct xen_feature_info fi = { 0 };

	EXPECT_EQ(xen_version(XENVER_get_features, &fi), 0);
	EXPECT_EQ(fi.submap_idx, 0);
	EXPECT(fi.submap & 1u << XENFEAT_auto_translated_physmap);
	EXPECT(fi.submap & 1u << XENFEAT_hvm_callback_vector);
	EXPECT(fi.submap & 1u << XENFEAT_hvm_safe_pvclock);
	EXPECT(fi.submap & 1u << XENFEAT_dom0);
	EXPECT_EQ(fi.submap & 1u << XENFEAT_hvm_pirqs, 0);
	fi = (struct xen_feature_info){ .submap_idx = 1 };
	EXPECT_EQ(xen_version(XENVER_get_features, &fi), -XEN_EINVAL);
	fi = (struct xen_feature_info){ .submap_idx = 0xffffffff };
	EXPECT_EQ(xen_version(XENVER_get_features, &fi), -XEN_EINVAL);
}

/* A NULL buffer asks for the size; -ENODATA means that there is no id. */
static void test_build_id(void)
{
	long rc = xen_version(XENVER_build_id, 0);

	EXPECT(rc > 0 || rc == -XEN_ENODATA);
}

static void test_faults(void)
{
	static const unsigned int ops[] = {
		XENVER_extraversion, XENVER_compile_info,        XENVER_capabilities,
		XENVER_changeset,    XENVER_platform_parameters, XENVER_get_features,
		XENVER_guest_handle, XENVER_commandline,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_LEN(ops); i++) {
		EXPECT_EQ(xen_version(ops[i], 0x800000000000), -XEN_EFAULT);
		EXPECT_EQ(xen_version(ops[i], page_window(3)), -XEN_EFAULT);
	}
}

void test_main(void)
{
	test_numbers();
	test_strings();
	test_features();
	test_build_id();
	test_faults();
}
