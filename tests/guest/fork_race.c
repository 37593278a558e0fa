// SPDX-License-Identifier: MIT
/*
 * fork_race.c - several processes write the same copy-on-write pages at once, while others fork and exit.
 *
 * With several processors two faults meet in one frame, and the last-owner shortcut meets a new owner; with one they
 * take turns. Each process must find what it wrote, and what it did not write as it was at its fork.
 */
#include "touch.h"

#include <sched.h>
#include <signal.h>
#include <unistd.h>

enum { PAGES = 8, WRITERS = 4, ROUNDS = 12 };

static unsigned char *pages;
static int number;

static bool all_are(int byte)
{
    for (size_t i = 0; i < PAGES * PAGE; i += 64) {
        if (pages[i] != byte) {
            diag("byte %zu of page %zu is 0x%x, expected 0x%x", i % PAGE, i / PAGE, pages[i], byte);
            return false;
        }
    }
    return true;
}

static bool writer(void)
{
    CHECK(all_are('p'));
    for (int i = 0; i < PAGES; i++) {
        memset(pages + (i + number) % PAGES * PAGE, 'a' + number, PAGE);
        if (i == PAGES / 2)
            sched_yield();
    }
    CHECK(all_are('a' + number));
    return true;
}

static bool writers_at_once_do_not_meet(void)
{
    pid_t pids[WRITERS];

    for (int round = 0; round < ROUNDS; round++) {
        memset(pages, 'p', PAGES * PAGE);
        for (number = 0; number < WRITERS; number++)
            pids[number] = child_start(writer);
        /* The parent writes too, while some of them have not begun. */
        memset(pages, 'q', PAGES * PAGE);
        CHECK(all_are('q'));
        for (int i = 0; i < WRITERS; i++)
            CHECK(exited_with(child_wait(pids[i]), 0));
        CHECK(all_are('q'));
    }
    return true;
}

static bool forking_writer(void)
{
    for (int i = 0; i < 3; i++) {
        pid_t pid = fork();
        if (pid == 0)
            _exit(all_are(i ? 'a' + number : 'p') ? 0 : 1);
        memset(pages, 'a' + number, PAGES * PAGE);
        CHECK(exited_with(child_wait(pid), 0));
        CHECK(all_are('a' + number));
    }
    return true;
}

static bool writers_that_fork_do_not_meet(void)
{
    pid_t pids[WRITERS];

    for (int round = 0; round < ROUNDS / 2; round++) {
        memset(pages, 'p', PAGES * PAGE);
        for (number = 0; number < WRITERS; number++)
            pids[number] = child_start(forking_writer);
        for (int i = 0; i < WRITERS; i++)
            CHECK(exited_with(child_wait(pids[i]), 0));
        CHECK(all_are('p'));
    }
    return true;
}

/* A child that is killed in the middle of its copying leaves the others' pages alone. */
static bool killed_writers_take_nothing_with_them(void)
{
    memset(pages, 'p', PAGES * PAGE);
    for (int round = 0; round < ROUNDS; round++) {
        pid_t pid = fork();
        if (pid == 0) {
            for (int i = 0;; i++)
                pages[i % PAGES * PAGE + i % PAGE] = i;
        }
        sleep_ms(round % 4);
        child_signal(pid, SIGKILL);
        CHECK(killed_by(child_wait(pid), SIGKILL));
        CHECK(all_are('p'));
    }
    return true;
}

int main(void)
{
    pages = pages_map(PAGES);
    if (!pages)
        return 1;
    TEST(writers_at_once_do_not_meet);
    TEST(writers_that_fork_do_not_meet);
    TEST(killed_writers_take_nothing_with_them);
    pages_unmap(pages, PAGES);
    return tap_done();
}
