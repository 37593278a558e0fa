// SPDX-License-Identifier: MIT
/*
 * identity.c - the numbers of a process, its family, its group and session.    Not here: users and groups (user.c).
 */
#include "lib/errno.h"
#include "proc/pgrp.h"
#include "proc/process.h"
#include "proc/thread.h"
#include "sys/syscall.h"

SYSCALL0(getpid)
{
    return current_process()->id;
}

SYSCALL0(gettid)
{
    return current_thread()->tid->number;
}

SYSCALL0(getppid)
{
    uint64_t flags = spin_lock_irq(&process_tree);
    struct process *parent = current_process()->parent;
    pid_t id = parent ? parent->id : 0;

    spin_unlock_irq(&process_tree, flags);
    return id;
}

SYSCALL0(getpgrp)
{
    return process_getpgid(0);
}

SYSCALL1(getpgid, pid_t, pid)
{
    return process_getpgid(pid);
}

SYSCALL2(setpgid, pid_t, pid, pid_t, group)
{
    return process_setpgid(pid, group);
}

SYSCALL1(getsid, pid_t, pid)
{
    return process_getsid(pid);
}

SYSCALL0(setsid)
{
    return process_setsid();
}
