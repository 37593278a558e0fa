// SPDX-License-Identifier: MIT
/*
 * slab.c - small objects in frames of one size each.
 *
 * Theory      A frame begins with a header; the rest is objects. Free objects form a list through their first word. An
 *             object's frame, and so its cache, is found by rounding its address down.
 * Locking     The cache's lock; then kalloc's. Where several CPUs run, most requests are met from magazines (magazine.c).
 * Failure     NULL when a frame was needed and there is none.
 * Debug       A free object carries a mark in its second word, so that a double free and a write after free are seen.
 */
#include "mm/slab.h"

#include "lib/log.h"
#include "lib/string.h"
#include "mm/fail.h"
#include "mm/kalloc.h"
#include "mm/magazine.h"
#include "mm/slab_guard.h"

#define FREE_MARK 0xdeadf4eedeadf4eeull

/* The beginning of each frame. All fields: the cache's lock. */
struct slab_frame {
    struct list link; // partial or full
    struct slab_cache *cache;
    struct free_object *free;
    uint32_t used;
};

struct free_object {
    struct free_object *next;
    uint64_t mark;
};

#define FIRST_OBJECT ALIGN_UP(sizeof(struct slab_frame), (size_t)16)

/* Sizes behind slab_alloc: what divides a frame well. */
static const uint16_t class_sizes[] = {16, 32, 48, 64, 96, 112, 128, 192, 256, 336, 448, 576, 672, 1008, 1344, SLAB_MAX};
static struct slab_cache classes[ARRAY_SIZE(class_sizes)];
static uint8_t class_of[SLAB_MAX / 16 + 1]; // by size in units of 16, rounded up

static struct list caches = LIST_INIT(caches); // grows at boot only
static unsigned cache_count;

static struct slab_frame *frame_of(const void *object)
{
    return (struct slab_frame *)ALIGN_DOWN((vaddr_t)object, PAGE_SIZE);
}

__cold void slab_cache_init(struct slab_cache *cache, const char *name, size_t size)
{
    ASSERT(size > 0 && size <= SLAB_MAX && cache_count < MAGAZINES_MAX);
    spin_init(&cache->lock, name, RANK_SLAB);
    cache->name = name;
    cache->size = ALIGN_UP(size, (size_t)16) + SLAB_GUARD_SIZE;
    cache->per_frame = (PAGE_SIZE - FIRST_OBJECT) / cache->size;
    cache->index = cache_count++;
    cache->kept_max = magazine_kept_max(cache->size);
    cache->spare = NULL;
    list_init(&cache->partial);
    list_init(&cache->full);
    list_add_tail(&caches, &cache->link);
}

static void mark_free(struct free_object *object)
{
#ifdef DEBUG
    object->mark = FREE_MARK;
#else
    (void)object;
#endif
}

#ifdef DEBUG
static bool is_free(struct slab_cache *cache, const struct free_object *object)
{
    bool found = false;

    spin_lock(&cache->lock);
    for (const struct free_object *free = frame_of(object)->free; free; free = free->next)
        found |= free == object;
    spin_unlock(&cache->lock);
    return found || magazines_have(cache, object);
}
#endif

/* Objects that are being given back: none is free yet. From here on they are marked so. */
static void check_are_used(struct slab_cache *cache, const struct slab_chain *chain, const void *caller)
{
#ifdef DEBUG
    struct free_object *object = chain->first;

    ASSERT(frame_of(chain->last)->cache == cache);
    for (uint32_t i = 0; i < chain->count; i++) {
        slab_guard_check(cache, object, (char *)frame_of(object) + FIRST_OBJECT, caller);
        if (object->mark == FREE_MARK && is_free(cache, object))
            panic("slab %s: object %p freed twice, now at %p", cache->name, (const void *)object, caller);
        mark_free(object);
        object = object->next;
    }
#else
    (void)cache, (void)chain, (void)caller;
#endif
}

/* A frame of free objects, linked from the lowest up. NULL: no memory. => cache->lock held */
static struct slab_frame *slab_frame_create(struct slab_cache *cache)
{
    struct core_map_entry *page = frame_alloc(FRAME_SLAB);
    if (!page)
        return NULL;
    struct slab_frame *frame = page2kva(page);
    frame->cache = cache;
    frame->used = 0;
    frame->free = (void *)((char *)frame + FIRST_OBJECT);
    struct free_object *object = frame->free, *last = (void *)((char *)object + (cache->per_frame - 1) * cache->size);
    for (; object < last; object = object->next) {
        object->next = (void *)((char *)object + cache->size);
        mark_free(object);
    }
    last->next = NULL;
    mark_free(last);
    slab_guard_frame((char *)frame + FIRST_OBJECT, (char *)frame + PAGE_SIZE);
    list_add_head(&cache->partial, &frame->link);
    return frame;
}

/* A frame with a free object: a partial one, the spare one, or a new one. => cache->lock held */
static struct slab_frame *slab_frame_find(struct slab_cache *cache)
{
    if (!list_empty(&cache->partial))
        return list_first_entry(&cache->partial, struct slab_frame, link);
    struct slab_frame *frame = cache->spare;
    if (!frame)
        return slab_frame_create(cache);
    cache->spare = NULL;
    list_add_head(&cache->partial, &frame->link);
    return frame;
}

/* Unlink up to `*count` free objects of a frame that has some, and say how many. => cache->lock held */
static inline __attribute__((always_inline)) struct free_object *take_objects(struct slab_cache *cache, struct slab_frame *frame,
                                                        uint32_t *count)
{
    struct free_object *first = frame->free, *last = first;
    uint32_t free = cache->per_frame - frame->used, taken = MIN(*count, free);

    if (taken == free) {
        frame->free = NULL;
        list_remove(&frame->link);
        list_add_head(&cache->full, &frame->link);
    } else {
        for (uint32_t i = 1; i < taken; i++)
            last = last->next;
        frame->free = last->next;
        last->next = NULL;
    }
    frame->used += taken;
    *count = taken;
    return first;
}

/* An object that is being handed out, if there is one: nobody has written to it. From here on it is not marked as free. */
static void check_was_free(const struct slab_cache *cache, struct free_object *object)
{
#ifdef DEBUG
    if (!object)
        return;
    if (object->mark != FREE_MARK)
        panic("slab %s: object %p was written to after it was freed", cache->name, (void *)object);
    object->mark = 0;
    slab_guard_take(cache, object);
#else
    (void)cache, (void)object;
#endif
}

static void check_were_free(const struct slab_cache *cache, struct free_object *first)
{
#ifdef DEBUG
    for (; first; first = first->next)
        check_was_free(cache, first);
#else
    (void)cache, (void)first;
#endif
}

/* A copy for one object, the usual case, and one for chains. */
static inline __attribute__((always_inline)) void *chain_take(struct slab_cache *cache, uint32_t *count)
{
    spin_lock(&cache->lock);
    struct slab_frame *frame = slab_frame_find(cache);
    struct free_object *first = frame ? take_objects(cache, frame, count) : NULL;
    spin_unlock(&cache->lock);
    return first;
}

void *slab_cache_take(struct slab_cache *cache, uint32_t *count)
{
    return chain_take(cache, count);
}

void *slab_cache_alloc_chain(struct slab_cache *cache, uint32_t *count)
{
    if (fail_now())
        return NULL;
    struct free_object *first = slab_cache_take(cache, count);
    check_were_free(cache, first);
    return first;
}

/* Several CPUs run, or one of the next allocations is to fail. */
static __attribute__((noinline)) void *alloc_otherwise(struct slab_cache *cache)
{
    uint32_t one = 1;

    if (fail_now())
        return NULL;
    void *object = magazines_in_use ? magazine_take(cache) : slab_cache_take(cache, &one);
    check_was_free(cache, object);
    return object;
}

void *slab_cache_alloc(struct slab_cache *cache)
{
    uint32_t one = 1;

    if (unlikely(fail_armed() | magazines_in_use)) // one test for both
        return alloc_otherwise(cache);
    struct free_object *object = chain_take(cache, &one);
    check_was_free(cache, object);
    return object;
}

/* Put an empty frame aside, or give it back if there is one aside already. => cache->lock held */
static void slab_frame_retire(struct slab_cache *cache, struct slab_frame *frame)
{
    list_remove(&frame->link);
    if (!cache->spare)
        cache->spare = frame;
    else
        frame_put(kva2page(frame));
}

static inline __attribute__((always_inline)) void chain_give(struct slab_cache *cache, const struct slab_chain *chain)
{
    struct free_object *last = chain->last;
    struct slab_frame *frame = frame_of(last);

    spin_lock(&cache->lock);
    struct free_object *free = frame->free;
    if (!free) {
        list_remove(&frame->link);
        list_add_head(&cache->partial, &frame->link);
    }
    last->next = free;
    frame->free = chain->first;
    frame->used -= chain->count;
    if (frame->used == 0)
        slab_frame_retire(cache, frame);
    spin_unlock(&cache->lock);
}

void slab_cache_give(struct slab_cache *cache, struct slab_chain *chain)
{
    chain_give(cache, chain);
    *chain = (struct slab_chain){NULL, NULL, 0};
}

static inline __attribute__((always_inline)) void give_one(struct slab_cache *cache, void *object)
{
    const struct slab_chain one = {object, object, 1};

    if (magazines_in_use)
        magazine_give(cache, object);
    else
        chain_give(cache, &one);
}

/* With guards: one after the other, by way of the quarantine, from which objects of other frames come. */
static void give_each(struct slab_cache *cache, struct slab_chain *chain)
{
    for (void *object = chain->first, *next; object; object = next) {
        struct slab_cache *from = cache;

        next = *(void **)object;
        if (!slab_guard_keep(&from, &object))
            give_one(from, object);
    }
    *chain = (struct slab_chain){NULL, NULL, 0};
}

void slab_cache_free_chain(struct slab_cache *cache, struct slab_chain *chain)
{
    check_are_used(cache, chain, __builtin_return_address(0));
    if (SLAB_GUARD_SIZE)
        give_each(cache, chain);
    else
        slab_cache_give(cache, chain);
}

void slab_cache_free(struct slab_cache *cache, void *object)
{
    const struct slab_chain one = {object, object, 1};

    check_are_used(cache, &one, __builtin_return_address(0));
    if (!slab_guard_keep(&cache, &object))
        give_one(cache, object);
}

void *slab_alloc(size_t size)
{
    ASSERT(size > 0 && size <= SLAB_MAX);
    struct slab_cache *cache = &classes[class_of[(size + 15) / 16]];
    void *object = slab_cache_alloc(cache);

    if (SLAB_GUARD_SIZE && object)
        slab_guard_trim(cache, object, size);
    return object;
}

void *slab_zalloc(size_t size)
{
    void *object = slab_alloc(size);

    if (object)
        memset(object, 0, size);
    return object;
}

void slab_free(void *object)
{
    if (!object)
        return;
    ASSERT(frame_kind(kva2page(object)) == FRAME_SLAB);
    slab_cache_free(frame_of(object)->cache, object);
}

__cold void slab_init(void)
{
    size_t size = 0;

    for (unsigned i = 0; i < ARRAY_SIZE(class_sizes); i++) {
        slab_cache_init(&classes[i], "general", class_sizes[i]);
        for (; size <= class_sizes[i]; size += 16)
            class_of[size / 16] = i;
    }
}

__cold void slab_drain(void)
{
    struct slab_cache *cache;
    void *object;

    while (slab_guard_release(&cache, &object))
        give_one(cache, object);
    list_for_each_entry(cache, &caches, link) {
        magazines_drain(cache);
        spin_lock(&cache->lock);
        void *spare = cache->spare;
        cache->spare = NULL;
        spin_unlock(&cache->lock);
        if (spare)
            frame_put(kva2page(spare));
    }
}

static void count_frames(const struct list *frames, struct slab_usage *usage)
{
    const struct slab_frame *frame;

    list_for_each_entry(frame, frames, link) {
        usage->frames++;
        usage->used += frame->used;
    }
}

__cold void slab_for_each(void (*visit)(const struct slab_cache *cache, const struct slab_usage *usage, void *arg), void *arg)
{
    struct slab_cache *cache;

    list_for_each_entry(cache, &caches, link) {
        uint64_t kept = magazines_kept(cache);
        struct slab_usage usage = {0, 0};
        spin_lock(&cache->lock);
        count_frames(&cache->partial, &usage);
        count_frames(&cache->full, &usage);
        usage.frames += cache->spare != NULL;
        spin_unlock(&cache->lock);
        usage.used -= MIN(kept, usage.used);
        visit(cache, &usage, arg);
    }
}

#ifdef SANITIZE
struct slab_cache *slab_cache_of(const void *object)
{
    return frame_of(object)->cache;
}

vaddr_t slab_first_object(vaddr_t va)
{
    return ALIGN_DOWN(va, PAGE_SIZE) + FIRST_OBJECT;
}
#endif
