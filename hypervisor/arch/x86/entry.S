/* SPDX-License-Identifier: GPL-2.0-only */
/* Entry of all 256 vectors: saves a struct trap_frame and calls trap_handle(). */

	.text
	.code64

	/* One stub for each vector, 16 bytes apart; the CPU pushes an error code for some (APM2 8.2). */
	.balign 16
	.globl entry_stubs
entry_stubs:
	.set .Lvector, 0
	.rept 256
	.balign 16
	.if !(.Lvector == 8 || (.Lvector >= 10 && .Lvector <= 14) || .Lvector == 17 || .Lvector == 21 || \
	      .Lvector == 29 || .Lvector == 30)
	pushq $0
	.endif
	pushq $.Lvector
	jmp entry_common
	.set .Lvector, .Lvector + 1
	.endr

	/*
	 * Always from host mode, so no SWAPGS; the CPU has aligned the stack to 16 before its push and
	 * 22 words make it so again. Interrupts are off: every gate is an interrupt gate.
	 */
	.balign 16
entry_common:
	pushq %rax
	pushq %rbx
	pushq %rcx
	pushq %rdx
	pushq %rsi
	pushq %rdi
	pushq %rbp
	pushq %r8
	pushq %r9
	pushq %r10
	pushq %r11
	pushq %r12
	pushq %r13
	pushq %r14
	pushq %r15
	cld
	movq %rsp, %rdi
	call trap_handle
	popq %r15
	popq %r14
	popq %r13
	popq %r12
	popq %r11
	popq %r10
	popq %r9
	popq %r8
	popq %rbp
	popq %rdi
	popq %rsi
	popq %rdx
	popq %rcx
	popq %rbx
	popq %rax
	addq $16, %rsp
	iretq

	.section .note.GNU-stack, "", @progbits
