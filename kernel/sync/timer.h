// SPDX-License-Identifier: MIT
/*
 * timer.h - functions called at a time.
 *
 * Each CPU has a tree of timers and arms its clock for the first, and only when there is one. A timer runs on the CPU
 * that added it, in an interrupt.
 */
#ifndef SYNC_TIMER_H
#define SYNC_TIMER_H

#include <stdatomic.h>

#include "lib/tree.h"
#include "lib/types.h"

/* Fields: (b) the lock of its CPU's timers  (c) constant after timer_init  (a) atomic */
struct timer {
    struct tree_node node;          // (b)
    uint64_t deadline_ns;           // (b) since boot, as clock_ns() counts
    void (*fn)(struct timer *);     // (c)
    _Atomic uint32_t cpu;           // (a) whose tree it is in, or was last; changes under both locks' absence only
    bool pending;                   // (b) in a tree
};

/* Make a timer that is not pending. `fn` runs with interrupts off, may wake and may add the timer again. */
void timer_init(struct timer *timer, void (*fn)(struct timer *));

/*
 * Call timer->fn at the deadline, or very soon if that has passed. A pending timer is moved.
 * => one thread at a time adds or cancels a given timer; interrupts on or off
 */
void timer_add(struct timer *timer, uint64_t deadline_ns);

/*
 * Make sure that it will not run, and is not running, so that its memory may go.
 * => not called by its own function; no lock held that the function takes
 * => true if it was pending, so did not run since it was added
 */
bool timer_cancel(struct timer *timer);

/* Run what is due. => called by the trap dispatcher for the clock's interrupt; `user`: it interrupted user mode */
void timer_interrupt(bool user);

/* Have this CPU's clock interrupt no later than the deadline. => interrupts off */
void timer_need(uint64_t deadline_ns);

#endif
