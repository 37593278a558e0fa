// SPDX-License-Identifier: MIT
/*
 * exit.c - the end of a thread; with the last one, of the process.
 *
 * Order    From the top down, each floor by its own function: what the thread promised in user memory, its
 *          use of the address space; then, by the last thread only: timers, the address space, files, the
 *          terminal; then the thread leaves the process, the family is told, and the scheduler takes the
 *          stack away.
 * Locking  process->thread_count falls before anything is released, so exactly one thread finds that it is
 *          to release. It leaves the list of threads after that; whoever leaves it empty (another may have
 *          been slower) tells the family.
 */
#include "proc/exit.h"

#include "fs/file.h"
#include "fs/file_table.h"
#include "lib/errno.h"
#include "lib/log.h"
#include "mm/active.h"
#include "mm/event.h"
#include "mm/measure.h"
#include "mm/usercopy.h"
#include "mm/vspace.h"
#include "proc/deferred.h"
#include "proc/family.h"
#include "proc/fork.h"
#include "proc/fs_context.h"
#include "proc/futex.h"
#include "proc/itimer.h"
#include "proc/pgrp.h"
#include "proc/posix_timer.h"
#include "proc/process.h"
#include "proc/signal_queue.h"

/*
 * Whether others can see the memory of the running thread, so that it is worth while to write there at its
 * end.
 */
static bool memory_is_shared(struct process *process)
{
    return process->thread_count > 1
           || atomic_load_explicit(&process->vspace->refs, memory_order_relaxed) > 1;
}

void thread_leave_memory(void)
{
    struct thread *thread = current_thread();
    vaddr_t clear_tid = thread->clear_tid;

    if (thread->robust_list != 0)
        futex_exit_robust_list(thread);
    thread->robust_list = 0;
    thread->clear_tid = 0;
    if (clear_tid != 0 && memory_is_shared(thread->process) && put_user_u32(clear_tid, 0) == 0)
        (void)futex_wake(clear_tid, 1, FUTEX_ANYONE, true); // nobody need wait there
}

/* The address space may go from under the thread: nothing of the user's is touched any more. */
static void detach(struct thread *thread)
{
    preempt_disable();
    thread->detached = true;
    vspace_activate(NULL);
    preempt_enable();
}

/* => true: it was the last */
static bool count_down(struct process *process)
{
    uint64_t flags = spin_lock_irq(&process->signal_lock);
    bool last = --process->thread_count == 0;
    bool all_parked = !last && process->stopped && !process->stop_waitable
                      && process->parked == process->thread_count;
    int sig = process->stop_signal;

    process->stop_waitable |= all_parked;
    spin_unlock_irq(&process->signal_lock, flags);
    if (all_parked)
        family_tell_stopped(process, sig);
    return last;
}

static void release_memory(struct process *process)
{
    struct vspace *space;

    spin_lock(&process->lock);
    space = process->vspace;
    process->vspace = NULL;
    spin_unlock(&process->lock);
    process_vfork_release(process);
    // Of a space that it shares with its parent since fork it would be the parent's.
    if (process->has_execed && atomic_load_explicit(&space->refs, memory_order_relaxed) == 1)
        process->usage.most_resident = vspace_peak_resident(space);
    vspace_put(space);
}

static void release_files(struct process *process)
{
    struct file_table *files;
    struct fs_context *fs;
    struct file *executable;

    spin_lock(&process->lock);
    files = process->files;
    fs = process->fs;
    executable = process->executable;
    process->files = NULL;
    process->fs = NULL;
    process->executable = NULL;
    spin_unlock(&process->lock);
    file_table_put(files);
    fs_context_put(fs);
    if (executable != NULL)
        file_put(executable);
}

static __cold __noreturn void init_ended(int status)
{
    if ((status & 0x7f) != 0)
        panic("init was killed by signal %d", status & 0x7f);
    panic("init ended with status %d", (status >> 8) & 0xff);
}

static void (*exit_hook)(int process); // NULL: nothing of a process is kept above

void exit_set_hook(void (*hook)(int process))
{
    __atomic_store_n(&exit_hook, hook, __ATOMIC_RELAXED);
}

static void process_release(struct process *process)
{
    if (process == init_process)
        init_ended(process->exit_status);
    event_frame(EVENT_EXIT, 0, (uint64_t)process->exit_status);
    itimers_release(process);
    posix_timers_release(process);
    if (unlikely(exit_hook))
        exit_hook(process->id);
    release_memory(process);
    release_files(process);
    session_leader_exit(process);
}

/*
 * Out of the process's list; its number is free, if it is not the process's.
 *
 * => true: the list is empty now
 */
static bool thread_leave(struct thread *thread)
{
    struct process *process = thread->process;
    struct deferred *garbage = NULL;
    struct process_usage usage;
    uint64_t flags = spin_lock_irq(&process_tree);
    bool empty;

    spin_lock(&process->signal_lock);
    list_remove(&thread->in_process);
    empty = list_empty(&process->threads);
    signal_queue_flush(&thread->pending, &garbage);
    signal_retarget(process, thread);
    spin_unlock(&process->signal_lock);
    thread_usage(thread, &usage);
    process_usage_add(&process->usage, &usage);
    if (thread->tid->thread == thread)
        thread->tid->thread = NULL;
    if (thread->tid != process->pid)
        pid_drop(thread->tid, &garbage);
    spin_unlock_irq(&process_tree, flags);
    deferred_free(garbage);
    return empty;
}

void thread_exit(int status)
{
    struct thread *thread = current_thread();
    struct process *process = thread->process;

    if (thread->tid == process->pid && !process->group_exiting && process->exec_thread == NULL)
        process->exit_status = status;
    thread_leave_memory();
    detach(thread);
    if (count_down(process))
        process_release(process);
    if (thread_leave(thread))
        family_exit(process);
    else
        wake_all(&process->events);
    sched_exit();
}

void process_exit(int status)
{
    struct process *process = current_process();
    uint64_t flags = spin_lock_irq(&process->signal_lock);

    process_begin_exit(process, status);
    spin_unlock_irq(&process->signal_lock, flags);
    thread_exit(status);
}

/*
 * Be the one that survives, and tell the others.
 *
 * => -EINTR: the whole process ends, or another thread was faster
 */
static int claim_process(struct process *process, struct thread *self)
{
    uint64_t flags = spin_lock_irq(&process->signal_lock);
    bool free = !process->group_exiting && process->exec_thread == NULL;
    struct thread *thread;

    if (free) {
        process->exec_thread = self;
        list_for_each_entry(thread, &process->threads, in_process) {
            if (thread != self)
                sched_interrupt(&thread->kthread);
        }
        wake_all(&process->events);
    }
    spin_unlock_irq(&process->signal_lock, flags);
    return free ? 0 : -EINTR;
}

/* The survivor gets the process's number, if it was another thread's. */
static void become_leader(struct process *process, struct thread *self)
{
    struct deferred *garbage = NULL;
    uint64_t flags;

    if (self->tid == process->pid)
        return;
    flags = spin_lock_irq(&process_tree);
    self->tid->thread = NULL;
    pid_drop(self->tid, &garbage);
    self->tid = process->pid;
    self->tid->thread = self;
    spin_unlock_irq(&process_tree, flags);
    deferred_free(garbage);
}

__cold int process_end_other_threads(void)
{
    struct thread *self = current_thread();
    struct process *process = self->process;
    int error;

    if (process->thread_count > 1) {
        error = claim_process(process, self);
        if (error != 0)
            return error;
        wait_event(&process->events, process->thread_count == 1 || process->group_exiting);
        __atomic_store_n(&process->exec_thread, NULL, __ATOMIC_RELAXED);
        if (process->group_exiting)
            return -EINTR;
    }
    become_leader(process, self);
    return 0;
}
