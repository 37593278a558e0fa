// SPDX-License-Identifier: MIT
/* test_page_cache.c - the pages of a file: found, filled, inserted, cut off; read and write, also of user memory. */
#include "support.h"

#include <string.h>

#include "lib/errno.h"
#include "mm/fail.h"
#include "mm/kalloc.h"
#include "mm/usercopy.h"

static struct test_file file;

static struct core_map_entry *get(uint64_t index, enum page_how how)
{
    struct core_map_entry *page;

    assert_int_equal(page_cache_get(&file.cache, index, how, &page), 0);
    return page;
}

static void a_page_is_filled_once_and_found_again(void **state)
{
    (void)state;
    make_file(&file, 5 * PAGE_SIZE, 10);
    assert_null(get(3, PAGE_FIND));
    struct core_map_entry *page = get(3, PAGE_READ);
    assert_int_equal(frame_kind(page), FRAME_FILE);
    assert_int_equal(frame_refs(page), 2);
    assert_int_equal(*(uint8_t *)page2kva(page), 13);
    assert_int_equal(((uint8_t *)page2kva(page))[PAGE_SIZE - 1], 13);
    assert_int_equal(atomic_load(&file.cache.count), 1);
    assert_ptr_equal(get(3, PAGE_FIND), page);
    assert_ptr_equal(get(3, PAGE_WRITE), page);
    assert_int_equal(frame_refs(page), 4);
    for (unsigned i = 0; i < 3; i++)
        page_cache_put(page);
    assert_verify_clean();
    end_file(&file);
    assert_int_equal(frames_by_kind(FRAME_FILE), 0);
}

static void a_page_outlives_its_cache_while_somebody_holds_it(void **state)
{
    (void)state;
    make_file(&file, PAGE_SIZE, 1);
    struct core_map_entry *page = get(0, PAGE_READ);
    end_file(&file);
    assert_int_equal(frame_refs(page), 1);
    assert_int_equal(*(uint8_t *)page2kva(page), 1);
    page_cache_put(page);
}

static void a_fill_that_fails_is_told_and_leaves_nothing(void **state)
{
    struct core_map_entry *page;

    (void)state;
    make_file(&file, PAGE_SIZE, 1);
    file.fill_error = -EIO;
    assert_int_equal(page_cache_get(&file.cache, 0, PAGE_READ, &page), -EIO);
    assert_null(page);
    assert_int_equal(atomic_load(&file.cache.count), 0);
    end_file(&file);
}

static void without_memory_a_page_is_not_there_and_nothing_is_lost(void **state)
{
    struct core_map_entry *page;

    (void)state;
    make_file(&file, 200 * PAGE_SIZE, 1);
    for (uint64_t left = 0; left < 2; left++) { // the second time there is a frame, but none for a node of the tree
        hoard_take(left);
        assert_int_equal(page_cache_get(&file.cache, 100, PAGE_READ, &page), -ENOMEM);
        assert_null(page);
        assert_int_equal(frames_by_kind(FRAME_FREE), left);
        assert_verify_clean();
        hoard_give_back();
    }
    page_cache_put(get(100, PAGE_READ));
    end_file(&file);
}

static void an_index_in_use_is_not_taken_twice(void **state)
{
    struct core_map_entry *page = frame_alloc(FRAME_FILE);

    (void)state;
    make_file(&file, 3 * PAGE_SIZE, 1);
    page_cache_put(get(2, PAGE_READ));
    assert_int_equal(page_cache_insert(&file.cache, 2, page), -EEXIST);
    assert_int_equal(frame_refs(page), 1);
    assert_int_equal(page_cache_insert(&file.cache, 1, page), 0);
    assert_ptr_equal(page->file.cache, &file.cache);
    assert_int_equal(page->file.index, 1);
    end_file(&file);
}

static void an_adopted_frame_is_a_page_like_others(void **state)
{
    struct core_map_entry *page = frame_adopt(MACHINE_INITRD + PAGE_SIZE, FRAME_FILE);

    (void)state;
    make_file(&file, PAGE_SIZE, 0);
    memset(page2kva(page), 77, PAGE_SIZE);
    assert_int_equal(page_cache_insert(&file.cache, 0, page), 0);
    struct core_map_entry *found = get(0, PAGE_READ);
    assert_ptr_equal(found, page);
    assert_verify_clean();
    page_cache_truncate(&file.cache, 0); // the cache's reference goes, ours stays
    assert_int_equal(frame_refs(page), 1);
    atomic_store(&page->refs, 0); // the machine wants its memory map back
    frame_set_kind(page, FRAME_RESERVED);
    end_file(&file);
}

static void truncation_drops_pages_and_zeroes_the_rest_of_the_last(void **state)
{
    (void)state;
    make_file(&file, 10 * PAGE_SIZE, 1);
    for (uint64_t i = 0; i < 10; i++)
        page_cache_put(get(i, PAGE_READ));
    page_cache_truncate(&file.cache, 4 * PAGE_SIZE + 100);
    assert_int_equal(atomic_load(&file.cache.count), 5);
    struct core_map_entry *last = get(4, PAGE_FIND);
    assert_int_equal(((uint8_t *)page2kva(last))[99], 5);
    assert_int_equal(((uint8_t *)page2kva(last))[100], 0);
    assert_int_equal(((uint8_t *)page2kva(last))[PAGE_SIZE - 1], 0);
    page_cache_put(last);
    page_cache_truncate(&file.cache, 9 * PAGE_SIZE);
    assert_int_equal(atomic_load(&file.cache.count), 5);
    assert_int_equal(atomic_load(&file.cache.size), 9 * PAGE_SIZE);
    page_cache_truncate(&file.cache, 4 * PAGE_SIZE);
    assert_int_equal(atomic_load(&file.cache.count), 4);
    page_cache_truncate(&file.cache, 0);
    assert_int_equal(atomic_load(&file.cache.count), 0);
    end_file(&file);
}

static void a_page_that_was_cut_off_no_longer_names_its_file(void **state)
{
    (void)state;
    make_file(&file, 2 * PAGE_SIZE, 1);
    struct core_map_entry *page = get(1, PAGE_READ);
    page_cache_truncate(&file.cache, PAGE_SIZE);
    assert_null(page->file.cache);
    assert_int_equal(frame_refs(page), 1);
    assert_verify_clean();
    page_cache_put(page);
    end_file(&file);
}

/* ---- Read and write ---- */

static char buffer[5 * PAGE_SIZE];

static int64_t read_at(uint64_t offset, size_t size)
{
    struct io io = io_kernel(buffer, size, offset);
    int64_t done = page_cache_read(&file.cache, &io);

    if (done > 0) {
        assert_int_equal(io.offset, offset + (uint64_t)done);
        assert_int_equal(io.left, size - (size_t)done);
    }
    return done;
}

static int64_t write_at(uint64_t offset, size_t size, int byte)
{
    struct io io = io_kernel(buffer, size, offset);

    memset(buffer, byte, size);
    return page_cache_write(&file.cache, &io);
}

static void read_stops_at_the_end_of_the_file(void **state)
{
    (void)state;
    make_file(&file, 2 * PAGE_SIZE + 50, 1);
    assert_int_equal(read_at(PAGE_SIZE - 1, 2), 2);
    assert_int_equal(buffer[0], 1);
    assert_int_equal(buffer[1], 2);
    assert_int_equal(read_at(2 * PAGE_SIZE, sizeof buffer), 50);
    assert_int_equal(buffer[49], 3);
    assert_int_equal(read_at(2 * PAGE_SIZE + 50, 10), 0);
    assert_int_equal(read_at(1ull << 50, 10), 0);
    assert_int_equal(read_at(0, 0), 0);
    assert_int_equal(read_at(0, sizeof buffer), 2 * PAGE_SIZE + 50);
    end_file(&file);
}

static void write_extends_the_file_and_crosses_pages(void **state)
{
    (void)state;
    make_file(&file, 100, 1);
    assert_int_equal(write_at(PAGE_SIZE - 10, PAGE_SIZE, 9), PAGE_SIZE);
    assert_int_equal(atomic_load(&file.cache.size), 2 * PAGE_SIZE - 10);
    assert_int_equal(read_at(PAGE_SIZE - 11, sizeof buffer), PAGE_SIZE + 1);
    assert_int_equal(buffer[0], 1);
    assert_int_equal(buffer[1], 9);
    assert_int_equal(buffer[PAGE_SIZE], 9);
    assert_int_equal(write_at(0, 1, 8), 1); // inside: the size stays
    assert_int_equal(atomic_load(&file.cache.size), 2 * PAGE_SIZE - 10);
    end_file(&file);
}

static void errors_are_told_only_when_nothing_was_moved(void **state)
{
    (void)state;
    make_file(&file, 5 * PAGE_SIZE, 1);
    page_cache_put(get(2, PAGE_READ));
    file.fill_error = -EIO;
    assert_int_equal(read_at(3 * PAGE_SIZE - 4, 8), 4);
    assert_int_equal(read_at(3 * PAGE_SIZE, 8), -EIO);
    assert_int_equal(write_at(3 * PAGE_SIZE - 4, 8, 1), 4);
    assert_int_equal(write_at(3 * PAGE_SIZE, 8, 1), -EIO);
    end_file(&file);
}

/* Whichever allocation fails: a transfer that has begun finds memory and goes on, one that has not is made again by its caller. */
static void lack_of_memory_cuts_no_transfer_short(void **state)
{
    uint64_t left = 0;

    (void)state;
    for (uint64_t n = 1; left == 0; n++) {
        make_file(&file, 3 * PAGE_SIZE, 1);
        fail_arm(current_kthread(), n, true);
        int64_t result = write_at(PAGE_SIZE - 4, 8, 9);
        left = fail_left();
        fail_arm(NULL, 0, false);
        assert_true(result == 8 || (result == -ENOMEM && kalloc_failed()));
        end_file(&file);
    }
}

static void holes_of_a_file_without_fill_read_as_zeros_and_take_no_memory(void **state)
{
    struct page_cache *cache = page_cache_create_anonymous(3 * PAGE_SIZE, false);
    struct io io = io_kernel(buffer, 3 * PAGE_SIZE, 0);
    static const char zeros[3 * PAGE_SIZE];

    (void)state;
    memset(buffer, 1, sizeof buffer);
    assert_int_equal(page_cache_read(cache, &io), 3 * PAGE_SIZE);
    assert_memory_equal(buffer, zeros, 3 * PAGE_SIZE);
    assert_int_equal(atomic_load(&cache->count), 0);
    assert_int_equal(frames_by_kind(FRAME_FILE), 0);
    cache->ops->release(cache);
}

static void a_nameless_file_lives_as_long_as_its_holds(void **state)
{
    struct page_cache *cache = page_cache_create_anonymous(PAGE_SIZE, false);
    struct core_map_entry *page;
    struct map_identity identity;

    (void)state;
    assert_int_equal(page_cache_get(cache, 0, PAGE_WRITE, &page), 0);
    page_cache_put(page);
    cache->ops->hold(cache);
    cache->ops->release(cache);
    assert_int_equal(frames_by_kind(FRAME_FILE), 1);
    assert_int_equal(cache->ops->describe(cache, buffer, sizeof buffer, &identity), strlen("/dev/zero (deleted)"));
    assert_string_equal(buffer, "/dev/zero (deleted)");
    cache->ops->release(cache);
    assert_int_equal(frames_by_kind(FRAME_FILE), 0);
}

/* ---- The user's memory as the buffer ---- */

#define USER 0x400000

static void read_into_user_memory_faults_pages_in(void **state)
{
    struct vspace *space = make_space();

    (void)state;
    make_file(&file, 3 * PAGE_SIZE, 1);
    map_at(space, USER, 2, R | W);
    struct io io = io_user(USER + 10, PAGE_SIZE, PAGE_SIZE - 5);
    assert_int_equal(page_cache_read(&file.cache, &io), PAGE_SIZE);
    assert_int_equal(peek(space, USER + 9), 0);
    assert_int_equal(peek(space, USER + 14), 1);
    assert_int_equal(peek(space, USER + 15), 2);
    assert_int_equal(peek(space, USER + 10 + PAGE_SIZE - 1), 2);
    end_space(space);
    end_file(&file);
}

static void transfers_stop_where_user_memory_ends(void **state)
{
    struct vspace *space = make_space();

    (void)state;
    make_file(&file, 3 * PAGE_SIZE, 1);
    map_at(space, USER, 1, R | W);
    struct io io = io_user(USER + PAGE_SIZE - 7, 20, 0);
    assert_int_equal(page_cache_read(&file.cache, &io), 7);
    assert_int_equal(page_cache_read(&file.cache, &io), -EFAULT);
    io = io_user(USER + PAGE_SIZE - 7, 20, 0);
    assert_int_equal(page_cache_write(&file.cache, &io), 7);
    assert_int_equal(page_cache_write(&file.cache, &io), -EFAULT);
    io = io_user(USER_END - 1, 20, 0);
    assert_int_equal(page_cache_read(&file.cache, &io), -EFAULT);
    io = io_user(KERNBASE, 20, 0);
    end_space(space);
    end_file(&file);
}

static void user_copies_check_the_range_before_they_touch(void **state)
{
    struct vspace *space = make_space();
    uint64_t word = 0x1122334455667788;
    uint32_t half;

    (void)state;
    map_at(space, USER, 2, R | W);
    assert_int_equal(put_user_u64(USER + PAGE_SIZE - 3, word), 0);
    word = 0;
    assert_int_equal(get_user_u64(&word, USER + PAGE_SIZE - 3), 0);
    assert_int_equal(word, 0x1122334455667788);
    assert_int_equal(get_user_u32(&half, USER + PAGE_SIZE + 1), 0);
    assert_int_equal(half, 0x11223344);
    assert_int_equal(clear_user(USER, 2 * PAGE_SIZE), 0);
    assert_int_equal(clear_user(USER, 2 * PAGE_SIZE + 1), -EFAULT);
    assert_int_equal(copy_to_user(USER_END - 4, &word, 8), -EFAULT);
    assert_int_equal(copy_from_user(&word, UINT64_MAX - 3, 8), -EFAULT);
    assert_int_equal(copy_to_user_partial(USER_END, &word, 8), 0);
    assert_int_equal(copy_to_user_partial(USER + 2 * PAGE_SIZE - 3, &word, 8), 3);
    assert_int_equal(copy_from_user_partial(&word, USER + 2 * PAGE_SIZE - 3, 8), 3);
    assert_int_equal(clear_user_partial(USER + 2 * PAGE_SIZE - 3, 8), 3);
    end_space(space);
}

static void strings_end_within_their_buffer_or_are_refused(void **state)
{
    struct vspace *space = make_space();
    char text[10];

    (void)state;
    map_at(space, USER, 1, R | W);
    assert_int_equal(copy_to_user(USER + PAGE_SIZE - 5, "abcd", 5), 0);
    assert_int_equal(strncpy_from_user(text, USER + PAGE_SIZE - 5, sizeof text), 4);
    assert_string_equal(text, "abcd");
    assert_int_equal(strncpy_from_user(text, USER + PAGE_SIZE - 5, 4), -ENAMETOOLONG);
    assert_int_equal(copy_to_user(USER + PAGE_SIZE - 5, "abcde", 5), 0);
    assert_int_equal(strncpy_from_user(text, USER + PAGE_SIZE - 5, sizeof text), -EFAULT);
    assert_int_equal(strncpy_from_user(text, USER_END, sizeof text), -EFAULT);
    end_space(space);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_page_is_filled_once_and_found_again),
        TEST(a_page_outlives_its_cache_while_somebody_holds_it),
        TEST(a_fill_that_fails_is_told_and_leaves_nothing),
        TEST(without_memory_a_page_is_not_there_and_nothing_is_lost),
        TEST(an_index_in_use_is_not_taken_twice),
        TEST(an_adopted_frame_is_a_page_like_others),
        TEST(truncation_drops_pages_and_zeroes_the_rest_of_the_last),
        TEST(a_page_that_was_cut_off_no_longer_names_its_file),
        TEST(read_stops_at_the_end_of_the_file),
        TEST(write_extends_the_file_and_crosses_pages),
        TEST(errors_are_told_only_when_nothing_was_moved),
        TEST(lack_of_memory_cuts_no_transfer_short),
        TEST(holes_of_a_file_without_fill_read_as_zeros_and_take_no_memory),
        TEST(a_nameless_file_lives_as_long_as_its_holds),
        TEST(read_into_user_memory_faults_pages_in),
        TEST(transfers_stop_where_user_memory_ends),
        TEST(user_copies_check_the_range_before_they_touch),
        TEST(strings_end_within_their_buffer_or_are_refused),
    };

    return RUN_TESTS(tests);
}
