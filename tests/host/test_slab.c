// SPDX-License-Identifier: MIT
/* test_slab.c - small objects: sizes, frames taken and given back, exhaustion, misuse. Kernel stacks, too. */
#include "support.h"

#include <string.h>

#include "mm/kalloc.h"
#include "mm/kstack.h"
#include "mm/slab.h"

#define MANY 601

static void objects_of_every_size_are_distinct_and_aligned(void **state)
{
    static uint8_t *objects[SLAB_MAX + 1];

    (void)state;
    for (size_t size = 1; size <= SLAB_MAX; size += 7) {
        objects[size] = slab_alloc(size);
        assert_non_null(objects[size]);
        assert_int_equal((uintptr_t)objects[size] % 16, 0);
        memset(objects[size], (int)size, size);
    }
    for (size_t size = 1; size <= SLAB_MAX; size += 7) {
        for (size_t i = 0; i < size; i++)
            assert_int_equal(objects[size][i], (uint8_t)size);
        slab_free(objects[size]);
    }
}

static void the_largest_object_fits_twice_in_a_frame(void **state)
{
    uint64_t before = frames_by_kind(FRAME_SLAB);
    void *a = slab_alloc(SLAB_MAX), *b = slab_alloc(SLAB_MAX);

    (void)state;
    assert_int_equal(frames_by_kind(FRAME_SLAB), before + 1);
    memset(a, 1, SLAB_MAX);
    memset(b, 2, SLAB_MAX);
    assert_int_equal(((uint8_t *)a)[SLAB_MAX - 1], 1);
    slab_free(a);
    slab_free(b);
}

static void zalloc_zeroes_what_was_used_before(void **state)
{
    static const uint8_t zeros[100];

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        uint8_t *object = slab_zalloc(100);
        assert_memory_equal(object, zeros, 100);
        memset(object, 0xff, 100);
        slab_free(object);
    }
}

static void freeing_null_does_nothing(void **state)
{
    (void)state;
    slab_free(NULL);
}

static struct slab_cache cache;
static void *objects[MANY];

/* The test cache stays on the list of caches for ever, so there is one for all tests. */
static void make_cache(void)
{
    if (!cache.name)
        slab_cache_init(&cache, "test", 200);
}

static void find_test_cache(const struct slab_cache *each, const struct slab_usage *usage, void *arg)
{
    if (each == &cache)
        *(struct slab_usage *)arg = *usage;
}

static struct slab_usage usage_now(void)
{
    struct slab_usage usage = {0, 0};

    slab_for_each(find_test_cache, &usage);
    return usage;
}

static void size_is_rounded_and_a_frame_well_used(void **state)
{
    (void)state;
    make_cache();
    assert_int_equal(cache.size, 208);
    assert_int_equal(cache.per_frame, (4096 - 48) / 208);
}

static void emptied_frames_go_back_but_for_one(void **state)
{
    uint64_t before = frames_by_kind(FRAME_SLAB);

    (void)state;
    make_cache();
    for (unsigned i = 0; i < MANY; i++)
        assert_non_null(objects[i] = slab_cache_alloc(&cache));
    uint64_t frames = (MANY + cache.per_frame - 1) / cache.per_frame;
    assert_int_equal(usage_now().used, MANY);
    assert_int_equal(frames_by_kind(FRAME_SLAB), before + frames);
    for (unsigned i = 0; i < MANY; i++)
        slab_cache_free(&cache, objects[i * 7 % MANY]); // every object once: 7 and MANY share no factor
    assert_int_equal(usage_now().used, 0);
    assert_int_equal(frames_by_kind(FRAME_SLAB), before + 1);
    slab_drain();
    assert_int_equal(frames_by_kind(FRAME_SLAB), before);
}

static void the_kept_frame_is_used_first(void **state)
{
    (void)state;
    make_cache();
    slab_cache_free(&cache, slab_cache_alloc(&cache));
    uint64_t before = frames_by_kind(FRAME_SLAB);
    void *object = slab_cache_alloc(&cache);
    assert_int_equal(frames_by_kind(FRAME_SLAB), before);
    slab_cache_free(&cache, object);
}

static void without_memory_the_answer_is_null_and_nothing_is_lost(void **state)
{
    unsigned count = 0;

    (void)state;
    make_cache();
    hoard_take(2);
    while (count < MANY && (objects[count] = slab_cache_alloc(&cache)))
        count++;
    assert_int_equal(count, 2 * cache.per_frame);
    assert_null(slab_zalloc(1000));
    assert_verify_clean();
    while (count > 0)
        slab_cache_free(&cache, objects[--count]);
    hoard_give_back();
}

static void chains_come_from_one_frame_each_and_go_back_together(void **state)
{
    struct slab_chain chain = {NULL, NULL, 0};
    uint64_t before = frames_by_kind(FRAME_SLAB);
    unsigned taken = 0;

    (void)state;
    make_cache();
    while (taken < MANY) {
        uint32_t count = MANY - taken, found = 0;
        void *first = slab_cache_alloc_chain(&cache, &count), *next;
        for (void *object = first; object; object = next, found++) {
            next = *(void **)object;
            assert_int_equal((uintptr_t)object / PAGE_SIZE, (uintptr_t)first / PAGE_SIZE);
            objects[taken++] = object;
            memset(object, 7, 16);
        }
        assert_int_equal(found, count);
    }
    assert_int_equal(usage_now().used, MANY);
    for (unsigned i = 0; i < MANY; i++)
        slab_chain_add(&cache, &chain, objects[i * 77 % MANY]); // frames in turn, so that most chains are short
    slab_cache_free_chain(&cache, &chain);
    assert_int_equal(usage_now().used, 0);
    assert_int_equal(frames_by_kind(FRAME_SLAB), before + 1);
    slab_drain();
}

static void for_each_counts_partial_full_and_kept_frames(void **state)
{
    (void)state;
    make_cache();
    for (unsigned i = 0; i < 3u * cache.per_frame; i++)
        objects[i] = slab_cache_alloc(&cache);
    slab_cache_free(&cache, objects[0]);
    for (unsigned i = 0; i < cache.per_frame; i++)
        slab_cache_free(&cache, objects[cache.per_frame + i]);
    assert_int_equal(usage_now().frames, 3);
    assert_int_equal(usage_now().used, 2u * cache.per_frame - 1);
    for (unsigned i = 1; i < 3u * cache.per_frame; i++)
        if (i < cache.per_frame || i >= 2u * cache.per_frame)
            slab_cache_free(&cache, objects[i]);
}

/* ---- Misuse ---- */

static void free_object(void *object)
{
    slab_free(object);
}

static void a_double_free_panics(void **state)
{
    void *first = slab_alloc(64), *other = slab_alloc(64);

    (void)state;
    slab_free(first);
    assert_panics(free_object, first, "freed twice");
    slab_free(other);
}

static void alloc_64(void *unused)
{
    (void)unused;
    void *object = slab_alloc(64);

    assert_non_null(object);
}

static void a_write_after_free_panics_at_the_next_allocation(void **state)
{
    void *keeps_the_frame = slab_alloc(64);
    uint64_t *object = slab_alloc(64);

    (void)state;
    slab_free(object);
    uint64_t old = object[1];
    object[1] = 5;
    assert_panics(alloc_64, NULL, "was written to after it was freed");
    object[1] = old;
    slab_free(keeps_the_frame);
}

static void a_pointer_that_is_no_object_panics(void **state)
{
    void *frame = kalloc();

    (void)state;
    assert_panics(free_object, frame, "FRAME_SLAB");
    kfree(frame);
}

static void alloc_size(void *size)
{
    void *object = slab_alloc(*(size_t *)size);

    (void)object;
}

static void sizes_out_of_range_panic(void **state)
{
    size_t none = 0, much = SLAB_MAX + 1;

    (void)state;
    assert_panics(alloc_size, &none, "size > 0");
    assert_panics(alloc_size, &much, "SLAB_MAX");
}

/* ---- Kernel stacks ---- */

static void stacks_are_kept_then_given_back(void **state)
{
    void *tops[20];
    uint64_t before = frames_by_kind(FRAME_STACK);

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(tops); i++) {
        assert_non_null(tops[i] = kstack_alloc());
        for (unsigned j = 0; j < i; j++)
            assert_ptr_not_equal(tops[i], tops[j]);
    }
    assert_int_equal(frames_by_kind(FRAME_STACK), before + ARRAY_SIZE(tops) * 2);
    for (unsigned i = 0; i < ARRAY_SIZE(tops); i++)
        kstack_free(tops[i]);
    assert_true(frames_by_kind(FRAME_STACK) > before);
    kstack_drain();
    assert_int_equal(frames_by_kind(FRAME_STACK), before);
}

static void many_stacks_are_unmapped_for_one_interrupt(void **state)
{
    void *tops[40];
    uint64_t before = frames_by_kind(FRAME_STACK);

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(tops); i++)
        assert_non_null(tops[i] = kstack_alloc());
    for (unsigned i = 0; i < ARRAY_SIZE(tops); i++)
        kstack_free(tops[i]);
    for (unsigned cpu = MAX_CPUS; cpu-- > 0;)
        machine_set_cpu(cpu); // all run
    forget_events();
    tops[0] = kstack_alloc();
    assert_events([VM_TLB_FLUSH_PAGE] = MAX_CPUS * 16, [VM_TLB_SHOOTDOWN] = 1);
    assert_int_equal(frames_by_kind(FRAME_STACK), before + 2 * 32);
    for (unsigned i = 1; i < 40; i++)
        assert_non_null(tops[i] = kstack_alloc());
    for (unsigned i = 0; i < ARRAY_SIZE(tops); i++)
        for (unsigned j = 0; j < i; j++)
            assert_ptr_not_equal(tops[i], tops[j]);
    for (unsigned i = 0; i < ARRAY_SIZE(tops); i++)
        kstack_free(tops[i]);
    kstack_drain();
    assert_int_equal(frames_by_kind(FRAME_STACK), before);
}

static void fresh_stacks_interrupt_nobody(void **state)
{
    void *tops[40];

    (void)state;
    kstack_drain();
    machine_set_cpu(1);
    forget_events();
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned i = 0; i < ARRAY_SIZE(tops); i++)
            assert_non_null(tops[i] = kstack_alloc());
        if (round == 0)
            assert_events(0);
        for (unsigned i = 0; i < 12; i++)
            kstack_free(tops[i]);
        for (unsigned i = 0; i < 12; i++)
            assert_non_null(tops[i] = kstack_alloc()); // few came and went: they were kept
        if (round == 0)
            assert_events(0);
        for (unsigned i = 0; i < ARRAY_SIZE(tops); i++)
            kstack_free(tops[i]);
    }
    kstack_drain();
}

static void a_stack_without_memory_takes_nothing(void **state)
{
    (void)state;
    hoard_take(1); // a stack needs two frames
    assert_null(kstack_alloc());
    assert_int_equal(frames_by_kind(FRAME_FREE), 1);
    hoard_give_back();
    void *top = kstack_alloc();
    assert_non_null(top);
    kstack_free(top);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(objects_of_every_size_are_distinct_and_aligned),
        TEST(the_largest_object_fits_twice_in_a_frame),
        TEST(zalloc_zeroes_what_was_used_before),
        TEST(freeing_null_does_nothing),
        TEST(size_is_rounded_and_a_frame_well_used),
        TEST(emptied_frames_go_back_but_for_one),
        TEST(the_kept_frame_is_used_first),
        TEST(without_memory_the_answer_is_null_and_nothing_is_lost),
        TEST(chains_come_from_one_frame_each_and_go_back_together),
        TEST(for_each_counts_partial_full_and_kept_frames),
        TEST(a_double_free_panics),
        TEST(a_write_after_free_panics_at_the_next_allocation),
        TEST(a_pointer_that_is_no_object_panics),
        TEST(sizes_out_of_range_panic),
        TEST(stacks_are_kept_then_given_back),
        TEST(many_stacks_are_unmapped_for_one_interrupt),
        TEST(fresh_stacks_interrupt_nobody),
        TEST(a_stack_without_memory_takes_nothing),
    };

    return RUN_TESTS(tests);
}
