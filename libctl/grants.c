/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The two grants that a guest is born with: its console's page and its store's, for the control
 * domain. It is the one place where something of a guest's is mapped.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <xenforeignmemory.h>
#include <xentoollog.h>
#include "hyper.h"
#include <xen/grant_table.h>

int froe__seed_grants(struct froe *f, uint32_t id, uint64_t console, uint64_t store)
{
	xenforeignmemory_handle *h = xenforeignmemory_open(froe__silent, 0);
	xenforeignmemory_resource_handle *r = NULL;
	void *table = NULL;
	int rc = 0;

	if (h)
		r = xenforeignmemory_map_resource(h, id, XENMEM_resource_grant_table,
		                                  XENMEM_resource_grant_table_id_shared, 0, 1,
		                                  &table, PROT_READ | PROT_WRITE, 0);
	if (r) {
		grant_entry_v1_t *e = table;

		e[GNTTAB_RESERVED_CONSOLE].frame = console;
		e[GNTTAB_RESERVED_CONSOLE].flags = GTF_permit_access;
		e[GNTTAB_RESERVED_XENSTORE].frame = store;
		e[GNTTAB_RESERVED_XENSTORE].flags = GTF_permit_access;
		xenforeignmemory_unmap_resource(h, r);
	} else {
		rc = froe__fail(f, FROE_BUILD, "froe dmesg may say more",
		                "cannot map the grant table of domain %u: %s", id, strerror(errno));
	}
	if (h)
		xenforeignmemory_close(h);
	return rc;
}
