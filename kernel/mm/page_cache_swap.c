// SPDX-License-Identifier: MIT
/*
 * page_cache_swap.c - pages of files that are kept nowhere else (tmpfs, shared anonymous memory, System V segments) in swap.
 *
 * Theory      Such a page leaves in two steps. The clock takes it out of the mappings, as it does with a page of a file on a disk. When nobody
 *             but the cache holds the frame, the cache's index comes to lead to a slot instead, and the frame is written there and
 *             goes. Who asks for the page next reads it into a new frame, and the slot is free again.
 *
 *                 index --> frame (refs 1)     index --> slot, busy     index --> slot     index --> slot, busy     index --> frame
 *                                              a frame is written                          a frame is read
 *
 *             No frame is in the cache and in a slot at once, and a slot has no holder but the index: so the swap cache, which anonymous
 *             pages need because several leaves come to hold a slot one after the other, has no part in this.
 *             Where no mapping has the page, a hand goes from file to file, as page_cache_shrink.c's does; a page that was asked for since
 *             the hand came by gets one more round.
 * Invariants  I20 A slot's holders are the infos and the indexes of page caches that lead to it, and the swap cache.
 * Locking     swap_lock, then cache->lock, both for what changes slots; the second one alone finds, and marks as busy. Nobody can take a
 *             reference of a frame that only the cache holds without cache->lock. Nothing is held while a device is waited for but the
 *             mark: who meets it waits for it to go, with whatever locks it has, for who set it needs none of them. A cache whose index is
 *             busy stays, for who drops its pages waits as well (drop_pages).
 * Failure     No slot: the page stays. It cannot be written: the index leads to the frame again, as if the page had just been asked for. It cannot be read, or there is no frame:
 *             -EIO, -ENOMEM to who asked; the slot keeps it.
 * Considered  Keeping the slot of a page that came back, as anonymous ones do: it saves writing a page again that was only read, and takes
 *             a word that core_map_entry does not have, and a mark for each way in which the page can be written to.
 */
#include "lib/errno.h"
#include "mm/kalloc.h"
#include "mm/page_cache_private.h"
#include "mm/reclaim.h"
#include "mm/stat.h"
#include "mm/swap_private.h"

#define LOOKS 1024u       // pages that are looked at before locks are given up for a moment
#define LOOKS_LEAST 4096u // in one round,
#define LOOKS_EACH 16u    // or so many for each page that is wanted: the hand goes on there the next time

struct wait_queue page_cache_settled = WAIT_QUEUE_INIT(page_cache_settled);

static struct {
    struct page_cache *cache; // compared only: it may have gone
    uint64_t index;
} hand; // page_caches_lock

bool page_cache_may_swap(const struct page_cache *cache)
{
    return cache->ops && cache->ops->may_swap && cache->ops->may_swap(cache);
}

bool page_cache_swaps(const struct page_cache *cache)
{
    (void)cache;
    return true;
}

enum page_place page_cache_where(struct page_cache *cache, uint64_t index)
{
    spin_lock(&cache->lock);
    const void *entry = radix_find(&cache->pages, index);
    spin_unlock(&cache->lock);
    return !entry ? PAGE_ABSENT : entry_is_slot(entry) ? PAGE_IN_SWAP : PAGE_IN_MEMORY;
}

/* ---- Out ---- */

/* Let the index of a page lead to a slot. => both locks held, `refs` are all there are; true: the cache's reference is the caller's */
static bool take_out(struct page_cache *cache, struct core_map_entry *page, uint32_t refs)
{
    uint32_t slot = frame_refs(page) == refs ? slot_take() : 0;

    if (!slot)
        return false;
    slot_find(slot)->pfn = SLOT_OF_FILE;
    radix_replace(&cache->pages, page->file.index, entry_for_slot(slot, true));
    cache->swapped++;
    return true;
}

bool page_cache_unmapped(struct page_cache *cache, uint64_t index, struct core_map_entry *page)
{
    bool out = false;

    if (frame_refs(page) == 2 && page_cache_may_swap(cache)) {
        spin_lock(&swap_lock);
        spin_lock(&cache->lock);
        out = radix_find(&cache->pages, index) == page && take_out(cache, page, 2);
        spin_unlock(&cache->lock);
        spin_unlock(&swap_lock);
    }
    frame_put(page);
    return out;
}

static uint32_t slot_of_leaving(const struct core_map_entry *page)
{
    struct page_cache *cache = page->file.cache;

    spin_lock(&cache->lock);
    uint32_t slot = entry_slot(radix_find(&cache->pages, page->file.index));
    spin_unlock(&cache->lock);
    return slot;
}

/* The page has been written, or could not be. The cache may go as soon as its lock is given up. */
static void end_out(struct core_map_entry *page, uint32_t slot, bool written)
{
    struct page_cache *cache = page->file.cache;

    spin_lock(&swap_lock);
    spin_lock(&cache->lock);
    radix_replace(&cache->pages, page->file.index, written ? entry_for_slot(slot, false) : page);
    if (!written) {
        page->file.referenced = 1; // not at once again
        cache->swapped--;
        slot_release(slot);
    }
    spin_unlock(&cache->lock);
    spin_unlock(&swap_lock);
    if (written)
        frame_put(page);
}

/* Write pages whose slots follow each other. => how many could not be */
static unsigned write_run(struct core_map_entry *const *pages, uint32_t first, unsigned count)
{
    void *contents[SWAP_CLUSTER];
    unsigned failed = 0;

    for (unsigned i = 0; i < count; i++)
        contents[i] = page2kva(pages[i]);
    uint32_t written = swap_device_write(first, contents, count, false);
    for (unsigned i = 0; i < count; i++) {
        end_out(pages[i], first + i, written >> i & 1);
        failed += !(written >> i & 1);
    }
    wake_all(&page_cache_settled);
    return failed;
}

unsigned page_cache_write_out(struct core_map_entry *const *pages, unsigned count)
{
    unsigned failed = 0;

    for (unsigned first = 0, end; first < count; first = end) {
        uint32_t slot = slot_of_leaving(pages[first]);
        for (end = first + 1; end < count && end - first < SWAP_CLUSTER; end++)
            if (slot_of_leaving(pages[end]) != slot + (end - first))
                break;
        failed += write_run(&pages[first], slot, end - first);
    }
    return failed;
}

/* ---- Out, where nobody maps them ---- */

/* One walk around all files. */
struct swap_round {
    unsigned left;  // files that it has still to meet
    unsigned looks; // that it may take before it gives up the locks
    unsigned count; // pages taken out
    struct core_map_entry *pages[SWAP_CLUSTER];
};

/* From hand.index on. => whether the file is done; all three locks held */
static bool choose_from(struct page_cache *cache, struct swap_round *round)
{
    void *entry;

    while ((entry = radix_next(&cache->pages, &hand.index))) {
        if (round->looks == 0 || round->count == SWAP_CLUSTER)
            return false;
        round->looks--;
        struct core_map_entry *page = entry;
        if (!entry_is_slot(entry) && frame_refs(page) == 1) {
            vm_count(VM_PGSCAN);
            bool referenced = page->file.referenced;
            page->file.referenced = 0;
            if (!referenced && take_out(cache, page, 1))
                round->pages[round->count++] = page;
        }
        hand.index++;
    }
    return true;
}

/* => whether the round goes on; round->pages are to be written */
static bool choose(struct swap_round *round)
{
    round->looks = LOOKS;
    round->count = 0;
    spin_lock(&swap_lock);
    spin_lock(&page_caches_lock);
    while (round->left > 0 && round->looks > 0 && round->count < SWAP_CLUSTER && !list_empty(&page_caches)) {
        struct page_cache *cache = list_first_entry(&page_caches, struct page_cache, link);
        if (hand.cache != cache)
            hand.index = 0;
        hand.cache = cache;
        spin_lock(&cache->lock);
        bool done = !page_cache_may_swap(cache) || choose_from(cache, round);
        spin_unlock(&cache->lock);
        if (!done)
            continue;
        list_remove(&cache->link);
        list_add_tail(&page_caches, &cache->link);
        hand.cache = NULL;
        round->left--;
    }
    bool more = round->left > 0;
    spin_unlock(&page_caches_lock);
    spin_unlock(&swap_lock);
    return more;
}

static unsigned count_caches(void)
{
    struct page_cache *cache;
    unsigned count = 0;

    spin_lock(&page_caches_lock);
    list_for_each_entry(cache, &page_caches, link)
        count++;
    spin_unlock(&page_caches_lock);
    return count;
}

static unsigned swap_round(unsigned target)
{
    struct swap_round round = {.left = count_caches()};
    unsigned gone = 0, turns = MAX(LOOKS_LEAST, MIN(target, UINT32_MAX / LOOKS_EACH) * LOOKS_EACH) / LOOKS;
    bool more = true;

    for (; more && turns > 0 && gone < target && swap_has_room(); turns -= round.looks == 0) {
        more = choose(&round);
        gone += round.count - page_cache_write_out(round.pages, round.count);
    }
    vm_count_n(VM_PGSTEAL, gone);
    return gone;
}

unsigned page_caches_swap_out(unsigned target)
{
    unsigned gone = swap_round(target);

    return gone ? gone : swap_round(target); // the first round may only have taken marks away
}

/* ---- In ---- */

/* Read a page whose index is busy for us. => 0 or -EIO; `page` is used up */
static int read_in(struct page_cache *cache, uint64_t index, uint32_t slot, struct core_map_entry *page)
{
    void *content = page2kva(page);
    int error = swap_device_read(slot, &content, 1);

    spin_lock(&swap_lock);
    spin_lock(&cache->lock);
    if (error) {
        radix_replace(&cache->pages, index, entry_for_slot(slot, false));
    } else {
        page_cache_own(cache, index, page);
        radix_replace(&cache->pages, index, page);
        cache->swapped--;
        slot_release(slot);
    }
    spin_unlock(&cache->lock);
    spin_unlock(&swap_lock);
    wake_all(&page_cache_settled);
    if (error)
        frame_put(page);
    return error;
}

/* What an index leads to now; if that is a slot that nobody is busy with, the caller is from now on. */
static void *begin_in(struct page_cache *cache, uint64_t index)
{
    spin_lock(&cache->lock);
    void *entry = radix_find(&cache->pages, index);
    if (entry_is_slot(entry) && !entry_is_busy(entry))
        radix_replace(&cache->pages, index, entry_for_slot(entry_slot(entry), true));
    spin_unlock(&cache->lock);
    return entry;
}

int page_cache_swap_in(struct page_cache *cache, uint64_t index)
{
    struct core_map_entry *page = frame_alloc(FRAME_FILE);
    if (!page)
        return -ENOMEM;
    void *entry = begin_in(cache, index);
    if (entry_is_slot(entry) && !entry_is_busy(entry))
        return read_in(cache, index, entry_slot(entry), page);
    frame_put(page);
    page_cache_wait_written(cache, index);
    return 0;
}

void page_cache_drop_slot(struct page_cache *cache, uint64_t index)
{
    spin_lock(&swap_lock);
    spin_lock(&cache->lock);
    const void *entry = radix_find(&cache->pages, index);
    if (entry_is_slot(entry) && !entry_is_busy(entry)) {
        (void)radix_remove(&cache->pages, index);
        atomic_fetch_sub_explicit(&cache->count, 1, memory_order_relaxed);
        cache->swapped--;
        slot_release(entry_slot(entry));
    }
    spin_unlock(&cache->lock);
    spin_unlock(&swap_lock);
}

/* ---- Areas that go ---- */

/* Where swapoff is, and what it has found there and is busy with. */
struct area_walk {
    int area;
    struct page_cache *cache;
    uint64_t index;
    uint32_t slot;
};

/* The next page of a file that is in the area and that nobody is busy with. => false: none is behind `from` */
static bool find_in_file(struct page_cache *cache, uint64_t from, struct area_walk *walk)
{
    const void *entry = NULL;
    bool found = false;

    spin_lock(&cache->lock);
    while (cache->swapped > 0 && !found && (entry = radix_next(&cache->pages, &from))) {
        found = entry_is_slot(entry) && !entry_is_busy(entry) && swap_slot_in(entry_slot(entry), walk->area);
        from += !found;
    }
    if (found) {
        radix_replace(&cache->pages, from, entry_for_slot(entry_slot(entry), true));
        walk->cache = cache;
        walk->index = from;
        walk->slot = entry_slot(entry);
    }
    spin_unlock(&cache->lock);
    return found;
}

static bool find_in_files(struct area_walk *walk)
{
    struct page_cache *cache;
    bool found = false;

    spin_lock(&page_caches_lock);
    list_for_each_entry(cache, &page_caches, link) {
        found = find_in_file(cache, cache == walk->cache ? walk->index : 0, walk);
        if (found)
            break;
    }
    spin_unlock(&page_caches_lock);
    return found;
}

/* => NULL: there is none, and none to be had */
static struct core_map_entry *frame_for_reading(void)
{
    struct core_map_entry *page = frame_alloc(FRAME_FILE);

    for (unsigned i = 0; !page && i < reclaim_attempts() && reclaim(); i++)
        page = frame_alloc(FRAME_FILE);
    return page;
}

int page_caches_bring_back(int area, bool (*stop)(void))
{
    struct area_walk walk = {.area = area};
    int error = 0;

    while (!error) {
        struct core_map_entry *page = stop() ? NULL : frame_for_reading();
        if (!page)
            return stop() ? -EINTR : -ENOMEM;
        if (!find_in_files(&walk)) {
            frame_put(page);
            return 0;
        }
        error = read_in(walk.cache, walk.index, walk.slot, page);
    }
    return error;
}

/* ---- For verify ---- */

void page_caches_for_each_slot(void (*visit)(uint32_t slot, void *arg), void *arg)
{
    struct page_cache *cache;
    void *entry;

    spin_lock(&page_caches_lock);
    list_for_each_entry(cache, &page_caches, link) {
        spin_lock(&cache->lock);
        for (uint64_t index = 0; cache->swapped > 0 && (entry = radix_next(&cache->pages, &index)); index++)
            if (entry_is_slot(entry))
                visit(entry_slot(entry), arg);
        spin_unlock(&cache->lock);
    }
    spin_unlock(&page_caches_lock);
}

__cold uint64_t page_cache_count_swapped(struct page_cache *cache, uint64_t first, uint64_t end)
{
    uint64_t count = 0;
    const void *entry;

    spin_lock(&cache->lock);
    for (; cache->swapped && (entry = radix_next(&cache->pages, &first)) && first < end; first++)
        count += entry_is_slot(entry);
    spin_unlock(&cache->lock);
    return count;
}
