// SPDX-License-Identifier: MIT
/*
 * itimer.h - setitimer, getitimer, alarm.
 */
#ifndef PROC_ITIMER_H
#define PROC_ITIMER_H

#include "lib/types.h"

struct process;

struct itimer_setting {
    uint64_t value_ns;          // until it fires; 0: disarmed
    uint64_t interval_ns;       // then again after this; 0: once
};

/*
 * => which is ITIMER_REAL, ITIMER_VIRTUAL or ITIMER_PROF of <linux/time.h>, of the running process
 * => 0, -EINVAL, -ENOMEM; old may be NULL
 */
int itimer_set(int which, const struct itimer_setting *setting, struct itimer_setting *old);
int itimer_get(int which, struct itimer_setting *out);

/* The process ends, and its timers with it. => may wait for one that is firing; no lock held */
void itimers_release(struct process *process);

#endif
