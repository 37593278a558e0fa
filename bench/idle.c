// SPDX-License-Identifier: MIT
/*
 * idle.c - how many forked children a small memory holds, each of which has returned from fork, written its stack and a
 * page of data, and sleeps.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

#define MOST 4000

static char data[PAGE];

static void __attribute__((noreturn)) idle(int tell)
{
    volatile char stack[64];

    stack[0] = 1;
    data[0] = stack[0];
    if (write(tell, data, 1) != 1)
        _exit(1);
    for (;;)
        pause();
}

/* Whether the child has told that it is there, before anybody had to go for want of memory. */
static int settled(int told)
{
    struct pollfd pipe_end = {.fd = told, .events = POLLIN};
    char byte;

    while (waitpid(-1, NULL, WNOHANG) == 0) {
        if (poll(&pipe_end, 1, 10) == 1)
            return read(told, &byte, 1) == 1;
    }
    return 0;
}

void idle_children(void)
{
    pid_t *children = malloc(MOST * sizeof *children);
    int ends[2], count = 0;

    if (children == NULL || pipe(ends))
        fail("idle children");
    while (count < MOST) {
        pid_t child = fork();
        if (child == 0)
            idle(ends[1]);
        if (child < 0)
            break;
        children[count] = child;
        if (!settled(ends[0]))
            break;
        count++;
    }
    for (int i = 0; i <= count && i < MOST && children[i] > 0; i++)
        kill(children[i], SIGKILL);
    while (waitpid(-1, NULL, 0) > 0)
        ;
    free(children);
    report("idle_children", (uint64_t)count, 1);
}
