// SPDX-License-Identifier: MIT
/*
 * swap.c - swapon and swapoff.
 */
#include <linux/fcntl.h>
#include <linux/stat.h>

#include "dev/block.h"
#include "dev/swap_disk.h"
#include "fs/inode.h"
#include "fs/vfs.h"
#include "lib/errno.h"
#include "mm/swap.h"
#include "proc/cred.h"
#include "proc/signal.h"
#include "sys/syscall.h"
#include "sys/user_path.h"

/* Linux's include/linux/swap.h; no UAPI header has them. */
#define SWAP_FLAG_PREFER 0x8000
#define SWAP_FLAG_PRIO_MASK 0x7fff
#define SWAP_FLAGS_VALID 0x7ffff // discarding is advice, which no disk here takes

static _Atomic int next_priority = -2; // of areas that ask for none: each below the last

/* The disk that a path names. => 0; -ENOTBLK: something else, -ENXIO: no such disk; or what looking it up gave */
static int find_disk(vaddr_t name, struct block_device **disk)
{
    struct path path;
    int error = user_path_lookup(AT_FDCWD, name, LOOKUP_FOLLOW, &path);
    if (error)
        return error;
    const struct inode *inode = path_inode(&path);
    error = S_ISBLK(inode->mode) ? 0 : -EINVAL;
    if (!error) {
        *disk = block_find(inode->rdev);
        error = *disk ? 0 : -ENXIO;
    }
    path_put(&path);
    return error;
}

SYSCALL2(swapon, vaddr_t, name, int, flags)
{
    struct block_device *disk;

    if (flags & ~SWAP_FLAGS_VALID)
        return -EINVAL;
    if (!credentials_is_root(current_credentials()))
        return -EPERM;
    int error = find_disk(name, &disk);
    if (error)
        return error;
    bool preferred = flags & SWAP_FLAG_PREFER;
    error = swap_disk_on(disk, preferred ? flags & SWAP_FLAG_PRIO_MASK : atomic_load(&next_priority));
    if (!error && !preferred)
        atomic_fetch_sub(&next_priority, 1);
    return error;
}

SYSCALL1(swapoff, vaddr_t, name)
{
    struct block_device *disk;

    if (!credentials_is_root(current_credentials()))
        return -EPERM;
    int error = find_disk(name, &disk);
    return error ? error : swap_off(disk, signal_fatal_pending);
}
