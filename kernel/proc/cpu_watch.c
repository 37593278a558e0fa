// SPDX-License-Identifier: MIT
/*
 * cpu_watch.c - alarms that go by CPU time, and the limit on it.
 *
 * Theory      CPU time passes only where a thread runs, so the tick of a running thread tells the alarms on its process's
 *             clocks (and on its own) how far these are. A thread that runs for less than a tick each time would never
 *             have one: so each has a mark on its own clock, and whenever it comes to a CPU that one's clock is armed for
 *             what is left until there. No thread runs past its mark by more than REST_NS without a look.
 * Locking     One lock for the lists of all processes; then the alarm's own.
 */
#include "proc/cpu_watch.h"

#include <linux/resource.h>

#include "arch/x86/time.h"
#include "lib/errno.h"
#include "sync/timer.h"

/* Looks are not closer together than this. */
#define REST_NS UINT64_C(1000000)

static struct spinlock watch_lock = SPINLOCK_INIT("cpu watches", RANK_ALARMS);

void cpu_watch_begin(struct cpu_watch *watch, struct alarm *alarm, const struct cpu_clock *clock)
{
    uint64_t flags = spin_lock_irq(&watch_lock);

    watch->alarm = alarm;
    watch->clock = *clock;
    list_add_tail(&clock->process->cpu_watches, &watch->link);
    atomic_fetch_or(&clock->process->cpu_watched, CPU_WATCHED_ALARM);
    spin_unlock_irq(&watch_lock, flags);
}

void cpu_watch_end(struct cpu_watch *watch)
{
    struct process *process = watch->clock.process;
    uint64_t flags;

    if (!cpu_watch_on(watch))
        return;
    flags = spin_lock_irq(&watch_lock);
    list_remove(&watch->link);
    if (list_empty(&process->cpu_watches))
        atomic_fetch_and(&process->cpu_watched, ~CPU_WATCHED_ALARM);
    spin_unlock_irq(&watch_lock, flags);
    watch->alarm = NULL;
    cpu_clock_put(&watch->clock);
}

int cpu_watch_tell(struct cpu_watch *watch)
{
    uint64_t ns;
    int error = cpu_clock_read(&watch->clock, &ns);

    if (!error)
        (void)alarm_count(watch->alarm, ns);
    return error;
}

void cpu_watch_hurry(void)
{
    unsigned long flags = irq_save();

    timer_need(clock_ns() + REST_NS);
    irq_restore(flags);
}

void cpu_watch_limit(struct process *process)
{
    if (process->limits[RLIMIT_CPU].rlim_cur == RLIM_INFINITY)
        atomic_fetch_and(&process->cpu_watched, ~CPU_WATCHED_LIMIT);
    else
        atomic_fetch_or(&process->cpu_watched, CPU_WATCHED_LIMIT);
}

/* The soft limit is told each second from then on (it moves along, as on Linux), the hard one ends the process. */
static void check_limit(struct process *process, uint64_t used_ns)
{
    struct rlimit *limit = &process->limits[RLIMIT_CPU];
    __kernel_ulong_t soft = limit->rlim_cur, seconds = used_ns / NS_PER_SECOND;

    if (seconds >= limit->rlim_max) {
        (void)signal_send_process(process, SIGKILL, NULL);
    } else if (seconds >= soft) {
        (void)signal_send_process(process, SIGXCPU, NULL);
        // Unless it has been set meanwhile.
        __atomic_compare_exchange_n(&limit->rlim_cur, &soft, soft + 1, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
    }
}

/* => what is left until the first of the alarms that this thread's time brings nearer */
static uint64_t tell_alarms(struct thread *thread, const struct process_usage *whole)
{
    uint64_t least = UINT64_MAX, flags = spin_lock_irq(&watch_lock);
    struct process_usage own;
    struct cpu_watch *watch;

    thread_usage(thread, &own);
    list_for_each_entry(watch, &thread->process->cpu_watches, link) {
        const struct cpu_clock *clock = &watch->clock;

        if (!clock->thread || clock->thread == thread->tid->number)
            least = MIN(least, alarm_count(watch->alarm, cpu_clock_part(clock->kind, clock->thread ? &own : whole)));
    }
    spin_unlock_irq(&watch_lock, flags);
    return least;
}

void cpu_watch_tick(struct thread *thread)
{
    struct process *process = thread->process;
    unsigned watched = atomic_load_explicit(&process->cpu_watched, memory_order_relaxed);
    struct process_usage whole;
    uint64_t left = SCHED_SLICE_NS;

    if (likely(!watched))
        return;
    process_usage(process, &whole);
    if (watched & CPU_WATCHED_LIMIT)
        check_limit(process, cpu_clock_part(CPU_CLOCK_PROF, &whole));
    if (watched & CPU_WATCHED_ALARM)
        left = MAX(MIN(left, tell_alarms(thread, &whole)), REST_NS);
    thread->cpu_mark_ns = thread->kthread.clock.total_ns + left;
    timer_need(clock_ns() + left);
}

void cpu_watch_arrive(struct thread *thread)
{
    uint64_t total = thread->kthread.clock.total_ns;

    timer_need(clock_ns() + (thread->cpu_mark_ns > total ? thread->cpu_mark_ns - total : 0));
}
