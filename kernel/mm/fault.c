// SPDX-License-Identifier: MIT
/*
 * fault.c - what to do about a page fault.
 *
 * Theory      A fault is classified once: by the region (may the access happen at all? rights come from the region, never from
 *             the error code's P), then by the page's vpage_info (what is missing?). The answer is a plan. What a plan needs
 *             (a frame, a page of a file) is taken before the leaf is locked; under the lock the page is looked at again, and
 *             if it is no longer what the plan was made for, everything starts over. So two CPUs may resolve one fault at
 *             once: the second finds nothing left to do.
 * Stages      region -> rights -> path -> plan -> prepare -> commit -> release. docs/mm.md has the table of causes and outcomes.
 *             A write goes to private nodes only (share.c). What a read finds absent is filled into the node that is there,
 *             shared or not: it is the same for all who own it.
 *             Who writes to new memory in order gets some of the pages that follow along with the one that is touched (ahead.c).
 * Locking     space->lock for reading, the leaf's lock for the commit. Growing the stack changes a region, and making a path
 *             private changes the tree: then everything starts over with space->lock for writing.
 * Order       Write the entry, flush, only then drop the old frame. Where other CPUs must be told, the page is marked as moving
 *             meanwhile, since nobody may wait for a flush under a node's lock.
 * Failure     FAULT_OOM with nothing changed but nodes made on the way.
 * Considered  Mapping what the page cache has around a touched page of a file, as Linux does: BusyBox's `true` then has half of the
 *             faults, and takes 155,000 instructions with windows of 16 pages, 129,000 with 4, 127,000 with 2, instead of
 *             124,000. A fault is cheap here, and each page that is mapped for nothing is also dropped again.
 */
#include "mm/fault.h"

#include "arch/x86/trap.h"
#include "lib/errno.h"
#include "lib/log.h"
#include "lib/string.h"
#include "mm/ahead.h"
#include "mm/commit.h"
#include "mm/event.h"
#include "mm/huge.h"
#include "mm/kalloc.h"
#include "mm/map.h"
#include "mm/node.h"
#include "mm/page_cache.h"
#include "mm/reclaim.h"
#include "mm/share.h"
#include "mm/stat.h"
#include "mm/tlb.h"
#include "mm/vpage.h"
#include "mm/vspace.h"
#include "mm/watch.h"

/* What is to be done to the page: first what needs nothing else to be so. */
enum fault_plan {
    PLAN_DERIVE,     // nothing but bring the entry up to its metadata
    PLAN_MAP_ZERO,   // the zero frame, read-only
    PLAN_ZERO_FILL,  // a zeroed frame of its own
    PLAN_MAP_FILE,   // the page cache's frame: read-only, or writable in a shared region
    PLAN_COPY_FILE,  // a private copy of the page cache's frame
    PLAN_MARK_DIRTY, // a shared page that is there may be written from now on
    PLAN_COPY,       // a private copy of the frame that is there
    PLAN_TAKE_OVER,  // the frame has no other owner left: write to it
    PLAN_SWAP_IN,    // bring the content back from its slot
};

/* One fault on its way through the stages. */
struct fault_context {
    struct vspace *space;
    struct fault *fault;
    bool write, fetch;
    bool exclusive;                   // space->lock is taken for writing
    bool wants_exclusive;             // ... has to be, for what there is to do
    bool grew;                        // the stack was extended for it
    bool unshared;                    // the path was made private for it
    vaddr_t page_va;                  // the page's first address
    struct vregion *region;           // (space->lock)
    struct core_map_entry *leaf;
    struct vpage_info *info;          // the page's, in the leaf
    struct vpage_info seen;           // what the plan was made for
    struct core_map_entry *fresh;     // a frame taken for it, not yet used
    struct core_map_entry *file_page; // a page of the file, with a reference
    struct core_map_entry *old;       // the frame that was replaced, to be dropped after the flush
    struct core_map_entry *swapped;   // a frame of the swap cache, with a reference
    uint32_t wanted_slot;             // what has to be read before the next attempt; 0: nothing
    struct ahead ahead;               // frames for the pages that follow, not yet used
};

static enum fault_outcome conclude(struct fault_context *c, enum fault_cause cause, enum fault_outcome outcome)
{
    c->fault->cause = cause;
    return outcome;
}

static inline void drop(struct core_map_entry **page)
{
    if (*page) {
        frame_put(*page);
        *page = NULL;
    }
}

/* ---- Region ---- */

/* Whether the region may be extended down to `va`: it is a stack, inside its limit, with the gap kept below. */
static bool stack_may_grow(struct vspace *space, struct vregion *region, vaddr_t va)
{
    if (!region || region->dir != VR_DOWN || region->va_base - va > atomic_load(&space->stack_limit))
        return false;
    struct vregion *below = vregion_prev(region);
    vaddr_t lowest = USER_MIN;
    if (below)
        lowest = vregion_end(below) + (below->prot ? STACK_GUARD_GAP : 0); // PROT_NONE guards well enough
    return va >= lowest;
}

/* The lock has to be taken for writing: give it up and start over. */
static enum fault_outcome want_exclusive(struct fault_context *c)
{
    c->wants_exclusive = true;
    return FAULT_RETRY;
}

static uint64_t (*lock_limit)(void); // constant after boot

void fault_set_lock_limit(uint64_t (*limit)(void))
{
    lock_limit = limit;
}

/* What a locked stack grows by is locked, too. => space->lock held */
static bool may_lock(struct vspace *space, const struct vregion *stack, uint64_t pages)
{
    return likely(!(stack->flags & VR_LOCK_FLAGS)) || !lock_limit || vspace_may_lock(space, pages << PAGE_SHIFT, lock_limit());
}

/* Extend a stack down to the page. => c->exclusive; the region may be extended so far */
static __attribute__((noinline)) enum fault_outcome grow_stack(struct fault_context *c, struct vregion *stack)
{
    uint64_t pages = (vregion_start(stack) - c->page_va) >> PAGE_SHIFT;

    if (node_make_private(c->space, c->page_va, vregion_start(stack), PRIVATE_ALL))
        return conclude(c, CAUSE_STACK_GROWTH, FAULT_OOM);
    if (!vspace_may_grow(c->space, (int64_t)pages, 0) || !may_lock(c->space, stack, pages) ||
        (stack->commit == VR_COMMITTED && vspace_commit(c->space, pages)))
        return conclude(c, CAUSE_NO_REGION, FAULT_SEGV_MAPERR);
    vregion_set_range(stack, c->page_va, stack->va_base);
    vm_count(VM_STACK_GROWN);
    c->grew = true;
    c->region = stack;
    return FAULT_RESOLVED;
}

/* The region that the page lies in, in c->region; the stack above it is extended to it where that may be. */
static enum fault_outcome find_region(struct fault_context *c)
{
    c->region = va2vregion(c->space, c->page_va);
    if (likely(c->region))
        return FAULT_RESOLVED;
    struct vregion *above = vregion_above(c->space, c->page_va);
    if (!stack_may_grow(c->space, above, c->page_va))
        return conclude(c, CAUSE_NO_REGION, FAULT_SEGV_MAPERR);
    return c->exclusive ? grow_stack(c, above) : want_exclusive(c);
}

/* ---- Rights ---- */

/* What the region's rights say. On x86 a page that may be written or executed may be read. */
static enum fault_outcome check_rights(struct fault_context *c)
{
    unsigned prot = c->region->prot;

    if (prot == 0)
        return conclude(c, CAUSE_PROT_NONE, FAULT_SEGV_ACCERR);
    if (c->write && !(prot & VR_WRITE))
        return conclude(c, CAUSE_READONLY_WRITE, FAULT_SEGV_ACCERR);
    if (c->fetch && !(prot & VR_EXEC))
        return conclude(c, CAUSE_NO_EXECUTE, FAULT_SEGV_ACCERR);
    return FAULT_RESOLVED;
}

/* ---- Path ---- */

/* The leaf has no vpage_info for the page: make it private and give it all. */
static enum fault_outcome make_leaf_whole(struct fault_context *c)
{
    if (!c->exclusive)
        return want_exclusive(c);
    if (node_make_private(c->space, c->page_va, c->page_va + PAGE_SIZE, PRIVATE_ALL))
        return FAULT_OOM;
    c->leaf = node_find_leaf(c->space, c->page_va);
    return !leaf_covers(c->leaf, c->page_va) && leaf_make_whole(c->leaf) ? FAULT_OOM : FAULT_RESOLVED;
}

#define PATH_HUGE FAULT_OUTCOMES

/* There is no leaf for the page yet. => FAULT_RESOLVED: now there is; PATH_HUGE: a huge page is mapped; FAULT_OOM */
static enum fault_outcome __cold make_leaf(struct fault_context *c)
{
    if (c->write && huge_is_wanted(c->space, c->region, c->page_va) && huge_map(c->space, c->region, c->page_va))
        return PATH_HUGE;
    return node_make_leaf(c->space, c->page_va, &c->leaf) ? FAULT_OOM : FAULT_RESOLVED;
}

/*
 * The leaf that maps the page, in c->leaf; for a write all nodes down to it are made private.
 *
 * => FAULT_RESOLVED, FAULT_OOM, FAULT_RETRY: c->exclusive is needed; or PATH_HUGE
 */
static enum fault_outcome find_path(struct fault_context *c)
{
    struct node_path path = node_walk(c->space, c->page_va);

    c->leaf = path.leaf;
    if (c->write && unlikely(!pte_is_writable(path.rights))) {
        if (!c->exclusive)
            return want_exclusive(c);
        if (node_make_private(c->space, c->page_va, c->page_va + PAGE_SIZE, PRIVATE_WRITE))
            return FAULT_OOM;
        c->unshared = true;
        c->leaf = node_find_leaf(c->space, c->page_va);
    }
    if (likely(c->leaf))
        return likely(leaf_covers(c->leaf, c->page_va)) ? FAULT_RESOLVED : make_leaf_whole(c);
    return make_leaf(c);
}

/* ---- Plan ---- */

/* For a page that nothing is known of yet. */
static enum fault_plan plan_first_touch(struct fault_context *c)
{
    if (c->region->file) {
        c->fault->cause = CAUSE_FILE_FIRST_TOUCH;
        return c->write && !c->region->shared ? PLAN_COPY_FILE : PLAN_MAP_FILE;
    }
    if (c->grew)
        c->fault->cause = c->write ? CAUSE_STACK_GROWTH : CAUSE_STACK_GROWTH_READ;
    else
        c->fault->cause = c->write ? CAUSE_ANONYMOUS_WRITE : CAUSE_ANONYMOUS_READ;
    return c->write ? PLAN_ZERO_FILL : PLAN_MAP_ZERO;
}

/* For a write to a page that is there, whose entry does not let it through. */
static enum fault_plan plan_write(struct fault_context *c)
{
    if (c->region->shared) {
        c->fault->cause = CAUSE_FILE_SHARED_WRITE;
        return PLAN_MARK_DIRTY;
    }
    switch (frame_kind(vpage_frame(&c->seen))) {
    case FRAME_ZERO:
        c->fault->cause = CAUSE_ZERO_FRAME_WRITE;
        return PLAN_ZERO_FILL;
    case FRAME_FILE:
        c->fault->cause = CAUSE_FILE_PRIVATE_WRITE;
        return PLAN_COPY;
    case FRAME_SWAP:
        c->fault->cause = CAUSE_COW_WRITE;
        return swap_may_take_over(vpage_frame(&c->seen)) ? PLAN_TAKE_OVER : PLAN_COPY;
    default:
        c->fault->cause = CAUSE_COW_WRITE;
        return vpage_is_cow(c->region, &c->seen) ? PLAN_COPY : PLAN_TAKE_OVER;
    }
}

/* Whether the entry as it stands lets the access through, or will, once it is derived again. */
static bool entry_lags(struct fault_context *c)
{
    pte_t entry = pte_load(&node_entries(c->leaf)[pte_index(c->page_va, LEAF_LEVEL)]);

    if (!c->write)
        return true;
    if (pte_is_present(entry))
        return pte_is_writable(entry);
    return pte_is_writable(vpage_entry(c->region, &c->seen));
}

static enum fault_plan make_plan(struct fault_context *c)
{
    if (!c->seen.used)
        return plan_first_touch(c);
    if (unlikely(!c->seen.present)) {
        c->fault->cause = CAUSE_SWAPPED;
        return PLAN_SWAP_IN;
    }
    c->fault->cause = c->unshared ? CAUSE_SHARED_NODE_WRITE : CAUSE_ALREADY_RESOLVED;
    return entry_lags(c) ? PLAN_DERIVE : plan_write(c);
}

/* ---- Prepare: everything that may fail or sleep ---- */

static enum fault_outcome take_frame(struct fault_context *c, bool zeroed)
{
    c->fresh = zeroed ? frame_alloc_zeroed(FRAME_ANON) : frame_alloc(FRAME_ANON);
    return c->fresh ? FAULT_RESOLVED : FAULT_OOM;
}

/* A frame for the page, and for those that follow if it was touched in order. */
static enum fault_outcome take_zeroed(struct fault_context *c)
{
    if (!c->seen.used && ahead_follows(c->leaf, c->page_va))
        ahead_take(&c->ahead, c->region, c->leaf, c->page_va);
    return take_frame(c, true);
}

static bool past_end_of_file(const struct fault_context *c)
{
    uint64_t size = atomic_load(&c->region->file->size);

    return vregion_file_index(c->region, c->page_va) >= (size + PAGE_MASK) >> PAGE_SHIFT;
}

static enum fault_outcome take_file_page(struct fault_context *c)
{
    if (past_end_of_file(c))
        return conclude(c, CAUSE_PAST_END_OF_FILE, FAULT_BUS_ADRERR);
    if (unlikely(atomic_load(&c->region->file->punching)))
        return FAULT_RETRY;
    enum page_how how = c->write && c->region->shared ? PAGE_WRITE : PAGE_READ;
    int error = page_cache_fault(c->region->file, vregion_file_index(c->region, c->page_va), how, &c->file_page, &c->fault->major);
    if (error)
        return error == -ENOMEM ? FAULT_OOM : FAULT_BUS_ADRERR;
    return FAULT_RESOLVED;
}

/* A frame with the content of the page's slot, if there is one; else FAULT_RETRY, when it has been read. */
static enum fault_outcome take_swapped(struct fault_context *c)
{
    uint32_t slot = (uint32_t)c->seen.ppn;

    if (c->swapped && swap_page_has_slot(c->swapped, slot))
        return FAULT_RESOLVED;
    drop(&c->swapped);
    c->swapped = swap_find(slot);
    if (c->swapped)
        return FAULT_RESOLVED;
    c->wanted_slot = slot;
    return FAULT_RETRY;
}

static enum fault_outcome prepare(struct fault_context *c, enum fault_plan plan)
{
    enum fault_outcome outcome;

    if (plan <= PLAN_MAP_ZERO)
        return FAULT_RESOLVED;
    if (plan == PLAN_ZERO_FILL)
        return take_zeroed(c);
    switch (plan) {
    case PLAN_COPY:
        return take_frame(c, false);
    case PLAN_MAP_FILE:
    case PLAN_MARK_DIRTY:
        return take_file_page(c);
    case PLAN_COPY_FILE:
        outcome = take_file_page(c);
        return outcome == FAULT_RESOLVED ? take_frame(c, false) : outcome;
    case PLAN_SWAP_IN:
        return take_swapped(c);
    default:
        return FAULT_RESOLVED;
    }
}

/* ---- Commit: under the leaf's lock ---- */

/*
 * Let the page be in `page` from now on.
 *
 * => the leaf is locked, but given up for a moment if other CPUs have to be told; c->old takes the frame that was there
 */
static void set_frame(struct fault_context *c, struct core_map_entry *page, bool writable)
{
    struct vpage_info *info = c->info;

    if (info->used)
        c->old = vpage_frame(info);
    else
        leaf_info_added(c->leaf, c->page_va);
    if (c->old && vspace_underive(c->leaf, c->page_va) && !tlb_try_flush_here(c->space, c->page_va)) {
        struct vpage_info moving = *info;
        moving.moving = 1;
        vpage_store(info, moving);
        node_unlock(c->leaf);
        tlb_flush_range(c->space, c->page_va, c->page_va + PAGE_SIZE);
        node_lock(c->leaf);
    }
    vpage_store(info, vpage_in_frame(page, writable));
    vspace_derive_grown(c->leaf, c->region, c->page_va);
}

static void use_fresh(struct fault_context *c)
{
    struct core_map_entry *page = c->fresh;

    c->fresh = NULL;
    set_frame(c, page, true);
}

/* The copy is made under the lock: the frame that is there cannot go meanwhile. */
static void copy_into_fresh(struct fault_context *c, const struct core_map_entry *from, enum vm_event event)
{
    page_copy(page2kva(c->fresh), page2kva(from));
    use_fresh(c);
    vm_count(event);
}

static void map_file_page(struct fault_context *c)
{
    struct core_map_entry *page = c->file_page;

    c->file_page = NULL; // the reference is the entry's now
    set_frame(c, page, c->write && c->region->shared);
}

static void bring_in(struct fault_context *c)
{
    struct core_map_entry *page = c->swapped;

    c->swapped = NULL; // the reference is the entry's now
    swap_bring_in(page, c->write);
    vpage_store(c->info, vpage_in_frame(page, true));
    vspace_derive_grown(c->leaf, c->region, c->page_va);
}

/* Carry the plan out. => the leaf is locked, and the page is what the plan was made for */
static void commit(struct fault_context *c, enum fault_plan plan)
{
    switch (plan) {
    case PLAN_DERIVE:
        vspace_derive_grown(c->leaf, c->region, c->page_va);
        break;
    case PLAN_MAP_ZERO:
        set_frame(c, zero_page, false);
        break;
    case PLAN_ZERO_FILL:
        use_fresh(c);
        vm_count(VM_ZERO_FILLED);
        if (c->ahead.count > 0)
            c->fault->ahead = (uint8_t)ahead_fill(&c->ahead, c->region, c->leaf, c->page_va);
        break;
    case PLAN_MAP_FILE:
        map_file_page(c);
        break;
    case PLAN_COPY_FILE:
        copy_into_fresh(c, c->file_page, VM_FILE_COPIED);
        break;
    case PLAN_MARK_DIRTY:
        vpage_store(c->info, vpage_in_frame(vpage_frame(&c->seen), true));
        vspace_derive_grown(c->leaf, c->region, c->page_va);
        break;
    case PLAN_COPY:
        copy_into_fresh(c, vpage_frame(&c->seen),
                        c->fault->cause == CAUSE_COW_WRITE ? VM_COW_COPIED : VM_FILE_COPIED);
        break;
    case PLAN_TAKE_OVER:
        vspace_derive_grown(c->leaf, c->region, c->page_va);
        vm_count(VM_COW_TAKEN_OVER);
        break;
    case PLAN_SWAP_IN:
        bring_in(c);
        break;
    }
}

/* Whether the page is still what the plan was made for. => the leaf is locked */
static bool plan_holds(const struct fault_context *c, enum fault_plan plan)
{
    if (!vpage_same(*c->info, c->seen))
        return false;
    if (likely(plan <= PLAN_ZERO_FILL))
        return true;
    /* Another CPU may have taken the frame over since, which its info does not tell, and the program writes to it. */
    if (plan == PLAN_COPY && pte_is_writable(pte_load(&node_entries(c->leaf)[pte_index(c->page_va, LEAF_LEVEL)])))
        return false;
    /* While room was made for it, the page may have left this mapping, and another one in the same frame have come. */
    if (plan == PLAN_MARK_DIRTY)
        return c->file_page == vpage_frame(c->info);
    if ((plan == PLAN_MAP_FILE || plan == PLAN_COPY_FILE) && past_end_of_file(c))
        return false;
    if (plan == PLAN_SWAP_IN)
        return swap_page_has_slot(c->swapped, (uint32_t)c->seen.ppn);
    if (plan != PLAN_TAKE_OVER)
        return true;
    struct core_map_entry *page = vpage_frame(c->info);
    return frame_kind(page) == FRAME_SWAP ? swap_take_over(page) : !vpage_is_cow(c->region, c->info);
}

/* Drop what the stages took and did not use, and the frame that was replaced. => the leaf is not locked */
static void release(struct fault_context *c)
{
    drop(&c->fresh);
    drop(&c->file_page);
    drop(&c->old);
    if (unlikely(c->ahead.count > 0))
        ahead_drop(&c->ahead);
}

/* Plan, prepare and commit for one page. => space->lock held for reading; the region allows the access */
static enum fault_outcome resolve_page(struct fault_context *c)
{
    enum fault_outcome outcome = find_path(c);
    if (unlikely(outcome != FAULT_RESOLVED))
        return outcome == PATH_HUGE ? conclude(c, CAUSE_ANONYMOUS_WRITE, FAULT_RESOLVED) : outcome;
    c->info = leaf_info(c->leaf, c->page_va);
    c->seen = vpage_load(c->info);
    if (vpage_in_transit(c->seen))
        return conclude(c, CAUSE_ALREADY_RESOLVED, FAULT_RETRY);

    enum fault_plan plan = make_plan(c);
    outcome = prepare(c, plan);
    if (outcome == FAULT_RESOLVED) {
        node_lock(c->leaf);
        if (plan_holds(c, plan))
            commit(c, plan);
        else
            outcome = FAULT_RETRY;
        node_unlock(c->leaf);
    }
    release(c);
    return outcome;
}

/* => FAULT_RETRY when the page changed under the plan, or when c->wants_exclusive */
static enum fault_outcome attempt(struct fault_context *c)
{
    if (unlikely(c->exclusive))
        rwlock_write_lock(&c->space->lock);
    else
        rwlock_read_lock(&c->space->lock);
    enum fault_outcome outcome = find_region(c);
    if (likely(outcome == FAULT_RESOLVED))
        outcome = check_rights(c);
    if (likely(outcome == FAULT_RESOLVED))
        outcome = resolve_page(c);
    if (unlikely(c->exclusive))
        rwlock_write_unlock(&c->space->lock);
    else
        rwlock_read_unlock(&c->space->lock);
    return outcome;
}

/* Read what the last attempt wanted of swap. => FAULT_RETRY, or why it cannot be had */
static enum fault_outcome read_wanted(struct fault_context *c)
{
    int error = swap_read(c->wanted_slot, &c->swapped);

    c->wanted_slot = 0;
    if (error == 0 && !c->fault->major) {
        c->fault->major = true;
        vm_count(VM_PGMAJFAULT);
    }
    switch (error) {
    case 0:
    case -EAGAIN: // nobody holds the slot any more: the page is something else now
        return FAULT_RETRY;
    case -ENOMEM:
        return FAULT_OOM;
    default:
        return FAULT_BUS_ADRERR;
    }
}

/* Do what the last attempt asked for. => whether another one is of use */
static bool prepare_again(struct fault_context *c, enum fault_outcome *outcome, unsigned *reclaims)
{
    if (c->wants_exclusive && !c->exclusive) {
        c->exclusive = true;
        return true;
    }
    if (*outcome == FAULT_RETRY) {
        if (!c->wanted_slot)
            return false;
        *outcome = read_wanted(c);
    }
    if (*outcome == FAULT_OOM)
        return (*reclaims)++ < reclaim_attempts() && reclaim();
    return *outcome == FAULT_RETRY;
}

/* What the first attempt did not resolve. */
static enum fault_outcome __attribute__((noinline)) fault_again(struct fault_context *c, enum fault_outcome outcome)
{
    unsigned reclaims = 0;

    while (outcome != FAULT_RESOLVED && prepare_again(c, &outcome, &reclaims))
        outcome = attempt(c);
    drop(&c->swapped);
    return outcome;
}

/* Field by field: what the stages fill in need not be zero, and this is done in every fault. */
static inline void begin(struct fault_context *c, struct vspace *space, struct fault *fault)
{
    c->space = space;
    c->fault = fault;
    c->write = fault->code & PF_W;
    c->fetch = fault->code & PF_I;
    c->exclusive = c->wants_exclusive = c->grew = c->unshared = false;
    c->page_va = ALIGN_DOWN(fault->address, PAGE_SIZE);
    c->fresh = c->file_page = c->old = c->swapped = NULL;
    c->wanted_slot = 0;
    c->ahead.count = 0;
}

enum fault_outcome vspace_fault(struct vspace *space, struct fault *fault)
{
    struct fault_context c;

    if (events_on() && !fault->watched)
        return watch_fault(space, fault);
    begin(&c, space, fault);
    vm_count(VM_PGFAULT);
    fault->cause = CAUSE_NONE;
    if (fault->address >= USER_END) {
        fault->outcome = conclude(&c, CAUSE_KERNEL_ADDRESS, FAULT_SEGV_MAPERR);
        return fault->outcome;
    }
    fault->outcome = attempt(&c);
    if (unlikely(fault->outcome != FAULT_RESOLVED))
        fault->outcome = fault_again(&c, fault->outcome);
    return fault->outcome;
}
