// SPDX-License-Identifier: MIT
/*
 * calls.c - system calls that do next to nothing, and the way from one process to another and back.
 */
#include <unistd.h>

#include "bench.h"

void null_call(void)
{
    const int rounds = 1000;
    uint64_t start = start_clock();

    for (int i = 0; i < rounds; i++)
        getppid();
    report("null_call", stop_clock(start), rounds);
}

static void send(int fd)
{
    char byte = 0;

    if (write(fd, &byte, 1) != 1)
        fail("write to a pipe");
}

static void receive(int fd)
{
    char byte;

    if (read(fd, &byte, 1) != 1)
        fail("read from a pipe");
}

void pipe_round_trip(void)
{
    const int rounds = 300, before = 10; // before: both sides touch what they need
    int there[2], back[2];
    uint64_t start = 0;

    if (pipe(there) || pipe(back))
        fail("pipe");
    pid_t child = fork();
    for (int i = 0; child == 0 && i < before + rounds; i++) {
        receive(there[0]);
        send(back[1]);
    }
    if (child == 0)
        _exit(0);
    for (int i = 0; i < before + rounds; i++) {
        if (i == before)
            start = start_clock();
        send(there[1]);
        receive(back[0]);
    }
    report("pipe_round_trip", stop_clock(start), rounds);
    end_child(child);
    for (int i = 0; i < 2; i++) {
        close(there[i]);
        close(back[i]);
    }
}
