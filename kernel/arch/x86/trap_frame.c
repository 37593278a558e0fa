// SPDX-License-Identifier: MIT
/*
 * trap_frame.c - making, checking and showing the registers of interrupted code.
 */
#include "arch/x86/descriptor.h"
#include "arch/x86/trap.h"
#include "lib/log.h"

static_assert(offsetof(struct trap_frame, rbx) == TF_RBX, "TF_RBX");
static_assert(offsetof(struct trap_frame, trapno) == TF_TRAPNO, "TF_TRAPNO");
static_assert(offsetof(struct trap_frame, rip) == TF_RIP, "TF_RIP");
static_assert(offsetof(struct trap_frame, cs) == TF_CS, "TF_CS");
static_assert(sizeof(struct trap_frame) % 16 == 0, "the stack stays aligned below a frame");

/* CF PF AF ZF SF TF DF OF AC: what popf lets ring 3 change, without NT. As Linux's FIX_EFLAGS, without RF. */
#define RFLAGS_USER 0x40dd5u

void trap_frame_init_user(struct trap_frame *tf, vaddr_t rip, vaddr_t rsp)
{
    *tf = (struct trap_frame){
        .rip = rip,
        .cs = SEL_USER_CODE,
        .rflags = RFLAGS_IF | RFLAGS_FIXED,
        .rsp = rsp,
        .ss = SEL_USER_DATA,
    };
}

uint64_t trap_frame_merge_rflags(uint64_t old, uint64_t rflags)
{
    return (old & ~(uint64_t)RFLAGS_USER) | (rflags & RFLAGS_USER);
}

const char *trap_name(uint64_t trapno)
{
    static const char *const names[] = {
        [T_DIVIDE] = "divide error",
        [T_DEBUG] = "debug trap",
        [T_NMI] = "non-maskable interrupt",
        [T_BRKPT] = "breakpoint",
        [T_OVERFLOW] = "overflow",
        [T_BOUND] = "bound range exceeded",
        [T_ILLOP] = "invalid opcode",
        [T_DEVICE] = "device not available",
        [T_DBLFLT] = "double fault",
        [T_TSS] = "invalid task state",
        [T_SEGNP] = "segment not present",
        [T_STACK] = "stack segment fault",
        [T_GPFLT] = "general protection fault",
        [T_PGFLT] = "page fault",
        [T_FPERR] = "x87 floating-point error",
        [T_ALIGN] = "alignment check",
        [T_MCHK] = "machine check",
        [T_SIMDERR] = "SIMD floating-point error",
    };

    if (trapno < ARRAY_SIZE(names) && names[trapno])
        return names[trapno];
    return trapno == T_SYSCALL ? "system call" : "unexpected trap";
}

void trap_frame_print(const struct trap_frame *tf)
{
    printk(LOG_ERROR "%s, error code %#lx, rip %016lx, rflags %lx, rsp %04lx:%016lx", trap_name(tf->trapno), tf->err,
           tf->rip, tf->rflags, tf->ss, tf->rsp);
    printk(LOG_ERROR "rax %016lx rbx %016lx rcx %016lx rdx %016lx", tf->rax, tf->rbx, tf->rcx, tf->rdx);
    printk(LOG_ERROR "rsi %016lx rdi %016lx rbp %016lx cs  %016lx", tf->rsi, tf->rdi, tf->rbp, tf->cs);
    printk(LOG_ERROR "r8  %016lx r9  %016lx r10 %016lx r11 %016lx", tf->r8, tf->r9, tf->r10, tf->r11);
    printk(LOG_ERROR "r12 %016lx r13 %016lx r14 %016lx r15 %016lx", tf->r12, tf->r13, tf->r14, tf->r15);
}
