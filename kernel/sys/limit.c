// SPDX-License-Identifier: MIT
/*
 * limit.c - resource limits, and the resources used.
 */
#include <linux/resource.h>

#include "arch/x86/time.h"
#include "lib/errno.h"
#include "mm/measure.h"
#include "mm/usercopy.h"
#include "mm/vspace.h"
#include "proc/cred.h"
#include "proc/process.h"
#include "proc/rlimit.h"
#include "sys/inspect.h"
#include "sys/syscall.h"
#include "sys/usage.h"

static __kernel_old_time_t whole_seconds(uint64_t ns)
{
    return ns / NS_PER_SECOND;
}

static __kernel_suseconds_t microseconds(uint64_t ns)
{
    return ns % NS_PER_SECOND / 1000;
}

/* ru_maxrss is the most that was measured: when somebody looked, and at the end of a program. */
int put_rusage(vaddr_t address, const struct process_usage *usage)
{
    struct rusage rusage = {
        .ru_utime = {whole_seconds(usage->user_ns), microseconds(usage->user_ns)},
        .ru_stime = {whole_seconds(usage->system_ns), microseconds(usage->system_ns)},
        .ru_maxrss = usage->most_resident * (PAGE_SIZE / 1024),
        .ru_minflt = usage->minor_faults,
        .ru_majflt = usage->major_faults,
        .ru_nvcsw = usage->voluntary,
        .ru_nivcsw = usage->involuntary,
    };

    return copy_to_user(address, &rusage, sizeof(rusage));
}

SYSCALL2(getrusage, int, who, vaddr_t, address)
{
    struct process_usage usage;

    switch (who) {
    case RUSAGE_SELF:
        process_usage(current_process(), &usage);
        usage.most_resident = vspace_peak_resident(current_process()->vspace);
        break;
    case RUSAGE_CHILDREN:
        process_child_usage(current_process(), &usage);
        break;
    case RUSAGE_THREAD:
        thread_usage(current_thread(), &usage);
        usage.most_resident = vspace_peak_resident(current_process()->vspace);
        break;
    default:
        return -EINVAL;
    }
    return put_rusage(address, &usage);
}

SYSCALL2(getrlimit, unsigned, resource, vaddr_t, address)
{
    struct rlimit limit;
    int error = rlimit_change(current_process(), resource, NULL, &limit);

    return error ? error : copy_to_user(address, &limit, sizeof(limit));
}

SYSCALL2(setrlimit, unsigned, resource, vaddr_t, address)
{
    struct rlimit limit;
    int error = copy_from_user(&limit, address, sizeof(limit));

    return error ? error : rlimit_change(current_process(), resource, &limit, NULL);
}

/* The process that prlimit is about, with a reference. => 0, -ESRCH, -EPERM */
static int find_target(pid_t pid, struct process **target)
{
    int error;

    *target = pid ? process_find(pid) : process_get(current_process());
    if (!*target)
        return -ESRCH;
    error = inspect_same_user(*target) ? 0 : -EPERM;
    if (error)
        process_put(*target);
    return error;
}

SYSCALL4(prlimit64, pid_t, pid, unsigned, resource, vaddr_t, new_address, vaddr_t, old_address)
{
    struct rlimit new_limit, old_limit;
    struct process *target;
    int error;

    if (new_address && copy_from_user(&new_limit, new_address, sizeof(new_limit)))
        return -EFAULT;
    error = find_target(pid, &target);
    if (error)
        return error;
    error = rlimit_change(target, resource, new_address ? &new_limit : NULL, &old_limit);
    process_put(target);
    if (!error && old_address)
        error = copy_to_user(old_address, &old_limit, sizeof(old_limit));
    return error;
}
