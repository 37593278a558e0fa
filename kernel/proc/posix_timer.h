// SPDX-License-Identifier: MIT
/*
 * posix_timer.h - timer_create(2) and its kin: timers of a process that send a signal.
 */
#ifndef PROC_POSIX_TIMER_H
#define PROC_POSIX_TIMER_H

#include <asm/siginfo.h>

#include "lib/types.h"
#include "proc/pid.h"
#include "sync/alarm.h"

struct posix_timer;
struct process;
struct signal_info;

/* What a timer is to do; as struct sigevent has it, checked by posix_timer_create. */
struct posix_timer_request {
    int clock;                  // CLOCK_..., or the number of a CPU clock
    bool by_default;            // SIGALRM with the timer's number
    int notify;                 // SIGEV_*
    int sig;
    sigval_t value;
    pid_t thread;               // for SIGEV_THREAD_ID
};

/*
 * For the running process. Timers are known by number.
 *
 * => create: the number, -EINVAL, -EAGAIN (too many, or no memory)
 * => the others: 0 (overrun: the count), or -EINVAL if there is no such timer; set: -ESRCH: its CPU clock has ended
 */
int posix_timer_create(const struct posix_timer_request *request);
int posix_timer_set(int id, bool absolute, const struct alarm_setting *setting, struct alarm_setting *old);
int posix_timer_get(int id, struct alarm_setting *out);
int posix_timer_overrun(int id);
int posix_timer_delete(int id);

/* The process ends or executes another program: its timers go, and their signals that wait. */
void posix_timers_release(struct process *process);

/*
 * A timer's signal has been taken (then `info` gets the overruns) or thrown away (info NULL): it may ring again.
 *
 * => the process's signal_lock held
 */
void posix_timer_taken(struct posix_timer *timer, struct signal_info *info);

#endif
