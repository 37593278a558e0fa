// SPDX-License-Identifier: MIT
/*
 * sched.h - what sched.c, sched_policy.c and ioprio.c share.
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

/* Whether `which` is one of PRIO_PROCESS, PRIO_PGRP, PRIO_USER; and what `who` 0 means then: the caller's own. */
bool is_priority_which(int which);
uint32_t own_target(int which);

/*
 * The next process from number *from on that `which` and `who` mean, with a reference; *from moves behind it.
 *
 * => NULL: no more
 */
struct process *next_target(int which, uint32_t who, pid_t *from);

#endif
