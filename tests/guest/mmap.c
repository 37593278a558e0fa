// SPDX-License-Identifier: MIT
/*
 * mmap.c - anonymous mappings: where they go, what they hold, what is refused.
 */
#include "touch.h"

#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#define RW (PROT_READ | PROT_WRITE)
#define ANONYMOUS (MAP_PRIVATE | MAP_ANONYMOUS)

static long map(void *at, size_t length, int rights, int flags)
{
    return (long)mmap(at, length, rights, flags, -1, 0);
}

static bool anonymous_memory_reads_as_zero(void)
{
    unsigned char *pages = pages_map(16);

    CHECK(pages);
    for (size_t i = 0; i < 16 * PAGE; i++)
        CHECK_EQ(pages[i], 0);
    pages_unmap(pages, 16);
    return true;
}

static bool mappings_are_page_aligned_and_apart(void)
{
    unsigned char *a = pages_map(3), *b = pages_map(5);

    CHECK(a && b);
    CHECK_EQ((uintptr_t)a % PAGE, 0);
    CHECK_EQ((uintptr_t)b % PAGE, 0);
    CHECK(a + 3 * PAGE <= b || b + 5 * PAGE <= a);
    memset(a, 1, 3 * PAGE);
    memset(b, 2, 5 * PAGE);
    CHECK_EQ(a[3 * PAGE - 1], 1);
    pages_unmap(a, 3);
    pages_unmap(b, 5);
    return true;
}

static bool length_is_rounded_up_to_pages(void)
{
    unsigned char *page = (unsigned char *)map(NULL, 100, RW, ANONYMOUS);

    CHECK((long)page != -1);
    page[PAGE - 1] = 1;
    CHECK(munmap(page, 100) == 0);
    CHECK(touch_refused(TOUCH_READ, page + PAGE - 1, SEGV_MAPERR));
    return true;
}

static bool hint_is_taken_where_it_is_free(void)
{
    unsigned char *room = pages_map(8);

    CHECK(room);
    pages_unmap(room, 8);
    CHECK(map(room + PAGE, PAGE, RW, ANONYMOUS) == (long)(room + PAGE));
    long other = map(room + PAGE, PAGE, RW, ANONYMOUS);
    CHECK(other != -1 && other != (long)(room + PAGE));
    munmap((void *)other, PAGE);
    pages_unmap(room + PAGE, 1);
    return true;
}

static bool fixed_replaces_what_was_there(void)
{
    unsigned char *pages = pages_map(4);

    CHECK(pages);
    memset(pages, 7, 4 * PAGE);
    CHECK(map(pages + PAGE, 2 * PAGE, RW, ANONYMOUS | MAP_FIXED) == (long)(pages + PAGE));
    CHECK_EQ(pages[PAGE - 1], 7);
    CHECK_EQ(pages[PAGE], 0);
    CHECK_EQ(pages[3 * PAGE - 1], 0);
    CHECK_EQ(pages[3 * PAGE], 7);
    pages_unmap(pages, 4);
    return true;
}

static bool fixed_can_take_rights_away(void)
{
    unsigned char *pages = pages_map(3);

    CHECK(pages);
    memset(pages, 7, 3 * PAGE);
    CHECK(map(pages + PAGE, PAGE, PROT_NONE, ANONYMOUS | MAP_FIXED) == (long)(pages + PAGE));
    CHECK(touch_refused(TOUCH_READ, pages + PAGE, SEGV_ACCERR));
    CHECK(touch_allowed(TOUCH_WRITE, pages));
    CHECK(touch_allowed(TOUCH_WRITE, pages + 2 * PAGE));
    pages_unmap(pages, 3);
    return true;
}

static bool wrong_arguments_are_refused(void)
{
    CHECK_FAILS(map(NULL, 0, RW, ANONYMOUS), EINVAL);
    CHECK_FAILS(map(NULL, PAGE, RW, MAP_ANONYMOUS), EINVAL);
    CHECK_FAILS(map((void *)0x10000001, PAGE, RW, ANONYMOUS | MAP_FIXED), EINVAL);
    CHECK_FAILS(mmap(NULL, PAGE, RW, MAP_PRIVATE, -1, 0), EBADF);
    return true;
}

static bool lengths_that_cannot_be_are_refused(void)
{
    CHECK_FAILS(map(NULL, 1UL << 47, RW, ANONYMOUS), ENOMEM);
    CHECK_FAILS(map(NULL, -PAGE, RW, ANONYMOUS), ENOMEM);
    CHECK_FAILS(map(NULL, -1UL, RW, ANONYMOUS), ENOMEM);
    return true;
}

static bool fixed_outside_user_memory_is_refused(void)
{
    CHECK_FAILS(map((void *)0x7ffffffff000, 2 * PAGE, RW, ANONYMOUS | MAP_FIXED), ENOMEM);
    CHECK_FAILS(map((void *)0x800000000000, PAGE, RW, ANONYMOUS | MAP_FIXED), ENOMEM);
    CHECK_FAILS(map((void *)0xffff800000000000, PAGE, RW, ANONYMOUS | MAP_FIXED), ENOMEM);
    CHECK_FAILS(map((void *)-PAGE, 2 * PAGE, RW, ANONYMOUS | MAP_FIXED), ENOMEM);
    return true;
}

static bool mapping_again_after_munmap_reads_as_zero(void)
{
    unsigned char *pages = pages_map(4);

    CHECK(pages);
    memset(pages, 9, 4 * PAGE);
    pages_unmap(pages, 4);
    CHECK(map(pages, 4 * PAGE, RW, ANONYMOUS | MAP_FIXED) == (long)pages);
    for (size_t i = 0; i < 4 * PAGE; i += 8)
        CHECK_EQ(pages[i], 0);
    pages_unmap(pages, 4);
    return true;
}

/* Rights alternate, so that neighbours cannot merge. */
static bool two_hundred_regions_hold_their_bytes(void)
{
    unsigned char *room = pages_map(200);

    CHECK(room);
    for (int i = 0; i < 200; i++) {
        room[i * PAGE] = i;
        CHECK(mprotect(room + i * PAGE, PAGE, i & 1 ? PROT_READ : RW) == 0);
    }
    for (int i = 0; i < 200; i++)
        CHECK_EQ(room[i * PAGE], i);
    for (int i = 0; i < 200; i++) {
        int at = i * 77 % 200;
        CHECK(munmap(room + at * PAGE, PAGE) == 0);
    }
    for (int i = 0; i < 200; i += 13)
        CHECK(touch_refused(TOUCH_READ, room + i * PAGE, SEGV_MAPERR));
    return true;
}

static bool mapping_at_the_lowest_and_highest_address_works(void)
{
    unsigned char *low = (unsigned char *)0x10000, *high = (unsigned char *)(0x7ffffffff000 - PAGE);

    CHECK(map(low, PAGE, RW, ANONYMOUS | MAP_FIXED) == (long)low);
    CHECK(touch_allowed(TOUCH_WRITE, low));
    pages_unmap(low, 1);
    /* Without address randomisation the stack lies there, and a fixed mapping would replace it. */
    if (kernel_touch(TOUCH_READ, high) == EFAULT) {
        CHECK(map(high, PAGE, RW, ANONYMOUS | MAP_FIXED) == (long)high);
        CHECK(touch_allowed(TOUCH_WRITE, high + PAGE - 1));
        pages_unmap(high, 1);
    }
    return true;
}

#define LOW_GIB (1UL << 30)

static bool low_addresses_are_in_the_second_gigabyte(void)
{
    long at = map(NULL, 2 * PAGE, RW, ANONYMOUS | MAP_32BIT), next = map((void *)0x700000000000, PAGE, RW, ANONYMOUS | MAP_32BIT);
    unsigned char *hint = (unsigned char *)0x10000000;

    CHECK(at >= (long)LOW_GIB && at < (long)(2 * LOW_GIB) && next >= (long)LOW_GIB && next < (long)(2 * LOW_GIB) && at != next);
    CHECK(touch_allowed(TOUCH_WRITE, (void *)at) && touch_allowed(TOUCH_WRITE, (void *)next));
    CHECK(map(hint, PAGE, RW, ANONYMOUS | MAP_32BIT) == (long)hint);
    CHECK_FAILS(map(NULL, LOW_GIB + PAGE, PROT_NONE, ANONYMOUS | MAP_32BIT | MAP_NORESERVE), ENOMEM);
    pages_unmap((void *)at, 2);
    pages_unmap((void *)next, 1);
    pages_unmap(hint, 1);
    return true;
}

static bool validated_flags_that_a_file_does_not_know_are_refused(void)
{
    int fd = memfd_create("flags", 0);
    enum { VALIDATE = 3, SYNC = 0x80000 };

    CHECK(fd >= 0 && ftruncate(fd, PAGE) == 0);
    CHECK_FAILS((long)mmap(NULL, PAGE, RW, VALIDATE | SYNC, fd, 0), EOPNOTSUPP);
    unsigned char *at = mmap(NULL, PAGE, RW, VALIDATE | MAP_POPULATE, fd, 0), *ignored = mmap(NULL, PAGE, RW, MAP_SHARED | SYNC, fd, 0);
    CHECK(at != MAP_FAILED && ignored != MAP_FAILED);
    at[0] = 3;
    CHECK_EQ(ignored[0], 3);
    pages_unmap(at, 1);
    pages_unmap(ignored, 1);
    return close(fd) == 0;
}

static bool huge_pages_are_refused_where_there_are_none(void)
{
    char reserved[16] = "";

    if (file_get("/proc/sys/vm/nr_hugepages", reserved, sizeof reserved) > 0 && reserved[0] != '0')
        SKIP("this system has huge pages");
    CHECK_FAILS(map(NULL, PAGE, RW, ANONYMOUS | MAP_HUGETLB), ENOMEM);
    CHECK_FAILS(map(NULL, PAGE, RW, ANONYMOUS | MAP_HUGETLB | 5 << 26), EINVAL); // of 32 bytes
    return true;
}

int main(void)
{
    TEST(anonymous_memory_reads_as_zero);
    TEST(mappings_are_page_aligned_and_apart);
    TEST(length_is_rounded_up_to_pages);
    TEST(hint_is_taken_where_it_is_free);
    TEST(fixed_replaces_what_was_there);
    TEST(fixed_can_take_rights_away);
    TEST(wrong_arguments_are_refused);
    TEST(lengths_that_cannot_be_are_refused);
    TEST(fixed_outside_user_memory_is_refused);
    TEST(mapping_again_after_munmap_reads_as_zero);
    TEST(two_hundred_regions_hold_their_bytes);
    TEST(mapping_at_the_lowest_and_highest_address_works);
    TEST(low_addresses_are_in_the_second_gigabyte);
    TEST(validated_flags_that_a_file_does_not_know_are_refused);
    TEST(huge_pages_are_refused_where_there_are_none);
    return tap_done();
}
