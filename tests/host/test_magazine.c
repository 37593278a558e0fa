// SPDX-License-Identifier: MIT
/* test_magazine.c - small objects that CPUs keep: how many, what becomes of them, and that none is lost or had twice. */
#include "support.h"

#include "mm/fail.h"
#include "mm/kalloc.h"
#include "mm/magazine.h"
#include "mm/slab.h"

#define CPUS 4
#define SIZE 128
#define KEPT_MAX (MAGAZINE_BYTES / SIZE)
#define MANY 300

static struct slab_cache cache;
static void *objects[MANY];

static void find_usage(const struct slab_cache *each, const struct slab_usage *usage, void *arg)
{
    if (each == &cache)
        *(struct slab_usage *)arg = *usage;
}

static struct slab_usage usage_now(void)
{
    struct slab_usage usage = {0, 0};

    slab_for_each(find_usage, &usage);
    return usage;
}

static void take(unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        assert_non_null(objects[i] = slab_cache_alloc(&cache));
}

static void give(unsigned count)
{
    while (count > 0)
        slab_cache_free(&cache, objects[--count]);
}

static void what_a_cpu_gives_back_it_gets_again(void **state)
{
    struct magazine_counts before;

    (void)state;
    take(2);
    give(2);
    before = magazine_counts();
    void *last = slab_cache_alloc(&cache);
    assert_ptr_equal(last, objects[0]);
    slab_cache_free(&cache, last);
    assert_int_equal(magazine_counts().hits, before.hits + 2);
    assert_int_equal(magazine_counts().misses, before.misses);
}

static void a_cpu_keeps_no_more_than_its_share(void **state)
{
    (void)state;
    for (unsigned cpu = 0; cpu < CPUS; cpu++) {
        machine_set_cpu(cpu);
        take(MANY);
        give(MANY);
        assert_in_range(magazines_kept(&cache), KEPT_MAX / 2, (cpu + 1) * KEPT_MAX);
    }
    assert_int_equal(usage_now().used, 0);
}

static void taking_and_giving_in_turn_asks_the_cache_seldom(void **state)
{
    uint64_t before = magazine_counts().misses;

    (void)state;
    for (unsigned start = 0; start < KEPT_MAX; start++) {
        take(start + 1);
        for (unsigned i = 0; i < 100; i++)
            slab_cache_free(&cache, slab_cache_alloc(&cache));
        give(start + 1);
    }
    assert_in_range(magazine_counts().misses - before, 0, 4 * KEPT_MAX);
}

static void large_objects_are_kept_two_at_a_time(void **state)
{
    (void)state;
    assert_int_equal(magazine_kept_max(16), MAGAZINE_OBJECTS_MAX);
    assert_int_equal(magazine_kept_max(SIZE), KEPT_MAX);
    assert_int_equal(magazine_kept_max(SLAB_MAX), 2);
}

static void draining_gives_every_frame_back(void **state)
{
    uint64_t before = frames_by_kind(FRAME_SLAB), drains = magazine_counts().drains;

    (void)state;
    for (unsigned cpu = 0; cpu < CPUS; cpu++) {
        machine_set_cpu(cpu);
        take(MANY);
        give(MANY);
    }
    assert_true(frames_by_kind(FRAME_SLAB) > before);
    slab_drain();
    assert_int_equal(frames_by_kind(FRAME_SLAB), before);
    assert_int_equal(magazines_kept(&cache), 0);
    assert_int_equal(magazine_counts().drains, drains + CPUS);
}

static void objects_taken_on_one_cpu_may_go_back_on_another(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 10; round++) {
        machine_set_cpu(round % CPUS);
        take(MANY);
        machine_set_cpu((round + 1) % CPUS);
        give(MANY);
        assert_int_equal(usage_now().used, 0);
    }
}

static void kept_objects_do_not_count_as_used(void **state)
{
    (void)state;
    take(40);
    assert_int_equal(usage_now().used, 40);
    give(40);
    assert_int_equal(usage_now().used, 0);
    assert_true(magazines_kept(&cache) > 0);
}

static void a_cpu_without_a_rack_does_without(void **state)
{
    (void)state;
    machine_set_cpu(CPUS);
    take(MANY);
    give(MANY);
    assert_int_equal(magazines_kept(&cache), 0);
}

static void the_nth_allocation_fails_wherever_it_would_come_from(void **state)
{
    (void)state;
    take(4);
    give(4); // some are kept
    for (unsigned n = 1; n <= 3; n++) {
        fail_arm(NULL, n, false);
        for (unsigned i = 1; i < n; i++)
            assert_non_null(objects[i] = slab_cache_alloc(&cache));
        assert_null(slab_cache_alloc(&cache));
        assert_int_equal(fail_left(), 0);
        for (unsigned i = 1; i < n; i++)
            slab_cache_free(&cache, objects[i]);
    }
}

static void without_memory_what_is_kept_is_handed_out_first(void **state)
{
    unsigned count = 0;

    (void)state;
    hoard_take(2);
    while (count < MANY && (objects[count] = slab_cache_alloc(&cache)))
        count++;
    assert_int_equal(count, 2 * cache.per_frame);
    assert_verify_clean();
    give(count);
    hoard_give_back();
}

static void chains_go_past_the_magazines(void **state)
{
    struct magazine_counts before = magazine_counts();
    struct slab_chain chain = {NULL, NULL, 0};
    uint32_t count = 10;

    (void)state;
    void *first = slab_cache_alloc_chain(&cache, &count), *next;
    assert_int_equal(count, 10);
    for (void *object = first; object; object = next) {
        next = *(void **)object;
        slab_chain_add(&cache, &chain, object);
    }
    slab_cache_free_chain(&cache, &chain);
    assert_int_equal(magazine_counts().hits, before.hits);
    assert_int_equal(magazine_counts().misses, before.misses);
    assert_int_equal(magazines_kept(&cache), 0);
}

/* ---- Misuse ---- */

static void free_object(void *object)
{
    slab_cache_free(&cache, object);
}

static void a_double_free_panics_on_whatever_cpu(void **state)
{
    void *object;

    (void)state;
    for (unsigned cpu = 0; cpu <= CPUS; cpu++) {
        machine_set_cpu(0);
        object = slab_cache_alloc(&cache);
        slab_cache_free(&cache, object);
        machine_set_cpu(cpu);
        assert_panics(free_object, object, "freed twice");
    }
}

static void alloc_object(void *unused)
{
    (void)unused;
    assert_non_null(slab_cache_alloc(&cache));
}

static void a_write_to_a_kept_object_panics(void **state)
{
    uint64_t *object = slab_cache_alloc(&cache);

    (void)state;
    slab_cache_free(&cache, object);
    uint64_t old = object[1];
    object[1] = 5;
    assert_panics(alloc_object, NULL, "was written to after it was freed");
    object[1] = old;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_a_cpu_gives_back_it_gets_again),
        TEST(a_cpu_keeps_no_more_than_its_share),
        TEST(taking_and_giving_in_turn_asks_the_cache_seldom),
        TEST(large_objects_are_kept_two_at_a_time),
        TEST(draining_gives_every_frame_back),
        TEST(objects_taken_on_one_cpu_may_go_back_on_another),
        TEST(kept_objects_do_not_count_as_used),
        TEST(a_cpu_without_a_rack_does_without),
        TEST(the_nth_allocation_fails_wherever_it_would_come_from),
        TEST(without_memory_what_is_kept_is_handed_out_first),
        TEST(chains_go_past_the_magazines),
        TEST(a_double_free_panics_on_whatever_cpu),
        TEST(a_write_to_a_kept_object_panics),
    };

    machine_boot();
    slab_cache_init(&cache, "test", SIZE);
    magazines_start(CPUS);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
