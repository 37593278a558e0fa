// SPDX-License-Identifier: MIT
/*
 * sched_policy.c - scheduling policies. There is one scheduling class: SCHED_OTHER, SCHED_BATCH and SCHED_IDLE are
 * kept, inherited and told, as niceness is. The real-time policies are refused as to somebody without privilege.
 */
#include <linux/sched.h>
#include <linux/sched/types.h>

#include "arch/x86/time.h"
#include "lib/checked.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/usercopy.h"
#include "sys/inspect.h"
#include "sys/sched.h"
#include "sys/syscall.h"
#include "sys/user_struct.h"
#include "sys/user_time.h"

#define SAME_POLICY (-1)        // sched_setparam: the priority alone
#define ATTR_FLAGS SCHED_FLAG_RESET_ON_FORK

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

/* The policy, with SCHED_RESET_ON_FORK. */
static int64_t get_policy(struct thread *thread, uint64_t arg)
{
    (void)arg;
    return thread->policy | (thread->reset_on_fork ? SCHED_RESET_ON_FORK : 0);
}

static int64_t put_policy(struct thread *thread, uint64_t policy)
{
    thread->policy = policy & ~SCHED_RESET_ON_FORK;
    thread->reset_on_fork = policy & SCHED_RESET_ON_FORK;
    return 0;
}

SYSCALL1(sched_getscheduler, pid_t, tid)
{
    return tid < 0 ? -EINVAL : with_thread(tid, get_policy, 0);
}

/* struct sched_param is one int, the priority, which is 0 here. */
SYSCALL2(sched_getparam, pid_t, tid, vaddr_t, address)
{
    int64_t policy;

    if (tid < 0 || !address)
        return -EINVAL;
    policy = with_thread(tid, get_policy, 0);
    return policy < 0 ? policy : put_user_u32(address, 0);
}

/* The process that has the thread, with a reference, if ours may change it. => 0, -ESRCH, -EPERM */
static int get_target(pid_t tid, struct process **out)
{
    struct process *process = tid ? process_find_by_tid(tid) : process_get(current_process());

    if (!process)
        return -ESRCH;
    *out = process;
    if (inspect_same_user(process))
        return 0;
    process_put(process);
    return -EPERM;
}

/* => 0, -EINVAL, -EPERM: real time, which nobody gets */
static int check_policy(int policy, unsigned priority)
{
    if (!is_policy(policy) || policy == SCHED_DEADLINE || priority > 99)
        return -EINVAL;
    if (is_realtime(policy) != (priority != 0))
        return -EINVAL;
    return is_realtime(policy) ? -EPERM : 0;
}

/* `policy` may have SCHED_RESET_ON_FORK. => 0, -EINVAL, -ESRCH, -EPERM */
static int64_t set_policy(pid_t tid, int policy, unsigned priority)
{
    struct process *process;
    int64_t result = with_thread(tid, get_policy, 0);

    if (result < 0)
        return result;
    if (policy == SAME_POLICY)
        policy = result;
    result = check_policy(policy & ~SCHED_RESET_ON_FORK, priority);
    if (!result)
        result = get_target(tid, &process);
    if (result)
        return result;
    result = with_thread(tid, put_policy, policy);
    process_put(process);
    return result;
}

static int64_t set_from_param(pid_t tid, int policy, vaddr_t param)
{
    uint32_t priority;

    if (tid < 0 || !param)
        return -EINVAL;
    return get_user_u32(&priority, param) ? -EFAULT : set_policy(tid, policy, priority);
}

SYSCALL3(sched_setscheduler, pid_t, tid, int, policy, vaddr_t, param)
{
    return policy < 0 ? -EINVAL : set_from_param(tid, policy, param);
}

SYSCALL2(sched_setparam, pid_t, tid, vaddr_t, param)
{
    return set_from_param(tid, SAME_POLICY, param);
}

SYSCALL2(sched_rr_get_interval, pid_t, tid, vaddr_t, address)
{
    int64_t policy;

    if (tid < 0)
        return -EINVAL;
    policy = with_thread(tid, get_policy, 0);
    return policy < 0 ? policy : put_timespec(address, SCHED_SLICE_NS);
}

static int64_t get_nice(struct thread *thread, uint64_t arg)
{
    (void)arg;
    return NICE_MAX - thread->process->nice; // never below zero
}

SYSCALL4(sched_getattr, pid_t, tid, vaddr_t, address, unsigned, size, unsigned, flags)
{
    struct sched_attr attr = {.size = MIN(size, (unsigned)sizeof(attr))};
    int64_t policy, nice;

    if (tid < 0 || size < SCHED_ATTR_SIZE_VER0 || size > 4096 || flags)
        return -EINVAL;
    policy = with_thread(tid, get_policy, 0);
    nice = with_thread(tid, get_nice, 0);
    if (policy < 0 || nice < 0)
        return -ESRCH;
    attr.sched_policy = policy & ~SCHED_RESET_ON_FORK;
    attr.sched_flags = policy & SCHED_RESET_ON_FORK ? SCHED_FLAG_RESET_ON_FORK : 0;
    attr.sched_nice = NICE_MAX - nice;
    return copy_to_user(address, &attr, attr.size);
}

/* Who asks for more than we know is told how much we do. => -E2BIG or -EFAULT */
static int tell_size(vaddr_t address)
{
    return put_user_u32(address, sizeof(struct sched_attr)) ? -EFAULT : -E2BIG;
}

static int read_attr(struct sched_attr *attr, vaddr_t address)
{
    uint32_t size;
    int error;

    memset(attr, 0, sizeof(*attr));
    if (get_user_u32(&size, address))
        return -EFAULT;
    if (!size)
        size = SCHED_ATTR_SIZE_VER0;
    if (size < SCHED_ATTR_SIZE_VER0 || size > 4096)
        return tell_size(address);
    error = user_struct(attr, sizeof(*attr), address, size);
    return error == -E2BIG ? tell_size(address) : error;
}

static int64_t set_attr(pid_t tid, const struct sched_attr *attr)
{
    unsigned reset = attr->sched_flags & SCHED_FLAG_RESET_ON_FORK ? SCHED_RESET_ON_FORK : 0;
    int nice = MIN(MAX(attr->sched_nice, NICE_MIN), NICE_MAX);
    struct process *process;
    int64_t result = get_target(tid, &process);

    if (result)
        return result;
    result = attr->sched_policy == SCHED_DEADLINE ? -EPERM
                                                  : check_policy((int)attr->sched_policy, attr->sched_priority);
    if (!result && nice != process->nice && attr->sched_policy != SCHED_IDLE)
        result = set_nice(process, nice);
    process_put(process);
    if (result == -EACCES)
        result = -EPERM;
    return result ? result : set_policy(tid, (int)(attr->sched_policy | reset), attr->sched_priority);
}

SYSCALL3(sched_setattr, pid_t, tid, vaddr_t, address, unsigned, flags)
{
    struct sched_attr attr;
    int error;

    if (tid < 0 || !address || flags)
        return -EINVAL;
    error = read_attr(&attr, address);
    if (error)
        return error;
    if ((int)attr.sched_policy < 0 || (attr.sched_flags & ~(uint64_t)ATTR_FLAGS))
        return -EINVAL;
    return set_attr(tid, &attr);
}
