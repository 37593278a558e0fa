// SPDX-License-Identifier: MIT
/*
 * wait.c - wait queues.
 *
 * Theory      wake_one takes the first waiter out of the queue, so that the next wake_one finds another. A waiter that
 *             goes on waiting puts itself back (wait_again). One that leaves for good, though a wake-up has taken it
 *             out, has used that wake-up only if it was taken out before its last look at the condition, and that look
 *             succeeded. If not, it passes the wake-up on. So no event is lost to a waiter that does not use it;
 *             sometimes one wakes for nothing.
 */
#include "sync/wait.h"

#include "arch/x86/time.h"
#include "sync/timer.h"

/* A timer that wakes the thread that waits for it. */
struct sleep_timer {
    struct timer timer;
    struct kthread *thread;
};

void wait_queue_init(struct wait_queue *queue)
{
    spin_init(&queue->lock, "wait queue", RANK_WAIT_QUEUE);
    list_init(&queue->waiters);
}

/* Stand in the queue; under its lock, so that who takes us out also ends the sleep that we prepare. */
static void stand(struct waiter *waiter, bool interruptible)
{
    struct wait_queue *queue = waiter->queue;
    uint64_t flags = spin_lock_irq(&queue->lock);

    if (list_empty(&waiter->link))
        list_add_tail(&queue->waiters, &waiter->link);
    atomic_store_explicit(&waiter->taken, false, memory_order_relaxed);
    sched_sleep_prepare(interruptible);
    spin_unlock_irq(&queue->lock, flags);
}

void wait_begin(struct wait_queue *queue, struct waiter *waiter, bool interruptible)
{
    list_init(&waiter->link);
    waiter->thread = current_kthread();
    waiter->queue = queue;
    waiter->observer = false;
    waiter->used = false;
    waiter->notify = NULL;
    stand(waiter, interruptible);
}

void wait_again(struct waiter *waiter, bool interruptible)
{
    stand(waiter, interruptible);
}

void wait_end(struct waiter *waiter)
{
    struct wait_queue *queue = waiter->queue;
    uint64_t flags;

    sched_sleep_cancel();
    flags = spin_lock_irq(&queue->lock);    // and so wait until the waker is done with us
    list_remove(&waiter->link);
    spin_unlock_irq(&queue->lock, flags);
    if (wait_taken(waiter) && !waiter->used)
        wake_one(queue);
}

void wait_add(struct wait_queue *queue, struct waiter *waiter, wait_notify *notify, bool exclusive)
{
    uint64_t flags;

    waiter->thread = current_kthread();
    waiter->queue = queue;
    waiter->observer = true;
    waiter->exclusive = exclusive;
    waiter->notify = notify;
    flags = spin_lock_irq(&queue->lock);
    list_add_head(&queue->waiters, &waiter->link);
    spin_unlock_irq(&queue->lock, flags);
}

void wait_remove(struct waiter *waiter)
{
    uint64_t flags = spin_lock_irq(&waiter->queue->lock);

    list_remove(&waiter->link);
    spin_unlock_irq(&waiter->queue->lock, flags);
    waiter->queue = NULL;
}

/* Tell an observer, unless it is one of several of which one has heard already. => true: one such has now */
static bool notify_observer(struct waiter *waiter, uint32_t events, bool heard)
{
    if (waiter->notify == NULL) {
        sched_wake(waiter->thread);
        return heard;
    }
    if (waiter->exclusive && heard)
        return true;
    return (waiter->notify(waiter, events) && waiter->exclusive && events != 0) || heard;
}

/* => queue->lock held */
static void wake_locked(struct wait_queue *queue, bool all, uint32_t events)
{
    struct waiter *waiter, *after;
    bool heard = false;

    list_for_each_entry_safe(waiter, after, &queue->waiters, link) {
        if (waiter->observer) {
            heard = notify_observer(waiter, events, heard);
            continue;
        }
        list_remove(&waiter->link);
        atomic_store_explicit(&waiter->taken, true, memory_order_relaxed);
        sched_wake(waiter->thread);
        if (!all)
            break;
    }
}

void wake_waiters(struct wait_queue *queue, bool all, uint32_t events)
{
    uint64_t flags = spin_lock_irq(&queue->lock);

    wake_locked(queue, all, events);
    spin_unlock_irq(&queue->lock, flags);
}

void wake_nested(struct wait_queue *queue, bool all, uint32_t events)
{
    if (!wait_queue_active(queue))
        return;
    spin_lock_nested(&queue->lock);     // the order is that of who tells whom
    wake_locked(queue, all, events);
    spin_unlock(&queue->lock);
}

static void wake_sleeper(struct timer *timer)
{
    sched_wake(container_of(timer, struct sleep_timer, timer)->thread);
}

static void block_until(uint64_t deadline_ns)
{
    struct sleep_timer sleep = { .thread = current_kthread() };

    timer_init(&sleep.timer, wake_sleeper);
    timer_add(&sleep.timer, deadline_ns);
    sched_block();
    timer_cancel(&sleep.timer);
}

int wait_sleep(uint64_t deadline_ns)
{
    if (sched_interrupted()) {
        sched_sleep_cancel();
        return -EINTR;
    }
    if (deadline_ns == WAIT_FOR_EVER) {
        sched_block();
        return 0;
    }
    if (clock_ns() >= deadline_ns) {
        sched_sleep_cancel();
        return -ETIMEDOUT;
    }
    block_until(deadline_ns);
    return 0;
}

int sleep_until(uint64_t deadline_ns)
{
    int result;

    do {
        sched_sleep_prepare(true);
        result = wait_sleep(deadline_ns);
    } while (result == 0);
    return result == -ETIMEDOUT ? 0 : result;
}

void sleep_through(uint64_t deadline_ns)
{
    int result;

    do {
        sched_sleep_prepare(false);
        result = wait_sleep(deadline_ns);
    } while (result == 0);
}
