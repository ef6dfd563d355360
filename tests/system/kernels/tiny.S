/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The smallest guests: a PVH entry, in 32-bit mode and without an interrupt table,
 * that does one thing, BODY (rules.mk has a line for each). It lies at 1 MiB, so
 * that 4 MiB of memory are enough.
 */
	.section .note.Xen, "a", @note
	.balign 4
	.long 4, 4, 18			/* XEN_ELFNOTE_PHYS32_ENTRY */
	.asciz "Xen"
	.long entry

	.text
	.code32
	.global entry
entry:
	BODY

	.section .note.GNU-stack, "", @progbits
