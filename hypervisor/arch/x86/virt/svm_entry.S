/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The world switch of SVM.
 *
 * void svm_enter(struct guest_regs *regs, paddr_t vmcb, paddr_t host_vmcb)
 *
 * CLGI keeps everything out from the last check of the caller until VMRUN; STI behind it lets
 * physical interrupts end the guest (APM2 15.21.1: with V_INTR_MASKING the host's IF decides).
 * #VMEXIT clears GIF; the host's TR, GS and syscall MSRs come back by VMLOAD before STGI lets an
 * NMI in, because its IST stack is found through TR. CR2 and RFLAGS are in the control block. SSE
 * and XCR0 stay the guest's: the hypervisor does not use them (fpu.c switches them between vCPUs).
 */
	.text
	.globl svm_enter
	.type svm_enter, @function
svm_enter:
	push	%rbx
	push	%rbp
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	push	%rdx
	push	%rdi
	mov	%rsi, %rax
	mov	0x08(%rdi), %rcx
	mov	0x10(%rdi), %rdx
	mov	0x18(%rdi), %rbx
	mov	0x28(%rdi), %rbp
	mov	0x30(%rdi), %rsi
	.irp	i, 8, 9, 10, 11, 12, 13, 14, 15
	mov	8 * \i(%rdi), %r\i
	.endr
	mov	0x38(%rdi), %rdi
	clgi
	sti
	vmload
	vmrun
	vmsave
	xchg	%rdi, (%rsp)
	mov	%rcx, 0x08(%rdi)
	mov	%rdx, 0x10(%rdi)
	mov	%rbx, 0x18(%rdi)
	mov	%rbp, 0x28(%rdi)
	mov	%rsi, 0x30(%rdi)
	.irp	i, 8, 9, 10, 11, 12, 13, 14, 15
	mov	%r\i, 8 * \i(%rdi)
	.endr
	pop	0x38(%rdi)
	pop	%rax
	vmload
	cli
	stgi
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbp
	pop	%rbx
	ret
	.size svm_enter, . - svm_enter

	.section .note.GNU-stack, "", @progbits
