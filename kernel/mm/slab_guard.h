// SPDX-License-Identifier: MIT
/*
 * slab_guard.h - what slab.c does for the address sanitizer; nothing, in a kernel without it.
 *
 * Behind each object lie SLAB_GUARD_SIZE bytes that nobody may touch. They hold a note of who took and gave back the object.
 * An object that is given back stays in a quarantine, poisoned, until enough others have followed it.
 */
#ifndef MM_SLAB_GUARD_H
#define MM_SLAB_GUARD_H

#include "lib/types.h"

struct slab_cache;

#ifdef SANITIZE

#define SLAB_GUARD_CALLERS 5

struct slab_note {
    uint32_t taken_by[SLAB_GUARD_CALLERS];    // return addresses less KERNBASE, innermost first; 0 ends them
    uint32_t given_back_by[SLAB_GUARD_CALLERS];
    uint32_t size;                            // as it was asked for; 0: nobody has had this object yet
    uint32_t unused;
};

#define SLAB_GUARD_SIZE sizeof(struct slab_note)

/* A frame has been made: none of [first, end) may be touched. */
void slab_guard_frame(void *first, void *end);

/* An object is handed out; of its first `size` bytes only, where the caller asked for less than it has. */
void slab_guard_take(const struct slab_cache *cache, void *object);
void slab_guard_trim(const struct slab_cache *cache, void *object, size_t size);

/* Report an object that is given back twice, or is none. */
void slab_guard_check(const struct slab_cache *cache, const void *object, const void *first, const void *caller);

/*
 * Put an object into the quarantine. => true: it stays there; false: another one's time is over, and *cache and *object are it
 */
bool slab_guard_keep(struct slab_cache **cache, void **object);

/* Take the oldest one out. => false: there is none */
bool slab_guard_release(struct slab_cache **cache, void **object);

/* From slab.c: the cache of an object; the first object of the frame, one of a slab's, that an address lies in. */
struct slab_cache *slab_cache_of(const void *object);
vaddr_t slab_first_object(vaddr_t va);

/* What is known of the object that lies at its cache's address `object`. */
struct slab_note *slab_guard_note(const struct slab_cache *cache, const void *object);

#else

#define SLAB_GUARD_SIZE 0

static inline void slab_guard_frame(void *first, void *end)
{
    (void)first, (void)end;
}

static inline void slab_guard_take(const struct slab_cache *cache, void *object)
{
    (void)cache, (void)object;
}

static inline void slab_guard_trim(const struct slab_cache *cache, void *object, size_t size)
{
    (void)cache, (void)object, (void)size;
}

static inline void slab_guard_check(const struct slab_cache *cache, const void *object, const void *first, const void *caller)
{
    (void)cache, (void)object, (void)first, (void)caller;
}

static inline bool slab_guard_keep(struct slab_cache **cache, void **object)
{
    (void)cache, (void)object;
    return false;
}

static inline bool slab_guard_release(struct slab_cache **cache, void **object)
{
    (void)cache, (void)object;
    return false;
}

#endif
#endif
