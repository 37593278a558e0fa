// SPDX-License-Identifier: MIT
/*
 * thread.h - what runs: a kernel stack, registers, a signal mask. Every thread belongs to one process.
 *
 * The scheduler (sync/sched.h) knows only the embedded kthread. What else a switch changes (address space,
 * FPU state, segment bases) is done by the hooks in thread.c.
 */
#ifndef PROC_THREAD_H
#define PROC_THREAD_H

#include <asm/signal.h>

#include "lib/list.h"
#include "lib/types.h"
#include "mm/fault.h"
#include "proc/pid.h"
#include "proc/signal.h"
#include "sync/sched.h"

struct credentials;
struct process;
struct trap_frame;
struct vspace;

#define COMM_SIZE 16        // as in prctl(PR_SET_NAME), with the zero byte

/*
 * A system call that a stop or a handled signal interrupted and that cannot simply be issued again, since
 * part of its time has passed: restart_syscall(2) calls `again`.
 */
struct restart_block {
    int64_t (*again)(struct restart_block *block);
    uint64_t args[5];
};

/*
 * Fields: (c) constant after creation  (o) only the thread itself  (t) process_tree  (s) process->signal_lock
 *         (p) process->lock  (a) atomic
 */
struct thread {
    struct kthread kthread;         // first
    struct process *process;        // (c) counted
    struct pid *tid;                // (t) changed by exec in a thread that is not the leader
    struct list in_process;         // (t) and (s) to write, either to read: process->threads
    struct trap_frame *frame;       // (c) the user's registers, at the top of the kernel stack
    struct credentials *credentials;// (o) to write, (p) too; counted, never changed in place

    uint64_t fs_base;               // (o) thread-local storage
    uint64_t gs_base;               // (o)
    void *fpu;                      // (c) fpu_state_size() bytes, aligned to 64, at the low end of the kernel stack
    bool fpu_unloaded;              // (o) the state is there and not in the CPU, even while it runs
    bool detached;                  // (o) ending: it has no use for the address space any more

    sigset_t blocked;               // (o) to read, (s) to write
    sigset_t saved_blocked;         // (o) what sigsuspend and the like put back ...
    bool restore_blocked;           // (o) ... if this is set
    sigset_t awaited;               // (s) sigtimedwait: unblocked for it, and kept even if ignored
    bool parked;                    // (s) counted in process->parked: stopped
    struct signal_queue pending;    // (s) for this thread alone
    vaddr_t altstack_base;          // (o) sigaltstack
    uint64_t altstack_size;         // (o)
    uint32_t altstack_flags;        // (o)
    uint32_t personality;           // (o) personality(2): inherited, and kept by exec

    char comm[COMM_SIZE];           // (s) to write: its name; it never lacks an end
    uint64_t start_ns;              // (c) since boot
    struct restart_block restart;   // (o)
    vaddr_t clear_tid;              // (o) set_tid_address: zeroed and woken at exit
    vaddr_t robust_list;            // (o) set_robust_list
    vaddr_t set_child_tid;          // (o) CLONE_CHILD_SETTID: where to put its number when it first runs
    struct fault last_fault;        // (o) for /proc/self/gaur/fault
    uint64_t trap_number;           // (o) of the last fault that became a signal, for signal frames
    uint64_t trap_error;            // (o)
    uint64_t cpu_mark_ns;           // (o) while its process's CPU time is watched: where its own is looked at next
    uint64_t minor_faults;          // (o) counted by trap.c
    uint64_t major_faults;          // (o)
    uint8_t policy;                 // (a) SCHED_OTHER, SCHED_BATCH or SCHED_IDLE, kept and inherited
    bool reset_on_fork;             // (a) SCHED_RESET_ON_FORK: a child is not favoured, and does not have this
    uint64_t timer_slack_ns;        // (o) kept for prctl only
};

/*
 * The running thread.
 *
 * => only where a user thread runs: system calls, faults from user mode; a kernel thread has none
 */
static inline struct thread *current_thread(void)
{
    return container_of(current_kthread(), struct thread, kthread);
}

/* Whether `kthread` is a user thread, and not the kernel's own or an idle one. */
static inline bool kthread_is_user(const struct kthread *kthread)
{
    return !kthread->owns_itself && !kthread->is_idle;
}

/* Whether the running kthread is a user thread, so that current_thread() means something. */
static inline bool current_is_user_thread(void)
{
    return current_kthread() != NULL && kthread_is_user(current_kthread());
}

/*
 * A thread of `process`, with a kernel stack, not started and in no list; it copies the mask, the FPU
 * state and the segment bases of the running thread (an initial FPU state if a kernel thread runs). What
 * it will run first, on its own stack, is entry(thread).
 *
 * => NULL when there is no memory
 */
__must_check struct thread *thread_create(struct process *process, void (*entry)(void *thread));

/* Give back a thread that has never run, or runs no more. */
void thread_free(struct thread *thread);

/* Who runs, for a record of an event. */
struct event_identity;
void thread_identify(struct event_identity *identity);

/* Sets the scheduler's hooks. Once, at boot. */
void thread_init(void);

/*
 * arch_prctl(2): the base of FS or GS of the running thread.
 *
 * => -EPERM for an address that is not the user's
 */
int thread_set_fs_base(uint64_t base);
int thread_set_gs_base(uint64_t base);
uint64_t thread_fs_base(void);
uint64_t thread_gs_base(void);

/*
 * Take the FPU registers of the running thread into thread->fpu, where they stay, also while other threads
 * run, until thread_fpu_load puts what is there then back into the CPU.
 */
void thread_fpu_unload(void);
void thread_fpu_load(void);

/* A fresh FPU state for the running thread. */
void thread_fpu_reset(void);

#endif
