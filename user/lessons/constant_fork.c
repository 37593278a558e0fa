// SPDX-License-Identifier: MIT
/*
 * constant_fork.c - fork takes as much time and as many frames for a large process as for a small one.
 */
#include <sys/mman.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/lesson.h"

enum { TRIES = 10, CHILDREN = 60, LEAST = 8, MOST = 1024, ROOM = 128 };
enum { NOTHING, WRITE_ONE };

static unsigned char *arena;
static size_t pages;

static long nanoseconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000L + now.tv_nsec;
}

/* The time of a fork, the call alone: the best of some. */
static long fork_time(void)
{
    long best = 0;

    for (int i = 0; i < TRIES; i++) {
        long start = nanoseconds();
        pid_t child = fork();
        if (child == 0)
            _exit(0);
        long took = nanoseconds() - start;
        if (child < 0 || waitpid(child, NULL, 0) != child)
            broken("fork");
        if (i == 0 || took < best)
            best = took;
    }
    return best;
}

static void child_acts(int what)
{
    if (what == WRITE_ONE)
        arena[0] = 'c';
}

/* What a child that waits has: frames of its own. */
static struct frames frames_of_a_child(int act)
{
    struct frames before = frames_now();
    struct partner child = partner_start("child", child_acts);
    partner_does(&child, act);
    struct frames after = frames_now();
    partner_end(&child);
    return (struct frames){.node = after.node - before.node, .anonymous = after.anonymous - before.anonymous};
}

static struct frames measure(const char *what, size_t resident)
{
    step("%s", what);
    for (size_t i = 0; i < resident; i++)
        arena[i * PAGE] = 'p';
    tell("pages of mine in %p: %zu", arena, pages_present(arena, pages));
    struct frames taken = frames_of_a_child(NOTHING);
    tell("fork: %ld ns, the best of %d", fork_time(), TRIES);
    tell("a child that waits has %ld nodes and %ld pages of its own", taken.node, taken.anonymous);
    return taken;
}

static void first_write(void)
{
    step("A child writes one byte. What does that cost?");
    struct frames idle = frames_of_a_child(NOTHING), writes = frames_of_a_child(WRITE_ONE);
    tell("%ld nodes and %ld page more than for the child that only waits", writes.node - idle.node, writes.anonymous - idle.anonymous);
    gaur_claim(writes.node - idle.node == 3 && writes.anonymous - idle.anonymous == 1,
               "the copying that fork left undone: a path of three nodes, and one page");
}

/* A small machine has no room for all the children. */
static bool is_room(void)
{
    struct sysinfo info;

    return sysinfo(&info) == 0 && info.freeram * info.mem_unit / PAGE > ROOM;
}

/* Each child writes to one page, and waits. */
static void storm(void)
{
    static struct partner children[CHILDREN];
    int count = 0;

    step("%d children, each of which writes to page 0, and waits. Watch the frames.", CHILDREN);
    struct frames before = frames_now();
    while (count < CHILDREN && is_room()) {
        children[count] = partner_start("child", child_acts);
        partner_does(&children[count++], WRITE_ONE);
    }
    struct frames after = frames_now();
    tell("%d children have %ld nodes, and %ld pages of their own", count, after.node - before.node, after.anonymous - before.anonymous);
    page_tell(arena + PAGE);
    gaur_claim(page_look(arena + PAGE).references == count + 1, "the parent's leaf and %d others lead to page 1", count);
    step("They end.");
    while (count > 0)
        partner_end(&children[--count]);
    page_tell(arena + PAGE);
    gaur_claim(page_look(arena + PAGE).references == 1, "one reference is left");
}

int main(int argc, char **argv)
{
    struct sysinfo info;

    lesson_start(argc, argv, "Fork in constant time");
    sysinfo(&info);
    pages = info.freeram * info.mem_unit / PAGE / 4;
    pages = pages < LEAST ? LEAST : pages > MOST ? MOST : pages;
    arena = arena_map(pages, MAP_PRIVATE);
    madvise(arena, pages * PAGE, MADV_NOHUGEPAGE);
    struct frames small = measure("I write to one page, and fork.", 1);
    struct frames large = measure("I write to all of my pages, and fork.", pages);
    gaur_claim(small.node == large.node && small.anonymous == large.anonymous,
               "the second child takes not one frame more than the first");
    first_write();
    storm();
    return lesson_end();
}
