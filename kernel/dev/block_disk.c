// SPDX-License-Identifier: MIT
/*
 * block_disk.c - new disks, and the partitions that they have.
 *
 * Not here    Reading the tables: partition.c.
 */
#include "dev/block_disk.h"

#include <linux/stat.h>

#include "dev/block.h"
#include "dev/partition.h"
#include "fs/devfs.h"
#include "lib/errno.h"
#include "lib/log.h"
#include "lib/printf.h"
#include "mm/kalloc.h"
#include "mm/slab.h"

#define LETTERS        26
#define EXTENDED_MAJOR 259 // Linux's for partitions beyond the disk's own minors

static unsigned extended_count; // numbers of that major given out
static unsigned disk_count; // disks are added one after the other, at boot

static void add_node(const struct block_device *device)
{
    devfs_create_node(device->name, S_IFBLK | 0600, device->number);
}

static device_t number_of(const struct block_device *disk, unsigned index)
{
    return index < DISK_MINORS ? disk->number + index : device_make(EXTENDED_MAJOR, extended_count++);
}

static void add_partition(void *arg, const struct partition *found)
{
    struct block_device *disk = arg, *partition = slab_zalloc(sizeof *partition);

    if (!partition) {
        printk(LOG_WARNING "%s: no memory for partition %u", disk->name, found->index);
        return;
    }
    partition->number = number_of(disk, found->index);
    partition->start = found->start;
    partition->size = found->size;
    block_register_partition(partition, disk, found->index);
    add_node(partition);
}

static int read_blocks(void *disk, uint64_t offset, void *data, size_t size)
{
    return block_read(disk, offset, data, size);
}

static void add_partitions(struct block_device *disk)
{
    struct partition_disk table = {
        .read = read_blocks,
        .found = add_partition,
        .disk = disk,
        .buffer = kalloc(),
        .size = disk->size,
        .block_size = disk->block_size,
        .name = disk->name,
    };

    if (!table.buffer || partitions_find(&table) != 0)
        printk(LOG_WARNING "%s: the table of partitions cannot be read", disk->name);
    if (table.buffer)
        kfree(table.buffer);
}

int block_disk_add(struct block_device *disk)
{
    if (disk_count == LETTERS)
        return -ENOSPC;
    snprintf(disk->name, sizeof disk->name, "vd%c", 'a' + disk_count);
    disk->number = device_make(DISK_MAJOR, disk_count * DISK_MINORS);
    disk_count++;
    block_register(disk);
    add_node(disk);
    printk("%s: %lu KiB%s", disk->name, disk->size >> 10, disk->read_only ? ", read-only" : "");
    if (disk->size > 0)
        add_partitions(disk);
    return 0;
}
