// SPDX-License-Identifier: MIT
/*
 * fork.h - fork, vfork, clone: a new process, or a new thread of this one.
 */
#ifndef PROC_FORK_H
#define PROC_FORK_H

#include "lib/types.h"

struct process;

/* clone(2)'s arguments, whichever call they came by. fork is {.exit_signal = SIGCHLD}. */
struct clone_request {
    uint64_t flags;         // CLONE_*, without the signal
    int exit_signal;        // 0: none
    vaddr_t stack;          // the stack pointer to start with; 0: the parent's
    vaddr_t parent_tid;     // CLONE_PARENT_SETTID
    vaddr_t child_tid;      // CLONE_CHILD_SETTID, CLONE_CHILD_CLEARTID
    uint64_t tls;           // CLONE_SETTLS
    vaddr_t pidfd;          // CLONE_PIDFD: where the number of the file goes
};

/*
 * Make the copy of the running thread; it returns 0 from the same system call.
 *
 * => with CLONE_VFORK sleeps until the child has called exec or ended
 * => the child's id; -EINVAL for flags that exclude each other or are not there (namespaces, ...), -EAGAIN (numbers, RLIMIT_NPROC), -ENOMEM; nothing is changed then
 */
int64_t process_clone(const struct clone_request *request);

/*
 * Let go of a parent that waits in vfork, if there is one. Called by exec and exit, after the parent's
 * memory was left.
 */
void process_vfork_release(struct process *child);

#endif
