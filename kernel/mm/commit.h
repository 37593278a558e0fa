// SPDX-License-Identifier: MIT
/*
 * commit.h - memory that programs have been promised, and how much a space may have.
 *
 * Promised is what private memory that can be written would take if it were all touched. Three modes, as
 * /proc/sys/vm/overcommit_memory has them: promise what looks possible (0), promise anything (1), promise no more than there
 * is (2). Regions are counted when they are made, never when they are touched.
 */
#ifndef MM_COMMIT_H
#define MM_COMMIT_H

#include <stdatomic.h>

#include "lib/types.h"
#include "mm/vspace.h"

enum commit_mode { COMMIT_GUESS, COMMIT_ALWAYS, COMMIT_NEVER };

struct commit_state {
    _Atomic int64_t promised;           // pages, to all
    _Atomic uint64_t without_question;  // a promise of so many pages needs no look at anything else
};

extern struct commit_state commit_state;

/* Promise to nobody in particular / to a space. => 0 or -ENOMEM; the space's lock held for writing */
__must_check int commit_check(uint64_t pages);

static inline int __must_check commit_add(uint64_t pages)
{
    if (unlikely(pages > atomic_load_explicit(&commit_state.without_question, memory_order_relaxed)))
        return commit_check(pages);
    atomic_fetch_add_explicit(&commit_state.promised, (int64_t)pages, memory_order_relaxed);
    return 0;
}

static inline void commit_sub(uint64_t pages)
{
    atomic_fetch_sub_explicit(&commit_state.promised, (int64_t)pages, memory_order_relaxed);
}

static inline int __must_check vspace_commit(struct vspace *space, uint64_t pages)
{
    int error = commit_add(pages);

    if (likely(!error))
        space->committed += pages;
    return error;
}

static inline void vspace_uncommit(struct vspace *space, uint64_t pages)
{
    space->committed -= pages;
    commit_sub(pages);
}

/*
 * Promise a child what its parent was promised. Each part of it was possible by itself, and so is the copy, whatever the sum:
 * only strict promises are asked for again.
 */
static inline int __must_check vspace_commit_again(struct vspace *child, uint64_t pages)
{
    if (unlikely(atomic_load_explicit(&commit_state.without_question, memory_order_relaxed) == 0))
        return vspace_commit(child, pages);
    atomic_fetch_add_explicit(&commit_state.promised, (int64_t)pages, memory_order_relaxed);
    child->committed += pages;
    return 0;
}

/* Whether memory that is asked for with MAP_NORESERVE is promised all the same. */
bool commit_is_strict(void);

/* Whether a region of such rights is promised memory. `lazy`: MAP_NORESERVE. */
static inline enum vr_commit commit_kind(unsigned prot, bool shared, bool lazy)
{
    if (shared || (unlikely(lazy) && !commit_is_strict()))
        return VR_COMMIT_NEVER;
    return prot & VR_WRITE ? VR_COMMITTED : VR_COMMIT_LATER;
}

/*
 * Whether a space may grow by `pages` more (RLIMIT_AS), of which `data` are private and can be written (RLIMIT_DATA).
 *
 * => space->lock held for writing
 */
__must_check bool vspace_may_grow_limited(struct vspace *space, int64_t pages, int64_t data);

static inline bool __must_check vspace_may_grow(struct vspace *space, int64_t pages, int64_t data)
{
    return likely(!space->limited) || vspace_may_grow_limited(space, pages, data);
}

/* RLIMIT_AS and RLIMIT_DATA, in bytes. */
void vspace_set_limits(struct vspace *space, uint64_t size, uint64_t data);

/* The settings of /proc/sys/vm/overcommit_*. `kilobytes` not 0 is meant instead of `ratio`. */
struct commit_settings {
    enum commit_mode mode;
    unsigned ratio;             // per cent of memory
    uint64_t kilobytes;
};
void commit_settings(struct commit_settings *out);
void commit_configure(const struct commit_settings *settings);

/* What may be promised follows from memory and swap: there is more of it now, or less. */
void commit_memory_changed(void);

/* All memory that programs could get, in pages. */
uint64_t commit_memory(void);

/* CommitLimit and Committed_AS, in pages. */
uint64_t commit_limit(void);
uint64_t commit_promised(void);

/* => once, at boot, when core_map is there */
void commit_init(void);

#endif
