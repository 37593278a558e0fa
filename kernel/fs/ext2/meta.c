// SPDX-License-Identifier: MIT
/*
 * meta.c - blocks of metadata, in a page cache over the whole device.
 *
 * A page of the device may hold several blocks, of files too: their content goes past it (file.c). So that a page never
 * writes an old content over a file's new one, what is written to a file's block is put into the device's page as well.
 */
#include "dev/block.h"
#include "fs/ext2/ext2.h"
#include "lib/errno.h"
#include "lib/string.h"

#define UNCLEAN_MAX  64 // pages of metadata that are left to be written later
#define SHRINK_PAGES 8

static struct ext2 *fs_of(struct page_cache *pages)
{
    return container_of(pages, struct ext2, pages);
}

static int transfer_pages(struct ext2 *fs, enum block_operation operation, uint64_t index, struct core_map_entry *const *frames,
                          unsigned count)
{
    struct block_device *device = fs->device;
    uint64_t offset = index << PAGE_SHIFT;
    struct block_segment segments[BLOCK_SEGMENTS_MAX];
    struct block_request request = {
        .operation = operation,
        .count = count,
        .segments = segments,
        .offset = offset,
    };

    for (unsigned i = 0; i < count; i++, offset += PAGE_SIZE)
        segments[i] = (struct block_segment){page2kva(frames[i]), MIN(device->size - offset, PAGE_SIZE)};
    return block_submit_wait(device, &request);
}

// The last page may reach beyond the end of the device.
static int fill_pages(struct page_cache *pages, uint64_t index, struct core_map_entry *const *frames, unsigned count)
{
    uint64_t left = fs_of(pages)->device->size - ((index + count - 1) << PAGE_SHIFT);

    if (left < PAGE_SIZE)
        memset((char *)page2kva(frames[count - 1]) + left, 0, PAGE_SIZE - left);
    return transfer_pages(fs_of(pages), BLOCK_READ, index, frames, count);
}

static int write_pages(struct page_cache *pages, uint64_t index, struct core_map_entry *const *frames, unsigned count)
{
    struct ext2 *fs = fs_of(pages);
    int error = transfer_pages(fs, BLOCK_WRITE, index, frames, count);

    if (error != 0)
        (void)ext2_error(fs, "metadata at page %lu cannot be written: error %d", index, -error);
    return error;
}

static const struct page_cache_ops pages_ops = {.fill = fill_pages, .write = write_pages};

void ext2_pages_init(struct ext2 *fs)
{
    page_cache_init(&fs->pages, &pages_ops);
    fs->pages.size = fs->device->size;
}

static uint64_t block_offset(const struct ext2 *fs, uint32_t number)
{
    return (uint64_t)number << fs->block_shift;
}

bool ext2_block_valid(struct ext2 *fs, uint32_t number)
{
    if (likely(number >= fs->first_block && number < fs->blocks))
        return true;
    (void)ext2_error(fs, "block %u is outside the file system", number);
    return false;
}

// Whoever asks holds the lock, so that there is no reclaiming: but pages of files that can be read again may go.
static int get_page(struct ext2 *fs, uint64_t index, struct core_map_entry **page)
{
    int error;

    do {
        error = page_cache_get(&fs->pages, index, PAGE_READ, page);
    } while (error == -ENOMEM && page_caches_shrink(SHRINK_PAGES) > 0);
    return error;
}

int ext2_block_get(struct ext2 *fs, uint32_t number, struct ext2_block *block)
{
    uint64_t offset = block_offset(fs, number);
    int error;

    *block = (struct ext2_block){NULL, NULL, number};
    if (!ext2_block_valid(fs, number))
        return -EUCLEAN;
    error = get_page(fs, offset >> PAGE_SHIFT, &block->page);
    if (error == 0)
        block->data = (char *)page2kva(block->page) + (offset & PAGE_MASK);
    return error;
}

int ext2_block_peek(struct ext2 *fs, uint32_t number, struct ext2_block *block)
{
    int error = ext2_block_get(fs, number, block);

    if (error != -ENOMEM)
        return error;
    if (fs->spare_number != number) {
        fs->spare_number = 0;
        error = block_read(fs->device, block_offset(fs, number), fs->spare, fs->block_size);
        if (error != 0)
            return error;
        fs->spare_number = number;
    }
    block->data = fs->spare;
    block->page = kva2page(fs->spare);
    frame_get(block->page);
    return 0;
}

void ext2_block_put(struct ext2_block *block)
{
    if (block->page != NULL)
        page_cache_put(block->page);
    block->page = NULL;
}

// Memory shall not fill with them. What cannot be written the log has been told.
void ext2_block_dirty(struct ext2 *fs, const struct ext2_block *block)
{
    fs->spare_number = 0;
    page_cache_mark_dirty(&fs->pages, block_offset(fs, block->number) >> PAGE_SHIFT);
    if (fs->pages.unclean > UNCLEAN_MAX)
        (void)!page_cache_write_back(&fs->pages, 0, UINT64_MAX);
}

// An older content of the page may be on its way: it must not arrive later.
int ext2_block_write(struct ext2 *fs, const struct ext2_block *block)
{
    uint64_t offset = block_offset(fs, block->number);
    int error;

    fs->spare_number = 0;
    page_cache_wait_written(&fs->pages, offset >> PAGE_SHIFT);
    error = block_write(fs->device, offset, block->data, fs->block_size);
    if (error != 0)
        (void)ext2_error(fs, "block %u cannot be written", block->number);
    return error != 0 ? -EIO : 0;
}

void ext2_block_shadow(struct ext2 *fs, uint32_t number, const void *data)
{
    uint64_t offset = block_offset(fs, number);
    struct core_map_entry *page;

    if (page_cache_get(&fs->pages, offset >> PAGE_SHIFT, PAGE_FIND, &page) != 0 || page == NULL)
        return;
    memcpy((char *)page2kva(page) + (offset & PAGE_MASK), data, fs->block_size);
    page_cache_put(page);
    page_cache_wait_written(&fs->pages, offset >> PAGE_SHIFT);
}

void ext2_super_dirty(struct ext2 *fs)
{
    page_cache_mark_dirty(&fs->pages, EXT2_SUPER_OFFSET >> PAGE_SHIFT);
}

int ext2_sync(struct ext2 *fs, bool data)
{
    int stored = ext2_inodes_store(fs, data);

    mutex_lock(&fs->lock); // who has just begun to store one has done so
    mutex_unlock(&fs->lock);
    int written = page_cache_write_back(&fs->pages, 0, UINT64_MAX);
    int flushed = block_flush(fs->device);

    if (stored != 0)
        return stored;
    return written != 0 ? written : flushed;
}
