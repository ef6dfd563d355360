/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Multiboot headers, and the way from the loader's 32-bit protected mode to setup_start() in long mode.
 *
 * Only this page is linked at its physical address; other symbols are reached as PA(symbol) until
 * paging is on. The boot tables map the first 4 GiB three times: identity, direct map, and (its
 * first GiB) the image.
 */
#include <hostmap.h>

#define PA(symbol) ((symbol) - IMAGE_BASE)

#define MB1_MAGIC 0x1badb002
#define MB1_FLAGS 0x3 /* modules page-aligned, memory information */
#define MB2_MAGIC 0xe85250d6
#define MB2_LEN   (mb2_end - mb2_start)

#define BOOT_STACK_SIZE 16384
#define COM1		0x3f8

	.section .boot.header, "a"
	.balign 8
	.long MB1_MAGIC, MB1_FLAGS, -(MB1_MAGIC + MB1_FLAGS)

	.balign 8
mb2_start:
	.long MB2_MAGIC, 0, MB2_LEN, -(MB2_MAGIC + MB2_LEN)
	/* Framebuffer, optional (flags 1), any size: a UEFI machine has no text mode. */
	.balign 8
	.short 5, 1
	.long 20, 0, 0, 0
	/* Modules on page boundaries. */
	.balign 8
	.short 6, 0
	.long 8
	.balign 8
	.short 0, 0
	.long 8
mb2_end:

	.section .boot.text, "ax"
	.code32
	.globl boot_entry
boot_entry:
	cli
	cld
	movl %eax, %ebp /* the loader's magic; EBX: its block */
	rdtsc
	movl %eax, %esi
	movl %edx, %edi
	movl $PA(boot_stack_top), %esp
	pushl %edi
	pushl %esi

	/* Long mode there? CPUID itself came ten years before it, but not with an 80486SX. */
	movl $0x80000000, %eax
	pushl %ebx
	cpuid
	cmpl $0x80000001, %eax
	jb no_long_mode
	movl $0x80000001, %eax
	cpuid
	btl $29, %edx
	jnc no_long_mode
	popl %ebx

	xorl %eax, %eax
	movl $PA(image_bss_start), %edi
	movl $PA(image_bss_end), %ecx
	subl %edi, %ecx
	shrl $2, %ecx
	rep stosl
	movl $PA(boot_tables), %edi
	movl $(boot_tables_end - boot_tables) / 4, %ecx
	rep stosl

	/* 2048 leaves of 2 MiB: present, writable, large. */
	movl $PA(boot_pd), %edi
	movl $0x83, %eax
	movl $2048, %ecx
1:	movl %eax, (%edi)
	addl $8, %edi
	addl $0x200000, %eax
	loop 1b

	movl $PA(boot_pd) + 3, %eax
	movl %eax, PA(boot_pdpt_low)
	movl %eax, PA(boot_pdpt_high) + 510 * 8
	addl $4096, %eax
	movl %eax, PA(boot_pdpt_low) + 8
	addl $4096, %eax
	movl %eax, PA(boot_pdpt_low) + 16
	addl $4096, %eax
	movl %eax, PA(boot_pdpt_low) + 24
	movl $PA(boot_pdpt_low) + 3, %eax
	movl %eax, PA(boot_pml4)
	movl %eax, PA(boot_pml4) + 256 * 8
	movl $PA(boot_pdpt_high) + 3, PA(boot_pml4) + 511 * 8

	/* PAE, tables, EFER.LME, then paging switches to long mode (APM2 14.6.2). */
	movl %cr4, %eax
	orl $0x20, %eax
	movl %eax, %cr4
	movl $PA(boot_pml4), %eax
	movl %eax, %cr3
	movl $0xc0000080, %ecx
	rdmsr
	orl $0x100, %eax
	wrmsr
	movl $0x80010011, %eax /* PG WP ET PE */
	movl %eax, %cr0
	lgdt boot_gdtr
	ljmp $0x08, $boot_long

	.code64
boot_long:
	movl $0x10, %eax
	movl %eax, %ds
	movl %eax, %es
	movl %eax, %ss
	xorl %eax, %eax
	movl %eax, %fs
	movl %eax, %gs
	movq $boot_high, %rax
	jmp *%rax

	.code32
	/* Where no C runs, one line by polling COM1 as the firmware left it, and 115200 8n1 if it did not. */
no_long_mode:
	movl $boot_com1_setup, %esi
	movl $(boot_com1_setup_end - boot_com1_setup) / 2, %ecx
1:	movl $COM1, %edx
	lodsb
	addb %al, %dl
	lodsb
	outb %al, %dx
	loop 1b
	movl $boot_no_long_mode, %esi
2:	lodsb
	testb %al, %al
	jz 4f
	movb %al, %ah
	movl $100000, %ecx /* an absent port reads all-ones, a stuck one is given up */
3:	movl $COM1 + 5, %edx
	inb %dx, %al
	testb $0x20, %al
	loopz 3b
	movl $COM1, %edx
	movb %ah, %al
	outb %al, %dx
	jmp 2b
4:	cli
	hlt
	jmp 4b

boot_no_long_mode:
	.ascii "froe: this CPU has no 64-bit mode: use a 64-bit AMD CPU with SVM and nested paging\r\n"
	.asciz "froe: stopped: CPU without 64-bit mode\r\n"
	/* Register, value: DLAB, divisor 1, 8n1, FIFO on, DTR and RTS. */
boot_com1_setup:
	.byte 1, 0, 3, 0x80, 0, 1, 1, 0, 3, 3, 2, 7, 4, 3
boot_com1_setup_end:

	.balign 8
boot_gdt:
	.quad 0
	.quad 0x00af9b000000ffff
	.quad 0x00cf93000000ffff
boot_gdt_end:
boot_gdtr:
	.short boot_gdt_end - boot_gdt - 1
	.long boot_gdt

	.section .init.text, "ax"
	.code64
boot_high:
	movl %esp, %esp /* the upper half may hold anything after the mode switch */
	popq boot_tsc_start(%rip) /* pushed with the physical stack pointer, still mapped */
	movq $boot_stack_top, %rsp
	movl %ebp, %edi
	movl %ebx, %esi
	xorl %ebp, %ebp
	pushq $0
	pushq $0
	call setup_start
	ud2

	.section .init.bss, "aw", @nobits
	.balign 4096
boot_tables:
boot_pml4:	.skip 4096
boot_pdpt_low:	.skip 4096
boot_pdpt_high: .skip 4096
boot_pd:	.skip 4 * 4096
boot_tables_end:
	.globl boot_stack, boot_stack_top
boot_stack:
	.skip BOOT_STACK_SIZE
boot_stack_top:

	.section .note.GNU-stack, "", @progbits
