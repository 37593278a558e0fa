// SPDX-License-Identifier: MIT
/*
 * tmpfs.c - files in memory.
 *
 * Theory      Names are the dentry tree and nothing else; a file's content is its page cache, whose absent pages are
 *             zeros (so files are sparse); a link's text is from the slab. So there is little left to do here: make and
 *             free inodes, and count pages against the limit.
 * Counting    A page appears by a write or by a fault on a mapping. inode->accounted is what this file has counted into
 *             its instance; each operation here brings it up to date, and only writes are refused. Faults may so exceed
 *             the limit by what programs mapped; the next write sees it.
 * Locking     Contents under inode->lock; counts are atomic.
 */
#include "fs/tmpfs.h"

#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <linux/stat.h>
#include <stdatomic.h>

#include "fs/directory.h"
#include "fs/file.h"
#include "fs/inode.h"
#include "fs/memfd.h"
#include "fs/mount.h"
#include "fs/size_limit.h"
#include "fs/text.h"
#include "fs/tmpfs_options.h"
#include "lib/errno.h"
#include "lib/log.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mm/slab.h"

// Fields: (a) atomic  the rest: constant
struct tmpfs {
    struct super_block sb;
    uint64_t max_pages, max_inodes;
    _Atomic uint64_t pages;             // (a) counted, see above
    _Atomic uint64_t inodes;            // (a)
};

static struct mount *nameless_files;    // an instance without limits, that has no place; files there are in no directory

static struct tmpfs *tmpfs_of(const struct inode *inode)
{
    return container_of(inode->sb, struct tmpfs, sb);
}

static const struct page_cache_ops tmpfs_pages_ops = {
    .hold = inode_pages_hold,
    .release = inode_pages_release,
    .describe = inode_pages_describe,
    .may_swap = page_cache_swaps,
    .punch = inode_pages_punch,
};

// => inode->lock held for writing, or nobody else has the inode
static void tmpfs_account(struct inode *inode)
{
    uint64_t now = inode->pages.count;

    tmpfs_of(inode)->pages += now - inode->accounted;
    inode->accounted = now;
}

static int64_t tmpfs_read(struct file *file, struct io *io)
{
    int64_t result = page_cache_read(&file_inode(file)->pages, io);

    if (result >= 0)
        inode_touch_atime(file_inode(file));
    return result;
}

// How many bytes may be written at once: all when that cannot reach the limit, else up to the page's end if it may be.
static size_t tmpfs_chunk(struct inode *inode, const struct io *io)
{
    struct tmpfs *fs = tmpfs_of(inode);
    uint64_t worst = io->left / PAGE_SIZE + 2;
    uint64_t index = io->offset / PAGE_SIZE;

    if (fs->pages + worst <= fs->max_pages)
        return io->left;
    if (fs->pages >= fs->max_pages && page_cache_where(&inode->pages, index) == PAGE_ABSENT)
        return 0;
    return MIN(io->left, PAGE_SIZE - io->offset % PAGE_SIZE);
}

static int64_t tmpfs_write_locked(struct inode *inode, struct io *io)
{
    size_t left = io->left;
    int64_t written = 0, result = 0;

    while (left > 0 && result >= 0) {
        size_t chunk = tmpfs_chunk(inode, io);

        if (chunk == 0) {
            result = -ENOSPC;
            break;
        }
        io->left = chunk;
        result = page_cache_write(&inode->pages, io);
        tmpfs_account(inode);
        if (result <= 0)
            break;
        written += result;
        left -= (size_t)result;
        io->left = left;
        if ((size_t)result < chunk)
            break;
    }
    io->left = left;
    return written > 0 ? written : result;
}

static int64_t tmpfs_write(struct file *file, struct io *io)
{
    struct inode *inode = file_inode(file);
    int64_t result;
    size_t over;

    rwlock_write_lock(&inode->lock);
    if (file->flags & O_APPEND)
        io->offset = inode->pages.size;
    result = size_limit_cut(io, &over);
    if (result == 0)
        result = io->offset > INT64_MAX - io->left ? -EFBIG : seals_allow_write(inode, io->offset, io->left);
    if (result == 0)
        result = tmpfs_write_locked(inode, io);
    io->left += over;
    if (result > 0) {
        if (!(file->mode & FILE_KEEPS_SETID))
            inode_drop_setid(inode);
        inode_touch_mtime(inode);
    }
    rwlock_write_unlock(&inode->lock);
    return result;
}

static int tmpfs_truncate(struct inode *inode, uint64_t size)
{
    struct page_cache_edges edges;
    int error = seals_allow_size(inode, size);

    if (error == 0)
        error = page_cache_hold_edges(&inode->pages, size, size, &edges);
    if (error != 0)
        return error;
    page_cache_truncate(&inode->pages, size);
    page_cache_drop_edges(&edges);
    tmpfs_account(inode);
    return 0;
}

static int tmpfs_punch(struct inode *inode, uint64_t start, uint64_t end)
{
    struct page_cache_edges edges;
    int error;

    if (inode->seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE))
        return -EPERM;
    error = page_cache_hold_edges(&inode->pages, start, end, &edges);
    if (error != 0)
        return error;
    page_cache_punch(&inode->pages, start, end);
    page_cache_drop_edges(&edges);
    tmpfs_account(inode);
    return 0;
}

static int tmpfs_mmap(struct file *file, int prot __maybe_unused, int flags __maybe_unused, struct page_cache **out)
{
    *out = &file_inode(file)->pages;
    inode_touch_atime(file_inode(file));
    return 0;
}

static int tmpfs_sync(struct file *file __maybe_unused, bool data_only __maybe_unused)
{
    return 0;
}

// The first page from `index` on that is there (present), or that is not. => its index, or `end`
static uint64_t find_page(struct page_cache *pages, uint64_t index, uint64_t end, bool present)
{
    uint64_t found = index;

    spin_lock(&pages->lock);
    while (index < end) {
        found = index;
        if (radix_next(&pages->pages, &found) == NULL)
            found = end;
        if (present || found != index)
            break;
        index++;
    }
    spin_unlock(&pages->lock);
    return present ? MIN(found, end) : index;
}

static __cold int64_t tmpfs_seek(struct file *file, int64_t offset, int whence)
{
    struct page_cache *pages = &file_inode(file)->pages;
    int64_t size = (int64_t)pages->size;
    uint64_t index, start = (uint64_t)offset / PAGE_SIZE;

    if (whence != SEEK_DATA && whence != SEEK_HOLE)
        return file_seek_generic(file, offset, whence);
    if (offset < 0 || offset >= size)
        return -ENXIO;
    index = find_page(pages, start, ALIGN_UP((uint64_t)size, PAGE_SIZE) / PAGE_SIZE, whence == SEEK_DATA);
    if (index == start)
        return offset;
    if ((int64_t)(index * PAGE_SIZE) >= size)
        return whence == SEEK_DATA ? -ENXIO : size;
    return (int64_t)(index * PAGE_SIZE);
}

static const struct file_ops tmpfs_file_ops = {
    .read = tmpfs_read,
    .write = tmpfs_write,
    .seek = tmpfs_seek,
    .mmap = tmpfs_mmap,
    .fsync = tmpfs_sync,
};

static int tmpfs_create(struct inode *dir, struct dentry *child, const struct inode_request *request);

// Names need no work beyond the tree's.
static int tmpfs_link(struct inode *dir __maybe_unused, struct dentry *child __maybe_unused,
                      struct inode *inode __maybe_unused)
{
    return 0;
}

static int tmpfs_unlink(struct inode *dir __maybe_unused, struct dentry *child __maybe_unused)
{
    return 0;
}

static int tmpfs_rename(struct inode *from_dir __maybe_unused, struct dentry *from __maybe_unused,
                        struct inode *to_dir __maybe_unused, struct dentry *to __maybe_unused)
{
    return 0;
}

// A sealed mode keeps its right to execute, or not to.
static int tmpfs_setattr(struct inode *inode, const struct attributes *attributes)
{
    bool changes_exec = (attributes->valid & ATTR_MODE) && ((attributes->mode ^ inode->mode) & 0111);

    return changes_exec && (inode->seals & F_SEAL_EXEC) ? -EPERM : 0;
}

static const struct inode_ops tmpfs_inode_ops = {
    .setattr = tmpfs_setattr,
    .create = tmpfs_create,
    .link = tmpfs_link,
    .unlink = tmpfs_unlink,
    .rename = tmpfs_rename,
    .truncate = tmpfs_truncate,
    .punch = tmpfs_punch,
};

// A new inode of any type. => 0, -ENOSPC, -ENOMEM
static int tmpfs_inode_create(struct super_block *sb, uint32_t mode, struct inode **out)
{
    struct tmpfs *fs = container_of(sb, struct tmpfs, sb);
    struct inode *inode;

    if (fs->inodes >= fs->max_inodes)
        return -ENOSPC;
    inode = inode_alloc();
    if (inode == NULL)
        return -ENOMEM;
    inode_init(inode, sb, atomic_fetch_add(&sb->next_ino, 1), mode);
    inode->ops = &tmpfs_inode_ops;
    if (S_ISREG(mode)) {
        inode->file_ops = &tmpfs_file_ops;
        inode->seals = F_SEAL_SEAL;
        page_cache_init(&inode->pages, &tmpfs_pages_ops);
    } else if (S_ISDIR(mode)) {
        inode->file_ops = &tree_directory_ops;
    }
    fs->inodes++;
    *out = inode;
    return 0;
}

static int tmpfs_create(struct inode *dir, struct dentry *child, const struct inode_request *request)
{
    struct inode *inode;
    int error = tmpfs_inode_create(dir->sb, request->mode, &inode);

    if (error != 0)
        return error;
    inode_init_owner(inode, dir, request->credentials);
    inode->rdev = request->rdev;
    if (S_ISLNK(request->mode)) {
        inode->link = text_copy(request->target);
        if (inode->link == NULL) {
            inode_put(inode);
            return -ENOMEM;
        }
    }
    dentry_set_inode(child, inode);
    return 0;
}

static void tmpfs_evict(struct inode *inode)
{
    struct tmpfs *fs = tmpfs_of(inode);

    if (inode_is(inode, S_IFREG)) {
        page_cache_destroy(&inode->pages);
        fs->pages -= inode->accounted;
    } else if (inode_is(inode, S_IFLNK)) {
        text_free(inode->link);
    }
    fs->inodes--;
    inode_free(inode);
}

// A limit and what is left of it; none shows as 0, as on Linux.
static void tell_limit(uint64_t max, uint64_t used, uint64_t *total, uint64_t *left)
{
    *total = max == UINT64_MAX ? 0 : max;
    *left = *total - MIN(used, *total);
}

static void tmpfs_statfs(struct super_block *sb, struct kstatfs *out)
{
    struct tmpfs *fs = container_of(sb, struct tmpfs, sb);

    out->type = TMPFS_MAGIC;
    tell_limit(fs->max_pages, fs->pages, &out->blocks, &out->blocks_free);
    tell_limit(fs->max_inodes, fs->inodes, &out->files, &out->files_free);
}

static void tmpfs_show_options(struct super_block *sb, char *buffer, size_t size)
{
    struct tmpfs *fs = container_of(sb, struct tmpfs, sb);
    int length = 0;

    buffer[0] = 0;
    if (fs->max_pages != UINT64_MAX)
        length = scnprintf(buffer, size, ",size=%lluk", (unsigned long long)(fs->max_pages * (PAGE_SIZE / 1024)));
    if (fs->max_inodes != UINT64_MAX)
        scnprintf(buffer + length, size - (size_t)length, ",nr_inodes=%llu", (unsigned long long)fs->max_inodes);
}

static void tmpfs_release(struct super_block *sb)
{
    struct tmpfs *fs = container_of(sb, struct tmpfs, sb);

    if (sb->root != NULL) {
        dentry_destroy_tree(sb->root);
        dentry_put(sb->root);
    }
    DEBUG_ASSERT(fs->inodes == 0);
    slab_free(fs);
}

static const struct super_block_ops tmpfs_super_ops = {
    .evict = tmpfs_evict,
    .statfs = tmpfs_statfs,
    .release = tmpfs_release,
    .show_options = tmpfs_show_options,
};

static int tmpfs_make_root(struct tmpfs *fs, const struct tmpfs_options *options)
{
    struct inode *root;
    int error = tmpfs_inode_create(&fs->sb, S_IFDIR | options->mode, &root);

    if (error != 0)
        return error;
    root->nlink = 2;
    root->uid = options->uid;
    root->gid = options->gid;
    fs->sb.root = dentry_create_root(root);
    if (fs->sb.root != NULL)
        return 0;
    inode_put(root);
    return -ENOMEM;
}

__cold int tmpfs_create_instance(struct file_system_type *type, const char *text, struct super_block **out)
{
    struct tmpfs_options options;
    struct tmpfs *fs;
    int error = tmpfs_options_parse(text, &options);

    if (error != 0)
        return error;
    fs = slab_zalloc(sizeof *fs);
    if (fs == NULL)
        return -ENOMEM;
    super_block_init(&fs->sb, type, &tmpfs_super_ops);
    fs->max_pages = options.max_pages;
    fs->max_inodes = options.max_inodes;
    error = tmpfs_make_root(fs, &options);
    if (error != 0) {
        super_block_put(&fs->sb);
        return error;
    }
    *out = &fs->sb;
    return 0;
}

static int tmpfs_mount(struct file_system_type *type, const struct mount_request *request, struct super_block **out)
{
    return tmpfs_create_instance(type, request->options, out);
}

struct file_system_type tmpfs_type = {.name = "tmpfs", .mount = tmpfs_mount};

void tmpfs_account_adopted(struct inode *inode)
{
    struct tmpfs *fs = tmpfs_of(inode);
    uint64_t before = fs->pages;

    tmpfs_account(inode);
    fs->max_pages += fs->pages - before;
}

bool tmpfs_owns(const struct inode *inode)
{
    return inode->file_ops == &tmpfs_file_ops;
}

int tmpfs_create_nameless(const char *name, uint32_t mode, struct path *out)
{
    struct inode *inode;
    int error = tmpfs_inode_create(nameless_files->sb, mode, &inode);

    if (error != 0)
        return error;
    inode->nlink = 0;
    out->dentry = dentry_create_nameless(inode, name);
    if (out->dentry == NULL) {
        inode_put(inode);
        return -ENOMEM;
    }
    mount_get(nameless_files);
    out->mount = nameless_files;
    return 0;
}

void tmpfs_init(void)
{
    struct super_block *sb;

    register_filesystem(&tmpfs_type);
    if (tmpfs_create_instance(&tmpfs_type, "size=0,nr_inodes=0", &sb) == 0)
        nameless_files = mount_create_detached(sb, "tmpfs");
    if (nameless_files == NULL)
        panic("no memory for files without a name");
}
