/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The way into a test kernel: the PVH entry of the first CPU, the real-mode
 * entry of the others, and the switch to long mode that both share.
 */
#include "layout.h"

	.section .note.Xen, "a", @note
	.balign 4
	.long 4, 4, 18			/* XEN_ELFNOTE_PHYS32_ENTRY */
	.asciz "Xen"
	.long entry_pvh

/* CR4: PAE, OSFXSR, OSXMMEXCPT. CR0: PG, WP, NE, ET, MP, PE. EFER: NXE, LME. */
#define CR4_START	0x620
#define CR0_START	0x80010033
#define EFER_START	0x900

	.text
	.code32
	.global entry_pvh
entry_pvh:
	cld
	mov $boot_stack_top, %esp
	mov %ebx, entry_start_info
	/* What the PVH start convention promises, kept for the test that asks. */
	mov %cr0, %eax
	mov %eax, entry_cr0
	mov %cr4, %eax
	mov %eax, entry_cr4
	pushf
	pop entry_eflags
	mov %edx, entry_rest
	or %ecx, entry_rest
	or %esi, entry_rest
	or %edi, entry_rest
	or %ebp, entry_rest

	/* The first 4 GiB at their own addresses, in 2 MiB pages, open to ring 3. */
	movl $(page_pdpt + 7), page_pml4
	mov $page_pdpt, %edi
	mov $(page_pd + 7), %eax
	mov $4, %ecx
1:	mov %eax, (%edi)
	add $8, %edi
	add $0x1000, %eax
	loop 1b
	mov $page_pd, %edi
	mov $0x87, %eax
	mov $2048, %ecx
1:	mov %eax, (%edi)
	add $8, %edi
	add $0x200000, %eax
	loop 1b

	lgdt cpu_gdt_ptr
	ljmp $SEL_CODE32, $1f
1:	call entry_long_mode
	ljmp $SEL_CODE64, $entry_first

entry_long_mode:
	mov $SEL_DATA, %eax
	mov %eax, %ds
	mov %eax, %es
	mov %eax, %ss
	mov $CR4_START, %eax
	mov %eax, %cr4
	mov $page_pml4, %eax
	mov %eax, %cr3
	mov $0xc0000080, %ecx
	rdmsr
	or $EFER_START, %eax
	wrmsr
	mov $CR0_START, %eax
	mov %eax, %cr0
	xor %eax, %eax
	mov %eax, %fs
	mov %eax, %gs
	ret

	.code64
entry_first:
	mov $boot_stack_top, %rsp
	xor %ebp, %ebp
	call guest_start
	ud2

entry_other:
	mov cpu_booting, %rdi
	mov CPU_STACK(%rdi), %rsp
	xor %ebp, %ebp
	call cpu_other_start
	ud2

	/* Copied to TRAMPOLINE; a start-up IPI enters it with CS = TRAMPOLINE >> 4. */
	.global entry_trampoline, entry_trampoline_end
	.code16
entry_trampoline:
	cli
	mov %cs, %ax
	mov %ax, %ds
	lgdtl (2f - entry_trampoline)
	mov %cr0, %eax
	or $1, %eax
	mov %eax, %cr0
	ljmpl $SEL_CODE32, $(TRAMPOLINE + 1f - entry_trampoline)
	.code32
1:	mov $SEL_DATA, %eax
	mov %eax, %ds
	mov %eax, %ss
	mov $boot_stack_top, %esp
	mov $entry_long_mode, %eax
	call *%eax
	ljmp $SEL_CODE64, $entry_other
	.balign 4
2:	.word CPU_GDT_SIZE - 1
	.long cpu_gdt
entry_trampoline_end:
	.code64

	.data
	.balign 8
cpu_gdt_ptr:
	.word CPU_GDT_SIZE - 1
	.long cpu_gdt
	.balign 8
	.global cpu_gdt
cpu_gdt:
	.quad 0
	.quad 0x00209b0000000000	/* SEL_CODE64 */
	.quad 0x00cf93000000ffff	/* SEL_DATA */
	.quad 0x00cff3000000ffff	/* SEL_UDATA */
	.quad 0x0020fb0000000000	/* SEL_UCODE64 */
	.quad 0x00cf9b000000ffff	/* SEL_CODE32 */
	.fill 2 * CPU_MAX, 8, 0		/* SEL_TSS: a pair for each CPU */

	.balign 8
	.global entry_start_info, entry_cr0, entry_cr4, entry_eflags
	.global entry_rest
entry_start_info: .quad 0
entry_cr0:	.long 0
entry_cr4:	.long 0
entry_eflags:	.long 0
entry_rest:	.long 0

	.bss
	.balign 0x1000
	.global page_pml4
page_pml4:	.skip 0x1000
page_pdpt:	.skip 0x1000
page_pd:	.skip 0x4000
boot_stack:	.skip 0x4000
boot_stack_top:
