// SPDX-License-Identifier: MIT
/*
 * format.h - what lies on an ext2 disk. Numbers are little-endian, as the CPU has them.
 *
 * Source: "The Second Extended File System, Internal Layout" (Dave Poirier), and the structures that e2fsprogs shows.
 */
#ifndef FS_EXT2_FORMAT_H
#define FS_EXT2_FORMAT_H

#include "lib/types.h"

#define EXT2_MAGIC        0xef53
#define EXT2_SUPER_OFFSET 1024          // bytes, whatever the size of a block

#define EXT2_ROOT_INO   2
#define EXT2_FIRST_INO  11              // of revision 0
#define EXT2_INODE_SIZE 128             // of revision 0, and what we use of a larger one

#define EXT2_NAME_MAX  255
#define EXT2_LINK_MAX  32000

enum { EXT2_STATE_CLEAN = 1, EXT2_STATE_ERRORS = 2 };
enum { EXT2_ON_ERROR_CONTINUE = 1, EXT2_ON_ERROR_READ_ONLY = 2, EXT2_ON_ERROR_PANIC = 3 };

#define EXT2_INCOMPAT_FILETYPE   0x0002
#define EXT2_RO_SPARSE_SUPER     0x0001
#define EXT2_RO_LARGE_FILE       0x0002
#define EXT2_RO_BTREE_DIR        0x0004

struct ext2_super_block {
    uint32_t inodes_count, blocks_count, reserved_blocks, free_blocks, free_inodes;
    uint32_t first_data_block;
    uint32_t log_block_size, log_fragment_size;         // 1024 << it
    uint32_t blocks_per_group, fragments_per_group, inodes_per_group;
    uint32_t mount_time, write_time;
    uint16_t mount_count, max_mount_count;
    uint16_t magic, state, on_error, minor_revision;
    uint32_t last_check, check_interval, creator, revision;
    uint16_t reserved_uid, reserved_gid;
    uint32_t first_inode;                               // from here on: revision 1
    uint16_t inode_size, group_of_this;
    uint32_t compat, incompat, ro_compat;
    uint8_t uuid[16], volume[16], last_mounted[64];
    uint32_t algorithms;
    uint8_t unused[1024 - 204];
};
static_assert(sizeof(struct ext2_super_block) == 1024, "the super block is 1 KiB");

struct ext2_group {
    uint32_t block_bitmap, inode_bitmap, inode_table;   // blocks
    uint16_t free_blocks, free_inodes, directories, flags;
    uint32_t unused[3];
};
static_assert(sizeof(struct ext2_group) == 32, "a group descriptor has 32 bytes");

/* Where a file's blocks are: twelve, then trees of one, two, three levels. */
#define EXT2_DIRECT      12
#define EXT2_MAP_ENTRIES 15

/* i_flags. */
#define EXT2_FLAG_INDEX 0x1000          // a directory with a tree of hashes in blocks that look empty

struct ext2_disk_inode {
    uint16_t mode, uid;
    uint32_t size, atime, ctime, mtime, dtime;
    uint16_t gid, links;
    uint32_t sectors;                                   // of 512 bytes, that it takes of the disk
    uint32_t flags, version;
    uint32_t map[EXT2_MAP_ENTRIES];                     // or the text of a short link, or a device's number
    uint32_t generation, acl_block, size_high, fragment;
    uint16_t fragment_number, padding, uid_high, gid_high;
    uint32_t unused;
};
static_assert(sizeof(struct ext2_disk_inode) == EXT2_INODE_SIZE, "an inode has 128 bytes, and more that we do not use");

/* One name; the next one is `size` bytes on. An inode of 0: an unused place. */
struct ext2_entry {
    uint32_t inode;
    uint16_t size;                                      // a multiple of 4, up to the end of the block
    uint8_t name_length, type;                          // type: 0 unless EXT2_INCOMPAT_FILETYPE
    char name[];
};
#define EXT2_ENTRY_SIZE(name_length) (ALIGN_UP(sizeof(struct ext2_entry) + (name_length), 4u))

/* The block of extended attributes that an inode may have, and several may share. */
#define EXT2_ATTRIBUTES_MAGIC 0xea020000u
struct ext2_attributes {
    uint32_t magic, references;
};

#endif
