// SPDX-License-Identifier: MIT
/*
 * frame_guard.h - what kalloc.c does for the address sanitizer; nothing, in a kernel without it.
 *
 * A frame that is given back stays in a quarantine of its CPU until enough others have followed it. It counts as free, may
 * not be touched, and lies on no list meanwhile.
 */
#ifndef MM_FRAME_GUARD_H
#define MM_FRAME_GUARD_H

#include "lib/types.h"

struct core_map_entry;

#ifdef SANITIZE

#define FRAME_QUARANTINE 128

/* A ring. All zero: empty.    All fields: the lock of the cache that it is part of. */
struct frame_quarantine {
    uint32_t frames[FRAME_QUARANTINE]; // page frame numbers
    unsigned first, count;
};

/* Put a free frame in. => one whose time is over, or NULL */
struct core_map_entry *frame_guard_keep(struct frame_quarantine *quarantine, struct core_map_entry *page);

/* Take the oldest one out. NULL: there is none. */
struct core_map_entry *frame_guard_release(struct frame_quarantine *quarantine);

void frame_guard_for_each(const struct frame_quarantine *quarantine, void (*visit)(struct core_map_entry *page, void *arg),
                          void *arg);

#else

struct frame_quarantine {
};

static inline struct core_map_entry *frame_guard_keep(struct frame_quarantine *quarantine, struct core_map_entry *page)
{
    (void)quarantine;
    return page;
}

static inline struct core_map_entry *frame_guard_release(struct frame_quarantine *quarantine)
{
    (void)quarantine;
    return NULL;
}

static inline void frame_guard_for_each(const struct frame_quarantine *quarantine,
                                        void (*visit)(struct core_map_entry *page, void *arg), void *arg)
{
    (void)quarantine, (void)visit, (void)arg;
}

#endif
#endif
