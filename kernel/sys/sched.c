// SPDX-License-Identifier: MIT
/*
 * sched.c - on which CPUs a thread runs, and its niceness. There is one scheduling class, SCHED_OTHER; niceness is
 * kept, inherited and shown.
 */
#include "sync/sched.h"

#include <linux/resource.h>
#include <linux/sched.h>

#include "lib/errno.h"
#include "mm/usercopy.h"
#include "proc/cred.h"
#include "proc/process.h"
#include "sys/inspect.h"
#include "sys/syscall.h"

#define NICE_MIN (-20)
#define NICE_MAX 19

SYSCALL0(sched_yield)
{
    sched_yield_cpu();
    return 0;
}

/*
 * Run `fn` on the thread `tid` (0: the running one), which cannot go away meanwhile.
 *
 * => with process_tree held; what fn returned, -ESRCH
 */
static int64_t with_thread(pid_t tid, int64_t (*fn)(struct thread *thread, uint64_t arg), uint64_t arg)
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

static int64_t exists(struct thread *thread, uint64_t arg)
{
    (void)thread, (void)arg;
    return 0;
}

SYSCALL1(sched_getscheduler, pid_t, tid)
{
    return tid < 0 ? -EINVAL : with_thread(tid, exists, 0) ? -ESRCH : SCHED_NORMAL;
}

/* struct sched_param is one int, the priority, which is 0 here. */
SYSCALL2(sched_getparam, pid_t, tid, vaddr_t, address)
{
    if (tid < 0 || !address)
        return -EINVAL;
    return with_thread(tid, exists, 0) ? -ESRCH : put_user_u32(address, 0);
}

static bool is_policy(int policy)
{
    return policy >= SCHED_NORMAL && policy <= SCHED_DEADLINE && policy != 4;
}

static bool is_realtime(int policy)
{
    return policy == SCHED_FIFO || policy == SCHED_RR;
}

SYSCALL1(sched_get_priority_max, int, policy)
{
    return !is_policy(policy) ? -EINVAL : is_realtime(policy) ? 99 : 0;
}

SYSCALL1(sched_get_priority_min, int, policy)
{
    return !is_policy(policy) ? -EINVAL : is_realtime(policy) ? 1 : 0;
}

SYSCALL3(getcpu, vaddr_t, cpu, vaddr_t, node, vaddr_t, unused)
{
    uint32_t here = cpu_id();

    (void)unused;
    if (cpu && put_user_u32(cpu, here))
        return -EFAULT;
    return node ? put_user_u32(node, 0) : 0;
}

/* The process that `who` means to getpriority, with a reference. => NULL: there is none */
static struct process *priority_target(pid_t who)
{
    return who ? process_find(who) : process_get(current_process());
}

/* Groups and users of processes are not served: -EINVAL. => 20 - nice, since a result below zero is an error */
SYSCALL2(getpriority, int, which, pid_t, who)
{
    struct process *process;
    int nice;

    if (which != PRIO_PROCESS)
        return -EINVAL;
    process = priority_target(who);
    if (!process)
        return -ESRCH;
    nice = process->nice;
    process_put(process);
    return 20 - nice;
}

/* => 0, or -EPERM, -EACCES as setpriority(2) has them */
static int64_t set_nice(struct process *process, int nice)
{
    bool privileged = credentials_is_root(current_credentials());

    if (!inspect_same_user(process))
        return -EPERM;
    if (nice < process->nice && !privileged)
        return -EACCES;
    process->nice = nice;
    return 0;
}

SYSCALL3(setpriority, int, which, pid_t, who, int, nice)
{
    struct process *process;
    int64_t result;

    if (which != PRIO_PROCESS)
        return -EINVAL;
    process = priority_target(who);
    if (!process)
        return -ESRCH;
    result = set_nice(process, MIN(MAX(nice, NICE_MIN), NICE_MAX));
    process_put(process);
    return result;
}
