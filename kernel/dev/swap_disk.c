// SPDX-License-Identifier: MIT
/*
 * swap_disk.c - swap on a disk or partition.
 */
#include "dev/swap_disk.h"

#include "dev/swap_header.h"
#include "lib/errno.h"
#include "lib/log.h"
#include "mm/kalloc.h"
#include "mm/reclaim.h"
#include "mm/swap.h"

/* ---- Pages ---- */

static_assert(SWAP_CLUSTER <= BLOCK_SEGMENTS_MAX, "a cluster is one request");

int swap_disk_transfer(struct block_device *disk, enum block_operation operation, uint32_t first, void *const *pages, unsigned count)
{
    struct block_segment segments[SWAP_CLUSTER];
    struct block_request request = {
        .operation = operation,
        .count = count,
        .segments = segments,
        .offset = (uint64_t)first << PAGE_SHIFT,
    };

    for (unsigned i = 0; i < count; i++)
        segments[i] = (struct block_segment){pages[i], PAGE_SIZE};
    return block_submit_wait(disk, &request);
}

static int read_pages(void *disk, uint32_t first, void *const *pages, unsigned count)
{
    return swap_disk_transfer(disk, BLOCK_READ, first, pages, count);
}

static int write_pages(void *disk, uint32_t first, void *const *pages, unsigned count)
{
    return swap_disk_transfer(disk, BLOCK_WRITE, first, pages, count);
}

static const char *disk_name(void *disk)
{
    return ((struct block_device *)disk)->name;
}

/* ---- On and off ---- */

static int add(struct block_device *disk, int priority, struct swap_header *header)
{
    static const struct swap_ops ops = {.read = read_pages, .write = write_pages, .name = disk_name};
    uint32_t pages = swap_header_check(header, disk->size >> PAGE_SHIFT, false);

    if (!pages)
        return -EINVAL;
    int error = reclaim_start();
    if (!error)
        error = swap_add(&ops, disk, pages, &priority, header->bad, header->bad_count);
    if (!error)
        printk(LOG_INFO SWAP_AREA_ADDED, (pages - 1) * (uint32_t)(PAGE_SIZE / 1024), "/dev/", disk->name, priority, 1u,
               (pages - 1) * (uint32_t)(PAGE_SIZE / 1024));
    return error;
}

static int read_and_add(struct block_device *disk, int priority)
{
    void *header = kalloc();

    if (!header)
        return -ENOMEM;
    int error = disk->size < PAGE_SIZE ? -EINVAL : block_read(disk, 0, header, PAGE_SIZE);
    if (!error)
        error = add(disk, priority, header);
    kfree(header);
    return error;
}

int swap_disk_on(struct block_device *disk, int priority)
{
    if (disk->read_only)
        return -EROFS;
    if (!block_claim(disk))
        return -EBUSY;
    int error = read_and_add(disk, priority);
    if (error)
        block_unclaim(disk);
    return error;
}

int swap_disk_off(struct block_device *disk, bool (*stop)(void))
{
    int error = swap_off(disk, stop);

    if (!error)
        block_unclaim(disk);
    return error;
}
