// SPDX-License-Identifier: MIT
/* test_swap_files.c - pages of files that are kept nowhere else leave for swap and come back: mapped, unmapped, cut, and when the device fails. */
#include "support.h"
#include "swap_device.h"

#include <linux/mman.h>
#include <string.h>

#include "lib/errno.h"
#include "mm/clock.h"
#include "mm/io.h"
#include "mm/kalloc.h"
#include "mm/map.h"
#include "mm/populate.h"
#include "mm/swap.h"

#define AT 0x400000ul
#define PAGES 8

static struct vspace *space;
static struct page_cache *file;

static vaddr_t page_at(unsigned i)
{
    return AT + i * PAGE_SIZE;
}

/* A file with pages 1, 2, 3, ... that a space maps, and an empty device. */
static void begin(unsigned pages)
{
    swap_device_add(400, NULL, 0);
    space = make_space();
    map_shared_at(space, AT, pages, R | W);
    file = vregion_lowest(space)->file;
    for (unsigned i = 0; i < pages; i++)
        poke(space, page_at(i), (uint8_t)(i + 1));
}

static void end(void)
{
    end_space(space);
    assert_int_equal(swap_slots_used(), 0);
    assert_int_equal(frames_by_kind(FRAME_FILE), 0);
    swap_device_remove();
}

static void evict_all(void)
{
    while (clock_evict(1000) + page_caches_swap_out(1000) > 0)
        ;
    assert_verify_clean();
}

static void assert_content(struct vspace *of, unsigned pages)
{
    for (unsigned i = 0; i < pages; i++)
        assert_int_equal(peek(of, page_at(i)), (uint8_t)(i + 1));
    assert_verify_clean();
}

static bool never(void)
{
    return false;
}

static bool at_once(void)
{
    return true;
}

static void shared_pages_leave_and_come_back(void **state)
{
    (void)state;
    begin(PAGES);
    evict_all();
    assert_int_equal(frames_by_kind(FRAME_FILE), 0);
    assert_int_equal(swap_slots_used(), PAGES);
    assert_int_equal(swap_device.writes, 1); // together
    assert_int_equal(atomic_load(&file->count), PAGES); // what df tells
    assert_int_equal(page_cache_where(file, 3), PAGE_IN_SWAP);
    assert_content(space, PAGES);
    assert_int_equal(swap_slots_used(), 0);
    assert_int_equal(page_cache_where(file, 3), PAGE_IN_MEMORY);
    evict_all();
    poke(space, AT, 99); // a write brings it back as well
    evict_all();
    assert_int_equal(peek(space, AT), 99);
    assert_int_equal(peek(space, page_at(1)), 2);
    end();
}

static void a_page_leaves_when_the_last_mapping_lets_it_go(void **state)
{
    (void)state;
    begin(PAGES);
    struct vspace *child = fork_space(space);
    poke(child, page_at(7), 77); // two leaves now
    assert_int_equal(frame_refs(frame_of(child, page_at(7))), 3); // the cache has it as well
    assert_int_equal(peek(space, page_at(7)), 77);
    assert_int_equal(vspace_madvise(space, AT, PAGES * PAGE_SIZE, MADV_PAGEOUT), 0);
    assert_int_equal(swap_slots_used(), 0);
    assert_non_null(frame_of(child, AT));
    assert_int_equal(vspace_madvise(child, AT, PAGES * PAGE_SIZE, MADV_PAGEOUT), 0);
    assert_int_equal(swap_slots_used(), PAGES);
    assert_verify_clean();
    assert_int_equal(peek(space, page_at(7)), 77);
    poke(space, page_at(7), 8);
    assert_int_equal(peek(child, page_at(7)), 8);
    assert_ptr_equal(frame_of(space, page_at(7)), frame_of(child, page_at(7)));
    assert_content(child, PAGES);
    end_space(child);
    end();
}

static void private_copies_and_shared_pages_go_side_by_side(void **state)
{
    (void)state;
    begin(PAGES);
    const struct map_request request = {
        .addr = 0x800000, .size = PAGES * PAGE_SIZE, .prot = R | W, .max_prot = R | W | X, .flags = MAP_FIXED | MAP_PRIVATE, .file = file};
    assert_int_equal(vspace_mmap(space, &request), 0x800000);
    poke(space, 0x800000, 50);
    assert_int_equal(peek(space, 0x800000 + PAGE_SIZE), 2);
    evict_all();
    assert_int_equal(frames_by_kind(FRAME_FILE) + frames_by_kind(FRAME_ANON), 0);
    assert_int_equal(swap_slots_used(), PAGES + 1);
    assert_int_equal(peek(space, 0x800000), 50);
    assert_int_equal(peek(space, 0x800000 + PAGE_SIZE), 2);
    assert_content(space, PAGES);
    end();
}

/* Write to, or read, one byte of the file as a system call would. */
static int64_t transfer(uint64_t offset, char *byte, bool write)
{
    struct io io = io_kernel(byte, 1, offset);

    return write ? page_cache_write(file, &io) : page_cache_read(file, &io);
}

static void pages_that_nobody_maps_leave_when_nobody_asks_for_them(void **state)
{
    char byte = 0;

    (void)state;
    swap_device_add(400, NULL, 0);
    file = page_cache_create_anonymous(PAGES * PAGE_SIZE, false);
    for (unsigned i = 0; i < PAGES; i++) {
        byte = (char)(i + 1);
        assert_int_equal(transfer(i * PAGE_SIZE, &byte, true), 1);
    }
    assert_int_equal(page_caches_swap_out(1000), PAGES);
    assert_verify_clean();
    assert_int_equal(transfer(2 * PAGE_SIZE, &byte, false), 1);
    assert_int_equal(byte, 3);
    byte = 70;
    assert_int_equal(transfer(4 * PAGE_SIZE + 1, &byte, true), 1);
    assert_int_equal(transfer(4 * PAGE_SIZE, &byte, false), 1);
    assert_int_equal(byte, 5);
    assert_int_equal(swap_slots_used(), PAGES - 2);
    file->ops->release(file);
    assert_int_equal(swap_slots_used(), 0);
    swap_device_remove();
}

static void who_holds_a_page_keeps_it_in_memory(void **state)
{
    struct core_map_entry *page;

    (void)state;
    begin(PAGES);
    assert_int_equal(page_cache_get(file, 2, PAGE_FIND, &page), 0);
    evict_all();
    assert_int_equal(swap_slots_used(), PAGES - 1);
    assert_int_equal(page_cache_where(file, 2), PAGE_IN_MEMORY);
    page_cache_put(page);
    evict_all();
    assert_int_equal(swap_slots_used(), PAGES);
    assert_content(space, PAGES);
    end();
}

static bool may_not(const struct page_cache *cache)
{
    (void)cache;
    return false;
}

static void pages_that_are_to_stay_do(void **state)
{
    (void)state;
    begin(PAGES);
    const struct page_cache_ops *ops = file->ops;
    struct page_cache_ops staying_ops = *ops;
    staying_ops.may_swap = may_not;
    file->ops = &staying_ops;
    evict_all();
    assert_int_equal(vspace_madvise(space, AT, PAGES * PAGE_SIZE, MADV_PAGEOUT), 0);
    assert_int_equal(swap_slots_used(), 0);
    file->ops = ops;
    assert_int_equal(vspace_mlock(space, AT, PAGE_SIZE, VR_LOCKED, UINT64_MAX), 0);
    evict_all();
    assert_int_equal(swap_slots_used(), PAGES - 1);
    assert_non_null(frame_of(space, AT));
    end();
}

static struct core_map_entry *taken;
static unsigned asked;

/* Another CPU asks for the page just when its last mapping has let it go. */
static bool take_meanwhile(const struct page_cache *cache)
{
    (void)cache;
    if (++asked == 2) // the first time it is the hand that asks
        assert_int_equal(page_cache_get(file, 0, PAGE_FIND, &taken), 0);
    return true;
}

static void who_asks_for_a_page_that_is_about_to_leave_keeps_it_in_memory(void **state)
{
    (void)state;
    begin(1);
    const struct page_cache_ops *ops = file->ops;
    struct page_cache_ops asking = *ops;
    asking.may_swap = take_meanwhile;
    asked = 0;
    file->ops = &asking;
    assert_int_equal(vspace_madvise(space, AT, PAGE_SIZE, MADV_PAGEOUT), 0);
    file->ops = ops;
    assert_non_null(taken);
    assert_int_equal(swap_slots_used(), 0);
    assert_int_equal(page_cache_where(file, 0), PAGE_IN_MEMORY);
    page_cache_put(taken);
    assert_content(space, 1);
    end();
}

static void what_is_cut_off_gives_its_slots_back_and_what_is_cut_in_two_is_zeroed(void **state)
{
    struct page_cache_edges edges;

    (void)state;
    begin(PAGES);
    poke(space, page_at(4) + 100, 44);
    evict_all();
    assert_int_equal(page_cache_hold_edges(file, 4 * PAGE_SIZE + 100, 4 * PAGE_SIZE + 100, &edges), 0);
    page_cache_truncate(file, 4 * PAGE_SIZE + 100);
    page_cache_drop_edges(&edges);
    assert_int_equal(swap_slots_used(), 4);
    assert_verify_clean();
    page_cache_truncate(file, PAGES * PAGE_SIZE);
    assert_int_equal(peek(space, page_at(4)), 5);
    assert_int_equal(peek(space, page_at(4) + 100), 0);
    assert_int_equal(peek(space, page_at(5)), 0);
    evict_all();
    swap_device.read_error = -EIO;
    assert_int_equal(page_cache_hold_edges(file, 10, PAGE_SIZE + 10, &edges), -EIO);
    swap_device.read_error = 0;
    assert_int_equal(page_cache_hold_edges(file, 10, 2 * PAGE_SIZE + 10, &edges), 0);
    page_cache_punch(file, 10, 2 * PAGE_SIZE + 10);
    page_cache_drop_edges(&edges);
    assert_int_equal(peek(space, AT), 1);
    assert_int_equal(peek(space, AT + 10), 0);
    assert_int_equal(peek(space, page_at(1)), 0);
    assert_int_equal(peek(space, page_at(2)), 0);
    assert_int_equal(peek(space, page_at(3)), 4);
    assert_verify_clean();
    end();
}

static void pages_of_files_that_cannot_be_written_stay(void **state)
{
    (void)state;
    begin(PAGES);
    swap_device.write_error = -EIO;
    assert_int_equal(clock_evict(1000), 0);
    assert_int_equal(swap_slots_used(), 0);
    assert_int_equal(frames_by_kind(FRAME_FILE), PAGES);
    assert_int_equal(page_caches_swap_out(1000), 0);
    assert_int_equal(swap_device.writes, PAGES); // together, and one by one until it rests
    assert_content(space, PAGES);
    end();
}

static void one_bad_page_of_files_stays_alone(void **state)
{
    (void)state;
    begin(PAGES);
    swap_device.bad_page = 3;
    assert_int_equal(clock_evict(1000), PAGES - 1);
    assert_int_equal(frames_by_kind(FRAME_FILE), 1);
    assert_int_equal(page_caches_swap_out(1000), 1); // to another slot
    assert_content(space, PAGES);
    end();
}

static void a_page_of_a_file_that_cannot_be_read_is_a_bus_error(void **state)
{
    char byte;

    (void)state;
    begin(PAGES);
    evict_all();
    swap_device.read_error = -EIO;
    assert_int_equal(try_read(space, AT), FAULT_BUS_ADRERR);
    assert_int_equal(transfer(PAGE_SIZE, &byte, false), -EIO);
    assert_verify_clean();
    swap_device.read_error = 0;
    assert_content(space, PAGES);
    end();
}

static void without_a_free_slot_pages_of_files_stay(void **state)
{
    (void)state;
    swap_device_add(5, NULL, 0);
    space = make_space();
    map_shared_at(space, AT, PAGES, R | W);
    for (unsigned i = 0; i < PAGES; i++)
        poke(space, page_at(i), (uint8_t)(i + 1));
    evict_all();
    assert_int_equal(swap_slots_used(), 4);
    assert_content(space, PAGES);
    end();
}

static void slots_of_files_are_not_read_along_with_others(void **state)
{
    (void)state;
    begin(PAGES);
    map_at(space, page_at(PAGES), 4 * PAGES, R | W);
    for (unsigned i = PAGES; i < 5 * PAGES; i++)
        poke(space, page_at(i), (uint8_t)(i + 1));
    assert_int_equal(vspace_madvise(space, page_at(2 * PAGES), 3 * PAGES * PAGE_SIZE, MADV_PAGEOUT), 0);
    for (unsigned i = 0; i < PAGES; i++) { // slots by turns
        assert_int_equal(vspace_madvise(space, page_at(i), PAGE_SIZE, MADV_PAGEOUT), 0);
        assert_int_equal(vspace_madvise(space, page_at(PAGES + i), PAGE_SIZE, MADV_PAGEOUT), 0);
    }
    for (unsigned i = 2 * PAGES; i < 5 * PAGES; i++) // so that neighbours are read along
        assert_int_equal(peek(space, page_at(i)), i + 1);
    for (unsigned i = PAGES; i < 2 * PAGES; i++)
        assert_int_equal(peek(space, page_at(i)), i + 1);
    assert_content(space, PAGES);
    assert_int_equal(swap_device.pages_read, 5 * PAGES);
    for (unsigned i = PAGES; i < 5 * PAGES; i++)
        poke(space, page_at(i), 0);
    assert_int_equal(swap_slots_used(), 0);
    end();
}

static void what_goes_away_in_swap_leaves_no_slot(void **state)
{
    (void)state;
    begin(100);
    struct vspace *child = fork_space(space);
    evict_all();
    assert_int_equal(swap_slots_used(), 100);
    assert_int_equal(vspace_munmap(child, AT, 100 * PAGE_SIZE), 0);
    assert_int_equal(swap_slots_used(), 100);
    assert_content(space, 50);
    end_space(child);
    end();
}

static void mincore_tells_swapped_pages_from_others(void **state)
{
    uint8_t vector[PAGES];

    (void)state;
    begin(PAGES);
    assert_int_equal(vspace_madvise(space, AT, 2 * PAGE_SIZE, MADV_PAGEOUT), 0);
    assert_int_equal(vspace_residence(space, AT, PAGES, vector), PAGES);
    for (unsigned i = 0; i < PAGES; i++)
        assert_int_equal(vector[i], i >= 2);
    end();
}

static void an_area_that_is_given_up_is_emptied_of_files_pages(void **state)
{
    (void)state;
    begin(100);
    map_at(space, 0x800000, 2, R | W);
    poke(space, 0x800000, 9);
    evict_all();
    assert_int_equal(swap_slots_used(), 101);
    assert_int_equal(swap_off(&swap_device, at_once), -EINTR);
    swap_device.read_error = -EIO;
    assert_int_equal(swap_off(&swap_device, never), -EIO);
    assert_verify_clean();
    swap_device.read_error = 0;
    assert_int_equal(swap_off(&swap_device, never), 0);
    assert_int_equal(swap_slots_total(), 0);
    assert_content(space, 100);
    assert_int_equal(peek(space, 0x800000), 9);
    end_space(space);
}

static void slot_of_page(uint32_t slot, void *arg)
{
    *(uint32_t *)arg = slot;
}

static void verify_finds_a_wrong_holder_of_a_files_slot(void **state)
{
    uint32_t slot = 0;

    (void)state;
    begin(1);
    evict_all();
    page_caches_for_each_slot(slot_of_page, &slot);
    assert_true(swap_verify_holder(slot, true)); // one more than there is
    assert_broken(I20_SLOT_HOLDERS);
    assert_true(swap_verify_holder(slot, false));
    assert_verify_clean();
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(shared_pages_leave_and_come_back),
        TEST(a_page_leaves_when_the_last_mapping_lets_it_go),
        TEST(private_copies_and_shared_pages_go_side_by_side),
        TEST(pages_that_nobody_maps_leave_when_nobody_asks_for_them),
        TEST(who_holds_a_page_keeps_it_in_memory),
        TEST(pages_that_are_to_stay_do),
        TEST(who_asks_for_a_page_that_is_about_to_leave_keeps_it_in_memory),
        TEST(what_is_cut_off_gives_its_slots_back_and_what_is_cut_in_two_is_zeroed),
        TEST(pages_of_files_that_cannot_be_written_stay),
        TEST(one_bad_page_of_files_stays_alone),
        TEST(a_page_of_a_file_that_cannot_be_read_is_a_bus_error),
        TEST(without_a_free_slot_pages_of_files_stay),
        TEST(slots_of_files_are_not_read_along_with_others),
        TEST(what_goes_away_in_swap_leaves_no_slot),
        TEST(mincore_tells_swapped_pages_from_others),
        TEST(an_area_that_is_given_up_is_emptied_of_files_pages),
        TEST(verify_finds_a_wrong_holder_of_a_files_slot),
    };

    return RUN_TESTS(tests);
}
