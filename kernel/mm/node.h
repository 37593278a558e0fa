// SPDX-License-Identifier: MIT
/*
 * node.h - the tree of page-table pages, and the locks of its nodes.
 *
 * A node is named by the core_map_entry of its frame. Level 1 is a leaf: it maps 512 pages and has a vpi_page beside it
 * (leaf.h).
 * Level 4 is the root. A node has as many references as entries point to it; the root has one, its vspace's.
 */
#ifndef MM_NODE_H
#define MM_NODE_H

#include "arch/x86/pte.h"
#include "lib/types.h"
#include "mm/core_map.h"
#include "mm/leaf.h"

#define ROOT_LEVEL 4

struct vspace;

/* A root with the kernel's half of the entries. NULL: no memory. */
__must_check struct core_map_entry *node_create_root(void);

/* Drop the whole user half below a root, and the root. => nobody uses the tree; no CPU has it loaded */
void node_destroy_root(struct core_map_entry *root);

/* A node over `va` without entries, with one owner, not in any tree yet. NULL: no memory. */
__must_check struct core_map_entry *node_create(int level, vaddr_t va);

/*
 * The same for who fills it at once. *zeroed: whether its entries, and a leaf's infos, are zero; else they are anything. `part`: which part
 * of a leaf's infos it is to have, as in its core_map_entry.
 */
__must_check struct core_map_entry *node_create_raw(int level, vaddr_t va, unsigned part, bool *zeroed);

/*
 * One owner of a node less; the last one gives back all that lies below it, and the node.
 *
 * => the entry that pointed to it is gone, and flushed; a space's lock held for writing, so that verify does not look
 */
void node_put(struct core_map_entry *node);

/*
 * The node that an entry above the leaves leads to; the leaf behind it, if it is a huge one.
 *
 * => the entry is not none
 */
static inline struct core_map_entry *node_of_entry(pte_t entry)
{
    struct core_map_entry *page = pa2page(pte_pa(entry));

    return unlikely(pte_is_large(entry)) ? page->huge.leaf : page;
}

/* A node's 512 entries. */
static inline pte_t *node_entries(const struct core_map_entry *node)
{
    return page2kva(node);
}

/*
 * A node's spinlock, a word of its core_map_entry, ranked by level: parent before child.
 *
 * => preemption is off while one is held
 */
void node_lock(struct core_map_entry *node);
void node_unlock(struct core_map_entry *node);
bool node_is_locked(const struct core_map_entry *node);

/*
 * The way from the root to the leaf that maps `va`; NULL where it ends before. `rights` is the AND of the entries on it: while they
 * let a write through, no node on it has a second owner. They are large if the leaf waits behind a huge entry.
 */
struct node_path {
    struct core_map_entry *leaf;
    pte_t rights;
};

/* => space->lock held */
struct node_path node_walk(const struct vspace *space, vaddr_t va);

static inline struct core_map_entry *node_find_leaf(const struct vspace *space, vaddr_t va)
{
    return node_walk(space, va).leaf;
}

/*
 * The leaf that maps `va`, made with the nodes above it if they are missing.
 *
 * => space->lock held; no node lock; may sleep for memory; 0 or -ENOMEM
 */
__must_check int node_make_leaf(struct vspace *space, vaddr_t va, struct core_map_entry **leaf);

/* The same for the node above that leaf. */
__must_check int node_make_above(struct vspace *space, vaddr_t va, struct core_map_entry **above);

/*
 * The first leaf at or after `*va` that begins before `end`, or NULL; `*va` becomes the first address of the leaf's range
 * that lies in the search. For walks over a range that touch only what exists:
 *
 *     for (va = start; (leaf = node_next_leaf(space, &va, end)); va = leaf_range_end(leaf, end))
 *
 * => space->lock held
 */
struct core_map_entry *node_next_leaf(const struct vspace *space, vaddr_t *va, vaddr_t end);

#define GROUP 8 // entries of a node above the leaves that one bit of its `groups` stands for

/* Visit the entries of a node above the leaves that may be in use: those of the groups that are. */
#define for_each_group_entry(above, i) \
    for (uint64_t groups_ = (above)->node.groups; groups_; groups_ &= groups_ - 1)           \
        for (unsigned first_ = (unsigned)__builtin_ctzll(groups_) * GROUP, i = first_; i < first_ + GROUP; i++)

/* Account for an entry above the leaves that comes into use. => the node is locked, or nobody else can find it */
static inline void node_entry_added(struct core_map_entry *node, unsigned index)
{
    node->node.live++;
    node->node.groups |= 1ull << index / GROUP;
}

/*
 * Forget every page of a range. Cannot fail.
 *
 * => space->lock for writing; the nodes at the range's edges are private (share.h); true if a node is empty now
 */
bool node_release_range(struct vspace *space, vaddr_t start, vaddr_t end);

/*
 * The same in two steps, for a large range: detach empties the entries that the CPU reads, those of whole nodes as high up as they lie in
 * the range, and flushes; drop gives back what they held, which takes long. In between and meanwhile no region may lie over the range.
 *
 * => detach: as above; drop: space->lock held since then, for reading at least
 */
void node_detach_range(struct vspace *space, vaddr_t start, vaddr_t end);
bool node_drop_range(struct vspace *space, vaddr_t start, vaddr_t end);

/*
 * Take nodes without a live entry, over which no region lies, out of the tree. They are linked through their
 * core_map_entries; `*pruned` begins the list.
 *
 * => space->lock for writing; true if a node went: flush the space (CPUs cache paths), then node_release_pruned
 */
__must_check bool node_prune(struct vspace *space, vaddr_t start, vaddr_t end, uint32_t *pruned);
void node_release_pruned(uint32_t pruned);

/* Let each of so many CPUs keep cleared tables, as many as there is memory for. => once, at boot */
void node_share(unsigned cpus);

/* Give frames that are kept for new nodes back to kalloc (drop_caches). */
void node_drain(void);

#endif
