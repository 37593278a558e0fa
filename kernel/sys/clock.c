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
#include "proc/cpu_clock.h"
#include "proc/cred.h"
#include "proc/process.h"
#include "sync/alarm.h"
#include "sys/syscall.h"
#include "sys/user_time.h"

#define NS_PER_TICK (NS_PER_SECOND / USER_HZ)
#define RESOLUTION_NS 1

/* => 0, -EINVAL */
static int cpu_clock(int number, uint64_t *ns)
{
    struct cpu_clock clock;
    int error = cpu_clock_find(number, &clock);

    if (error)
        return error;
    error = cpu_clock_read(&clock, ns);
    cpu_clock_put(&clock);
    return error ? -EINVAL : 0;
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
    default:
        return cpu_clock_is(clock) ? cpu_clock(clock, ns) : -EINVAL;
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
