/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The start of every CPU but the first: from the SIPI's real mode to smp_start_ap() in long mode.
 *
 * smp.c copies this to a page below 640 KiB and fills in the parameters. The page is mapped at its
 * physical address meanwhile, so one jump suffices: real mode goes to 64-bit mode in one step, with
 * protection and paging switched on by the same write of CR0 (APM2 14.6.2 asks for no stop between).
 */

#define AT(symbol) ((symbol) - trampoline_start)

	.section .init.data, "aw"
	.balign 16
	.globl trampoline_start, trampoline_end, trampoline_params
	.code16
trampoline_start:
	cli
	cld
	movw %cs, %ax
	movw %ax, %ds
	/* The GDT's and the jump's addresses depend on where the page lies. */
	xorl %ebx, %ebx
	movw %ax, %bx
	shll $4, %ebx
	leal AT(trampoline_gdt)(%ebx), %eax
	movl %eax, AT(trampoline_gdtr) + 2
	leal AT(trampoline_long)(%ebx), %eax
	movl %eax, AT(trampoline_jump)
	movl $0x20, %eax /* PAE */
	movl %eax, %cr4
	movl AT(param_root), %eax
	movl %eax, %cr3
	movl $0xc0000080, %ecx
	movl $0x900, %eax /* EFER: LME, NXE */
	xorl %edx, %edx
	wrmsr
	lgdtl AT(trampoline_gdtr)
	movl $0x80010011, %eax /* PG WP ET PE */
	movl %eax, %cr0
	ljmpl *AT(trampoline_jump)

	.code64
trampoline_long:
	movl $0x10, %eax
	movl %eax, %ds
	movl %eax, %es
	movl %eax, %ss
	xorl %eax, %eax
	movl %eax, %fs
	movl %eax, %gs
	movq param_stack(%rip), %rsp
	movq param_cpu(%rip), %rdi
	movq param_entry(%rip), %rax
	xorl %ebp, %ebp
	pushq $0
	jmp *%rax

	.balign 8
trampoline_gdt:
	.quad 0
	.quad 0x00af9b000000ffff
	.quad 0x00cf93000000ffff
trampoline_gdtr:
	.short 23
	.long 0
trampoline_jump:
	.long 0
	.short 0x08

	/* struct trampoline_params in smp.c */
	.balign 8
trampoline_params:
param_root:
	.quad 0
param_stack:
	.quad 0
param_cpu:
	.quad 0
param_entry:
	.quad 0
trampoline_end:

	.section .note.GNU-stack, "", @progbits
