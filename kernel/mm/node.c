// SPDX-License-Identifier: MIT
/*
 * node.c - the tree of page-table pages.
 *
 * Theory      The tree that the CPU walks is also ours: an entry above a leaf points to a node, and the node's core_map_entry
 *             tells its level, place, and how many of its entries are live. A walk needs no lock but the vspace's: nodes
 *             come under its read lock (two makers of one node settle it under the parent's lock) and go only under its
 *             write lock.
 * Invariants  I4  A node's references are the entries that point to it.
 *             I10 `live` counts the entries (above a leaf) or infos (leaf) in use; a leaf's bounds enclose them, the groups of a
 *                 node above tell where they are.
 *             I11 A node's level and base are those of its place.
 *             A node that leaves the tree is zero, entries and infos, and is kept for the next one that is made.
 * Locking     space->lock, then a node's lock, parent before child.
 * Failure     -ENOMEM from making; nodes made so far stay and are found by the next try.
 * Not here    Sharing nodes between spaces: fork.c. What is in a leaf: vpage.c.
 */
#include "mm/node.h"

#include "arch/x86/cpu.h"
#include "arch/x86/paging.h"
#include "lib/errno.h"
#include "lib/log.h"
#include "lib/string.h"
#include "mm/kalloc.h"
#include "mm/tlb.h"
#include "mm/vspace.h"
#include "sync/rank.h"

/* ---- Frames of zeros, kept for the next node ---- */

#define ZERO_FRAMES 16u
#define ZERO_FRAMES_LEAST 2u
#define ZERO_PART 256 // of all frames, all CPUs keep no more than one of so many

/*
 * A table of zeros costs 512 instructions to make, and exit leaves plenty. Each CPU has a list of its own, through free.next: what it
 * cleared lies in its own cache of memory. The lock is for node_drain, which comes from elsewhere.
 */
static unsigned zero_frames_most = ZERO_FRAMES; // on one CPU; constant after boot
static struct zero_frames {
    struct spinlock lock;
    uint32_t count, first;   // (lock) frames of kind kernel, with one reference, all zero
} __attribute__((aligned(64))) zero_frames[MAX_CPUS] = {
    [0 ... MAX_CPUS - 1] = {.lock = SPINLOCK_INIT("zero frames", RANK_KSTACK)},
};

/* => kept->lock held, the list not empty */
static struct core_map_entry *zero_frame_pop(struct zero_frames *kept)
{
    struct core_map_entry *page = &core_map[kept->first];

    kept->first = page->free.next;
    kept->count--;
    return page;
}

/* A frame of the kind with one reference, of zeros if some are kept; else *zeroed becomes false. NULL: no memory. */
static struct core_map_entry *table_take(enum frame_kind kind, bool *zeroed)
{
    struct zero_frames *kept = &zero_frames[cpu_id()];

    spin_lock(&kept->lock);
    struct core_map_entry *page = kept->count > 0 ? zero_frame_pop(kept) : NULL;
    spin_unlock(&kept->lock);
    if (page) {
        frame_set_kind(page, kind);
        return page;
    }
    *zeroed = false;
    return frame_alloc(kind);
}

static void assert_is_zero(const struct core_map_entry *page)
{
#ifdef DEBUG
    const uint64_t *words = page2kva(page);
    for (size_t i = 0; i < PAGE_SIZE / sizeof *words; i++)
        ASSERT(words[i] == 0);
#else
    (void)page;
#endif
}

/* Give back a frame that is zero again. => it has one reference */
static void zero_frame_give(struct core_map_entry *page)
{
    struct zero_frames *kept = &zero_frames[cpu_id()];

    assert_is_zero(page);
    spin_lock(&kept->lock);
    bool keep = kept->count < zero_frames_most;
    if (keep) {
        frame_set_kind(page, FRAME_KERNEL);
        page->free.next = kept->first;
        kept->first = (uint32_t)page2pfn(page);
        kept->count++;
    }
    spin_unlock(&kept->lock);
    if (!keep)
        frame_put(page);
}

void node_share(unsigned cpus)
{
    uint64_t share = core_map_frames / ZERO_PART / cpus;

    zero_frames_most = (unsigned)MAX(ZERO_FRAMES_LEAST, MIN(share, ZERO_FRAMES));
}

void node_drain(void)
{
    for (struct zero_frames *kept = zero_frames; kept < zero_frames + MAX_CPUS; kept++) {
        spin_lock(&kept->lock);
        while (kept->count > 0)
            frame_put(zero_frame_pop(kept));
        spin_unlock(&kept->lock);
    }
}

/* ---- Locks ---- */

static enum lock_rank __maybe_unused node_rank(const struct core_map_entry *node)
{
    return RANK_NODE_4 + (ROOT_LEVEL - node->level);
}

static void word_lock(struct core_map_entry *node)
{
    while (unlikely(atomic_fetch_or_explicit(&node->lock, 1, memory_order_acquire) & 1))
        while (node_is_locked(node))
            cpu_relax();
}

/* The count goes on by one when the lock is taken and when it is given back. */
static void word_unlock(struct core_map_entry *node)
{
    uint16_t held = atomic_load_explicit(&node->lock, memory_order_relaxed);

    atomic_store_explicit(&node->lock, (uint16_t)(held + 1), memory_order_release);
}

void node_lock(struct core_map_entry *node)
{
    preempt_disable();
    lock_rank_push(node, node_rank(node));
    word_lock(node);
}

void node_unlock(struct core_map_entry *node)
{
    word_unlock(node);
    lock_rank_pop(node, node_rank(node));
    preempt_enable();
}

bool node_is_locked(const struct core_map_entry *node)
{
    return atomic_load_explicit(&node->lock, memory_order_relaxed) & 1;
}

/* ---- Live entries ---- */

/* Groups are not taken out: they may tell of more than what is live. */
static void entry_removed(struct core_map_entry *node)
{
    DEBUG_ASSERT(node_is_locked(node) && node->node.live > 0);
    if (--node->node.live == 0)
        node->node.groups = 0;
}

/* ---- Making and finding ---- */

/* The first address of the part of the tree that a node of `level` over `va` maps. */
static vaddr_t node_base(vaddr_t va, int level)
{
    return va & ~(((vaddr_t)1 << level_shift(level + 1)) - 1);
}

/* The infos of a new leaf. NULL: no memory. */
static struct vpi_page *infos_create(unsigned part, bool *zeroed)
{
    if (part)
        return leaf_part_create(part);
    struct core_map_entry *vpi = table_take(FRAME_VPI, zeroed);
    return vpi ? page2kva(vpi) : NULL;
}

struct core_map_entry *node_create_raw(int level, vaddr_t va, unsigned part, bool *zeroed)
{
    *zeroed = true;
    struct core_map_entry *node = table_take(FRAME_NODE, zeroed);
    if (!node)
        return NULL;
    node->level = level;
    node->node.base_2m = node_base(va, level) / LEAF_SPAN;
    node->has_slots = false;
    node->node.locked = false;
    node->is_huge = false;
    node->node.part = part;
    node->node.live = 0;
    node->node.groups = 0;
    if (level > LEAF_LEVEL)
        return node;
    node->node.vpi = infos_create(part, zeroed);
    if (node->node.vpi)
        return node;
    frame_put(node);
    return NULL;
}

struct core_map_entry *node_create(int level, vaddr_t va)
{
    bool zeroed;
    struct core_map_entry *node = node_create_raw(level, va, 0, &zeroed);

    if (node && !zeroed) {
        page_zero(node_entries(node));
        if (level == LEAF_LEVEL)
            page_zero(node->node.vpi);
    }
    return node;
}

/* Give back a node that no entry points to. => its entries and infos are zero */
static void node_destroy(struct core_map_entry *node)
{
    if (node->level == LEAF_LEVEL) {
        if (node->node.part)
            leaf_part_destroy(node);
        else
            zero_frame_give(kva2page(node->node.vpi));
    }
    zero_frame_give(node);
}

struct core_map_entry *node_create_root(void)
{
    struct core_map_entry *root = node_create(ROOT_LEVEL, 0);

    if (root)
        paging_copy_kernel_half(node_entries(root));
    return root;
}

/* The node that the parent's entry over `va` points to, or NULL. */
static struct core_map_entry *node_child(const struct core_map_entry *parent, vaddr_t va)
{
    pte_t entry = pte_load(&node_entries(parent)[pte_index(va, parent->level)]);

    return pte_is_present(entry) ? node_of_entry(entry) : NULL;
}

/* The end of a walk at a huge entry. */
static struct node_path __cold huge_path(pte_t entry, pte_t rights)
{
    return (struct node_path){node_of_entry(entry), pte_and_huge(rights, entry)};
}

/* Every fault comes through here, so the walk is written out by tables; core_map is asked once, at its end. */
struct node_path node_walk(const struct vspace *space, vaddr_t va)
{
    const pte_t *table = node_entries(space->root);
    pte_t rights = pte_all_rights();

#pragma GCC unroll 3
    for (int level = ROOT_LEVEL; level > LEAF_LEVEL; level--) {
        pte_t entry = pte_load(&table[pte_index(va, level)]);
        if (!pte_is_present(entry))
            return (struct node_path){NULL, rights};
        if (level == LEAF_LEVEL + 1 && unlikely(pte_is_large(entry)))
            return huge_path(entry, rights);
        rights = pte_and(rights, entry);
        table = P2V(pte_pa(entry));
    }
    return (struct node_path){kva2page(table), rights};
}

/* Make the child of `parent` over `va`, unless somebody else was faster. NULL: no memory. */
static struct core_map_entry *node_make_child(struct core_map_entry *parent, vaddr_t va)
{
    struct core_map_entry *made = node_create(parent->level - 1, va);
    if (!made)
        return NULL;
    unsigned index = pte_index(va, parent->level);
    node_lock(parent);
    struct core_map_entry *child = node_child(parent, va);
    if (!child) {
        pte_store(&node_entries(parent)[index], pte_table(page2pa(made), true));
        node_entry_added(parent, index);
    }
    node_unlock(parent);
    if (child)
        node_destroy(made);
    return child ? child : made;
}

/* The node of `level` over `va`, made if it is missing. */
static inline int make_path(struct vspace *space, vaddr_t va, int level, struct core_map_entry **found)
{
    struct core_map_entry *node = space->root;

    while (node->level > level) {
        struct core_map_entry *child = node_child(node, va);
        if (!child)
            child = node_make_child(node, va);
        if (!child)
            return -ENOMEM;
        node = child;
    }
    *found = node;
    return 0;
}

int node_make_leaf(struct vspace *space, vaddr_t va, struct core_map_entry **leaf)
{
    return make_path(space, va, LEAF_LEVEL, leaf);
}

int node_make_above(struct vspace *space, vaddr_t va, struct core_map_entry **above)
{
    return make_path(space, va, LEAF_LEVEL + 1, above);
}

/* ---- Walking ---- */

struct core_map_entry *node_next_leaf(const struct vspace *space, vaddr_t *va, vaddr_t end)
{
    while (*va < end) {
        struct core_map_entry *node = space->root;
        int level = ROOT_LEVEL;
        for (; node && level > LEAF_LEVEL; level--)
            node = node_child(node, *va);
        if (node)
            return node;
        /* The entry that was empty is one of level + 1: nothing lies below it. */
        vaddr_t span = (vaddr_t)1 << level_shift(level + 1);
        *va = ALIGN_DOWN(*va, span) + span;
    }
    return NULL;
}

/* ---- Taking a range out ---- */

/* One step of a walk over what a range has of a tree: for a child that lies in it as a whole, and for a part of a leaf. */
struct range_step {
    bool (*whole)(struct core_map_entry *node, unsigned index);
    bool (*part)(struct core_map_entry *leaf, struct leaf_range pages);
};

/* => true if a step was */
static bool range_steps(struct core_map_entry *node, vaddr_t va, vaddr_t end, const struct range_step *step)
{
    vaddr_t span = (vaddr_t)1 << level_shift(node->level), next;
    bool any = false;

    for (; va < end; va = next) {
        unsigned index = pte_index(va, node->level);
        pte_t entry = pte_load(&node_entries(node)[index]);
        next = ALIGN_DOWN(va, span) + span;
        if (pte_is_none(entry))
            continue;
        struct core_map_entry *child = node_of_entry(entry);
        if (next - va == span && next <= end) {
            any |= step->whole(node, index);
        } else if (child->level > LEAF_LEVEL) {
            any |= range_steps(child, va, MIN(next, end), step);
        } else {
            node_lock(child);
            any |= step->part(child, leaf_used_range(child, va, MIN(next, end)));
            node_unlock(child);
        }
    }
    return any;
}

static bool detach_child(struct core_map_entry *node, unsigned index)
{
    pte_t *entry = &node_entries(node)[index];

    pte_exchange(entry, pte_detached(pte_load(entry)));
    return true;
}

static bool detach_pages(struct core_map_entry *leaf, struct leaf_range pages)
{
    bool any = false;

    for (vaddr_t va = pages.start; va < pages.end; va += PAGE_SIZE)
        any |= vspace_underive(leaf, va);
    return any;
}

static bool drop_child(struct core_map_entry *node, unsigned index)
{
    pte_t *entry = &node_entries(node)[index];
    struct core_map_entry *child = node_of_entry(pte_load(entry));

    node_lock(node);
    pte_store(entry, pte_none());
    entry_removed(node);
    bool empty = node->node.live == 0;
    node_unlock(node);
    node_put(child);
    return empty;
}

static bool drop_pages(struct core_map_entry *leaf, struct leaf_range pages)
{
    for (vaddr_t va = pages.start; va < pages.end; va += PAGE_SIZE) {
        struct vpage_info *info = leaf_info(leaf, va);
        if (!info->used)
            continue;
        vpage_put(*info);
        *info = (struct vpage_info){0};
        leaf_info_removed(leaf);
    }
    return leaf->node.live == 0;
}

/* The same for a range within one leaf, by far the usual one. => true if the leaf is empty now */
static bool leaf_release(struct vspace *space, struct core_map_entry *leaf, vaddr_t start, vaddr_t end)
{
    node_lock(leaf);
    struct leaf_range pages = leaf_used_range(leaf, start, end);
    if (pages.start < pages.end && detach_pages(leaf, pages)) {
        node_unlock(leaf);
        tlb_flush_range(space, pages.start, pages.end);
        node_lock(leaf);
    }
    bool empty = drop_pages(leaf, pages);
    node_unlock(leaf);
    return empty;
}

void node_detach_range(struct vspace *space, vaddr_t start, vaddr_t end)
{
    static const struct range_step detach = {detach_child, detach_pages};

    DEBUG_ASSERT(rwlock_held_write(&space->lock));
    if (range_steps(space->root, start, end, &detach))
        tlb_flush_nodes(space, start, end);
}

bool node_drop_range(struct vspace *space, vaddr_t start, vaddr_t end)
{
    static const struct range_step drop = {drop_child, drop_pages};

    DEBUG_ASSERT(rwlock_held(&space->lock));
    return range_steps(space->root, start, end, &drop);
}

bool node_release_range(struct vspace *space, vaddr_t start, vaddr_t end)
{
    DEBUG_ASSERT(rwlock_held_write(&space->lock));
    struct core_map_entry *leaf = node_next_leaf(space, &start, end);
    if (!leaf)
        return false; // nothing was ever touched here
    if (end - leaf_base(leaf) < LEAF_SPAN)
        return leaf_release(space, leaf, start, end);
    node_detach_range(space, start, end);
    return node_drop_range(space, start, end);
}

/* ---- Taking empty nodes out ---- */

/* Whether a node can go: nothing in it, and no region that may soon need it again. => space->lock for writing */
static bool node_is_idle(struct vspace *space, const struct core_map_entry *node)
{
    vaddr_t base = (vaddr_t)node->node.base_2m * LEAF_SPAN;
    struct vregion *region = vregion_above(space, base);

    return node->node.live == 0 && (!region || vregion_start(region) >= base + ((vaddr_t)1 << level_shift(node->level + 1)));
}

/* Take the idle ones among the children of `node` over [va, end) out, those below them first. */
static void prune_below(struct vspace *space, struct core_map_entry *node, vaddr_t va, vaddr_t end, uint32_t *pruned)
{
    vaddr_t span = (vaddr_t)1 << level_shift(node->level);

    for (; va < end; va = ALIGN_DOWN(va, span) + span) {
        struct core_map_entry *child = node_child(node, va);
        if (!child || frame_refs(child) != 1) // a fork's, since the range was given back
            continue;
        if (child->level > LEAF_LEVEL)
            prune_below(space, child, va, MIN(ALIGN_DOWN(va, span) + span, end), pruned);
        if (!node_is_idle(space, child))
            continue;
        node_lock(node);
        pte_exchange(&node_entries(node)[pte_index(va, node->level)], pte_none());
        entry_removed(node);
        node_unlock(node);
        child->node.base_2m = *pruned;
        *pruned = page2pfn(child);
    }
}

bool node_prune(struct vspace *space, vaddr_t start, vaddr_t end, uint32_t *pruned)
{
    DEBUG_ASSERT(rwlock_held_write(&space->lock));
    *pruned = 0;
    prune_below(space, space->root, start, end, pruned);
    return *pruned != 0;
}

void node_release_pruned(uint32_t pruned)
{
    while (pruned) {
        struct core_map_entry *node = &core_map[pruned];
        pruned = node->node.base_2m;
        node_destroy(node);
    }
}

/* Drop what the entries of a node above the leaves own. => nobody else uses it */
static void children_clear(struct core_map_entry *node)
{
    pte_t *entries = node_entries(node);

    for_each_group_entry(node, i)
        if (pte_is_present(entries[i])) {
            struct core_map_entry *child = node_of_entry(entries[i]);
            entries[i] = pte_none();
            node_put(child);
        }
}

void node_put(struct core_map_entry *node)
{
    /* If the one owner is ours nobody can make it two. Else the last to leave is its only user, as if it had had one all along. */
    if (frame_refs(node) != 1) {
        if (atomic_fetch_sub_explicit(&node->refs, 1, memory_order_acq_rel) > 1)
            return;
        atomic_store_explicit(&node->refs, 1, memory_order_relaxed);
    }
    if (node->level == LEAF_LEVEL)
        leaf_clear(node);
    else
        children_clear(node);
    node_destroy(node);
}

void node_destroy_root(struct core_map_entry *root)
{
    /* The kernel's half is not ours to follow. */
    memset(&node_entries(root)[PTES_PER_NODE / 2], 0, PTES_PER_NODE / 2 * sizeof(pte_t));
    node_put(root);
}
