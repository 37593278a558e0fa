// SPDX-License-Identifier: MIT
/*
 * idle.c - how many forked children a small memory holds, each of which has returned from fork, written its stack and its
 * data, and sleeps; and what one of them takes, by kind of frame, as /proc/gaur/frames tells.
 */
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

#define MOST 4000
#define SAMPLE 256 // after so many children the frames are counted

static const char *const kinds[] = {"stack", "node", "vpi", "anonymous", "slab", "kernel"};
#define KINDS (sizeof kinds / sizeof kinds[0])

/* musl's fork writes to the thread's own structure, in the same page of data. */
static volatile char data;

/* How many frames of each kind there are. => false on a kernel that does not tell */
static bool count_frames(long *frames)
{
    FILE *file = fopen("/proc/gaur/frames", "re");
    char kind[32];
    long count;

    if (file == NULL)
        return false;
    while (fscanf(file, "%31s %ld", kind, &count) == 2)
        for (size_t i = 0; i < KINDS; i++)
            if (strcmp(kind, kinds[i]) == 0)
                frames[i] = count;
    fclose(file);
    return true;
}

static void report_frames(const long *before)
{
    long now[KINDS] = {0}, all = 0;
    char name[64];

    if (!count_frames(now))
        return;
    for (size_t i = 0; i < KINDS; i++) {
        long bytes = (now[i] - before[i]) * (long)PAGE;
        snprintf(name, sizeof name, "idle_%s", kinds[i]);
        report(name, bytes > 0 ? (uint64_t)bytes : 0, SAMPLE);
        all += bytes;
    }
    report("idle_bytes", (uint64_t)all, SAMPLE);
}

static void __attribute__((noreturn)) idle(int tell)
{
    volatile char stack[64];

    stack[0] = 1;
    data = stack[0];
    if (write(tell, (const char *)stack, 1) != 1)
        _exit(1);
    for (;;)
        pause();
}

/* Whether the child has told that it is there, before anybody had to go for want of memory. */
static bool settled(int told)
{
    struct pollfd pipe_end = {.fd = told, .events = POLLIN};
    char byte;

    while (waitpid(-1, NULL, WNOHANG) == 0) {
        if (poll(&pipe_end, 1, 10) == 1)
            return read(told, &byte, 1) == 1;
    }
    return false;
}

void idle_children(void)
{
    long before[KINDS] = {0};
    int ends[2], count = 0;
    sigset_t term;

    sigemptyset(&term);
    sigaddset(&term, SIGTERM);
    /* A group of their own to be ended by: a list of them would be memory that each of them holds a copy of. */
    if (pipe(ends) || (getpgrp() != getpid() && setpgid(0, 0)))
        fail("idle children");
    count_frames(before);
    while (count < MOST) {
        pid_t child = fork();
        if (child == 0)
            idle(ends[1]);
        if (child < 0)
            break;
        if (!settled(ends[0]))
            break;
        if (++count == SAMPLE)
            report_frames(before);
    }
    sigprocmask(SIG_BLOCK, &term, NULL); // not ourselves
    kill(0, SIGTERM);
    while (waitpid(-1, NULL, 0) > 0)
        ;
    report("idle_children", (uint64_t)count, 1);
}
