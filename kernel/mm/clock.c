// SPDX-License-Identifier: MIT
/*
 * clock.c - which pages leave memory: a clock over the leaves of all spaces.
 *
 * Theory      The hand goes from space to space, leaf to leaf, page to page. A page whose entry has the accessed bit was used since the
 *             hand came by the last time: the bit is cleared, and the page stays. One without leaves: an anonymous page for a slot of
 *             swap, a page of a file for its file, which can read it again or gives it a slot (page_cache_swap.c). A frame goes with the last leaf that maps it, so there is
 *             no map from frames to entries. A leaf that several spaces own is met once in a round. A huge page that was not used is
 *             split, for all who have it, and its pages leave one by one.
 * Order       The entry is emptied, and the page marked as leaving, so that no fault replaces its frame while some CPU may remember the
 *             entry; the CPUs are told, for all pages of a batch at once; then the leaf is locked again, the vpage_info changes, and the
 *             reference goes.
 * Locking     One at a time moves the hand. A space's lock for reading, as a fault has it, and the leaf's; neither while pages are written.
 * Failure     None: a page for which there is no slot stays where it is, and the next fault on it fills the entry in.
 */
#include "mm/clock.h"

#include "mm/huge.h"
#include "mm/node.h"
#include "mm/page_cache.h"
#include "mm/share.h"
#include "mm/stat.h"
#include "mm/tlb.h"
#include "mm/vspace.h"

#define BATCH SWAP_CLUSTER
#define ROUNDS 3 // the first one may only clear accessed bits

/* Where the hand is. */
static struct {
    struct vspace *space; // compared, never followed: it may have gone
    vaddr_t va;
    unsigned left;        // spaces that this round has still to meet
    unsigned round : 7;   // as a leaf's
} hand;

/* Pages of one leaf on their way out. */
struct batch {
    struct vspace *space;
    struct core_map_entry *leaf;
    struct vregion *region;                 // that the last page was in
    bool used_too;                          // pages that were used lately leave as well
    bool room;                              // there were free slots when it began
    vaddr_t va[BATCH];
    unsigned count;
    bool flush;                             // some CPU may remember an entry
    bool split;                             // the leaf is a huge one that was not used lately: nothing was done yet
    struct core_map_entry *writes[BATCH];   // frames to be written, once no lock is held
    struct core_map_entry *files[BATCH];    // the same of pages of files
    unsigned write_count, file_count;
    unsigned evicted;
};

/* ---- One page ---- */

static struct vregion *region_of(struct batch *batch, vaddr_t va)
{
    if (!batch->region || !vregion_contains(batch->region, va))
        batch->region = va2vregion(batch->space, va);
    return batch->region;
}

/* Whether the content of a page is, or can be, somewhere else than in its frame. */
static bool can_leave(struct batch *batch, const struct vpage_info *info, vaddr_t va)
{
    if (!info->present || vpage_in_transit(*info))
        return false;
    struct vregion *region = region_of(batch, va);
    if (!region || (region->flags & VR_LOCKED))
        return false;
    switch (frame_kind(vpage_frame(info))) {
    case FRAME_ANON:
        return batch->room;
    case FRAME_SWAP:
        return true;
    case FRAME_FILE:
        return region->file && (region->file->ops->fill || (batch->room && page_cache_may_swap(region->file)));
    default:
        return false;
    }
}

static void set_leaving(struct vpage_info *info, bool leaving)
{
    struct vpage_info now = *info;

    now.leaving = leaving;
    vpage_store(info, now);
}

/* Empty the entry of a page that was not used lately. => the leaf is locked; true if it is one to leave */
static bool hide(struct batch *batch, vaddr_t va)
{
    pte_t *entry = &node_entries(batch->leaf)[pte_index(va, LEAF_LEVEL)];
    struct vpage_info *info = leaf_info(batch->leaf, va);

    if (!can_leave(batch, info, va))
        return false;
    vm_count(VM_PGSCAN);
    if (!batch->used_too && pte_is_accessed(pte_load(entry)) && pte_test_and_clear_accessed(entry))
        return false;
    set_leaving(info, true);
    batch->leaf->has_slots = true; // who copies the leaf looks at each page
    batch->flush |= vspace_underive(batch->leaf, va);
    return true;
}

/* => the leaf is locked; false: there is no slot */
static bool leave_for_slot(struct batch *batch, struct vpage_info *info)
{
    struct core_map_entry *page = vpage_frame(info);
    bool write;
    uint32_t slot = swap_out_page(page, &write);

    if (!slot)
        return false;
    if (write)
        batch->writes[batch->write_count++] = page;
    vpage_store(info, vpage_in_slot(slot));
    frame_put(page);
    return true;
}

/* The next touch finds the page in its file again; or in swap, if this was the last mapping. => the leaf is locked */
static void leave_to_file(struct batch *batch, struct vpage_info *info, vaddr_t va)
{
    struct vregion *region = region_of(batch, va);
    struct core_map_entry *page = vpage_frame(info);

    vpage_store(info, (struct vpage_info){0});
    leaf_info_removed(batch->leaf);
    if (page_cache_unmapped(region->file, vregion_file_index(region, va), page))
        batch->files[batch->file_count++] = page;
}

/* Let a page go that was hidden, unless somebody has taken it out meanwhile. => the leaf is locked, its CPUs were told */
static void leave(struct batch *batch, vaddr_t va)
{
    struct vpage_info *info = leaf_info(batch->leaf, va);
    struct core_map_entry *page = vpage_frame(info);

    if (!info->leaving)
        return;
    if (info->moving) { // a truncation meanwhile, from another space that has the leaf: it takes the page away
        set_leaving(info, false);
        return;
    }
    if (frame_kind(page) == FRAME_FILE) {
        leave_to_file(batch, info, va);
    } else if (!leave_for_slot(batch, info)) {
        set_leaving(info, false);
        return;
    }
    batch->evicted++;
}

/* ---- One leaf ---- */

/* Whether somebody else has locked pages of the leaf: it cannot be told which. => the leaf is locked */
static bool locked_elsewhere(const struct batch *batch, vaddr_t va)
{
    return batch->leaf->node.locked && !node_is_private(batch->space, va);
}

/* Whether a huge leaf is to stay so: its pages may not leave, or were used since the hand came by the last time. => it is locked */
static bool stays_huge(struct batch *batch, vaddr_t va)
{
    const struct vregion *region = region_of(batch, va);

    vm_count_n(VM_PGSCAN, PTES_PER_NODE);
    return !region || (region->flags & VR_LOCKED) || !swap_has_room() || huge_test_and_clear_accessed(batch->space, va);
}

/*
 * What the hand finds to do at a leaf, which from then on knows this round. The other bits of the word in which it does have other writers:
 * hence the leaf's lock.
 *
 * => the leaf is locked; false: nothing; batch->split: it has to be split first
 */
static bool hand_stops_at(struct batch *batch, vaddr_t va)
{
    struct core_map_entry *leaf = batch->leaf;

    if (va == leaf_base(leaf) && leaf->round == hand.round)
        return false;
    batch->split = leaf->is_huge && !stays_huge(batch, va);
    if (!batch->split)
        leaf->round = hand.round;
    return !leaf->is_huge;
}

/* The same for who asks that all pages leave. */
static bool demand_stops_at(struct batch *batch)
{
    batch->split = batch->leaf->is_huge;
    return !batch->split;
}

/* Choose pages of a leaf from `va` on. => where to go on: at `va` itself once more if the leaf has to be split */
static vaddr_t choose(struct batch *batch, vaddr_t va, vaddr_t end)
{
    end = leaf_range_end(batch->leaf, end);
    node_lock(batch->leaf);
    if (!locked_elsewhere(batch, va) && (batch->used_too ? demand_stops_at(batch) : hand_stops_at(batch, va))) {
        struct leaf_range used = leaf_used_range(batch->leaf, va, end);
        for (va = used.start; va < used.end && batch->count < BATCH; va += PAGE_SIZE)
            if (hide(batch, va))
                batch->va[batch->count++] = va;
    }
    node_unlock(batch->leaf);
    return batch->split || batch->count == BATCH ? va : end;
}

/* Whose CPUs may remember entries of the leaf: its one owner's, or anybody's. */
static void flush(struct batch *batch)
{
    vaddr_t first = batch->va[0], last = batch->va[batch->count - 1];

    if (pte_is_writable(node_walk(batch->space, first).rights))
        tlb_flush_range(batch->space, first, last + PAGE_SIZE);
    else
        tlb_flush_all_spaces(first, last + PAGE_SIZE);
}

static void let_go(struct batch *batch)
{
    if (batch->flush)
        flush(batch);
    node_lock(batch->leaf);
    for (unsigned i = 0; i < batch->count; i++)
        leave(batch, batch->va[i]);
    node_unlock(batch->leaf);
}

/* ---- One space ---- */

/* The next pages of a space, at most a batch, from hand.va on. => false: the space is done; its lock is held for reading */
static bool step_space(struct batch *batch)
{
    while ((batch->leaf = node_next_leaf(batch->space, &hand.va, USER_END))) {
        hand.va = choose(batch, hand.va, USER_END);
        if (batch->split)
            return true;
        if (batch->count == 0)
            continue;
        let_go(batch);
        return true;
    }
    return false;
}

static void batch_begin(struct batch *batch, struct vspace *space, bool used_too)
{
    batch->space = space;
    batch->region = NULL;
    batch->used_too = used_too;
    batch->room = swap_has_room();
    batch->count = batch->write_count = batch->file_count = batch->evicted = 0;
    batch->flush = batch->split = false;
}

/* Write what has left, if it must be. => how many pages did leave memory, or will with their last holder; no lock held */
static unsigned batch_end(struct batch *batch)
{
    unsigned left = batch->evicted - swap_write(batch->writes, batch->write_count);

    left -= page_cache_write_out(batch->files, batch->file_count);
    vm_count_n(VM_PGSTEAL, left);
    return left;
}

/* Evict from one space until it is done, or enough has gone. => whether it is done */
static bool evict_from(struct vspace *space, unsigned target, unsigned *evicted)
{
    bool more = true;

    while (more && *evicted < target) {
        struct batch batch;
        batch_begin(&batch, space, false);
        rwlock_read_lock(&space->lock);
        more = space->root && step_space(&batch);
        rwlock_read_unlock(&space->lock);
        if (unlikely(batch.split))
            huge_split_for_all(space, hand.va);
        *evicted += batch_end(&batch);
    }
    return !more;
}

/* ---- All spaces ---- */

unsigned clock_evict(unsigned target)
{
    unsigned evicted = 0, rounds = 0, count;
    struct vspace *space;

    while (evicted < target && (space = vspaces_first(&count))) {
        if (space != hand.space)
            hand.va = 0;
        hand.space = space;
        if (hand.left == 0) {
            hand.left = count;
            hand.round++;
            rounds++;
        }
        bool done = rounds <= ROUNDS && evict_from(space, target, &evicted);
        if (done) {
            vspaces_to_end(space);
            hand.space = NULL;
            hand.left--;
        }
        vspace_put(space);
        if (rounds > ROUNDS)
            break;
    }
    return evicted;
}

void clock_page_out(struct vspace *space, vaddr_t start, vaddr_t end)
{
    while (start < end) {
        struct batch batch;
        batch_begin(&batch, space, true);
        rwlock_read_lock(&space->lock);
        batch.leaf = node_next_leaf(space, &start, end);
        start = batch.leaf ? choose(&batch, start, end) : end;
        if (batch.count > 0)
            let_go(&batch);
        rwlock_read_unlock(&space->lock);
        if (unlikely(batch.split))
            huge_split_for_all(space, start);
        (void)batch_end(&batch);
    }
}
