// SPDX-License-Identifier: MIT
/* test_checked.c - checked arithmetic against 128-bit arithmetic, at the edges and at random. */
#include "lib/checked.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

typedef unsigned __int128 wide;

static uint64_t pick(void)
{
    static const uint64_t edges[] = { 0, 1, 2, 4095, 4096, UINT32_MAX, UINT64_C(1) << 32, INT64_MAX,
                                      UINT64_C(1) << 63, UINT64_MAX - 4095, UINT64_MAX - 1, UINT64_MAX };
    uint64_t any = (uint64_t)rand() << 62 ^ (uint64_t)rand() << 31 ^ (uint64_t)rand();

    return rand() % 2 ? edges[(size_t)rand() % ARRAY_SIZE(edges)] : any >> (rand() % 64);
}

static void sums_products_and_differences_match_wide_ones(void **state)
{
    (void)state;
    srand(1);
    for (int i = 0; i < 200000; i++) {
        uint64_t a = pick(), b = pick(), result;

        assert_int_equal(add_overflows(a, b, &result), (wide)a + b > UINT64_MAX);
        assert_int_equal(result, a + b);
        assert_int_equal(mul_overflows(a, b, &result), (wide)a * b > UINT64_MAX);
        assert_int_equal(result, a * b);
        assert_int_equal(sub_overflows(a, b, &result), a < b);
        assert_int_equal(result, a - b);
    }
}

static void rounding_up_tells_when_it_wraps(void **state)
{
    (void)state;
    for (int i = 0; i < 200000; i++) {
        uint64_t value = pick(), unit = UINT64_C(1) << (rand() % 63), result;
        wide rounded = ((wide)value + unit - 1) / unit * unit;

        assert_int_equal(align_up_overflows(value, unit, &result), rounded > UINT64_MAX);
        assert_int_equal(result, (uint64_t)rounded);
    }
}

static void ranges_lie_within_or_not(void **state)
{
    (void)state;
    for (int i = 0; i < 200000; i++) {
        uint64_t start = pick(), size = pick(), limit = pick();

        assert_int_equal(range_within(start, size, limit), (wide)start + size <= limit);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_products_and_differences_match_wide_ones),
        cmocka_unit_test(rounding_up_tells_when_it_wraps),
        cmocka_unit_test(ranges_lie_within_or_not),
    };

    return cmocka_run_group_tests_name("checked arithmetic", tests, NULL, NULL);
}
