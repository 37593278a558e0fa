// SPDX-License-Identifier: MIT
/*
 * test_fault.c - each row of the fault table: literal error codes in, cause, outcome and counters out.
 *
 * Every row is provoked twice, by the program (U = 1) and by the kernel for it (U = 0), by real accesses through the MMU.
 */
#include "support.h"

#include <string.h>

#include "lib/errno.h"
#include "mm/kalloc.h"
#include "mm/map.h"
#include "mm/node.h"

#define VA 0x400000
#define STACK_TOP 0x7ffff0000000

/* The error codes that rows expect, without U, which each mode adds. */
#define READ_ABSENT 0
#define READ_PRESENT 1
#define WRITE_ABSENT 2
#define WRITE_PRESENT 3
#define FETCH_ABSENT 16
#define FETCH_PRESENT 17
#define USER_BIT 4

static struct vspace *space;
static struct test_file file;
static uint32_t mode; // USER_BIT or 0

/* Run a test in both modes, each with a fresh space. */
static void in_both_modes(void (*test)(void))
{
    for (unsigned i = 0; i < 2; i++) {
        mode = i ? 0 : USER_BIT;
        space = make_space();
        make_file(&file, 4 * PAGE_SIZE, 20);
        forget_events();
        test();
        end_space(space);
        end_file(&file);
    }
}

/* Access once, and hand the fault that comes to vspace_fault: it must have this code, cause and outcome. */
static void assert_fault(vaddr_t va, uint32_t expected_code, enum fault_cause cause, enum fault_outcome outcome)
{
    struct fault fault = {.address = va};
    uint8_t value = 99;

    machine_load(space);
    bool done = mmu_access(va, (expected_code & (PF_W | PF_I)) | mode, &value, &fault.code);
    assert_false(done);
    assert_int_equal(fault.code, expected_code | mode);
    assert_int_equal(vspace_fault(space, &fault), outcome);
    assert_string_equal(fault_cause_name(fault.cause), fault_cause_name(cause));
    assert_string_equal(fault_outcome_name(fault.outcome), fault_outcome_name(outcome));
}

/* The access goes through without a fault. */
static void assert_no_fault(vaddr_t va, uint32_t access)
{
    uint8_t value = 99;
    uint32_t code;

    machine_load(space);
    assert_true(mmu_access(va, access | mode, &value, &code));
}

#define ROW(name)                  \
    static void name##_body(void); \
    static void name(void **state) \
    {                              \
        (void)state;               \
        in_both_modes(name##_body); \
    }                              \
    static void name##_body(void)

/* ---- The stack ---- */

static void map_stack(void)
{
    assert_int_equal(vspace_map_stack(space, STACK_TOP, PAGE_SIZE, false), 0);
    atomic_store(&space->stack_limit, 16 * PAGE_SIZE);
}

ROW(first_write_below_the_stack_grows_it)
{
    map_stack();
    assert_fault(STACK_TOP - 3 * PAGE_SIZE, WRITE_ABSENT, CAUSE_STACK_GROWTH, FAULT_RESOLVED);
    assert_events([VM_PGFAULT] = 1, [VM_STACK_GROWN] = 1, [VM_ZERO_FILLED] = 1);
    assert_regions(space, "7fffefffd000+3 rw-");
    assert_no_fault(STACK_TOP - 3 * PAGE_SIZE, PF_W);
}

ROW(first_read_below_the_stack_grows_it_with_the_zero_frame)
{
    map_stack();
    assert_fault(STACK_TOP - 2 * PAGE_SIZE, READ_ABSENT, CAUSE_STACK_GROWTH_READ, FAULT_RESOLVED);
    assert_events([VM_PGFAULT] = 1, [VM_STACK_GROWN] = 1);
    assert_ptr_equal(frame_of(space, STACK_TOP - 2 * PAGE_SIZE), zero_page);
}

ROW(the_stack_stops_at_its_limit)
{
    map_stack();
    assert_fault(STACK_TOP - 16 * PAGE_SIZE - 1, WRITE_ABSENT, CAUSE_NO_REGION, FAULT_SEGV_MAPERR);
    assert_events([VM_PGFAULT] = 1);
    assert_fault(STACK_TOP - 16 * PAGE_SIZE, WRITE_ABSENT, CAUSE_STACK_GROWTH, FAULT_RESOLVED);
    assert_events([VM_PGFAULT] = 1, [VM_STACK_GROWN] = 1, [VM_ZERO_FILLED] = 1);
}

ROW(the_stack_keeps_its_gap_to_the_region_below)
{
    map_stack();
    atomic_store(&space->stack_limit, 1000 * PAGE_SIZE);
    map_at(space, STACK_TOP - 300 * PAGE_SIZE, 1, R);
    assert_fault(STACK_TOP - 44 * PAGE_SIZE, WRITE_ABSENT, CAUSE_NO_REGION, FAULT_SEGV_MAPERR);
    assert_fault(STACK_TOP - 43 * PAGE_SIZE, WRITE_ABSENT, CAUSE_STACK_GROWTH, FAULT_RESOLVED);
    assert_int_equal(vspace_mprotect(space, STACK_TOP - 300 * PAGE_SIZE, PAGE_SIZE, 0), 0);
    assert_fault(STACK_TOP - 299 * PAGE_SIZE, WRITE_ABSENT, CAUSE_STACK_GROWTH, FAULT_RESOLVED); // that is guard enough
    assert_fault(STACK_TOP - 300 * PAGE_SIZE, WRITE_ABSENT, CAUSE_PROT_NONE, FAULT_SEGV_ACCERR);
}

/* ---- Anonymous memory ---- */

ROW(first_write_to_anonymous_memory_zero_fills)
{
    map_at(space, VA, 2, R | W);
    assert_fault(VA, WRITE_ABSENT, CAUSE_ANONYMOUS_WRITE, FAULT_RESOLVED);
    assert_events([VM_PGFAULT] = 1, [VM_ZERO_FILLED] = 1);
    assert_no_fault(VA, PF_W);
    for (unsigned i = 1; i < PAGE_SIZE; i++)
        assert_int_equal(peek(space, VA + i), 0);
    assert_int_equal(frame_kind(frame_of(space, VA)), FRAME_ANON);
    assert_int_equal(frame_refs(frame_of(space, VA)), 1);
}

ROW(first_read_of_anonymous_memory_maps_the_zero_frame)
{
    map_at(space, VA, 2, R | W);
    assert_fault(VA, READ_ABSENT, CAUSE_ANONYMOUS_READ, FAULT_RESOLVED);
    assert_events([VM_PGFAULT] = 1);
    assert_no_fault(VA, 0);
    assert_ptr_equal(frame_of(space, VA), zero_page);
    assert_false(pte_is_writable(entry_of(space, VA)));
}

ROW(write_to_the_zero_frame_zero_fills_and_flushes_one_page)
{
    map_at(space, VA, 2, R | W);
    assert_fault(VA, READ_ABSENT, CAUSE_ANONYMOUS_READ, FAULT_RESOLVED);
    assert_no_fault(VA, 0);
    forget_events();
    assert_fault(VA, WRITE_PRESENT, CAUSE_ZERO_FRAME_WRITE, FAULT_RESOLVED);
    assert_events([VM_PGFAULT] = 1, [VM_ZERO_FILLED] = 1, [VM_TLB_FLUSH_PAGE] = 1);
    assert_no_fault(VA, PF_W);
    assert_int_equal(frame_kind(frame_of(space, VA)), FRAME_ANON);
}

ROW(first_touch_of_the_heap_is_one_of_anonymous_memory)
{
    vspace_set_brk_start(space, VA + 123);
    assert_int_equal(vspace_brk(space, VA + 2 * PAGE_SIZE), VA + 2 * PAGE_SIZE);
    assert_fault(VA + PAGE_SIZE, WRITE_ABSENT, CAUSE_ANONYMOUS_WRITE, FAULT_RESOLVED);
    assert_events([VM_PGFAULT] = 1, [VM_ZERO_FILLED] = 1);
}

/* ---- Files ---- */

/* Have the pages in memory. */
static void read_file(void)
{
    page_cache_expect(&file.cache, 0, UINT64_MAX);
}

ROW(first_read_of_a_private_file_page_maps_the_caches_frame)
{
    read_file();
    map_file_at(space, VA, 4, R | W, &file, false);
    assert_fault(VA + PAGE_SIZE, READ_ABSENT, CAUSE_FILE_FIRST_TOUCH, FAULT_RESOLVED);
    assert_events([VM_PGFAULT] = 1);
    assert_int_equal(frame_kind(frame_of(space, VA + PAGE_SIZE)), FRAME_FILE);
    assert_int_equal(frame_refs(frame_of(space, VA + PAGE_SIZE)), 2);
    assert_int_equal(peek(space, VA + PAGE_SIZE), 21);
}

ROW(first_write_to_a_private_file_page_copies_it)
{
    read_file();
    map_file_at(space, VA, 4, R | W, &file, false);
    assert_fault(VA + PAGE_SIZE, WRITE_ABSENT, CAUSE_FILE_FIRST_TOUCH, FAULT_RESOLVED);
    assert_events([VM_PGFAULT] = 1, [VM_FILE_COPIED] = 1);
    assert_int_equal(frame_kind(frame_of(space, VA + PAGE_SIZE)), FRAME_ANON);
    assert_int_equal(peek(space, VA + PAGE_SIZE), 21);
}

ROW(write_to_a_present_private_file_page_copies_it)
{
    map_file_at(space, VA, 4, R | W, &file, false);
    assert_fault(VA, READ_ABSENT, CAUSE_FILE_FIRST_TOUCH, FAULT_RESOLVED);
    forget_events();
    assert_fault(VA, WRITE_PRESENT, CAUSE_FILE_PRIVATE_WRITE, FAULT_RESOLVED);
    assert_events([VM_PGFAULT] = 1, [VM_FILE_COPIED] = 1, [VM_TLB_FLUSH_PAGE] = 1);
    assert_no_fault(VA, PF_W);
    assert_int_equal(frame_kind(frame_of(space, VA)), FRAME_ANON);
    assert_int_equal(peek(space, VA + 1), 20);
}

ROW(first_write_to_a_shared_file_page_makes_it_writable)
{
    read_file();
    map_file_at(space, VA, 4, R | W, &file, true);
    assert_fault(VA, READ_ABSENT, CAUSE_FILE_FIRST_TOUCH, FAULT_RESOLVED);
    assert_false(pte_is_writable(entry_of(space, VA)));
    assert_fault(VA, WRITE_PRESENT, CAUSE_FILE_SHARED_WRITE, FAULT_RESOLVED);
    assert_events([VM_PGFAULT] = 2);
    assert_no_fault(VA, PF_W);
    assert_fault(VA + PAGE_SIZE, WRITE_ABSENT, CAUSE_FILE_FIRST_TOUCH, FAULT_RESOLVED);
    assert_no_fault(VA + PAGE_SIZE, PF_W);
    assert_int_equal(frame_kind(frame_of(space, VA)), FRAME_FILE);
}

ROW(past_the_end_of_a_file_is_a_bus_error)
{
    map_file_at(space, VA, 6, R | W, &file, mode == 0);
    assert_fault(VA + 4 * PAGE_SIZE, READ_ABSENT, CAUSE_PAST_END_OF_FILE, FAULT_BUS_ADRERR);
    assert_fault(VA + 5 * PAGE_SIZE, WRITE_ABSENT, CAUSE_PAST_END_OF_FILE, FAULT_BUS_ADRERR);
    assert_events([VM_PGFAULT] = 2);
    page_cache_truncate(&file.cache, 3 * PAGE_SIZE + 1);
    assert_fault(VA + 3 * PAGE_SIZE, READ_ABSENT, CAUSE_FILE_FIRST_TOUCH, FAULT_RESOLVED); // its first byte is inside
}

ROW(a_page_that_cannot_be_read_is_a_bus_error)
{
    map_file_at(space, VA, 4, R | W, &file, false);
    file.fill_error = -EIO;
    assert_fault(VA, READ_ABSENT, CAUSE_FILE_FIRST_TOUCH, FAULT_BUS_ADRERR);
    file.fill_error = -ENOMEM;
    assert_fault(VA, WRITE_ABSENT, CAUSE_FILE_FIRST_TOUCH, FAULT_OOM);
}

/* ---- Copy-on-write ---- */

ROW(write_to_a_cow_page_copies_it_and_the_last_owner_takes_over)
{
    map_at(space, VA, 2, R | W);
    poke(space, VA, 7);
    struct vspace *parent = space, *child = fork_space(space);
    forget_events();
    assert_no_fault(VA, 0); // reading is no fault at all
    assert_fault(VA, WRITE_PRESENT, CAUSE_COW_WRITE, FAULT_RESOLVED);
    assert_events([VM_PGFAULT] = 1, [VM_NODE_COPIED] = 3, [VM_TLB_FLUSH_ALL] = 1, [VM_COW_COPIED] = 1,
                  [VM_TLB_FLUSH_PAGE] = 1);
    assert_no_fault(VA, PF_W);
    space = child;
    assert_no_fault(VA, 0);
    assert_fault(VA, WRITE_PRESENT, CAUSE_COW_WRITE, FAULT_RESOLVED);
    assert_events([VM_PGFAULT] = 1, [VM_NODE_TAKEN_OVER] = 3, [VM_COW_TAKEN_OVER] = 1);
    assert_int_equal(peek(child, VA), 7);
    end_space(child);
    space = parent;
}

ROW(write_under_a_node_whose_other_owner_has_gone_needs_the_path_only)
{
    map_at(space, VA, 2, R | W);
    poke(space, VA, 7);
    end_space(fork_space(space));
    forget_events();
    assert_fault(VA, WRITE_PRESENT, CAUSE_SHARED_NODE_WRITE, FAULT_RESOLVED);
    assert_events([VM_PGFAULT] = 1, [VM_NODE_TAKEN_OVER] = 1); // the top: nothing below was ever shared by itself
    assert_no_fault(VA, PF_W);
}

ROW(an_entry_that_lags_is_derived_and_nothing_else)
{
    map_at(space, VA, 2, R | W);
    poke(space, VA, 7);
    struct core_map_entry *leaf = node_find_leaf(space, VA);
    for (unsigned i = 0; i < 2; i++) { // another CPU was faster; nothing is in this one's TLB
        pte_exchange(&node_entries(leaf)[pte_index(VA, LEAF_LEVEL)], pte_none());
        machine_load(NULL);
        forget_events();
        assert_fault(VA, i ? WRITE_ABSENT : READ_ABSENT, CAUSE_ALREADY_RESOLVED, FAULT_RESOLVED);
        assert_events([VM_PGFAULT] = 1);
        assert_no_fault(VA, PF_W);
    }
}

ROW(a_fault_that_another_cpu_has_resolved_changes_nothing)
{
    map_at(space, VA, 2, R | W);
    poke(space, VA, 7);
    struct fault fault = {.address = VA, .code = WRITE_ABSENT | mode};
    pte_t before = entry_of(space, VA);
    assert_int_equal(vspace_fault(space, &fault), FAULT_RESOLVED);
    assert_int_equal(fault.cause, CAUSE_ALREADY_RESOLVED);
    assert_int_equal(entry_of(space, VA).raw, before.raw);
}

ROW(a_page_on_the_move_is_tried_again)
{
    map_at(space, VA, 2, R | W);
    poke(space, VA, 7);
    va2vpage_info(space, VA)->moving = 1;
    struct fault fault = {.address = VA, .code = WRITE_ABSENT | mode};
    assert_int_equal(vspace_fault(space, &fault), FAULT_RETRY);
    va2vpage_info(space, VA)->moving = 0;
}

ROW(a_copy_tells_every_other_cpu)
{
    map_at(space, VA, 2, R | W);
    poke(space, VA, 7);
    struct vspace *child = fork_space(space);
    poke(space, VA + PAGE_SIZE, 1); // the path is its own
    machine_set_cpu(1);
    assert_int_equal(peek(space, VA), 7); // now in CPU 1's TLB
    machine_set_cpu(0);
    forget_events();
    assert_fault(VA, WRITE_PRESENT, CAUSE_COW_WRITE, FAULT_RESOLVED);
    assert_events([VM_PGFAULT] = 1, [VM_COW_COPIED] = 1, [VM_TLB_FLUSH_PAGE] = 2, [VM_TLB_SHOOTDOWN] = 1);
    poke(space, VA, 8);
    machine_set_cpu(1);
    assert_int_equal(peek(space, VA), 8);
    machine_set_cpu(0);
    end_space(child);
}

/* ---- Not allowed ---- */

ROW(write_to_a_readonly_region_is_refused_present_or_not)
{
    map_at(space, VA, 2, R);
    assert_fault(VA, WRITE_ABSENT, CAUSE_READONLY_WRITE, FAULT_SEGV_ACCERR);
    assert_int_equal(peek(space, VA), 0);
    assert_fault(VA, WRITE_PRESENT, CAUSE_READONLY_WRITE, FAULT_SEGV_ACCERR);
    map_file_at(space, VA, 2, R | X, &file, false);
    assert_int_equal(peek(space, VA), 20);
    assert_fault(VA, WRITE_PRESENT, CAUSE_READONLY_WRITE, FAULT_SEGV_ACCERR);
}

ROW(prot_none_refuses_everything)
{
    map_at(space, VA, 2, R | W);
    poke(space, VA, 1);
    assert_int_equal(vspace_mprotect(space, VA, 2 * PAGE_SIZE, 0), 0);
    for (unsigned i = 0; i < 2; i++) {
        assert_fault(VA + i * PAGE_SIZE, READ_ABSENT, CAUSE_PROT_NONE, FAULT_SEGV_ACCERR);
        assert_fault(VA + i * PAGE_SIZE, WRITE_ABSENT, CAUSE_PROT_NONE, FAULT_SEGV_ACCERR);
        assert_fault(VA + i * PAGE_SIZE, FETCH_ABSENT, CAUSE_PROT_NONE, FAULT_SEGV_ACCERR);
    }
    assert_int_equal(vspace_mprotect(space, VA, 2 * PAGE_SIZE, R), 0);
    assert_int_equal(peek(space, VA), 1);
}

ROW(fetch_from_a_page_without_execute_is_refused)
{
    map_at(space, VA, 2, R | W);
    assert_fault(VA, FETCH_ABSENT, CAUSE_NO_EXECUTE, FAULT_SEGV_ACCERR);
    poke(space, VA, 1);
    assert_fault(VA, FETCH_PRESENT, CAUSE_NO_EXECUTE, FAULT_SEGV_ACCERR);
    map_file_at(space, VA, 2, R | X, &file, false);
    assert_fault(VA, FETCH_ABSENT, CAUSE_FILE_FIRST_TOUCH, FAULT_RESOLVED);
    assert_no_fault(VA, PF_I);
}

ROW(an_address_in_no_region_is_refused)
{
    map_at(space, VA, 2, R | W);
    assert_fault(VA - 1, READ_ABSENT, CAUSE_NO_REGION, FAULT_SEGV_MAPERR);
    assert_fault(VA + 2 * PAGE_SIZE, WRITE_ABSENT, CAUSE_NO_REGION, FAULT_SEGV_MAPERR);
    assert_fault(0, FETCH_ABSENT, CAUSE_NO_REGION, FAULT_SEGV_MAPERR);
    assert_fault(USER_END - 1, WRITE_ABSENT, CAUSE_NO_REGION, FAULT_SEGV_MAPERR);
    assert_events([VM_PGFAULT] = 4);
}

ROW(a_kernel_address_is_refused)
{
    struct fault fault = {.address = 0xffff800000123456, .code = READ_PRESENT | mode};
    assert_int_equal(vspace_fault(space, &fault), FAULT_SEGV_MAPERR);
    assert_int_equal(fault.cause, CAUSE_KERNEL_ADDRESS);
    fault = (struct fault){.address = USER_END, .code = WRITE_ABSENT | mode};
    assert_int_equal(vspace_fault(space, &fault), FAULT_SEGV_MAPERR);
    assert_int_equal(fault.cause, CAUSE_KERNEL_ADDRESS);
    assert_events([VM_PGFAULT] = 2);
}

/* ---- No memory ---- */

/* With n frames for each n that is too few, the fault says so and changes nothing but nodes made on the way. */
static void assert_oom_leaves_nothing(vaddr_t va, uint32_t code, unsigned frames_needed)
{
    struct frame_counts before = count_frames();

    for (unsigned left = 0; left < frames_needed; left++) {
        struct fault fault = {.address = va, .code = code | mode};
        hoard_take(left);
        assert_int_equal(vspace_fault(space, &fault), FAULT_OOM);
        assert_verify_clean();
        hoard_give_back();
        struct frame_counts now = count_frames();
        assert_int_equal(now.of[FRAME_ANON], before.of[FRAME_ANON]);
        assert_int_equal(now.of[FRAME_FILE], before.of[FRAME_FILE]);
    }
    struct fault fault = {.address = va, .code = code | mode};
    assert_int_equal(vspace_fault(space, &fault), FAULT_RESOLVED);
}

ROW(out_of_memory_for_a_first_touch_leaves_nothing_behind)
{
    map_at(space, VA, 2, R | W);
    assert_oom_leaves_nothing(VA, WRITE_ABSENT, 1); // nodes of an earlier try stay, so one frame may do at last
    poke(space, VA, 1);
}

ROW(a_fault_with_too_few_frames_for_its_nodes_ends)
{
    struct fault fault = {.address = VA, .code = WRITE_ABSENT | mode};
    map_at(space, VA, 2, R | W);
    for (unsigned i = 0; i < 6; i++) { // two nodes come and stay; the leaf and its vpi_page need two frames at once
        hoard_take(1);
        assert_int_equal(vspace_fault(space, &fault), FAULT_OOM);
        assert_verify_clean();
        hoard_give_back();
    }
    hoard_take(3);
    assert_int_equal(vspace_fault(space, &fault), FAULT_RESOLVED);
    hoard_give_back();
}

ROW(out_of_memory_for_a_copy_leaves_the_page_as_it_was)
{
    map_at(space, VA, 2, R | W);
    poke(space, VA, 3);
    struct vspace *child = fork_space(space);
    assert_oom_leaves_nothing(VA, WRITE_PRESENT, 1);
    assert_int_equal(peek(space, VA), 3);
    assert_int_equal(peek(child, VA), 3);
    end_space(child);
}

ROW(out_of_memory_for_a_file_page_leaves_the_cache_as_it_was)
{
    map_file_at(space, VA, 4, R | W, &file, mode == 0);
    assert_oom_leaves_nothing(VA + 3 * PAGE_SIZE, READ_ABSENT, 1);
    assert_int_equal(peek(space, VA + 3 * PAGE_SIZE), 23);
}

ROW(a_page_that_has_to_be_read_is_a_major_fault_and_one_that_is_there_is_none)
{
    struct vspace *other = make_space();

    map_file_at(space, VA, 4, R, &file, mode == 0);
    map_file_at(other, VA, 4, R, &file, mode == 0);
    page_cache_truncate(&file.cache, 0); // in the second mode
    page_cache_truncate(&file.cache, 4 * PAGE_SIZE);
    struct fault first = {.address = VA + 3 * PAGE_SIZE, .code = READ_ABSENT}, second = first;
    assert_int_equal(vspace_fault(space, &first), FAULT_RESOLVED);
    assert_int_equal(vspace_fault(other, &second), FAULT_RESOLVED);
    assert_true(first.major);
    assert_false(second.major);
    end_space(other);
}

static void nothing(void)
{
}

ROW(a_file_page_without_memory_for_its_place_is_given_back)
{
    kalloc_set_marks(UINT64_MAX, 0, nothing); // no page is read ahead
    map_file_at(space, VA, 4, R | W, &file, false);
    assert_int_equal(peek(space, VA), 20); // the nodes are there, and index 0, which needs none in the cache
    hoard_take(1);
    struct fault fault = {.address = VA + PAGE_SIZE, .code = READ_ABSENT | mode};
    assert_int_equal(vspace_fault(space, &fault), FAULT_OOM);
    assert_int_equal(fault.cause, CAUSE_FILE_FIRST_TOUCH);
    assert_int_equal(frames_by_kind(FRAME_FREE), 1);
    hoard_give_back();
    kalloc_set_marks(0, 0, NULL);
}

static void every_cause_and_outcome_has_a_name(void **state)
{
    (void)state;
    for (unsigned cause = 0; cause < CAUSES; cause++)
        assert_true(strlen(fault_cause_name(cause)) > 0);
    for (unsigned outcome = 0; outcome < FAULT_OUTCOMES; outcome++)
        assert_true(strlen(fault_outcome_name(outcome)) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(first_write_below_the_stack_grows_it),
        TEST(first_read_below_the_stack_grows_it_with_the_zero_frame),
        TEST(the_stack_stops_at_its_limit),
        TEST(the_stack_keeps_its_gap_to_the_region_below),
        TEST(first_write_to_anonymous_memory_zero_fills),
        TEST(first_read_of_anonymous_memory_maps_the_zero_frame),
        TEST(write_to_the_zero_frame_zero_fills_and_flushes_one_page),
        TEST(first_touch_of_the_heap_is_one_of_anonymous_memory),
        TEST(first_read_of_a_private_file_page_maps_the_caches_frame),
        TEST(first_write_to_a_private_file_page_copies_it),
        TEST(write_to_a_present_private_file_page_copies_it),
        TEST(first_write_to_a_shared_file_page_makes_it_writable),
        TEST(past_the_end_of_a_file_is_a_bus_error),
        TEST(a_page_that_cannot_be_read_is_a_bus_error),
        TEST(write_to_a_cow_page_copies_it_and_the_last_owner_takes_over),
        TEST(write_under_a_node_whose_other_owner_has_gone_needs_the_path_only),
        TEST(an_entry_that_lags_is_derived_and_nothing_else),
        TEST(a_fault_that_another_cpu_has_resolved_changes_nothing),
        TEST(a_page_on_the_move_is_tried_again),
        TEST(a_copy_tells_every_other_cpu),
        TEST(write_to_a_readonly_region_is_refused_present_or_not),
        TEST(prot_none_refuses_everything),
        TEST(fetch_from_a_page_without_execute_is_refused),
        TEST(an_address_in_no_region_is_refused),
        TEST(a_kernel_address_is_refused),
        TEST(out_of_memory_for_a_first_touch_leaves_nothing_behind),
        TEST(a_fault_with_too_few_frames_for_its_nodes_ends),
        TEST(out_of_memory_for_a_copy_leaves_the_page_as_it_was),
        TEST(out_of_memory_for_a_file_page_leaves_the_cache_as_it_was),
        TEST(a_page_that_has_to_be_read_is_a_major_fault_and_one_that_is_there_is_none),
        TEST(a_file_page_without_memory_for_its_place_is_given_back),
        TEST(every_cause_and_outcome_has_a_name),
    };

    return RUN_TESTS(tests);
}
