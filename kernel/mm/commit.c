// SPDX-License-Identifier: MIT
/*
 * commit.c - promises of memory, and limits of spaces.
 *
 * Theory      One counter for all, and one in each space, so that fork and exit add and subtract once. Whether a region counts
 *             is decided when it is made and kept in it; protection can make one count that did not, never the other way
 *             round, as on Linux.
 * Considered  Reserves for the superuser, as Linux has them in mode 2: with a few megabytes they would be nothing.
 * Not here    Files in memory: they take frames when they are written to, and are not promised any.
 */
#include "mm/commit.h"

#include "lib/checked.h"
#include "lib/errno.h"
#include "mm/core_map.h"
#include "mm/kalloc.h"
#include "mm/swap.h"

#define KIB_PER_PAGE (PAGE_SIZE / 1024)
#define UNLIMITED UINT64_MAX

struct commit_state commit_state;

static struct commit_settings settings = {.mode = COMMIT_GUESS, .ratio = 50}; // changed by one write(2) at a time

uint64_t commit_memory(void)
{
    uint64_t pages = 0;

    for (int kind = 0; kind < FRAME_KINDS; kind++)
        if (kind != FRAME_RESERVED && kind != FRAME_IMAGE)
            pages += frames_by_kind((enum frame_kind)kind);
    return pages;
}

uint64_t commit_limit(void)
{
    uint64_t kilobytes = __atomic_load_n(&settings.kilobytes, __ATOMIC_RELAXED);

    if (kilobytes)
        return kilobytes / KIB_PER_PAGE;
    return commit_memory() * __atomic_load_n(&settings.ratio, __ATOMIC_RELAXED) / 100 + swap_slots_total();
}

uint64_t commit_promised(void)
{
    int64_t pages = atomic_load(&commit_state.promised);

    return pages > 0 ? (uint64_t)pages : 0;
}

int commit_check(uint64_t pages)
{
    if (__atomic_load_n(&settings.mode, __ATOMIC_RELAXED) != COMMIT_NEVER)
        return -ENOMEM; // more than there is memory
    int64_t before = atomic_fetch_add(&commit_state.promised, (int64_t)pages);
    if (before + (int64_t)pages <= (int64_t)commit_limit())
        return 0;
    commit_sub(pages);
    return -ENOMEM;
}

bool commit_is_strict(void)
{
    return __atomic_load_n(&settings.mode, __ATOMIC_RELAXED) == COMMIT_NEVER;
}

void commit_settings(struct commit_settings *out)
{
    *out = settings;
}

void commit_configure(const struct commit_settings *new)
{
    static const uint64_t nothing = 0;

    __atomic_store(&settings.ratio, &new->ratio, __ATOMIC_RELAXED);
    __atomic_store(&settings.kilobytes, &new->kilobytes, __ATOMIC_RELAXED);
    __atomic_store(&settings.mode, &new->mode, __ATOMIC_RELAXED);
    switch (new->mode) {
    case COMMIT_GUESS:
        atomic_store(&commit_state.without_question, commit_memory() + swap_slots_total());
        break;
    case COMMIT_ALWAYS:
        atomic_store(&commit_state.without_question, UNLIMITED);
        break;
    case COMMIT_NEVER:
        atomic_store(&commit_state.without_question, nothing);
        break;
    }
}

void commit_memory_changed(void)
{
    const struct commit_settings now = settings;

    commit_configure(&now);
}

void commit_init(void)
{
    commit_configure(&(struct commit_settings){.mode = settings.mode, .ratio = settings.ratio});
}

/* ---- Limits of one space ---- */

void vspace_set_limits(struct vspace *space, uint64_t size, uint64_t data)
{
    rwlock_write_lock(&space->lock);
    space->size_limit = size;
    space->data_limit = data;
    space->limited = size != UNLIMITED || data != UNLIMITED;
    rwlock_write_unlock(&space->lock);
}

/* Whether `now` and `more` pages, which may be negative, stay within a limit in bytes. */
static bool fits(uint64_t now, int64_t more, uint64_t limit)
{
    return more <= 0 || limit == UNLIMITED || now + (uint64_t)more <= limit / PAGE_SIZE;
}

bool vspace_may_grow_limited(struct vspace *space, int64_t pages, int64_t data)
{
    uint64_t size_now = 0, data_now = 0;

    for (const struct vregion *region = vregion_lowest(space); region; region = vregion_next((struct vregion *)region)) {
        size_now += region->size / PAGE_SIZE;
        if (vregion_is_data(region))
            data_now += region->size / PAGE_SIZE;
    }
    return fits(size_now, pages, space->size_limit) && fits(data_now, data, space->data_limit);
}
