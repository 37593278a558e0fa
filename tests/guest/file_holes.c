// SPDX-License-Identifier: MIT
/* file_holes.c - what truncation and holes do to those who have the file mapped. */
#include "touch.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PAGES = 10 };

static int fd;
static unsigned char *shared, *private;

static bool begin(void)
{
    fd = open("file", O_RDWR | O_CREAT | O_TRUNC, 0600);
    CHECK(fd >= 0 && ftruncate(fd, PAGES * PAGE) == 0);
    shared = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    private = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    CHECK(shared != MAP_FAILED && private != MAP_FAILED);
    for (int i = 0; i < PAGES; i++)
        shared[i * PAGE + 100] = shared[i * PAGE] = (unsigned char)(i + 1);
    private[6 * PAGE] = 60;
    touch_read(private + 3 * PAGE);
    return true;
}

static bool end(void)
{
    munmap(shared, PAGES * PAGE);
    munmap(private, PAGES * PAGE);
    close(fd);
    return unlink("file") == 0;
}

static volatile unsigned char *touched;

static bool child_touches(void)
{
    return *touched == 0;
}

static bool bus_error_at(unsigned char *page)
{
    touched = page;
    return killed_by(child_run(child_touches), SIGBUS);
}

static bool truncation_unmaps_what_lies_beyond(void)
{
    CHECK(begin() && ftruncate(fd, 5 * PAGE + 50) == 0);
    CHECK(bus_error_at(shared + 6 * PAGE) && bus_error_at(private + 9 * PAGE));
    CHECK(bus_error_at(private + 6 * PAGE)); // the private copy as well
    CHECK(shared[5 * PAGE] == 6 && shared[5 * PAGE + 100] == 0 && private[3 * PAGE] == 4);
    CHECK(ftruncate(fd, PAGES * PAGE) == 0);
    CHECK(shared[6 * PAGE] == 0 && private[6 * PAGE] == 0);
    return end();
}

static bool child_cuts_the_file(void)
{
    shared[6 * PAGE] = 99;
    return ftruncate(fd, PAGE) == 0;
}

static bool a_child_cuts_the_file_of_its_parent(void)
{
    CHECK(begin());
    CHECK_CHILD(child_cuts_the_file);
    CHECK(bus_error_at(shared + 6 * PAGE) && bus_error_at(private + 3 * PAGE));
    CHECK_EQ(shared[0], 1);
    return end();
}

static bool a_hole_reads_as_zeros_everywhere_but_in_private_copies(void)
{
    CHECK(begin());
    CHECK(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 2 * PAGE + 50, 5 * PAGE) == 0);
    CHECK(shared[2 * PAGE] == 3 && shared[2 * PAGE + 100] == 0);
    CHECK(shared[3 * PAGE] == 0 && private[3 * PAGE] == 0 && shared[6 * PAGE] == 0);
    CHECK_EQ(private[6 * PAGE], 60);
    CHECK(shared[7 * PAGE] == 0 && shared[7 * PAGE + 100] == 8);
    shared[3 * PAGE] = 33;
    CHECK_EQ(private[3 * PAGE], 33);
    CHECK_EQ(lseek(fd, 0, SEEK_END), PAGES * (off_t)PAGE);
    return end();
}

static bool madvise_remove_makes_a_hole(void)
{
    CHECK(begin());
    CHECK(madvise(shared + PAGE, 2 * PAGE, MADV_REMOVE) == 0);
    CHECK(shared[0] == 1 && shared[PAGE] == 0 && shared[2 * PAGE] == 0 && shared[3 * PAGE] == 4);
    CHECK_FAILS(madvise(private, PAGE, MADV_REMOVE), EACCES);
    return end();
}

static bool holes_need_the_size_to_stay(void)
{
    CHECK(begin());
    CHECK_FAILS(fallocate(fd, FALLOC_FL_PUNCH_HOLE, 0, PAGE), EOPNOTSUPP);
    CHECK_FAILS(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 0), EINVAL);
    CHECK(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 100 * PAGE, PAGE) == 0);
    return end();
}

static volatile bool *stop;

static bool child_touches_all(void)
{
    while (!*stop)
        for (int i = 0; i < PAGES; i++)
            touched[i * PAGE];
    for (int i = 0; i < PAGES; i++)
        CHECK_EQ(touched[i * PAGE], 0);
    return true;
}

/* Another process brings pages back all the time; it may never keep one that the file has lost. */
static bool punch_under_a_toucher(unsigned char *mapping)
{
    static const unsigned char ones[PAGES * PAGE] = {[0 ... PAGES * PAGE - 1] = 1};

    *stop = false;
    touched = mapping;
    pid_t child = child_start(child_touches_all);
    for (int i = 0; i < 200; i++) {
        CHECK_EQ(pwrite(fd, ones, sizeof ones, 0), sizeof ones);
        CHECK(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, sizeof ones) == 0);
    }
    *stop = true;
    CHECK(exited_with(child_wait(child), 0));
    return true;
}

static bool no_page_stays_mapped_that_a_hole_has_taken(void)
{
    CHECK(begin());
    stop = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(stop != MAP_FAILED);
    CHECK(munmap(private, PAGES * PAGE) == 0);
    private = mmap(NULL, PAGES * PAGE, PROT_READ, MAP_PRIVATE, fd, 0);
    CHECK(punch_under_a_toucher(shared) && punch_under_a_toucher(private));
    munmap((void *)stop, PAGE);
    return end();
}

int main(void)
{
    if (!scratch_enter())
        return tap_done();
    TEST(truncation_unmaps_what_lies_beyond);
    TEST(a_child_cuts_the_file_of_its_parent);
    TEST(a_hole_reads_as_zeros_everywhere_but_in_private_copies);
    TEST(madvise_remove_makes_a_hole);
    TEST(holes_need_the_size_to_stay);
    TEST(no_page_stays_mapped_that_a_hole_has_taken);
    return tap_done();
}
