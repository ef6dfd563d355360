/* SPDX-License-Identifier: GPL-2.0-only */
/* Building the control domain (arch/x86/virt/dom0.c, dom0_acpi.c). */
#pragma once

/* Build, start vCPU 0; boot_fail() on bad input. Boot CPU, all CPUs up, before they schedule. */
void dom0_build(void);
