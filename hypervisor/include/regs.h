/* SPDX-License-Identifier: GPL-2.0-only */
/* Control registers, EFER, RFLAGS, exceptions and MSRs, of host mode and guests alike. */
#pragma once

/* Control registers and RFLAGS, APM2 3.1. */
#define CR0_PE         BIT(0)
#define CR0_MP         BIT(1)
#define CR0_ET         BIT(4)
#define CR0_NE         BIT(5)
#define CR0_WP         BIT(16)
#define CR0_NW         BIT(29)
#define CR0_CD         BIT(30)
#define CR0_PG         BIT(31)
#define CR4_DE         BIT(3)
#define CR4_PAE        BIT(5)
#define CR4_MCE        BIT(6)
#define CR4_PGE        BIT(7)
#define CR4_OSFXSR     BIT(9)
#define CR4_OSXMMEXCPT BIT(10)
#define CR4_UMIP       BIT(11)
#define CR4_OSXSAVE    BIT(18)
#define CR4_SMEP       BIT(20)
#define CR4_SMAP       BIT(21)
#define CR4_PKE        BIT(22)
#define RFLAGS_TF      BIT(8)
#define RFLAGS_IF      BIT(9)
#define RFLAGS_VM      BIT(17)
#define DR6_BS         BIT(14)

#define EFER_SCE   BIT(0)
#define EFER_LME   BIT(8)
#define EFER_LMA   BIT(10)
#define EFER_NXE   BIT(11)
#define EFER_SVME  BIT(12)
#define EFER_FFXSR BIT(14)

/* Exceptions, APM2 8.2. */
#define EXC_DB  1
#define EXC_NMI 2
#define EXC_UD  6
#define EXC_DF  8
#define EXC_GP  13
#define EXC_PF  14
#define EXC_AC  17
#define EXC_MC  18

/* MSRs, APM2 appendix A; those of machine checks: 9.3. */
#define MSR_APIC_BASE   0x1b
#define MSR_PRED_CMD    0x49
#define MSR_MCG_CAP     0x179
#define MSR_MCG_STATUS  0x17a
#define MSR_MCG_CTL     0x17b
#define MSR_PAT         0x277
#define MSR_MC0_CTL     0x400
#define MSR_MC0_STATUS  0x401
#define MSR_MC0_ADDR    0x402
#define MSR_MC0_MISC    0x403
#define MSR_X2APIC      0x800
#define MSR_EFER        0xc0000080
#define MSR_GS_BASE     0xc0000101
#define MSR_TSC_AUX     0xc0000103
#define MSR_VM_CR       0xc0010114
#define MSR_VM_HSAVE_PA 0xc0010117

#define VM_CR_SVMDIS BIT(4)

/*
 * Page attributes: entry 0 write-back, 1 write-combining, 2 and 3 uncached, 4 to 7 the same again.
 * So PWT alone makes a mapping write-combining and PCD, with or without PWT, uncached. Host and
 * nested tables share it (APM2 15.25.8).
 */
#define HOST_PAT 0x0007010600070106ULL
