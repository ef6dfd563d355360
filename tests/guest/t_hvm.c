/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * hvm_op: parameters and the upcall vector.
 *
 * Sources: xen/hvm/params.h, xen/hvm/hvm_op.h; Xen's arch/x86/hvm/hvm.c: EINVAL
 * for an index of no parameter, ESRCH for no domain. The stock kernel wants
 * STORE_EVTCHN of the control domain to be 0, and pagetable_dying to fail, else
 * it makes a call at every end of a process.
 *
 * run: smp=1
 */
#include "lib/guest.h"

static void test_params(void)
{
	struct xen_hvm_param op = { .domid = 77, .index = HVM_PARAM_STORE_EVTCHN };
	uint64_t v = 1;

	EXPECT_EQ(xen_get_param(HVM_PARAM_STORE_EVTCHN, &v), 0);
	EXPECT_EQ(v, 0);
	EXPECT_EQ(xen_get_param(HVM_PARAM_STORE_PFN, &v), 0);
	EXPECT_EQ(v, 0);
	EXPECT_EQ(xen_get_param(HVM_NR_PARAMS, &v), -XEN_EINVAL);
	EXPECT_EQ(xen_get_param(0xffffffff, &v), -XEN_EINVAL);
	EXPECT_EQ(xen_set_param(HVM_NR_PARAMS, 1), -XEN_EINVAL);
	EXPECT_EQ(xen_set_param(0xffffffff, 1), -XEN_EINVAL);
	EXPECT_EQ(xen_hvm(HVMOP_get_param, &op), -XEN_ESRCH);
	EXPECT_EQ(xen_hvm(HVMOP_set_param, &op), -XEN_ESRCH);
	EXPECT_EQ(xen_hvm(HVMOP_get_param, 0x800000000000), -XEN_EFAULT);
	EXPECT_EQ(xen_hvm(HVMOP_set_param, 0x800000000000), -XEN_EFAULT);
	op.domid = 0;
	EXPECT_EQ(xen_hvm(HVMOP_get_param, &op), 0);
}

/* Another vector than the usual: it is the one that comes. */
static void plain_upcall(struct frame *f)
{
	(void)f;
	xen_vcpu_info(0)->evtchn_upcall_pending = 0;
	xen_vcpu_info(0)->evtchn_pending_sel = 0;
}

static void test_callback(void)
{
	evtchn_port_t port;
	uint32_t n;
	uint64_t v;

	xen_map_shared();
	trap_set(0x77, plain_upcall);
	EXPECT_EQ(xen_set_param(HVM_PARAM_CALLBACK_IRQ, 2ull << 56 | 0x77), 0);
	EXPECT_EQ(xen_get_param(HVM_PARAM_CALLBACK_IRQ, &v), 0);
	EXPECT_EQ(v, 2ull << 56 | 0x77);
	EXPECT_EQ(xen_bind_ipi(0, &port), 0);
	irq_enable();
	n = cpu_this()->irq_count[0x77];
	EXPECT_EQ(xen_send(port), 0);
	EXPECT(WAIT_UNTIL(cpu_this()->irq_count[0x77] == n + 1, PATIENCE));
	xen_clear(port);
	/* The upcall bypasses the local APIC: no bit in service, no TPR in its way. */
	EXPECT(!apic_bit(APIC_ISR, 0x77));
	apic_write(APIC_TPR, 0xf0);
	EXPECT_EQ(xen_send(port), 0);
	EXPECT(WAIT_UNTIL(cpu_this()->irq_count[0x77] == n + 2, PATIENCE));
	apic_write(APIC_TPR, 0);
	xen_clear(port);
	irq_disable();
	irq_disable();
	/* Types other than a vector need lines that this platform does not have; vectors of
	 * exceptions are the guest's own affair. Neither may hurt more than the guest. */
	xen_set_param(HVM_PARAM_CALLBACK_IRQ, 2ull << 56 | 0x0d);
	xen_set_param(HVM_PARAM_CALLBACK_IRQ, 0xffull << 56 | 0x77);
	EXPECT_EQ(xen_set_param(HVM_PARAM_CALLBACK_IRQ, 2ull << 56 | 0x77), 0);
	xen_clear(port);
	EXPECT_EQ(xen_close(port), 0);
}

static void test_others(void)
{
	struct xen_hvm_pagetable_dying dying = { .domid = DOMID_SELF };
	struct xen_hvm_evtchn_upcall_vector uv = { .vcpu = 0, .vector = 3 };
	uint8_t zero[64] = { 0 };
	long rc;

	EXPECT(xen_hvm(HVMOP_pagetable_dying, &dying) < 0);
	rc = xen_hvm(HVMOP_set_evtchn_upcall_vector, &uv);
	EXPECT(rc == -XEN_EINVAL || rc == -XEN_ENOSYS);
	EXPECT_EQ(xen_hvm(999, zero), -XEN_ENOSYS);
	EXPECT_EQ(xen_hvm(-1, zero), -XEN_ENOSYS);
	EXPECT(xen_hvm(HVMOP_altp2m, zero) < 0);
	EXPECT(xen_hvm(2 /* set_pci_intx_level */, zero) < 0);
}

void test_main(void)
{
	test_params();
	test_others();
	test_callback();
}
