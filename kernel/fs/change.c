// SPDX-License-Identifier: MIT
/*
 * change.c - make and remove names: create, mkdir, mknod, symlink, link, unlink, rmdir. rename.c moves them.
 *
 * Each call walks to the directory, takes its tree for writing, looks once more whether the name is there, checks in
 * Linux's order (so that the same error wins), has the file system do its part, and then changes the tree.
 */
#include <linux/mount.h>
#include <linux/stat.h>

#include "fs/walk.h"
#include "lib/errno.h"

// A change of one name, between change_begin and change_end.
struct change {
    struct walk walk;               // at the directory, with the name
    struct dentry *child;           // what has the name now, with a reference; NULL: nothing
    const struct credentials *credentials;
};

static struct inode *change_dir(const struct change *change)
{
    return path_inode(&change->walk.at);
}

// => the tree of the directory is held, unless -errno: -ENOTDIR, -EACCES, -ENAMETOOLONG, and what a walk says
static int change_open(struct change *change)
{
    struct walk *walk = &change->walk;
    int error = walk_to_last(walk);

    change->credentials = walk->lookup->credentials;
    change->child = NULL;
    if (error != 0)
        return error;
    tree_write_lock(walk->at.dentry->sb);
    if (walk_last_kind(walk) != LAST_NAME)
        return 0;
    error = dentry_lookup_locked(walk->at.dentry, walk->name, walk->length, &change->child);
    if (error == 0 || error == -ENOENT)
        return 0;
    tree_write_unlock(walk->at.dentry->sb);
    return error;
}

static int change_begin(struct change *change, const struct lookup *lookup, const char *name)
{
    int error = walk_begin(&change->walk, lookup, name, 0);

    if (error != 0)
        return error;
    error = change_open(change);
    if (error != 0)
        walk_end(&change->walk);
    return error;
}

// What is dropped here last, an unlinked file of any size, goes without the lock.
static void change_end(struct change *change)
{
    tree_write_unlock(change->walk.at.dentry->sb);
    dentry_put(change->child);
    walk_end(&change->walk);
}

int may_add_name(const struct path *dir, const struct credentials *credentials)
{
    if (dir->dentry->sb->flags & SB_VOLATILE)
        return -ENOENT; // what its look-up did not find cannot be, as in /proc on Linux
    if (mount_is_read_only(dir->mount))
        return -EROFS;
    if (dir->dentry->deleted)
        return -ENOENT;
    return inode_permission(path_inode(dir), MAY_WRITE | MAY_EXEC, credentials);
}

// In a sticky directory (/tmp) only the owner of the file or of the directory removes a name.
static bool sticky_forbids(struct inode *dir, struct inode *inode, const struct credentials *credentials)
{
    return (dir->mode & S_ISVTX) && credentials->fsuid != dir->uid && !inode_owner_or_privileged(inode, credentials);
}

int may_remove_name(const struct path *dir, const struct dentry *child, bool want_directory,
                    const struct credentials *credentials)
{
    int error;

    if (mount_is_read_only(dir->mount))
        return -EROFS;
    error = inode_permission(path_inode(dir), MAY_WRITE | MAY_EXEC, credentials);
    if (error != 0)
        return error;
    if (sticky_forbids(path_inode(dir), child->inode, credentials) || child->inode->is_swap)
        return -EPERM;
    if (want_directory != inode_is_directory(child->inode))
        return want_directory ? -ENOTDIR : -EISDIR;
    return child->mounts != 0 ? -EBUSY : 0;
}

// May the name be made? A trailing slash is for directories only.
static int may_make(const struct change *change, bool directory)
{
    if (walk_last_kind(&change->walk) != LAST_NAME || change->child != NULL)
        return -EEXIST;
    if (change->walk.slash && !directory)
        return -ENOENT;
    return may_add_name(&change->walk.at, change->credentials);
}

static void name_added(struct inode *dir, struct dentry *child)
{
    if (!(child->sb->flags & SB_VOLATILE))
        dentry_link(child);
    inode_touch_mtime(dir);
}

// Make a new inode under the name, which is free. => change->child is it
static int make_inode(struct change *change, const struct inode_request *request)
{
    struct inode *dir = change_dir(change);
    struct dentry *child;
    int error;

    if (dir->ops->create == NULL)
        return S_ISREG(request->mode) ? -EACCES : -EPERM;
    child = dentry_create(change->walk.at.dentry, change->walk.name, change->walk.length);
    if (child == NULL)
        return -ENOMEM;
    error = dir->ops->create(dir, child, request);
    if (error != 0) {
        dentry_put(child);
        return error;
    }
    if (S_ISDIR(request->mode)) {
        child->inode->nlink = 2;
        dir->nlink++;
    }
    name_added(dir, child);
    change->child = child;
    return 0;
}

static int make(const struct lookup *lookup, const char *name, const struct inode_request *request)
{
    struct change change;
    int error = change_begin(&change, lookup, name);

    if (error != 0)
        return error;
    error = may_make(&change, S_ISDIR(request->mode));
    if (error == 0)
        error = make_inode(&change, request);
    change_end(&change);
    return error;
}

int vfs_mkdir(const struct lookup *lookup, const char *name, uint32_t mode)
{
    struct inode_request request = {.mode = S_IFDIR | (mode & 01777), .credentials = lookup->credentials};

    return make(lookup, name, &request);
}

int vfs_mknod(const struct lookup *lookup, const char *name, uint32_t mode, device_t rdev)
{
    struct inode_request request = {.mode = mode, .rdev = rdev, .credentials = lookup->credentials};

    if ((mode & S_IFMT) == 0)
        request.mode |= S_IFREG;
    switch (request.mode & S_IFMT) {
    case S_IFDIR:
        return -EPERM;
    case S_IFCHR:
    case S_IFBLK:
        if (!credentials_privileged(lookup->credentials))
            return -EPERM;
        break;
    case S_IFREG:
    case S_IFIFO:
    case S_IFSOCK:
        request.rdev = 0;
        break;
    default:
        return -EINVAL;
    }
    return make(lookup, name, &request);
}

int vfs_symlink(const struct lookup *lookup, const char *target, const char *name)
{
    struct inode_request request = {.mode = S_IFLNK | 0777, .target = target, .credentials = lookup->credentials};

    if (target[0] == 0)
        return -ENOENT;
    return make(lookup, name, &request);
}

// open's O_CREAT: the walk stands at the directory already and stays with the caller.
int vfs_create_at(struct walk *walk, uint32_t mode, struct path *out, bool *created)
{
    struct inode_request request = {.mode = mode, .credentials = walk->lookup->credentials};
    struct change change = {.walk = *walk};
    struct super_block *sb = walk->at.dentry->sb;
    int error;

    *created = false;
    change.credentials = request.credentials;
    tree_write_lock(sb);
    error = dentry_lookup_locked(walk->at.dentry, walk->name, walk->length, &change.child);
    if (error == -ENOENT) {
        error = may_add_name(&walk->at, change.credentials);
        if (error == 0)
            error = make_inode(&change, &request);
        *created = error == 0;
    }
    tree_write_unlock(sb);
    if (error != 0)
        return error;
    mount_get(walk->at.mount);
    *out = (struct path){walk->at.mount, change.child};
    mount_descend(out);
    return 0;
}

static int link_inode(struct change *change, struct inode *inode)
{
    struct inode *dir = change_dir(change);
    struct dentry *child;
    int error;

    if (dir->ops->link == NULL)
        return -EPERM;
    if (inode->nlink == 0)
        return -ENOENT;
    child = dentry_create(change->walk.at.dentry, change->walk.name, change->walk.length);
    if (child == NULL)
        return -ENOMEM;
    error = dir->ops->link(dir, child, inode);
    if (error != 0) {
        dentry_put(child);
        return error;
    }
    inode_get(inode);
    dentry_set_inode(child, inode);
    inode->nlink++;
    inode_touch_ctime(inode);
    name_added(dir, child);
    change->child = child;
    return 0;
}

int vfs_link(const struct path *old, const struct lookup *lookup, const char *name)
{
    struct change change;
    int error = change_begin(&change, lookup, name);

    if (error != 0)
        return error;
    if (walk_last_kind(&change.walk) != LAST_NAME || change.child != NULL)
        error = -EEXIST;
    else if (old->mount != change.walk.at.mount)
        error = -EXDEV;
    else
        error = may_make(&change, false);
    if (error == 0 && inode_is_directory(path_inode(old)))
        error = -EPERM;
    if (error == 0)
        error = link_inode(&change, path_inode(old));
    change_end(&change);
    return error;
}

// What unlink says of a name with a slash behind it, or none that can be removed.
static int unlink_check_name(const struct change *change)
{
    if (walk_last_kind(&change->walk) != LAST_NAME)
        return -EISDIR;
    if (change->child == NULL)
        return -ENOENT;
    if (change->walk.slash)
        return inode_is_directory(change->child->inode) ? -EISDIR : -ENOTDIR;
    return 0;
}

static int rmdir_check_name(const struct change *change)
{
    switch (walk_last_kind(&change->walk)) {
    case LAST_DOT:
        return -EINVAL;
    case LAST_DOT_DOT:
        return -ENOTEMPTY;
    case LAST_ROOT:
        return -EBUSY;
    default:
        return change->child == NULL ? -ENOENT : 0;
    }
}

static int remove_child(struct change *change, bool directory)
{
    struct inode *dir = change_dir(change);
    struct dentry *child = change->child;
    int error = may_remove_name(&change->walk.at, child, directory, change->credentials);

    if (error != 0)
        return error;
    if (dir->ops->unlink == NULL)
        return -EPERM;
    if (directory && child->inode->directory.count != 0)
        return -ENOTEMPTY;
    error = dir->ops->unlink(dir, child);
    if (error != 0)
        return error;
    child->inode->nlink -= directory ? 2 : 1;
    if (directory)
        dir->nlink--;
    inode_touch_ctime(child->inode);
    inode_touch_mtime(dir);
    dentry_unlink(child);
    return 0;
}

static int remove(const struct lookup *lookup, const char *name, bool directory)
{
    struct change change;
    int error = change_begin(&change, lookup, name);

    if (error != 0)
        return error;
    error = directory ? rmdir_check_name(&change) : unlink_check_name(&change);
    if (error == 0)
        error = remove_child(&change, directory);
    change_end(&change);
    return error;
}

int vfs_unlink(const struct lookup *lookup, const char *name)
{
    return remove(lookup, name, false);
}

int vfs_rmdir(const struct lookup *lookup, const char *name)
{
    return remove(lookup, name, true);
}
