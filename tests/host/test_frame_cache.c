// SPDX-License-Identifier: MIT
/* test_frame_cache.c - frames that CPUs keep, free ones and tables of zeros: whose they are, how many, and who asks before one is taken. */
#include "support.h"

#include <stdlib.h>

#include "mm/kalloc.h"
#include "mm/node.h"

#define MEMORY (UINT64_C(128) << 20)
#define READY_MOST 16       // in a cache, to be taken without asking; 8 of them are taken from elsewhere at a time
#define ASIDE_PART 64       // of what is free lies aside, on all CPUs together
#define MANY 1000u

static void *frames[MANY];

/* How many frames lie aside on a CPU that has given back many. */
static uint64_t share(void)
{
    return frames_by_kind(FRAME_FREE) / ASIDE_PART / MAX_CPUS;
}

static void take(unsigned cpu)
{
    machine_set_cpu(cpu);
    for (unsigned i = 0; i < MANY; i++)
        assert_non_null(frames[i] = kalloc());
}

static void give(unsigned cpu)
{
    machine_set_cpu(cpu);
    for (unsigned i = 0; i < MANY; i++)
        kfree(frames[i]);
}

struct count {
    uint64_t in_runs;   // still to come, of the run that was begun
    uint64_t single;
};

static void count_single(struct core_map_entry *page, void *arg)
{
    struct count *count = arg;

    if (count->in_runs > 0)
        count->in_runs--;
    else if (page->run)
        count->in_runs = (1u << (page->run - 1)) - 1;
    else
        count->single++;
}

/* How many free frames are in no run of the buddy allocator: all CPUs keep so many. */
static uint64_t kept_frames(void)
{
    struct count count = {0, 0};

    kalloc_freeze();
    kalloc_for_each_free(count_single, &count);
    kalloc_thaw();
    return count.single;
}

static bool is_one_of_them(const void *frame)
{
    for (unsigned i = 0; i < MANY; i++)
        if (frames[i] == frame)
            return true;
    return false;
}

/* Takes `count` frames on a CPU, and gives them back there. => how many of them are among `frames` */
static unsigned known_frames(unsigned cpu, uint64_t count)
{
    void **taken = calloc(count, sizeof *taken);
    unsigned known = 0;

    machine_set_cpu(cpu);
    for (uint64_t i = 0; i < count; i++) {
        assert_non_null(taken[i] = kalloc());
        known += is_one_of_them(taken[i]);
    }
    for (uint64_t i = 0; i < count; i++)
        kfree(taken[i]);
    machine_set_cpu(0);
    free(taken);
    return known;
}

static void what_a_cpu_gives_back_it_gets_again(void **state)
{
    (void)state;
    take(1);
    give(1);
    assert_verify_clean();
    take(1);
    give(1);
    uint64_t kept = share(); // less than there is
    assert_true(kept > 2 * READY_MOST);
    assert_int_equal(known_frames(1, kept), kept);
}

/* As long as there are others. It takes twice as many, most of them those that were given back: they lie at the front. */
static void what_a_cpu_keeps_no_other_one_gets(void **state)
{
    (void)state;
    kalloc_drain();
    take(1);
    give(2);
    assert_in_range(known_frames(3, 2 * MANY), MANY / 2, MANY - share());
    assert_int_equal(known_frames(2, share()), share());
}

static void assert_keeps_its_share(unsigned cpu)
{
    kalloc_drain();
    assert_int_equal(kept_frames(), 0);
    give(cpu);
    machine_set_cpu(0);
    assert_in_range(kept_frames(), share(), share() + READY_MOST);
}

static void it_keeps_no_more_than_a_share_of_what_is_free(void **state)
{
    (void)state;
    take(1);
    assert_keeps_its_share(2);
    take(1);
    hoard_take(3 * ASIDE_PART * MAX_CPUS);
    assert_keeps_its_share(2);
    hoard_give_back();
}

static void who_lacks_memory_gets_what_other_cpus_keep(void **state)
{
    (void)state;
    take(1);
    give(2);
    machine_set_cpu(3);
    hoard_take(0);
    assert_int_equal(frames_by_kind(FRAME_FREE), 0);
    hoard_give_back();
    machine_set_cpu(0);
}

static unsigned wakes;

static void count_wake(void)
{
    wakes++;
}

static void frames_that_lie_aside_are_not_taken_without_asking(void **state)
{
    static void *ready[READY_MOST + 1];
    unsigned count = 0;

    (void)state;
    take(1);
    give(1);
    machine_set_cpu(1);
    kalloc_set_marks(MEMORY / PAGE_SIZE, MEMORY / PAGE_SIZE, count_wake);
    wakes = 0;
    while (count < ARRAY_SIZE(ready) && (ready[count] = kalloc()))
        count++;
    kalloc_set_marks(0, 0, NULL);
    machine_set_cpu(0);
    assert_in_range(count, 1, READY_MOST);
    assert_int_equal(wakes, 2); // before it looked at all CPUs' caches, and after
    while (count > 0)
        kfree(ready[--count]);
}

/* A space with one page, made and ended on a CPU. => its root, an address that is not to be followed any more */
static const struct core_map_entry *make_and_end(unsigned cpu)
{
    machine_set_cpu(cpu);
    struct vspace *space = vspace_create();
    assert_non_null(space);
    const struct core_map_entry *root = space->root;
    map_at(space, 0x400000, 1, R | W);
    poke(space, 0x400000, 1);
    end_space(space);
    machine_set_cpu(0);
    return root;
}

static void tables_that_a_cpu_has_cleared_become_its_next_ones(void **state)
{
    (void)state;
    node_drain();
    uint64_t kernels = frames_by_kind(FRAME_KERNEL);
    const struct core_map_entry *first = make_and_end(1), *other = make_and_end(2);
    assert_ptr_not_equal(first, other);
    assert_ptr_equal(make_and_end(1), first); // the last one that was cleared
    assert_ptr_equal(make_and_end(2), other);
    assert_true(frames_by_kind(FRAME_KERNEL) > kernels);
    assert_verify_clean();
    node_drain();
    assert_int_equal(frames_by_kind(FRAME_KERNEL), kernels);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_a_cpu_gives_back_it_gets_again),
        TEST(what_a_cpu_keeps_no_other_one_gets),
        TEST(it_keeps_no_more_than_a_share_of_what_is_free),
        TEST(who_lacks_memory_gets_what_other_cpus_keep),
        TEST(frames_that_lie_aside_are_not_taken_without_asking),
        TEST(tables_that_a_cpu_has_cleared_become_its_next_ones),
    };

    machine_boot_with(MEMORY);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
