// SPDX-License-Identifier: MIT
/*
 * walk.c - from a path name to a path.
 *
 * Theory      A loop over components, no recursion. A symbolic link replaces the component by its text: what remains is then
 *             the text, a slash and the old rest, in memory of the walk. Each step holds references, so nothing
 *             stays locked between steps.
 * Locking     The tree of the super block in turn, for reading, for one look-up in memory. Only a name that the tree
 *             does not know and a file system with a `lookup` of its own need it for writing.
 */
#include "fs/walk.h"

#include <linux/limits.h>
#include <linux/stat.h>

#include "fs/text.h"
#include "lib/errno.h"
#include "lib/string.h"

void tree_write_lock(struct super_block *sb)
{
    if (!(sb->flags & SB_VOLATILE))
        rwlock_write_lock(&sb->tree);
}

void tree_write_unlock(struct super_block *sb)
{
    if (!(sb->flags & SB_VOLATILE))
        rwlock_write_unlock(&sb->tree);
}

// Ask the file system for a name that the tree does not have.
static int dentry_ask(struct dentry *parent, const char *name, size_t length, struct dentry **out)
{
    const struct inode_ops *ops = parent->inode->ops;
    struct dentry *dentry;
    int error;

    if (ops->lookup == NULL)
        return -ENOENT;
    dentry = dentry_create(parent, name, length);
    if (dentry == NULL)
        return -ENOMEM;
    error = ops->lookup(parent->inode, dentry);
    if (error != 0) {
        dentry_put(dentry);
        return error;
    }
    if (!(parent->sb->flags & SB_VOLATILE))
        dentry_link(dentry);
    *out = dentry;
    return 0;
}

int dentry_lookup_locked(struct dentry *parent, const char *name, size_t length, struct dentry **out)
{
    if (length > NAME_MAX_LENGTH)
        return -ENAMETOOLONG;
    if (!(parent->sb->flags & SB_VOLATILE)) {
        *out = dentry_find(parent, name, length);
        if (*out != NULL)
            return 0;
        if (parent->deleted)
            return -ENOENT;
    }
    return dentry_ask(parent, name, length, out);
}

int dentry_lookup(struct dentry *parent, const char *name, size_t length, struct dentry **out)
{
    struct super_block *sb = parent->sb;
    int error;

    if (length > NAME_MAX_LENGTH)
        return -ENAMETOOLONG;
    if (sb->flags & SB_VOLATILE)
        return dentry_ask(parent, name, length, out);
    rwlock_read_lock(&sb->tree);
    *out = dentry_find(parent, name, length);
    rwlock_read_unlock(&sb->tree);
    if (*out != NULL)
        return 0;
    if (parent->inode->ops->lookup == NULL)
        return -ENOENT;
    rwlock_write_lock(&sb->tree);
    error = dentry_lookup_locked(parent, name, length, out);
    rwlock_write_unlock(&sb->tree);
    return error;
}

static void walk_go_to(struct walk *walk, const struct path *path)
{
    path_get(path);
    path_put(&walk->at);
    walk->at = *path;
}

int walk_begin(struct walk *walk, const struct lookup *lookup, const char *name, unsigned flags)
{
    *walk = (struct walk){.lookup = lookup, .rest = name, .directory = flags & LOOKUP_DIRECTORY};
    if (name[0] == 0 && !(flags & LOOKUP_EMPTY))
        return -ENOENT;
    walk->at = name[0] == '/' ? lookup->root : lookup->start;
    path_get(&walk->at);
    return 0;
}

void walk_end(struct walk *walk)
{
    path_put(&walk->at);
    text_free(walk->text);
}

// Put the next component into name, length and slash. => false: there is none
static bool walk_next_name(struct walk *walk)
{
    const char *p = walk->rest;

    while (*p == '/')
        p++;
    walk->name = p;
    while (*p != 0 && *p != '/')
        p++;
    walk->length = (size_t)(p - walk->name);
    walk->slash = *p == '/';
    while (*p == '/')
        p++;
    walk->rest = p;
    return walk->length != 0;
}

enum last_kind walk_last_kind(const struct walk *walk)
{
    if (walk->length == 0)
        return LAST_ROOT;
    if (walk->name[0] != '.' || walk->length > 2)
        return LAST_NAME;
    if (walk->length == 1)
        return LAST_DOT;
    return walk->name[1] == '.' ? LAST_DOT_DOT : LAST_NAME;
}

static struct dentry *dentry_parent(struct dentry *dentry)
{
    struct dentry *parent;

    rwlock_read_lock(&dentry->sb->tree);
    parent = dentry->parent;
    dentry_get(parent);
    rwlock_read_unlock(&dentry->sb->tree);
    return parent;
}

// "..": up, but not above the asker's root; from the root of a mount to the directory that holds the mount point.
static void walk_up(const struct walk *walk, struct path *path)
{
    struct dentry *old;

    do {
        if (path_equal(path, &walk->lookup->root))
            return;
    } while (mount_ascend(path));
    old = path->dentry;
    if (old == path->mount->root)
        return;
    path->dentry = dentry_parent(old);
    dentry_put(old);
    mount_descend(path);
}

int walk_find(struct walk *walk, struct path *out)
{
    struct inode *dir = path_inode(&walk->at);
    enum last_kind kind = walk_last_kind(walk);
    struct dentry *child;
    int error;

    if (kind != LAST_ROOT) {
        if (!inode_is_directory(dir))
            return -ENOTDIR;
        error = inode_permission(dir, MAY_EXEC, walk->lookup->credentials);
        if (error != 0)
            return error;
    }
    if (kind == LAST_NAME) {
        error = dentry_lookup(walk->at.dentry, walk->name, walk->length, &child);
        if (error != 0)
            return error;
        mount_get(walk->at.mount);
        *out = (struct path){walk->at.mount, child};
        mount_descend(out);
        return 0;
    }
    *out = walk->at;
    path_get(out);
    if (kind == LAST_DOT_DOT)
        walk_up(walk, out);
    return 0;
}

// The text of a link, a slash and the rest, in one new text (text_free it). => 0, -ENOMEM, -ENAMETOOLONG, ...
static int link_text(struct inode *link, const char *rest, char **out)
{
    size_t behind = strlen(rest) + 2;   // slash and zero
    size_t size = link->ops->readlink == NULL ? strlen(link->link) + behind : PATH_MAX;
    int64_t length;

    if (size > PATH_MAX)
        return -ENAMETOOLONG;
    *out = text_alloc(size);
    if (*out == NULL)
        return -ENOMEM;
    length = inode_readlink(link, *out, size);
    if (length == 0)
        length = -ENOENT;
    else if ((uint64_t)length + behind > size && length > 0)
        length = -ENAMETOOLONG;
    if (length < 0) {
        text_free(*out);
        return (int)length;
    }
    (*out)[length] = '/';
    memcpy(*out + length + (rest[0] != 0), rest, behind - 1);
    return 0;
}

// Replace what remains by the link's text and what remains.
static int walk_into_text(struct walk *walk, struct inode *link)
{
    char *text = NULL;
    int error = link_text(link, walk->rest, &text);

    if (error != 0)
        return error;
    text_free(walk->text);
    walk->text = text;
    walk->rest = text;
    if (text[0] == '/')
        walk_go_to(walk, &walk->lookup->root);
    return 0;
}

// => 0: the walk is at the link's target; 1: it has a text to walk first
static int walk_follow(struct walk *walk, struct path *link)
{
    struct inode *inode = path_inode(link);
    struct path target;
    int error;

    if (++walk->links > LINKS_MAX)
        return -ELOOP;
    if (walk->rest[0] == 0 && walk->slash)
        walk->directory = true;
    if (inode->ops->follow == NULL) {
        error = walk_into_text(walk, inode);
        return error != 0 ? error : 1;
    }
    error = inode->ops->follow(inode, &target);
    if (error != 0)
        return error;
    path_put(&walk->at);
    walk->at = target;
    return 0;
}

int walk_step(struct walk *walk, struct path *next, bool follow)
{
    int result = 0;

    if (inode_is(path_inode(next), S_IFLNK) && (follow || walk->slash)) {
        result = walk_follow(walk, next);
        path_put(next);
    } else {
        path_put(&walk->at);
        walk->at = *next;
    }
    if (result == 0 && (walk->slash || (walk->rest[0] == 0 && walk->directory)) &&
        !inode_is_directory(path_inode(&walk->at)))
        return -ENOTDIR;
    return result;
}

int walk_to_last(struct walk *walk)
{
    struct path next;
    int result;

    while (walk_next_name(walk) && walk->rest[0] != 0) {
        result = walk_find(walk, &next);
        if (result == 0)
            result = walk_step(walk, &next, true);
        if (result < 0)
            return result;
    }
    return 0;
}

int vfs_lookup(const struct lookup *lookup, const char *name, unsigned flags, struct path *out)
{
    struct walk walk;
    struct path next;
    int result = walk_begin(&walk, lookup, name, flags);

    if (result != 0)
        return result;
    do {
        result = walk_to_last(&walk);
        if (result == 0)
            result = walk_find(&walk, &next);
        if (result == 0)
            result = walk_step(&walk, &next, flags & LOOKUP_FOLLOW);
    } while (result == 1);
    if (result == 0) {
        *out = walk.at;
        path_get(out);
    }
    walk_end(&walk);
    return result;
}
