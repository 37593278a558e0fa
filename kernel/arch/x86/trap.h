// SPDX-License-Identifier: MIT
/*
 * trap.h - what the CPU and the entry code hand to kernel/trap.c.
 *
 * The entry code (entry.S) saves every register in a trap_frame on the kernel stack and calls one of two C functions,
 * both in kernel/trap.c; when they return, the registers come back from the frame.
 */
#ifndef GAUR_ARCH_TRAP_H
#define GAUR_ARCH_TRAP_H

/* Vectors: Intel SDM volume 3, table 6-1. */
#define T_DIVIDE     0
#define T_DEBUG      1
#define T_NMI        2
#define T_BRKPT      3
#define T_OVERFLOW   4
#define T_BOUND      5
#define T_ILLOP      6
#define T_DEVICE     7
#define T_DBLFLT     8
#define T_TSS        10
#define T_SEGNP      11
#define T_STACK      12
#define T_GPFLT      13
#define T_PGFLT      14
#define T_FPERR      16
#define T_ALIGN      17
#define T_MCHK       18
#define T_SIMDERR    19
#define T_IRQ0       32 // first vector of device interrupts
#define T_TIMER      48
#define T_RESCHEDULE 49 // from another CPU: look at the run queue
#define T_SHOOTDOWN  50 // from another CPU: forget translations
#define T_MESSAGE0   51 // first of those that devices get as they start
#define T_SPURIOUS   63
#define TRAP_VECTORS 64  // a user's `int` with a higher one is a protection fault
#define T_SYSCALL    256 // not a vector: the frame of a system call

/* Error code of a page fault. */
#define PF_P    1u  // an entry was present and forbade it
#define PF_W    2u  // a write
#define PF_U    4u  // in user mode
#define PF_RSVD 8u  // a reserved bit was set in an entry
#define PF_I    16u // an instruction fetch

/* Offsets in struct trap_frame, for the entry code; checked in trap_frame.c. */
#define TF_RBX    88
#define TF_TRAPNO 120
#define TF_RIP    136
#define TF_CS     144

#define RFLAGS_FIXED (1 << 1) // always one
#define RFLAGS_TF    (1 << 8)
#define RFLAGS_IF    (1 << 9)
#define RFLAGS_DF    (1 << 10)
#define RFLAGS_NT    (1 << 14)
#define RFLAGS_RF    (1 << 16)
#define RFLAGS_AC    (1 << 18)

#ifndef __ASSEMBLER__
#include "lib/types.h"

/*
 * Registers of the interrupted code, lowest address first.
 *
 * trapno is the vector, or T_SYSCALL. err is the CPU's error code (0 for vectors without one); for a system call it
 * is the call's number, which stays there when rax takes the result (a restarted call needs it).
 */
struct trap_frame {
    uint64_t r15, r14, r13, r12, r11, r10, r9, r8;
    uint64_t rdi, rsi, rbp, rbx, rdx, rcx, rax;
    uint64_t trapno, err;
    uint64_t rip, cs, rflags, rsp, ss;
};

static inline bool trap_frame_is_user(const struct trap_frame *tf)
{
    return (tf->cs & 3) == 3;
}

/*
 * The frame of a thread that enters user mode for the first time: every register 0, interrupts on.
 */
void trap_frame_init_user(struct trap_frame *tf, vaddr_t rip, vaddr_t rsp);

/* Whether rflags that a user wrote (sigreturn) may be loaded: the part of `rflags` that users own, on top of `old`. */
uint64_t trap_frame_merge_rflags(uint64_t old, uint64_t rflags);

/* The address of the last page fault on this CPU (CR2). Read it before interrupts are on again. */
static inline vaddr_t arch_read_fault_address(void)
{
    vaddr_t address;

    __asm__ volatile("movq %%cr2, %0" : "=r"(address));
    return address;
}

/* "page fault", "divide error", ... for messages. => never NULL */
const char *trap_name(uint64_t trapno);

/* Install the interrupt table and the system-call entry on this CPU. */
void trap_init_cpu(void);

/* Print the registers of `tf` through printk. */
void trap_frame_print(const struct trap_frame *tf);

/*
 * Called by the entry code, defined in kernel/trap.c.
 *
 * => interrupts off on entry and on return: what was found to be done before going back to user mode must not be
 *    overtaken by an interrupt that asks for more
 */
void trap(struct trap_frame *tf);
void syscall_entry(struct trap_frame *tf);
#endif

#endif
