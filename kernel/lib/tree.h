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

/* Inline, so that `less` is. */
static inline void tree_insert(struct tree *tree, struct tree_node *node, tree_less less);

/* => `link` is &tree->root (parent NULL), &parent->left or &parent->right, and empty */
void tree_insert_at(struct tree *tree, struct tree_node *parent, struct tree_node **link, struct tree_node *node);

/* => `node` is in `tree`; its fields mean nothing afterwards */
void tree_remove(struct tree *tree, struct tree_node *node);

/* => the first, last, next, previous node in order, or NULL */
struct tree_node *tree_first(const struct tree *tree);
struct tree_node *tree_last(const struct tree *tree);
struct tree_node *tree_next(const struct tree_node *node);
struct tree_node *tree_prev(const struct tree_node *node);

/*
 * Make `to` a tree of the same shape as `from`. `copy` returns the node that is to stand for one of `from`; its tree_node need not
 * be set. Inline, so that `copy` is.
 *
 * => false: `copy` returned NULL, and `to` has what was made so far, fit for tree_dismantle only
 */
static inline bool tree_copy(const struct tree *from, struct tree *to,
                             struct tree_node *(*copy)(const struct tree_node *node, void *arg), void *arg);

/* Hand every node to `drop`, in order; the tree is empty afterwards. Cheaper than removing each. */
static inline void tree_dismantle(struct tree *tree, void (*drop)(struct tree_node *node, void *arg), void *arg);

/* Visit each `struct tree_node *pos` in order; the body may not remove it. */
#define tree_for_each(pos, tree) \
    for (pos = tree_first(tree); pos != NULL; pos = tree_next(pos))

/* ---- Bodies of the inline functions ---- */

#define TREE_BLACK ((uintptr_t)1)

static inline __attribute__((always_inline)) void
tree_insert(struct tree *tree, struct tree_node *node, tree_less less)
{
    struct tree_node *parent = NULL;
    struct tree_node **link = &tree->root;

    while (*link != NULL) {
        parent = *link;
        link = less(node, parent) ? &parent->left : &parent->right;
    }
    tree_insert_at(tree, parent, link, node);
}

static inline struct tree_node *tree_parent(const struct tree_node *node)
{
    return (struct tree_node *)(node->parent_color & ~TREE_BLACK);
}

/* Let `made` stand under `parent` for `node`, without children yet. */
static inline void tree_copy_link(const struct tree_node *node, struct tree_node *made, struct tree_node *parent)
{
    made->parent_color = (uintptr_t)parent | (node->parent_color & TREE_BLACK);
    made->left = NULL;
    made->right = NULL;
}

static inline __attribute__((always_inline)) bool
tree_copy(const struct tree *from, struct tree *to, struct tree_node *(*copy)(const struct tree_node *node, void *arg),
          void *arg)
{
    const struct tree_node *node = from->root, *done;
    struct tree_node *at = NULL, **link = &to->root;

    *link = NULL;
    while (node) {
        struct tree_node *made = copy(node, arg);
        if (!made)
            return false;
        tree_copy_link(node, made, at);
        *link = at = made;
        if (node->left) {
            link = &at->left;
            node = node->left;
            continue;
        }
        /* Up until there is a right side where we have not been. */
        for (done = NULL; node && (!node->right || node->right == done); at = tree_parent(at)) {
            done = node;
            node = tree_parent(node);
        }
        if (node) {
            link = &at->right;
            node = node->right;
        }
    }
    return true;
}

static inline __attribute__((always_inline)) void
tree_dismantle(struct tree *tree, void (*drop)(struct tree_node *node, void *arg), void *arg)
{
    struct tree_node *node = tree->root, *next;

    tree->root = NULL;
    for (; node; node = next) {
        next = node->left;
        if (next) { // goes up, and the node becomes its right child: at last there are no left ones
            node->left = next->right;
            next->right = node;
        } else {
            next = node->right;
            drop(node, arg);
        }
    }
}

#endif
