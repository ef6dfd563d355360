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
	.irp reg, rax, rbx, rcx, rdx, rsi, rdi, rbp, r8, r9, r10, r11, r12, r13, r14, r15
	pushq %\reg
	.endr
	cld
	movq %rsp, %rdi
	call trap_handle
	.irp reg, r15, r14, r13, r12, r11, r10, r9, r8, rbp, rdi, rsi, rdx, rcx, rbx, rax
	popq %\reg
	.endr
	addq $16, %rsp
	iretq

	.section .note.GNU-stack, "", @progbits
