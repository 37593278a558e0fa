// SPDX-License-Identifier: MIT
/*
 * unmap_race.c - a large range is unmapped while other threads fault, map and fork beside it.
 *
 * Such a range is given back in two steps: what leads there goes first, and while its pages come free others go on. The mistakes to catch:
 * a page that is new somewhere else is one of those, a neighbour in the same table loses one, or what is mapped at that place next
 * finds old content.
 */
#include "touch.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#define MIB ((size_t)1 << 20)

enum { ROUNDS = 60, SIZE = 9, EDGE = 1, STEP = 37 }; // MiB, and pages: not all are touched

static unsigned char *place; // [edge][range][edge], which begin and end within a table
static unsigned char *own; // a MiB of the other thread's, so that it maps nothing where the range was
static volatile bool stop;

static unsigned char *range(void)
{
    return place + EDGE * MIB;
}

static bool each_page_is(const unsigned char *at, size_t size, unsigned char value)
{
    for (size_t i = 0; i < size; i += STEP * PAGE)
        CHECK_EQ(((const volatile unsigned char *)at)[i], value);
    return true;
}

static void write_pages(unsigned char *at, size_t size, unsigned char value)
{
    for (size_t i = 0; i < size; i += STEP * PAGE)
        at[i] = value;
}

static bool map_place(void)
{
    place = mmap(NULL, (SIZE + 2 * EDGE) * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(place != MAP_FAILED);
    write_pages(place, EDGE * MIB, 'e');
    write_pages(range() + SIZE * MIB, EDGE * MIB, 'e');
    own = mmap(NULL, MIB, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(own != MAP_FAILED);
    return true;
}

static bool edges_are_there(void)
{
    return each_page_is(place, EDGE * MIB, 'e') && each_page_is(range() + SIZE * MIB, EDGE * MIB, 'e');
}

static bool map_range_again(void)
{
    CHECK(mmap(range(), SIZE * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == range());
    return each_page_is(range(), SIZE * MIB, 0);
}

/* The range goes, and comes back empty, again and again. */
static bool unmap_in_rounds(void)
{
    for (int round = 0; round < ROUNDS; round++) {
        write_pages(range(), SIZE * MIB, 'r');
        CHECK(munmap(range(), SIZE * MIB) == 0);
        CHECK(map_range_again() && edges_are_there());
    }
    return true;
}

/* Pages of its own are new each time, and keep what is written to them. => 1: all was right */
static void *fault_beside(void *argument)
{
    long right = 1;

    (void)argument;
    while (!stop && right == 1) {
        if (mmap(own, MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != own)
            return (void *)2;
        for (size_t i = 0; i < MIB; i += STEP * PAGE) {
            if (own[i] != 0)
                right = 3;
            own[i] = 'o';
        }
        for (size_t i = 0; i < MIB; i += STEP * PAGE)
            if (own[i] != 'o')
                right = 4;
    }
    return (void *)right;
}

static bool beside(void *(*other)(void *), bool (*work)(void))
{
    pthread_t thread;
    void *result;

    stop = false;
    CHECK(pthread_create(&thread, NULL, other, NULL) == 0);
    bool good = work();
    stop = true;
    CHECK(pthread_join(thread, &result) == 0);
    CHECK_EQ((long)result, 1);
    munmap(own, MIB);
    munmap(place, (SIZE + 2 * EDGE) * MIB);
    return good;
}

static bool pages_of_other_threads_stay_their_own(void)
{
    return map_place() && beside(fault_beside, unmap_in_rounds);
}

static bool child_sees_the_edges(void)
{
    return edges_are_there();
}

static void *fork_beside(void *argument)
{
    long right = 1;

    (void)argument;
    while (!stop && right == 1)
        if (!exited_with(child_run(child_sees_the_edges), 0))
            right = 5;
    return (void *)right;
}

static bool children_forked_meanwhile_have_the_edges(void)
{
    return map_place() && beside(fork_beside, unmap_in_rounds);
}

static int file;

static bool unmap_file_in_rounds(void)
{
    for (int round = 0; round < ROUNDS; round++) {
        CHECK(munmap(range(), SIZE * MIB) == 0);
        CHECK(mmap(range(), SIZE * MIB, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED_NOREPLACE, file, 0) == range());
        CHECK(each_page_is(range(), SIZE * MIB, 'f') && edges_are_there());
    }
    return true;
}

/* The last mapping of a file without a name holds it until its pages have gone. */
static bool a_shared_file_keeps_its_pages(void)
{
    CHECK(map_place());
    file = memfd_create("file", 0);
    CHECK(file >= 0 && ftruncate(file, SIZE * MIB) == 0);
    CHECK(mmap(range(), SIZE * MIB, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, file, 0) == range());
    write_pages(range(), SIZE * MIB, 'f');
    CHECK(beside(fault_beside, unmap_file_in_rounds));
    close(file);
    return true;
}

static bool unmap_nameless_in_rounds(void)
{
    for (int round = 0; round < ROUNDS / 4; round++) {
        CHECK(munmap(range(), SIZE * MIB) == 0);
        CHECK(mmap(range(), SIZE * MIB, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == range());
        CHECK(each_page_is(range(), SIZE * MIB, 0));
        write_pages(range(), SIZE * MIB, 's');
    }
    return edges_are_there();
}

static bool shared_memory_goes_with_its_last_mapping(void)
{
    return map_place() && beside(fault_beside, unmap_nameless_in_rounds);
}

int main(void)
{
    TEST(pages_of_other_threads_stay_their_own);
    TEST(children_forked_meanwhile_have_the_edges);
    TEST(a_shared_file_keeps_its_pages);
    TEST(shared_memory_goes_with_its_last_mapping);
    return tap_done();
}
