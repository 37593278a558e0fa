// SPDX-License-Identifier: MIT
/*
 * file.c - open files: their life, their position, and the checks before each operation.
 */
#include "fs/file.h"

#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/mman.h>
#include <linux/mount.h>
#include <linux/poll.h>
#include <linux/stat.h>
#include <stdatomic.h>

#include "fs/epoll.h"
#include "fs/file_lock.h"
#include "fs/nameless.h"
#include "fs/poll.h"
#include "fs/vfs.h"
#include "lib/errno.h"
#include "lib/log.h"
#include "lib/string.h"
#include "mm/slab.h"

#define SETTABLE_FLAGS ((unsigned)(O_APPEND | O_NONBLOCK | O_NOATIME | O_DIRECT | FASYNC))

static struct slab_cache file_cache;

void file_cache_init(void)
{
    slab_cache_init(&file_cache, "file", sizeof(struct file));
}

static uint32_t mode_from_flags(unsigned flags)
{
    static const uint8_t modes[] = {FILE_READ, FILE_WRITE, FILE_READ | FILE_WRITE, 0};

    return flags & O_PATH ? FILE_PATH : modes[flags & O_ACCMODE];
}

static int file_count_writer(struct file *file)
{
    int error;

    if (!(file->mode & FILE_WRITE) || !inode_is(file_inode(file), S_IFREG))
        return 0;
    error = inode_get_write(file_inode(file));
    if (error == 0)
        file->mode |= FILE_COUNTED_WRITER;
    return error;
}

static void file_uncount(struct file *file)
{
    if (file->mode & FILE_COUNTED_WRITER)
        inode_put_write(file_inode(file));
    if (file->mode & FILE_DENIES_WRITE)
        inode_allow_write(file_inode(file));
}

struct file *file_alloc(void)
{
    return slab_cache_alloc(&file_cache);
}

void file_discard(struct file *file)
{
    slab_cache_free(&file_cache, file);
}

int file_begin(struct file *file, const struct path *path, const struct file_ops *ops, unsigned flags, void *private)
{
    int error;

    memset(file, 0, sizeof *file);
    file->refs = 1;
    file->flags = flags;
    file->mode = mode_from_flags(flags) | (ops->stream ? FILE_STREAM : 0);
    file->ops = ops;
    file->path = *path;
    file->private = private;
    mutex_init(&file->position_lock, "file offset", RANK_FILE_OFFSET);
    error = file_count_writer(file);
    if (error == 0 && ops->open != NULL)
        error = ops->open(file);
    if (error == 0) {
        file->flags &= ~(uint32_t)O_NOCTTY; // told to open only
        return 0;
    }
    file_uncount(file);
    return error;
}

int file_create(const struct path *path, const struct file_ops *ops, unsigned flags, void *private, struct file **out)
{
    struct file *file = file_alloc();
    int error = file != NULL ? file_begin(file, path, ops, flags, private) : -ENOMEM;

    if (error == 0)
        *out = file;
    else if (file != NULL)
        file_discard(file);
    return error;
}

int file_create_nameless(const char *name, uint32_t inode_mode, const struct file_ops *ops, unsigned flags,
                         void *private, struct file **out)
{
    struct path path;
    int error = nameless_path_create(name, inode_mode, &path);

    if (error != 0)
        return error;
    error = file_create(&path, ops, flags, private, out);
    if (error != 0)
        path_put(&path);
    return error;
}

void file_get(struct file *file)
{
    uint32_t before = atomic_fetch_add_explicit(&file->refs, 1, memory_order_relaxed);

    ASSERT(before != 0);
}

static void file_free(struct file *file)
{
    if (unlikely(epoll_watches(file)))
        epoll_forget(file);
    if (unlikely(file->has_locks))
        file_locks_release(file_inode(file), file);
    if (file->ops->release != NULL)
        file->ops->release(file);
    file_uncount(file);
    path_put(&file->path);
    slab_cache_free(&file_cache, file);
}

void file_put(struct file *file)
{
    uint32_t before = atomic_fetch_sub_explicit(&file->refs, 1, memory_order_acq_rel);

    ASSERT(before != 0);
    if (before == 1)
        file_free(file);
}

// The errors that do not depend on the file: how it is open, what it is.
static int check_read(const struct file *file)
{
    if (!(file->mode & FILE_READ))
        return -EBADF;
    if (file->ops->read == NULL)
        return inode_is_directory(file_inode(file)) ? -EISDIR : -EINVAL;
    return 0;
}

static int check_write(const struct file *file)
{
    if (!(file->mode & FILE_WRITE))
        return -EBADF;
    return file->ops->write == NULL ? -EINVAL : 0;
}

int64_t file_read(struct file *file, struct io *io)
{
    int64_t result = check_read(file);

    if (result != 0 || io->left == 0)
        return result;
    if (file->mode & FILE_STREAM)
        return file->ops->read(file, io);
    mutex_lock(&file->position_lock);
    io->offset = file->position;
    result = file->ops->read(file, io);
    if (result > 0)
        file->position = io->offset;
    mutex_unlock(&file->position_lock);
    return result;
}

int64_t file_write(struct file *file, struct io *io)
{
    int64_t result = check_write(file);

    if (result != 0 || io->left == 0)
        return result;
    if (file->mode & FILE_STREAM)
        return file->ops->write(file, io);
    mutex_lock(&file->position_lock);
    io->offset = file->position;
    result = file->ops->write(file, io);
    if (result > 0)
        file->position = io->offset;
    mutex_unlock(&file->position_lock);
    return result;
}

int64_t file_pread(struct file *file, struct io *io)
{
    int64_t result = file->mode & FILE_STREAM ? -ESPIPE : check_read(file);

    return result != 0 || io->left == 0 ? result : file->ops->read(file, io);
}

int64_t file_pwrite(struct file *file, struct io *io)
{
    int64_t result = file->mode & FILE_STREAM ? -ESPIPE : check_write(file);

    return result != 0 || io->left == 0 ? result : file->ops->write(file, io);
}

// SEEK_DATA and SEEK_HOLE for files that do not know better: all data, and a hole at the end.
static int64_t seek_in_data(int64_t offset, int64_t size, int whence)
{
    if (offset < 0 || offset >= size)
        return -ENXIO;
    return whence == SEEK_DATA ? offset : size;
}

static int64_t seek_target(struct file *file, int64_t offset, int whence)
{
    int64_t size = (int64_t)inode_size(file_inode(file)), base = 0;

    switch (whence) {
    case SEEK_SET:
        break;
    case SEEK_CUR:
        base = (int64_t)file->position;
        break;
    case SEEK_END:
        base = size;
        break;
    case SEEK_DATA:
    case SEEK_HOLE:
        return seek_in_data(offset, size, whence);
    default:
        return -EINVAL;
    }
    if (__builtin_add_overflow(base, offset, &base))
        return -EINVAL;
    return base < 0 ? -EINVAL : base;
}

int64_t file_seek(struct file *file, int64_t offset, int whence)
{
    int64_t target;

    if (file->mode & FILE_PATH)
        return -EBADF;
    if (whence < SEEK_SET || whence > SEEK_MAX)
        return -EINVAL;
    if (file->mode & FILE_STREAM)
        return -ESPIPE;
    mutex_lock(&file->position_lock);
    target = file->ops->seek != NULL ? file->ops->seek(file, offset, whence) : seek_target(file, offset, whence);
    if (target >= 0)
        file->position = (uint64_t)target;
    mutex_unlock(&file->position_lock);
    return target;
}

int64_t file_seek_generic(struct file *file, int64_t offset, int whence)
{
    return seek_target(file, offset, whence);
}

int64_t file_ioctl(struct file *file, unsigned command, vaddr_t argument)
{
    if (file->mode & FILE_PATH)
        return -EBADF;
    return file->ops->ioctl != NULL ? file->ops->ioctl(file, command, argument) : -ENOTTY;
}

uint32_t file_poll(struct file *file, struct poll_table *table)
{
    if (file->mode & FILE_PATH)
        return POLLNVAL;
    return file->ops->poll != NULL ? file->ops->poll(file, table) : POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM;
}

__cold int file_readdir(struct file *file, struct dir_emitter *emitter)
{
    int error;

    if (file->mode & FILE_PATH)
        return -EBADF;
    if (file->ops->readdir == NULL)
        return -ENOTDIR;
    mutex_lock(&file->position_lock);
    error = file->path.dentry->deleted ? -ENOENT : file->ops->readdir(file, &file->position, emitter);
    mutex_unlock(&file->position_lock);
    if (error == 0)
        inode_touch_atime(file_inode(file));
    return error;
}

int file_mmap(struct file *file, int prot, int flags, struct page_cache **out)
{
    bool shared = (flags & MAP_TYPE) != MAP_PRIVATE;

    if (file->mode & FILE_PATH)
        return -EBADF;
    if (!(file->mode & FILE_READ) || (shared && (prot & PROT_WRITE) && !(file->mode & FILE_WRITE)))
        return -EACCES;
    if ((prot & PROT_EXEC) && (file->path.mount->flags & MS_NOEXEC))
        return -EPERM;
    return file->ops->mmap != NULL ? file->ops->mmap(file, prot, flags, out) : -ENODEV;
}

int file_truncate(struct file *file, uint64_t size)
{
    if (file->mode & FILE_PATH)
        return -EBADF;
    if (!(file->mode & FILE_WRITE) || !inode_is(file_inode(file), S_IFREG))
        return -EINVAL;
    return vfs_truncate_inode(file_inode(file), size, file->mode & FILE_KEEPS_SETID);
}

int file_sync(struct file *file, bool data_only)
{
    if (file->mode & FILE_PATH)
        return -EBADF;
    return file->ops->fsync != NULL ? file->ops->fsync(file, data_only) : -EINVAL;
}

void file_set_flags(struct file *file, unsigned flags)
{
    uint32_t old = file->flags;

    while (!atomic_compare_exchange_weak(&file->flags, &old,
                                         (old & ~SETTABLE_FLAGS) | (flags & SETTABLE_FLAGS)))
        ;
}
