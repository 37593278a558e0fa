// SPDX-License-Identifier: MIT
/*
 * poll.c - wait for any of several files.
 *
 * Theory      One round asks every file and stands in its queues (only while nothing is ready: then no sleep will
 *             follow). Then: say that we will sleep, ask again, sleep; until something is ready. A change between the
 *             two questions finds us in the queue already.
 */
#include "fs/poll.h"

#include <linux/poll.h>

#include "fs/file.h"
#include "lib/errno.h"
#include "mm/slab.h"
#include "sync/wait.h"

#define ALWAYS_ASKED (POLLERR | POLLHUP | POLLNVAL)
#define FIRST_WAITERS 2
#define MORE_WAITERS 32

// Waiters beyond the first few; they must not move once they stand in a queue.
struct waiter_chunk {
    struct waiter_chunk *next;
    unsigned count;
    struct waiter waiters[MORE_WAITERS];
};

struct poll_round {
    struct poll_table table;
    unsigned count;                     // of `first` in use
    bool no_memory;
    struct waiter_chunk *chunks;
    struct waiter first[FIRST_WAITERS];
};

// NULL: no memory.
static struct waiter *waiter_new(struct poll_round *round)
{
    struct waiter_chunk *chunk = round->chunks;

    if (round->count < FIRST_WAITERS)
        return &round->first[round->count++];
    if (chunk == NULL || chunk->count == MORE_WAITERS) {
        chunk = slab_alloc(sizeof *chunk);
        if (chunk == NULL)
            return NULL;
        chunk->count = 0;
        chunk->next = round->chunks;
        round->chunks = chunk;
    }
    return &chunk->waiters[chunk->count++];
}

static void round_stand(struct poll_table *table, struct wait_queue *queue)
{
    struct poll_round *round = container_of(table, struct poll_round, table);
    struct waiter *waiter = waiter_new(round);

    if (waiter == NULL)
        round->no_memory = true;
    else
        wait_add(queue, waiter, NULL, false);
}

static void round_leave(struct poll_round *round)
{
    for (unsigned i = 0; i < round->count; i++)
        wait_remove(&round->first[i]);
    while (round->chunks != NULL) {
        struct waiter_chunk *chunk = round->chunks;

        for (unsigned i = 0; i < chunk->count; i++)
            wait_remove(&chunk->waiters[i]);
        round->chunks = chunk->next;
        slab_free(chunk);
    }
}

// => how many are ready
static int poll_ask(struct poll_entry *entries, unsigned count, struct poll_table *table)
{
    int ready = 0;

    for (unsigned i = 0; i < count; i++) {
        struct poll_entry *entry = &entries[i];

        if (entry->file != NULL)
            entry->revents = file_poll(entry->file, table) & (entry->events | ALWAYS_ASKED);
        if (entry->revents != 0) {
            ready++;
            table = NULL;
        }
    }
    return ready;
}

// => how many are ready, 0 at the deadline, -EINTR
static int poll_sleep(struct poll_entry *entries, unsigned count, uint64_t deadline_ns)
{
    int ready, result = 0;

    for (;;) {
        sched_sleep_prepare(true);
        ready = poll_ask(entries, count, NULL);
        if (ready != 0 || result != 0)
            break;
        result = wait_sleep(deadline_ns);
    }
    sched_sleep_cancel();
    if (ready != 0)
        return ready;
    return result == -ETIMEDOUT ? 0 : result;
}

int poll_wait_files(struct poll_entry *entries, unsigned count, uint64_t deadline_ns)
{
    struct poll_round round;
    int ready;

    if (deadline_ns == POLL_AT_ONCE)
        return poll_ask(entries, count, NULL);
    round.table.stand = round_stand;
    round.count = 0;
    round.no_memory = false;
    round.chunks = NULL;
    ready = poll_ask(entries, count, &round.table);
    if (ready == 0)
        ready = round.no_memory ? -ENOMEM : poll_sleep(entries, count, deadline_ns);
    round_leave(&round);
    return ready;
}
