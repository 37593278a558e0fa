// SPDX-License-Identifier: MIT
/*
 * radix.h - a sparse array of pointers with 64-bit indexes: a radix tree of 64 slots a node.
 *
 * A tree with only index 0 needs no node at all. Nodes come from the slab, which answers at once, so all of this may run
 * under the spinlock that guards the tree.
 */
#ifndef MM_RADIX_H
#define MM_RADIX_H

#include "lib/types.h"

struct radix {
    void *root;      // with height 0 the pointer at index 0, else the top node
    unsigned height; // levels of nodes
    uint32_t note;   // its owner's own, where padding would be
};

void *radix_find(const struct radix *tree, uint64_t index);

/* Set an empty slot; value not NULL. => 0 or -ENOMEM, nothing changed but that the tree may have grown levels */
__must_check int radix_insert(struct radix *tree, uint64_t index, void *value);

/* Put another pointer in the place of one that is there. => `index` has one; value not NULL */
void radix_replace(struct radix *tree, uint64_t index, void *value);

/* Empty a slot and give emptied nodes back. => what was there, or NULL */
void *radix_remove(struct radix *tree, uint64_t index);

/* The first pointer at `*index` or above, and its index. NULL: none. */
void *radix_next(const struct radix *tree, uint64_t *index);

#endif
