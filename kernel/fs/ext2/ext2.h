// SPDX-License-Identifier: MIT
/*
 * ext2.h - what the parts of ext2 share. docs/ext2.md tells the whole.
 *
 * Metadata lie in a page cache over the whole device. What is changed there is written now (ext2_block_write), where a
 * crash in between must find things in that order, or whenever it suits (ext2_block_dirty).
 */
#ifndef FS_EXT2_EXT2_H
#define FS_EXT2_EXT2_H

#include "fs/ext2/format.h"
#include "fs/inode.h"
#include "fs/mount.h"
#include "lib/log.h"
#include "sync/mutex.h"

struct block_device;
struct dir_emitter;
struct file;

/*
 * One file system.     Fields: (c) constant after mounting  (l) lock  (i) inodes_lock  (a) atomic
 */
struct ext2 {
    struct super_block sb;
    struct block_device *device;        // (c)
    struct page_cache pages;            // of the device: metadata
    struct list link;                   // all that are mounted; super.c's
    void *spare;                        // (l) a frame, for ext2_block_peek
    uint32_t spare_number;              // (l) the block in it, or 0
    struct core_map_entry *super_page;  // (c) holds a reference
    struct ext2_super_block *super;     // (l) in that page
    uint32_t blocks, first_block, blocks_per_group;     // (c) as the super block said when it was mounted, and was checked
    uint32_t inodes, first_inode, inodes_per_group;     // (c)
    uint32_t inode_size, groups;        // (c)
    uint32_t block_size;                // (c)
    unsigned block_shift;               // (c)
    unsigned on_error;                  // (c) EXT2_ON_ERROR_*
    bool has_types;                     // (c) entries of directories tell types
    bool writable_format;               // (c) there is nothing that we cannot write
    bool writing;                       // (l) changes go to the disk; also for a while after an error has made it read-only
    bool was_clean;                     // (l) when it was last mounted for writing
    bool freed;                         // (l) blocks have been freed since the last flush: flush before one is used again
    _Atomic unsigned errors;            // (a) that were found
    struct mutex lock;                  // block maps, bitmaps, tables of inodes
    struct spinlock inodes_lock;
    struct tree in_memory;              // (i) those in memory, by number
};

/*
 * One file, or directory, ...   Fields: (c) constant  (l) the file system's lock  (i) its inodes_lock
 */
struct ext2_inode {
    struct inode inode;
    struct tree_node by_number;         // (i)
    uint32_t map[EXT2_MAP_ENTRIES];     // (l) as on disk
    uint32_t sectors, flags, acl_block, generation, dtime; // (l) the same
    bool dead;                          // (l) its last name goes: on the disk it has no links
    uint32_t last_block;                // (l) that it was given: the next one should lie behind
    uint64_t size;                      // (l) of directories and links; that of a file is its page cache's
};

static inline struct ext2 *ext2_of(const struct inode *inode)
{
    return container_of(inode->sb, struct ext2, sb);
}

static inline struct ext2_inode *ext2_inode_of(const struct inode *inode)
{
    return container_of(inode, struct ext2_inode, inode);
}

static inline bool ext2_is_read_only(const struct ext2 *fs)
{
    return fs->sb.flags & SB_READ_ONLY;
}

/* Something is wrong on the disk: say so, and write no more. => -EUCLEAN, for the caller to return */
int ext2_error(struct ext2 *fs, const char *format, ...) __printf_like(2, 3);

void ext2_pages_init(struct ext2 *fs);

/* ---- meta.c: blocks of metadata. => all of this and what follows, unless it says otherwise: fs->lock held ---- */

struct ext2_block {
    struct core_map_entry *page;        // holds a reference; NULL: none
    void *data;
    uint32_t number;
};

/* Whether a block number from the disk may be one. Tells the log if not. */
bool ext2_block_valid(struct ext2 *fs, uint32_t number);

/* => 0, -EUCLEAN (no such block), -EIO, -ENOMEM */
int ext2_block_get(struct ext2 *fs, uint32_t number, struct ext2_block *block) __must_check;
void ext2_block_put(struct ext2_block *block);

/* The same for who only looks at it, one block at a time: that takes no memory, so that files can be written back when there is none. */
int ext2_block_peek(struct ext2 *fs, uint32_t number, struct ext2_block *block) __must_check;

void ext2_block_dirty(struct ext2 *fs, const struct ext2_block *block);

/* Write the block, and wait until the device has it. => 0 or -EIO, which the log has been told */
int ext2_block_write(struct ext2 *fs, const struct ext2_block *block) __must_check;

/* The content of a file's block is about to be written: the device's page cache shall not know better. => no lock needed */
void ext2_block_shadow(struct ext2 *fs, uint32_t number, const void *data);

void ext2_super_dirty(struct ext2 *fs);

/* Bring all metadata that have changed, inodes included, to the device, for good; `data`: all files, too. => not locked */
int ext2_sync(struct ext2 *fs, bool data) __must_check;

/* ---- balloc.c, ialloc.c ---- */

/* The descriptor of a group, in `block`. => 0, or as ext2_block_get */
int ext2_group_get(struct ext2 *fs, uint32_t index, struct ext2_block *block, struct ext2_group **group) __must_check;

/* A free block, near `goal`. => 0, -ENOSPC, -EIO, ... */
int ext2_block_alloc(struct ext2 *fs, uint32_t goal, uint32_t *number) __must_check;
/* => 0; -EUCLEAN: it was free, or belongs to the file system itself */
int ext2_block_free(struct ext2 *fs, uint32_t number) __must_check;

/* A free inode, near its directory. */
int ext2_number_alloc(struct ext2 *fs, uint32_t dir, bool directory, uint32_t *ino) __must_check;
void ext2_number_free(struct ext2 *fs, uint32_t ino, bool directory);

/* The first bit that is clear in [start, end), or `end`. And one bit, which a bitmap has in its byte i / 8. */
uint32_t ext2_bitmap_find(const uint8_t *bits, uint32_t start, uint32_t end);

/* ---- inode.c ---- */

/* The inode with that number, with a reference. => not locked; sb->tree held for writing; 0, -EIO, -EUCLEAN, -ENOMEM */
int ext2_inode_get(struct ext2 *fs, uint32_t ino, struct inode **out) __must_check;

/* A new one, of a number that was allocated; nothing of it is on the disk. NULL: no memory. => not locked */
struct inode *ext2_inode_create(struct ext2 *fs, uint32_t ino, uint32_t mode, device_t rdev) __must_check;

/* Put what the inode is into the table, to be written sometime or `now`; with `links` links, if that is not its present count. */
int ext2_inode_store(struct inode *inode, uint32_t links, bool now) __must_check;

/*
 * What storing an inode needs of the disk, held in memory: until it is let go, ext2_inode_store lacks no memory.
 */
struct ext2_pin {
    struct ext2_block group, table;
};
int ext2_inode_pin(struct inode *inode, struct ext2_pin *pin) __must_check;
void ext2_inode_unpin(struct ext2_pin *pin);

/* Store all that have changed; `data`: write their pages, too. => not locked */
int ext2_inodes_store(struct ext2 *fs, bool data) __must_check;

void ext2_evict(struct inode *inode);

/* Write an inode's pages, and put it into the table. => not locked */
int ext2_store(struct inode *inode) __must_check;

/* Whether the attributes of an inode, or pages of a file, have changes that are not stored. => not locked; may sleep */
bool ext2_inodes_changed(struct ext2 *fs);

/* Whether a file is open for writing, or mapped so. => not locked */
bool ext2_has_writers(struct ext2 *fs);

/* ---- map.c ---- */

/* The block that holds block `index` of the file, given one if there is none and `create`. => *number 0: a hole */
int ext2_map(struct inode *inode, uint64_t index, bool create, uint32_t *number) __must_check;

/*
 * Let the file have only its first `keep` blocks. The inode is written now, before blocks become free.
 *
 * => begin takes the memory, and fails with nothing changed; then comes commit, the lock given up between them or not; then end. Blocks
 *    that commit could not give back for want of memory are nobody's until e2fsck finds them
 */
#define EXT2_TREE_LEVELS 3

struct ext2_cut {
    uint64_t keep;
    uint32_t *entries;                  // room for those of one block; NULL: not needed
    struct ext2_pin pin;
    struct ext2_block edges[EXT2_TREE_LEVELS]; // that lose some of their entries
};
int ext2_cut_begin(struct inode *inode, uint64_t keep, struct ext2_cut *cut) __must_check;
int ext2_cut_commit(struct inode *inode, struct ext2_cut *cut) __must_check;
void ext2_cut_end(struct ext2_cut *cut);

/* All three. */
int ext2_map_cut(struct inode *inode, uint64_t keep) __must_check;

/* Blocks that a map can reach, and the largest file: what 32 bits of sectors can count. */
uint64_t ext2_max_size(const struct ext2 *fs);

/* ---- dir.c: names in a directory's blocks ---- */

/* Where a name is. */
struct ext2_place {
    struct ext2_block block;            // holds a reference
    struct ext2_entry *entry, *before;  // before: the one in front in the block, or NULL
};

/* => 0, -ENOENT, -EIO, -EUCLEAN, ... */
int ext2_dir_find(struct inode *dir, const char *name, size_t length, struct ext2_place *place) __must_check;

/* A name in memory; ext2_place_write brings it to the disk. => *place holds a reference */
int ext2_dir_add(struct inode *dir, const char *name, size_t length, const struct inode *inode, struct ext2_place *place)
    __must_check;
void ext2_place_set(struct ext2 *fs, struct ext2_place *place, const struct inode *inode);
void ext2_place_clear(struct ext2_place *place);
int ext2_place_write(struct ext2 *fs, struct ext2_place *place) __must_check;
void ext2_place_put(struct ext2_place *place);

/* What a directory that will be changed needs: no index of hashes beside the names. */
int ext2_dir_prepare(struct inode *dir) __must_check;

/* The first block of a new directory: "." and "..". */
int ext2_dir_init(struct inode *dir, uint32_t parent) __must_check;
/* => 0, -ENOTEMPTY, ... */
int ext2_dir_check_empty(struct inode *dir) __must_check;

extern const struct file_ops ext2_directory_ops, ext2_file_ops;
extern const struct inode_ops ext2_inode_ops;   // namei.c
extern const struct page_cache_ops ext2_pages_ops;

/* file.c; for inode_ops */
int ext2_truncate(struct inode *inode, uint64_t size) __must_check;
int ext2_map_block(struct inode *inode, uint64_t index, uint64_t *place) __must_check;

/* At boot: the type "ext2". */
void ext2_init(void);

#endif
