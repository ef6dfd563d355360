/* SPDX-License-Identifier: GPL-2.0-only */
/* A stand-in for the hypervisor: prints LINE on COM1, then ends as END says:
 * 0 halts for good, 1 resets by a triple fault. */
	.section .text
	.balign 8		/* Multiboot 2, then Multiboot 1 */
	.long 0xe85250d6, 0, 24, -(0xe85250d6 + 24)
	.long 0, 8
	.long 0x1badb002, 0, -0x1badb002
	.globl _start
_start:
	cli
	mov $text, %esi
1:	mov $0x3fd, %dx
2:	in %dx, %al
	test $0x20, %al
	jz 2b
	lodsb
	test %al, %al
	jz 3f
	mov $0x3f8, %dx
	out %al, %dx
	jmp 1b
3:	mov $0x3fd, %dx		/* all of it is out before the reset */
4:	in %dx, %al
	test $0x40, %al
	jz 4b
	cmpl $END, one
	je 6f
5:	hlt
	jmp 5b
6:	lidt nothing
	ud2
one:	.long 1
nothing:
	.word 0
	.long 0
text:	.asciz LINE
