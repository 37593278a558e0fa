// SPDX-License-Identifier: MIT
/*
 * test_block.c - the queue of a disk, over a device in memory that does what it has been given when the test says so.
 */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dev/block.h"
#include "lib/errno.h"
#include "machine.h"

#define DISK_SIZE (1u << 20)
#define ROOM      3 // chains that the device takes at a time

/* The device.    `at_once`: it is done with a chain when the thread that waits sleeps */
static struct {
    struct block_device block;
    uint8_t data[DISK_SIZE];
    struct block_request *taken[ROOM];
    unsigned count, kicks, resets, flushes;
    int error;                // of the next chain that it does
    bool nonsense, no_reset;
} disk;

static struct block_device partition;
static bool registered;

static bool start(struct block_device *device, struct block_request *chain)
{
    assert_ptr_equal(device, &disk.block);
    if (disk.count == ROOM)
        return false;
    disk.taken[disk.count++] = chain;
    return true;
}

static void kick(struct block_device *device)
{
    (void)device;
    disk.kicks++;
}

static void move(const struct block_request *request)
{
    uint64_t at = request->position;

    for (unsigned i = 0; i < request->count; i++) {
        const struct block_segment *segment = &request->segments[i];

        assert_in_range(at + segment->size, 1, DISK_SIZE);
        if (request->operation == BLOCK_READ)
            memcpy(segment->data, disk.data + at, segment->size);
        else
            memcpy(disk.data + at, segment->data, segment->size);
        at += segment->size;
    }
}

/* The requests of a chain follow each other, and are no more than it says. */
static void do_chain(struct block_request *chain)
{
    uint64_t at = chain->position;
    unsigned count = 0;

    for (struct block_request *request = chain; request; request = request->next) {
        assert_int_equal(request->operation, chain->operation);
        assert_int_equal(request->position, at);
        at = request->end;
        count += request->count;
        move(request);
    }
    assert_int_equal(at, chain->chain_end);
    assert_int_equal(count, chain->chain_count);
    disk.flushes += chain->operation == BLOCK_FLUSH;
}

static bool collect(struct block_device *device)
{
    if (disk.nonsense)
        return false;
    for (unsigned i = 0; i < disk.count; i++) {
        if (disk.error == 0)
            do_chain(disk.taken[i]);
        block_finish(device, disk.taken[i], disk.error);
    }
    disk.count = 0;
    disk.error = 0;
    return true;
}

static int reset(struct block_device *device)
{
    (void)device;
    disk.resets++;
    disk.count = 0;
    return disk.no_reset ? -EIO : 0;
}

static const struct block_ops ops = {.start = start, .kick = kick, .collect = collect, .reset = reset};

static void answer(void)
{
    block_interrupt(&disk.block);
}

/* Devices stay for ever: the same one, as new, for each test. */
static int begin(void **state)
{
    if (!registered) {
        disk.block = (struct block_device){.name = "vda", .number = device_make(254, 0), .size = DISK_SIZE,
                                           .block_size = 512, .max_segments = 20, .has_cache = true, .ops = &ops};
        block_register(&disk.block);
        partition = (struct block_device){.number = device_make(254, 1), .start = 65536, .size = 8192};
        block_register_partition(&partition, &disk.block, 1);
        registered = true;
    }
    disk.count = disk.kicks = disk.resets = disk.flushes = 0;
    disk.error = 0;
    disk.nonsense = disk.no_reset = false;
    disk.block.dead = disk.block.read_only = partition.read_only = false;
    disk.block.has_cache = true;
    for (unsigned i = 0; i < DISK_SIZE; i++)
        disk.data[i] = (uint8_t)(i / 512 + i);
    machine_on_sleep = answer;
    return support_begin(state);
}

static int end(void **state)
{
    assert_int_equal(disk.block.in_flight, 0);
    assert_int_equal(partition.in_flight, 0);
    machine_on_sleep = NULL;
    return support_end(state);
}

#define BLOCK_TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

/* A request with memory of its own that notes how it ended. */
struct noted {
    struct block_request request;
    struct block_segment segment;
    uint8_t data[4096];
    int told, error;
};

static void note(struct block_request *request, int error)
{
    struct noted *noted = container_of(request, struct noted, request);

    assert_false(host_cpu.irq_off); // no lock of the disk is held
    noted->told++;
    noted->error = error;
}

static void ask(struct noted *noted, enum block_operation operation, uint64_t offset, size_t size)
{
    noted->told = noted->error = 0;
    noted->segment = (struct block_segment){noted->data, size};
    noted->request = (struct block_request){.operation = operation, .count = operation != BLOCK_FLUSH,
                                            .segments = &noted->segment, .offset = offset, .done = note};
}

static void submit(struct noted *noted, enum block_operation operation, uint64_t offset, size_t size)
{
    ask(noted, operation, offset, size);
    block_submit(&disk.block, &noted->request);
}

static struct noted *make_noted(unsigned count)
{
    struct noted *noted = calloc(count, sizeof *noted);

    assert_non_null(noted);
    return noted;
}

/* ---- */

static void what_is_written_is_read(void **state)
{
    static uint8_t out[8192], in[8192];

    (void)state;
    memset(out, 0x5a, sizeof out);
    assert_int_equal(block_write(&disk.block, 4096, out, sizeof out), 0);
    assert_int_equal(block_read(&disk.block, 4096, in, sizeof in), 0);
    assert_memory_equal(in, out, sizeof in);
    assert_int_equal(block_flush(&disk.block), 0);
    assert_int_equal(disk.flushes, 1);
}

static void what_no_disk_can_do_is_refused(void **state)
{
    static uint8_t data[2048];

    (void)state;
    assert_int_equal(block_read(&disk.block, 100, data, 512), -EINVAL);
    assert_int_equal(block_read(&disk.block, 0, data, 100), -EINVAL);
    assert_int_equal(block_read(&disk.block, 0, data, 0), -EINVAL);
    assert_int_equal(block_read(&disk.block, DISK_SIZE - 512, data, 1024), -EINVAL);
    assert_int_equal(block_read(&disk.block, UINT64_MAX - 511, data, 1024), -EINVAL);
    disk.block.read_only = true;
    assert_int_equal(block_write(&disk.block, 0, data, 512), -EROFS);
    assert_int_equal(block_read(&disk.block, 0, data, 512), 0);
}

static void a_disk_without_a_cache_is_not_asked_to_flush(void **state)
{
    (void)state;
    disk.block.has_cache = false;
    assert_int_equal(block_flush(&disk.block), 0);
    assert_int_equal(disk.kicks, 0);
}

static void several_are_under_way_and_the_rest_waits(void **state)
{
    struct noted *noted = make_noted(5);

    (void)state;
    for (unsigned i = 0; i < 5; i++)
        submit(&noted[i], BLOCK_READ, i * 8192, 512);
    assert_int_equal(disk.count, ROOM);
    assert_int_equal(noted[0].told, 0);
    answer();
    assert_int_equal(noted[0].told + noted[1].told + noted[2].told, 3);
    assert_int_equal(disk.count, 2);
    answer();
    for (unsigned i = 0; i < 5; i++) {
        assert_int_equal(noted[i].told, 1);
        assert_int_equal(noted[i].error, 0);
        assert_memory_equal(noted[i].data, disk.data + i * 8192, 512);
    }
    free(noted);
}

static void neighbours_that_wait_become_one(void **state)
{
    static const unsigned order[] = {0, 2, 4, 11, 10, 12, 9, 20}; // the first three fill the device
    struct noted *noted = make_noted(8);
    uint64_t merged = disk.block.counters[BLOCK_READ].merged;

    (void)state;
    for (unsigned i = 0; i < 8; i++)
        submit(&noted[i], BLOCK_READ, order[i] * 4096, 4096);
    answer();
    assert_int_equal(disk.count, 2); // 9 .. 12, and 20
    assert_int_equal(disk.taken[0]->position, 9 * 4096);
    assert_int_equal(disk.taken[0]->chain_end, 13 * 4096);
    assert_int_equal(disk.taken[0]->chain_count, 4);
    answer();
    for (unsigned i = 0; i < 8; i++) {
        assert_int_equal(noted[i].told, 1);
        assert_memory_equal(noted[i].data, disk.data + order[i] * 4096, 4096);
    }
    assert_int_equal(disk.block.counters[BLOCK_READ].merged - merged, 3);
    free(noted);
}

static void those_submitted_together_become_one(void **state)
{
    struct noted *noted = make_noted(4);

    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        ask(&noted[i], BLOCK_WRITE, 4096 * i, 4096);
        memset(noted[i].data, (int)i + 1, 4096);
        noted[i].request.next = i < 3 ? &noted[i + 1].request : NULL;
    }
    block_submit(&disk.block, &noted[0].request);
    assert_int_equal(disk.count, 1);
    assert_int_equal(disk.kicks, 1);
    answer();
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(noted[i].told, 1);
        assert_int_equal(disk.data[4096 * i + 4095], i + 1);
    }
    free(noted);
}

static void reads_and_writes_do_not_mix_and_chains_end(void **state)
{
    struct noted *noted = make_noted(26);

    (void)state;
    for (unsigned i = 0; i < 26; i++) {
        ask(&noted[i], i == 25 ? BLOCK_WRITE : BLOCK_READ, 4096 * i, 4096);
        noted[i].request.next = i < 25 ? &noted[i + 1].request : NULL;
    }
    memset(noted[25].data, 7, 4096);
    block_submit(&disk.block, &noted[0].request);
    assert_int_equal(disk.count, 3); // twenty segments, five, and the write
    assert_int_equal(disk.taken[0]->chain_count, 20);
    assert_int_equal(disk.taken[1]->chain_count, 5);
    answer();
    for (unsigned i = 0; i < 26; i++)
        assert_int_equal(noted[i].told, 1);
    free(noted);
}

static void a_partition_is_a_part(void **state)
{
    static uint8_t data[8192];

    (void)state;
    assert_string_equal(partition.name, "vda1");
    assert_ptr_equal(block_find(device_make(254, 1)), &partition);
    assert_null(block_find(device_make(254, 2)));
    assert_ptr_equal(block_next(NULL), &disk.block);
    assert_ptr_equal(block_next(&disk.block), &partition);
    assert_null(block_next(&partition));
    assert_int_equal(block_read(&partition, 512, data, 512), 0);
    assert_memory_equal(data, disk.data + 65536 + 512, 512);
    assert_int_equal(block_read(&partition, 0, data, 8192), 0);
    assert_int_equal(block_read(&partition, 512, data, 8192), -EINVAL);
}

static void errors_reach_each_of_a_chain(void **state)
{
    struct noted *noted = make_noted(2);
    static uint8_t data[512];

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        ask(&noted[i], BLOCK_WRITE, 4096 * i, 4096);
        noted[i].request.next = i < 1 ? &noted[i + 1].request : NULL;
    }
    disk.error = -EIO;
    block_submit(&disk.block, &noted[0].request);
    answer();
    assert_int_equal(noted[0].error, -EIO);
    assert_int_equal(noted[1].error, -EIO);
    disk.error = -EOPNOTSUPP;
    assert_int_equal(block_flush(&disk.block), -EOPNOTSUPP);
    assert_int_equal(block_read(&disk.block, 0, data, 512), 0);
    free(noted);
}

static void look_at_the_clock(void)
{
    assert_true(disk.block.timer.pending);
    disk.block.timer.pending = false;
    machine_clock = disk.block.timer.deadline_ns;
    disk.block.timer.fn(&disk.block.timer);
}

/* What it had fails; what waited has its turn. */
static void a_silent_device_is_reset(void **state)
{
    struct noted *noted = make_noted(5);

    (void)state;
    for (unsigned i = 0; i < 5; i++)
        submit(&noted[i], BLOCK_READ, i * 8192, 512);
    disk.nonsense = false;
    disk.count = 0; // it forgets them by itself
    look_at_the_clock();
    assert_int_equal(disk.resets, 1);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(noted[i].error, -EIO);
    assert_int_equal(noted[3].told, 0);
    answer();
    assert_int_equal(noted[3].told, 1);
    assert_int_equal(noted[3].error, 0);
    assert_int_equal(noted[4].error, 0);
    free(noted);
}

static void an_interrupt_that_was_lost_is_made_up_for(void **state)
{
    struct noted *noted = make_noted(1);

    (void)state;
    submit(&noted[0], BLOCK_READ, 0, 512);
    look_at_the_clock();
    assert_int_equal(noted[0].told, 1);
    assert_int_equal(noted[0].error, 0);
    assert_int_equal(disk.resets, 0);
    free(noted);
}

static void a_device_that_talks_nonsense_is_reset_and_may_be_given_up(void **state)
{
    struct noted *noted = make_noted(5);
    static uint8_t data[512];

    (void)state;
    for (unsigned i = 0; i < 5; i++)
        submit(&noted[i], BLOCK_READ, i * 8192, 512);
    disk.nonsense = disk.no_reset = true;
    answer();
    for (unsigned i = 0; i < 5; i++) {
        assert_int_equal(noted[i].told, 1);
        assert_int_equal(noted[i].error, -EIO);
    }
    assert_int_equal(block_read(&disk.block, 0, data, 512), -EIO);
    assert_int_equal(disk.resets, 1);
    free(noted);
}

static void counters_tell_what_was_done(void **state)
{
    struct block_stat before, after;
    static uint8_t data[4096];

    (void)state;
    block_stat(&disk.block, &before);
    assert_int_equal(block_read(&disk.block, 0, data, 4096), 0);
    assert_int_equal(block_write(&partition, 0, data, 512), 0);
    block_stat(&disk.block, &after);
    assert_int_equal(after.counters[BLOCK_READ].requests - before.counters[BLOCK_READ].requests, 1);
    assert_int_equal(after.counters[BLOCK_READ].sectors - before.counters[BLOCK_READ].sectors, 8);
    assert_int_equal(after.counters[BLOCK_WRITE].sectors - before.counters[BLOCK_WRITE].sectors, 1);
    block_stat(&partition, &after);
    assert_int_equal(after.counters[BLOCK_WRITE].sectors, 1);
    assert_int_equal(after.in_flight, 0);
}

static void a_disk_is_for_one_as_are_its_partitions(void **state)
{
    (void)state;
    assert_true(block_claim(&partition));
    assert_false(block_claim(&partition));
    assert_false(block_claim(&disk.block));
    block_unclaim(&partition);
    assert_true(block_claim(&disk.block));
    assert_false(block_claim(&disk.block));
    assert_false(block_claim(&partition));
    block_unclaim(&disk.block);
    assert_true(block_claim(&partition));
    block_unclaim(&partition);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BLOCK_TEST(counters_tell_what_was_done),
        BLOCK_TEST(what_is_written_is_read),
        BLOCK_TEST(what_no_disk_can_do_is_refused),
        BLOCK_TEST(a_disk_without_a_cache_is_not_asked_to_flush),
        BLOCK_TEST(several_are_under_way_and_the_rest_waits),
        BLOCK_TEST(neighbours_that_wait_become_one),
        BLOCK_TEST(those_submitted_together_become_one),
        BLOCK_TEST(reads_and_writes_do_not_mix_and_chains_end),
        BLOCK_TEST(a_partition_is_a_part),
        BLOCK_TEST(a_disk_is_for_one_as_are_its_partitions),
        BLOCK_TEST(errors_reach_each_of_a_chain),
        BLOCK_TEST(a_silent_device_is_reset),
        BLOCK_TEST(an_interrupt_that_was_lost_is_made_up_for),
        BLOCK_TEST(a_device_that_talks_nonsense_is_reset_and_may_be_given_up),
    };

    return RUN_TESTS(tests);
}
