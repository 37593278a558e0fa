// SPDX-License-Identifier: MIT
/*
 * huge.h - 2 MiB of anonymous memory under one entry. huge.c tells the theory.
 *
 * A huge entry, one at level 2, maps a run of 512 frames and stands for the leaf node that waits behind it with the infos and the
 * entries of the 512 pages. Every walk of the tree goes from the entry to that leaf (node_of_entry), so who only looks at pages need
 * not know of huge ones. Who changes one page or some first makes the path to them private, which splits them (share.h).
 */
#ifndef MM_HUGE_H
#define MM_HUGE_H

#include "arch/x86/pte.h"
#include "lib/types.h"
#include "mm/core_map.h"
#include "mm/vregion.h"

#define HUGE_ORDER 9 // of the run: 2^9 frames

struct vspace;

/* ---- Policy (huge_policy.c) ---- */

/* Who gets huge pages: the words of /sys/kernel/mm/transparent_hugepage/enabled, in the order that is shown there. */
enum huge_mode { HUGE_ALWAYS, HUGE_MADVISE, HUGE_NEVER, HUGE_MODES };

struct huge_policy {
    enum huge_mode mode;
    uint64_t spare, spare_advised; // frames that stay free whoever asks; and where madvise(MADV_HUGEPAGE) has asked
};

void huge_policy_get(struct huge_policy *policy);
void huge_policy_set(const struct huge_policy *policy);

/* Whether a first write at `va` is to get a huge page, as far as the region and the free memory say. => space->lock held */
bool huge_is_wanted(const struct vspace *space, const struct vregion *region, vaddr_t va);

/* Whether some page of the region could ever get one: THPeligible. => as above */
bool huge_is_eligible(const struct vspace *space, const struct vregion *region);

/* ---- Making and splitting (huge.c) ---- */

/*
 * Map a huge page of zeros over `va`, with the region's rights.
 *
 * => space->lock held, no node lock; no leaf over va was found, what there is of the path to it is private, and the region covers it all
 * => true: something is mapped there, by us or by who was faster; false: no memory for it, nothing changed
 */
bool huge_map(struct vspace *space, const struct vregion *region, vaddr_t va);

/*
 * Let the page at `va` be one of 4 KiB, that it may be unmapped, moved, or written to swap.
 *
 * => space->lock for writing, no node lock; 0, also where it is one already; -ENOMEM: another space has the huge page too, and there is
 *    no memory for a leaf of our own. Where nobody else has it, splitting takes no memory and does not fail
 */
__must_check int huge_split(struct vspace *space, vaddr_t va);

/* The same where it takes no memory. => false: others have it too; nothing changed */
bool huge_try_split(struct vspace *space, vaddr_t va);

/* The same for all who have the huge page, for the clock. => no lock held; sleeps; takes no memory, and does not fail */
void huge_split_for_all(struct vspace *space, vaddr_t va);

/* Whether the huge page over `va` was used since the last time. => space->lock held */
bool huge_test_and_clear_accessed(const struct vspace *space, vaddr_t va);

/* ---- Steps of share.c and leaf.c ---- */

/* Put another entry into the place of a huge one: through none, and a flush. => space->lock for writing; the entry's node is private; the old one */
pte_t huge_replace_entry(struct vspace *space, pte_t *entry, vaddr_t va, pte_t now);

/* Let a private huge entry lead to the leaf behind it as other entries do. => as above, and the leaf has no other owner */
void huge_split_entry(struct vspace *space, pte_t *entry, vaddr_t va);

/* Let the program write to all of a huge page whose leaf has no other owner any more. => as above; false: others hold one of the frames */
bool huge_take_over(pte_t *entry);

/* Give the frames and infos of a huge leaf back in one piece. => nobody else uses it; false: others hold some of the frames */
bool huge_clear(struct core_map_entry *leaf);

#endif
