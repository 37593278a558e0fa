// SPDX-License-Identifier: MIT
/*
 * verify.h - recount every reference, frame and entry from all roots and compare.
 */
#ifndef MM_VERIFY_H
#define MM_VERIFY_H

#include "lib/types.h"

/* The invariants of docs/mm.md, by number. */
enum invariant {
    I1_FREE_FRAMES = 1, I2_FRAMES_IN_USE, I3_SHARED_NODE_WRITE, I4_NODE_OWNERS, I5_FRAME_REFERENCES, I6_REGIONS_SORTED,
    I7_PAGE_IN_REGION, I8_ENTRY_FRAME, I9_ENTRY_RIGHTS, I10_NODE_COUNTS, I11_NODE_PLACE, I12_ZERO_FRAME, I13_KERNEL_HALF,
    I14_NODE_KIND, I15_CACHE_INDEX, I16_FRAME_COUNTS, I17_SHARED_REGIONS, I18_FILE_PAGE, I19_FILE_REGIONS,
    I20_SLOT_HOLDERS, I21_DIRTY_PAGE, I22_PROMISES, I23_HUGE_PAGE, INVARIANTS
};

/* Where the violations go, one line without an end each. `line` is called under spinlocks: it takes no memory. */
struct verify_report {
    void (*line)(void *arg, const char *text);
    void *arg;
    unsigned violations;              // out: how many there were
    uint32_t broken;                  // out: a bit per invariant number
};

/*
 * Check everything. Reports at most 64 lines; counts all.
 *
 * => may sleep; takes every vspace's lock for writing, so the caller holds none
 */
void verify_all(struct verify_report *report);

#endif
