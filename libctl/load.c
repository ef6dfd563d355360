/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Fills a new guest's memory, through the hypervisor's copying: nothing of the guest is mapped
 * here.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <froe_hypercall.h>
#include "build.h"
#include <xen/hvm/save.h>

#define ORDER_2M   9
#define EXTENTS    1024 /* in one call */
#define COPY_PART  (512ul << 10)
#define COPY_TRIES 8

struct e820_entry {
	uint64_t addr, size;
	uint32_t type;
} __attribute__((packed));

static int out_of_memory(struct build *b)
{
	return froe__fail(b->f, FROE_NO_CAPACITY, "froe info shows how much memory is free",
	                  "%s: the hypervisor ran out of memory while it was built", b->c->name);
}

/* Populate [gfn, end), with 2 MiB extents as long as there are any. */
static int populate(struct build *b, uint64_t gfn, uint64_t end)
{
	unsigned largest = ORDER_2M;

	while (gfn < end) {
		unsigned order = gfn % (1ul << largest) || end - gfn < 1ul << largest ? 0 : largest;
		uint64_t step = 1ul << order, stop = end, n;
		struct xen_memory_reservation *r;
		xen_pfn_t *list;
		long done;

		/* Small pages only up to where a large one can begin. */
		if (!order && largest && (gfn | ((1ul << largest) - 1)) + 1 < stop)
			stop = (gfn | ((1ul << largest) - 1)) + 1;
		n = (stop - gfn) >> order;
		n = n > EXTENTS ? EXTENTS : n;
		r = froe__buffer(b->f, sizeof(*r) + n * sizeof(*list));
		if (!r)
			return -1;
		list = (xen_pfn_t *)(r + 1);
		for (uint64_t i = 0; i < n; i++)
			list[i] = gfn + i * step;
		set_xen_guest_handle(r->extent_start, list);
		r->nr_extents = n;
		r->extent_order = order;
		r->domid = b->id;
		done = froe__hypercall(b->f, __HYPERVISOR_memory_op, XENMEM_populate_physmap,
		                       (uintptr_t)r);
		if (done < 0)
			return froe__hyper_fail(b->f, done, "give memory to", b->id);
		gfn += done * step;
		if ((uint64_t)done < n && !order)
			return out_of_memory(b);
		if ((uint64_t)done < n)
			largest = 0;
	}
	return 0;
}

/*
 * The hypervisor reads the source through this process's page tables and fetches nothing that is
 * missing there. So each part is made present first, and once more should a page have gone again.
 * A file that is being cut short ends in an error here, where a touch would end the process.
 */
static int copy(struct build *b, uint64_t at, const void *data, size_t size)
{
	const uint8_t *p = data;
	int tries = 0;

	while (size) {
		size_t n = size < COPY_PART ? size : COPY_PART, into = (uintptr_t)p % PAGE;
		struct froe_copy *op = froe__buffer(b->f, sizeof(*op));
		long done;

		if (!op)
			return -1;
		if (madvise((void *)(p - into), into + n, MADV_POPULATE_READ) < 0)
			return froe__fail(b->f, FROE_BUILD,
			                  "did something change the file meanwhile?",
			                  "%s: cannot read what goes to %#lx of its memory: %s",
			                  b->c->name, at, strerror(errno));
		*op = (struct froe_copy){ .domid = b->id,
			                  .flags = FROE_COPY_TO_GUEST,
			                  .at = at,
			                  .size = n,
			                  .buffer = (uintptr_t)p };
		done = froe__hypercall(b->f, __HYPERVISOR_arch_7, FROE_OP_copy, (uintptr_t)op);
		if (done == -EFAULT && ++tries < COPY_TRIES)
			continue;
		if (done != (long)n)
			return done < 0 && done != -EFAULT
			               ? froe__hyper_fail(b->f, done, "fill the memory of", b->id)
			               : froe__fail(b->f, FROE_BUILD, "froe dmesg may say more",
			                            "%s: cannot fill its memory at %#lx",
			                            b->c->name, at);
		p += n;
		at += n;
		size -= n;
		tries = 0;
	}
	return 0;
}

/* A segment, without the holes of its file: fresh memory is zero. */
static int copy_segment(struct build *b, const struct elf_segment *s)
{
	off_t at = s->offset, end = s->offset + s->filesz, data, hole;
	int rc = 0;

	while (rc == 0 && at < end) {
		data = lseek(b->kernel.fd, at, SEEK_DATA);
		if (data < 0 && errno == ENXIO)
			break;
		hole = data < 0 ? end : lseek(b->kernel.fd, data, SEEK_HOLE);
		data = data < 0 ? at : data;
		hole = hole < 0 || hole > end ? end : hole;
		if (data >= end)
			break;
		rc = copy(b, s->paddr + (data - s->offset), b->kernel.data + data, hole - data);
		at = hole;
	}
	return rc;
}

static int copy_tables(struct build *b)
{
	size_t acpi = froe__acpi_size(b->c->vcpus_max);
	size_t size = acpi > b->layout.info_size ? acpi : b->layout.info_size;
	uint8_t *p = malloc(size);
	int rc;

	if (!p)
		return froe__nomem(b->f);
	froe__layout_info(&b->layout, b->c->cmdline, p);
	rc = copy(b, b->layout.info, p, b->layout.info_size);
	if (rc == 0) {
		froe__acpi_build(p, ACPI_BASE, b->c->vcpus_max);
		rc = copy(b, ACPI_BASE, p, acpi);
	}
	free(p);
	return rc;
}

static int set_memory_map(struct build *b)
{
	struct xen_foreign_memory_map *m = froe__buffer(b->f, sizeof(*m) + LAYOUT_MAP * 20);
	struct e820_entry *e;
	long rc;

	if (!m)
		return -1;
	e = (struct e820_entry *)(m + 1);
	for (uint32_t i = 0; i < b->layout.map_count; i++)
		e[i] = (struct e820_entry){ b->layout.map[i].addr, b->layout.map[i].size,
			                    b->layout.map[i].type };
	m->domid = b->id;
	m->map.nr_entries = b->layout.map_count;
	set_xen_guest_handle(m->map.buffer, e);
	rc = froe__hypercall(b->f, __HYPERVISOR_memory_op, XENMEM_set_memory_map, (uintptr_t)m);
	return rc < 0 ? froe__hyper_fail(b->f, rc, "set the memory map of", b->id) : 0;
}

int froe__load(struct build *b)
{
	const struct layout *l = &b->layout;
	const uint64_t four_gib = 4 * GIB / PAGE;

	if (populate(b, 0, l->low / PAGE) < 0 ||
	    populate(b, four_gib, four_gib + l->high / PAGE) < 0 ||
	    populate(b, ACPI_BASE / PAGE, ACPI_BASE / PAGE + l->acpi_pages) < 0 ||
	    populate(b, STORE_GFN, STORE_GFN + 1) < 0 ||
	    populate(b, CONSOLE_GFN, CONSOLE_GFN + 1) < 0 || set_memory_map(b) < 0)
		return -1;
	for (uint32_t i = 0; i < b->elf.count; i++)
		if (copy_segment(b, &b->elf.segment[i]) < 0)
			return -1;
	if (copy_tables(b) < 0)
		return -1;
	return l->initrd_size ? copy(b, l->initrd, b->initrd.data, l->initrd_size) : 0;
}

/* --- the first vCPU -------------------------------------------------------------------- */

/* 32-bit protected mode, flat, paging off, %ebx at start_info (the PVH boot ABI). */
static void entry_state(struct hvm_hw_cpu *c, uint64_t entry, uint64_t info)
{
	c->cr0 = 0x11; /* PE, ET */
	c->rip = entry;
	c->rbx = info;
	c->rflags = 2;
	c->dr6 = 0xffff0ff0;
	c->dr7 = 0x400;
	c->cs_limit = c->ds_limit = c->es_limit = c->ss_limit = ~0u;
	c->tr_limit = 0x67;
	c->cs_arbytes = 0xc9b;
	c->ds_arbytes = c->es_arbytes = c->ss_arbytes = 0xc93;
	c->tr_arbytes = 0x8b;
}

int froe__load_vcpu(struct build *b)
{
	struct {
		struct hvm_save_descriptor header_at;
		struct hvm_save_header header;
		struct hvm_save_descriptor cpu_at;
		struct hvm_hw_cpu cpu;
		struct hvm_save_descriptor end_at;
	} __attribute__((packed)) * context;
	struct xen_domctl *d = froe__domctl(b->f, XEN_DOMCTL_sethvmcontext, b->id, sizeof(*context),
	                                    &context);
	struct hvm_hw_cpu cpu = { 0 };
	long rc;

	if (!d)
		return -1;
	context->header_at.typecode = HVM_SAVE_CODE(HEADER);
	context->header_at.length = sizeof(context->header);
	context->header.magic = HVM_FILE_MAGIC;
	context->header.version = HVM_FILE_VERSION;
	context->cpu_at.typecode = HVM_SAVE_CODE(CPU);
	context->cpu_at.length = sizeof(context->cpu);
	entry_state(&cpu, b->elf.entry, b->layout.info);
	context->cpu = cpu;
	d->u.hvmcontext.size = sizeof(*context);
	set_xen_guest_handle(d->u.hvmcontext.buffer, (uint8_t *)context);
	rc = froe__domctl_call(b->f, d);
	return rc < 0 ? froe__hyper_fail(b->f, rc, "set the first vCPU of", b->id) : 0;
}
