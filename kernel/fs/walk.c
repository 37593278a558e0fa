// SPDX-License-Identifier: MIT
/*
 * walk.c - from a path name to a path.
 *
 * Theory      A loop over components, no recursion. The text of a symbolic link is walked before the rest of the text
 *             that it was met in; texts so form a stack. Each step holds references, so nothing stays locked between
 *             steps.
 * Locking     The tree of the super block in turn, for reading, for one look-up in memory. Only a name that the tree
 *             does not know and a file system with a `lookup` of its own need it for writing.
 */
#include "fs/walk.h"

#include <linux/limits.h>
#include <linux/openat2.h>
#include <linux/stat.h>

#include "fs/text.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/slab.h"

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
    if (name[0] == '/' && (lookup->resolve & RESOLVE_BENEATH))
        return -EXDEV;
    walk->at = name[0] == '/' ? lookup->root : lookup->start;
    path_get(&walk->at);
    return 0;
}

// The text on top is done: back to the one below.
static void walk_pop_text(struct walk *walk)
{
    struct walk_text *text = walk->texts;

    walk->rest = text->rest;
    walk->texts = text->below;
    text_free(text->copy);
    inode_put(text->link);
    slab_free(text);
}

void walk_end(struct walk *walk)
{
    path_put(&walk->at);
    while (walk->texts != NULL)
        walk_pop_text(walk);
}

// Is the name in turn the last one?
static bool walk_at_end(const struct walk *walk)
{
    return walk->rest[0] == 0 && (walk->texts == NULL || walk->texts->rest[0] == 0);
}

static const char *skip_slashes(const char *text)
{
    while (*text == '/')
        text++;
    return text;
}

// Put the next component into name, length and slash. => false: there is none
static bool walk_next_name(struct walk *walk)
{
    const char *p = skip_slashes(walk->rest);

    while (*p == 0 && walk->texts != NULL) {
        walk_pop_text(walk);
        p = skip_slashes(walk->rest);
    }
    walk->name = p;
    while (*p != 0 && *p != '/')
        p++;
    walk->length = (size_t)(p - walk->name);
    walk->slash = *p == '/';
    walk->rest = skip_slashes(p);
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

// openat2: may the walk go to another mount? => 0, -EXDEV
static int check_mount(const struct walk *walk, const struct path *to)
{
    return (walk->lookup->resolve & RESOLVE_NO_XDEV) && to->mount != walk->at.mount ? -EXDEV : 0;
}

// The name in turn is to be found, or is one of those that need no looking. => as walk_find, without its last check
static int find_any(struct walk *walk, struct path *out)
{
    enum last_kind kind = walk_last_kind(walk);
    struct dentry *child;
    int error;

    if (kind == LAST_NAME) {
        error = dentry_lookup(walk->at.dentry, walk->name, walk->length, &child);
        if (error != 0)
            return error;
        mount_get(walk->at.mount);
        *out = (struct path){walk->at.mount, child};
        mount_descend(out);
        return 0;
    }
    if (kind == LAST_DOT_DOT && (walk->lookup->resolve & RESOLVE_BENEATH) &&
        path_equal(&walk->at, &walk->lookup->root))
        return -EXDEV;
    *out = walk->at;
    path_get(out);
    if (kind == LAST_DOT_DOT)
        walk_up(walk, out);
    return 0;
}

int walk_find(struct walk *walk, struct path *out)
{
    int error = find_any(walk, out);

    if (error != 0 || likely(walk->lookup->resolve == 0))
        return error;
    error = check_mount(walk, out);
    if (error != 0)
        path_put(out);
    return error;
}

// A link's text that is not in memory. => 0, -ENOMEM, -EIO, ...
static int copy_text(struct inode *link, char **out)
{
    char *text = text_alloc(PATH_MAX);
    int64_t length;

    if (text == NULL)
        return -ENOMEM;
    length = inode_readlink(link, text, PATH_MAX - 1);
    if (length < 0) {
        text_free(text);
        return (int)length;
    }
    text[length] = 0;
    *out = text;
    return 0;
}

// Put a link's text on top. What is done already need not be kept below it.
static int walk_push_text(struct walk *walk, struct inode *link)
{
    struct walk_text *text = slab_zalloc(sizeof *text);
    int error = 0;

    if (text == NULL)
        return -ENOMEM;
    if (link->ops->readlink != NULL)
        error = copy_text(link, &text->copy);
    if (error != 0) {
        slab_free(text);
        return error;
    }
    if (walk->rest[0] == 0 && walk->texts != NULL)
        walk_pop_text(walk);
    inode_get(link);
    text->link = link;
    text->rest = walk->rest;
    text->below = walk->texts;
    walk->texts = text;
    walk->rest = text->copy != NULL ? text->copy : link->link;
    return 0;
}

// Walk the link's text next, from where it begins.
static int walk_into_text(struct walk *walk, struct inode *link)
{
    int error = walk_push_text(walk, link);

    if (error != 0)
        return error;
    if (walk->rest[0] == 0)
        return -ENOENT;
    if (walk->rest[0] != '/')
        return 0;
    if ((walk->lookup->resolve & RESOLVE_BENEATH) || check_mount(walk, &walk->lookup->root) != 0)
        return -EXDEV;
    walk_go_to(walk, &walk->lookup->root);
    return 0;
}

// openat2: may a link that has no text be followed to `target`? => 0, -ELOOP, -EXDEV
static int check_magic(const struct walk *walk, const struct path *target)
{
    if (walk->lookup->resolve & RESOLVE_NO_MAGICLINKS)
        return -ELOOP;
    if (walk->lookup->resolve & (RESOLVE_BENEATH | RESOLVE_IN_ROOT))
        return -EXDEV;
    return check_mount(walk, target);
}

// => 0: the walk is at the link's target; 1: it has a text to walk first
static int walk_follow(struct walk *walk, struct path *link)
{
    struct inode *inode = path_inode(link);
    struct path target;
    int error;

    if (++walk->links > LINKS_MAX || (walk->lookup->resolve & RESOLVE_NO_SYMLINKS))
        return -ELOOP;
    if (walk_at_end(walk) && walk->slash)
        walk->directory = walk->follow = true;
    if (inode->ops->follow == NULL) {
        error = walk_into_text(walk, inode);
        return error != 0 ? error : 1;
    }
    error = inode->ops->follow(inode, &target);
    if (error != 0)
        return error;
    error = check_magic(walk, &target);
    if (error != 0) {
        path_put(&target);
        return error;
    }
    path_put(&walk->at);
    walk->at = target;
    return 0;
}

int walk_step(struct walk *walk, struct path *next, bool follow)
{
    int result = 0;

    if (inode_is(path_inode(next), S_IFLNK) && walk->length != 0 && (follow || walk->slash || walk->follow)) {
        result = walk_follow(walk, next);
        path_put(next);
    } else {
        path_put(&walk->at);
        walk->at = *next;
    }
    if (result == 0 && (walk->slash || (walk_at_end(walk) && walk->directory)) &&
        !inode_is_directory(path_inode(&walk->at)))
        return -ENOTDIR;
    return result;
}

// May the next name be looked up where we are?
static int walk_enter(const struct walk *walk)
{
    struct inode *dir = path_inode(&walk->at);

    return inode_is_directory(dir) ? inode_permission(dir, MAY_EXEC, walk->lookup->credentials) : -ENOTDIR;
}

int walk_to_last(struct walk *walk)
{
    struct path next;
    int result;

    while (walk_next_name(walk)) {
        result = walk_enter(walk);
        if (result != 0 || walk_at_end(walk))
            return result;
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
