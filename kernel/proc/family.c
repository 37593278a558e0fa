// SPDX-License-Identifier: MIT
/*
 * family.c - parents and children.
 *
 * Theory   A process that ends becomes a zombie, its parent is sent SIGCHLD and woken, and takes it out of
 *          the family when it waits. A parent that ignores SIGCHLD (or says SA_NOCLDWAIT) never gets to
 *          see it. Orphans go to the nearest ancestor that asked for them (PR_SET_CHILD_SUBREAPER), else
 *          to init.
 * Locking  All under process_tree. Entries for signals are allocated before it is taken, and what is to be
 *          freed is freed after it is released.
 */
#include "proc/family.h"

#include <asm/param.h>
#include <linux/time.h>

#include "arch/x86/time.h"
#include "lib/log.h"
#include "lib/string.h"
#include "mm/slab.h"
#include "proc/deferred.h"
#include "proc/exit.h"
#include "proc/handlers.h"
#include "proc/pgrp.h"
#include "proc/process.h"
#include "proc/signal_queue.h"

#define NS_PER_CLOCK_TICK (NS_PER_SECOND / HZ) // HZ as programs see it, 100: sysconf(_SC_CLK_TCK)

struct process *init_process;

/*
 * What SIGCHLD tells of `child`, whose thread runs this.
 *
 * => nothing held; NULL when there is no memory: then it tells nothing
 */
static struct signal_entry *child_entry(struct process *child, int sig, int code, int status)
{
    struct signal_info info;
    struct process_usage usage;

    process_usage(child, &usage);
    memset(&info, 0, sizeof(info));
    info.si_signo = sig;
    info.si_code = code;
    info.si_pid = child->id;
    info.si_uid = child->uid;
    info.si_status = status;
    info.si_utime = usage.user_ns / NS_PER_CLOCK_TICK;
    info.si_stime = usage.system_ns / NS_PER_CLOCK_TICK;
    return signal_entry_create(&info);
}

/* The parent's action for SIGCHLD. => process_tree held */
static void read_sigchld(struct process *parent, struct sigaction *action)
{
    spin_lock(&parent->signal_lock);
    handlers_read(parent->handlers, SIGCHLD, action);
    spin_unlock(&parent->signal_lock);
}

/* A child stopped or goes on. */
static void tell_change(struct process *process, int code, int status)
{
    struct signal_entry *entry = child_entry(process, SIGCHLD, code, status);
    uint64_t flags = spin_lock_irq(&process_tree);
    struct process *parent = process->parent;
    struct sigaction action;

    if (parent != NULL) {
        read_sigchld(parent, &action);
        if (action.sa_handler != SIG_IGN && !(action.sa_flags & SA_NOCLDSTOP))
            signal_tell_parent(parent, SIGCHLD, &entry);
        wake_all(&parent->events);
    }
    spin_unlock_irq(&process_tree, flags);
    slab_free(entry);
}

void family_tell_stopped(struct process *process, int sig)
{
    tell_change(process, CLD_STOPPED, sig);
}

void family_tell_continued(struct process *process)
{
    tell_change(process, CLD_CONTINUED, SIGCONT);
}

/* => process_tree held */
static void set_parent(struct process *child, struct process *parent)
{
    child->parent = parent;
    atomic_store_explicit(&child->parent_id, parent->id, memory_order_relaxed);
}

void family_enter(struct process *child, struct process *parent)
{
    set_parent(child, parent);
    list_add_tail(&parent->children, &child->sibling);
    group_inherit(child, parent);
}

void family_reap(struct process *zombie, struct deferred **garbage)
{
    ASSERT(zombie->state == PROCESS_ZOMBIE);
    zombie->state = PROCESS_DEAD;
    list_remove(&zombie->sibling);
    group_leave(zombie, garbage);
    zombie->pid->process = NULL;
    pid_drop(zombie->pid, garbage);
    zombie->pid = NULL;
    zombie->parent = NULL;
}

/*
 * Tell the parent of a zombie. => process_tree held; true: it does not want to know, and the zombie is reaped
 */
static bool tell_end(struct process *zombie, struct signal_entry **entry, struct deferred **garbage)
{
    struct process *parent = zombie->parent;
    struct sigaction action;
    bool unwanted = false;

    if (zombie->exit_signal == SIGCHLD) {
        read_sigchld(parent, &action);
        unwanted = action.sa_handler == SIG_IGN || (action.sa_flags & SA_NOCLDWAIT);
        if (action.sa_handler != SIG_IGN)
            signal_tell_parent(parent, SIGCHLD, entry);
    } else if (zombie->exit_signal != 0) {
        signal_tell_parent(parent, zombie->exit_signal, entry);
    }
    if (unwanted)
        family_reap(zombie, garbage);
    wake_all(&parent->events);
    return unwanted;
}

/* Who takes in the children of `process`. => process_tree held */
static struct process *find_reaper(struct process *process)
{
    struct process *ancestor = process->parent;

    while (ancestor != NULL && ancestor != init_process) {
        if (ancestor->subreaper && ancestor->state == PROCESS_ALIVE)
            return ancestor;
        ancestor = ancestor->parent;
    }
    return init_process;
}

/* => process_tree held; zombies that nobody wants are added to `reaped`, linked by `sibling` */
static void adopt(struct process *child, struct process *reaper, struct process *old, struct list *reaped,
                  struct deferred **garbage)
{
    struct signal_entry *none = NULL;

    list_remove(&child->sibling);
    list_add_tail(&reaper->children, &child->sibling);
    set_parent(child, reaper);
    child->exit_signal = SIGCHLD;
    if (child->state == PROCESS_ALIVE) {
        if (child->parent_death_signal != 0)
            signal_tell_parent(child, child->parent_death_signal, &none);
        group_orphan_check(child, old, false);
    } else if (tell_end(child, &none, garbage)) {
        list_add_tail(reaped, &child->sibling);
    }
}

static void give_children_away(struct process *process, struct list *reaped, struct deferred **garbage)
{
    struct process *reaper = find_reaper(process);
    struct process *child, *after;

    list_for_each_entry_safe(child, after, &process->children, sibling)
        adopt(child, reaper, process, reaped, garbage);
}

static struct signal_entry *end_entry(struct process *process)
{
    int status = process->exit_status;
    int sig = status & 0x7f;

    return child_entry(process, process->exit_signal, sig != 0 ? CLD_KILLED : CLD_EXITED,
                       sig != 0 ? sig : (status >> 8) & 0xff);
}

void family_exit(struct process *process)
{
    struct signal_entry *entry = end_entry(process);
    struct deferred *garbage = NULL;
    struct list reaped = LIST_INIT(reaped);
    struct list *link;
    uint64_t flags = spin_lock_irq(&process_tree);

    give_children_away(process, &reaped, &garbage);
    group_orphan_check(process, process->parent, true);
    process->state = PROCESS_ZOMBIE;
    wake_all(&process->events);     // who watches by a pidfd
    if (tell_end(process, &entry, &garbage))
        list_add_tail(&reaped, &process->sibling);
    spin_unlock_irq(&process_tree, flags);
    slab_free(entry);
    deferred_free(garbage);
    while ((link = list_take_first(&reaped)) != NULL)
        process_put(list_entry(link, struct process, sibling));
}
