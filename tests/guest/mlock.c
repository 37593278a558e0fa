// SPDX-License-Identifier: MIT
/* mlock.c - memory that is locked as it is mapped, its limit, and what cannot be touched: refused or passed over, never page by page. */
#include "tap.h"

#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { UNRESERVED = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE };

#define LOCKED (MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED)
#ifndef MADV_DONTNEED_LOCKED
#define MADV_DONTNEED_LOCKED 24
#endif
#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif

static unsigned char *at;

static void *map(size_t pages, int flags)
{
    return mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, flags, -1, 0);
}

static bool is_resident(const void *page)
{
    unsigned char vector = 0;

    return mincore((void *)page, PAGE, &vector) == 0 && (vector & 1);
}

/* Advice that locked memory refuses. */
static bool is_locked(void *page)
{
    return madvise(page, PAGE, MADV_COLD) == -1 && errno == EINVAL;
}

static bool map_locked_makes_present(void)
{
    at = map(2, LOCKED);
    CHECK(at != MAP_FAILED);
    CHECK(is_locked(at) && is_resident(at) && is_resident(at + PAGE));
    CHECK(madvise(at, PAGE, MADV_DONTNEED_LOCKED) == 0);
    CHECK(!is_resident(at) && is_resident(at + PAGE) && is_locked(at));
    return munmap(at, 2 * PAGE) == 0;
}

static bool populate_with_nonblock_makes_nothing_present(void)
{
    at = map(1, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE | MAP_NONBLOCK);
    CHECK(at != MAP_FAILED && !is_resident(at));
    return munmap(at, PAGE) == 0;
}

static bool a_lock_goes_along_with_the_pages_that_dontunmap_moves(void)
{
    at = map(2, LOCKED);
    memset(at, 5, 2 * PAGE);
    unsigned char *moved = mremap(at, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL);

    CHECK(moved != MAP_FAILED);
    CHECK(is_locked(moved) && !is_locked(at));
    CHECK(moved[PAGE] == 5 && at[PAGE] == 0);
    munmap(moved, 2 * PAGE);
    return munmap(at, 2 * PAGE) == 0;
}

/* Become somebody who may lock `pages` pages and no more. */
static bool limit_to(size_t pages)
{
    const struct rlimit limit = {pages * PAGE, pages * PAGE};

    CHECK(setrlimit(RLIMIT_MEMLOCK, &limit) == 0);
    return getuid() != 0 || setuid(65534) == 0;
}

static bool limited_maps(void)
{
    CHECK(limit_to(4));
    CHECK((at = map(3, LOCKED)) != MAP_FAILED);
    CHECK_FAILS((long)map(2, LOCKED), EAGAIN);
    CHECK(munmap(at, PAGE) == 0 && map(2, LOCKED) != MAP_FAILED);
    CHECK(map(2, MAP_PRIVATE | MAP_ANONYMOUS) != MAP_FAILED);
    return true;
}

static bool locks_nothing(void)
{
    CHECK(limit_to(0));
    CHECK_FAILS(syscall(SYS_mmap, NULL, PAGE, PROT_READ, LOCKED, -1, 0), EPERM); // musl's mmap makes ENOMEM of it
    CHECK_FAILS(mlock(at, PAGE), EPERM);
    return true;
}

static bool the_limit_holds_for_new_mappings(void)
{
    CHECK_CHILD(limited_maps);
    CHECK_CHILD(locks_nothing);
    return true;
}

static unsigned long move_brk(unsigned long to)
{
    return (unsigned long)syscall(SYS_brk, to);
}

static bool limited_heap(void)
{
    unsigned long start = (move_brk(0) + PAGE - 1) & -PAGE;

    CHECK(move_brk(start + PAGE) == start + PAGE);
    CHECK(limit_to(4) && mlockall(MCL_FUTURE) == 0);
    CHECK_EQ(move_brk(start + 6 * PAGE), start + PAGE);
    CHECK_EQ(move_brk(start + 3 * PAGE), start + 3 * PAGE);
    CHECK(!is_locked((void *)start) && is_locked((void *)(start + PAGE)));
    CHECK(!is_resident((void *)start) && is_resident((void *)(start + 2 * PAGE)));
    CHECK_FAILS((long)map(3, MAP_PRIVATE | MAP_ANONYMOUS), EAGAIN);
    CHECK(munlockall() == 0 && !is_locked((void *)(start + PAGE)));
    CHECK_EQ(move_brk(start + 6 * PAGE), start + 6 * PAGE);
    *(char *)(start + 5 * PAGE) = 1;
    CHECK_EQ(move_brk(start), start);
    return true;
}

static bool the_heap_is_locked_after_mlockall_and_within_the_limit(void)
{
    CHECK_CHILD(limited_heap);
    return true;
}

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
    CHECK(mmap(NULL, 1UL << 45, PROT_NONE, UNRESERVED, -1, 0) != MAP_FAILED);
    at = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(mmap(NULL, 1UL << 45, PROT_NONE, UNRESERVED, -1, 0) != MAP_FAILED);
    CHECK(mlockall(MCL_CURRENT) == 0);
    CHECK(is_resident(at));
    return true;
}

static bool locking_everything_passes_over_what_has_no_rights(void)
{
    CHECK_CHILD(child_locks_all);
    return true;
}

/* Touch the stack so many pages below here, each page on the way. */
static void use_stack(size_t pages)
{
    volatile char *here = __builtin_frame_address(0);

    for (size_t i = 1; i <= pages; i++)
        here[-(long)(i * PAGE)] = 1;
}

static bool grow_the_stack(size_t pages)
{
    unsigned long size = 0;
    char text[64];

    CHECK(file_get("/proc/self/statm", text, sizeof text) > 0 && sscanf(text, "%lu", &size) == 1);
    CHECK(limit_to(size + 100) && mlockall(MCL_CURRENT) == 0);
    use_stack(pages);
    return true;
}

static bool grow_by_little(void)
{
    return grow_the_stack(60);
}

static bool grow_by_much(void)
{
    return grow_the_stack(400);
}

static bool a_locked_stack_grows_within_the_limit_only(void)
{
    CHECK(exited_with(child_run(grow_by_little), 0));
    CHECK(killed_by(child_run(grow_by_much), SIGSEGV));
    return true;
}

int main(void)
{
    TEST(map_locked_makes_present);
    TEST(populate_with_nonblock_makes_nothing_present);
    TEST(a_lock_goes_along_with_the_pages_that_dontunmap_moves);
    TEST(the_limit_holds_for_new_mappings);
    TEST(the_heap_is_locked_after_mlockall_and_within_the_limit);
    TEST(memory_without_rights_cannot_be_locked);
    TEST(pages_past_the_end_of_a_file_cannot_be_locked);
    TEST(populating_sixty_four_terabytes_without_rights_is_done_at_once);
    TEST(locking_everything_passes_over_what_has_no_rights);
    TEST(a_locked_stack_grows_within_the_limit_only);
    return tap_done();
}
