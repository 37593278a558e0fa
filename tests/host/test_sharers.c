// SPDX-License-Identifier: MIT
/* test_sharers.c - more than 65,536 spaces own one node, on a machine with the memory that so many take. */
#include "support.h"

#include <stdlib.h>

#include "mm/node.h"

#define VA UINT64_C(0x400000)
#define CHILDREN 65600u
#define MEMORY (UINT64_C(448) << 20)

static void more_than_65536_spaces_own_one_node(void **state)
{
    struct vspace *parent = make_space(), **children = calloc(CHILDREN, sizeof *children);

    (void)state;
    map_at(parent, VA, 4, R | W);
    poke(parent, VA, 7);
    struct core_map_entry *node = pa2page(pte_pa(node_entries(parent->root)[0])), *page = frame_of(parent, VA);
    for (unsigned i = 0; i < CHILDREN; i++)
        assert_int_equal(vspace_fork(parent, &children[i]), 0);
    assert_int_equal(frame_refs(node), CHILDREN + 1);
    assert_int_equal(frame_refs(page), 1);
    assert_verify_clean();
    poke(parent, VA, 8);
    assert_int_equal(frame_refs(node), CHILDREN);
    poke(children[CHILDREN - 1], VA, 9);
    assert_int_equal(peek(children[0], VA), 7);
    assert_int_equal(peek(children[CHILDREN - 2], VA), 7);
    for (unsigned i = 0; i < CHILDREN; i++)
        end_space(children[i]);
    assert_int_equal(peek(parent, VA), 8);
    end_space(parent);
    free(children);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(more_than_65536_spaces_own_one_node),
    };

    machine_boot_with(MEMORY);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
