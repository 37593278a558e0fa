// SPDX-License-Identifier: MIT
/*
 * file.c - close, sizes and positions.
 */
#include <linux/fadvise.h>
#include <linux/falloc.h>
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/stat.h>

#include "fs/inode.h"
#include "fs/size_limit.h"
#include "fs/vfs.h"
#include "lib/checked.h"
#include "proc/cred.h"
#include "proc/fs_context.h"
#include "proc/signal.h"
#include "sys/descriptor.h"
#include "sys/syscall.h"
#include "sys/user_path.h"

SYSCALL1(close, int, fd)
{
    return fd_close(current_process()->files, fd);
}

SYSCALL3(lseek, int, fd, int64_t, offset, unsigned, whence)
{
    struct file *file = descriptor_file(fd);
    int64_t result;

    if (!file)
        return -EBADF;
    result = file_seek(file, offset, whence);
    file_put(file);
    return result;
}

SYSCALL2(truncate, vaddr_t, name, int64_t, size)
{
    struct path path;
    int error;

    if (size < 0)
        return -EINVAL;
    error = user_path_lookup(AT_FDCWD, name, LOOKUP_FOLLOW, &path);
    if (error)
        return error;
    error = vfs_truncate(&path, size, current_credentials());
    path_put(&path);
    return error;
}

/* Run `size`-changing work on a file that must be a regular one open for writing. */
static int64_t truncate_file(struct file *file, int64_t size)
{
    if (!(file->mode & FILE_WRITE) || !inode_is(file_inode(file), S_IFREG))
        return -EINVAL;
    return file_truncate(file, size);
}

SYSCALL2(ftruncate, int, fd, int64_t, size)
{
    struct file *file;
    int64_t result;

    if (size < 0)
        return -EINVAL;
    file = descriptor_file(fd);
    if (!file)
        return -EBADF;
    result = truncate_file(file, size);
    file_put(file);
    return result;
}

/* Growth, where there is nothing to reserve (what a file in memory has not got is a hole already), or a hole. */
static int64_t allocate(struct file *file, int mode, uint64_t start, uint64_t end)
{
    struct inode *inode = file_inode(file);

    if ((mode & ~(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE)) || mode == FALLOC_FL_PUNCH_HOLE)
        return -EOPNOTSUPP;
    if (!(file->mode & FILE_WRITE))
        return -EBADF;
    if (inode->is_swap)
        return -ETXTBSY;
    if (inode_is(inode, S_IFIFO))
        return -ESPIPE;
    if (inode_is(inode, S_IFDIR))
        return -EISDIR;
    if (!inode_is(inode, S_IFREG))
        return -ENODEV;
    if (mode & FALLOC_FL_PUNCH_HOLE)
        return vfs_punch_inode(inode, start, end, file->mode & FILE_KEEPS_SETID);
    if (end <= inode_size(inode))
        return 0;
    return mode & FALLOC_FL_KEEP_SIZE ? size_limit_check(end) : file_truncate(file, end);
}

SYSCALL4(fallocate, int, fd, int, mode, int64_t, offset, int64_t, size)
{
    struct file *file = descriptor_file(fd);
    int64_t result = -EINVAL;
    uint64_t end;

    if (!file)
        return -EBADF;
    if (offset >= 0 && size > 0) {
        result = -EFBIG;
        if (!add_overflows(offset, size, &end) && (int64_t)end >= 0)
            result = allocate(file, mode, (uint64_t)offset, end);
    }
    file_put(file);
    return result;
}

/* Bytes [offset, offset + size) of a file will be needed; size 0: up to its end. A range that makes no sense is nothing to expect. */
static void expect(const struct file *file, uint64_t offset, uint64_t size)
{
    uint64_t end;

    if (!inode_is(file_inode(file), S_IFREG))
        return;
    if (size == 0 || add_overflows(offset, size, &end))
        end = INT64_MAX;
    page_cache_expect(&file_inode(file)->pages, offset >> PAGE_SHIFT, (end + PAGE_MASK) >> PAGE_SHIFT);
}

SYSCALL4(fadvise64, int, fd, int64_t, offset, int64_t, size, int, advice)
{
    struct file *file = descriptor_file(fd);
    int64_t result = 0;

    if (!file)
        return -EBADF;
    if (inode_is(file_inode(file), S_IFIFO))
        result = -ESPIPE;
    else if (size < 0 || advice < POSIX_FADV_NORMAL || advice > POSIX_FADV_NOREUSE)
        result = -EINVAL;
    else if (advice == POSIX_FADV_WILLNEED)
        expect(file, (uint64_t)offset, (uint64_t)size);
    file_put(file);
    return result;
}

SYSCALL3(readahead, int, fd, int64_t, offset, uint64_t, size)
{
    struct file *file = descriptor_file(fd);
    int64_t result = 0;

    if (!file)
        return -EBADF;
    if (!(file->mode & FILE_READ))
        result = -EBADF;
    else if (!inode_is(file_inode(file), S_IFREG))
        result = -EINVAL;
    else if (size > 0)
        expect(file, (uint64_t)offset, size);
    file_put(file);
    return result;
}

static int64_t sync_file(int fd, bool data_only)
{
    struct file *file = descriptor_file(fd);
    int64_t result;

    if (!file)
        return -EBADF;
    result = file_sync(file, data_only);
    file_put(file);
    return result;
}

SYSCALL1(fsync, int, fd)
{
    return sync_file(fd, false);
}

SYSCALL1(fdatasync, int, fd)
{
    return sync_file(fd, true);
}

#define SYNC_RANGE_FLAGS \
    (SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER)

/* A range is a hint for us: a file is written back whole. */
static int64_t sync_range(struct file *file, unsigned flags)
{
    if (file->mode & FILE_STREAM)
        return -ESPIPE;
    return flags && file->ops->fsync ? file_sync(file, true) : 0;
}

SYSCALL4(sync_file_range, int, fd, int64_t, offset, int64_t, size, unsigned, flags)
{
    struct file *file;
    int64_t end, result;

    if ((flags & ~SYNC_RANGE_FLAGS) || offset < 0 || size < 0 || __builtin_add_overflow(offset, size, &end))
        return -EINVAL;
    file = descriptor_file(fd);
    if (!file)
        return -EBADF;
    result = sync_range(file, flags);
    file_put(file);
    return result;
}

SYSCALL1(syncfs, int, fd)
{
    struct file *file = descriptor_file(fd);

    if (!file)
        return -EBADF;
    file_put(file);
    vfs_sync();
    return 0;
}

SYSCALL0(sync)
{
    vfs_sync();
    return 0;
}
