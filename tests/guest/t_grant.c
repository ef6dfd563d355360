/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Grant tables of version 1: sizes, version, the table mapped.
 *
 * Sources: xen/grant_table.h; Xen's common/grant_table.c for errors. Version 2
 * is not offered, the stock kernel then stays with 1; max_nr_frames 0 would be
 * its end. Operations that only PV guests have are ENOSYS.
 *
 * run: smp=1
 */
#include "lib/guest.h"

static void test_query(void)
{
	struct gnttab_query_size q = { .dom = DOMID_SELF, .status = 99 };

	EXPECT_EQ(xen_grant(GNTTABOP_query_size, &q, 1), 0);
	EXPECT_EQ(q.status, GNTST_okay);
	EXPECT(q.nr_frames >= 1);
	EXPECT(q.max_nr_frames >= 4 && q.max_nr_frames >= q.nr_frames);
	q = (struct gnttab_query_size){ .dom = 77 };
	EXPECT_EQ(xen_grant(GNTTABOP_query_size, &q, 1), 0);
	EXPECT_EQ(q.status, GNTST_bad_domain);
	EXPECT_EQ(xen_grant(GNTTABOP_query_size, &q, 2), -XEN_EINVAL);
	EXPECT_EQ(xen_grant(GNTTABOP_query_size, 0x800000000000, 1), -XEN_EFAULT);
	EXPECT_EQ(xen_grant(GNTTABOP_query_size, &q, -1), -XEN_EINVAL);
}

static void test_version(void)
{
	struct gnttab_set_version v = { .version = 1 };
	struct gnttab_get_version g = { .dom = DOMID_SELF, .version = 99 };

	EXPECT_EQ(xen_grant(GNTTABOP_set_version, &v, 1), 0);
	EXPECT_EQ(v.version, 1);
	v.version = 2;
	EXPECT(xen_grant(GNTTABOP_set_version, &v, 1) < 0);
	v.version = 0;
	EXPECT_EQ(xen_grant(GNTTABOP_set_version, &v, 1), -XEN_EINVAL);
	v.version = 3;
	EXPECT_EQ(xen_grant(GNTTABOP_set_version, &v, 1), -XEN_EINVAL);
	EXPECT_EQ(xen_grant(GNTTABOP_set_version, 0x800000000000, 1), -XEN_EFAULT);
	EXPECT_EQ(xen_grant(GNTTABOP_get_version, &g, 1), 0);
	EXPECT_EQ(g.version, 1);
	g.dom = 77;
	EXPECT_EQ(xen_grant(GNTTABOP_get_version, &g, 1), -XEN_ESRCH);
	EXPECT_EQ(xen_grant(GNTTABOP_get_version, 0x800000000000, 1), -XEN_EFAULT);
}

/* The frames where the stock kernel puts them: above RAM, highest index first. */
static void test_table(void)
{
	uint64_t base = (8ul << 30) / PAGE_SIZE;
	grant_entry_v1_t *t = page_window(0), *again = page_window(1), *last = page_window(2);
	struct gnttab_query_size q = { .dom = DOMID_SELF };
	unsigned int i, dirty = 0;

	xen_grant(GNTTABOP_query_size, &q, 1);
	page_map(t, base * PAGE_SIZE, PG_KERNEL);
	page_map(again, (base + 100) * PAGE_SIZE, PG_KERNEL);
	page_map(last, (base + 3) * PAGE_SIZE, PG_KERNEL);
	EXPECT_EQ(xen_add_to_physmap(XENMAPSPACE_grant_table, 3, base + 3), 0);
	EXPECT_EQ(xen_add_to_physmap(XENMAPSPACE_grant_table, 0, base), 0);
	for (i = 0; i < PAGE_SIZE / sizeof(*t); i++)
		dirty += t[i].flags || t[i].domid || t[i].frame || last[i].flags;
	EXPECT_EQ(dirty, 0);
	t[8] = (grant_entry_v1_t){ .flags = GTF_permit_access, .domid = 5, .frame = 0x1234 };
	last[1].frame = 0x77;
	/* Idempotent at the same place, moved to another. */
	EXPECT_EQ(xen_add_to_physmap(XENMAPSPACE_grant_table, 0, base), 0);
	EXPECT_EQ(t[8].frame, 0x1234);
	EXPECT_EQ(xen_add_to_physmap(XENMAPSPACE_grant_table, 0, base + 100), 0);
	EXPECT_EQ(again[8].frame, 0x1234);
	EXPECT_EQ(again[8].flags, GTF_permit_access);
	EXPECT_EQ(last[1].frame, 0x77);
	again[8].flags = 0;
	EXPECT_EQ(xen_add_to_physmap(XENMAPSPACE_grant_table, q.max_nr_frames - 1, base + 200), 0);
	EXPECT_EQ(xen_add_to_physmap(XENMAPSPACE_grant_table, q.max_nr_frames, base + 201),
	          -XEN_EINVAL);
	EXPECT_EQ(xen_grant(GNTTABOP_query_size, &q, 1), 0);
	EXPECT_EQ(q.nr_frames, q.max_nr_frames);
	/* Status frames belong to version 2. */
	EXPECT(xen_add_to_physmap(XENMAPSPACE_grant_table, XENMAPIDX_grant_table_status,
	                          base + 202) < 0);
}

static void test_others(void)
{
	uint8_t zero[64] = { 0 };

	EXPECT_EQ(xen_grant(GNTTABOP_transfer, zero, 1), -XEN_ENOSYS);
	EXPECT_EQ(xen_grant(GNTTABOP_dump_table, zero, 1), -XEN_ENOSYS);
	EXPECT_EQ(xen_grant(GNTTABOP_get_status_frames, zero, 1), -XEN_ENOSYS);
	EXPECT_EQ(xen_grant(999, zero, 1), -XEN_ENOSYS);
	EXPECT_EQ(xen_grant(-1, zero, 1), -XEN_ENOSYS);
}

void test_main(void)
{
	test_query();
	test_version();
	test_table();
	test_others();
}
