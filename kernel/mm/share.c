// SPDX-License-Identifier: MIT
/*
 * share.c - nodes that several address spaces own together.
 *
 * Theory      x86 takes the AND of the write bits along a walk. So fork clears W in the top entries, lets the child's root point to
 *             the same nodes, and everything under them is shared and write-protected, whatever its size. The first write
 *             makes the path to its page private, from the top: a node with other owners is copied, which makes one owner
 *             more for each of its children (of a leaf: one reference more for each frame); a node whose other owners have
 *             gone is taken over by setting W.
 *
 *               after fork                         after one write by the child
 *
 *               parent   child                     parent   child
 *                  \r    r/                           \r      \w
 *                   node (2)                         node (1)  copy (1)
 *                  /w     \w                          /r  \r    /r   \w
 *              leaf (1)  leaf (1)              leaf (2)   leaf (1)    copy (1)
 *
 *             (n): owners; r, w: the W bit of an entry. The leaf on the left is now shared below two private nodes.
 *
 *             All who share a node have the same regions over its span, so what a read fault fills into a shared leaf is right for all of them.
 *             Whoever changes regions or rights makes the nodes over them private first; a node that goes from the tree as
 *             a whole only loses an owner.
 * Invariants  I3  An entry that points to a node with two owners or more has W clear.
 *             I4  A node has as many references as entries (and vspaces) point to it.
 *             I17 All who share a leaf may do with its pages what its entries allow.
 * Order       Owner counts are read from the top: a leaf with one owner below a node with two is shared. Write the entry, flush (CPUs
 *             cache paths through the old node), only then drop the owner.
 * Locking     The space's lock for writing: no walk of this space is under way. A node's lock while its entries are copied, as
 *             read faults of other owners may fill it. Two may copy one node at once; who drops the last owner tears it down.
 * Failure     -ENOMEM from a copy. Nodes that are private already stay so, which nobody can tell from before.
 * Considered  Copying under the lock for reading: then a walk could meet a node that its own space has just given up.
 *             Counting owners in the leaf's frames at fork: that is what made fork cost what the process weighs.
 */
#include "mm/share.h"

#include "arch/x86/pte.h"
#include "lib/errno.h"
#include "lib/log.h"
#include "lib/string.h"
#include "mm/huge.h"
#include "mm/node.h"
#include "mm/stat.h"
#include "mm/tlb.h"
#include "mm/vspace.h"

/* ---- Giving ---- */

bool node_share_top(struct vspace *parent, struct vspace *child)
{
    DEBUG_ASSERT(rwlock_held_write(&parent->lock));
    pte_t *from = node_entries(parent->root), *to = node_entries(child->root);
    bool shrank = false;

    for_each_group_entry(parent->root, i) {
        pte_t entry = pte_load(&from[i]);
        if (!pte_is_present(entry))
            continue;
        frame_get(pa2page(pte_pa(entry)));
        if (pte_is_writable(entry)) {
            pte_clear_writable(&from[i]);
            shrank = true;
        }
        pte_store(&to[i], pte_table(pte_pa(entry), false));
        node_entry_added(child->root, i);
    }
    return shrank;
}

/* ---- Copying ---- */

/*
 * The loops below meet 512 entries each and are the worst that a fault after fork has to wait for, so they do not branch.
 * An entry or info that is absent, all zero, counts as one of frame 0, which is never anybody's; the zero frame's count
 * means nothing either. No count can wrap: each reference takes an entry of its own, in a node or beside one.
 *
 * Entries of the node that is copied are stored without a locked operation: every way to it is write-protected, so the CPU
 * cannot set D in them; an A that it sets at this moment may be lost.
 */

/* One reference more for the frame at `pa`; &core_map[PGNUM(pa)], with one shift instead of two. */
static inline void count_reference(struct core_map_entry *map, paddr_t pa)
{
    static_assert(sizeof(struct core_map_entry) << 7 == PAGE_SIZE, "a frame's address over 128 is its entry's offset");
    struct core_map_entry *page = (void *)((char *)map + (pa >> 7));

    atomic_fetch_add_explicit(&page->refs, 1, memory_order_relaxed);
}

/* Store an entry without the right to write in both, and return it. */
static inline pte_t share_entry(pte_t *from, pte_t *to)
{
    pte_t entry = pte_without_write(pte_load(from));

    pte_store(to, entry);
    pte_store(from, entry);
    return entry;
}

/* How many bits from the lowest on are set. => that one is */
static size_t run_length(uint64_t bits)
{
    return ~bits ? (size_t)__builtin_ctzll(~bits) : 64;
}

/* The same for what an entry above the leaves leads to, where some may be huge ones. */
static void count_owner(struct core_map_entry *map, pte_t entry)
{
    if (pte_is_large(entry))
        atomic_fetch_add_explicit(&node_of_entry(entry)->refs, 1, memory_order_relaxed);
    else
        count_reference(map, pte_pa(entry));
}

static inline void __attribute__((always_inline)) copy_children_of(struct core_map_entry *node, struct core_map_entry *copy,
                                                                   bool zeroed, bool huge)
{
    struct core_map_entry *map = core_map;
    pte_t *from = node_entries(node), *to = node_entries(copy);
    size_t next = 0;

    /* Run by run of groups in use; what lies between is absent. */
    for (uint64_t groups = node->node.groups; groups;) {
        size_t first = (size_t)__builtin_ctzll(groups), length = run_length(groups >> first), end = (first + length) * GROUP;
        if (!zeroed)
            memset(&to[next], 0, (first * GROUP - next) * sizeof *to);
        size_t i = first * GROUP;
#pragma GCC unroll 2
        for (; huge && i < end; i++)
            count_owner(map, share_entry(&from[i], &to[i]));
#pragma GCC unroll 8
        for (; i < end; i++)
            count_reference(map, pte_pa(share_entry(&from[i], &to[i])));
        groups = end < PTES_PER_NODE ? groups >> (first + length) << (first + length) : 0;
        next = end;
    }
    if (!zeroed)
        memset(&to[next], 0, (PTES_PER_NODE - next) * sizeof *to);
    copy->node.groups = node->node.groups;
    copy->is_huge = huge;
}

static void __attribute__((noinline)) copy_huge_children(struct core_map_entry *node, struct core_map_entry *copy, bool zeroed)
{
    copy_children_of(node, copy, zeroed, true);
}

/* Most nodes lead to no huge page, and pay for none. */
static void copy_children(struct core_map_entry *node, struct core_map_entry *copy, bool zeroed)
{
    copy_children_of(node, copy, zeroed, false);
}

/*
 * The same where some of the pages are in swap: a slot is counted as a frame is. Or on their way: the copy's stay, and its space is flushed
 * before it has any fault.
 */
static void __cold copy_infos_and_slots(const struct vpage_info *from, struct vpage_info *to, size_t first, size_t past)
{
    for (size_t i = first; i < past; i++) {
        to[i] = from[i];
        to[i].leaving = false;
        if (vpage_is_swapped(to[i]))
            swap_slot_get((uint32_t)to[i].ppn);
        else
            count_reference(core_map, vpage_pa(to[i]));
    }
}

static void copy_infos(const struct vpage_info *from, struct vpage_info *to, size_t first, size_t past)
{
    struct core_map_entry *map = core_map;

#pragma GCC unroll 8
    for (size_t i = first; i < past; i++) {
        to[i] = from[i];
        count_reference(map, vpage_pa(to[i]));
    }
}

/* Zero what lies outside [first, past) of a table of 512 words. */
static void clear_around(void *table, size_t first, size_t past)
{
    uint64_t *words = table;

    memset(words, 0, first * sizeof *words);
    memset(words + past, 0, (PTES_PER_NODE - past) * sizeof *words);
}

static void copy_pages(struct core_map_entry *leaf, struct core_map_entry *copy, bool zeroed)
{
    pte_t *from = node_entries(leaf), *to = node_entries(copy);
    size_t first = 0, past = 0;

    if (leaf->node.live > 0) {
        first = leaf_first(leaf);
        past = leaf_last(leaf) + 1;
    }
    if (!zeroed) {
        clear_around(to, first, past);
        if (!copy->node.part)
            clear_around(copy->node.vpi, first, past);
    }
    copy->has_slots = leaf->has_slots;
    if (unlikely(leaf->has_slots))
        copy_infos_and_slots(leaf->node.vpi->info, copy->node.vpi->info, first, past);
    else
        copy_infos(leaf->node.vpi->info, copy->node.vpi->info, first, past);
#pragma GCC unroll 8
    for (size_t i = first; i < past; i++)
        share_entry(&from[i], &to[i]);
    copy->node.first_pair = leaf->node.first_pair;
    copy->node.last_pair = leaf->node.last_pair;
}

/* A copy of a node that others own as well, with one owner. NULL: no memory. */
static struct core_map_entry *node_copy(struct core_map_entry *node)
{
    unsigned part = node->level == LEAF_LEVEL ? leaf_part_needed(node) : 0;
    bool zeroed;
    struct core_map_entry *copy = node_create_raw(node->level, leaf_base(node), part, &zeroed);
    if (!copy)
        return NULL;
    node_lock(node);
    if (unlikely(node->is_huge) && node->level > LEAF_LEVEL)
        copy_huge_children(node, copy, zeroed);
    else if (node->level > LEAF_LEVEL)
        copy_children(node, copy, zeroed);
    else if (!part || part == leaf_part_needed(node))
        copy_pages(node, copy, zeroed);
    else
        goto grown;
    copy->node.live = node->node.live;
    node_unlock(node);
    vm_count(VM_NODE_COPIED);
    return copy;

grown: /* a read fault of another owner was faster: the part is the wrong one */
    node_unlock(node);
    if (!zeroed)
        page_zero(node_entries(copy));
    node_put(copy);
    return node_copy(node);
}

/* ---- Making private ---- */

#define BATCH 16

/* A walk that makes nodes private, and the nodes that the space has given up on the way. */
struct private_walk {
    struct vspace *space;
    enum private_extent extent;
    unsigned count;
    struct core_map_entry *given_up[BATCH];
};

/* Drop our ownership of what was given up, once no CPU remembers a path through it. */
static void drop_given_up(struct private_walk *walk)
{
    if (walk->count == 0)
        return;
    tlb_flush_nodes(walk->space, 0, USER_END);
    while (walk->count > 0)
        node_put(walk->given_up[--walk->count]);
}

/* A copy of a child, which is given up for it: the entry is the caller's to change. NULL: no memory. */
static inline struct core_map_entry *copy_child(struct private_walk *walk, struct core_map_entry *child)
{
    struct core_map_entry *copy = node_copy(child);
    if (!copy)
        return NULL;
    if (walk->count == BATCH)
        drop_given_up(walk);
    walk->given_up[walk->count++] = child;
    return copy;
}

/* The same for a huge entry: the leaf behind it, which stays so for a write if nobody else has it, or one of its frames. */
static struct core_map_entry *__cold own_huge(struct private_walk *walk, pte_t *entry, vaddr_t va)
{
    struct core_map_entry *leaf = node_of_entry(pte_load(entry)), *copy;

    if (frame_refs(leaf) > 1) {
        copy = copy_child(walk, leaf);
        if (copy)
            huge_replace_entry(walk->space, entry, va, pte_table(page2pa(copy), true));
        return copy;
    }
    if (walk->extent != PRIVATE_WRITE || !(pte_is_writable(pte_load(entry)) || huge_take_over(entry)))
        huge_split_entry(walk->space, entry, va);
    return leaf;
}

/* The child that an entry of a private node points to, made private. NULL: no memory. */
static struct core_map_entry *own_child(struct private_walk *walk, pte_t *entry, vaddr_t va)
{
    pte_t old = pte_load(entry);
    struct core_map_entry *child = pa2page(pte_pa(old));

    if (unlikely(pte_is_large(old)))
        return own_huge(walk, entry, va);
    if (pte_is_writable(old))
        return child; // I3: it has one owner
    if (frame_refs(child) == 1) {
        pte_set_writable(entry); // more rights: nothing to flush
        vm_count(VM_NODE_TAKEN_OVER);
        return child;
    }
    struct core_map_entry *copy = copy_child(walk, child);
    if (copy)
        pte_exchange(entry, pte_table(page2pa(copy), true));
    return copy;
}

/* => `node` is private */
static int make_children_private(struct private_walk *walk, struct core_map_entry *node, vaddr_t start, vaddr_t end)
{
    vaddr_t span = (vaddr_t)1 << level_shift(node->level), next;

    for (vaddr_t va = start; va < end; va = next) {
        pte_t *entry = &node_entries(node)[pte_index(va, node->level)];
        next = ALIGN_DOWN(va, span) + span;
        if (!pte_is_present(pte_load(entry)))
            continue;
        if (walk->extent == PRIVATE_EDGES && next - va == span && next <= end)
            continue;
        struct core_map_entry *child = own_child(walk, entry, va);
        if (!child)
            return -ENOMEM;
        int error = child->level > LEAF_LEVEL ? make_children_private(walk, child, va, MIN(next, end)) : 0;
        if (error)
            return error;
    }
    return 0;
}

/* Apart from node_make_private, whose usual case needs few registers; and given_up need not be zero. */
static int __attribute__((noinline)) walk_private(struct vspace *space, vaddr_t start, vaddr_t end,
                                                  enum private_extent extent)
{
    struct private_walk walk;

    walk.space = space;
    walk.extent = extent;
    walk.count = 0;
    int error = make_children_private(&walk, space->root, start, end);
    drop_given_up(&walk);
    return error;
}

int node_make_private(struct vspace *space, vaddr_t start, vaddr_t end, enum private_extent extent)
{
    DEBUG_ASSERT(rwlock_held_write(&space->lock));
    /* By far the most ranges lie in one leaf's span, and are private. */
    if (start >> level_shift(2) == (end - 1) >> level_shift(2)) {
        struct node_path path = node_walk(space, start);
        if (pte_is_writable(path.rights) && (!path.leaf || likely(!pte_is_large(path.rights))))
            return 0;
    }
    return walk_private(space, start, end, extent);
}

bool node_is_private(const struct vspace *space, vaddr_t va)
{
    const struct core_map_entry *node = space->root;

    while (node->level > LEAF_LEVEL) {
        node = node_of_entry(pte_load(&node_entries(node)[pte_index(va, node->level)]));
        if (frame_refs(node) > 1)
            return false;
    }
    return true;
}
