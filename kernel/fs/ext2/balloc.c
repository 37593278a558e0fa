// SPDX-License-Identifier: MIT
/*
 * balloc.c - free blocks: a bitmap for each group of blocks, and counts in its descriptor and in the super block.
 *
 * None of this is written at once: after a crash e2fsck makes the bitmaps anew from the inodes. But a block that was freed may still
 * have an owner on the disk, until that one's write has come down: a flush goes before the first that is used again.
 */
#include "dev/block.h"
#include "fs/ext2/ext2.h"
#include "lib/errno.h"

int ext2_group_get(struct ext2 *fs, uint32_t index, struct ext2_block *block, struct ext2_group **group)
{
    uint32_t per_block = fs->block_size / sizeof(struct ext2_group);
    int error = ext2_block_get(fs, fs->first_block + 1 + index / per_block, block);

    if (error == 0)
        *group = (struct ext2_group *)block->data + index % per_block;
    return error;
}

static uint32_t blocks_in_group(const struct ext2 *fs, uint32_t index)
{
    return MIN(fs->blocks_per_group, fs->blocks - fs->first_block - index * fs->blocks_per_group);
}

static uint32_t group_of(const struct ext2 *fs, uint32_t number)
{
    return (number - fs->first_block) / fs->blocks_per_group;
}

uint32_t ext2_bitmap_find(const uint8_t *bits, uint32_t start, uint32_t end)
{
    while (start < end) {
        if (bits[start / 8] == 0xff)
            start = ALIGN_DOWN(start, 8u) + 8;
        else if (bits[start / 8] >> start % 8 & 1)
            start++;
        else
            return start;
    }
    return end;
}

// Whether the block is the bitmaps' or the table's of its group.
static bool is_system_block(const struct ext2 *fs, const struct ext2_group *group, uint32_t number)
{
    uint32_t table = fs->inodes_per_group * fs->inode_size / fs->block_size;

    return number == group->block_bitmap || number == group->inode_bitmap || number - group->inode_table < table;
}

// A block of one group, from bit `start` on, or any. => 0; -ENOSPC: there is none
static int alloc_in_group(struct ext2 *fs, uint32_t index, uint32_t start, uint32_t *number)
{
    uint32_t count = blocks_in_group(fs, index), bit;
    struct ext2_block descriptor, bitmap = {NULL, NULL, 0};
    struct ext2_group *group;
    int error = ext2_group_get(fs, index, &descriptor, &group);

    if (error != 0)
        return error;
    error = group->free_blocks != 0 ? ext2_block_get(fs, group->block_bitmap, &bitmap) : -ENOSPC;
    if (error != 0)
        goto out;
    bit = ext2_bitmap_find(bitmap.data, start, count);
    if (bit == count)
        bit = ext2_bitmap_find(bitmap.data, 0, count);
    *number = fs->first_block + index * fs->blocks_per_group + bit;
    if (bit == count)
        error = -ENOSPC;
    else if (is_system_block(fs, group, *number))
        error = ext2_error(fs, "block %u is marked free, and is the file system's own", *number);
    if (error == 0) {
        ((uint8_t *)bitmap.data)[bit / 8] |= 1 << bit % 8;
        ext2_block_dirty(fs, &bitmap);
        group->free_blocks--;
        ext2_block_dirty(fs, &descriptor);
    }
out:
    ext2_block_put(&bitmap);
    ext2_block_put(&descriptor);
    return error;
}

// What was free a moment ago has no owner on the disk any more.
static int flush_freed(struct ext2 *fs)
{
    int error = fs->freed ? block_flush(fs->device) : 0;

    if (error == 0)
        fs->freed = false;
    return error;
}

int ext2_block_alloc(struct ext2 *fs, uint32_t goal, uint32_t *number)
{
    uint32_t first, start;
    int error = flush_freed(fs);

    if (error != 0)
        return error;
    if (goal < fs->first_block || goal >= fs->blocks)
        goal = fs->first_block;
    first = group_of(fs, goal);
    start = (goal - fs->first_block) % fs->blocks_per_group;
    for (uint32_t i = 0; i < fs->groups; i++) {
        error = alloc_in_group(fs, (first + i) % fs->groups, i == 0 ? start : 0, number);
        if (error == -ENOSPC)
            continue;
        if (error == 0) {
            fs->super->free_blocks--;
            ext2_super_dirty(fs);
        }
        return error;
    }
    return -ENOSPC;
}

int ext2_block_free(struct ext2 *fs, uint32_t number)
{
    uint32_t index, bit;
    struct ext2_block descriptor = {NULL, NULL, 0}, bitmap = {NULL, NULL, 0};
    struct ext2_group *group;
    uint8_t *byte;
    int error;

    if (!ext2_block_valid(fs, number))
        return -EUCLEAN;
    index = group_of(fs, number);
    bit = (number - fs->first_block) % fs->blocks_per_group;
    error = ext2_group_get(fs, index, &descriptor, &group);
    if (error == 0)
        error = ext2_block_get(fs, group->block_bitmap, &bitmap);
    if (error != 0)
        goto out;
    byte = (uint8_t *)bitmap.data + bit / 8;
    if (!(*byte >> bit % 8 & 1) || is_system_block(fs, group, number)) {
        error = ext2_error(fs, "block %u is to be freed, and is no file's", number);
        goto out;
    }
    *byte &= ~(1u << bit % 8);
    ext2_block_dirty(fs, &bitmap);
    group->free_blocks++;
    ext2_block_dirty(fs, &descriptor);
    fs->super->free_blocks++;
    fs->freed = true;
    ext2_super_dirty(fs);
out:
    ext2_block_put(&bitmap);
    ext2_block_put(&descriptor);
    return error;
}
