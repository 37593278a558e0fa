// SPDX-License-Identifier: MIT
/*
 * test_race.c - what another CPU does in the middle of a fault, at chosen places.
 *
 * The places are calls that faults make: for a frame, for the page of a file, for a flush of other CPUs. There the test
 * stops being CPU 0 for a while and does something as CPU 1.
 */
#include "support.h"
#include "swap_device.h"

#include "mm/clock.h"
#include "mm/kalloc.h"
#include "mm/map.h"
#include "mm/node.h"

#define VA UINT64_C(0x400000)

static struct vspace *space, *child;
static struct test_file file;
static void (*meanwhile)(void); // what CPU 1 does at the next such call
static unsigned calls_before;   // that pass first

static void act(void)
{
    void (*now)(void) = meanwhile;

    if (now && calls_before > 0) {
        calls_before--;
        return;
    }
    meanwhile = NULL;
    if (!now)
        return;
    uint32_t depth = preempt_count();
    host_cpu.preempt = 0;
    machine_set_cpu(1);
    now();
    machine_set_cpu(0);
    host_cpu.preempt = depth;
}

struct core_map_entry *__real_frame_alloc(enum frame_kind kind);
struct core_map_entry *__wrap_frame_alloc(enum frame_kind kind);
struct core_map_entry *__real_frame_alloc_zeroed(enum frame_kind kind);
struct core_map_entry *__wrap_frame_alloc_zeroed(enum frame_kind kind);
void __real_tlb_send_shootdown(uint64_t targets);
void __wrap_tlb_send_shootdown(uint64_t targets);

static bool in_flush; // act there, and not where frames are taken

struct core_map_entry *__wrap_frame_alloc(enum frame_kind kind)
{
    if (!in_flush && (kind == FRAME_ANON || kind == FRAME_FILE))
        act();
    return __real_frame_alloc(kind);
}

struct core_map_entry *__wrap_frame_alloc_zeroed(enum frame_kind kind)
{
    if (!in_flush && (kind == FRAME_ANON || kind == FRAME_FILE))
        act();
    return __real_frame_alloc_zeroed(kind);
}

void __wrap_tlb_send_shootdown(uint64_t targets)
{
    if (in_flush)
        act();
    __real_tlb_send_shootdown(targets);
}

static bool hold_next; // the next new space is locked, as by verify, before its maker comes to it
static struct vspace *held;

struct vspace *__real_vspace_create(void);
struct vspace *__wrap_vspace_create(void);

struct vspace *__wrap_vspace_create(void)
{
    struct vspace *new = __real_vspace_create();

    if (hold_next)
        assert_true(rwlock_try_write_word(&(held = new)->lock));
    hold_next = false;
    return new;
}

static enum fault_outcome fault_once(vaddr_t va, uint32_t code, enum fault_cause *cause)
{
    struct fault fault = {.address = va, .code = code};
    enum fault_outcome outcome = vspace_fault(space, &fault);

    assert_null(meanwhile); // it has happened
    if (cause)
        *cause = fault.cause;
    return outcome;
}

#define RACE(name)                 \
    static void name##_body(void); \
    static void name(void **state) \
    {                              \
        (void)state;               \
        in_flush = false;          \
        space = make_space();      \
        make_file(&file, 4 * PAGE_SIZE, 30); \
        name##_body();             \
        end_space(space);          \
        end_file(&file);           \
    }                              \
    static void name##_body(void)

static void write_8(void)
{
    poke(space, VA, 8);
}

RACE(the_second_first_touch_finds_the_page_and_gives_its_frame_back)
{
    map_at(space, VA, 1, R | W);
    meanwhile = write_8;
    assert_int_equal(fault_once(VA, PF_W | PF_U, NULL), FAULT_RETRY);
    assert_int_equal(frames_by_kind(FRAME_ANON), 1);
    assert_int_equal(peek(space, VA), 8);
    poke(space, VA, 9);
}

RACE(two_writes_to_the_zero_frame_give_one_frame)
{
    map_at(space, VA, 1, R | W);
    assert_int_equal(peek(space, VA), 0);
    meanwhile = write_8;
    assert_int_equal(fault_once(VA, PF_P | PF_W | PF_U, NULL), FAULT_RETRY);
    assert_int_equal(frames_by_kind(FRAME_ANON), 1);
    assert_int_equal(peek(space, VA), 8);
}

/* The first pages of a region, so that the next write fills as many behind its own. */
static void write_in_order(unsigned pages)
{
    map_at(space, VA, 40, R | W);
    for (unsigned i = 0; i < pages; i++)
        poke(space, VA + i * PAGE_SIZE, 1);
}

static void write_page_6(void)
{
    poke(space, VA + 6 * PAGE_SIZE, 66);
}

RACE(pages_are_filled_ahead_up_to_one_that_another_cpu_has_written)
{
    write_in_order(4);
    meanwhile = write_page_6;
    calls_before = 3; // when all frames are taken but that for the page itself
    assert_int_equal(fault_once(VA + 4 * PAGE_SIZE, PF_W | PF_U, NULL), FAULT_RESOLVED);
    assert_int_equal(frames_by_kind(FRAME_ANON), 7);
    assert_int_equal(peek(space, VA + 6 * PAGE_SIZE), 66);
    assert_non_null(frame_of(space, VA + 5 * PAGE_SIZE));
    assert_null(frame_of(space, VA + 7 * PAGE_SIZE));
}

static void write_page_8(void)
{
    poke(space, VA + 8 * PAGE_SIZE, 88);
}

RACE(two_that_fill_the_same_pages_ahead_fill_them_once)
{
    for (unsigned calls = 0; calls < 8; calls++) {
        write_in_order(8);
        meanwhile = write_page_8;
        calls_before = calls;
        assert_int_equal(fault_once(VA + 8 * PAGE_SIZE, PF_W | PF_U, NULL), FAULT_RETRY);
        assert_int_equal(frames_by_kind(FRAME_ANON), 16);
        assert_int_equal(peek(space, VA + 8 * PAGE_SIZE), 88);
        assert_int_equal(vspace_munmap(space, VA, 40 * PAGE_SIZE), 0);
    }
}

/* A page that parent and child share, in leaves of their own. */
static void share_a_page(void)
{
    map_at(space, VA, 2, R | W);
    poke(space, VA, 5);
    child = fork_space(space);
    poke(space, VA + PAGE_SIZE, 1);
}

RACE(two_copies_of_a_cow_page_become_one)
{
    share_a_page();
    meanwhile = write_8;
    assert_int_equal(fault_once(VA, PF_P | PF_W | PF_U, NULL), FAULT_RETRY);
    assert_int_equal(frames_by_kind(FRAME_ANON), 3);
    assert_int_equal(peek(space, VA), 8);
    assert_int_equal(peek(child, VA), 5);
    end_space(child);
}

static void end_child_and_write_8(void)
{
    end_space(child);
    poke(space, VA, 8); // the frame has no other owner now: taken over
}

RACE(a_copy_does_not_undo_a_take_over)
{
    share_a_page();
    forget_events();
    meanwhile = end_child_and_write_8;
    assert_int_equal(fault_once(VA, PF_P | PF_W | PF_U, NULL), FAULT_RETRY);
    assert_int_equal(vm_total(VM_COW_TAKEN_OVER) > 0, 1);
    machine_set_cpu(1);
    uint8_t value = 9;
    uint32_t code;
    assert_true(mmu_access(VA, PF_W | PF_U, &value, &code)); // CPU 1 goes on writing
    machine_set_cpu(0);
    assert_int_equal(peek(space, VA), 9);
    assert_int_equal(frames_by_kind(FRAME_ANON), 2);
}

static void end_child(void)
{
    end_space(child);
}

RACE(a_copy_whose_other_owner_has_gone_is_still_right)
{
    share_a_page();
    meanwhile = end_child;
    assert_int_equal(fault_once(VA, PF_P | PF_W | PF_U, NULL), FAULT_RESOLVED);
    assert_int_equal(peek(space, VA), 5);
    assert_int_equal(frames_by_kind(FRAME_ANON), 2);
}

static void read_page_1(void)
{
    assert_int_equal(peek(space, VA + PAGE_SIZE), 31);
}

RACE(a_file_page_read_twice_at_once_is_kept_once)
{
    map_file_at(space, VA, 4, R, &file, false);
    meanwhile = read_page_1;
    assert_int_equal(fault_once(VA + PAGE_SIZE, PF_U, NULL), FAULT_RETRY);
    assert_int_equal(frames_by_kind(FRAME_FILE), 1);
    assert_int_equal(frame_refs(frame_of(space, VA + PAGE_SIZE)), 2);
    assert_int_equal(peek(space, VA + PAGE_SIZE), 31);
}

/* What truncation does first; then it waits for the space, which the fault holds. */
static void cut_the_file(void)
{
    atomic_store(&file.cache.size, PAGE_SIZE);
}

RACE(a_file_cut_during_the_fault_is_a_bus_error)
{
    enum fault_cause cause;
    map_file_at(space, VA, 4, R | W, &file, false);
    for (unsigned i = 0; i < 2; i++) {
        atomic_store(&file.cache.size, 4 * PAGE_SIZE);
        meanwhile = cut_the_file;
        assert_int_equal(fault_once(VA + PAGE_SIZE, PF_U | (i ? PF_W : 0), NULL), FAULT_RETRY);
        assert_int_equal(fault_once(VA + PAGE_SIZE, PF_U | (i ? PF_W : 0), &cause), FAULT_BUS_ADRERR);
        assert_int_equal(cause, CAUSE_PAST_END_OF_FILE);
    }
}

static enum fault_outcome seen_by_cpu_1;

static void touch_the_moving_page(void)
{
    struct fault fault = {.address = VA, .code = PF_U};

    seen_by_cpu_1 = vspace_fault(space, &fault);
}

RACE(a_page_on_the_move_is_left_alone_by_other_cpus)
{
    share_a_page();
    machine_set_cpu(1);
    assert_int_equal(peek(space, VA), 5);
    machine_set_cpu(0);
    in_flush = true;
    meanwhile = touch_the_moving_page;
    assert_int_equal(fault_once(VA, PF_P | PF_W | PF_U, NULL), FAULT_RESOLVED);
    assert_int_equal(seen_by_cpu_1, FAULT_RETRY);
    poke(space, VA, 6);
    machine_set_cpu(1);
    assert_int_equal(peek(space, VA), 6);
    machine_set_cpu(0);
    assert_int_equal(peek(child, VA), 5);
    end_space(child);
}

static void touch_page_1(void)
{
    struct fault fault = {.address = VA + PAGE_SIZE, .code = PF_U};

    seen_by_cpu_1 = vspace_fault(space, &fault);
}

RACE(a_page_that_a_hole_takes_is_not_mapped_again_before_it_is_gone)
{
    map_file_at(space, VA, 4, R, &file, true);
    child = make_space();
    map_file_at(child, VA, 4, R | W, &file, true);
    poke(child, VA + PAGE_SIZE, 77);
    machine_set_cpu(1);
    assert_int_equal(peek(child, VA + PAGE_SIZE), 77);
    machine_set_cpu(0);
    in_flush = true;
    meanwhile = touch_page_1; // all of its space has been gone through, and the page is in the file still
    page_cache_punch(&file.cache, PAGE_SIZE, 2 * PAGE_SIZE);
    assert_null(meanwhile);
    assert_int_equal(seen_by_cpu_1, FAULT_RETRY);
    assert_int_equal(peek(space, VA + PAGE_SIZE), 31);
    assert_int_equal(peek(child, VA + PAGE_SIZE), 31);
    end_space(child);
}

/* What the first pass of a truncation does by way of the child, whose lock the clock does not hold. */
static void hide_page_1_to_take_it(void)
{
    struct core_map_entry *leaf = node_find_leaf(child, VA + PAGE_SIZE);

    node_lock(leaf);
    leaf_info(leaf, VA + PAGE_SIZE)->moving = 1;
    node_unlock(leaf);
}

RACE(a_page_that_leaves_while_its_file_is_cut_is_still_taken_from_its_space)
{
    swap_device_add(100, NULL, 0);
    map_file_at(space, VA, 4, R | W, &file, false);
    poke(space, VA + PAGE_SIZE, 7);
    child = fork_space(space); // one leaf for both
    machine_set_cpu(1);
    assert_int_equal(peek(child, VA + PAGE_SIZE), 7);
    machine_set_cpu(0);
    in_flush = true;
    meanwhile = hide_page_1_to_take_it;
    clock_page_out(space, VA, VA + 4 * PAGE_SIZE);
    assert_null(meanwhile);
    assert_true(va2vpage_info(space, VA + PAGE_SIZE)->moving); // or the second pass would leave it
    page_cache_truncate(&file.cache, PAGE_SIZE);
    assert_false(va2vpage_info(space, VA + PAGE_SIZE)->used);
    assert_int_equal(swap_slots_used(), 0);
    end_space(child);
    swap_device_remove();
}

static void write_through_the_old_entry(void)
{
    uint8_t value = 77;
    uint32_t code;

    assert_false(mmu_access(VA, PF_U | PF_W, &value, &code));
}

RACE(while_other_cpus_are_told_of_a_copy_none_writes_to_the_old_frame)
{
    map_at(space, VA, 1, R | W);
    poke(space, VA, 5);
    machine_set_cpu(1);
    poke(space, VA, 5); // CPU 1 may write: fork takes that away
    machine_set_cpu(0);
    child = fork_space(space);
    in_flush = true; // the first flush is for the path, the second for the page: in both it may not
    machine_set_cpu(1);
    assert_int_equal(peek(space, VA), 5);
    machine_set_cpu(0);
    meanwhile = write_through_the_old_entry;
    assert_int_equal(fault_once(VA, PF_P | PF_W | PF_U, NULL), FAULT_RESOLVED);
    assert_int_equal(peek(child, VA), 5);
    end_space(child);
}

/* ---- Sharers of one node: the child acts on CPU 1 while the parent waits for it to forget the old path ---- */

static void child_writes(void)
{
    poke(child, VA, 9);
}

static void child_ends(void)
{
    end_space(child);
}

static void child_unmaps(void)
{
    assert_int_equal(vspace_munmap(child, VA, PAGE_SIZE), 0);
}

static struct vspace *grandchild;

static void child_forks(void)
{
    grandchild = fork_space(child);
}

/* The parent writes to a page under nodes that it shares with its child; `now` happens when it has copied its path. */
static void copy_a_path_while(void (*now)(void))
{
    map_at(space, VA, 4, R | W);
    for (unsigned i = 0; i < 4; i++)
        poke(space, VA + i * PAGE_SIZE, 5 + i);
    child = fork_space(space);
    machine_set_cpu(1);
    peek(space, VA); // so that CPU 1 has to be told
    machine_set_cpu(0);
    in_flush = true;
    meanwhile = now;
    assert_int_equal(fault_once(VA, PF_P | PF_W | PF_U, NULL), FAULT_RESOLVED);
    machine_load(space);
    poke(space, VA, 8);
    assert_verify_clean();
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(peek(space, VA + i * PAGE_SIZE), i ? 5 + i : 8);
}

RACE(the_other_owner_writes_while_a_path_is_copied)
{
    copy_a_path_while(child_writes);
    assert_int_equal(peek(child, VA), 9);
    end_space(child);
}

RACE(the_other_owner_ends_while_a_path_is_copied)
{
    copy_a_path_while(child_ends);
}

RACE(the_other_owner_unmaps_while_a_path_is_copied)
{
    copy_a_path_while(child_unmaps);
    assert_int_equal(try_read(child, VA), FAULT_SEGV_MAPERR);
    assert_int_equal(peek(child, VA + PAGE_SIZE), 6);
    end_space(child);
}

RACE(the_other_owner_forks_while_a_path_is_copied)
{
    copy_a_path_while(child_forks);
    poke(grandchild, VA, 7);
    assert_int_equal(peek(child, VA), 5);
    end_space(child);
    assert_int_equal(peek(grandchild, VA), 7);
    end_space(grandchild);
}

/* ---- The locks of fork ---- */

/* Verify has the lock of the child, which the clock has put before its parent in the list, and now wants that of the parent. */
static void verify_goes_on(void)
{
    assert_true(rwlock_try_write_lock(&space->lock));
    rwlock_write_unlock(&space->lock);
    atomic_fetch_sub(&held->lock.word, RWLOCK_WRITER);
    rwlock_pass(&held->lock);
    held = NULL;
}

RACE(fork_does_not_wait_for_its_child_while_it_holds_the_parent)
{
    map_at(space, VA, 1, R | W);
    poke(space, VA, 5);
    hold_next = true;
    machine_on_sleep = verify_goes_on;
    child = fork_space(space);
    machine_on_sleep = NULL;
    assert_null(held);
    assert_int_equal(peek(child, VA), 5);
    end_space(child);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_second_first_touch_finds_the_page_and_gives_its_frame_back),
        TEST(two_writes_to_the_zero_frame_give_one_frame),
        TEST(pages_are_filled_ahead_up_to_one_that_another_cpu_has_written),
        TEST(two_that_fill_the_same_pages_ahead_fill_them_once),
        TEST(two_copies_of_a_cow_page_become_one),
        TEST(a_copy_does_not_undo_a_take_over),
        TEST(a_copy_whose_other_owner_has_gone_is_still_right),
        TEST(a_file_page_read_twice_at_once_is_kept_once),
        TEST(a_file_cut_during_the_fault_is_a_bus_error),
        TEST(a_page_on_the_move_is_left_alone_by_other_cpus),
        TEST(a_page_that_a_hole_takes_is_not_mapped_again_before_it_is_gone),
        TEST(a_page_that_leaves_while_its_file_is_cut_is_still_taken_from_its_space),
        TEST(while_other_cpus_are_told_of_a_copy_none_writes_to_the_old_frame),
        TEST(the_other_owner_writes_while_a_path_is_copied),
        TEST(the_other_owner_ends_while_a_path_is_copied),
        TEST(the_other_owner_unmaps_while_a_path_is_copied),
        TEST(the_other_owner_forks_while_a_path_is_copied),
        TEST(fork_does_not_wait_for_its_child_while_it_holds_the_parent),
    };

    return RUN_TESTS(tests);
}
