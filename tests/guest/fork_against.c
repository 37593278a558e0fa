// SPDX-License-Identifier: MIT
/*
 * fork_against.c - fork on one CPU, and on another what changes or ends the process that forks.
 *
 * The mistakes to catch: a fork that copies a heap while brk takes it away, and a process that is killed in the middle of a fork,
 * so that the child is lost, or half of it stays.
 */
#include "touch.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { HEAP_PAGES = 24, FORKS = 40, KILLS = 40 };

static unsigned char *heap;
static volatile bool stop;
static volatile unsigned moves;

static unsigned char *set_break(unsigned char *to)
{
    return (unsigned char *)syscall(SYS_brk, to);
}

/* Up with marks in each page, and down again. */
static void *move_the_break(void *argument)
{
    for (; !stop; moves++) {
        if (set_break(heap + HEAP_PAGES * PAGE) != heap + HEAP_PAGES * PAGE)
            return NULL;
        for (unsigned i = 0; i < HEAP_PAGES; i++)
            heap[i * PAGE] = 'h';
        if (set_break(heap) != heap)
            return NULL;
    }
    return argument;
}

/*
 * What the child has is all of the heap or nothing; and each of its pages is marked, or zero. Linux copies where the break
 * is before it locks the regions, so that there the two may differ.
 */
static bool child_has_a_whole_heap(void)
{
    unsigned char *end = set_break(0);

    if (!on_gaur())
        return true;
    CHECK(end == heap || end == heap + HEAP_PAGES * PAGE);
    for (unsigned char *at = heap; at < end; at += PAGE)
        CHECK(*(volatile unsigned char *)at == 'h' || *(volatile unsigned char *)at == 0);
    CHECK(set_break(heap + 2 * PAGE) == heap + 2 * PAGE);
    heap[PAGE] = 'c';
    CHECK(set_break(heap) == heap);
    CHECK(touch_refused(TOUCH_READ, heap, SEGV_MAPERR));
    return true;
}

static bool fork_against_brk_gives_a_whole_heap(void)
{
    pthread_t mover;
    void *result;
    bool good = true;

    heap = (unsigned char *)(((uintptr_t)set_break(0) + PAGE - 1) & -PAGE);
    CHECK(set_break(heap) == heap);
    stop = false;
    CHECK(pthread_create(&mover, NULL, move_the_break, &heap) == 0);
    for (int i = 0; i < FORKS && good; i++)
        good = exited_with(child_run(child_has_a_whole_heap), 0);
    stop = true;
    CHECK(pthread_join(mover, &result) == 0 && result == &heap && moves > 0);
    return good;
}

static unsigned char *pages;

static void *map_and_unmap(void *argument)
{
    for (; !stop; moves++) {
        if (mmap(pages, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != pages)
            return NULL;
        memset(pages, 'm', 8 * PAGE);
        mprotect(pages + 2 * PAGE, PAGE, PROT_READ);
        munmap(pages + 4 * PAGE, 4 * PAGE);
    }
    return argument;
}

static bool child_finds_marks_or_nothing(void)
{
    for (unsigned i = 0; i < 8; i++) {
        struct touch t = touch_read(pages + i * PAGE);
        CHECK(t.signo == SIGSEGV || pages[i * PAGE] == 'm' || pages[i * PAGE] == 0);
    }
    return true;
}

static bool fork_against_mmap_and_munmap_gives_whole_pages(void)
{
    pthread_t mapper;
    void *result;
    bool good = true;

    CHECK((pages = pages_map(8)));
    stop = false;
    CHECK(pthread_create(&mapper, NULL, map_and_unmap, &pages) == 0);
    for (int i = 0; i < FORKS && good; i++)
        good = exited_with(child_run(child_finds_marks_or_nothing), 0);
    stop = true;
    CHECK(pthread_join(mapper, &result) == 0 && result == &pages);
    pages_unmap(pages, 8);
    return good;
}

static bool fork_for_ever(void)
{
    setpgid(0, 0);
    for (unsigned i = 0;; i++) {
        pid_t pid = fork();
        pages[i % 16 * PAGE] = i;
        if (pid == 0)
            _exit(0);
        if (i % 4 == 3)
            while (waitpid(-1, NULL, WNOHANG) > 0)
                ;
    }
    return false;
}

/* The group is gone: whatever was forked is either a process that ended, or never was. Orphans are ours to take in. */
static bool nobody_is_left_of(pid_t group)
{
    for (int try = 0; try < 6000; try++) {
        while (waitpid(-1, NULL, WNOHANG) > 0)
            ;
        if (kill(-group, SIGKILL) < 0)
            return errno == ESRCH;
        sleep_ms(5);
    }
    return false;
}

static bool killed_while_forking_leaves_nobody_and_nothing(void)
{
    CHECK((pages = pages_map(16)));
    memset(pages, 'p', 16 * PAGE);
    for (int i = 0; i < KILLS; i++) {
        pid_t pid = child_start(fork_for_ever);
        CHECK(pid > 0);
        sleep_ms(1 + i % 5);
        setpgid(pid, pid);      // it may not have come so far
        CHECK(child_signal(pid, SIGKILL));
        CHECK(killed_by(child_wait(pid), SIGKILL));
        CHECK(nobody_is_left_of(pid));
    }
    for (size_t i = 0; i < 16 * PAGE; i++)
        CHECK_EQ(pages[i], 'p');
    pages_unmap(pages, 16);
    return true;
}

static void *fork_in_a_thread(void *argument)
{
    (void)argument;
    fork_for_ever();
    return NULL;
}

/* Two threads fork; SIGKILL comes to a third. */
static bool many_forkers(void)
{
    pthread_t forkers[2];

    setpgid(0, 0);
    for (int i = 0; i < 2; i++)
        pthread_create(&forkers[i], NULL, fork_in_a_thread, NULL);
    sleep_ms(3);
    kill(getpid(), SIGKILL);
    return false;
}

static bool threads_that_fork_are_killed_together(void)
{
    CHECK((pages = pages_map(16)));
    for (int i = 0; i < KILLS / 4; i++) {
        pid_t pid = child_start(many_forkers);
        CHECK(killed_by(child_wait(pid), SIGKILL));
        CHECK(nobody_is_left_of(pid));
    }
    pages_unmap(pages, 16);
    return true;
}

int main(void)
{
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    TEST(fork_against_brk_gives_a_whole_heap);
    TEST(fork_against_mmap_and_munmap_gives_whole_pages);
    TEST(killed_while_forking_leaves_nobody_and_nothing);
    TEST(threads_that_fork_are_killed_together);
    return tap_done();
}
