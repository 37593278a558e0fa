// SPDX-License-Identifier: MIT
/*
 * swap.c - more memory than there is: pages in swap come back right, whoever shares them, and leave no slot behind.
 *
 * Needs swap in use, four times memory or so (./gaur run --swap 128M). On a machine without any all of it is skipped.
 */
#include "gaur.h"
#include "swapped.h"
#include "touch.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/swap.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGES 64

static unsigned char *map(size_t pages)
{
    void *at = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    return at == MAP_FAILED ? NULL : at;
}

static unsigned char *filled(size_t pages, uint64_t salt)
{
    unsigned char *memory = map(pages);

    for (size_t page = 0; memory && page < pages; page++)
        fill(memory, page, salt);
    return memory;
}

static unsigned resident(unsigned char *memory, size_t pages)
{
    unsigned char vector[PAGES];
    unsigned count = 0;

    if (pages > PAGES || mincore(memory, pages * PAGE, vector))
        return 0;
    for (size_t i = 0; i < pages; i++)
        count += vector[i] & 1;
    return count;
}

/* Bit 62 of /proc/self/pagemap: in swap. */
static unsigned in_swap(const unsigned char *memory, size_t pages)
{
    int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
    unsigned count = 0;
    uint64_t word;

    for (size_t i = 0; i < pages; i++)
        if (pread(fd, &word, sizeof word, (off_t)(((uintptr_t)memory / PAGE + i) * sizeof word)) == sizeof word)
            count += word >> 62 & 1;
    close(fd);
    return count;
}

/* Ask for the pages to leave: again, where the reclaim thread has a batch of them in its hands, which it may give back. */
static bool page_out(unsigned char *memory, size_t pages)
{
    for (unsigned tries = 0; tries < 1000; tries++) {
        CHECK(madvise(memory, pages * PAGE, MADV_PAGEOUT) == 0);
        if (in_swap(memory, pages) == pages)
            return true;
        sleep_ms(5);
    }
    return false;
}

/* ---- Asked for ---- */

static bool pages_leave_when_asked_and_come_back(void)
{
    unsigned char *memory = filled(PAGES, 0);

    CHECK(memory);
    CHECK_EQ(resident(memory, PAGES), PAGES);
    unsigned long before = slots_free();
    CHECK(page_out(memory, PAGES));
    CHECK_EQ(resident(memory, PAGES), 0);
    CHECK(slots_free() <= before - PAGES);
    for (unsigned i = 0; i < PAGES; i++)
        CHECK(is_right(memory, i, 0));
    CHECK_EQ(resident(memory, PAGES), PAGES);
    for (unsigned i = 0; i < PAGES; i++)
        memory[i * PAGE] ^= 1; // a page that is written to needs no slot
    CHECK(slots_free() + 8 >= before);
    munmap(memory, PAGES * PAGE);
    return true;
}

static bool a_child_and_its_parent_share_what_is_in_swap(void)
{
    unsigned char *memory = filled(PAGES, 3);
    int status;

    CHECK(memory);
    CHECK(page_out(memory, PAGES));
    pid_t child = fork();
    if (child == 0) {
        bool good = is_right(memory, 1, 3);
        fill(memory, 2, 4);
        _exit(good && is_right(memory, 2, 4) && is_right(memory, 3, 3) ? 0 : 1);
    }
    CHECK(waitpid(child, &status, 0) == child);
    CHECK_EQ(status, 0);
    for (unsigned i = 0; i < PAGES; i++)
        CHECK(is_right(memory, i, 3));
    munmap(memory, PAGES * PAGE);
    return true;
}

static bool the_kernel_reads_and_writes_what_is_in_swap(void)
{
    unsigned char *memory = filled(4, 5);
    int ends[2];

    CHECK(memory);
    CHECK(pipe(ends) == 0);
    CHECK(page_out(memory, 4));
    CHECK_EQ(write(ends[1], memory + PAGE - 8, 16), 16);
    CHECK(page_out(memory, 4));
    CHECK_EQ(read(ends[0], memory + 3 * PAGE - 8, 16), 16);
    CHECK(!memcmp(memory + 3 * PAGE - 8, memory + PAGE - 8, 16));
    CHECK(is_right(memory, 0, 5) && is_right(memory, 1, 5));
    close(ends[0]);
    close(ends[1]);
    munmap(memory, 4 * PAGE);
    return true;
}

static bool a_part_of_a_range_is_unmapped_moved_and_protected_in_swap(void)
{
    unsigned char *memory = filled(8, 6);

    CHECK(memory);
    CHECK(page_out(memory, 8));
    CHECK(munmap(memory + 3 * PAGE, PAGE) == 0);
    CHECK(mprotect(memory, PAGE, PROT_READ) == 0);
    CHECK(is_right(memory, 0, 6));
    unsigned char *moved = mremap(memory + 4 * PAGE, 4 * PAGE, 4 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, map(4));
    CHECK(moved != MAP_FAILED);
    CHECK_EQ(in_swap(moved, 4), 4);
    for (unsigned i = 0; i < 4; i++)
        CHECK(!memcmp(moved + i * PAGE, &(uint64_t){pattern((4 + i) ^ 6, 0)}, 8));
    CHECK(madvise(memory, 3 * PAGE, MADV_DONTNEED) == 0);
    CHECK_EQ(memory[PAGE], 0);
    munmap(moved, 4 * PAGE);
    munmap(memory, 3 * PAGE);
    return true;
}

static bool locked_memory_does_not_leave(void)
{
    unsigned char *memory = filled(4, 7);

    CHECK(memory);
    CHECK(mlock(memory, 4 * PAGE) == 0);
    CHECK_FAILS(madvise(memory, 4 * PAGE, MADV_PAGEOUT), EINVAL);
    CHECK_EQ(resident(memory, 4), 4);
    munmap(memory, 4 * PAGE);
    return true;
}

/* ---- Four times memory ---- */

static size_t many_pages(void)
{
    struct sysinfo info;

    if (sysinfo(&info))
        return 0;
    size_t memory = info.totalram * info.mem_unit / PAGE;
    return memory * 4 < slots_free() ? memory * 4 : slots_free() * 3 / 4;
}

/* Look at `count` random pages, and write some of them anew. */
static bool look_at_random(unsigned char *memory, size_t pages, uint64_t salt, unsigned count, unsigned seed)
{
    srandom(seed);
    for (unsigned i = 0; i < count; i++) {
        size_t page = (size_t)random() % pages;
        if (!is_right(memory, page, salt))
            return false;
        if (i % 4 == 0)
            fill(memory, page, salt);
    }
    return true;
}

static bool all_are_right(const unsigned char *memory, size_t pages, uint64_t salt)
{
    for (size_t page = 0; page < pages; page++)
        if (!is_right(memory, page, salt))
            return false;
    return true;
}

/* A child writes some pages of its own, and sees them and all others. */
static int child_work(unsigned char *memory, size_t pages, uint64_t salt)
{
    for (size_t page = salt; page < pages; page += 97)
        fill(memory, page, salt);
    for (size_t page = 0; page < pages; page++)
        if (!is_right(memory, page, page >= salt && (page - salt) % 97 == 0 ? salt : 0))
            return 1;
    return 0;
}

static bool four_times_memory_is_right_to_the_byte_through_two_forks(void)
{
    size_t pages = many_pages();
    unsigned char *memory = filled(pages, 0);
    pid_t children[2];
    int status;

    CHECK(memory);
    CHECK(look_at_random(memory, pages, 0, 2000, 1));
    for (unsigned i = 0; i < 2; i++) {
        children[i] = fork();
        if (children[i] == 0)
            _exit(child_work(memory, pages, i + 1));
        CHECK(children[i] > 0);
    }
    for (unsigned i = 0; i < 2; i++) {
        CHECK(waitpid(children[i], &status, 0) == children[i]);
        CHECK_EQ(status, 0);
    }
    CHECK(all_are_right(memory, pages, 0));
    diag("%zu pages", pages);
    munmap(memory, pages * PAGE);
    return true;
}

static bool swapoff_brings_all_back(void)
{
    char name[64];
    unsigned char *memory = filled(PAGES, 9);

    CHECK(memory && first_area(name));
    CHECK(page_out(memory, PAGES));
    CHECK(swapoff(name) == 0);
    CHECK_EQ(in_swap(memory, PAGES), 0);
    CHECK_EQ(resident(memory, PAGES), PAGES);
    CHECK_FAILS(swapoff(name), EINVAL);
    for (unsigned i = 0; i < PAGES; i++)
        CHECK(is_right(memory, i, 9));
    CHECK(swapon(name, 0) == 0);
    CHECK_FAILS(swapon(name, 0), EBUSY);
    munmap(memory, PAGES * PAGE);
    return true;
}

static bool what_cannot_be_swap_is_refused(void)
{
    CHECK_FAILS(swapon("/nowhere", 0), ENOENT);
    CHECK_FAILS(swapon("/dev/null", 0), EINVAL);
    CHECK_FAILS(swapon("/", 0), EISDIR);
    CHECK_FAILS(swapon((const char *)1, 0), EFAULT);
    CHECK_FAILS(swapoff("/nowhere"), ENOENT);
    CHECK_FAILS(swapoff("/dev/null"), EINVAL);
    return true;
}

static bool without_rights(void)
{
    CHECK(setuid(1000) == 0);
    CHECK_FAILS(swapon("/dev/null", 0), EPERM);
    CHECK_FAILS(swapoff("/dev/null"), EPERM);
    return true;
}

static bool only_the_superuser_may(void)
{
    CHECK_CHILD(without_rights);
    return true;
}

static bool every_frame_and_slot_comes_back(void)
{
    struct frames before;
    unsigned long slots = slots_free();

    CHECK(frames_settle(&before));
    CHECK(four_times_memory_is_right_to_the_byte_through_two_forks());
    CHECK(slots_free() + 64 >= slots); // pages of sleeping programs may have gone meanwhile
    CHECK(verify_is_ok());
    return true;
}

int main(void)
{
    bool superuser = geteuid() == 0;

    if (!on_gaur() || !has_swap()) {
        skip("needs swap", "pages_leave_and_come_back");
        return tap_done();
    }
    TEST(pages_leave_when_asked_and_come_back);
    TEST(a_child_and_its_parent_share_what_is_in_swap);
    TEST(the_kernel_reads_and_writes_what_is_in_swap);
    TEST(a_part_of_a_range_is_unmapped_moved_and_protected_in_swap);
    TEST(locked_memory_does_not_leave);
    TEST(four_times_memory_is_right_to_the_byte_through_two_forks);
    TEST(every_frame_and_slot_comes_back);
    if (superuser) {
        TEST(swapoff_brings_all_back);
        TEST(what_cannot_be_swap_is_refused);
        TEST(only_the_superuser_may);
    }
    return tap_done();
}
