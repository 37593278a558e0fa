// SPDX-License-Identifier: MIT
/*
 * file.c - open and close, sizes and positions.
 */
#include <linux/fadvise.h>
#include <linux/falloc.h>
#include <linux/fcntl.h>
#include <linux/stat.h>

#include "fs/inode.h"
#include "fs/vfs.h"
#include "lib/checked.h"
#include "proc/cred.h"
#include "proc/fs_context.h"
#include "proc/signal.h"
#include "sys/descriptor.h"
#include "sys/syscall.h"
#include "sys/user_path.h"

#define PERMISSION_BITS 07777u
#define OPEN_FLAGS                                                                                             \
    (O_ACCMODE | O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_APPEND | O_NONBLOCK | O_DSYNC | __O_SYNC | FASYNC | \
     O_DIRECT | O_LARGEFILE | O_DIRECTORY | O_NOFOLLOW | O_NOATIME | O_CLOEXEC | O_PATH | __O_TMPFILE)
#define OPEN_PATH_FLAGS (O_DIRECTORY | O_NOFOLLOW | O_PATH | O_CLOEXEC)

static uint32_t masked(uint32_t mode)
{
    return mode & PERMISSION_BITS & ~current_process()->fs->umask;
}

/* What open(2) makes of its flags before it looks at anything else. => 0, -EINVAL */
static int open_flags(unsigned *flags, uint32_t *mode)
{
    *flags &= OPEN_FLAGS;
    if (*flags & O_PATH)
        *flags &= OPEN_PATH_FLAGS;
    *flags |= O_LARGEFILE;
    if (*flags & __O_TMPFILE) {
        if ((*flags & O_TMPFILE) != O_TMPFILE || (*flags & O_ACCMODE) == O_RDONLY)
            return -EINVAL;
    } else if (!(*flags & O_CREAT)) {
        *mode = 0;
    }
    return 0;
}

static int64_t open_file(int dirfd, vaddr_t name, unsigned flags, uint32_t mode)
{
    struct user_path path;
    struct file *file;
    int fd, error = open_flags(&flags, &mode);

    if (!error)
        error = user_path_begin(&path, dirfd, name, 0);
    if (error)
        return error;
    fd = error = descriptor_alloc(0, flags & O_CLOEXEC);
    if (fd >= 0) {
        error = vfs_open(&path.lookup, path.name, flags & ~O_CLOEXEC, masked(mode), &file);
        if (error)
            descriptor_cancel(fd);
        else
            descriptor_install(fd, file);
    }
    user_path_end(&path);
    return error < 0 ? restartable(error) : fd;
}

SYSCALL3(open, vaddr_t, name, unsigned, flags, uint32_t, mode)
{
    return open_file(AT_FDCWD, name, flags, mode);
}

SYSCALL4(openat, int, dirfd, vaddr_t, name, unsigned, flags, uint32_t, mode)
{
    return open_file(dirfd, name, flags, mode);
}

SYSCALL2(creat, vaddr_t, name, uint32_t, mode)
{
    return open_file(AT_FDCWD, name, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

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

/* Only growth: what a file in memory has not got is a hole already. */
static int64_t grow_file(struct file *file, int mode, uint64_t end)
{
    struct inode *inode = file_inode(file);

    if (mode & ~FALLOC_FL_KEEP_SIZE)
        return -EOPNOTSUPP;
    if (!(file->mode & FILE_WRITE))
        return -EBADF;
    if (inode_is(inode, S_IFIFO))
        return -ESPIPE;
    if (inode_is(inode, S_IFDIR))
        return -EISDIR;
    if (!inode_is(inode, S_IFREG))
        return -ENODEV;
    if ((mode & FALLOC_FL_KEEP_SIZE) || end <= inode_size(inode))
        return 0;
    return file_truncate(file, end);
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
            result = grow_file(file, mode, end);
    }
    file_put(file);
    return result;
}

SYSCALL4(fadvise64, int, fd, int64_t, offset, int64_t, size, int, advice)
{
    struct file *file = descriptor_file(fd);
    int64_t result = 0;

    (void)offset;
    if (!file)
        return -EBADF;
    if (inode_is(file_inode(file), S_IFIFO))
        result = -ESPIPE;
    else if (size < 0 || advice < POSIX_FADV_NORMAL || advice > POSIX_FADV_NOREUSE)
        result = -EINVAL;
    file_put(file);
    return result;
}

SYSCALL3(readahead, int, fd, int64_t, offset, uint64_t, size)
{
    struct file *file = descriptor_file(fd);
    int64_t result = 0;

    (void)offset, (void)size;
    if (!file)
        return -EBADF;
    if (!(file->mode & FILE_READ))
        result = -EBADF;
    else if (!inode_is(file_inode(file), S_IFREG))
        result = -EINVAL;
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
