// SPDX-License-Identifier: MIT
/*
 * dir.c - directories: blocks of names, each name as long as it likes, the last one reaching to the end of its block.
 *
 * Order       A name is put where there is room, whole, before the one in front is made to end there; it is taken out by letting
 *             the one in front reach over it. So a block is sound whenever it happens to be written.
 * dir_index   The index that larger directories may have lies in blocks which look empty. We search without it, and take its mark
 *             away before the first change.
 */
#include <linux/stat.h>

#include "fs/ext2/ext2.h"
#include "fs/file.h"
#include "lib/errno.h"
#include "lib/string.h"

static uint32_t block_count(const struct inode *dir)
{
    return (uint32_t)(ext2_inode_of(dir)->size >> ext2_of(dir)->block_shift);
}

// => 0 with a reference; a hole has no page
static int get_block(struct inode *dir, uint32_t index, struct ext2_block *block)
{
    uint32_t number;
    int error = ext2_map(dir, index, false, &number);

    *block = (struct ext2_block){NULL, NULL, number};
    return error != 0 || number == 0 ? error : ext2_block_get(ext2_of(dir), number, block);
}

// Whether what lies at `offset` of a block may be a name.
static bool entry_is_sound(struct inode *dir, const struct ext2_block *block, uint32_t offset)
{
    struct ext2 *fs = ext2_of(dir);
    const struct ext2_entry *entry = (const void *)((const char *)block->data + offset);
    uint32_t room = fs->block_size - offset;

    if (room >= sizeof *entry + 4 && entry->size % 4 == 0 && entry->size <= room &&
        entry->size >= EXT2_ENTRY_SIZE(entry->name_length) && (entry->inode == 0 || entry->name_length != 0) &&
        entry->inode <= fs->inodes)
        return true;
    (void)ext2_error(fs, "directory %lu: no name at byte %u of block %u", dir->ino, offset, block->number);
    return false;
}

// The next name of a block, starting with `before` NULL. => NULL: there is none, or *error is set
static struct ext2_entry *next_entry(struct inode *dir, const struct ext2_block *block, struct ext2_entry *before, int *error)
{
    char *base = block->data;
    uint32_t offset = before != NULL ? (uint32_t)((char *)before - base) + before->size : 0;

    if (offset >= ext2_of(dir)->block_size)
        return NULL;
    if (entry_is_sound(dir, block, offset))
        return (struct ext2_entry *)(base + offset);
    *error = -EUCLEAN;
    return NULL;
}

static bool is_name(const struct ext2_entry *entry, const char *name, size_t length)
{
    return entry->inode != 0 && entry->name_length == length && memcmp(entry->name, name, length) == 0;
}

// How many bytes a name may take of a place: all, if it is unused, or what the name in it leaves.
static uint32_t room_in(const struct ext2_entry *entry)
{
    return entry->inode == 0 ? entry->size : entry->size - (uint32_t)EXT2_ENTRY_SIZE(entry->name_length);
}

/*
 * The first place in the directory that has the name; or, with `name` NULL, room for one of `length`.
 *
 * => 0 with a reference to its block, -ENOENT, -errno
 */
static int search(struct inode *dir, const char *name, size_t length, struct ext2_place *place)
{
    int error = 0;

    for (uint32_t i = 0; i < block_count(dir) && error == 0; i++) {
        struct ext2_entry *entry = NULL, *before = NULL;

        error = get_block(dir, i, &place->block);
        if (error != 0 || place->block.page == NULL)
            continue;
        while ((entry = next_entry(dir, &place->block, entry, &error)) != NULL) {
            if (name != NULL ? is_name(entry, name, length) : room_in(entry) >= EXT2_ENTRY_SIZE(length)) {
                place->entry = entry;
                place->before = before;
                return 0;
            }
            before = entry;
        }
        ext2_block_put(&place->block);
    }
    return error != 0 ? error : -ENOENT;
}

int ext2_dir_find(struct inode *dir, const char *name, size_t length, struct ext2_place *place)
{
    return search(dir, name, length, place);
}

void ext2_place_put(struct ext2_place *place)
{
    ext2_block_put(&place->block);
}

void ext2_place_set(struct ext2 *fs, struct ext2_place *place, const struct inode *inode)
{
    static const uint8_t types[16] = {[1] = 5, [2] = 3, [4] = 2, [6] = 4, [8] = 1, [10] = 7, [12] = 6};

    place->entry->type = fs->has_types ? types[inode->mode >> 12 & 15] : 0;
    place->entry->inode = (uint32_t)inode->ino;
}

void ext2_place_clear(struct ext2_place *place)
{
    if (place->before != NULL)
        place->before->size += place->entry->size;
    else
        place->entry->inode = 0;
}

int ext2_place_write(struct ext2 *fs, struct ext2_place *place)
{
    return ext2_block_write(fs, &place->block);
}

// One block more, which is one unused place. => pinned; a block behind the end may be left, for the next time
static int add_block(struct inode *dir, struct ext2_place *place)
{
    struct ext2 *fs = ext2_of(dir);
    uint32_t number;
    int error = ext2_map(dir, block_count(dir), true, &number);

    if (error == 0)
        error = ext2_block_get(fs, number, &place->block);
    if (error != 0)
        return error;
    place->entry = place->block.data;
    place->before = NULL;
    ext2_inode_of(dir)->size += fs->block_size;
    error = ext2_inode_store(dir, dir->nlink, dir->nlink != 0);
    if (error != 0)
        ext2_block_put(&place->block);
    return error;
}

static int extend(struct inode *dir, struct ext2_place *place)
{
    struct ext2_pin pin;
    int error = ext2_inode_pin(dir, &pin);

    if (error != 0)
        return error;
    error = add_block(dir, place);
    ext2_inode_unpin(&pin);
    return error;
}

int ext2_dir_add(struct inode *dir, const char *name, size_t length, const struct inode *inode, struct ext2_place *place)
{
    struct ext2 *fs = ext2_of(dir);
    struct ext2_entry *entry;
    uint32_t used;
    int error = search(dir, NULL, length, place);

    if (error == -ENOENT)
        error = extend(dir, place);
    if (error != 0)
        return error;
    entry = place->entry;
    used = entry->size - room_in(entry);
    if (used != 0) { // behind the name that is there
        place->before = entry;
        place->entry = (struct ext2_entry *)((char *)entry + used);
        place->entry->size = (uint16_t)(entry->size - used);
    }
    place->entry->name_length = (uint8_t)length;
    memcpy(place->entry->name, name, length);
    ext2_place_set(fs, place, inode);
    if (used != 0)
        entry->size = (uint16_t)used;
    return 0;
}

int ext2_dir_prepare(struct inode *dir)
{
    struct ext2_inode *node = ext2_inode_of(dir);
    int error;

    if (!(node->flags & EXT2_FLAG_INDEX))
        return 0;
    node->flags &= ~(uint32_t)EXT2_FLAG_INDEX;
    error = ext2_inode_store(dir, dir->nlink, true);
    if (error == -ENOMEM)
        node->flags |= EXT2_FLAG_INDEX;
    return error;
}

// The block that ext2_map gives has one unused place; nothing leads to the directory yet.
int ext2_dir_init(struct inode *dir, uint32_t parent)
{
    struct ext2 *fs = ext2_of(dir);
    struct ext2_place place;
    struct ext2_entry *dots;
    uint32_t number;
    int error = ext2_map(dir, 0, true, &number);

    if (error == 0)
        error = ext2_block_get(fs, number, &place.block);
    if (error != 0)
        return error;
    ext2_inode_of(dir)->size = fs->block_size;
    place.entry = place.block.data;
    place.entry->size = EXT2_ENTRY_SIZE(1);
    place.entry->name_length = 1;
    place.entry->name[0] = '.';
    ext2_place_set(fs, &place, dir);
    dots = (struct ext2_entry *)((char *)place.entry + place.entry->size);
    *dots = (struct ext2_entry){.inode = parent, .size = (uint16_t)(fs->block_size - place.entry->size), .name_length = 2,
                                .type = place.entry->type};
    memcpy(dots->name, "..", 2);
    error = ext2_place_write(fs, &place);
    ext2_place_put(&place);
    return error;
}

static bool is_dots(const struct ext2_entry *entry)
{
    return entry->name[0] == '.' && (entry->name_length == 1 || (entry->name_length == 2 && entry->name[1] == '.'));
}

int ext2_dir_check_empty(struct inode *dir)
{
    int error = 0;

    for (uint32_t i = 0; i < block_count(dir) && error == 0; i++) {
        struct ext2_entry *entry = NULL;
        struct ext2_block block;

        error = get_block(dir, i, &block);
        if (error != 0 || block.page == NULL)
            continue;
        while (error == 0 && (entry = next_entry(dir, &block, entry, &error)) != NULL)
            if (entry->inode != 0 && !is_dots(entry))
                error = -ENOTEMPTY;
        ext2_block_put(&block);
    }
    return error;
}

// ---- getdents ----

// What the type of an entry is in DT_ numbers: of file systems that tell none, 0, unknown.
static unsigned told_type(const struct ext2_entry *entry)
{
    static const uint8_t types[] = {0, 8, 4, 2, 6, 1, 12, 10};

    return entry->type < ARRAY_SIZE(types) ? types[entry->type] : 0;
}

/*
 * The names of one block from byte `from` on. A position may have come to lie within a name, when names before it went, so each block is
 * read from its beginning.
 *
 * => 1: the emitter has no more room
 */
static int emit_block(struct inode *dir, const struct ext2_block *block, uint64_t base, uint64_t *position,
                      struct dir_emitter *emitter)
{
    struct ext2_entry *entry = NULL;
    int error = 0;

    while ((entry = next_entry(dir, block, entry, &error)) != NULL) {
        uint64_t at = base + (uint64_t)((char *)entry - (char *)block->data);

        if (at < *position)
            continue;
        if (entry->inode != 0 && !emitter->emit(emitter, entry->name, entry->name_length, entry->inode, told_type(entry),
                                                at + entry->size))
            return 1;
        *position = at + entry->size;
    }
    return error;
}

static int ext2_readdir(struct file *file, uint64_t *position, struct dir_emitter *emitter)
{
    struct inode *dir = file_inode(file);
    struct ext2 *fs = ext2_of(dir);
    int result = 0;

    rwlock_read_lock(&fs->sb.tree);
    mutex_lock(&fs->lock);
    while (result == 0 && *position < ext2_inode_of(dir)->size) {
        uint64_t base = ALIGN_DOWN(*position, (uint64_t)fs->block_size);
        struct ext2_block block;

        result = get_block(dir, (uint32_t)(base >> fs->block_shift), &block);
        if (result == 0 && block.page != NULL)
            result = emit_block(dir, &block, base, position, emitter);
        if (result == 0)
            *position = MAX(*position, base + fs->block_size);
        ext2_block_put(&block);
    }
    mutex_unlock(&fs->lock);
    rwlock_read_unlock(&fs->sb.tree);
    return MIN(result, 0);
}

static int ext2_sync_directory(struct file *file, bool data_only __maybe_unused)
{
    return ext2_sync(ext2_of(file_inode(file)), false);
}

const struct file_ops ext2_directory_ops = {
    .readdir = ext2_readdir,
    .fsync = ext2_sync_directory,
};
