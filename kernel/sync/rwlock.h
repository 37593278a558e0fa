// SPDX-License-Identifier: MIT
/*
 * rwlock.h - many readers or one writer; both may sleep, and one sleeps for it.
 *
 * One atomic operation to take and one to give back when nobody waits. Those who wait stand in line, readers and
 * writers alike: a waiting writer holds up readers that come later, so neither starves. A reader must therefore not
 * take the same lock again.
 *
 * A lock that readers of several CPUs take all the time can be spread: then a reader leaves its mark on its CPU, and writes
 * to nothing that the others read. A writer has to look at every CPU.
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
#define RWLOCK_SPREAD  UINT64_C(4)      // readers may hold it by a mark on a CPU; for good
#define RWLOCK_READER  UINT64_C(8)      // times the readers that hold it and are counted here

/* Fields: (a) atomic  (l) line_lock  (w) the holding writer */
struct rwlock {
    _Atomic uint64_t word;          // (a) the bits above
    struct kthread *writer;         // (w) who; stale when no writer holds it
    struct spinlock line_lock;
    bool draining;                  // (l) the writer has it, but for readers whose marks it waits for
    uint32_t changes;               // (w) odd while a writer holds it, another number each time that one did
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

/* Spread it from now on. => held for writing */
void rwlock_spread(struct rwlock *lock);

static inline bool rwlock_is_spread(const struct rwlock *lock)
{
    return (atomic_load_explicit(&lock->word, memory_order_relaxed) & RWLOCK_SPREAD) != 0;
}

/* The paths with a line: stand in it, or pass the lock to its head. */
void rwlock_wait(struct rwlock *lock, bool write);
void rwlock_pass(struct rwlock *lock);

/* Those of a spread lock. */
bool rwlock_try_read_spread(struct rwlock *lock);
bool rwlock_try_write_spread(struct rwlock *lock);
void rwlock_read_unlock_spread(struct rwlock *lock);

static inline bool rwlock_try_read_word(struct rwlock *lock)
{
    uint64_t word = atomic_load_explicit(&lock->word, memory_order_relaxed);

    while ((word & (RWLOCK_WRITER | RWLOCK_WAITING | RWLOCK_SPREAD)) == 0) {
        if (atomic_compare_exchange_weak_explicit(&lock->word, &word, word + RWLOCK_READER,
                                                  memory_order_acquire, memory_order_relaxed))
            return true;
    }
    return (word & RWLOCK_SPREAD) && rwlock_try_read_spread(lock);
}

/* `writer` begins to write, or ends: `changes` says so to who looks at what the lock guards from outside of the kernel. */
static inline void rwlock_write_begins(struct rwlock *lock, struct kthread *writer)
{
    lock->writer = writer;
    lock->changes++;
    atomic_thread_fence(memory_order_release);
}

static inline void rwlock_write_ends(struct rwlock *lock)
{
    atomic_thread_fence(memory_order_release);
    lock->changes++;
}

static inline bool rwlock_try_write_word(struct rwlock *lock)
{
    uint64_t free = 0;

    if (!atomic_compare_exchange_strong_explicit(&lock->word, &free, RWLOCK_WRITER,
                                                 memory_order_acquire, memory_order_relaxed))
        return free == RWLOCK_SPREAD && rwlock_try_write_spread(lock);
    rwlock_write_begins(lock, current_kthread());
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
    if (unlikely(rwlock_is_spread(lock))) {
        rwlock_read_unlock_spread(lock);
        return;
    }
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

/* Take a second lock of the same rank (verify, and who splits a huge page for all: all spaces, in list order). */
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
    rwlock_write_ends(lock);
    before = atomic_fetch_sub_explicit(&lock->word, RWLOCK_WRITER, memory_order_release);
    if (unlikely(before & RWLOCK_WAITING))
        rwlock_pass(lock);
}

/* Go on as a reader; no writer comes in between, and readers that wait need not any more. => held for writing */
static inline void rwlock_downgrade(struct rwlock *lock)
{
    uint64_t before;

    rwlock_write_ends(lock);
    before = atomic_fetch_add_explicit(&lock->word, RWLOCK_READER - RWLOCK_WRITER, memory_order_release);
    if (unlikely(before & RWLOCK_WAITING))
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
