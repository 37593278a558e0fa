// SPDX-License-Identifier: MIT
/*
 * super.c - mounting an ext2, and what is known of it as a whole.
 *
 * Everything in the super block is checked when it is mounted, and what the rest relies on is copied. A file system that is
 * mounted for writing has no mark of being clean until it is unmounted, so that e2fsck looks at it after a crash.
 */
#include <linux/mount.h>
#include <linux/stat.h>
#include <stdarg.h>

#include "arch/x86/time.h"
#include "dev/block.h"
#include "fs/dentry.h"
#include "fs/ext2/ext2.h"
#include "fs/writeback.h"
#include "lib/errno.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mm/kalloc.h"
#include "mm/reclaim.h"
#include "mm/slab.h"

#define ERRORS_TOLD 20

static struct mutex mounting = MUTEX_INIT(mounting, "ext2 mounts", RANK_EXT2_MOUNTS);
static struct list mounted = LIST_INIT(mounted); // under `mounting`

static int write_super(struct ext2 *fs)
{
    uint32_t number = EXT2_SUPER_OFFSET >> fs->block_shift;
    struct ext2_block block = {fs->super_page, (char *)page2kva(fs->super_page) + (number << fs->block_shift), number};

    return ext2_block_write(fs, &block);
}

int ext2_error(struct ext2 *fs, const char *format, ...)
{
    char text[120];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (atomic_fetch_add(&fs->errors, 1) < ERRORS_TOLD)
        printk(LOG_ERROR "EXT2-fs (%s): error: %s", fs->device->name, text);
    if (fs->on_error == EXT2_ON_ERROR_PANIC)
        panic("EXT2-fs (%s): error: %s", fs->device->name, text);
    if (fs->super != NULL && fs->writing) {
        fs->super->state |= EXT2_STATE_ERRORS;
        ext2_super_dirty(fs);
    }
    if (fs->on_error != EXT2_ON_ERROR_CONTINUE && !(atomic_fetch_or(&fs->sb.flags, SB_READ_ONLY) & SB_READ_ONLY))
        printk(LOG_ERROR "EXT2-fs (%s): remounted read-only", fs->device->name);
    return -EUCLEAN;
}

static int refuse(const struct ext2 *fs, const char *why, uint32_t number)
{
    printk(LOG_ERROR "EXT2-fs (%s): not mounted: %s (%#x)", fs->device->name, why, number);
    return -EINVAL;
}

// ---- Checks ----

static bool is_power_of_2(uint32_t number)
{
    return number != 0 && (number & (number - 1)) == 0;
}

static int check_features(struct ext2 *fs, const struct ext2_super_block *super)
{
    const uint32_t writable = EXT2_RO_SPARSE_SUPER | EXT2_RO_LARGE_FILE | EXT2_RO_BTREE_DIR;
    uint32_t unknown;

    if (super->revision == 0) {
        fs->writable_format = true;
        return 0;
    }
    unknown = super->incompat & ~(uint32_t)EXT2_INCOMPAT_FILETYPE;
    if (unknown != 0)
        return refuse(fs, "it has features that are not supported", unknown);
    fs->has_types = super->incompat & EXT2_INCOMPAT_FILETYPE;
    fs->writable_format = !(super->ro_compat & ~writable);
    return 0;
}

static int check_sizes(struct ext2 *fs, const struct ext2_super_block *super)
{
    if (super->revision > 1)
        return refuse(fs, "unknown revision", super->revision);
    if (super->log_block_size > 2 || super->log_fragment_size != super->log_block_size)
        return refuse(fs, "size of blocks", super->log_block_size);
    fs->block_shift = 10 + super->log_block_size;
    fs->block_size = 1u << fs->block_shift;
    if (fs->block_size < fs->device->block_size)
        return refuse(fs, "its blocks are smaller than the device's", fs->block_size);
    fs->inode_size = super->revision == 0 ? EXT2_INODE_SIZE : super->inode_size;
    if (!is_power_of_2(fs->inode_size) || fs->inode_size < EXT2_INODE_SIZE || fs->inode_size > fs->block_size)
        return refuse(fs, "size of inodes", fs->inode_size);
    fs->first_inode = super->revision == 0 ? EXT2_FIRST_INO : super->first_inode;
    if (fs->first_inode < EXT2_FIRST_INO || fs->first_inode > super->inodes_per_group)
        return refuse(fs, "first inode", fs->first_inode);
    return 0;
}

static int check_groups(struct ext2 *fs, const struct ext2_super_block *super)
{
    uint32_t bits = fs->block_size * 8, per_block = fs->block_size / fs->inode_size;
    uint64_t descriptors;

    fs->blocks = super->blocks_count;
    fs->first_block = super->first_data_block;
    fs->blocks_per_group = super->blocks_per_group;
    fs->inodes = super->inodes_count;
    fs->inodes_per_group = super->inodes_per_group;
    if (fs->first_block != (fs->block_size == 1024) || fs->blocks <= fs->first_block)
        return refuse(fs, "number of blocks", fs->blocks);
    if (fs->blocks_per_group == 0 || fs->blocks_per_group > bits)
        return refuse(fs, "blocks in a group", fs->blocks_per_group);
    if (fs->inodes_per_group < per_block || fs->inodes_per_group > bits || fs->inodes_per_group % per_block != 0)
        return refuse(fs, "inodes in a group", fs->inodes_per_group);
    fs->groups = (fs->blocks - fs->first_block - 1) / fs->blocks_per_group + 1;
    if ((uint64_t)fs->groups * fs->inodes_per_group != fs->inodes)
        return refuse(fs, "number of inodes", fs->inodes);
    if ((uint64_t)fs->blocks << fs->block_shift > fs->device->size)
        return refuse(fs, "it is larger than the device", fs->blocks);
    descriptors = ((uint64_t)fs->groups * sizeof(struct ext2_group) + fs->block_size - 1) >> fs->block_shift;
    return fs->first_block + 1 + descriptors < fs->blocks ? 0 : refuse(fs, "number of groups", fs->groups);
}

static int read_super(struct ext2 *fs)
{
    int error = page_cache_get(&fs->pages, 0, PAGE_READ, &fs->super_page);

    if (error != 0)
        return error;
    fs->super = (struct ext2_super_block *)((char *)page2kva(fs->super_page) + EXT2_SUPER_OFFSET);
    if (fs->device->size < PAGE_SIZE || fs->super->magic != EXT2_MAGIC)
        return refuse(fs, "there is no ext2 on it", fs->super->magic);
    error = check_sizes(fs, fs->super);
    if (error == 0)
        error = check_features(fs, fs->super);
    return error != 0 ? error : check_groups(fs, fs->super);
}

// ---- Options ----

static int parse_option(struct ext2 *fs, const char *option, size_t length)
{
    static const struct {
        const char *text;
        unsigned on_error;
    } known[] = {
        {"errors=continue", EXT2_ON_ERROR_CONTINUE},
        {"errors=remount-ro", EXT2_ON_ERROR_READ_ONLY},
        {"errors=panic", EXT2_ON_ERROR_PANIC},
    };

    for (size_t i = 0; i < ARRAY_SIZE(known); i++)
        if (strlen(known[i].text) == length && memcmp(known[i].text, option, length) == 0) {
            fs->on_error = known[i].on_error;
            return 0;
        }
    printk(LOG_ERROR "EXT2-fs (%s): unknown option %.*s", fs->device->name, (int)length, option);
    return -EINVAL;
}

static int parse_options(struct ext2 *fs, const char *options)
{
    int error = 0;

    while (options != NULL && *options != 0 && error == 0) {
        const char *comma = strchr(options, ',');
        size_t length = comma != NULL ? (size_t)(comma - options) : strlen(options);

        if (length != 0)
            error = parse_option(fs, options, length);
        options += length + (comma != NULL);
    }
    return error;
}

static void ext2_show_options(struct super_block *sb, char *buffer, size_t size)
{
    static const char *const names[] = {"", ",errors=continue", "", ",errors=panic"};

    strlcpy(buffer, names[container_of(sb, struct ext2, sb)->on_error], size);
}

// ---- For writing, and not ----

static int begin_writing(struct ext2 *fs)
{
    struct ext2_super_block *super = fs->super;

    if (fs->device->read_only)
        return -EACCES;
    if (writeback_start() != 0)
        return -ENOMEM;
    if (!fs->writable_format)
        return refuse(fs, "it has features that can only be read; mount it read-only", super->ro_compat);
    fs->was_clean = (super->state & EXT2_STATE_CLEAN) && !(super->state & EXT2_STATE_ERRORS);
    if (!fs->was_clean)
        printk(LOG_WARNING "EXT2-fs (%s): was not unmounted, or has errors: e2fsck is recommended", fs->device->name);
    super->state &= ~EXT2_STATE_CLEAN;
    super->mount_time = (uint32_t)(clock_realtime_ns() / NS_PER_SECOND);
    super->mount_count++;
    fs->writing = true;
    atomic_fetch_and(&fs->sb.flags, ~(unsigned)SB_READ_ONLY);
    return write_super(fs);
}

// All is on the disk, and clean.
static int end_writing(struct ext2 *fs)
{
    int error;

    if (!fs->writing)
        return 0;
    error = ext2_sync(fs, true);
    if (error != 0)
        return error;
    if (fs->was_clean && fs->errors == 0)
        fs->super->state |= EXT2_STATE_CLEAN;
    fs->super->write_time = (uint32_t)(clock_realtime_ns() / NS_PER_SECOND);
    error = write_super(fs);
    if (error == 0)
        error = block_flush(fs->device);
    fs->writing = false;
    atomic_fetch_or(&fs->sb.flags, SB_READ_ONLY);
    return error;
}

static int ext2_remount(struct super_block *sb, unsigned flags, const char *options)
{
    struct ext2 *fs = container_of(sb, struct ext2, sb);
    int error = parse_options(fs, options);

    if (error != 0)
        return error;
    if (!(flags & MS_RDONLY))
        return ext2_is_read_only(fs) ? begin_writing(fs) : 0;
    return ext2_has_writers(fs) ? -EBUSY : end_writing(fs);
}

static int ext2_sync_all(struct super_block *sb)
{
    struct ext2 *fs = container_of(sb, struct ext2, sb);

    return fs->writing ? ext2_sync(fs, true) : 0;
}

static bool ext2_has_changes(struct super_block *sb)
{
    struct ext2 *fs = container_of(sb, struct ext2, sb);

    return fs->writing && (fs->pages.unclean != 0 || ext2_inodes_changed(fs));
}

// ---- Numbers ----

static bool is_power_of(uint32_t number, uint32_t base)
{
    while (number > base && number % base == 0)
        number /= base;
    return number == base;
}

// Whether a group has a copy of the super block and the descriptors.
static bool has_copy(const struct ext2 *fs, uint32_t group)
{
    return fs->super->revision == 0 || !(fs->super->ro_compat & EXT2_RO_SPARSE_SUPER) || group <= 1 ||
           is_power_of(group, 3) || is_power_of(group, 5) || is_power_of(group, 7);
}

static uint32_t overhead(const struct ext2 *fs)
{
    uint32_t table = fs->inodes_per_group * fs->inode_size / fs->block_size;
    uint32_t descriptors = (uint32_t)(((uint64_t)fs->groups * sizeof(struct ext2_group) + fs->block_size - 1) >> fs->block_shift);
    uint32_t sum = fs->first_block + fs->groups * (2 + table);

    for (uint32_t i = 0; i < fs->groups; i++)
        if (has_copy(fs, i))
            sum += 1 + descriptors;
    return sum;
}

static void ext2_statfs(struct super_block *sb, struct kstatfs *out)
{
    struct ext2 *fs = container_of(sb, struct ext2, sb);

    out->type = EXT2_MAGIC;
    out->block_size = fs->block_size;
    out->blocks = fs->blocks - MIN(overhead(fs), fs->blocks);
    out->blocks_free = fs->super->free_blocks;
    out->blocks_reserved = MIN(fs->super->reserved_blocks, fs->super->free_blocks);
    out->files = fs->inodes;
    out->files_free = fs->super->free_inodes;
    memcpy(&out->id, fs->super->uuid, sizeof out->id);
}

// ---- Mounting ----

static void free_fs(struct ext2 *fs)
{
    if (fs->super_page != NULL)
        page_cache_put(fs->super_page);
    if (fs->spare != NULL)
        kfree(fs->spare);
    page_cache_destroy(&fs->pages);
    slab_free(fs);
}

static void ext2_release(struct super_block *sb)
{
    struct ext2 *fs = container_of(sb, struct ext2, sb);

    dentry_destroy_tree(sb->root);
    dentry_put(sb->root);
    if (end_writing(fs) != 0)
        printk(LOG_ERROR "EXT2-fs (%s): changes are lost", fs->device->name);
    mutex_lock(&mounting);
    list_remove(&fs->link);
    block_unclaim(fs->device);
    mutex_unlock(&mounting);
    free_fs(fs);
}

static const struct super_block_ops ext2_super_ops = {
    .evict = ext2_evict,
    .store = ext2_store,
    .statfs = ext2_statfs,
    .sync = ext2_sync_all,
    .has_changes = ext2_has_changes,
    .remount = ext2_remount,
    .release = ext2_release,
    .show_options = ext2_show_options,
};

static int make_root(struct ext2 *fs)
{
    struct inode *root;
    int error = ext2_inode_get(fs, EXT2_ROOT_INO, &root);

    if (error != 0)
        return error;
    if (inode_is_directory(root))
        fs->sb.root = dentry_create_root(root);
    if (fs->sb.root != NULL)
        return 0;
    error = inode_is_directory(root) ? -ENOMEM : refuse(fs, "its root is no directory", root->mode);
    inode_put(root);
    return error;
}

static struct ext2 *create(struct file_system_type *type, struct block_device *device)
{
    struct ext2 *fs = slab_zalloc(sizeof *fs);

    if (fs == NULL)
        return NULL;
    super_block_init(&fs->sb, type, &ext2_super_ops);
    fs->sb.flags = SB_READ_ONLY | SB_CACHED_NAMES;
    fs->sb.device = device->number;
    fs->device = device;
    fs->on_error = EXT2_ON_ERROR_READ_ONLY;
    mutex_init(&fs->lock, "ext2", RANK_EXT2);
    spin_init(&fs->inodes_lock, "ext2 inodes", RANK_DENTRY);
    ext2_pages_init(fs);
    return fs;
}

static int mount_new(struct file_system_type *type, struct block_device *device, const struct mount_request *request,
                     struct super_block **out)
{
    struct ext2 *fs = create(type, device);
    int error = fs != NULL ? parse_options(fs, request->options) : -ENOMEM;

    if (fs == NULL)
        return error;
    fs->spare = kalloc();
    if (error == 0)
        error = fs->spare != NULL ? read_super(fs) : -ENOMEM;
    if (error == 0)
        error = make_root(fs);
    if (error == 0 && !(request->flags & MS_RDONLY))
        error = begin_writing(fs);
    if (error == 0)
        error = reclaim_start(); // from now on there are pages that can be read again
    if (error == 0) {
        list_add_tail(&mounted, &fs->link);
        *out = &fs->sb;
        return 0;
    }
    if (fs->sb.root != NULL)
        dentry_put(fs->sb.root);
    free_fs(fs);
    return error;
}

static int mount_claimed(struct file_system_type *type, struct block_device *device, const struct mount_request *request,
                         struct super_block **out)
{
    int error;

    if (!block_claim(device))
        return -EBUSY;
    error = mount_new(type, device, request, out);
    if (error != 0)
        block_unclaim(device);
    return error;
}

static struct ext2 *find_mounted(const struct block_device *device)
{
    struct ext2 *fs;

    list_for_each_entry(fs, &mounted, link) {
        if (fs->device == device)
            return fs;
    }
    return NULL;
}

// A device that is mounted already is the same file system once more.
static int ext2_mount(struct file_system_type *type, const struct mount_request *request, struct super_block **out)
{
    struct block_device *device = block_find(request->device);
    struct ext2 *fs;
    int error = 0;

    if (device == NULL)
        return -ENXIO;
    mutex_lock(&mounting);
    fs = find_mounted(device);
    if (fs == NULL)
        error = mount_claimed(type, device, request, out);
    else if (ext2_is_read_only(fs) != !!(request->flags & MS_RDONLY) || !super_block_try_get(&fs->sb))
        error = -EBUSY;
    else
        *out = &fs->sb;
    mutex_unlock(&mounting);
    return error;
}

static struct file_system_type ext2_type = {.name = "ext2", .needs_device = true, .mount = ext2_mount};

void ext2_init(void)
{
    register_filesystem(&ext2_type);
}
