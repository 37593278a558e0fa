// SPDX-License-Identifier: MIT
/*
 * zeroed.c - a frame that the kernel gives to a program holds nothing of who had it before, whichever way it comes.
 *
 * Each claim runs after a child has filled much memory with a mark and ended, so that free frames are full of marks.
 */
#include "touch.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { DIRTY_PAGES = 1024, PAGES = 64, MARK = 0xd7 };

static bool dirty_child(void)
{
    unsigned char *pages = pages_map(DIRTY_PAGES);
    int ends[2];

    CHECK(pages && pipe(ends) == 0);
    memset(pages, MARK, DIRTY_PAGES * PAGE);
    CHECK(write(ends[1], pages, 8 * PAGE) == 8 * PAGE);
    CHECK(file_put("dirty", pages, 32 * PAGE, 0600) && unlink("dirty") == 0);
    return true;
}

static bool all_zero(const unsigned char *from, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (from[i]) {
            diag("byte %zu is 0x%x", i, from[i]);
            return false;
        }
    }
    return true;
}

static bool mapped_memory(void)
{
    unsigned char *pages = pages_map(PAGES);

    CHECK_CHILD(dirty_child);
    for (int i = 0; i < PAGES; i += 2)
        pages[i * PAGE] = 0;        // half by a write, half by a read
    CHECK(all_zero(pages, PAGES * PAGE));
    pages_unmap(pages, PAGES);
    return true;
}

static bool memory_that_the_kernel_touches_first(void)
{
    unsigned char *pages = pages_map(PAGES);

    CHECK_CHILD(dirty_child);
    for (int i = 0; i < PAGES; i++) {
        CHECK_EQ(kernel_touch(TOUCH_WRITE, pages + i * PAGE + 7), 0);
        CHECK(all_zero(pages + i * PAGE, 7) && all_zero(pages + i * PAGE + 8, PAGE - 8));
    }
    pages_unmap(pages, PAGES);
    return true;
}

static bool heap(void)
{
    unsigned char *end = (unsigned char *)syscall(SYS_brk, 0);

    CHECK_CHILD(dirty_child);
    CHECK((unsigned char *)syscall(SYS_brk, end + PAGES * PAGE) == end + PAGES * PAGE);
    CHECK(all_zero(end, PAGES * PAGE));
    syscall(SYS_brk, end);
    return true;
}

static bool shared_memory(void)
{
    unsigned char *pages = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    CHECK(pages != MAP_FAILED);
    CHECK_CHILD(dirty_child);
    for (int i = 0; i < PAGES; i++)
        pages[i * PAGE + 1] = 0;
    CHECK(all_zero(pages, PAGES * PAGE));
    pages_unmap(pages, PAGES);
    return true;
}

static bool stack_child(void)
{
    volatile unsigned char here;
    const unsigned char *below = (const unsigned char *)((uintptr_t)&here & -PAGE) - 40 * PAGE;

    CHECK(touch_allowed(TOUCH_READ, below));
    return all_zero(below, 30 * PAGE);
}

static bool stack_below(void)
{
    CHECK_CHILD(dirty_child);
    CHECK_CHILD(stack_child);
    return true;
}

/* A page of which the file fills a part: the rest of it, seen by a mapping. */
static bool rest_of_a_files_page(void)
{
    CHECK_CHILD(dirty_child);
    CHECK(file_put("part", "0123456789", 10, 0600));
    int fd = open("part", O_RDWR);
    unsigned char *page = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
    CHECK(fd >= 0 && page != MAP_FAILED);
    CHECK(all_zero(page + 10, PAGE - 10));
    munmap(page, PAGE);
    close(fd);
    return true;
}

static bool holes_of_a_file(void)
{
    static unsigned char bytes[PAGES * PAGE];
    int fd = open("hole", O_RDWR | O_CREAT | O_TRUNC, 0600);

    CHECK_CHILD(dirty_child);
    CHECK(fd >= 0 && ftruncate(fd, sizeof bytes) == 0 && pwrite(fd, "", 1, 10 * PAGE) == 1);
    CHECK_EQ(pread(fd, bytes, sizeof bytes, 0), sizeof bytes);
    CHECK(all_zero(bytes, sizeof bytes));
    close(fd);
    return true;
}

/* Cut and extended again, a file does not show what it was. */
static bool extended_file(void)
{
    static unsigned char bytes[2 * PAGE];
    int fd = open("again", O_RDWR | O_CREAT | O_TRUNC, 0600);

    memset(bytes, MARK, sizeof bytes);
    CHECK(fd >= 0 && write(fd, bytes, sizeof bytes) == sizeof bytes);
    CHECK(ftruncate(fd, 100) == 0 && ftruncate(fd, sizeof bytes) == 0);
    CHECK_EQ(pread(fd, bytes, sizeof bytes, 0), sizeof bytes);
    CHECK(bytes[99] == MARK && all_zero(bytes + 100, sizeof bytes - 100));
    close(fd);
    return true;
}

int main(void)
{
    if (!scratch_enter())
        return tap_done();
    tap_run("mapped_memory_is_zeroed", mapped_memory);
    tap_run("memory_that_the_kernel_touches_first_is_zeroed", memory_that_the_kernel_touches_first);
    tap_run("heap_is_zeroed", heap);
    tap_run("shared_memory_is_zeroed", shared_memory);
    tap_run("stack_is_zeroed", stack_below);
    tap_run("rest_of_a_files_last_page_is_zeroed", rest_of_a_files_page);
    tap_run("holes_of_a_file_are_zeroed", holes_of_a_file);
    tap_run("extended_file_is_zeroed", extended_file);
    return tap_done();
}
