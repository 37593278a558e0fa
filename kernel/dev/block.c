// SPDX-License-Identifier: MIT
/*
 * block.c - the queue of a disk: requests wait, go together, run, and are told their result.
 *
 * Theory      A chain is one or more requests that follow each other on the disk; the first one stands for it. It waits,
 *             the device takes it (start) and is done with it (collect), then each of its requests is told. While the
 *             device has all that it may have, requests gather and merge; those submitted together merge in any case.
 *             A device that falls silent is reset after a while, so nobody waits for ever: what it had fails.
 * Locking     The disk's lock, which its interrupt takes. Results are told without it.
 * Failure     Nothing is allocated.
 * Not here    Which devices there are, waiting for results: block_device.c.
 */
#include "dev/block.h"

#include "arch/x86/time.h"
#include "dev/block_private.h"
#include "lib/errno.h"
#include "lib/log.h"
#include "lib/string.h"

#define CHAINS_SEARCHED 8 // of those that wait, for one to merge with
#define CHAIN_BYTES_MAX (UINT64_C(1) << 20)
#define ERRORS_TOLD     8 // one by one; later only when their number doubles

static struct block_device *disk_of(struct block_device *device)
{
    return device->whole ? device->whole : device;
}

static uint64_t chain_size(const struct block_request *chain)
{
    return chain->chain_end - chain->position;
}

/* ---- Counting. All: => the disk's lock held ---- */

static void count_busy(struct block_device *device, uint64_t now)
{
    if (device->in_flight > 0)
        device->busy_ns += now - device->busy_since_ns;
    device->busy_since_ns = now;
}

static void count_begin(struct block_request *request)
{
    request->submit_ns = clock_ns();
    for (struct block_device *each = request->device; each; each = each->whole) {
        count_busy(each, request->submit_ns);
        each->in_flight++;
    }
}

static void count_end(const struct block_request *request, uint64_t now)
{
    for (struct block_device *each = request->device; each; each = each->whole) {
        struct block_counter *counter = &each->counters[request->operation];

        count_busy(each, now);
        each->in_flight--;
        counter->requests++;
        counter->ns += now - request->submit_ns;
        counter->sectors += (request->end - request->position) / BLOCK_SECTOR;
    }
}

static void count_merge(const struct block_request *request)
{
    for (struct block_device *each = request->device; each; each = each->whole)
        each->counters[request->operation].merged++;
}

void block_stat(struct block_device *device, struct block_stat *stat)
{
    struct block_device *disk = disk_of(device);
    uint64_t flags = spin_lock_irq(&disk->lock);

    count_busy(device, clock_ns());
    memcpy(stat->counters, device->counters, sizeof stat->counters);
    stat->in_flight = device->in_flight;
    stat->busy_ns = device->busy_ns;
    spin_unlock_irq(&disk->lock, flags);
}

/* ---- Merging ---- */

/* Put `second`, a chain, behind `first`, which then stands for both. => they touch */
static void join(struct block_request *first, struct block_request *second)
{
    first->last->next = second;
    first->last = second->last;
    first->chain_count += second->chain_count;
    first->chain_end = second->chain_end;
}

static bool may_join(const struct block_device *disk, const struct block_request *first,
                     const struct block_request *second)
{
    return first->operation == second->operation && first->operation != BLOCK_FLUSH &&
           first->chain_end == second->position && first->chain_count + second->chain_count <= disk->max_segments &&
           chain_size(first) + chain_size(second) <= CHAIN_BYTES_MAX;
}

/* Join a request to a chain that waits, before or behind it. => false: none touches it */
static bool merge(struct block_device *disk, struct block_request *request)
{
    unsigned searched = 0;

    for (struct list *at = disk->waiting.prev; at != &disk->waiting && searched < CHAINS_SEARCHED; at = at->prev) {
        struct block_request *chain = list_entry(at, struct block_request, link);

        searched++;
        if (may_join(disk, chain, request)) {
            join(chain, request);
            return true;
        }
        if (may_join(disk, request, chain)) {
            list_add_tail(&chain->link, &request->link);
            list_remove(&chain->link);
            join(request, chain);
            return true;
        }
    }
    return false;
}

/* ---- Coming in ---- */

/* Is this something to ask of the disk? Finds its place there. => 0, -EINVAL, -EROFS */
static int prepare(struct block_device *device, struct block_request *request)
{
    uint32_t mask = disk_of(device)->block_size - 1;
    uint64_t size = 0;

    for (unsigned i = 0; i < request->count; i++) {
        if (request->segments[i].size == 0 || (request->segments[i].size & mask))
            return -EINVAL;
        size += request->segments[i].size;
    }
    request->position = request->end = 0;
    if (request->operation == BLOCK_FLUSH)
        return request->count == 0 ? 0 : -EINVAL;
    if (request->count == 0 || request->count > BLOCK_SEGMENTS_MAX || (request->offset & mask) ||
        request->offset > device->size || size > device->size - request->offset)
        return -EINVAL;
    request->position = device->start + request->offset;
    request->end = request->position + size;
    return request->operation == BLOCK_WRITE && device->read_only ? -EROFS : 0;
}

/* A chain of its own. */
static void stand_alone(struct block_request *request)
{
    request->next = NULL;
    request->last = request;
    request->chain_count = request->count;
    request->chain_end = request->end;
    list_init(&request->link);
}

/* One request joins those that wait; or those that are told, if there is nothing to do for it, or no way to. */
static void enter(struct block_device *device, struct block_request *request)
{
    struct block_device *disk = disk_of(device);

    request->device = device;
    request->error = prepare(device, request);
    if (request->error == 0 && disk->dead)
        request->error = -EIO;
    stand_alone(request);
    count_begin(request);
    if (request->error != 0 || (request->operation == BLOCK_FLUSH && !disk->has_cache))
        list_add_tail(&disk->finished, &request->link);
    else if (merge(disk, request))
        count_merge(request);
    else
        list_add_tail(&disk->waiting, &request->link);
}

/* ---- To the device and back ---- */

/* The timer looks when the oldest chain has run for too long. */
static void watch(struct block_device *disk)
{
    if (disk->armed || list_empty(&disk->running))
        return;
    disk->armed = true;
    timer_add(&disk->timer,
              list_first_entry(&disk->running, struct block_request, link)->start_ns + BLOCK_TIMEOUT_NS);
}

/* Give the device what it will take. */
static void start_waiting(struct block_device *disk)
{
    bool started = false;

    while (!list_empty(&disk->waiting)) {
        struct block_request *chain = list_first_entry(&disk->waiting, struct block_request, link);

        chain->start_ns = clock_ns();
        if (!disk->ops->start(disk, chain))
            break;
        list_remove(&chain->link);
        list_add_tail(&disk->running, &chain->link);
        started = true;
    }
    if (started)
        disk->ops->kick(disk);
    watch(disk);
}

/* The first ones are told one by one: a disk that fails altogether must not fill the log. */
static void tell_error(struct block_device *disk, const struct block_request *chain, int error)
{
    static const char *const doing[] = {[BLOCK_READ] = "reading", [BLOCK_WRITE] = "writing", [BLOCK_FLUSH] = "flushing"};

    disk->errors++;
    if (disk->errors <= ERRORS_TOLD || (disk->errors & (disk->errors - 1)) == 0)
        printk(LOG_ERROR "%s: error %d %s %lu bytes at %lu (error number %u of this disk)", disk->name, -error,
               doing[chain->operation], chain_size(chain), chain->position, disk->errors);
}

void block_finish(struct block_device *device, struct block_request *chain, int error)
{
    if (error != 0)
        tell_error(device, chain, error);
    for (struct block_request *request = chain; request; request = request->next)
        request->error = error;
    list_remove(&chain->link);
    list_add_tail(&device->finished, &chain->link);
}

static void fail_all(struct block_device *disk, struct list *chains)
{
    while (!list_empty(chains))
        block_finish(disk, list_first_entry(chains, struct block_request, link), -EIO);
}

/* What the device had is lost. If it works again, what waits still has its turn. */
static void reset(struct block_device *disk, const char *why)
{
    printk(LOG_ERROR "%s: %s; it is reset, what it had to do fails", disk->name, why);
    disk->dead = disk->ops->reset(disk) != 0;
    fail_all(disk, &disk->running);
    if (!disk->dead)
        return;
    printk(LOG_ERROR "%s: no answer to the reset either; the disk is given up", disk->name);
    fail_all(disk, &disk->waiting);
}

static void collect(struct block_device *disk)
{
    if (!disk->dead && !disk->ops->collect(disk))
        reset(disk, "the device talks nonsense");
}

/* Let go of the lock, and tell all whose requests are finished. */
static void unlock_and_tell(struct block_device *disk, uint64_t flags)
{
    struct list finished = LIST_INIT(finished);
    struct list *link;
    uint64_t now = clock_ns();
    struct block_request *request;

    list_for_each_entry(request, &disk->finished, link)
        for (struct block_request *each = request; each; each = each->next)
            count_end(each, now);
    list_splice_tail(&finished, &disk->finished);
    spin_unlock_irq(&disk->lock, flags);
    while ((link = list_take_first(&finished))) {
        request = list_entry(link, struct block_request, link);
        while (request) {
            struct block_request *next = request->next;

            request->done(request, request->error);
            request = next;
        }
    }
}

void block_submit(struct block_device *device, struct block_request *request)
{
    struct block_device *disk = disk_of(device);
    uint64_t flags = spin_lock_irq(&disk->lock);

    while (request) {
        struct block_request *next = request->next;

        enter(device, request);
        request = next;
    }
    start_waiting(disk);
    unlock_and_tell(disk, flags);
}

void block_interrupt(struct block_device *device)
{
    uint64_t flags = spin_lock_irq(&device->lock);

    collect(device);
    start_waiting(device);
    unlock_and_tell(device, flags);
}

/* Has the oldest chain run for too long? An interrupt that was lost is made up for. */
static void look(struct timer *timer)
{
    struct block_device *disk = container_of(timer, struct block_device, timer);
    uint64_t flags = spin_lock_irq(&disk->lock);

    disk->armed = false;
    collect(disk);
    if (!list_empty(&disk->running) &&
        list_first_entry(&disk->running, struct block_request, link)->start_ns + BLOCK_TIMEOUT_NS <= clock_ns())
        reset(disk, "the device does not answer");
    start_waiting(disk);
    unlock_and_tell(disk, flags);
}

void block_queue_init(struct block_device *disk)
{
    spin_init(&disk->lock, "block device", RANK_DEVICE);
    list_init(&disk->waiting);
    list_init(&disk->running);
    list_init(&disk->finished);
    wait_queue_init(&disk->finishers);
    timer_init(&disk->timer, look);
}
