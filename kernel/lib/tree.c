// SPDX-License-Identifier: MIT
/*
 * tree.c - red-black trees.
 *
 * Theory      A node is red or black. The root is black, a red node has black children, and every way from a node down
 *             to an empty link passes the same number of black nodes. So no way is more than twice as long as another.
 *             An empty link counts as black. After an insertion at most two red nodes touch; after a removal one side
 *             may lack a black node. Both are repaired by recolouring upwards, and at most three rotations.
 * Considered  AVL trees: shallower, but a removal may rotate all the way up.
 */
#include "lib/tree.h"

#define BLACK TREE_BLACK
#define parent_of tree_parent

static bool is_black(const struct tree_node *node)
{
    return node == NULL || (node->parent_color & BLACK) != 0;
}

static bool is_red(const struct tree_node *node)
{
    return !is_black(node);
}

static void set_black(struct tree_node *node)
{
    node->parent_color |= BLACK;
}

static void set_red(struct tree_node *node)
{
    node->parent_color &= ~BLACK;
}

static void set_parent(struct tree_node *node, struct tree_node *parent)
{
    node->parent_color = (uintptr_t)parent | (node->parent_color & BLACK);
}

/* The link that leads to a child of `parent`, or to the root. */
static struct tree_node **link_to(struct tree *tree, struct tree_node *parent, const struct tree_node *child)
{
    if (parent == NULL)
        return &tree->root;
    return parent->left == child ? &parent->left : &parent->right;
}

/* Put `child`, perhaps empty, in the place of `node`. */
static void replace_child(struct tree *tree, struct tree_node *node, struct tree_node *child)
{
    struct tree_node *parent = parent_of(node);

    *link_to(tree, parent, node) = child;
    if (child != NULL)
        set_parent(child, parent);
}

/* The right child goes up, `node` becomes its left child. */
static void rotate_left(struct tree *tree, struct tree_node *node)
{
    struct tree_node *up = node->right;

    replace_child(tree, node, up);
    node->right = up->left;
    if (node->right != NULL)
        set_parent(node->right, node);
    up->left = node;
    set_parent(node, up);
}

static void rotate_right(struct tree *tree, struct tree_node *node)
{
    struct tree_node *up = node->left;

    replace_child(tree, node, up);
    node->left = up->right;
    if (node->left != NULL)
        set_parent(node->left, node);
    up->right = node;
    set_parent(node, up);
}

/* Rotate so that the child on the given side goes down, and the other one takes the place of `node`. */
static void rotate_towards(struct tree *tree, struct tree_node *node, bool left)
{
    if (left)
        rotate_left(tree, node);
    else
        rotate_right(tree, node);
}

/* `node` is red; so may its parent be, which nothing else is wrong with. */
static void repair_after_insert(struct tree *tree, struct tree_node *node)
{
    struct tree_node *parent;

    while ((parent = parent_of(node)) != NULL && is_red(parent)) {
        struct tree_node *grand = parent_of(parent);    // exists: a red node is not the root
        bool parent_is_left = grand->left == parent;
        struct tree_node *uncle = parent_is_left ? grand->right : grand->left;

        if (is_red(uncle)) {
            set_black(parent);
            set_black(uncle);
            set_red(grand);
            node = grand;
            continue;
        }
        if ((parent->left == node) != parent_is_left) {
            rotate_towards(tree, parent, parent_is_left);
            parent = node;
        }
        set_black(parent);
        set_red(grand);
        rotate_towards(tree, grand, !parent_is_left);
        break;
    }
    set_black(tree->root);
}

void tree_insert_at(struct tree *tree, struct tree_node *parent, struct tree_node **link, struct tree_node *node)
{
    node->parent_color = (uintptr_t)parent;     // red
    node->left = NULL;
    node->right = NULL;
    *link = node;
    repair_after_insert(tree, node);
}

/*
 * All ways through the `left` (or right) child of `parent` lack one black node. Its sibling is not empty then.
 * => true when repaired; false when now the ways through `parent` lack one
 */
static bool repair_side(struct tree *tree, struct tree_node *parent, bool left)
{
    struct tree_node *sibling = left ? parent->right : parent->left;
    struct tree_node *near, *far;

    if (is_red(sibling)) {
        set_black(sibling);
        set_red(parent);
        rotate_towards(tree, parent, left);
        sibling = left ? parent->right : parent->left;
    }
    near = left ? sibling->left : sibling->right;
    far = left ? sibling->right : sibling->left;
    if (is_black(near) && is_black(far)) {
        bool parent_was_red = is_red(parent);

        set_red(sibling);
        set_black(parent);
        return parent_was_red;
    }
    if (is_black(far)) {
        set_black(near);
        set_red(sibling);
        rotate_towards(tree, sibling, !left);
        far = sibling;
        sibling = near;
    }
    if (is_red(parent))
        set_red(sibling);
    else
        set_black(sibling);
    set_black(parent);
    set_black(far);
    rotate_towards(tree, parent, left);
    return true;
}

/* The child `node` of `parent`, perhaps empty, has lost a black node above it. */
static void repair_after_remove(struct tree *tree, struct tree_node *parent, struct tree_node *node)
{
    while (parent != NULL && is_black(node)) {
        if (repair_side(tree, parent, parent->left == node))
            return;
        node = parent;
        parent = parent_of(node);
    }
    if (node != NULL)
        set_black(node);
}

/* Let the next node in order, which has no left child, take the place and colour of `node`, which has both. */
static void swap_with_next(struct tree *tree, struct tree_node *node, struct tree_node *next)
{
    struct tree_node old_node = *node, old_next = *next;

    replace_child(tree, node, next);
    next->parent_color = old_node.parent_color;
    next->left = old_node.left;
    set_parent(next->left, next);
    next->right = old_node.right == next ? node : old_node.right;
    set_parent(next->right, next);

    node->parent_color = old_next.parent_color;
    if (parent_of(&old_next) == node)
        set_parent(node, next);
    else
        parent_of(&old_next)->left = node;
    node->left = NULL;
    node->right = old_next.right;
    if (node->right != NULL)
        set_parent(node->right, node);
}

void tree_remove(struct tree *tree, struct tree_node *node)
{
    struct tree_node *child, *parent;
    bool lost_black;

    if (node->left != NULL && node->right != NULL)
        swap_with_next(tree, node, tree_next(node));
    child = node->left != NULL ? node->left : node->right;
    parent = parent_of(node);
    lost_black = is_black(node);
    replace_child(tree, node, child);
    if (lost_black)
        repair_after_remove(tree, parent, child);
}

static struct tree_node *leftmost(struct tree_node *node)
{
    while (node != NULL && node->left != NULL)
        node = node->left;
    return node;
}

static struct tree_node *rightmost(struct tree_node *node)
{
    while (node != NULL && node->right != NULL)
        node = node->right;
    return node;
}

struct tree_node *tree_first(const struct tree *tree)
{
    return leftmost(tree->root);
}

struct tree_node *tree_last(const struct tree *tree)
{
    return rightmost(tree->root);
}

struct tree_node *tree_next(const struct tree_node *node)
{
    struct tree_node *parent;

    if (node->right != NULL)
        return leftmost(node->right);
    while ((parent = parent_of(node)) != NULL && parent->right == node)
        node = parent;
    return parent;
}

struct tree_node *tree_prev(const struct tree_node *node)
{
    struct tree_node *parent;

    if (node->left != NULL)
        return rightmost(node->left);
    while ((parent = parent_of(node)) != NULL && parent->left == node)
        node = parent;
    return parent;
}
