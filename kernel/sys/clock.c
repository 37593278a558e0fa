// SPDX-License-Identifier: MIT
/*
 * clock.c - what time it is, and how much was used.
 */
#include "sys/clock.h"

#include <linux/time.h>
#include <linux/times.h>

#include "arch/x86/time.h"
#include "lib/errno.h"
#include "mm/usercopy.h"
#include "proc/cred.h"
#include "proc/process.h"
#include "sync/alarm.h"
#include "sys/syscall.h"
#include "sys/user_time.h"

#define NS_PER_TICK (NS_PER_SECOND / USER_HZ)
#define RESOLUTION_NS 1

/* A clock number below zero names the CPU time of a process or thread: ~number << 3 and three bits that say which. */
#define CPU_CLOCK_KIND 3        // 0 user + system as ITIMER_PROF counts, 1 user, 2 scheduled time
#define CPU_CLOCK_THREAD 4

static uint64_t used(const struct process_usage *usage, int kind)
{
    return kind == 1 ? usage->user_ns : usage->user_ns + usage->system_ns;
}

/* CPU time of a thread of ours (0: the running one). => 0, -EINVAL */
static int thread_clock(pid_t tid, struct process_usage *usage)
{
    struct process *process = current_process();
    struct thread *thread;
    uint64_t flags;
    int error = -EINVAL;

    if (!tid) {
        thread_usage(current_thread(), usage);
        return 0;
    }
    flags = spin_lock_irq(&process->signal_lock);
    list_for_each_entry(thread, &process->threads, in_process) {
        if (thread->tid->number != tid)
            continue;
        thread_usage(thread, usage);
        error = 0;
    }
    spin_unlock_irq(&process->signal_lock, flags);
    return error;
}

/* CPU time of the process `pid` (0: ours), or of a thread. => 0, -EINVAL */
static int cpu_clock(int clock, uint64_t *ns)
{
    pid_t pid = ~(clock >> 3);
    int kind = clock & CPU_CLOCK_KIND;
    struct process_usage usage;
    struct process *process;

    if (kind == CPU_CLOCK_KIND)
        return -EINVAL;
    if (clock & CPU_CLOCK_THREAD) {
        if (thread_clock(pid, &usage))
            return -EINVAL;
    } else {
        process = pid ? process_find(pid) : process_get(current_process());
        if (!process)
            return -EINVAL;
        process_usage(process, &usage);
        process_put(process);
    }
    *ns = used(&usage, kind);
    return 0;
}

int clock_read(int clock, uint64_t *ns)
{
    switch (clock) {
    case CLOCK_REALTIME:
    case CLOCK_REALTIME_COARSE:
    case CLOCK_REALTIME_ALARM:
    case CLOCK_TAI:
        *ns = clock_realtime_ns();
        return 0;
    case CLOCK_MONOTONIC:
    case CLOCK_MONOTONIC_RAW:
    case CLOCK_MONOTONIC_COARSE:
    case CLOCK_BOOTTIME:
    case CLOCK_BOOTTIME_ALARM:
        *ns = clock_ns();
        return 0;
    case CLOCK_PROCESS_CPUTIME_ID:
        return cpu_clock(~0u << 3, ns);
    case CLOCK_THREAD_CPUTIME_ID:
        return cpu_clock(~0u << 3 | CPU_CLOCK_THREAD, ns);
    default:
        return clock < 0 ? cpu_clock(clock, ns) : -EINVAL;
    }
}

SYSCALL2(clock_gettime, int, clock, vaddr_t, address)
{
    uint64_t ns;
    int error = clock_read(clock, &ns);

    return error ? error : put_timespec(address, ns);
}

SYSCALL2(clock_getres, int, clock, vaddr_t, address)
{
    uint64_t ns;
    int error = clock_read(clock, &ns);

    return error || !address ? error : put_timespec(address, RESOLUTION_NS);
}

static int64_t set_realtime(uint64_t ns)
{
    if (!credentials_is_root(current_credentials()))
        return -EPERM;
    clock_set_realtime_ns(ns);
    alarms_clock_set();
    return 0;
}

SYSCALL2(clock_settime, int, clock, vaddr_t, address)
{
    uint64_t ns;
    int error;

    if (clock != CLOCK_REALTIME)
        return -EINVAL;
    error = user_timespec(address, &ns);
    return error ? error : set_realtime(ns);
}

SYSCALL2(gettimeofday, vaddr_t, time, vaddr_t, zone)
{
    if (time && put_timeval(time, clock_realtime_ns()))
        return -EFAULT;
    return zone ? clear_user(zone, sizeof(struct timezone)) : 0;
}

/* The time zone is not kept: Linux ignores it, too, but for the drift of the chip's clock. */
SYSCALL2(settimeofday, vaddr_t, time, vaddr_t, zone)
{
    uint64_t ns;
    int error;

    (void)zone;
    if (!time)
        return credentials_is_root(current_credentials()) ? 0 : -EPERM;
    error = user_timeval(time, &ns);
    return error ? error : set_realtime(ns);
}

SYSCALL1(time, vaddr_t, address)
{
    uint64_t now = clock_realtime_ns() / NS_PER_SECOND;

    if (address && put_user_u64(address, now))
        return -EFAULT;
    return now;
}

SYSCALL1(times, vaddr_t, address)
{
    struct process_usage own, children;
    struct tms tms;

    if (address) {
        process_usage(current_process(), &own);
        process_child_usage(current_process(), &children);
        tms = (struct tms){
            own.user_ns / NS_PER_TICK,
            own.system_ns / NS_PER_TICK,
            children.user_ns / NS_PER_TICK,
            children.system_ns / NS_PER_TICK,
        };
        if (copy_to_user(address, &tms, sizeof(tms)))
            return -EFAULT;
    }
    return clock_ns() / NS_PER_TICK;
}
