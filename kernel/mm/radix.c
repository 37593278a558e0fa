// SPDX-License-Identifier: MIT
#include "mm/radix.h"

#include "lib/errno.h"
#include "lib/log.h"
#include "mm/slab.h"

#define RADIX_BITS 6
#define RADIX_SLOTS (1u << RADIX_BITS)
#define RADIX_MAX_HEIGHT ((64 + RADIX_BITS - 1) / RADIX_BITS)

struct radix_node {
    uint32_t used; // slots that are not NULL
    void *slots[RADIX_SLOTS];
};

/* The slot of a node `height` levels above the values that leads to `index`. */
static unsigned slot_of(uint64_t index, unsigned height)
{
    return (index >> (RADIX_BITS * (height - 1))) & (RADIX_SLOTS - 1);
}

/* Whether a tree of `height` levels has a place for `index`. */
static bool height_covers(unsigned height, uint64_t index)
{
    return height >= RADIX_MAX_HEIGHT || index >> (RADIX_BITS * height) == 0;
}

void *radix_find(const struct radix *tree, uint64_t index)
{
    if (!height_covers(tree->height, index))
        return NULL;
    void *at = tree->root;
    for (unsigned height = tree->height; height > 0 && at; height--)
        at = ((struct radix_node *)at)->slots[slot_of(index, height)];
    return at;
}

/* One level more: the old root becomes slot 0 of a new one. */
static int radix_grow(struct radix *tree)
{
    if (tree->root) {
        struct radix_node *node = slab_zalloc(sizeof *node);
        if (!node)
            return -ENOMEM;
        node->slots[0] = tree->root;
        node->used = 1;
        tree->root = node;
    }
    tree->height++;
    return 0;
}

int radix_insert(struct radix *tree, uint64_t index, void *value)
{
    while (!height_covers(tree->height, index)) {
        int error = radix_grow(tree);
        if (error)
            return error;
    }
    struct radix_node *parent = NULL;
    void **slot = &tree->root;
    for (unsigned height = tree->height; height > 0; height--) {
        if (!*slot) {
            *slot = slab_zalloc(sizeof(struct radix_node));
            if (!*slot) {
                radix_remove(tree, index); // takes the empty nodes of this path out again
                return -ENOMEM;
            }
            if (parent)
                parent->used++;
        }
        parent = *slot;
        slot = &parent->slots[slot_of(index, height)];
    }
    ASSERT(!*slot);
    *slot = value;
    if (parent)
        parent->used++;
    return 0;
}

void radix_replace(struct radix *tree, uint64_t index, void *value)
{
    void **slot = &tree->root;

    for (unsigned height = tree->height; height > 0; height--)
        slot = &((struct radix_node *)*slot)->slots[slot_of(index, height)];
    DEBUG_ASSERT(*slot);
    *slot = value;
}

/* Give back the nodes of `path`, which leads to `index`, that have emptied, from the lowest up. */
static void radix_trim(struct radix *tree, struct radix_node **path, uint64_t index)
{
    for (unsigned height = 1; height <= tree->height; height++) {
        struct radix_node *node = path[height];
        if (!node)
            continue;
        if (node->used > 0)
            return;
        slab_free(node);
        if (height == tree->height) {
            tree->root = NULL;
            tree->height = 0;
            return;
        }
        struct radix_node *parent = path[height + 1];
        parent->slots[slot_of(index, height + 1)] = NULL;
        parent->used--;
    }
}

void *radix_remove(struct radix *tree, uint64_t index)
{
    struct radix_node *path[RADIX_MAX_HEIGHT + 1] = {NULL};

    if (!height_covers(tree->height, index))
        return NULL;
    void **slot = &tree->root;
    for (unsigned height = tree->height; height > 0 && *slot; height--) {
        path[height] = *slot;
        slot = &path[height]->slots[slot_of(index, height)];
    }
    bool reached = tree->height == 0 || path[1] != NULL;
    void *value = reached ? *slot : NULL;
    if (value) {
        *slot = NULL;
        if (path[1])
            path[1]->used--;
    }
    radix_trim(tree, path, index);
    return value;
}

/* radix_next below one node, whose first index is `base`. */
static void *next_below(void *at, unsigned height, uint64_t base, uint64_t *index)
{
    if (!at)
        return NULL;
    if (height == 0) {
        *index = base;
        return at;
    }
    struct radix_node *node = at;
    uint64_t span = 1ull << (RADIX_BITS * (height - 1));
    unsigned first = *index > base ? (unsigned)((*index - base) / span) : 0;
    for (unsigned i = first; i < RADIX_SLOTS; i++) {
        void *found = next_below(node->slots[i], height - 1, base + i * span, index);
        if (found)
            return found;
    }
    return NULL;
}

void *radix_next(const struct radix *tree, uint64_t *index)
{
    if (!height_covers(tree->height, *index))
        return NULL;
    return next_below(tree->root, tree->height, 0, index);
}
