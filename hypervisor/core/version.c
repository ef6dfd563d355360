/* SPDX-License-Identifier: GPL-2.0-only */
/* What the hypervisor says about itself: xen_version and vm_assist. */
#include <bootinfo.h>
#include <handlers.h>
#include <string.h>

s64 do_version_version(struct hypercall *c, void *arg)
{
	return XEN_VERSION_MAJOR << 16 | XEN_VERSION_MINOR;
}

s64 do_version_extraversion(struct hypercall *c, void *arg)
{
	strlcpy(arg, ".0-froe", sizeof(xen_extraversion_t));
	return 0;
}

s64 do_version_compile_info(struct hypercall *c, void *arg)
{
	struct xen_compile_info *info = arg;

	strlcpy(info->compiler, "gcc " __VERSION__, sizeof(info->compiler));
	return 0; /* no who, where and when: the same source gives the same image */
}

/* The tokens that toolstacks look for; PV kernels ("xen-3.0-...") do not run here. */
s64 do_version_capabilities(struct hypercall *c, void *arg)
{
	strlcpy(arg, "hvm-3.0-x86_32 hvm-3.0-x86_32p hvm-3.0-x86_64",
	        sizeof(xen_capabilities_info_t));
	return 0;
}

s64 do_version_get_features(struct hypercall *c, void *arg)
{
	struct xen_feature_info *info = arg;

	if (info->submap_idx >= XENFEAT_NR_SUBMAPS)
		return -EINVAL;
	info->submap =
		1U << XENFEAT_writable_page_tables |    /* no page table of a guest is watched */
		1U << XENFEAT_auto_translated_physmap | /* frame numbers are guest-physical */
		1U << XENFEAT_hvm_callback_vector |     /* HVM_PARAM_CALLBACK_IRQ type 2 */
		1U << XENFEAT_hvm_safe_pvclock;         /* vcpu_info.time may be relied on */
	/* Without XENFEAT_hvm_pirqs: Linux programs interrupt controllers natively. */
	if (c->d->control)
		info->submap |= 1U << XENFEAT_dom0;
	return 0;
}

s64 do_version_pagesize(struct hypercall *c, void *arg)
{
	return c->a[1] ? -EINVAL : (s64)PAGE_SIZE;
}

s64 do_version_guest_handle(struct hypercall *c, void *arg)
{
	memcpy(arg, c->d->handle, sizeof(xen_domain_handle_t));
	return 0;
}

s64 do_version_commandline(struct hypercall *c, void *arg)
{
	strlcpy(arg, c->d->control ? boot_cmdline_effective : "<denied>",
	        sizeof(xen_commandline_t));
	return 0;
}

s64 do_version_build_id(struct hypercall *c, void *arg)
{
	return c->d->control ? -ENODATA : -EPERM;
}

/* Taken, or answered with zeroes: the table says which calls end here. */
s64 do_nothing(struct hypercall *c, void *arg)
{
	return 0;
}

/* --- vm_assist ------------------------------------------------------------- */

/* The only one that means something to an HVM guest: how its runstate area is written. */
#define ASSIST VMASST_TYPE_runstate_update_flag

s64 do_vm_assist_enable(struct hypercall *c, void *arg)
{
	if ((u32)c->a[1] != ASSIST)
		return -EINVAL;
	bit_test_and_set_atomic(&c->d->vm_assist, ASSIST);
	return 0;
}

s64 do_vm_assist_disable(struct hypercall *c, void *arg)
{
	if ((u32)c->a[1] != ASSIST)
		return -EINVAL;
	bit_test_and_clear_atomic(&c->d->vm_assist, ASSIST);
	return 0;
}
