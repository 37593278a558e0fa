// SPDX-License-Identifier: MIT
/*
 * vspace.c - the life of an address space: made, measured, torn down.
 */
#include "mm/vspace.h"

#include "lib/log.h"
#include "mm/commit.h"
#include "mm/measure.h"
#include "mm/node.h"
#include "mm/share.h"
#include "mm/slab.h"
#include "mm/tlb.h"
#include "mm/vregion.h"
#include "sync/mutex.h"

#define DEFAULT_STACK_LIMIT (8ull << 20)

static struct slab_cache space_cache;
static struct mutex spaces_lock;
static struct list vspaces = LIST_INIT(vspaces); // spaces_lock
static uint32_t last_number;                     // of a space; spaces_lock
uint32_t vspaces_changes;

void vspace_init(void)
{
    mutex_init(&spaces_lock, "vspaces", RANK_VSPACES);
    slab_cache_init(&space_cache, "vspace", sizeof(struct vspace));
    leaf_init();
    vregion_init();
    commit_init();
}

/* => spaces_lock held; between begin and end the list changes */
static void list_change_begin(void)
{
    vspaces_changes++;
    atomic_thread_fence(memory_order_release);
}

static void list_change_end(void)
{
    atomic_thread_fence(memory_order_release);
    vspaces_changes++;
}

struct list *vspaces_lock(void)
{
    mutex_lock(&spaces_lock);
    return &vspaces;
}

void vspaces_unlock(void)
{
    mutex_unlock(&spaces_lock);
}

struct vspace *vspace_create(void)
{
    struct vspace *space = slab_cache_alloc(&space_cache);
    if (!space)
        return NULL;
    /* The root and its place on the list come together: verify must find an owner for every node. */
    mutex_lock(&spaces_lock);
    *space = (struct vspace){.root = node_create_root(), .number = ++last_number};
    rwlock_init(&space->lock, "vspace", RANK_VSPACE);
    atomic_init(&space->refs, 1);
    atomic_init(&space->stack_limit, DEFAULT_STACK_LIMIT);
    space->size_limit = space->data_limit = UINT64_MAX;
    if (space->root) {
        list_change_begin();
        list_add_tail(&vspaces, &space->link);
        list_change_end();
    }
    mutex_unlock(&spaces_lock);
    if (space->root)
        return space;
    slab_cache_free(&space_cache, space);
    return NULL;
}

void vspace_get(struct vspace *space)
{
    uint32_t old = atomic_fetch_add_explicit(&space->refs, 1, memory_order_relaxed);

    ASSERT(old > 0);
}

void vspace_spread(struct vspace *space)
{
    if (likely(rwlock_is_spread(&space->lock)))
        return;
    rwlock_write_lock(&space->lock);
    rwlock_spread(&space->lock);
    rwlock_write_unlock(&space->lock);
}

/* The same for a space found in the list of all, which may be on its way out. => false: it is; the list's lock held */
static bool try_get(struct vspace *space)
{
    uint32_t old = atomic_load_explicit(&space->refs, memory_order_relaxed);

    do {
        if (old == 0)
            return false;
    } while (!atomic_compare_exchange_weak_explicit(&space->refs, &old, old + 1, memory_order_relaxed,
                                                    memory_order_relaxed));
    return true;
}

/* Everything in the space goes; the struct stays, without a root, until verify cannot meet it any more. */
static void vspace_tear_down(struct vspace *space)
{
    rwlock_write_lock(&space->lock);
    node_destroy_root(space->root);
    space->root = NULL;
    vregions_drop(space);
    vspace_uncommit(space, space->committed);
    rwlock_write_unlock(&space->lock);
}

void vspace_put(struct vspace *space)
{
    if (atomic_fetch_sub_explicit(&space->refs, 1, memory_order_acq_rel) > 1)
        return;
    if (unlikely(space->active))
        tlb_flush_nodes(space, 0, USER_END); // CPUs that idle with it
    ASSERT(space->active == 0);
    vspace_tear_down(space);
    mutex_lock(&spaces_lock);
    list_change_begin();
    list_remove(&space->link);
    list_change_end();
    space->number = 0;
    mutex_unlock(&spaces_lock);
    slab_cache_free(&space_cache, space);
}

__cold void vspace_for_each_region(struct vspace *space, bool (*visit)(const struct vregion *region, void *arg), void *arg)
{
    rwlock_read_lock(&space->lock);
    for (struct vregion *region = vregion_lowest(space); region; region = vregion_next(region))
        if (!visit(region, arg))
            break;
    rwlock_read_unlock(&space->lock);
}

/* => space->lock for writing */
static void space_compact(struct vspace *space)
{
    struct core_map_entry *leaf;

    for (vaddr_t va = 0; (leaf = node_next_leaf(space, &va, USER_END)); va = leaf_range_end(leaf, USER_END))
        if (node_is_private(space, va))
            leaf_compact(leaf);
}

struct vspace *vspaces_first(unsigned *count)
{
    struct vspace *space, *first = NULL;

    *count = 0;
    mutex_lock(&spaces_lock);
    list_for_each_entry(space, &vspaces, link) {
        ++*count;
        if (!first && try_get(space))
            first = space;
    }
    mutex_unlock(&spaces_lock);
    return first;
}

void vspaces_to_end(struct vspace *space)
{
    mutex_lock(&spaces_lock);
    list_change_begin();
    list_remove(&space->link);
    list_add_tail(&vspaces, &space->link);
    list_change_end();
    mutex_unlock(&spaces_lock);
}

__cold void vspaces_compact(bool wait)
{
    struct vspace *space;

    mutex_lock(&spaces_lock);
    list_for_each_entry(space, &vspaces, link) {
        if (wait)
            rwlock_write_lock(&space->lock);
        else if (!rwlock_try_write_lock(&space->lock))
            continue;
        if (space->root)
            space_compact(space);
        rwlock_write_unlock(&space->lock);
    }
    mutex_unlock(&spaces_lock);
}

/* ---- Sizes ---- */

/* `owners`: spaces that have the page's leaf */
static void measure_page(const struct vregion *region, const struct vpage_info *info, uint64_t owners, struct vspace_sizes *sizes)
{
    const struct core_map_entry *page = vpage_frame(info);

    sizes->swapped += vpage_is_swapped(*info);
    if (!info->present || frame_kind(page) == FRAME_ZERO)
        return;
    if (region->shared)
        sizes->shared++;
    else if (frame_kind(page) == FRAME_FILE)
        sizes->file++;
    else
        sizes->anonymous++;
    if (region->shared || frame_kind(page) != FRAME_FILE)
        sizes->share += PAGE_SHARES / (page_mappers(page) * owners);
}

/* Spaces that have the leaf over `va`: those that share a node share all below it. */
static uint64_t count_owners(const struct vspace *space, vaddr_t va)
{
    const struct core_map_entry *node = space->root;
    uint64_t owners = 1;

    while (node->level > LEAF_LEVEL) {
        node = pa2page(pte_pa(pte_load(&node_entries(node)[pte_index(va, node->level)])));
        owners *= frame_refs(node);
    }
    return owners;
}

static void measure_region(struct vspace *space, const struct vregion *region, struct vspace_sizes *sizes)
{
    vaddr_t end = vregion_end(region);
    struct core_map_entry *leaf;

    sizes->total_bytes += region->size;
    if (region->flags & VR_LOCKED)
        sizes->locked_bytes += region->size;
    if (region->purpose == VR_STACK)
        sizes->stack_bytes += region->size;
    else if (region->prot & VR_EXEC)
        sizes->text_bytes += region->size;
    else if ((region->prot & VR_WRITE) && !region->shared)
        sizes->data_bytes += region->size;
    for (vaddr_t va = vregion_start(region); (leaf = node_next_leaf(space, &va, end)); va = leaf_range_end(leaf, end)) {
        uint64_t owners = count_owners(space, va);
        node_lock(leaf);
        struct leaf_range used = leaf_used_range(leaf, va, leaf_range_end(leaf, end));
        for (vaddr_t page = used.start; page < used.end; page += PAGE_SIZE)
            measure_page(region, leaf_info(leaf, page), owners, sizes);
        node_unlock(leaf);
    }
}

/* Nodes below `node` and itself, each leaf with its vpi_page if that is a whole one. */
static uint64_t count_nodes(const struct core_map_entry *node)
{
    uint64_t count = node->level == LEAF_LEVEL && node->node.part == 0 ? 2 : 1;

    if (node->level > LEAF_LEVEL)
        for (unsigned i = 0; i < (node->level == ROOT_LEVEL ? PTES_PER_NODE / 2 : PTES_PER_NODE); i++) {
            pte_t entry = pte_load(&node_entries(node)[i]);
            if (pte_is_present(entry))
                count += count_nodes(node_of_entry(entry));
        }
    return count;
}

__cold void vspace_measure(struct vspace *space, struct vspace_sizes *sizes)
{
    *sizes = (struct vspace_sizes){0};
    rwlock_read_lock(&space->lock);
    for (struct vregion *region = vregion_lowest(space); region; region = vregion_next(region))
        measure_region(space, region, sizes);
    sizes->nodes = count_nodes(space->root);
    rwlock_read_unlock(&space->lock);
}
