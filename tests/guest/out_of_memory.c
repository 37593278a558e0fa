// SPDX-License-Identifier: MIT
/*
 * out_of_memory.c - when a fault finds no memory, somebody's process ends; nothing else does, and nothing is lost.
 *
 * The faults are a program's writes, the kernel's copies into a program's memory, and copies of shared pages. Those who take
 * memory are children, each of which soon has more than anybody else; this program is small and goes on. On Gaur only:
 * nobody wants that on his own machine.
 */
#include "touch.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/sysinfo.h>
#include <unistd.h>

enum { HOGS = 4 };

/* Pages of the whole machine: more than can be had. */
static size_t all_pages(void)
{
    struct sysinfo info = {0};

    sysinfo(&info);
    return info.totalram * info.mem_unit / PAGE;
}

static unsigned char *map_too_much(size_t *count)
{
    *count = all_pages();
    return mmap(NULL, *count * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
}

static bool hog_by_writing(void)
{
    size_t count;
    unsigned char *pages = map_too_much(&count);

    CHECK(pages != MAP_FAILED);
    for (size_t i = 0; i < count; i++)
        pages[i * PAGE] = 1;
    return true;
}

static bool hog_by_reading(void)
{
    size_t count;
    unsigned char *pages = map_too_much(&count);
    int zero = open("/dev/zero", O_RDONLY);

    CHECK(pages != MAP_FAILED && zero >= 0);
    for (size_t i = 0; i < count; i++)
        CHECK_EQ(read(zero, pages + i * PAGE, 1), 1);
    return true;
}

static unsigned char *shared_pages;
static size_t shared_count;

static bool copying_child(void)
{
    for (size_t i = 0; i < shared_count; i++)
        shared_pages[i * PAGE] = 2;
    for (size_t i = 0; i < shared_count; i++)
        CHECK_EQ(shared_pages[i * PAGE], 2);
    sleep_ms(300);
    return true;
}

/* A third of the machine, and children that copy it: one at least finds no memory. */
static bool hog_by_copying(void)
{
    pid_t children[HOGS];

    shared_pages = map_too_much(&shared_count);
    shared_count /= 3;
    for (size_t i = 0; i < shared_count; i++)
        shared_pages[i * PAGE] = 1;
    int refused = 0;
    for (int i = 0; i < HOGS; i++) {
        children[i] = child_start(copying_child);
        CHECK(children[i] > 0 || errno == ENOMEM);
        refused += children[i] < 0;
    }
    for (int i = 0; i < HOGS; i++) {
        int status = children[i] > 0 ? child_wait(children[i]) : 0;
        refused += status == SIGKILL;
        CHECK(status == 0 || status == SIGKILL);
    }
    CHECK(refused > 0);
    for (size_t i = 0; i < shared_count; i++)
        CHECK_EQ(shared_pages[i * PAGE], 1);
    return true;
}

static bool idle(void)
{
    while (pause() != 0)
        ;
    return true;
}

/* Nearly all that it has it shares with children that do nothing. */
static bool hog_that_forks(void)
{
    size_t count;
    unsigned char *pages = map_too_much(&count);

    CHECK(pages != MAP_FAILED && setpgid(0, 0) == 0);
    for (size_t i = 0; i < count; i++) {
        if (i % (count / 16) == 0)
            (void)child_start(idle);
        pages[i * PAGE] = 1;
    }
    return true;
}

static struct baton bystander_may_end, bystander_is_ready;

/* A tenth of the machine. */
static bool bystander(void)
{
    size_t count = all_pages() / 10;
    unsigned char *pages = pages_map(count);

    CHECK(pages);
    memset(pages, 3, count * PAGE);
    baton_pass(&bystander_is_ready);
    CHECK(baton_wait(&bystander_may_end));
    for (size_t i = 0; i < count; i++)
        CHECK_EQ(pages[i * PAGE], 3);
    return true;
}

static bool who_shares_with_children_is_not_spared(void)
{
    NEEDS_GAUR();
    CHECK(baton_make(&bystander_may_end) && baton_make(&bystander_is_ready));
    pid_t innocent = child_start(bystander);
    CHECK(innocent > 0 && baton_wait(&bystander_is_ready));
    pid_t hog = child_start(hog_that_forks);
    CHECK(hog > 0);
    CHECK(killed_by(child_wait(hog), SIGKILL));
    (void)kill(-hog, SIGKILL); // its children, should any be left
    baton_pass(&bystander_may_end);
    CHECK(exited_with(child_wait(innocent), 0));
    baton_drop(&bystander_may_end);
    baton_drop(&bystander_is_ready);
    return true;
}

static bool writes_without_memory_end_the_hog(void)
{
    NEEDS_GAUR();
    CHECK(killed_by(child_run(hog_by_writing), SIGKILL));
    CHECK(killed_by(child_run(hog_by_writing), SIGKILL));
    return true;
}

static bool copies_by_the_kernel_without_memory_end_the_hog(void)
{
    NEEDS_GAUR();
    CHECK(killed_by(child_run(hog_by_reading), SIGKILL));
    return true;
}

/* All at once, on as many CPUs as there are: each of them ends, and nobody else. */
static bool several_hogs_at_once_all_end(void)
{
    pid_t hogs[HOGS];

    NEEDS_GAUR();
    for (int i = 0; i < HOGS; i++)
        hogs[i] = child_start(i & 1 ? hog_by_reading : hog_by_writing);
    for (int i = 0; i < HOGS; i++)
        CHECK(killed_by(child_wait(hogs[i]), SIGKILL));
    return true;
}

/* Whoever is ended, what the others see is theirs. */
static bool copying_without_memory_ends_somebody_and_changes_nothing(void)
{
    NEEDS_GAUR();
    int status = child_run(hog_by_copying);
    CHECK(status == SIGKILL || exited_with(status, 0));
    return true;
}

static bool memory_is_there_again(void)
{
    unsigned char *pages = pages_map(256);

    CHECK(pages);
    memset(pages, 1, 256 * PAGE);
    pages_unmap(pages, 256);
    return true;
}

int main(void)
{
    TEST(writes_without_memory_end_the_hog);
    TEST(copies_by_the_kernel_without_memory_end_the_hog);
    TEST(several_hogs_at_once_all_end);
    TEST(copying_without_memory_ends_somebody_and_changes_nothing);
    TEST(who_shares_with_children_is_not_spared);
    TEST(memory_is_there_again);
    return tap_done();
}
