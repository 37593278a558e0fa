// SPDX-License-Identifier: MIT
/*
 * test_ring.c - a virtqueue, with a device that plays by the rules, and one that does not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "dev/virtio/ring.c"

static struct virtio_ring ring;
static struct ring_state state;
static uint16_t taken; // offered entries that the device has taken

static int setup(void **unused)
{
    (void)unused;
    ring_init(&state, &ring);
    taken = 0;
    return 0;
}

/* A list of `count` descriptors, each with its place as size. => the first */
static uint16_t offer(unsigned count)
{
    uint16_t head = state.free;

    for (unsigned i = 0; i < count; i++)
        assert_true(ring_add(&state, 0x1000 * i, i, i + 1 < count ? RING_NEXT : 0) < RING_SIZE);
    ring_offer(&state, head);
    return head;
}

/* The device walks the next list that it is offered, and gives it back. => its length */
static unsigned use_next(void)
{
    assert_int_not_equal(taken, ring.offered_index);
    uint16_t head = ring.offered[taken++ % RING_SIZE];
    unsigned at = head, count = 1;

    for (; ring.descriptors[at].flags & RING_NEXT; count++) {
        assert_int_equal(ring.descriptors[at].size, count - 1);
        at = ring.descriptors[at].next;
        assert_in_range(count, 1, RING_SIZE);
    }
    ring.used[ring.used_index++ % RING_SIZE].head = head;
    return count;
}

static void what_is_offered_is_used_and_free_again(void **unused)
{
    (void)unused;
    uint16_t head = offer(5);

    assert_int_equal(state.free_count, RING_SIZE - 5);
    assert_int_equal(ring_take_used(&state), -EAGAIN);
    assert_int_equal(use_next(), 5);
    assert_int_equal(ring_take_used(&state), head);
    ring_free(&state, head);
    assert_int_equal(state.free_count, RING_SIZE);
    assert_int_equal(ring_take_used(&state), -EAGAIN);
}

/* In any order, for longer than the indices count: no descriptor is lost, none is in two lists. */
static void no_descriptor_is_ever_lost(void **unused)
{
    unsigned lengths[RING_SIZE] = {0}, used = 0;

    (void)unused;
    srand(1);
    for (unsigned step = 0; step < 300000; step++) {
        unsigned count = 1 + (unsigned)rand() % 20;
        int head;

        if (count <= state.free_count && rand() % 2) {
            uint16_t first = offer(count);

            assert_int_equal(lengths[first], 0);
            lengths[first] = count;
            used += count;
        } else if (taken != ring.offered_index) {
            use_next();
        }
        while (rand() % 2 && (head = ring_take_used(&state)) >= 0) {
            assert_int_not_equal(lengths[head], 0);
            used -= lengths[head];
            lengths[head] = 0;
            ring_free(&state, (uint16_t)head);
        }
        assert_int_equal(state.free_count, RING_SIZE - used);
    }
}

static void nonsense_is_found_out(void **unused)
{
    (void)unused;
    offer(3);
    ring.used_index = RING_SIZE + 1;
    assert_int_equal(ring_take_used(&state), -EPROTO);
    ring.used_index = 0xffff;
    assert_int_equal(ring_take_used(&state), -EPROTO);
    ring.used_index = 1;
    ring.used[0].head = RING_SIZE;
    assert_int_equal(ring_take_used(&state), -EPROTO);
    ring.used[0].head = UINT32_MAX;
    assert_int_equal(ring_take_used(&state), -EPROTO);
}

/* Its links are in memory that the device can write to: a walk along them ends, and stays within. */
static void links_that_the_device_has_changed_end(void **unused)
{
    (void)unused;
    uint16_t head = offer(3);

    ring.descriptors[head].next = head;
    ring_free(&state, head);
    ring.descriptors[head].next = 0xffff;
    ring.descriptors[head].flags = RING_NEXT;
    ring_free(&state, head);
    assert_true(state.free < RING_SIZE);
}

static void the_device_may_not_want_to_be_told(void **unused)
{
    (void)unused;
    assert_true(ring_wants_notice(&state));
    ring.used_flags = 1;
    assert_false(ring_wants_notice(&state));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(what_is_offered_is_used_and_free_again, setup),
        cmocka_unit_test_setup(no_descriptor_is_ever_lost, setup),
        cmocka_unit_test_setup(nonsense_is_found_out, setup),
        cmocka_unit_test_setup(links_that_the_device_has_changed_end, setup),
        cmocka_unit_test_setup(the_device_may_not_want_to_be_told, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
