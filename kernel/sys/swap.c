// SPDX-License-Identifier: MIT
/*
 * swap.c - swapon and swapoff.
 */
#include <linux/fcntl.h>
#include <linux/stat.h>

#include "dev/block.h"
#include "dev/swap_disk.h"
#include "fs/file.h"
#include "fs/inode.h"
#include "fs/swap_file.h"
#include "fs/vfs.h"
#include "lib/errno.h"
#include "proc/cred.h"
#include "proc/signal.h"
#include "sys/syscall.h"
#include "sys/user_path.h"

/* Linux's include/linux/swap.h; no UAPI header has them. */
#define SWAP_FLAG_PREFER 0x8000
#define SWAP_FLAG_PRIO_MASK 0x7fff
#define SWAP_FLAGS_VALID 0x7ffff // discarding is advice, which no disk here takes

/* Both calls open what they are about for reading and writing, as Linux does, with all that may be wrong with that. */
static int open_area(vaddr_t name, struct file **file)
{
    struct user_path path;
    int error = user_path_begin(&path, AT_FDCWD, name, 0);

    if (error)
        return error;
    error = vfs_open(&path.lookup, path.name, O_RDWR | O_LARGEFILE, 0, file);
    user_path_end(&path);
    return error;
}

static struct block_device *disk_of(const struct file *file)
{
    return inode_is(file_inode(file), S_IFBLK) ? block_find(file_inode(file)->rdev) : NULL;
}

static int switch_on(struct file *file, int priority)
{
    struct block_device *disk = disk_of(file);

    if (disk)
        return swap_disk_on(disk, priority);
    return inode_is(file_inode(file), S_IFREG) ? swap_file_on(file, priority) : -EINVAL;
}

SYSCALL2(swapon, vaddr_t, name, int, flags)
{
    struct file *file;

    if (flags & ~SWAP_FLAGS_VALID)
        return -EINVAL;
    if (!credentials_is_root(current_credentials()))
        return -EPERM;
    int error = open_area(name, &file);
    if (error)
        return error;
    error = switch_on(file, flags & SWAP_FLAG_PREFER ? flags & SWAP_FLAG_PRIO_MASK : -1);
    file_put(file);
    return error;
}

SYSCALL1(swapoff, vaddr_t, name)
{
    struct file *file;

    if (!credentials_is_root(current_credentials()))
        return -EPERM;
    int error = open_area(name, &file);
    if (error)
        return error;
    struct block_device *disk = disk_of(file);
    error = disk ? swap_disk_off(disk, signal_fatal_pending) : swap_file_off(file_inode(file), signal_fatal_pending);
    file_put(file);
    return error;
}
