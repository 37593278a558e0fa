// SPDX-License-Identifier: MIT
/*
 * entry.S - where the CPU arrives from user mode and in traps, and how it leaves again.
 *
 * Theory      Every entry builds a struct trap_frame on a kernel stack and calls C with it; every exit loads the
 *             registers from it. GS holds the user's base in user mode, and the CPU's struct cpu in the kernel:
 *             swapgs exchanges them, once on the way in and once on the way out.
 * Cases       trap_entry   traps and interrupts. The saved CS says whether GS must be exchanged.
 *             fatal_entry  double fault, NMI, machine check: they may come between any two instructions of this
 *                          file, also before swapgs, so they run on stacks of their own (IST) and ask the GS base
 *                          itself: the kernel's is negative, and users cannot set one that is.
 *             syscall_low  system calls: no stack switch by the CPU, RCX and R11 hold RIP and RFLAGS.
 *             An iretq that refuses its frame faults in ring 0 after swapgs: protection_entry turns it into the same
 *             fault of the user's.
 */
#include "arch/x86/cpu.h"
#include "arch/x86/msr.h"
#include "arch/x86/trap.h"

    .text

.macro SAVE_REGISTERS
    pushq %rax
    pushq %rcx
    pushq %rdx
    pushq %rbx
    pushq %rbp
    pushq %rsi
    pushq %rdi
    pushq %r8
    pushq %r9
    pushq %r10
    pushq %r11
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
.endm

/* Leaves the stack at trapno. */
.macro RESTORE_REGISTERS
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %r11
    popq %r10
    popq %r9
    popq %r8
    popq %rdi
    popq %rsi
    popq %rbp
    popq %rbx
    popq %rdx
    popq %rcx
    popq %rax
.endm

/* Call trap(frame), from a stack frame like that of a call by the interrupted instruction: backtraces go on there. */
.macro CALL_TRAP
    movq %rsp, %rdi
    pushq TF_RIP(%rdi)
    pushq %rbp
    movq %rsp, %rbp
    call trap
    addq $16, %rsp
.endm

/* Stubs of 16 bytes, one per vector, from trap_stubs on (trap_init.c counts on it). */
.macro STUB vector, target, has_error_code=0
    .balign 16
    .if !\has_error_code
    pushq $0
    .endif
    pushq $\vector
    jmp \target
.endm

    .balign 16
    .globl trap_stubs
trap_stubs:
    STUB 0, trap_entry
    STUB 1, trap_entry
    STUB 2, fatal_entry
    STUB 3, trap_entry
    STUB 4, trap_entry
    STUB 5, trap_entry
    STUB 6, trap_entry
    STUB 7, trap_entry
    STUB 8, fatal_entry, 1
    STUB 9, trap_entry
    STUB 10, trap_entry, 1
    STUB 11, protection_entry, 1
    STUB 12, protection_entry, 1
    STUB 13, protection_entry, 1
    STUB 14, trap_entry, 1
    STUB 15, trap_entry
    STUB 16, trap_entry
    STUB 17, trap_entry, 1
    STUB 18, fatal_entry
    STUB 19, trap_entry
    STUB 20, trap_entry
    STUB 21, trap_entry, 1
    .set vector, 22
    .rept TRAP_VECTORS - 22
    STUB vector, trap_entry
    .set vector, vector + 1
    .endr

    .balign 16
trap_entry:
    testb $3, 24(%rsp)          // CS, above trapno, err and RIP
    jz 1f
    swapgs
1:  clac                        // a user copy may have been interrupted
    cld
    SAVE_REGISTERS
    CALL_TRAP
    testb $3, TF_CS(%rsp)
    jz trap_return_kernel
trap_return_user:
    RESTORE_REGISTERS
trap_return_user_iret:
    addq $16, %rsp
    swapgs
iret_to_user:
    iretq

trap_return_kernel:
    RESTORE_REGISTERS
    addq $16, %rsp
    iretq

protection_entry:
    testb $3, 24(%rsp)
    jnz trap_entry
    pushq %rax
    leaq iret_to_user(%rip), %rax
    cmpq %rax, 24(%rsp)
    popq %rax
    jne trap_entry
    movq 40(%rsp), %rsp         // to the frame that iretq refused: the fault is made one of that code
    pushq $0
    pushq $T_GPFLT
    jmp trap_entry

fatal_entry:
    clac
    cld
    SAVE_REGISTERS
    movl $MSR_GS_BASE, %ecx
    rdmsr
    xorl %ebx, %ebx
    testl %edx, %edx
    js 1f
    swapgs
    incl %ebx
1:  CALL_TRAP
    testl %ebx, %ebx
    jz trap_return_kernel       // GS stays, whatever mode this returns to
    swapgs
    jmp trap_return_kernel

/*
 * System calls. The shortest way back, sysretq, is taken only when RCX and R11 already hold what it loads from them,
 * RIP is canonical (else it would fault in ring 0 on the user's stack), and no single step is due.
 */
    .balign 16
    .globl syscall_low
syscall_low:
    swapgs
    movq %rsp, %gs:CPU_USER_RSP
    movq %gs:CPU_RSP0, %rsp
    pushq $SEL_USER_DATA
    pushq %gs:CPU_USER_RSP
    pushq %r11
    pushq $SEL_USER_CODE
    pushq %rcx
    pushq %rax                  // err: the number of the call
    pushq $T_SYSCALL
    SAVE_REGISTERS
    movq %rsp, %rdi
    call syscall_entry
    RESTORE_REGISTERS
    cmpq %rcx, 16(%rsp)         // RIP
    jne trap_return_user_iret
    cmpq %r11, 32(%rsp)         // RFLAGS
    jne trap_return_user_iret
    cmpl $0x7fff, 20(%rsp)      // upper half of RIP
    ja trap_return_user_iret
    testl $(RFLAGS_TF | RFLAGS_RF), %r11d
    jnz trap_return_user_iret
    movq 40(%rsp), %rsp
    swapgs
    sysretq

/* void user_return(struct trap_frame *) */
    .globl user_return
user_return:
    cli
    movq %rdi, %rsp
    jmp trap_return_user

    .section .note.GNU-stack, "", @progbits
