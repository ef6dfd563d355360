/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Registers that the hypervisor never uses itself and so leaves in the CPU: x87, SSE, AVX, XCR0,
 * DR0-DR3 and TSC_AUX. They are switched when a CPU changes vCPUs, not at exits.
 *
 * The guest's XCR0 is read back with XGETBV here rather than tracked at XSETBV exits: QEMU 7.2 has
 * no such exit.
 */
#include <domain.h>
#include <fpu.h>
#include <page.h>
#include <regs.h>
#include <string.h>

#define XCR0_X87    BIT(0)
#define XCR0_SSE    BIT(1)
#define XCR0_AVX    BIT(2)
#define XCR0_AVX512 (BIT(5) | BIT(6) | BIT(7))

int fpu_init(struct vcpu *v)
{
	v->xsave = heap_alloc(ROUND_UP(cpu_features.xsave_size, PAGE_SIZE));
	if (!v->xsave)
		return -ENOMEM;
	fpu_reset(v);
	return 0;
}

void fpu_free(struct vcpu *v)
{
	heap_free(v->xsave);
	v->xsave = NULL;
}

static bool in_cpu(const struct vcpu *v)
{
	return this_cpu()->current == v;
}

/*
 * Where the last x87 instruction was, some CPUs restore only if an exception is pending
 * (XSA-52): so that nobody sees another vCPU's, one of ours comes before.
 */
static void restore(struct vcpu *v)
{
	static const u32 zero;

	__asm__ volatile("fnclex; emms; fildl %0" ::"m"(zero));
	xsetbv(0, cpu_features.xcr0_mask);
	__asm__ volatile("xrstor64 (%0)" ::"r"(v->xsave), "a"(~0u), "d"(~0u) : "memory");
	xsetbv(0, v->xcr0);
}

/* FCW 0x37f after INIT is FNINIT's; the hardware's 0x40 shows to nobody. MXCSR: APM1 4.2.2. */
void fpu_reset(struct vcpu *v)
{
	u8 *legacy = v->xsave;

	memset(v->xsave, 0, cpu_features.xsave_size);
	*(u16 *)legacy = 0x37f;
	*(u32 *)(legacy + 24) = 0x1f80;
	v->xcr0 = XCR0_X87;
	if (in_cpu(v))
		restore(v);
}

#define SOFTWARE_AT 464 /* bytes of the FXSAVE area that no CPU reads */
#define XSTATE_BV   512

void fpu_set(struct vcpu *v, const u8 fxsave[512])
{
	fpu_reset(v);
	memcpy(v->xsave, fxsave, SOFTWARE_AT);
	*(u64 *)((u8 *)v->xsave + XSTATE_BV) = XCR0_X87 | XCR0_SSE;
}

#define DR_LOAD(n) __asm__ volatile("mov %0,%%db" #n ::"r"(v->dr[n]))
#define DR_SAVE(n) __asm__ volatile("mov %%db" #n ",%0" : "=r"(v->dr[n]))

void fpu_load(struct vcpu *v)
{
	restore(v);
	DR_LOAD(0);
	DR_LOAD(1);
	DR_LOAD(2);
	DR_LOAD(3);
	wrmsr(MSR_TSC_AUX, v->tsc_aux);
}

void fpu_save(struct vcpu *v)
{
	DR_SAVE(0);
	DR_SAVE(1);
	DR_SAVE(2);
	DR_SAVE(3);
	v->xcr0 = xgetbv(0);
	xsetbv(0, cpu_features.xcr0_mask);
	__asm__ volatile("xsave64 (%0)" ::"r"(v->xsave), "a"(~0u), "d"(~0u) : "memory");
	v->tsc_aux = rdmsr(MSR_TSC_AUX);
}

/* APM3 XSETBV: x87 always, AVX needs SSE, AVX-512 comes whole and needs AVX. */
int fpu_xsetbv(u32 reg, u64 val)
{
	if (reg || !(val & XCR0_X87) || (val & ~cpu_features.xcr0_mask))
		return -EINVAL;
	if ((val & XCR0_AVX) && !(val & XCR0_SSE))
		return -EINVAL;
	if ((val & XCR0_AVX512) && ((val & XCR0_AVX512) != XCR0_AVX512 || !(val & XCR0_AVX)))
		return -EINVAL;
	xsetbv(0, val);
	return 0;
}
