/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the control domain asks about the machine: lists of domains over gaps and in parts, the real
 * ring of messages read in any pieces, tables of which only the size is asked; buffers that are too
 * short, and those that end where nothing may be written.
 *
 * files: hypervisor/core/sysctl.c hypervisor/core/printk.c
 */
#include "harness.h"
#include <console.h>
#include <domain.h>
#include <handlers.h>
#include <page.h>
#include <printk.h>
#include <stdlib.h>
#include <string.h>
#include <timer.h>

#define RING  (64 * KIB)
#define MANY  1500
#define LIMIT 1024 /* domains a call */

u32 cpu_count = 3;
u64 time_tsc_khz = 2600000, page_max = 0x5000;
static struct domain domains[MANY];
static u32 domain_count;
static u64 room; /* bytes that may be written before a fault */
static struct hypercall c;

/* --- what the files call ------------------------------------------------------------------- */

int copy_to_guest(u64 to, const void *from, size_t n)
{
	if (n > room)
		return -EFAULT;
	room -= n;
	memcpy((void *)to, from, n);
	return 0;
}

struct domain *domain_get_from(domid_t id)
{
	for (u32 i = 0; i < domain_count; i++)
		if (domains[i].id >= id) {
			domains[i].refs++;
			return &domains[i];
		}
	return NULL;
}

void domain_put(struct domain *d)
{
	CHECK(d->refs--);
}

void domctl_info(struct domain *d, struct xen_domctl_getdomaininfo *info)
{
	CHECK(d->refs);
	*info = (struct xen_domctl_getdomaininfo){ .domain = d->id, .tot_pages = d->id * 3ULL };
}

void cpu_hw_cap(u32 word[8])
{
	for (u32 i = 0; i < 8; i++)
		word[i] = 0x100 + i;
}

u64 page_ram_count(void)
{
	return 0x4000;
}

u64 page_free_count(void)
{
	return 0x1234;
}

u64 page_claimed_count(void)
{
	return 0x234;
}

u64 time_now(void)
{
	return 0;
}

bool console_forced(void)
{
	return false;
}

void console_write_line(const char *prefix, const char *s, size_t n)
{
}

/* --- domains --------------------------------------------------------------------------------- */

/* The ids that a list beginning at `first` has; -EFAULT if it does not fit into `bytes`. */
static s64 list(u32 first, u32 max, u32 bytes, struct xen_domctl_getdomaininfo *out, u32 *n)
{
	struct xen_sysctl op = { .u.getdomaininfolist = { .first_domain = (domid_t)first,
		                                          .max_domains = max,
		                                          .num_domains = 77 } };
	s64 rc;

	set_xen_guest_handle(op.u.getdomaininfolist.buffer, out);
	room = bytes;
	rc = do_sysctl_getdomaininfolist(&c, &op);
	*n = op.u.getdomaininfolist.num_domains;
	for (u32 i = 0; i < domain_count; i++)
		CHECK_EQ(domains[i].refs, 0);
	return rc;
}

static void test_list(void)
{
	const u32 size = sizeof(struct xen_domctl_getdomaininfo);
	static struct xen_domctl_getdomaininfo info[MANY];
	u32 n, all = 0, first = 0;

	domain_count = 4;
	for (u32 i = 0; i < 4; i++)
		domains[i].id = (domid_t[]){ 0, 1, 7, 0x7fef }[i];
	CHECK_EQ(list(0, 10, ~0U, info, &n), 0);
	CHECK_EQ(n, 4);
	CHECK_EQ(info[2].domain, 7);
	CHECK_EQ(info[3].domain, 0x7fef);
	CHECK_EQ(info[3].tot_pages, 0x7fef * 3);
	CHECK_EQ(list(2, 1, ~0U, info, &n), 0);
	CHECK_EQ(n, 1);
	CHECK_EQ(info[0].domain, 7);
	CHECK_EQ(list(0x7fef, 10, ~0U, info, &n), 0);
	CHECK_EQ(n, 1);
	for (u32 id = 0x7ff0; id < 0x10000; id += 0x100) {
		CHECK_EQ(list(id, 10, ~0U, info, &n), 0);
		CHECK_EQ(n, 0);
	}
	CHECK_EQ(list(0, 0, 0, NULL, &n), 0);
	CHECK_EQ(n, 0);
	CHECK_EQ(list(0, 4, 4 * size - 1, info, &n), -EFAULT);
	CHECK_EQ(list(0, 4, 0, info, &n), -EFAULT);

	/* No call goes on for ever; whoever asks again gets the rest. */
	domain_count = MANY;
	for (u32 i = 0; i < MANY; i++)
		domains[i].id = (domid_t)(2 * i);
	do {
		CHECK_EQ(list(first, ~0U, ~0U, info, &n), 0);
		CHECK(n <= LIMIT);
		for (u32 i = 0; i < n; i++)
			CHECK_EQ(info[i].domain, 2 * (all + i));
		all += n;
		first = n ? info[n - 1].domain + 1U : 0;
	} while (n);
	CHECK_EQ(all, MANY);
	domain_count = 0;
}

/* --- messages ------------------------------------------------------------------------------- */

static s64 read_ring(struct xen_sysctl_readconsole *r, char *to)
{
	struct xen_sysctl op = { .u.readconsole = *r };
	s64 rc;

	set_xen_guest_handle(op.u.readconsole.buffer, to);
	rc = do_sysctl_readconsole(&c, &op);
	*r = op.u.readconsole;
	return rc;
}

/* All of the ring in pieces of any size is what it is in one. */
static void test_ring(void)
{
	static char whole[RING], parts[RING];
	struct xen_sysctl_readconsole r;
	u32 index = 0, got = 0, piece;

	for (u32 i = 0; i < 5000; i++)
		pr_info("line %u of many\n", i);
	room = ~0ULL;
	r = (struct xen_sysctl_readconsole){ .count = ~0U };
	CHECK_EQ(read_ring(&r, whole), 0);
	CHECK_EQ(r.count, RING);
	CHECK_EQ(whole[RING - 1], '\n');
	do {
		piece = (u32)unit_below(3000);
		r = (struct xen_sysctl_readconsole){ .count = piece,
			                             .incremental = 1,
			                             .index = index };
		CHECK_EQ(read_ring(&r, parts + got), 0);
		CHECK(r.count <= piece);
		got += r.count;
		index = r.index;
	} while (r.count || !piece);
	CHECK_EQ(got, RING);
	CHECK(!memcmp(whole, parts, RING));

	/* A buffer that ends too early; what was cleared is gone, and only then. */
	for (u32 bytes = 0; bytes < RING; bytes += 4093) {
		room = bytes;
		r = (struct xen_sysctl_readconsole){ .count = RING, .clear = 1 };
		CHECK_EQ(read_ring(&r, whole), -EFAULT);
	}
	room = ~0ULL;
	r = (struct xen_sysctl_readconsole){ .count = 100, .clear = 1 };
	CHECK_EQ(read_ring(&r, whole), 0);
	CHECK_EQ(r.count, 100);
	CHECK(!memcmp(whole, parts, 100));
	r = (struct xen_sysctl_readconsole){ .count = RING };
	CHECK_EQ(read_ring(&r, whole), 0);
	CHECK_EQ(r.count, 0);
}

/* --- the machine ----------------------------------------------------------------------------- */

static void test_physinfo(void)
{
	struct xen_sysctl op;
	const struct xen_sysctl_physinfo *p = &op.u.physinfo;

	memset(&op, 0xff, sizeof(op)); /* nothing of what the caller left stays */
	CHECK_EQ(do_sysctl_physinfo(&c, &op), 0);
	CHECK_EQ(p->nr_cpus, 3);
	CHECK_EQ(p->max_cpu_id, 2);
	CHECK_EQ(p->nr_nodes, 1);
	CHECK(p->threads_per_core && p->cores_per_socket);
	CHECK_EQ(p->cpu_khz, 2600000);
	CHECK_EQ(p->total_pages, 0x4000);
	CHECK_EQ(p->free_pages, 0x1234);
	CHECK_EQ(p->outstanding_pages, 0x234);
	CHECK_EQ(p->scrub_pages, 0);
	CHECK_EQ(p->max_mfn, 0x4fff);
	CHECK_EQ(p->hw_cap[7], 0x107);
	CHECK_EQ(p->capabilities,
	         XEN_SYSCTL_PHYSCAP_hvm | XEN_SYSCTL_PHYSCAP_hap | XEN_SYSCTL_PHYSCAP_gnttab_v1);
	CHECK_EQ(p->arch_capabilities, 0);
}

static void test_topology(void)
{
	struct xen_sysctl op = { .u.cputopoinfo.num_cpus = 0 };
	struct xen_sysctl_cputopo *cpu = malloc(2 * sizeof(*cpu)); /* too short, and said so */

	CHECK_EQ(do_sysctl_cputopoinfo(&c, &op), 0);
	CHECK_EQ(op.u.cputopoinfo.num_cpus, 3);
	set_xen_guest_handle(op.u.cputopoinfo.cputopo, cpu);
	op.u.cputopoinfo.num_cpus = 2;
	room = 2 * sizeof(*cpu);
	CHECK_EQ(do_sysctl_cputopoinfo(&c, &op), 0);
	CHECK_EQ(room, 0);
	CHECK_EQ(op.u.cputopoinfo.num_cpus, 3);
	CHECK_EQ(cpu[1].core, 1);
	CHECK_EQ(cpu[1].socket | cpu[1].node, 0);
	op.u.cputopoinfo.num_cpus = ~0U; /* more than there are */
	room = 3 * sizeof(*cpu) - 1;
	free(cpu);
	cpu = malloc(3 * sizeof(*cpu));
	set_xen_guest_handle(op.u.cputopoinfo.cputopo, cpu);
	CHECK_EQ(do_sysctl_cputopoinfo(&c, &op), -EFAULT);
	op.u.cputopoinfo.num_cpus = ~0U;
	room = 3 * sizeof(*cpu);
	CHECK_EQ(do_sysctl_cputopoinfo(&c, &op), 0);
	free(cpu);
}

static void test_nodes(void)
{
	struct xen_sysctl op = { .u.numainfo.num_nodes = 5 };
	struct xen_sysctl_meminfo memory = { 0 };
	u32 distance = 0;

	room = 0;
	CHECK_EQ(do_sysctl_numainfo(&c, &op), 0);
	CHECK_EQ(op.u.numainfo.num_nodes, 1);
	set_xen_guest_handle(op.u.numainfo.meminfo, &memory);
	set_xen_guest_handle(op.u.numainfo.distance, &distance);
	CHECK_EQ(do_sysctl_numainfo(&c, &op), -EFAULT);
	room = sizeof(memory);
	CHECK_EQ(do_sysctl_numainfo(&c, &op), -EFAULT);
	room = sizeof(memory) + sizeof(distance);
	CHECK_EQ(do_sysctl_numainfo(&c, &op), 0);
	CHECK_EQ(memory.memsize, 0x4000 << PAGE_SHIFT);
	CHECK_EQ(memory.memfree, 0x1234 << PAGE_SHIFT);
	CHECK_EQ(distance, 10);
	op.u.numainfo.num_nodes = 0; /* room for none: nothing is written */
	room = 0;
	CHECK_EQ(do_sysctl_numainfo(&c, &op), 0);
	CHECK_EQ(op.u.numainfo.num_nodes, 1);
}

void unit_main(void)
{
	test_list();
	test_ring();
	test_physinfo();
	test_topology();
	test_nodes();
}
