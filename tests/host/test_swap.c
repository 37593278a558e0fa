// SPDX-License-Identifier: MIT
/* test_swap.c - pages leave for slots and come back: alone, shared, written, while they are on their way, and when the device fails. */
#include "support.h"
#include "swap_device.h"

#include <string.h>

#include "lib/errno.h"
#include "mm/clock.h"
#include "mm/kalloc.h"
#include "mm/map.h"
#include "mm/node.h"
#include "mm/reclaim.h"
#include "mm/swap.h"

#define AT 0x400000ul
#define PAGES 8

static struct vspace *space;

static vaddr_t page_at(unsigned i)
{
    return AT + i * PAGE_SIZE;
}

/* A space with pages 1, 2, 3, ... in memory, and an empty device. */
static void begin(unsigned pages)
{
    swap_device_add(200, NULL, 0);
    space = make_space();
    map_at(space, AT, pages, R | W);
    for (unsigned i = 0; i < pages; i++)
        poke(space, page_at(i), (uint8_t)(i + 1));
}

static void end(void)
{
    end_space(space);
    assert_int_equal(swap_slots_used(), 0);
    assert_int_equal(swap_cached(), 0);
    swap_device_remove();
}

/* Everything that can leave does. */
static void evict_all(void)
{
    while (clock_evict(1000) > 0)
        ;
    assert_verify_clean();
}

static void pages_leave_and_come_back(void **state)
{
    (void)state;
    begin(PAGES);
    uint64_t before = frames_by_kind(FRAME_ANON);
    evict_all();
    assert_int_equal(before - frames_by_kind(FRAME_ANON), PAGES);
    assert_int_equal(swap_slots_used(), PAGES);
    assert_int_equal(swap_device.writes, 1);
    assert_int_equal(swap_device.pages_written, PAGES);
    assert_true(pte_is_none(entry_of(space, AT)));
    for (unsigned i = 0; i < PAGES; i++)
        assert_int_equal(peek(space, page_at(i)), i + 1);
    assert_verify_clean();
    end();
}

static void a_page_that_was_only_read_leaves_again_without_being_written(void **state)
{
    (void)state;
    begin(PAGES);
    evict_all();
    assert_int_equal(peek(space, AT), 1);
    evict_all();
    assert_int_equal(swap_device.pages_written, PAGES);
    assert_int_equal(peek(space, AT), 1);
    end();
}

static void a_page_that_is_written_to_gives_its_slot_back(void **state)
{
    (void)state;
    begin(PAGES);
    evict_all();
    poke(space, AT, 99);
    assert_int_equal(swap_slots_used(), PAGES - 1);
    assert_int_equal(frame_kind(frame_of(space, AT)), FRAME_ANON);
    assert_int_equal(peek(space, page_at(1)), 2); // read first
    assert_int_equal(swap_slots_used(), PAGES - 1);
    poke(space, page_at(1), 98);
    assert_int_equal(swap_slots_used(), PAGES - 2);
    evict_all();
    assert_int_equal(peek(space, AT), 99);
    assert_int_equal(peek(space, page_at(1)), 98);
    end();
}

static void a_page_that_two_share_is_written_once(void **state)
{
    (void)state;
    begin(PAGES);
    struct vspace *child = fork_space(space);
    evict_all(); // one leaf for both
    assert_int_equal(swap_slots_used(), PAGES);
    poke(child, page_at(7), 77); // the leaf is copied, with its slots
    assert_verify_clean();
    assert_int_equal(peek(space, page_at(7)), 8);
    assert_int_equal(peek(child, AT), 1);
    assert_ptr_equal(frame_of(child, AT), NULL == frame_of(space, AT) ? frame_of(child, AT) : frame_of(space, AT));
    assert_int_equal(peek(space, AT), 1);
    assert_ptr_equal(frame_of(space, AT), frame_of(child, AT));
    evict_all();
    assert_int_equal(swap_device.pages_written, PAGES + 1);
    poke(space, AT, 50);
    assert_int_equal(peek(child, AT), 1);
    assert_int_equal(peek(space, AT), 50);
    end_space(child);
    end();
}

static void a_frame_of_two_leaves_goes_with_the_last_one(void **state)
{
    (void)state;
    begin(PAGES);
    struct vspace *child = fork_space(space);
    poke(child, page_at(7), 77); // two leaves now
    struct core_map_entry *page = frame_of(space, AT);
    assert_int_equal(frame_refs(page), 2);
    evict_all();
    assert_int_equal(swap_slots_used(), PAGES + 1);
    assert_int_equal(swap_cached(), 0);
    assert_int_equal(peek(child, page_at(7)), 77);
    assert_int_equal(peek(space, page_at(7)), 8);
    for (unsigned i = 0; i < PAGES - 1; i++) {
        assert_int_equal(peek(child, page_at(i)), i + 1);
        assert_int_equal(peek(space, page_at(i)), i + 1);
    }
    end_space(child);
    end();
}

static void neighbours_are_read_along_once_that_is_of_use(void **state)
{
    (void)state;
    begin(64);
    evict_all();
    for (unsigned i = 0; i < 64; i++)
        assert_int_equal(peek(space, page_at(i)), i + 1);
    assert_int_equal(swap_device.pages_read, 64);
    assert_in_range(swap_device.reads, 8, 40);
    end();
}

static void what_exits_gives_slots_and_cached_frames_back(void **state)
{
    (void)state;
    begin(64);
    struct vspace *child = fork_space(space);
    poke(child, page_at(1), 3);
    evict_all();
    for (unsigned i = 0; i < 40; i++)
        assert_int_equal(peek(space, page_at(i)), i + 1);
    end_space(child);
    assert_verify_clean();
    end();
}

static void unmapping_and_moving_know_slots(void **state)
{
    (void)state;
    begin(PAGES);
    evict_all();
    assert_int_equal(vspace_munmap(space, page_at(2), 2 * PAGE_SIZE), 0);
    assert_int_equal(swap_slots_used(), PAGES - 2);
    assert_verify_clean();
    assert_int_equal(peek(space, page_at(4)), 5);
    assert_int_equal(try_read(space, page_at(2)), FAULT_SEGV_MAPERR);
    end();
}

/* What happens while page 0 is being written: it is read, and then written to. */
static void touch_meanwhile(void)
{
    swap_device.during_write = NULL;
    assert_int_equal(peek(space, AT), 1);
    poke(space, AT, 60);
}

static void a_page_on_its_way_out_is_found_and_a_write_does_not_reach_the_device(void **state)
{
    (void)state;
    begin(PAGES);
    swap_device.during_write = touch_meanwhile;
    evict_all();
    assert_int_equal(peek(space, AT), 60);
    assert_verify_clean();
    end();
}

static void pages_that_cannot_be_written_stay(void **state)
{
    (void)state;
    begin(PAGES);
    swap_device.write_error = -EIO;
    (void)clock_evict(PAGES);
    assert_int_equal(swap_cached(), PAGES);
    assert_verify_clean();
    for (unsigned i = 0; i < PAGES; i++)
        assert_int_equal(peek(space, page_at(i)), i + 1);
    swap_device.write_error = 0;
    evict_all();
    assert_int_equal(swap_cached(), 0);
    for (unsigned i = 0; i < PAGES; i++)
        assert_int_equal(peek(space, page_at(i)), i + 1);
    end();
}

static void a_page_that_cannot_be_read_is_a_bus_error(void **state)
{
    (void)state;
    begin(PAGES);
    evict_all();
    swap_device.read_error = -EIO;
    assert_int_equal(try_read(space, AT), FAULT_BUS_ADRERR);
    assert_int_equal(try_write(space, page_at(1)), FAULT_BUS_ADRERR);
    assert_verify_clean();
    swap_device.read_error = 0;
    assert_int_equal(peek(space, AT), 1);
    end();
}

static void without_a_free_slot_pages_stay(void **state)
{
    const uint32_t bad[] = {2, 5, 5, 99999};

    (void)state;
    swap_device_add(8, bad, 4); // slots 1, 3, 4, 6, 7
    space = make_space();
    map_at(space, AT, PAGES, R | W);
    for (unsigned i = 0; i < PAGES; i++)
        poke(space, page_at(i), (uint8_t)(i + 1));
    assert_true(swap_has_room());
    evict_all();
    assert_int_equal(swap_slots_total(), 5);
    assert_int_equal(swap_slots_used(), 5);
    assert_false(swap_has_room());
    for (unsigned i = 0; i < PAGES; i++)
        assert_int_equal(peek(space, page_at(i)), i + 1);
    end();
}

static void locked_pages_stay_for_parent_and_child(void **state)
{
    (void)state;
    begin(PAGES);
    assert_int_equal(vspace_mlock(space, AT, 2 * PAGE_SIZE, VR_LOCKED, UINT64_MAX), 0);
    evict_all();
    assert_int_equal(swap_slots_used(), PAGES - 2);
    struct vspace *child = fork_space(space);
    evict_all();
    assert_non_null(frame_of(space, AT));
    assert_int_equal(swap_slots_used(), PAGES - 2);
    end_space(child);
    end();
}

static void pages_used_lately_stay_for_one_round(void **state)
{
    (void)state;
    begin(PAGES);
    for (unsigned i = 0; i < PAGES; i++)
        (void)pte_test_and_clear_accessed(&node_entries(node_find_leaf(space, AT))[pte_index(page_at(i), LEAF_LEVEL)]);
    machine_load(NULL); // or this CPU would not look at the entry
    assert_int_equal(peek(space, page_at(3)), 4);
    assert_int_equal(clock_evict(1), PAGES - 1); // a batch: all but the one that was used
    assert_non_null(frame_of(space, page_at(3)));
    assert_int_equal(clock_evict(1), 1); // nobody has used it since
    assert_int_equal(swap_slots_used(), PAGES);
    end();
}

static void an_area_is_named_once_and_leaves_when_empty(void **state)
{
    static const struct swap_ops none;
    int unknown;

    (void)state;
    begin(PAGES);
    assert_int_equal(swap_add(&none, &swap_device, 10, 0, NULL, 0), -EBUSY);
    evict_all();
    int area = swap_close(&swap_device, true);
    assert_int_equal(area, 0);
    assert_int_equal(swap_remove(area), -EBUSY);
    assert_false(swap_has_room());
    assert_int_equal(swap_close(&unknown, true), -EINVAL);
    end();
}

static bool never(void)
{
    return false;
}

static bool at_once(void)
{
    return true;
}

static void an_area_that_is_given_up_is_emptied_first(void **state)
{
    (void)state;
    begin(64);
    struct vspace *child = fork_space(space);
    poke(child, page_at(1), 70);
    evict_all();
    assert_int_equal(peek(space, page_at(5)), 6); // which the child has in its slot still
    assert_int_equal(peek(space, page_at(1)), 2); // whose slot only the swap cache holds
    assert_int_equal(swap_off(&swap_device, at_once), -EINTR);
    assert_true(swap_has_room());
    swap_device.read_error = -EIO;
    assert_int_equal(swap_off(&swap_device, never), -EIO);
    assert_verify_clean();
    swap_device.read_error = 0;
    assert_int_equal(swap_off(&swap_device, never), 0);
    assert_verify_clean();
    assert_int_equal(swap_slots_total(), 0);
    assert_int_equal(swap_cached(), 0);
    assert_int_equal(swap_off(&swap_device, never), -EINVAL);
    for (unsigned i = 0; i < 64; i++) {
        assert_int_equal(peek(space, page_at(i)), i + 1);
        assert_int_equal(peek(child, page_at(i)), i == 1 ? 70 : i + 1);
    }
    end_space(child);
    end_space(space);
}

static void verify_finds_a_wrong_holder(void **state)
{
    (void)state;
    begin(PAGES);
    evict_all();
    struct core_map_entry *leaf = node_find_leaf(space, AT);
    struct vpage_info info = *leaf_info(leaf, AT);
    swap_slot_get((uint32_t)info.ppn);
    assert_broken(I20_SLOT_HOLDERS);
    swap_slot_put((uint32_t)info.ppn);
    assert_verify_clean();
    leaf_info(leaf, AT)->ppn = 199;
    assert_broken(I20_SLOT_HOLDERS);
    *leaf_info(leaf, AT) = info;
    leaf->has_slots = false;
    assert_broken(I20_SLOT_HOLDERS);
    leaf->has_slots = true;
    assert_verify_clean();
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(pages_leave_and_come_back),
        TEST(a_page_that_was_only_read_leaves_again_without_being_written),
        TEST(a_page_that_is_written_to_gives_its_slot_back),
        TEST(a_page_that_two_share_is_written_once),
        TEST(a_frame_of_two_leaves_goes_with_the_last_one),
        TEST(neighbours_are_read_along_once_that_is_of_use),
        TEST(what_exits_gives_slots_and_cached_frames_back),
        TEST(unmapping_and_moving_know_slots),
        TEST(a_page_on_its_way_out_is_found_and_a_write_does_not_reach_the_device),
        TEST(pages_that_cannot_be_written_stay),
        TEST(a_page_that_cannot_be_read_is_a_bus_error),
        TEST(without_a_free_slot_pages_stay),
        TEST(locked_pages_stay_for_parent_and_child),
        TEST(pages_used_lately_stay_for_one_round),
        TEST(an_area_is_named_once_and_leaves_when_empty),
        TEST(an_area_that_is_given_up_is_emptied_first),
        TEST(verify_finds_a_wrong_holder),
    };

    return RUN_TESTS(tests);
}
