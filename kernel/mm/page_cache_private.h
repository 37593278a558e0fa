// SPDX-License-Identifier: MIT
/*
 * page_cache_private.h - the list of all page caches, between page_cache.c and page_cache_shrink.c.
 */
#ifndef MM_PAGE_CACHE_PRIVATE_H
#define MM_PAGE_CACHE_PRIVATE_H

#include "mm/page_cache.h"

extern struct spinlock page_caches_lock;
extern struct list page_caches; // page_caches_lock

/* Take page `index` out of the cache with the cache's reference, which becomes the caller's; NULL: it is not there. => cache->lock held */
struct core_map_entry *page_cache_remove_locked(struct page_cache *cache, uint64_t index);

#endif
