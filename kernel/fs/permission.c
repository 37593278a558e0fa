// SPDX-License-Identifier: MIT
/*
 * permission.c - who may do what with an inode, and changes of its owner, mode and times.
 *
 * The rules are those of path_resolution(7), chmod(2), chown(2), utimensat(2). User 0 stands for all capabilities.
 */
#include <linux/stat.h>

#include "arch/x86/time.h"
#include "fs/inode.h"
#include "lib/errno.h"

const struct credentials kernel_credentials = {.references = 1};

bool credentials_in_group(const struct credentials *credentials, uint32_t gid)
{
    if (credentials->fsgid == gid)
        return true;
    for (uint32_t i = 0; i < credentials->group_count; i++) {
        if (credentials->groups[i] == gid)
            return true;
    }
    return false;
}

// The superuser searches any directory and reads and writes anything; runs what anybody may run.
static bool privilege_helps(uint32_t mode, unsigned wanted, const struct credentials *credentials)
{
    if (!credentials_privileged(credentials))
        return false;
    return S_ISDIR(mode) || !(wanted & MAY_EXEC) || (mode & 0111);
}

int inode_permission(struct inode *inode, unsigned wanted, const struct credentials *credentials)
{
    uint32_t mode = inode->mode;
    uint32_t granted = mode;

    if (inode->ops->permission != NULL)
        return inode->ops->permission(inode, wanted, credentials);
    if (credentials->fsuid == inode->uid)
        granted >>= 6;
    else if (credentials_in_group(credentials, inode->gid))
        granted >>= 3;
    if ((granted & wanted) == wanted || privilege_helps(mode, wanted, credentials))
        return 0;
    return -EACCES;
}

bool inode_owner_or_privileged(struct inode *inode, const struct credentials *credentials)
{
    return credentials->fsuid == inode->uid || credentials_privileged(credentials);
}

// May the caller change the owner, the group?
static bool may_chown(struct inode *inode, const struct attributes *wanted, const struct credentials *credentials)
{
    if (credentials_privileged(credentials))
        return true;
    if (credentials->fsuid != inode->uid)
        return false;
    if ((wanted->valid & ATTR_UID) && wanted->uid != inode->uid)
        return false;
    return !(wanted->valid & ATTR_GID) || wanted->gid == inode->gid || credentials_in_group(credentials, wanted->gid);
}

static int may_set_attributes(struct inode *inode, const struct attributes *wanted,
                              const struct credentials *credentials)
{
    bool owner = inode_owner_or_privileged(inode, credentials);

    if ((wanted->valid & (ATTR_UID | ATTR_GID)) && !may_chown(inode, wanted, credentials))
        return -EPERM;
    if ((wanted->valid & (ATTR_MODE | ATTR_ATIME | ATTR_MTIME)) && !owner)
        return -EPERM;
    if ((wanted->valid & (ATTR_ATIME_NOW | ATTR_MTIME_NOW)) && !owner)
        return inode_permission(inode, MAY_WRITE, credentials);
    return 0;
}

// Set-id bits make no sense any more when the owner changes. A set-gid bit without group execution is another thing.
static uint32_t mode_without_setid(uint32_t mode)
{
    mode &= ~(uint32_t)S_ISUID;
    if (mode & S_IXGRP)
        mode &= ~(uint32_t)S_ISGID;
    return mode;
}

static uint32_t mode_wanted(struct inode *inode, const struct attributes *wanted,
                            const struct credentials *credentials)
{
    uint32_t mode = (inode->mode & S_IFMT) | (wanted->mode & 07777);

    if (!credentials_privileged(credentials) && !credentials_in_group(credentials, inode->gid))
        mode &= ~(uint32_t)S_ISGID;
    return mode;
}

static void set_times(struct inode *inode, const struct attributes *wanted, int64_t now)
{
    if (wanted->valid & ATTR_ATIME)
        inode->atime = wanted->atime;
    if (wanted->valid & ATTR_ATIME_NOW)
        inode->atime = now;
    if (wanted->valid & ATTR_MTIME)
        inode->mtime = wanted->mtime;
    if (wanted->valid & ATTR_MTIME_NOW)
        inode->mtime = now;
    inode->ctime = now;
    inode->dirty = true;
}

static void commit_attributes(struct inode *inode, const struct attributes *wanted,
                              const struct credentials *credentials)
{
    if (wanted->valid & ATTR_UID)
        inode->uid = wanted->uid;
    if (wanted->valid & ATTR_GID)
        inode->gid = wanted->gid;
    if ((wanted->valid & ATTR_DROP_SETID) && !S_ISDIR(inode->mode))
        inode->mode = mode_without_setid(inode->mode);
    if (wanted->valid & ATTR_MODE)
        inode->mode = mode_wanted(inode, wanted, credentials);
    set_times(inode, wanted, (int64_t)clock_realtime_ns());
}

int inode_set_attributes(struct inode *inode, const struct attributes *attributes,
                         const struct credentials *credentials)
{
    int error;

    rwlock_write_lock(&inode->lock);
    error = may_set_attributes(inode, attributes, credentials);
    if (error == 0 && inode->ops->setattr != NULL)
        error = inode->ops->setattr(inode, attributes);
    if (error == 0)
        commit_attributes(inode, attributes, credentials);
    rwlock_write_unlock(&inode->lock);
    return error;
}

void inode_init_owner(struct inode *inode, struct inode *dir, const struct credentials *credentials)
{
    inode->uid = credentials->fsuid;
    inode->gid = credentials->fsgid;
    if (!(dir->mode & S_ISGID))
        return;
    inode->gid = dir->gid;
    if (S_ISDIR(inode->mode))
        inode->mode |= S_ISGID;
}

void inode_drop_setid(struct inode *inode)
{
    uint32_t mode = inode->mode;

    if (mode & (S_ISUID | S_ISGID))
        inode->mode = mode_without_setid(mode);
}
