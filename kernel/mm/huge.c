// SPDX-License-Identifier: MIT
/*
 * huge.c - 2 MiB of anonymous memory under one entry.
 *
 * Theory      The first write to 2 MiB of untouched memory may take a run of 512 frames, and one entry at level 2 maps them all. The leaf that
 *             would otherwise map them is made all the same, with its infos and its entries filled in, and waits behind the huge entry:
 *
 *               level 2     ...  [huge]  ...                      ...  [  w ]  ...
 *                                 │   ╎                                  │
 *                                 │   ╎ core_map[head].huge.leaf         ▼
 *                                 │   └╶╶╶╶╶╶▶ leaf, vpi_page           leaf, vpi_page
 *                                 ▼            │ │ │  (no CPU           │ │ │
 *                                run of 512 ◀──┘─┘─┘   walks it)        └─┴─┴──▶ the same 512 frames
 *                                                                  after the split
 *
 *             So nothing new has to be counted. A huge entry is an entry that points to its leaf: the leaf has as many owners as entries
 *             lead to it, huge ones or not, and each of the 512 frames has one reference from the leaf's info. Fork shares the node above;
 *             a copy of that node makes one owner more for the leaf; a copy of the leaf, for one who writes, is one of small pages and makes one
 *             reference more for each frame. Splitting takes no memory: it writes the entry that leads to the leaf into the place of the huge one.
 *
 *             A leaf is huge for all its owners, or for none: it stops being so when its last owner splits it, or the clock for all of them.
 * Invariants  I23 A huge entry maps the frames of its leaf's 512 infos, in order, from an aligned one of kind huge, which knows the leaf. It lets
 *                 writes through only while nobody else has the leaf, or holds one of the frames.
 *             I4, I5 are as for all leaves.
 * Order       Entries of the two sizes for one address never meet in a TLB: the huge one is emptied and flushed before the other is written.
 * Locking     Made under space->lock for reading: it comes into the tree under the lock of the node above. All that follows needs the
 *             space's lock for writing.
 * Failure     No run, no leaf: the fault goes on with a small page.
 * Considered  A vpage_info of its own in the node above, and no leaf until the split: it saves two frames of 514, but then the split, which
 *             happens where memory is short, needs them; the references of a run and those of its frames are two counts that every look at a
 *             frame has to add; and a node above must have a table beside it, which a fault after fork has to copy.
 */
#include "mm/huge.h"

#include "arch/x86/pte.h"
#include "lib/errno.h"
#include "lib/log.h"
#include "lib/string.h"
#include "mm/kalloc.h"
#include "mm/node.h"
#include "mm/share.h"
#include "mm/stat.h"
#include "mm/tlb.h"
#include "mm/vpage.h"
#include "mm/vspace.h"

static_assert(PTES_PER_NODE == 1 << HUGE_ORDER, "a huge page is what a leaf maps");

/* ---- Making ---- */

/* Infos and entries for a run whose pages all have the rights `prot`. */
static void fill_leaf(struct core_map_entry *leaf, struct core_map_entry *run, unsigned prot)
{
    struct vpage_info *infos = leaf->node.vpi->info, info = vpage_in_frame(run, true);
    pte_t *entries = node_entries(leaf), entry = pte_accessed(pte_make(page2pa(run), prot));

    for (unsigned i = 0; i < PTES_PER_NODE; i++) {
        infos[i] = info;
        entries[i] = entry;
        info.ppn++;
        entry = pte_next_page(entry);
    }
    leaf->node.live = PTES_PER_NODE;
    leaf->node.first_pair = 0;
    leaf->node.last_pair = PTES_PER_NODE / 2 - 1;
}

/* A run of zeros with its leaf, in no tree yet. NULL: no memory. */
static struct core_map_entry *huge_create(const struct vregion *region, vaddr_t va)
{
    bool zeroed;
    struct core_map_entry *run = frame_alloc_run(FRAME_ANON, HUGE_ORDER);
    if (!run)
        return NULL;
    struct core_map_entry *leaf = node_create_raw(LEAF_LEVEL, va, 0, &zeroed);
    if (!leaf) {
        frame_free_run(run, HUGE_ORDER);
        return NULL;
    }
    memset(page2kva(run), 0, LEAF_SPAN);
    fill_leaf(leaf, run, region->prot);
    leaf->is_huge = 1;
    frame_set_kind(run, FRAME_HUGE);
    run->huge.leaf = leaf;
    return leaf;
}

bool huge_map(struct vspace *space, const struct vregion *region, vaddr_t va)
{
    struct core_map_entry *above, *leaf = NULL;

    if (!node_make_above(space, va, &above))
        leaf = huge_create(region, va);
    if (!leaf) {
        vm_count(VM_THP_FAULT_FALLBACK);
        return false;
    }
    pte_t *entry = &node_entries(above)[pte_index(va, above->level)];
    node_lock(above);
    bool free = pte_is_none(pte_load(entry));
    if (free) {
        above->is_huge = 1;
        pte_store(entry, pte_make_large(vpage_pa(leaf->node.vpi->info[0]), region->prot));
        node_entry_added(above, pte_index(va, above->level));
    }
    node_unlock(above);
    if (free) {
        vm_count(VM_THP_FAULT_ALLOC);
        vm_count_n(VM_ZERO_FILLED, PTES_PER_NODE);
    } else {
        node_put(leaf);
    }
    return true;
}

/* ---- Splitting ---- */

pte_t huge_replace_entry(struct vspace *space, pte_t *entry, vaddr_t va, pte_t now)
{
    DEBUG_ASSERT(rwlock_held_write(&space->lock));
    pte_t old = pte_exchange(entry, pte_none());
    tlb_flush_nodes(space, va, va + PAGE_SIZE); // one page of it stands for all; idle CPUs, too, must not know both sizes
    pte_store(entry, now);
    vm_count(VM_THP_SPLIT_PMD);
    return old;
}

/* The run and its leaf know each other no longer; its pages were used lately if it was. => no entry maps it as a whole */
static void huge_dissolve(struct core_map_entry *leaf, bool accessed)
{
    pte_t *entries = node_entries(leaf);

    for (unsigned i = 0; !accessed && i < PTES_PER_NODE; i++)
        pte_test_and_clear_accessed(&entries[i]);
    frame_set_kind(vpage_frame(&leaf->node.vpi->info[0]), FRAME_ANON);
    leaf->is_huge = 0;
    vm_count(VM_THP_SPLIT_PAGE);
}

void huge_split_entry(struct vspace *space, pte_t *entry, vaddr_t va)
{
    struct core_map_entry *leaf = node_of_entry(pte_load(entry));

    DEBUG_ASSERT(frame_refs(leaf) == 1);
    pte_t old = huge_replace_entry(space, entry, va, pte_table(page2pa(leaf), true));
    huge_dissolve(leaf, pte_is_accessed(old));
}

int huge_split(struct vspace *space, vaddr_t va)
{
    return node_make_private(space, ALIGN_DOWN(va, PAGE_SIZE), ALIGN_DOWN(va, PAGE_SIZE) + PAGE_SIZE, PRIVATE_ALL);
}

bool huge_try_split(struct vspace *space, vaddr_t va)
{
    struct core_map_entry *leaf = node_find_leaf(space, va);

    if (!leaf)
        return true;
    node_lock(leaf); // the clock may be at it, by way of another space
    bool huge = leaf->is_huge;
    node_unlock(leaf);
    if (!huge)
        return true;
    return node_is_private(space, va) && !huge_split(space, va);
}

/* ---- For the clock ---- */

/* The entry at level 2 over `va`; NULL: there is no node for it. => space->lock held */
static pte_t *entry_above(const struct vspace *space, vaddr_t va)
{
    const struct core_map_entry *node = space->root;

    for (int level = ROOT_LEVEL; level > LEAF_LEVEL + 1; level--) {
        pte_t entry = pte_load(&node_entries(node)[pte_index(va, level)]);
        if (!pte_is_present(entry))
            return NULL;
        node = node_of_entry(entry);
    }
    return &node_entries(node)[pte_index(va, LEAF_LEVEL + 1)];
}

/* The leaf behind an entry at level 2, if that is a huge one. */
static struct core_map_entry *leaf_behind(const pte_t *entry)
{
    return entry && pte_is_present(pte_load(entry)) && pte_is_large(pte_load(entry)) ? node_of_entry(pte_load(entry)) : NULL;
}

bool huge_test_and_clear_accessed(const struct vspace *space, vaddr_t va)
{
    pte_t *entry = entry_above(space, va);

    return leaf_behind(entry) && pte_test_and_clear_accessed(entry);
}

/* Take all huge entries over `va` that lead to the leaf out of the tables. => no space changes; whether one was used lately */
static bool detach_all(struct list *spaces, vaddr_t va, const struct core_map_entry *leaf)
{
    struct vspace *space;
    bool accessed = false;

    list_for_each_entry(space, spaces, link) {
        pte_t *entry = space->root ? entry_above(space, va) : NULL;
        if (leaf_behind(entry) == leaf)
            accessed |= pte_is_accessed(pte_exchange(entry, pte_detached(pte_load(entry))));
    }
    return accessed;
}

/* Put entries that lead to the leaf into the places of those. Several spaces may have one of them, so they let nobody write. */
static void attach_all(struct list *spaces, vaddr_t va, const struct core_map_entry *leaf)
{
    struct vspace *space;

    list_for_each_entry(space, spaces, link) {
        pte_t *entry = space->root ? entry_above(space, va) : NULL;
        if (!entry || pte_is_none(pte_load(entry)) || pte_is_present(pte_load(entry)))
            continue;
        pte_store(entry, pte_table(page2pa(leaf), false));
        vm_count(VM_THP_SPLIT_PMD);
    }
}

/* While the world stands still: nobody may meet an entry that is on its way. */
static void split_with_others(struct vspace *space, vaddr_t va)
{
    struct list *spaces = vspaces_lock();
    struct vspace *each;

    list_for_each_entry(each, spaces, link)
        rwlock_write_lock_nested(&each->lock);
    struct core_map_entry *leaf = space->root ? leaf_behind(entry_above(space, va)) : NULL;
    if (leaf) {
        bool accessed = detach_all(spaces, va, leaf);
        tlb_flush_all_spaces(va, va + PAGE_SIZE);
        attach_all(spaces, va, leaf);
        huge_dissolve(leaf, accessed);
    }
    list_for_each_entry(each, spaces, link)
        rwlock_write_unlock(&each->lock);
    vspaces_unlock();
}

void huge_split_for_all(struct vspace *space, vaddr_t va)
{
    rwlock_write_lock(&space->lock);
    bool done = !space->root || huge_try_split(space, va);
    rwlock_write_unlock(&space->lock);
    if (!done)
        split_with_others(space, va);
}

/* ---- Taking over, giving back ---- */

/* Whether nobody but the leaf holds one of the frames. */
static bool frames_are_ours(const struct core_map_entry *run)
{
    for (unsigned i = 0; i < PTES_PER_NODE; i++)
        if (frame_refs(&run[i]) != 1)
            return false;
    return true;
}

bool huge_take_over(pte_t *entry)
{
    struct core_map_entry *leaf = node_of_entry(pte_load(entry));
    pte_t *entries = node_entries(leaf);

    if (!frames_are_ours(vpage_frame(&leaf->node.vpi->info[0])))
        return false;
    for (unsigned i = 0; i < PTES_PER_NODE; i++)
        pte_store(&entries[i], pte_with_write(pte_load(&entries[i]))); // no CPU walks them
    pte_set_writable(entry);
    return true;
}

bool huge_clear(struct core_map_entry *leaf)
{
    struct core_map_entry *run = vpage_frame(&leaf->node.vpi->info[0]);

    frame_set_kind(run, FRAME_ANON);
    leaf->is_huge = 0;
    if (!frames_are_ours(run))
        return false;
    page_zero(node_entries(leaf));
    page_zero(leaf->node.vpi);
    frame_free_run(run, HUGE_ORDER);
    return true;
}
