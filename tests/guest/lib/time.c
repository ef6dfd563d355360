/* SPDX-License-Identifier: GPL-2.0-only */
/* The time of the hypervisor's clock pages; without a hypervisor, the TSC taken for 1 GHz. */
#include "guest.h"

uint64_t time_tsc_to_ns(const volatile struct vcpu_time_info *t, uint64_t tsc)
{
	uint64_t delta = tsc - t->tsc_timestamp;

	if (t->tsc_shift >= 0)
		delta <<= t->tsc_shift;
	else
		delta >>= -t->tsc_shift;
	return t->system_time + (uint64_t)((unsigned __int128)delta * t->tsc_to_system_mul >> 32);
}

/* xen/xen.h, struct vcpu_time_info: an odd version, or one that changed, means read again. */
uint64_t time_read(const volatile struct vcpu_time_info *t)
{
	uint32_t version;
	uint64_t ns;

	do {
		version = t->version & ~1u;
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		ns = time_tsc_to_ns(t, rdtsc());
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
	} while (t->version != version);
	return ns;
}

uint64_t time_now(void)
{
	volatile struct vcpu_info *vi;

	if (!xen_shared)
		return rdtsc();
	vi = xen_vcpu_info(cpu_this()->id);
	return time_read(&vi->time);
}
