/* SPDX-License-Identifier: GPL-2.0-only */
/* The boot, from the first C line to the control domain: in order, one call a step. */
#include <acpi.h>
#include <bootinfo.h>
#include <bootmem.h>
#include <console.h>
#include <cpu.h>
#include <dom0.h>
#include <domain.h>
#include <hostmap.h>
#include <page.h>
#include <printk.h>
#include <timer.h>
#include <virt.h>
#include <watchdog.h>

struct boot_info boot_info;
char boot_cmdline_effective[BOOT_CMDLINE_MAX];
u64 boot_tsc_start; /* boot.S */
const struct virt_ops *virt;

void setup_start(u32 magic, paddr_t info);

/* The boot tables reach 4 GiB; a loader puts nothing of its own above. */
static const void *__init map_low(paddr_t at, u64 size)
{
	return at < 4 * GIB && size <= 4 * GIB - at ? paddr_to_virt(at) : NULL;
}

static void __init read_loader(u32 magic, paddr_t info)
{
	const char *why;
	int rc = bootinfo_parse(magic, info, map_low, &boot_info, &why);

	boot_options_parse(rc ? "" : boot_info.cmdline);
	console_init();
	if (rc)
		boot_fail("what the boot loader left cannot be used: %s", why);
}

static void __init say_hello(void)
{
	u64 ram = 0;

	for (u32 i = 0; i < boot_info.e820_count; i++)
		if (boot_info.e820[i].type == E820_RAM)
			ram += boot_info.e820[i].size;
	pr_info("Froe hypervisor, %lu MiB RAM%s\n", ram / MIB, boot_info.efi ? ", UEFI" : "");
	pr_info("command line: %s\n", boot_info.cmdline);
	boot_options_report();
	if (boot_info.module_extra)
		pr_warn("boot modules behind the second (%u) are ignored: only a kernel and an "
		        "initrd are used\n",
		        boot_info.module_extra);
	if (!boot_info.module_count)
		boot_fail("no boot module: give the control domain's kernel (an uncompressed ELF "
		          "file) as first module and its initrd as second");
}

static void __init init_memory(void)
{
	bootmem_init((paddr_t)image_boot_start, image_paddr(image_end));
	hostmap_init();
	bootmem_move_modules();
	smp_reserve();
}

static void __init read_firmware(void)
{
	switch (acpi_parse(boot_info.rsdp_size ? image_paddr(boot_info.rsdp) : 0)) {
	case 0:
		break;
	case -ENOENT:
		boot_fail("no ACPI tables found: use GRUB's multiboot2, which says where UEFI has "
		          "put them");
	case -EINVAL:
		boot_fail("the ACPI RSDP at %#lx names no valid XSDT or RSDT", acpi.rsdp);
	default:
		boot_fail(
			"no valid ACPI MADT with an enabled CPU: enable ACPI and the APICs in the "
			"firmware's set-up");
	}
	pr_info("acpi: revision %u, %u tables, %u CPUs, %u IO-APICs, PM timer port %#x, "
	        "power-off %s\n",
	        acpi.rsdp_revision, acpi.table_count, acpi.cpu_count, acpi.ioapic_count,
	        acpi.pm_timer, acpi.s5_known && acpi.pm1a_cnt ? "known" : "unknown");
}

static void __init init_boot_cpu(void)
{
	hostmap_use_pages();
	hostmap_stacks_init(&boot_cpu);
	desc_init_cpu(&boot_cpu);
	lapic_init_this();
	boot_cpu.apic_id = lapic_id();
	time_init();
	time_wallclock_init();
	timer_init_cpu(&boot_cpu);
	sched_init_cpu(&boot_cpu);
	virt = &svm_ops;
	if (virt->cpu_init(&boot_cpu))
		boot_fail("%s cannot be switched on", virt->name);
}

/* The PIC's vectors below 32 would look like exceptions; both chips masked, nothing comes. */
static void __init mask_pic(void)
{
	outb(0x21, 0xff);
	outb(0xa1, 0xff);
}

static void free_module(const struct boot_module *m)
{
	page_release(paddr_to_mfn(ROUND_DOWN(m->start, PAGE_SIZE)),
	             paddr_to_mfn(ROUND_UP(m->start + m->size, PAGE_SIZE)));
}

/* On the boot CPU's own stack: what only the boot needs is given back, that of the boot included.
 */
static void __noreturn finish(void)
{
	for (u32 i = 0; i < boot_info.module_count; i++)
		free_module(&boot_info.module[i]);
	hostmap_drop_init();
	dom0_report();
	smp_release();
	cpu_main();
}

static void __noreturn switch_stack(u64 top, void (*to)(void) __noreturn)
{
	__asm__ volatile("movq %0,%%rsp\n\t"
	                 "xorl %%ebp,%%ebp\n\t"
	                 "pushq $0\n\t"
	                 "jmp *%1" ::"r"(top),
	                 "r"(to)
	                 : "memory");
	__builtin_unreachable();
}

void __init setup_start(u32 magic, paddr_t info)
{
	desc_early_init();
	mask_pic();
	read_loader(magic, info);
	say_hello();
	cpu_detect();
	cpu_init_this();
	init_memory();
	read_firmware();
	dom0_reserve();
	bootmem_hand_over();
	init_boot_cpu();
	smp_init();
	acpi_ioapic_mask_all();
	dom0_build();
	console_start();
	watchdog_start();
	switch_stack(boot_cpu.stack_top, finish);
}
