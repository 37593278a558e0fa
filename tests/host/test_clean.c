// SPDX-License-Identifier: MIT
/* test_clean.c - dirty pages of a file: who makes them so, and that cleaning writes each change once, and loses none. */
#include "support.h"

#include <string.h>

#include "lib/errno.h"
#include "mm/clock.h"
#include "mm/leaf.h"
#include "mm/map.h"
#include "mm/node.h"
#include "mm/page_cache.h"
#include "mm/stat.h"
#include "mm/vpage.h"

#define PAGES 40
#define VA UINT64_C(0x400000)

/* A file that is kept on a "disk" of one byte a page. */
static struct {
    struct page_cache cache;
    uint8_t disk[PAGES];
    unsigned writes[PAGES], calls; // how often each page was written; calls of write
    int write_error, reserve_error;
    uint64_t reserved; // bytes, by the last call
    void (*meanwhile)(void); // what else happens while a page is being written,
    void (*while_reserving)(void); // or while it gets room
} file;

static struct vspace *space;

static int disk_fill(struct page_cache *cache, uint64_t index, struct core_map_entry *const *pages, unsigned count)
{
    (void)cache;
    for (unsigned i = 0; i < count; i++)
        memset(page2kva(pages[i]), file.disk[index + i], PAGE_SIZE);
    return 0;
}

static int disk_reserve(struct page_cache *cache, uint64_t offset, uint64_t size)
{
    (void)cache, (void)offset;
    file.reserved = size;
    if (file.while_reserving)
        file.while_reserving();
    return file.reserve_error;
}

static int disk_write(struct page_cache *cache, uint64_t index, struct core_map_entry *const *pages, unsigned count)
{
    (void)cache;
    file.calls++;
    if (file.write_error)
        return file.write_error;
    for (unsigned i = 0; i < count; i++) {
        assert_int_equal(pages[i]->file.index, index + i);
        file.disk[index + i] = *(uint8_t *)page2kva(pages[i]);
        file.writes[index + i]++;
    }
    if (file.meanwhile)
        file.meanwhile();
    return 0;
}

static void no_hold(struct page_cache *cache)
{
    (void)cache;
}

static const struct page_cache_ops disk_ops = {
    .fill = disk_fill, .reserve = disk_reserve, .write = disk_write, .hold = no_hold, .release = no_hold};

static int begin(void **state)
{
    if (support_begin(state))
        return -1;
    memset(&file, 0, sizeof file);
    page_cache_init(&file.cache, &disk_ops);
    atomic_store(&file.cache.size, (PAGES - 1) * PAGE_SIZE + 100);
    space = make_space();
    return 0;
}

static int end(void **state)
{
    end_space(space);
    page_cache_destroy(&file.cache);
    assert_int_equal(page_caches_unclean(), 0);
    return support_end(state);
}

static void map_file(struct vspace *into, unsigned prot, bool shared)
{
    struct test_file *as_file = (void *)&file; // its first member is the cache, too

    static_assert(offsetof(struct test_file, cache) == 0, "the cache comes first");
    map_file_at(into, VA, PAGES, prot, as_file, shared);
}

static void write_bytes(uint64_t offset, size_t size, int byte)
{
    static char bytes[PAGES * PAGE_SIZE];
    struct io io = io_kernel(bytes, size, offset);

    memset(bytes, byte, size);
    assert_int_equal(page_cache_write(&file.cache, &io), size);
}

static void clean(void)
{
    assert_int_equal(page_cache_write_back(&file.cache, 0, UINT64_MAX), 0);
    assert_int_equal(page_caches_unclean(), 0);
}

static void write_marks_pages_and_cleaning_writes_each_once(void **state)
{
    (void)state;
    uint64_t dirtied = vm_total(VM_NR_DIRTIED), written = vm_total(VM_NR_WRITTEN);

    write_bytes(3 * PAGE_SIZE, 2 * PAGE_SIZE, 7);
    write_bytes(30 * PAGE_SIZE + 5, 1, 8);
    assert_int_equal(page_caches_unclean(), 3);
    clean();
    assert_int_equal(vm_total(VM_NR_DIRTIED) - dirtied, 3);
    assert_int_equal(vm_total(VM_NR_WRITTEN) - written, 3);
    assert_int_equal(file.disk[3], 7);
    assert_int_equal(file.disk[4], 7);
    assert_int_equal(file.calls, 2); // neighbours go together
    clean();
    assert_int_equal(file.calls, 2);
    assert_int_equal(file.writes[30], 1);
}

static void cleaning_a_range_leaves_the_rest(void **state)
{
    (void)state;
    write_bytes(0, PAGES * PAGE_SIZE, 1);
    assert_int_equal(page_cache_write_back(&file.cache, 10, 20), 0);
    assert_int_equal(page_caches_unclean(), PAGES - 10);
    assert_int_equal(file.writes[9] + file.writes[20], 0);
    assert_int_equal(file.writes[10] + file.writes[19], 2);
    clean();
}

static void a_read_through_a_mapping_marks_nothing(void **state)
{
    (void)state;
    map_file(space, R | W, true);
    assert_int_equal(peek(space, VA), 0);
    assert_int_equal(page_caches_unclean(), 0);
    assert_int_equal(file.reserved, 0);
}

static void a_write_to_a_private_mapping_marks_nothing(void **state)
{
    (void)state;
    map_file(space, R | W, false);
    poke(space, VA, 1);
    assert_int_equal(page_caches_unclean(), 0);
}

static void the_first_write_to_a_shared_page_marks_it_and_so_does_the_first_after_cleaning(void **state)
{
    (void)state;
    map_file(space, R | W, true);
    peek(space, VA);
    poke(space, VA, 1);
    poke(space, VA + PAGE_SIZE, 2); // without a read before
    assert_int_equal(page_caches_unclean(), 2);
    assert_verify_clean();
    clean();
    assert_false(pte_is_writable(entry_of(space, VA)));
    assert_int_equal(file.disk[0], 1);
    assert_int_equal(file.disk[1], 2);
    poke(space, VA, 3);
    assert_int_equal(page_caches_unclean(), 1);
    clean();
    assert_int_equal(file.disk[0], 3);
    assert_int_equal(file.writes[1], 1);
}

static void cleaning_reaches_leaves_that_are_shared_after_fork(void **state)
{
    (void)state;
    map_file(space, R | W, true);
    poke(space, VA, 1);
    struct vspace *child = fork_space(space);
    poke(child, VA, 2);
    clean();
    poke(space, VA, 3);
    assert_int_equal(page_caches_unclean(), 1);
    clean();
    poke(child, VA, 4);
    assert_int_equal(page_caches_unclean(), 1);
    clean();
    assert_int_equal(file.disk[0], 4);
    end_space(child);
}

static void a_write_protected_mapping_that_may_be_written_to_again_is_protected_too(void **state)
{
    (void)state;
    map_file(space, R | W, true);
    poke(space, VA, 1);
    assert_int_equal(vspace_mprotect(space, VA, PAGE_SIZE, R), 0);
    clean();
    assert_int_equal(vspace_mprotect(space, VA, PAGE_SIZE, R | W), 0);
    assert_verify_clean();
    poke(space, VA, 2);
    assert_int_equal(page_caches_unclean(), 1);
}

static void poke_meanwhile(void)
{
    file.meanwhile = NULL;
    assert_int_equal(page_caches_writing(), 1);
    assert_int_equal(page_caches_dirty(), 0);
    poke(space, VA, 9);
    assert_int_equal(page_caches_dirty(), 1); // it counts as both
}

static void what_is_changed_while_it_is_written_is_written_again(void **state)
{
    (void)state;
    map_file(space, R | W, true);
    poke(space, VA, 1);
    file.meanwhile = poke_meanwhile;
    assert_int_equal(page_cache_write_back(&file.cache, 0, 1), 0);
    assert_int_equal(file.disk[0], 1);
    assert_int_equal(page_caches_unclean(), 1);
    assert_int_equal(page_caches_dirty(), 1);
    assert_int_equal(page_caches_writing(), 0);
    clean();
    assert_int_equal(page_caches_dirty(), 0);
    assert_int_equal(file.disk[0], 9);
}

/* What the clock, and then page_caches_shrink, do on another CPU. */
static void leave(void)
{
    struct core_map_entry *leaf = node_find_leaf(space, VA), *page = frame_of(space, VA);

    file.while_reserving = NULL;
    node_lock(leaf);
    (void)!vspace_underive(leaf, VA);
    vpage_store(leaf_info(leaf, VA), (struct vpage_info){0});
    leaf_info_removed(leaf);
    node_unlock(leaf);
    page_cache_put(page);
    assert_int_equal(page_caches_shrink(PAGES) + page_caches_shrink(PAGES), 3); // those that came along with it
}

/* Else it might come back, unmarked, in the same frame: nothing would tell the fault, which lets the program write. */
static void a_page_stays_in_its_file_while_a_write_to_it_gets_room(void **state)
{
    (void)state;
    map_file(space, R | W, true);
    (void)peek(space, VA);
    file.while_reserving = leave;
    poke(space, VA, 5);
    assert_verify_clean();
    assert_int_equal(page_caches_unclean(), 1);
    clean();
    assert_int_equal(file.disk[0], 5);
}

static void a_write_that_fails_is_told_once_and_its_pages_count_as_clean(void **state)
{
    (void)state;
    write_bytes(0, PAGE_SIZE, 1);
    file.write_error = -EIO;
    assert_int_equal(page_cache_write_back(&file.cache, 0, UINT64_MAX), -EIO);
    assert_int_equal(page_caches_unclean(), 0);
    file.write_error = 0;
    clean();
}

static void without_memory_pages_stay_dirty(void **state)
{
    (void)state;
    write_bytes(0, 2 * PAGE_SIZE, 1);
    file.write_error = -ENOMEM;
    assert_int_equal(page_cache_write_back(&file.cache, 0, UINT64_MAX), -ENOMEM);
    assert_int_equal(page_caches_unclean(), 2);
    file.write_error = 0;
    clean();
    assert_int_equal(file.disk[1], 1);
}

static void without_room_nothing_is_written_and_a_fault_is_a_bus_error(void **state)
{
    struct io io = io_kernel("x", 1, 0);

    (void)state;
    map_file(space, R | W, true);
    peek(space, VA + PAGE_SIZE);
    file.reserve_error = -ENOSPC;
    assert_int_equal(page_cache_write(&file.cache, &io), -ENOSPC);
    assert_int_equal(try_write(space, VA), FAULT_BUS_ADRERR);
    assert_int_equal(try_write(space, VA + PAGE_SIZE), FAULT_BUS_ADRERR);
    assert_int_equal(page_caches_unclean(), 0);
    file.reserve_error = 0;
}

static void a_fault_asks_for_no_room_beyond_the_end_of_the_file(void **state)
{
    (void)state;
    map_file(space, R | W, true);
    poke(space, VA, 1);
    assert_int_equal(file.reserved, PAGE_SIZE);
    poke(space, VA + (PAGES - 1) * PAGE_SIZE, 1);
    assert_int_equal(file.reserved, 100);
}

static void truncation_forgets_dirty_pages_and_marks_the_last(void **state)
{
    (void)state;
    write_bytes(0, PAGES * PAGE_SIZE, 1);
    clean();
    write_bytes(8 * PAGE_SIZE, 8 * PAGE_SIZE, 2);
    page_cache_truncate(&file.cache, 4 * PAGE_SIZE + 10);
    assert_int_equal(page_caches_unclean(), 1); // the rest of the last page was zeroed
    clean();
    assert_int_equal(file.writes[4], 2);
    assert_int_equal(file.writes[8], 1);
}

static void a_writable_page_that_is_not_marked_is_I21(void **state)
{
    (void)state;
    map_file(space, R | W, true);
    poke(space, VA, 1);
    struct core_map_entry *page = frame_of(space, VA);
    page->file.dirty = 0;
    assert_broken(I21_DIRTY_PAGE);
    page->file.dirty = 1;
    assert_verify_clean();
}

#define CLEAN_TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

/* ---- Which pages go when memory is short ---- */

static struct core_map_entry *get(uint64_t index, enum page_how how)
{
    struct core_map_entry *page;

    assert_int_equal(page_cache_get(&file.cache, index, how, &page), 0);
    return page;
}

static void pages_that_were_read_once_go_first(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 8; i++)
        page_cache_put(get(i, PAGE_READ));
    page_cache_put(get(2, PAGE_READ)); // again
    struct core_map_entry *held = get(5, PAGE_READ);
    assert_int_equal(page_caches_shrink(100), 10); // and four that came along
    page_cache_put(get(2, PAGE_FIND));
    assert_int_equal(frame_refs(held), 2);
    page_cache_put(held);
    assert_int_equal(page_caches_shrink(100), 2); // the second round
}

static void dirty_and_mapped_pages_stay(void **state)
{
    (void)state;
    map_file(space, R, true);
    (void)peek(space, VA);
    write_bytes(2 * PAGE_SIZE, PAGE_SIZE, 9);
    assert_int_equal(page_caches_shrink(100), 2); // those that came along
    assert_non_null(frame_of(space, VA));
    assert_int_equal(clock_evict(10), 1); // then nobody maps it
    assert_null(frame_of(space, VA));
    assert_int_equal(page_caches_shrink(100), 1);
    clean();
    assert_true(page_caches_shrink(100) + page_caches_shrink(100) > 0);
    assert_int_equal(peek(space, VA + 2 * PAGE_SIZE), 9); // read again
}

/* What who needs memory does: such pages can go then, and come again with their content. */
static void dirty_pages_that_nobody_maps_are_cleaned_for_who_needs_memory(void **state)
{
    (void)state;
    map_file(space, R | W, true);
    poke(space, VA + 20 * PAGE_SIZE, 3);
    write_bytes(5 * PAGE_SIZE, 4 * PAGE_SIZE, 6);
    (void)page_caches_shrink(100); // what came along
    assert_int_equal(page_caches_shrink(100), 0);
    assert_int_equal(page_caches_clean(100), 4);
    assert_int_equal(file.calls, 1);
    assert_int_equal(page_caches_unclean(), 1); // the mapped one
    assert_int_equal(page_caches_clean(100), 0);
    assert_int_equal(page_caches_shrink(100) + page_caches_shrink(100), 4);
    struct core_map_entry *page = get(7, PAGE_READ);
    assert_int_equal(*(uint8_t *)page2kva(page), 6);
    page_cache_put(page);
    assert_int_equal(clock_evict(10), 1);
    assert_int_equal(page_caches_clean(100), 1);
    assert_int_equal(file.disk[20], 3);
}

/* Its owner may be about to let the file go, and wait until its pages are written. */
static void cleaning_for_who_needs_memory_waits_for_no_space(void **state)
{
    (void)state;
    map_file(space, R | W, true);
    write_bytes(5 * PAGE_SIZE, PAGE_SIZE, 6);
    rwlock_write_lock(&space->lock);
    assert_int_equal(page_caches_clean(100), 1);
    rwlock_write_unlock(&space->lock);
    assert_int_equal(file.disk[5], 6);
}

static void who_needs_memory_leaves_pages_dirty_that_there_is_no_memory_to_write(void **state)
{
    (void)state;
    write_bytes(0, 3 * PAGE_SIZE, 6);
    file.write_error = -ENOMEM;
    assert_int_equal(page_caches_clean(100), 0);
    assert_int_equal(page_caches_unclean(), 3);
    file.write_error = -EIO; // the one who asks next is told
    assert_int_equal(page_caches_clean(100), 3);
    assert_int_equal(page_cache_write_back(&file.cache, 0, UINT64_MAX), -EIO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLEAN_TEST(write_marks_pages_and_cleaning_writes_each_once),
        CLEAN_TEST(cleaning_a_range_leaves_the_rest),
        CLEAN_TEST(a_read_through_a_mapping_marks_nothing),
        CLEAN_TEST(a_write_to_a_private_mapping_marks_nothing),
        CLEAN_TEST(the_first_write_to_a_shared_page_marks_it_and_so_does_the_first_after_cleaning),
        CLEAN_TEST(cleaning_reaches_leaves_that_are_shared_after_fork),
        CLEAN_TEST(a_write_protected_mapping_that_may_be_written_to_again_is_protected_too),
        CLEAN_TEST(what_is_changed_while_it_is_written_is_written_again),
        CLEAN_TEST(a_page_stays_in_its_file_while_a_write_to_it_gets_room),
        CLEAN_TEST(a_write_that_fails_is_told_once_and_its_pages_count_as_clean),
        CLEAN_TEST(without_memory_pages_stay_dirty),
        CLEAN_TEST(without_room_nothing_is_written_and_a_fault_is_a_bus_error),
        CLEAN_TEST(a_fault_asks_for_no_room_beyond_the_end_of_the_file),
        CLEAN_TEST(truncation_forgets_dirty_pages_and_marks_the_last),
        CLEAN_TEST(pages_that_were_read_once_go_first),
        CLEAN_TEST(dirty_and_mapped_pages_stay),
        CLEAN_TEST(dirty_pages_that_nobody_maps_are_cleaned_for_who_needs_memory),
        CLEAN_TEST(cleaning_for_who_needs_memory_waits_for_no_space),
        CLEAN_TEST(who_needs_memory_leaves_pages_dirty_that_there_is_no_memory_to_write),
        CLEAN_TEST(a_writable_page_that_is_not_marked_is_I21),
    };

    return RUN_TESTS(tests);
}
