/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The control domain: takes its RAM, builds it from the two boot modules, starts it. Boot CPU only,
 * before anything is scheduled, so there is nothing to lock against.
 *
 * Its guest-physical RAM is machine RAM at the same address, lowest first; the tables that it sees
 * and its boot data lie in RAM of its own.
 */
#include <xen/arch-x86/hvm/start_info.h>
#include <bootinfo.h>
#include <dom0.h>
#include <elf.h>
#include <hostmap.h>
#include <page.h>
#include <printk.h>
#include <string.h>

#define LOW_MIB      (1 * MIB)
#define KERNEL_LINE  2048 /* Linux's COMMAND_LINE_SIZE */
/* For start_info and what it names: Linux's first page tables end there. */
#define BOOT_LIMIT   (1 * GIB)
#define MODULE_LIMIT (4 * GIB) /* initrd, RSDP: Linux truncates their addresses to 32 bits */

/* What start_info names, in one piece; Linux copies it before it allocates anything. */
struct boot_data {
	struct hvm_start_info info;
	struct hvm_modlist_entry initrd;
	struct hvm_memmap_table_entry memmap[E820_MAX];
	char cmdline[KERNEL_LINE];
};

/* Decided by dom0_reserve(), used by dom0_build(). */
static struct {
	struct range own[DOM0_RANGES_MAX];
	u32 own_count;
	u64 pages;
	struct elf_image kernel;
	struct range initrd, boot_data, tables; /* where they will lie; initrd may be empty */
} plan __initdata;

/* --- reservation --------------------------------------------------------------- */

/* What can be given away: the rest is for the frame table, page tables and the hypervisor's heap.
 */
static u64 __init available_ram(void)
{
	u64 kept = bootmem_ram_bytes() / 64 + 24 * MIB, unused = bootmem_free_bytes();

	return unused > kept ? unused - kept : 0;
}

static void __init take_ram(void)
{
	u64 size = dom0_memory_size(boot_options.dom0_mem, bootmem_ram_bytes(), available_ram());

	if (size < boot_options.dom0_mem)
		pr_warn("dom0_mem= is more than this machine can give: it gets %lu MiB\n",
		        size / MIB);
	plan.own_count = bootmem_take_low(size, plan.own, ARRAY_SIZE(plan.own));
	for (u32 i = 0; i < plan.own_count; i++)
		plan.pages += (plan.own[i].end - plan.own[i].start) / PAGE_SIZE;
	dom0_cmdline_effective(boot_info.cmdline, boot_cmdline_effective,
	                       sizeof(boot_cmdline_effective), plan.pages * PAGE_SIZE);
}

static void __init parse_kernel(void)
{
	const struct boot_module *m = &boot_info.module[0];
	const char *why = NULL;
	const u8 *file;

	file = paddr_to_virt(m->start);
	if (elf_parse(file, m->size, &plan.kernel, &why) == 0)
		return;
	/* The signature of Linux's boot protocol: the file of /boot as it is. */
	if (m->size > 0x206 && memcmp(file + 0x202, "HdrS", 4) == 0)
		why = "it is a bzImage: give the ELF file that is packed inside";
	boot_fail("cannot use the control domain's kernel (boot module 1): %s\n", why);
}

static void __init check_kernel_place(void)
{
	for (u32 i = 0; i < plan.kernel.count; i++) {
		paddr_t start = ROUND_DOWN(plan.kernel.segment[i].paddr, PAGE_SIZE);
		paddr_t end = plan.kernel.segment[i].paddr + plan.kernel.segment[i].memsz;

		if (dom0_owns(plan.own, plan.own_count, start, ROUND_UP(end, PAGE_SIZE)))
			continue;
		boot_fail("the control domain's kernel must lie at %#lx-%#lx, %s\n", start, end,
		          bootmem_is_ram(start, end)
		                  ? "but its memory does not reach there: raise dom0_mem="
		                  : "which is not RAM of this machine: use another kernel");
	}
}

/*
 * Room for one part, which the next ones avoid: behind the kernel if it fits there, else from 1 MiB
 * up; top: as high as it can be.
 */
static struct range __init place(struct range *avoid, u32 *count, u64 size, paddr_t limit, bool top,
                                 const char *what)
{
	paddr_t at = top ? 0
	                 : dom0_place(plan.own, plan.own_count, avoid, *count, size,
	                              plan.kernel.high, limit, false);

	if (!at)
		at = dom0_place(plan.own, plan.own_count, avoid, *count, size, LOW_MIB, limit, top);
	if (!at)
		boot_fail("no room for the control domain's %s (%lu KiB): raise dom0_mem=\n", what,
		          size / KIB);
	return avoid[(*count)++] = (struct range){ at, at + size };
}

/*
 * Boot data right behind the kernel, the initrd behind that, so that the lowest 16 MiB stay free
 * for old devices; tables at the top of low RAM, where they cut the memory map once.
 */
static void __init place_parts(void)
{
	struct range avoid[4] = { { plan.kernel.low, plan.kernel.high } };
	u64 initrd = boot_info.module_count > 1 ? boot_info.module[1].size : 0;
	u32 n = 1;

	plan.tables = place(avoid, &n, PAGE_SIZE, MODULE_LIMIT, true, "ACPI tables");
	plan.boot_data = place(avoid, &n, ROUND_UP(sizeof(struct boot_data), PAGE_SIZE), BOOT_LIMIT,
	                       false, "boot data");
	if (initrd)
		plan.initrd = place(avoid, &n, initrd, MODULE_LIMIT, false, "initrd");
}

void __init dom0_reserve(void)
{
	parse_kernel();
	take_ram();
	check_kernel_place();
	place_parts();
}

/* --- contents -------------------------------------------------------------------- */

/* No vCPU runs yet, so the domain's memory is RAM like any other. */

static void __init load_modules(void)
{
	const u8 *file = paddr_to_virt(boot_info.module[0].start);

	for (u32 i = 0; i < plan.kernel.count; i++) {
		u8 *at = paddr_to_virt(plan.kernel.segment[i].paddr);
		u64 filesz = plan.kernel.segment[i].filesz;

		memcpy(at, file + plan.kernel.segment[i].offset, filesz);
		memset(at + filesz, 0, plan.kernel.segment[i].memsz - filesz);
	}
	if (plan.initrd.end)
		memcpy(paddr_to_virt(plan.initrd.start), paddr_to_virt(boot_info.module[1].start),
		       plan.initrd.end - plan.initrd.start);
}

static void __init write_tables(const struct domain *d)
{
	static paddr_t tables[ACPI_MAX_TABLES] __initdata;
	static u32 apic_id[MAX_VCPUS] __initdata;
	u32 count = 0;

	for (u32 i = 0; i < acpi.table_count; i++) {
		const struct acpi_header *h = firmware_map(acpi.table[i], sizeof(*h));

		if (h && dom0_acpi_allowed(h->signature))
			tables[count++] = acpi.table[i];
	}
	for (u32 i = 0; i < d->max_vcpus; i++)
		apic_id[i] = d->vcpu[i]->apic_id;
	if (!dom0_acpi_build(paddr_to_virt(plan.tables.start), PAGE_SIZE, plan.tables.start, &acpi,
	                     tables, count, apic_id, d->max_vcpus))
		boot_fail("the control domain's ACPI tables do not fit a page\n");
}

static void __init make_memory_map(struct domain *d)
{
	static struct e820_entry map[4 * DOM0_RANGES_MAX] __initdata;
	const struct range keep[] = { { plan.kernel.low, plan.kernel.high },
		                      plan.initrd,
		                      plan.boot_data };
	const struct dom0_e820_in in = {
		.machine = boot_info.e820,
		.machine_count = boot_info.e820_count,
		.own = plan.own,
		.own_count = plan.own_count,
		.acpi = plan.tables,
		.keep = keep,
		.keep_count = ARRAY_SIZE(keep),
	};
	u64 lost = 0;

	d->e820_count = dom0_e820_build(&in, map, ARRAY_SIZE(map), E820_MAX, &lost);
	d->e820 = heap_alloc(E820_MAX * sizeof(*d->e820));
	if (!d->e820_count || !d->e820)
		boot_fail("the machine's memory map cannot be made to fit %u entries\n", E820_MAX);
	memcpy(d->e820, map, d->e820_count * sizeof(*map));
	if (lost)
		pr_warn("memory map too long: %lu KiB of the control domain's RAM left unused\n",
		        lost / KIB);
}

static void __init write_boot_data(const struct domain *d)
{
	struct boot_data *b = paddr_to_virt(plan.boot_data.start);
	const char *added = "", *why = NULL;
	paddr_t at = plan.boot_data.start;

	if (dom0_cmdline(boot_info.module[0].cmdline, b->cmdline, sizeof(b->cmdline), &added, &why))
		boot_fail("the control domain's command line: %s\n", why);
	if (*added)
		pr_info("added to the control domain's command line: %s\n", added);
	b->info = (struct hvm_start_info){
		.magic = XEN_HVM_START_MAGIC_VALUE,
		.version = 1,
		.flags = SIF_PRIVILEGED | SIF_INITDOMAIN,
		.nr_modules = plan.initrd.end ? 1 : 0,
		.modlist_paddr = at + offsetof(struct boot_data, initrd),
		.cmdline_paddr = at + offsetof(struct boot_data, cmdline),
		.rsdp_paddr = plan.tables.start,
		.memmap_paddr = at + offsetof(struct boot_data, memmap),
		.memmap_entries = d->e820_count,
	};
	b->initrd = (struct hvm_modlist_entry){ plan.initrd.start,
		                                plan.initrd.end - plan.initrd.start, 0, 0 };
	for (u32 i = 0; i < d->e820_count; i++)
		b->memmap[i] = (struct hvm_memmap_table_entry){ d->e820[i].addr, d->e820[i].size,
			                                        d->e820[i].type, 0 };
}

/* --- address space ------------------------------------------------------------------ */

static void __init map_range(struct domain *d, struct range r, mfn_t to, enum p2m_type type)
{
	int rc;

	spin_lock(&d->p2m.lock);
	rc = p2m_set_range(d, gfn(r.start >> PAGE_SHIFT), to, (r.end - r.start) >> PAGE_SHIFT,
	                   type);
	spin_unlock(&d->p2m.lock);
	if (rc)
		boot_fail("out of memory for the control domain's page tables\n");
}

/*
 * Every page below 1 MiB is there: BIOS data, VGA and option ROMs as they are. Linux reads all of
 * 0x80000-0xfffff in search of tables, whatever the memory map says, and in it lies the page from
 * which other CPUs were started: that one reads as ones.
 */
static void __init map_low_holes(struct domain *d)
{
	d->ones = page_alloc(0);
	if (!mfn_valid_box(d->ones))
		boot_fail("out of memory for the control domain\n");
	memset(mfn_to_virt(d->ones), 0xff, PAGE_SIZE);
	for (paddr_t at = 0; at < LOW_MIB; at += PAGE_SIZE) {
		struct range r = { at, at + PAGE_SIZE };

		if (!bootmem_is_ram(r.start, r.end))
			map_range(d, r, paddr_to_mfn(at), P2M_MMIO);
		else if (!dom0_owns(plan.own, plan.own_count, r.start, r.end))
			map_range(d, r, d->ones, P2M_ONES);
	}
}

static void __init map_memory(struct domain *d)
{
	for (u32 i = 0; i < plan.own_count; i++) {
		struct range r = plan.own[i];

		page_set_domain(paddr_to_mfn(r.start), paddr_to_mfn(r.end), d);
		map_range(d, r, paddr_to_mfn(r.start), P2M_RAM);
	}
	map_low_holes(d);
}

/* Registers by which the control domain could reach or redirect what is not its own. */
static void __init forbid_registers(void)
{
	static const char *const names[] = { "IVRS", "DMAR" };
	struct range r[16];

	p2m_forbid(lapic_base, PAGE_SIZE, "local APIC");
	for (u32 i = 0; i < ARRAY_SIZE(names); i++) {
		const struct acpi_header *table = acpi_find(names[i]);
		u32 n = table ? dom0_acpi_iommus(table, r, ARRAY_SIZE(r)) : 0;

		for (u32 k = 0; k < n; k++)
			p2m_forbid(r[k].start, r[k].end - r[k].start, "IOMMU");
	}
}

/* --- all together --------------------------------------------------------------------- */

static void __init create_vcpus(struct domain *d)
{
	for (u32 i = 0; i < d->max_vcpus; i++)
		if (!vcpu_create(d, i, cpus[i]))
			boot_fail("out of memory for the control domain's vCPU %u\n", i);
}

static u32 __init vcpu_count(void)
{
	u32 n = min(cpu_count, (u32)MAX_VCPUS);

	if (boot_options.dom0_max_vcpus > n)
		pr_warn("dom0_max_vcpus=%u: there is one vCPU for each of the %u CPUs at most\n",
		        boot_options.dom0_max_vcpus, n);
	return boot_options.dom0_max_vcpus ? min(n, boot_options.dom0_max_vcpus) : n;
}

void __init dom0_build(void)
{
	const struct domain_limits limits = { .vcpus = vcpu_count(), .pages = plan.pages };
	struct domain *d;

	if (domain_create(0, true, &limits, &d))
		boot_fail("out of memory for the control domain\n");
	forbid_registers();
	map_memory(d);
	create_vcpus(d);
	load_modules();
	make_memory_map(d);
	write_tables(d);
	write_boot_data(d);
	pr_info("control domain: %lu MiB, %u vCPUs, kernel entry %#lx\n",
	        plan.pages * PAGE_SIZE / MIB, d->max_vcpus, plan.kernel.entry);
	vcpu_start_pvh(d->vcpu[0], plan.kernel.entry, plan.boot_data.start);
	d->started = true;
	d->control_pauses = 0;
	domain_unpause(d);
}

void dom0_report(void)
{
	pr_info("memory kept by the hypervisor: %lu bytes\n", page_hypervisor_bytes());
	if (boot_options.bench)
		pr_info("bench: entry to control domain: %lu TSC ticks\n",
		        rdtsc_ordered() - boot_tsc_start);
}
