// SPDX-License-Identifier: MIT
/*
 * wait.h - threads that wait until something has happened, and those who tell them.
 *
 * The waiter stands in the queue and says that it will sleep; then it looks at the condition, and sleeps only if it is
 * still false. The waker makes the condition true first and looks at the queue then. A barrier stands between the two
 * steps on both sides, so one of them sees the other: no wake-up is lost. sched.h has the second half of the story.
 *
 * => wake-ups: in any context, interrupts too; waiting: never in interrupts or under a spinlock
 * => a wake-up may come for nothing; the macros look at the condition again
 * => a queue in memory that the waiter frees: make the condition true under a lock that the waiter takes afterwards
 */
#ifndef SYNC_WAIT_H
#define SYNC_WAIT_H

#include <stdatomic.h>

#include "lib/errno.h"
#include "lib/list.h"
#include "sync/sched.h"
#include "sync/spinlock.h"

#define WAIT_FOR_EVER UINT64_MAX

/* Fields: (l) lock */
struct wait_queue {
    struct spinlock lock;
    struct list waiters;            // (l) struct waiter: observers in front, then the others in order of arrival
};

#define WAIT_QUEUE_INIT(queue) \
    { .lock = SPINLOCK_INIT("wait queue", RANK_WAIT_QUEUE), .waiters = LIST_INIT((queue).waiters) }

void wait_queue_init(struct wait_queue *queue);

struct waiter;

/*
 * What has happened: bits as poll(2) has them (sync/ only passes them on); 0: anything may have.
 * => true: it was of use to someone, so that other exclusive observers need not hear of it
 */
typedef bool wait_notify(struct waiter *waiter, uint32_t events);

/*
 * One thread's place in one queue; it may stand in several (poll).
 * An observer (wait_add) is woken by every wake-up and stays in the queue; the others are taken out by the wake-up
 * that reaches them, so that two calls of wake_one wake two of them.
 * Fields: (l) the queue's lock  (o) its thread  (a) atomic
 */
struct waiter {
    struct list link;               // (l)
    struct kthread *thread;         // (o)
    struct wait_queue *queue;       // (o) NULL: in none
    bool observer;                  // (o)
    _Atomic bool taken;             // (a) a wake-up has taken it out of the queue; written under (l)
    bool used;                      // (o) that wake-up has been of use
    bool exclusive;                 // (o) an observer with `notify`: of these one is enough for an event
    wait_notify *notify;            // (o) called instead of waking `thread`, under the queue's lock; or NULL
};

/*
 * Observe a queue: for poll, or with `notify` for those who collect events.
 * A polling thread: wait_add each; loop { sched_sleep_prepare(true); look; wait_sleep(deadline) }; wait_remove each.
 */
void wait_add(struct wait_queue *queue, struct waiter *waiter, wait_notify *notify, bool exclusive);
void wait_remove(struct waiter *waiter);

/*
 * Sleep, after sched_sleep_prepare and a look at the condition, until woken.
 * => 0, -EINTR (sleeping interruptibly, and a signal wants the thread), -ETIMEDOUT
 */
int wait_sleep(uint64_t deadline_ns);

/* Sleep until the clock says so. => 0, or -EINTR */
int sleep_until(uint64_t deadline_ns);

/* The same, but signals wait too. */
void sleep_through(uint64_t deadline_ns);

/* The parts of wait_event: stand in the queue and prepare to sleep (again), and leave it. */
void wait_begin(struct wait_queue *queue, struct waiter *waiter, bool interruptible);
void wait_again(struct waiter *waiter, bool interruptible);
void wait_end(struct waiter *waiter);

static inline bool wait_taken(const struct waiter *waiter)
{
    return atomic_load_explicit(&waiter->taken, memory_order_relaxed);
}

void wake_waiters(struct wait_queue *queue, bool all, uint32_t events);

/* Is anyone waiting, as the waker may ask after it has made the condition true? */
static inline bool wait_queue_active(const struct wait_queue *queue)
{
    atomic_thread_fence(memory_order_seq_cst);
    return __atomic_load_n(&queue->waiters.next, __ATOMIC_RELAXED) != &queue->waiters;
}

/* Wake all observers, and the first of the others. => the condition has been made true */
static inline void wake_one(struct wait_queue *queue)
{
    if (wait_queue_active(queue))
        wake_waiters(queue, false, 0);
}

/* Wake all. => the condition has been made true */
static inline void wake_all(struct wait_queue *queue)
{
    if (wait_queue_active(queue))
        wake_waiters(queue, true, 0);
}

/* Wake all, and tell observers what it is about. => the condition has been made true */
static inline void wake_all_for(struct wait_queue *queue, uint32_t events)
{
    if (wait_queue_active(queue))
        wake_waiters(queue, true, events);
}

/*
 * From a notify: wake the observers and one of the others (or all) of a queue that hears of it from another.
 * => the caller sees to it that queues told by each other form no circle
 */
void wake_nested(struct wait_queue *queue, bool all, uint32_t events);

#define wait_event_common(wait_on, condition, interruptible, deadline)          \
    ({                                                                          \
        int wait_result_ = 0;                                                   \
        if (!(condition)) {                                                     \
            const uint64_t wait_deadline_ = (deadline);                         \
            struct waiter waiter_;                                              \
            wait_begin((wait_on), &waiter_, (interruptible));                   \
            for (;;) {                                                          \
                if (condition) {                                                \
                    wait_result_ = 0;                                           \
                    break;                                                      \
                }                                                               \
                wait_result_ = wait_sleep(wait_deadline_);                      \
                waiter_.used = wait_taken(&waiter_);                            \
                if (condition) {                                                \
                    wait_result_ = 0;                                           \
                    break;                                                      \
                }                                                               \
                waiter_.used = false;                                           \
                if (wait_result_ != 0)                                          \
                    break;                                                      \
                wait_again(&waiter_, (interruptible));                          \
            }                                                                   \
            wait_end(&waiter_);                                                 \
        }                                                                       \
        wait_result_;                                                           \
    })

/*
 * Wait until `condition` is true; it is evaluated several times, without locks of ours, and must not sleep.
 */
#define wait_event(queue, condition) \
    ((void)wait_event_common(queue, condition, false, WAIT_FOR_EVER))

/* The same, until a signal wants the thread. => 0 or -EINTR */
#define wait_event_interruptible(queue, condition) \
    wait_event_common(queue, condition, true, WAIT_FOR_EVER)

/* The same, until clock_ns() reaches the deadline. => 0, -EINTR or -ETIMEDOUT */
#define wait_event_deadline(queue, condition, deadline_ns) \
    wait_event_common(queue, condition, true, deadline_ns)

#endif
