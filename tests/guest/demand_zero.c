// SPDX-License-Identifier: MIT
/*
 * demand_zero.c - memory costs nothing until it is written, and comes zeroed.
 */
#include "gaur.h"
#include "touch.h"

#include <sys/mman.h>
#include <unistd.h>

static struct frames before, after;

static long grown(const char *kind)
{
    return frames_of(&after, kind) - frames_of(&before, kind);
}

/* Regions are small objects (slab); nothing that grows with the size of the mapping may be taken. */
static bool untouched_memory_costs_nothing(void)
{
    NEEDS_GAUR();
    ancestors_sleep();
    frames_take(&after);
    frames_take(&before);
    unsigned char *pages = pages_map(2048);
    CHECK(pages);
    frames_take(&after);
    CHECK_EQ(grown("anonymous"), 0);
    CHECK_EQ(grown("node"), 0);
    CHECK_EQ(grown("vpi"), 0);
    pages_unmap(pages, 2048);
    return true;
}

static bool each_written_page_costs_one_frame(void)
{
    NEEDS_GAUR();
    ancestors_sleep();
    unsigned char *pages = pages_map(64);
    CHECK(pages);
    frames_take(&before);
    for (int i = 0; i < 64; i++)
        pages[i * PAGE] = 1;
    frames_take(&after);
    CHECK_EQ(grown("anonymous"), 64);
    pages_unmap(pages, 64);
    frames_take(&after);
    CHECK_EQ(grown("anonymous"), 0);
    return true;
}

static bool reading_a_thousand_pages_takes_no_frames(void)
{
    NEEDS_GAUR();
    ancestors_sleep();
    unsigned char *pages = pages_map(1000);
    unsigned sum = 0;
    CHECK(pages);
    frames_take(&before);
    for (int i = 0; i < 1000; i++)
        sum += ((volatile unsigned char *)pages)[i * PAGE];
    frames_take(&after);
    CHECK_EQ(sum, 0);
    CHECK_EQ(grown("anonymous"), 0);
    pages_unmap(pages, 1000);
    return true;
}

static bool zero_filled_counts_written_pages_only(void)
{
    NEEDS_GAUR();
    ancestors_sleep();
    unsigned char *pages = pages_map(40);
    CHECK(pages);
    counter("zero_filled");
    long filled = counter("zero_filled");
    for (int i = 0; i < 20; i++)
        (void)((volatile unsigned char *)pages)[i * PAGE];
    CHECK_EQ(counter("zero_filled") - filled, 0);
    for (int i = 0; i < 40; i++)
        pages[i * PAGE] = 1;
    CHECK_EQ(counter("zero_filled") - filled, 40);
    pages_unmap(pages, 40);
    return true;
}

static bool one_fault_per_page_and_no_more(void)
{
    unsigned char *pages = pages_map(50);

    CHECK(pages);
    madvise(pages, 50 * PAGE, MADV_NOHUGEPAGE);
    ancestors_sleep();
    faults_taken();
    long faults = faults_taken();
    for (int i = 50; i-- > 0;) // not in order
        pages[i * PAGE] = 1;
    for (int i = 0; i < 50; i++)
        pages[i * PAGE + 9] += pages[i * PAGE];
    CHECK_EQ(faults_taken() - faults, 50);
    pages_unmap(pages, 50);
    return true;
}

/* How many of the pages [from, end) are there, as mincore tells. */
static int resident(const unsigned char *pages, int from, int end)
{
    unsigned char present[512];
    int count = 0;

    if (mincore((void *)(pages + from * PAGE), (end - from) * PAGE, present))
        return -1;
    for (int i = 0; i < end - from; i++)
        count += present[i] & 1;
    return count;
}

/* A fault fills as many pages as make up those that were written in order before it: 4, 8, ... 64 at a time. */
static bool writing_in_order_takes_few_faults(void)
{
    NEEDS_GAUR();
    unsigned char *pages = pages_map_one_leaf(300);
    CHECK(pages);
    madvise(pages, 300 * PAGE, MADV_NOHUGEPAGE);
    ancestors_sleep();
    faults_taken();
    long faults = faults_taken(), ahead = counter("zero_filled_ahead");
    for (int i = 0; i < 192; i++)
        pages[i * PAGE] = i;
    CHECK_EQ(faults_taken() - faults, 10);
    CHECK_EQ(counter("zero_filled_ahead") - ahead, 182);
    CHECK_EQ(resident(pages, 0, 192), 192);
    CHECK_EQ(resident(pages, 192, 300), 0);
    CHECK_EQ(kernel_touch(TOUCH_WRITE, pages + 192 * PAGE), 0);
    CHECK_EQ(resident(pages, 192, 300), 64);
    for (size_t i = 0; i < 256 * PAGE; i++)
        CHECK_EQ(pages[i], i % PAGE ? 0 : i < 192 * PAGE ? i / PAGE : i == 192 * PAGE ? 'Z' : 0);
    pages_unmap(pages, 300);
    return true;
}

/* Read first: the page of zeros that all share must never be the one that is written. */
static bool writing_one_zero_page_leaves_the_others_zero(void)
{
    volatile unsigned char *pages = pages_map(16);

    CHECK(pages);
    for (int i = 0; i < 16; i++)
        CHECK_EQ(pages[i * PAGE], 0);
    pages[3 * PAGE] = 1;
    CHECK_EQ(kernel_touch(TOUCH_WRITE, pages + 5 * PAGE + 100), 0);
    for (size_t i = 0; i < 16 * PAGE; i += 4) {
        int want = i == 3 * PAGE ? 1 : i == 5 * PAGE + 100 ? 'Z' : 0;
        CHECK_EQ(pages[i], want);
    }
    pages_unmap((void *)pages, 16);
    return true;
}

static bool dirty_child(void)
{
    unsigned char *pages = pages_map(128);

    CHECK(pages);
    memset(pages, 0xee, 128 * PAGE);
    return true;
}

static bool looking_child(void)
{
    unsigned char *pages = pages_map(128);

    CHECK(pages);
    for (int i = 0; i < 128; i++)
        pages[i * PAGE] = 0;
    for (size_t i = 0; i < 128 * PAGE; i += 8)
        CHECK_EQ(*(long *)(pages + i), 0);
    return true;
}

/* What another process left in a frame is never seen. */
static bool frames_of_the_dead_come_back_zeroed(void)
{
    for (int i = 0; i < 3; i++) {
        CHECK_CHILD(dirty_child);
        CHECK_CHILD(looking_child);
    }
    return true;
}

/* The part of the last page of a program's data that is beyond the file's bytes. */
static unsigned char bss_page[3 * PAGE];

static bool data_beyond_the_file_is_zero(void)
{
    for (size_t i = 0; i < sizeof bss_page; i++)
        CHECK_EQ(((volatile unsigned char *)bss_page)[i], 0);
    return true;
}

int main(void)
{
    TEST(data_beyond_the_file_is_zero);
    TEST(untouched_memory_costs_nothing);
    TEST(each_written_page_costs_one_frame);
    TEST(reading_a_thousand_pages_takes_no_frames);
    TEST(zero_filled_counts_written_pages_only);
    TEST(one_fault_per_page_and_no_more);
    TEST(writing_in_order_takes_few_faults);
    TEST(writing_one_zero_page_leaves_the_others_zero);
    TEST(frames_of_the_dead_come_back_zeroed);
    return tap_done();
}
