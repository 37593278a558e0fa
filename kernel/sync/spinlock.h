// SPDX-License-Identifier: MIT
/*
 * spinlock.h - locks held for a few instructions, with preemption off.
 *
 * One exchange to take, one store to give back, and the preempt count. The holder never sleeps.
 * A lock that interrupt handlers take, too, is taken by spin_lock_irq everywhere else, and has a rank of that zone.
 *
 * Considered  Ticket and queue locks: fair, but when the host takes away the CPU that is next in line, all wait for it;
 *             with at most eight CPUs under an emulator the plain exchange wins.
 */
#ifndef SYNC_SPINLOCK_H
#define SYNC_SPINLOCK_H

#include <stdatomic.h>

#include "arch/x86/cpu.h"
#include "sync/rank.h"

struct spinlock {
    _Atomic uint8_t locked;     // (a) 1 while held
#ifdef DEBUG
    enum lock_rank rank;        // (c)
    const char *name;           // (c)
#endif
};

#ifdef DEBUG
#define SPINLOCK_INIT(lock_name, lock_rank) { .rank = (lock_rank), .name = (lock_name) }
#define spin_rank_push(lock, nested, trying) \
    lock_rank_acquire((lock), (lock)->name, (lock)->rank, (nested), (trying))
#define spin_rank_pop(lock) lock_rank_pop((lock), (lock)->rank)
#else
#define SPINLOCK_INIT(lock_name, lock_rank) { 0 }
#define spin_rank_push(lock, nested, trying) ((void)0)
#define spin_rank_pop(lock)                  ((void)0)
#endif

static inline void spin_init(struct spinlock *lock, const char *name __maybe_unused,
                             enum lock_rank rank __maybe_unused)
{
    atomic_init(&lock->locked, 0);
#ifdef DEBUG
    lock->rank = rank;
    lock->name = name;
#endif
}

/* Wait until the lock was seen free and has been taken. The path that is not inline. */
void spin_wait(struct spinlock *lock);

/* Only the lock word; preemption or interrupts are off already. */
static inline void spin_acquire(struct spinlock *lock)
{
    if (unlikely(atomic_exchange_explicit(&lock->locked, 1, memory_order_acquire)))
        spin_wait(lock);
}

static inline void spin_release(struct spinlock *lock)
{
    atomic_store_explicit(&lock->locked, 0, memory_order_release);
}

/*
 * Take the lock; preemption is off until unlock.
 * => a lock of the spinning zone: not in an interrupt; one of the interrupts' zone: interrupts are off
 */
static inline void spin_lock(struct spinlock *lock)
{
    preempt_disable();
    spin_rank_push(lock, false, false);
    spin_acquire(lock);
}

/* Take a second lock of the same rank. => the caller has an order within the rank, and says which */
static inline void spin_lock_nested(struct spinlock *lock)
{
    preempt_disable();
    spin_rank_push(lock, true, false);
    spin_acquire(lock);
}

/* Take the lock if it is free; in any order. => true if taken */
static inline bool __must_check spin_trylock(struct spinlock *lock)
{
    preempt_disable();
    if (atomic_exchange_explicit(&lock->locked, 1, memory_order_acquire)) {
        preempt_enable();
        return false;
    }
    spin_rank_push(lock, false, true);
    return true;
}

static inline void spin_unlock(struct spinlock *lock)
{
    spin_rank_pop(lock);
    spin_release(lock);
    preempt_enable();
}

/* The same, with interrupts off until unlock, for locks that handlers take. => what to give to spin_unlock_irq */
static inline uint64_t __must_check spin_lock_irq(struct spinlock *lock)
{
    uint64_t flags = irq_save();

    spin_lock(lock);
    return flags;
}

static inline void spin_unlock_irq(struct spinlock *lock, uint64_t flags)
{
    spin_rank_pop(lock);
    spin_release(lock);
    irq_restore(flags);
    preempt_enable();
}

/* Is it held: by this CPU in debug builds, by anyone otherwise. For assertions. */
static inline bool spin_held(const struct spinlock *lock)
{
#ifdef DEBUG
    return lock_rank_holds(lock, lock->rank);
#else
    return atomic_load_explicit(&lock->locked, memory_order_relaxed) != 0;
#endif
}

#endif
