// SPDX-License-Identifier: MIT
/*
 * rwlock.h - many readers or one writer; both may sleep, and one sleeps for it.
 *
 * One atomic operation to take and one to give back when nobody waits. Those who wait stand in line, readers and
 * writers alike: a waiting writer holds up readers that come later, so neither starves. A reader must therefore not
 * take the same lock again.
 * => never in interrupts or under a spinlock
 */
#ifndef SYNC_RWLOCK_H
#define SYNC_RWLOCK_H

#include <stdatomic.h>

#include "arch/x86/cpu.h"
#include "lib/list.h"
#include "sync/rank.h"
#include "sync/spinlock.h"

#define RWLOCK_WRITER  UINT64_C(1)      // a writer holds it
#define RWLOCK_WAITING UINT64_C(2)      // the line is not empty: give it back through rwlock_pass
#define RWLOCK_READER  UINT64_C(4)      // times the readers that hold it

/* Fields: (a) atomic  (l) line_lock  (w) the holding writer */
struct rwlock {
    _Atomic uint64_t word;          // (a) the bits above
    struct kthread *writer;         // (w) who; stale when no writer holds it
    struct spinlock line_lock;
    struct list line;               // (l) struct rwlock_waiter, in order of arrival
#ifdef DEBUG
    enum lock_rank rank;            // (c)
    const char *name;               // (c)
#endif
};

#ifdef DEBUG
#define rwlock_rank_push(lock, nested, trying) \
    lock_rank_acquire((lock), (lock)->name, (lock)->rank, (nested), (trying))
#define rwlock_rank_pop(lock) lock_rank_pop((lock), (lock)->rank)
#define RWLOCK_INIT(lock, lock_name, lock_rank)                             \
    { .line_lock = SPINLOCK_INIT("rwlock line", RANK_SLEEP_LOCK),           \
      .line = LIST_INIT((lock).line), .rank = (lock_rank), .name = (lock_name) }
#else
#define rwlock_rank_push(lock, nested, trying) ((void)0)
#define rwlock_rank_pop(lock)                  ((void)0)
#define RWLOCK_INIT(lock, lock_name, lock_rank) \
    { .line_lock = SPINLOCK_INIT("rwlock line", RANK_SLEEP_LOCK), .line = LIST_INIT((lock).line) }
#endif

void rwlock_init(struct rwlock *lock, const char *name, enum lock_rank rank);

/* The paths with a line: stand in it, or pass the lock to its head. */
void rwlock_wait(struct rwlock *lock, bool write);
void rwlock_pass(struct rwlock *lock);

static inline bool rwlock_try_read_word(struct rwlock *lock)
{
    uint64_t word = atomic_load_explicit(&lock->word, memory_order_relaxed);

    while ((word & (RWLOCK_WRITER | RWLOCK_WAITING)) == 0) {
        if (atomic_compare_exchange_weak_explicit(&lock->word, &word, word + RWLOCK_READER,
                                                  memory_order_acquire, memory_order_relaxed))
            return true;
    }
    return false;
}

static inline bool rwlock_try_write_word(struct rwlock *lock)
{
    uint64_t free = 0;

    if (!atomic_compare_exchange_strong_explicit(&lock->word, &free, RWLOCK_WRITER,
                                                 memory_order_acquire, memory_order_relaxed))
        return false;
    lock->writer = current_kthread();
    return true;
}

static inline void rwlock_read_lock(struct rwlock *lock)
{
    rwlock_rank_push(lock, false, false);
    if (unlikely(!rwlock_try_read_word(lock)))
        rwlock_wait(lock, false);
}

static inline void rwlock_read_unlock(struct rwlock *lock)
{
    uint64_t before;

    rwlock_rank_pop(lock);
    before = atomic_fetch_sub_explicit(&lock->word, RWLOCK_READER, memory_order_release);
    if (unlikely(before == (RWLOCK_READER | RWLOCK_WAITING)))
        rwlock_pass(lock);
}

static inline void rwlock_write_lock(struct rwlock *lock)
{
    rwlock_rank_push(lock, false, false);
    if (unlikely(!rwlock_try_write_word(lock)))
        rwlock_wait(lock, true);
}

/* Take a second lock of the same rank (fork: the child, which nobody knows yet; verify: all, in list order). */
static inline void rwlock_write_lock_nested(struct rwlock *lock)
{
    rwlock_rank_push(lock, true, false);
    if (unlikely(!rwlock_try_write_word(lock)))
        rwlock_wait(lock, true);
}

static inline void rwlock_read_lock_nested(struct rwlock *lock)
{
    rwlock_rank_push(lock, true, false);
    if (unlikely(!rwlock_try_read_word(lock)))
        rwlock_wait(lock, false);
}

static inline void rwlock_write_unlock(struct rwlock *lock)
{
    uint64_t before;

    rwlock_rank_pop(lock);
    before = atomic_fetch_sub_explicit(&lock->word, RWLOCK_WRITER, memory_order_release);
    if (unlikely(before != RWLOCK_WRITER))
        rwlock_pass(lock);
}

/* Take it if that needs no waiting; in any order. => true if taken */
static inline bool __must_check rwlock_try_read_lock(struct rwlock *lock)
{
    if (!rwlock_try_read_word(lock))
        return false;
    rwlock_rank_push(lock, false, true);
    return true;
}

static inline bool __must_check rwlock_try_write_lock(struct rwlock *lock)
{
    if (!rwlock_try_write_word(lock))
        return false;
    rwlock_rank_push(lock, false, true);
    return true;
}

/* Does this thread hold it for writing? */
static inline bool rwlock_held_write(const struct rwlock *lock)
{
    return (atomic_load_explicit(&lock->word, memory_order_relaxed) & RWLOCK_WRITER) != 0 &&
           lock->writer == current_kthread();
}

/* Is it held: by this thread in debug builds, by anyone otherwise. For assertions. */
static inline bool rwlock_held(const struct rwlock *lock)
{
#ifdef DEBUG
    return lock_rank_holds(lock, lock->rank);
#else
    return (atomic_load_explicit(&lock->word, memory_order_relaxed) & ~RWLOCK_WAITING) != 0;
#endif
}

#endif
