// SPDX-License-Identifier: MIT
/*
 * swap_files.c - pages of tmpfs, of shared anonymous memory and of System V segments go to swap as those of private memory do: more of them
 * than there is memory come back right, are counted as what they are, and leave no slot behind.
 *
 * Needs swap in use, four times memory or so (./gaur run --swap 128M). On a machine without any all of it is skipped.
 */
#include "gaur.h"
#include "swapped.h"
#include "touch.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGES 64

static unsigned char *map_shared(size_t pages)
{
    void *at = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    return at == MAP_FAILED ? NULL : at;
}

static void fill_all(unsigned char *memory, size_t pages, uint64_t salt)
{
    for (size_t page = 0; page < pages; page++)
        fill(memory, page, salt);
}

static bool all_are_right(const unsigned char *memory, size_t pages, uint64_t salt)
{
    for (size_t page = 0; page < pages; page++)
        if (!is_right(memory, page, salt))
            return false;
    return true;
}

static unsigned resident(unsigned char *memory)
{
    unsigned char vector[PAGES];
    unsigned count = 0;

    if (mincore(memory, PAGES * PAGE, vector))
        return 0;
    for (size_t i = 0; i < PAGES; i++)
        count += vector[i] & 1;
    return count;
}

/* The figure of /proc/self/smaps for the region that begins at `at`, in KiB. */
static unsigned long smaps_swap(const void *at)
{
    FILE *file = fopen("/proc/self/smaps", "re");
    unsigned long start = 0, first, end, found = 0, value;
    char line[256];

    while (file && fgets(line, sizeof line, file)) {
        if (sscanf(line, "%lx-%lx ", &first, &end) == 2)
            start = first;
        else if (start == (unsigned long)at && sscanf(line, "Swap: %lu kB", &value) == 1)
            found = value;
    }
    if (file)
        fclose(file);
    return found;
}

static long major_faults(void)
{
    struct rusage usage;

    return getrusage(RUSAGE_SELF, &usage) ? -1 : usage.ru_majflt;
}

static size_t twice_memory(void)
{
    struct sysinfo info;

    if (sysinfo(&info))
        return 0;
    size_t pages = info.totalram * info.mem_unit / PAGE * 2;
    return pages < slots_free() ? pages : slots_free() * 3 / 4;
}

/* ---- Shared memory ---- */

static bool shared_pages_leave_when_asked_and_come_back(void)
{
    unsigned char *memory = map_shared(PAGES);

    CHECK(memory);
    fill_all(memory, PAGES, 0);
    CHECK_EQ(resident(memory), PAGES);
    unsigned long before = slots_free();
    CHECK(madvise(memory, PAGES * PAGE, MADV_PAGEOUT) == 0);
    CHECK_EQ(resident(memory), 0);
    CHECK(slots_free() <= before - PAGES);
    CHECK_EQ(smaps_swap(memory), PAGES * PAGE / 1024);
    long faults = major_faults();
    CHECK(all_are_right(memory, PAGES, 0));
    CHECK(major_faults() > faults);
    CHECK_EQ(smaps_swap(memory), 0);
    CHECK_EQ(resident(memory), PAGES);
    munmap(memory, PAGES * PAGE);
    CHECK(slots_free() + 8 >= before);
    return true;
}

static bool parent_and_child_see_one_page_through_swap(void)
{
    unsigned char *memory = map_shared(PAGES);
    int status;

    CHECK(memory);
    fill_all(memory, PAGES, 1);
    CHECK(madvise(memory, PAGES * PAGE, MADV_PAGEOUT) == 0);
    pid_t child = fork();
    if (child == 0) {
        bool good = all_are_right(memory, PAGES, 1);
        fill_all(memory, PAGES, 2);
        _exit(good && madvise(memory, PAGES * PAGE, MADV_PAGEOUT) == 0 ? 0 : 1);
    }
    CHECK(waitpid(child, &status, 0) == child);
    CHECK_EQ(status, 0);
    CHECK(all_are_right(memory, PAGES, 2));
    munmap(memory, PAGES * PAGE);
    return true;
}

static bool twice_memory_of_shared_pages_is_right_for_parent_and_child(void)
{
    size_t pages = twice_memory();
    unsigned char *memory = map_shared(pages);
    int status;

    CHECK(memory);
    fill_all(memory, pages, 3);
    pid_t child = fork();
    if (child == 0) {
        bool good = true;
        for (size_t page = 0; page < pages && good; page += 3) {
            good = is_right(memory, page, 3);
            fill(memory, page, 4);
        }
        _exit(good ? 0 : 1);
    }
    CHECK(child > 0 && waitpid(child, &status, 0) == child);
    CHECK_EQ(status, 0);
    for (size_t page = 0; page < pages; page++)
        CHECK(is_right(memory, page, page % 3 ? 3 : 4));
    munmap(memory, pages * PAGE);
    return true;
}

static bool a_segment_tells_what_of_it_is_in_swap(void)
{
    struct shm_info info;
    int id = shmget(IPC_PRIVATE, PAGES * PAGE, IPC_CREAT | 0600);
    unsigned char *memory = id < 0 ? (void *)-1 : shmat(id, NULL, 0);

    CHECK(memory != (void *)-1);
    CHECK(shmctl(id, IPC_RMID, NULL) == 0);
    fill_all(memory, PAGES, 5);
    CHECK(madvise(memory, PAGES * PAGE, MADV_PAGEOUT) == 0);
    CHECK(shmctl(0, SHM_INFO, (struct shmid_ds *)&info) >= 0);
    CHECK_EQ(info.shm_swp, PAGES);
    CHECK_EQ(info.shm_rss, 0);
    CHECK(shmctl(id, SHM_LOCK, NULL) == 0);
    CHECK(all_are_right(memory, PAGES, 5)); // those that come in now stay
    CHECK(madvise(memory, PAGES * PAGE, MADV_PAGEOUT) == 0);
    CHECK(shmctl(0, SHM_INFO, (struct shmid_ds *)&info) >= 0);
    CHECK_EQ(info.shm_swp, 0);
    CHECK(shmdt(memory) == 0);
    return true;
}

/* ---- tmpfs ---- */

static bool write_file(int fd, size_t pages, uint64_t salt)
{
    static unsigned char page[PAGE];

    for (size_t i = 0; i < pages; i++) {
        fill_page(page, i, salt);
        if (pwrite(fd, page, PAGE, (off_t)(i * PAGE)) != PAGE)
            return false;
    }
    return true;
}

static bool file_is_right(int fd, size_t first, size_t end, uint64_t salt)
{
    static unsigned char page[PAGE];

    for (size_t i = first; i < end; i++)
        if (pread(fd, page, PAGE, (off_t)(i * PAGE)) != PAGE || !page_is_right(page, i, salt))
            return false;
    return true;
}

static bool a_file_of_tmpfs_may_be_larger_than_memory(void)
{
    size_t pages = twice_memory();
    struct stat status;
    char byte = 1;

    CHECK(scratch_enter());
    unsigned long before = slots_free();
    int fd = memfd_create("large", 0);
    CHECK(fd >= 0);
    CHECK(write_file(fd, pages, 6));
    CHECK(fstat(fd, &status) == 0);
    CHECK_EQ(status.st_blocks, pages * (PAGE / 512));
    CHECK(file_is_right(fd, 0, pages, 6));
    CHECK_EQ(lseek(fd, 0, SEEK_HOLE), (off_t)(pages * PAGE));
    CHECK(ftruncate(fd, (off_t)(pages / 2 * PAGE + 10)) == 0);
    CHECK(fstat(fd, &status) == 0);
    CHECK_EQ(status.st_blocks, (pages / 2 + 1) * (PAGE / 512));
    CHECK(file_is_right(fd, 0, pages / 2, 6));
    CHECK(ftruncate(fd, (off_t)(pages * PAGE)) == 0);
    CHECK_EQ(pread(fd, &byte, 1, (off_t)(pages / 2 * PAGE + 10)), 1);
    CHECK_EQ(byte, 0);
    close(fd);
    CHECK(slots_free() + 64 >= before); // pages of sleeping programs may have gone meanwhile
    return true;
}

static bool a_mapping_of_a_file_and_its_reader_see_the_same_through_swap(void)
{
    int fd = memfd_create("both", 0);
    CHECK(fd >= 0 && ftruncate(fd, PAGES * PAGE) == 0);
    unsigned char *memory = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

    CHECK(memory != MAP_FAILED);
    fill_all(memory, PAGES, 7);
    CHECK(madvise(memory, PAGES * PAGE, MADV_PAGEOUT) == 0);
    CHECK(file_is_right(fd, 0, PAGES, 7));
    CHECK(madvise(memory, PAGES * PAGE, MADV_PAGEOUT) == 0);
    CHECK(write_file(fd, PAGES, 8));
    CHECK(madvise(memory, PAGES * PAGE, MADV_PAGEOUT) == 0);
    CHECK(all_are_right(memory, PAGES, 8));
    munmap(memory, PAGES * PAGE);
    close(fd);
    return true;
}

static bool swapoff_brings_files_back(void)
{
    char name[64];
    unsigned char *memory = map_shared(PAGES);

    CHECK(memory && first_area(name));
    fill_all(memory, PAGES, 9);
    CHECK(madvise(memory, PAGES * PAGE, MADV_PAGEOUT) == 0);
    CHECK_EQ(resident(memory), 0);
    CHECK(swapoff(name) == 0);
    CHECK_EQ(resident(memory), PAGES);
    CHECK(all_are_right(memory, PAGES, 9));
    CHECK(swapon(name, 0) == 0);
    munmap(memory, PAGES * PAGE);
    return true;
}

static bool nothing_is_left_or_wrong(void)
{
    CHECK(verify_is_ok());
    return true;
}

int main(void)
{
    if (!on_gaur() || !has_swap()) {
        skip("needs swap", "shared_pages_leave_and_come_back");
        return tap_done();
    }
    TEST(shared_pages_leave_when_asked_and_come_back);
    TEST(parent_and_child_see_one_page_through_swap);
    TEST(twice_memory_of_shared_pages_is_right_for_parent_and_child);
    TEST(a_segment_tells_what_of_it_is_in_swap);
    TEST(a_file_of_tmpfs_may_be_larger_than_memory);
    TEST(a_mapping_of_a_file_and_its_reader_see_the_same_through_swap);
    if (geteuid() == 0)
        TEST(swapoff_brings_files_back);
    TEST(nothing_is_left_or_wrong);
    return tap_done();
}
