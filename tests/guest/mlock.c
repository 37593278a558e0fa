// SPDX-License-Identifier: MIT
/* mlock.c - locking and populating what cannot be touched: refused or passed over, but never page by page. */
#include "tap.h"

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { UNRESERVED = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE };

static unsigned char *at;

static bool memory_without_rights_cannot_be_locked(void)
{
    at = mmap(NULL, 2 * PAGE, PROT_NONE, UNRESERVED, -1, 0);
    CHECK(at != MAP_FAILED);
    CHECK_FAILS(mlock(at, 2 * PAGE), ENOMEM);
    CHECK_FAILS(madvise(at, PAGE, MADV_DONTNEED), EINVAL); // it is locked all the same, only not there
    CHECK(munlock(at, 2 * PAGE) == 0 && madvise(at, PAGE, MADV_DONTNEED) == 0);
    return munmap(at, 2 * PAGE) == 0;
}

static bool pages_past_the_end_of_a_file_cannot_be_locked(void)
{
    at = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, memfd_create("empty", 0), 0);
    CHECK(at != MAP_FAILED);
    CHECK_FAILS(mlock(at, 2 * PAGE), ENOMEM);
    return munmap(at, 2 * PAGE) == 0;
}

static bool populating_sixty_four_terabytes_without_rights_is_done_at_once(void)
{
    at = mmap(NULL, 1UL << 46, PROT_NONE, UNRESERVED | MAP_POPULATE, -1, 0);
    CHECK(at != MAP_FAILED);
    return munmap(at, 1UL << 46) == 0;
}

static bool child_locks_all(void)
{
    unsigned char vector = 0;

    CHECK(mmap(NULL, 1UL << 45, PROT_NONE, UNRESERVED, -1, 0) != MAP_FAILED);
    at = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(mmap(NULL, 1UL << 45, PROT_NONE, UNRESERVED, -1, 0) != MAP_FAILED);
    CHECK(mlockall(MCL_CURRENT) == 0);
    CHECK(mincore(at, PAGE, &vector) == 0);
    CHECK_EQ(vector & 1, 1);
    return true;
}

static bool locking_everything_passes_over_what_has_no_rights(void)
{
    CHECK_CHILD(child_locks_all);
    return true;
}

int main(void)
{
    TEST(memory_without_rights_cannot_be_locked);
    TEST(pages_past_the_end_of_a_file_cannot_be_locked);
    TEST(populating_sixty_four_terabytes_without_rights_is_done_at_once);
    TEST(locking_everything_passes_over_what_has_no_rights);
    return tap_done();
}
