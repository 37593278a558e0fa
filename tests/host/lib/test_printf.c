// SPDX-License-Identifier: MIT
/* test_printf.c - formatted text against the C library's, over a grid of flags, widths, precisions and values. */
#define snprintf  gaur_snprintf
#define vsnprintf gaur_vsnprintf
#include "lib/printf.c"
#undef snprintf
#undef vsnprintf

#include <limits.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#pragma GCC diagnostic ignored "-Wformat"
#pragma GCC diagnostic ignored "-Wformat-extra-args"
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-security"

#define expect_same(size, format, ...)                                              \
    do {                                                                            \
        char ours[200], theirs[200];                                                \
        int our_length, their_length;                                               \
        memset(ours, 'x', sizeof(ours));                                            \
        memset(theirs, 'x', sizeof(theirs));                                        \
        our_length = gaur_snprintf(ours, size, format, __VA_ARGS__);                \
        their_length = snprintf(theirs, size, format, __VA_ARGS__);                 \
        if (our_length != their_length || memcmp(ours, theirs, sizeof(ours)) != 0)  \
            fail_msg("\"%s\": \"%.199s\" (%d), expected \"%.199s\" (%d)", format,   \
                     ours, our_length, theirs, their_length);                       \
    } while (0)

/* "%" flags width precision modifier letter */
static void make_format(char *format, unsigned flags, const char *width, const char *precision, const char *end)
{
    char *at = format;

    *at++ = '%';
    for (int i = 0; i < 5; i++) {
        if (flags & (1u << i))
            *at++ = "-+ 0#"[i];
    }
    sprintf(at, "%s%s%s", width, precision, end);
}

static const char *const widths[] = { "", "1", "5", "12", "40" };
static const char *const precisions[] = { "", ".", ".0", ".1", ".7", ".25" };

static void integers_match_over_a_grid(void **state)
{
    static const int64_t values[] = { 0, 1, -1, 7, 42, -42, 127, 128, 255, -128, 32767, 65536, INT_MAX, INT_MIN,
                                      INT64_MAX, INT64_MIN, 0x123456789abcdef };
    static const char *const ends[] = { "d", "i", "u", "x", "X", "o", "ld", "lu", "lx", "lX", "lo", "lld", "llx", "zu",
                                        "zd", "jd", "td", "hd", "hu", "hhx", "hhd" };
    char format[64];

    (void)state;
    for (unsigned flags = 0; flags < 32; flags++)
        for (size_t w = 0; w < ARRAY_SIZE(widths); w++)
            for (size_t p = 0; p < ARRAY_SIZE(precisions); p++)
                for (size_t e = 0; e < ARRAY_SIZE(ends); e++) {
                    make_format(format, flags, widths[w], precisions[p], ends[e]);
                    for (size_t v = 0; v < ARRAY_SIZE(values); v++)
                        expect_same(sizeof(ours), format, values[v]);
                }
}

static void strings_and_characters_match(void **state)
{
    char format[64];

    (void)state;
    for (unsigned flags = 0; flags < 2; flags++)
        for (size_t w = 0; w < ARRAY_SIZE(widths); w++) {
            for (size_t p = 0; p < ARRAY_SIZE(precisions); p++) {
                make_format(format, flags, widths[w], precisions[p], "s");
                expect_same(sizeof(ours), format, "");
                expect_same(sizeof(ours), format, "hello");
                expect_same(sizeof(ours), format, "a rather long string, longer than all widths");
            }
            make_format(format, flags, widths[w], "", "c");
            expect_same(sizeof(ours), format, 'c');
            expect_same(sizeof(ours), format, 0);
        }
}

static void stars_take_their_arguments(void **state)
{
    (void)state;
    expect_same(sizeof(ours), "[%*d]", 8, 42);
    expect_same(sizeof(ours), "[%*d]", -8, 42);
    expect_same(sizeof(ours), "[%.*d]", 8, 42);
    expect_same(sizeof(ours), "[%.*d]", -1, 42);
    expect_same(sizeof(ours), "[%*.*s]", 8, 3, "hello");
    expect_same(sizeof(ours), "[%-*.*s] %d", 8, 3, "hello", 7);
}

static void text_is_cut_and_ended(void **state)
{
    (void)state;
    for (size_t size = 0; size < 30; size++) {
        expect_same(size, "%s", "0123456789");
        expect_same(size, "%d and %5s%%", 12345, "abc");
        expect_same(size, "%020lx", 0x1234ul);
    }
}

static void pointers_and_what_libc_leaves_open(void **state)
{
    const char *volatile nothing = NULL;
    char text[64];

    (void)state;
    expect_same(sizeof(ours), "%p %20p %-20p|", (void *)0x1234abcd, (void *)~0ul, (void *)1);
    gaur_snprintf(text, sizeof(text), "%p", NULL);
    assert_string_equal(text, "0x0");
    gaur_snprintf(text, sizeof(text), "%s", nothing);
    assert_string_equal(text, "(null)");
    gaur_snprintf(text, sizeof(text), "100%%");
    assert_string_equal(text, "100%");
}

static void scnprintf_tells_what_was_written(void **state)
{
    char text[8];

    (void)state;
    assert_int_equal(scnprintf(text, sizeof(text), "%s", "abc"), 3);
    assert_int_equal(scnprintf(text, sizeof(text), "%s", "abcdefghij"), 7);
    assert_string_equal(text, "abcdefg");
    assert_int_equal(scnprintf(text, 0, "%s", "abc"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_match_over_a_grid),
        cmocka_unit_test(strings_and_characters_match),
        cmocka_unit_test(stars_take_their_arguments),
        cmocka_unit_test(text_is_cut_and_ended),
        cmocka_unit_test(pointers_and_what_libc_leaves_open),
        cmocka_unit_test(scnprintf_tells_what_was_written),
    };

    return cmocka_run_group_tests_name("printf", tests, NULL, NULL);
}
