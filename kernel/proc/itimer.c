// SPDX-License-Identifier: MIT
/*
 * itimer.c - setitimer, getitimer, alarm; and the limit on CPU time.
 *
 * ITIMER_REAL is a timer of the clock. ITIMER_VIRTUAL and ITIMER_PROF count the ticks (10 ms each) that
 * find a thread of the process running, in user mode or anywhere; so does RLIMIT_CPU. Linux before
 * high-resolution timers did the same.
 *
 * A disarmed or moved timer is not taken out of the clock's tree: when it fires it looks whether its time
 * has come. The signal is sent under the lock, so that none of a timer's comes after it was disarmed.
 */
#include "proc/itimer.h"

#include <linux/time.h>

#include "arch/x86/time.h"
#include "lib/errno.h"
#include "mm/slab.h"
#include "proc/process.h"
#include "sync/timer.h"

#define TICK_NS SCHED_SLICE_NS
#define TICKS_PER_SECOND (NS_PER_SECOND / TICK_NS)

/* A timer that ticks count down.    All fields: the lock of struct itimers */
struct tick_timer {
    uint64_t left_ns;       // 0: disarmed
    uint64_t interval_ns;
};

/* Fields: (l) lock  (c) constant */
struct itimers {
    struct spinlock lock;
    struct process *process;            // (c) who has it: not counted
    struct timer clock;                 // ITIMER_REAL
    uint64_t deadline_ns;               // (l) of ITIMER_REAL; 0: disarmed
    uint64_t interval_ns;               // (l)
    struct tick_timer ticked[2];        // (l) ITIMER_VIRTUAL, ITIMER_PROF
};

static struct tick_timer *tick_timer_of(struct itimers *timers, int which)
{
    return &timers->ticked[which - ITIMER_VIRTUAL];
}

/* The next time after `now`, whole intervals after `deadline`. */
static uint64_t next_deadline(uint64_t deadline, uint64_t interval, uint64_t now)
{
    return deadline + ((now - deadline) / interval + 1) * interval;
}

/* => in an interrupt */
static void clock_fired(struct timer *clock)
{
    struct itimers *timers = container_of(clock, struct itimers, clock);
    uint64_t flags = spin_lock_irq(&timers->lock);
    uint64_t now = clock_ns();
    bool due = timers->deadline_ns != 0 && timers->deadline_ns <= now;

    if (due && timers->interval_ns != 0) {
        timers->deadline_ns = next_deadline(timers->deadline_ns, timers->interval_ns, now);
        timer_add(clock, timers->deadline_ns);
    } else if (due) {
        timers->deadline_ns = 0;
    }
    if (due)
        (void)signal_send_process(timers->process, SIGALRM, NULL);
    spin_unlock_irq(&timers->lock, flags);
}

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
    timer_init(&timers->clock, clock_fired);
    if (__atomic_compare_exchange_n(&process->itimers, &none, timers, false, __ATOMIC_ACQ_REL,
                                    __ATOMIC_ACQUIRE))
        return timers;
    slab_free(timers); // another thread was faster
    return none;
}

/* => timers->lock held */
static void read_timer(struct itimers *timers, int which, struct itimer_setting *out)
{
    uint64_t now = clock_ns();

    if (which != ITIMER_REAL) {
        out->value_ns = tick_timer_of(timers, which)->left_ns;
        out->interval_ns = tick_timer_of(timers, which)->interval_ns;
        return;
    }
    out->interval_ns = timers->interval_ns;
    out->value_ns = 0;
    // One that is due and has not fired yet is not disarmed, so it must not look so.
    if (timers->deadline_ns != 0)
        out->value_ns = timers->deadline_ns > now ? timers->deadline_ns - now : 1000;
}

/* => timers->lock held */
static void write_timer(struct itimers *timers, int which, const struct itimer_setting *setting)
{
    if (which != ITIMER_REAL) {
        *tick_timer_of(timers, which) = (struct tick_timer){setting->value_ns, setting->interval_ns};
        return;
    }
    timers->interval_ns = setting->interval_ns;
    timers->deadline_ns = 0;
    if (setting->value_ns == 0)
        return;
    if (__builtin_add_overflow(clock_ns(), setting->value_ns, &timers->deadline_ns))
        timers->deadline_ns = TIMER_NEVER;
    timer_add(&timers->clock, timers->deadline_ns);
}

static bool is_known(int which)
{
    return which == ITIMER_REAL || which == ITIMER_VIRTUAL || which == ITIMER_PROF;
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
    read_timer(timers, which, &before);
    write_timer(timers, which, setting);
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
    read_timer(timers, which, out);
    spin_unlock_irq(&timers->lock, flags);
    return 0;
}

/* => timers->lock held; true: it has come to its end */
static bool count_tick(struct tick_timer *timer)
{
    if (timer->left_ns == 0)
        return false;
    if (timer->left_ns > TICK_NS) {
        timer->left_ns -= TICK_NS;
        return false;
    }
    timer->left_ns = timer->interval_ns;
    return true;
}

/* The soft limit is told every second, the hard one ends the process. */
static void check_cpu_limit(struct process *process, uint64_t ticks)
{
    struct rlimit *limit = &process->limits[RLIMIT_CPU];
    uint64_t seconds = ticks / TICKS_PER_SECOND;

    if (ticks % TICKS_PER_SECOND != 0 || limit->rlim_cur == RLIM_INFINITY)
        return;
    if (seconds >= limit->rlim_max)
        (void)signal_send_process(process, SIGKILL, NULL);
    else if (seconds >= limit->rlim_cur)
        (void)signal_send_process(process, SIGXCPU, NULL);
}

void itimer_tick(struct thread *thread, bool user)
{
    struct process *process = thread->process;
    struct itimers *timers = __atomic_load_n(&process->itimers, __ATOMIC_ACQUIRE);
    bool virtual, profile;
    uint64_t flags;

    check_cpu_limit(process, atomic_fetch_add_explicit(&process->ticks, 1, memory_order_relaxed) + 1);
    if (timers == NULL)
        return;
    flags = spin_lock_irq(&timers->lock);
    virtual = user && count_tick(tick_timer_of(timers, ITIMER_VIRTUAL));
    profile = count_tick(tick_timer_of(timers, ITIMER_PROF));
    spin_unlock_irq(&timers->lock, flags);
    if (virtual)
        (void)signal_send_process(process, SIGVTALRM, NULL);
    if (profile)
        (void)signal_send_process(process, SIGPROF, NULL);
}

void itimers_release(struct process *process)
{
    struct itimers *timers = process->itimers;
    uint64_t flags;

    if (timers == NULL)
        return;
    flags = spin_lock_irq(&timers->lock);
    timers->deadline_ns = 0;
    spin_unlock_irq(&timers->lock, flags);
    (void)timer_cancel(&timers->clock);
}
