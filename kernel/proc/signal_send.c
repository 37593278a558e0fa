// SPDX-License-Identifier: MIT
/*
 * signal_send.c - sending signals: who gets one, what it does at once, whom it interrupts.
 *
 * Theory   Whatever is fatal ends the process at once: every thread is told to end (process_begin_exit)
 *          and finds out when its wait is interrupted or it is about to go back to user mode. SIGCONT ends
 *          a stop at once, too. All else waits in a queue until a thread takes it (signal_take.c).
 * Locking  process_tree, then the process's signal_lock; both with interrupts off. Entries are allocated
 *          before.
 */
#include "fs/credentials.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/slab.h"
#include "proc/cred.h"
#include "proc/exit.h"
#include "proc/handlers.h"
#include "proc/process.h"
#include "proc/signal_queue.h"
#include "proc/signalfd.h"

void signal_info_user(struct signal_info *info, int sig, int code)
{
    memset(info, 0, sizeof(*info));
    info->si_signo = sig;
    info->si_code = code;
    info->si_pid = current_process()->id;
    info->si_uid = current_credentials()->uid;
}

void process_begin_exit(struct process *process, int status)
{
    struct thread *thread;

    if (process->group_exiting)
        return;
    process->exit_status = status;
    process->stop_cancelled = true;
    process->stopped = false;
    process->group_exiting = true;
    list_for_each_entry(thread, &process->threads, in_process)
        sched_interrupt(&thread->kthread);
    wake_all(&process->events);
}

/* Take signals in `set` out of all queues of the process. => signal_lock held */
static void discard_everywhere(struct process *process, sigset_t set)
{
    struct thread *thread;

    signal_queue_discard(&process->pending, set, &process->signal_garbage);
    list_for_each_entry(thread, &process->threads, in_process)
        signal_queue_discard(&thread->pending, set, &process->signal_garbage);
}

/* SIGCONT does its work when it is sent, whatever is done with it later. => signal_lock held */
static void send_continue(struct process *process)
{
    discard_everywhere(process, SIGNAL_STOPPING);
    process->stop_cancelled = true;
    if (!process->stopped)
        return;
    process->stopped = false;
    process->stop_waitable = false;
    process->continue_waitable = true;
    process->continue_untold = true;
    wake_all(&process->events);
}

/*
 * The thread that decides whether a signal is blocked, when any may take it.
 *
 * => signal_lock held; NULL: all have ended
 */
static struct thread *first_thread(struct process *process)
{
    struct list *first = list_first(&process->threads);

    return first == NULL ? NULL : list_entry(first, struct thread, in_process);
}

static bool is_ignored(struct process *process, struct thread *thread, int sig,
                       const struct sigaction *action)
{
    sigset_t bit = SIGNAL_BIT(sig);

    // It may be unblocked and caught later.
    if ((thread->blocked | thread->awaited) & bit)
        return false;
    if (action->sa_handler == SIG_IGN)
        return true;
    if (action->sa_handler != SIG_DFL)
        return false;
    return (bit & SIGNAL_DEFAULT_IGNORED) || process->unkillable;
}

/* Whether the signal ends the process, now that `taker` can take it. */
static bool ends_at_once(struct process *process, struct thread *taker, int sig,
                         const struct sigaction *action)
{
    if (action->sa_handler != SIG_DFL || (SIGNAL_BIT(sig) & (SIGNAL_DEFAULT_IGNORED | SIGNAL_STOPPING)))
        return false;
    return !(taker->awaited & SIGNAL_BIT(sig)) && !process->unkillable;
}

/*
 * A thread that does not block the signal: `wanted`, or the first such one; NULL if all do.
 *
 * => signal_lock held
 */
static struct thread *find_taker(struct process *process, struct thread *wanted, int sig)
{
    sigset_t bit = SIGNAL_BIT(sig);
    struct thread *thread;

    if (wanted != NULL)
        return wanted->blocked & bit ? NULL : wanted;
    list_for_each_entry(thread, &process->threads, in_process) {
        if (!(thread->blocked & bit))
            return thread;
    }
    return NULL;
}

/*
 * Put the signal in a queue, if it is not there: ordinary signals wait only once. => signal_lock held; 0
 * or -EAGAIN
 */
static int enqueue(struct process *process, struct signal_queue *queue, int sig, struct signal_entry **entry)
{
    bool realtime = SIGNAL_BIT(sig) & SIGNAL_REALTIME;
    bool of_timer = *entry != NULL && (*entry)->timer != NULL;  // has its place in the queue in any case

    if (!realtime && !of_timer && (queue->set & SIGNAL_BIT(sig)))
        return 0;
    if (*entry != NULL && !of_timer && queue->count >= process->limits[RLIMIT_SIGPENDING].rlim_cur) {
        if (realtime && (*entry)->info.si_code != SI_USER)
            return -EAGAIN;
        signal_queue_add(queue, sig, NULL);
        return 0;
    }
    signal_queue_add(queue, sig, *entry);
    *entry = NULL;
    return 0;
}

int signal_send_locked(struct process *process, struct thread *thread, int sig, struct signal_entry **entry)
{
    struct thread *decider = thread != NULL ? thread : first_thread(process);
    struct sigaction action;
    struct thread *taker;
    int error;

    if (decider == NULL || process->group_exiting)
        return 0;
    if (sig == SIGCONT)
        send_continue(process);
    else if (SIGNAL_BIT(sig) & SIGNAL_STOPPING)
        discard_everywhere(process, SIGNAL_BIT(SIGCONT));
    handlers_read(process->handlers, sig, &action);
    if (is_ignored(process, decider, sig, &action))
        return 0;
    taker = find_taker(process, thread, sig);
    if (taker != NULL && ends_at_once(process, taker, sig, &action)) {
        process_begin_exit(process, STATUS_SIGNALED(sig));
        return 0;
    }
    error = enqueue(process, thread != NULL ? &thread->pending : &process->pending, sig, entry);
    if (error == 0 && taker != NULL)
        sched_interrupt(&taker->kthread);
    else if (error == 0)
        signalfd_tell(process);     // blocked: who reads it from a file is told
    return error;
}

void signal_retarget(struct process *process, struct thread *except)
{
    struct thread *thread;

    if (process->pending.set == 0)
        return;
    list_for_each_entry(thread, &process->threads, in_process) {
        if (thread != except && (process->pending.set & ~thread->blocked))
            sched_interrupt(&thread->kthread);
    }
}

/* A real-time signal whose info is lost must not arrive as if it had none. */
static bool lacks_entry(int sig, const struct signal_info *info, const struct signal_entry *entry)
{
    return info != NULL && entry == NULL && info->si_code != SI_USER && (SIGNAL_BIT(sig) & SIGNAL_REALTIME);
}

/* => `thread` is of `process` and cannot go away, or NULL */
static int signal_send(struct process *process, struct thread *thread, int sig,
                       const struct signal_info *info)
{
    struct signal_entry *entry = signal_entry_create(info);
    uint64_t flags;
    int error;

    if (lacks_entry(sig, info, entry))
        return -EAGAIN;
    flags = spin_lock_irq(&process->signal_lock);
    error = signal_send_locked(process, thread, sig, &entry);
    spin_unlock_irq(&process->signal_lock, flags);
    slab_free(entry);
    return error;
}

int signal_send_process(struct process *process, int sig, const struct signal_info *info)
{
    return signal_send(process, NULL, sig, info);
}

void signal_send_group(struct pid *group, int sig)
{
    struct process *process;

    list_for_each_entry(process, &group->members, in_group) {
        struct signal_entry *none = NULL;

        spin_lock(&process->signal_lock);
        (void)signal_send_locked(process, NULL, sig, &none); // no entry wanted: cannot fail
        spin_unlock(&process->signal_lock);
    }
}

void signal_tell_parent(struct process *parent, int sig, struct signal_entry **entry)
{
    spin_lock(&parent->signal_lock);
    (void)signal_send_locked(parent, NULL, sig, entry); // should it fail, waiting for the child still works
    spin_unlock(&parent->signal_lock);
}

void signal_force(int sig, int code, vaddr_t address)
{
    struct thread *thread = current_thread();
    struct process *process = thread->process;
    struct signal_info info = {.si_signo = sig, .si_code = code};
    struct signal_entry *entry;
    struct sigaction action;
    uint64_t flags;

    info.si_addr = (void *)address;
    entry = signal_entry_create(&info);
    flags = spin_lock_irq(&process->signal_lock);
    handlers_read(process->handlers, sig, &action);
    if (action.sa_handler == SIG_IGN || (thread->blocked & SIGNAL_BIT(sig))) {
        handlers_reset(process->handlers, sig);
        thread->blocked &= ~SIGNAL_BIT(sig);
        action.sa_handler = SIG_DFL;
    }
    if (action.sa_handler == SIG_DFL)
        process->unkillable = false;
    (void)signal_send_locked(process, thread, sig, &entry); // an ordinary signal always finds room
    spin_unlock_irq(&process->signal_lock, flags);
    slab_free(entry);
}
