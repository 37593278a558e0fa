// SPDX-License-Identifier: MIT
/* test_watch.c - the control page: faults step by step, verify's moment; and the counts that tell of changes. */
#include "support.h"

#include <pthread.h>

#include "mm/event.h"
#include "mm/map.h"
#include "mm/node.h"
#include "mm/watch.h"
#include "sync/sched.h"

#define BASE 0x100000

static bool ends; // what the running thread is told
static unsigned sleeps;
static void (*during_sleep)(void);

static void identify(struct event_identity *identity)
{
    *identity = (struct event_identity){.pid = 7, .tid = 8, .ip = 9};
}

static bool thread_ends(void)
{
    return ends;
}

/* What happens while the one thread sleeps: time goes on, and the host does something. */
static void sleep_a_while(void)
{
    machine_clock += 20000000;
    sleeps++;
    during_sleep();
    sched_wake(current_kthread());
}

static void host_waits_then_allows_one(void)
{
    if (sleeps == 3)
        atomic_fetch_add(&watch_control->allowed, 1);
}

static void host_ends_stepping(void)
{
    atomic_store(&watch_control->step, 0);
}

static void thread_is_killed(void)
{
    ends = true;
}

static void begin_stepping(void (*host)(void))
{
    sleeps = 0;
    ends = false;
    during_sleep = host;
    machine_on_sleep = sleep_a_while;
    atomic_store(&watch_control->allowed, atomic_load(&watch_control->passed));
    atomic_store(&watch_control->step, 1);
}

static void end_stepping(void)
{
    atomic_store(&watch_control->step, 0);
    machine_on_sleep = NULL;
}

static void the_control_page_says_what_it_is(void **state)
{
    (void)state;
    assert_int_equal(watch_control->magic, WATCH_MAGIC);
    assert_memory_equal(&watch_control->magic, "GurWatch", 8);
    assert_int_equal(watch_control->version, WATCH_VERSION);
    assert_int_equal(watch_control->cpus, 1);
    assert_true(events_on());
}

static void a_fault_is_told_and_waits_until_it_is_let_on(void **state)
{
    struct vspace *space = make_space();

    (void)state;
    map_at(space, BASE, 1, R | W);
    begin_stepping(host_waits_then_allows_one);
    uint64_t passed = atomic_load(&watch_control->passed), faults = vm_total(VM_PGFAULT);
    poke(space, BASE + 5, 1);
    assert_int_equal(sleeps, 3);
    assert_int_equal(atomic_load(&watch_control->passed), passed + 1);
    assert_int_equal(vm_total(VM_PGFAULT), faults + 1);
    assert_int_equal(watch_control->held.waiting, 0);
    assert_int_equal(watch_control->held.address, BASE + 5);
    assert_int_equal(watch_control->held.code, PF_W | PF_U);
    assert_int_equal(watch_control->held.pid, 7);
    assert_int_equal(watch_control->held.tid, 8);
    assert_int_equal(watch_control->held.ip, 9);
    assert_int_equal(atomic_load(&watch_control->held.sequence) % 2, 0);
    end_stepping();
    end_space(space);
}

static void host_sees_who_waits(void)
{
    assert_int_equal(watch_control->held.waiting, 1);
    assert_int_equal(watch_control->held.address, BASE + 3 * PAGE_SIZE);
    atomic_fetch_add(&watch_control->allowed, 1);
}

static void as_many_faults_go_on_as_are_allowed(void **state)
{
    struct vspace *space = make_space();

    (void)state;
    map_at(space, BASE, 4, R | W);
    begin_stepping(host_sees_who_waits);
    atomic_fetch_add(&watch_control->allowed, 3);
    for (unsigned i = 0; i < 3; i++)
        poke(space, BASE + i * PAGE_SIZE, 1);
    assert_int_equal(sleeps, 0);
    poke(space, BASE + 3 * PAGE_SIZE, 1);
    assert_int_equal(sleeps, 1);
    end_stepping();
    end_space(space);
}

static void all_go_on_when_stepping_ends(void **state)
{
    struct vspace *space = make_space();

    (void)state;
    map_at(space, BASE, 1, R | W);
    begin_stepping(host_ends_stepping);
    uint64_t passed = atomic_load(&watch_control->passed);
    poke(space, BASE, 1);
    assert_int_equal(sleeps, 1);
    assert_int_equal(atomic_load(&watch_control->passed), passed);
    end_stepping();
    end_space(space);
}

static void a_thread_that_is_to_end_waits_for_nobody(void **state)
{
    struct vspace *space = make_space();

    (void)state;
    map_at(space, BASE, 2, R | W);
    begin_stepping(thread_is_killed);
    uint64_t passed = atomic_load(&watch_control->passed);
    poke(space, BASE, 1);
    assert_int_equal(sleeps, 1);
    poke(space, BASE + PAGE_SIZE, 1);
    assert_int_equal(sleeps, 1);
    assert_int_equal(atomic_load(&watch_control->passed), passed);
    end_stepping();
    end_space(space);
}

/* ---- Verify's moment ---- */

static struct core_map_entry *looked_at; // by the host
static uint32_t found;

static void *host_looks(void *unused)
{
    uint64_t moment;

    (void)unused;
    do
        moment = atomic_load(&watch_control->moment);
    while (moment % 2 == 0);
    found = frame_recount(looked_at);
    atomic_store(&watch_control->moment_seen, moment);
    return NULL;
}

static void verify_waits_for_the_host_when_all_is_recounted(void **state)
{
    struct vspace *space = make_space();
    pthread_t host;

    (void)state;
    map_at(space, BASE, 1, R | W);
    poke(space, BASE, 1);
    looked_at = frame_of(space, BASE);
    struct vspace *child = fork_space(space);
    poke(child, BASE + 1, 1); // its leaf is its own now
    uint64_t moment = atomic_load(&watch_control->moment);
    atomic_store(&watch_control->hold_verify, 1);
    machine_join_thread(0);
    assert_int_equal(pthread_create(&host, NULL, host_looks, NULL), 0);
    assert_verify_clean();
    pthread_join(host, NULL);
    atomic_store(&watch_control->hold_verify, 0);
    assert_int_equal(found, frame_refs(looked_at));
    assert_int_equal(atomic_load(&watch_control->moment), moment + 2);
    end_space(child);
    end_space(space);
}

/* ---- Counts ---- */

static void a_fault_changes_its_leafs_count_and_not_the_spaces(void **state)
{
    struct vspace *space = make_space();

    (void)state;
    map_at(space, BASE, 2, R | W);
    poke(space, BASE, 1);
    struct core_map_entry *leaf = node_find_leaf(space, BASE);
    uint32_t changes = space->lock.changes;
    uint16_t count = atomic_load(&leaf->lock);
    assert_int_equal(changes % 2, 0);
    assert_int_equal(count % 2, 0);
    poke(space, BASE + PAGE_SIZE, 1);
    assert_int_equal(atomic_load(&leaf->lock), count + 2);
    assert_int_equal(space->lock.changes, changes);
    node_lock(leaf);
    assert_int_equal(atomic_load(&leaf->lock), count + 3);
    node_unlock(leaf);
    end_space(space);
}

static void changes_of_regions_and_fork_change_a_spaces_count(void **state)
{
    struct vspace *space = make_space();

    (void)state;
    uint32_t before = space->lock.changes;
    map_at(space, BASE, 1, R | W);
    assert_int_equal(space->lock.changes, before + 2);
    struct vspace *child = fork_space(space);
    assert_int_equal(space->lock.changes, before + 4);
    assert_int_equal(child->lock.changes % 2, 0);
    rwlock_write_lock(&space->lock);
    assert_int_equal(space->lock.changes, before + 5);
    rwlock_write_unlock(&space->lock);
    end_space(child);
    end_space(space);
}

static void a_space_has_a_number_that_no_other_had(void **state)
{
    struct vspace *first = make_space(), *second = make_space();
    uint32_t number = second->number, changes = vspaces_changes;

    (void)state;
    assert_true(first->number != 0 && number > first->number);
    end_space(second);
    assert_int_equal(vspaces_changes, changes + 2);
    second = make_space();
    assert_true(second->number > number);
    end_space(second);
    end_space(first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_control_page_says_what_it_is),
        TEST(a_fault_is_told_and_waits_until_it_is_let_on),
        TEST(as_many_faults_go_on_as_are_allowed),
        TEST(all_go_on_when_stepping_ends),
        TEST(a_thread_that_is_to_end_waits_for_nobody),
        TEST(a_fault_changes_its_leafs_count_and_not_the_spaces),
        TEST(changes_of_regions_and_fork_change_a_spaces_count),
        TEST(a_space_has_a_number_that_no_other_had),
        TEST(verify_waits_for_the_host_when_all_is_recounted), // the last: from here on there are threads
    };

    machine_boot();
    events_set_identify(identify);
    watch_set_stop(thread_ends);
    watch_start(PAGE_SIZE, 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
