// SPDX-License-Identifier: MIT
/*
 * rename.c - move a name. Both directories lie in one tree, so one lock makes the whole of it atomic.
 *
 * The order of the checks is that of Linux's do_renameat2 and vfs_rename, so that the same error wins.
 */
#include <linux/fs.h>
#include <linux/stat.h>

#include "fs/walk.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/slab.h"

struct rename {
    struct walk from, to;
    struct dentry *source, *target;     // with references; target NULL: the new name is free
    const struct credentials *credentials;
    unsigned flags;
};

static int find_both(struct rename *rename)
{
    struct walk *to = &rename->to;
    int error = dentry_lookup_locked(rename->from.at.dentry, rename->from.name, rename->from.length, &rename->source);

    if (error != 0)
        return error;
    error = dentry_lookup_locked(to->at.dentry, to->name, to->length, &rename->target);
    return error == -ENOENT ? 0 : error;
}

static int check_names(const struct rename *rename)
{
    bool directory = inode_is_directory(rename->source->inode);

    if (rename->target != NULL && (rename->flags & RENAME_NOREPLACE))
        return -EEXIST;
    if (!directory && (rename->from.slash || rename->to.slash))
        return -ENOTDIR;
    if (dentry_is_under(rename->to.at.dentry, rename->source))
        return -EINVAL;
    if (rename->target != NULL && dentry_is_under(rename->from.at.dentry, rename->target))
        return -ENOTEMPTY;
    return 0;
}

static int check_target(const struct rename *rename, bool directory)
{
    int error;

    if (rename->target == NULL)
        return may_add_name(&rename->to.at, rename->credentials);
    error = may_remove_name(&rename->to.at, rename->target, directory, rename->credentials);
    if (error == 0 && directory && rename->target->inode->directory.count != 0)
        error = -ENOTEMPTY;
    return error;
}

static int check_rights(const struct rename *rename)
{
    bool directory = inode_is_directory(rename->source->inode);
    int error = may_remove_name(&rename->from.at, rename->source, directory, rename->credentials);

    if (error == 0)
        error = check_target(rename, directory);
    if (error == 0 && path_inode(&rename->from.at)->ops->rename == NULL)
        error = -EPERM;
    // its ".." changes
    if (error == 0 && directory && rename->from.at.dentry != rename->to.at.dentry)
        error = inode_permission(rename->source->inode, MAY_WRITE, rename->credentials);
    return error;
}

static void drop_target(struct rename *rename)
{
    struct inode *inode = rename->target->inode;

    if (inode_is_directory(inode)) {
        inode->nlink -= 2;
        path_inode(&rename->to.at)->nlink--;
    } else {
        inode->nlink--;
    }
    inode_touch_ctime(inode);
    dentry_unlink(rename->target);
}

static void commit(struct rename *rename, char *name)
{
    struct inode *from = path_inode(&rename->from.at), *to = path_inode(&rename->to.at);

    if (rename->target != NULL)
        drop_target(rename);
    if (inode_is_directory(rename->source->inode)) {
        from->nlink--;
        to->nlink++;
    }
    dentry_move(rename->source, rename->to.at.dentry, name, rename->to.length);
    inode_touch_mtime(from);
    inode_touch_mtime(to);
    inode_touch_ctime(rename->source->inode);
}

// The file system's part needs a dentry for the new name; the tree takes only the text.
static int change_disk(struct rename *rename)
{
    struct inode *from = path_inode(&rename->from.at);
    struct dentry *to = rename->target;
    int error;

    if (to != NULL)
        return from->ops->rename(from, rename->source, path_inode(&rename->to.at), to);
    to = dentry_create(rename->to.at.dentry, rename->to.name, rename->to.length);
    if (to == NULL)
        return -ENOMEM;
    error = from->ops->rename(from, rename->source, path_inode(&rename->to.at), to);
    dentry_put(to);
    return error;
}

static int rename_locked(struct rename *rename)
{
    char *name;
    int error = find_both(rename);

    if (error == 0)
        error = check_names(rename);
    if (error != 0)
        return error;
    if (rename->target != NULL && rename->target->inode == rename->source->inode)
        return 0;
    error = check_rights(rename);
    if (error != 0)
        return error;
    name = slab_zalloc(rename->to.length + 1);
    if (name == NULL)
        return -ENOMEM;
    memcpy(name, rename->to.name, rename->to.length);
    error = change_disk(rename);
    if (error == 0)
        commit(rename, name);
    else
        slab_free(name);
    return error;
}

static int rename_walked(struct rename *rename)
{
    struct super_block *sb = rename->from.at.dentry->sb;
    int error;

    if (rename->from.at.mount != rename->to.at.mount)
        return -EXDEV;
    if (walk_last_kind(&rename->from) != LAST_NAME)
        return -EBUSY;
    if (walk_last_kind(&rename->to) != LAST_NAME)
        return rename->flags & RENAME_NOREPLACE ? -EEXIST : -EBUSY;
    tree_write_lock(sb);
    error = rename_locked(rename);
    tree_write_unlock(sb);
    dentry_put(rename->source);
    dentry_put(rename->target);
    return error;
}

int vfs_rename(const struct lookup *from, const char *from_name, const struct lookup *to, const char *to_name,
               unsigned flags)
{
    struct rename rename = {.credentials = from->credentials, .flags = flags};
    int error;

    if (flags & ~(unsigned)RENAME_NOREPLACE)
        return -EINVAL;
    error = walk_begin(&rename.from, from, from_name, 0);
    if (error != 0)
        return error;
    error = walk_begin(&rename.to, to, to_name, 0);
    if (error == 0) {
        error = walk_to_last(&rename.from);
        if (error == 0)
            error = walk_to_last(&rename.to);
        if (error == 0)
            error = rename_walked(&rename);
        walk_end(&rename.to);
    }
    walk_end(&rename.from);
    return error;
}
