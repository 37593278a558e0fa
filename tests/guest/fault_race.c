// SPDX-License-Identifier: MIT
/*
 * fault_race.c - two CPUs fault on the same page at the same time.
 *
 * The mistakes to catch: each gives the page a frame of its own, and the first one's write is lost; or the one that
 * believes itself the last owner takes a frame over that the other still uses. Two threads, or two processes, meet at a gate
 * before each page. With one CPU they take turns, which has to be right as well.
 */
#include "touch.h"

#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PAGES = 96, ROUNDS = 6 };

/* Both have come, or one waits for the other. In shared memory. */
static struct gate {
    volatile unsigned arrived;
} *gate;

static void meet(unsigned turn)
{
    __atomic_fetch_add(&gate->arrived, 1, __ATOMIC_SEQ_CST);
    while (gate->arrived < 2 * (turn + 1))
        sched_yield();
}

static unsigned char *pages;

/* Each writes its own byte of each page, just after both have met. */
static void *write_each_page(void *argument)
{
    size_t own = (size_t)argument;

    for (unsigned i = 0; i < PAGES; i++) {
        meet(i);
        pages[i * PAGE + own] = 'a' + own;
    }
    return NULL;
}

/* Thread 0 and thread 1 at once. */
static bool two_threads_write(void)
{
    pthread_t other;

    gate->arrived = 0;
    CHECK(pthread_create(&other, NULL, write_each_page, (void *)1) == 0);
    write_each_page((void *)0);
    CHECK(pthread_join(other, NULL) == 0);
    return true;
}

static bool both_wrote(unsigned char rest)
{
    for (unsigned i = 0; i < PAGES; i++) {
        CHECK_EQ(pages[i * PAGE], 'a');
        CHECK_EQ(pages[i * PAGE + 1], 'b');
        CHECK_EQ(pages[i * PAGE + 2], rest);
        CHECK_EQ(pages[i * PAGE + PAGE - 1], rest);
    }
    return true;
}

static bool first_writes_of_two_threads_are_both_kept(void)
{
    for (int round = 0; round < ROUNDS; round++) {
        CHECK((pages = pages_map(PAGES)));
        CHECK(two_threads_write() && both_wrote(0));
        pages_unmap(pages, PAGES);
    }
    return true;
}

static bool writes_to_the_zero_page_by_two_threads_are_both_kept(void)
{
    for (int round = 0; round < ROUNDS; round++) {
        CHECK((pages = pages_map(PAGES)));
        for (unsigned i = 0; i < PAGES; i++)
            CHECK_EQ(((volatile unsigned char *)pages)[i * PAGE], 0);
        CHECK(two_threads_write() && both_wrote(0));
        pages_unmap(pages, PAGES);
    }
    return true;
}

static struct baton go;

static bool child_sees_no_write(void)
{
    CHECK(baton_wait(&go));
    for (size_t i = 0; i < PAGES * PAGE; i++)
        CHECK_EQ(pages[i], 'p');
    return true;
}

/* The child keeps the frames alive: each page is copied, once. */
static bool copies_for_two_threads_keep_both_writes(void)
{
    for (int round = 0; round < ROUNDS; round++) {
        CHECK((pages = pages_map(PAGES)) && baton_make(&go));
        memset(pages, 'p', PAGES * PAGE);
        pid_t child = child_start(child_sees_no_write);
        bool good = two_threads_write() && both_wrote('p');
        baton_pass(&go);
        CHECK(exited_with(child_wait(child), 0) && good);
        baton_drop(&go);
        pages_unmap(pages, PAGES);
    }
    return true;
}

static bool write_as(unsigned own)
{
    write_each_page((void *)(size_t)own);
    for (unsigned i = 0; i < PAGES; i++) {
        CHECK_EQ(pages[i * PAGE + own], 'a' + own);
        CHECK_EQ(pages[i * PAGE + !own], 'p');
    }
    return true;
}

static bool child_writes_as_one(void)
{
    return write_as(1);
}

/* One frame, two owners, two faults at once: one copies, and the other takes over or copies as well. */
static bool parent_and_child_write_one_frame_at_once(void)
{
    for (int round = 0; round < ROUNDS; round++) {
        CHECK((pages = pages_map(PAGES)));
        memset(pages, 'p', PAGES * PAGE);
        gate->arrived = 0;
        pid_t child = child_start(child_writes_as_one);
        bool good = write_as(0);
        CHECK(exited_with(child_wait(child), 0) && good);
        pages_unmap(pages, PAGES);
    }
    return true;
}

static volatile bool stop;

static void *write_again_and_again(void *argument)
{
    size_t *writes = argument;

    for (unsigned char byte = 0; !stop; byte++, ++*writes) {
        for (unsigned i = 0; i < PAGES; i++)
            pages[i * PAGE + 8] = byte;
    }
    return NULL;
}

static bool child_has_a_picture_that_stays(void)
{
    static unsigned char seen[PAGES];

    for (unsigned i = 0; i < PAGES; i++)
        seen[i] = pages[i * PAGE + 8];
    for (int turn = 0; turn < 4; turn++) {
        sched_yield();
        for (unsigned i = 0; i < PAGES; i++) {
            CHECK_EQ(pages[i * PAGE + 8], seen[i]);
            CHECK_EQ(pages[i * PAGE + 9], 'p');
        }
    }
    return true;
}

/* The writer is the last owner of frames that the fork on the other CPU is giving to a child at that moment. */
static bool taking_over_while_forking_does_not_change_the_child(void)
{
    pthread_t writer;
    size_t writes = 0;
    bool good = true;

    CHECK((pages = pages_map(PAGES)));
    memset(pages, 'p', PAGES * PAGE);
    stop = false;
    CHECK(pthread_create(&writer, NULL, write_again_and_again, &writes) == 0);
    for (int i = 0; i < 40 && good; i++)
        good = exited_with(child_run(child_has_a_picture_that_stays), 0);
    stop = true;
    pthread_join(writer, NULL);
    CHECK(good && writes > 0);
    pages_unmap(pages, PAGES);
    return true;
}

static void *kernel_reads_into_pages(void *argument)
{
    int *ends = argument;

    for (unsigned i = 0; i < PAGES; i++) {
        meet(i);
        if (write(ends[1], "K", 1) != 1 || read(ends[0], pages + i * PAGE + 1, 1) != 1)
            return NULL;
    }
    return argument;
}

/* The kernel writes for one thread what the other writes itself. */
static bool a_copy_by_the_kernel_and_a_write_are_both_kept(void)
{
    pthread_t other;
    int ends[2];
    void *result;

    CHECK((pages = pages_map(PAGES)) && pipe(ends) == 0);
    gate->arrived = 0;
    CHECK(pthread_create(&other, NULL, kernel_reads_into_pages, ends) == 0);
    write_each_page((void *)0);
    CHECK(pthread_join(other, &result) == 0 && result == ends);
    for (unsigned i = 0; i < PAGES; i++)
        CHECK(pages[i * PAGE] == 'a' && pages[i * PAGE + 1] == 'K' && pages[i * PAGE + 2] == 0);
    close(ends[0]);
    close(ends[1]);
    pages_unmap(pages, PAGES);
    return true;
}

int main(void)
{
    gate = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (gate == MAP_FAILED)
        return 1;
    TEST(first_writes_of_two_threads_are_both_kept);
    TEST(writes_to_the_zero_page_by_two_threads_are_both_kept);
    TEST(copies_for_two_threads_keep_both_writes);
    TEST(parent_and_child_write_one_frame_at_once);
    TEST(taking_over_while_forking_does_not_change_the_child);
    TEST(a_copy_by_the_kernel_and_a_write_are_both_kept);
    return tap_done();
}
