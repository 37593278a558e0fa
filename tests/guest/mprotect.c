// SPDX-License-Identifier: MIT
/*
 * mprotect.c - rights change for whole pages, at once, and split and merge regions without losing a byte.
 */
#include "touch.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define RW (PROT_READ | PROT_WRITE)

/* How many lines of /proc/self/maps cover [start, end); 0 if a byte of it is uncovered. */
static int regions_over(unsigned char *start, unsigned char *end)
{
    static char maps[8192];
    unsigned long from, to, covered = 0;
    int regions = 0;

    if (file_get("/proc/self/maps", maps, sizeof maps) < 0)
        return -1;
    for (char *line = strtok(maps, "\n"); line; line = strtok(NULL, "\n")) {
        if (sscanf(line, "%lx-%lx", &from, &to) != 2)
            continue;
        if (from < (unsigned long)start)
            from = (unsigned long)start;
        if (to > (unsigned long)end)
            to = (unsigned long)end;
        if (from < to) {
            regions++;
            covered += to - from;
        }
    }
    return covered == (unsigned long)(end - start) ? regions : 0;
}

static bool readonly_page_refuses_writes_and_keeps_its_bytes(void)
{
    unsigned char *pages = pages_map(3);

    CHECK(pages);
    memset(pages, 3, 3 * PAGE);
    CHECK(mprotect(pages + PAGE, PAGE, PROT_READ) == 0);
    CHECK(touch_refused(TOUCH_WRITE, pages + PAGE, SEGV_ACCERR));
    CHECK(touch_refused(TOUCH_WRITE, pages + 2 * PAGE - 1, SEGV_ACCERR));
    CHECK_EQ(pages[PAGE], 3);
    CHECK(touch_allowed(TOUCH_WRITE, pages + PAGE - 1));
    CHECK(touch_allowed(TOUCH_WRITE, pages + 2 * PAGE));
    CHECK(mprotect(pages + PAGE, PAGE, RW) == 0);
    CHECK(touch_allowed(TOUCH_WRITE, pages + PAGE));
    pages_unmap(pages, 3);
    return true;
}

static bool prot_none_refuses_all_and_keeps_its_bytes(void)
{
    unsigned char *page = pages_map(1);

    CHECK(page);
    page[5] = 42;
    CHECK(mprotect(page, PAGE, PROT_NONE) == 0);
    CHECK(touch_refused(TOUCH_READ, page + 5, SEGV_ACCERR));
    CHECK(touch_refused(TOUCH_WRITE, page + 5, SEGV_ACCERR));
    CHECK_EQ(kernel_touch(TOUCH_READ, page + 5), EFAULT);
    CHECK_EQ(kernel_touch(TOUCH_WRITE, page + 5), EFAULT);
    CHECK(mprotect(page, PAGE, PROT_READ) == 0);
    CHECK_EQ(page[5], 42);
    CHECK_EQ(kernel_touch(TOUCH_WRITE, page + 5), EFAULT);
    pages_unmap(page, 1);
    return true;
}

static bool write_alone_means_read_too(void)
{
    unsigned char *page = pages_map(1);

    CHECK(page);
    CHECK(mprotect(page, PAGE, PROT_WRITE) == 0);
    CHECK(touch_allowed(TOUCH_WRITE, page));
    CHECK(touch_allowed(TOUCH_READ, page));
    pages_unmap(page, 1);
    return true;
}

static bool regions_split_and_merge(void)
{
    unsigned char *pages = pages_map(7), *inner = pages + PAGE, *end = pages + 6 * PAGE;

    CHECK(pages);
    CHECK(mprotect(pages, PAGE, PROT_NONE) == 0);
    CHECK(mprotect(end, PAGE, PROT_NONE) == 0);
    memset(inner, 6, 5 * PAGE);
    CHECK_EQ(regions_over(inner, end), 1);
    CHECK(mprotect(inner + 2 * PAGE, PAGE, PROT_READ) == 0);
    CHECK_EQ(regions_over(inner, end), 3);
    CHECK(mprotect(inner + 3 * PAGE, PAGE, PROT_READ) == 0);
    CHECK_EQ(regions_over(inner, end), 3);
    CHECK(mprotect(inner, 5 * PAGE, RW) == 0);
    CHECK_EQ(regions_over(inner, end), 1);
    for (size_t i = 0; i < 5 * PAGE; i += 512)
        CHECK_EQ(inner[i], 6);
    pages_unmap(pages, 7);
    return true;
}

static bool rights_hold_for_pages_touched_later(void)
{
    unsigned char *pages = pages_map(2);

    CHECK(pages);
    CHECK(mprotect(pages, PAGE, PROT_READ) == 0);
    CHECK_EQ(pages[0], 0);
    CHECK(touch_refused(TOUCH_WRITE, pages, SEGV_ACCERR));
    CHECK(mprotect(pages, PAGE, RW) == 0);
    CHECK(touch_allowed(TOUCH_WRITE, pages));
    pages_unmap(pages, 2);
    return true;
}

/* The raw call: musl rounds the address itself. */
static long protect(void *at, size_t length, int rights)
{
    return syscall(SYS_mprotect, at, length, rights);
}

static bool holes_and_wrong_arguments_are_refused(void)
{
    unsigned char *pages = pages_map(3);

    CHECK(pages);
    CHECK_FAILS(protect(pages + 1, PAGE, PROT_READ), EINVAL);
    CHECK_FAILS(protect(pages, PAGE, 0x1000), EINVAL);
    CHECK(protect(pages + 1 * PAGE, 0, PROT_READ) == 0);
    CHECK(munmap(pages + PAGE, PAGE) == 0);
    CHECK_FAILS(protect(pages, 3 * PAGE, PROT_READ), ENOMEM);
    CHECK_FAILS(protect(pages + PAGE, PAGE, PROT_READ), ENOMEM);
    CHECK_FAILS(protect((void *)0xffff800000000000, PAGE, PROT_READ), ENOMEM);
    CHECK_FAILS(protect(pages, -PAGE, PROT_READ), ENOMEM);
    CHECK(touch_allowed(TOUCH_WRITE, pages + 2 * PAGE));
    pages_unmap(pages, 3);
    return true;
}

static unsigned char *common;

static bool changing_child(void)
{
    CHECK(mprotect(common, PAGE, PROT_READ) == 0);
    CHECK(touch_refused(TOUCH_WRITE, common, SEGV_ACCERR));
    return true;
}

static bool rights_changed_by_a_child_are_its_own(void)
{
    common = pages_map(1);
    CHECK(common);
    *common = 1;
    CHECK_CHILD(changing_child);
    CHECK(touch_allowed(TOUCH_WRITE, common));
    pages_unmap(common, 1);
    return true;
}

static bool back_and_forth_a_hundred_times_is_steady(void)
{
    unsigned char *pages = pages_map(8);

    CHECK(pages);
    memset(pages, 8, 8 * PAGE);
    for (int i = 0; i < 100; i++) {
        unsigned char *page = pages + i % 8 * PAGE;
        CHECK(mprotect(page, PAGE, PROT_READ) == 0);
        CHECK_EQ(kernel_touch(TOUCH_WRITE, page), EFAULT);
        CHECK(mprotect(page, PAGE, RW) == 0);
        *page = i;
    }
    pages_unmap(pages, 8);
    return true;
}

int main(void)
{
    TEST(readonly_page_refuses_writes_and_keeps_its_bytes);
    TEST(prot_none_refuses_all_and_keeps_its_bytes);
    TEST(write_alone_means_read_too);
    TEST(regions_split_and_merge);
    TEST(rights_hold_for_pages_touched_later);
    TEST(holes_and_wrong_arguments_are_refused);
    TEST(rights_changed_by_a_child_are_its_own);
    TEST(back_and_forth_a_hundred_times_is_steady);
    return tap_done();
}
