// SPDX-License-Identifier: MIT
/*
 * rlimit.c - resource limits. They are enforced where the resource is given out; here they are kept.
 */
#include "proc/rlimit.h"

#include <stdatomic.h>

#include "fs/file_table.h"
#include "fs/size_limit.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/commit.h"
#include "mm/vspace.h"
#include "proc/cpu_watch.h"
#include "proc/cred.h"
#include "proc/process.h"
#include "proc/signal.h"
#include "proc/thread_limit.h"

#define STACK_LIMIT (8ul << 20)     // Linux's _STK_LIM
#define OPEN_FILES 1024             // INR_OPEN_CUR
#define OPEN_FILES_HARD 4096        // INR_OPEN_MAX
#define LOCKED_MEMORY (8ul << 20)   // MLOCK_LIMIT
#define MESSAGE_QUEUES 819200       // MQ_BYTES_MAX
#define PENDING_SIGNALS 1024

void rlimit_set_defaults(struct rlimit limits[RLIM_NLIMITS])
{
    for (unsigned i = 0; i < RLIM_NLIMITS; i++)
        limits[i] = (struct rlimit){RLIM_INFINITY, RLIM_INFINITY};
    limits[RLIMIT_STACK].rlim_cur = STACK_LIMIT;
    limits[RLIMIT_CORE].rlim_cur = 0;
    limits[RLIMIT_NOFILE] = (struct rlimit){OPEN_FILES, OPEN_FILES_HARD};
    limits[RLIMIT_MEMLOCK] = (struct rlimit){LOCKED_MEMORY, LOCKED_MEMORY};
    limits[RLIMIT_MSGQUEUE] = (struct rlimit){MESSAGE_QUEUES, MESSAGE_QUEUES};
    limits[RLIMIT_SIGPENDING] = (struct rlimit){PENDING_SIGNALS, PENDING_SIGNALS};
    limits[RLIMIT_NPROC] = (struct rlimit){thread_limit() / 2, thread_limit() / 2};
    limits[RLIMIT_NICE] = (struct rlimit){0, 0};
    limits[RLIMIT_RTPRIO] = (struct rlimit){0, 0};
}

uint64_t rlimit_current(unsigned resource)
{
    return __atomic_load_n(&current_process()->limits[resource].rlim_cur, __ATOMIC_RELAXED);
}

uint64_t rlimit_locked_memory(void)
{
    return credentials_is_root(current_credentials()) ? UINT64_MAX : rlimit_current(RLIMIT_MEMLOCK);
}

static uint64_t file_size(void)
{
    return rlimit_current(RLIMIT_FSIZE);
}

static void file_size_reached(void)
{
    struct signal_info info;

    signal_info_user(&info, SIGXFSZ, SI_USER);
    signal_kill_thread(current_process()->id, current_thread()->tid->number, SIGXFSZ, &info);
}

void rlimit_init(void)
{
    static const struct size_limit_hooks hooks = {.get = file_size, .reached = file_size_reached};

    size_limit_set_hooks(&hooks);
}

static int check_change(unsigned resource, const struct rlimit *old, const struct rlimit *new)
{
    if (new->rlim_cur > new->rlim_max)
        return -EINVAL;
    if (resource == RLIMIT_NOFILE && new->rlim_max > FILE_TABLE_MAX)
        return -EPERM;
    if (new->rlim_max > old->rlim_max && !credentials_is_root(current_credentials()))
        return -EPERM;
    return 0;
}

/* => process->lock held */
static void apply(struct process *process, unsigned resource, const struct rlimit *limit)
{
    process->limits[resource] = *limit;
    if (resource == RLIMIT_CPU)
        cpu_watch_limit(process);
    // Faults look at the space, not at the process.
    if (resource == RLIMIT_STACK && process->vspace != NULL)
        atomic_store_explicit(&process->vspace->stack_limit, limit->rlim_cur, memory_order_relaxed);
}

/* The space keeps limits of its own size, as what grows it looks there. */
static void apply_to_space(struct process *process)
{
    struct vspace *space = process_vspace(process);

    if (space == NULL)
        return;
    vspace_set_limits(space, process->limits[RLIMIT_AS].rlim_cur, process->limits[RLIMIT_DATA].rlim_cur);
    vspace_put(space);
}

int rlimit_change(struct process *process, unsigned resource, const struct rlimit *new_limit,
                  struct rlimit *old_limit)
{
    int error = 0;

    if (resource >= RLIM_NLIMITS)
        return -EINVAL;
    spin_lock(&process->lock);
    if (new_limit != NULL)
        error = check_change(resource, &process->limits[resource], new_limit);
    if (error == 0 && old_limit != NULL)
        *old_limit = process->limits[resource];
    if (error == 0 && new_limit != NULL)
        apply(process, resource, new_limit);
    spin_unlock(&process->lock);
    if (error == 0 && new_limit != NULL && (resource == RLIMIT_AS || resource == RLIMIT_DATA))
        apply_to_space(process);
    return error;
}
