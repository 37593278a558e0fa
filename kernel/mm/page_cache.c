// SPDX-License-Identifier: MIT
/*
 * page_cache.c - one cache of file pages, for read, write and mmap.
 *
 * Theory      A page is in the cache only when its content is whole: it is filled first, then inserted (page_cache_fill.c). The cache holds
 *             one reference of each page; leaf entries that map it hold more.
 * Invariants  I15 A page of a cache has kind file, and knows its cache and index.
 * Locking     The cache's spinlock around the radix tree; never while filling or copying to users.
 * Failure     -ENOMEM with nothing changed; what fill returned.
 * Not here    Bringing pages in: page_cache_fill.c. Dirty pages: page_cache_clean.c. Pages in swap: page_cache_swap.c. Which pages of a
 *             file are holes: the file system's.
 */
#include "mm/page_cache_private.h"

#include "lib/errno.h"
#include "lib/log.h"
#include "lib/string.h"
#include "mm/commit.h"
#include "mm/kalloc.h"
#include "mm/reclaim.h"
#include "mm/slab.h"
#include "mm/stat.h"
#include "mm/unmap_file.h"

struct spinlock page_caches_lock = SPINLOCK_INIT("page caches", RANK_PAGE_CACHES);
struct list page_caches = LIST_INIT(page_caches);

void page_cache_init(struct page_cache *cache, const struct page_cache_ops *ops)
{
    spin_init(&cache->lock, "page cache", RANK_PAGE_CACHE);
    cache->pages = (struct radix){0};
    atomic_init(&cache->size, 0);
    atomic_init(&cache->count, 0);
    cache->unclean = 0;
    atomic_init(&cache->error, 0);
    atomic_init(&cache->writers, 0);
    atomic_init(&cache->mapped, 0);
    atomic_init(&cache->punching, false);
    cache->ops = ops;
    spin_lock(&page_caches_lock);
    list_add_tail(&page_caches, &cache->link);
    spin_unlock(&page_caches_lock);
}

struct core_map_entry *page_cache_remove_locked(struct page_cache *cache, uint64_t index)
{
    struct core_map_entry *page = radix_remove(&cache->pages, index);

    if (page) {
        page->file.cache = NULL;
        cache->unclean -= page->file.dirty;
        cache->pages.note += page->file.changed;
        atomic_fetch_sub_explicit(&cache->count, 1, memory_order_relaxed);
    }
    return page;
}

/* Drop the pages of [first, end). */
static void drop_pages(struct page_cache *cache, uint64_t first, uint64_t end)
{
    uint64_t index = first;

    for (;;) {
        spin_lock(&cache->lock);
        void *entry = radix_next(&cache->pages, &index);
        if (index >= end)
            entry = NULL;
        struct core_map_entry *page = entry_is_slot(entry) ? NULL : entry;
        bool busy = page && page->file.writing;
        if (page && !busy)
            (void)page_cache_remove_locked(cache, index);
        spin_unlock(&cache->lock);
        if (!entry)
            return;
        if (busy || entry_is_busy(entry))
            page_cache_wait_written(cache, index);
        else if (page)
            frame_put(page);
        else
            page_cache_drop_slot(cache, index);
    }
}

/* The file no longer has [first, end): what somebody has begun to read of it does not come in either. */
static void take_away(struct page_cache *cache, uint64_t first, uint64_t end)
{
    spin_lock(&cache->lock);
    cache->pages.note++;
    spin_unlock(&cache->lock);
    drop_pages(cache, first, end);
}

bool page_cache_allow_writer(struct page_cache *cache)
{
    uint32_t before = atomic_load(&cache->writers);

    do {
        if (before & PAGE_CACHE_SEALED)
            return false;
    } while (!atomic_compare_exchange_weak(&cache->writers, &before, before + 1));
    return true;
}

bool page_cache_seal(struct page_cache *cache, bool only_unwritten)
{
    uint32_t before = atomic_load(&cache->writers);

    do {
        if (only_unwritten && (before & ~PAGE_CACHE_SEALED))
            return false;
    } while (!atomic_compare_exchange_weak(&cache->writers, &before, before | PAGE_CACHE_SEALED));
    return true;
}

void page_cache_destroy(struct page_cache *cache)
{
    spin_lock(&page_caches_lock);
    list_remove(&cache->link);
    spin_unlock(&page_caches_lock);
    drop_pages(cache, 0, UINT64_MAX);
}

/* What an index leads to; a frame comes with a reference. */
static void *find(struct page_cache *cache, uint64_t index)
{
    spin_lock(&cache->lock);
    void *entry = radix_find(&cache->pages, index);
    if (entry && likely(!entry_is_slot(entry))) {
        struct core_map_entry *page = entry;
        frame_get(page);
        if (unlikely(page->file.ahead))
            page->file.ahead = 0;
        else
            page->file.referenced = 1;
    }
    spin_unlock(&cache->lock);
    return entry;
}

void page_cache_own(struct page_cache *cache, uint64_t index, struct core_map_entry *page)
{
    page->file.cache = cache;
    page->file.index = index;
    page->file.dirty = page->file.writing = page->file.changed = page->file.referenced = page->file.ahead = 0;
}

int page_cache_insert_locked(struct page_cache *cache, uint64_t index, struct core_map_entry *page)
{
    DEBUG_ASSERT(frame_kind(page) == FRAME_FILE);
    if (radix_find(&cache->pages, index))
        return -EEXIST;
    int error = radix_insert(&cache->pages, index, page);
    if (!error) {
        page_cache_own(cache, index, page);
        atomic_fetch_add_explicit(&cache->count, 1, memory_order_relaxed);
    }
    return error;
}

int page_cache_insert(struct page_cache *cache, uint64_t index, struct core_map_entry *page)
{
    spin_lock(&cache->lock);
    int error = page_cache_insert_locked(cache, index, page);
    spin_unlock(&cache->lock);
    return error;
}

/* page_cache_allow_write for a page that the caller has a reference to, which goes if that fails. */
static int allow_write(struct page_cache *cache, uint64_t index, struct core_map_entry **page)
{
    int error = page_cache_allow_write(cache, index);

    if (error) {
        frame_put(*page);
        *page = NULL;
    }
    return error;
}

/* page_cache_get for who will ask for the `wanted` pages from `index` on. *read: it was not in memory, but is elsewhere. */
static int get(struct page_cache *cache, uint64_t index, enum page_how how, uint64_t wanted, struct core_map_entry **result,
               bool *read)
{
    for (;;) {
        void *entry = find(cache, index);
        struct core_map_entry *page = *result = entry_is_slot(entry) ? NULL : entry;
        if (likely(page) || (how == PAGE_FIND && !entry))
            return how == PAGE_WRITE ? allow_write(cache, index, result) : 0;
        *read = entry || (cache->ops && cache->ops->fill);
        if (entry) {
            int error = page_cache_swap_in(cache, index);
            if (error)
                return error;
            continue;
        }
        int error = page_cache_bring_in(cache, index, wanted, result);
        if (!error)
            return how == PAGE_WRITE ? allow_write(cache, index, result) : 0;
        *result = NULL;
        if (error != -EAGAIN)
            return error;
    }
}

int page_cache_get(struct page_cache *cache, uint64_t index, enum page_how how, struct core_map_entry **result)
{
    bool read;

    return get(cache, index, how, 1, result, &read);
}

int page_cache_fault(struct page_cache *cache, uint64_t index, enum page_how how, struct core_map_entry **result, bool *major)
{
    bool read = false;
    int error = get(cache, index, how, 1, result, &read);

    if (unlikely(read) && !error && !*major) {
        *major = true;
        vm_count(VM_PGMAJFAULT);
    }
    return error;
}

void page_cache_put(struct core_map_entry *page)
{
    frame_put(page);
}

int page_cache_hold_edges(struct page_cache *cache, uint64_t start, uint64_t end, struct page_cache_edges *edges)
{
    int error = 0;

    *edges = (struct page_cache_edges){{NULL, NULL}};
    if (start & PAGE_MASK)
        error = page_cache_get(cache, start >> PAGE_SHIFT, PAGE_FIND, &edges->pages[0]);
    if (!error && (end & PAGE_MASK) && end != start)
        error = page_cache_get(cache, end >> PAGE_SHIFT, PAGE_FIND, &edges->pages[1]);
    if (error)
        page_cache_drop_edges(edges);
    return error;
}

void page_cache_drop_edges(struct page_cache_edges *edges)
{
    for (size_t i = 0; i < ARRAY_SIZE(edges->pages); i++)
        if (edges->pages[i])
            frame_put(edges->pages[i]);
    *edges = (struct page_cache_edges){{NULL, NULL}};
}

/* Zero [start, end) of one page, if it is there. => it is held in memory where it may be in swap */
static void zero_within(struct page_cache *cache, uint64_t start, uint64_t end)
{
    void *entry = start < end ? find(cache, start >> PAGE_SHIFT) : NULL;
    struct core_map_entry *page = entry_is_slot(entry) ? NULL : entry;

    if (page) {
        memset((char *)page2kva(page) + (start & PAGE_MASK), 0, end - start);
        page_cache_mark_dirty(cache, start >> PAGE_SHIFT);
        frame_put(page);
    }
}

void page_cache_truncate(struct page_cache *cache, uint64_t size)
{
    uint64_t old = atomic_exchange(&cache->size, size);
    if (size >= old)
        return;
    uint64_t first = (size + PAGE_MASK) >> PAGE_SHIFT;
    file_unmap_pages(cache, first, UINT64_MAX, true);
    take_away(cache, first, UINT64_MAX);
    zero_within(cache, size, ALIGN_UP(size, PAGE_SIZE));
}

__cold void page_cache_punch(struct page_cache *cache, uint64_t start, uint64_t end)
{
    uint64_t first = (start + PAGE_MASK) >> PAGE_SHIFT, past = end >> PAGE_SHIFT;

    if (first > past) { // all of it within one page
        zero_within(cache, start, end);
        return;
    }
    atomic_store(&cache->punching, true); // before the count of regions is read
    file_unmap_pages(cache, first, past, false);
    take_away(cache, first, past);
    atomic_store(&cache->punching, false);
    zero_within(cache, start, first << PAGE_SHIFT);
    zero_within(cache, past << PAGE_SHIFT, end);
}

/* Copy up to `part` bytes of one page out; an absent page of a file that is not filled from below reads as zeros. */
static int64_t read_part(struct page_cache *cache, struct io *io, size_t part)
{
    bool sparse = !cache->ops || !cache->ops->fill;
    struct core_map_entry *page;
    uint64_t index = io->offset >> PAGE_SHIFT, last = (io->offset + io->left - 1) >> PAGE_SHIFT;
    bool read;
    int error = get(cache, index, sparse ? PAGE_FIND : PAGE_READ, last - index + 1, &page, &read);
    if (error)
        return error;
    if (!page)
        return (int64_t)io_zero_out(io, part);
    size_t done = io_copy_out(io, (char *)page2kva(page) + (io->offset & PAGE_MASK), part);
    frame_put(page);
    return (int64_t)done;
}

static int64_t write_part(struct page_cache *cache, struct io *io, size_t part)
{
    struct core_map_entry *page;
    uint64_t index = io->offset >> PAGE_SHIFT;
    int error = page_cache_get(cache, index, PAGE_READ, &page);
    if (error)
        return error;
    if (cache->ops && cache->ops->reserve) // now that the page has what is there: its new room has rubbish
        error = cache->ops->reserve(cache, io->offset, part);
    if (error) {
        frame_put(page);
        return error;
    }
    size_t done = io_copy_in(io, (char *)page2kva(page) + (io->offset & PAGE_MASK), part);
    page_cache_mark_dirty(cache, index);
    frame_put(page);
    if (done && io->offset > atomic_load(&cache->size))
        atomic_store(&cache->size, io->offset);
    return (int64_t)done;
}

/*
 * Move a transfer page by page until it is done, stops short, or fails. `end`: where the file ends for it. One that has begun cannot be
 * made again by the caller, so memory is looked for here: programs take a short write for a full disk.
 */
static int64_t transfer(struct page_cache *cache, struct io *io, uint64_t end,
                        int64_t (*move)(struct page_cache *, struct io *, size_t))
{
    int64_t total = 0;
    unsigned attempt = 0;

    while (io->left > 0 && io->offset < end) {
        size_t part = MIN(PAGE_SIZE - (io->offset & PAGE_MASK), MIN(io->left, end - io->offset));
        int64_t done = move(cache, io, part);
        if (done == -ENOMEM && total && reclaim_for_call(attempt++))
            continue;
        if (done < 0)
            return total ? total : done;
        total += done;
        if ((size_t)done < part)
            return total ? total : -EFAULT;
    }
    return total;
}

int64_t page_cache_read(struct page_cache *cache, struct io *io)
{
    return transfer(cache, io, atomic_load(&cache->size), read_part);
}

int64_t page_cache_write(struct page_cache *cache, struct io *io)
{
    return transfer(cache, io, INT64_MAX, write_part);
}

/* ---- Files without a name, for shared anonymous memory ---- */

/* A cache that counts its own holds. */
struct anonymous_file {
    struct page_cache cache;
    _Atomic uint32_t holds;
    uint64_t promised; // pages
};

static void anonymous_hold(struct page_cache *cache)
{
    atomic_fetch_add(&container_of(cache, struct anonymous_file, cache)->holds, 1);
}

static void anonymous_release(struct page_cache *cache)
{
    struct anonymous_file *file = container_of(cache, struct anonymous_file, cache);

    if (atomic_fetch_sub(&file->holds, 1) > 1)
        return;
    page_cache_destroy(cache);
    commit_sub(file->promised);
    slab_free(file);
}

static int anonymous_describe(struct page_cache *cache, char *buf, size_t size, struct map_identity *identity)
{
    *identity = (struct map_identity){0, 1, (uint64_t)(uintptr_t)cache >> 6 & 0xffffff};
    return (int)strlcpy(buf, "/dev/zero (deleted)", size);
}

static const struct page_cache_ops anonymous_ops = {
    .may_swap = page_cache_swaps,
    .hold = anonymous_hold,
    .release = anonymous_release,
    .describe = anonymous_describe,
};

__cold struct page_cache *page_cache_create_anonymous(uint64_t size, bool promised)
{
    struct anonymous_file *file = slab_alloc(sizeof *file);
    if (!file)
        return NULL;
    file->promised = promised ? size >> PAGE_SHIFT : 0;
    if (commit_add(file->promised)) {
        slab_free(file);
        return NULL;
    }
    page_cache_init(&file->cache, &anonymous_ops);
    atomic_init(&file->cache.size, size);
    atomic_init(&file->holds, 1);
    return &file->cache;
}

__cold uint64_t page_caches_unclean(void)
{
    struct page_cache *cache;
    uint64_t unclean = 0;

    spin_lock(&page_caches_lock);
    list_for_each_entry(cache, &page_caches, link)
        unclean += cache->ops && cache->ops->write ? cache->unclean : 0; // each as it happens to be: one word
    spin_unlock(&page_caches_lock);
    return unclean;
}

__cold void page_cache_for_each_page(void (*visit)(struct page_cache *cache, uint64_t index, struct core_map_entry *page,
                                            void *arg),
                              void *arg)
{
    struct page_cache *cache;
    void *entry;

    spin_lock(&page_caches_lock);
    list_for_each_entry(cache, &page_caches, link) {
        spin_lock(&cache->lock);
        for (uint64_t index = 0; (entry = radix_next(&cache->pages, &index)); index++)
            if (!entry_is_slot(entry))
                visit(cache, index, entry, arg);
        spin_unlock(&cache->lock);
    }
    spin_unlock(&page_caches_lock);
}
