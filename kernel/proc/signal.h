// SPDX-License-Identifier: MIT
/*
 * signal.h - sending, holding and taking signals.
 *
 * A signal is sent to a process or to one thread: it is dropped if ignored, else entered in a queue, and a
 * thread that may take it is interrupted (kthread.interrupt). The thread takes it on its way back to user
 * mode: proc_return_to_user.
 */
#ifndef PROC_SIGNAL_H
#define PROC_SIGNAL_H

#include <asm/errno.h>
#include <asm/siginfo.h>
#include <asm/signal.h>
#include <linux/signal.h>

#include "lib/list.h"
#include "lib/types.h"
#include "proc/pid.h"

struct process;
struct thread;
struct trap_frame;
struct pid;
struct restart_block;

#define SIGNAL_MAX 64                               // signals are 1 ... 64
#define SIGNAL_BIT(sig) (1ul << ((sig) - 1))
#define SIGNAL_UNMASKABLE (SIGNAL_BIT(SIGKILL) | SIGNAL_BIT(SIGSTOP))

/*
 * Results of an interrupted system call that the user never sees: proc_return_to_user turns them into
 * -EINTR or has the call issued again, as signal(7) says of each call. Numbers as in Linux's kernel, above
 * every errno.
 */
#define ERESTARTSYS 512             // again, unless a handler without SA_RESTART runs
#define ERESTARTNOINTR 513          // again, always
#define ERESTARTNOHAND 514          // again, unless a handler runs
#define ERESTART_RESTARTBLOCK 516   // restart_syscall(2), unless a handler runs

/* For calls that SA_RESTART restarts: what a wait below returned, made restartable. */
static inline int64_t restartable(int64_t result)
{
    return result == -EINTR ? -ERESTARTSYS : result;
}

/*
 * What a handler is told: the first 48 bytes of Linux's siginfo_t, which are all that is ever used (the
 * macros si_pid, si_code, ... work on it).
 */
struct signal_info {
    __SIGINFO;
};

/*
 * Signals that wait. A bit in `set` without an entry means a signal from the kernel without more to say
 * (SI_KERNEL): so sending never needs memory.
 */
struct signal_queue {
    sigset_t set;
    uint32_t count;                 // of entries
    struct list entries;            // struct signal_entry, in order of arrival
};

/* Info for a signal from the running process: `code` is SI_USER, SI_TKILL, ... */
void signal_info_user(struct signal_info *info, int sig, int code);

/*
 * Send to a process; any thread of it may take the signal. info NULL: from the kernel.
 *
 * => no permission check; may be called in an interrupt; takes process->signal_lock
 * => 0, or -EAGAIN: a real-time signal that could not be queued
 */
int signal_send_process(struct process *process, int sig, const struct signal_info *info);

/*
 * Send, from the kernel, to each process of a group. => process_tree held; also in an interrupt
 */
void signal_send_group(struct pid *group, int sig);

/*
 * kill(2), rt_sigqueueinfo(2): pid > 0 a process, 0 the own group, -1 all but init and the caller, < -1 a
 * group.
 *
 * => permissions are checked; sig 0 only checks
 * => 0, -ESRCH, -EPERM, -EINVAL
 */
int signal_kill(pid_t pid, int sig, const struct signal_info *info);

/* The same for one process, which the caller has a reference to; it may be gone (-ESRCH). */
int signal_kill_process(struct process *process, int sig, const struct signal_info *info);

/* tgkill(2) and tkill(2) (process -1: any). */
int signal_kill_thread(pid_t process, pid_t thread, int sig, const struct signal_info *info);

/*
 * A signal that the running thread brought on itself (a fault): cannot be ignored or blocked; then the
 * process ends.
 *
 * => code and address as siginfo has them, e.g. SEGV_MAPERR
 */
void signal_force(int sig, int code, vaddr_t address);

/* Whether the running thread has something to do before it may sleep on: a signal to take, or the end. */
bool signal_pending(void);

/* Whether the running thread is to end: waits that only SIGKILL may interrupt ask this. */
bool signal_fatal_pending(void);

/* rt_sigaction(2): new or old may be NULL. => 0, -EINVAL */
int signal_action(int sig, const struct sigaction *new_action, struct sigaction *old_action);

/* rt_sigprocmask(2): the mask of the running thread; SIGKILL and SIGSTOP are taken out. */
void signal_set_blocked(sigset_t blocked);

/* rt_sigpending(2): blocked signals that wait. */
sigset_t signal_pending_set(void);

/* sigaltstack(2); sp is the user's stack pointer. => 0, -EINVAL, -EPERM, -ENOMEM */
int signal_altstack(const stack_t *new_stack, stack_t *old_stack, vaddr_t sp);

/*
 * For rt_sigsuspend, ppoll, pselect: take `mask` until the way back to user mode, where the old one
 * returns after a handler has been set up (or at once if none is).
 */
void signal_set_temporary_blocked(sigset_t mask);

/* rt_sigsuspend(2), after the mask was read. => -ERESTARTNOHAND */
int64_t signal_suspend(sigset_t mask);

/*
 * rt_sigtimedwait(2): take one of `set` without running a handler.
 *
 * => deadline in ns of clock_ns(); UINT64_MAX: for ever; 0: do not wait
 * => the signal, -EAGAIN, -EINTR
 */
int64_t signal_wait(sigset_t set, struct signal_info *info, uint64_t deadline);

/* rt_sigreturn(2): everything from the frame on the user's stack. => the value that rax had */
int64_t signal_return(struct trap_frame *tf);

/* restart_syscall(2). */
int64_t signal_restart_syscall(void);

/*
 * Return this from a system call that waits until a time: after a stop it goes on where it was, through
 * `again`.
 * => -ERESTART_RESTARTBLOCK
 */
int64_t signal_restart_with(int64_t (*again)(struct restart_block *), const uint64_t *args, unsigned count);

#endif
