// SPDX-License-Identifier: MIT
/*
 * page_cache_shrink.c - which pages of files leave memory: those that can be read again.
 *
 * Theory      A hand goes from file to file, page to page. A page that was asked for a second time since it came, or since the hand came
 *             by, gets one more round. One that is clean and that nobody maps goes. So a file that is read once from end to end
 *             pushes out itself, and not what is used again and again. Pages that are mapped leave their mappings first (clock.c).
 * Locking     The list of files, then one file's pages: a file in the list is there.
 */
#include "mm/page_cache_private.h"

#include "mm/stat.h"

/* Where the hand is. All: page_caches_lock. */
static struct {
    struct page_cache *cache; // compared only: it may have gone
    uint64_t index;
} hand;

/* Whether a page may go now. => cache->lock held */
static bool may_go(struct core_map_entry *page)
{
    if (page->file.dirty || page->file.writing || frame_refs(page) != 1)
        return false;
    bool referenced = page->file.referenced;
    page->file.referenced = 0;
    return !referenced;
}

/* From hand.index on. => how many went; hand.index is behind the last one looked at, or 0: the file is done */
static unsigned shrink_file(struct page_cache *cache, unsigned target)
{
    struct core_map_entry *page;
    unsigned freed = 0;

    spin_lock(&cache->lock);
    while (freed < target && (page = radix_next(&cache->pages, &hand.index))) {
        vm_count(VM_PGSCAN);
        if (may_go(page)) {
            frame_put(page_cache_remove_locked(cache, hand.index));
            vm_count(VM_PGSTEAL);
            freed++;
        }
        hand.index++;
    }
    if (freed < target)
        hand.index = 0;
    spin_unlock(&cache->lock);
    return freed;
}

/* Files at the list's front until `target` pages went or all have been met once; a file that is done goes to the end. */
static unsigned shrink_round(unsigned target)
{
    struct page_cache *first = NULL;
    unsigned freed = 0;

    spin_lock(&page_caches_lock);
    while (freed < target && !list_empty(&page_caches)) {
        struct page_cache *cache = list_first_entry(&page_caches, struct page_cache, link);
        if (cache == first)
            break;
        if (!first)
            first = cache;
        if (hand.cache != cache)
            hand.index = 0;
        hand.cache = cache;
        if (cache->ops && cache->ops->write) // it is kept elsewhere
            freed += shrink_file(cache, target - freed);
        if (hand.index == 0) {
            list_remove(&cache->link);
            list_add_tail(&page_caches, &cache->link);
        }
    }
    spin_unlock(&page_caches_lock);
    return freed;
}

unsigned page_caches_shrink(unsigned target)
{
    unsigned freed = shrink_round(target);

    return freed ? freed : shrink_round(target); // the first round may only have taken marks away
}
