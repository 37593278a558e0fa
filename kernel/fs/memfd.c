// SPDX-License-Identifier: MIT
/*
 * memfd.c - files in memory without a name, and seals.
 *
 * Theory      Seals are bits of the inode, and are only ever added. Writes and changes of size look at them under the
 *             inode's lock, where they are added as well. Who wants to map the file for writing asks its page cache, which
 *             a seal has told to refuse (mm/page_cache.h): so the two cannot pass each other.
 */
#include "fs/memfd.h"

#include <linux/fcntl.h>
#include <linux/memfd.h>
#include <linux/stat.h>

#include "fs/file.h"
#include "fs/inode.h"
#include "fs/tmpfs.h"
#include "lib/errno.h"

#define SEALS (unsigned)(F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_FUTURE_WRITE | F_SEAL_EXEC)

int memfd_create(const char *name, unsigned flags, struct file **out)
{
    bool noexec = flags & MFD_NOEXEC_SEAL;
    struct path path;
    int error = tmpfs_create_nameless(name, S_IFREG | (noexec ? 0666 : 0777), &path);

    if (error != 0)
        return error;
    if (noexec)
        path_inode(&path)->seals = F_SEAL_EXEC;
    else if (flags & MFD_ALLOW_SEALING)
        path_inode(&path)->seals = 0;
    error = file_create(&path, path_inode(&path)->file_ops, O_RDWR | O_LARGEFILE, NULL, out);
    if (error != 0)
        path_put(&path);
    return error;
}

static bool can_have_seals(struct file *file)
{
    return inode_is(file_inode(file), S_IFREG) && tmpfs_owns(file_inode(file));
}

int file_get_seals(struct file *file)
{
    return can_have_seals(file) ? (int)file_inode(file)->seals : -EINVAL;
}

// => inode->lock held
static int add_seals_locked(struct inode *inode, unsigned seals)
{
    if (inode->seals & F_SEAL_SEAL)
        return -EPERM;
    if ((seals & F_SEAL_EXEC) && (inode->mode & 0111))
        seals |= F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_FUTURE_WRITE;
    if ((seals & F_SEAL_WRITE) && !page_cache_seal(&inode->pages, true))
        return -EBUSY;
    if (seals & F_SEAL_FUTURE_WRITE)
        (void)page_cache_seal(&inode->pages, false);
    inode->seals |= seals;
    return 0;
}

int file_add_seals(struct file *file, unsigned seals)
{
    struct inode *inode = file_inode(file);
    int error;

    if (!(file->mode & FILE_WRITE))
        return -EPERM;
    if ((seals & ~SEALS) || !can_have_seals(file))
        return -EINVAL;
    rwlock_write_lock(&inode->lock);
    error = add_seals_locked(inode, seals);
    rwlock_write_unlock(&inode->lock);
    return error;
}

int seals_allow_write(struct inode *inode, uint64_t offset, size_t size)
{
    if (inode->seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE))
        return -EPERM;
    return (inode->seals & F_SEAL_GROW) && offset + size > inode->pages.size ? -EPERM : 0;
}

int seals_allow_size(struct inode *inode, uint64_t size)
{
    if ((inode->seals & F_SEAL_SHRINK) && size < inode->pages.size)
        return -EPERM;
    return (inode->seals & F_SEAL_GROW) && size > inode->pages.size ? -EPERM : 0;
}
