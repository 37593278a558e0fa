// SPDX-License-Identifier: MIT
/*
 * fail.h - let one allocation fail on purpose: the n-th frame or slab object that a thread asks for.
 *
 * For the sweep over n that proves that no operation loses anything when memory runs out in the middle of it. Armed
 * through /proc/gaur/fail, or for all threads by the kernel argument fail=N.
 */
#ifndef MM_FAIL_H
#define MM_FAIL_H

#include <stdatomic.h>

#include "arch/x86/cpu.h"
#include "lib/types.h"

/* What is armed. `left` is 0 while nothing is: the one thing that every allocation looks at. */
struct fail_point {
    _Atomic uint64_t left;          // allocations until the one that fails, itself included
    struct kthread *_Atomic thread; // whose are counted; NULL: everybody's
    _Atomic bool again;             // who meets the failure finds memory when it looks for some, once
};

extern struct fail_point fail_point;

/*
 * Fail the n-th allocation from now on, once, of `thread` or (NULL) of anybody. n = 0 disarms. `again`: the system call that ends for
 * that is made again, as if reclaim had found memory, however much is free.
 */
void fail_arm(struct kthread *thread, uint64_t n, bool again);

/* How many allocations are left until the one that fails; 0: it has failed, or nothing is armed. */
uint64_t fail_left(void);

/* Whether the running thread has met its failure, and is to try again; true once. */
bool fail_wants_again(void);

/* The slow half of fail_now. */
bool fail_count_down(void);

/* Not 0 if anything is armed. */
static inline uint64_t fail_armed(void)
{
    return atomic_load_explicit(&fail_point.left, memory_order_relaxed);
}

/* Whether this allocation is the one. */
static inline bool fail_now(void)
{
    return unlikely(fail_armed()) && fail_count_down();
}

#endif
