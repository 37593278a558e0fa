// SPDX-License-Identifier: MIT
/* test_tree.c - the red-black tree against a sorted array, its rules checked after each step. */
#include "lib/tree.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ITEMS 300

struct item {
    struct tree_node node;
    int key;
    int order;          // of insertion, among equal keys
    bool in_tree;
};

static struct item items[ITEMS];
static unsigned random_state = 1;

static unsigned random_below(unsigned limit)
{
    random_state = random_state * 1103515245 + 12345;
    return (random_state >> 16) % limit;
}

static const struct item *item_of(const struct tree_node *node)
{
    return container_of(node, struct item, node);
}

static bool item_less(const struct tree_node *a, const struct tree_node *b)
{
    return item_of(a)->key < item_of(b)->key;
}

/* => the number of black nodes on every way down */
static int check_below(const struct tree_node *node, const struct tree_node *parent, int depth)
{
    int left, right;

    if (node == NULL)
        return 0;
    assert_true(depth < 40);
    assert_ptr_equal(parent_of(node), parent);
    if (is_red(node))
        assert_true(is_black(node->left) && is_black(node->right));
    left = check_below(node->left, node, depth + 1);
    right = check_below(node->right, node, depth + 1);
    assert_int_equal(left, right);
    return left + (is_black(node) ? 1 : 0);
}

static int compare_items(const void *a, const void *b)
{
    const struct item *left = *(struct item *const *)a, *right = *(struct item *const *)b;

    return left->key != right->key ? left->key - right->key : left->order - right->order;
}

static void check(const struct tree *tree)
{
    struct item *sorted[ITEMS];
    struct tree_node *node;
    size_t count = 0, i = 0;

    assert_true(is_black(tree->root));
    check_below(tree->root, NULL, 0);
    for (size_t k = 0; k < ITEMS; k++) {
        if (items[k].in_tree)
            sorted[count++] = &items[k];
    }
    qsort(sorted, count, sizeof(sorted[0]), compare_items);
    tree_for_each(node, tree) {
        assert_true(i < count);
        assert_ptr_equal(node, &sorted[i]->node);
        i++;
    }
    assert_int_equal(i, count);
    for (node = tree_last(tree); node != NULL; node = tree_prev(node))
        assert_ptr_equal(node, &sorted[--i]->node);
    assert_int_equal(i, 0);
}

static void random_operations(int keys, int steps)
{
    struct tree tree = TREE_INIT;
    int order = 0;

    memset(items, 0, sizeof(items));
    for (int step = 0; step < steps; step++) {
        struct item *item = &items[random_below(ITEMS)];

        if (item->in_tree) {
            tree_remove(&tree, &item->node);
        } else {
            item->key = (int)random_below((unsigned)keys);
            item->order = order++;
            tree_insert(&tree, &item->node, item_less);
        }
        item->in_tree = !item->in_tree;
        check(&tree);
    }
}

static void random_operations_keep_order_and_balance(void **state)
{
    (void)state;
    random_operations(1000000, 20000);
}

static void equal_keys_keep_insertion_order(void **state)
{
    (void)state;
    random_operations(7, 10000);
}

static void ascending_and_descending_fill_and_drain(void **state)
{
    (void)state;
    for (int down = 0; down < 2; down++) {
        struct tree tree = TREE_INIT;

        memset(items, 0, sizeof(items));
        for (int i = 0; i < ITEMS; i++) {
            items[i].key = down ? -i : i;
            items[i].in_tree = true;
            tree_insert(&tree, &items[i].node, item_less);
            check(&tree);
        }
        for (int i = 0; i < ITEMS; i++) {
            tree_remove(&tree, &items[i].node);
            items[i].in_tree = false;
            check(&tree);
        }
        assert_true(tree_empty(&tree));
    }
}

/* ---- Whole trees ---- */

static struct item copies[ITEMS];
static int copies_left, dropped;

static struct tree_node *copy_item(const struct tree_node *node, void *arg)
{
    struct item *copy = &copies[item_of(node) - items];

    (void)arg;
    if (copies_left-- == 0)
        return NULL;
    *copy = *item_of(node);
    return &copy->node;
}

/* In order, and before the next one is looked at: the node is overwritten. */
static void drop_item(struct tree_node *node, void *arg)
{
    assert_true(*(int *)arg <= item_of(node)->key);
    *(int *)arg = item_of(node)->key;
    memset(node, 0xff, sizeof *node);
    dropped++;
}

static int dismantle(struct tree *tree)
{
    int last = -1;

    dropped = 0;
    tree_dismantle(tree, drop_item, &last);
    assert_true(tree_empty(tree));
    return dropped;
}

static void a_copy_has_the_same_shape_and_a_broken_off_one_can_be_dismantled(void **state)
{
    struct tree tree, copy;

    (void)state;
    for (int count = 0; count < ITEMS; count += 1 + count / 4) {
        tree_init(&tree);
        for (int i = 0; i < count; i++) {
            items[i].key = (int)random_below(1000);
            tree_insert(&tree, &items[i].node, item_less);
        }
        copies_left = ITEMS;
        assert_true(tree_copy(&tree, &copy, copy_item, NULL));
        check_below(copy.root, NULL, 0);
        struct tree_node *twin = tree_first(&copy), *node;
        tree_for_each(node, &tree) {
            assert_int_equal(item_of(node) - items, item_of(twin) - copies);
            twin = tree_next(twin);
        }
        assert_null(twin);
        assert_int_equal(dismantle(&copy), count);
        for (int some = 0; some < count; some += 1 + some / 3) {
            copies_left = some;
            assert_false(tree_copy(&tree, &copy, copy_item, NULL));
            assert_int_equal(dismantle(&copy), some);
        }
        assert_int_equal(dismantle(&tree), count);
    }
}

static void empty_tree_has_no_ends(void **state)
{
    struct tree tree;

    (void)state;
    tree_init(&tree);
    assert_true(tree_empty(&tree));
    assert_null(tree_first(&tree));
    assert_null(tree_last(&tree));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(empty_tree_has_no_ends),
        cmocka_unit_test(ascending_and_descending_fill_and_drain),
        cmocka_unit_test(equal_keys_keep_insertion_order),
        cmocka_unit_test(random_operations_keep_order_and_balance),
        cmocka_unit_test(a_copy_has_the_same_shape_and_a_broken_off_one_can_be_dismantled),
    };

    return cmocka_run_group_tests_name("tree", tests, NULL, NULL);
}
