// SPDX-License-Identifier: MIT
/*
 * rwlock.c - the line before a rwlock.
 *
 * Theory      While RWLOCK_WAITING is set nobody takes the lock the quick way, so the word changes only by those who
 *             give it back, and by whoever holds line_lock. The one who gives it back last passes it to the head of the
 *             line: one writer, or all readers up to the next writer. They find themselves holding it when they wake.
 *             The bit is set only while someone incompatible holds the lock, and that one will see it; so a line never
 *             waits for nobody.
 * Considered  Letting the one who wakes compete for it: fewer switches, but writers starve under parallel faults.
 */
#include "sync/rwlock.h"

#include "lib/log.h"
#include "sync/sched.h"

/* Fields: (l) line_lock  (c) constant */
struct rwlock_waiter {
    struct list link;           // (l)
    struct kthread *thread;     // (c)
    bool write;                 // (c)
    bool granted;               // (l)
};

void rwlock_init(struct rwlock *lock, const char *name __maybe_unused, enum lock_rank rank __maybe_unused)
{
    atomic_init(&lock->word, 0);
    lock->writer = NULL;
    spin_init(&lock->line_lock, "rwlock line", RANK_SLEEP_LOCK);
    list_init(&lock->line);
#ifdef DEBUG
    lock->rank = rank;
    lock->name = name;
#endif
}

/* Do those who hold it now keep this one out? */
static bool keeps_out(uint64_t word, bool write)
{
    return (word & (write ? ~RWLOCK_WAITING : RWLOCK_WRITER)) != 0;
}

/* Take it after all, or make sure that the last to give it back sees a line. => line_lock held; true if taken */
static bool take_or_mark(struct rwlock *lock, bool write)
{
    uint64_t word = atomic_load_explicit(&lock->word, memory_order_relaxed);

    for (;;) {
        bool take = list_empty(&lock->line) && !keeps_out(word, write);
        uint64_t wanted = take ? word + (write ? RWLOCK_WRITER : RWLOCK_READER) : word | RWLOCK_WAITING;

        if (atomic_compare_exchange_weak_explicit(&lock->word, &word, wanted, memory_order_acquire,
                                                  memory_order_relaxed))
            return take;
    }
}

void rwlock_wait(struct rwlock *lock, bool write)
{
    struct rwlock_waiter waiter = { .thread = current_kthread(), .write = write };
    uint64_t flags = spin_lock_irq(&lock->line_lock);

    if (take_or_mark(lock, write)) {
        if (write)
            lock->writer = waiter.thread;
        spin_unlock_irq(&lock->line_lock, flags);
        return;
    }
    list_add_tail(&lock->line, &waiter.link);
    while (!waiter.granted) {
        sched_sleep_prepare(false);
        spin_unlock_irq(&lock->line_lock, flags);
        sched_block();
        flags = spin_lock_irq(&lock->line_lock);
    }
    spin_unlock_irq(&lock->line_lock, flags);
}

/* => line_lock held; the waiter looks at `granted` only under it, so it is still there */
static void grant(struct rwlock *lock, struct rwlock_waiter *waiter)
{
    list_remove(&waiter->link);
    if (waiter->write)
        lock->writer = waiter->thread;
    atomic_fetch_add_explicit(&lock->word, waiter->write ? RWLOCK_WRITER : RWLOCK_READER, memory_order_acq_rel);
    waiter->granted = true;
    sched_wake(waiter->thread);
}

void rwlock_pass(struct rwlock *lock)
{
    uint64_t flags = spin_lock_irq(&lock->line_lock);

    while (!list_empty(&lock->line)) {
        struct rwlock_waiter *first = list_first_entry(&lock->line, struct rwlock_waiter, link);

        if (keeps_out(atomic_load_explicit(&lock->word, memory_order_acquire), first->write))
            break;
        grant(lock, first);
    }
    if (list_empty(&lock->line))
        atomic_fetch_and_explicit(&lock->word, ~RWLOCK_WAITING, memory_order_relaxed);
    spin_unlock_irq(&lock->line_lock, flags);
}
