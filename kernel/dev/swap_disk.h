// SPDX-License-Identifier: MIT
/*
 * swap_disk.h - swap on a disk or partition that mkswap has prepared.
 */
#ifndef DEV_SWAP_DISK_H
#define DEV_SWAP_DISK_H

#include "lib/types.h"

struct block_device;

/*
 * Use a disk for swap; swap_off (mm/swap.h) of the same disk ends that.
 *
 * => sleeps; 0; -EINVAL: mkswap has not been there, or for another disk; -EBUSY: it is in use; -EROFS, -EIO, -ENOMEM; -EPERM: there are
 *    too many
 */
__must_check int swap_disk_on(struct block_device *disk, int priority);

#endif
