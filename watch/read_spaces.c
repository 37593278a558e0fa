// SPDX-License-Identifier: MIT
/*
 * read_spaces.c - address spaces and their regions.
 */
#include <stdlib.h>
#include <string.h>

#include "mirror.h"
#include "mm/active.h"
#include "mm/vspace.h"
#include "vector.h"

#define SPACES_MAX 32768  // as many as process numbers
#define REGIONS_MAX 70000 // Linux's limit, and ours, is below

/* What a walk over one space's regions has found. */
struct region_walk {
    struct mirror *mirror;
    struct mirror_space *space;
    size_t found;
    bool differs;
};

/* ---- Regions ---- */

static struct mirror_region region_make(const struct mirror *mirror, const struct vregion *region)
{
    struct mirror_region made;

    memset(&made, 0, sizeof made);
    made.start = vregion_start(region);
    made.end = vregion_end(region);
    made.grows_down = region->dir == VR_DOWN;
    made.prot = region->prot;
    made.shared = memory_flag(&region->shared);
    made.purpose = (uint8_t)region->purpose;
    made.flags = region->flags;
    if (region->file) {
        made.offset = region->file_offset;
        made.file = read_file_name(mirror->guest, (uint64_t)(uintptr_t)region->file);
    }
    return made;
}

static bool visit_region(void *arg, uint64_t link)
{
    struct region_walk *walk = arg;
    struct mirror_space *space = walk->space;
    struct vregion region;

    if (!memory_read(&walk->mirror->guest->memory, link - offsetof(struct vregion, link), &region, sizeof region))
        return false;
    struct mirror_region made = region_make(walk->mirror, &region);
    if (walk->found < space->count) {
        struct mirror_region *known = &space->array[walk->found];
        walk->differs |= memcmp(known, &made, sizeof made) != 0;
        *known = made;
    } else {
        vector_add(space, made);
        walk->differs = true;
    }
    walk->found++;
    return true;
}

/* => whether they differ from before */
static bool refresh_regions(struct mirror *mirror, struct mirror_space *space, const struct vspace *raw)
{
    struct region_walk walk = {.mirror = mirror, .space = space};
    bool whole = read_tree(&mirror->guest->memory, (uint64_t)(uintptr_t)raw->regions.root, visit_region, &walk, REGIONS_MAX);

    walk.differs |= !whole || walk.found != space->count || walk.found != raw->region_count;
    space->count = walk.found;
    return walk.differs;
}

/* ---- Spaces ---- */

static struct mirror_space *space_meet(struct mirror *mirror, uint64_t address, uint32_t id)
{
    for (size_t i = 0; i < mirror->spaces.count; i++)
        if (mirror->spaces.array[i]->id == id)
            return mirror->spaces.array[i];
    struct mirror_space *space = vector_alloc(1, sizeof *space);
    space->address = address;
    space->id = id;
    vector_add(&mirror->spaces, space);
    return space;
}

static uint32_t root_of(const struct mirror *mirror, const struct vspace *raw)
{
    uint64_t core_map = guest_word(mirror->guest, mirror->guest->at.core_map);
    uint64_t index = ((uint64_t)(uintptr_t)raw->root - core_map) / sizeof *raw->root;

    return raw->root && index < mirror->frames ? (uint32_t)index : 0;
}

/* => whether it differs from before */
static bool space_refresh(struct mirror *mirror, struct mirror_space *space, const struct vspace *raw)
{
    uint32_t root = root_of(mirror, raw);
    bool differs = space->met + 1 < mirror->pass || space->root != root || space->brk_start != raw->brk_start || space->brk != raw->brk ||
                   space->changes != raw->lock.changes;

    space->met = mirror->pass;
    space->root = root;
    space->brk_start = raw->brk_start;
    space->brk = raw->brk;
    uint64_t active = atomic_load(&raw->active);
    space->active = (active | active >> MAX_CPUS) & ACTIVE_ALL_CPUS; // CPUs that idle have the tables loaded, too
    space->changes = raw->lock.changes;
    differs |= refresh_regions(mirror, space, raw);
    if (differs)
        space->differed = mirror->pass;
    return differs;
}

unsigned read_spaces(struct mirror *mirror)
{
    const struct guest *guest = mirror->guest;
    uint64_t head = guest->at.spaces, link = guest_word(guest, head);
    unsigned different = 0, found = 0;

    for (; link != head && found < SPACES_MAX; found++) {
        struct vspace raw;
        if (!memory_read(&guest->memory, link - offsetof(struct vspace, link), &raw, sizeof raw))
            break;
        if (raw.number)
            different += space_refresh(mirror, space_meet(mirror, link - offsetof(struct vspace, link), raw.number), &raw);
        link = (uint64_t)(uintptr_t)raw.link.next;
    }
    for (size_t i = 0; i < mirror->spaces.count; i++)
        different += mirror->spaces.array[i]->met + 1 == mirror->pass; // here a moment ago
    return different + (link != head);
}

/* ---- Locks ---- */

/* Readers of a lock that is spread leave their marks elsewhere: it may be held. */
static bool is_held(const struct rwlock *lock)
{
    return (atomic_load_explicit(&lock->word, memory_order_relaxed) & ~RWLOCK_WAITING) != 0;
}

bool read_locks(const struct guest *guest)
{
    uint64_t head = guest->at.spaces, link = guest_word(guest, head);

    if (guest_word(guest, guest->at.spaces_lock)) // a mutex: its owner, or 0
        return true;
    for (unsigned i = 0; link != head && i < SPACES_MAX; i++) {
        const struct vspace *space = memory_at_kernel(&guest->memory, link - offsetof(struct vspace, link), sizeof *space);
        if (!space || is_held(&space->lock))
            return true;
        link = (uint64_t)(uintptr_t)space->link.next;
    }
    return link != head;
}
