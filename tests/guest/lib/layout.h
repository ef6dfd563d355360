/* SPDX-License-Identifier: GPL-2.0-only */
/* Numbers that the assembly and the C of a test kernel share. */
#ifndef GUEST_LAYOUT_H
#define GUEST_LAYOUT_H

#define CPU_MAX 4

#define SEL_CODE64   0x08
#define SEL_DATA     0x10
#define SEL_UDATA    0x1b
#define SEL_UCODE64  0x23
#define SEL_CODE32   0x28
#define SEL_TSS      0x30
#define CPU_GDT_SIZE (SEL_TSS + 16 * CPU_MAX)

#define TRAMPOLINE 0x8000

/* Offsets in struct cpu; guest.h asserts them. */
#define CPU_FIXUP    8
#define CPU_FAULT    16
#define CPU_STACK    24
#define CPU_USTACK   32
#define CPU_KSTACK   40
#define CPU_TSS_RSP0 52

#define USER_RETURN 0x80

#endif
