// SPDX-License-Identifier: MIT
/*
 * reclaim.c - when to look for memory, and where.
 *
 * Theory      Nobody who allocates waits: kalloc says no, everything is undone, and who stands at the top without a lock (a fault, a
 *             system call) reclaims and tries again. To make that rare a thread begins when few frames are free, and goes on until
 *             there are twice as many. The last few frames are for those who reclaim, as writing pages out takes memory.
 * Order       Frames that only the swap cache holds; pages of files that nobody maps: those that can be read again, those that have to be
 *             written to their file first, those that go to swap; pages that were not used lately (clock.c); then what the kernel keeps
 *             to be faster.
 * Locking     One reclaimer at a time; who waited for another looks first whether it still needs to, and if one has begun and ended
 *             meanwhile, what that has not found is not there.
 */
#include "mm/reclaim.h"

#include "mm/clock.h"
#include "mm/fail.h"
#include "mm/kalloc.h"
#include "mm/kstack.h"
#include "mm/node.h"
#include "mm/page_cache.h"
#include "mm/slab.h"
#include "mm/swap.h"
#include "mm/vspace.h"
#include "sync/mutex.h"

#define TARGET 64u         // frames that one call is after
#define SHARERS 16         // leaves that may have to let a frame go before one attempt is over
#define ATTEMPTS 16        // of who needs memory, when there is something to reclaim
#define LOW_PART 64        // the thread begins when less than this part of all frames is free,
#define LOW_LEAST 16       // or so many
#define RESERVE_PART 4     // of those: for reclaimers only

static struct mutex one_at_a_time = MUTEX_INIT(one_at_a_time, "reclaim", RANK_RECLAIM);
static _Atomic uint32_t rounds; // that have begun; written under that lock
static bool last_found;         // what the last of them ended with; under that lock

static struct {
    struct wait_queue wait;
    _Atomic bool needed;  // few frames are free
    _Atomic bool started;
    uint64_t low;
} thread = {.wait = WAIT_QUEUE_INIT(thread.wait)};

static void (*shrink_names)(unsigned count); // constant after boot

void reclaim_set_names(void (*shrink)(unsigned count))
{
    shrink_names = shrink;
}

/* What is kept only to be faster. */
static void shrink(unsigned names)
{
    if (shrink_names)
        shrink_names(names);
    vspaces_compact(false);
    kstack_drain();
    node_drain();
    slab_drain();
}

/* => one_at_a_time held; whether anything came free */
static bool reclaim_pages(unsigned target)
{
    unsigned freed = swap_shrink_cache(target);

    if (freed < target)
        freed += page_caches_shrink(target - freed);
    if (freed < target && page_caches_clean(target - freed) > 0)
        freed += page_caches_shrink(target - freed);
    if (freed < target)
        freed += page_caches_swap_out(target - freed);
    if (freed < target)
        freed += clock_evict(target - freed);
    return freed > 0;
}

/*
 * A page that several leaves map comes free only when the last of them has let it go, and the hand goes over one space after the other: so
 * there may be a lot of work, and nothing to show for it, before frames come free.
 *
 * => one_at_a_time held; whether pages left, or more than `enough` frames are free by now
 */
static bool reclaim_until(uint64_t enough)
{
    bool any = false;

    for (uint64_t more = core_map_frames / TARGET * SHARERS; more > 0 && frames_by_kind(FRAME_FREE) <= enough; more--) {
        if (!reclaim_pages(TARGET))
            return any;
        any = true;
    }
    return true;
}

/* => one_at_a_time held; whether frames came free, or more than `enough` are by now */
static bool look_around(uint64_t before, uint64_t enough)
{
    bool found = false;

    if (atomic_load(&thread.started)) {
        bool was = kalloc_use_reserve(true);
        found = reclaim_until(enough);
        kalloc_use_reserve(was);
    }
    if (!found) {
        shrink(TARGET);
        found = frames_by_kind(FRAME_FREE) > before;
    }
    return found;
}

static bool reclaim_unless(uint64_t enough)
{
    uint64_t before = frames_by_kind(FRAME_FREE);
    uint32_t seen = atomic_load(&rounds);

    mutex_lock(&one_at_a_time);
    if (atomic_load(&rounds) == seen) {
        atomic_store(&rounds, seen + 1);
        last_found = look_around(before, enough);
    }
    bool found = last_found;
    mutex_unlock(&one_at_a_time);
    return found || frames_by_kind(FRAME_FREE) > before;
}

bool reclaim(void)
{
    return reclaim_unless(thread.low);
}

unsigned reclaim_attempts(void)
{
    return atomic_load(&thread.started) ? ATTEMPTS : 1;
}

bool reclaim_for_call(unsigned attempt)
{
    if (!kalloc_failed())
        return false;
    if (fail_wants_again())
        return true;
    /* What the call had taken is free again, and was not enough: each time there has to be more. */
    return attempt < reclaim_attempts() && reclaim_unless(thread.low + attempt * TARGET);
}

void reclaim_all(void)
{
    vspaces_compact(true);
    (void)swap_shrink_cache(UINT32_MAX);
    while (page_caches_shrink(UINT32_MAX) > 0)
        ;
    shrink(UINT32_MAX);
    kalloc_drain();
}

/* ---- The thread ---- */

static void wake(void)
{
    if (!atomic_exchange(&thread.needed, true))
        wake_one(&thread.wait);
}

static void __noreturn run(void *unused)
{
    (void)unused;
    kalloc_use_reserve(true);
    for (;;) {
        wait_event(&thread.wait, atomic_load(&thread.needed));
        bool more = true;
        while (more && frames_by_kind(FRAME_FREE) < 2 * thread.low) {
            mutex_lock(&one_at_a_time);
            more = reclaim_pages(TARGET);
            mutex_unlock(&one_at_a_time);
        }
        atomic_store(&thread.needed, false);
    }
}

int reclaim_start(void)
{
    if (atomic_exchange(&thread.started, true))
        return 0;
    if (!sched_spawn_kernel(run, NULL, "reclaim")) {
        atomic_store(&thread.started, false);
        return -ENOMEM;
    }
    const uint64_t frames = core_map_frames - frames_by_kind(FRAME_RESERVED);
    thread.low = MAX(frames / LOW_PART, (uint64_t)LOW_LEAST);
    kalloc_set_marks(thread.low, thread.low / RESERVE_PART, wake);
    return 0;
}
