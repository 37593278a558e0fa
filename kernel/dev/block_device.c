// SPDX-License-Identifier: MIT
/*
 * block_device.c - which disks and partitions there are, and reading and writing them with patience.
 */
#include "dev/block.h"

#include <stdatomic.h>

#include "dev/block_private.h"
#include "lib/errno.h"
#include "lib/printf.h"
#include "lib/string.h"

/* Devices only ever join, at the end, while the machine starts: readers need no lock. */
static struct list devices = LIST_INIT(devices);

void block_register(struct block_device *device)
{
    block_queue_init(device);
    list_add_tail(&devices, &device->link);
}

void block_register_partition(struct block_device *partition, struct block_device *whole, unsigned index)
{
    snprintf(partition->name, sizeof partition->name, "%.16s%u", whole->name, index);
    partition->whole = whole;
    partition->block_size = whole->block_size;
    partition->read_only = whole->read_only;
    list_add_tail(&devices, &partition->link);
}

struct block_device *block_find(device_t number)
{
    struct block_device *device;

    list_for_each_entry(device, &devices, link) {
        if (device->number == number)
            return device;
    }
    return NULL;
}

struct block_device *block_next(const struct block_device *device)
{
    const struct list *link = device ? &device->link : &devices;

    return link->next != &devices ? list_entry(link->next, struct block_device, link) : NULL;
}

bool block_claim(struct block_device *device)
{
    struct block_device *disk = device->whole ? device->whole : device;
    uint64_t flags = spin_lock_irq(&disk->lock);
    bool free = !device->claimed && !(device == disk ? disk->claimed_parts > 0 : disk->claimed);

    if (free) {
        device->claimed = true;
        disk->claimed_parts += device != disk;
    }
    spin_unlock_irq(&disk->lock, flags);
    return free;
}

void block_unclaim(struct block_device *device)
{
    struct block_device *disk = device->whole ? device->whole : device;
    uint64_t flags = spin_lock_irq(&disk->lock);

    device->claimed = false;
    disk->claimed_parts -= device != disk;
    spin_unlock_irq(&disk->lock, flags);
}

/* One thread that waits for its requests, on its stack.    Fields: (a) atomic */
struct patience {
    struct block_device *disk;
    _Atomic unsigned pending;       // (a)
    _Atomic int error;              // (a)
};

/* The waiter may be gone as soon as it can see that nothing is pending; the disk stays. */
static void one_done(struct block_request *request, int error)
{
    struct patience *patience = request->private;
    struct block_device *disk = patience->disk;

    if (error != 0)
        atomic_store(&patience->error, error);
    if (atomic_fetch_sub(&patience->pending, 1) == 1)
        wake_all(&disk->finishers);
}

int block_submit_wait(struct block_device *device, struct block_request *request)
{
    struct patience patience = {.disk = device->whole ? device->whole : device};

    for (struct block_request *each = request; each; each = each->next) {
        each->done = one_done;
        each->private = &patience;
        patience.pending++;
    }
    block_submit(device, request);
    wait_event(&patience.disk->finishers, atomic_load(&patience.pending) == 0);
    return atomic_load(&patience.error);
}

static int transfer(struct block_device *device, enum block_operation operation, uint64_t offset, void *data,
                    size_t size)
{
    struct block_segment segment = {data, size};
    struct block_request request = {
        .operation = operation,
        .count = operation != BLOCK_FLUSH,
        .segments = &segment,
        .offset = offset,
    };

    return block_submit_wait(device, &request);
}

int block_read(struct block_device *device, uint64_t offset, void *data, size_t size)
{
    return transfer(device, BLOCK_READ, offset, data, size);
}

int block_write(struct block_device *device, uint64_t offset, const void *data, size_t size)
{
    return transfer(device, BLOCK_WRITE, offset, (void *)(uintptr_t)data, size);
}

int block_flush(struct block_device *device)
{
    return transfer(device, BLOCK_FLUSH, 0, NULL, 0);
}
