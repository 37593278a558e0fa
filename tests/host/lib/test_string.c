// SPDX-License-Identifier: MIT
/* test_string.c - memory and string functions against the C library's, at every small size, offset and overlap. */
#define memcpy  gaur_memcpy
#define memmove gaur_memmove
#define memset  gaur_memset
#define memcmp  gaur_memcmp
#define memchr  gaur_memchr
#define strlen  gaur_strlen
#define strnlen gaur_strnlen
#define strcmp  gaur_strcmp
#define strncmp gaur_strncmp
#define strchr  gaur_strchr
#define strrchr gaur_strrchr
#define strlcpy gaur_strlcpy
#include "lib/string.c"
#undef memcpy
#undef memmove
#undef memset
#undef memcmp
#undef memchr
#undef strlen
#undef strnlen
#undef strcmp
#undef strncmp
#undef strchr
#undef strrchr
#undef strlcpy

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ROOM 128

static unsigned char a[ROOM], b[ROOM];

static void fill(void)
{
    for (int i = 0; i < ROOM; i++)
        a[i] = b[i] = (unsigned char)rand();
}

static int sign(int value)
{
    return (value > 0) - (value < 0);
}

static void move_matches_at_every_offset_and_overlap(void **state)
{
    (void)state;
    for (size_t size = 0; size <= 48; size++) {
        for (size_t from = 0; from < 40; from++) {
            for (size_t to = 0; to < 40; to++) {
                fill();
                assert_ptr_equal(gaur_memmove(a + to, a + from, size), a + to);
                memmove(b + to, b + from, size);
                assert_memory_equal(a, b, ROOM);
            }
        }
    }
}

static void copy_and_set_match_at_every_size(void **state)
{
    (void)state;
    for (size_t size = 0; size <= 80; size++) {
        for (size_t offset = 0; offset < 16; offset++) {
            unsigned char source[ROOM];

            for (int i = 0; i < ROOM; i++)
                source[i] = (unsigned char)rand();
            fill();
            assert_ptr_equal(gaur_memcpy(a + offset, source + 3, size), a + offset);
            memcpy(b + offset, source + 3, size);
            assert_memory_equal(a, b, ROOM);
            assert_ptr_equal(gaur_memset(a + offset, (int)size - 40, size), a + offset);
            memset(b + offset, (int)size - 40, size);
            assert_memory_equal(a, b, ROOM);
        }
    }
}

static void compare_and_find_match(void **state)
{
    (void)state;
    for (int i = 0; i < 100000; i++) {
        size_t size = (size_t)rand() % ROOM;

        fill();
        if (rand() % 2)
            a[(size_t)rand() % ROOM] ^= (unsigned char)(1u << (rand() % 8));
        assert_int_equal(sign(gaur_memcmp(a, b, size)), sign(memcmp(a, b, size)));
        assert_ptr_equal(gaur_memchr(a, a[50], size), memchr(a, a[50], size));
    }
}

static void strings_match(void **state)
{
    char s[16], t[16];

    (void)state;
    for (int i = 0; i < 100000; i++) {
        for (int k = 0; k < 15; k++) {
            s[k] = (char)(rand() % 5 == 0 ? 0 : "ab\xff"[rand() % 3]);
            t[k] = (char)(rand() % 4 == 0 ? s[k] ^ 1 : s[k]);
        }
        s[15] = t[15] = '\0';
        for (size_t size = 0; size <= 16; size++) {
            assert_int_equal(gaur_strnlen(s, size), strnlen(s, size));
            assert_int_equal(sign(gaur_strncmp(s, t, size)), sign(strncmp(s, t, size)));
        }
        assert_int_equal(gaur_strlen(s), strlen(s));
        assert_int_equal(sign(gaur_strcmp(s, t)), sign(strcmp(s, t)));
        assert_ptr_equal(gaur_strchr(s, 'a'), strchr(s, 'a'));
        assert_ptr_equal(gaur_strchr(s, 0), strchr(s, 0));
        assert_ptr_equal(gaur_strrchr(s, 'b'), strrchr(s, 'b'));
        assert_ptr_equal(gaur_strrchr(s, 0), strrchr(s, 0));
    }
}

static void strlcpy_cuts_and_ends(void **state)
{
    char to[8];

    (void)state;
    for (size_t size = 0; size <= 8; size++) {
        memset(to, 'x', sizeof(to));
        assert_int_equal(gaur_strlcpy(to, "hello", size), 5);
        if (size > 0)
            assert_int_equal(strlen(to), MIN(size - 1, (size_t)5));
        assert_memory_equal(to, "hello", size > 0 ? MIN(size - 1, (size_t)5) : 0);
        for (size_t i = MIN(size, (size_t)6); i < sizeof(to); i++)
            assert_int_equal(to[i], 'x');
    }
}

static void pages_are_zeroed_and_copied(void **state)
{
    unsigned char *from = aligned_alloc(PAGE_SIZE, PAGE_SIZE), *to = aligned_alloc(PAGE_SIZE, PAGE_SIZE);

    (void)state;
    memset(from, 0x5a, PAGE_SIZE);
    page_copy(to, from);
    assert_memory_equal(to, from, PAGE_SIZE);
    page_zero(to);
    for (size_t i = 0; i < PAGE_SIZE; i++)
        assert_int_equal(to[i], 0);
    free(from);
    free(to);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(move_matches_at_every_offset_and_overlap),
        cmocka_unit_test(copy_and_set_match_at_every_size),
        cmocka_unit_test(compare_and_find_match),
        cmocka_unit_test(strings_match),
        cmocka_unit_test(strlcpy_cuts_and_ends),
        cmocka_unit_test(pages_are_zeroed_and_copied),
    };

    return cmocka_run_group_tests_name("string", tests, NULL, NULL);
}
