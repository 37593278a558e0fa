// SPDX-License-Identifier: MIT
/*
 * disks.c - /proc/diskstats and /proc/partitions. Formats: Linux's Documentation/admin-guide/iostats.rst, block/genhd.c.
 */
#include "dev/block.h"
#include "sys/procfs/node.h"
#include "sys/procfs/system.h"

#define NS_PER_MS 1000000

static void show_counter(struct text *text, const struct block_counter *counter)
{
    text_printf(text, " %lu %lu %lu %lu", counter->requests, counter->merged, counter->sectors, counter->ns / NS_PER_MS);
}

static void show_disk(struct text *text, struct block_device *device)
{
    const struct block_counter *flushes;
    uint64_t waited_ns = 0;
    struct block_stat stat;

    block_stat(device, &stat);
    for (unsigned i = 0; i < BLOCK_OPERATIONS; i++)
        waited_ns += stat.counters[i].ns;
    flushes = &stat.counters[BLOCK_FLUSH];
    text_printf(text, "%4u %7u %s", device_major(device->number), device_minor(device->number), device->name);
    show_counter(text, &stat.counters[BLOCK_READ]);
    show_counter(text, &stat.counters[BLOCK_WRITE]);
    text_printf(text, " %u %lu %lu", stat.in_flight, stat.busy_ns / NS_PER_MS, waited_ns / NS_PER_MS);
    text_printf(text, " 0 0 0 0 %lu %lu\n", flushes->requests, flushes->ns / NS_PER_MS); // nothing is discarded
}

int show_diskstats(const struct proc_inode *inode, struct text *text)
{
    (void)inode;
    for (struct block_device *device = block_next(NULL); device; device = block_next(device))
        show_disk(text, device);
    return 0;
}

int show_partitions(const struct proc_inode *inode, struct text *text)
{
    (void)inode;
    if (block_next(NULL))
        text_puts(text, "major minor  #blocks  name\n\n");
    for (struct block_device *device = block_next(NULL); device; device = block_next(device))
        text_printf(text, "%4u  %7u %10lu %s\n", device_major(device->number), device_minor(device->number),
                    device->size >> 10, device->name);
    return 0;
}
