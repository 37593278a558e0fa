// SPDX-License-Identifier: MIT
/*
 * page_cache_clean.c - which pages of a file differ from what is kept on its device, and writing them there.
 *
 * Theory      A page is marked before a mapping lets a write through, and after write(2) has copied into it. Cleaning takes
 *
 *                 mark away, "writing"  ->  write-protect in all mappings  ->  write  ->  "writing" away
 *
 *             in this order. A fault that set the mark before the first step holds its space's lock until the page is mapped, so the
 *             second step sees the page; one that comes later sets the mark anew. So no change is lost, and a page that is mapped
 *             writable is marked or being written (I21).
 *             One page has one writer: the next one waits, so that an older content never overtakes a newer one, and nobody believes
 *             a page to be written because its mark is gone. A page that is being written stays in its file, lest its place on the
 *             device becomes another's meanwhile.
 * Locking     The cache's spinlock around marks; nothing while writing.
 * Failure     Without memory pages stay dirty. What a device refuses is remembered for the next who asks.
 * Considered  The D bits of page-table entries: a page becomes writable only by a write that is about to happen, so that its D bit would
 *             tell nothing new, and unmapping would have to collect it.
 */
#include "lib/errno.h"
#include "mm/page_cache_private.h"
#include "mm/unmap_file.h"

/* Pages next to each other that are written at once. */
struct run {
    uint64_t first;
    unsigned count;
    struct core_map_entry *pages[PAGE_CACHE_RUN];
};

void page_cache_mark_dirty(struct page_cache *cache, uint64_t index)
{
    if (likely(!cache->ops || !cache->ops->write))
        return;
    spin_lock(&cache->lock);
    struct core_map_entry *page = radix_find(&cache->pages, index);
    if (page && !page->file.dirty) {
        cache->unclean += !page->file.writing;
        page->file.dirty = 1;
    }
    spin_unlock(&cache->lock);
}

int page_cache_allow_write(struct page_cache *cache, uint64_t index)
{
    if (likely(!cache->ops || !cache->ops->write))
        return 0;
    uint64_t offset = index << PAGE_SHIFT, size = atomic_load(&cache->size);
    int error = offset < size ? cache->ops->reserve(cache, offset, MIN(PAGE_SIZE, size - offset)) : 0;
    if (!error)
        page_cache_mark_dirty(cache, index);
    return error;
}

static bool is_busy(struct page_cache *cache, uint64_t index)
{
    spin_lock(&cache->lock);
    const void *entry = radix_find(&cache->pages, index);
    const struct core_map_entry *page = entry;
    bool busy = entry && (entry_is_slot(entry) ? entry_is_busy(entry) : page->file.writing);
    spin_unlock(&cache->lock);
    return busy;
}

void page_cache_wait_written(struct page_cache *cache, uint64_t index)
{
    wait_event(&page_cache_settled, !is_busy(cache, index));
}

/*
 * Take the next dirty pages of [*index, end), marked as being written; *index moves behind them.
 *
 * => false: there are none. A run of no pages: *index is being written by somebody else
 */
static bool run_take(struct page_cache *cache, uint64_t *index, uint64_t end, struct run *run)
{
    struct core_map_entry *page = NULL;

    run->count = 0;
    spin_lock(&cache->lock);
    while (cache->unclean && run->count < PAGE_CACHE_RUN && (page = radix_next(&cache->pages, index)) && *index < end) {
        if (run->count && *index != run->first + run->count)
            break;
        if (page->file.writing)
            break;
        if (page->file.dirty) {
            run->first = *index - run->count;
            page->file.dirty = 0;
            page->file.writing = 1;
            run->pages[run->count++] = page;
        } else if (run->count) {
            break;
        }
        ++*index;
    }
    bool busy = page && *index < end && page->file.writing;
    spin_unlock(&cache->lock);
    return run->count || busy;
}

/* The pages of a run are written; or not, then they are dirty again. */
static void run_end(struct page_cache *cache, const struct run *run, bool done)
{
    spin_lock(&cache->lock);
    for (unsigned i = 0; i < run->count; i++) {
        struct core_map_entry *page = run->pages[i];
        page->file.writing = 0;
        page->file.dirty |= !done;
        cache->unclean -= !page->file.dirty;
    }
    spin_unlock(&cache->lock);
    wake_all(&page_cache_settled);
}

static int run_write(struct page_cache *cache, const struct run *run)
{
    file_protect_pages(cache, run->first, run->first + run->count);
    int error = cache->ops->write(cache, run->first, run->pages, run->count);
    if (error && error != -ENOMEM)
        atomic_store(&cache->error, (int16_t)error);
    run_end(cache, run, error != -ENOMEM);
    return error;
}

int page_cache_write_back(struct page_cache *cache, uint64_t first, uint64_t end)
{
    struct run run;

    while (run_take(cache, &first, end, &run)) {
        if (run.count == 0)
            page_cache_wait_written(cache, first);
        else if (run_write(cache, &run) == -ENOMEM)
            return -ENOMEM;
    }
    return atomic_exchange(&cache->error, 0);
}
