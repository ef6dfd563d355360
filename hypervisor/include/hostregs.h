/* SPDX-License-Identifier: GPL-2.0-only */
/* Registers that host mode sets up (arch/x86/cpu.c, desc.c). */
#pragma once

/* Control registers (APM2 3.1) and the MSRs that host mode sets (APM2 3.1.7, 7.8, 9.3). */
#define CR0_PE         BIT(0)
#define CR0_MP         BIT(1)
#define CR0_ET         BIT(4)
#define CR0_NE         BIT(5)
#define CR0_WP         BIT(16)
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
#define EFER_SCE       BIT(0)
#define EFER_LME       BIT(8)
#define EFER_LMA       BIT(10)
#define EFER_NXE       BIT(11)
#define EFER_SVME      BIT(12)
#define MSR_APIC_BASE  0x1b
#define MSR_PAT        0x277
#define MSR_EFER       0xc0000080
#define MSR_GS_BASE    0xc0000101
#define MSR_VM_CR      0xc0010114

/*
 * Page attributes: entry 0 write-back, 1 write-combining, 2 and 3 uncached, 4 to 7 the same again.
 * So PWT alone makes a mapping write-combining and PCD, with or without PWT, uncached. Host and
 * nested tables share it (APM2 15.25.8).
 */
#define HOST_PAT 0x0007010600070106ULL
