// SPDX-License-Identifier: MIT
/*
 * mutex.c - taking and giving back a mutex that others wait for.
 *
 * Theory      Who waits sets bit 0 of the word, so that the holder's quick way to give it back fails and it wakes the
 *             first in the queue. The one woken does not know whether others still wait, so it takes the mutex with
 *             the bit set; at worst it then looks into an empty queue once. So a word without the bit means that
 *             nobody sleeps who has not been woken.
 */
#include "sync/mutex.h"

#include "lib/log.h"

#define WAITED_FOR ((uintptr_t)1)

void mutex_init(struct mutex *mutex, const char *name __maybe_unused, enum lock_rank rank __maybe_unused)
{
    atomic_init(&mutex->owner, 0);
    wait_queue_init(&mutex->waiters);
#ifdef DEBUG
    mutex->rank = rank;
    mutex->name = name;
#endif
}

/* Take it, or leave the mark that someone waits. => true if taken; the waiter stands in the queue */
static bool take_or_mark(struct mutex *mutex)
{
    uintptr_t self = (uintptr_t)current_kthread();
    uintptr_t owner = atomic_load_explicit(&mutex->owner, memory_order_relaxed);

    for (;;) {
        uintptr_t wanted = owner == 0 ? self | WAITED_FOR : owner | WAITED_FOR;

        if (atomic_compare_exchange_weak_explicit(&mutex->owner, &owner, wanted, memory_order_acquire,
                                                  memory_order_relaxed))
            return owner == 0;
    }
}

void mutex_lock_wait(struct mutex *mutex)
{
    DEBUG_ASSERT(!mutex_held(mutex));
    wait_event(&mutex->waiters, take_or_mark(mutex));
}

int mutex_lock_wait_interruptible(struct mutex *mutex)
{
    DEBUG_ASSERT(!mutex_held(mutex));
    return wait_event_interruptible(&mutex->waiters, take_or_mark(mutex));
}

void mutex_unlock_wake(struct mutex *mutex)
{
    ASSERT(mutex_held(mutex));
    atomic_store_explicit(&mutex->owner, 0, memory_order_release);
    wake_one(&mutex->waiters);
}
