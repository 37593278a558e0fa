// SPDX-License-Identifier: MIT
/*
 * support.c - what the rows share: memory to measure on, a line of results, a way to fail.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"

void report(const char *name, uint64_t total, uint64_t operations)
{
    printf("%s %lu\n", name, (unsigned long)(total / operations));
    fflush(stdout);
}

void fail(const char *what)
{
    perror(what);
    exit(1);
}

char *map(size_t size)
{
    char *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (at == MAP_FAILED)
        fail("mmap");
    return at;
}

void touch(char *at, size_t size)
{
    for (size_t i = 0; i < size; i += PAGE)
        at[i] = 1;
}

void end_child(pid_t child)
{
    int status;

    if (waitpid(child, &status, 0) != child || status != 0)
        fail("a child process");
}

void huge_pages(const char *mode)
{
    int fd = open("/sys/kernel/mm/transparent_hugepage/enabled", O_WRONLY | O_CLOEXEC);

    if (fd < 0)
        return; // a kernel without a say in it, or a user without
    if (write(fd, mode, strlen(mode)) < 0)
        perror("transparent_hugepage/enabled");
    close(fd);
}

uint64_t nanoseconds(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}
