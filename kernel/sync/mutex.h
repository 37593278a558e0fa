// SPDX-License-Identifier: MIT
/*
 * mutex.h - a lock whose holder may sleep, and that one sleeps for.
 *
 * One compare-and-exchange to take and to give back when nobody waits. The word is the holder's address; bit 0 says
 * that someone waits. Whoever comes first after a release gets it: not fair, but no hand-over of the CPU is forced.
 * => never in interrupts or under a spinlock
 */
#ifndef SYNC_MUTEX_H
#define SYNC_MUTEX_H

#include <stdatomic.h>

#include "arch/x86/cpu.h"
#include "sync/rank.h"
#include "sync/wait.h"

struct mutex {
    _Atomic uintptr_t owner;        // (a) struct kthread *, or 0; bit 0: someone waits
    struct wait_queue waiters;
#ifdef DEBUG
    enum lock_rank rank;            // (c)
    const char *name;               // (c)
#endif
};

#ifdef DEBUG
#define MUTEX_INIT(mutex, lock_name, lock_rank) \
    { .waiters = WAIT_QUEUE_INIT((mutex).waiters), .rank = (lock_rank), .name = (lock_name) }
#define mutex_rank_push(mutex, nested, trying) \
    lock_rank_acquire((mutex), (mutex)->name, (mutex)->rank, (nested), (trying))
#define mutex_rank_pop(mutex) lock_rank_pop((mutex), (mutex)->rank)
#else
#define MUTEX_INIT(mutex, lock_name, lock_rank) { .waiters = WAIT_QUEUE_INIT((mutex).waiters) }
#define mutex_rank_push(mutex, nested, trying) ((void)0)
#define mutex_rank_pop(mutex)                  ((void)0)
#endif

void mutex_init(struct mutex *mutex, const char *name, enum lock_rank rank);

/* The paths with waiters. */
void mutex_lock_wait(struct mutex *mutex);
int mutex_lock_wait_interruptible(struct mutex *mutex);
void mutex_unlock_wake(struct mutex *mutex);

static inline bool mutex_try_word(struct mutex *mutex)
{
    uintptr_t free = 0;

    return atomic_compare_exchange_strong_explicit(&mutex->owner, &free, (uintptr_t)current_kthread(),
                                                   memory_order_acquire, memory_order_relaxed);
}

static inline void mutex_lock(struct mutex *mutex)
{
    mutex_rank_push(mutex, false, false);
    if (unlikely(!mutex_try_word(mutex)))
        mutex_lock_wait(mutex);
}

/* Take a second mutex of the same rank. => the caller has an order within the rank, and says which */
static inline void mutex_lock_nested(struct mutex *mutex)
{
    mutex_rank_push(mutex, true, false);
    if (unlikely(!mutex_try_word(mutex)))
        mutex_lock_wait(mutex);
}

/* Take it unless a signal wants the thread first. => 0 or -EINTR */
static inline int __must_check mutex_lock_interruptible(struct mutex *mutex)
{
    int error = 0;

    mutex_rank_push(mutex, false, false);
    if (unlikely(!mutex_try_word(mutex)))
        error = mutex_lock_wait_interruptible(mutex);
    if (error != 0)
        mutex_rank_pop(mutex);
    return error;
}

/* Take it if it is free; in any order. => true if taken */
static inline bool __must_check mutex_trylock(struct mutex *mutex)
{
    if (!mutex_try_word(mutex))
        return false;
    mutex_rank_push(mutex, false, true);
    return true;
}

static inline void mutex_unlock(struct mutex *mutex)
{
    uintptr_t self = (uintptr_t)current_kthread();

    mutex_rank_pop(mutex);
    if (unlikely(!atomic_compare_exchange_strong_explicit(&mutex->owner, &self, 0, memory_order_release,
                                                          memory_order_relaxed)))
        mutex_unlock_wake(mutex);
}

/* Does this thread hold it? */
static inline bool mutex_held(const struct mutex *mutex)
{
    uintptr_t owner = atomic_load_explicit(&mutex->owner, memory_order_relaxed);

    return owner != 0 && (owner & ~(uintptr_t)1) == (uintptr_t)current_kthread();
}

#endif
