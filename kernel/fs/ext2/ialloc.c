// SPDX-License-Identifier: MIT
/*
 * ialloc.c - numbers of inodes: a bitmap for each group. As with blocks, e2fsck makes them anew after a crash.
 */
#include "fs/ext2/ext2.h"
#include "lib/errno.h"

// A number of one group. => 0; -ENOSPC: there is none
static int alloc_in_group(struct ext2 *fs, uint32_t index, bool directory, uint32_t *ino)
{
    uint32_t reserved = index == 0 ? fs->first_inode - 1 : 0, bit;
    struct ext2_block descriptor, bitmap = {NULL, NULL, 0};
    struct ext2_group *group;
    int error = ext2_group_get(fs, index, &descriptor, &group);

    if (error != 0)
        return error;
    error = group->free_inodes != 0 ? ext2_block_get(fs, group->inode_bitmap, &bitmap) : -ENOSPC;
    if (error != 0)
        goto out;
    bit = ext2_bitmap_find(bitmap.data, reserved, fs->inodes_per_group);
    if (bit >= fs->inodes_per_group) {
        error = -ENOSPC;
        goto out;
    }
    ((uint8_t *)bitmap.data)[bit / 8] |= 1 << bit % 8;
    ext2_block_dirty(fs, &bitmap);
    group->free_inodes--;
    group->directories += directory;
    ext2_block_dirty(fs, &descriptor);
    *ino = index * fs->inodes_per_group + bit + 1;
out:
    ext2_block_put(&bitmap);
    ext2_block_put(&descriptor);
    return error;
}

int ext2_number_alloc(struct ext2 *fs, uint32_t dir, bool directory, uint32_t *ino)
{
    // A directory goes to the next group, so that its files find room beside it.
    uint32_t first = (dir - 1) / fs->inodes_per_group + directory;

    for (uint32_t i = 0; i < fs->groups; i++) {
        int error = alloc_in_group(fs, (first + i) % fs->groups, directory, ino);

        if (error == -ENOSPC)
            continue;
        if (error == 0) {
            fs->super->free_inodes--;
            ext2_super_dirty(fs);
        }
        return error;
    }
    return -ENOSPC;
}

// What cannot be told to the bitmap is lost until e2fsck finds it.
void ext2_number_free(struct ext2 *fs, uint32_t ino, bool directory)
{
    uint32_t bit = (ino - 1) % fs->inodes_per_group;
    struct ext2_block descriptor, bitmap = {NULL, NULL, 0};
    struct ext2_group *group;
    uint8_t *byte;

    if (ext2_group_get(fs, (ino - 1) / fs->inodes_per_group, &descriptor, &group) != 0)
        return;
    if (ext2_block_get(fs, group->inode_bitmap, &bitmap) == 0) {
        byte = (uint8_t *)bitmap.data + bit / 8;
        if (!(*byte >> bit % 8 & 1))
            (void)ext2_error(fs, "inode %u is to be freed, and was free", ino);
        *byte &= ~(1u << bit % 8);
        ext2_block_dirty(fs, &bitmap);
        group->free_inodes++;
        group->directories -= directory;
        ext2_block_dirty(fs, &descriptor);
        fs->super->free_inodes++;
        ext2_super_dirty(fs);
    }
    ext2_block_put(&bitmap);
    ext2_block_put(&descriptor);
}
