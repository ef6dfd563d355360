/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * platform_op: what the control domain tells and asks about the machine.
 *
 * Locking: wallclock_lock protects time_wallclock and the copies of it in shared_info.
 */
#include <bootinfo.h>
#include <domain.h>
#include <handlers.h>
#include <timer.h>

static struct spinlock wallclock_lock;

/* It is secs.nsecs now, where now is system_time on the control domain's clock. */
static int wallclock_set(struct domain *control, u64 secs, u32 nsecs, u64 system_time)
{
	u64 now = system_time + control->time_start;
	struct wallclock at_0;
	struct domain *d;

	if (nsecs >= NS_PER_S || now < system_time || !wallclock_at_0(secs, nsecs, now, &at_0))
		return -EINVAL;
	spin_lock(&wallclock_lock);
	time_wallclock = at_0;
	for_each_domain(d) domain_wallclock_update(d);
	spin_unlock(&wallclock_lock);
	return 0;
}

void platform_wallclock_update(struct domain *d)
{
	spin_lock(&wallclock_lock);
	domain_wallclock_update(d);
	spin_unlock(&wallclock_lock);
}

s64 do_platform_settime64(struct hypercall *c, void *arg)
{
	const struct xenpf_settime64 *op = &((struct xen_platform_op *)arg)->u.settime64;

	if (op->mbz)
		return -EINVAL;
	return wallclock_set(c->d, op->secs, op->nsecs, op->system_time);
}

s64 do_platform_settime32(struct hypercall *c, void *arg)
{
	const struct xenpf_settime32 *op = &((struct xen_platform_op *)arg)->u.settime32;

	return wallclock_set(c->d, op->secs, op->nsecs, op->system_time);
}

s64 do_platform_get_cpuinfo(struct hypercall *c, void *arg)
{
	struct xenpf_pcpuinfo *op = &((struct xen_platform_op *)arg)->u.pcpu_info;
	u32 id = op->xen_cpuid;

	op->max_present = cpu_count - 1;
	op->apic_id = op->acpi_id = ~0U;
	op->flags = XEN_PCPU_FLAGS_INVALID;
	if (id >= cpu_count)
		return 0;
	id = (u32)index_nospec(id, cpu_count);
	op->flags = XEN_PCPU_FLAGS_ONLINE;
	op->apic_id = cpus[id]->apic_id;
	op->acpi_id = id; /* the processor UID in the control domain's own MADT */
	return 0;
}

/* The loader's framebuffer; the result is how many bytes of the structure mean something. */
s64 do_platform_get_dom0_console(struct hypercall *c, void *arg)
{
	dom0_vga_console_info_t *info = (void *)&((struct xen_platform_op *)arg)->u;
	u64 bytes = (u64)boot_info.framebuffer.pitch * boot_info.framebuffer.height;

	if (!boot_info.framebuffer.present)
		return -ENODEV;
	*info = (dom0_vga_console_info_t){
		.video_type = boot_info.efi ? XEN_VGATYPE_EFI_LFB : XEN_VGATYPE_VESA_LFB,
		.u.vesa_lfb = {
			.width = (u16)boot_info.framebuffer.width,
			.height = (u16)boot_info.framebuffer.height,
			.bytes_per_line = (u16)boot_info.framebuffer.pitch,
			.bits_per_pixel = boot_info.framebuffer.bpp,
			.lfb_base = (u32)boot_info.framebuffer.address,
			.ext_lfb_base = (u32)(boot_info.framebuffer.address >> 32),
			.lfb_size = (u32)((bytes + 0xffff) >> 16),
			.red_pos = boot_info.framebuffer.red_pos,
			.red_size = boot_info.framebuffer.red_size,
			.green_pos = boot_info.framebuffer.green_pos,
			.green_size = boot_info.framebuffer.green_size,
			.blue_pos = boot_info.framebuffer.blue_pos,
			.blue_size = boot_info.framebuffer.blue_size,
		},
	};
	return sizeof(*info);
}
