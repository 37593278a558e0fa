// SPDX-License-Identifier: MIT
/*
 * swap_extents.h - where the pages of a swap file lie on the disk: runs, found once.
 *
 * Pure: where blocks lie tells a function that it is handed; memory for the runs is the caller's. A page of the area is PAGE_SIZE bytes that lie
 * together, at a multiple of it; what of the file lies otherwise (its blocks may be smaller) is passed over, as on Linux.
 */
#ifndef FS_SWAP_EXTENTS_H
#define FS_SWAP_EXTENTS_H

#include "lib/types.h"

/* Pages from `page` on, until the next extent's, lie on the disk from `place` on, in pages. */
struct swap_extent {
    uint32_t page, place;
};

/* Those of one file.    `list`: the first `room` of `count`, so that a first time without any tells how many there are */
struct swap_extents {
    struct swap_extent *list;
    uint32_t count, room;
    uint32_t pages;       // of the area, the header's included
    uint32_t next;        // place of the next page if it follows
    uint32_t low, high;   // the places that are used, without the header's
};

/* The file that they are of. */
struct swap_blocks {
    int (*map)(void *file, uint64_t block, uint64_t *place); // 0 and a block of the disk, or *place 0: a hole; or -errno
    void *file;
    uint64_t count;      // blocks, the last one whole
    unsigned per_page;   // a power of two
    uint32_t pages_max;
};

/* => extents->list and room set, the rest is result; 0, -EINVAL: it has holes, or what `map` said */
__must_check int swap_extents_find(struct swap_extents *extents, const struct swap_blocks *blocks);

/* Where a page is, and how many from it on lie together. => page < extents->pages */
uint32_t swap_extents_place(const struct swap_extents *extents, uint32_t page, uint32_t *together);

#endif
