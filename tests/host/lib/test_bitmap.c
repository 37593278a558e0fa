// SPDX-License-Identifier: MIT
/* test_bitmap.c - bitmaps against an array of bools. */
#include "lib/bitmap.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define BITS 200

static uint64_t map[BITMAP_WORDS(BITS)];
static bool model[BITS];

static size_t model_find(bool value, size_t size, size_t from)
{
    for (; from < size; from++) {
        if (model[from] == value)
            return from;
    }
    return size;
}

static void check(void)
{
    size_t size = (size_t)rand() % (BITS + 1), from = (size_t)rand() % (BITS + 1), count = 0;

    for (size_t i = 0; i < BITS; i++)
        assert_int_equal(bitmap_test(map, i), model[i]);
    for (size_t i = 0; i < size; i++)
        count += model[i];
    assert_int_equal(bitmap_count(map, size), count);
    assert_int_equal(bitmap_find_set(map, size, from), model_find(true, size, from));
    assert_int_equal(bitmap_find_clear(map, size, from), model_find(false, size, from));
}

static void random_operations_match_a_model(void **state)
{
    (void)state;
    srand(1);
    for (int step = 0; step < 20000; step++) {
        size_t start = (size_t)rand() % BITS, count = (size_t)rand() % (BITS - start + 1);
        int what = rand() % 4;

        if (what < 2)
            count = 1;
        if (what == 0)
            bitmap_set(map, start);
        else if (what == 1)
            bitmap_clear(map, start);
        else if (what == 2)
            bitmap_set_range(map, start, count);
        else
            bitmap_clear_range(map, start, count);
        for (size_t i = start; i < start + count; i++)
            model[i] = what % 2 == 0;
        check();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_operations_match_a_model),
    };

    return cmocka_run_group_tests_name("bitmap", tests, NULL, NULL);
}
