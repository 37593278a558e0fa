// SPDX-License-Identifier: MIT
/*
 * missing_calls.c - a system call that is not there says so, and is counted with its number and its caller.
 */
#include "gaur.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { NOBODY = 987 };

static char text[16384];

/* The count in the line `NUMBER NAME COUNT missing_calls`; 0 if there is none. */
static long counted(long number)
{
    long found, count;
    char name[64], program[64];

    if (file_get("/proc/gaur/missing", text, sizeof text) < 0)
        return -1;
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
        if (sscanf(line, "%ld %63s %ld %63s", &found, name, &count, program) == 4 && found == number &&
            strstr(program, "missing_calls"))
            return count;
    }
    return 0;
}

static bool unknown_numbers_are_enosys(void)
{
    static const long numbers[] = {NOBODY, 511, 1024, 100000, -1, -4096, 0x7fffffff};

    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        CHECK_FAILS(syscall(numbers[i], 1, 2, 3, 4, 5, 6), ENOSYS);
    return true;
}

static bool unknown_call_changes_nothing(void)
{
    volatile long a = 1, b = 2, c = 3;

    for (int i = 0; i < 100; i++)
        CHECK_FAILS(syscall(NOBODY, a, b, c), ENOSYS);
    CHECK(a == 1 && b == 2 && c == 3);
    return true;
}

static bool missing_calls_are_counted_with_their_caller(void)
{
    NEEDS_GAUR();
    long before = counted(NOBODY);
    CHECK(before >= 0);
    for (int i = 0; i < 5; i++)
        CHECK_FAILS(syscall(NOBODY), ENOSYS);
    CHECK_EQ(counted(NOBODY) - before, 5);
    return true;
}

static bool what_is_not_planned_is_enosys(void)
{
    NEEDS_GAUR();
    static const long numbers[] = {SYS_ptrace, SYS_inotify_init, SYS_unshare, SYS_rseq};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        CHECK_FAILS(syscall(numbers[i], 0, 0, 0, 0), ENOSYS);
    return true;
}

int main(void)
{
    TEST(unknown_numbers_are_enosys);
    TEST(unknown_call_changes_nothing);
    TEST(missing_calls_are_counted_with_their_caller);
    TEST(what_is_not_planned_is_enosys);
    return tap_done();
}
