// SPDX-License-Identifier: MIT
/*
 * commit.c - how much memory a program may ask for: its own limits, and what the system promises.
 */
#include "gaur.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define MIB (1UL << 20)

static void *map(size_t size, int prot, int flags)
{
    return mmap(NULL, size, prot, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
}

/* A line of /proc/meminfo in kB; -1: there is none. */
static long meminfo(const char *name)
{
    static char text[8192];
    char *line;

    if (file_get("/proc/meminfo", text, sizeof text) < 0)
        return -1;
    line = strstr(text, name);
    return line == NULL ? -1 : atol(line + strlen(name));
}

/* Of this process, in pages, from statm. */
static long size_now(void)
{
    char text[128];

    return file_get("/proc/self/statm", text, sizeof text) < 0 ? -1 : atol(text);
}

static bool limit(int what, rlim_t bytes)
{
    struct rlimit limit = {bytes, RLIM_INFINITY};

    return setrlimit(what, &limit) == 0;
}

static bool address_space_is_limited(void)
{
    CHECK(limit(RLIMIT_AS, size_now() * PAGE + 10 * PAGE));
    char *a = map(8 * PAGE, PROT_NONE, 0);
    CHECK(a != MAP_FAILED);
    CHECK_FAILS((long)map(4 * PAGE, PROT_NONE, 0), ENOMEM);
    CHECK(mmap(a, 8 * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == a);
    CHECK_FAILS((long)mremap(a, 8 * PAGE, 14 * PAGE, MREMAP_MAYMOVE), ENOMEM);
    CHECK(munmap(a, 4 * PAGE) == 0);
    char *b = map(4 * PAGE, PROT_NONE, 0);
    CHECK(b != MAP_FAILED);
    CHECK(limit(RLIMIT_AS, RLIM_INFINITY));
    CHECK(map(64 * PAGE, PROT_NONE, 0) != MAP_FAILED);
    return true;
}

static bool data_is_limited(void)
{
    void *top = sbrk(0);

    CHECK(limit(RLIMIT_DATA, 1));
    CHECK_FAILS((long)map(PAGE, PROT_READ | PROT_WRITE, 0), ENOMEM);
    CHECK(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0) != MAP_FAILED);
    char *readable = map(PAGE, PROT_READ, 0);
    CHECK(readable != MAP_FAILED);
    CHECK_FAILS(mprotect(readable, PAGE, PROT_READ | PROT_WRITE), ENOMEM);
    CHECK(brk((char *)top + 64 * PAGE) != 0 || sbrk(0) == top);
    CHECK(limit(RLIMIT_DATA, RLIM_INFINITY));
    CHECK(mprotect(readable, PAGE, PROT_READ | PROT_WRITE) == 0);
    return true;
}

static bool limits_are_inherited(void)
{
    CHECK(limit(RLIMIT_AS, size_now() * PAGE + 2 * PAGE));
    pid_t pid = fork();
    if (pid == 0)
        _exit(map(64 * PAGE, PROT_NONE, 0) == MAP_FAILED && errno == ENOMEM ? 0 : 1);
    CHECK(exited_with(child_wait(pid), 0));
    return true;
}

static bool memory_info_tells_what_is_promised(void)
{
    long limit_now = meminfo("CommitLimit:"), before = meminfo("Committed_AS:");

    CHECK(limit_now > 0 && before > 0);
    if (!on_gaur())
        SKIP("others change it");
    ancestors_sleep();
    before = meminfo("Committed_AS:");
    char *a = map(100 * PAGE, PROT_READ | PROT_WRITE, 0);
    CHECK_EQ(meminfo("Committed_AS:") - before, 400);
    char *b = map(100 * PAGE, PROT_READ, 0);
    CHECK_EQ(meminfo("Committed_AS:") - before, 400);
    CHECK(mprotect(b, 50 * PAGE, PROT_READ | PROT_WRITE) == 0);
    CHECK_EQ(meminfo("Committed_AS:") - before, 600);
    CHECK(mprotect(b, 50 * PAGE, PROT_READ) == 0);
    CHECK_EQ(meminfo("Committed_AS:") - before, 600);
    char *c = mmap(NULL, 100 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK_EQ(meminfo("Committed_AS:") - before, 1000);
    char *d = map(100 * PAGE, PROT_READ | PROT_WRITE, MAP_NORESERVE);
    CHECK_EQ(meminfo("Committed_AS:") - before, 1000);
    CHECK(munmap(a + 10 * PAGE, 10 * PAGE) == 0);
    CHECK_EQ(meminfo("Committed_AS:") - before, 960);
    char *rest = a + 20 * PAGE;
    a = mremap(a, 10 * PAGE, 20 * PAGE, MREMAP_MAYMOVE);
    CHECK(a != MAP_FAILED);
    CHECK_EQ(meminfo("Committed_AS:") - before, 1000);
    char *place = map(60 * PAGE, PROT_NONE, 0);
    a = mremap(a, 20 * PAGE, 60 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, place);
    CHECK(a == place);
    CHECK_EQ(meminfo("Committed_AS:") - before, 1160);
    a = mremap(a, 60 * PAGE, 10 * PAGE, 0);
    CHECK_EQ(meminfo("Committed_AS:") - before, 960);
    CHECK(munmap(a, 10 * PAGE) == 0 && munmap(rest, 80 * PAGE) == 0 && munmap(b, 100 * PAGE) == 0 && munmap(c, 100 * PAGE) == 0);
    CHECK(munmap(d, 100 * PAGE) == 0);
    CHECK_EQ(meminfo("Committed_AS:") - before, 0);
    return true;
}

static bool child_is_promised_as_much_and_gives_it_back(void)
{
    struct baton there, back;

    NEEDS_GAUR();
    CHECK(baton_make(&there) && baton_make(&back));
    char *a = map(256 * PAGE, PROT_READ | PROT_WRITE, 0);
    ancestors_sleep();
    long before = meminfo("Committed_AS:");
    pid_t pid = fork();
    if (pid == 0) {
        baton_pass(&there);
        baton_wait(&back);
        _exit(0);
    }
    CHECK(baton_wait(&there));
    CHECK(meminfo("Committed_AS:") - before >= 1024);
    baton_pass(&back);
    CHECK(exited_with(child_wait(pid), 0));
    CHECK_EQ(meminfo("Committed_AS:") - before, 0);
    munmap(a, 256 * PAGE);
    return true;
}

static bool set(const char *name, const char *value)
{
    char path[64];
    FILE *file;

    snprintf(path, sizeof path, "/proc/sys/vm/overcommit_%s", name);
    file = fopen(path, "w");
    if (file == NULL)
        return false;
    fputs(value, file);
    return fclose(file) == 0;
}

static bool what_cannot_be_is_not_promised(void)
{
    NEEDS_GAUR();
    long total = meminfo("MemTotal:");
    CHECK(set("memory", "0"));
    CHECK_FAILS((long)map((total + 4096) * 1024, PROT_READ | PROT_WRITE, 0), ENOMEM);
    CHECK(map((total + 4096) * 1024, PROT_READ | PROT_WRITE, MAP_NORESERVE) != MAP_FAILED);
    CHECK(map((total + 4096) * 1024, PROT_READ, 0) != MAP_FAILED);
    CHECK(map(total / 4 * 3 * 1024, PROT_READ | PROT_WRITE, 0) != MAP_FAILED);
    CHECK(map(total / 4 * 3 * 1024, PROT_READ | PROT_WRITE, 0) != MAP_FAILED);
    CHECK(set("memory", "1"));
    CHECK(map((total + 4096) * 1024, PROT_READ | PROT_WRITE, 0) != MAP_FAILED);
    CHECK(!set("memory", "3"));
    CHECK(set("memory", "0"));
    return true;
}

static bool strictly_no_more_than_there_is(void)
{
    NEEDS_GAUR();
    long total = meminfo("MemTotal:");
    CHECK(set("ratio", "100"));
    CHECK(labs(meminfo("CommitLimit:") - total) <= 4);
    long left = (total - meminfo("Committed_AS:")) * 1024;
    CHECK(set("memory", "2"));
    void *most = map(left / 2, PROT_READ | PROT_WRITE, 0);
    void *more = map(left, PROT_READ | PROT_WRITE, MAP_NORESERVE);
    void *readable = map(left, PROT_READ, 0);
    int protect = mprotect(readable, left, PROT_READ | PROT_WRITE), error = errno;
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    if (pid > 0)
        child_wait(pid);
    CHECK(set("memory", "0") && set("kbytes", "1000"));
    CHECK_EQ(meminfo("CommitLimit:"), 1000);
    CHECK(set("ratio", "50"));
    CHECK(most != MAP_FAILED && more == MAP_FAILED && readable != MAP_FAILED);
    CHECK(protect == -1 && error == ENOMEM);
    CHECK_EQ(pid, -1); // the child would have needed what is promised to us once more
    return true;
}

/* Each is possible by itself; they differ in rights, so that they stay apart. */
static bool mappings_of_more_than_there_is_are_forked(void)
{
    size_t size = (size_t)meminfo("MemTotal:") * 1024 / 10 * 6 / PAGE * PAGE;
    char mode[8] = "";

    if (file_get("/proc/sys/vm/overcommit_memory", mode, sizeof mode) < 0 || mode[0] != '0')
        SKIP("promises are not guessed here");
    for (int i = 0; i < 3; i++)
        CHECK(map(size, PROT_READ | PROT_WRITE | (i & 1 ? PROT_EXEC : 0), 0) != MAP_FAILED);
    pid_t pid = fork();
    if (pid == 0)
        _exit(5);
    CHECK(exited_with(child_wait(pid), 5));
    return true;
}

/* Each in a process of its own, whose limits and maps go with it. */
#define ALONE(claim) tap_run(#claim, claim##_alone)
#define ALONE_CLAIM(claim) \
    static bool claim##_alone(void) { CHECK_CHILD(claim); return true; }

ALONE_CLAIM(address_space_is_limited)
ALONE_CLAIM(data_is_limited)
ALONE_CLAIM(limits_are_inherited)
ALONE_CLAIM(what_cannot_be_is_not_promised)
ALONE_CLAIM(strictly_no_more_than_there_is)
ALONE_CLAIM(mappings_of_more_than_there_is_are_forked)

int main(void)
{
    ALONE(address_space_is_limited);
    ALONE(data_is_limited);
    ALONE(limits_are_inherited);
    TEST(memory_info_tells_what_is_promised);
    TEST(child_is_promised_as_much_and_gives_it_back);
    ALONE(what_cannot_be_is_not_promised);
    ALONE(mappings_of_more_than_there_is_are_forked);
    ALONE(strictly_no_more_than_there_is);
    return tap_done();
}
