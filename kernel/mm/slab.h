// SPDX-License-Identifier: MIT
/*
 * slab.h - small kernel objects, several to a frame.
 *
 * A cache hands out objects of one size. Each of its frames begins with a header and a list of free objects; frames that
 * empty go back to kalloc, but for one that is kept. Where several CPUs run, each keeps some free objects for itself
 * (magazine.h). Like kalloc: an answer at once, never from an interrupt.
 */
#ifndef MM_SLAB_H
#define MM_SLAB_H

#include "lib/list.h"
#include "lib/types.h"
#include "sync/spinlock.h"

/* Objects of one size.    Fields: (c) constant  (l) lock */
struct slab_cache {
    struct spinlock lock;
    uint8_t index;        // (c) its place in each CPU's rack of magazines
    uint8_t kept_max;     // (c) free objects that a CPU may keep
    const char *name;     // (c)
    uint32_t size;        // (c) bytes per object, rounded up to 16
    uint32_t per_frame;   // (c) objects in one frame
    struct list partial;  // (l) frames with a free object
    struct list full;     // (l) frames without
    void *spare;          // (l) one empty frame, kept
    struct list link;     // all caches
};

/* Make a cache ready. => once, before its first use; `size` <= SLAB_MAX */
void slab_cache_init(struct slab_cache *cache, const char *name, size_t size);

__must_check void *slab_cache_alloc(struct slab_cache *cache);
void slab_cache_free(struct slab_cache *cache, void *object);

/*
 * For who takes or gives many: up to `*count` objects of one frame for one turn at the lock, each holding the address of the next in its
 * first word, NULL in the last. => the first, *count being how many came; NULL: no memory
 */
__must_check void *slab_cache_alloc_chain(struct slab_cache *cache, uint32_t *count);

/* Objects of one frame that are to be given back in one go. All zero: none. */
struct slab_chain {
    void *first, *last;
    uint32_t count;
};

/* Give them back, and empty the chain. => not empty */
void slab_cache_free_chain(struct slab_cache *cache, struct slab_chain *chain);

/* Put an object before those in the chain, which go to the cache first if they are of another frame. */
static inline void slab_chain_add(struct slab_cache *cache, struct slab_chain *chain, void *object)
{
    if (((uintptr_t)chain->first ^ (uintptr_t)object) >> PAGE_SHIFT) {
        if (chain->count)
            slab_cache_free_chain(cache, chain);
        chain->last = object;
    }
    *(void **)object = chain->first;
    chain->first = object;
    chain->count++;
}

/* Like malloc, calloc and free. 1 <= size <= SLAB_MAX; NULL: no memory. slab_free(NULL) does nothing. */
#define SLAB_MAX 2016
__must_check void *slab_alloc(size_t size);
__must_check void *slab_zalloc(size_t size);
void slab_free(void *object);

/* Make the caches behind slab_alloc. => once, at boot, after kalloc */
void slab_init(void);

/* Give what CPUs keep back to the caches, and spare frames to kalloc (drop_caches). */
void slab_drain(void);

/* What a cache holds: frames, and objects of theirs that somebody has. */
struct slab_usage {
    uint64_t frames, used;
};

/* Each cache, one after the other; while others take and give, what CPUs keep may be counted as used. */
void slab_for_each(void (*visit)(const struct slab_cache *cache, const struct slab_usage *usage, void *arg), void *arg);

/* ---- For magazine.c: past the magazines, the knob that lets allocations fail, and the checks of debug builds ---- */

__must_check void *slab_cache_take(struct slab_cache *cache, uint32_t *count);
void slab_cache_give(struct slab_cache *cache, struct slab_chain *chain);

#endif
