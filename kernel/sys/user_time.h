// SPDX-License-Identifier: MIT
/*
 * user_time.h - times as programs give and take them, in nanoseconds for us.
 */
#ifndef SYS_USER_TIME_H
#define SYS_USER_TIME_H

#include "lib/types.h"
#include "sync/alarm.h"

/* clock_ns() plus `ns`, or the end of time. */
uint64_t deadline_after(uint64_t ns);

/*
 * Read a struct timespec or timeval; a length or a time of day, not negative. What does not fit is the end of time.
 *
 * => 0, -EFAULT, -EINVAL (negative, or the fraction out of range)
 */
__must_check int user_timespec(vaddr_t address, uint64_t *ns);
__must_check int user_timeval(vaddr_t address, uint64_t *ns);

/* The two lengths of a struct itimerspec: value and interval. */
__must_check int user_itimerspec(vaddr_t address, struct alarm_setting *setting);
int put_itimerspec(vaddr_t address, const struct alarm_setting *setting);

/* => 0, -EFAULT */
int put_timespec(vaddr_t address, uint64_t ns);
int put_timeval(vaddr_t address, uint64_t ns);

/*
 * Write how long it is until `deadline` as a struct timespec, as ppoll and pselect do. A deadline that is past is 0;
 * one that never comes leaves what is there.
 *
 * => 0, -EFAULT; those calls do not care, and neither return it
 */
int put_time_left(vaddr_t address, uint64_t deadline);
uint64_t time_left(uint64_t deadline);

#endif
