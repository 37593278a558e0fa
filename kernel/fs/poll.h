// SPDX-License-Identifier: MIT
/*
 * poll.h - wait for any of several files. poll, select and their kin in sys/ stand on this.
 *
 * A file's `poll` tells what is ready now and names, with poll_wait, each queue on which a change will be told.
 */
#ifndef FS_POLL_H
#define FS_POLL_H

#include "lib/types.h"

struct file;
struct wait_queue;

#define POLL_AT_ONCE    0               // deadline that has passed: ask, do not sleep
#define POLL_FOREVER    UINT64_MAX      // deadline that never comes

// One question. `events` and `revents` hold POLL* bits of <asm/poll.h>; ERR, HUP and NVAL are always asked.
struct poll_entry {
    struct file *file;                  // the caller's reference; NULL with revents 0: not asked
    uint32_t events;
    uint32_t revents;                   // the answer
};

/*
 * Ask all entries; if none is ready, sleep until one is, until `deadline` (clock_ns), or until a signal.
 *
 * => how many entries have revents; 0: the deadline has passed; -EINTR, -ENOMEM
 */
int poll_wait_files(struct poll_entry *entries, unsigned count, uint64_t deadline_ns) __must_check;

// Who asks, and stands in the queues that a file's poll names: poll_wait_files, epoll.
struct poll_table {
    void (*stand)(struct poll_table *table, struct wait_queue *queue);
};

// Called by a file's poll: wake me when `queue` is woken. `table` may be NULL: only asking.
static inline void poll_wait(struct poll_table *table, struct wait_queue *queue)
{
    if (table != NULL)
        table->stand(table, queue);
}

#endif
