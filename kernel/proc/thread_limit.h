// SPDX-License-Identifier: MIT
/*
 * thread_limit.h - how many threads there may be: in all, for everybody, and by default for one user.
 */
#ifndef PROC_THREAD_LIMIT_H
#define PROC_THREAD_LIMIT_H

#include "lib/types.h"

#define THREAD_LIMIT_MOST 0x3fffffff // Linux's MAX_THREADS; there are never more than numbers (PID_MAX)

/* From the memory that there is. => once, at boot, before the first process */
void thread_limit_init(void);

/* /proc/sys/kernel/threads-max. => 1 <= threads <= THREAD_LIMIT_MOST */
uint32_t thread_limit(void);
void thread_limit_set(uint32_t threads);

/*
 * Whether the running thread may make one more.
 *
 * => 0, -EAGAIN: there are as many as there may be (for the superuser, too), or as RLIMIT_NPROC allows a user to have
 */
__must_check int thread_limit_check(void);

#endif
