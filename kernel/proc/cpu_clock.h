// SPDX-License-Identifier: MIT
/*
 * cpu_clock.h - the clocks that count a process's or a thread's CPU time, by the numbers that programs know them by.
 */
#ifndef PROC_CPU_CLOCK_H
#define PROC_CPU_CLOCK_H

#include "proc/pid.h"
#include "proc/process.h"

enum cpu_clock_kind {
    CPU_CLOCK_PROF,         // user and system time, as ITIMER_PROF counts
    CPU_CLOCK_VIRT,         // user time
    CPU_CLOCK_SCHED,        // time on a CPU
};

/* All fields are constant while it is somebody's. */
struct cpu_clock {
    struct process *process;        // counted
    pid_t thread;                   // 0: the whole process
    enum cpu_clock_kind kind;
};

/* Numbers below zero, CLOCK_PROCESS_CPUTIME_ID and CLOCK_THREAD_CPUTIME_ID. */
bool cpu_clock_is(int number);

/* Of a process, or of a thread of the running process. => 0 (cpu_clock_put it), -EINVAL: there is none such */
__must_check int cpu_clock_find(int number, struct cpu_clock *out);
void cpu_clock_put(struct cpu_clock *clock);

/* => 0, -ESRCH: its thread has ended, or its process has been waited for */
__must_check int cpu_clock_read(const struct cpu_clock *clock, uint64_t *ns);

/* The part of what was used that such a clock counts. */
uint64_t cpu_clock_part(enum cpu_clock_kind kind, const struct process_usage *usage);

#endif
