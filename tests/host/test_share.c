// SPDX-License-Identifier: MIT
/* test_share.c - nodes that several spaces own: what fork shares, what a write or a change of regions makes private. */
#include "support.h"

#include "lib/errno.h"
#include "mm/kalloc.h"
#include "mm/map.h"
#include "mm/node.h"

#define VA UINT64_C(0x400000) // where a leaf begins
#define PAGES(n) ((n) * PAGE_SIZE)
#define LEAVES 4              // two pages in each of them are in use, and the region ends in the middle of the last

static struct vspace *parent, *child;

static vaddr_t page_in_leaf(unsigned leaf, unsigned page)
{
    return VA + leaf * LEAF_SPAN + PAGES(page);
}

static int begin(void **state)
{
    if (support_begin(state))
        return -1;
    parent = make_space();
    map_at(parent, VA, LEAVES * 512 - 256, R | W);
    for (unsigned i = 0; i < LEAVES; i++) {
        poke(parent, page_in_leaf(i, 0), 10 + i);
        poke(parent, page_in_leaf(i, 7), 20 + i);
    }
    child = fork_space(parent);
    forget_events();
    return 0;
}

static void assert_content(struct vspace *space)
{
    for (unsigned i = 0; i < LEAVES; i++) {
        assert_int_equal(peek(space, page_in_leaf(i, 0)), 10 + i);
        assert_int_equal(peek(space, page_in_leaf(i, 7)), 20 + i);
    }
}

static int end(void **state)
{
    assert_verify_clean();
    end_space(child);
    end_space(parent);
    return support_end(state);
}

#define SHARE_TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

static uint32_t owners_of_leaf(struct vspace *space, vaddr_t va)
{
    return frame_refs(node_find_leaf(space, va));
}

/* An access that the hardware makes without any fault. */
static bool reads_without_fault(struct vspace *space, vaddr_t va)
{
    uint8_t value;
    uint32_t code;

    machine_load(space);
    return mmu_access(va, PF_U, &value, &code);
}

/* ---- Fork ---- */

static void fork_shares_from_the_top_and_visits_nothing_below(void **state)
{
    pte_t of_parent = node_entries(parent->root)[0], of_child = node_entries(child->root)[0];

    (void)state;
    assert_true(pte_same(of_parent, of_child));
    assert_false(pte_is_writable(of_parent));
    assert_int_equal(frame_refs(pa2page(pte_pa(of_parent))), 2);
    assert_int_equal(owners_of_leaf(parent, VA), 1);
    assert_int_equal(frame_refs(frame_of(parent, VA)), 1);
    assert_true(pte_is_writable(entry_of(parent, VA))); // it is the top that forbids
    assert_content(child);
    assert_events(0);
}

static void a_write_copies_one_path_and_one_page(void **state)
{
    (void)state;
    poke(child, page_in_leaf(1, 0), 99);
    assert_events([VM_PGFAULT] = 1, [VM_NODE_COPIED] = 3, [VM_TLB_FLUSH_ALL] = 1, [VM_COW_COPIED] = 1,
                  [VM_TLB_FLUSH_PAGE] = 1);
    assert_int_equal(owners_of_leaf(child, page_in_leaf(1, 0)), 1);
    assert_int_equal(owners_of_leaf(parent, page_in_leaf(1, 0)), 1);
    assert_int_equal(owners_of_leaf(child, page_in_leaf(2, 0)), 2);
    assert_int_equal(frame_refs(frame_of(child, page_in_leaf(1, 7))), 2);
    assert_int_equal(frame_refs(frame_of(child, page_in_leaf(2, 7))), 1);
    assert_content(parent);
    poke(child, page_in_leaf(2, 0), 98); // the upper nodes are its own now
    assert_events([VM_PGFAULT] = 1, [VM_NODE_COPIED] = 1, [VM_TLB_FLUSH_ALL] = 1, [VM_COW_COPIED] = 1,
                  [VM_TLB_FLUSH_PAGE] = 1);
}

static uint64_t share_of(struct vspace *space)
{
    struct vspace_sizes sizes;

    vspace_measure(space, &sizes);
    return sizes.share;
}

static void each_has_its_share_of_the_pages(void **state)
{
    (void)state;
    assert_int_equal(share_of(parent), 2 * LEAVES * PAGE_SHARES / 2);
    assert_int_equal(share_of(child), 2 * LEAVES * PAGE_SHARES / 2);
    poke(child, page_in_leaf(1, 0), 99);
    assert_int_equal(share_of(parent), (2 * LEAVES + 1) * PAGE_SHARES / 2);
    assert_int_equal(share_of(child), (2 * LEAVES + 1) * PAGE_SHARES / 2);
    struct vspace *grandchild = fork_space(child);
    assert_int_equal(share_of(parent), (2 * LEAVES + 1) * PAGE_SHARES / 2);
    assert_int_equal(share_of(child), (2 * LEAVES + 1) * PAGE_SHARES / 4);
    assert_int_equal(share_of(grandchild), (2 * LEAVES + 1) * PAGE_SHARES / 4);
    end_space(grandchild);
}

static void the_last_owner_takes_the_path_over(void **state)
{
    struct core_map_entry *leaf = node_find_leaf(parent, VA);

    (void)state;
    poke(child, VA, 1);
    forget_events();
    poke(parent, VA, 10);
    assert_events([VM_PGFAULT] = 1, [VM_NODE_TAKEN_OVER] = 3, [VM_COW_TAKEN_OVER] = 1);
    assert_ptr_equal(node_find_leaf(parent, VA), leaf);
    assert_content(parent);
}

static void fork_again_shares_what_is_shared_already(void **state)
{
    (void)state;
    poke(child, VA, 10); // three spaces, two paths
    struct vspace *grandchild = fork_space(child), *second = fork_space(parent);
    assert_verify_clean();
    assert_int_equal(owners_of_leaf(grandchild, page_in_leaf(3, 0)), 2); // of two nodes above it, with two owners each
    assert_content(grandchild);
    assert_content(second);
    poke(second, page_in_leaf(3, 0), 77);
    poke(grandchild, page_in_leaf(3, 0), 78);
    assert_verify_clean();
    assert_int_equal(peek(second, page_in_leaf(3, 0)), 77);
    assert_int_equal(peek(grandchild, page_in_leaf(3, 0)), 78);
    end_space(second);
    assert_content(parent);
    assert_content(child);
    end_space(grandchild);
}

/* ---- Filling ---- */

static void a_read_fills_a_shared_leaf_for_both(void **state)
{
    (void)state;
    assert_int_equal(peek(parent, VA + PAGES(3)), 0);
    assert_events([VM_PGFAULT] = 1);
    assert_true(reads_without_fault(child, VA + PAGES(3)));
    assert_int_equal(owners_of_leaf(parent, VA), 1);
    poke(child, VA + PAGES(3), 5);
    assert_int_equal(peek(parent, VA + PAGES(3)), 0);
}

static void a_read_makes_a_missing_leaf_for_both(void **state)
{
    (void)state;
    map_at(parent, VA + 64 * LEAF_SPAN, 1024, R | W); // nobody shares this yet
    end_space(child);
    child = fork_space(parent);
    assert_int_equal(peek(child, VA + 64 * LEAF_SPAN), 0);
    assert_true(reads_without_fault(parent, VA + 64 * LEAF_SPAN));
}

static void a_write_to_an_absent_page_is_the_writers_alone(void **state)
{
    (void)state;
    poke(parent, VA + PAGES(3), 5);
    assert_events([VM_PGFAULT] = 1, [VM_NODE_COPIED] = 3, [VM_TLB_FLUSH_ALL] = 1, [VM_ZERO_FILLED] = 1);
    assert_int_equal(peek(child, VA + PAGES(3)), 0);
    assert_int_equal(peek(parent, VA + PAGES(3)), 5);
}

/* ---- Regions ---- */

static void whole_nodes_are_unmapped_without_a_copy(void **state)
{
    (void)state;
    assert_int_equal(vspace_munmap(child, VA, 2 * LEAF_SPAN), 0);
    assert_events([VM_NODE_COPIED] = 2); // the nodes above, and no leaf
    assert_int_equal(try_read(child, VA), FAULT_SEGV_MAPERR);
    assert_int_equal(peek(child, page_in_leaf(2, 7)), 22);
    assert_int_equal(owners_of_leaf(parent, VA), 1); // the child's copies of the nodes above do not have it
    assert_int_equal(owners_of_leaf(parent, page_in_leaf(2, 0)), 2);
    assert_content(parent);
}

static void a_part_of_a_shared_leaf_is_unmapped_for_one(void **state)
{
    (void)state;
    assert_int_equal(vspace_munmap(parent, VA, PAGES(3)), 0);
    assert_int_equal(try_read(parent, VA), FAULT_SEGV_MAPERR);
    assert_int_equal(peek(parent, VA + PAGES(7)), 20);
    assert_content(child);
}

static void what_is_mapped_into_a_shared_node_is_for_one(void **state)
{
    vaddr_t hole = page_in_leaf(LEAVES - 1, 300), far = VA + 100 * LEAF_SPAN;

    (void)state;
    map_at(child, hole, 4, R | W);
    map_at(child, far, 4, R | W);
    assert_int_equal(peek(child, hole), 0);
    assert_int_equal(peek(child, far), 0);
    poke(child, hole + PAGES(1), 4);
    assert_int_equal(try_read(parent, hole), FAULT_SEGV_MAPERR);
    assert_int_equal(try_read(parent, far), FAULT_SEGV_MAPERR);
    map_at(parent, hole, 4, R);
    assert_int_equal(peek(parent, hole + PAGES(1)), 0);
    assert_content(parent);
}

static void a_fixed_map_over_shared_nodes_is_for_one(void **state)
{
    (void)state;
    map_at(child, VA + PAGES(4), 1024, R | W);
    assert_int_equal(peek(child, VA), 10);
    assert_int_equal(peek(child, VA + PAGES(7)), 0);
    poke(child, page_in_leaf(1, 0), 5);
    assert_content(parent);
}

static void rights_change_for_one(void **state)
{
    (void)state;
    assert_int_equal(vspace_mprotect(parent, VA, PAGES(600), R), 0);
    assert_int_equal(try_write(parent, VA), FAULT_SEGV_ACCERR);
    poke(child, VA, 10);
    assert_content(parent);
    assert_content(child);
    assert_int_equal(vspace_mprotect(child, VA, PAGES(1024), 0), 0);
    assert_int_equal(try_read(child, VA), FAULT_SEGV_ACCERR);
    assert_content(parent);
    assert_int_equal(vspace_mprotect(child, VA, PAGES(1024), R), 0);
    assert_content(child);
}

static void heap_and_stack_grow_in_shared_nodes_for_one(void **state)
{
    vaddr_t heap = VA + 64 * LEAF_SPAN, stack = VA + 66 * LEAF_SPAN;

    (void)state;
    end_space(child);
    vspace_set_brk_start(parent, heap);
    assert_int_equal(vspace_brk(parent, heap + PAGES(1)), heap + PAGES(1));
    assert_int_equal(vspace_map_stack(parent, stack, PAGES(1), false), 0);
    atomic_store(&parent->stack_limit, PAGES(8));
    poke(parent, heap, 1);
    poke(parent, stack - 1, 2);
    child = fork_space(parent);
    assert_int_equal(vspace_brk(child, heap + PAGES(3)), heap + PAGES(3));
    assert_int_equal(peek(child, heap + PAGES(2)), 0);
    assert_int_equal(peek(child, stack - PAGES(3)), 0);
    assert_verify_clean();
    assert_int_equal(try_read(parent, heap + PAGES(2)), FAULT_SEGV_MAPERR);
    assert_int_equal(vspace_brk(parent, heap), heap);
    assert_int_equal(peek(child, heap), 1);
    poke(parent, stack - PAGES(2), 3);
    assert_int_equal(peek(child, stack - PAGES(2)), 0);
    assert_int_equal(peek(child, stack - 1), 2);
}

static void sharers_with_other_regions_are_I17(void **state)
{
    struct vregion *region = vregion_lowest(child);

    (void)state;
    region->prot = R;
    assert_broken(I17_SHARED_REGIONS);
    region->prot = R | W;
    region->size -= LEAF_SPAN;
    assert_broken(I17_SHARED_REGIONS);
    region->size += LEAF_SPAN;
}

/* ---- Many ---- */

static void a_thousand_sharers_of_one_node_come_and_go(void **state)
{
    static struct vspace *many[1000];
    struct core_map_entry *top = pa2page(pte_pa(node_entries(parent->root)[0]));

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(many); i++)
        assert_int_equal(vspace_fork(i % 2 ? child : parent, &many[i]), 0);
    assert_int_equal(frame_refs(top), 2 + ARRAY_SIZE(many));
    assert_verify_clean();
    for (unsigned i = 0; i < ARRAY_SIZE(many); i += 7)
        poke(many[i], page_in_leaf(i % LEAVES, 0), 50);
    assert_verify_clean();
    for (unsigned i = 0; i < ARRAY_SIZE(many); i++)
        end_space(many[i]);
    assert_int_equal(frame_refs(top), 2);
    assert_content(parent);
    assert_content(child);
}

/* ---- Too little memory ---- */

enum step { UNMAP_PART, UNMAP_MUCH, PROTECT, MAP_HOLE, MAP_OVER, STEPS };

static int do_step(enum step step)
{
    struct map_request request = {.size = PAGES(4), .prot = R | W, .max_prot = R | W | X, .flags = 0x22 | 0x10};

    switch (step) {
    case UNMAP_PART:
        return vspace_munmap(child, VA + PAGES(1), PAGES(2));
    case UNMAP_MUCH:
        return vspace_munmap(child, VA + PAGES(6), 3 * LEAF_SPAN);
    case PROTECT:
        return vspace_mprotect(child, VA + PAGES(6), 3 * LEAF_SPAN, R);
    case MAP_HOLE:
        request.addr = page_in_leaf(LEAVES - 1, 300);
        break;
    default:
        request.addr = VA + PAGES(6);
    }
    return (int)MIN(vspace_mmap(child, &request), 0);
}

static void without_memory_nothing_changes_for_anybody(void **state)
{
    (void)state;
    for (enum step step = 0; step < STEPS; step++) {
        for (unsigned left = 0;; left++) {
            hoard_take(left);
            int error = do_step(step);
            hoard_give_back();
            assert_verify_clean();
            if (!error)
                break;
            assert_int_equal(error, -ENOMEM);
            assert_content(child);
            assert_content(parent);
        }
        assert_content(parent);
        end_space(child);
        child = fork_space(parent);
    }
}

static void a_write_without_memory_is_refused_and_can_be_tried_again(void **state)
{
    enum fault_outcome outcome;

    (void)state;
    for (unsigned left = 0;; left++) {
        hoard_take(left);
        outcome = try_write(child, VA);
        hoard_give_back();
        assert_verify_clean();
        if (outcome == FAULT_RESOLVED)
            break;
        assert_int_equal(outcome, FAULT_OOM);
        assert_content(child);
    }
    assert_content(parent);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SHARE_TEST(fork_shares_from_the_top_and_visits_nothing_below),
        SHARE_TEST(a_write_copies_one_path_and_one_page),
        SHARE_TEST(each_has_its_share_of_the_pages),
        SHARE_TEST(the_last_owner_takes_the_path_over),
        SHARE_TEST(fork_again_shares_what_is_shared_already),
        SHARE_TEST(a_read_fills_a_shared_leaf_for_both),
        SHARE_TEST(a_read_makes_a_missing_leaf_for_both),
        SHARE_TEST(a_write_to_an_absent_page_is_the_writers_alone),
        SHARE_TEST(whole_nodes_are_unmapped_without_a_copy),
        SHARE_TEST(a_part_of_a_shared_leaf_is_unmapped_for_one),
        SHARE_TEST(what_is_mapped_into_a_shared_node_is_for_one),
        SHARE_TEST(a_fixed_map_over_shared_nodes_is_for_one),
        SHARE_TEST(rights_change_for_one),
        SHARE_TEST(heap_and_stack_grow_in_shared_nodes_for_one),
        SHARE_TEST(sharers_with_other_regions_are_I17),
        SHARE_TEST(a_thousand_sharers_of_one_node_come_and_go),
        SHARE_TEST(without_memory_nothing_changes_for_anybody),
        SHARE_TEST(a_write_without_memory_is_refused_and_can_be_tried_again),
    };

    return RUN_TESTS(tests);
}
