// SPDX-License-Identifier: MIT
/*
 * ioprio.c - priorities of input and output: kept, inherited and told, as niceness is.
 */
#include <linux/ioprio.h>

#include "lib/errno.h"
#include "proc/cred.h"
#include "sys/inspect.h"
#include "sys/sched.h"
#include "sys/syscall.h"

/* IOPRIO_WHO_* count from 1, PRIO_* from 0; else they mean the same. */
#define WHICH(which) ((which) - IOPRIO_WHO_PROCESS)

/* => 0, -EINVAL, -EPERM (real time is for the superuser) */
static int check(unsigned priority)
{
    unsigned class = priority >> IOPRIO_CLASS_SHIFT, level = priority & IOPRIO_PRIO_MASK;

    switch (class) {
    case IOPRIO_CLASS_NONE:
        return level ? -EINVAL : 0;
    case IOPRIO_CLASS_RT:
        if (!credentials_is_root(current_credentials()))
            return -EPERM;
        // fall through
    case IOPRIO_CLASS_BE:
        return level < IOPRIO_NR_LEVELS ? 0 : -EINVAL;
    case IOPRIO_CLASS_IDLE:
        return 0;
    default:
        return -EINVAL;
    }
}

SYSCALL3(ioprio_set, int, which, uint32_t, who, unsigned, priority)
{
    int64_t result = check(priority);
    struct process *process;
    pid_t from = 1;

    if (result)
        return result;
    if (!is_priority_which(WHICH(which)))
        return -EINVAL;
    who = who ? who : own_target(WHICH(which));
    result = -ESRCH;
    while (result != -EPERM && (process = next_target(WHICH(which), who, &from))) {
        result = inspect_same_user(process) ? 0 : -EPERM;
        if (!result)
            process->io_priority = priority;
        process_put(process);
    }
    return result;
}

/* Of several, the most urgent; none at all stands behind the middle of the second class. */
static unsigned urgency(unsigned priority)
{
    return priority ? priority : IOPRIO_PRIO_VALUE(IOPRIO_CLASS_BE, IOPRIO_BE_NORM);
}

SYSCALL2(ioprio_get, int, which, uint32_t, who)
{
    int64_t best = -ESRCH;
    struct process *process;
    pid_t from = 1;

    if (!is_priority_which(WHICH(which)))
        return -EINVAL;
    who = who ? who : own_target(WHICH(which));
    while ((process = next_target(WHICH(which), who, &from))) {
        if (best < 0 || urgency(process->io_priority) < urgency(best))
            best = process->io_priority;
        process_put(process);
    }
    return best;
}
