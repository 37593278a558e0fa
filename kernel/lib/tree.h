// SPDX-License-Identifier: MIT
/*
 * tree.h - an ordered set: an intrusive, balanced (red-black) binary tree.
 *
 * The owner embeds a tree_node and decides on the order. To look up, walk from root by left and right;
 * to insert where the walk ended, give tree_insert_at the last node and its empty link.
 * Every operation takes time in the logarithm of the count. Nothing is allocated.
 * => the owner's lock guards the tree; none is taken here
 */
#ifndef LIB_TREE_H
#define LIB_TREE_H

#include "lib/types.h"

struct tree_node {
    uintptr_t parent_color;     // the parent's address; bit 0 set: black
    struct tree_node *left;
    struct tree_node *right;
};

struct tree {
    struct tree_node *root;
};

#define TREE_INIT { NULL }

/* Does `a` come before `b`? Equal nodes keep the order of their insertion. */
typedef bool (*tree_less)(const struct tree_node *a, const struct tree_node *b);

static inline void tree_init(struct tree *tree)
{
    tree->root = NULL;
}

static inline bool tree_empty(const struct tree *tree)
{
    return tree->root == NULL;
}

void tree_insert(struct tree *tree, struct tree_node *node, tree_less less);

/* => `link` is &tree->root (parent NULL), &parent->left or &parent->right, and empty */
void tree_insert_at(struct tree *tree, struct tree_node *parent, struct tree_node **link, struct tree_node *node);

/* => `node` is in `tree`; its fields mean nothing afterwards */
void tree_remove(struct tree *tree, struct tree_node *node);

/* => the first, last, next, previous node in order, or NULL */
struct tree_node *tree_first(const struct tree *tree);
struct tree_node *tree_last(const struct tree *tree);
struct tree_node *tree_next(const struct tree_node *node);
struct tree_node *tree_prev(const struct tree_node *node);

/* Visit each `struct tree_node *pos` in order; the body may not remove it. */
#define tree_for_each(pos, tree) \
    for (pos = tree_first(tree); pos != NULL; pos = tree_next(pos))

#endif
