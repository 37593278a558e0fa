// SPDX-License-Identifier: MIT
/*
 * sched.c - on which CPUs a thread runs, and its niceness, which is kept, inherited and shown.    Policies:
 * sched_policy.c
 */
#include "sys/sched.h"

#include <linux/resource.h>

#include "lib/errno.h"
#include "mm/usercopy.h"
#include "proc/cred.h"
#include "sync/sched.h"
#include "sys/inspect.h"
#include "sys/syscall.h"

SYSCALL0(sched_yield)
{
    sched_yield_cpu();
    return 0;
}

int64_t with_thread(pid_t tid, int64_t (*fn)(struct thread *thread, uint64_t arg), uint64_t arg)
{
    struct pid *pid;
    uint64_t flags;
    int64_t result;

    if (tid < 0)
        return -ESRCH;
    if (!tid || tid == current_thread()->tid->number)
        return fn(current_thread(), arg);
    flags = spin_lock_irq(&process_tree);
    pid = pid_find(tid);
    result = pid && pid->thread ? fn(pid->thread, arg) : -ESRCH;
    spin_unlock_irq(&process_tree, flags);
    return result;
}

static int64_t get_allowed(struct thread *thread, uint64_t arg)
{
    (void)arg;
    return atomic_load_explicit(&thread->kthread.allowed, memory_order_relaxed) & sched_online();
}

static int64_t set_allowed(struct thread *thread, uint64_t cpus)
{
    return sched_set_allowed(&thread->kthread, cpus & sched_online());
}

SYSCALL3(sched_getaffinity, pid_t, tid, unsigned, size, vaddr_t, address)
{
    int64_t cpus;

    if (size < sizeof(cpus) || size % sizeof(cpus))
        return -EINVAL;
    cpus = with_thread(tid, get_allowed, 0);
    if (cpus < 0)
        return cpus;
    return put_user_u64(address, cpus) ? -EFAULT : (int64_t)sizeof(cpus);
}

SYSCALL3(sched_setaffinity, pid_t, tid, unsigned, size, vaddr_t, address)
{
    uint64_t cpus = 0;

    if (copy_from_user(&cpus, address, MIN((size_t)size, sizeof(cpus))))
        return -EFAULT;
    return with_thread(tid, set_allowed, cpus);
}

SYSCALL3(getcpu, vaddr_t, cpu, vaddr_t, node, vaddr_t, unused)
{
    uint32_t here = cpu_id();

    (void)unused;
    if (cpu && put_user_u32(cpu, here))
        return -EFAULT;
    return node ? put_user_u32(node, 0) : 0;
}

/* => 0, or -EPERM, -EACCES as setpriority(2) has them */
int64_t set_nice(struct process *process, int nice)
{
    bool privileged = credentials_is_root(current_credentials());

    if (!inspect_same_user(process))
        return -EPERM;
    if (nice < process->nice && !privileged)
        return -EACCES;
    process->nice = nice;
    return 0;
}

/* Whether `process` is one of those that `which` and `who` mean. */
static bool is_target(struct process *process, int which, uint32_t who)
{
    uint64_t flags;
    bool is;

    if (which == PRIO_PROCESS)
        return process->id == (pid_t)who;
    if (which == PRIO_USER)
        return process->uid == who;
    flags = spin_lock_irq(&process_tree);
    is = process->group != NULL && process->group->number == (pid_t)who;
    spin_unlock_irq(&process_tree, flags);
    return is;
}

uint32_t own_target(int which)
{
    uint64_t flags;
    uint32_t group;

    if (which == PRIO_PROCESS)
        return current_process()->id;
    if (which == PRIO_USER)
        return current_process()->uid;
    flags = spin_lock_irq(&process_tree);
    group = current_process()->group->number;
    spin_unlock_irq(&process_tree, flags);
    return group;
}

struct process *next_target(int which, uint32_t who, pid_t *from)
{
    struct process *process;

    if (which == PRIO_PROCESS && (pid_t)who > *from)
        *from = (pid_t)who;
    while ((process = process_find_from(*from))) {
        *from = process->id + 1;
        if (is_target(process, which, who))
            return process;
        process_put(process);
        if (which == PRIO_PROCESS)
            return NULL;
    }
    return NULL;
}

bool is_priority_which(int which)
{
    return which == PRIO_PROCESS || which == PRIO_PGRP || which == PRIO_USER;
}

/* => 20 - the least nice, since a result below zero is an error */
SYSCALL2(getpriority, int, which, uint32_t, who)
{
    int64_t best = -ESRCH;
    struct process *process;
    pid_t from = 1;

    if (!is_priority_which(which))
        return -EINVAL;
    who = who ? who : own_target(which);
    while ((process = next_target(which, who, &from))) {
        best = MAX(best, (int64_t)(NICE_MAX + 1 - process->nice));
        process_put(process);
    }
    return best;
}

/* What failed last is told, unless it is that there was nobody. */
SYSCALL3(setpriority, int, which, uint32_t, who, int, nice)
{
    int64_t result = -ESRCH, one;
    struct process *process;
    pid_t from = 1;

    if (!is_priority_which(which))
        return -EINVAL;
    who = who ? who : own_target(which);
    while ((process = next_target(which, who, &from))) {
        one = set_nice(process, MIN(MAX(nice, NICE_MIN), NICE_MAX));
        process_put(process);
        if (one || result == -ESRCH)
            result = one;
    }
    return result;
}
