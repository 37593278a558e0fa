// SPDX-License-Identifier: MIT
/*
 * slab_guard.c - red zones, notes and quarantine of slab objects.
 *
 * Theory      The quarantine is a list, oldest first, through the first words of the objects, which nobody else may touch. It
 *             has at most QUARANTINE_BYTES.
 * Locking     The quarantine's lock, alone: neither magazines nor caches are asked under it.
 */
#include "mm/slab_guard.h"

#include "arch/x86/layout.h"
#include "lib/kasan.h"
#include "lib/log.h"
#include "mm/slab.h"
#include "sync/sched.h"
#include "sync/spinlock.h"

#define QUARANTINE_BYTES (512 << 10)

struct kept_object {
    struct kept_object *next;
};

static struct {
    struct spinlock lock;
    struct kept_object *oldest, *newest; // (lock)
    size_t bytes;                        // (lock)
} quarantine = {.lock = SPINLOCK_INIT("slab quarantine", RANK_SLAB)};

struct slab_note *slab_guard_note(const struct slab_cache *cache, const void *object)
{
    return (struct slab_note *)((char *)(uintptr_t)object + cache->size) - 1;
}

/* Who asks, and who has called that. Frames lie above each other on this thread's stack. */
static void collect_callers(uint32_t callers[SLAB_GUARD_CALLERS])
{
    const struct kthread *thread = current_kthread();
    uint64_t frame = (uint64_t)__builtin_frame_address(0), end = thread ? (uint64_t)thread->stack_top - 16 : frame;
    unsigned count = 0;

    while (count < SLAB_GUARD_CALLERS && frame % 8 == 0 && frame < end) {
        const uint64_t *words = (const uint64_t *)frame;

        callers[count++] = (uint32_t)V2P(words[1]);
        if (words[0] <= frame || words[0] - frame >= KSTACK_SIZE)
            break;
        frame = words[0];
    }
    while (count < SLAB_GUARD_CALLERS)
        callers[count++] = 0;
}

void slab_guard_frame(void *first, void *end)
{
    kasan_poison(first, (vaddr_t)end - (vaddr_t)first, KASAN_SLAB_UNUSED);
}

void slab_guard_trim(const struct slab_cache *cache, void *object, size_t size)
{
    size_t granules = ALIGN_UP(size, (size_t)KASAN_GRANULE);

    slab_guard_note(cache, object)->size = (uint32_t)size;
    kasan_unpoison(object, size);
    kasan_poison((char *)object + granules, cache->size - granules, KASAN_SLAB_RED);
}

void slab_guard_take(const struct slab_cache *cache, void *object)
{
    collect_callers(slab_guard_note(cache, object)->taken_by);
    slab_guard_trim(cache, object, cache->size - SLAB_GUARD_SIZE);
}

void slab_guard_check(const struct slab_cache *cache, const void *object, const void *first, const void *caller)
{
    uint8_t code = kasan_shadow((vaddr_t)object);

    if (((vaddr_t)object - (vaddr_t)first) % cache->size != 0)
        panic("slab %s: %p, given back at %p, is no object", cache->name, object, caller);
    if (code == KASAN_SLAB_FREED)
        kasan_report(&(struct kasan_access){.address = (vaddr_t)object, .bad = (vaddr_t)object, .code = KASAN_SLAB_TWICE,
                                            .caller = (uint64_t)caller});
    if (code >= KASAN_GRANULE)
        panic("slab %s: object %p, given back at %p, is nobody's", cache->name, object, caller);
}

bool slab_guard_release(struct slab_cache **cache, void **object)
{
    spin_lock(&quarantine.lock);
    struct kept_object *kept = quarantine.oldest;
    if (kept) {
        *cache = slab_cache_of(kept);
        *object = kept;
        quarantine.oldest = kept->next;
        quarantine.bytes -= (*cache)->size;
    }
    spin_unlock(&quarantine.lock);
    return kept;
}

bool slab_guard_keep(struct slab_cache **cache, void **object)
{
    struct kept_object *kept = *object;

    collect_callers(slab_guard_note(*cache, kept)->given_back_by);
    kasan_poison(kept, (*cache)->size - SLAB_GUARD_SIZE, KASAN_SLAB_FREED);
    kept->next = NULL;
    spin_lock(&quarantine.lock);
    if (quarantine.oldest)
        quarantine.newest->next = kept;
    else
        quarantine.oldest = kept;
    quarantine.newest = kept;
    quarantine.bytes += (*cache)->size;
    bool full = quarantine.bytes > QUARANTINE_BYTES;
    spin_unlock(&quarantine.lock);
    return !(full && slab_guard_release(cache, object));
}
