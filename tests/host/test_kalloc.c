// SPDX-License-Identifier: MIT
/* test_kalloc.c - the frame allocator: taking, giving back, runs, exhaustion, counts, and what panics. */
#include "support.h"

#include <string.h>

#include "lib/log.h"
#include "mm/kalloc.h"
#include "mm/reclaim.h"
#include "mm/slab.h"

#define ALL_FRAMES 4096

static uint64_t free_frames(void)
{
    return frames_by_kind(FRAME_FREE);
}

static void kalloc_gives_distinct_aligned_frames(void **state)
{
    char *frames[100];

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(frames); i++) {
        frames[i] = kalloc();
        assert_non_null(frames[i]);
        assert_int_equal((uintptr_t)frames[i] % PAGE_SIZE, 0);
        memset(frames[i], (int)i, PAGE_SIZE);
    }
    for (unsigned i = 0; i < ARRAY_SIZE(frames); i++) {
        assert_int_equal((uint8_t)frames[i][0], i);
        assert_int_equal((uint8_t)frames[i][PAGE_SIZE - 1], i);
        kfree(frames[i]);
    }
}

static void a_frame_has_one_reference_and_its_kind(void **state)
{
    struct core_map_entry *page = frame_alloc(FRAME_ANON);

    (void)state;
    assert_int_equal(frame_refs(page), 1);
    assert_int_equal(frame_kind(page), FRAME_ANON);
    atomic_store(&page->refs, 0);
    frame_free(page);
    assert_int_equal(frame_refs(page), 0);
    assert_int_equal(frame_kind(page), FRAME_FREE);
}

static void a_frame_lives_until_its_last_reference(void **state)
{
    struct core_map_entry *page = frame_alloc(FRAME_KERNEL);

    (void)state;
    frame_get(page);
    frame_get(page);
    assert_int_equal(frame_refs(page), 3);
    frame_put(page);
    frame_put(page);
    assert_int_equal(frame_kind(page), FRAME_KERNEL);
    frame_put(page);
    assert_int_equal(frame_kind(page), FRAME_FREE);
}

static void the_zero_frame_is_not_counted(void **state)
{
    uint32_t refs = frame_refs(zero_page);

    (void)state;
    frame_get(zero_page);
    frame_put(zero_page);
    frame_put(zero_page);
    assert_int_equal(frame_refs(zero_page), refs);
}

static void a_zeroed_frame_is_zero_whatever_it_held_before(void **state)
{
    static const char zeros[PAGE_SIZE];

    (void)state;
    for (unsigned i = 0; i < 40; i++) {
        struct core_map_entry *page = frame_alloc_zeroed(FRAME_KERNEL);
        assert_memory_equal(page2kva(page), zeros, PAGE_SIZE);
        memset(page2kva(page), 0xee, PAGE_SIZE);
        frame_put(page);
    }
}

static void every_free_frame_can_be_taken_and_then_none(void **state)
{
    uint64_t before = free_frames();

    (void)state;
    hoard_take(0);
    assert_int_equal(free_frames(), 0);
    assert_null(kalloc());
    assert_null(frame_alloc(FRAME_ANON));
    assert_null(frame_alloc_zeroed(FRAME_ANON));
    assert_null(frame_alloc_run(FRAME_KERNEL, 0));
    assert_verify_clean();
    hoard_give_back();
    assert_int_equal(free_frames(), before);
}

static void a_failure_is_noted_until_it_is_asked_for(void **state)
{
    (void)state;
    hoard_take(0);
    (void)kalloc_failed();
    assert_null(kalloc());
    assert_true(kalloc_failed());
    assert_false(kalloc_failed());
    assert_null(frame_alloc_run(FRAME_KERNEL, 2));
    assert_true(kalloc_failed());
    assert_null(slab_alloc(2000));
    assert_true(kalloc_failed());
    hoard_give_back();
}

/* Whatever there is to reclaim: a limit, or an address that is not mapped, does not become better by it. */
static void nothing_is_reclaimed_for_a_call_that_did_not_lack_memory(void **state)
{
    void *object = slab_alloc(2000);

    (void)state;
    hoard_take(0);
    slab_free(object); // its frame stays with the slab
    (void)kalloc_failed();
    assert_false(reclaim_for_call(0));
    assert_null(kalloc());
    assert_true(reclaim_for_call(0));
    kfree(kalloc());
    hoard_give_back();
}

static void the_last_frame_is_found_in_another_cpus_cache(void **state)
{
    void *frame = kalloc();

    (void)state;
    hoard_take(0);
    machine_set_cpu(3);
    kfree(frame);
    machine_set_cpu(1);
    assert_ptr_equal(kalloc(), frame);
    assert_null(kalloc());
    kfree(frame);
    hoard_give_back();
}

static void a_cpus_cache_gives_frames_back_when_it_is_full(void **state)
{
    void *frames[64];

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(frames); i++)
        frames[i] = kalloc();
    machine_set_cpu(2);
    for (unsigned i = 0; i < ARRAY_SIZE(frames); i++)
        kfree(frames[i]);
    assert_verify_clean();
    machine_set_cpu(0);
}

static void a_run_is_aligned_to_its_size_and_counted_frame_by_frame(void **state)
{
    (void)state;
    for (unsigned order = 0; order < BUDDY_ORDERS - 2; order++) {
        uint64_t before = frames_by_kind(FRAME_KERNEL), count = 1ull << order;
        struct core_map_entry *run = frame_alloc_run(FRAME_KERNEL, order);
        assert_non_null(run);
        assert_int_equal(page2pfn(run) % count, 0);
        assert_int_equal(frames_by_kind(FRAME_KERNEL), before + count);
        for (uint64_t i = 0; i < count; i++) {
            assert_int_equal(frame_refs(&run[i]), 1);
            assert_int_equal(frame_kind(&run[i]), FRAME_KERNEL);
        }
        assert_verify_clean();
        frame_free_run(run, order);
        assert_int_equal(frames_by_kind(FRAME_KERNEL), before);
    }
    assert_null(frame_alloc_run(FRAME_KERNEL, BUDDY_ORDERS));
}

/* How many runs of an order there are: takes them all, and gives them back. */
static unsigned count_runs(unsigned order)
{
    struct core_map_entry *runs[ALL_FRAMES];
    unsigned count = 0;

    while ((runs[count] = frame_alloc_run(FRAME_KERNEL, order)))
        count++;
    for (unsigned i = 0; i < count; i++)
        frame_free_run(runs[i], order);
    return count;
}

static void runs_split_and_join_again(void **state)
{
    unsigned before[BUDDY_ORDERS];
    static void *frames[2500];

    (void)state;
    reclaim_all();
    for (unsigned order = 0; order < BUDDY_ORDERS; order++)
        before[order] = count_runs(order);
    assert_int_equal(before[0], free_frames());
    assert_true(before[10] >= 2);
    for (unsigned i = 0; i < ARRAY_SIZE(frames); i++)
        frames[i] = kalloc();
    for (unsigned i = 0; i < ARRAY_SIZE(frames); i += 2)
        kfree(frames[i]);
    kalloc_drain();
    assert_true(count_runs(10) < before[10]); // every second frame is in use
    for (unsigned i = 1; i < ARRAY_SIZE(frames); i += 2)
        kfree(frames[i]);
    kalloc_drain();
    for (unsigned order = 0; order < BUDDY_ORDERS; order++)
        assert_int_equal(count_runs(order), before[order]);
}

static void a_run_of_single_frames_can_be_given_back_one_by_one(void **state)
{
    struct core_map_entry *run = frame_alloc_run(FRAME_KERNEL, 4);

    (void)state;
    for (unsigned i = 0; i < 16; i++)
        kfree(page2kva(&run[i ^ 5]));
    assert_verify_clean();
}

static void a_kind_changes_with_its_count(void **state)
{
    struct core_map_entry *page = frame_alloc(FRAME_KERNEL);
    uint64_t kernel = frames_by_kind(FRAME_KERNEL), stack = frames_by_kind(FRAME_STACK);

    (void)state;
    frame_set_kind(page, FRAME_STACK);
    assert_int_equal(frames_by_kind(FRAME_KERNEL), kernel - 1);
    assert_int_equal(frames_by_kind(FRAME_STACK), stack + 1);
    assert_verify_clean();
    frame_put(page);
    assert_int_equal(frames_by_kind(FRAME_STACK), stack);
}

static void counts_by_kind_add_up_to_all_frames(void **state)
{
    uint64_t sum = 0;

    (void)state;
    for (unsigned kind = 0; kind < FRAME_KINDS; kind++)
        sum += frames_by_kind(kind);
    assert_int_equal(sum, ALL_FRAMES);
}

static void allocation_and_release_are_counted_as_events(void **state)
{
    uint64_t taken = vm_total(VM_PGALLOC), given = vm_total(VM_PGFREE);

    (void)state;
    kfree(kalloc());
    frame_free_run(frame_alloc_run(FRAME_KERNEL, 3), 3);
    assert_int_equal(vm_total(VM_PGALLOC) - taken, 9);
    assert_int_equal(vm_total(VM_PGFREE) - given, 9);
}

/* ---- What panics ---- */

static void free_it(void *frame)
{
    kfree(frame);
}

static void a_double_free_panics(void **state)
{
    void *frame = kalloc();

    (void)state;
    kfree(frame);
    assert_panics(free_it, frame, "a free frame with 0 references, last taken or freed at");
}

static void freeing_a_shared_frame_or_a_foreign_kind_panics(void **state)
{
    struct core_map_entry *page = frame_alloc(FRAME_ANON);
    void *frame = kalloc();

    (void)state;
    assert_panics(free_it, page2kva(page), "a anonymous frame with 1 references");
    frame_get(kva2page(frame));
    assert_panics(free_it, frame, "a kernel frame with 2 references");
    assert_panics(free_it, (char *)frame + 16, "IS_ALIGNED");
    frame_put(kva2page(frame));
    kfree(frame);
    atomic_store(&page->refs, 0);
    frame_free(page);
}

static void get_it(void *page)
{
    frame_get(page);
}

static void put_it(void *page)
{
    frame_put(page);
}

static void references_to_a_free_frame_panic(void **state)
{
    struct core_map_entry *page = frame_alloc(FRAME_KERNEL);

    (void)state;
    frame_put(page);
    assert_panics(get_it, page, "a reference taken at");
    assert_panics(put_it, page, "a reference given back at");
}

static void a_count_that_would_wrap_panics(void **state)
{
    struct core_map_entry *page = frame_alloc(FRAME_KERNEL);

    (void)state;
    atomic_store(&page->refs, UINT32_MAX);
    assert_panics(get_it, page, "when it had 4294967295");
    atomic_store(&page->refs, 1);
    frame_put(page);
}

static void free_run_of_two(void *run)
{
    frame_free_run(run, 1);
}

static void a_run_with_a_shared_frame_is_not_given_back(void **state)
{
    struct core_map_entry *run = frame_alloc_run(FRAME_KERNEL, 1);

    (void)state;
    frame_get(&run[1]);
    assert_panics(free_run_of_two, run, "frame_refs(&page[i]) == 1");
    frame_put(&run[1]);
    frame_free_run(run, 1);
}

static void take_all(void *unused)
{
    (void)unused;
    while (kalloc())
        ;
}

static void a_write_after_free_is_seen_when_the_frame_is_taken_again(void **state)
{
    uint8_t *frame = kalloc();

    (void)state;
    kfree(frame);
    uint8_t old = frame[1001];
    frame[1001] = old ^ 1;
    assert_panics(take_all, NULL, "was written to after it was freed at");
    frame[1001] = old;
}

/* For the rest of this program, as if there were 1 GiB: a cache is filled with 128 frames at a time. */
static void with_much_memory_a_cpus_cache_is_larger(void **state)
{
    static void *frames[600];
    pfn_t all = core_map_frames;

    (void)state;
    core_map_frames = 1 << 18;
    kalloc_share(2);
    core_map_frames = all;
    machine_set_cpu(1);
    uint64_t all_free = frames_by_kind(FRAME_FREE);
    for (unsigned i = 0; i < ARRAY_SIZE(frames); i++) {
        assert_non_null(frames[i] = kalloc());
        assert_int_equal(frames_free_lately(), all_free - i / 128 * 128); // it looks again when it is filled again
    }
    for (unsigned i = 0; i < ARRAY_SIZE(frames); i++)
        kfree(frames[i]);
    machine_set_cpu(0);
    kfree(kalloc());
    hoard_take(1000);
    machine_set_cpu(1);
    for (unsigned i = 0; i < ARRAY_SIZE(frames); i++)
        assert_non_null(frames[i] = kalloc());
    machine_set_cpu(0);
    assert_true(frames_free_lately() >= 1000); // when it was filled, whatever CPU 1 has taken since
    hoard_take(0);
    for (unsigned i = 0; i < ARRAY_SIZE(frames); i += 2)
        kfree(frames[i]);
    kalloc_drain();
    assert_verify_clean();
    machine_set_cpu(2);
    for (unsigned i = 0; i < ARRAY_SIZE(frames); i += 2) // there are no two next to each other
        assert_non_null(frames[i] = kalloc());
    assert_null(kalloc());
    for (unsigned i = 0; i < ARRAY_SIZE(frames); i++)
        kfree(frames[i]);
    assert_verify_clean();
    machine_set_cpu(0);
    hoard_give_back();
}

static void a_run_is_made_of_frames_that_lie_in_caches(void **state)
{
    struct core_map_entry *run = frame_alloc_run(FRAME_KERNEL, 3);

    (void)state;
    assert_non_null(run);
    hoard_take(0);
    machine_set_cpu(1);
    for (unsigned i = 0; i < 8; i++)
        frame_put(&run[i]);
    machine_set_cpu(0);
    assert_ptr_equal(frame_alloc_run(FRAME_KERNEL, 3), run);
    frame_free_run(run, 3);
    hoard_give_back();
}

static void wake_nobody(void)
{
}

static uint64_t take_until_refused(void)
{
    uint64_t count = 0;

    while (kalloc())
        count++;
    return count;
}

static void use_up_the_reserve(void *unused)
{
    void *frames[300];

    (void)unused;
    hoard_take(1100);
    kalloc_set_marks(4096, 1024, wake_nobody);
    assert_in_range(take_until_refused(), 0, 1100 - 1024 + 7);
    kalloc_use_reserve(true);
    for (unsigned i = 0; i < ARRAY_SIZE(frames); i++)
        assert_non_null(frames[i] = kalloc());
    kalloc_use_reserve(false);
    for (unsigned i = 0; i < ARRAY_SIZE(frames); i++)
        kfree(frames[i]);
    assert_in_range(take_until_refused(), 0, 16); // what is given back stays in a cache to that number only
    kalloc_drain();
    for (uint64_t left = frames_by_kind(FRAME_FREE); left > 0; left--) {
        kalloc_use_reserve(true);
        assert_non_null(kalloc());
        kalloc_use_reserve(false);
        assert_int_equal(take_until_refused(), 0);
        assert_int_equal(frames_by_kind(FRAME_FREE), left - 1);
    }
    panic("all of it was there for who may have it");
}

/* Also where caches are large, as the test above has made them: of the reserve nothing stays in a cache for others. */
static void the_reserve_is_for_those_who_may_use_it(void **state)
{
    (void)state;
    assert_panics(use_up_the_reserve, NULL, "all of it was there");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(kalloc_gives_distinct_aligned_frames),
        TEST(a_frame_has_one_reference_and_its_kind),
        TEST(a_frame_lives_until_its_last_reference),
        TEST(the_zero_frame_is_not_counted),
        TEST(a_zeroed_frame_is_zero_whatever_it_held_before),
        TEST(every_free_frame_can_be_taken_and_then_none),
        TEST(a_failure_is_noted_until_it_is_asked_for),
        TEST(nothing_is_reclaimed_for_a_call_that_did_not_lack_memory),
        TEST(the_last_frame_is_found_in_another_cpus_cache),
        TEST(a_cpus_cache_gives_frames_back_when_it_is_full),
        TEST(a_run_is_aligned_to_its_size_and_counted_frame_by_frame),
        TEST(runs_split_and_join_again),
        TEST(a_run_of_single_frames_can_be_given_back_one_by_one),
        TEST(a_kind_changes_with_its_count),
        TEST(counts_by_kind_add_up_to_all_frames),
        TEST(allocation_and_release_are_counted_as_events),
        TEST(a_double_free_panics),
        TEST(freeing_a_shared_frame_or_a_foreign_kind_panics),
        TEST(references_to_a_free_frame_panic),
        TEST(a_count_that_would_wrap_panics),
        TEST(a_run_with_a_shared_frame_is_not_given_back),
        TEST(a_write_after_free_is_seen_when_the_frame_is_taken_again),
        TEST(a_run_is_made_of_frames_that_lie_in_caches),
        TEST(with_much_memory_a_cpus_cache_is_larger),
        TEST(the_reserve_is_for_those_who_may_use_it),
    };

    return RUN_TESTS(tests);
}
