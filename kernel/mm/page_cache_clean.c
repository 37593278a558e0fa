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
 *             Who needs memory has pages cleaned that nobody else holds, from file to file (page_caches_clean): then they can go. No
 *             mapping and no fault has such a page when it is taken, so none is protected: that would wait for a space's lock, whose
 *             owner may be letting the file go, which waits for its pages to be written.
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
#include "mm/stat.h"
#include "mm/unmap_file.h"

/* Where page_caches_clean is. All: page_caches_lock. */
static struct {
    struct page_cache *cache; // compared only: it may have gone
    uint64_t index;
} hand;

/* Pages of all files that are being written, and those of them that are dirty again. Only to be shown. */
static _Atomic uint32_t writing, again;

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
        if (page->file.writing)
            atomic_fetch_add(&again, 1);
        page->file.dirty = page->file.changed = 1;
        vm_count(VM_NR_DIRTIED);
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

/* Whether a page is one to write: dirty, and nobody else's if `idle`. */
static bool is_wanted(const struct core_map_entry *page, bool idle)
{
    return page->file.dirty && !page->file.writing && (!idle || frame_refs(page) == 1);
}

/*
 * Take the next dirty pages of [*index, end), marked as being written; *index moves behind them.
 *
 * => cache->lock held; why it ended: NULL, there are no more pages; or the page at *index, which does not belong to the run
 */
static struct core_map_entry *run_take_locked(struct page_cache *cache, uint64_t *index, uint64_t end, bool idle, struct run *run)
{
    struct core_map_entry *page = NULL;

    for (run->count = 0; cache->unclean && run->count < PAGE_CACHE_RUN; ++*index) {
        page = radix_next(&cache->pages, index);
        if (!page || *index >= end)
            return NULL;
        bool wanted = is_wanted(page, idle);
        if (run->count && (!wanted || *index != run->first + run->count))
            return page;
        if (!idle && page->file.writing)
            return page;
        if (!wanted)
            continue;
        if (run->count == 0)
            run->first = *index;
        page->file.dirty = 0;
        page->file.writing = 1;
        run->pages[run->count++] = page;
        atomic_fetch_add(&writing, 1);
    }
    return page;
}

/* The same for who wants them all written. => false: there are none. A run of no pages: *index is being written by somebody else */
static bool run_take(struct page_cache *cache, uint64_t *index, uint64_t end, struct run *run)
{
    spin_lock(&cache->lock);
    const struct core_map_entry *page = run_take_locked(cache, index, end, false, run);
    spin_unlock(&cache->lock);
    return run->count || page;
}

/* The pages of a run are written; or not, then they are dirty again. */
static void run_end(struct page_cache *cache, const struct run *run, bool done)
{
    spin_lock(&cache->lock);
    for (unsigned i = 0; i < run->count; i++) {
        struct core_map_entry *page = run->pages[i];
        page->file.writing = 0;
        if (page->file.dirty)
            atomic_fetch_sub(&again, 1);
        page->file.dirty |= !done;
        cache->unclean -= !page->file.dirty;
    }
    atomic_fetch_sub(&writing, run->count);
    if (done)
        vm_count_n(VM_NR_WRITTEN, run->count);
    spin_unlock(&cache->lock);
    wake_all(&page_cache_settled);
}

static int run_write(struct page_cache *cache, const struct run *run)
{
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
        if (run.count == 0) {
            page_cache_wait_written(cache, first);
            continue;
        }
        file_protect_pages(cache, run.first, run.first + run.count);
        if (run_write(cache, &run) == -ENOMEM)
            return -ENOMEM;
    }
    return atomic_exchange(&cache->error, 0);
}

/*
 * The next run of pages that nobody maps, in the files from the list's front on, each once; a file that is done goes to the end.
 *
 * => its file, which stays as long as pages of it are being written; NULL: there is none
 */
static struct page_cache *next_idle_run(struct run *run)
{
    struct page_cache *first = NULL, *found = NULL;

    spin_lock(&page_caches_lock);
    while (!found && !list_empty(&page_caches)) {
        struct page_cache *cache = list_first_entry(&page_caches, struct page_cache, link);
        if (cache == first)
            break;
        if (hand.cache != cache)
            hand.index = 0;
        hand.cache = cache;
        if (!first && hand.index == 0) // one that the hand is in the middle of comes a second time
            first = cache;
        if (cache->ops && cache->ops->write) {
            spin_lock(&cache->lock);
            (void)run_take_locked(cache, &hand.index, UINT64_MAX, true, run);
            spin_unlock(&cache->lock);
            found = run->count ? cache : NULL;
        }
        if (!found) {
            hand.cache = NULL;
            list_remove(&cache->link);
            list_add_tail(&page_caches, &cache->link);
        }
    }
    spin_unlock(&page_caches_lock);
    return found;
}

unsigned page_caches_clean(unsigned target)
{
    unsigned cleaned = 0;
    struct page_cache *cache;
    struct run run = {.count = 0};

    while (cleaned < target && (cache = next_idle_run(&run))) {
        if (run_write(cache, &run) == -ENOMEM)
            break;
        cleaned += run.count;
    }
    return cleaned;
}

__cold uint64_t page_caches_writing(void)
{
    return atomic_load(&writing);
}

/* Each number as it happens to be. */
__cold uint64_t page_caches_dirty(void)
{
    uint64_t unclean = page_caches_unclean() + atomic_load(&again), clean = atomic_load(&writing);

    return unclean > clean ? unclean - clean : 0;
}
