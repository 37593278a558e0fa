// SPDX-License-Identifier: MIT
/*
 * sleep.c - wait for a time, or be reminded of it.
 */
#include <linux/time.h>

#include "arch/x86/time.h"
#include "lib/checked.h"
#include "mm/usercopy.h"
#include "proc/cpu_watch.h"
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

/* A sleeper who waits for an alarm: its clock may be set meanwhile, or count CPU time. */
struct alarm_sleep {
    struct alarm alarm;
    struct wait_queue wakes;
};

static void sleep_rings(struct alarm *alarm)
{
    wake_all(&container_of(alarm, struct alarm_sleep, alarm)->wakes);
}

static const struct alarm_ops sleep_alarm_ops = {.rings = sleep_rings};

static void sleep_init(struct alarm_sleep *sleep)
{
    wait_queue_init(&sleep->wakes);
    alarm_init(&sleep->alarm, &sleep_alarm_ops);
}

/* Sleep until the alarm's clock says `ns`. => 0, -EINTR */
static int sleep_until_alarm(struct alarm_sleep *sleep, uint64_t ns, int kind)
{
    const struct alarm_setting setting = {.value_ns = MAX(ns, UINT64_C(1))};
    int error;

    alarm_set(&sleep->alarm, &setting, kind);
    error = wait_event_interruptible(&sleep->wakes, alarm_has_rung(&sleep->alarm));
    alarm_end(&sleep->alarm);
    return error;
}

static int sleep_until_wall_time(uint64_t ns)
{
    struct alarm_sleep sleep;

    sleep_init(&sleep);
    return sleep_until_alarm(&sleep, ns, ALARM_AT_WALL_TIME);
}

/* Takes over the clock. => 0, -EINTR */
static int sleep_until_cpu_time(struct cpu_clock *clock, uint64_t ns)
{
    struct alarm_sleep sleep;
    struct cpu_watch watch;
    int error;

    sleep_init(&sleep);
    cpu_watch_begin(&watch, &sleep.alarm, clock);
    (void)cpu_watch_tell(&watch); // a clock that stands does not ring
    error = sleep_until_alarm(&sleep, ns, ALARM_AT);
    cpu_watch_end(&watch);
    return error;
}

/* Like sleep_restartably, with the number of the clock at args[2]. */
static int64_t cpu_sleep_restartably(struct restart_block *block)
{
    uint64_t args[3] = {block->args[0], block->args[1], block->args[2]}, now;
    struct cpu_clock clock;
    int error = cpu_clock_find(args[2], &clock);

    if (error || !sleep_until_cpu_time(&clock, args[0]))
        return error;
    if (args[1] && (clock_read(args[2], &now) || put_timespec(args[1], args[0] - MIN(args[0], now))))
        return -EFAULT;
    return signal_restart_with(cpu_sleep_restartably, args, ARRAY_SIZE(args));
}

static int64_t cpu_sleep_for(int number, uint64_t ns, vaddr_t left)
{
    struct restart_block block = {.args = {0, left, number}};
    uint64_t now;

    if (clock_read(number, &now))
        return -EINVAL;
    if (add_overflows(now, ns, &block.args[0]))
        block.args[0] = UINT64_MAX;
    return cpu_sleep_restartably(&block);
}

static int64_t cpu_sleep(int number, bool absolute, uint64_t ns, vaddr_t left)
{
    struct cpu_clock clock;
    int error = cpu_clock_find(number, &clock);

    if (error)
        return error;
    if (clock.thread == current_thread()->tid->number) { // it would never wake
        cpu_clock_put(&clock);
        return -EINVAL;
    }
    if (absolute)
        return sleep_until_cpu_time(&clock, ns) ? -ERESTARTNOHAND : 0;
    cpu_clock_put(&clock);
    return cpu_sleep_for(number, ns, left);
}

/* => 0, -EINVAL: no clock; -EOPNOTSUPP: one that nobody can sleep by */
static int check_clock(int clock)
{
    uint64_t ns;

    if (clock == CLOCK_REALTIME || clock == CLOCK_TAI || clock == CLOCK_MONOTONIC || clock == CLOCK_BOOTTIME)
        return 0;
    if (clock_is_dynamic(clock) || clock == CLOCK_THREAD_CPUTIME_ID)
        return -EOPNOTSUPP;
    return cpu_clock_is(clock) ? 0 : clock_read(clock, &ns) ? -EINVAL : -EOPNOTSUPP;
}

SYSCALL4(clock_nanosleep, int, clock, int, flags, vaddr_t, time, vaddr_t, left)
{
    bool wall = clock == CLOCK_REALTIME || clock == CLOCK_TAI;
    uint64_t ns;
    int error = check_clock(clock);

    if (!error)
        error = user_timespec(time, &ns);
    if (error)
        return error;
    if (cpu_clock_is(clock))
        return cpu_sleep(clock, flags & TIMER_ABSTIME, ns, left);
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
