// SPDX-License-Identifier: MIT
/*
 * swap_file.c - swap in a file.
 *
 * Theory      Where the file's blocks lie is found once. From then on pages go between memory and those places, past the file system: no lock of
 *             its, no memory, when there is little of it. That is right as long as no block moves: the inode is marked first, and whoever
 *             changes what a file has looks at the mark. What the page cache knew of the file is written, and forgotten.
 * Locking     The inode's lock to mark it; `changing` for the list. Neither while pages move.
 * Failure     Before pages can leave for it: everything is undone.
 */
#include "fs/swap_file.h"

#include <linux/limits.h>

#include "dev/swap_disk.h"
#include "dev/swap_header.h"
#include "fs/file.h"
#include "fs/inode.h"
#include "fs/kernel_file.h"
#include "fs/swap_extents.h"
#include "fs/text.h"
#include "fs/vfs.h"
#include "lib/errno.h"
#include "lib/log.h"
#include "lib/string.h"
#include "mm/kalloc.h"
#include "mm/reclaim.h"
#include "mm/slab.h"
#include "mm/swap.h"

#define KIB_PER_PAGE (uint32_t)(PAGE_SIZE / 1024)

/* Fields: all constant once it is in the list */
struct swap_file {
    struct file *file;              // holds a reference
    struct block_device *disk;      // that it lies on
    struct swap_extents extents;
    unsigned order;                 // of the run of frames with the extents; 0: they are in the slab
    char *name;
    struct list link;
};

static struct mutex changing = MUTEX_INIT(changing, "swap files", RANK_SWAP_FILES);
static struct list files = LIST_INIT(files); // changing

void swap_files_hold(void)
{
    mutex_lock(&changing);
}

void swap_files_release(void)
{
    mutex_unlock(&changing);
}

/* ---- Pages ---- */

static int transfer(const struct swap_file *swap, enum block_operation operation, uint32_t first, void *const *pages, unsigned count)
{
    int error = 0;

    while (count > 0 && error == 0) {
        uint32_t together, place = swap_extents_place(&swap->extents, first, &together);
        unsigned part = MIN(together, count);

        error = swap_disk_transfer(swap->disk, operation, place, pages, part);
        first += part;
        pages += part;
        count -= part;
    }
    return error;
}

static int read_pages(void *swap, uint32_t first, void *const *pages, unsigned count)
{
    return transfer(swap, BLOCK_READ, first, pages, count);
}

static int write_pages(void *swap, uint32_t first, void *const *pages, unsigned count)
{
    return transfer(swap, BLOCK_WRITE, first, pages, count);
}

static const char *file_name(void *swap)
{
    return ((struct swap_file *)swap)->name;
}

static const struct swap_ops ops = {.read = read_pages, .write = write_pages, .name = file_name, .is_file = true};

/* ---- Extents ---- */

static int map_block(void *inode, uint64_t block, uint64_t *place)
{
    return ((struct inode *)inode)->ops->map_block(inode, block, place);
}

/* Room for as many as have been counted. */
static int extents_alloc(struct swap_file *swap)
{
    uint64_t bytes = (uint64_t)swap->extents.count * sizeof(struct swap_extent);

    if (bytes <= SLAB_MAX) {
        swap->extents.list = slab_alloc(bytes);
    } else {
        struct core_map_entry *run;

        while (PAGE_SIZE << swap->order < bytes)
            swap->order++;
        run = frame_alloc_run(FRAME_KERNEL, swap->order);
        swap->extents.list = run != NULL ? page2kva(run) : NULL;
    }
    swap->extents.room = swap->extents.count;
    return swap->extents.list != NULL ? 0 : -ENOMEM;
}

static void extents_free(struct swap_file *swap)
{
    if (swap->extents.list != NULL && swap->extents.room * sizeof(struct swap_extent) > SLAB_MAX)
        frame_free_run(kva2page(swap->extents.list), swap->order);
    else
        slab_free(swap->extents.list);
}

/* The same walk twice: to count, and to keep. => 0, -EINVAL, -EIO, -ENOMEM */
static int find_extents(struct swap_file *swap, struct inode *inode, uint32_t pages)
{
    struct kstatfs fs = {0};
    struct swap_blocks blocks = {.map = map_block, .file = inode, .pages_max = pages};
    int error;

    inode->sb->ops->statfs(inode->sb, &fs);
    blocks.count = inode->pages.size / fs.block_size;
    blocks.per_page = PAGE_SIZE / fs.block_size;
    error = swap_extents_find(&swap->extents, &blocks);
    if (error == -EINVAL)
        printk(LOG_ERROR "swapon: swapfile has holes\n");
    if (error == 0 && swap->extents.pages < 2) {
        printk(LOG_WARNING "Empty swap-file\n");
        error = -EINVAL;
    }
    if (error == 0)
        error = extents_alloc(swap);
    return error != 0 ? error : swap_extents_find(&swap->extents, &blocks);
}

/* ---- On ---- */

/* From here on the file stays as it is. */
static int mark(struct inode *inode)
{
    int error = 0;

    rwlock_write_lock(&inode->lock);
    if (inode->nlink == 0)
        error = -ENOENT;
    else if (inode->is_swap)
        error = -EBUSY;
    else
        inode->is_swap = true;
    rwlock_write_unlock(&inode->lock);
    return error;
}

/* What the page cache has of it will not be right any more. */
static void forget_pages(struct inode *inode)
{
    rwlock_write_lock(&inode->lock);
    page_cache_punch(&inode->pages, 0, ALIGN_UP(inode->pages.size, PAGE_SIZE));
    rwlock_write_unlock(&inode->lock);
}

static void unmark(struct inode *inode)
{
    forget_pages(inode);
    inode->is_swap = false;
}

static int find_name(struct swap_file *swap)
{
    struct path root = mount_root_path();
    char *buffer = kalloc();
    int64_t length = buffer != NULL ? vfs_path_name(&swap->file->path, &root, buffer, PATH_MAX) : -ENOMEM;

    if (length >= 0) {
        swap->name = text_copy(buffer);
        length = swap->name != NULL ? 0 : -ENOMEM;
    }
    if (buffer != NULL)
        kfree(buffer);
    path_put(&root);
    return (int)length;
}

static void destroy(struct swap_file *swap)
{
    extents_free(swap);
    if (swap->name != NULL)
        text_free(swap->name);
    slab_free(swap);
}

static int read_header(struct swap_file *swap, uint32_t *pages)
{
    struct swap_header *header = kalloc();
    int64_t got;

    if (header == NULL)
        return -ENOMEM;
    memset(header, 0, PAGE_SIZE);
    got = kernel_read(swap->file, 0, header, PAGE_SIZE);
    *pages = got < 0 ? 0 : swap_header_check(header, file_inode(swap->file)->pages.size >> PAGE_SHIFT, true);
    kfree(header);
    return got < 0 ? (int)got : *pages != 0 ? 0 : -EINVAL;
}

static int prepare(struct swap_file *swap)
{
    struct inode *inode = file_inode(swap->file);
    uint32_t pages;
    int error = read_header(swap, &pages);

    swap->disk = block_find(inode->sb->device);
    if (error == 0)
        error = find_extents(swap, inode, pages);
    if (error == 0)
        error = find_name(swap);
    if (error == 0)
        error = file_sync(swap->file, false); // the device's cache, too, has nothing left that it will write to the file's blocks
    if (error == 0)
        error = reclaim_start();
    return error;
}

static int add(struct swap_file *swap, int priority)
{
    const struct swap_extents *extents = &swap->extents;
    int error;

    mutex_lock(&changing);
    error = swap_add(&ops, swap, extents->pages, &priority, NULL, 0);
    if (error == 0) {
        file_get(swap->file);
        list_add_tail(&files, &swap->link);
        printk(LOG_INFO SWAP_AREA_ADDED, (extents->pages - 1) * KIB_PER_PAGE, "", swap->name, priority, extents->count,
               (extents->high - extents->low + 1) * KIB_PER_PAGE);
    }
    mutex_unlock(&changing);
    return error;
}

static int add_marked(struct file *file, int priority)
{
    struct swap_file *swap = slab_zalloc(sizeof *swap);
    int error;

    if (swap == NULL)
        return -ENOMEM;
    swap->file = file;
    error = prepare(swap);
    if (error == 0) {
        forget_pages(file_inode(file));
        error = add(swap, priority);
    }
    if (error != 0)
        destroy(swap);
    return error;
}

int swap_file_on(struct file *file, int priority)
{
    struct inode *inode = file_inode(file);
    int error = inode->ops->map_block != NULL ? mark(inode) : -EINVAL;

    if (error != 0)
        return error;
    error = add_marked(file, priority);
    if (error != 0)
        unmark(inode);
    return error;
}

/* ---- Off ---- */

/* Close the area of a file: from then on it is the caller's. => *area its number; NULL: it is not in use, or somebody else's */
static struct swap_file *close_area(const struct inode *inode, int *area)
{
    struct swap_file *swap, *found = NULL;

    mutex_lock(&changing);
    list_for_each_entry(swap, &files, link) {
        if (file_inode(swap->file) == inode)
            found = swap;
    }
    *area = found != NULL ? swap_close(found) : -EINVAL;
    mutex_unlock(&changing);
    return *area >= 0 ? found : NULL;
}

int swap_file_off(struct inode *inode, bool (*stop)(void))
{
    int area, error;
    struct swap_file *swap = close_area(inode, &area);
    struct file *file;

    if (swap == NULL)
        return -EINVAL;
    error = swap_off_closed(area, stop);
    if (error != 0)
        return error;
    file = swap->file;
    mutex_lock(&changing);
    list_remove(&swap->link);
    destroy(swap);
    mutex_unlock(&changing);
    unmark(inode);
    file_put(file);
    return 0;
}
