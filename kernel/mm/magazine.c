// SPDX-License-Identifier: MIT
/*
 * magazine.c - free small objects that each CPU keeps for itself.
 *
 * Theory      What a CPU gives back it mostly takes again soon. From its own magazine it does so without the cache's lock, for
 *             which other CPUs may be waiting, and finds the object in its own memory cache. An empty magazine takes half a
 *             load from the cache, a full one gives back half, so that a CPU that takes and gives in turn asks the cache
 *             seldom, wherever it begins. Objects are linked through their first word, as they are in their frames: a
 *             magazine costs 16 bytes.
 * Locking     A rack's lock, then the cache's. Only its CPU takes it, but for the drain, and for a thread that is moved
 *             between the look at its CPU's number and the lock: another CPU's rack does as well.
 * Failure     Taking needs a frame only when the cache does. Giving never fails.
 * Considered  A lock for each magazine: more memory, and no two CPUs meet at a rack's anyhow. No lock, but an interrupt to each CPU to
 *             drain its own: what the lock costs is an exchange in a line that the CPU has.
 */
#include "mm/magazine.h"

#include <stdatomic.h>

#include "arch/x86/cpu.h"
#include "lib/log.h"
#include "mm/slab.h"

struct magazine {
    void *first; // the next in its first word
    uint32_t count;
};

/* A CPU's.    All fields: the lock. */
struct magazine_rack {
    struct spinlock lock;
    struct magazine_counts counts;
    struct magazine magazines[MAGAZINES_MAX]; // by slab_cache.index
};

static struct magazine_rack *racks[MAX_CPUS]; // constant once magazines_in_use
uint64_t magazines_in_use;

__cold void magazines_start(unsigned cpus)
{
    for (unsigned cpu = 0; cpu < cpus; cpu++) {
        racks[cpu] = slab_zalloc(sizeof(struct magazine_rack));
        if (racks[cpu])
            spin_init(&racks[cpu]->lock, "magazines", RANK_MAGAZINES);
    }
    atomic_thread_fence(memory_order_release);
    magazines_in_use = 1;
}

/* This CPU's rack, locked; NULL if it has none. */
static struct magazine_rack *rack_lock(void)
{
    struct magazine_rack *rack = racks[cpu_id()];

    if (likely(rack))
        spin_lock(&rack->lock);
    return rack;
}

static void *pop(struct magazine *magazine)
{
    void *object = magazine->first;

    magazine->first = *(void **)object;
    magazine->count--;
    return object;
}

/* Half a load, or what one frame has of it. => the magazine empty; it stays so without memory */
static void refill(struct slab_cache *cache, struct magazine *magazine)
{
    magazine->count = cache->kept_max / 2;
    magazine->first = slab_cache_take(cache, &magazine->count);
    if (!magazine->first)
        magazine->count = 0;
}

void *magazine_take(struct slab_cache *cache)
{
    uint32_t one = 1;
    struct magazine_rack *rack = rack_lock();
    if (!rack)
        return slab_cache_take(cache, &one);

    struct magazine *magazine = &rack->magazines[cache->index];
    if (magazine->count > 0) {
        rack->counts.hits++;
    } else {
        rack->counts.misses++;
        refill(cache, magazine);
    }
    void *object = magazine->count > 0 ? pop(magazine) : NULL;
    spin_unlock(&rack->lock);
    return object;
}

/* Give objects, the first of a list, back to the cache. */
static void give_back(struct slab_cache *cache, void *object)
{
    struct slab_chain chain = {NULL, NULL, 0};

    for (void *next; object; object = next) {
        next = *(void **)object;
        if (chain.count > 0 && ALIGN_DOWN((vaddr_t)object ^ (vaddr_t)chain.first, PAGE_SIZE))
            slab_cache_give(cache, &chain); // the next frame
        if (chain.count == 0)
            chain.last = object;
        *(void **)object = chain.first;
        chain.first = object;
        chain.count++;
    }
    if (chain.count > 0)
        slab_cache_give(cache, &chain);
}

/* Only the `kept` objects that came last stay. => kept > 0, and fewer than there are */
static void shrink(struct slab_cache *cache, struct magazine *magazine, uint32_t kept)
{
    void **last = magazine->first;

    for (uint32_t i = 1; i < kept; i++)
        last = *last;
    void *older = *last;
    *last = NULL;
    magazine->count = kept;
    give_back(cache, older);
}

void magazine_give(struct slab_cache *cache, void *object)
{
    struct slab_chain one = {object, object, 1};
    struct magazine_rack *rack = rack_lock();
    if (!rack) {
        slab_cache_give(cache, &one);
        return;
    }
    struct magazine *magazine = &rack->magazines[cache->index];
    if (magazine->count < cache->kept_max) {
        rack->counts.hits++;
    } else {
        rack->counts.misses++;
        shrink(cache, magazine, cache->kept_max / 2);
    }
    *(void **)object = magazine->first;
    magazine->first = object;
    magazine->count++;
    spin_unlock(&rack->lock);
}

/* ---- All CPUs' ---- */

/* What follows is for size: it runs seldom. */
#define for_each_rack(rack)                       \
    for (unsigned cpu = 0; cpu < MAX_CPUS; cpu++) \
        if (((rack) = racks[cpu]))

__cold void magazines_drain(struct slab_cache *cache)
{
    struct magazine_rack *rack;

    for_each_rack (rack) {
        struct magazine *magazine = &rack->magazines[cache->index];
        spin_lock(&rack->lock);
        rack->counts.drains += magazine->count > 0;
        give_back(cache, magazine->first);
        *magazine = (struct magazine){NULL, 0};
        spin_unlock(&rack->lock);
    }
}

__cold uint64_t magazines_kept(const struct slab_cache *cache)
{
    struct magazine_rack *rack;
    uint64_t kept = 0;

    for_each_rack (rack) {
        spin_lock(&rack->lock);
        kept += rack->magazines[cache->index].count;
        spin_unlock(&rack->lock);
    }
    return kept;
}

#ifdef DEBUG
bool magazines_have(const struct slab_cache *cache, const void *object)
{
    struct magazine_rack *rack;
    bool found = false;

    for_each_rack (rack) {
        spin_lock(&rack->lock);
        for (void *each = rack->magazines[cache->index].first; each; each = *(void **)each)
            found |= each == object;
        spin_unlock(&rack->lock);
    }
    return found;
}
#endif

__cold struct magazine_counts magazine_counts(void)
{
    struct magazine_counts sum = {0, 0, 0};
    struct magazine_rack *rack;

    for_each_rack (rack) {
        spin_lock(&rack->lock);
        sum.hits += rack->counts.hits;
        sum.misses += rack->counts.misses;
        sum.drains += rack->counts.drains;
        spin_unlock(&rack->lock);
    }
    return sum;
}
