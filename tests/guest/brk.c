// SPDX-License-Identifier: MIT
/*
 * brk.c - the heap's end is exact to the byte, and moves both ways.
 *
 * The raw call: it returns the new end, or the old one if it refuses.
 */
#include "touch.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

static unsigned char *base;

static unsigned char *brk_to(unsigned char *end)
{
    return (unsigned char *)syscall(SYS_brk, end);
}

/* The end, on a page border, with nothing of ours beyond it. */
static unsigned char *page_aligned_start(void)
{
    return (unsigned char *)(((uintptr_t)base + PAGE - 1) & ~(PAGE - 1));
}

static bool brk_of_zero_tells_the_end(void)
{
    CHECK(brk_to(NULL) == base);
    CHECK(brk_to(NULL) == base);
    return true;
}

static bool brk_is_exact_to_the_byte(void)
{
    CHECK(brk_to(base + 1) == base + 1);
    CHECK(brk_to(NULL) == base + 1);
    CHECK(brk_to(base + 12345) == base + 12345);
    CHECK(brk_to(base + 12344) == base + 12344);
    CHECK(brk_to(base) == base);
    return true;
}

static bool memory_ends_with_the_page_of_the_end(void)
{
    unsigned char *start = page_aligned_start();

    CHECK(brk_to(start + PAGE + 1) == start + PAGE + 1);
    CHECK(touch_allowed(TOUCH_WRITE, start));
    CHECK(touch_allowed(TOUCH_WRITE, start + 2 * PAGE - 1));
    CHECK(touch_refused(TOUCH_READ, start + 2 * PAGE, SEGV_MAPERR));
    CHECK(brk_to(start + PAGE) == start + PAGE);
    CHECK(touch_refused(TOUCH_READ, start + PAGE, SEGV_MAPERR));
    CHECK(touch_allowed(TOUCH_READ, start));
    CHECK(brk_to(base) == base);
    return true;
}

static bool heap_regrown_reads_as_zero(void)
{
    unsigned char *start = page_aligned_start();

    CHECK(brk_to(start + 8 * PAGE) == start + 8 * PAGE);
    for (int i = 0; i < 8; i++)
        CHECK_EQ(start[i * PAGE], 0);
    memset(start, 'h', 8 * PAGE);
    CHECK(brk_to(start + 2 * PAGE) == start + 2 * PAGE);
    CHECK(brk_to(start + 8 * PAGE) == start + 8 * PAGE);
    for (size_t i = 0; i < 8 * PAGE; i += 64)
        CHECK_EQ(start[i], i < 2 * PAGE ? 'h' : 0);
    CHECK(brk_to(base) == base);
    return true;
}

static bool shrinking_inside_a_page_keeps_it(void)
{
    unsigned char *start = page_aligned_start();

    CHECK(brk_to(start + 100) == start + 100);
    start[50] = 5;
    CHECK(brk_to(start + 10) == start + 10);
    CHECK(brk_to(start + 100) == start + 100);
    CHECK_EQ(start[50], 5);
    CHECK(brk_to(base) == base);
    return true;
}

static bool brk_below_the_start_is_refused(void)
{
    CHECK(brk_to(base + PAGE) == base + PAGE);
    CHECK(brk_to((unsigned char *)PAGE) == base + PAGE);
    CHECK(brk_to(base) == base);
    return true;
}

static bool brk_into_the_sky_is_refused(void)
{
    CHECK(brk_to((unsigned char *)0x7fffffffe000) == base);
    CHECK(brk_to((unsigned char *)0xffff800000000000) == base);
    CHECK(brk_to((unsigned char *)-1) == base);
    CHECK(brk_to((unsigned char *)-PAGE) == base);
    CHECK(brk_to(NULL) == base);
    return true;
}

static bool brk_stops_at_the_next_mapping(void)
{
    unsigned char *start = page_aligned_start(), *obstacle = start + 16 * PAGE;
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;

    CHECK(mmap(obstacle, PAGE, PROT_READ | PROT_WRITE, flags, -1, 0) == obstacle);
    *obstacle = 3;
    CHECK(brk_to(start + 32 * PAGE) == base);
    CHECK(brk_to(start + 4 * PAGE) == start + 4 * PAGE);
    CHECK_EQ(*obstacle, 3);
    CHECK(brk_to(base) == base);
    CHECK(munmap(obstacle, PAGE) == 0);
    return true;
}

static bool limited_child(void)
{
    struct rlimit limit = {1 << 20, 1 << 20};

    CHECK(setrlimit(RLIMIT_DATA, &limit) == 0);
    CHECK(brk_to(base + (2 << 20)) == base);
    CHECK(brk_to(base + (64 << 10)) == base + (64 << 10));
    return true;
}

static bool brk_stops_at_rlimit_data(void)
{
    CHECK_CHILD(limited_child);
    return true;
}

static bool moving_child(void)
{
    unsigned char *start = page_aligned_start();

    CHECK_EQ(start[PAGE], 'p');
    CHECK(brk_to(start + PAGE) == start + PAGE);
    CHECK(touch_refused(TOUCH_READ, start + PAGE, SEGV_MAPERR));
    CHECK(brk_to(start + 9 * PAGE) == start + 9 * PAGE);
    CHECK_EQ(start[PAGE], 0);
    start[PAGE] = 'c';
    return true;
}

static bool brk_of_a_child_is_its_own(void)
{
    unsigned char *start = page_aligned_start();

    CHECK(brk_to(start + 3 * PAGE) == start + 3 * PAGE);
    start[PAGE] = 'p';
    CHECK_CHILD(moving_child);
    CHECK(brk_to(NULL) == start + 3 * PAGE);
    CHECK_EQ(start[PAGE], 'p');
    CHECK(touch_refused(TOUCH_READ, start + 3 * PAGE, SEGV_MAPERR));
    CHECK(brk_to(base) == base);
    return true;
}

static bool brk_up_and_down_a_hundred_times_is_steady(void)
{
    unsigned char *start = page_aligned_start();

    for (int i = 1; i <= 100; i++) {
        unsigned char *end = start + i * 700;
        CHECK(brk_to(end) == end);
        end[-1] = i;
        CHECK_EQ(end[-1], i);
        if (i % 10 == 0)
            CHECK(brk_to(base) == base);
    }
    return true;
}

int main(void)
{
    base = brk_to(NULL);
    TEST(brk_of_zero_tells_the_end);
    TEST(brk_is_exact_to_the_byte);
    TEST(memory_ends_with_the_page_of_the_end);
    TEST(heap_regrown_reads_as_zero);
    TEST(shrinking_inside_a_page_keeps_it);
    TEST(brk_below_the_start_is_refused);
    TEST(brk_into_the_sky_is_refused);
    TEST(brk_stops_at_the_next_mapping);
    TEST(brk_stops_at_rlimit_data);
    TEST(brk_of_a_child_is_its_own);
    TEST(brk_up_and_down_a_hundred_times_is_steady);
    return tap_done();
}
