// SPDX-License-Identifier: MIT
/*
 * alarm.h - an alarm as programs know it: once or again and again, by the clock since boot, the wall clock, or a count.
 *
 * An alarm that repeats is not set again before somebody has collected that it went off; then the times that have
 * passed meanwhile are counted. So the shortest interval costs no more interrupts than there is somebody to look.
 * timerfd and POSIX timers stand on this.
 */
#ifndef SYNC_ALARM_H
#define SYNC_ALARM_H

#include "lib/list.h"
#include "sync/spinlock.h"
#include "sync/timer.h"

struct alarm;

struct alarm_ops {
    // It went off. => in an interrupt, no lock held
    void (*rings)(struct alarm *alarm);
    // The wall clock, which it follows, was set. NULL: nothing to do. => alarms locked
    void (*clock_set)(struct alarm *alarm);
};

/* Fields: (l) lock  (c) constant  (w) the lock of all that follow the wall clock, and (l) to write */
struct alarm {
    struct timer timer;
    struct spinlock lock;
    const struct alarm_ops *ops;    // (c)
    uint64_t expiry_ns;             // (l) when it goes off, on its clock; 0: not set
    uint64_t interval_ns;           // (l) then again; 0: once
    uint64_t rung;                  // (l) times that nobody has collected
    uint64_t count_ns;              // (l) of one that goes by a count: how far that is
    bool counted;                   // (l) it does
    bool due;                       // (l) it went off, and is to be set again
    bool follows_wall;              // (w) its times are those of the wall clock
    struct list link;               // (w)
};

/* What is asked for, and what is told. */
struct alarm_setting {
    uint64_t value_ns;              // how long, or until when; 0: not set
    uint64_t interval_ns;
};

void alarm_init(struct alarm *alarm, const struct alarm_ops *ops);

enum { ALARM_AFTER, ALARM_AT, ALARM_AT_WALL_TIME };   // what value_ns means

/* Set it, or (value_ns 0) take it back; what was not collected is forgotten. => one thread at a time */
void alarm_set(struct alarm *alarm, const struct alarm_setting *setting, int kind);

/* How long until it goes off; 0 with `value_ns` not set. A time that has come and not gone off tells `least`. */
void alarm_get(struct alarm *alarm, struct alarm_setting *out, uint64_t least);

/* How often it went off since this was last asked; sets it again if it repeats. */
uint64_t alarm_collect(struct alarm *alarm);

/* Collect and forget; if it repeats, it rests for `rest_ns` at least before it goes off again. */
void alarm_skip(struct alarm *alarm, uint64_t rest_ns);

/* Whether there is something to collect. */
bool alarm_has_rung(const struct alarm *alarm);

/*
 * Tell how far a count is that the caller keeps, such as CPU time; it never goes back. From the first time on the alarm
 * goes by that, not by a clock: ALARM_AFTER and ALARM_AT mean it, and it goes off when it is told to have come so far.
 * => how much is left until then; UINT64_MAX: it is not set, or has gone off
 */
uint64_t alarm_count(struct alarm *alarm, uint64_t count_ns);

/* Never again: its memory may go. => may wait for ops->rings; no lock held that it takes */
void alarm_end(struct alarm *alarm);

/* The wall clock has been set. */
void alarms_clock_set(void);

#endif
