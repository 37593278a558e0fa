// SPDX-License-Identifier: MIT
/*
 * attributes.c - the calls on what a path leads to: stat, statfs, access, chmod and kin, truncate, readlink.
 */
#include <linux/mount.h>
#include <linux/stat.h>

#include "fs/size_limit.h"
#include "fs/vfs.h"
#include "lib/errno.h"
#include "lib/string.h"

void vfs_stat(const struct path *path, struct kstat *out)
{
    struct inode *inode = path_inode(path);

    *out = (struct kstat){
        .dev = inode->sb->device,
        .ino = inode->ino,
        .mode = inode->mode,
        .nlink = inode->nlink,
        .uid = inode->uid,
        .gid = inode->gid,
        .rdev = inode->rdev,
        .size = inode_size(inode),
        .block_size = PAGE_SIZE,
        .atime = inode->atime,
        .mtime = inode->mtime,
        .ctime = inode->ctime,
    };
    if (inode_is(inode, S_IFREG))
        out->blocks = inode->pages.count * (PAGE_SIZE / 512);
    if (inode->ops->getattr != NULL)
        inode->ops->getattr(inode, out);
}

void vfs_statfs(const struct path *path, struct kstatfs *out)
{
    struct super_block *sb = path->dentry->sb;

    *out = (struct kstatfs){.block_size = PAGE_SIZE, .id = sb->device, .name_max = NAME_MAX_LENGTH};
    if (sb->ops->statfs != NULL)
        sb->ops->statfs(sb, out);
}

static bool is_file_or_directory(struct inode *inode)
{
    return inode_is(inode, S_IFREG) || inode_is(inode, S_IFDIR) || inode_is(inode, S_IFLNK);
}

int vfs_access(const struct path *path, unsigned wanted, const struct credentials *credentials)
{
    struct inode *inode = path_inode(path);

    if ((wanted & MAY_EXEC) && inode_is(inode, S_IFREG) && (path->mount->flags & MS_NOEXEC))
        return -EACCES;
    if ((wanted & MAY_WRITE) && mount_is_read_only(path->mount) && is_file_or_directory(inode))
        return -EROFS;
    return inode_permission(inode, wanted, credentials);
}

int vfs_set_attributes(const struct path *path, const struct attributes *attributes,
                       const struct credentials *credentials)
{
    if (mount_is_read_only(path->mount))
        return -EROFS;
    if ((attributes->valid & ATTR_MODE) && inode_is(path_inode(path), S_IFLNK))
        return -EOPNOTSUPP;
    return inode_set_attributes(path_inode(path), attributes, credentials);
}

/* What every change of a file's length or holes does around it. => 0: inode->lock is held for writing */
static int content_change_begin(struct inode *inode)
{
    int error = inode_get_write(inode);

    if (error == 0)
        rwlock_write_lock(&inode->lock);
    return error;
}

static int content_change_end(struct inode *inode, int error, bool keep_setid)
{
    if (error == 0) {
        if (!keep_setid)
            inode_drop_setid(inode);
        inode_touch_mtime(inode);
    }
    rwlock_write_unlock(&inode->lock);
    inode_put_write(inode);
    return error;
}

int vfs_truncate_inode(struct inode *inode, uint64_t size, bool keep_setid)
{
    int error;

    if (inode->ops->truncate == NULL)
        return -EINVAL;
    error = content_change_begin(inode);
    if (error != 0)
        return error;
    if (size > inode->pages.size)
        error = size_limit_check(size);
    if (error == 0)
        error = inode->ops->truncate(inode, size);
    return content_change_end(inode, error, keep_setid);
}

int vfs_punch_inode(struct inode *inode, uint64_t start, uint64_t end, bool keep_setid)
{
    int error;

    if (inode->ops->punch == NULL)
        return -EOPNOTSUPP;
    error = content_change_begin(inode);
    if (error != 0)
        return error;
    return content_change_end(inode, inode->ops->punch(inode, start, end), keep_setid);
}

int vfs_truncate(const struct path *path, uint64_t size, const struct credentials *credentials)
{
    struct inode *inode = path_inode(path);
    int error;

    if (inode_is_directory(inode))
        return -EISDIR;
    if (!inode_is(inode, S_IFREG))
        return -EINVAL;
    error = inode_permission(inode, MAY_WRITE, credentials);
    if (error != 0)
        return error;
    if (mount_is_read_only(path->mount))
        return -EROFS;
    return vfs_truncate_inode(inode, size, credentials_privileged(credentials));
}

int64_t vfs_readlink(const struct path *path, char *buffer, size_t size)
{
    int64_t length = inode_readlink(path_inode(path), buffer, size);

    if (length >= 0)
        inode_touch_atime(path_inode(path));
    return length;
}
