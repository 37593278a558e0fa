// SPDX-License-Identifier: MIT
/*
 * measure.h - what the pages of a range are and with whom they are shared, summed when asked: /proc/PID/smaps.
 */
#ifndef MM_MEASURE_H
#define MM_MEASURE_H

#include "lib/types.h"

struct core_map_entry;
struct vspace;

/* All in bytes; the zero frame counts as nothing, as on Linux. */
struct page_sums {
    uint64_t resident;
    uint64_t proportional, proportional_dirty;  // each page divided by how many map it
    uint64_t shared_clean, shared_dirty, private_clean, private_dirty;
    uint64_t referenced, anonymous;
    uint64_t swapped, swapped_proportional;
    uint64_t huge; // of the anonymous ones
};

/* Add the pages of [start, end). => takes space->lock for reading */
void vspace_sum_pages(struct vspace *space, vaddr_t start, vaddr_t end, struct page_sums *sums);

/* How many leaf entries hold a page that is mapped: a leaf that several spaces own counts once. */
uint64_t page_mappers(const struct core_map_entry *page);

/*
 * The most pages that the space has had in use, as far as it was measured: it is now. Counts what leaves say of themselves, so a
 * page that is swapped out or reads as zero counts as well. => takes space->lock for reading
 */
uint64_t vspace_peak_resident(struct vspace *space);

/* Likewise for the size of its regions, which is `bytes` now. */
uint64_t vspace_peak_bytes(struct vspace *space, uint64_t bytes);

#endif
