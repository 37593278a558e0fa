// SPDX-License-Identifier: MIT
/*
 * signal.c - what a thread asks about its own signals: masks, actions, the alternate stack, waiting for one.
 */
#include "proc/signal.h"

#include "arch/x86/time.h"
#include "arch/x86/trap.h"
#include "lib/errno.h"
#include "proc/deferred.h"
#include "proc/handlers.h"
#include "proc/process.h"
#include "proc/signal_queue.h"
#include "proc/signal_take.h"

/* => signal_lock held */
static void set_blocked_locked(struct thread *thread, sigset_t blocked)
{
    struct process *process = thread->process;
    sigset_t newly = blocked & ~thread->blocked;

    thread->blocked = blocked;
    if ((thread->pending.set | process->pending.set) & ~blocked)
        sched_interrupt(&thread->kthread);
    if (newly != 0 && process->thread_count > 1)
        signal_retarget(process, thread);
}

void signal_set_blocked(sigset_t blocked)
{
    struct thread *thread = current_thread();
    struct process *process = thread->process;
    uint64_t flags;

    blocked &= ~SIGNAL_UNMASKABLE;
    if (blocked == thread->blocked)
        return;
    flags = spin_lock_irq(&process->signal_lock);
    set_blocked_locked(thread, blocked);
    spin_unlock_irq(&process->signal_lock, flags);
}

sigset_t signal_pending_set(void)
{
    struct thread *thread = current_thread();
    struct process *process = thread->process;
    uint64_t flags = spin_lock_irq(&process->signal_lock);
    sigset_t set = (thread->pending.set | process->pending.set) & thread->blocked;

    spin_unlock_irq(&process->signal_lock, flags);
    return set;
}

/* Whether the signal, with this action, would be thrown away: then it does not wait either. */
static bool throws_away(int sig, const struct sigaction *action)
{
    return action->sa_handler == SIG_IGN
           || (action->sa_handler == SIG_DFL && (SIGNAL_BIT(sig) & SIGNAL_DEFAULT_IGNORED));
}

/* => signal_lock held */
static void discard_pending(struct process *process, int sig)
{
    struct thread *thread;

    signal_queue_discard(&process->pending, SIGNAL_BIT(sig), &process->signal_garbage);
    list_for_each_entry(thread, &process->threads, in_process)
        signal_queue_discard(&thread->pending, SIGNAL_BIT(sig), &process->signal_garbage);
}

/* => false: a table is needed, and *spare is NULL */
static bool exchange_action(struct process *process, int sig, const struct sigaction *new_action,
                            struct sigaction *old_action, struct action_table **spare)
{
    uint64_t flags = spin_lock_irq(&process->signal_lock);
    bool done = true;

    if (old_action != NULL)
        handlers_read(process->handlers, sig, old_action);
    if (new_action != NULL) {
        done = handlers_write(process->handlers, sig, new_action, spare);
        if (done && throws_away(sig, new_action))
            discard_pending(process, sig);
    }
    spin_unlock_irq(&process->signal_lock, flags);
    return done;
}

int signal_action(int sig, const struct sigaction *new_action, struct sigaction *old_action)
{
    struct process *process = current_process();
    struct action_table *spare = NULL;
    struct sigaction new;

    if (sig < 1 || sig > SIGNAL_MAX)
        return -EINVAL;
    if (new_action != NULL) {
        if (SIGNAL_BIT(sig) & SIGNAL_UNMASKABLE)
            return -EINVAL;
        new = *new_action;
        new.sa_mask &= ~SIGNAL_UNMASKABLE;
        new_action = &new;
    }
    if (!exchange_action(process, sig, new_action, old_action, &spare)) {
        spare = action_table_alloc();
        if (spare == NULL)
            return -ENOMEM;
        (void)exchange_action(process, sig, new_action, NULL, &spare); // has what it needs
    }
    action_table_free(spare);
    return 0;
}

bool signal_within_altstack(vaddr_t sp)
{
    const struct thread *thread = current_thread();

    return sp > thread->altstack_base && sp - thread->altstack_base <= thread->altstack_size;
}

bool signal_on_altstack(vaddr_t sp)
{
    return !(current_thread()->altstack_flags & SS_AUTODISARM) && signal_within_altstack(sp);
}

int signal_altstack_flags(vaddr_t sp)
{
    if (current_thread()->altstack_size == 0)
        return SS_DISABLE;
    return signal_on_altstack(sp) ? SS_ONSTACK : 0;
}

__cold int signal_altstack(const stack_t *new_stack, stack_t *old_stack, vaddr_t sp)
{
    struct thread *thread = current_thread();
    stack_t new = {0};
    int mode;

    if (new_stack != NULL)
        new = *new_stack;
    if (old_stack != NULL) {
        old_stack->ss_sp = (void *)thread->altstack_base;
        old_stack->ss_size = thread->altstack_size;
        old_stack->ss_flags = signal_altstack_flags(sp) | (int)(thread->altstack_flags & SS_AUTODISARM);
    }
    if (new_stack == NULL)
        return 0;
    if (signal_on_altstack(sp))
        return -EPERM;
    mode = new.ss_flags & ~(int)SS_AUTODISARM;
    if (mode != SS_DISABLE && mode != SS_ONSTACK && mode != 0)
        return -EINVAL;
    if (mode != SS_DISABLE && new.ss_size < MINSIGSTKSZ)
        return -ENOMEM;
    thread->altstack_base = mode == SS_DISABLE ? 0 : (vaddr_t)new.ss_sp;
    thread->altstack_size = mode == SS_DISABLE ? 0 : new.ss_size;
    thread->altstack_flags = new.ss_flags;
    return 0;
}

void signal_set_temporary_blocked(sigset_t mask)
{
    struct thread *thread = current_thread();

    thread->saved_blocked = thread->blocked;
    thread->restore_blocked = true;
    signal_set_blocked(mask);
}

__cold int64_t signal_suspend(sigset_t mask)
{
    struct wait_queue nobody; // only a signal ends this

    signal_set_temporary_blocked(mask);
    wait_queue_init(&nobody);
    (void)wait_event_interruptible(&nobody, false);
    return -ERESTARTNOHAND;
}

int signal_accept(sigset_t set, struct signal_info *info)
{
    struct thread *thread = current_thread();
    struct process *process = thread->process;
    uint64_t flags = spin_lock_irq(&process->signal_lock);
    int sig = signal_dequeue(thread, ~set, info);
    struct deferred *garbage = process->signal_garbage;

    process->signal_garbage = NULL;
    spin_unlock_irq(&process->signal_lock, flags);
    deferred_free(garbage);
    return sig;
}

/*
 * While `awaited` is set its signals interrupt the thread though they were blocked, and are kept though
 * they may be ignored.
 */
static void set_awaited(struct thread *thread, sigset_t awaited, sigset_t blocked)
{
    struct process *process = thread->process;
    uint64_t flags = spin_lock_irq(&process->signal_lock);

    thread->awaited = awaited;
    set_blocked_locked(thread, blocked);
    spin_unlock_irq(&process->signal_lock, flags);
}

__cold int64_t signal_wait(sigset_t set, struct signal_info *info, uint64_t deadline)
{
    struct thread *thread = current_thread();
    sigset_t blocked = thread->blocked;
    int sig, error;

    set &= ~SIGNAL_UNMASKABLE;
    sig = signal_accept(set, info);
    if (sig != 0)
        return sig;
    if (deadline == 0)
        return -EAGAIN;
    set_awaited(thread, blocked & set, blocked & ~set);
    error = signal_pending() ? -EINTR : sleep_until(deadline);
    sig = signal_accept(set, info);
    set_awaited(thread, 0, blocked);
    if (sig != 0)
        return sig;
    return error == -EINTR ? -EINTR : -EAGAIN;
}

int64_t signal_restart_syscall(void)
{
    struct restart_block *block = &current_thread()->restart;
    int64_t (*again)(struct restart_block *) = block->again;

    if (again == NULL)
        return -EINTR;
    block->again = NULL;
    return again(block);
}

int64_t signal_restart_with(int64_t (*again)(struct restart_block *), const uint64_t *args, unsigned count)
{
    struct restart_block *block = &current_thread()->restart;

    block->again = again;
    for (unsigned i = 0; i < count && i < ARRAY_SIZE(block->args); i++)
        block->args[i] = args[i];
    return -ERESTART_RESTARTBLOCK;
}
