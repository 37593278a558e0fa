// SPDX-License-Identifier: MIT
/* madvise.c - advice that changes what is there, or what a child gets; mlock, mincore, msync, membarrier. */
#include "touch.h"

#include <sys/membarrier.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#define MADV_POPULATE_WRITE 23
#endif

static unsigned char *at;

static unsigned char *filled(size_t pages)
{
    unsigned char *made = pages_map(pages);

    for (size_t i = 0; made && i < pages; i++)
        made[i * PAGE] = (unsigned char)(i + 1);
    return made;
}

static int resident(const void *page)
{
    unsigned char byte = 0xff;

    return mincore((void *)page, PAGE, &byte) == 0 ? byte & 1 : -1;
}

static bool dontneed_forgets_private_pages(void)
{
    at = filled(600);
    CHECK(madvise(at + PAGE, 550 * PAGE, MADV_DONTNEED) == 0);
    CHECK(at[0] == 1 && at[PAGE] == 0 && at[550 * PAGE] == 0 && at[551 * PAGE] == (552 & 0xff));
    pages_unmap(at, 600);
    return true;
}

static bool dontneed_keeps_what_is_in_the_file(void)
{
    at = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    at[0] = 7;
    CHECK(madvise(at, 2 * PAGE, MADV_DONTNEED) == 0);
    CHECK_EQ(at[0], 7);
    munmap(at, 2 * PAGE);
    return true;
}

static bool child_forgets(void)
{
    CHECK(madvise(at, 600 * PAGE, MADV_DONTNEED) == 0);
    return at[5 * PAGE] == 0;
}

static bool dontneed_in_a_child_leaves_the_parents_pages(void)
{
    at = filled(600);
    CHECK_CHILD(child_forgets);
    CHECK(at[5 * PAGE] == 6 && at[599 * PAGE] == (600 & 0xff));
    pages_unmap(at, 600);
    return true;
}

static bool free_gives_the_old_content_or_zeros(void)
{
    at = filled(4);
    CHECK(madvise(at, 4 * PAGE, MADV_FREE) == 0);
    CHECK(at[PAGE] == 2 || at[PAGE] == 0);
    at[PAGE] = 9;
    CHECK_EQ(at[PAGE], 9);
    pages_unmap(at, 4);
    return true;
}

static bool child_has_not_got_it(void)
{
    CHECK_EQ(resident(at), -1);
    CHECK_EQ(at[2 * PAGE], 0);
    at[2 * PAGE] = 50;
    return at[4 * PAGE] == 5;
}

static bool fork_leaves_out_and_wipes_what_it_was_told_to(void)
{
    at = filled(5);
    CHECK(madvise(at, 2 * PAGE, MADV_DONTFORK) == 0);
    CHECK(madvise(at + 2 * PAGE, 2 * PAGE, MADV_WIPEONFORK) == 0);
    CHECK_CHILD(child_has_not_got_it);
    CHECK(at[0] == 1 && at[2 * PAGE] == 3);
    pages_unmap(at, 5);
    return true;
}

static bool child_has_got_it_again(void)
{
    return at[0] == 1 && at[2 * PAGE] == 3;
}

static bool fork_gives_everything_again_after_the_opposite_advice(void)
{
    at = filled(3);
    CHECK(madvise(at, PAGE, MADV_DONTFORK) == 0 && madvise(at, PAGE, MADV_DOFORK) == 0);
    CHECK(madvise(at + 2 * PAGE, PAGE, MADV_WIPEONFORK) == 0 && madvise(at + 2 * PAGE, PAGE, MADV_KEEPONFORK) == 0);
    CHECK_CHILD(child_has_got_it_again);
    pages_unmap(at, 3);
    return true;
}

static bool advice_goes_past_a_hole_and_tells_of_it(void)
{
    at = filled(5);
    munmap(at + 2 * PAGE, PAGE);
    CHECK_FAILS(madvise(at, 5 * PAGE, MADV_DONTNEED), ENOMEM);
    CHECK(at[0] == 0 && at[4 * PAGE] == 0);
    munmap(at, 5 * PAGE);
    return true;
}

static bool populate_makes_pages_present(void)
{
    at = pages_map(7);
    munmap(at + 6 * PAGE, PAGE);
    CHECK_EQ(resident(at), 0);
    CHECK(madvise(at, 3 * PAGE, MADV_POPULATE_WRITE) == 0);
    CHECK(resident(at) == 1 && resident(at + 2 * PAGE) == 1 && resident(at + 3 * PAGE) == 0);
    CHECK(mprotect(at, PAGE, PROT_READ) == 0);
    CHECK_FAILS(madvise(at, PAGE, MADV_POPULATE_WRITE), EINVAL);
    CHECK_FAILS(madvise(at, 7 * PAGE, MADV_POPULATE_READ), ENOMEM);
    pages_unmap(at, 6);
    return true;
}

static bool mlock_makes_present_and_keeps_out_dontneed(void)
{
    at = pages_map(5);
    munmap(at + 4 * PAGE, PAGE);
    CHECK(mlock(at + PAGE, 2 * PAGE) == 0);
    CHECK(resident(at) == 0 && resident(at + PAGE) == 1 && resident(at + 2 * PAGE) == 1);
    CHECK_FAILS(madvise(at, 4 * PAGE, MADV_DONTNEED), EINVAL);
    CHECK(munlock(at, 4 * PAGE) == 0);
    CHECK(madvise(at, 4 * PAGE, MADV_DONTNEED) == 0);
    CHECK_FAILS(mlock(at, 5 * PAGE), ENOMEM);
    pages_unmap(at, 4);
    return true;
}

static bool child_is_not_locked(void)
{
    return madvise(at, PAGE, MADV_DONTNEED) == 0;
}

static bool locks_are_not_inherited(void)
{
    at = filled(1);
    CHECK(mlock(at, PAGE) == 0);
    CHECK_CHILD(child_is_not_locked);
    CHECK_EQ(at[0], 1);
    pages_unmap(at, 1);
    return true;
}

static bool limited(void)
{
    const struct rlimit limit = {2 * PAGE, 2 * PAGE};

    CHECK(setrlimit(RLIMIT_MEMLOCK, &limit) == 0);
    if (getuid() == 0)
        CHECK(setuid(65534) == 0);
    CHECK(mlock(at, 2 * PAGE) == 0);
    CHECK(mlock(at, 2 * PAGE) == 0); // the same again is no more
    CHECK_FAILS(mlock(at + 2 * PAGE, PAGE), ENOMEM);
    CHECK_FAILS(mlockall(MCL_CURRENT), ENOMEM);
    return true;
}

static bool the_limit_of_locked_memory_holds(void)
{
    at = pages_map(4);
    CHECK_CHILD(limited);
    pages_unmap(at, 4);
    return true;
}

static bool new_memory_is_locked_after_mlockall(void)
{
    CHECK(mlockall(MCL_FUTURE) == 0);
    at = pages_map(2);
    CHECK(at && resident(at + PAGE) == 1);
    CHECK(munlockall() == 0);
    CHECK(madvise(at, 2 * PAGE, MADV_DONTNEED) == 0);
    pages_unmap(at, 2);
    return true;
}

static bool msync_finds_holes_and_locks(void)
{
    at = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(msync(at, 3 * PAGE, MS_SYNC) == 0 && msync(at, 3 * PAGE, MS_ASYNC | MS_INVALIDATE) == 0);
    CHECK_FAILS(msync(at, PAGE, MS_SYNC | MS_ASYNC), EINVAL);
    CHECK(mlock(at, PAGE) == 0);
    CHECK_FAILS(msync(at, PAGE, MS_INVALIDATE), EBUSY);
    munmap(at + PAGE, PAGE);
    CHECK_FAILS(msync(at, 3 * PAGE, MS_SYNC), ENOMEM);
    munmap(at, 3 * PAGE);
    return true;
}

static bool membarrier_wants_to_be_registered(void)
{
    long known = syscall(SYS_membarrier, MEMBARRIER_CMD_QUERY, 0, 0);

    CHECK(known > 0 && (known & MEMBARRIER_CMD_GLOBAL) && (known & MEMBARRIER_CMD_PRIVATE_EXPEDITED));
    CHECK_FAILS(syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0), EPERM);
    CHECK(syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0);
    CHECK(syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) == 0);
    CHECK(syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0) == 0);
    CHECK_FAILS(syscall(SYS_membarrier, 1 << 30, 0, 0), EINVAL);
    return true;
}

int main(void)
{
    TEST(dontneed_forgets_private_pages);
    TEST(dontneed_keeps_what_is_in_the_file);
    TEST(dontneed_in_a_child_leaves_the_parents_pages);
    TEST(free_gives_the_old_content_or_zeros);
    TEST(fork_leaves_out_and_wipes_what_it_was_told_to);
    TEST(fork_gives_everything_again_after_the_opposite_advice);
    TEST(advice_goes_past_a_hole_and_tells_of_it);
    TEST(populate_makes_pages_present);
    TEST(mlock_makes_present_and_keeps_out_dontneed);
    TEST(locks_are_not_inherited);
    TEST(the_limit_of_locked_memory_holds);
    TEST(new_memory_is_locked_after_mlockall);
    TEST(msync_finds_holes_and_locks);
    TEST(membarrier_wants_to_be_registered);
    return tap_done();
}
