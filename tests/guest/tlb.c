// SPDX-License-Identifier: MIT
/*
 * tlb.c - when a translation must be flushed, when it need not be, and that the processor forgets at once.
 */
#include "gaur.h"
#include "touch.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#define LIMIT_FILE "/proc/gaur/tlb_flush_pages"

static unsigned char *pages;

static long flushes(void)
{
    return counter("tlb_flush_page") + counter("tlb_flush_all");
}

static bool thousand_first_touches_flush_nothing(void)
{
    NEEDS_GAUR();
    ancestors_sleep();
    pages = pages_map(1000);
    CHECK(pages);
    flushes();
    long before = flushes();
    CHECK(before >= 0);
    for (int i = 0; i < 1000; i++)
        pages[i * PAGE] = 1;
    CHECK_EQ(flushes() - before, 0);
    pages_unmap(pages, 1000);
    return true;
}

static bool first_reads_flush_nothing(void)
{
    NEEDS_GAUR();
    ancestors_sleep();
    pages = pages_map(100);
    CHECK(pages);
    flushes();
    long before = flushes();
    for (int i = 0; i < 100; i++)
        (void)((volatile unsigned char *)pages)[i * PAGE];
    CHECK_EQ(flushes() - before, 0);
    pages_unmap(pages, 100);
    return true;
}

static bool mprotect_to_readonly_flushes(void)
{
    NEEDS_GAUR();
    ancestors_sleep();
    pages = pages_map(1);
    CHECK(pages);
    pages[0] = 1;
    long before = flushes();
    CHECK(mprotect(pages, PAGE, PROT_READ) == 0);
    CHECK(flushes() > before);
    pages_unmap(pages, 1);
    return true;
}

static bool munmap_flushes(void)
{
    NEEDS_GAUR();
    ancestors_sleep();
    pages = pages_map(1);
    CHECK(pages);
    pages[0] = 1;
    long before = flushes();
    pages_unmap(pages, 1);
    CHECK(flushes() > before);
    return true;
}

static bool limit_put(const char *text)
{
    int fd = open(LIMIT_FILE, O_WRONLY);
    bool put = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

    close(fd);
    return put;
}

static bool above_the_limit_all_is_flushed_at_once(void)
{
    char before[16];
    long above, one_by_one;

    NEEDS_GAUR();
    ancestors_sleep();
    CHECK(file_get(LIMIT_FILE, before, sizeof before) > 0);
    CHECK(pages = pages_map(20));
    memset(pages, 1, 20 * PAGE);
    CHECK(limit_put("8"));
    above = counter("tlb_flush_above");
    CHECK_EQ(munmap(pages, 8 * PAGE), 0);
    CHECK_EQ(counter("tlb_flush_above") - above, 0);
    one_by_one = counter("tlb_flush_page");
    CHECK_EQ(munmap(pages + 8 * PAGE, 9 * PAGE), 0);
    CHECK_EQ(counter("tlb_flush_above") - above, 1);
    CHECK_EQ(counter("tlb_flush_page") - one_by_one, 0);
    CHECK(touch_refused(TOUCH_READ, pages + 16 * PAGE, SEGV_MAPERR));
    CHECK(limit_put(before));
    pages_unmap(pages + 17 * PAGE, 3);
    return true;
}

static bool limit_is_a_number(void)
{
    static const char *const wrong[] = {"x", "-1", "1 2", "99999999999999999999"};

    NEEDS_GAUR();
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        CHECK(!limit_put(wrong[i]) && errno == EINVAL);
    return true;
}

static bool copying_child(void)
{
    ancestors_sleep();
    pages[0] = 2;
    flushes();
    long before = flushes();
    pages[PAGE] = 2;
    CHECK(flushes() > before);
    return true;
}

static bool copy_on_write_flushes(void)
{
    NEEDS_GAUR();
    ancestors_sleep();
    pages = pages_map_one_leaf(2);
    CHECK(pages);
    memset(pages, 1, 2 * PAGE);
    CHECK_CHILD(copying_child);
    pages_unmap(pages, 2);
    return true;
}

/* The pages are touched right before each change, so that the processor surely holds the translation. */
static bool readonly_holds_at_once(void)
{
    pages = pages_map(8);
    CHECK(pages);
    for (int i = 0; i < 8; i++) {
        CHECK(touch_allowed(TOUCH_WRITE, pages + i * PAGE));
        CHECK(mprotect(pages + i * PAGE, PAGE, PROT_READ) == 0);
        CHECK(touch_refused(TOUCH_WRITE, pages + i * PAGE, SEGV_ACCERR));
    }
    pages_unmap(pages, 8);
    return true;
}

static bool prot_none_holds_at_once(void)
{
    pages = pages_map(1);
    CHECK(pages);
    CHECK(touch_allowed(TOUCH_WRITE, pages));
    CHECK(mprotect(pages, PAGE, PROT_NONE) == 0);
    CHECK(touch_refused(TOUCH_READ, pages, SEGV_ACCERR));
    pages_unmap(pages, 1);
    return true;
}

static bool munmap_holds_at_once(void)
{
    pages = pages_map(8);
    CHECK(pages);
    for (int i = 0; i < 8; i++) {
        CHECK(touch_allowed(TOUCH_WRITE, pages + i * PAGE));
        CHECK(munmap(pages + i * PAGE, PAGE) == 0);
        CHECK(touch_refused(TOUCH_READ, pages + i * PAGE, SEGV_MAPERR));
    }
    return true;
}

static bool child_sees_the_old_bytes(void)
{
    sleep_ms(20);
    CHECK_EQ(pages[0], 'o');
    return true;
}

/* The parent's own writable translation is dropped by fork: its next write must not reach the child. */
static bool fork_takes_the_write_right_at_once(void)
{
    pages = pages_map(1);
    CHECK(pages);
    for (int i = 0; i < 5; i++) {
        pages[0] = 'o';
        pid_t child = child_start(child_sees_the_old_bytes);
        pages[0] = 'n';
        CHECK(exited_with(child_wait(child), 0));
        CHECK_EQ(pages[0], 'n');
    }
    pages_unmap(pages, 1);
    return true;
}

/* After a copy the writer must see its copy, through a translation that it has just used for reading. */
static bool copy_is_seen_by_its_writer(void)
{
    pages = pages_map(2);
    CHECK(pages);
    memset(pages, 'p', 2 * PAGE);
    pid_t child = fork();
    if (child == 0) {
        volatile unsigned char *page = pages;
        bool good = page[0] == 'p';
        page[0] = 'c';
        good = good && page[0] == 'c' && page[1] == 'p';
        _exit(good ? 0 : 1);
    }
    CHECK(exited_with(child_wait(child), 0));
    CHECK_EQ(pages[0], 'p');
    pages_unmap(pages, 2);
    return true;
}

static bool replaced_mapping_is_seen_at_once(void)
{
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;

    pages = pages_map(1);
    CHECK(pages);
    for (int i = 1; i < 20; i++) {
        pages[0] = i;
        CHECK(mmap(pages, PAGE, PROT_READ | PROT_WRITE, flags, -1, 0) == pages);
        CHECK_EQ(*(volatile unsigned char *)pages, 0);
    }
    pages_unmap(pages, 1);
    return true;
}

int main(void)
{
    TEST(thousand_first_touches_flush_nothing);
    TEST(first_reads_flush_nothing);
    TEST(mprotect_to_readonly_flushes);
    TEST(munmap_flushes);
    TEST(copy_on_write_flushes);
    TEST(above_the_limit_all_is_flushed_at_once);
    TEST(limit_is_a_number);
    TEST(readonly_holds_at_once);
    TEST(prot_none_holds_at_once);
    TEST(munmap_holds_at_once);
    TEST(fork_takes_the_write_right_at_once);
    TEST(copy_is_seen_by_its_writer);
    TEST(replaced_mapping_is_seen_at_once);
    return tap_done();
}
