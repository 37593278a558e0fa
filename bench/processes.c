// SPDX-License-Identifier: MIT
/*
 * processes.c - fork, as the parent sees the call and until the child's end is known; and starting a program.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

/* Reports fork_call_SUFFIX and fork_wait_SUFFIX. */
static void measure(const char *suffix, int rounds)
{
    const int before = 2; // what is made once
    uint64_t in_call = 0, in_all = 0;
    char name[64];

    for (int i = 0; i < before + rounds; i++) {
        uint64_t start = start_clock();
        pid_t child = (pid_t)syscall(SYS_fork);
        if (child == 0)
            syscall(SYS_exit_group, 0);
        uint64_t middle = now();
        if (child < 0 || waitpid(child, NULL, 0) != child)
            fail("fork");
        if (i < before)
            continue;
        in_call += middle - start;
        in_all += stop_clock(start);
    }
    snprintf(name, sizeof name, "fork_call_%s", suffix);
    report(name, in_call, rounds);
    snprintf(name, sizeof name, "fork_wait_%s", suffix);
    report(name, in_all, rounds);
}

/* With `size` bytes resident. */
void fork_cost(const char *suffix, size_t size)
{
    char *at = size ? map(size) : NULL;

    if (at)
        touch(at, size);
    measure(suffix, size < 512 * MIB ? 20 : 3);
    if (at)
        munmap(at, size);
}

/* With a thousand regions of a page each, which differ from their neighbours. */
void fork_regions(void)
{
    const size_t regions = 1000;
    char *at = map(regions * PAGE);

    touch(at, regions * PAGE);
    for (size_t i = 0; i < regions; i += 2)
        if (mprotect(at + i * PAGE, PAGE, PROT_READ))
            fail("mprotect");
    measure("regions", 20);
    munmap(at, regions * PAGE);
}

void spawn(void)
{
    const int rounds = 10;
    uint64_t start = 0;

    for (int i = 0; i < rounds + 1; i++) {
        if (i == 1)
            start = start_clock();
        pid_t child = fork();
        if (child == 0) {
            execl("/proc/self/exe", "micro", "--nothing", (char *)NULL);
            _exit(127);
        }
        if (child < 0)
            fail("fork");
        end_child(child);
    }
    report("spawn", stop_clock(start), rounds);
}
