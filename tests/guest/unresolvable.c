// SPDX-License-Identifier: MIT
/*
 * unresolvable.c - a fault that nothing can resolve is told at once, once, and ends who does not want to know.
 *
 * The mistake to catch: a handler that believes to have resolved the fault, returns, and meets it again, for ever. Each of
 * these would hang. In system calls the same is EFAULT.
 */
#include "touch.h"

#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

static unsigned char *pages;

static bool dies_at_once(claim_fn act)
{
    return killed_by(child_run(act), SIGSEGV);
}

static bool fetch(void)
{
    signal(SIGSEGV, SIG_DFL);
    pages[0] = 0xc3;
    ((void (*)(void))pages)();
    return true;
}

static bool fetch_from_written_data_ends_the_process(void)
{
    CHECK((pages = pages_map(2)));
    CHECK(dies_at_once(fetch));
    pages_unmap(pages, 2);
    return true;
}

static bool fetch_absent(void)
{
    signal(SIGSEGV, SIG_DFL);
    ((void (*)(void))(pages + PAGE))();
    return true;
}

static bool fetch_from_an_absent_page_ends_the_process(void)
{
    CHECK((pages = pages_map(2)));
    CHECK(dies_at_once(fetch_absent));
    CHECK(touch_allowed(TOUCH_READ, pages + PAGE));
    CHECK(dies_at_once(fetch_absent));
    pages_unmap(pages, 2);
    return true;
}

/* x86 cannot forbid to read what may be written: absent or present, written first or read first. */
static bool write_only_mapping_is_read_and_written(void)
{
    unsigned char *at = mmap(NULL, 4 * PAGE, PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    CHECK(at != MAP_FAILED);
    CHECK(touch_allowed(TOUCH_READ, at));
    CHECK(touch_allowed(TOUCH_WRITE, at));
    CHECK(touch_allowed(TOUCH_WRITE, at + PAGE));
    CHECK(touch_allowed(TOUCH_READ, at + PAGE));
    CHECK_EQ(kernel_touch(TOUCH_READ, at + 2 * PAGE), 0);
    CHECK_EQ(kernel_touch(TOUCH_WRITE, at + 3 * PAGE), 0);
    CHECK_EQ(at[0] + at[PAGE] + at[2 * PAGE] + at[3 * PAGE], 2 * 0x5a + 'Z');
    CHECK(touch_refused(TOUCH_FETCH, at, SEGV_ACCERR));
    pages_unmap(at, 4);
    return true;
}

static bool write_only_made_of_a_readonly_page_is_written(void)
{
    CHECK((pages = pages_map(1)));
    pages[0] = 'p';
    CHECK(mprotect(pages, PAGE, PROT_READ) == 0 && mprotect(pages, PAGE, PROT_WRITE) == 0);
    CHECK(touch_allowed(TOUCH_WRITE, pages));
    CHECK_EQ(pages[0], 0x5a);
    pages_unmap(pages, 1);
    return true;
}

static volatile unsigned told;

static void tell(int signo)
{
    (void)signo;
    if (++told == 3)
        mprotect(pages, PAGE, PROT_READ | PROT_WRITE);
}

/* The program may try again as often as it likes: each try is one fault and one signal. */
static bool each_try_is_one_signal(void)
{
    CHECK((pages = pages_map(1)));
    CHECK(mprotect(pages, PAGE, PROT_NONE) == 0);
    told = 0;
    signal(SIGSEGV, tell);
    *(volatile unsigned char *)pages = 1;
    signal(SIGSEGV, SIG_DFL);
    CHECK_EQ(told, 3);
    CHECK_EQ(pages[0], 1);
    pages_unmap(pages, 1);
    return true;
}

static bool write_there(void)
{
    signal(SIGSEGV, SIG_DFL);
    *(volatile unsigned char *)pages = 1;
    return true;
}

/* Whatever the rights are, if writing is not among them. */
static bool write_to_what_may_not_be_written_ends_the_process(void)
{
    static const int rights[] = {PROT_NONE, PROT_READ, PROT_READ | PROT_EXEC};

    for (int i = 0; i < 3; i++) {
        CHECK((pages = pages_map(1)));
        pages[0] = 2;
        CHECK(mprotect(pages, PAGE, rights[i]) == 0);
        CHECK(dies_at_once(write_there));
        CHECK_EQ(kernel_touch(TOUCH_WRITE, pages), EFAULT);
        pages_unmap(pages, 1);
    }
    return true;
}

int main(void)
{
    TEST(fetch_from_written_data_ends_the_process);
    TEST(fetch_from_an_absent_page_ends_the_process);
    TEST(write_only_mapping_is_read_and_written);
    TEST(write_only_made_of_a_readonly_page_is_written);
    TEST(each_try_is_one_signal);
    TEST(write_to_what_may_not_be_written_ends_the_process);
    return tap_done();
}
