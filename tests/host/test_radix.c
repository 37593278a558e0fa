// SPDX-License-Identifier: MIT
/* test_radix.c - the sparse array against plain lists of indexes; exhaustion at every allocation. */
#include "support.h"

#include "lib/errno.h"
#include "mm/radix.h"

static char values[4096];

static void an_empty_tree_has_nothing(void **state)
{
    struct radix tree = {NULL, 0};
    uint64_t index = 0;

    (void)state;
    assert_null(radix_find(&tree, 0));
    assert_null(radix_find(&tree, UINT64_MAX));
    assert_null(radix_next(&tree, &index));
    assert_null(radix_remove(&tree, 0));
    assert_null(radix_remove(&tree, 77));
}

static void index_zero_alone_needs_no_node(void **state)
{
    struct radix tree = {NULL, 0};
    uint64_t index = 0;

    (void)state;
    assert_int_equal(radix_insert(&tree, 0, values), 0);
    assert_int_equal(tree.height, 0);
    assert_ptr_equal(tree.root, values);
    assert_ptr_equal(radix_next(&tree, &index), values);
    index = 1;
    assert_null(radix_next(&tree, &index));
    assert_ptr_equal(radix_remove(&tree, 0), values);
    assert_null(tree.root);
}

static const uint64_t edges[] = {0, 1, 63, 64, 65, 4095, 4096, 262143, 262144, 1ull << 32, (1ull << 36) - 1, 1ull << 36,
                                 1ull << 60, UINT64_MAX - 1, UINT64_MAX};

static void indexes_at_every_edge_are_found_in_order(void **state)
{
    struct radix tree = {NULL, 0};
    uint64_t index = 0;

    (void)state;
    for (unsigned i = ARRAY_SIZE(edges); i-- > 0;)
        assert_int_equal(radix_insert(&tree, edges[i], &values[i]), 0);
    for (unsigned i = 0; i < ARRAY_SIZE(edges); i++, index++) {
        assert_ptr_equal(radix_find(&tree, edges[i]), &values[i]);
        assert_ptr_equal(radix_next(&tree, &index), &values[i]);
        assert_int_equal(index, edges[i]);
    }
    assert_null(radix_find(&tree, 2));
    assert_null(radix_find(&tree, 1ull << 61));
    for (unsigned i = 0; i < ARRAY_SIZE(edges); i++)
        assert_ptr_equal(radix_remove(&tree, edges[i]), &values[i]);
    assert_null(tree.root);
}

static void a_tree_that_grows_keeps_index_zero(void **state)
{
    struct radix tree = {NULL, 0};

    (void)state;
    assert_int_equal(radix_insert(&tree, 0, &values[0]), 0);
    assert_int_equal(radix_insert(&tree, 100000, &values[1]), 0);
    assert_ptr_equal(radix_find(&tree, 0), &values[0]);
    assert_ptr_equal(radix_remove(&tree, 100000), &values[1]);
    assert_ptr_equal(radix_find(&tree, 0), &values[0]);
    assert_ptr_equal(radix_remove(&tree, 0), &values[0]);
    assert_null(tree.root);
}

static void removing_what_is_absent_changes_nothing(void **state)
{
    struct radix tree = {NULL, 0};

    (void)state;
    assert_int_equal(radix_insert(&tree, 5000, &values[0]), 0);
    assert_null(radix_remove(&tree, 5001));
    assert_null(radix_remove(&tree, 0));
    assert_null(radix_remove(&tree, 1ull << 40));
    assert_ptr_equal(radix_remove(&tree, 5000), &values[0]);
}

static void insert_over_it(void *tree)
{
    (void)!radix_insert(tree, 5, values);
}

static void a_slot_in_use_is_not_overwritten(void **state)
{
    struct radix tree = {NULL, 0};

    (void)state;
    assert_int_equal(radix_insert(&tree, 5, &values[1]), 0);
    assert_panics(insert_over_it, &tree, "!*slot");
    radix_remove(&tree, 5);
}

static uint64_t random_state;

static uint64_t next_random(void)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return random_state >> 33;
}

static void random_inserts_and_removals_match_an_array(void **state)
{
    static bool present[4096];
    struct radix tree = {NULL, 0};

    (void)state;
    random_state = 7;
    for (unsigned step = 0; step < 40000; step++) {
        uint64_t index = next_random() % ARRAY_SIZE(present);
        if (present[index])
            assert_ptr_equal(radix_remove(&tree, index), &values[index]);
        else
            assert_int_equal(radix_insert(&tree, index, &values[index]), 0);
        present[index] = !present[index];
        uint64_t from = next_random() % ARRAY_SIZE(present), expected = from;
        while (expected < ARRAY_SIZE(present) && !present[expected])
            expected++;
        void *found = radix_next(&tree, &from);
        assert_ptr_equal(found, expected < ARRAY_SIZE(present) ? &values[expected] : NULL);
        if (found)
            assert_int_equal(from, expected);
    }
    for (uint64_t index = 0; index < ARRAY_SIZE(present); index++)
        assert_ptr_equal(radix_remove(&tree, index), present[index] ? &values[index] : NULL);
    assert_null(tree.root);
}

static void without_memory_an_insert_leaves_what_was_there(void **state)
{
    /* A node is 576 bytes, seven to a frame: with n frames, 7 n nodes can be made. UINT64_MAX needs eleven. */
    for (uint64_t frames = 0; frames < 2; frames++) {
        struct radix tree = {NULL, 0};
        (void)state;
        hoard_take(frames);
        assert_int_equal(radix_insert(&tree, 0, &values[0]), 0);
        assert_int_equal(radix_insert(&tree, UINT64_MAX, &values[1]), -ENOMEM);
        assert_null(radix_find(&tree, UINT64_MAX));
        assert_ptr_equal(radix_find(&tree, 0), &values[0]);
        hoard_give_back();
        assert_int_equal(radix_insert(&tree, UINT64_MAX, &values[1]), 0);
        assert_ptr_equal(radix_remove(&tree, 0), &values[0]);
        assert_ptr_equal(radix_remove(&tree, UINT64_MAX), &values[1]);
        assert_null(tree.root);
    }
}

static void without_memory_a_sparse_insert_gives_its_nodes_back(void **state)
{
    struct radix tree = {NULL, 0};

    (void)state;
    assert_int_equal(radix_insert(&tree, UINT64_MAX, &values[0]), 0); // eleven nodes, three slots left in their frames
    hoard_take(0);
    assert_int_equal(radix_insert(&tree, 1, &values[1]), -ENOMEM); // ten more
    assert_int_equal(radix_insert(&tree, 1, &values[1]), -ENOMEM);
    assert_null(radix_find(&tree, 1));
    hoard_give_back();
    assert_ptr_equal(radix_remove(&tree, UINT64_MAX), &values[0]);
    assert_null(tree.root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_empty_tree_has_nothing),
        TEST(index_zero_alone_needs_no_node),
        TEST(indexes_at_every_edge_are_found_in_order),
        TEST(a_tree_that_grows_keeps_index_zero),
        TEST(removing_what_is_absent_changes_nothing),
        TEST(a_slot_in_use_is_not_overwritten),
        TEST(random_inserts_and_removals_match_an_array),
        TEST(without_memory_an_insert_leaves_what_was_there),
        TEST(without_memory_a_sparse_insert_gives_its_nodes_back),
    };

    return RUN_TESTS(tests);
}
