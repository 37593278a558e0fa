// SPDX-License-Identifier: MIT
/*
 * magazine.h - free small objects that each CPU keeps for itself.
 *
 * A magazine has free objects of one cache for one CPU, at most MAGAZINE_BYTES of them (or two); a CPU's magazines lie in
 * its rack. There are none while one CPU runs: then there is nobody to keep apart from, and they would only take memory.
 */
#ifndef MM_MAGAZINE_H
#define MM_MAGAZINE_H

#include "lib/types.h"

struct slab_cache;

#define MAGAZINES_MAX 40 // caches that there can be
#define MAGAZINE_BYTES 2048
#define MAGAZINE_OBJECTS_MAX 32

/* Whether there are racks: not 0 from magazines_start on. Who sees it late only asks the cache. */
extern uint64_t magazines_in_use;

/*
 * Give each of the first `cpus` CPUs a rack. A CPU that got none, for want of memory, does without.
 *
 * => once, when the CPUs have started
 */
void magazines_start(unsigned cpus);

/* How many objects of this size a CPU may keep. */
static inline uint8_t magazine_kept_max(size_t size)
{
    return MIN(MAX(MAGAZINE_BYTES / size, (size_t)2), (size_t)MAGAZINE_OBJECTS_MAX);
}

/* An object from this CPU's magazine, which is filled from the cache when it is empty. NULL: no memory. => magazines_in_use */
__must_check void *magazine_take(struct slab_cache *cache);

/* Put an object into this CPU's magazine; the older half of a full one goes to the cache. => magazines_in_use */
void magazine_give(struct slab_cache *cache, void *object);

/* Give the objects of a cache that CPUs keep back to it. */
void magazines_drain(struct slab_cache *cache);

/* How many objects of a cache CPUs keep, and (in debug builds) whether this is one of them. */
uint64_t magazines_kept(const struct slab_cache *cache);
bool magazines_have(const struct slab_cache *cache, const void *object);

/* Times that an object was taken from a magazine or put into one; that the cache was asked as well; magazines drained. */
struct magazine_counts {
    uint64_t hits, misses, drains;
};
struct magazine_counts magazine_counts(void);

#endif
