// SPDX-License-Identifier: MIT
/*
 * snapshot.c - what a process has used and how it stands, for /proc, getrusage and wait.
 */
#include "dev/tty.h"
#include "fs/credentials.h"
#include "lib/string.h"
#include "proc/handlers.h"
#include "proc/pgrp.h"
#include "proc/process.h"

void process_usage_add(struct process_usage *sum, const struct process_usage *more)
{
    sum->user_ns += more->user_ns;
    sum->system_ns += more->system_ns;
    sum->minor_faults += more->minor_faults;
    sum->major_faults += more->major_faults;
    sum->voluntary += more->voluntary;
    sum->involuntary += more->involuntary;
    sum->most_resident = MAX(sum->most_resident, more->most_resident);
}

void thread_usage(struct thread *thread, struct process_usage *out)
{
    struct kthread *kthread = &thread->kthread;
    struct sched_times times;

    sched_thread_times(kthread, &times);
    *out = (struct process_usage){
        .user_ns = times.user_ns,
        .system_ns = times.system_ns,
        .minor_faults = thread->minor_faults,
        .major_faults = thread->major_faults,
        .voluntary = atomic_load_explicit(&kthread->switches_voluntary, memory_order_relaxed),
        .involuntary = atomic_load_explicit(&kthread->switches_forced, memory_order_relaxed),
    };
}

/* => process_tree held */
static void usage_locked(struct process *process, struct process_usage *out)
{
    struct thread *thread;

    *out = process->usage;
    list_for_each_entry(thread, &process->threads, in_process) {
        struct process_usage one;

        thread_usage(thread, &one);
        process_usage_add(out, &one);
    }
}

void process_usage(struct process *process, struct process_usage *out)
{
    uint64_t flags = spin_lock_irq(&process_tree);

    usage_locked(process, out);
    spin_unlock_irq(&process_tree, flags);
}

void process_child_usage(struct process *process, struct process_usage *out)
{
    uint64_t flags = spin_lock_irq(&process_tree);

    *out = process->child_usage;
    spin_unlock_irq(&process_tree, flags);
}

/* What process->lock guards. */
static void snapshot_possessions(struct process *process, struct process_snapshot *out)
{
    const struct credentials *who;

    spin_lock(&process->lock);
    out->ranges = process->ranges;
    memcpy(out->limits, process->limits, sizeof(out->limits));
    who = process->credentials;
    out->uid = who->uid;
    out->euid = who->euid;
    out->suid = who->suid;
    out->fsuid = who->fsuid;
    out->gid = who->gid;
    out->egid = who->egid;
    out->sgid = who->sgid;
    out->fsgid = who->fsgid;
    spin_unlock(&process->lock);
}

/* => process_tree held; thread: NULL if it has ended */
static char state_letter(const struct process *process, const struct thread *thread)
{
    if (process->state == PROCESS_DEAD)
        return 'X';
    if (thread == NULL)
        return 'Z';
    return thread->parked ? 'T' : sched_state_letter(&thread->kthread);
}

/* => process_tree held */
static void snapshot_family(struct process *process, struct process_snapshot *out)
{
    const struct tty *tty = process_tty(process);

    out->id = process->id;
    out->parent = process->parent != NULL ? process->parent->id : 0;
    out->group = process->group != NULL ? process->group->number : 0;
    out->session = process->session != NULL ? process->session->id->number : 0;
    out->tty_device = tty != NULL ? tty_number(tty) : 0;
    out->foreground_group = tty != NULL ? tty_foreground_group(tty) : -1;
    out->threads = MAX(process->thread_count, 1u); // a zombie counts as one
    out->exiting = process->group_exiting || process->state != PROCESS_ALIVE;
    out->forked_only = !process->has_execed;
    out->nice = process->nice;
    out->start_ns = process->start_ns;
    usage_locked(process, &out->usage);
    out->child_usage = process->child_usage;
}

/* => process_tree held */
static void snapshot_signals(struct process *process, const struct thread *thread, struct process_snapshot *out)
{
    memcpy(out->comm, thread != NULL ? thread->comm : process->comm, COMM_SIZE);
    spin_lock(&process->signal_lock);
    out->exit_signal = process->exit_signal;
    out->exit_status = process->exit_status;
    out->shared_pending = process->pending.set;
    out->queued = process->pending.count;
    handlers_sets(process->handlers, &out->ignored, &out->caught);
    if (thread != NULL) {
        out->pending = thread->pending.set;
        out->queued += thread->pending.count;
        out->blocked = thread->blocked;
    }
    spin_unlock(&process->signal_lock);
}

/* => process_tree held */
static void snapshot_thread(struct thread *thread, struct process_snapshot *out)
{
    out->thread_start_ns = thread->start_ns;
    out->cpu = thread->kthread.cpu;
    out->policy = thread->policy;
    thread_usage(thread, &out->thread_usage);
}

void process_snapshot(struct process *process, pid_t tid, struct process_snapshot *out)
{
    struct thread *thread;
    struct pid *pid;
    uint64_t flags;

    memset(out, 0, sizeof(*out));
    snapshot_possessions(process, out);
    flags = spin_lock_irq(&process_tree);
    pid = pid_find(tid);
    thread = pid != NULL && pid->thread != NULL && pid->thread->process == process ? pid->thread : NULL;
    snapshot_family(process, out);
    snapshot_signals(process, thread, out);
    out->state = state_letter(process, thread);
    out->thread_is_leader = tid == process->id;
    if (thread != NULL)
        snapshot_thread(thread, out);
    spin_unlock_irq(&process_tree, flags);
}
