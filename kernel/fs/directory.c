// SPDX-License-Identifier: MIT
/*
 * directory.c - getdents(2) over the tree.
 *
 * Theory      A name's cookie is its place for ever, so a position means the same after others came and went. The file
 *             remembers the last name that it told (file->cursor, with a reference) and goes on from there without
 *             searching, unless that name was removed.
 */
#include "fs/directory.h"

#include <linux/stat.h>

#include "fs/inode.h"
#include "fs/mount.h"

static unsigned entry_type(const struct inode *inode)
{
    return (inode->mode & S_IFMT) >> 12; // DT_ numbers are made so
}

static bool emit_dots(struct dentry *dir, uint64_t *position, struct dir_emitter *emitter)
{
    if (*position == 0) {
        if (!emitter->emit(emitter, ".", 1, dir->inode->ino, entry_type(dir->inode), 1))
            return false;
        *position = 1;
    }
    if (*position == 1) {
        if (!emitter->emit(emitter, "..", 2, dir->parent->inode->ino, entry_type(dir->inode), 2))
            return false;
        *position = 2;
    }
    return true;
}

// The link before the first name whose cookie is `position` or more.
static struct list *place_before(struct file *file, uint64_t position)
{
    struct dentry *dir = file->path.dentry, *cursor = file->cursor, *dentry;

    if (cursor != NULL && cursor->linked && cursor->parent == dir && cursor->cookie + 1 == position)
        return &cursor->in_order;
    list_for_each_entry(dentry, &dir->inode->directory.in_order, in_order) {
        if (dentry->cookie >= position)
            return dentry->in_order.prev;
    }
    return dir->inode->directory.in_order.prev;
}

// => the last name that the emitter took, with a reference, or NULL
static struct dentry *emit_names(struct file *file, uint64_t *position, struct dir_emitter *emitter)
{
    struct list *head = &file->path.dentry->inode->directory.in_order;
    struct dentry *last = NULL;

    for (struct list *link = place_before(file, *position)->next; link != head; link = link->next) {
        struct dentry *dentry = list_entry(link, struct dentry, in_order);

        if (!emitter->emit(emitter, dentry->name, dentry->name_length, dentry->inode->ino,
                           entry_type(dentry->inode), dentry->cookie + 1))
            break;
        *position = dentry->cookie + 1;
        last = dentry;
    }
    if (last != NULL)
        dentry_get(last);
    return last;
}

static int tree_readdir(struct file *file, uint64_t *position, struct dir_emitter *emitter)
{
    struct dentry *dir = file->path.dentry, *last = NULL;

    rwlock_read_lock(&dir->sb->tree);
    if (emit_dots(dir, position, emitter))
        last = emit_names(file, position, emitter);
    rwlock_read_unlock(&dir->sb->tree);
    if (last != NULL) {
        dentry_put(file->cursor);
        file->cursor = last;
    }
    return 0;
}

static void tree_directory_release(struct file *file)
{
    dentry_put(file->cursor);
}

static int tree_directory_sync(struct file *file __maybe_unused, bool data_only __maybe_unused)
{
    return 0;
}

const struct file_ops tree_directory_ops = {
    .readdir = tree_readdir,
    .release = tree_directory_release,
    .fsync = tree_directory_sync,
};
