// SPDX-License-Identifier: MIT
/*
 * smaps.c - what /proc tells of the pages of regions, and of who would have to go without memory.
 */
#include "gaur.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static char text[65536];

/* The entry of the region that begins at `address`, in `text`. */
static char *entry_of(const void *address)
{
    char head[32];

    if (file_get("/proc/self/smaps", text, sizeof text) < 0)
        return NULL;
    snprintf(head, sizeof head, "%08lx-", (unsigned long)address);
    return strstr(text, head);
}

/* The number behind a label, in kB. */
static long field(const char *entry, const char *label)
{
    char line[40];
    const char *at;

    snprintf(line, sizeof line, "\n%s:", label);
    at = strstr(entry, line);
    return at == NULL ? -1 : atol(at + strlen(line));
}

static char *lone_region(size_t pages, int prot)
{
    char *room = mmap(NULL, (pages + 2) * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    return mmap(room + PAGE, pages * PAGE, prot, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
}

static bool touched_pages_are_resident_private_and_dirty(void)
{
    char *memory = lone_region(8, PROT_READ | PROT_WRITE), *entry;

    memset(memory, 1, 3 * PAGE);
    CHECK((entry = entry_of(memory)) != NULL);
    CHECK_EQ(field(entry, "Size"), 32);
    CHECK_EQ(field(entry, "KernelPageSize"), 4);
    CHECK_EQ(field(entry, "Rss"), 12);
    CHECK_EQ(field(entry, "Pss"), 12);
    CHECK_EQ(field(entry, "Private_Dirty"), 12);
    CHECK_EQ(field(entry, "Shared_Dirty"), 0);
    CHECK_EQ(field(entry, "Anonymous"), 12);
    CHECK_EQ(field(entry, "Swap"), 0);
    char *flags = strstr(entry, "VmFlags: rd wr mr mw me ");
    CHECK(flags != NULL && strstr(flags, "ac ") != NULL);
    munmap(memory, 8 * PAGE);
    return true;
}

static bool fork_makes_pages_shared_until_they_are_written(void)
{
    char *memory = lone_region(4, PROT_READ | PROT_WRITE), *entry;
    struct baton there, back;

    memset(memory, 1, 4 * PAGE);
    CHECK(baton_make(&there) && baton_make(&back));
    pid_t pid = fork();
    if (pid == 0) {
        baton_pass(&there);
        baton_wait(&back);
        _exit(0);
    }
    CHECK(baton_wait(&there));
    memory[0] = 2;
    CHECK((entry = entry_of(memory)) != NULL);
    CHECK_EQ(field(entry, "Rss"), 16);
    CHECK_EQ(field(entry, "Shared_Dirty"), 12);
    CHECK_EQ(field(entry, "Private_Dirty"), 4);
    CHECK_EQ(field(entry, "Pss"), 10);
    baton_pass(&back);
    CHECK(exited_with(child_wait(pid), 0));
    munmap(memory, 4 * PAGE);
    return true;
}

static bool rollup_is_the_sum(void)
{
    static char rollup[4096];
    long sum = 0;

    CHECK(file_get("/proc/self/smaps", text, sizeof text) > 0);
    CHECK(file_get("/proc/self/smaps_rollup", rollup, sizeof rollup) > 0);
    for (char *line = text; (line = strstr(line, "\nSize:")) != NULL; line++)
        sum += field(line, "Rss");
    CHECK(labs(field(rollup, "Rss") - sum) <= 64); // reading takes memory, too
    CHECK(strstr(rollup, " ---p 00000000 00:00 0 ") != NULL && strstr(rollup, "[rollup]\n") != NULL);
    return true;
}

static bool stranger_may_not_make_its_score_better(void)
{
    FILE *file;

    if (setgid(12345) != 0 || setuid(12345) != 0)
        return true;
    prctl(PR_SET_DUMPABLE, 1); // else its files in /proc are root's now
    CHECK((file = fopen("/proc/self/oom_score_adj", "w")) != NULL);
    fputs("1000", file);
    CHECK(fclose(file) == 0);
    CHECK((file = fopen("/proc/self/oom_score_adj", "w")) != NULL);
    fputs("-100", file);
    CHECK_FAILS(fclose(file), EACCES);
    return true;
}

static bool scores_are_adjusted_and_inherited(void)
{
    FILE *file;

    CHECK(file_get("/proc/self/oom_score_adj", text, sizeof text) > 0);
    int before = atoi(text);
    CHECK((file = fopen("/proc/self/oom_score_adj", "w")) != NULL);
    fputs("1000", file);
    CHECK(fclose(file) == 0);
    CHECK(file_get("/proc/self/oom_score", text, sizeof text) > 0 && atol(text) >= 600);
    CHECK(file_get("/proc/self/oom_adj", text, sizeof text) > 0 && atol(text) == 15);
    pid_t pid = fork();
    if (pid == 0)
        _exit(file_get("/proc/self/oom_score_adj", text, sizeof text) > 0 && atol(text) == 1000 ? 0 : 1);
    CHECK(exited_with(child_wait(pid), 0));
    CHECK((file = fopen("/proc/self/oom_score_adj", "w")) != NULL);
    fputs("1001", file);
    CHECK_FAILS(fclose(file), EINVAL);
    CHECK((file = fopen("/proc/self/oom_score_adj", "w")) != NULL);
    fprintf(file, "%d", before);
    fclose(file);
    CHECK_CHILD(stranger_may_not_make_its_score_better);
    return true;
}

static uint64_t word(const char *path, uint64_t number)
{
    uint64_t word = 0;
    int fd = open(path, O_RDONLY);

    if (fd < 0 || pread(fd, &word, sizeof word, number * sizeof word) != sizeof word)
        word = -1UL;
    close(fd);
    return word;
}

static bool pagemap_leads_to_the_frame(void)
{
    char *memory = lone_region(3, PROT_READ | PROT_WRITE), byte;
    int fd = open("/proc/self/pagemap", O_RDONLY);

    memory[0] = 1;
    uint64_t first = word("/proc/self/pagemap", (uintptr_t)memory / PAGE);
    CHECK(first != -1UL && (first >> 63 & 1) && !(first >> 61 & 1) && (first >> 56 & 1));
    CHECK_EQ(word("/proc/self/pagemap", (uintptr_t)memory / PAGE + 1) >> 63, 0);
    CHECK_FAILS(pread(fd, &byte, 1, 0), EINVAL);
    close(fd);
    uint64_t frame = first & ((1UL << 55) - 1), count = word("/proc/kpagecount", frame);
    if (frame == 0 || count == -1UL)
        SKIP("needs the superuser, and a kernel with these files");
    CHECK_EQ(count, 1);
    CHECK(word("/proc/kpageflags", frame) >> 12 & 1);
    munmap(memory, 3 * PAGE);
    return true;
}

int main(void)
{
    TEST(touched_pages_are_resident_private_and_dirty);
    TEST(fork_makes_pages_shared_until_they_are_written);
    TEST(rollup_is_the_sum);
    TEST(pagemap_leads_to_the_frame);
    TEST(scores_are_adjusted_and_inherited);
    return tap_done();
}
