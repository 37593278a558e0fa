// SPDX-License-Identifier: MIT
/*
 * swap_disk.c - swap on a disk or partition.
 *
 * Source      The header is what mkswap(8) writes and mm/swapfile.c of Linux reads: page 0, with union swap_header of version 1.
 */
#include "dev/swap_disk.h"

#include "dev/block.h"
#include "lib/errno.h"
#include "lib/log.h"
#include "lib/string.h"
#include "mm/kalloc.h"
#include "mm/reclaim.h"
#include "mm/swap.h"

#define MAGIC "SWAPSPACE2" // in the last ten bytes of the page
#define VERSION 1

struct swap_header {
    uint8_t boot[1024];
    uint32_t version;
    uint32_t last_page;
    uint32_t bad_count;
    uint8_t uuid[16], label[16];
    uint32_t padding[117];
    uint32_t bad[(PAGE_SIZE - 10 - 1536) / sizeof(uint32_t)];
};

/* ---- Pages ---- */

static_assert(SWAP_CLUSTER <= BLOCK_SEGMENTS_MAX, "a cluster is one request");

static int transfer(struct block_device *disk, enum block_operation operation, uint32_t first, void *const *pages,
                    unsigned count)
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
    return transfer(disk, BLOCK_READ, first, pages, count);
}

static int write_pages(void *disk, uint32_t first, void *const *pages, unsigned count)
{
    return transfer(disk, BLOCK_WRITE, first, pages, count);
}

static const char *disk_name(void *disk)
{
    return ((struct block_device *)disk)->name;
}

/* ---- On and off ---- */

/* => pages that the area has, the header's included; 0: it is none, which the log says why */
static uint32_t check_header(const struct block_device *disk, const struct swap_header *header)
{
    const char *magic = (const char *)header + PAGE_SIZE - strlen(MAGIC), *why;
    uint64_t pages = disk->size >> PAGE_SHIFT;

    if (memcmp(magic, MAGIC, strlen(MAGIC)))
        why = "no swap signature: mkswap makes one";
    else if (header->version != VERSION)
        why = "a swap header of another version, or byte order";
    else if (header->last_page == 0)
        why = "an empty swap area";
    else if (header->last_page >= pages)
        why = "a swap area shorter than its header says";
    else if (header->bad_count > ARRAY_SIZE(header->bad))
        why = "more bad pages than a swap header holds";
    else
        return MIN(header->last_page + 1, SWAP_AREA_PAGES);
    printk(LOG_WARNING "swapon: /dev/%s: %s\n", disk->name, why);
    return 0;
}

static int add(struct block_device *disk, int priority, const struct swap_header *header)
{
    static const struct swap_ops ops = {read_pages, write_pages, disk_name};
    uint32_t pages = check_header(disk, header);

    if (!pages)
        return -EINVAL;
    int error = reclaim_start();
    if (!error)
        error = swap_add(&ops, disk, pages, priority, header->bad, header->bad_count);
    if (!error)
        printk(LOG_INFO "Adding %uk swap on /dev/%s. Priority:%d\n", (pages - 1) * (uint32_t)(PAGE_SIZE / 1024), disk->name, priority);
    return error;
}

int swap_disk_on(struct block_device *disk, int priority)
{
    void *header = disk->read_only ? NULL : kalloc();
    int error;

    if (!header)
        return disk->read_only ? -EROFS : -ENOMEM;
    error = disk->size < PAGE_SIZE ? -EINVAL : block_read(disk, 0, header, PAGE_SIZE);
    if (!error)
        error = add(disk, priority, header);
    kfree(header);
    return error;
}
