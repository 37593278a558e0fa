// SPDX-License-Identifier: MIT
/*
 * cpu_watch.h - alarms that go by CPU time, and the limit on it.
 */
#ifndef PROC_CPU_WATCH_H
#define PROC_CPU_WATCH_H

#include "proc/cpu_clock.h"
#include "sync/alarm.h"

struct thread;

/* process->cpu_watched: why its threads' time is looked at. 0, and it costs nothing. */
#define CPU_WATCHED_ALARM 1u
#define CPU_WATCHED_LIMIT 2u

/* An alarm on a CPU clock. Zeroed: none.    Fields: (c) constant from begin to end  (w) the lock of all watches */
struct cpu_watch {
    struct list link;               // (w) process->cpu_watches
    struct alarm *alarm;            // (c)
    struct cpu_clock clock;         // (c)
};

/* Let the alarm go by the clock, whose reference it takes. => spinlocks up to RANK_ALARMS may be held */
void cpu_watch_begin(struct cpu_watch *watch, struct alarm *alarm, const struct cpu_clock *clock);
void cpu_watch_end(struct cpu_watch *watch);

static inline bool cpu_watch_on(const struct cpu_watch *watch)
{
    return watch->alarm;
}

/* Tell the alarm its clock's time, before it is set or asked. => 0, -ESRCH: the clock stands */
int cpu_watch_tell(struct cpu_watch *watch);

/* The running thread's share of what is watched has changed: look again soon. */
void cpu_watch_hurry(void);

/* RLIMIT_CPU of the process has been set. => process->lock held, or nobody else knows the process */
void cpu_watch_limit(struct process *process);

/* At each tick of a running thread. => in an interrupt */
void cpu_watch_tick(struct thread *thread);

/* A thread of a watched process comes to a CPU. => in the switch: run queue locked, interrupts off */
void cpu_watch_arrive(struct thread *thread);

#endif
