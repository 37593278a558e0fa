// SPDX-License-Identifier: MIT
/*
 * partition.h - which partitions the table on a disk tells of: a master boot record with logical partitions, or a GPT.
 *
 * Pure: it reads by a function that it is handed, and allocates nothing. Whatever the disk has on it, it ends soon, and what it finds lies
 * within the disk.
 */
#ifndef DEV_PARTITION_H
#define DEV_PARTITION_H

#include "lib/types.h"

#define PARTITIONS_MAX 255 // of one disk, as many as Linux numbers

/* Bytes; not empty, and within the disk. */
struct partition {
    unsigned index;       // 1 ..: of a GPT its place there, of a boot record 1 to 4, logical ones from 5 on
    uint64_t start, size;
};

/* Where to read, and whom to tell. */
struct partition_disk {
    int (*read)(void *disk, uint64_t offset, void *data, size_t size); // whole blocks, within the disk; 0 or -errno
    void (*found)(void *disk, const struct partition *partition);      // in the order of the table
    void *disk;           // for these two
    void *buffer;         // a page
    uint64_t size;        // bytes
    uint32_t block_size;  // 512 .. 4096, a power of two
    const char *name;     // for the log
};

/* => sleeps; 0, no table included; or why the table cannot be read */
__must_check int partitions_find(const struct partition_disk *disk);

#endif
