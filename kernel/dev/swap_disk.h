// SPDX-License-Identifier: MIT
/*
 * swap_disk.h - swap on a disk or partition that mkswap has prepared.
 */
#ifndef DEV_SWAP_DISK_H
#define DEV_SWAP_DISK_H

#include "dev/block.h"
#include "lib/types.h"

/*
 * Use a disk for swap; swap_disk_off ends that, and brings everything back.
 *
 * => sleeps; 0; -EINVAL: mkswap has not been there, or for another disk, or (off) it is not in use; -EBUSY: it is in use, or mounted; -EROFS,
 *    -EIO, -ENOMEM; -EPERM: there are too many; -EINTR: `stop` said so
 */
__must_check int swap_disk_on(struct block_device *disk, int priority);
__must_check int swap_disk_off(struct block_device *disk, bool (*stop)(void));

/* Move at most SWAP_CLUSTER pages to or from where they lie one after the other. `first`: in pages. => sleeps; 0 or -EIO */
__must_check int swap_disk_transfer(struct block_device *disk, enum block_operation operation, uint32_t first, void *const *pages, unsigned count);

#endif
