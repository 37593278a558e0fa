// SPDX-License-Identifier: MIT
/* test_swap.c - pages leave for slots and come back: alone, shared, written, while they are on their way, and when the device fails. */
#include "support.h"
#include "swap_device.h"

#include <linux/mman.h>
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

static bool never(void)
{
    return false;
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

/* Of 1,600 pages, each of which three leaves map: more than all attempts of one who lacks memory let go would, 64 mappings at a time. */
static void reclaim_goes_on_until_frames_come_free(void **state)
{
    const unsigned pages = 1600;
    struct vspace *children[2];

    (void)state;
    assert_int_equal(reclaim_start(), 0);
    swap_device_add(DEVICE_PAGES, NULL, 0);
    space = make_space();
    map_at(space, AT, pages, R | W);
    for (unsigned i = 0; i < pages; i++)
        poke(space, page_at(i), (uint8_t)i);
    for (unsigned child = 0; child < 2; child++) {
        children[child] = fork_space(space);
        for (unsigned i = 0; i < pages; i += 512)
            poke(children[child], page_at(i), (uint8_t)i); // each leaf becomes its own
    }
    assert_int_equal(frame_refs(frame_of(space, page_at(pages - 1))), 3);
    hoard_take(20);
    assert_true(reclaim());
    assert_true(frames_by_kind(FRAME_FREE) > 20);
    assert_verify_clean();
    hoard_give_back();
    for (unsigned i = 0; i < pages; i += 100)
        assert_int_equal(peek(children[1], page_at(i)), (uint8_t)i);
    end_space(children[0]);
    end_space(children[1]);
    kalloc_set_marks(0, 0, NULL);
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

static void assert_content(unsigned pages)
{
    for (unsigned i = 0; i < pages; i++)
        assert_int_equal(peek(space, page_at(i)), i + 1);
    assert_verify_clean();
}

static void pages_that_cannot_be_written_stay(void **state)
{
    (void)state;
    begin(PAGES);
    swap_device.write_error = -EIO;
    assert_int_equal(clock_evict(PAGES), 0);
    assert_int_equal(swap_cached(), PAGES);
    assert_content(PAGES);
    end();
}

static void one_bad_page_of_a_cluster_stays_alone(void **state)
{
    (void)state;
    begin(PAGES);
    swap_device.bad_page = 3;
    assert_int_equal(clock_evict(PAGES), PAGES - 1);
    assert_int_equal(swap_device.writes, 1 + PAGES);
    assert_int_equal(swap_cached(), 1);
    assert_true(swap_has_room());
    assert_int_equal(peek(space, page_at(2)), 3); // the one: it has left its slot
    assert_int_equal(swap_cached(), 0);
    assert_int_equal(clock_evict(1000), 1); // and leaves for another
    assert_content(PAGES);
    end();
}

static void a_page_that_nobody_maps_is_written_later(void **state)
{
    (void)state;
    begin(PAGES);
    swap_device.bad_page = 3;
    evict_all();
    unsigned writes = swap_device.writes, calls = 0, tries = 0;
    for (; calls < 100; calls++) {
        unsigned before = swap_device.writes;
        assert_int_equal(swap_shrink_cache(10), 0);
        tries += swap_device.writes - before;
    }
    assert_in_range(tries, 5, 8); // after 1, 2, 4, 8, 16, ... calls
    swap_device.bad_page = 0;
    for (calls = 0; calls < 100 && swap_cached(); calls++)
        (void)swap_shrink_cache(10);
    assert_int_equal(swap_cached(), 0);
    assert_int_equal(swap_device.writes, writes + tries + 1);
    assert_content(PAGES);
    end();
}

/* A leaf of two: the page cannot leave its slot while the other one holds that. */
static void a_page_that_others_hold_is_written_when_it_leaves_again(void **state)
{
    (void)state;
    begin(PAGES);
    struct vspace *child = fork_space(space);
    poke(child, page_at(7), 77); // two leaves now
    swap_device.bad_page = 1;
    evict_all();
    assert_int_equal(swap_cached(), 1);
    assert_int_equal(peek(space, AT), 1);
    assert_int_equal(swap_cached(), 1);
    swap_device.bad_page = 0;
    evict_all();
    assert_int_equal(swap_cached(), 0);
    assert_int_equal(peek(child, AT), 1);
    assert_content(PAGES);
    end_space(child);
    end();
}

static void a_device_that_is_dead_rests(void **state)
{
    (void)state;
    begin(64);
    assert_int_equal(vspace_madvise(space, AT, 4 * PAGE_SIZE, MADV_PAGEOUT), 0);
    swap_device.write_error = -EIO;
    unsigned writes = swap_device.writes;
    evict_all();
    assert_false(swap_has_room());
    assert_int_equal(swap_device.writes, writes + 8);
    assert_int_equal(swap_shrink_cache(1000), 0);
    for (unsigned i = 4; i < 64; i++)
        assert_int_equal(peek(space, page_at(i)), i + 1);
    assert_int_equal(clock_evict(1000), 0);
    assert_int_equal(swap_device.writes, writes + 8);
    assert_int_equal(peek(space, AT), 1); // what it has can be read
    machine_clock += UINT64_C(1000000000);
    assert_true(swap_has_room());
    assert_int_equal(clock_evict(1000), 1); // the one that came back: its slot has it
    assert_int_equal(swap_device.writes, writes + 9);
    assert_false(swap_has_room());
    machine_clock += UINT64_C(1000000000);
    assert_false(swap_has_room()); // for longer this time
    machine_clock += UINT64_C(1000000000);
    swap_device.write_error = 0;
    assert_int_equal(clock_evict(1000), 44);
    assert_true(swap_has_room());
    for (unsigned i = 0; i < 10; i++)
        (void)swap_shrink_cache(1000);
    assert_int_equal(swap_cached(), 0); // the cluster of the first try
    assert_content(64);
    end();
}

static void a_device_that_is_dead_can_be_given_up(void **state)
{
    (void)state;
    begin(64);
    assert_int_equal(vspace_madvise(space, AT, 4 * PAGE_SIZE, MADV_PAGEOUT), 0);
    swap_device.write_error = -EIO;
    evict_all();
    assert_int_equal(swap_off(&swap_device, never), 0);
    assert_int_equal(swap_cached(), 0);
    assert_content(64);
    swap_device_add(200, NULL, 0); // it is in order again
    evict_all();
    assert_int_equal(swap_slots_used(), 64);
    end();
}

static void pages_of_a_dead_device_leave_for_another_one(void **state)
{
    (void)state;
    begin(64);
    swap_device.write_error = -EIO;
    evict_all();
    swap_device_add_second(200);
    assert_content(64);
    evict_all();
    assert_int_equal(second_device.pages_written, 64);
    assert_content(64);
    end();
    swap_device_remove_second();
}

static void only_the_page_that_cannot_be_read_is_lost(void **state)
{
    (void)state;
    begin(64);
    evict_all();
    swap_device.bad_page = 30;
    for (unsigned i = 0; i < 64; i++)
        if (i + 1 != 30)
            assert_int_equal(peek(space, page_at(i)), i + 1);
    assert_int_equal(try_read(space, page_at(29)), FAULT_BUS_ADRERR);
    assert_true(swap_device.reads < 60); // its neighbours were read together
    swap_device.bad_page = 0;
    assert_content(64);
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

static void memory_mapped_as_locked_stays_for_parent_and_child(void **state)
{
    const struct map_request request = {
        .addr = AT, .size = PAGE_SIZE, .prot = R | W, .max_prot = R | W | X, .flags = MAP_FIXED | MAP_PRIVATE | MAP_LOCKED,
        .lock_limit = UINT64_MAX,
    };

    (void)state;
    begin(PAGES);
    assert_int_equal(vspace_mmap(space, &request), AT);
    poke(space, AT, 1);
    struct vspace *child = fork_space(space);
    assert_int_equal(vspace_madvise(child, AT, PAGE_SIZE, MADV_PAGEOUT), 0);
    evict_all();
    assert_non_null(frame_of(space, AT));
    end_space(child);
    end();
}

static void a_child_cannot_ask_for_its_parents_locked_pages_to_leave(void **state)
{
    (void)state;
    begin(PAGES);
    assert_int_equal(vspace_mlock(space, AT, PAGE_SIZE, VR_LOCKED, UINT64_MAX), 0);
    struct vspace *child = fork_space(space);
    assert_int_equal(vspace_madvise(child, AT, PAGES * PAGE_SIZE, MADV_PAGEOUT), 0);
    assert_non_null(frame_of(space, AT));
    poke(child, AT, 9); // now it has a leaf of its own
    assert_int_equal(vspace_madvise(child, AT, PAGES * PAGE_SIZE, MADV_PAGEOUT), 0);
    assert_null(frame_of(child, AT));
    assert_non_null(frame_of(space, AT));
    end_space(child);
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
    int unknown, priority = 0;

    (void)state;
    begin(PAGES);
    assert_int_equal(swap_add(&none, &swap_device, 10, &priority, NULL, 0), -EBUSY);
    evict_all();
    int area = swap_close(&swap_device);
    assert_int_equal(area, 0);
    assert_int_equal(swap_remove(area), -EBUSY);
    assert_false(swap_has_room());
    assert_int_equal(swap_close(&swap_device), -EINVAL); // it is somebody's already
    swap_open(area);
    assert_true(swap_has_room());
    assert_int_equal(swap_close(&unknown), -EINVAL);
    end();
}

static void areas_of_one_priority_take_turns(void **state)
{
    (void)state;
    begin(64);
    swap_device_add_second(200);
    evict_all();
    assert_int_equal(swap_device.pages_written, 32);
    assert_int_equal(second_device.pages_written, 32);
    assert_content(64);
    end();
    swap_device_remove_second();
}

static void the_highest_priority_goes_first(void **state)
{
    (void)state;
    begin(64);
    second_device.priority = 1;
    swap_device_add_second(50);
    evict_all();
    assert_int_equal(swap_device.pages_written, 64 - 49);
    assert_int_equal(second_device.pages_written, 49);
    end();
    swap_device_remove_second();
    second_device.priority = 0;
}

static int priority_of(unsigned number)
{
    struct swap_area_info info;

    assert_true(swap_area_info(number, &info));
    return info.priority;
}

static void areas_without_a_priority_come_one_after_the_other(void **state)
{
    (void)state;
    swap_device.priority = second_device.priority = -1;
    swap_device_add(10, NULL, 0);
    swap_device_add_second(10);
    assert_int_equal(priority_of(0), -2);
    assert_int_equal(priority_of(1), -3);
    swap_device_remove();
    assert_int_equal(priority_of(1), -2);
    swap_device_add(10, NULL, 0);
    assert_int_equal(priority_of(0), -3);
    swap_device_remove();
    swap_device_remove_second();
    swap_device.priority = second_device.priority = 0;
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

static bool while_a_second_one_asks(void)
{
    assert_int_equal(swap_off(&swap_device, never), -EINVAL);
    assert_false(swap_has_room());
    return false;
}

static void of_two_who_give_up_one_area_the_second_is_told_that_it_is_not_in_use(void **state)
{
    (void)state;
    begin(PAGES);
    evict_all();
    assert_int_equal(swap_off(&swap_device, while_a_second_one_asks), 0);
    for (unsigned i = 0; i < PAGES; i++)
        assert_int_equal(peek(space, page_at(i)), i + 1);
    end_space(space);
}

/* What another CPU may do while verify counts: it holds no lock of a space for it. */
static void give_back_cached_frames(void *arg, const char *text)
{
    (void)arg, (void)text;
    (void)swap_shrink_cache(UINT32_MAX);
    swap_part_all(0);
}

static void slots_stay_while_verify_counts_their_holders(void **state)
{
    struct verify_report report = {.line = give_back_cached_frames};
    struct test_file file;

    (void)state;
    begin(PAGES);
    make_file(&file, PAGE_SIZE, 3);
    map_file_at(space, page_at(PAGES), 1, R, &file, false);
    evict_all();
    assert_int_equal(peek(space, page_at(0)), 1);
    assert_int_equal(peek(space, page_at(1)), 2); // along with others, which nobody has asked for
    assert_true(swap_cached() > 2);
    atomic_fetch_sub(&file.cache.mapped, 1); // found after the infos that hold slots
    verify_all(&report);
    atomic_fetch_add(&file.cache.mapped, 1);
    assert_int_equal(report.violations, 1);
    assert_int_equal(swap_slots_used(), PAGES);
    assert_verify_clean();
    for (unsigned i = 0; i < PAGES; i++)
        assert_int_equal(peek(space, page_at(i)), i + 1);
    end();
    end_file(&file);
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
        TEST(reclaim_goes_on_until_frames_come_free),
        TEST(neighbours_are_read_along_once_that_is_of_use),
        TEST(what_exits_gives_slots_and_cached_frames_back),
        TEST(unmapping_and_moving_know_slots),
        TEST(a_page_on_its_way_out_is_found_and_a_write_does_not_reach_the_device),
        TEST(pages_that_cannot_be_written_stay),
        TEST(one_bad_page_of_a_cluster_stays_alone),
        TEST(a_page_that_nobody_maps_is_written_later),
        TEST(a_page_that_others_hold_is_written_when_it_leaves_again),
        TEST(a_device_that_is_dead_rests),
        TEST(a_device_that_is_dead_can_be_given_up),
        TEST(pages_of_a_dead_device_leave_for_another_one),
        TEST(only_the_page_that_cannot_be_read_is_lost),
        TEST(a_page_that_cannot_be_read_is_a_bus_error),
        TEST(without_a_free_slot_pages_stay),
        TEST(locked_pages_stay_for_parent_and_child),
        TEST(memory_mapped_as_locked_stays_for_parent_and_child),
        TEST(a_child_cannot_ask_for_its_parents_locked_pages_to_leave),
        TEST(pages_used_lately_stay_for_one_round),
        TEST(an_area_is_named_once_and_leaves_when_empty),
        TEST(areas_of_one_priority_take_turns),
        TEST(the_highest_priority_goes_first),
        TEST(areas_without_a_priority_come_one_after_the_other),
        TEST(an_area_that_is_given_up_is_emptied_first),
        TEST(of_two_who_give_up_one_area_the_second_is_told_that_it_is_not_in_use),
        TEST(slots_stay_while_verify_counts_their_holders),
        TEST(verify_finds_a_wrong_holder),
    };

    return RUN_TESTS(tests);
}
