// SPDX-License-Identifier: MIT
/*
 * block_disk.h - a driver has a new disk: it gets a name, a number, its nodes in /dev, and its partitions.
 */
#ifndef DEV_BLOCK_DISK_H
#define DEV_BLOCK_DISK_H

#include "lib/types.h"

struct block_device;

#define DISK_MAJOR 254 // of those that Linux gives out from above: what virtio's disks get there
#define DISK_MINORS 16 // the disk and its partitions

/*
 * => all but name and number set, and it can be read from; may sleep
 * => 0; -ENOSPC: as many disks as there are letters. It stays then for ever
 */
int block_disk_add(struct block_device *disk) __must_check;

#endif
