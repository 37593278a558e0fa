// SPDX-License-Identifier: MIT
/*
 * file.c - the content of files, between their page caches and the disk.
 *
 * A page gets its blocks when it is written to (reserve), not when it is written back, so that there is no lack of room when it is too
 * late to tell, and write-back needs little memory. What of a file has no block is zeros.
 */
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/mman.h>
#include <linux/stat.h>

#include "dev/block.h"
#include "fs/ext2/ext2.h"
#include "fs/file.h"
#include "fs/size_limit.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/kalloc.h"
#include "mm/unmap_file.h"

#define BLOCKS_PER_PAGE_MAX (PAGE_SIZE / 1024)
#define UNCLEAN_MAX         128 // pages of a file that write(2) leaves to be written later

static struct inode *inode_of(struct page_cache *pages)
{
    return container_of(pages, struct inode, pages);
}

// The blocks of one page; 0: a hole. => fs->lock held
static int map_page(struct inode *inode, uint64_t index, uint32_t numbers[BLOCKS_PER_PAGE_MAX])
{
    unsigned count = PAGE_SIZE >> ext2_of(inode)->block_shift;
    int error = 0;

    for (unsigned i = 0; i < count && error == 0; i++) {
        error = ext2_map(inode, index * count + i, false, &numbers[i]);
        if (error == -EFBIG) // a page may reach beyond the largest file
            error = 0;
    }
    return error;
}

// ---- Transfers: blocks that follow each other on the disk go together ----

struct transfer {
    struct ext2 *fs;
    enum block_operation operation;
    unsigned count;                     // segments
    uint64_t start, end;                // bytes of the device
    struct block_segment segments[BLOCK_SEGMENTS_MAX];
};

static int transfer_end(struct transfer *transfer)
{
    struct block_request request = {
        .operation = transfer->operation,
        .count = transfer->count,
        .segments = transfer->segments,
        .offset = transfer->start,
    };

    if (transfer->count == 0)
        return 0;
    transfer->count = 0;
    return block_submit_wait(transfer->fs->device, &request);
}

static int transfer_add(struct transfer *transfer, uint32_t number, void *data)
{
    size_t size = transfer->fs->block_size;
    uint64_t offset = (uint64_t)number << transfer->fs->block_shift;
    struct block_segment *last = &transfer->segments[transfer->count - 1];
    int error = 0;

    if (transfer->count != 0 && offset == transfer->end && (char *)last->data + last->size == data) {
        last->size += size;
        transfer->end += size;
        return 0;
    }
    if (transfer->count == BLOCK_SEGMENTS_MAX || offset != transfer->end)
        error = transfer_end(transfer);
    if (transfer->count == 0)
        transfer->start = offset;
    transfer->segments[transfer->count++] = (struct block_segment){data, size};
    transfer->end = offset + size;
    return error;
}

// What lies beyond the end of the file reads as zeros, whatever the disk has there.
static void zero_behind_end(uint64_t start, uint64_t size, char *page)
{
    uint64_t kept = size > start ? MIN(size - start, PAGE_SIZE) : 0;

    memset(page + kept, 0, PAGE_SIZE - kept);
}

static int read_page(struct transfer *transfer, const uint32_t numbers[BLOCKS_PER_PAGE_MAX], char *page)
{
    struct ext2 *fs = transfer->fs;
    int error = 0;

    for (unsigned i = 0; i < PAGE_SIZE >> fs->block_shift && error == 0; i++) {
        char *data = page + (i << fs->block_shift);

        if (numbers[i] != 0)
            error = transfer_add(transfer, numbers[i], data);
        else
            memset(data, 0, fs->block_size);
    }
    return error;
}

static int ext2_fill(struct page_cache *pages, uint64_t index, struct core_map_entry *const *frames, unsigned count)
{
    struct inode *inode = inode_of(pages);
    struct ext2 *fs = ext2_of(inode);
    uint64_t size = pages->size;
    struct transfer transfer = {.fs = fs, .operation = BLOCK_READ};
    uint32_t numbers[PAGE_CACHE_RUN][BLOCKS_PER_PAGE_MAX];
    int error = 0, last;

    mutex_lock(&fs->lock);
    for (unsigned i = 0; i < count && error == 0; i++)
        error = map_page(inode, index + i, numbers[i]);
    mutex_unlock(&fs->lock);
    for (unsigned i = 0; i < count && error == 0; i++)
        error = read_page(&transfer, numbers[i], page2kva(frames[i]));
    last = transfer_end(&transfer);
    for (unsigned i = 0; i < count; i++)
        zero_behind_end((index + i) << PAGE_SHIFT, size, page2kva(frames[i]));
    return error != 0 ? error : last;
}

static int write_page(struct transfer *transfer, struct inode *inode, uint64_t index, char *page)
{
    struct ext2 *fs = transfer->fs;
    uint32_t numbers[BLOCKS_PER_PAGE_MAX];
    int error = map_page(inode, index, numbers);

    for (unsigned i = 0; i < PAGE_SIZE >> fs->block_shift && error == 0; i++) {
        if (numbers[i] == 0)
            continue;
        ext2_block_shadow(fs, numbers[i], page + (i << fs->block_shift));
        error = transfer_add(transfer, numbers[i], page + (i << fs->block_shift));
    }
    return error;
}

// The lock is held all the time, lest the device's page cache gets a page meanwhile with what blocks in it had before.
static int ext2_write_pages(struct page_cache *pages, uint64_t index, struct core_map_entry *const *frames, unsigned count)
{
    struct inode *inode = inode_of(pages);
    struct transfer transfer = {.fs = ext2_of(inode), .operation = BLOCK_WRITE};
    int error = 0, last;

    mutex_lock(&transfer.fs->lock);
    for (unsigned i = 0; i < count && error == 0; i++)
        error = write_page(&transfer, inode, index + i, page2kva(frames[i]));
    last = transfer_end(&transfer);
    mutex_unlock(&transfer.fs->lock);
    if (error == 0)
        error = last;
    if (error != 0 && error != -ENOMEM)
        printk(LOG_ERROR "EXT2-fs (%s): inode %lu: page %lu cannot be written: error %d", transfer.fs->device->name, inode->ino, index,
               -error);
    return error;
}

static int ext2_reserve(struct page_cache *pages, uint64_t offset, uint64_t size)
{
    struct inode *inode = inode_of(pages);
    struct ext2 *fs = ext2_of(inode);
    uint32_t number;
    int error = inode->is_swap ? -ETXTBSY : ext2_is_read_only(fs) ? -EROFS : 0;

    mutex_lock(&fs->lock);
    for (uint64_t i = offset >> fs->block_shift; i <= (offset + size - 1) >> fs->block_shift && error == 0; i++)
        error = ext2_map(inode, i, true, &number);
    mutex_unlock(&fs->lock);
    inode_touch_mtime(inode);
    return error;
}

static int ext2_fsync_inode(struct inode *inode)
{
    int data = page_cache_write_back(&inode->pages, 0, UINT64_MAX);
    int metadata = ext2_sync(ext2_of(inode), false);

    return data != 0 ? data : metadata;
}

static int ext2_sync_pages(struct page_cache *pages)
{
    return ext2_fsync_inode(inode_of(pages));
}

const struct page_cache_ops ext2_pages_ops = {
    .fill = ext2_fill,
    .reserve = ext2_reserve,
    .write = ext2_write_pages,
    .sync = ext2_sync_pages,
    .hold = inode_pages_hold,
    .release = inode_pages_release,
    .describe = inode_pages_describe,
};

// ---- Size ----

// Let a file grow from its present end to `size`: what programs left in a mapping behind the end becomes zeros, and blocks that a
// page now reaches into are given by the next fault on it. What is swap stays as it is: no page of it may be written back.
static int prepare_growth(struct inode *inode, uint64_t size)
{
    struct page_cache *pages = &inode->pages;
    uint64_t end = pages->size, index = end >> PAGE_SHIFT;
    struct core_map_entry *page;
    int error;

    if (size <= end || (end & PAGE_MASK) == 0 || inode->is_swap)
        return 0;
    file_protect_pages(pages, index, index + 1);
    error = page_cache_get(pages, index, PAGE_READ, &page);
    if (error != 0)
        return error;
    memset((char *)page2kva(page) + (end & PAGE_MASK), 0, PAGE_SIZE - (end & PAGE_MASK));
    page_cache_mark_dirty(pages, index);
    page_cache_put(page);
    return 0;
}

static uint64_t blocks_of(const struct ext2 *fs, uint64_t size)
{
    return (size + fs->block_size - 1) >> fs->block_shift;
}

static int cut_begin(struct inode *inode, uint64_t size, struct ext2_cut *cut)
{
    struct ext2 *fs = ext2_of(inode);
    int error;

    mutex_lock(&fs->lock);
    error = ext2_cut_begin(inode, blocks_of(fs, size), cut);
    mutex_unlock(&fs->lock);
    return error;
}

// The size goes first, lest a fault gives the file blocks behind its end. => begun
static int cut(struct inode *inode, uint64_t size, struct ext2_cut *cut)
{
    struct ext2 *fs = ext2_of(inode);
    int error;

    page_cache_truncate(&inode->pages, size);
    mutex_lock(&fs->lock);
    error = ext2_cut_commit(inode, cut);
    ext2_cut_end(cut);
    mutex_unlock(&fs->lock);
    return error;
}

// The last page is in memory while the file is cut, so that its rest can be zeroed there.
static int shrink(struct inode *inode, uint64_t size)
{
    struct core_map_entry *page = NULL;
    struct ext2_cut begun;
    int error = size & PAGE_MASK ? page_cache_get(&inode->pages, size >> PAGE_SHIFT, PAGE_READ, &page) : 0;

    if (error != 0)
        return error;
    error = cut_begin(inode, size, &begun);
    if (error == 0)
        error = cut(inode, size, &begun);
    if (page != NULL)
        page_cache_put(page);
    return error;
}

int ext2_truncate(struct inode *inode, uint64_t size)
{
    struct ext2 *fs = ext2_of(inode);
    int error;

    if (ext2_is_read_only(fs))
        return -EROFS;
    if (size > ext2_max_size(fs))
        return -EFBIG;
    if (inode->is_swap && size <= inode->pages.size)
        return -ETXTBSY;
    if (size < inode->pages.size)
        return shrink(inode, size);
    error = prepare_growth(inode, size);
    if (error == 0)
        page_cache_truncate(&inode->pages, size);
    return error;
}

int ext2_map_block(struct inode *inode, uint64_t index, uint64_t *place)
{
    struct ext2 *fs = ext2_of(inode);
    uint32_t number;
    int error;

    mutex_lock(&fs->lock);
    error = ext2_map(inode, index, false, &number);
    mutex_unlock(&fs->lock);
    *place = number;
    return error;
}

// ---- read, write, seek ----

static int64_t ext2_read(struct file *file, struct io *io)
{
    int64_t result = page_cache_read(&file_inode(file)->pages, io);

    if (result >= 0 && !ext2_is_read_only(ext2_of(file_inode(file))))
        inode_touch_atime(file_inode(file));
    return result;
}

// Blocks that a write got, and could not fill, go again.
static void drop_excess(struct inode *inode)
{
    struct ext2 *fs = ext2_of(inode);
    bool was = kalloc_use_reserve(true);

    mutex_lock(&fs->lock);
    (void)!ext2_map_cut(inode, blocks_of(fs, inode->pages.size));
    mutex_unlock(&fs->lock);
    (void)kalloc_use_reserve(was);
}

static int64_t write_locked(struct inode *inode, struct io *io)
{
    uint64_t max = ext2_max_size(ext2_of(inode)), wanted = io->left, over;
    int64_t result;

    if (inode->is_swap)
        return -ETXTBSY;
    if (ext2_is_read_only(ext2_of(inode)))
        return -EROFS;
    if (io->offset >= max)
        return -EFBIG;
    over = io->left > max - io->offset ? io->left - (max - io->offset) : 0;
    result = prepare_growth(inode, io->offset);
    if (result != 0)
        return result;
    io->left -= over;
    result = page_cache_write(&inode->pages, io);
    io->left += over;
    if (result < (int64_t)(wanted - over))
        drop_excess(inode);
    return result;
}

// Memory shall not fill with what could be on the disk. Why it could not fsync will tell.
static void write_behind(struct inode *inode)
{
    int error = page_cache_write_back(&inode->pages, 0, UINT64_MAX);

    if (error != 0 && error != -ENOMEM)
        inode->pages.error = (int16_t)error;
}

static int64_t ext2_write(struct file *file, struct io *io)
{
    struct inode *inode = file_inode(file);
    int64_t result;
    int error = 0;
    size_t over;

    rwlock_write_lock(&inode->lock);
    if (file->flags & O_APPEND)
        io->offset = inode->pages.size;
    result = size_limit_cut(io, &over);
    if (result == 0)
        result = write_locked(inode, io);
    io->left += over;
    if (result > 0) {
        if (!(file->mode & FILE_KEEPS_SETID))
            inode_drop_setid(inode);
        inode_touch_mtime(inode);
    }
    rwlock_write_unlock(&inode->lock);
    if (result > 0 && (file->flags & O_DSYNC))
        error = ext2_fsync_inode(inode);
    else if (inode->pages.unclean > UNCLEAN_MAX)
        write_behind(inode);
    if (error == -ENOMEM)
        (void)kalloc_failed(); // what is written stays: making the call again would write it twice
    return error != 0 ? error : result;
}

// A file that nobody writes to any more has nothing in memory alone.
static void ext2_close(struct file *file)
{
    struct inode *inode = file_inode(file);

    if ((file->mode & FILE_WRITE) && inode->nlink != 0 && inode->pages.unclean != 0)
        write_behind(inode);
}

static int ext2_mmap(struct file *file, int prot, int flags, struct page_cache **out)
{
    if ((flags & MAP_TYPE) != MAP_PRIVATE && (prot & PROT_WRITE) && file_inode(file)->is_swap)
        return -ETXTBSY;
    *out = &file_inode(file)->pages;
    return 0;
}

static int ext2_fsync(struct file *file, bool data_only __maybe_unused)
{
    return ext2_fsync_inode(file_inode(file));
}

const struct file_ops ext2_file_ops = {
    .release = ext2_close,
    .read = ext2_read,
    .write = ext2_write,
    .mmap = ext2_mmap,
    .fsync = ext2_fsync,
};
