// SPDX-License-Identifier: MIT
/*
 * context.S - switching stacks. Registers that a C function may destroy are already saved by the caller's compiler.
 */
    .text

/* void context_switch(void **save_sp, void *load_sp) */
    .globl context_switch
context_switch:
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret

/* Where a new stack's first switch arrives: context_prepare put the function in RBX and its argument in R12. */
    .globl context_start
context_start:
    movq %r12, %rdi
    xorl %ebp, %ebp
    call *%rbx
    ud2

/* void context_jump(void *stack_top, void (*fn)(void *), void *arg) */
    .globl context_jump
context_jump:
    movq %rdi, %rsp
    movq %rdx, %rdi
    xorl %ebp, %ebp
    call *%rsi
    ud2

    .section .note.GNU-stack, "", @progbits
