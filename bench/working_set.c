// SPDX-License-Identifier: MIT
/*
 * working_set.c - more memory in use than there is: operations a second on a working set half as large again as memory, with swap; and on
 * one of half of memory, beside a program that reads a file four times as large as memory.
 *
 * An operation goes to one page, chosen at random, checks what lies there and sometimes changes it. With swap, operations wait for the disk,
 * and the time that counts is the clock's. Beside another program, on one CPU, it is the program's own CPU time, since how a CPU is divided
 * has nothing to do with memory; that it did not wait for pages instead is seen by how few it got from the disk.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/swap.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"

#define SWAP "/dev/vda"
#define STREAM "/dev/vdb"
#define LARGE_SET (96 * MIB)    // of 64 MiB
#define SMALL_SET (8 * MIB)     // of 16 MiB
#define SECOND 1000000000UL
#define TRIALS 5

struct working_set {
    char *at;
    size_t pages;
    uint64_t state;     // of the choices
    int skewed;         // seven of eight operations go to a quarter of the pages
};

static struct working_set working_set(size_t size, int skewed)
{
    struct working_set set = {map(size), size / PAGE, 1, skewed};

    for (size_t i = 0; i < set.pages; i++)
        *(uint64_t *)(set.at + i * PAGE) = i;
    return set;
}

static void operate(struct working_set *set)
{
    set->state = set->state * 6364136223846793005 + 1442695040888963407;
    uint64_t choice = set->state >> 33;
    size_t page = choice / 8 % (set->skewed && choice % 8 ? set->pages / 4 : set->pages);
    uint64_t *words = (uint64_t *)(set->at + page * PAGE);

    if (words[0] != page) {
        fprintf(stderr, "page %zu has the content of page %lu\n", page, (unsigned long)words[0]);
        exit(1);
    }
    if (set->state >> 62 == 0)
        words[1] = set->state;
}

static uint64_t read_clock(clockid_t clock)
{
    struct timespec time;

    clock_gettime(clock, &time);
    return (uint64_t)time.tv_sec * SECOND + (uint64_t)time.tv_nsec;
}

/* Operations a second, for some milliseconds of a clock. */
static uint64_t rate(struct working_set *set, clockid_t clock, uint64_t milliseconds)
{
    uint64_t start = read_clock(clock), end, operations = 0;

    do {
        for (int i = 0; i < 64; i++)
            operate(set);
        operations += 64;
        end = read_clock(clock);
    } while (end - start < milliseconds * (SECOND / 1000));
    return operations * 1000 / ((end - start) / 1000000);
}

// ---- With swap ----

/* What mkswap writes: a header in the first page, of version 1. */
static void use_swap(void)
{
    char *page = map(PAGE); // no static memory: the rows of idle.c count on few pages of data
    int fd = -1;

    for (int i = 0; i < 100 && (fd = open(SWAP, O_WRONLY | O_CLOEXEC)) < 0; i++)
        usleep(100000); // Linux looks for disks when it sees fit
    off_t size = lseek(fd, 0, SEEK_END);
    uint32_t header[] = {1, (uint32_t)(size / PAGE) - 1};
    memcpy(page + 1024, header, sizeof header);
    memcpy(page + PAGE - 10, "SWAPSPACE2", 10);
    if (pwrite(fd, page, PAGE, 0) != PAGE || fsync(fd) || close(fd) || swapon(SWAP, 0))
        fail(SWAP);
}

void working_set_swapped(void)
{
    use_swap();
    for (int skewed = 0; skewed < 2; skewed++) {
        struct working_set set = working_set(LARGE_SET, skewed);
        rate(&set, CLOCK_MONOTONIC, 2000);
        report(skewed ? "working_set_skewed" : "working_set_random", rate(&set, CLOCK_MONOTONIC, 6000), 1);
        munmap(set.at, LARGE_SET);
    }
}

// ---- Beside a program that reads a large file ----

#define BUFFER (64 << 10)

/* The reader lets go of the working set: else each page would be there twice, as it was and as it is written to. */
static pid_t start_reading(const char *path, struct working_set *set)
{
    char *buffer = map(BUFFER);
    pid_t child = fork();

    if (child < 0)
        fail("fork");
    if (child == 0)
        munmap(set->at, set->pages * PAGE);
    for (int fd = open(path, O_RDONLY); child == 0;) {
        ssize_t got = read(fd, buffer, BUFFER);
        if (got < 0 || (got == 0 && lseek(fd, 0, SEEK_SET) < 0))
            fail(path);
    }
    return child;
}

static long faults_from_disk(void)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_majflt;
}

static int compare(const void *a, const void *b)
{
    const uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

    return (left > right) - (left < right);
}

void working_set_beside_reader(void)
{
    uint64_t share[TRIALS];
    long faults = faults_from_disk();

    use_swap();
    if (mount(STREAM, "/tmp", "ext2", MS_RDONLY, NULL))
        fail(STREAM);
    struct working_set set = working_set(SMALL_SET, 0);
    for (int i = 0; i < TRIALS; i++) {
        uint64_t alone = rate(&set, CLOCK_PROCESS_CPUTIME_ID, 100);
        pid_t reader = start_reading("/tmp/stream", &set);
        share[i] = 100 * rate(&set, CLOCK_PROCESS_CPUTIME_ID, 200) / alone;
        kill(reader, SIGKILL);
        waitpid(reader, NULL, 0);
    }
    qsort(share, TRIALS, sizeof share[0], compare);
    report("working_set_share", share[TRIALS / 2], 1);
    report("working_set_faults", (uint64_t)(faults_from_disk() - faults), 1);
}
