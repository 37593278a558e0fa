// SPDX-License-Identifier: MIT
/*
 * huge_pages.c - memory that asks for huge pages gets them, and nothing that happens to a part of one changes the rest.
 */
#include "gaur.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/uio.h>
#include <unistd.h>

#define HUGE (512 * PAGE)
#define SETTINGS "/sys/kernel/mm/transparent_hugepage/"

static char text[65536];

/* The number of a field of the region at `address` in smaps, in kB; -1: none. */
static long smaps_field(const void *address, const char *label)
{
    char head[32], line[40];

    if (file_get("/proc/self/smaps", text, sizeof text) < 0)
        return -1;
    snprintf(head, sizeof head, "%08lx-", (unsigned long)address);
    snprintf(line, sizeof line, "\n%s:", label);
    const char *entry = strstr(text, head), *at = entry ? strstr(entry, line) : NULL;
    return at ? atol(at + strlen(line)) : -1;
}

/* Two huge pages of address space, aligned, alone between others, that ask for huge pages. */
static char *room(void)
{
    char *at = mmap(NULL, 4 * HUGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    at = (char *)(((uintptr_t)at + 2 * HUGE - 1) & ~(HUGE - 1));
    at = mmap(at, 2 * HUGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    if (at == MAP_FAILED || madvise(at, 2 * HUGE, MADV_HUGEPAGE) != 0)
        return NULL;
    return at;
}

/* The same with one huge page in use, each page of it marked by its number. NULL: there is no huge page to be had. */
static char *marked(void)
{
    char *at = room();

    if (!at)
        return NULL;
    at[0] = 1;
    if (smaps_field(at, "AnonHugePages") != HUGE / 1024) {
        munmap(at, 2 * HUGE);
        return NULL;
    }
    for (size_t i = 0; i < 512; i++)
        at[i * PAGE + 9] = (char)i;
    return at;
}

#define NO_HUGE_PAGE "this system has no huge page to give"

/* Whether pages [first, end) have their marks. */
static bool marks_are_there(const char *at, size_t first, size_t end)
{
    for (size_t i = first; i < end; i++)
        if (at[i * PAGE + 9] != (char)i)
            return tap_differs(__FILE__, __LINE__, "mark", at[i * PAGE + 9], (char)i);
    return true;
}

/* ---- Settings ---- */

/* All words are there, one of them in brackets. */
static bool is_choice(const char *path, const char *words)
{
    char found[256], *open, *close;

    CHECK(file_get(path, found, sizeof found) > 0);
    CHECK((open = strchr(found, '[')) != NULL && (close = strchr(open, ']')) != NULL && !strchr(close, '['));
    memmove(close, close + 1, strlen(close));
    memmove(open, open + 1, strlen(open));
    CHECK(strcmp(found, words) == 0);
    return true;
}

static bool the_settings_have_linuxs_words(void)
{
    CHECK(is_choice(SETTINGS "enabled", "always madvise never\n"));
    CHECK(is_choice(SETTINGS "defrag", "always defer defer+madvise madvise never\n"));
    CHECK(file_get(SETTINGS "hpage_pmd_size", text, sizeof text) > 0 && strcmp(text, "2097152\n") == 0);
    return true;
}

static ssize_t set_mode(const char *mode)
{
    int fd = open(SETTINGS "enabled", O_WRONLY);
    ssize_t done = write(fd, mode, strlen(mode));
    int error = errno;

    close(fd);
    errno = error;
    return done;
}

/* Not on a Linux where others are at work. */
static bool the_mode_can_be_set_and_is_kept(void)
{
    NEEDS_GAUR();
    char *at = room();
    CHECK(at != NULL);
    CHECK_EQ(set_mode("never\n"), 6);
    CHECK(file_get(SETTINGS "enabled", text, sizeof text) > 0 && strcmp(text, "always madvise [never]\n") == 0);
    at[0] = 1;
    CHECK_EQ(smaps_field(at, "AnonHugePages"), 0);
    CHECK_FAILS(set_mode("sometimes"), EINVAL);
    CHECK_EQ(set_mode("always"), 6);
    CHECK(file_get(SETTINGS "enabled", text, sizeof text) > 0 && strcmp(text, "[always] madvise never\n") == 0);
    munmap(at, 2 * HUGE);
    return true;
}

/* ---- Having one ---- */

static bool one_write_makes_512_pages_resident(void)
{
    char *at = marked();
    unsigned char vector[1024];

    if (!at)
        SKIP(NO_HUGE_PAGE);
    CHECK_EQ(smaps_field(at, "Rss"), HUGE / 1024);
    CHECK_EQ(smaps_field(at, "Anonymous"), HUGE / 1024);
    CHECK_EQ(smaps_field(at, "Private_Dirty"), HUGE / 1024);
    CHECK_EQ(smaps_field(at, "FilePmdMapped"), 0);
    CHECK_EQ(smaps_field(at, "THPeligible"), 1);
    CHECK(mincore(at, 2 * HUGE, vector) == 0);
    for (size_t i = 0; i < 1024; i++)
        CHECK_EQ(vector[i] & 1, i < 512);
    CHECK(marks_are_there(at, 0, 512));
    for (size_t i = 0; i < 512; i++)
        CHECK(at[i * PAGE + 10] == 0);
    munmap(at, 2 * HUGE);
    return true;
}

static bool touching_all_of_it_takes_one_fault(void)
{
    char *at = room();

    ancestors_sleep();
    faults_taken();
    long before = faults_taken();
    for (size_t i = 0; i < 512; i++)
        at[i * PAGE] = 1;
    long taken = faults_taken() - before;
    if (smaps_field(at, "AnonHugePages") == 0)
        SKIP(NO_HUGE_PAGE);
    CHECK_EQ(taken, 1);
    munmap(at, 2 * HUGE);
    return true;
}

static bool the_counters_tell_of_it(void)
{
    long before = counter("thp_fault_alloc");
    char *at = marked();

    if (!at)
        SKIP(NO_HUGE_PAGE);
    CHECK(before >= 0 && counter("thp_fault_alloc") > before);
    CHECK(counter("thp_fault_fallback") >= 0 && counter("thp_split_page") >= 0 && counter("nr_anon_transparent_hugepages") > 0);
    CHECK(file_get("/proc/meminfo", text, sizeof text) > 0);
    const char *line = strstr(text, "\nAnonHugePages:  ");
    CHECK(line != NULL && atol(line + 17) >= 2048);
    munmap(at, 2 * HUGE);
    return true;
}

static uint64_t word(const char *path, uint64_t number)
{
    uint64_t word = 0;
    int fd = open(path, O_RDONLY);

    if (fd < 0 || pread(fd, &word, sizeof word, number * sizeof word) != sizeof word)
        word = 0;
    close(fd);
    return word;
}

static bool its_frames_lie_side_by_side_and_are_flagged(void)
{
    enum { HEAD = 15, TAIL = 16, THP = 22 };
    char *at = marked();

    if (!at)
        SKIP(NO_HUGE_PAGE);
    uint64_t mask = (1UL << 55) - 1, first = word("/proc/self/pagemap", (uintptr_t)at / PAGE) & mask;
    if (first == 0 || word("/proc/kpageflags", first) == 0)
        SKIP("needs the superuser, and a kernel with these files");
    CHECK_EQ(first % 512, 0);
    CHECK_EQ(word("/proc/self/pagemap", (uintptr_t)at / PAGE + 511) & mask, first + 511);
    CHECK(word("/proc/kpageflags", first) >> THP & 1 && word("/proc/kpageflags", first) >> HEAD & 1);
    CHECK(word("/proc/kpageflags", first + 511) >> THP & 1 && word("/proc/kpageflags", first + 511) >> TAIL & 1);
    munmap(at, 2 * HUGE);
    return true;
}

/* ---- Not having one ---- */

static bool flags_has(const void *address, const char *flag)
{
    char head[32];

    snprintf(head, sizeof head, "%08lx-", (unsigned long)address);
    if (file_get("/proc/self/smaps", text, sizeof text) < 0)
        return false;
    const char *entry = strstr(text, head), *flags = entry ? strstr(entry, "\nVmFlags:") : NULL;
    const char *at = flags ? strstr(flags, flag) : NULL;
    return at && at < strchr(flags + 1, '\n');
}

static bool advice_against_it_is_taken(void)
{
    char *at = room();

    CHECK(flags_has(at, " hg ") && !flags_has(at, " nh "));
    CHECK(madvise(at, 2 * HUGE, MADV_NOHUGEPAGE) == 0);
    CHECK(flags_has(at, " nh ") && !flags_has(at, " hg "));
    at[HUGE] = 1;
    CHECK_EQ(smaps_field(at, "AnonHugePages"), 0);
    CHECK_EQ(smaps_field(at, "Rss"), PAGE / 1024);
    CHECK_EQ(smaps_field(at, "THPeligible"), 0);
    munmap(at, 2 * HUGE);
    return true;
}

static bool grandchild_has_none_either(void)
{
    CHECK_EQ(prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0), 1);
    CHECK(marked() == NULL);
    return true;
}

static bool process_that_wants_none_gets_none(void)
{
    CHECK_EQ(prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0), 0);
    CHECK_FAILS(prctl(PR_GET_THP_DISABLE, 1, 0, 0, 0), EINVAL);
    CHECK_FAILS(prctl(PR_SET_THP_DISABLE, 1, 0, 0, 1), EINVAL);
    CHECK(prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0) == 0);
    CHECK(marked() == NULL);
    CHECK(file_get("/proc/self/status", text, sizeof text) > 0 && strstr(text, "\nTHP_enabled:\t0\n") != NULL);
    CHECK_CHILD(grandchild_has_none_either);
    return true;
}

static bool thp_disable_is_inherited(void)
{
    CHECK_CHILD(process_that_wants_none_gets_none);
    CHECK_EQ(prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0), 0);
    return true;
}

/* ---- Fork ---- */

static char *shared;

static bool child_reads_and_writes(void)
{
    ancestors_sleep();
    faults_taken();
    long before = faults_taken();
    unsigned sum = 0;
    for (size_t i = 0; i < 512; i++)
        sum += (unsigned char)shared[i * PAGE + 9];
    long taken = faults_taken() - before;
    CHECK_EQ(sum, 2 * 255 * 128);
    CHECK_EQ(taken, 0);
    shared[7 * PAGE + 9] = 99;
    CHECK(shared[7 * PAGE + 9] == 99);
    CHECK(marks_are_there(shared, 0, 7) && marks_are_there(shared, 8, 512));
    return true;
}

static bool a_child_reads_it_without_a_fault_and_writes_for_itself(void)
{
    shared = marked();
    if (!shared)
        SKIP(NO_HUGE_PAGE);
    CHECK_CHILD(child_reads_and_writes);
    CHECK(marks_are_there(shared, 0, 512));
    for (size_t i = 0; i < 512; i++)
        shared[i * PAGE + 9] = (char)(i + 1);
    for (size_t i = 0; i < 512; i++)
        CHECK(shared[i * PAGE + 9] == (char)(i + 1));
    munmap(shared, 2 * HUGE);
    return true;
}

/* Both sides write all of it, page by page in turns. */
static bool parent_and_child_part_page_by_page(void)
{
    struct baton there, back;
    char *at = marked();

    if (!at)
        SKIP(NO_HUGE_PAGE);
    CHECK(baton_make(&there) && baton_make(&back));
    pid_t pid = fork();
    if (pid == 0) {
        for (size_t i = 0; i < 512; i += 3)
            at[i * PAGE + 9] = 55;
        baton_pass(&there);
        baton_wait(&back);
        bool good = true;
        for (size_t i = 0; i < 512; i++)
            good &= at[i * PAGE + 9] == (i % 3 ? (char)i : 55);
        _exit(good ? 0 : 1);
    }
    CHECK(baton_wait(&there));
    CHECK(marks_are_there(at, 0, 512));
    for (size_t i = 0; i < 512; i += 2)
        at[i * PAGE + 9] = 66;
    baton_pass(&back);
    CHECK(exited_with(child_wait(pid), 0));
    for (size_t i = 0; i < 512; i++)
        CHECK(at[i * PAGE + 9] == (i % 2 ? (char)i : 66));
    munmap(at, 2 * HUGE);
    return true;
}

/* ---- Parts ---- */

static bool unmapping_a_page_leaves_the_others(void)
{
    char *at = marked();
    unsigned char vector[1];

    if (!at)
        SKIP(NO_HUGE_PAGE);
    CHECK(munmap(at + 100 * PAGE, PAGE) == 0);
    CHECK_FAILS(mincore(at + 100 * PAGE, PAGE, vector), ENOMEM);
    CHECK(marks_are_there(at, 0, 100) && marks_are_there(at, 101, 512));
    CHECK_EQ(smaps_field(at, "AnonHugePages"), 0);
    CHECK_EQ(smaps_field(at, "Rss"), 400);
    munmap(at, 2 * HUGE);
    return true;
}

static bool read_only_part_keeps_the_rest_writable(void)
{
    char *at = marked();
    int pipe_ends[2];

    if (!at)
        SKIP(NO_HUGE_PAGE);
    CHECK(mprotect(at + 7 * PAGE, 2 * PAGE, PROT_READ) == 0);
    CHECK(marks_are_there(at, 0, 512));
    at[6 * PAGE] = at[9 * PAGE] = 1;
    CHECK(pipe(pipe_ends) == 0 && write(pipe_ends[1], "xy", 2) == 2);
    CHECK_FAILS(read(pipe_ends[0], at + 8 * PAGE, 1), EFAULT);
    CHECK_EQ(read(pipe_ends[0], at + 9 * PAGE - 1, 1) < 0 ? errno : 0, EFAULT);
    CHECK_EQ(read(pipe_ends[0], at + 9 * PAGE, 1), 1);
    CHECK(mprotect(at, 2 * HUGE, PROT_NONE) == 0 && mprotect(at, 2 * HUGE, PROT_READ | PROT_WRITE) == 0);
    CHECK(marks_are_there(at, 0, 512));
    at[7 * PAGE] = 1;
    close(pipe_ends[0]);
    close(pipe_ends[1]);
    munmap(at, 2 * HUGE);
    return true;
}

static bool forgotten_part_is_zero_and_the_rest_stays(void)
{
    char *at = marked();

    if (!at)
        SKIP(NO_HUGE_PAGE);
    CHECK(madvise(at + 511 * PAGE, 2 * PAGE, MADV_DONTNEED) == 0);
    CHECK(at[511 * PAGE + 9] == 0 && marks_are_there(at, 0, 511));
    CHECK(madvise(at, 2 * HUGE, MADV_DONTNEED) == 0);
    CHECK(at[9 + PAGE] == 0);
    munmap(at, 2 * HUGE);
    return true;
}

static bool part_can_be_moved_away(void)
{
    char *at = marked();

    if (!at)
        SKIP(NO_HUGE_PAGE);
    char *to = mmap(NULL, 64 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(mremap(at + 32 * PAGE, 64 * PAGE, 64 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to) == to);
    CHECK(marks_are_there(at, 0, 32) && marks_are_there(at, 96, 512) && marks_are_there(to - 32 * PAGE, 32, 96));
    munmap(to, 64 * PAGE);
    munmap(at, 2 * HUGE);
    return true;
}

static bool whole_can_be_moved(void)
{
    char *at = marked(), *to = room();

    if (!at)
        SKIP(NO_HUGE_PAGE);
    CHECK(mremap(at, HUGE, HUGE, MREMAP_MAYMOVE | MREMAP_FIXED, to) == to);
    CHECK(marks_are_there(to, 0, 512));
    munmap(to, 2 * HUGE);
    munmap(at, 2 * HUGE);
    return true;
}

/* ---- The kernel's own accesses ---- */

static bool another_process_reads_and_writes_it(void)
{
    char *at = marked(), bytes[3] = {1, 2, 3};

    if (!at)
        SKIP(NO_HUGE_PAGE);
    pid_t pid = fork();
    if (pid == 0) {
        struct iovec local = {bytes, 3}, remote = {at + 77 * PAGE - 1, 3};
        _exit(process_vm_writev(getppid(), &local, 1, &remote, 1, 0) == 3 ? 0 : errno);
    }
    int status = child_wait(pid);
    if (status == EPERM << 8 || status == ENOSYS << 8)
        SKIP("this system does not let a child write to its parent");
    CHECK(exited_with(status, 0));
    CHECK(at[77 * PAGE - 1] == 1 && at[77 * PAGE] == 2 && at[77 * PAGE + 1] == 3);
    CHECK(marks_are_there(at, 0, 512));
    munmap(at, 2 * HUGE);
    return true;
}

static bool read_fills_a_fresh_one(void)
{
    char *at = room();
    int fd = open("/proc/self/exe", O_RDONLY);

    CHECK(fd >= 0 && read(fd, at + HUGE - PAGE, 2 * PAGE) == 2 * PAGE);
    CHECK(memcmp(at + HUGE - PAGE, "\177ELF", 4) == 0 && at[0] == 0);
    close(fd);
    munmap(at, 2 * HUGE);
    return true;
}

int main(void)
{
    TEST(the_settings_have_linuxs_words);
    TEST(the_mode_can_be_set_and_is_kept);
    TEST(one_write_makes_512_pages_resident);
    TEST(touching_all_of_it_takes_one_fault);
    TEST(the_counters_tell_of_it);
    TEST(its_frames_lie_side_by_side_and_are_flagged);
    TEST(advice_against_it_is_taken);
    TEST(thp_disable_is_inherited);
    TEST(a_child_reads_it_without_a_fault_and_writes_for_itself);
    TEST(parent_and_child_part_page_by_page);
    TEST(unmapping_a_page_leaves_the_others);
    TEST(read_only_part_keeps_the_rest_writable);
    TEST(forgotten_part_is_zero_and_the_rest_stays);
    TEST(part_can_be_moved_away);
    TEST(whole_can_be_moved);
    TEST(another_process_reads_and_writes_it);
    TEST(read_fills_a_fresh_one);
    return tap_done();
}
