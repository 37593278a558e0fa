// SPDX-License-Identifier: MIT
/*
 * fork_readonly.c - a page that was read-only before fork stays so, in every generation.
 *
 * The mistake to catch: taking every write to a page without the write bit for a copy-on-write.
 */
#include "gaur.h"
#include "touch.h"

#include <signal.h>
#include <sys/mman.h>

static unsigned char *page;
static int generations_left;

/* Is it refused to this process, and not by being copied? Twice: the first time our own pages are copied. */
static bool write_is_refused(void)
{
    long copied = 0, taken = 0;

    ancestors_sleep();
    for (int i = 0; i < 2; i++) {
        copied = counter("cow_copied");
        taken = counter("cow_taken_over");
        CHECK(touch_refused(TOUCH_WRITE, page, SEGV_ACCERR));
        CHECK_EQ(kernel_touch(TOUCH_WRITE, page), EFAULT);
        CHECK_EQ(*page, 'r');
        copied = counter("cow_copied") - copied;
        taken = counter("cow_taken_over") - taken;
    }
    CHECK(copied == 0 && taken == 0);
    return true;
}

static bool generation(void)
{
    CHECK(write_is_refused());
    if (generations_left-- > 0)
        CHECK_CHILD(generation);
    CHECK(write_is_refused());
    return true;
}

static bool make_readonly(void)
{
    page = pages_map(1);
    CHECK(page);
    *page = 'r';
    CHECK(mprotect(page, PAGE, PROT_READ) == 0);
    return true;
}

static bool readonly_stays_readonly_after_fork(void)
{
    CHECK(make_readonly());
    generations_left = 2;
    CHECK_CHILD(generation);
    CHECK(write_is_refused());
    pages_unmap(page, 1);
    return true;
}

static const char constant[PAGE] __attribute__((aligned(4096))) = "r";

static bool constants_stay_readonly_after_fork(void)
{
    page = (unsigned char *)constant;
    generations_left = 2;
    CHECK_CHILD(generation);
    CHECK(write_is_refused());
    return true;
}

static bool child_opens_it(void)
{
    CHECK(write_is_refused());
    CHECK(mprotect(page, PAGE, PROT_READ | PROT_WRITE) == 0);
    *page = 'c';
    CHECK_EQ(*page, 'c');
    return true;
}

/* Made writable again on one side: copied there, and still refused on the other. */
static bool made_writable_by_the_child_only_there(void)
{
    CHECK(make_readonly());
    CHECK_CHILD(child_opens_it);
    CHECK(write_is_refused());
    CHECK(mprotect(page, PAGE, PROT_READ | PROT_WRITE) == 0);
    *page = 'p';
    CHECK_EQ(*page, 'p');
    pages_unmap(page, 1);
    return true;
}

static bool none_child(void)
{
    CHECK(touch_refused(TOUCH_READ, page, SEGV_ACCERR));
    CHECK(touch_refused(TOUCH_WRITE, page, SEGV_ACCERR));
    CHECK(mprotect(page, PAGE, PROT_READ) == 0);
    CHECK_EQ(*page, 'r');
    return true;
}

static bool prot_none_stays_so_after_fork(void)
{
    CHECK(make_readonly());
    CHECK(mprotect(page, PAGE, PROT_NONE) == 0);
    CHECK_CHILD(none_child);
    CHECK(touch_refused(TOUCH_READ, page, SEGV_ACCERR));
    pages_unmap(page, 1);
    return true;
}

int main(void)
{
    TEST(readonly_stays_readonly_after_fork);
    TEST(constants_stay_readonly_after_fork);
    TEST(made_writable_by_the_child_only_there);
    TEST(prot_none_stays_so_after_fork);
    return tap_done();
}
