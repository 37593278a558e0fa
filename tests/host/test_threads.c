// SPDX-License-Identifier: MIT
/*
 * test_threads.c - CPUs that really run at once, under the thread sanitizer.
 *
 * Each thread is a CPU. In pages that all of them touch, each has a byte of its own and knows what must be in it: a write
 * that is lost, by whatever the others do meanwhile, is seen at once.
 */
#include "support.h"
#include "swap_device.h"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "mm/clock.h"
#include "mm/huge.h"
#include "mm/kalloc.h"
#include "mm/leaf.h"
#include "mm/magazine.h"
#include "mm/map.h"
#include "mm/slab.h"
#include "mm/tlb.h"

#define CPUS 4
#define PAGES_USED 8
#define VA (UINT64_C(0x600000) - 4 * PAGE_SIZE) // across two leaves
#define ROUNDS 300

static struct vspace *space;
static vaddr_t first_page = VA; // of those that all touch
static _Atomic unsigned failures, working;
static char failure[200];

/* cmocka's assertions are for the main thread. */
#define check(condition)                                                                                \
    do {                                                                                                \
        if (!(condition) && atomic_fetch_add(&failures, 1) == 0)                                        \
            snprintf(failure, sizeof failure, "line %d: %s is false", __LINE__, #condition);            \
    } while (0)


/* ---- Threads as CPUs ---- */

struct job {
    void (*work)(unsigned cpu);
    unsigned cpu;
};

static void *thread_main(void *arg)
{
    struct job *job = arg;

    machine_join_thread(job->cpu);
    job->work(job->cpu);
    machine_load(NULL);
    atomic_fetch_sub(&working, 1);
    return NULL;
}

/* Run work(cpu) on each CPU, and meanwhile `other` on one more until they are done. */
static void run_threads(void (*work)(unsigned cpu), void (*other)(void))
{
    struct job jobs[CPUS];
    pthread_t threads[CPUS];

    machine_load(NULL);
    machine_join_thread(CPUS);
    atomic_store(&working, CPUS);
    for (unsigned i = 0; i < CPUS; i++) {
        jobs[i] = (struct job){work, i};
        assert_int_equal(pthread_create(&threads[i], NULL, thread_main, &jobs[i]), 0);
    }
    while (other && atomic_load(&working) > 0)
        other();
    for (unsigned i = 0; i < CPUS; i++)
        pthread_join(threads[i], NULL);
    machine_set_cpu(0);
    if (atomic_load(&failures))
        fail_msg("%u failures; the first: %s", atomic_load(&failures), failure);
    assert_verify_clean();
}

static vaddr_t byte_of(unsigned page, unsigned cpu)
{
    return first_page + page * PAGE_SIZE + 64 * cpu;
}

static enum fault_outcome touch(vaddr_t va, uint32_t access, uint8_t *value)
{
    return machine_access(space, va, access | PF_U, value, NULL);
}

/* What others change meanwhile must be seen afterwards. */
static void idle_for_a_moment(void)
{
    machine_idle();
    sched_yield();
    machine_load(space);
}

/* Count up in the thread's own byte of each page; what is there must be what was written last. */
static void count_up(unsigned cpu)
{
    uint8_t expected = 0;

    machine_load(space);
    for (unsigned round = 0; round < ROUNDS; round++, expected++) {
        idle_for_a_moment();
        for (unsigned i = 0; i < PAGES_USED; i++) {
            uint8_t value = 0, next = expected + 1;
            check(touch(byte_of(i, cpu), 0, &value) == FAULT_RESOLVED);
            check(value == expected);
            check(touch(byte_of(i, cpu), PF_W, &next) == FAULT_RESOLVED);
        }
    }
}

/* ---- The tests ---- */

static void first_touches_of_one_page_give_one_frame(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 10; i++) {
        space = make_space();
        map_at(space, VA, PAGES_USED, R | W);
        run_threads(count_up, NULL);
        assert_int_equal(frames_by_kind(FRAME_ANON), PAGES_USED);
        end_space(space);
    }
}

/* Children come and go, so frames become shared, and lose their other owner, at any moment. */
static void fork_and_exit(void)
{
    struct vspace *child;

    if (vspace_fork(space, &child) == 0) {
        sched_yield();
        vspace_put(child);
    }
}

static void no_write_is_lost_while_children_come_and_go(void **state)
{
    (void)state;
    space = make_space();
    map_at(space, VA, PAGES_USED, R | W);
    run_threads(count_up, fork_and_exit);
    end_space(space);
}

static void protect_to_and_fro(void)
{
    check(vspace_mprotect(space, VA, PAGES_USED * PAGE_SIZE, R | W | X) == 0);
    check(vspace_mprotect(space, VA + PAGE_SIZE, 2 * PAGE_SIZE, R | W) == 0);
}

static void rights_that_come_and_go_lose_no_write(void **state)
{
    (void)state;
    space = make_space();
    map_at(space, VA, PAGES_USED, R | W);
    run_threads(count_up, protect_to_and_fro);
    end_space(space);
}

/* Touch what may not be there. */
static void touch_anyway(unsigned cpu)
{
    uint8_t value = 1;

    machine_load(space);
    for (unsigned round = 0; round < ROUNDS; round++) {
        idle_for_a_moment();
        for (unsigned i = 0; i < PAGES_USED; i++) {
            enum fault_outcome outcome = touch(byte_of(i, cpu), round & 1 ? PF_W : 0, &value);
            check(outcome == FAULT_RESOLVED || outcome == FAULT_SEGV_MAPERR || outcome == FAULT_SEGV_ACCERR);
            check(outcome != FAULT_RESOLVED || value <= 1);
        }
    }
}

static void map_and_unmap(void)
{
    map_at(space, VA, PAGES_USED, R | W);
    check(vspace_munmap(space, VA + 2 * PAGE_SIZE, 4 * PAGE_SIZE) == 0);
    check(vspace_mprotect(space, VA, PAGE_SIZE, R) == 0);
    check(vspace_munmap(space, VA, PAGES_USED * PAGE_SIZE) == 0);
}

static void unmapping_under_the_feet_of_others_is_safe(void **state)
{
    (void)state;
    space = make_space();
    run_threads(touch_anyway, map_and_unmap);
    end_space(space);
}

static void fork_others(void)
{
    struct vspace *child;
    uint8_t value;

    if (vspace_fork(space, &child))
        return;
    machine_load(child);
    for (unsigned i = 0; i < PAGES_USED; i++) // the child writes, too: whoever is last takes over
        check(machine_access(child, byte_of(i, CPUS), PF_W | PF_U, &value, NULL) == FAULT_RESOLVED);
    machine_load(NULL);
    vspace_put(child);
}

static void children_that_write_do_not_disturb_their_parent(void **state)
{
    (void)state;
    space = make_space();
    map_at(space, VA, PAGES_USED, R | W);
    run_threads(count_up, fork_others);
    end_space(space);
}

static void evict_some(void)
{
    (void)clock_evict(3);
    (void)swap_shrink_cache(2);
}

static void pages_that_leave_and_come_back_lose_no_write(void **state)
{
    (void)state;
    swap_device_add(100, NULL, 0);
    space = make_space();
    map_at(space, VA, PAGES_USED, R | W);
    run_threads(count_up, evict_some);
    end_space(space);
    assert_true(swap_device.pages_written > 0 && swap_device.pages_read > 0);
    swap_device_remove();
}

static void fork_and_evict(void)
{
    struct vspace *child;

    if (vspace_fork(space, &child) == 0) {
        evict_some();
        vspace_put(child);
    }
}

static void shared_pages_that_leave_and_come_back_lose_no_write(void **state)
{
    (void)state;
    swap_device_add(100, NULL, 0);
    space = make_space();
    map_at(space, VA, PAGES_USED, R | W);
    run_threads(count_up, fork_and_evict);
    end_space(space);
    swap_device_remove();
}

static void evict_some_of_files(void)
{
    (void)clock_evict(3);
    (void)page_caches_swap_out(2);
}

static void fork_and_evict_some_of_files(void)
{
    struct vspace *child;

    if (vspace_fork(space, &child) == 0) {
        evict_some_of_files();
        vspace_put(child);
    }
}

static void shared_files_that_leave_and_come_back_lose_no_write(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        swap_device_add(100, NULL, 0);
        space = make_space();
        map_shared_at(space, VA, PAGES_USED, R | W);
        run_threads(count_up, i % 2 ? evict_some_of_files : fork_and_evict_some_of_files);
        end_space(space);
        assert_true(swap_device.pages_written > 0 && swap_device.pages_read > 0);
        assert_int_equal(swap_slots_used(), 0);
        swap_device_remove();
    }
}

static bool never(void)
{
    return false;
}

/* And all of it comes back, and the device goes, and comes again. */
static void evict_and_give_up(void)
{
    evict_some_of_files();
    check(swap_off(&swap_device, never) == 0);
    swap_device_add(100, NULL, 0);
}

static void a_device_that_is_given_up_meanwhile_loses_no_write(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        swap_device_add(100, NULL, 0);
        space = make_space();
        if (i % 2)
            map_shared_at(space, VA, PAGES_USED, R | W);
        else
            map_at(space, VA, PAGES_USED, R | W);
        run_threads(count_up, evict_and_give_up);
        end_space(space);
        swap_device_remove();
    }
}

static void threads_share_a_mapped_file(void **state)
{
    (void)state;
    space = make_space();
    map_shared_at(space, VA, PAGES_USED, R | W);
    run_threads(count_up, NULL);
    assert_int_equal(frames_by_kind(FRAME_FILE), PAGES_USED);
    end_space(space);
}

static void grow_the_stack(unsigned cpu)
{
    uint8_t value = (uint8_t)cpu;

    machine_load(space);
    for (unsigned i = 0; i < 64; i++)
        check(touch(UINT64_C(0x40000000) - (i + 1) * PAGE_SIZE + 64 * cpu, PF_W, &value) == FAULT_RESOLVED);
}

static void a_stack_grows_once_for_all(void **state)
{
    (void)state;
    space = make_space();
    assert_int_equal(vspace_map_stack(space, 0x40000000, PAGE_SIZE, false), 0);
    run_threads(grow_the_stack, NULL);
    assert_regions(space, "3ffc0000+64 rw-");
    assert_int_equal(frames_by_kind(FRAME_ANON), 64);
    end_space(space);
}

/* ---- Huge pages ---- */

#define HUGE_VA UINT64_C(0x800000)

/* Two of them, with the pages that all touch across their border. */
static void begin_huge(void)
{
    huge_policy_set(&(struct huge_policy){.mode = HUGE_ALWAYS});
    space = make_space();
    map_at(space, HUGE_VA, 2 * PTES_PER_NODE, R | W);
    first_page = HUGE_VA + LEAF_SPAN - 4 * PAGE_SIZE;
}

/* A read would map the zero frame: all write at once, and count then. */
static void write_and_count_up(unsigned cpu)
{
    uint8_t zero = 0;

    machine_load(space);
    check(touch(byte_of(0, cpu), PF_W, &zero) == FAULT_RESOLVED);
    check(touch(byte_of(PAGES_USED - 1, cpu), PF_W, &zero) == FAULT_RESOLVED);
    count_up(cpu);
}

static void end_huge(void)
{
    end_space(space);
    first_page = VA;
}

static void first_touches_of_one_huge_page_give_one_run(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 10; i++) {
        begin_huge();
        run_threads(write_and_count_up, NULL);
        assert_int_equal(frames_by_kind(FRAME_HUGE), 2);
        assert_int_equal(frames_by_kind(FRAME_ANON), 2 * PTES_PER_NODE - 2);
        end_huge();
    }
}

static void no_write_to_a_huge_page_is_lost_while_children_come_and_write(void **state)
{
    (void)state;
    begin_huge();
    run_threads(write_and_count_up, fork_others);
    end_huge();
}

/* Take a page out of the first one, which splits it, and all of it but what is in use; what is left comes together no more. */
static void split_and_forget(void)
{
    check(vspace_mprotect(space, HUGE_VA + LEAF_SPAN + 9 * PAGE_SIZE, PAGE_SIZE, R) == 0);
    check(vspace_munmap(space, HUGE_VA + 3 * PAGE_SIZE, PAGE_SIZE) == 0);
    map_at(space, HUGE_VA + 3 * PAGE_SIZE, 1, R | W);
    check(vspace_mprotect(space, HUGE_VA + LEAF_SPAN + 9 * PAGE_SIZE, PAGE_SIZE, R | W) == 0);
    fork_others();
}

static void no_write_to_a_huge_page_is_lost_while_it_is_split(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 5; i++) {
        begin_huge();
        run_threads(write_and_count_up, split_and_forget);
        end_huge();
    }
}

static void no_write_to_a_huge_page_is_lost_while_the_clock_splits_it(void **state)
{
    (void)state;
    swap_device_add(1200, NULL, 0);
    for (unsigned i = 0; i < 4; i++) {
        begin_huge();
        run_threads(write_and_count_up, i % 2 ? evict_some : fork_and_evict);
        end_huge();
    }
    swap_device_remove();
}

static void take_and_give(unsigned cpu)
{
    void *frames[40];

    (void)cpu;
    for (unsigned round = 0; round < 40; round++) {
        for (unsigned i = 0; i < ARRAY_SIZE(frames); i++) {
            frames[i] = kalloc();
            check(frames[i]);
            *(unsigned *)frames[i] = cpu;
        }
        for (unsigned i = 0; i < ARRAY_SIZE(frames); i++) {
            check(*(unsigned *)frames[i] == cpu);
            kfree(frames[i]);
        }
    }
}

static void frames_are_one_cpus_at_a_time(void **state)
{
    (void)state;
    run_threads(take_and_give, kalloc_drain);
}

/* ---- Small objects ---- */

#define OBJECTS 40

static struct slab_cache cache;
static unsigned *_Atomic in_passing[CPUS]; // objects that one CPU has taken and the next gives back

static void take_small(unsigned *objects[OBJECTS], unsigned cpu)
{
    for (unsigned i = 0; i < OBJECTS; i++) {
        objects[i] = slab_cache_alloc(&cache);
        check(objects[i]);
        for (unsigned word = 0; word < 16; word++)
            objects[i][word] = cpu;
    }
}

static void give_small(unsigned *objects[OBJECTS], unsigned cpu)
{
    for (unsigned i = 0; i < OBJECTS; i++) {
        for (unsigned word = 0; word < 16; word++)
            check(objects[i][word] == cpu);
        slab_cache_free(&cache, objects[i]);
    }
}

static void take_and_give_small(unsigned cpu)
{
    unsigned *objects[OBJECTS];

    for (unsigned round = 0; round < 2 * ROUNDS; round++) {
        take_small(objects, cpu);
        unsigned *passed = atomic_exchange(&in_passing[(cpu + 1) % CPUS], objects[0]);
        if (passed)
            slab_cache_free(&cache, passed);
        objects[0] = slab_cache_alloc(&cache);
        for (unsigned word = 0; word < 16; word++)
            objects[0][word] = cpu;
        give_small(objects, cpu);
    }
}

static void take_and_give_chains(unsigned cpu)
{
    struct slab_chain chain = {NULL, NULL, 0};

    if (cpu % 2)
        return take_and_give_small(cpu);
    for (unsigned round = 0; round < 4 * ROUNDS; round++) {
        uint32_t count = 1 + round % 20;
        void *next, *object = slab_cache_alloc_chain(&cache, &count);
        for (; object; object = next) {
            next = *(void **)object;
            memset(object, (int)cpu, 64);
            slab_chain_add(&cache, &chain, object);
        }
        slab_cache_free_chain(&cache, &chain);
    }
}

static void give_what_is_in_passing(void)
{
    for (unsigned cpu = 0; cpu < CPUS; cpu++) {
        unsigned *object = atomic_exchange(&in_passing[cpu], NULL);
        if (object)
            slab_cache_free(&cache, object);
    }
}

static void small_objects_are_one_cpus_at_a_time(void **state)
{
    (void)state;
    run_threads(take_and_give_small, slab_drain);
    give_what_is_in_passing();
}

static void chains_and_single_objects_do_not_meet(void **state)
{
    (void)state;
    run_threads(take_and_give_chains, slab_drain);
    give_what_is_in_passing();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(first_touches_of_one_page_give_one_frame),
        TEST(no_write_is_lost_while_children_come_and_go),
        TEST(rights_that_come_and_go_lose_no_write),
        TEST(unmapping_under_the_feet_of_others_is_safe),
        TEST(children_that_write_do_not_disturb_their_parent),
        TEST(pages_that_leave_and_come_back_lose_no_write),
        TEST(shared_pages_that_leave_and_come_back_lose_no_write),
        TEST(shared_files_that_leave_and_come_back_lose_no_write),
        TEST(a_device_that_is_given_up_meanwhile_loses_no_write),
        TEST(threads_share_a_mapped_file),
        TEST(a_stack_grows_once_for_all),
        TEST(first_touches_of_one_huge_page_give_one_run),
        TEST(no_write_to_a_huge_page_is_lost_while_children_come_and_write),
        TEST(no_write_to_a_huge_page_is_lost_while_it_is_split),
        TEST(no_write_to_a_huge_page_is_lost_while_the_clock_splits_it),
        TEST(frames_are_one_cpus_at_a_time),
        TEST(small_objects_are_one_cpus_at_a_time),
        TEST(chains_and_single_objects_do_not_meet),
    };

    machine_boot();
    slab_cache_init(&cache, "small", 64);
    magazines_start(CPUS);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
