// SPDX-License-Identifier: MIT
/*
 * path_name.c - from a path back to its name, as getcwd(2) and /proc show it.
 *
 * The name is built from its end, in the caller's buffer, then moved to the front. Between two mounts a rename may
 * come in between; within one the tree is held.
 */
#include "fs/vfs.h"
#include "lib/errno.h"
#include "lib/printf.h"
#include "lib/string.h"

// A text that grows downward from the end of a buffer.
struct tail {
    char *start;
    size_t left;                // bytes free below `start`
};

static bool tail_prepend(struct tail *tail, const char *text, size_t length)
{
    if (length > tail->left)
        return false;
    tail->left -= length;
    tail->start -= length;
    memcpy(tail->start, text, length);
    return true;
}

static bool tail_prepend_name(struct tail *tail, const struct dentry *dentry)
{
    return tail_prepend(tail, dentry->name, dentry->name_length) && tail_prepend(tail, "/", 1);
}

// Prepend names from path->dentry up to the root of its mount, or `root`; the path ends there.
static bool prepend_in_mount(struct tail *tail, struct path *path, const struct path *root)
{
    struct rwlock *tree = &path->dentry->sb->tree;
    struct dentry *dentry = path->dentry, *old = path->dentry;
    bool fits = true;

    rwlock_read_lock(tree);
    if (dentry->deleted && tail->start[0] == 0)
        fits = tail_prepend(tail, " (deleted)", 10);
    while (fits && dentry != path->mount->root && dentry->parent != dentry &&
           !(path->mount == root->mount && dentry == root->dentry)) {
        fits = tail_prepend_name(tail, dentry);
        dentry = dentry->parent;
    }
    dentry_get(dentry);
    path->dentry = dentry;
    rwlock_read_unlock(tree);
    dentry_put(old);
    return fits;
}

// Pipes and their kin: "pipe:[7]"; what looks like a path is an unlinked file.
static int64_t nameless_name(const struct dentry *dentry, char *buffer, size_t size)
{
    int length;

    if (dentry->name[0] == '/')
        length = snprintf(buffer, size, "%s (deleted)", dentry->name);
    else if (strchr(dentry->name, ':') != NULL)
        length = snprintf(buffer, size, "%s", dentry->name);
    else
        length = snprintf(buffer, size, "%s:[%llu]", dentry->name, (unsigned long long)dentry->inode->ino);
    return (size_t)length < size ? length : -ENAMETOOLONG;
}

static int64_t tail_deliver(struct tail *tail, char *buffer, size_t size)
{
    size_t length = size - tail->left - 1;

    memmove(buffer, tail->start, length + 1);
    return (int64_t)length;
}

int64_t vfs_path_name(const struct path *path, const struct path *root, char *buffer, size_t size)
{
    struct tail tail = {buffer + size, size};
    struct path at = *path;
    bool fits = tail_prepend(&tail, "", 1), reached = false;

    if (path->dentry->nameless)
        return nameless_name(path->dentry, buffer, size);
    path_get(&at);
    while (fits) {
        fits = prepend_in_mount(&tail, &at, root);
        reached = path_equal(&at, root);
        if (reached || !mount_ascend(&at))
            break;
    }
    if (fits && (tail.start[0] == 0 || tail.start[0] == ' '))
        fits = tail_prepend(&tail, "/", 1);
    if (fits && !reached)
        fits = tail_prepend(&tail, "(unreachable)", 13);
    path_put(&at);
    return fits ? tail_deliver(&tail, buffer, size) : -ENAMETOOLONG;
}

int64_t vfs_dentry_name(struct dentry *dentry, char *buffer, size_t size)
{
    struct path root, path = {mount_of_super_block(dentry->sb), dentry};
    int64_t length;

    if (dentry->nameless || path.mount == NULL) {
        if (path.mount != NULL)
            mount_put(path.mount);
        return nameless_name(dentry, buffer, size);
    }
    root = mount_root_path();
    length = vfs_path_name(&path, &root, buffer, size);
    path_put(&root);
    mount_put(path.mount);
    return length;
}

bool vfs_is_deleted(const struct path *path)
{
    return path->dentry->deleted;
}
