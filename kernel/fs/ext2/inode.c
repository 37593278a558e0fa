// SPDX-License-Identifier: MIT
/*
 * inode.c - inodes between the disk's tables and memory.
 *
 * An inode is in memory while somebody has a reference: a name in the tree of dentries, which is a cache, an open file, a mapping.
 * The last reference stores it, and writes what its pages have; or gives back all it had, when it has no name.
 */
#include <linux/stat.h>

#include "dev/block.h"
#include "fs/ext2/ext2.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/kalloc.h"
#include "mm/slab.h"
#include "sync/wait.h"

#define NS_PER_SECOND_SIGNED 1000000000

static struct wait_queue evicted = WAIT_QUEUE_INIT(evicted); // some inode has left memory

static uint32_t number_of(const struct tree_node *node)
{
    return (uint32_t)container_of(node, struct ext2_inode, by_number)->inode.ino;
}

static bool inode_less(const struct tree_node *a, const struct tree_node *b)
{
    return number_of(a) < number_of(b);
}

static struct ext2_inode *find_locked(struct ext2 *fs, uint32_t ino)
{
    struct tree_node *node = fs->in_memory.root;

    while (node != NULL && number_of(node) != ino)
        node = ino < number_of(node) ? node->left : node->right;
    return node != NULL ? container_of(node, struct ext2_inode, by_number) : NULL;
}

// A reference, if anybody still has one.
static bool try_get(struct inode *inode)
{
    uint32_t refs = inode->refs;

    while (refs != 0 && !atomic_compare_exchange_weak(&inode->refs, &refs, refs + 1))
        ;
    return refs != 0;
}

// The inode, with a reference if it still lives. => whether it is in memory
static bool find(struct ext2 *fs, uint32_t ino, struct inode **out)
{
    struct ext2_inode *node;

    *out = NULL;
    spin_lock(&fs->inodes_lock);
    node = find_locked(fs, ino);
    if (node != NULL && try_get(&node->inode))
        *out = &node->inode;
    spin_unlock(&fs->inodes_lock);
    return node != NULL;
}

static bool is_gone(struct ext2 *fs, uint32_t ino)
{
    bool gone;

    spin_lock(&fs->inodes_lock);
    gone = find_locked(fs, ino) == NULL;
    spin_unlock(&fs->inodes_lock);
    return gone;
}

// Where the table has an inode. => fs->lock held; the block holds a reference
static int locate(struct ext2 *fs, uint32_t ino, struct ext2_block *block, struct ext2_disk_inode **disk)
{
    uint32_t index = (ino - 1) % fs->inodes_per_group, offset = index % (fs->block_size / fs->inode_size) * fs->inode_size;
    struct ext2_group *group;
    uint32_t table;
    int error = ext2_group_get(fs, (ino - 1) / fs->inodes_per_group, block, &group);

    if (error != 0)
        return error;
    table = group->inode_table;
    ext2_block_put(block);
    error = ext2_block_get(fs, table + index / (fs->block_size / fs->inode_size), block);
    if (error == 0)
        *disk = (struct ext2_disk_inode *)((char *)block->data + offset);
    return error;
}

// Device numbers: the old form of 8 and 8 bits, or the new one beside it.
static device_t read_device(const uint32_t map[])
{
    if (map[0] != 0)
        return device_make(map[0] >> 8 & 0xff, map[0] & 0xff);
    return device_make(map[1] >> 8 & 0xfff, (map[1] & 0xff) | (map[1] >> 12 & 0xfff00));
}

static void write_device(uint32_t map[], device_t number)
{
    uint32_t major = device_major(number), minor = device_minor(number);

    if (major < 256 && minor < 256)
        map[0] = major << 8 | minor;
    else
        map[1] = (minor & 0xff) | major << 8 | (minor & 0xfff00) << 12;
}

static bool size_is_sound(const struct ext2 *fs, uint32_t mode, uint64_t size)
{
    switch (mode & S_IFMT) {
    case S_IFDIR:
        return size != 0 && size % fs->block_size == 0 && size <= INT32_MAX;
    case S_IFLNK:
        return size != 0 && size < PAGE_SIZE && size < fs->block_size;
    default:
        return size <= ext2_max_size(fs);
    }
}

static bool mode_is_sound(uint32_t mode)
{
    static const uint16_t kinds = 1 << 1 | 1 << 2 | 1 << 4 | 1 << 6 | 1 << 8 | 1 << 10 | 1 << 12;

    return kinds >> (mode >> 12) & 1; // FIFO, character device, directory, block device, file, link, socket
}

// What follows from the type of an inode.
static void set_kind(struct inode *inode, uint64_t size)
{
    struct ext2_inode *node = ext2_inode_of(inode);

    inode->ops = &ext2_inode_ops;
    node->size = size;
    if (inode_is(inode, S_IFREG)) {
        inode->file_ops = &ext2_file_ops;
        page_cache_init(&inode->pages, &ext2_pages_ops);
        inode->pages.size = size;
    } else if (inode_is_directory(inode)) {
        inode->file_ops = &ext2_directory_ops;
    }
}

static void read_inode(struct ext2_inode *node, const struct ext2_disk_inode *disk)
{
    struct inode *inode = &node->inode;

    inode->nlink = disk->links;
    inode->uid = disk->uid | (uint32_t)disk->uid_high << 16;
    inode->gid = disk->gid | (uint32_t)disk->gid_high << 16;
    inode->atime = (int32_t)disk->atime * (int64_t)NS_PER_SECOND_SIGNED;
    inode->mtime = (int32_t)disk->mtime * (int64_t)NS_PER_SECOND_SIGNED;
    inode->ctime = (int32_t)disk->ctime * (int64_t)NS_PER_SECOND_SIGNED;
    memcpy(node->map, disk->map, sizeof node->map);
    node->sectors = disk->sectors;
    node->flags = disk->flags;
    node->acl_block = disk->acl_block;
    node->generation = disk->generation;
    if (inode_is(inode, S_IFCHR) || inode_is(inode, S_IFBLK))
        inode->rdev = read_device(node->map);
}

static void insert(struct ext2 *fs, struct ext2_inode *node)
{
    spin_lock(&fs->inodes_lock);
    tree_insert(&fs->in_memory, &node->by_number, inode_less);
    spin_unlock(&fs->inodes_lock);
}

static int check(struct ext2 *fs, uint32_t ino, const struct ext2_disk_inode *disk, uint64_t size)
{
    if (disk->links == 0)
        return ext2_error(fs, "a name leads to inode %u, which is not in use", ino);
    if (!mode_is_sound(disk->mode))
        return ext2_error(fs, "inode %u has the unknown mode %#o", ino, disk->mode);
    if (!size_is_sound(fs, disk->mode, size))
        return ext2_error(fs, "inode %u, of mode %#o, has the size %lu", ino, disk->mode, size);
    return 0;
}

static int load(struct ext2 *fs, uint32_t ino, struct ext2_inode *node)
{
    struct ext2_block block = {NULL, NULL, 0};
    struct ext2_disk_inode *disk;
    uint64_t size;
    int error;

    mutex_lock(&fs->lock);
    error = locate(fs, ino, &block, &disk);
    if (error == 0) {
        size = disk->size | (S_ISREG(disk->mode) ? (uint64_t)disk->size_high << 32 : 0);
        error = check(fs, ino, disk, size);
    }
    if (error == 0) {
        inode_init(&node->inode, &fs->sb, ino, disk->mode);
        read_inode(node, disk);
        set_kind(&node->inode, size);
    }
    ext2_block_put(&block);
    mutex_unlock(&fs->lock);
    return error;
}

int ext2_inode_get(struct ext2 *fs, uint32_t ino, struct inode **out)
{
    struct ext2_inode *node;
    int error;

    if ((ino < fs->first_inode && ino != EXT2_ROOT_INO) || ino > fs->inodes)
        return ext2_error(fs, "a name leads to inode %u", ino);
    while (find(fs, ino, out)) {
        if (*out != NULL)
            return 0;
        wait_event(&evicted, is_gone(fs, ino));
    }
    node = slab_zalloc(sizeof *node);
    if (node == NULL)
        return -ENOMEM;
    error = load(fs, ino, node);
    if (error != 0) {
        slab_free(node);
        return error;
    }
    insert(fs, node);
    *out = &node->inode;
    return 0;
}

struct inode *ext2_inode_create(struct ext2 *fs, uint32_t ino, uint32_t mode, device_t rdev)
{
    struct ext2_inode *node = slab_zalloc(sizeof *node);

    if (node == NULL)
        return NULL;
    wait_event(&evicted, is_gone(fs, ino)); // the number was freed by one that is about to go
    inode_init(&node->inode, &fs->sb, ino, mode);
    node->inode.rdev = rdev;
    node->generation = (uint32_t)node->inode.ctime;
    if (S_ISCHR(mode) || S_ISBLK(mode))
        write_device(node->map, rdev);
    set_kind(&node->inode, 0);
    node->inode.dirty = true;
    insert(fs, node);
    return &node->inode;
}

static uint64_t size_of(const struct inode *inode)
{
    return inode_is(inode, S_IFREG) ? inode->pages.size : ext2_inode_of(inode)->size;
}

static uint32_t seconds(int64_t ns)
{
    return (uint32_t)(ns / NS_PER_SECOND_SIGNED - (ns % NS_PER_SECOND_SIGNED < 0));
}

static void write_inode(const struct inode *inode, uint32_t links, struct ext2_disk_inode *disk)
{
    const struct ext2_inode *node = ext2_inode_of(inode);
    uint64_t size = size_of(inode);

    disk->mode = (uint16_t)inode->mode;
    disk->uid = (uint16_t)inode->uid;
    disk->uid_high = (uint16_t)(inode->uid >> 16);
    disk->gid = (uint16_t)inode->gid;
    disk->gid_high = (uint16_t)(inode->gid >> 16);
    disk->size = (uint32_t)size;
    if (inode_is(inode, S_IFREG))
        disk->size_high = (uint32_t)(size >> 32);
    disk->atime = seconds(inode->atime);
    disk->ctime = seconds(inode->ctime);
    disk->mtime = seconds(inode->mtime);
    disk->dtime = links == 0 ? seconds(inode->ctime) : 0;
    disk->links = (uint16_t)links;
    disk->sectors = node->sectors;
    disk->flags = node->flags;
    disk->acl_block = node->acl_block;
    disk->generation = node->generation;
    memcpy(disk->map, node->map, sizeof disk->map);
}

int ext2_inode_pin(struct inode *inode, struct ext2_pin *pin)
{
    struct ext2 *fs = ext2_of(inode);
    struct ext2_disk_inode *disk;
    struct ext2_group *group;
    int error = ext2_group_get(fs, ((uint32_t)inode->ino - 1) / fs->inodes_per_group, &pin->group, &group);

    if (error != 0)
        return error;
    error = locate(fs, (uint32_t)inode->ino, &pin->table, &disk);
    if (error != 0)
        ext2_block_put(&pin->group);
    return error;
}

void ext2_inode_unpin(struct ext2_pin *pin)
{
    ext2_block_put(&pin->table);
    ext2_block_put(&pin->group);
}

// A file beyond 2 GiB needs a mark in the super block.
static void note_large(struct ext2 *fs, const struct inode *inode)
{
    if (!inode_is(inode, S_IFREG) || inode->pages.size <= INT32_MAX || (fs->super->ro_compat & EXT2_RO_LARGE_FILE))
        return;
    fs->super->ro_compat |= EXT2_RO_LARGE_FILE;
    ext2_super_dirty(fs);
}

int ext2_inode_store(struct inode *inode, uint32_t links, bool now)
{
    struct ext2 *fs = ext2_of(inode);
    struct ext2_block block;
    struct ext2_disk_inode *disk;
    int error;

    DEBUG_ASSERT(mutex_held(&fs->lock));
    error = locate(fs, (uint32_t)inode->ino, &block, &disk);
    if (error != 0)
        return error;
    inode->dirty = false;
    if (ext2_inode_of(inode)->dead)
        links = 0;
    if (disk->links == 0) // it was not in use: nothing of the former one shall stay
        memset(disk, 0, fs->inode_size);
    write_inode(inode, links, disk);
    note_large(fs, inode);
    if (now)
        error = ext2_block_write(fs, &block);
    else
        ext2_block_dirty(fs, &block);
    ext2_block_put(&block);
    return error;
}

// The first inode after number `ino` that has changed, with a reference. One that is being evicted sees to itself.
static struct inode *next_dirty(struct ext2 *fs, uint32_t ino, bool data)
{
    struct inode *found = NULL;
    struct tree_node *node;

    spin_lock(&fs->inodes_lock);
    for (node = tree_first(&fs->in_memory); node != NULL && found == NULL; node = tree_next(node)) {
        struct inode *inode = &container_of(node, struct ext2_inode, by_number)->inode;

        if (inode->ino > ino && (inode->dirty || (data && inode_is(inode, S_IFREG) && inode->pages.unclean != 0)) &&
            try_get(inode))
            found = inode;
    }
    spin_unlock(&fs->inodes_lock);
    return found;
}

static int store_attributes(struct inode *inode)
{
    struct ext2 *fs = ext2_of(inode);
    int error = 0;

    mutex_lock(&fs->lock);
    if (inode->dirty && fs->writing)
        error = ext2_inode_store(inode, inode->nlink, false);
    mutex_unlock(&fs->lock);
    return error;
}

int ext2_store(struct inode *inode)
{
    int error = inode_is(inode, S_IFREG) ? page_cache_write_back(&inode->pages, 0, UINT64_MAX) : 0;
    int stored = store_attributes(inode);

    if (error != 0 && error != -ENOMEM) // the file's own fsync has to tell it
        inode->pages.error = (int16_t)error;
    return error != 0 ? error : stored;
}

int ext2_inodes_store(struct ext2 *fs, bool data)
{
    struct inode *inode;
    int result = 0;

    for (uint32_t ino = 0; (inode = next_dirty(fs, ino, data)) != NULL; inode_put(inode)) {
        int error = data ? ext2_store(inode) : store_attributes(inode);

        ino = (uint32_t)inode->ino;
        if (result == 0)
            result = error;
    }
    return result;
}

bool ext2_inodes_changed(struct ext2 *fs)
{
    struct inode *inode = next_dirty(fs, 0, true);

    if (inode != NULL)
        inode_put(inode);
    return inode != NULL;
}

bool ext2_has_writers(struct ext2 *fs)
{
    bool found = false;

    spin_lock(&fs->inodes_lock);
    for (struct tree_node *node = tree_first(&fs->in_memory); node != NULL && !found; node = tree_next(node)) {
        struct inode *inode = &container_of(node, struct ext2_inode, by_number)->inode;

        found = inode_is(inode, S_IFREG) && (inode->writers > 0 || inode->pages.writers != 0);
    }
    spin_unlock(&fs->inodes_lock);
    return found;
}

// ---- The end of an inode ----

// One owner less of a block of extended attributes.
static int drop_attributes(struct inode *inode)
{
    struct ext2 *fs = ext2_of(inode);
    struct ext2_inode *node = ext2_inode_of(inode);
    struct ext2_block block;
    struct ext2_attributes *attributes;
    int error = node->acl_block != 0 ? ext2_block_get(fs, node->acl_block, &block) : -ENOENT;

    if (error != 0)
        return error;
    attributes = block.data;
    if (attributes->magic != EXT2_ATTRIBUTES_MAGIC)
        error = ext2_error(fs, "block %u has no extended attributes", node->acl_block);
    else if (attributes->references > 1)
        attributes->references--, ext2_block_dirty(fs, &block);
    else
        error = ext2_block_free(fs, node->acl_block);
    ext2_block_put(&block);
    node->acl_block = 0;
    return error;
}

static bool has_blocks(const struct inode *inode)
{
    return inode_is(inode, S_IFREG) || inode_is_directory(inode) ||
           (inode_is(inode, S_IFLNK) && ext2_inode_of(inode)->size >= sizeof ext2_inode_of(inode)->map);
}

// The inode has no name any more, nor has it on the disk.
static void destroy(struct ext2 *fs, struct inode *inode)
{
    bool blocks = has_blocks(inode);
    int error;

    mutex_lock(&fs->lock);
    (void)drop_attributes(inode);
    ext2_inode_of(inode)->size = 0;
    error = blocks ? ext2_map_cut(inode, 0) : 0;
    if (error == 0)
        error = ext2_inode_store(inode, 0, false);
    if (error == 0)
        ext2_number_free(fs, (uint32_t)inode->ino, inode_is_directory(inode));
    mutex_unlock(&fs->lock);
}

static void store_last(struct ext2 *fs, struct inode *inode)
{
    int error = ext2_store(inode);

    if (error != 0)
        printk(LOG_ERROR "EXT2-fs (%s): inode %lu: changes are lost: error %d", fs->device->name, inode->ino, -error);
}

// Nobody is left who could try again, and what it had comes free: it may take the last memory.
void ext2_evict(struct inode *inode)
{
    struct ext2 *fs = ext2_of(inode);
    struct ext2_inode *node = ext2_inode_of(inode);
    bool was = kalloc_use_reserve(true);

    if (inode->nlink != 0 && fs->writing)
        store_last(fs, inode);
    if (inode_is(inode, S_IFREG))
        page_cache_destroy(&inode->pages);
    if (inode->nlink == 0 && fs->writing)
        destroy(fs, inode);
    spin_lock(&fs->inodes_lock);
    tree_remove(&fs->in_memory, &node->by_number);
    spin_unlock(&fs->inodes_lock);
    (void)kalloc_use_reserve(was);
    wake_all(&evicted);
    slab_free(node);
}
