// SPDX-License-Identifier: MIT
/*
 * sched.h - what sched.c and sched_policy.c share.
 */
#ifndef SYS_SCHED_H
#define SYS_SCHED_H

#include "proc/process.h"

#define NICE_MIN (-20)
#define NICE_MAX 19

/*
 * Run `fn` on the thread `tid` (0: the running one), which cannot go away meanwhile.
 *
 * => with process_tree held, unless it is the running one; what fn returned, -ESRCH
 */
int64_t with_thread(pid_t tid, int64_t (*fn)(struct thread *thread, uint64_t arg), uint64_t arg);

/* Change a process's niceness, if that is allowed. => 0, -EPERM, -EACCES */
__must_check int64_t set_nice(struct process *process, int nice);

#endif
