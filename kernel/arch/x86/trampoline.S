// SPDX-License-Identifier: MIT
/*
 * trampoline.S - a CPU's first instructions after it was woken: from real mode straight to long mode.
 *
 * Runs as a copy at a page below 1 MiB, CS:IP = page << 8 : 0. Setting PE and PG in one step, with PAE and LME on,
 * enters long mode without a stop in protected mode (AMD APM volume 2, 14.6.1).
 */
#include "arch/x86/cpu.h"
#include "arch/x86/msr.h"
#include "arch/x86/trampoline.h"

#define CR0_START 0x80000011 // PG, ET, PE

    .section .rodata, "a", @progbits
    .code16
    .globl trampoline_start, trampoline_64, trampoline_end
trampoline_start:
    cli
    cld
    movw %cs, %ax
    movw %ax, %ds
    lgdtl TRAMPOLINE_GDT_POINTER
    movl $CR4_PAE, %eax
    movl %eax, %cr4
    movl TRAMPOLINE_ROOT, %eax
    movl %eax, %cr3
    movl $MSR_EFER, %ecx
    movl $(EFER_LME | EFER_NXE), %eax
    xorl %edx, %edx
    wrmsr
    movl $CR0_START, %eax
    movl %eax, %cr0
    ljmpl *TRAMPOLINE_JUMP

    .code64
trampoline_64:
    movl $SEL_KERNEL_DATA, %eax
    movl %eax, %ss
    leaq trampoline_start(%rip), %rbx
    movq TRAMPOLINE_STACK(%rbx), %rsp
    movq TRAMPOLINE_ARGUMENT(%rbx), %rdi
    xorl %ebp, %ebp
    call *TRAMPOLINE_ENTRY(%rbx)
    ud2
trampoline_end:

    .section .note.GNU-stack, "", @progbits
