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
    return atomic_load_explicit(&current_process()->parent_id, memory_order_relaxed);
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
    if (group < 0 || (!group && pid < 0))
        return -EINVAL;
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
