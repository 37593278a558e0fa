// SPDX-License-Identifier: MIT
/*
 * thread_limit.c - how many threads there may be.
 *
 * Theory      As on Linux the limit for all follows from memory, and one user gets half of it unless told otherwise. Linux lets
 *             the kernel's part of all threads take an eighth of memory; here processes share even their page tables, and a machine
 *             of 16 MiB is to hold hundreds: as many as there could be kernel stacks, so that one user's take half of memory.
 *             Counted are the numbers in use, which are those of threads, and of groups and sessions that outlive their leaders.
 */
#include "proc/thread_limit.h"

#include <stdatomic.h>

#include "arch/x86/layout.h"
#include "fs/credentials.h"
#include "lib/errno.h"
#include "mm/commit.h"
#include "proc/cred.h"
#include "proc/process.h"

#define LEAST 20 // at boot: Linux's MIN_THREADS

static _Atomic uint32_t limit = LEAST;

void thread_limit_init(void)
{
    uint64_t possible = commit_memory() / KSTACK_PAGES;

    thread_limit_set((uint32_t)MAX(MIN(possible, (uint64_t)PID_MAX), (uint64_t)LEAST));
}

uint32_t thread_limit(void)
{
    return atomic_load_explicit(&limit, memory_order_relaxed);
}

void thread_limit_set(uint32_t threads)
{
    atomic_store_explicit(&limit, threads, memory_order_relaxed);
}

/* Zombies count as one each. => process_tree not held */
static uint64_t count_threads_of_user(uint32_t uid)
{
    uint64_t count = 0;
    struct process *process;

    for (pid_t id = 1; (process = process_find_from(id)) != NULL;) {
        id = process->id + 1;
        if (process->uid == uid)
            count += MAX(process->thread_count, 1u);
        process_put(process);
    }
    return count;
}

/* While there are fewer numbers in use than a user may have threads, nobody need count them. */
static bool user_has_too_many(uint32_t numbers)
{
    uint64_t most = current_process()->limits[RLIMIT_NPROC].rlim_cur;

    if (likely(numbers < most) || credentials_is_root(current_credentials()))
        return false;
    return count_threads_of_user(current_credentials()->uid) >= most;
}

int thread_limit_check(void)
{
    uint32_t numbers = pid_count();

    return numbers >= thread_limit() || user_has_too_many(numbers) ? -EAGAIN : 0;
}
