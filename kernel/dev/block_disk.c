// SPDX-License-Identifier: MIT
/*
 * block_disk.c - new disks, and the partitions that their first sector tells of (the table of a master boot record).
 *
 * Not here    Logical partitions, GPT.
 */
#include "dev/block_disk.h"

#include <linux/stat.h>

#include "dev/block.h"
#include "fs/devfs.h"
#include "lib/errno.h"
#include "lib/log.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mm/kalloc.h"
#include "mm/slab.h"

#define LETTERS        26
#define TABLE_OFFSET   446
#define TABLE_ENTRIES  4
#define MARK_OFFSET    510
#define ACTIVE_OR_NONE 0x7f // of `active`: these bits are never set

enum { TYPE_EMPTY = 0, TYPE_EXTENDED = 5, TYPE_EXTENDED_LBA = 0x0f, TYPE_EXTENDED_LINUX = 0x85, TYPE_GPT = 0xee };

struct table_entry {
    uint8_t active;
    uint8_t first_chs[3];
    uint8_t type;
    uint8_t last_chs[3];
    uint32_t start; // in the disk's blocks
    uint32_t size;
} __packed;

static unsigned disk_count; // disks are added one after the other, at boot

static void add_node(const struct block_device *device)
{
    devfs_create_node(device->name, S_IFBLK | 0600, device->number);
}

/* The boot sectors of some file systems bear the same mark, with code where the table would be. */
static bool is_table(const uint8_t *sector)
{
    const struct table_entry *entries = (const void *)(sector + TABLE_OFFSET);

    if (sector[MARK_OFFSET] != 0x55 || sector[MARK_OFFSET + 1] != 0xaa)
        return false;
    for (unsigned i = 0; i < TABLE_ENTRIES; i++) {
        if (entries[i].active & ACTIVE_OR_NONE)
            return false;
    }
    return true;
}

static bool holds_data(const struct table_entry *entry)
{
    return entry->size != 0 && entry->type != TYPE_EMPTY && entry->type != TYPE_EXTENDED &&
           entry->type != TYPE_EXTENDED_LBA && entry->type != TYPE_EXTENDED_LINUX && entry->type != TYPE_GPT;
}

static void add_partition(struct block_device *disk, unsigned index, const struct table_entry *entry)
{
    uint64_t start = (uint64_t)entry->start * disk->block_size, size = (uint64_t)entry->size * disk->block_size;
    struct block_device *partition;

    if (start > disk->size || size > disk->size - start) {
        printk(LOG_WARNING "%s: partition %u reaches beyond the end of the disk, and is left out", disk->name, index);
        return;
    }
    partition = slab_zalloc(sizeof *partition);
    if (!partition) {
        printk(LOG_WARNING "%s: no memory for partition %u", disk->name, index);
        return;
    }
    partition->number = disk->number + index;
    partition->start = start;
    partition->size = size;
    block_register_partition(partition, disk, index);
    add_node(partition);
}

static void add_partitions(struct block_device *disk)
{
    uint8_t *sector = kalloc();

    if (!sector || disk->size < disk->block_size || block_read(disk, 0, sector, disk->block_size) != 0) {
        printk(LOG_WARNING "%s: the table of partitions cannot be read", disk->name);
    } else if (is_table(sector)) {
        const struct table_entry *entries = (const void *)(sector + TABLE_OFFSET);

        for (unsigned i = 0; i < TABLE_ENTRIES; i++) {
            if (holds_data(&entries[i]))
                add_partition(disk, i + 1, &entries[i]);
        }
    }
    if (sector)
        kfree(sector);
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
