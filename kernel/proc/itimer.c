// SPDX-License-Identifier: MIT
/*
 * itimer.c - setitimer, getitimer, alarm.
 *
 * ITIMER_REAL is an alarm by the clock since boot, ITIMER_VIRTUAL and ITIMER_PROF are alarms by the process's CPU time.
 * The signal is sent under the lock, so that none of a timer's comes after it was disarmed.
 */
#include "proc/itimer.h"

#include <linux/time.h>

#include "lib/errno.h"
#include "mm/slab.h"
#include "proc/cpu_watch.h"
#include "proc/process.h"
#include "sync/alarm.h"

#define TIMERS 3
#define LEAST_NS 1000   // what one that is due tells, since it is not disarmed

static const struct {
    int sig;
    enum cpu_clock_kind clock;  // but for ITIMER_REAL
} kinds[TIMERS] = {
    [ITIMER_REAL] = {.sig = SIGALRM},
    [ITIMER_VIRTUAL] = {SIGVTALRM, CPU_CLOCK_VIRT},
    [ITIMER_PROF] = {SIGPROF, CPU_CLOCK_PROF},
};

struct itimer {
    struct alarm alarm;
    struct cpu_watch watch;     // (l) on while it is set, but for ITIMER_REAL's
    struct itimers *all;        // (c)
};

/* Fields: (l) lock  (c) constant */
struct itimers {
    struct spinlock lock;
    struct process *process;            // (c) who has them: not counted
    struct itimer timers[TIMERS];
};

/* => in an interrupt */
static void itimer_rings(struct alarm *alarm)
{
    struct itimer *timer = container_of(alarm, struct itimer, alarm);
    struct itimers *all = timer->all;
    uint64_t flags = spin_lock_irq(&all->lock);

    if (alarm_collect(alarm))   // not set anew meanwhile
        (void)signal_send_process(all->process, kinds[timer - all->timers].sig, NULL);
    spin_unlock_irq(&all->lock, flags);
}

static const struct alarm_ops itimer_alarm_ops = {.rings = itimer_rings};

/* The process's timers, made when the first is set. => NULL when there is no memory */
static struct itimers *itimers_get(struct process *process)
{
    struct itimers *timers = __atomic_load_n(&process->itimers, __ATOMIC_ACQUIRE);
    struct itimers *none = NULL;

    if (timers != NULL)
        return timers;
    timers = slab_zalloc(sizeof(*timers));
    if (timers == NULL)
        return NULL;
    spin_init(&timers->lock, "itimers", RANK_ITIMER);
    timers->process = process;
    for (int which = 0; which < TIMERS; which++) {
        alarm_init(&timers->timers[which].alarm, &itimer_alarm_ops);
        timers->timers[which].all = timers;
    }
    if (__atomic_compare_exchange_n(&process->itimers, &none, timers, false, __ATOMIC_ACQ_REL,
                                    __ATOMIC_ACQUIRE))
        return timers;
    slab_free(timers); // another thread was faster
    return none;
}

/* The CPU time of one that goes by it, before it is read or set. => its lock held */
static void tell_time(struct itimer *timer)
{
    if (cpu_watch_on(&timer->watch))
        (void)cpu_watch_tell(&timer->watch); // of the running process: it is there
}

/* Have one that goes by CPU time watched while it is set. => its lock held */
static void watch(struct itimer *timer, bool set)
{
    int which = timer - timer->all->timers;
    struct cpu_clock clock = {.process = timer->all->process, .kind = kinds[which].clock};

    if (which == ITIMER_REAL || set == cpu_watch_on(&timer->watch))
        return;
    if (!set) {
        cpu_watch_end(&timer->watch);
        return;
    }
    process_get(clock.process);
    cpu_watch_begin(&timer->watch, &timer->alarm, &clock);
    tell_time(timer);
}

/* => its lock held */
static void write_timer(struct itimer *timer, const struct itimer_setting *setting)
{
    const struct alarm_setting alarm = {setting->value_ns, setting->interval_ns};

    watch(timer, setting->value_ns != 0);
    alarm_set(&timer->alarm, &alarm, ALARM_AFTER);
    if (cpu_watch_on(&timer->watch))
        cpu_watch_hurry();
}

/* => its lock held */
static void read_timer(struct itimer *timer, struct itimer_setting *out)
{
    struct alarm_setting alarm;

    tell_time(timer);
    alarm_get(&timer->alarm, &alarm, LEAST_NS);
    *out = (struct itimer_setting){alarm.value_ns, alarm.interval_ns};
}

static bool is_known(int which)
{
    return which >= 0 && which < TIMERS;
}

int itimer_set(int which, const struct itimer_setting *setting, struct itimer_setting *old)
{
    struct itimer_setting before = {0};
    struct itimers *timers;
    uint64_t flags;

    if (!is_known(which))
        return -EINVAL;
    if (setting->value_ns == 0 && current_process()->itimers == NULL) {
        if (old != NULL)
            *old = before;
        return 0;
    }
    timers = itimers_get(current_process());
    if (timers == NULL)
        return -ENOMEM;
    flags = spin_lock_irq(&timers->lock);
    read_timer(&timers->timers[which], &before);
    write_timer(&timers->timers[which], setting);
    spin_unlock_irq(&timers->lock, flags);
    if (old != NULL)
        *old = before;
    return 0;
}

int itimer_get(int which, struct itimer_setting *out)
{
    struct itimers *timers = current_process()->itimers;
    uint64_t flags;

    if (!is_known(which))
        return -EINVAL;
    *out = (struct itimer_setting){0};
    if (timers == NULL)
        return 0;
    flags = spin_lock_irq(&timers->lock);
    read_timer(&timers->timers[which], out);
    spin_unlock_irq(&timers->lock, flags);
    return 0;
}

void itimers_release(struct process *process)
{
    struct itimers *timers = process->itimers;

    if (timers == NULL)
        return;
    for (int which = 0; which < TIMERS; which++) {
        cpu_watch_end(&timers->timers[which].watch);
        alarm_end(&timers->timers[which].alarm);
    }
}
