// SPDX-License-Identifier: MIT
/* test_map.c - mmap, munmap, mprotect, brk: errors, cuts and joins, holes; and that what fails changes nothing. */
#include "support.h"

#include <linux/mman.h>

#include "lib/errno.h"
#include "mm/kalloc.h"
#include "mm/map.h"
#include "mm/node.h"

#define VA UINT64_C(0x400000)
#define PAGES(n) ((n) * PAGE_SIZE)

static struct vspace *space;

static int64_t map_anywhere(vaddr_t hint, uint64_t size, unsigned flags)
{
    struct map_request request = {
        .addr = hint,
        .size = size,
        .prot = R | W,
        .max_prot = R | W | X,
        .flags = flags | MAP_ANONYMOUS | (flags & MAP_TYPE ? 0 : MAP_PRIVATE),
    };

    return vspace_mmap(space, &request);
}

static int protect(vaddr_t va, unsigned pages, unsigned prot)
{
    return vspace_mprotect(space, va, PAGES(pages), prot);
}

/* Each test has its own space. */
#define MAP_TEST(name)             \
    static void name##_body(void); \
    static void name(void **state) \
    {                              \
        (void)state;               \
        space = make_space();      \
        name##_body();             \
        end_space(space);          \
    }                              \
    static void name##_body(void)

/* ---- mmap ---- */

MAP_TEST(bad_requests_are_refused_by_their_number)
{
    struct test_file file;
    make_file(&file, PAGE_SIZE, 0);
    struct map_request request = {.size = PAGE_SIZE, .max_prot = 7, .flags = MAP_PRIVATE, .file = &file.cache};

    assert_int_equal(map_anywhere(0, 0, 0), -EINVAL);
    assert_int_equal(map_anywhere(0, UINT64_MAX, 0), -ENOMEM);
    assert_int_equal(map_anywhere(0, USER_END, 0), -ENOMEM);
    assert_int_equal(map_anywhere(VA + 1, PAGE_SIZE, MAP_FIXED), -EINVAL);
    assert_int_equal(map_anywhere(0, PAGE_SIZE, MAP_FIXED), -EPERM);
    assert_int_equal(map_anywhere(USER_END, PAGE_SIZE, MAP_FIXED), -ENOMEM);
    assert_int_equal(map_anywhere(USER_END - PAGE_SIZE, PAGES(2), MAP_FIXED), -ENOMEM);
    assert_int_equal(map_anywhere(0xffff800000000000, PAGE_SIZE, MAP_FIXED), -ENOMEM);
    request.offset = 100;
    assert_int_equal(vspace_mmap(space, &request), -EINVAL);
    request.offset = UINT64_MAX - PAGE_MASK;
    assert_int_equal(vspace_mmap(space, &request), -EOVERFLOW);
    assert_regions(space, "");
    end_file(&file);
}

MAP_TEST(sizes_are_rounded_up_to_pages)
{
    assert_int_equal(map_anywhere(VA, 1, MAP_FIXED), VA);
    assert_int_equal(map_anywhere(VA + PAGES(2), PAGE_SIZE + 1, MAP_FIXED), VA + PAGES(2));
    assert_regions(space, "400000+1 rw-, 402000+2 rw-");
}

MAP_TEST(the_highest_and_lowest_pages_can_be_mapped)
{
    assert_int_equal(map_anywhere(USER_END - PAGE_SIZE, PAGE_SIZE, MAP_FIXED), USER_END - PAGE_SIZE);
    assert_int_equal(map_anywhere(PAGE_SIZE, PAGE_SIZE, MAP_FIXED), PAGE_SIZE);
    poke(space, USER_END - 1, 1);
    poke(space, PAGE_SIZE, 2);
    assert_int_equal(peek(space, USER_END - 1), 1);
}

MAP_TEST(room_is_found_from_the_top_down)
{
    space->mmap_top = VA;
    assert_int_equal(map_anywhere(0, PAGES(2), 0), VA - PAGES(2));
    assert_int_equal(map_anywhere(0, PAGES(3), 0), VA - PAGES(5));
    assert_int_equal(vspace_munmap(space, VA - PAGES(2), PAGES(2)), 0);
    assert_int_equal(map_anywhere(0, PAGES(3), 0), VA - PAGES(8)); // the hole is too small
    assert_int_equal(map_anywhere(0, PAGES(1), 0), VA - PAGES(1));
    assert_int_equal(map_anywhere(0, PAGES(1), 0), VA - PAGES(2));
    assert_int_equal(map_anywhere(0, VA - PAGES(9), 0), PAGE_SIZE); // all that is left
    assert_int_equal(map_anywhere(0, PAGES(1), 0), -ENOMEM);
}

MAP_TEST(a_region_across_mmap_top_is_no_room)
{
    space->mmap_top = VA;
    map_at(space, VA - PAGES(1), 2, R);
    assert_int_equal(map_anywhere(0, PAGES(1), 0), VA - PAGES(2));
}

MAP_TEST(a_free_hint_is_taken_rounded_down_and_one_in_use_is_not)
{
    space->mmap_top = VA;
    assert_int_equal(map_anywhere(VA + PAGES(10) + 5, PAGES(2), 0), VA + PAGES(10));
    assert_int_equal(map_anywhere(VA + PAGES(11), PAGES(2), 0), VA - PAGES(2));
    assert_int_equal(map_anywhere(100, PAGES(1), 0), VA - PAGES(3));
    assert_int_equal(map_anywhere(USER_END - PAGE_SIZE, PAGES(2), 0), VA - PAGES(5));
}

MAP_TEST(mappings_keep_away_from_the_gap_below_a_stack)
{
    vaddr_t top = VA + PAGES(1000), edge = top - PAGE_SIZE - STACK_GUARD_GAP;
    assert_int_equal(vspace_map_stack(space, top, PAGE_SIZE, false), 0);
    space->mmap_top = top;
    assert_int_equal(map_anywhere(0, PAGES(1), 0), edge - PAGES(1));
    assert_int_equal(map_anywhere(edge, PAGES(1), 0), edge - PAGES(2)); // a hint does not reach into it either
    assert_int_equal(map_anywhere(edge, PAGES(1), MAP_FIXED_NOREPLACE), edge); // but by force it may, as on Linux
}

MAP_TEST(room_ends_at_a_stacks_gap_even_if_the_stack_begins_at_mmap_top)
{
    assert_int_equal(vspace_map_stack(space, VA + PAGES(1001), PAGE_SIZE, false), 0);
    space->mmap_top = VA + PAGES(1000);
    assert_int_equal(map_anywhere(0, PAGES(1), 0), VA + PAGES(1000) - STACK_GUARD_GAP - PAGES(1));
}

MAP_TEST(noreplace_refuses_what_fixed_replaces)
{
    map_at(space, VA, 4, R | W);
    poke(space, VA + PAGES(1), 9);
    assert_int_equal(map_anywhere(VA + PAGES(3), PAGES(2), MAP_FIXED_NOREPLACE), -EEXIST);
    assert_int_equal(map_anywhere(VA + PAGES(4), PAGES(1), MAP_FIXED_NOREPLACE), VA + PAGES(4));
    assert_int_equal(peek(space, VA + PAGES(1)), 9);
    map_at(space, VA + PAGES(1), 1, R);
    assert_int_equal(peek(space, VA + PAGES(1)), 0);
    assert_regions(space, "400000+1 rw-, 401000+1 r--, 402000+3 rw-");
}

MAP_TEST(a_new_stack_has_its_size_and_room_below)
{
    vaddr_t top = 0x7ffffffde000;
    atomic_store(&space->stack_limit, UINT64_C(8) << 20);
    assert_int_equal(vspace_map_stack(space, top, 100, true), 0);
    assert_regions(space, "7ffffffdd000+1 rwx");
    assert_int_equal(space->mmap_top, 0x7fffc0000000); // 128 MiB below, and in another GiB
}

/* ---- Joining ---- */

MAP_TEST(equal_neighbours_are_joined)
{
    map_at(space, VA, 1, R | W);
    map_at(space, VA + PAGES(2), 1, R | W);
    assert_int_equal(count_regions(space), 2);
    map_at(space, VA + PAGES(1), 1, R | W);
    assert_regions(space, "400000+3 rw-");
    map_at(space, VA + PAGES(3), 1, R);
    map_shared_at(space, VA + PAGES(4), 1, R);
    map_shared_at(space, VA + PAGES(5), 1, R); // another nameless file
    assert_int_equal(count_regions(space), 4);
}

MAP_TEST(parts_of_a_file_are_joined_only_in_order)
{
    struct test_file file;
    struct map_request request = {.size = PAGE_SIZE, .max_prot = 7, .flags = MAP_PRIVATE | MAP_FIXED, .file = &file.cache};
    static const uint64_t offsets[] = {1, 2, 2, 4};

    make_file(&file, PAGES(9), 30);
    for (unsigned i = 0; i < ARRAY_SIZE(offsets); i++) {
        request.addr = VA + PAGES(i);
        request.offset = PAGES(offsets[i]);
        request.prot = R;
        assert_int_equal(vspace_mmap(space, &request), request.addr);
    }
    assert_regions(space, "400000+2 r--, 402000+1 r--, 403000+1 r--");
    assert_int_equal(file.holds, 3);
    for (unsigned i = 0; i < ARRAY_SIZE(offsets); i++)
        assert_int_equal(peek(space, VA + PAGES(i)), 30 + offsets[i]);
    assert_int_equal(vspace_munmap(space, VA, PAGES(4)), 0);
    end_file(&file);
}

MAP_TEST(a_file_cut_in_two_keeps_its_offsets_and_holds)
{
    struct test_file file;

    make_file(&file, PAGES(9), 30);
    map_file_at(space, VA, 9, R, &file, false);
    assert_int_equal(vspace_munmap(space, VA + PAGES(3), PAGES(2)), 0);
    assert_int_equal(file.holds, 2);
    for (unsigned i = 0; i < 9; i++)
        if (i < 3 || i >= 5)
            assert_int_equal(peek(space, VA + PAGES(i)), 30 + i);
    assert_int_equal(protect(VA + PAGES(6), 1, R | W), 0);
    assert_int_equal(file.holds, 4);
    poke(space, VA + PAGES(6), 1);
    assert_int_equal(protect(VA + PAGES(6), 1, R), 0);
    assert_int_equal(file.holds, 4); // what was promised memory once stays apart from what was not, as on Linux
    assert_int_equal(peek(space, VA + PAGES(6)), 1);
    assert_int_equal(peek(space, VA + PAGES(7)), 37);
    assert_int_equal(vspace_munmap(space, VA, PAGES(9)), 0);
    end_file(&file);
}

/* ---- munmap ---- */

MAP_TEST(munmap_refuses_bad_ranges)
{
    assert_int_equal(vspace_munmap(space, VA + 1, PAGES(1)), -EINVAL);
    assert_int_equal(vspace_munmap(space, VA, 0), -EINVAL);
    assert_int_equal(vspace_munmap(space, USER_END, PAGES(1)), -EINVAL);
    assert_int_equal(vspace_munmap(space, VA, UINT64_MAX), -EINVAL);
    assert_int_equal(vspace_munmap(space, VA, USER_END), -EINVAL);
    assert_int_equal(vspace_munmap(space, VA, PAGES(5)), 0); // nothing there
}

MAP_TEST(munmap_cuts_a_hole_and_takes_only_its_pages)
{
    map_at(space, VA, 10, R | W);
    for (unsigned i = 0; i < 10; i++)
        poke(space, VA + PAGES(i), 50 + i);
    uint64_t before = frames_by_kind(FRAME_ANON);
    forget_events();
    assert_int_equal(vspace_munmap(space, VA + PAGES(4), PAGES(2) - 1), 0);
    assert_events([VM_TLB_FLUSH_PAGE] = 2);
    assert_regions(space, "400000+4 rw-, 406000+4 rw-");
    assert_int_equal(frames_by_kind(FRAME_ANON), before - 2);
    for (unsigned i = 0; i < 10; i++) {
        if (i == 4 || i == 5)
            assert_int_equal(try_read(space, VA + PAGES(i)), FAULT_SEGV_MAPERR);
        else
            assert_int_equal(peek(space, VA + PAGES(i)), 50 + i);
    }
    assert_verify_clean();
}

MAP_TEST(munmap_takes_many_regions_and_gives_their_nodes_back)
{
    uint64_t nodes = frames_by_kind(FRAME_NODE);
    for (unsigned i = 0; i < 5; i++) {
        map_at(space, VA + i * (LEAF_SPAN * 3), 2, i & 1 ? R : R | W);
        assert_int_equal(peek(space, VA + i * (LEAF_SPAN * 3)), 0);
    }
    assert_int_equal(frames_by_kind(FRAME_NODE), nodes + 2 + 5);
    assert_int_equal(vspace_munmap(space, VA + PAGE_SIZE, LEAF_SPAN * 12), 0);
    assert_regions(space, "400000+1 rw-, 1c01000+1 rw-");
    assert_int_equal(frames_by_kind(FRAME_NODE), nodes + 2 + 2); // the last leaf still serves its region
    assert_int_equal(vspace_munmap(space, 0, USER_END), 0);
    assert_int_equal(frames_by_kind(FRAME_NODE), nodes);
    assert_int_equal(frames_by_kind(FRAME_ANON), 0);
}

MAP_TEST(a_node_that_goes_is_forgotten_by_every_cpu)
{
    map_at(space, VA, 1, R | W);
    map_at(space, VA + PAGES(2), 1, R | W);
    poke(space, VA, 1);
    assert_int_equal(vspace_munmap(space, VA, PAGES(1)), 0); // no page is in use any more, but the leaf stays for the other
    for (unsigned cpu = 0; cpu < 2; cpu++) {
        machine_set_cpu(cpu);
        assert_int_equal(try_read(space, VA), FAULT_SEGV_MAPERR); // the CPU now remembers the way to the leaf
    }
    forget_events();
    assert_int_equal(vspace_munmap(space, VA + PAGES(2), PAGES(1)), 0);
    assert_events([VM_TLB_FLUSH_ALL] = 2, [VM_TLB_SHOOTDOWN] = 1);
    map_at(space, VA, 1, R | W);
    for (unsigned cpu = 0; cpu < 2; cpu++) {
        machine_set_cpu(cpu);
        poke(space, VA, cpu);
    }
    machine_set_cpu(0);
    assert_int_equal(peek(space, VA), 1);
}

MAP_TEST(memory_mapped_again_is_zero)
{
    map_at(space, VA, 3, R | W);
    poke(space, VA + PAGES(1), 5);
    assert_int_equal(vspace_munmap(space, VA, PAGES(3)), 0);
    map_at(space, VA, 3, R | W);
    assert_int_equal(peek(space, VA + PAGES(1)), 0);
}

/* ---- mprotect ---- */

MAP_TEST(mprotect_refuses_bad_ranges)
{
    map_at(space, VA, 2, R);
    assert_int_equal(vspace_mprotect(space, VA + 1, PAGES(1), R), -EINVAL);
    assert_int_equal(vspace_mprotect(space, VA, 0, R), 0);
    assert_int_equal(vspace_mprotect(space, VA, UINT64_MAX, R), -ENOMEM);
    assert_int_equal(vspace_mprotect(space, VA - PAGES(1), PAGES(2), R | W), -ENOMEM);
    assert_regions(space, "400000+2 r--");
}

MAP_TEST(mprotect_up_to_a_hole_changes_what_lies_before_it)
{
    map_at(space, VA, 3, R | W);
    map_at(space, VA + PAGES(4), 1, R | W);
    assert_int_equal(protect(VA + PAGES(1), 4, R), -ENOMEM);
    assert_regions(space, "400000+1 rw-, 401000+2 r--, 404000+1 rw-");
}

MAP_TEST(mprotect_cuts_and_joins)
{
    map_at(space, VA, 9, R | W);
    assert_int_equal(protect(VA + PAGES(3), 3, R), 0);
    assert_regions(space, "400000+3 rw-, 403000+3 r--, 406000+3 rw-");
    assert_int_equal(protect(VA + PAGES(4), 1, R | W), 0);
    assert_regions(space, "400000+3 rw-, 403000+1 r--, 404000+1 rw-, 405000+1 r--, 406000+3 rw-");
    assert_int_equal(protect(VA + PAGES(2), 5, R | W), 0);
    assert_regions(space, "400000+9 rw-");
    assert_int_equal(protect(VA, 9, R | W), 0);
    assert_regions(space, "400000+9 rw-");
    assert_int_equal(protect(VA, 4, R), 0);
    assert_int_equal(protect(VA + PAGES(4), 5, R), 0);
    assert_regions(space, "400000+9 r--");
}

MAP_TEST(mprotect_flushes_when_rights_are_lost_and_only_then)
{
    map_at(space, VA, 4, R | W);
    for (unsigned i = 0; i < 4; i++)
        poke(space, VA + PAGES(i), i);
    forget_events();
    assert_int_equal(protect(VA, 4, R | W | X), 0);
    assert_events(0);
    assert_int_equal(protect(VA, 4, R), 0);
    assert_events([VM_TLB_FLUSH_PAGE] = 4);
    assert_int_equal(try_write(space, VA), FAULT_SEGV_ACCERR);
    assert_int_equal(peek(space, VA + PAGES(3)), 3);
    forget_events();
    assert_int_equal(protect(VA, 4, R | W), 0);
    assert_events(0);
    poke(space, VA, 1);
    forget_events();
    assert_int_equal(protect(VA, 4, R), 0); // nothing but writing is lost
    assert_events([VM_TLB_FLUSH_PAGE] = 4);
    assert_int_equal(try_write(space, VA), FAULT_SEGV_ACCERR);
}

MAP_TEST(mprotect_stops_where_the_file_does_not_allow_it)
{
    struct test_file file;
    make_file(&file, PAGES(4), 1);
    struct map_request request = {.addr = VA, .size = PAGES(2), .prot = R, .max_prot = R | X,
                                  .flags = MAP_SHARED | MAP_FIXED, .file = &file.cache};
    assert_int_equal(vspace_mmap(space, &request), VA);
    map_at(space, VA - PAGES(1), 1, R);
    assert_int_equal(protect(VA - PAGES(1), 3, R | W), -EACCES);
    assert_regions(space, "3ff000+1 rw-, 400000+2 r--");
    assert_int_equal(protect(VA, 2, R | X), 0);
    assert_int_equal(vspace_munmap(space, VA, PAGES(2)), 0);
    end_file(&file);
}

MAP_TEST(a_stack_that_was_cut_still_grows_from_its_lower_part)
{
    assert_int_equal(vspace_map_stack(space, VA, PAGES(4), false), 0);
    assert_int_equal(protect(VA - PAGES(3), 1, R), 0);
    assert_regions(space, "3fc000+1 rw-, 3fd000+1 r--, 3fe000+2 rw-");
    poke(space, VA - PAGES(6), 1);
    assert_regions(space, "3fa000+3 rw-, 3fd000+1 r--, 3fe000+2 rw-");
    assert_verify_clean();
}

/* ---- brk ---- */

MAP_TEST(brk_is_kept_to_the_byte_and_maps_whole_pages)
{
    vspace_set_brk_start(space, VA + 10);
    assert_int_equal(vspace_brk(space, 0), VA + 10);
    assert_int_equal(vspace_brk(space, VA + 100), VA + 100); // inside the page that the program's data ends in
    assert_regions(space, "");
    assert_int_equal(vspace_brk(space, VA + PAGES(1) + 1), VA + PAGES(1) + 1);
    assert_regions(space, "401000+1 rw-");
    assert_int_equal(vspace_brk(space, VA + PAGES(3)), VA + PAGES(3));
    assert_regions(space, "401000+2 rw-");
    assert_int_equal(vspace_brk(space, VA + 9), VA + PAGES(3)); // below its start: refused
    assert_int_equal(vspace_brk(space, VA + PAGES(2) + 1), VA + PAGES(2) + 1);
    assert_regions(space, "401000+2 rw-");
    assert_int_equal(vspace_brk(space, VA + PAGES(2)), VA + PAGES(2));
    assert_regions(space, "401000+1 rw-");
    assert_int_equal(vspace_brk(space, VA + 10), VA + 10);
    assert_regions(space, "");
}

MAP_TEST(brk_gives_memory_back_and_gets_zeros_again)
{
    vspace_set_brk_start(space, VA);
    assert_int_equal(vspace_brk(space, VA + PAGES(4)), VA + PAGES(4));
    poke(space, VA + PAGES(2), 8);
    poke(space, VA, 7);
    assert_int_equal(vspace_brk(space, VA + PAGES(1)), VA + PAGES(1));
    assert_int_equal(frames_by_kind(FRAME_ANON), 1);
    assert_int_equal(try_read(space, VA + PAGES(2)), FAULT_SEGV_MAPERR);
    assert_int_equal(vspace_brk(space, VA + PAGES(4)), VA + PAGES(4));
    assert_int_equal(peek(space, VA + PAGES(2)), 0);
    assert_int_equal(peek(space, VA), 7);
}

MAP_TEST(brk_stops_at_a_neighbour_and_at_a_stacks_gap)
{
    vspace_set_brk_start(space, VA);
    map_at(space, VA + PAGES(5), 1, R);
    assert_int_equal(vspace_brk(space, VA + PAGES(5) + 1), VA);
    assert_int_equal(vspace_brk(space, VA + PAGES(5)), VA + PAGES(5));
    assert_int_equal(vspace_munmap(space, VA + PAGES(5), PAGES(1)), 0);
    assert_int_equal(vspace_map_stack(space, VA + PAGES(300), PAGES(4), false), 0);
    assert_int_equal(vspace_brk(space, VA + PAGES(41)), VA + PAGES(5));
    assert_int_equal(vspace_brk(space, VA + PAGES(40)), VA + PAGES(40));
    assert_int_equal(vspace_brk(space, USER_END + 1), VA + PAGES(40));
}

MAP_TEST(brk_works_over_a_heap_that_was_cut)
{
    vspace_set_brk_start(space, VA);
    assert_int_equal(vspace_brk(space, VA + PAGES(6)), VA + PAGES(6));
    assert_int_equal(protect(VA + PAGES(4), 2, R), 0);
    assert_int_equal(vspace_brk(space, VA + PAGES(8)), VA + PAGES(8));
    assert_regions(space, "400000+4 rw-, 404000+2 r--, 406000+2 rw-");
    assert_int_equal(vspace_munmap(space, VA + PAGES(7), PAGES(1)), 0);
    assert_int_equal(vspace_brk(space, VA + PAGES(3)), VA + PAGES(3));
    assert_regions(space, "400000+3 rw-");
    assert_verify_clean();
}

/* ---- No memory: what fails changes nothing ---- */

/* Hold all frames but `left`; the slab may still have objects in frames that it has. */
static bool fails_and_changes_nothing(int64_t (*operation)(void), uint64_t left, const char *layout)
{
    hoard_take(left);
    int64_t result = operation();
    assert_true(result >= 0 || result == -ENOMEM);
    if (result < 0) {
        assert_regions(space, layout);
        assert_verify_clean();
    }
    hoard_give_back();
    return result < 0;
}

/* Fill the slab frame that regions come from, so that the next region needs a frame. */
static unsigned fill_region_slab(struct vregion **taken)
{
    uint64_t frames = frames_by_kind(FRAME_SLAB);
    unsigned count = 0;

    while (frames_by_kind(FRAME_SLAB) == frames)
        assert_non_null(taken[count++] = vregion_alloc());
    taken[--count]->file = NULL;
    vregion_free(taken[count]);
    return count;
}

static int64_t munmap_in_the_middle(void)
{
    return vspace_munmap(space, VA + PAGES(2), PAGES(2));
}

static int64_t mprotect_in_the_middle(void)
{
    return protect(VA + PAGES(2), 2, R);
}

static int64_t mmap_in_the_middle(void)
{
    return map_anywhere(VA + PAGES(2), PAGES(2), MAP_FIXED);
}

static int64_t mmap_shared(void)
{
    return map_anywhere(VA + PAGES(2), PAGES(2), MAP_FIXED | MAP_SHARED);
}

static int64_t brk_up(void)
{
    return vspace_brk(space, 0x800000 + PAGE_SIZE) == 0x800000 + PAGE_SIZE ? 0 : -ENOMEM;
}

MAP_TEST(operations_without_memory_fail_and_change_nothing)
{
    static int64_t (*const operations[])(void) = {mprotect_in_the_middle, munmap_in_the_middle, mmap_in_the_middle,
                                                  mmap_shared, brk_up};
    struct vregion *taken[100];

    map_at(space, VA, 8, R | W);
    vspace_set_brk_start(space, 0x800000);
    for (unsigned i = 0; i < 8; i++)
        poke(space, VA + PAGES(i), 60 + i);
    unsigned count = fill_region_slab(taken);
    for (unsigned i = 0; i < ARRAY_SIZE(operations); i++)
        assert_true(fails_and_changes_nothing(operations[i], 0, "400000+8 rw-"));
    for (unsigned i = 0; i < 8; i++)
        assert_int_equal(peek(space, VA + PAGES(i)), 60 + i);
    while (count > 0) {
        taken[--count]->file = NULL;
        vregion_free(taken[count]);
    }
    for (unsigned i = 0; i < ARRAY_SIZE(operations); i++)
        assert_int_equal(operations[i]() < 0, 0);
}

MAP_TEST(a_whole_region_is_unmapped_without_any_memory)
{
    struct vregion *taken[100];

    map_at(space, VA, 8, R | W);
    poke(space, VA, 1);
    unsigned count = fill_region_slab(taken);
    hoard_take(0);
    assert_int_equal(vspace_munmap(space, VA, PAGES(8)), 0);
    hoard_give_back();
    while (count > 0) {
        taken[--count]->file = NULL;
        vregion_free(taken[count]);
    }
}

MAP_TEST(sizes_are_measured_by_what_is_behind_the_pages)
{
    struct vspace_sizes sizes;
    struct test_file file;

    make_file(&file, PAGES(4), 1);
    map_at(space, VA, 4, R | W);
    map_file_at(space, VA + PAGES(4), 4, R | X, &file, false);
    map_shared_at(space, VA + PAGES(8), 4, R | W);
    assert_int_equal(vspace_map_stack(space, VA + PAGES(900), PAGES(2), false), 0);
    poke(space, VA, 1);
    peek(space, VA + PAGES(1)); // the zero frame is nobody's
    peek(space, VA + PAGES(4));
    peek(space, VA + PAGES(5));
    poke(space, VA + PAGES(8), 1);
    vspace_measure(space, &sizes);
    assert_int_equal(sizes.total_bytes, PAGES(14));
    assert_int_equal(sizes.anonymous, 1);
    assert_int_equal(sizes.file, 2);
    assert_int_equal(sizes.shared, 1);
    assert_int_equal(sizes.share, 2 * PAGE_SHARES); // the file's pages are nobody's
    assert_int_equal(sizes.data_bytes, PAGES(4));
    assert_int_equal(sizes.text_bytes, PAGES(4));
    assert_int_equal(sizes.stack_bytes, PAGES(2));
    assert_int_equal(sizes.nodes, 5); // root, two above, a leaf and its vpi_page
    assert_int_equal(vspace_munmap(space, VA + PAGES(4), PAGES(4)), 0);
    end_file(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(bad_requests_are_refused_by_their_number),
        TEST(sizes_are_rounded_up_to_pages),
        TEST(the_highest_and_lowest_pages_can_be_mapped),
        TEST(room_is_found_from_the_top_down),
        TEST(a_region_across_mmap_top_is_no_room),
        TEST(a_free_hint_is_taken_rounded_down_and_one_in_use_is_not),
        TEST(mappings_keep_away_from_the_gap_below_a_stack),
        TEST(room_ends_at_a_stacks_gap_even_if_the_stack_begins_at_mmap_top),
        TEST(noreplace_refuses_what_fixed_replaces),
        TEST(a_new_stack_has_its_size_and_room_below),
        TEST(equal_neighbours_are_joined),
        TEST(parts_of_a_file_are_joined_only_in_order),
        TEST(a_file_cut_in_two_keeps_its_offsets_and_holds),
        TEST(munmap_refuses_bad_ranges),
        TEST(munmap_cuts_a_hole_and_takes_only_its_pages),
        TEST(munmap_takes_many_regions_and_gives_their_nodes_back),
        TEST(a_node_that_goes_is_forgotten_by_every_cpu),
        TEST(memory_mapped_again_is_zero),
        TEST(mprotect_refuses_bad_ranges),
        TEST(mprotect_up_to_a_hole_changes_what_lies_before_it),
        TEST(mprotect_cuts_and_joins),
        TEST(mprotect_flushes_when_rights_are_lost_and_only_then),
        TEST(mprotect_stops_where_the_file_does_not_allow_it),
        TEST(a_stack_that_was_cut_still_grows_from_its_lower_part),
        TEST(brk_is_kept_to_the_byte_and_maps_whole_pages),
        TEST(brk_gives_memory_back_and_gets_zeros_again),
        TEST(brk_stops_at_a_neighbour_and_at_a_stacks_gap),
        TEST(brk_works_over_a_heap_that_was_cut),
        TEST(operations_without_memory_fail_and_change_nothing),
        TEST(a_whole_region_is_unmapped_without_any_memory),
        TEST(sizes_are_measured_by_what_is_behind_the_pages),
    };

    return RUN_TESTS(tests);
}
