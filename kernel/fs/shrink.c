// SPDX-License-Identifier: MIT
/*
 * shrink.c - names and inodes that are in memory only because they were looked up once.
 *
 * Where the tree of names is a cache, a name that nobody holds, with nothing mounted on it and none below it in memory, can be looked up
 * again, once its inode has been stored where that has changed. The tree is walked from the deepest names up, the oldest first, so that
 * folders go after what is in them.
 */
#include "fs/dentry.h"
#include "fs/inode.h"
#include "fs/mount.h"
#include "fs/vfs.h"
#include "mm/reclaim.h"

#include <linux/stat.h>

// Down to the first name that has none below.
static struct dentry *deepest(struct dentry *dentry)
{
    while (inode_is_directory(dentry->inode) && !list_empty(&dentry->inode->directory.in_order))
        dentry = list_first_entry(&dentry->inode->directory.in_order, struct dentry, in_order);
    return dentry;
}

static struct dentry *after(const struct dentry *dentry)
{
    struct list *next = dentry->in_order.next;

    if (next == &dentry->parent->inode->directory.in_order)
        return dentry->parent;
    return deepest(list_entry(next, struct dentry, in_order));
}

static bool has_changed(const struct inode *inode)
{
    return inode->dirty || (inode_is(inode, S_IFREG) && inode->pages.unclean != 0);
}

static bool may_go(const struct dentry *dentry)
{
    struct inode *inode = dentry->inode;

    if (dentry->refs != 1 || dentry->mounts != 0 || inode->refs != 1)
        return false;
    if (inode_is_directory(inode) && inode->directory.count != 0)
        return false;
    return !has_changed(inode) || inode->sb->ops->store(inode) == 0;
}

// Up to *left names of one file system. Whoever holds its tree may be waiting for memory.
static void shrink_tree(struct super_block *sb, unsigned *left)
{
    struct dentry *dentry, *next;

    if (!rwlock_try_write_lock(&sb->tree))
        return;
    for (dentry = deepest(sb->root); dentry != sb->root && *left > 0; dentry = next) {
        next = after(dentry);
        if (may_go(dentry) && dentry_try_forget(dentry))
            --*left;
    }
    rwlock_write_unlock(&sb->tree);
}

static bool shrink_mount(struct mount *mount, void *left)
{
    if (mount->sb->flags & SB_CACHED_NAMES)
        shrink_tree(mount->sb, left);
    return *(unsigned *)left > 0;
}

static void shrink_names(unsigned count)
{
    mounts_for_each(shrink_mount, &count);
}

void shrink_init(void)
{
    reclaim_set_names(shrink_names);
}
