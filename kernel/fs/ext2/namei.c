// SPDX-License-Identifier: MIT
/*
 * namei.c - what ext2 does for the calls that make, remove and move names.
 *
 * Order       A name is on the disk before its inode; an inode is dead on the disk (no links) before its last name goes. So after a crash
 *             a name may lead to an inode that is not in use, and e2fsck -p takes it out; never is there a file without a name, which
 *             it would have to ask about. Blocks of names are written at once, in this order. Counts of links may be wrong after
 *             a crash: e2fsck counts.
 *             A rename that replaces a file lets both names lead to the other's file, in one write, if they lie in one block; so the
 *             new name is there at any time. Then the old file goes.
 */
#include <linux/stat.h>

#include "fs/dentry.h"
#include "fs/ext2/ext2.h"
#include "fs/stat.h"
#include "lib/errno.h"
#include "lib/string.h"

static int check_writable(const struct inode *dir)
{
    return ext2_is_read_only(ext2_of(dir)) ? -EROFS : 0;
}

static int ext2_lookup(struct inode *dir, struct dentry *child)
{
    struct ext2 *fs = ext2_of(dir);
    struct ext2_place place;
    struct inode *inode;
    uint32_t ino = 0;
    int error;

    mutex_lock(&fs->lock);
    error = ext2_dir_find(dir, child->name, child->name_length, &place);
    if (error == 0) {
        ino = place.entry->inode;
        ext2_place_put(&place);
    }
    mutex_unlock(&fs->lock);
    if (error == 0)
        error = ext2_inode_get(fs, ino, &inode);
    if (error != 0)
        return error;
    if (inode_is_directory(inode) && inode->alias != NULL) { // else the tree would bite its tail
        inode_put(inode);
        return ext2_error(fs, "directory %u has two names", ino);
    }
    dentry_set_inode(child, inode);
    return 0;
}

// ---- One name ----

// => fs->lock held
static int add_name(struct inode *dir, const struct dentry *child, const struct inode *inode)
{
    struct ext2_place place;
    int error = ext2_dir_prepare(dir);

    if (error == 0)
        error = ext2_dir_add(dir, child->name, child->name_length, inode, &place);
    if (error != 0)
        return error;
    error = ext2_place_write(ext2_of(dir), &place);
    ext2_place_put(&place);
    return error;
}

static int find_name(struct inode *dir, const struct dentry *child, struct ext2_place *place)
{
    int error = ext2_dir_prepare(dir);

    if (error == 0)
        error = ext2_dir_find(dir, child->name, child->name_length, place);
    return error == -ENOENT ? ext2_error(ext2_of(dir), "directory %lu has lost a name", dir->ino) : error;
}

// ---- Making ----

// The text of a link: in the inode, if it is short, or in a block.
static int set_text(struct inode *inode, const char *text)
{
    struct ext2_inode *node = ext2_inode_of(inode);
    struct ext2 *fs = ext2_of(inode);
    size_t length = strlen(text);
    struct ext2_block block;
    uint32_t number;
    int error;

    if (length >= fs->block_size)
        return -ENAMETOOLONG;
    node->size = length;
    if (length < sizeof node->map) {
        memcpy(node->map, text, length);
        return 0;
    }
    error = ext2_map(inode, 0, true, &number);
    if (error == 0)
        error = ext2_block_get(fs, number, &block);
    if (error != 0)
        return error;
    memset(block.data, 0, fs->block_size);
    memcpy(block.data, text, length);
    error = ext2_block_write(fs, &block);
    ext2_block_put(&block);
    return error;
}

static int fill_new(struct inode *inode, struct inode *dir, const struct inode_request *request)
{
    if (S_ISDIR(request->mode))
        return ext2_dir_init(inode, (uint32_t)dir->ino);
    return S_ISLNK(request->mode) ? set_text(inode, request->target) : 0;
}

// => fs->lock held; an inode without a name, that is nowhere on the disk
static int make_inode(struct inode *dir, const struct inode_request *request, struct inode **out)
{
    struct ext2 *fs = ext2_of(dir);
    bool directory = S_ISDIR(request->mode);
    uint32_t ino;
    int error = ext2_number_alloc(fs, (uint32_t)dir->ino, directory, &ino);

    if (error != 0)
        return error;
    *out = ext2_inode_create(fs, ino, request->mode, request->rdev);
    if (*out != NULL)
        return 0;
    ext2_number_free(fs, ino, directory);
    return -ENOMEM;
}

static int ext2_create(struct inode *dir, struct dentry *child, const struct inode_request *request)
{
    struct ext2 *fs = ext2_of(dir);
    struct inode *inode = NULL;
    int error = check_writable(dir);

    if (error == 0 && S_ISDIR(request->mode) && dir->nlink >= EXT2_LINK_MAX)
        error = -EMLINK;
    if (error != 0)
        return error;
    mutex_lock(&fs->lock);
    error = make_inode(dir, request, &inode);
    if (error == 0) {
        inode_init_owner(inode, dir, request->credentials);
        error = fill_new(inode, dir, request);
    }
    if (error == 0)
        error = add_name(dir, child, inode);
    mutex_unlock(&fs->lock);
    if (error == 0) {
        dentry_set_inode(child, inode);
    } else if (inode != NULL) {
        inode->nlink = 0;
        inode_put(inode);
    }
    return error;
}

static int ext2_link(struct inode *dir, struct dentry *child, struct inode *inode)
{
    struct ext2 *fs = ext2_of(dir);
    int error = check_writable(dir);

    if (error == 0 && inode->nlink >= EXT2_LINK_MAX)
        error = -EMLINK;
    if (error != 0)
        return error;
    mutex_lock(&fs->lock);
    error = add_name(dir, child, inode);
    mutex_unlock(&fs->lock);
    return error;
}

// ---- Removing ----

// The disk learns that an inode whose last name is about to go is dead; or, if that came to nothing, that it is not.
static int store_links(struct inode *inode, bool dead)
{
    uint32_t names = inode_is_directory(inode) ? 2 : 1;

    if (inode->nlink > names)
        return 0;
    ext2_inode_of(inode)->dead = dead; // whoever else stores it before its links are counted down
    int error = ext2_inode_store(inode, inode->nlink, true);
    if (error != 0)
        ext2_inode_of(inode)->dead = false;
    return error;
}

static int check_removable(struct inode *inode)
{
    return inode_is_directory(inode) ? ext2_dir_check_empty(inode) : 0;
}

static int remove_name(struct ext2 *fs, struct ext2_place *place, struct inode *inode)
{
    int error = store_links(inode, true);

    if (error != 0)
        return error;
    ext2_place_clear(place);
    error = ext2_place_write(fs, place);
    if (error != 0)
        (void)!store_links(inode, false);
    return error;
}

static int ext2_unlink(struct inode *dir, struct dentry *child)
{
    struct ext2 *fs = ext2_of(dir);
    struct ext2_place place;
    int error = check_writable(dir);

    if (error != 0)
        return error;
    mutex_lock(&fs->lock);
    error = check_removable(child->inode);
    if (error == 0)
        error = find_name(dir, child, &place);
    if (error == 0) {
        error = remove_name(fs, &place, child->inode);
        ext2_place_put(&place);
    }
    mutex_unlock(&fs->lock);
    return error;
}

// ---- Moving ----

// A rename under way: the names that change, with references to their blocks.
struct move {
    struct ext2 *fs;
    struct inode *inode, *replaced;     // replaced: what has the new name, or NULL
    struct ext2_place from, to;
    struct ext2_place parent;           // ".." of a directory that gets another one
    struct ext2_pin pin;                // what has the new name
};

static bool same_block(const struct move *move)
{
    return move->from.block.number == move->to.block.number;
}

// Both names are there and lead to the inode; write them in this order, or at once.
static int move_name(struct move *move)
{
    int error = same_block(move) ? 0 : ext2_place_write(move->fs, &move->to);

    if (error != 0)
        return error;
    ext2_place_clear(&move->from);
    return ext2_place_write(move->fs, &move->from);
}

static int replace(struct move *move)
{
    int error = 0;

    if (same_block(move)) {
        ext2_place_set(move->fs, &move->to, move->inode);
        ext2_place_set(move->fs, &move->from, move->replaced);
        error = ext2_place_write(move->fs, &move->to);
    }
    if (error == 0)
        error = store_links(move->replaced, true);
    ext2_place_set(move->fs, &move->to, move->inode);
    return error != 0 ? error : move_name(move);
}

// The place in front of `from` may be one that the new name has made.
static int move_to_free(struct move *move, struct inode *from_dir, struct dentry *from, struct inode *to_dir,
                        struct dentry *to)
{
    int error = ext2_dir_add(to_dir, to->name, to->name_length, move->inode, &move->to);

    if (error != 0)
        return error;
    error = find_name(from_dir, from, &move->from);
    if (error == 0)
        return move_name(move);
    ext2_place_clear(&move->to);
    return error;
}

static int move_and_replace(struct move *move, struct inode *from_dir, struct dentry *from, struct inode *to_dir,
                            struct dentry *to)
{
    int error = check_removable(move->replaced);

    if (error == 0)
        error = ext2_inode_pin(move->replaced, &move->pin);
    if (error == 0)
        error = find_name(from_dir, from, &move->from);
    if (error == 0)
        error = find_name(to_dir, to, &move->to);
    return error != 0 ? error : replace(move);
}

static int set_parent(struct move *move, const struct inode *parent)
{
    move->parent.entry->inode = (uint32_t)parent->ino;
    return ext2_place_write(move->fs, &move->parent);
}

// What memory is needed for comes first: names that were moved on the disk, and not in memory, would be in two places.
static int move_locked(struct move *move, struct inode *from_dir, struct dentry *from, struct inode *to_dir, struct dentry *to)
{
    bool parent_changes = inode_is_directory(move->inode) && from_dir != to_dir;
    int error = ext2_dir_prepare(to_dir);

    if (error == 0 && parent_changes)
        error = ext2_dir_find(move->inode, "..", 2, &move->parent);
    if (error == 0)
        error = move->replaced != NULL ? move_and_replace(move, from_dir, from, to_dir, to)
                                       : move_to_free(move, from_dir, from, to_dir, to);
    if (error == 0 && parent_changes)
        error = set_parent(move, to_dir);
    return error;
}

static int ext2_rename(struct inode *from_dir, struct dentry *from, struct inode *to_dir, struct dentry *to)
{
    struct move move = {.fs = ext2_of(from_dir), .inode = from->inode, .replaced = to->inode};
    int error = check_writable(from_dir);

    if (error == 0 && inode_is_directory(from->inode) && from_dir != to_dir && to_dir->nlink >= EXT2_LINK_MAX)
        error = -EMLINK;
    if (error != 0)
        return error;
    mutex_lock(&move.fs->lock);
    error = move_locked(&move, from_dir, from, to_dir, to);
    if (error != 0 && move.replaced != NULL)
        ext2_inode_of(move.replaced)->dead = false;
    mutex_unlock(&move.fs->lock);
    ext2_place_put(&move.from);
    ext2_place_put(&move.to);
    ext2_place_put(&move.parent);
    ext2_inode_unpin(&move.pin);
    return error;
}

// ---- The rest ----

static int64_t ext2_readlink(struct inode *inode, char *buffer, size_t size)
{
    struct ext2_inode *node = ext2_inode_of(inode);
    struct ext2 *fs = ext2_of(inode);
    size_t length = MIN(size, node->size);
    struct ext2_block block = {NULL, NULL, 0};
    const void *text = node->map;
    uint32_t number;
    int error = 0;

    mutex_lock(&fs->lock);
    if (node->size >= sizeof node->map) {
        error = ext2_map(inode, 0, false, &number);
        if (error == 0)
            error = ext2_block_get(fs, number, &block);
        text = block.data;
    }
    if (error == 0)
        memcpy(buffer, text, length);
    ext2_block_put(&block);
    mutex_unlock(&fs->lock);
    return error != 0 ? error : (int64_t)length;
}

static void ext2_getattr(struct inode *inode, struct kstat *stat)
{
    const struct ext2_inode *node = ext2_inode_of(inode);

    if (!inode_is(inode, S_IFREG))
        stat->size = node->size;
    stat->blocks = node->sectors;
    stat->block_size = ext2_of(inode)->block_size;
}

static int ext2_setattr(struct inode *inode, const struct attributes *attributes __maybe_unused)
{
    return check_writable(inode);
}

const struct inode_ops ext2_inode_ops = {
    .lookup = ext2_lookup,
    .create = ext2_create,
    .link = ext2_link,
    .unlink = ext2_unlink,
    .rename = ext2_rename,
    .readlink = ext2_readlink,
    .getattr = ext2_getattr,
    .setattr = ext2_setattr,
    .truncate = ext2_truncate,
    .map_block = ext2_map_block,
};
