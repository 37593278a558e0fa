// SPDX-License-Identifier: MIT
/* test_swap_extents.c - runs of a swap file: against what blocks say one by one, for files that are whole, in pieces, and with holes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fs/swap_extents.c"

#define BLOCKS 400

static uint64_t places[BLOCKS];
static struct swap_extent list[BLOCKS];
static int map_error;

static int map(void *file, uint64_t block, uint64_t *place)
{
    assert_ptr_equal(file, places);
    assert_true(block < BLOCKS);
    *place = places[block];
    return map_error;
}

/* Twice, as for a real file. => as swap_extents_find */
static int find(struct swap_extents *extents, unsigned per_page, uint32_t pages_max)
{
    struct swap_blocks blocks = {map, places, BLOCKS, per_page, pages_max};

    *extents = (struct swap_extents){0};
    int error = swap_extents_find(extents, &blocks);
    if (error)
        return error;
    uint32_t count = extents->count, pages = extents->pages;
    extents->list = list;
    extents->room = count;
    assert_int_equal(swap_extents_find(extents, &blocks), 0);
    assert_int_equal(extents->count, count);
    assert_int_equal(extents->pages, pages);
    return 0;
}

static void in_a_row(uint64_t first)
{
    for (unsigned i = 0; i < BLOCKS; i++)
        places[i] = first + i;
}

static void a_file_in_a_row_is_one_extent(void **state)
{
    struct swap_extents extents;
    uint32_t together;

    (void)state;
    in_a_row(1000);
    assert_int_equal(find(&extents, 1, UINT32_MAX), 0);
    assert_int_equal(extents.count, 1);
    assert_int_equal(extents.pages, BLOCKS);
    assert_int_equal(extents.low, 1001);
    assert_int_equal(extents.high, 1000 + BLOCKS - 1);
    assert_int_equal(swap_extents_place(&extents, 7, &together), 1007);
    assert_int_equal(together, BLOCKS - 7);
    assert_int_equal(find(&extents, 1, 10), 0);
    assert_int_equal(extents.pages, 10);
}

static void a_hole_is_an_error(void **state)
{
    struct swap_extents extents;

    (void)state;
    in_a_row(1000);
    places[BLOCKS - 1] = 0;
    assert_int_equal(find(&extents, 1, UINT32_MAX), -EINVAL);
    assert_int_equal(find(&extents, 4, UINT32_MAX), -EINVAL);
    assert_int_equal(find(&extents, 4, 10), 0); // beyond what the header says nobody looks
    in_a_row(1000);
    map_error = -EIO;
    assert_int_equal(find(&extents, 4, UINT32_MAX), -EIO);
    map_error = 0;
}

static void what_lies_at_no_multiple_of_a_page_is_passed_over(void **state)
{
    struct swap_extents extents;
    uint32_t together;

    (void)state;
    in_a_row(1002); // blocks 2, 3, 4, 5 are the first page
    assert_int_equal(find(&extents, 4, UINT32_MAX), 0);
    assert_int_equal(extents.pages, (BLOCKS - 2) / 4);
    assert_int_equal(extents.count, 1);
    assert_int_equal(swap_extents_place(&extents, 0, &together), 1004 / 4);
    for (unsigned i = 0; i < BLOCKS; i++)
        places[i] = 1000 + 2 * i; // no two together
    assert_int_equal(find(&extents, 4, UINT32_MAX), 0);
    assert_int_equal(extents.pages, 0);
}

/* Each page of the area lies where blocks of the file lie that nobody else has, in order. */
static void random_files_are_right(void **state)
{
    struct swap_extents extents;
    uint32_t together;

    (void)state;
    srand(1);
    for (unsigned round = 0; round < 3000; round++) {
        unsigned per_page = 1u << rand() % 3;
        uint64_t next = 1 + (uint64_t)rand() % 50;
        for (unsigned i = 0; i < BLOCKS; i++, next++) {
            if (rand() % (1 + round % 40) == 0)
                next += (uint64_t)rand() % 9;
            places[i] = next;
        }
        assert_int_equal(find(&extents, per_page, UINT32_MAX), 0);
        unsigned block = 0;
        for (uint32_t page = 0; page < extents.pages; page++, block += per_page) {
            uint64_t place = (uint64_t)swap_extents_place(&extents, page, &together) * per_page;
            assert_in_range(together, 1, extents.pages - page);
            for (uint32_t i = 1, unused; i < together; i++)
                assert_int_equal(swap_extents_place(&extents, page + i, &unused), place / per_page + i);
            while (block < BLOCKS && places[block] != place)
                block++;
            for (unsigned i = 0; i < per_page; i++)
                assert_true(block + i < BLOCKS && places[block + i] == place + i);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_in_a_row_is_one_extent),
        cmocka_unit_test(a_hole_is_an_error),
        cmocka_unit_test(what_lies_at_no_multiple_of_a_page_is_passed_over),
        cmocka_unit_test(random_files_are_right),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
