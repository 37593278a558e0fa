// SPDX-License-Identifier: MIT
/*
 * signal_take.c - what a thread does about its signals before it goes back to user mode.
 *
 * Theory   kthread.interrupt says that there may be something to do. Whoever gives a thread something sets
 *          it, under the process's signal_lock; only the thread itself clears it, under the same lock,
 *          just before it looks. So nothing is missed, and a flag that was set for nothing costs one look.
 * Stop     A stop signal sets process->stopped and interrupts all threads; each parks here. The last to
 *          park tells the parent. SIGCONT clears the flag and wakes them; the first to leave tells the
 *          parent.
 */
#include "proc/signal_take.h"

#include <asm/unistd.h>

#include "arch/x86/trap.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/slab.h"
#include "proc/deferred.h"
#include "proc/exit.h"
#include "proc/family.h"
#include "proc/handlers.h"
#include "proc/pgrp.h"
#include "proc/process.h"
#include "proc/signal_queue.h"

bool signal_pending(void)
{
    return atomic_load_explicit(&current_kthread()->interrupt, memory_order_relaxed);
}

static bool must_end(const struct thread *thread)
{
    const struct process *process = thread->process;
    const struct thread *survivor = __atomic_load_n(&process->exec_thread, __ATOMIC_RELAXED);

    return process->group_exiting || (survivor != NULL && survivor != thread);
}

bool signal_fatal_pending(void)
{
    return must_end(current_thread());
}

/* => signal_lock held; true: the parent is to be told that all have stopped */
static bool park_begin(struct thread *thread)
{
    struct process *process = thread->process;

    thread->parked = true;
    if (++process->parked != process->thread_count)
        return false;
    process->stop_waitable = true;
    return true;
}

/* Wait until the stop is over. => signal_lock held, and again on return */
static void park(struct thread *thread, uint64_t *flags)
{
    struct process *process = thread->process;
    int sig = process->stop_signal;
    bool last = park_begin(thread);

    spin_unlock_irq(&process->signal_lock, *flags);
    if (last)
        family_tell_stopped(process, sig);
    wait_event(&process->events, !process->stopped || must_end(thread));
    *flags = spin_lock_irq(&process->signal_lock);
    thread->parked = false;
    process->parked--;
}

/* => signal_lock held, and again on return */
static void tell_continued(struct process *process, uint64_t *flags)
{
    process->continue_untold = false;
    spin_unlock_irq(&process->signal_lock, *flags);
    family_tell_continued(process);
    *flags = spin_lock_irq(&process->signal_lock);
}

static void stop_all(struct process *process, int sig)
{
    struct thread *thread;

    process->stopped = true;
    process->stop_signal = sig;
    process->stop_waitable = false;
    process->continue_waitable = false;
    process->continue_untold = false;
    list_for_each_entry(thread, &process->threads, in_process)
        sched_interrupt(&thread->kthread);
}

static bool own_group_is_orphaned(struct process *process)
{
    uint64_t flags = spin_lock_irq(&process_tree);
    bool orphaned = group_is_orphaned(process->group, NULL);

    spin_unlock_irq(&process_tree, flags);
    return orphaned;
}

/*
 * A stop signal is acted upon. The terminal's do nothing in an orphaned group, where no shell would ever
 * continue it; to find out, the lock is given up, and a SIGCONT in between wins. => signal_lock held, and
 * again on return
 */
static void stop(struct process *process, int sig, uint64_t *flags)
{
    bool orphaned;

    if (sig != SIGSTOP) {
        process->stop_cancelled = false;
        spin_unlock_irq(&process->signal_lock, *flags);
        orphaned = own_group_is_orphaned(process);
        *flags = spin_lock_irq(&process->signal_lock);
        if (orphaned || process->stop_cancelled)
            return;
    }
    if (!process->group_exiting)
        stop_all(process, sig);
}

/* => signal_lock held; true: `taken` wants a handler */
static bool has_handler(struct process *process, struct taken_signal *taken)
{
    handlers_read(process->handlers, taken->sig, &taken->action);
    if (taken->action.sa_handler == SIG_DFL || taken->action.sa_handler == SIG_IGN)
        return false;
    if (taken->action.sa_flags & SA_ONESHOT)
        handlers_reset(process->handlers, taken->sig);
    return true;
}

/* A signal without a handler. => signal_lock held, and again on return */
static void act_by_default(struct process *process, const struct taken_signal *taken, uint64_t *flags)
{
    sigset_t bit = SIGNAL_BIT(taken->sig);

    if (taken->action.sa_handler == SIG_IGN || (bit & SIGNAL_DEFAULT_IGNORED) || process->unkillable)
        return;
    if (bit & SIGNAL_STOPPING)
        stop(process, taken->sig, flags);
    else
        process_begin_exit(process, STATUS_SIGNALED(taken->sig));
}

/* => signal_lock held, given up now and then; true: taken, false: nothing left, or the thread must end */
static bool take_locked(struct thread *thread, struct taken_signal *taken, uint64_t *flags)
{
    struct process *process = thread->process;

    for (;;) {
        atomic_store_explicit(&thread->kthread.interrupt, false, memory_order_relaxed);
        if (must_end(thread))
            return false;
        if (process->continue_untold) {
            tell_continued(process, flags);
            continue;
        }
        if (process->stopped) {
            park(thread, flags);
            continue;
        }
        taken->sig = signal_dequeue(thread, thread->blocked, &taken->info);
        if (taken->sig == 0)
            return false;
        if (has_handler(process, taken))
            return true;
        act_by_default(process, taken, flags);
    }
}

bool signal_take(struct taken_signal *taken)
{
    struct thread *thread = current_thread();
    struct process *process = thread->process;
    uint64_t flags = spin_lock_irq(&process->signal_lock);
    bool found = take_locked(thread, taken, &flags);
    struct deferred *garbage = process->signal_garbage;

    process->signal_garbage = NULL;
    spin_unlock_irq(&process->signal_lock, flags);
    deferred_free(garbage);
    if (must_end(thread))
        thread_exit(0);
    return found;
}

#define NO_SYSCALL UINT64_MAX       // in tf->err: not, or no longer, in a system call that could be restarted

/* Whether the frame is that of a system call that may have a restart code in rax. */
static bool in_syscall(const struct trap_frame *tf)
{
    return tf->trapno == T_SYSCALL && tf->err != NO_SYSCALL;
}

/* Issue the call again: back over the instruction, with its number. */
static void restart(struct trap_frame *tf, uint64_t number)
{
    tf->rax = number;
    tf->rip -= 2; // syscall is two bytes
}

/* A handler will run: the call fails with EINTR, or will be issued again when the handler returns. */
static void settle_with_handler(struct trap_frame *tf, unsigned long sa_flags)
{
    if (!in_syscall(tf))
        return;
    switch (-(int64_t)tf->rax) {
    case ERESTART_RESTARTBLOCK:
    case ERESTARTNOHAND:
        tf->rax = -EINTR;
        break;
    case ERESTARTSYS:
        if (!(sa_flags & SA_RESTART)) {
            tf->rax = -EINTR;
            break;
        }
        // fall through
    case ERESTARTNOINTR:
        restart(tf, tf->err);
        break;
    }
    tf->err = NO_SYSCALL;
}

static void settle_without_handler(struct trap_frame *tf)
{
    if (!in_syscall(tf))
        return;
    switch (-(int64_t)tf->rax) {
    case ERESTARTSYS:
    case ERESTARTNOHAND:
    case ERESTARTNOINTR:
        restart(tf, tf->err);
        break;
    case ERESTART_RESTARTBLOCK:
        restart(tf, __NR_restart_syscall);
        break;
    }
    tf->err = NO_SYSCALL;
}

/* The signals blocked while the handler runs. */
static sigset_t blocked_in_handler(const struct taken_signal *taken, sigset_t now)
{
    sigset_t blocked = now | taken->action.sa_mask;

    if (!(taken->action.sa_flags & SA_NODEFER))
        blocked |= SIGNAL_BIT(taken->sig);
    return blocked;
}

/*
 * The frame could not be written: SIGSEGV, and without its handler if that is the one that cannot be called.
 */
static void frame_failed(int sig)
{
    struct sigaction by_default = {.sa_handler = SIG_DFL};

    if (sig == SIGSEGV)
        (void)signal_action(SIGSEGV, &by_default, NULL); // needs no memory, so cannot fail
    signal_force(SIGSEGV, SI_KERNEL, 0);
}

static void deliver(struct trap_frame *tf, const struct taken_signal *taken)
{
    struct thread *thread = current_thread();
    sigset_t before = thread->restore_blocked ? thread->saved_blocked : thread->blocked;

    settle_with_handler(tf, taken->action.sa_flags);
    if (signal_frame_push(tf, taken, before) != 0) {
        frame_failed(taken->sig);
        return;
    }
    thread->restore_blocked = false;
    signal_set_blocked(blocked_in_handler(taken, thread->blocked));
}

void proc_return_to_user(struct trap_frame *tf)
{
    struct thread *thread = current_thread();
    struct taken_signal taken;

    while (signal_take(&taken))
        deliver(tf, &taken);
    settle_without_handler(tf);
    if (!thread->restore_blocked)
        return;
    // No handler took the saved mask with it. Putting it back may uncover signals: the flag is set then,
    // and we are called again.
    thread->restore_blocked = false;
    signal_set_blocked(thread->saved_blocked);
}
