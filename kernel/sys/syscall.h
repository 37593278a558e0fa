// SPDX-License-Identifier: MIT
/*
 * syscall.h - how a system call is written, and how it is reached.
 *
 * Every call has one shape: six registers in, an int64_t out, which is the result or -errno. SYSCALLn gives
 * the body typed arguments:
 *
 *     SYSCALL2(kill, int, pid, int, signal)
 *     {
 *         return ...;
 *     }
 *
 * User addresses are passed as vaddr_t and never dereferenced: see mm/usercopy.h. An argument is converted to
 * its type exactly as Linux does it, so that garbage in the upper half of an int's register is ignored.
 *
 * A call is reached when calls.h lists it. What is not listed returns -ENOSYS and is counted (missing.h).
 */
#ifndef SYS_SYSCALL_H
#define SYS_SYSCALL_H

#include "lib/types.h"

struct trap_frame;

#define SYSCALL_REGISTERS                                                                                      \
    uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4, uint64_t r5, uint64_t r6

typedef int64_t syscall_fn(SYSCALL_REGISTERS);

/*
 * Run the system call that `tf` asks for: number in rax, arguments in rdi, rsi, rdx, r10, r8, r9.
 *
 * => called with interrupts enabled on the thread's own kernel stack; may sleep
 * => the result or -errno, or a restart code of proc/signal.h; the caller stores it in tf->rax
 */
int64_t syscall_dispatch(struct trap_frame *tf);

/* The name of call `number`, or NULL. */
const char *syscall_name(uint64_t number);

#define SYSCALL_UNUSED ((void)r1, (void)r2, (void)r3, (void)r4, (void)r5, (void)r6)

#define SYSCALL_DEFINE(name, params, args)                                                                     \
    int64_t sys_##name(SYSCALL_REGISTERS);                                                                     \
    static inline int64_t call_##name params;                                                                  \
    int64_t sys_##name(SYSCALL_REGISTERS)                                                                      \
    {                                                                                                          \
        SYSCALL_UNUSED;                                                                                        \
        return call_##name args;                                                                               \
    }                                                                                                          \
    static inline int64_t call_##name params

#define SYSCALL0(name) SYSCALL_DEFINE(name, (void), ())
#define SYSCALL1(name, t1, a1) SYSCALL_DEFINE(name, (t1 a1), ((t1)r1))
#define SYSCALL2(name, t1, a1, t2, a2) SYSCALL_DEFINE(name, (t1 a1, t2 a2), ((t1)r1, (t2)r2))
#define SYSCALL3(name, t1, a1, t2, a2, t3, a3)                                                                 \
    SYSCALL_DEFINE(name, (t1 a1, t2 a2, t3 a3), ((t1)r1, (t2)r2, (t3)r3))
#define SYSCALL4(name, t1, a1, t2, a2, t3, a3, t4, a4)                                                         \
    SYSCALL_DEFINE(name, (t1 a1, t2 a2, t3 a3, t4 a4), ((t1)r1, (t2)r2, (t3)r3, (t4)r4))
#define SYSCALL5(name, t1, a1, t2, a2, t3, a3, t4, a4, t5, a5)                                                 \
    SYSCALL_DEFINE(name, (t1 a1, t2 a2, t3 a3, t4 a4, t5 a5), ((t1)r1, (t2)r2, (t3)r3, (t4)r4, (t5)r5))
#define SYSCALL6(name, t1, a1, t2, a2, t3, a3, t4, a4, t5, a5, t6, a6)                                         \
    SYSCALL_DEFINE(name, (t1 a1, t2 a2, t3 a3, t4 a4, t5 a5, t6 a6),                                           \
                   ((t1)r1, (t2)r2, (t3)r3, (t4)r4, (t5)r5, (t6)r6))

#endif
