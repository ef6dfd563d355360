/* SPDX-License-Identifier: GPL-2.0-only */
/* sysctl: what the control domain asks about the machine, its domains and the messages. */
#include <bootinfo.h>
#include <domain.h>
#include <handlers.h>
#include <page.h>
#include <printk.h>
#include <timer.h>

#define CHUNK    512  /* bytes of the ring at a time */
#define LIST_MAX 1024 /* domains of a list: as many as tools ask for at a time */

s64 do_sysctl_physinfo(struct hypercall *c, void *arg)
{
	struct xen_sysctl_physinfo *info = &((struct xen_sysctl *)arg)->u.physinfo;

	*info = (struct xen_sysctl_physinfo){
		.threads_per_core = 1,
		.cores_per_socket = cpu_count,
		.nr_cpus = cpu_count,
		.max_cpu_id = cpu_count - 1,
		.nr_nodes = 1,
		.cpu_khz = (u32)time_tsc_khz,
		.capabilities = XEN_SYSCTL_PHYSCAP_hvm | XEN_SYSCTL_PHYSCAP_hap |
		                XEN_SYSCTL_PHYSCAP_gnttab_v1,
		.total_pages = page_ram_count(),
		.free_pages = page_free_count(),
		.outstanding_pages = page_claimed_count(),
		.max_mfn = page_max - 1,
	};
	cpu_hw_cap(info->hw_cap);
	return 0;
}

s64 do_sysctl_getdomaininfolist(struct hypercall *c, void *arg)
{
	struct xen_sysctl_getdomaininfolist *op = &((struct xen_sysctl *)arg)->u.getdomaininfolist;
	u32 id = op->first_domain, n = min(op->max_domains, (u32)LIST_MAX);
	u64 to = (u64)op->buffer.p;
	s64 rc = 0;

	op->num_domains = 0;
	for (; !rc && op->num_domains < n; op->num_domains++) {
		struct domain *d = id < DOMID_FIRST_RESERVED ? domain_get_from((domid_t)id) : NULL;
		struct xen_domctl_getdomaininfo info;

		if (!d)
			break;
		domctl_info(d, &info);
		id = d->id + 1u;
		domain_put(d);
		if (copy_to_guest(to + op->num_domains * sizeof(info), &info, sizeof(info)))
			rc = -EFAULT;
	}
	return rc;
}

/* Incremental reads go on at an index; the others begin with the oldest byte there is. */
s64 do_sysctl_readconsole(struct hypercall *c, void *arg)
{
	struct xen_sysctl_readconsole *op = &((struct xen_sysctl *)arg)->u.readconsole;
	u32 index = op->incremental ? op->index : 0, done = 0;
	u32 count = min(op->count, (u32)PRINTK_RING_SIZE);
	char text[CHUNK];
	size_t n;

	do {
		n = printk_ring_read(text, min(count - done, (u32)CHUNK), &index);
		if (copy_to_guest((u64)op->buffer.p + done, text, n))
			return -EFAULT;
		done += (u32)n;
	} while (n && done < count);
	if (op->clear)
		printk_ring_clear();
	op->index = index;
	op->count = done;
	return 0;
}

/* With no place for an answer the number of entries is the answer. */
s64 do_sysctl_cputopoinfo(struct hypercall *c, void *arg)
{
	struct xen_sysctl_cputopoinfo *op = &((struct xen_sysctl *)arg)->u.cputopoinfo;
	u64 to = (u64)op->cputopo.p;
	u32 n = to ? min(op->num_cpus, cpu_count) : 0;

	for (u32 i = 0; i < n; i++) {
		const struct xen_sysctl_cputopo cpu = { .core = i };

		if (copy_to_guest(to + i * sizeof(cpu), &cpu, sizeof(cpu)))
			return -EFAULT;
	}
	op->num_cpus = cpu_count;
	return 0;
}

/* One node: memory is all alike. */
s64 do_sysctl_numainfo(struct hypercall *c, void *arg)
{
	struct xen_sysctl_numainfo *op = &((struct xen_sysctl *)arg)->u.numainfo;
	const struct xen_sysctl_meminfo memory = { page_ram_count() << PAGE_SHIFT,
		                                   page_free_count() << PAGE_SHIFT };
	const u32 distance = 10; /* to itself, as ACPI's SLIT has it */

	if (op->num_nodes && op->meminfo.p &&
	    copy_to_guest((u64)op->meminfo.p, &memory, sizeof(memory)))
		return -EFAULT;
	if (op->num_nodes && op->distance.p &&
	    copy_to_guest((u64)op->distance.p, &distance, sizeof(distance)))
		return -EFAULT;
	op->num_nodes = 1;
	return 0;
}
