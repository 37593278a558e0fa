// SPDX-License-Identifier: MIT
/*
 * munmap.c - holes: what is cut out is gone at once, what is left stays whole.
 */
#include "touch.h"

#include <signal.h>
#include <sys/mman.h>

static bool hole_in_the_middle_leaves_both_sides(void)
{
    unsigned char *pages = pages_map(5);

    CHECK(pages);
    for (int i = 0; i < 5; i++)
        pages[i * PAGE] = i + 1;
    CHECK(munmap(pages + 2 * PAGE, PAGE) == 0);
    for (int i = 0; i < 5; i++) {
        if (i == 2)
            CHECK(touch_refused(TOUCH_READ, pages + i * PAGE, SEGV_MAPERR));
        else
            CHECK_EQ(pages[i * PAGE], i + 1);
    }
    CHECK(touch_refused(TOUCH_WRITE, pages + 3 * PAGE - 1, SEGV_MAPERR));
    CHECK(touch_allowed(TOUCH_WRITE, pages + 3 * PAGE));
    CHECK(munmap(pages, 5 * PAGE) == 0);
    return true;
}

static bool first_and_last_pages_can_be_cut_off(void)
{
    unsigned char *pages = pages_map(4);

    CHECK(pages);
    memset(pages, 4, 4 * PAGE);
    CHECK(munmap(pages, PAGE) == 0);
    CHECK(munmap(pages + 3 * PAGE, PAGE) == 0);
    CHECK(touch_refused(TOUCH_READ, pages, SEGV_MAPERR));
    CHECK(touch_refused(TOUCH_READ, pages + 3 * PAGE, SEGV_MAPERR));
    CHECK_EQ(pages[PAGE] + pages[3 * PAGE - 1], 8);
    CHECK(munmap(pages + PAGE, 2 * PAGE) == 0);
    return true;
}

static bool one_call_takes_several_regions_and_holes(void)
{
    unsigned char *pages = pages_map(9);

    CHECK(pages);
    memset(pages, 1, 9 * PAGE);
    CHECK(munmap(pages + 2 * PAGE, PAGE) == 0);
    CHECK(mprotect(pages + 4 * PAGE, PAGE, PROT_READ) == 0);
    CHECK(munmap(pages + 6 * PAGE, PAGE) == 0);
    CHECK(munmap(pages + PAGE, 7 * PAGE) == 0);
    for (int i = 1; i < 8; i++)
        CHECK(touch_refused(TOUCH_READ, pages + i * PAGE, SEGV_MAPERR));
    CHECK_EQ(pages[0] + pages[8 * PAGE], 2);
    CHECK(munmap(pages, 9 * PAGE) == 0);
    return true;
}

static bool munmap_of_nothing_succeeds(void)
{
    unsigned char *pages = pages_map(2);

    CHECK(pages);
    CHECK(munmap(pages, 2 * PAGE) == 0);
    CHECK(munmap(pages, 2 * PAGE) == 0);
    return true;
}

static bool wrong_arguments_are_refused(void)
{
    unsigned char *page = pages_map(1);

    CHECK(page);
    CHECK_FAILS(munmap(page + 1, PAGE), EINVAL);
    CHECK_FAILS(munmap(page, 0), EINVAL);
    CHECK_FAILS(munmap((void *)0xffff800000000000, PAGE), EINVAL);
    CHECK_FAILS(munmap((void *)0x7ffffffff000, 2 * PAGE), EINVAL);
    CHECK_FAILS(munmap(page, -PAGE), EINVAL);
    CHECK(touch_allowed(TOUCH_WRITE, page));
    pages_unmap(page, 1);
    return true;
}

static unsigned char *shared_pages;

static bool unmapping_child(void)
{
    CHECK(munmap(shared_pages + PAGE, PAGE) == 0);
    CHECK(touch_refused(TOUCH_READ, shared_pages + PAGE, SEGV_MAPERR));
    CHECK_EQ(shared_pages[0] + shared_pages[2 * PAGE], 10);
    return true;
}

static bool hole_of_a_child_is_its_own(void)
{
    shared_pages = pages_map(3);
    CHECK(shared_pages);
    memset(shared_pages, 5, 3 * PAGE);
    CHECK_CHILD(unmapping_child);
    CHECK_EQ(shared_pages[PAGE], 5);
    pages_unmap(shared_pages, 3);
    return true;
}

static bool hole_across_a_two_mebibyte_border_is_exact(void)
{
    unsigned char *room = pages_map(1024);
    unsigned char *border = (unsigned char *)(((uintptr_t)room + 515 * PAGE) & ~(512 * PAGE - 1));

    CHECK(room);
    for (int i = -3; i < 3; i++)
        border[i * (long)PAGE] = 10 + i;
    CHECK(munmap(border - 2 * PAGE, 4 * PAGE) == 0);
    CHECK_EQ(border[-3 * (long)PAGE], 7);
    CHECK_EQ(border[2 * PAGE], 12);
    CHECK(touch_refused(TOUCH_READ, border - PAGE, SEGV_MAPERR));
    CHECK(touch_refused(TOUCH_READ, border, SEGV_MAPERR));
    CHECK(touch_refused(TOUCH_READ, border + 2 * PAGE - 1, SEGV_MAPERR));
    pages_unmap(room, 1024);
    return true;
}

int main(void)
{
    TEST(hole_in_the_middle_leaves_both_sides);
    TEST(first_and_last_pages_can_be_cut_off);
    TEST(one_call_takes_several_regions_and_holes);
    TEST(munmap_of_nothing_succeeds);
    TEST(wrong_arguments_are_refused);
    TEST(hole_of_a_child_is_its_own);
    TEST(hole_across_a_two_mebibyte_border_is_exact);
    return tap_done();
}
