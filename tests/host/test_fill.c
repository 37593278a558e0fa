// SPDX-License-Identifier: MIT
/* test_fill.c - pages of a file come in by runs, as long as what is in memory makes likely, and never what was taken away. */
#include "support.h"

#include <string.h>

#include "lib/errno.h"
#include "mm/kalloc.h"
#include "mm/page_cache.h"

#define PAGES UINT64_C(200)

/* A file that is kept on a "disk", whose page i is filled with i. */
static struct {
    struct page_cache cache;
    unsigned calls, filled;     // of fill; pages
    uint64_t bad;               // a page that cannot be read
    void (*meanwhile)(void);    // what else happens while pages are being read
} file;

static int disk_fill(struct page_cache *cache, uint64_t index, struct core_map_entry *const *pages, unsigned count)
{
    (void)cache;
    file.calls++;
    file.filled += count;
    if (file.meanwhile)
        file.meanwhile();
    for (unsigned i = 0; i < count; i++) {
        if (index + i == file.bad)
            return -EIO;
        memset(page2kva(pages[i]), (uint8_t)(index + i), PAGE_SIZE);
    }
    return 0;
}

static void no_hold(struct page_cache *cache)
{
    (void)cache;
}

static int disk_write(struct page_cache *cache, uint64_t index, struct core_map_entry *const *pages, unsigned count)
{
    (void)cache, (void)index, (void)pages, (void)count;
    return 0;
}

static const struct page_cache_ops disk_ops = {.fill = disk_fill, .write = disk_write, .hold = no_hold, .release = no_hold};

static int begin(void **state)
{
    if (support_begin(state))
        return -1;
    memset(&file, 0, sizeof file);
    file.bad = UINT64_MAX;
    page_cache_init(&file.cache, &disk_ops);
    atomic_store(&file.cache.size, PAGES * PAGE_SIZE);
    return 0;
}

static int end(void **state)
{
    kalloc_set_marks(0, 0, NULL);
    page_cache_destroy(&file.cache);
    return support_end(state);
}

/* Ask for a page; it has to be right. */
static void ask(uint64_t index)
{
    struct core_map_entry *page;

    assert_int_equal(page_cache_get(&file.cache, index, PAGE_READ, &page), 0);
    assert_int_equal(*(uint8_t *)page2kva(page), (uint8_t)index);
    page_cache_put(page);
}

static int ask_and_fail(uint64_t index)
{
    struct core_map_entry *page;

    return page_cache_get(&file.cache, index, PAGE_READ, &page);
}

static bool is_there(uint64_t index)
{
    return page_cache_where(&file.cache, index) == PAGE_IN_MEMORY;
}

static void who_reads_forward_gets_longer_and_longer_runs(void **state)
{
    (void)state;
    ask(0);
    assert_int_equal(file.filled, 4);
    ask(4);
    assert_int_equal(file.filled, 4 + 8);
    for (uint64_t i = 0; i < PAGES; i++)
        ask(i);
    assert_int_equal(file.filled, PAGES);
    assert_in_range(file.calls, 1, 3 + PAGES / PAGE_CACHE_RUN);
}

static void a_page_in_the_middle_of_nowhere_comes_alone(void **state)
{
    (void)state;
    for (uint64_t i = 3; i < PAGES; i += 7)
        ask(i);
    assert_int_equal(file.filled, file.calls);
}

static void two_readers_of_one_file_have_a_run_each(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < PAGES / 2; i++) {
        ask(i);
        ask(PAGES / 2 + i);
    }
    assert_int_equal(file.filled, PAGES);
    assert_in_range(file.calls, 1, 10 + PAGES / PAGE_CACHE_RUN);
}

static void a_read_of_many_bytes_reads_no_more_than_its_pages_from_the_middle(void **state)
{
    static char bytes[8 * PAGE_SIZE];
    struct io io = io_kernel(bytes, sizeof bytes, 50 * PAGE_SIZE);

    (void)state;
    assert_int_equal(page_cache_read(&file.cache, &io), sizeof bytes);
    assert_int_equal(file.calls, 1);
    assert_int_equal(file.filled, 8);
    assert_int_equal((uint8_t)bytes[7 * PAGE_SIZE], 57);
}

static void a_run_ends_at_the_end_of_the_file_and_at_pages_that_are_there(void **state)
{
    (void)state;
    ask(PAGES - 1);
    ask(2);
    ask(0);
    assert_int_equal(file.filled, 1 + 1 + 2);
    ask(PAGES - 3);
    ask(PAGES - 2);
    assert_int_equal(file.filled, 6);
}

static void an_error_behind_the_wanted_page_is_not_told(void **state)
{
    (void)state;
    file.bad = 2;
    ask(0);
    assert_false(is_there(1));
    ask(1);
    assert_int_equal(ask_and_fail(2), -EIO);
    file.bad = UINT64_MAX;
    ask(2);
}

static void nothing(void)
{
}

static void without_plenty_of_memory_pages_come_alone(void **state)
{
    (void)state;
    kalloc_set_marks(UINT64_MAX, 0, nothing);
    for (uint64_t i = 0; i < 40; i++)
        ask(i);
    assert_int_equal(file.calls, 40);
}

static void truncate_to_nothing_and_grow_again(void)
{
    file.meanwhile = NULL;
    page_cache_truncate(&file.cache, 0);
    page_cache_truncate(&file.cache, PAGES * PAGE_SIZE);
}

/* What was read before is the old content, even if the file has its size again. */
static void what_was_read_before_a_truncation_does_not_come_in(void **state)
{
    (void)state;
    file.meanwhile = truncate_to_nothing_and_grow_again;
    ask(0);
    assert_int_equal(file.calls, 2);
    assert_int_equal(file.filled, 8);
}

static void write_and_forget(void)
{
    struct io io = io_kernel("new", 3, 0);

    file.meanwhile = NULL;
    assert_int_equal(page_cache_write(&file.cache, &io), 3);
    assert_int_equal(page_cache_write_back(&file.cache, 0, 1), 0);
    assert_true(page_caches_shrink(100) > 0);
}

static void what_was_read_before_a_page_was_written_and_left_does_not_come_in(void **state)
{
    (void)state;
    file.meanwhile = write_and_forget;
    ask(0);
    assert_int_equal(file.calls, 3); // the reader's, the writer's, the reader's again
}

static void a_page_that_came_along_and_was_asked_for_once_goes_first(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 12; i++)
        ask(i);
    ask(0); // a second time
    assert_int_equal(page_caches_shrink(100), 11);
    assert_true(is_there(0));
}

static void what_is_expected_comes_in_and_not_more_than_the_file_has(void **state)
{
    (void)state;
    ask(105);
    page_cache_expect(&file.cache, 100, 120);
    assert_int_equal(file.filled, 20);
    page_cache_expect(&file.cache, PAGES - 2, UINT64_MAX);
    assert_int_equal(file.filled, 22);
    file.bad = 10;
    page_cache_expect(&file.cache, 8, 12);
    assert_true(is_there(8));
    assert_false(is_there(10));
}

/* Nobody can end it, and the file may be large. */
static void no_more_is_expected_than_can_be_read_in_a_while(void **state)
{
    (void)state;
    atomic_store(&file.cache.size, 2000 * PAGE_SIZE);
    page_cache_expect(&file.cache, 100, UINT64_MAX);
    assert_int_equal(file.filled, 512);
    assert_true(is_there(611));
    assert_false(is_there(612));
}

#define FILL_TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FILL_TEST(who_reads_forward_gets_longer_and_longer_runs),
        FILL_TEST(a_page_in_the_middle_of_nowhere_comes_alone),
        FILL_TEST(two_readers_of_one_file_have_a_run_each),
        FILL_TEST(a_read_of_many_bytes_reads_no_more_than_its_pages_from_the_middle),
        FILL_TEST(a_run_ends_at_the_end_of_the_file_and_at_pages_that_are_there),
        FILL_TEST(an_error_behind_the_wanted_page_is_not_told),
        FILL_TEST(without_plenty_of_memory_pages_come_alone),
        FILL_TEST(what_was_read_before_a_truncation_does_not_come_in),
        FILL_TEST(what_was_read_before_a_page_was_written_and_left_does_not_come_in),
        FILL_TEST(a_page_that_came_along_and_was_asked_for_once_goes_first),
        FILL_TEST(no_more_is_expected_than_can_be_read_in_a_while),
        FILL_TEST(what_is_expected_comes_in_and_not_more_than_the_file_has),
    };

    return RUN_TESTS(tests);
}
