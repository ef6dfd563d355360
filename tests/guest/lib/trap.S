/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Interrupts and exceptions into C, and the excursion to ring 3 and back.
 */
#include "layout.h"

	.text
	.code64

/* One 16-byte stub for each vector; those of exceptions 8, 10-14, 17, 21 and 29, 30 carry an error code. */
	.balign 16
	.global trap_stubs
trap_stubs:
	.set vector, 0
	.rept 256
	.balign 16
	.if vector >= 32
	push $0
	.elseif !((0x60227d00 >> vector) & 1)
	push $0
	.endif
	push $vector
	jmp trap_common
	.set vector, vector + 1
	.endr

trap_common:
	push %rax
	push %rbx
	push %rcx
	push %rdx
	push %rsi
	push %rdi
	push %rbp
	push %r8
	push %r9
	push %r10
	push %r11
	push %r12
	push %r13
	push %r14
	push %r15
	cld
	mov %rsp, %rdi
	mov %rsp, %rbp
	and $-16, %rsp
	call trap_handle
	mov %rbp, %rsp
	pop %r15
	pop %r14
	pop %r13
	pop %r12
	pop %r11
	pop %r10
	pop %r9
	pop %r8
	pop %rbp
	pop %rdi
	pop %rsi
	pop %rdx
	pop %rcx
	pop %rbx
	pop %rax
	add $16, %rsp
	iretq

/* long trap_user_call(long (*fn)(long), long arg): run fn(arg) in ring 3. */
	.global trap_user_call
trap_user_call:
	push %rbp
	push %rbx
	push %r12
	push %r13
	push %r14
	push %r15
	pushfq
	mov %rsp, %gs:CPU_KSTACK
	mov %rsp, %gs:CPU_TSS_RSP0
	mov (%rsp), %rax
	push $SEL_UDATA
	push %gs:CPU_USTACK
	push %rax
	push $SEL_UCODE64
	push $1f
	iretq
1:	mov %rdi, %rax
	mov %rsi, %rdi
	call *%rax
	int $USER_RETURN

/* The gate of vector USER_RETURN: go on where trap_user_call() was called. */
	.global trap_user_return
trap_user_return:
	mov $SEL_DATA, %ecx
	mov %ecx, %ss
	mov %gs:CPU_KSTACK, %rsp
	popfq
	pop %r15
	pop %r14
	pop %r13
	pop %r12
	pop %rbx
	pop %rbp
	ret
