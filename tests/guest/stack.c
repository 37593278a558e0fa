// SPDX-License-Identifier: MIT
/*
 * stack.c - the stack grows on touch, down to RLIMIT_STACK and never into its neighbour.
 *
 * Each claim runs in a child: a stack that has grown does not shrink.
 */
#include "gaur.h"
#include "touch.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>

/* The end of the region that /proc/self/maps calls [stack]. */
static unsigned long stack_end(void)
{
    static char maps[8192];
    unsigned long start, end = 0;

    if (file_get("/proc/self/maps", maps, sizeof maps) < 0)
        return 0;
    for (char *line = strtok(maps, "\n"); line; line = strtok(NULL, "\n")) {
        if (strstr(line, "[stack]") && sscanf(line, "%lx-%lx", &start, &end) == 2)
            return end;
    }
    return 0;
}

static unsigned char *below(unsigned long distance)
{
    return (unsigned char *)(((uintptr_t)__builtin_frame_address(0) - distance) & ~(PAGE - 1));
}

__attribute__((noinline)) static long recurse(int depth)
{
    volatile char room[1000];

    for (size_t i = 0; i < sizeof room; i += 100)
        room[i] = depth;
    return depth == 0 ? room[0] : recurse(depth - 1) + room[100];
}

static bool recursion_child(void)
{
    CHECK(recurse(1000) != -1);
    return true;
}

static bool recursion_of_a_megabyte_works(void)
{
    CHECK_CHILD(recursion_child);
    return true;
}

static bool zero_child(void)
{
    unsigned char *page = below(512 * 1024);

    for (size_t i = 0; i < PAGE; i++)
        CHECK_EQ(page[i], 0);
    for (size_t i = 0; i < 4; i++)
        CHECK_EQ(page[PAGE * (i + 2)], 0);
    return true;
}

static bool new_stack_reads_as_zero(void)
{
    CHECK_CHILD(zero_child);
    return true;
}

static bool jump_child(void)
{
    unsigned char *page = below(4UL << 20);

    CHECK(touch_allowed(TOUCH_WRITE, page));
    CHECK_EQ(*page, 0x5a);
    CHECK_EQ(page[2 * PAGE], 0);
    return true;
}

static bool stack_grows_by_a_jump_of_megabytes(void)
{
    CHECK_CHILD(jump_child);
    return true;
}

static bool counted_child(void)
{
    unsigned char *page = below(1UL << 20);

    ancestors_sleep();
    counter("stack_grown");
    long grown = counter("stack_grown");
    for (int i = 0; i < 10; i++)
        page[-i * (long)PAGE] = 1;
    CHECK_EQ(counter("stack_grown") - grown, 10);
    return true;
}

static bool each_page_of_growth_is_counted(void)
{
    NEEDS_GAUR();
    CHECK_CHILD(counted_child);
    return true;
}

/* The first page that cannot be had is the one that would make the stack larger than its limit, and no other. */
static bool limit_child(void)
{
    struct rlimit limit = {300 * 1024, 300 * 1024};
    unsigned long end = stack_end(), page = end - limit.rlim_cur;

    CHECK(end != 0);
    CHECK(setrlimit(RLIMIT_STACK, &limit) == 0);
    CHECK(touch_allowed(TOUCH_WRITE, (void *)(page + PAGE)));
    CHECK(touch_allowed(TOUCH_WRITE, (void *)page));
    CHECK(touch_refused(TOUCH_WRITE, (void *)(page - 1), SEGV_MAPERR));
    CHECK(touch_refused(TOUCH_READ, (void *)(page - PAGE), SEGV_MAPERR));
    CHECK_EQ(kernel_touch(TOUCH_WRITE, (void *)(page - 1)), EFAULT);
    return true;
}

static bool stack_stops_at_rlimit(void)
{
    CHECK_CHILD(limit_child);
    return true;
}

static bool overflow_child(void)
{
    struct rlimit limit = {256 * 1024, 256 * 1024};

    CHECK(setrlimit(RLIMIT_STACK, &limit) == 0);
    signal(SIGSEGV, SIG_DFL);
    return recurse(1000000) == 0;
}

static bool endless_recursion_dies_of_sigsegv(void)
{
    CHECK(killed_by(child_run(overflow_child), SIGSEGV));
    return true;
}

static bool gap_child(void)
{
    unsigned char *mapping = below(2UL << 20);
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;

    CHECK(mmap(mapping, PAGE, PROT_READ | PROT_WRITE, flags, -1, 0) == mapping);
    CHECK(touch_allowed(TOUCH_WRITE, mapping));
    CHECK(touch_refused(TOUCH_WRITE, mapping + PAGE, SEGV_MAPERR));
    CHECK(touch_refused(TOUCH_READ, mapping + 2 * PAGE - 1, SEGV_MAPERR));
    CHECK_EQ(kernel_touch(TOUCH_WRITE, mapping + PAGE), EFAULT);
    CHECK(touch_allowed(TOUCH_WRITE, below(256 * 1024)));
    return true;
}

static bool growth_keeps_clear_of_the_mapping_below(void)
{
    CHECK_CHILD(gap_child);
    return true;
}

static bool kernel_child(void)
{
    unsigned char *page = below(700 * 1024);

    CHECK_EQ(kernel_touch(TOUCH_WRITE, page), 0);
    CHECK_EQ(*page, 'Z');
    CHECK_EQ(kernel_touch(TOUCH_READ, below(900 * 1024)), 0);
    return true;
}

static bool read_and_write_calls_grow_the_stack(void)
{
    CHECK_CHILD(kernel_child);
    return true;
}

static unsigned char *grown_page;

static bool grow_there(void)
{
    *grown_page = 7;
    CHECK_EQ(grown_page[PAGE], 0);
    return true;
}

static bool fork_child(void)
{
    unsigned char *deeper = below(600 * 1024);

    grown_page = deeper;
    CHECK_CHILD(grow_there);
    CHECK_EQ(*deeper, 0);
    *deeper = 9;
    CHECK_CHILD(grow_there);
    CHECK_EQ(*deeper, 9);
    return true;
}

static bool growth_after_fork_is_private(void)
{
    CHECK_CHILD(fork_child);
    return true;
}

static bool maps_child(void)
{
    static char maps[8192];
    unsigned char *page = below(800 * 1024);
    unsigned long start = 0, end = 0;

    *page = 1;
    CHECK(file_get("/proc/self/maps", maps, sizeof maps) > 0);
    for (char *line = strtok(maps, "\n"); line; line = strtok(NULL, "\n")) {
        if (strstr(line, "[stack]"))
            CHECK(sscanf(line, "%lx-%lx rw", &start, &end) == 2);
    }
    CHECK_EQ(start, page);
    return true;
}

static bool maps_show_the_stack_as_far_as_it_has_grown(void)
{
    CHECK_CHILD(maps_child);
    return true;
}

int main(void)
{
    TEST(recursion_of_a_megabyte_works);
    TEST(new_stack_reads_as_zero);
    TEST(stack_grows_by_a_jump_of_megabytes);
    TEST(each_page_of_growth_is_counted);
    TEST(stack_stops_at_rlimit);
    TEST(endless_recursion_dies_of_sigsegv);
    TEST(growth_keeps_clear_of_the_mapping_below);
    TEST(read_and_write_calls_grow_the_stack);
    TEST(growth_after_fork_is_private);
    TEST(maps_show_the_stack_as_far_as_it_has_grown);
    return tap_done();
}
