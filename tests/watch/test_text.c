// SPDX-License-Identifier: MIT
/* What is written: JSON of any bytes, runs of a leaf's pages, lines from a socket. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <jansson.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "arch/x86/pte.h"
#include "lines.h"
#include "message.h"

static void assert_text(const struct text *text, const char *wanted)
{
    assert_int_equal(text->count, strlen(wanted));
    assert_memory_equal(text->array, wanted, text->count);
}

static void commas_stand_between_values(void **state)
{
    struct text text = {0};

    (void)state;
    json_open(&text, '{');
    json_name(&text, "a");
    json_open(&text, '[');
    json_put_number(&text, 0);
    json_put_number(&text, UINT64_MAX);
    json_put_signed(&text, -1);
    json_close(&text, ']');
    json_name(&text, "b");
    json_put_address(&text, 0xffff800000000000);
    json_name(&text, "c");
    json_put_null(&text);
    json_close(&text, '}');
    assert_text(&text, "{\"a\":[0,18446744073709551615,-1],\"b\":\"0xffff800000000000\",\"c\":null}");
    text_free(&text);
}

/* Whatever the bytes, a parser reads a string; what was good text comes back as it was, and no "<" could end a page's element. */
static void any_bytes_become_a_string(void **state)
{
    unsigned char bytes[64];

    (void)state;
    srandom(1);
    for (int round = 0; round < 20000; round++) {
        struct text text = {0};
        size_t length = (size_t)random() % sizeof bytes;
        for (size_t i = 0; i < length; i++)
            bytes[i] = (unsigned char)(random() % 4 ? random() : random() % 128);
        json_put_bytes(&text, (char *)bytes, length);
        json_t *string = json_loadb(text.array, text.count, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
        assert_non_null(string);
        assert_null(memchr(text.array, '<', text.count));
        json_decref(string);
        text_free(&text);
    }
    struct text text = {0};
    json_put_string(&text, "gr\xc3\xbc\xc3\x9f </script> \"\\\n\xff\xf0\x9f\x90\x84");
    assert_text(&text, "\"gr\xc3\xbc\xc3\x9f \\u003c/script> \\\"\\\\\\u000a\\ufffd\xf0\x9f\x90\x84\"");
    text_free(&text);
}

static void an_unfinished_character_waits(void **state)
{
    (void)state;
    assert_int_equal(text_whole("ab", 2), 2);
    assert_int_equal(text_whole("a\xc3", 2), 1);
    assert_int_equal(text_whole("a\xc3\xbc", 3), 3);
    assert_int_equal(text_whole("\xf0\x9f\x90", 3), 0);
    assert_int_equal(text_whole("\xf0\x9f\x90\x84", 4), 4);
    assert_int_equal(text_whole("\x80\x80\x80\x80", 4), 4); // never becomes one
    assert_int_equal(text_whole("", 0), 0);
}

/* Runs say exactly what the pages are, for any leaf. */
static void runs_tell_every_page(void **state)
{
    static struct picture_node leaf, told;
    struct leaf_run run;

    (void)state;
    srandom(2);
    for (int round = 0; round < 500; round++) {
        memset(&leaf, 0, sizeof leaf);
        memset(&told, 0, sizeof told);
        uint64_t pfn = 1000;
        for (unsigned i = 0; i < NODE_ENTRIES; i++) {
            pfn += (uint64_t)(random() % 8 == 0 ? random() % 100 : random() % 3);
            if (random() % 3 == 0)
                continue;
            leaf.infos[i] = pfn << PAGE_SHIFT | (uint64_t)(random() % 20 ? 7 : random() % 32);
            if (random() % 5)
                leaf.entries[i] = pfn << PAGE_SHIFT | (uint64_t)(random() % 9 ? 0x67 : 0x25) | (random() % 9 ? PTE_BIT_NOEXEC : 0);
        }
        for (unsigned index = 0; leaf_run_find(&leaf, index, &run); index = run.index + run.count)
            for (unsigned i = 0; i < run.count; i++) {
                uint64_t distance = (uint64_t)(int64_t)run.step * i;
                assert_true(run.index >= index && run.index + run.count <= NODE_ENTRIES);
                told.infos[run.index + i] = (run.ppn + distance) << PAGE_SHIFT | run.vpi_bits;
                if (run.pte_bits)
                    told.entries[run.index + i] = (run.pte_pfn + distance) << PAGE_SHIFT | (run.pte_bits & 0xfff) |
                                                  (run.pte_bits & PTE_NO_EXECUTE ? PTE_BIT_NOEXEC : 0);
            }
        assert_memory_equal(leaf.infos, told.infos, sizeof leaf.infos);
        assert_memory_equal(leaf.entries, told.entries, sizeof leaf.entries);
    }
}

static void lines_come_whole(void **state)
{
    int ends[2];
    struct lines lines = {0};

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    lines.fd = ends[0];
    assert_int_equal(write(ends[1], "one\ntw", 6), 6);
    assert_true(lines_read(&lines));
    assert_string_equal(lines_next(&lines), "one");
    assert_null(lines_next(&lines));
    assert_int_equal(write(ends[1], "o\n\nrest", 7), 7);
    close(ends[1]);
    assert_false(lines_read(&lines));
    assert_string_equal(lines_next(&lines), "two");
    assert_string_equal(lines_next(&lines), "");
    assert_null(lines_next(&lines));
    close(ends[0]);
    text_free(&lines.text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commas_stand_between_values), cmocka_unit_test(any_bytes_become_a_string),
        cmocka_unit_test(an_unfinished_character_waits), cmocka_unit_test(runs_tell_every_page), cmocka_unit_test(lines_come_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
