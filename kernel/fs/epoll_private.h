// SPDX-License-Identifier: MIT
/*
 * epoll_private.h - what the files of epoll share.
 *
 *   epoll.c         what is watched: adding, changing, removing; files and epolls that close
 *   epoll_ready.c   what is ready: hearing of it, collecting it
 *   epoll_nest.c    epolls that watch epolls: no circles, not too deep, not too many ways to wake one
 *
 * Locking     `epolls` (a mutex) guards who watches what: an item comes and goes under it and its epoll's lock, so
 *             either is enough to walk a list of items. The ready list has a spinlock, since wake-ups put items there.
 *             An epoll's lock is taken while that of one which watches it is held, never the other way round.
 * Life        An item holds no reference to its file, but the file is not released before its items are gone: whoever
 *             has found an item under its epoll's lock may ask the file.
 */
#ifndef FS_EPOLL_PRIVATE_H
#define FS_EPOLL_PRIVATE_H

#include "fs/epoll.h"
#include "fs/poll.h"
#include "lib/list.h"
#include "lib/tree.h"
#include "sync/mutex.h"
#include "sync/spinlock.h"
#include "sync/wait.h"

extern struct mutex epolls;

/* Fields: (c) constant  (e) lock  (r) ready_lock */
struct epoll {
    struct file *file;                  // (c) that it is; not counted
    struct mutex lock;
    struct tree items;                  // (e) by file and number
    struct spinlock ready_lock;
    struct list ready;                  // (r) items that may be ready, in order of their wake-ups
    struct wait_queue collectors;       // threads in epoll_wait
    struct wait_queue observers;        // those who poll the epoll itself
};

/* One queue that a watched file has named. */
struct epoll_waiter {
    struct waiter waiter;
    struct epoll_item *item;
    struct epoll_waiter *next;
};

/* One watched file.    Fields: (c) constant  (w) epolls, and epoll->lock to write  (e) epoll->lock  (r) ready_lock */
struct epoll_item {
    struct epoll *epoll;                // (c)
    struct file *file;                  // (c) not counted
    int fd;                             // (c)
    struct tree_node node;              // (w) epoll->items
    struct epoll_item *next;            // (w) file->watchers
    struct epoll_item **link;           // (w) what points to this one there
    struct epoll_waiter *waiters;       // (c)
    struct list ready;                  // (r) epoll->ready, or in none
    _Atomic uint32_t events;            // written under both (e) and (r): what is asked for, and EPOLL* flags
    uint64_t data;                      // (e)
};

// Flags among the events, which no file ever answers.
#define EPOLL_FLAGS (EPOLLWAKEUP | EPOLLONESHOT | EPOLLET | EPOLLEXCLUSIVE)

static inline struct epoll_item *epoll_item_of(struct tree_node *node)
{
    return container_of(node, struct epoll_item, node);
}

// The epoll that a file is, or NULL.
struct epoll *epoll_of(const struct file *file);

// A watched file's queue was woken.
bool epoll_notify(struct waiter *waiter, uint32_t events);

// What is ready of what the item asks for. => epoll->lock held
uint32_t epoll_item_poll(struct epoll_item *item, struct poll_table *table);

// Tell that the item is ready, or in no list any more. => epoll->lock held
void epoll_ready_add(struct epoll_item *item);
void epoll_ready_remove(struct epoll_item *item);

// Change what the item asks for. => epoll->lock held
void epoll_ask_for(struct epoll_item *item, uint32_t events);

// Whether anything is ready; what is found not to be leaves the list. => epoll->lock held
bool epoll_has_ready(struct epoll *epoll);

/*
 * Would watching `file` make a circle, or a chain of epolls that is too long?
 * Are there, now that it is watched, too many ways along which an event wakes epolls?
 * => epolls held; 0, -ELOOP / -EINVAL
 */
int epoll_nest_check(struct epoll *epoll, struct file *file) __must_check;
int epoll_paths_check(struct epoll *epoll, struct file *file) __must_check;

#endif
