// SPDX-License-Identifier: MIT
/*
 * page_cache_private.h - what an index of a page cache leads to, and the list of all caches: between the files page_cache*.c.
 */
#ifndef MM_PAGE_CACHE_PRIVATE_H
#define MM_PAGE_CACHE_PRIVATE_H

#include "mm/page_cache.h"
#include "sync/wait.h"

extern struct spinlock page_caches_lock;
extern struct list page_caches; // page_caches_lock

extern struct wait_queue page_cache_settled; // some page is no longer being written, or on its way from or to swap

/* Let a frame know that it is page `index` of the cache. => cache->lock held */
void page_cache_own(struct page_cache *cache, uint64_t index, struct core_map_entry *page);

/* page_cache_insert. => cache->lock held */
__must_check int page_cache_insert_locked(struct page_cache *cache, uint64_t index, struct core_map_entry *page);

/*
 * Bring page `index` in, which was absent, and perhaps some behind it: `wanted` pages will be asked for at least (page_cache_fill.c).
 *
 * => may sleep; 0: it has a reference for the caller; -EAGAIN: look again; -ENOMEM, or what fill returned
 */
__must_check int page_cache_bring_in(struct page_cache *cache, uint64_t index, uint64_t wanted, struct core_map_entry **page);

/* Take page `index` out of the cache with the cache's reference, which becomes the caller's; NULL: it is not there. => cache->lock held */
struct core_map_entry *page_cache_remove_locked(struct page_cache *cache, uint64_t index);

/*
 * ---- Pages in swap (page_cache_swap.c) ----
 *
 * An index leads to a frame, to nothing, or, marked by the lowest bit, to the slot that the page is in. It is busy while the page is on its
 * way: then only who has marked it so may change it. All: cache->lock held.
 */
#define ENTRY_SLOT 1u
#define ENTRY_BUSY 2u
#define ENTRY_SHIFT 2

static_assert(_Alignof(struct core_map_entry) > (ENTRY_SLOT | ENTRY_BUSY), "a frame's entry is none of a slot");

static inline bool entry_is_slot(const void *entry)
{
    return (uintptr_t)entry & ENTRY_SLOT;
}

static inline bool entry_is_busy(const void *entry)
{
    return (uintptr_t)entry & ENTRY_BUSY;
}

static inline uint32_t entry_slot(const void *entry)
{
    return (uint32_t)((uintptr_t)entry >> ENTRY_SHIFT);
}

static inline void *entry_for_slot(uint32_t slot, bool busy)
{
    return (void *)((uintptr_t)slot << ENTRY_SHIFT | ENTRY_SLOT | (busy ? ENTRY_BUSY : 0));
}

/* Bring a page back that is in swap, or wait while it is on its way. => sleeps; 0: look again; -ENOMEM, -EIO */
__must_check int page_cache_swap_in(struct page_cache *cache, uint64_t index);

/* Forget a page that is in swap, if it is still. => no lock held */
void page_cache_drop_slot(struct page_cache *cache, uint64_t index);

#endif
