// SPDX-License-Identifier: MIT
/*
 * epoll_ready.c - what is ready: hearing of it, and collecting it.
 *
 * Theory      A wake-up of a watched file's queue puts the item on the ready list. Who collects takes items from there
 *             and asks each file what is ready now. An item leaves the list before its file is asked: so a wake-up that
 *             comes after the question finds it in no list and puts it there again, and none is lost. Level-triggered
 *             items that were ready go back to the list at once, and leave it when they are found not to be.
 */
#include <linux/poll.h>
#include <linux/stddef.h>

#include "arch/x86/time.h"
#include "fs/epoll_private.h"
#include "lib/errno.h"
#include "mm/usercopy.h"

// => ready_lock held; true: it was not there
static bool put_in_list(struct epoll_item *item)
{
    if (!list_empty(&item->ready))
        return false;
    list_add_tail(&item->epoll->ready, &item->ready);
    return true;
}

bool epoll_notify(struct waiter *waiter, uint32_t events)
{
    struct epoll_item *item = container_of(waiter, struct epoll_waiter, waiter)->item;
    struct epoll *epoll = item->epoll;
    bool wanted, collected;
    uint32_t asked;

    spin_lock(&epoll->ready_lock);
    asked = item->events & ~EPOLL_FLAGS;    // none: an EPOLLONESHOT item that has had its event
    wanted = asked != 0 && (events == 0 || (events & asked) != 0);
    if (wanted)
        put_in_list(item);
    spin_unlock(&epoll->ready_lock);
    if (!wanted)
        return false;
    collected = wait_queue_active(&epoll->collectors);
    wake_nested(&epoll->collectors, false, POLLIN);
    wake_nested(&epoll->observers, true, POLLIN);
    return collected;
}

void epoll_ready_add(struct epoll_item *item)
{
    struct epoll *epoll = item->epoll;
    uint64_t flags = spin_lock_irq(&epoll->ready_lock);
    bool added = put_in_list(item);

    spin_unlock_irq(&epoll->ready_lock, flags);
    if (!added)
        return;
    wake_one(&epoll->collectors);
    wake_all_for(&epoll->observers, POLLIN);
}

void epoll_ready_remove(struct epoll_item *item)
{
    uint64_t flags = spin_lock_irq(&item->epoll->ready_lock);

    list_remove(&item->ready);
    spin_unlock_irq(&item->epoll->ready_lock, flags);
}

void epoll_ask_for(struct epoll_item *item, uint32_t events)
{
    uint64_t flags = spin_lock_irq(&item->epoll->ready_lock);

    item->events = events;
    spin_unlock_irq(&item->epoll->ready_lock, flags);
}

uint32_t epoll_item_poll(struct epoll_item *item, struct poll_table *table)
{
    return file_poll(item->file, table) & item->events & ~EPOLL_FLAGS;
}

// Take the whole list.
static void take_all(struct epoll *epoll, struct list *taken)
{
    uint64_t flags = spin_lock_irq(&epoll->ready_lock);

    list_init(taken);
    list_splice_tail(taken, &epoll->ready);
    spin_unlock_irq(&epoll->ready_lock, flags);
}

// Put back, in front, what was not looked at. => true: the list is not empty
static bool put_back(struct epoll *epoll, struct list *rest)
{
    uint64_t flags = spin_lock_irq(&epoll->ready_lock);
    bool any;

    list_splice_tail(rest, &epoll->ready);
    list_splice_tail(&epoll->ready, rest);
    any = !list_empty(&epoll->ready);
    spin_unlock_irq(&epoll->ready_lock, flags);
    return any;
}

// Take the next one out of what was taken, so that it is in no list. NULL: none
static struct epoll_item *next_of(struct epoll *epoll, struct list *taken)
{
    uint64_t flags = spin_lock_irq(&epoll->ready_lock);
    struct list *link = list_take_first(taken);

    spin_unlock_irq(&epoll->ready_lock, flags);
    return link != NULL ? list_entry(link, struct epoll_item, ready) : NULL;
}

// One that was taken is ready still: in the list again, without waking anyone, for the caller goes there now.
static void keep(struct epoll_item *item)
{
    uint64_t flags = spin_lock_irq(&item->epoll->ready_lock);

    put_in_list(item);
    spin_unlock_irq(&item->epoll->ready_lock, flags);
}

bool epoll_has_ready(struct epoll *epoll)
{
    struct epoll_item *item;
    struct list taken;
    bool found = false;

    take_all(epoll, &taken);
    while (!found && (item = next_of(epoll, &taken)) != NULL) {
        found = epoll_item_poll(item, NULL) != 0;
        if (found)
            keep(item);
    }
    (void)put_back(epoll, &taken);      // wake-ups that came meanwhile have told those who wait
    return found;
}

static int put_event(vaddr_t address, uint32_t events, uint64_t data)
{
    struct epoll_event event = {.events = events, .data = data};

    return copy_to_user(address, &event, sizeof event);
}

/*
 * Tell of one item, if it is ready, and arrange for its next event.
 *
 * => epoll->lock held; 1, 0: not ready, -EFAULT: it stays ready
 */
static int collect_item(struct epoll_item *item, vaddr_t address)
{
    uint32_t ready = epoll_item_poll(item, NULL);

    if (ready == 0)
        return 0;
    if (put_event(address, ready, item->data) != 0) {
        keep(item);
        return -EFAULT;
    }
    if (item->events & EPOLLONESHOT)
        epoll_ask_for(item, item->events & EPOLL_FLAGS);
    else if (!(item->events & EPOLLET))
        keep(item);
    return 1;
}

// => how many events were written, -EFAULT if the first could not be
static int collect_now(struct epoll *epoll, vaddr_t events, unsigned max)
{
    struct epoll_item *item;
    struct list taken;
    unsigned count = 0;
    int result = 0;

    mutex_lock(&epoll->lock);
    take_all(epoll, &taken);
    while (count < max && result >= 0 && (item = next_of(epoll, &taken)) != NULL) {
        result = collect_item(item, events + count * sizeof(struct epoll_event));
        if (result > 0)
            count++;
    }
    if (put_back(epoll, &taken))
        wake_one(&epoll->collectors);   // another thread may have found the list empty meanwhile
    mutex_unlock(&epoll->lock);
    return count != 0 ? (int)count : result;
}

static bool may_have_ready(const struct epoll *epoll)
{
    return __atomic_load_n(&epoll->ready.next, __ATOMIC_ACQUIRE) != &epoll->ready;
}

int epoll_collect(struct file *file, vaddr_t events, unsigned max, uint64_t deadline_ns)
{
    struct epoll *epoll = epoll_of(file);

    for (;;) {
        int result = may_have_ready(epoll) ? collect_now(epoll, events, max) : 0;

        if (result != 0 || deadline_ns == POLL_AT_ONCE)
            return result;
        result = wait_event_deadline(&epoll->collectors, may_have_ready(epoll), deadline_ns);
        if (result != 0)
            return result == -ETIMEDOUT ? 0 : result;
    }
}
