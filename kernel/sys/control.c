// SPDX-License-Identifier: MIT
/*
 * control.c - prctl and arch_prctl: odds and ends of a thread.
 */
#include <asm/prctl.h>
#include <linux/personality.h>
#include <linux/prctl.h>

#include "lib/errno.h"
#include "mm/usercopy.h"
#include "mm/vspace.h"
#include "proc/futex.h"
#include "proc/process.h"
#include "sys/inspect.h"
#include "sys/syscall.h"

#define DEFAULT_TIMER_SLACK_NS 50000

SYSCALL2(arch_prctl, int, code, uint64_t, address)
{
    switch (code) {
    case ARCH_SET_FS:
        return thread_set_fs_base(address);
    case ARCH_SET_GS:
        return thread_set_gs_base(address);
    case ARCH_GET_FS:
        return put_user_u64(address, thread_fs_base());
    case ARCH_GET_GS:
        return put_user_u64(address, thread_gs_base());
    default:
        return -EINVAL;
    }
}

/*
 * What can be asked for is what is there: Linux's ways of doing things, at addresses that are not random if wanted. Linux
 * takes any number.
 */
SYSCALL1(personality, unsigned, persona)
{
    const unsigned ask = 0xffffffff;
    struct thread *self = current_thread();
    unsigned old = self->personality;

    if (persona == ask)
        return old;
    if (persona & ~(unsigned)(PER_LINUX | ADDR_NO_RANDOMIZE))
        return -EINVAL;
    self->personality = persona;
    return old;
}

static int64_t set_name(vaddr_t address)
{
    char name[COMM_SIZE];
    int64_t length = strncpy_from_user(name, address, sizeof(name));

    if (length == -ENAMETOOLONG)
        name[COMM_SIZE - 1] = '\0';
    else if (length < 0)
        return length;
    return process_name_thread(current_thread()->tid->number, name);
}

static int64_t get_name(vaddr_t address)
{
    return copy_to_user(address, current_thread()->comm, COMM_SIZE);
}

static int64_t set_dumpable(uint64_t value)
{
    if (value > 1)
        return -EINVAL;
    current_process()->not_dumpable = !value;
    return 0;
}

/* Fields that process_tree guards. */
static int64_t set_family(int option, uint64_t value)
{
    struct process *process = current_process();
    uint64_t flags;

    if (option == PR_SET_PDEATHSIG && value > SIGNAL_MAX)
        return -EINVAL;
    flags = spin_lock_irq(&process_tree);
    if (option == PR_SET_PDEATHSIG)
        process->parent_death_signal = value;
    else
        process->subreaper = value != 0;
    spin_unlock_irq(&process_tree, flags);
    return 0;
}

/* Whether the process's memory is to have huge pages. */
static int64_t disable_huge(bool disable)
{
    struct vspace *space = current_process()->vspace;

    rwlock_write_lock(&space->lock);
    space->no_huge = disable;
    rwlock_write_unlock(&space->lock);
    return 0;
}

SYSCALL5(prctl, int, option, uint64_t, value, uint64_t, third, uint64_t, fourth, uint64_t, fifth)
{
    struct process *process = current_process();

    switch (option) {
    case PR_SET_NAME:
        return set_name(value);
    case PR_GET_NAME:
        return get_name(value);
    case PR_SET_DUMPABLE:
        return set_dumpable(value);
    case PR_GET_DUMPABLE:
        return !process->not_dumpable;
    case PR_SET_PDEATHSIG:
    case PR_SET_CHILD_SUBREAPER:
        return set_family(option, value);
    case PR_GET_PDEATHSIG:
        return put_user_u32(value, process->parent_death_signal);
    case PR_GET_CHILD_SUBREAPER:
        return put_user_u32(value, process->subreaper);
    case PR_SET_TIMERSLACK:
        current_thread()->timer_slack_ns = value ? value : DEFAULT_TIMER_SLACK_NS;
        return 0;
    case PR_GET_TIMERSLACK:
        return current_thread()->timer_slack_ns;
    case PR_SET_THP_DISABLE:
        return third || fourth || fifth ? -EINVAL : disable_huge(value);
    case PR_GET_THP_DISABLE:
        return value || third || fourth || fifth ? -EINVAL : process->vspace->no_huge;
    default:
        return -EINVAL;
    }
}

SYSCALL3(get_robust_list, pid_t, tid, vaddr_t, head, vaddr_t, size)
{
    struct pid *pid;
    uint64_t flags;
    vaddr_t list = current_thread()->robust_list;

    if (tid && tid != current_thread()->tid->number) {
        flags = spin_lock_irq(&process_tree);
        pid = pid_find(tid);
        tid = pid && pid->thread && pid->thread->process == current_process() ? tid : -1;
        list = tid < 0 ? 0 : pid->thread->robust_list;
        spin_unlock_irq(&process_tree, flags);
        if (tid < 0)
            return -ESRCH;
    }
    if (put_user_u64(size, ROBUST_LIST_HEAD_SIZE))
        return -EFAULT;
    return put_user_u64(head, list);
}
