// SPDX-License-Identifier: MIT
/*
 * sleep.c - wait for a time, or be reminded of it.
 */
#include <linux/time.h>

#include "arch/x86/time.h"
#include "lib/checked.h"
#include "mm/usercopy.h"
#include "proc/itimer.h"
#include "proc/process.h"
#include "proc/signal.h"
#include "sync/alarm.h"
#include "sync/wait.h"
#include "sys/clock.h"
#include "sys/syscall.h"
#include "sys/user_time.h"

/* Sleep until args[0]; if a signal ends it, tell at args[1] (unless it is 0) what was left, and be ready to go on. */
static int64_t sleep_restartably(struct restart_block *block)
{
    uint64_t args[2] = {block->args[0], block->args[1]};

    if (sleep_until(args[0]) != -EINTR)
        return 0;
    if (args[1] && put_timespec(args[1], time_left(args[0])))
        return -EFAULT;
    return signal_restart_with(sleep_restartably, args, ARRAY_SIZE(args));
}

static int64_t sleep_for(uint64_t ns, vaddr_t left)
{
    struct restart_block block = {.args = {deadline_after(ns), left}};

    return sleep_restartably(&block);
}

SYSCALL2(nanosleep, vaddr_t, time, vaddr_t, left)
{
    uint64_t ns;
    int error = user_timespec(time, &ns);

    return error ? error : sleep_for(ns, left);
}

/* A sleeper whose alarm follows the wall clock, which may be set meanwhile. */
struct wall_sleep {
    struct alarm alarm;
    struct wait_queue wakes;
};

static void wall_sleep_rings(struct alarm *alarm)
{
    wake_all(&container_of(alarm, struct wall_sleep, alarm)->wakes);
}

static const struct alarm_ops wall_sleep_ops = {.rings = wall_sleep_rings};

/* Sleep until the wall clock says `ns`. => 0, -EINTR */
static int sleep_until_wall_time(uint64_t ns)
{
    const struct alarm_setting setting = {.value_ns = MAX(ns, UINT64_C(1))};
    struct wall_sleep sleep;
    int error;

    wait_queue_init(&sleep.wakes);
    alarm_init(&sleep.alarm, &wall_sleep_ops);
    alarm_set(&sleep.alarm, &setting, ALARM_AT_WALL_TIME);
    error = wait_event_interruptible(&sleep.wakes, alarm_has_rung(&sleep.alarm));
    alarm_end(&sleep.alarm);
    return error;
}

SYSCALL4(clock_nanosleep, int, clock, int, flags, vaddr_t, time, vaddr_t, left)
{
    bool wall = clock == CLOCK_REALTIME || clock == CLOCK_TAI;
    uint64_t ns;
    int error;

    if (!wall && clock != CLOCK_MONOTONIC && clock != CLOCK_BOOTTIME)
        return clock_read(clock, &ns) ? -EINVAL : -EOPNOTSUPP;
    error = user_timespec(time, &ns);
    if (error)
        return error;
    if (!(flags & TIMER_ABSTIME))
        return sleep_for(ns, left);
    error = wall ? sleep_until_wall_time(ns) : sleep_until(ns);
    return error == -EINTR ? -ERESTARTNOHAND : 0;
}

SYSCALL1(alarm, unsigned, seconds)
{
    struct itimer_setting old, new = {.value_ns = seconds * NS_PER_SECOND};
    int error = itimer_set(ITIMER_REAL, &new, &old);

    if (error || !old.value_ns)
        return 0;
    // Rounded to the nearest second, but a pending alarm is never told as none.
    return MAX((old.value_ns + NS_PER_SECOND / 2) / NS_PER_SECOND, UINT64_C(1));
}

static int put_itimer(vaddr_t address, const struct itimer_setting *setting)
{
    int error = put_timeval(address + offsetof(struct itimerval, it_interval), setting->interval_ns);

    return error ? error : put_timeval(address + offsetof(struct itimerval, it_value), setting->value_ns);
}

static int get_itimer(struct itimer_setting *setting, vaddr_t address)
{
    int error = user_timeval(address + offsetof(struct itimerval, it_interval), &setting->interval_ns);

    return error ? error : user_timeval(address + offsetof(struct itimerval, it_value), &setting->value_ns);
}

SYSCALL2(getitimer, int, which, vaddr_t, address)
{
    struct itimer_setting setting;
    int error = itimer_get(which, &setting);

    return error ? error : put_itimer(address, &setting);
}

SYSCALL3(setitimer, int, which, vaddr_t, new_address, vaddr_t, old_address)
{
    struct itimer_setting old, new = {0};
    int error = new_address ? get_itimer(&new, new_address) : 0;

    if (!error)
        error = itimer_set(which, &new, &old);
    if (!error && old_address)
        error = put_itimer(old_address, &old);
    return error;
}
