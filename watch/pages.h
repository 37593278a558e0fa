// SPDX-License-Identifier: MIT
/*
 * pages.h - what lies behind a page of an address space, by the nodes of a picture.
 */
#ifndef WATCH_PAGES_H
#define WATCH_PAGES_H

#include "picture.h"

/* What a page is, in the words of docs/mm.md. */
enum page_state {
    PAGE_UNTOUCHED,
    PAGE_OWN,     // in a frame that nobody else has
    PAGE_COW,     // in a frame that others have, or below a node that others have: a write copies it
    PAGE_ZEROS,   // the zero frame
    PAGE_FILE,    // a page of a file, not to be written into
    PAGE_SHARED,  // of a shared region
    PAGE_SWAPPED, // in a slot
    PAGE_STATES
};

/* One page. */
struct page_view {
    enum page_state state;
    bool huge;          // one entry maps it with 511 others
    bool node_shared;   // another space has the leaf, or a node above it
    uint32_t pfn;       // of its frame; or the slot
    uint32_t refs;      // of its frame
    uint64_t info, entry;
};

/* Call `visit` for each page of a region that has an info, in order. */
void pages_visit(const struct picture *picture, const struct picture_space *space, const struct mirror_region *region,
                 void (*visit)(void *arg, uint64_t va, const struct page_view *page), void *arg);

/* How many pages of each state a region has. */
struct page_counts {
    uint64_t states[PAGE_STATES];
    uint64_t huge;
};
void pages_count(const struct picture *picture, const struct picture_space *space, const struct mirror_region *region,
                 struct page_counts *counts);

/* A space's nodes: its own, and those that it has with others. */
struct node_counts {
    uint32_t own, shared;
};
struct node_counts pages_count_nodes(const struct picture *picture, const struct picture_space *space);

const char *page_state_name(enum page_state state);

#endif
