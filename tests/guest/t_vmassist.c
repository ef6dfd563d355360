/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * vm_assist: the runstate flag can be switched, PV types and commands not.
 *
 * Sources: xen/xen.h; Xen's common/kernel.c:vm_assist: EINVAL for a type that
 * this kind of domain does not have, ENOSYS for a command. With the flag, the
 * runstate area says while it is being written (XEN_RUNSTATE_UPDATE), and does
 * not say so while it is not.
 *
 * run: smp=1
 */
#include "lib/guest.h"

static long vm_assist(unsigned long cmd, unsigned long type)
{
	return hcall2(__HYPERVISOR_vm_assist, cmd, type);
}

void test_main(void)
{
	volatile struct vcpu_runstate_info *r = page_alloc();
	struct vcpu_register_runstate_memory_area op = {
		.addr.v = (struct vcpu_runstate_info *)r,
	};
	struct vcpu_set_singleshot_timer t = { 0 };
	evtchn_port_t port;
	unsigned int i;

	EXPECT_EQ(vm_assist(VMASST_CMD_enable, VMASST_TYPE_runstate_update_flag), 0);
	EXPECT_EQ(vm_assist(VMASST_CMD_enable, VMASST_TYPE_pae_extended_cr3), -XEN_EINVAL);
	EXPECT_EQ(vm_assist(VMASST_CMD_enable, 63), -XEN_EINVAL);
	EXPECT_EQ(vm_assist(VMASST_CMD_enable, 64), -XEN_EINVAL);
	EXPECT_EQ(vm_assist(VMASST_CMD_enable, ~0ul), -XEN_EINVAL);
	EXPECT_EQ(vm_assist(99, VMASST_TYPE_runstate_update_flag), -XEN_ENOSYS);

	xen_events_on();
	EXPECT_EQ(xen_vcpu(VCPUOP_register_runstate_memory_area, 0, &op), 0);
	EXPECT_EQ(xen_bind_virq(VIRQ_TIMER, 0, &port), 0);
	for (i = 0; i < 20; i++) {
		irq_disable();
		xen_port_count[port] = 0;
		t.timeout_abs_ns = time_now() + 200000;
		EXPECT_EQ(xen_vcpu(VCPUOP_set_singleshot_timer, 0, &t), 0);
		while (!xen_port_count[port])
			irq_wait();
		EXPECT_EQ(r->state_entry_time & XEN_RUNSTATE_UPDATE, 0);
		EXPECT(r->state_entry_time > 0 && r->state_entry_time <= time_now());
		EXPECT_EQ(r->state, RUNSTATE_running);
	}
	EXPECT_EQ(vm_assist(VMASST_CMD_disable, VMASST_TYPE_runstate_update_flag), 0);
}
