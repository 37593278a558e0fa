// SPDX-License-Identifier: MIT
/*
 * rwlock.c - the line before a rwlock.
 *
 * Theory      While RWLOCK_WAITING is set nobody takes the lock the quick way, so the word changes only by those who
 *             give it back, and by whoever holds line_lock. The one who gives it back last passes it to the head of the
 *             line: one writer, or all readers up to the next writer. They find themselves holding it when they wake.
 *             The bit is set only while someone incompatible holds the lock, and that one will see it; so a line never
 *             waits for nobody.
 * Spread      A reader of a spread lock puts the lock's address into the mark of the CPU that it runs on, if that is free, and
 *             then looks whether a writer has, or waits for, the lock; a writer takes the lock and then looks at all marks. So
 *             at least one of them sees the other. The reader takes its mark away and stands in line; the writer waits
 *             until no mark is left (it "drains"), and whoever takes one away wakes it. A reader that sleeps, or goes on on
 *             another CPU, keeps its mark; another one that finds it there is counted in the word. tests/models/rwlock.pml.
 * Considered  Letting the one who wakes compete for it: fewer switches, but writers starve under parallel faults.
 *             Marks for all locks: a writer, and most processes have one thread, would look at every CPU.
 */
#include "sync/rwlock.h"

#include <stdatomic.h>

#include "lib/log.h"
#include "sync/sched.h"

#define DRAIN_SPINS 200 // a fault of one page takes about as long

/* What a reader on that CPU, or that was there, holds.    Fields: (a) atomic: the reader's, once it is not NULL */
static struct rwlock_mark {
    struct rwlock *_Atomic lock; // (a)
} __attribute__((aligned(64))) marks[MAX_CPUS];

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
    lock->changes = 0;
    lock->draining = false;
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
    return (word & (write ? ~(RWLOCK_WAITING | RWLOCK_SPREAD) : RWLOCK_WRITER)) != 0;
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

/* Take it, however long that takes; a writer may still have to drain it. */
static void stand_in_line(struct rwlock *lock, bool write)
{
    struct rwlock_waiter waiter = { .thread = current_kthread(), .write = write };
    uint64_t flags = spin_lock_irq(&lock->line_lock);

    if (take_or_mark(lock, write)) {
        if (write)
            rwlock_write_begins(lock, waiter.thread);
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

/* Whether some reader's mark is left. => no reader comes any more: a writer has the lock */
static bool is_marked(const struct rwlock *lock)
{
    for (unsigned cpu = 0; cpu < cpu_count; cpu++)
        if (atomic_load(&marks[cpu].lock) == lock)
            return true;
    return false;
}

/* Wait until no reader's mark is left. => held for writing */
static void drain(struct rwlock *lock)
{
    for (unsigned spins = DRAIN_SPINS; spins > 0; spins--) {
        atomic_thread_fence(memory_order_seq_cst);
        if (!is_marked(lock))
            return;
        cpu_relax();
    }

    uint64_t flags = spin_lock_irq(&lock->line_lock);
    lock->draining = true;
    atomic_fetch_or(&lock->word, RWLOCK_WAITING);
    while (is_marked(lock)) {
        sched_sleep_prepare(false);
        spin_unlock_irq(&lock->line_lock, flags);
        sched_block();
        flags = spin_lock_irq(&lock->line_lock);
    }
    lock->draining = false;
    if (list_empty(&lock->line))
        atomic_fetch_and_explicit(&lock->word, ~RWLOCK_WAITING, memory_order_relaxed);
    spin_unlock_irq(&lock->line_lock, flags);
}

void rwlock_wait(struct rwlock *lock, bool write)
{
    stand_in_line(lock, write);
    if (write && rwlock_is_spread(lock))
        drain(lock);
}

/* => line_lock held; the waiter looks at `granted` only under it, so it is still there */
static void grant(struct rwlock *lock, struct rwlock_waiter *waiter)
{
    list_remove(&waiter->link);
    atomic_fetch_add_explicit(&lock->word, waiter->write ? RWLOCK_WRITER : RWLOCK_READER, memory_order_acq_rel);
    if (waiter->write)
        rwlock_write_begins(lock, waiter->thread);
    waiter->granted = true;
    sched_wake(waiter->thread);
}

void rwlock_pass(struct rwlock *lock)
{
    uint64_t flags = spin_lock_irq(&lock->line_lock);

    if (lock->draining) {
        sched_wake(lock->writer);
        spin_unlock_irq(&lock->line_lock, flags);
        return;
    }
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

/* ---- Spread locks ---- */

void rwlock_spread(struct rwlock *lock)
{
    ASSERT(rwlock_held_write(lock));
    atomic_fetch_or(&lock->word, RWLOCK_SPREAD);
}

/* Become a reader by a mark. => false: this thread has one for another lock, or another one has this CPU's */
static bool mark(struct rwlock *lock)
{
    struct kthread *self = current_kthread();
    struct rwlock_mark *here = &marks[cpu_id()]; // should we be moved now, another CPU's does as well
    struct rwlock *none = NULL;

    if (self->reading || !atomic_compare_exchange_strong(&here->lock, &none, lock))
        return false;
    self->reading = here;
    return true;
}

static void unmark(struct rwlock *lock)
{
    struct rwlock_mark *mine = current_kthread()->reading;

    current_kthread()->reading = NULL;
    atomic_exchange(&mine->lock, NULL);
    if (atomic_load(&lock->word) & RWLOCK_WAITING)
        rwlock_pass(lock);
}

/* Become a reader that the word counts. => false: a writer has it or waits */
static bool count_reader(struct rwlock *lock)
{
    uint64_t word = atomic_load_explicit(&lock->word, memory_order_relaxed);

    while ((word & (RWLOCK_WRITER | RWLOCK_WAITING)) == 0) {
        if (atomic_compare_exchange_weak_explicit(&lock->word, &word, word + RWLOCK_READER,
                                                  memory_order_acquire, memory_order_relaxed))
            return true;
    }
    return false;
}

bool rwlock_try_read_spread(struct rwlock *lock)
{
    if (!mark(lock))
        return count_reader(lock);
    if ((atomic_load(&lock->word) & (RWLOCK_WRITER | RWLOCK_WAITING)) == 0)
        return true;
    unmark(lock);
    return false;
}

void rwlock_read_unlock_spread(struct rwlock *lock)
{
    struct rwlock_mark *mine = current_kthread()->reading;
    uint64_t before;

    if (mine && atomic_load_explicit(&mine->lock, memory_order_relaxed) == lock) {
        unmark(lock);
        return;
    }
    before = atomic_fetch_sub_explicit(&lock->word, RWLOCK_READER, memory_order_release);
    if ((before & ~RWLOCK_SPREAD) == (RWLOCK_READER | RWLOCK_WAITING))
        rwlock_pass(lock);
}

static void give_up_write(struct rwlock *lock)
{
    if (atomic_fetch_sub(&lock->word, RWLOCK_WRITER) & RWLOCK_WAITING)
        rwlock_pass(lock);
}

bool rwlock_try_write_spread(struct rwlock *lock)
{
    uint64_t free = RWLOCK_SPREAD;

    if (!atomic_compare_exchange_strong(&lock->word, &free, RWLOCK_SPREAD | RWLOCK_WRITER))
        return false;
    lock->writer = current_kthread();
    if (is_marked(lock)) {
        give_up_write(lock);
        return false;
    }
    rwlock_write_begins(lock, lock->writer);
    return true;
}
