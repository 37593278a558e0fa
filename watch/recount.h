// SPDX-License-Identifier: MIT
/*
 * recount.h - whether the references of the frames in a picture are those that can be found in it.
 *
 * Theory      At any moment a frame has at least the references that can be found: an entry is written after its reference was taken, and
 *             emptied before it is given back. It has more while some operation of the memory manager is under way: then a space is locked,
 *             or parts are torn. Such frames are told as torn too. While nothing is under way the numbers agree, or something is wrong:
 *             with the guest, or with who looks at it.
 */
#ifndef WATCH_RECOUNT_H
#define WATCH_RECOUNT_H

#include "picture.h"

/* What was found of one frame that does not agree. */
struct recount_difference {
    uint32_t pfn, refs, found;
    uint8_t kind;
};

struct recount {
    unsigned wrong;                   // differences that nothing excuses
    struct recount_difference first;  // of these
    bool clean;                       // nothing was under way
};

/*
 * Compare all frames of a picture that has just been updated; those that differ with an excuse are added to what is torn in `change`.
 */
struct recount recount_picture(const struct picture *picture, const struct mirror *mirror, struct change *change);

/* For each frame how many references the nodes of the picture hold; to be freed. */
uint32_t *recount_find(const struct picture *picture);

#endif
