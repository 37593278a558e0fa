// SPDX-License-Identifier: MIT
/* test_ahead.c - who writes to new memory in order takes few faults; who does not, one a page; nobody gets what is not theirs. */
#include "support.h"

#include "mm/ahead.h"
#include "mm/fail.h"
#include "mm/kalloc.h"
#include "mm/map.h"
#include "mm/node.h"

#define VA (5 * LEAF_SPAN)
#define PAGE(i) (VA + (vaddr_t)(i) * PAGE_SIZE)

#define AHEAD_TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

static struct vspace *space;

static int begin(void **state)
{
    if (support_begin(state))
        return -1;
    space = make_space();
    return 0;
}

static int end(void **state)
{
    end_space(space);
    return support_end(state);
}

/* Write to the pages [first, end), in order, which takes so many faults. */
static void write_pages(unsigned first, unsigned end, unsigned faults)
{
    uint64_t before = vm_total(VM_PGFAULT);

    for (unsigned i = first; i < end; i++)
        poke(space, PAGE(i), (uint8_t)i);
    assert_int_equal(vm_total(VM_PGFAULT) - before, faults);
}

/* The pages [first, end) are there, and zero; the one behind them is not. */
static void assert_filled(unsigned first, unsigned end)
{
    for (unsigned i = first; i < end; i++) {
        struct core_map_entry *page = frame_of(space, PAGE(i));
        assert_true(page && page != zero_page);
        assert_int_equal(*(uint8_t *)page2kva(page), 0);
    }
    assert_null(frame_of(space, PAGE(end)));
}

static void windows_double_up_to_64_pages(void **state)
{
    static const unsigned begins[] = {0, 1, 2, 3, 4, 8, 16, 32, 64, 128, 192, 256};

    (void)state;
    map_at(space, VA, PTES_PER_NODE, R | W);
    forget_events();
    for (unsigned i = 0; i + 1 < ARRAY_SIZE(begins); i++) {
        write_pages(begins[i], begins[i] + 1, 1);
        assert_filled(begins[i] + 1, begins[i + 1]);
        write_pages(begins[i] + 1, begins[i + 1], 0);
    }
    assert_events([VM_PGFAULT] = 11, [VM_ZERO_FILLED] = 256, [VM_ZERO_FILLED_AHEAD] = 245);
}

static void each_leaf_begins_anew(void **state)
{
    (void)state;
    map_at(space, VA, 2 * PTES_PER_NODE, R | W);
    write_pages(0, PTES_PER_NODE, 15);
    assert_filled(PTES_PER_NODE, PTES_PER_NODE);
    write_pages(PTES_PER_NODE, 2 * PTES_PER_NODE, 15);
}

static void who_goes_backwards_or_jumps_takes_a_fault_a_page(void **state)
{
    (void)state;
    map_at(space, VA, 300, R | W);
    forget_events();
    for (unsigned i = 100; i-- > 0;)
        poke(space, PAGE(i), 1);
    for (unsigned i = 101; i < 300; i += 2)
        poke(space, PAGE(i), 1);
    assert_events([VM_PGFAULT] = 200, [VM_ZERO_FILLED] = 200);
}

/* What was filled and not used is no reason to fill more: of blocks of 16 pages only the first page is written to. */
static void who_ceases_to_use_it_gets_no_more(void **state)
{
    (void)state;
    map_at(space, VA, PTES_PER_NODE, R | W);
    forget_events();
    write_pages(0, 17, 7);
    for (unsigned i = 32; i < PTES_PER_NODE; i += 16)
        poke(space, PAGE(i), 1);
    assert_events([VM_PGFAULT] = 7 + 30, [VM_ZERO_FILLED] = 32 + 30, [VM_ZERO_FILLED_AHEAD] = 32 - 7);
}

static void reading_fills_nothing_ahead(void **state)
{
    (void)state;
    map_at(space, VA, 100, R | W);
    write_pages(0, 8, 5);
    for (unsigned i = 8; i < 100; i++)
        assert_int_equal(peek(space, PAGE(i)), 0);
    assert_ptr_equal(frame_of(space, PAGE(9)), zero_page);
    write_pages(8, 16, 8); // what was read has the zero frame: nothing is absent behind it
}

/* Only a first touch fills more: a write to what was read has old translations to care for. */
static void a_write_to_the_zero_frame_fills_its_page_alone(void **state)
{
    (void)state;
    map_at(space, VA, 100, R | W);
    write_pages(0, 16, 6);
    assert_int_equal(peek(space, PAGE(16)), 0);
    write_pages(16, 17, 1);
    assert_filled(17, 17);
}

static void the_region_bounds_it(void **state)
{
    (void)state;
    map_at(space, VA, 100, R | W);
    map_at(space, PAGE(10), 90, R);
    write_pages(0, 10, 6);
    assert_filled(10, 10);
    assert_int_equal(try_write(space, PAGE(10)), FAULT_SEGV_ACCERR);
    map_at(space, PAGE(10), 90, R | W | X);
    write_pages(10, 11, 1); // what lies before it is another region's, and tells nothing
    assert_filled(11, 11);
}

static void what_is_there_bounds_it(void **state)
{
    (void)state;
    map_at(space, VA, 100, R | W);
    poke(space, PAGE(10), 99);
    write_pages(0, 9, 6);
    assert_non_null(frame_of(space, PAGE(9)));
    assert_int_equal(peek(space, PAGE(10)), 99);
    assert_null(frame_of(space, PAGE(11)));
}

static void locked_memory_is_not_filled_ahead(void **state)
{
    (void)state;
    map_at(space, VA, 100, R | W);
    assert_int_equal(vspace_mlock(space, VA, 100 * PAGE_SIZE, VR_LOCK_ONFAULT, UINT64_MAX), 0);
    write_pages(0, 100, 100);
}

static void a_stack_is_not_filled_ahead(void **state)
{
    (void)state;
    assert_int_equal(vspace_map_stack(space, PAGE(100), 100 * PAGE_SIZE, false), 0);
    write_pages(0, 100, 100);
}

static void a_file_is_not_filled_ahead(void **state)
{
    struct test_file file;

    (void)state;
    make_file(&file, 20 * PAGE_SIZE, 7);
    map_file_at(space, VA, 20, R | W, &file, false);
    write_pages(0, 20, 20);
    end_space(space);
    end_file(&file);
    space = make_space();
}

static void scarce_memory_is_kept_for_who_asks(void **state)
{
    (void)state;
    map_at(space, VA, 300, R | W);
    write_pages(0, 1, 1); // the nodes
    hoard_take(core_map_frames / 4 - 8);
    write_pages(1, 50, 49);
    hoard_give_back();
    for (unsigned i = 50; i < 66; i++) // until this CPU looks again how many are free
        poke(space, PAGE(i), 1);
    assert_non_null(frame_of(space, PAGE(66)));
}

static void a_frame_that_is_not_to_be_had_ends_it(void **state)
{
    (void)state;
    map_at(space, VA, 300, R | W);
    write_pages(0, 32, 7);
    for (unsigned n = 1; n < 32; n++) {
        fail_arm(NULL, n, false);
        write_pages(32, 33, 1);
        assert_int_equal(fail_left(), 0);
        assert_filled(33, 32 + n);
        assert_int_equal(vspace_madvise(space, PAGE(32), 100 * PAGE_SIZE, 4 /* MADV_DONTNEED */), 0);
    }
    (void)kalloc_failed();
}

/* A leaf that was copied after a fork has metadata for a part of its pages only, until one beyond is touched. */
static void the_part_of_a_leaf_bounds_it(void **state)
{
    const unsigned first = PART_INFOS + 8, past = 2 * PART_INFOS;
    struct vspace *parent = space;

    (void)state;
    map_at(space, VA, PTES_PER_NODE, R | W);
    write_pages(first, first + 4, 4);
    space = fork_space(parent);
    write_pages(first, first + 32, 4 + 3);
    assert_int_equal(node_find_leaf(space, VA)->node.part, 2);
    write_pages(first + 32, first + 33, 1);
    assert_filled(first + 33, past);
    write_pages(first + 33, past, 0);
    write_pages(past, past + 1, 1);
    assert_int_equal(node_find_leaf(space, VA)->node.part, 0);
    assert_filled(past + 1, past + (past - first));
    end_space(space);
    space = parent;
}

static void forked_memory_goes_on_in_order(void **state)
{
    struct vspace *child;

    (void)state;
    map_at(space, VA, 300, R | W);
    write_pages(0, 64, 8);
    child = fork_space(space);
    poke(child, PAGE(64), 1);
    assert_non_null(frame_of(child, PAGE(127)));
    assert_null(frame_of(space, PAGE(65)));
    end_space(child);
    write_pages(64, 128, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        AHEAD_TEST(windows_double_up_to_64_pages),
        AHEAD_TEST(each_leaf_begins_anew),
        AHEAD_TEST(who_goes_backwards_or_jumps_takes_a_fault_a_page),
        AHEAD_TEST(who_ceases_to_use_it_gets_no_more),
        AHEAD_TEST(reading_fills_nothing_ahead),
        AHEAD_TEST(a_write_to_the_zero_frame_fills_its_page_alone),
        AHEAD_TEST(the_region_bounds_it),
        AHEAD_TEST(what_is_there_bounds_it),
        AHEAD_TEST(locked_memory_is_not_filled_ahead),
        AHEAD_TEST(a_stack_is_not_filled_ahead),
        AHEAD_TEST(a_file_is_not_filled_ahead),
        AHEAD_TEST(scarce_memory_is_kept_for_who_asks),
        AHEAD_TEST(a_frame_that_is_not_to_be_had_ends_it),
        AHEAD_TEST(the_part_of_a_leaf_bounds_it),
        AHEAD_TEST(forked_memory_goes_on_in_order),
    };

    return RUN_TESTS(tests);
}
