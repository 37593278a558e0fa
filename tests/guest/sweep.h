// SPDX-License-Identifier: MIT
/*
 * sweep.h - let the n-th allocation of an operation fail, for each n until none does.
 *
 * The caller gets ENOMEM (or what Linux says in its place), or the operation succeeds all the same, or the asker dies of it; and
 * nothing is lost: after each failure /proc/gaur/verify has to find nothing, and after each sweep no frame and no small object
 * more is in use than before.
 */
#ifndef GUEST_SWEEP_H
#define GUEST_SWEEP_H

#include "gaur.h"

#define SWEEP_MOST 2000     // allocations that no operation needs

/* One operation: `act` is what is tried with each allocation failing; it says whether all was as it should be. */
struct operation {
    const char *name;
    bool (*prepare)(void);      // with nothing armed; may be NULL, like undo
    bool (*act)(void);
    bool (*undo)(void);
};

/* The sweeps of a table, one claim each. Skipped on Linux. */
void sweep_all(const struct operation *operations, size_t count);

/*
 * The same where each call that finds no memory is made again by the kernel, as it is when reclaim has found some: `act` must come to
 * what it comes to without a failure.
 */
void sweep_again_all(const struct operation *operations, size_t count);

/* Whether a call did what it should, or said that there was no memory. */
bool fine(long result);

/*
 * The parts. The n-th allocation of the calling thread from now on fails (-n: and the call is made again); sweep_left, from a descriptor of /proc/gaur/fail that was
 * opened before, so that opening does not count, tells how many were left, and disarms.
 */
bool sweep_begin(void);
void sweep_arm(long n);
long sweep_left(int fd);
void sweep_end(void);

#endif
