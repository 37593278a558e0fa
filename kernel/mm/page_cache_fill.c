// SPDX-License-Identifier: MIT
/*
 * page_cache_fill.c - bringing pages of a file in, and those that will be asked for next along with them.
 *
 * Theory      Pages come in as a run: the one that is wanted, and as many behind it as are likely to be asked for. What is likely is told
 *             by what is in memory already. A page that is absent while those before it are there is met by who reads forward: twice as
 *             many come in as there are before it, up to PAGE_CACHE_RUN. The first page of a file brings a few with it. One in the middle of
 *             nowhere comes alone. So there is no state to keep for each open file, any number of programs may read one file forward, by
 *             read and by mmap, and who jumps about in a file that is not in memory reads nothing in vain.
 *             A page that came along is marked `ahead`: its first asker does not make it one that is used again and again.
 *             Pages are filled before they are in the cache. If two fill the same page, the second one's frame is dropped; that costs
 *             a read, and no state "being filled".
 * Invariants  No old content comes in: what was read before pages were taken away (truncate), or before a page left that was changed and
 *             written meanwhile, is dropped. The note of the tree of pages is as it was before.
 * Locking     The cache's spinlock around the radix tree; none while filling.
 * Failure     Frames for pages that nobody has asked for yet are taken while there is plenty of memory only. If a run cannot be read, the
 *             wanted page is read alone: an error is told to who asks for that very page.
 * Considered  Reading the next run while the program works on this one: it needs pages in the cache that are not whole, and who waits for
 *             them. What a longer run saves is requests, and those are had without.
 */
#include "lib/errno.h"
#include "mm/kalloc.h"
#include "mm/page_cache_private.h"

#define FIRST_PAGES 4u // that come in with the first one of a file
#define EXPECT_PAGES 512u // that one call brings in, which nobody can end

/* Pages next to each other that are absent. */
struct fill {
    uint64_t first;
    uint32_t note; // of the tree of pages, before they were read
    unsigned count;
    struct core_map_entry *pages[PAGE_CACHE_RUN];
};

/* How many pages there are right before `index`, as far as it matters. => cache->lock held */
static unsigned pages_before(const struct page_cache *cache, uint64_t index)
{
    unsigned count = 0;

    while (count < index && count < PAGE_CACHE_RUN / 2 && radix_find(&cache->pages, index - 1 - count))
        count++;
    return count;
}

/* How many pages to bring in from `index` on, which is absent. => cache->lock held; at least 1 */
static unsigned run_length(const struct page_cache *cache, uint64_t index, uint64_t wanted)
{
    uint64_t past = (atomic_load(&cache->size) + PAGE_MASK) >> PAGE_SHIFT, present = index;
    uint64_t likely_pages = index == 0 ? FIRST_PAGES : 2 * pages_before(cache, index);
    uint64_t length = MIN(MAX(likely_pages, wanted), PAGE_CACHE_RUN);

    if (length > 1 && radix_next(&cache->pages, &present))
        past = MIN(past, present);
    return past <= index ? 1 : (unsigned)MAX(MIN(length, past - index), 1u);
}

static void fill_drop(struct fill *fill, unsigned keep)
{
    while (fill->count > keep)
        frame_put(fill->pages[--fill->count]);
}

/* Frames for `length` pages, or for fewer. => 0; -ENOMEM: not even for one */
static int fill_take_frames(struct fill *fill, unsigned length)
{
    for (fill->count = 0; fill->count < length; fill->count++) {
        if (fill->count > 0 && !kalloc_has_plenty())
            break;
        fill->pages[fill->count] = frame_alloc(FRAME_FILE);
        if (!fill->pages[fill->count])
            break;
    }
    return fill->count > 0 ? 0 : -ENOMEM;
}

static int fill_read(struct page_cache *cache, struct fill *fill)
{
    int error = cache->ops->fill(cache, fill->first, fill->pages, fill->count);

    if (!error || fill->count == 1)
        return error;
    fill_drop(fill, 1);
    return cache->ops->fill(cache, fill->first, fill->pages, 1);
}

/* The cache takes over the references of those that it can take. => what happened to the first one: 0, -EEXIST, -EAGAIN, -ENOMEM */
static int fill_insert(struct page_cache *cache, struct fill *fill)
{
    int first = -EAGAIN;

    spin_lock(&cache->lock);
    for (unsigned i = 0; i < fill->count && cache->pages.note == fill->note; i++) {
        int error = page_cache_insert_locked(cache, fill->first + i, fill->pages[i]);
        if (i == 0)
            first = error;
        if (error)
            continue;
        fill->pages[i]->file.ahead = i > 0;
        frame_get(fill->pages[i]);
    }
    spin_unlock(&cache->lock);
    return first;
}

/* => 0, -EAGAIN: look again; -ENOMEM, or what fill returned */
static int bring_run(struct page_cache *cache, uint64_t index, uint64_t wanted, struct core_map_entry **page)
{
    struct fill fill = {.first = index};

    spin_lock(&cache->lock);
    fill.note = cache->pages.note;
    unsigned length = run_length(cache, index, wanted);
    spin_unlock(&cache->lock);
    int error = fill_take_frames(&fill, length);
    if (!error)
        error = fill_read(cache, &fill);
    if (!error)
        error = fill_insert(cache, &fill);
    *page = fill.pages[0];
    fill_drop(&fill, error ? 0 : 1);
    return error == -EEXIST ? -EAGAIN : error;
}

/* A page of a file that is nowhere else. */
static int bring_zeros(struct page_cache *cache, uint64_t index, struct core_map_entry **page)
{
    *page = frame_alloc_zeroed(FRAME_FILE);
    if (!*page)
        return -ENOMEM;
    frame_get(*page);
    int error = page_cache_insert(cache, index, *page);
    if (!error)
        return 0;
    frame_put(*page);
    frame_put(*page);
    return error == -EEXIST ? -EAGAIN : error;
}

int page_cache_bring_in(struct page_cache *cache, uint64_t index, uint64_t wanted, struct core_map_entry **page)
{
    bool filled = cache->ops && cache->ops->fill;

    return filled ? bring_run(cache, index, wanted, page) : bring_zeros(cache, index, page);
}

void page_cache_expect(struct page_cache *cache, uint64_t first, uint64_t end)
{
    if (!cache->ops || !cache->ops->fill)
        return;
    end = MIN(MIN(end, first + EXPECT_PAGES), (atomic_load(&cache->size) + PAGE_MASK) >> PAGE_SHIFT);
    while (first < end && kalloc_has_plenty()) {
        struct core_map_entry *page;

        if (page_cache_where(cache, first) == PAGE_ABSENT) {
            if (page_cache_bring_in(cache, first, end - first, &page))
                return;
            frame_put(page);
        }
        first++;
    }
}
