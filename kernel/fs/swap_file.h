// SPDX-License-Identifier: MIT
/*
 * swap_file.h - swap in a file that lies on a disk and that mkswap has prepared.
 */
#ifndef FS_SWAP_FILE_H
#define FS_SWAP_FILE_H

#include "lib/types.h"

struct file;
struct inode;

/*
 * Use a file for swap, or no longer (then everything comes back). While it is used it has inode->is_swap: nobody writes to it, cuts it off or
 * takes its name away, and its file system stays mounted for writing.
 *
 * => on: open for reading and writing; keeps a reference of its own
 * => sleeps; 0; -EINVAL: mkswap has not been there, it has holes, it lies on no disk, or (off) it is not in use; -EBUSY: it is in use; -ENOENT: it has
 *    no name; -EIO, -ENOMEM; -EPERM: there are too many; -EINTR: `stop` said so
 */
__must_check int swap_file_on(struct file *file, int priority);
__must_check int swap_file_off(struct inode *inode, bool (*stop)(void));

/* While this is held the names stay that swap_area_info tells. => sleeps */
void swap_files_hold(void);
void swap_files_release(void);

#endif
