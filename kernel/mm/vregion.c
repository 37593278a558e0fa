// SPDX-License-Identifier: MIT
#include "mm/vregion.h"

#include "lib/errno.h"
#include "lib/log.h"
#include "mm/page_cache.h"
#include "mm/slab.h"
#include "mm/vspace.h"

static struct slab_cache region_cache;

void vregion_init(void)
{
    slab_cache_init(&region_cache, "vregion", sizeof(struct vregion));
}

struct vregion *vregion_alloc(void)
{
    return slab_cache_alloc(&region_cache);
}

/* Whether the region may ever write to its file. => it has one */
static bool region_writes_file(const struct vregion *region)
{
    return region->shared && (region->max_prot & VR_WRITE);
}

int vregion_count_writer(struct vregion *region)
{
    if (!region_writes_file(region) || page_cache_allow_writer(region->file))
        return 0;
    if (region->prot & VR_WRITE)
        return -EPERM;
    region->max_prot &= ~VR_WRITE;
    return 0;
}

void vregion_hold_file(struct vregion *region)
{
    atomic_fetch_add_explicit(&region->file->mapped, 1, memory_order_relaxed);
    region->file->ops->hold(region->file);
}

void vregion_release_file(struct vregion *region)
{
    if (region_writes_file(region))
        atomic_fetch_sub_explicit(&region->file->writers, 1, memory_order_release);
    atomic_fetch_sub_explicit(&region->file->mapped, 1, memory_order_relaxed);
    region->file->ops->release(region->file);
}

void vregion_free(struct vregion *region)
{
    if (region->file)
        vregion_release_file(region);
    slab_cache_free(&region_cache, region);
}

/* Apart, so that a copy without a file, which fork makes by the thousand, stays small. */
static __attribute__((noinline)) void hold_file_again(struct vregion *copy)
{
    if (region_writes_file(copy))
        atomic_fetch_add_explicit(&copy->file->writers, 1, memory_order_relaxed);
    vregion_hold_file(copy);
}

void vregion_copy(struct vregion *copy, const struct vregion *region)
{
    /* All but its place in a tree, which is not the copy's. The builtin becomes moves of words. */
    static_assert(offsetof(struct vregion, link) == 0, "the place comes first");
    __builtin_memcpy((char *)copy + sizeof copy->link, (const char *)region + sizeof region->link,
                     sizeof *copy - sizeof copy->link);
    if (copy->file)
        hold_file_again(copy);
}

void vregion_set_range(struct vregion *region, vaddr_t start, vaddr_t end)
{
    region->va_base = region->dir == VR_UP ? start : end;
    region->size = end - start;
}

static struct vregion *region_of(struct tree_node *node)
{
    return node ? container_of(node, struct vregion, link) : NULL;
}

struct vregion *vregion_above(struct vspace *space, vaddr_t va)
{
    struct tree_node *node = space->regions.root;
    struct vregion *best = NULL;

    while (node) {
        struct vregion *region = region_of(node);
        if (va < vregion_end(region)) {
            best = region;
            if (va >= vregion_start(region))
                break;
            node = node->left;
        } else {
            node = node->right;
        }
    }
    return best;
}

struct vregion *va2vregion(struct vspace *space, vaddr_t va)
{
    DEBUG_ASSERT(rwlock_held(&space->lock));
    struct vregion *recent = atomic_load_explicit(&space->recent, memory_order_relaxed);
    if (recent && vregion_contains(recent, va))
        return recent;
    struct vregion *region = vregion_above(space, va);
    if (!region || va < vregion_start(region))
        return NULL;
    if (likely(!rwlock_is_spread(&space->lock))) // else threads would take the line from each other again and again
        atomic_store_explicit(&space->recent, region, memory_order_relaxed);
    return region;
}

struct vregion *vregion_next(struct vregion *region)
{
    return region_of(tree_next(&region->link));
}

struct vregion *vregion_prev(struct vregion *region)
{
    return region_of(tree_prev(&region->link));
}

struct vregion *vregion_lowest(struct vspace *space)
{
    return region_of(tree_first(&space->regions));
}

struct vregion *vregion_highest(struct vspace *space)
{
    return region_of(tree_last(&space->regions));
}

static bool region_less(const struct tree_node *a, const struct tree_node *b)
{
    return vregion_start(container_of(a, struct vregion, link)) < vregion_start(container_of(b, struct vregion, link));
}

void vregion_insert(struct vspace *space, struct vregion *region)
{
    DEBUG_ASSERT(rwlock_held_write(&space->lock));
    DEBUG_ASSERT(region->size > 0 && IS_ALIGNED(region->va_base | region->size, PAGE_SIZE));
    tree_insert(&space->regions, &region->link, region_less);
    space->region_count++;
}

void vregion_remove(struct vspace *space, struct vregion *region)
{
    DEBUG_ASSERT(rwlock_held_write(&space->lock));
    atomic_store_explicit(&space->recent, NULL, memory_order_relaxed);
    tree_remove(&space->regions, &region->link);
    space->region_count--;
}

/* ---- All of a space ---- */

/* What vregions_copy has taken for copies to come. */
struct region_supply {
    struct vregion *next; // linked through their first words
    uint32_t wanted;      // not taken yet
};

static struct vregion *supply_take(struct region_supply *supply)
{
    if (!supply->next) {
        uint32_t count = supply->wanted;
        supply->next = slab_cache_alloc_chain(&region_cache, &count);
        if (!supply->next)
            return NULL;
        supply->wanted -= count;
    }
    struct vregion *region = supply->next;
    supply->next = *(struct vregion **)region;
    return region;
}

static struct tree_node *copy_node(const struct tree_node *node, void *arg)
{
    struct vregion *copy = supply_take(arg);

    if (!copy)
        return NULL;
    vregion_copy(copy, container_of(node, struct vregion, link));
    copy->flags &= ~(VR_LOCKED | VR_LOCK_ONFAULT); // not inherited
    return &copy->link;
}

int vregions_copy(const struct vspace *from, struct vspace *to)
{
    struct region_supply supply = {NULL, from->region_count};
    bool done = tree_copy(&from->regions, &to->regions, copy_node, &supply);

    to->region_count = from->region_count;
    return done ? 0 : -ENOMEM;
}

static void drop_node(struct tree_node *node, void *arg)
{
    struct vregion *region = region_of(node);

    if (region->file)
        vregion_release_file(region);
    slab_chain_add(&region_cache, arg, region);
}

void vregions_drop(struct vspace *space)
{
    struct slab_chain chain = {NULL, NULL, 0};

    space->region_count = 0;
    atomic_store_explicit(&space->recent, NULL, memory_order_relaxed);
    tree_dismantle(&space->regions, drop_node, &chain);
    if (chain.count)
        slab_cache_free_chain(&region_cache, &chain);
}

bool vregion_can_merge(const struct vregion *low, const struct vregion *high)
{
    if (vregion_end(low) != vregion_start(high) || low->dir != VR_UP || high->dir != VR_UP)
        return false;
    static_assert(offsetof(struct vregion, flags) - offsetof(struct vregion, prot) == 3, "four bytes in a row");
    if (__builtin_memcmp(&low->prot, &high->prot, 4) || low->commit != high->commit || low->purpose != high->purpose ||
        low->file != high->file)
        return false;
    return !low->file || low->file_offset + low->size == high->file_offset;
}

vaddr_t vregion_room_end(const struct vregion *region)
{
    vaddr_t start = vregion_start(region);

    if (region->dir == VR_DOWN)
        return start > STACK_GUARD_GAP ? start - STACK_GUARD_GAP : 0;
    return start;
}
