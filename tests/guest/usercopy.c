// SPDX-License-Identifier: MIT
/*
 * usercopy.c - the kernel reads and writes a program's memory as the program itself would.
 *
 * Not past a copy-on-write, not into a read-only page, and a string only as far as it is mapped.
 */
#include "touch.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static unsigned char *pages;

static bool child_reads_into_it(void)
{
    CHECK_EQ(kernel_touch(TOUCH_WRITE, pages), 0);
    CHECK_EQ(kernel_touch(TOUCH_WRITE, pages + 2 * PAGE - 1), 0);
    CHECK_EQ(pages[0], 'Z');
    CHECK_EQ(pages[1], 'p');
    CHECK_EQ(pages[2 * PAGE - 1], 'Z');
    return true;
}

static bool read_into_a_cow_page_stays_on_this_side(void)
{
    pages = pages_map(2);
    CHECK(pages);
    memset(pages, 'p', 2 * PAGE);
    CHECK_CHILD(child_reads_into_it);
    for (size_t i = 0; i < 2 * PAGE; i++)
        CHECK_EQ(pages[i], 'p');
    pages_unmap(pages, 2);
    return true;
}

static bool child_takes_structures(void)
{
    CHECK(syscall(SYS_fstat, 0, pages) == 0);
    CHECK(pipe((int *)(pages + PAGE)) == 0);
    CHECK(getcwd((char *)pages + PAGE + 64, 1024) != NULL);
    return true;
}

static bool other_calls_keep_to_their_side_too(void)
{
    pages = pages_map(2);
    CHECK(pages);
    memset(pages, 'p', 2 * PAGE);
    CHECK_CHILD(child_takes_structures);
    for (size_t i = 0; i < 2 * PAGE; i++)
        CHECK_EQ(pages[i], 'p');
    pages_unmap(pages, 2);
    return true;
}

static bool large_copy_across_fresh_pages_is_whole(void)
{
    unsigned char *from = pages_map(6), *to = pages_map(6);
    int ends[2];

    CHECK(from && to && pipe(ends) == 0);
    for (size_t i = 0; i < 5 * PAGE; i++)
        from[100 + i] = i * 7;
    CHECK_EQ(write(ends[1], from + 100, 5 * PAGE), 5 * PAGE);
    CHECK_EQ(read(ends[0], to + 300, 5 * PAGE), 5 * PAGE);
    CHECK(memcmp(from + 100, to + 300, 5 * PAGE) == 0);
    CHECK_EQ(to[299] + to[300 + 5 * PAGE], 0);
    close(ends[0]);
    close(ends[1]);
    pages_unmap(from, 6);
    pages_unmap(to, 6);
    return true;
}

/* The first page is good, the second is not there. Either part of it is done, or nothing: never beyond the border. */
static bool write_from_a_half_bad_buffer_stops_at_the_border(void)
{
    int fd = open("half", O_RDWR | O_CREAT | O_TRUNC, 0600);
    struct stat status;

    pages = pages_map(2);
    CHECK(pages && fd >= 0);
    memset(pages, 'w', PAGE);
    munmap(pages + PAGE, PAGE);
    ssize_t done = write(fd, pages + PAGE - 100, 300);
    CHECK(done == 100 || (done == -1 && errno == EFAULT));
    CHECK(fstat(fd, &status) == 0);
    CHECK_EQ(status.st_size, done > 0 ? done : 0);
    CHECK_FAILS(write(fd, pages + PAGE, 10), EFAULT);
    close(fd);
    pages_unmap(pages, 1);
    return true;
}

static bool read_into_a_half_bad_buffer_stops_at_the_border(void)
{
    static unsigned char content[300];
    int fd;

    pages = pages_map(2);
    CHECK(pages && file_put("full", content, sizeof content, 0600));
    munmap(pages + PAGE, PAGE);
    CHECK((fd = open("full", O_RDONLY)) >= 0);
    ssize_t done = read(fd, pages + PAGE - 100, 300);
    CHECK(done == 100 || (done == -1 && errno == EFAULT));
    CHECK_EQ(lseek(fd, 0, SEEK_CUR), done > 0 ? done : 0);
    close(fd);
    pages_unmap(pages, 1);
    return true;
}

static bool vector_with_a_bad_part_gives_the_good_part_or_efault(void)
{
    int fd = open("vector", O_RDWR | O_CREAT | O_TRUNC, 0600);
    struct iovec parts[2] = {{(void *)"good", 4}, {(void *)PAGE, 4}};

    CHECK(fd >= 0);
    ssize_t done = writev(fd, parts, 2);
    CHECK(done == 4 || (done == -1 && errno == EFAULT));
    struct iovec swapped[2] = {parts[1], parts[0]};
    CHECK_FAILS(writev(fd, swapped, 2), EFAULT);
    CHECK_FAILS(writev(fd, (struct iovec *)PAGE, 2), EFAULT);
    close(fd);
    return true;
}

static bool path_may_end_at_the_border(void)
{
    pages = pages_map(2);
    CHECK(pages);
    munmap(pages + PAGE, PAGE);
    char *path = (char *)pages + PAGE - 10;
    memcpy(path, "/dev/null", 10);
    int fd = open(path, O_RDONLY);
    CHECK(fd >= 0);
    close(fd);
    pages_unmap(pages, 1);
    return true;
}

static bool path_across_the_border_to_nothing_is_efault(void)
{
    struct stat status;

    pages = pages_map(2);
    CHECK(pages);
    munmap(pages + PAGE, PAGE);
    char *path = (char *)pages + PAGE - 9;
    memcpy(path, "/dev/null", 9);
    CHECK_FAILS(open(path, O_RDONLY), EFAULT);
    CHECK_FAILS(stat(path, &status), EFAULT);
    CHECK_FAILS(mkdir(path, 0700), EFAULT);
    CHECK_FAILS(chdir(path), EFAULT);
    CHECK_FAILS(unlink(path), EFAULT);
    pages_unmap(pages, 1);
    return true;
}

static bool path_across_two_mapped_pages_is_read(void)
{
    pages = pages_map(2);
    CHECK(pages);
    memcpy(pages + PAGE - 4, "/dev/null", 10);
    int fd = open((char *)pages + PAGE - 4, O_RDONLY);
    CHECK(fd >= 0);
    close(fd);
    pages_unmap(pages, 2);
    return true;
}

/* Nobody has touched this page: the kernel is the first, and for a name it reads byte by byte. */
static bool path_in_an_untouched_page_of_the_program_is_read(void)
{
    static const char constant[PAGE] __attribute__((aligned(4096))) = "/dev/null";
    static char data[PAGE] __attribute__((aligned(4096))) = "/dev/null";

    CHECK(access(constant, F_OK) == 0);
    CHECK(access(data, F_OK) == 0);
    return true;
}

static bool endless_path_is_enametoolong(void)
{
    pages = pages_map(4);
    CHECK(pages);
    memset(pages, 'a', 4 * PAGE);
    CHECK_FAILS(open((char *)pages, O_RDONLY), ENAMETOOLONG);
    pages_unmap(pages, 4);
    return true;
}

static bool kernel_writes_to_readonly_memory_are_efault(void)
{
    void *into = (void *)(uintptr_t)kernel_writes_to_readonly_memory_are_efault;
    static const char constant[PAGE] = "constant";

    CHECK_FAILS(syscall(SYS_fstat, 0, into), EFAULT);
    CHECK_FAILS(pipe((int *)(uintptr_t)constant), EFAULT);
    CHECK_EQ(kernel_touch(TOUCH_WRITE, constant), EFAULT);
    CHECK_EQ(constant[0], 'c');
    return true;
}

int main(void)
{
    if (!scratch_enter())
        return tap_done();
    TEST(read_into_a_cow_page_stays_on_this_side);
    TEST(other_calls_keep_to_their_side_too);
    TEST(large_copy_across_fresh_pages_is_whole);
    TEST(write_from_a_half_bad_buffer_stops_at_the_border);
    TEST(read_into_a_half_bad_buffer_stops_at_the_border);
    TEST(vector_with_a_bad_part_gives_the_good_part_or_efault);
    TEST(path_may_end_at_the_border);
    TEST(path_across_the_border_to_nothing_is_efault);
    TEST(path_across_two_mapped_pages_is_read);
    TEST(path_in_an_untouched_page_of_the_program_is_read);
    TEST(endless_path_is_enametoolong);
    TEST(kernel_writes_to_readonly_memory_are_efault);
    return tap_done();
}
