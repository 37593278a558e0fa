// SPDX-License-Identifier: MIT
/* test_huge.c - huge pages: who gets them, what fork and writes do to them, what splits them, and what verify says of wrong ones. */
#include "support.h"
#include "swap_device.h"

#include <linux/mman.h>

#include "lib/errno.h"
#include "mm/clock.h"
#include "mm/huge.h"
#include "mm/kalloc.h"
#include "mm/map.h"
#include "mm/node.h"
#include "mm/swap.h"

#define VA UINT64_C(0x40000000) // where a huge page may begin
#define PAGES(n) ((n) * PAGE_SIZE)
#define ALL PTES_PER_NODE

static struct vspace *space;

static void set_mode(enum huge_mode mode)
{
    huge_policy_set(&(struct huge_policy){.mode = mode}); // an eighth of the memory stays free
}

static int begin(void **state)
{
    if (support_begin(state))
        return -1;
    set_mode(HUGE_ALWAYS);
    space = make_space();
    map_at(space, VA - PAGES(2), ALL + 4, R | W);
    forget_events();
    return 0;
}

static int end(void **state)
{
    assert_verify_clean();
    end_space(space);
    return support_end(state);
}

#define HUGE_TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

static bool is_huge(struct vspace *of, vaddr_t va)
{
    struct core_map_entry *leaf = node_find_leaf(of, va);

    return leaf && leaf->is_huge;
}

/* An access that the hardware makes without any fault. */
static bool hardware_allows(struct vspace *in, vaddr_t va, uint32_t access)
{
    uint8_t value = 0;
    uint32_t code;

    machine_load(in);
    return mmu_access(va, access, &value, &code);
}

static void advise(vaddr_t va, unsigned pages, int advice)
{
    assert_int_equal(vspace_madvise(space, va, PAGES(pages), advice), 0);
}

/* ---- Who gets one ---- */

static void the_first_write_maps_two_mebibytes_of_zeros(void **state)
{
    uint64_t before = frames_by_kind(FRAME_FREE);

    (void)state;
    poke(space, VA + PAGES(7) + 5, 1);
    assert_true(is_huge(space, VA));
    assert_int_equal(frames_by_kind(FRAME_HUGE), 1);
    assert_int_equal(frames_by_kind(FRAME_ANON), ALL - 1);
    assert_in_range(before - frames_by_kind(FRAME_FREE), ALL + 2, ALL + 5); // a leaf, its vpi_page, and the nodes above
    for (unsigned i = 0; i < ALL; i++) {
        assert_true(hardware_allows(space, VA + PAGES(i), PF_U | PF_W));
        assert_int_equal(peek(space, VA + PAGES(i) + 5), i == 7);
    }
    assert_events([VM_PGFAULT] = 1, [VM_THP_FAULT_ALLOC] = 1, [VM_ZERO_FILLED] = ALL);
}

static void pages_before_and_behind_are_small(void **state)
{
    (void)state;
    poke(space, VA - PAGE_SIZE, 1);
    poke(space, VA + PAGES(ALL), 2);
    assert_false(is_huge(space, VA - PAGE_SIZE) || is_huge(space, VA + PAGES(ALL)));
    assert_int_equal(frames_by_kind(FRAME_ANON), 2);
}

static void memory_that_was_read_first_has_small_pages(void **state)
{
    (void)state;
    assert_int_equal(peek(space, VA), 0);
    poke(space, VA + PAGE_SIZE, 1);
    assert_false(is_huge(space, VA));
}

static void only_whole_private_anonymous_memory_may_have_them(void **state)
{
    struct test_file file;

    (void)state;
    make_file(&file, PAGES(ALL), 1);
    map_file_at(space, 2 * VA, ALL, R | W, &file, false);
    map_shared_at(space, 3 * VA, ALL, R | W);
    map_at(space, 4 * VA, ALL - 1, R | W);
    for (unsigned i = 2; i <= 4; i++) {
        poke(space, i * VA, 1);
        assert_false(is_huge(space, i * VA));
    }
    assert_int_equal(vspace_munmap(space, 2 * VA, PAGES(ALL)), 0);
    assert_int_equal(vspace_munmap(space, 3 * VA, PAGES(ALL)), 0);
    end_file(&file);
}

static void policy_and_advice_decide(void **state)
{
    static const struct {
        enum huge_mode mode;
        int advice;
        bool huge;
    } cases[] = {
        {HUGE_ALWAYS, MADV_NORMAL, true}, {HUGE_ALWAYS, MADV_NOHUGEPAGE, false}, {HUGE_MADVISE, MADV_NORMAL, false},
        {HUGE_MADVISE, MADV_HUGEPAGE, true}, {HUGE_NEVER, MADV_HUGEPAGE, false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        set_mode(cases[i].mode);
        map_at(space, 2 * VA, ALL, R | W);
        advise(2 * VA, ALL, cases[i].advice);
        poke(space, 2 * VA, 1);
        assert_int_equal(is_huge(space, 2 * VA), cases[i].huge);
        assert_int_equal(vspace_munmap(space, 2 * VA, PAGES(ALL)), 0);
    }
    space->no_huge = true;
    set_mode(HUGE_ALWAYS);
    poke(space, VA, 1);
    assert_false(is_huge(space, VA));
}

static void there_are_none_while_memory_is_not_plentiful(void **state)
{
    (void)state;
    huge_policy_set(&(struct huge_policy){.mode = HUGE_ALWAYS, .spare = core_map_frames});
    poke(space, VA, 1);
    assert_false(is_huge(space, VA));
    assert_events([VM_PGFAULT] = 1, [VM_ZERO_FILLED] = 1);
}

/* Every second frame of the rest is free: enough of them, but no run. */
static void without_a_run_the_page_is_small(void **state)
{
    static struct core_map_entry *frames[4096];
    unsigned count = 0;

    (void)state;
    while (count < ARRAY_SIZE(frames) && (frames[count] = frame_alloc(FRAME_KERNEL)))
        count++;
    for (unsigned i = 0; i < count; i++)
        if (page2pfn(frames[i]) % 2) {
            frame_put(frames[i]);
            frames[i] = NULL;
        }
    forget_events();
    poke(space, VA, 1);
    assert_false(is_huge(space, VA));
    assert_events([VM_PGFAULT] = 1, [VM_THP_FAULT_FALLBACK] = 1, [VM_ZERO_FILLED] = 1);
    for (unsigned i = 0; i < count; i++)
        if (frames[i])
            frame_put(frames[i]);
}

/* ---- Fork, and writes after it ---- */

static void a_child_reads_it_without_a_fault(void **state)
{
    (void)state;
    poke(space, VA, 1);
    struct vspace *child = fork_space(space);
    forget_events();
    for (unsigned i = 0; i < ALL; i++)
        assert_true(hardware_allows(child, VA + PAGES(i), PF_U));
    assert_false(hardware_allows(child, VA, PF_U | PF_W) || hardware_allows(space, VA, PF_U | PF_W));
    assert_events([VM_PGFAULT] = 0);
    end_space(child);
}

static void a_write_of_the_child_copies_one_page_and_splits_for_it_alone(void **state)
{
    (void)state;
    poke(space, VA, 1);
    struct vspace *child = fork_space(space);
    uint64_t before = frames_by_kind(FRAME_ANON);
    poke(child, VA + PAGES(3), 2);
    assert_int_equal(frames_by_kind(FRAME_ANON), before + 1);
    assert_false(is_huge(child, VA));
    assert_true(is_huge(space, VA));
    assert_int_equal(peek(space, VA + PAGES(3)), 0);
    assert_int_equal(peek(child, VA), 1);
    assert_int_equal(frame_refs(frame_of(space, VA + PAGES(3))), 1);
    assert_int_equal(frame_refs(frame_of(space, VA)), 2);
    poke(space, VA, 3); // the frame is the child's, too: now it is split here as well
    assert_false(is_huge(space, VA));
    assert_int_equal(frames_by_kind(FRAME_HUGE), 0);
    assert_int_equal(peek(child, VA), 1);
    end_space(child);
}

static void the_last_owner_takes_all_of_it_over(void **state)
{
    (void)state;
    poke(space, VA, 1);
    struct vspace *child = fork_space(space);
    poke(child, VA + PAGES(3), 2);
    end_space(child);
    forget_events();
    poke(space, VA + PAGES(9), 4);
    assert_true(is_huge(space, VA));
    for (unsigned i = 0; i < ALL; i++)
        assert_true(hardware_allows(space, VA + PAGES(i), PF_U | PF_W));
    assert_int_equal(peek(space, VA + PAGES(3)), 0);
    assert_events([VM_PGFAULT] = 1, [VM_NODE_TAKEN_OVER] = 2);
}

static void both_write_at_once_and_the_run_goes_with_the_last(void **state)
{
    (void)state;
    poke(space, VA, 1);
    struct vspace *child = fork_space(space), *second = fork_space(space);
    poke(child, VA, 2);
    poke(second, VA, 3);
    end_space(space);
    space = second;
    assert_int_equal(peek(child, VA), 2);
    end_space(child);
    assert_int_equal(peek(second, VA), 3);
    assert_int_equal(frames_by_kind(FRAME_HUGE), 0);
    assert_int_equal(frames_by_kind(FRAME_ANON), ALL);
}

/* ---- Splitting ---- */

static bool try_split(struct vspace *of, vaddr_t va)
{
    rwlock_write_lock(&of->lock);
    bool done = huge_try_split(of, va);
    rwlock_write_unlock(&of->lock);
    return done;
}

static void unmapping_one_page_splits_and_gives_one_frame_back(void **state)
{
    (void)state;
    poke(space, VA + PAGES(8), 1);
    assert_int_equal(vspace_munmap(space, VA + PAGES(9), PAGE_SIZE), 0);
    assert_false(is_huge(space, VA));
    assert_int_equal(frames_by_kind(FRAME_ANON), ALL - 1);
    assert_int_equal(peek(space, VA + PAGES(8)), 1);
    assert_int_equal(try_read(space, VA + PAGES(9)), FAULT_SEGV_MAPERR);
    assert_true(hardware_allows(space, VA + PAGES(10), PF_U | PF_W));
}

static void unmapping_all_of_it_gives_the_run_back_as_one(void **state)
{
    (void)state;
    poke(space, VA, 1);
    uint64_t splits = vm_total(VM_THP_SPLIT_PMD);
    assert_int_equal(vspace_munmap(space, VA - PAGE_SIZE, PAGES(ALL + 2)), 0);
    assert_int_equal(vm_total(VM_THP_SPLIT_PMD), splits);
    assert_int_equal(frames_by_kind(FRAME_ANON) + frames_by_kind(FRAME_HUGE), 0);
}

static void changing_rights_or_places_splits(void **state)
{
    const struct remap_request move = {
        .addr = VA + PAGES(4), .new_addr = 2 * VA + PAGES(1), .old_size = PAGES(ALL - 4), .new_size = PAGES(ALL - 4),
        .flags = MREMAP_MAYMOVE | MREMAP_FIXED, .lock_limit = UINT64_MAX,
    };

    (void)state;
    poke(space, VA + PAGES(7), 7);
    assert_int_equal(vspace_mprotect(space, VA + PAGES(6), PAGE_SIZE, R), 0);
    assert_false(is_huge(space, VA));
    assert_int_equal(try_write(space, VA + PAGES(6)), FAULT_SEGV_ACCERR);
    assert_true(hardware_allows(space, VA + PAGES(5), PF_U | PF_W));
    assert_int_equal(vspace_mprotect(space, VA + PAGES(6), PAGE_SIZE, R | W), 0);
    assert_int_equal(vspace_mremap(space, &move), 2 * VA + PAGES(1));
    assert_int_equal(peek(space, 2 * VA + PAGES(4)), 7);
    assert_int_equal(try_read(space, VA + PAGES(7)), FAULT_SEGV_MAPERR);
}

static void forgetting_a_part_splits_and_the_whole_does_not(void **state)
{
    (void)state;
    poke(space, VA, 1);
    advise(VA, ALL, MADV_DONTNEED);
    assert_null(node_find_leaf(space, VA));
    poke(space, VA, 1);
    assert_true(is_huge(space, VA));
    advise(VA, 2, MADV_DONTNEED);
    assert_false(is_huge(space, VA));
    assert_int_equal(peek(space, VA), 0);
}

static void splitting_takes_no_memory(void **state)
{
    (void)state;
    poke(space, VA, 1);
    hoard_take(0);
    assert_true(try_split(space, VA));
    assert_false(is_huge(space, VA));
    assert_int_equal(peek(space, VA), 1);
    assert_true(try_split(space, VA)); // it is small already
    hoard_give_back();
}

static void without_memory_what_another_has_too_stays_whole(void **state)
{
    (void)state;
    poke(space, VA, 1);
    struct vspace *child = fork_space(space);
    poke(child, VA - PAGE_SIZE, 2); // the nodes above are the child's own: the leaf has two owners
    hoard_take(0);
    assert_false(try_split(child, VA));
    rwlock_write_lock(&child->lock);
    assert_int_equal(huge_split(child, VA), -ENOMEM);
    rwlock_write_unlock(&child->lock);
    assert_int_equal(vspace_munmap(child, VA + PAGES(3), PAGE_SIZE), -ENOMEM);
    assert_true(is_huge(child, VA) && is_huge(space, VA));
    hoard_give_back();
    assert_int_equal(vspace_munmap(child, VA + PAGES(3), PAGE_SIZE), 0);
    assert_false(is_huge(child, VA));
    assert_true(is_huge(space, VA));
    end_space(child);
}

/* ---- The clock ---- */

static void one_that_is_in_use_stays_whole_for_the_clock(void **state)
{
    (void)state;
    swap_device_add(600, NULL, 0);
    poke(space, VA, 1);
    poke(space, VA - PAGE_SIZE, 1);
    assert_int_equal(clock_evict(1), 1); // in the second round: the first one has cleared what tells that they were used
    assert_true(is_huge(space, VA));
    assert_int_equal(swap_slots_used(), 1);
    end_space(space);
    space = make_space();
    swap_device_remove();
}

static void pages_of_one_that_is_not_used_leave_one_by_one(void **state)
{
    (void)state;
    swap_device_add(600, NULL, 0);
    poke(space, VA + PAGES(3), 3);
    assert_int_equal(clock_evict(20), 2 * SWAP_CLUSTER); // batches
    assert_false(is_huge(space, VA));
    assert_int_equal(frames_by_kind(FRAME_HUGE), 0);
    assert_verify_clean();
    assert_int_equal(peek(space, VA + PAGES(3)), 3);
    while (clock_evict(1000) > 0)
        ;
    assert_int_equal(frames_by_kind(FRAME_ANON), 0);
    for (unsigned i = 0; i < ALL; i++)
        assert_int_equal(peek(space, VA + PAGES(i)), i == 3 ? 3 : 0);
    end_space(space);
    space = make_space();
    swap_device_remove();
}

static void the_clock_splits_for_all_who_have_it(void **state)
{
    (void)state;
    swap_device_add(600, NULL, 0);
    poke(space, VA + PAGES(3), 3);
    struct vspace *child = fork_space(space), *second = fork_space(space);
    poke(second, VA - PAGE_SIZE, 2); // the node above is its own: two entries lead to the leaf
    machine_load(child);
    assert_int_equal(clock_evict(1), SWAP_CLUSTER);
    assert_false(is_huge(space, VA) || is_huge(child, VA) || is_huge(second, VA));
    assert_verify_clean();
    poke(child, VA + PAGES(3), 4);
    poke(second, VA + PAGES(3), 5);
    assert_int_equal(peek(space, VA + PAGES(3)), 3);
    assert_int_equal(peek(child, VA + PAGES(3)), 4);
    assert_int_equal(peek(second, VA + PAGES(3)), 5);
    assert_verify_clean();
    end_space(child);
    end_space(second);
    end_space(space);
    space = make_space();
    swap_device_remove();
}

static void without_a_slot_to_be_had_or_while_it_is_locked_it_stays_whole(void **state)
{
    (void)state;
    poke(space, VA, 1);
    (void)clock_evict(1000);
    assert_true(is_huge(space, VA));
    swap_device_add(600, NULL, 0);
    assert_int_equal(vspace_mlock(space, VA, LEAF_SPAN, VR_LOCKED, UINT64_MAX), 0);
    (void)clock_evict(1000);
    assert_true(is_huge(space, VA));
    swap_device_remove();
}

/* ---- Verify ---- */

/* Change `place` for the length of one verify, which must name I23; then all is well again. */
#define assert_wrong(type, place, value)    \
    do {                                    \
        type saved_ = (place);              \
        (place) = (value);                  \
        assert_broken(I23_HUGE_PAGE);       \
        (place) = saved_;                   \
        assert_verify_clean();              \
    } while (0)

static void a_huge_page_that_is_not_what_it_must_be_is_I23(void **state)
{
    (void)state;
    poke(space, VA, 1);
    struct core_map_entry *leaf = node_find_leaf(space, VA), *run = frame_of(space, VA), *above;
    assert_int_equal(node_make_above(space, VA, &above), 0);
    pte_t *entry = &node_entries(above)[pte_index(VA, 2)], huge = pte_load(entry);

    assert_wrong(uint64_t, leaf->is_huge, 0);
    assert_wrong(uint64_t, above->is_huge, 0);
    assert_wrong(struct core_map_entry *, run->huge.leaf, above);
    assert_wrong(struct core_map_entry *, run->huge.leaf, NULL);
    assert_wrong(pte_t, *entry, pte_table(page2pa(leaf), true));
    assert_wrong(pte_t, *entry, pte_make_large(pte_pa(huge) + PAGE_SIZE, R | W));
    assert_wrong(pte_t, *entry, pte_make_large(pte_pa(huge), R | W | X));
    assert_wrong(uint64_t, leaf->node.vpi->info[9].ppn, page2pfn(run) + 8);
    assert_wrong(uint64_t, leaf->node.vpi->info[9].used, 0);
    assert_wrong(uint32_t, run[7].refs, 2);
    assert_wrong(uint8_t, vregion_lowest(space)->prot, R);
    frame_set_kind(run, FRAME_ANON);
    assert_broken(I23_HUGE_PAGE);
    frame_set_kind(run, FRAME_HUGE);
}

static void a_run_that_no_huge_entry_maps_is_I23(void **state)
{
    struct core_map_entry *page = frame_alloc(FRAME_KERNEL);

    (void)state;
    frame_set_kind(page, FRAME_HUGE);
    assert_broken(I23_HUGE_PAGE);
    frame_set_kind(page, FRAME_KERNEL);
    frame_put(page);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HUGE_TEST(the_first_write_maps_two_mebibytes_of_zeros),
        HUGE_TEST(pages_before_and_behind_are_small),
        HUGE_TEST(memory_that_was_read_first_has_small_pages),
        HUGE_TEST(only_whole_private_anonymous_memory_may_have_them),
        HUGE_TEST(policy_and_advice_decide),
        HUGE_TEST(there_are_none_while_memory_is_not_plentiful),
        HUGE_TEST(without_a_run_the_page_is_small),
        HUGE_TEST(a_child_reads_it_without_a_fault),
        HUGE_TEST(a_write_of_the_child_copies_one_page_and_splits_for_it_alone),
        HUGE_TEST(the_last_owner_takes_all_of_it_over),
        HUGE_TEST(both_write_at_once_and_the_run_goes_with_the_last),
        HUGE_TEST(unmapping_one_page_splits_and_gives_one_frame_back),
        HUGE_TEST(unmapping_all_of_it_gives_the_run_back_as_one),
        HUGE_TEST(changing_rights_or_places_splits),
        HUGE_TEST(forgetting_a_part_splits_and_the_whole_does_not),
        HUGE_TEST(splitting_takes_no_memory),
        HUGE_TEST(without_memory_what_another_has_too_stays_whole),
        HUGE_TEST(one_that_is_in_use_stays_whole_for_the_clock),
        HUGE_TEST(pages_of_one_that_is_not_used_leave_one_by_one),
        HUGE_TEST(the_clock_splits_for_all_who_have_it),
        HUGE_TEST(without_a_slot_to_be_had_or_while_it_is_locked_it_stays_whole),
        HUGE_TEST(a_huge_page_that_is_not_what_it_must_be_is_I23),
        HUGE_TEST(a_run_that_no_huge_entry_maps_is_I23),
    };

    return RUN_TESTS(tests);
}
