// SPDX-License-Identifier: MIT
/*
 * map.c - which blocks hold a file: twelve in the inode, then trees of one, two and three levels.
 *
 * Order       A block of a tree, or of a directory, is written with a content of its own before anything points to it. Blocks become
 *             free only after what pointed to them has been written without them. So whatever else of the maps has come to the disk
 *             when the machine stops, no pointer leads to rubbish, and no block has two owners.
 * Damage      A number outside the file system, or one that is freed twice (a tree that bites its tail), ends the work with -EUCLEAN.
 */
#include "dev/block.h"
#include "fs/ext2/ext2.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/kalloc.h"

#include <linux/stat.h>

#define LEVELS_MAX (1 + EXT2_TREE_LEVELS) // the inode's own entry, and blocks

static uint32_t entries_per_block(const struct ext2 *fs)
{
    return fs->block_size / sizeof(uint32_t);
}

// Blocks of the file below one entry that has `level` levels of blocks under it.
static uint64_t span_of(const struct ext2 *fs, unsigned level)
{
    return UINT64_C(1) << (fs->block_shift - 2) * level;
}

// Entries to go through to block `index`: at[0] in the inode, the others in blocks. => how many; 0: it lies too far
static unsigned path_of(const struct ext2 *fs, uint64_t index, uint32_t at[LEVELS_MAX])
{
    if (index < EXT2_DIRECT) {
        at[0] = (uint32_t)index;
        return 1;
    }
    index -= EXT2_DIRECT;
    for (unsigned levels = 1; levels < LEVELS_MAX; levels++) {
        if (index >= span_of(fs, levels)) {
            index -= span_of(fs, levels);
            continue;
        }
        at[0] = EXT2_DIRECT + levels - 1;
        for (unsigned i = 1; i <= levels; i++)
            at[i] = (uint32_t)(index / span_of(fs, levels - i)) % entries_per_block(fs);
        return levels + 1;
    }
    return 0;
}

uint64_t ext2_max_size(const struct ext2 *fs)
{
    uint64_t blocks = EXT2_DIRECT + span_of(fs, 1) + span_of(fs, 2) + span_of(fs, 3);

    // The inode counts sectors in 32 bits, those of the trees too: of a thousand blocks it takes two at most.
    return MIN(blocks << fs->block_shift, (UINT64_C(1) << 41) - (UINT64_C(1) << 33));
}

// What a block that begins to be part of a tree, or of a directory, has in it.
static int initialise(struct ext2 *fs, uint32_t number, bool directory)
{
    struct ext2_block block;
    int error = ext2_block_get(fs, number, &block);

    if (error != 0)
        return error;
    memset(block.data, 0, fs->block_size);
    if (directory)
        ((struct ext2_entry *)block.data)->size = (uint16_t)fs->block_size;
    error = ext2_block_write(fs, &block);
    ext2_block_put(&block);
    return error;
}

// Give the inode a block. `level`: how many levels it has below it.
static int grow(struct inode *inode, unsigned level, uint32_t *number)
{
    struct ext2 *fs = ext2_of(inode);
    struct ext2_inode *node = ext2_inode_of(inode);
    bool directory = inode_is_directory(inode);
    uint32_t home = fs->first_block + ((uint32_t)inode->ino - 1) / fs->inodes_per_group * fs->blocks_per_group;
    int error = ext2_block_alloc(fs, node->last_block != 0 ? node->last_block + 1 : home, number);

    if (error != 0)
        return error;
    if (level > 0 || directory)
        error = initialise(fs, *number, level == 0);
    if (error != 0) {
        (void)!ext2_block_free(fs, *number);
        return error;
    }
    node->last_block = *number;
    node->sectors += fs->block_size / 512;
    inode->dirty = true;
    return 0;
}

int ext2_map(struct inode *inode, uint64_t index, bool create, uint32_t *number)
{
    struct ext2 *fs = ext2_of(inode);
    uint32_t at[LEVELS_MAX], *entry = ext2_inode_of(inode)->map;
    unsigned depth = path_of(fs, index, at);
    struct ext2_block block = {NULL, NULL, 0};
    int error = depth == 0 ? -EFBIG : 0;

    *number = 0;
    for (unsigned level = 0; level < depth; level++) {
        entry += at[level];
        if (*entry == 0) {
            uint32_t fresh;

            error = create ? grow(inode, depth - level - 1, &fresh) : 0;
            if (error != 0 || !create)
                break;
            *entry = fresh;
            if (block.page != NULL)
                ext2_block_dirty(fs, &block);
        }
        *number = *entry;
        ext2_block_put(&block);
        if (level + 1 == depth)
            return ext2_block_valid(fs, *number) ? 0 : -EUCLEAN;
        error = create ? ext2_block_get(fs, *number, &block) : ext2_block_peek(fs, *number, &block);
        if (error != 0)
            break;
        *number = 0;
        entry = block.data;
    }
    ext2_block_put(&block);
    return error;
}

// ---- Freeing ----

// => the block is freed before what lies below it, so that a tree that contains itself is found out
static int free_tree(struct inode *inode, uint32_t number, unsigned level)
{
    struct ext2 *fs = ext2_of(inode);
    struct ext2_block block;
    uint32_t *entries;
    int error = ext2_block_free(fs, number);

    if (error != 0)
        return error;
    ext2_inode_of(inode)->sectors -= fs->block_size / 512;
    if (level == 0)
        return 0;
    error = ext2_block_get(fs, number, &block);
    if (error != 0)
        return error;
    entries = block.data;
    for (uint32_t i = 0; i < entries_per_block(fs) && error == 0; i++)
        if (entries[i] != 0)
            error = free_tree(inode, entries[i], level - 1);
    ext2_block_put(&block);
    return error;
}

static int free_trees(struct inode *inode, const uint32_t *numbers, uint32_t count, unsigned level)
{
    int error = 0;

    for (uint32_t i = 0; i < count && error == 0; i++)
        if (numbers[i] != 0)
            error = free_tree(inode, numbers[i], level);
    return error;
}

// Cut a tree of `level` levels, at block `number`, so that its first `keep` blocks stay, some but not all.
static int cut_tree(struct inode *inode, uint32_t number, unsigned level, uint64_t keep, uint32_t *cut)
{
    struct ext2 *fs = ext2_of(inode);
    uint64_t span = span_of(fs, level - 1);
    uint32_t whole = (uint32_t)(keep / span), rest = whole + (keep % span != 0), count = entries_per_block(fs) - rest;
    uint32_t *entries, edge = 0;
    struct ext2_block block;
    int error = ext2_block_get(fs, number, &block);

    if (error != 0)
        return error;
    entries = block.data;
    if (rest > whole)
        edge = entries[whole];
    memcpy(cut, entries + rest, count * sizeof *cut);
    memset(entries + rest, 0, count * sizeof *cut);
    error = ext2_block_write(fs, &block);
    ext2_block_put(&block);
    if (error == 0)
        error = free_trees(inode, cut, count, level - 1);
    /* Whatever failed: what stays in the file's own tree behind its end would be there again when the file grows. */
    int below = edge != 0 ? cut_tree(inode, edge, level - 1, keep % span, cut) : 0;
    return error != 0 ? error : below;
}

// The trees of an inode that is cut: `keep` blocks of the one of `level` levels stay, counted from its first.
static int cut_level(struct inode *inode, uint32_t number, unsigned level, int64_t keep, uint32_t *cut)
{
    if (number == 0 || keep >= (int64_t)span_of(ext2_of(inode), level))
        return 0;
    return keep <= 0 ? free_tree(inode, number, level) : cut_tree(inode, number, level, (uint64_t)keep, cut);
}

// Blocks of the trees that the cut goes through, of whose entries some stay. Once the cut has begun they can no longer lack memory.
static int hold_edges(struct inode *inode, struct ext2_cut *cut)
{
    uint32_t at[LEVELS_MAX], *entry = ext2_inode_of(inode)->map;
    unsigned depth = path_of(ext2_of(inode), cut->keep, at);
    int error = 0;

    while (depth > 1 && at[depth - 1] == 0) // the block above goes as a whole
        depth--;
    for (unsigned level = 0; level + 1 < depth && error == 0 && entry[at[level]] != 0; level++) {
        error = ext2_block_get(ext2_of(inode), entry[at[level]], &cut->edges[level]);
        entry = cut->edges[level].data;
    }
    return error;
}

int ext2_cut_begin(struct inode *inode, uint64_t keep, struct ext2_cut *cut)
{
    bool within_tree = keep > EXT2_DIRECT;
    int error = 0;

    *cut = (struct ext2_cut){.keep = keep, .entries = within_tree ? kalloc() : NULL};
    if (within_tree)
        error = cut->entries != NULL ? hold_edges(inode, cut) : -ENOMEM;
    if (error == 0)
        error = ext2_inode_pin(inode, &cut->pin);
    if (error != 0)
        ext2_cut_end(cut);
    return error;
}

void ext2_cut_end(struct ext2_cut *cut)
{
    ext2_inode_unpin(&cut->pin);
    for (size_t i = 0; i < ARRAY_SIZE(cut->edges); i++)
        ext2_block_put(&cut->edges[i]);
    if (cut->entries != NULL)
        kfree(cut->entries);
}

// The inode has only what it keeps from now on, on the disk as well.
static int cut_map(struct inode *inode, uint64_t keep)
{
    struct ext2_inode *node = ext2_inode_of(inode);
    uint32_t first = (uint32_t)MIN(keep, (uint64_t)EXT2_DIRECT);
    int64_t left = (int64_t)keep - EXT2_DIRECT;

    memset(node->map + first, 0, (EXT2_DIRECT - first) * sizeof *node->map);
    for (unsigned level = 1; level < LEVELS_MAX; level++) {
        if (left <= 0)
            node->map[EXT2_DIRECT + level - 1] = 0;
        left -= (int64_t)span_of(ext2_of(inode), level);
    }
    return ext2_inode_store(inode, inode->nlink, inode->nlink != 0); // without a link it is dead there already
}

static int free_rest(struct inode *inode, const uint32_t old[EXT2_MAP_ENTRIES], struct ext2_cut *cut)
{
    uint32_t first = (uint32_t)MIN(cut->keep, (uint64_t)EXT2_DIRECT);
    int64_t left = (int64_t)cut->keep - EXT2_DIRECT;
    int error = free_trees(inode, old + first, EXT2_DIRECT - first, 0);

    for (unsigned level = 1; level < LEVELS_MAX && error == 0; level++) {
        error = cut_level(inode, old[EXT2_DIRECT + level - 1], level, left, cut->entries);
        left -= (int64_t)span_of(ext2_of(inode), level);
    }
    return error;
}

int ext2_cut_commit(struct inode *inode, struct ext2_cut *cut)
{
    struct ext2_inode *node = ext2_inode_of(inode);
    uint32_t old[EXT2_MAP_ENTRIES];
    bool was = kalloc_use_reserve(true);
    int error;

    memcpy(old, node->map, sizeof old);
    error = cut_map(inode, cut->keep);
    if (error == 0)
        error = free_rest(inode, old, cut);
    (void)kalloc_use_reserve(was);
    node->last_block = 0;
    inode->dirty = true;
    if (error != -ENOMEM)
        return error;
    printk(LOG_ERROR "EXT2-fs (%s): inode %lu: no memory to free all its blocks: e2fsck will", ext2_of(inode)->device->name, inode->ino);
    return 0;
}

int ext2_map_cut(struct inode *inode, uint64_t keep)
{
    struct ext2_cut cut;
    int error = ext2_cut_begin(inode, keep, &cut);

    if (error != 0)
        return error;
    error = ext2_cut_commit(inode, &cut);
    ext2_cut_end(&cut);
    return error;
}
