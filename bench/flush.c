// SPDX-License-Identifier: MIT
/*
 * flush.c - from how many pages on is it cheaper to forget all translations than to forget them one by one?
 *
 * Rights are taken from N pages and given back, then these and a working set of other pages are used, which a whole flush
 * has made the processor forget as well. Once with each page flushed, once with all; /proc/gaur/tlb_flush_pages tells the
 * kernel which. These rows are about time, as those of parallel.c: the best of some trials.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bench.h"

#define LIMIT_FILE "/proc/gaur/tlb_flush_pages"
#define WORKING_SET (64 * PAGE)
#define LARGEST 512
#define TRIALS 60
#define REPETITIONS 10

static void set_limit(const char *text)
{
    int fd = open(LIMIT_FILE, O_WRONLY);

    if (fd < 0 || write(fd, text, strlen(text)) < 0)
        fail(LIMIT_FILE);
    close(fd);
}

static uint64_t trial(const char *limit, char *pages, unsigned count, char *others)
{
    set_limit(limit);
    touch(pages, count * PAGE);
    touch(others, WORKING_SET);
    uint64_t start = nanoseconds();
    for (int i = 0; i < REPETITIONS; i++) {
        if (mprotect(pages, count * PAGE, PROT_READ) || mprotect(pages, count * PAGE, PROT_READ | PROT_WRITE))
            fail("mprotect");
        touch(pages, count * PAGE);
        touch(others, WORKING_SET);
    }
    return (nanoseconds() - start) / REPETITIONS;
}

/* => by how many nanoseconds the whole flush is dearer for so many pages */
static int64_t compare(char *pages, unsigned count, char *others)
{
    uint64_t one_by_one = UINT64_MAX, whole = UINT64_MAX;
    char name[32];

    for (int i = 0; i < TRIALS; i++) {
        uint64_t now_one = trial("1000000", pages, count, others), now_whole = trial("0", pages, count, others);
        one_by_one = now_one < one_by_one ? now_one : one_by_one;
        whole = now_whole < whole ? now_whole : whole;
    }
    snprintf(name, sizeof name, "flush_pages_%u", count);
    report(name, one_by_one, 1);
    snprintf(name, sizeof name, "flush_all_%u", count);
    report(name, whole, 1);
    return (int64_t)(whole - one_by_one);
}

/* Where a line through the differences at count / 2 and at `count` meets zero. => dearer <= 0 */
static uint64_t break_even(unsigned count, int64_t at_half, int64_t dearer)
{
    return count == 1 ? 1 : count - count / 2 * (uint64_t)-dearer / (uint64_t)(at_half - dearer);
}

void flush_threshold(void)
{
    char before[16] = "", *pages = map(LARGEST * PAGE), *others = map(WORKING_SET);
    int64_t dearer = 0, at_half = 0;
    unsigned count = 0;
    int fd = open(LIMIT_FILE, O_RDONLY);

    if (fd < 0 || read(fd, before, sizeof before - 1) < 0)
        fail(LIMIT_FILE);
    close(fd);
    do {
        count = count ? 2 * count : 1;
        at_half = dearer;
        dearer = compare(pages, count, others);
    } while (dearer > 0 && count < LARGEST);
    report("flush_threshold", dearer > 0 ? count : break_even(count, at_half, dearer), 1);
    set_limit(before);
}
