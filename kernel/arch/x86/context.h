// SPDX-License-Identifier: MIT
/*
 * context.h - from one kernel stack to another, and from the kernel to user mode.
 */
#ifndef GAUR_ARCH_CONTEXT_H
#define GAUR_ARCH_CONTEXT_H

#include "arch/x86/trap.h"
#include "lib/types.h"

/* What context_switch leaves at the stack pointer that it saves. */
struct switch_frame {
    uint64_t r15, r14, r13, r12, rbx, rbp;
    uint64_t rip;
};

/*
 * Save this stack pointer in *save_sp and go on where `load_sp` was saved. Returns when someone switches back.
 * => interrupts off. The caller also moves current, rsp0, the address space and FPU state.
 */
void context_switch(void **save_sp, void *load_sp);

/*
 * Lay out a new stack so that the first switch to it calls fn(arg) on it, interrupts still off. fn never returns.
 * => the stack pointer to switch to; stack_top is 16-byte aligned
 */
void *context_prepare(void *stack_top, void (*fn)(void *), void *arg);

/* Load all registers from `tf` and go to user mode. Works from any stack. */
void __noreturn user_return(struct trap_frame *tf);

/* Run fn(arg) on another stack, never to return to this one. */
void __noreturn context_jump(void *stack_top, void (*fn)(void *), void *arg);

/* The user's FS and GS bases of the current thread: the switch hook and arch_prctl write them. => bases < USER_END */
void user_set_fs_base(uint64_t base);
void user_set_gs_base(uint64_t base);
uint64_t user_fs_base(void);
uint64_t user_gs_base(void);

#endif
