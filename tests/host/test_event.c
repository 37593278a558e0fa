// SPDX-License-Identifier: MIT
/* test_event.c - the rings of events: what is read is whole, in order, and what is lost can be counted. */
#include "support.h"

#include <pthread.h>

#include "mm/event.h"

#define RECORDS (PAGE_SIZE / sizeof(struct event)) // of the smallest ring

static void record(uint64_t extra)
{
    event_frame(EVENT_FORK, 0, extra);
}

static void identify(struct event_identity *identity)
{
    *identity = (struct event_identity){.pid = 7, .tid = 8, .ip = 9};
}

static void nothing_is_recorded_while_nobody_watches(void **state)
{
    (void)state;
    record(1);
    assert_false(events_on());
    assert_null(atomic_load(&event_rings[0].records));
}

static void records_are_read_as_they_were_written(void **state)
{
    struct event event;

    (void)state;
    events_set_identify(identify);
    assert_int_equal(events_start(PAGE_SIZE, 2), 0);
    event_range(EVENT_MAP, 0x10000, 3 * PAGE_SIZE, R | W);
    machine_set_cpu(1);
    record(5);
    machine_set_cpu(0);
    assert_true(event_read(0, 0, &event));
    assert_int_equal(event.type, EVENT_MAP);
    assert_int_equal(event.address, 0x10000);
    assert_int_equal(event.extra, 3);
    assert_int_equal(event.code, R | W);
    assert_int_equal(event.pid, 7);
    assert_int_equal(event.tid, 8);
    assert_int_equal(event.ip, 9);
    uint64_t time = event.time;
    assert_true(event_read(1, 0, &event));
    assert_int_equal(event.cpu, 1);
    assert_int_equal(event.extra, 5);
    assert_true(event.time > time);
    assert_false(event_read(0, 1, &event));
    events_stop();
    events_set_identify(NULL);
}

static void a_record_that_is_overwritten_is_not_read(void **state)
{
    struct event event;

    (void)state;
    assert_int_equal(events_start(PAGE_SIZE, 1), 0);
    for (unsigned i = 0; i < RECORDS + 5; i++)
        record(i);
    assert_int_equal(event_next(0), RECORDS + 5);
    assert_int_equal(event_oldest(0), 5);
    for (unsigned i = 0; i < RECORDS + 5; i++) {
        assert_int_equal(event_read(0, i, &event), i >= 5);
        if (i >= 5)
            assert_int_equal(event.extra, i);
    }
    events_stop();
}

static void a_record_that_is_being_written_is_not_read(void **state)
{
    struct event event;

    (void)state;
    assert_int_equal(events_start(PAGE_SIZE, 1), 0);
    record(1);
    struct event *first = atomic_load(&event_rings[0].records);
    atomic_store(&first->sequence, 0);
    assert_false(event_read(0, 0, &event));
    atomic_store(&first->sequence, 1);
    assert_true(event_read(0, 0, &event));
    events_stop();
}

static void rings_stay_until_the_last_one_ends(void **state)
{
    struct event event;

    (void)state;
    assert_int_equal(events_start(PAGE_SIZE, 1), 0);
    record(1);
    assert_int_equal(events_start(4 * PAGE_SIZE, 1), 0);
    events_stop();
    assert_true(events_on());
    assert_true(event_read(0, 0, &event));
    events_stop();
    assert_false(events_on());
    assert_false(event_read(0, 0, &event));
}

static void rings_are_smaller_when_memory_is_short(void **state)
{
    (void)state;
    hoard_take(3);
    assert_int_equal(events_start(EVENT_RING_BYTES, 2), 0);
    assert_int_equal(atomic_load(&event_rings[0].mask) + 1, RECORDS);
    assert_non_null(atomic_load(&event_rings[1].records));
    events_stop();
    hoard_give_back();
}

static void without_memory_nobody_watches(void **state)
{
    (void)state;
    hoard_take(1);
    assert_int_equal(events_start(EVENT_RING_BYTES, 2), -12);
    assert_false(events_on());
    hoard_give_back();
    assert_int_equal(events_start(PAGE_SIZE, 2), 0);
    events_stop();
}

static void a_fault_is_recorded_with_what_came_of_it(void **state)
{
    struct vspace *space = make_space();
    struct event event;

    (void)state;
    map_at(space, 0x100000, 9, R | W);
    assert_int_equal(events_start(PAGE_SIZE, 1), 0);
    poke(space, 0x100123, 1);
    assert_int_equal(try_fetch(space, 0x100000), FAULT_SEGV_ACCERR);
    for (unsigned page = 1; page < 5; page++)
        poke(space, 0x100000 + page * PAGE_SIZE, 1);
    assert_true(event_read(0, 0, &event));
    assert_int_equal(event.type, EVENT_FAULT);
    assert_int_equal(event.address, 0x100123);
    assert_int_equal(event.code, PF_W | PF_U);
    assert_int_equal(event.cause, CAUSE_ANONYMOUS_WRITE);
    assert_int_equal(event.outcome, FAULT_RESOLVED);
    assert_int_equal(event.frame, page2pfn(frame_of(space, 0x100000)));
    assert_true(event.cost > 0);
    assert_true(event_read(0, 1, &event));
    assert_int_equal(event.cause, CAUSE_NO_EXECUTE);
    assert_int_equal(event.outcome, FAULT_SEGV_ACCERR);
    assert_int_equal(event.frame, 0);
    assert_true(event_read(0, 4, &event));
    assert_int_equal(event.extra, 0);
    assert_true(event_read(0, 5, &event));
    assert_int_equal(event.address, 0x104000);
    assert_int_equal(event.extra, 3); // pages filled behind it
    events_stop();
    end_space(space);
}

/* ---- Two CPUs ---- */

#define WRITTEN 5000000

static void *write_many(void *unused)
{
    (void)unused;
    machine_join_thread(1);
    for (uint64_t i = 0; i < WRITTEN; i++) {
        struct event event = {.type = EVENT_MAP, .address = i, .extra = i, .frame = (uint32_t)i, .cost = (uint32_t)i};
        event_record(&event);
    }
    return NULL;
}

static void a_reader_on_another_cpu_never_sees_half_a_record(void **state)
{
    uint64_t seen = 0, number = 0;
    struct event event;
    pthread_t writer;

    (void)state;
    assert_int_equal(events_start(PAGE_SIZE, 2), 0);
    machine_join_thread(0);
    assert_int_equal(pthread_create(&writer, NULL, write_many, NULL), 0);
    while (number < WRITTEN) {
        number = MAX(number, event_oldest(1)); // where the writer is at work
        if (!event_read(1, number, &event))
            continue;
        assert_true(event.address == number && event.extra == number && event.frame == number && event.cost == number);
        seen++;
        number++;
    }
    pthread_join(writer, NULL);
    assert_true(seen >= RECORDS);
    events_stop();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(nothing_is_recorded_while_nobody_watches),
        TEST(records_are_read_as_they_were_written),
        TEST(a_record_that_is_overwritten_is_not_read),
        TEST(a_record_that_is_being_written_is_not_read),
        TEST(rings_stay_until_the_last_one_ends),
        TEST(rings_are_smaller_when_memory_is_short),
        TEST(without_memory_nobody_watches),
        TEST(a_fault_is_recorded_with_what_came_of_it),
        TEST(a_reader_on_another_cpu_never_sees_half_a_record), // the last: from here on there are threads
    };

    return RUN_TESTS(tests);
}
