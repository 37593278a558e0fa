// SPDX-License-Identifier: MIT
/*
 * faults.c - page faults: the first touch of a page, and the first write to one that another process shares.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bench.h"

/* An address far from everything else: no node on the way to it is needed by anything but the pages there. */
#define LONELY ((char *)0x100000000000)

/* --- anonymous memory */

void anonymous_read_fault(void)
{
    const size_t pages = 512;
    volatile char *at = map(pages * PAGE);
    uint64_t start = start_clock();

    for (size_t i = 0; i < pages; i++)
        (void)at[i * PAGE];
    report("anonymous_read_fault", stop_clock(start), pages);
    munmap((void *)at, pages * PAGE);
}

/* From the last page to the first, so that each takes a fault: Gaur's fills several pages for who goes forward. */
void anonymous_write_fault(void)
{
    const size_t pages = 512;
    char *at = map(pages * PAGE);
    uint64_t start = start_clock();

    for (size_t i = pages; i-- > 0;)
        at[i * PAGE] = 1;
    report("anonymous_write_fault", stop_clock(start), pages);
    munmap(at, pages * PAGE);
}

static void first_writes(const char *name, size_t size, uint64_t operations)
{
    char *at = map(size);
    uint64_t start = start_clock();

    touch(at, size);
    report(name, stop_clock(start), operations);
    munmap(at, size);
}

void anonymous_write_forward(void)
{
    first_writes("anonymous_write_forward", 512 * PAGE, 512);
}

/* The whole of a large region, in pages of the kernel's choice. */
void touch_region(const char *name, size_t size)
{
    first_writes(name, size, 1);
}

/* --- copy-on-write */

struct costs {
    uint64_t average;
    uint64_t worst;       // of all pages
    uint64_t whole_path;  // the first write anywhere near
    uint64_t leaf;        // the first write in another 2 MiB
    uint64_t page;        // the second one there
};

static uint64_t write_cost(volatile char *at)
{
    uint64_t start = start_clock();

    *at = 2;
    return stop_clock(start);
}

static void measure_average(char *at, size_t size, struct costs *costs)
{
    uint64_t start = start_clock();

    touch(at, size);
    costs->average = stop_clock(start) / (size / PAGE);
}

static void measure_each(char *at, size_t size, struct costs *costs)
{
    costs->whole_path = write_cost(at + PAGE);
    costs->leaf = write_cost(at + size / 2 + PAGE);
    costs->page = write_cost(at + size / 2 + 2 * PAGE);
    costs->worst = costs->whole_path > costs->leaf ? costs->whole_path : costs->leaf;
    for (size_t i = 0; i < size; i += PAGE) {
        uint64_t cost = write_cost(at + i);
        if (cost > costs->worst)
            costs->worst = cost;
    }
}

/* Fork, and let the child measure what writing to what it shares with us costs. */
static void in_child(void (*measure)(char *, size_t, struct costs *), char *at, size_t size, struct costs *costs)
{
    int result[2];

    if (pipe(result))
        fail("pipe");
    pid_t child = fork();
    if (child == 0) {
        measure(at, size, costs);
        _exit(write(result[1], costs, sizeof *costs) != sizeof *costs);
    }
    if (child < 0 || read(result[0], costs, sizeof *costs) != sizeof *costs)
        fail("copy-on-write");
    end_child(child);
    close(result[0]);
    close(result[1]);
}

void cow_fault(const char *name, size_t size)
{
    char *at = map(size);
    struct costs costs = {0};

    touch(at, size);
    in_child(measure_average, at, size, &costs);
    report(name, costs.average, 1);
    munmap(at, size);
}

static void measure_first_page(char *at, size_t size, struct costs *costs)
{
    (void)size;
    costs->page = write_cost(at);
}

/* Pages that a child shared, which has gone: it had copied the leaf, for the sake of one of them. */
void cow_last_owner(void)
{
    const size_t size = MIB;
    char *at = map(size);
    struct costs costs = {0};

    touch(at, size);
    in_child(measure_first_page, at, size, &costs);
    touch(at, PAGE); // the way to the others is our own again
    uint64_t start = start_clock();
    touch(at + PAGE, size - PAGE);
    report("cow_last_owner", stop_clock(start), size / PAGE - 1);
    munmap(at, size);
}

static void report_part(const char *prefix, const char *part, uint64_t cost, uint64_t without)
{
    char name[64];

    snprintf(name, sizeof name, "%s%s", prefix, part);
    report(name, cost > without ? cost - without : 0, 1);
}

/* The dearest single fault after a fork, and what it is made of. */
static void cow_worst(const char *name, const char *huge)
{
    const size_t size = 64 * MIB;
    char *at = mmap(LONELY, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    struct costs costs = {0};

    if (at == MAP_FAILED)
        fail("mmap");
    huge_pages(huge);
    touch(at, size);
    in_child(measure_each, at, size, &costs);
    report(name, costs.worst, 1);
    report_part(name, "_page", costs.page, 0);
    report_part(name, "_leaf", costs.leaf, costs.page);
    report_part(name, "_path", costs.whole_path, costs.leaf);
    munmap(at, size);
    huge_pages("never");
}

void cow_worst_small(void)
{
    cow_worst("cow_worst", "never");
}

void cow_worst_huge(void)
{
    cow_worst("cow_worst_huge", "always");
}
